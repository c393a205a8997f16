import Glibc

/// An affine map or a network with one hidden layer, on a flat vector of parameters in Double.
///
/// Layout: the first layer's weights, input × units, row-major, and its biases; with a hidden layer then the second
/// layer's weights, units × output, and its biases. A row may fill only a block of the input: the rest of it is zero.
struct DenseNetwork: Sendable, Equatable {
    let inputCount: Int
    let outputCount: Int
    let hidden: (units: Int, activation: AdversarialActivation)?

    init(_ map: AdversarialMap, inputCount: Int, outputCount: Int) {
        precondition(inputCount > 0 && outputCount > 0, "a map from \(inputCount) to \(outputCount) dimensions")
        self.inputCount = inputCount
        self.outputCount = outputCount
        switch map {
        case .linear: hidden = nil
        case .hidden(let units, let activation):
            precondition(units > 0, "a hidden layer of \(units) units")
            hidden = (units, activation)
        }
    }

    static func == (first: DenseNetwork, second: DenseNetwork) -> Bool {
        first.inputCount == second.inputCount && first.outputCount == second.outputCount
            && first.hidden?.units == second.hidden?.units && first.hidden?.activation == second.hidden?.activation
    }

    /// Units of the first layer.
    var width: Int { hidden?.units ?? outputCount }
    var firstWeights: Range<Int> { 0..<inputCount * width }
    var firstBiases: Range<Int> { firstWeights.upperBound..<firstWeights.upperBound + width }
    /// Empty without a hidden layer.
    var secondWeights: Range<Int> {
        let start = firstBiases.upperBound
        return start..<start + (hidden == nil ? 0 : width * outputCount)
    }
    /// Empty without a hidden layer.
    var secondBiases: Range<Int> {
        let start = secondWeights.upperBound
        return start..<start + (hidden == nil ? 0 : outputCount)
    }
    var parameterCount: Int { secondBiases.upperBound }

    /// The last layer's weights and the number of their rows.
    var lastWeights: (range: Range<Int>, rowCount: Int) {
        hidden == nil ? (firstWeights, inputCount) : (secondWeights, width)
    }

    /// Rows that enter a network.
    struct Batch {
        /// Row-major.
        let rows: [Double]
        let width: Int
        /// The block of the input that each row fills; `nil` where rows fill it all.
        let blocks: [Int]?
        var count: Int { width == 0 ? 0 : rows.count / width }

        func offset(_ row: Int) -> Int { blocks.map { $0[row] * width } ?? 0 }
    }

    /// What a pass through the network has computed.
    struct Pass {
        /// After the activation, rows × units; the outputs without a hidden layer.
        var first: [Double]
        /// Rows × outputs.
        var outputs: [Double]
    }

    /// The outputs of rows. *Complexity*: O(rows · parameters of a block).
    func pass(_ parameters: [Double], _ batch: Batch) -> Pass {
        precondition(parameters.count == parameterCount && batch.width <= inputCount, "the input of a network")
        let (width, count, length) = (width, batch.count, batch.width)
        var first = [Double](repeating: 0, count: count * width)
        first.withUnsafeMutableBufferPointer { first in
            parameters.withUnsafeBufferPointer { parameters in
                batch.rows.withUnsafeBufferPointer { rows in
                    for row in 0..<count {
                        let target = row * width
                        for unit in 0..<width { first[target + unit] = parameters[firstBiases.lowerBound + unit] }
                        let block = batch.offset(row)
                        for column in 0..<length {
                            let value = rows[row * length + column]
                            let source = (block + column) * width
                            for unit in 0..<width { first[target + unit] += value * parameters[source + unit] }
                        }
                    }
                }
                switch hidden?.activation {
                case nil: break
                case .tanh: for index in first.indices { first[index] = tanh(first[index]) }
                case .relu: for index in first.indices { first[index] = max(first[index], 0) }
                }
            }
        }
        guard hidden != nil else { return Pass(first: first, outputs: first) }
        var outputs = [Double](repeating: 0, count: count * outputCount)
        for row in 0..<count {
            for output in 0..<outputCount {
                var sum = parameters[secondBiases.lowerBound + output]
                for unit in 0..<width {
                    sum +=
                        first[row * width + unit] * parameters[secondWeights.lowerBound + unit * outputCount + output]
                }
                outputs[row * outputCount + output] = sum
            }
        }
        return Pass(first: first, outputs: outputs)
    }

    /// Adds the gradient of the parameters to `gradient` for a gradient of the outputs, rows × outputs.
    ///
    /// - Returns: the gradient of the rows, rows × their width, where `needsRows` says so; else nothing.
    func reverse(
        _ parameters: [Double], _ batch: Batch, _ pass: Pass, outputs delta: [Double], needsRows: Bool,
        into gradient: inout [Double]
    ) -> [Double] {
        precondition(gradient.count == parameterCount && delta.count == pass.outputs.count, "a gradient of a network")
        let (width, count, length) = (width, batch.count, batch.width)
        var inner = delta
        if let hidden {
            inner = [Double](repeating: 0, count: count * width)
            for row in 0..<count {
                for output in 0..<outputCount {
                    let slope = delta[row * outputCount + output]
                    gradient[secondBiases.lowerBound + output] += slope
                    for unit in 0..<width {
                        let weight = secondWeights.lowerBound + unit * outputCount + output
                        gradient[weight] += slope * pass.first[row * width + unit]
                        inner[row * width + unit] += slope * parameters[weight]
                    }
                }
                for index in row * width..<(row + 1) * width {
                    let value = pass.first[index]
                    switch hidden.activation {
                    case .tanh: inner[index] *= 1 - value * value
                    case .relu: if value <= 0 { inner[index] = 0 }
                    }
                }
            }
        }
        var out = [Double](repeating: 0, count: needsRows ? count * length : 0)
        gradient.withUnsafeMutableBufferPointer { gradient in
            parameters.withUnsafeBufferPointer { parameters in
                inner.withUnsafeBufferPointer { inner in
                    for row in 0..<count {
                        let source = row * width
                        for unit in 0..<width { gradient[firstBiases.lowerBound + unit] += inner[source + unit] }
                        let block = batch.offset(row)
                        for column in 0..<length {
                            let value = batch.rows[row * length + column]
                            let weights = (block + column) * width
                            for unit in 0..<width { gradient[weights + unit] += value * inner[source + unit] }
                            guard needsRows else { continue }
                            var sum = 0.0
                            for unit in 0..<width { sum += inner[source + unit] * parameters[weights + unit] }
                            out[row * length + column] = sum
                        }
                    }
                }
            }
        }
        return out
    }
}

/// log(1 + eᶻ) without overflow.
func softplus(_ z: Double) -> Double { max(z, 0) + log1p(exp(-abs(z))) }

/// 1 / (1 + e⁻ᶻ) without overflow.
func logistic(_ z: Double) -> Double {
    let term = exp(-abs(z))
    return z >= 0 ? 1 / (1 + term) : term / (1 + term)
}

extension AdversarialDomain {
    /// The loss of a logit: −log σ(t) in the source, −log(1 − σ(t)) in the target.
    func loss(_ logit: Double) -> Double { softplus(self == .source ? -logit : logit) }
    /// The derivative of the loss.
    func slope(_ logit: Double) -> Double { self == .source ? -logistic(-logit) : logistic(logit) }
    /// Whether a logit says this domain; 0 says neither.
    func isCorrect(_ logit: Double) -> Bool { self == .source ? logit > 0 : logit < 0 }
}
