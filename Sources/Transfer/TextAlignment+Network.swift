public import Numerics

extension TextAlignment {
    /// How a linear network is trained.
    public struct NetworkTraining: Sendable, Equatable {
        /// Passes over the pairs.
        public let epochs: Int
        /// The step, as a share of the largest that is stable for a pair of mean length; below 1.
        public let rate: Double
        /// The decay of the weights for each pass, as a share.
        public let weightDecay: Double

        /// Settings of the training.
        public init(epochs: Int = 100, rate: Double = 0.5, weightDecay: Double = 0) {
            precondition(epochs >= 0 && rate > 0 && rate < 1 && (0...1).contains(weightDecay), "a network's training")
            self.epochs = epochs
            self.rate = rate
            self.weightDecay = weightDecay
        }
    }

    /// A network of one linear layer, trained by stochastic gradient descent on ½‖y − Wᵀx‖² of centred pairs.
    ///
    /// The step of pass t is rate / (mean ‖x‖² · (1 + t / epochs)²). *Determinism*: pairs come in a new order from
    /// `stream` in every pass; sums in Double. *Complexity*: O(epochs · pairs · from dimension · to dimension).
    /// - Throws: `notFinite`.
    public static func network(
        _ pairs: TextPairs, training: NetworkTraining, stream: RandomStream
    ) throws(NumericsError) -> TextAlignment {
        var stream = stream
        let (inputs, outputs) = (pairs.from.columnCount, pairs.to.columnCount)
        let (origin, target) = (columnMeans(pairs.from), columnMeans(pairs.to))
        let first = centredRows(pairs.from, origin)
        let second = centredRows(pairs.to, target)
        var weights = [Double](repeating: 0, count: inputs * outputs)
        var residual = [Double](repeating: 0, count: outputs)
        let length = first.reduce(0.0) { $0 + $1 * $1 } / Double(max(pairs.count, 1))
        for epoch in 0..<(length > 0 ? training.epochs : 0) {
            let cooling = 1 + Double(epoch) / Double(training.epochs)
            let step = training.rate / (length * cooling * cooling)
            for pair in stream.permutation(count: pairs.count) {
                for output in 0..<outputs { residual[output] = second[pair * outputs + output] }
                for input in 0..<inputs {
                    let value = first[pair * inputs + input]
                    for output in 0..<outputs { residual[output] -= value * weights[input * outputs + output] }
                }
                for input in 0..<inputs {
                    let value = step * first[pair * inputs + input]
                    for output in 0..<outputs { weights[input * outputs + output] += value * residual[output] }
                }
            }
            if training.weightDecay > 0 { for index in weights.indices { weights[index] *= 1 - training.weightDecay } }
        }
        guard weights.allSatisfy({ $0.isFinite }) else { throw .notFinite(what: "a text alignment") }
        return TextAlignment(
            matrix: Matrix(rowCount: inputs, columnCount: outputs, values: weights.map { Float($0) }),
            origin: origin.map { Float($0) }, target: target.map { Float($0) })
    }
}
