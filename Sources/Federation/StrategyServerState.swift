/// The momentum m and the second moments v of the server, and the step that they make of a round's mean Δ.
///
/// There is no correction of the first rounds' bias, as in the source: v starts at τ², so that the first steps are not
/// huge.
struct ServerState: Sendable {
    private let configuration: StrategyConfiguration
    private var momentum: [Double] = []
    private var secondMoments: [Double] = []

    init(_ configuration: StrategyConfiguration, count: Int) {
        self.configuration = configuration
        let strategy = configuration.strategy
        if strategy == .fedAvgM || strategy.isAdaptive { momentum = [Double](repeating: 0, count: count) }
        if strategy.isAdaptive {
            secondMoments = [Double](
                repeating: configuration.adaptivity * configuration.adaptivity, count: count)
        }
    }

    /// m and v as one vector.
    var values: [Double] {
        get { momentum + secondMoments }
        set {
            precondition(newValue.count == momentum.count + secondMoments.count, "the state of another server")
            secondMoments = Array(newValue[momentum.count...])
            momentum = Array(newValue[..<momentum.count])
        }
    }

    /// The step for the mean update Δ of a round:
    ///
    /// - fedavgm: m ← β₁m + Δ, step η m (Hsu et al. 2019);
    /// - adaptive: m ← β₁m + (1 − β₁)Δ, step η m / (√v + τ), where v becomes v + Δ² (fedadagrad), β₂v + (1 − β₂)Δ²
    ///   (fedadam) or v − (1 − β₂)Δ² sign(v − Δ²) (fedyogi) (Reddi et al. 2021);
    /// - others: η Δ.
    mutating func step(_ mean: [Double]) -> [Float] {
        let rate = configuration.serverRate
        let kept = configuration.momentum
        let fresh = 1 - configuration.secondMomentum
        switch configuration.strategy {
        case .fedAvgM:
            for index in mean.indices { momentum[index] = kept * momentum[index] + mean[index] }
            return momentum.map { Float(rate * $0) }
        case .fedAdam, .fedYogi, .fedAdagrad:
            var step = [Float](repeating: 0, count: mean.count)
            for (index, value) in mean.enumerated() {
                let square = value * value
                let old = secondMoments[index]
                let next =
                    switch configuration.strategy {
                    case .fedAdagrad: old + square
                    case .fedAdam: configuration.secondMomentum * old + fresh * square
                    default: old - fresh * square * (old > square ? 1 : old < square ? -1 : 0)
                    }
                secondMoments[index] = next
                momentum[index] = kept * momentum[index] + (1 - kept) * value
                step[index] = Float(rate * momentum[index] / (next.squareRoot() + configuration.adaptivity))
            }
            return step
        default: return mean.map { Float(rate * $0) }
        }
    }
}
