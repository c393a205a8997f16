/// The outer steps of meta-learning: Adam with one second moment a part (p₀, M, log α, W) instead of one a parameter.
///
/// A step against the mean gradient keeps its direction within a part. With white source features M then grows along the
/// cross-moment of features and targets first, and stopping early is a ridge; a step of the same length for every
/// element, as in Adam, fills M with noise. Source: Kingma & Ba, *Adam* (ICLR 2015), algorithm 1; one second moment a
/// part as in Ginsburg et al., *Training deep networks with stochastic gradient methods with layer-wise adaptive
/// moments* (2019).
public struct MetaOptimizer: Sendable {
    private let rate: Double
    private let mapRate: Double
    private let mapDecay: Double
    private let towerRate: Double
    private var first: [Double]
    private var second = [Double](repeating: 0, count: 4)
    private var firstScale = 1.0
    private var secondScale = 1.0

    /// Starts with empty averages.
    ///
    /// - Parameters:
    ///   - rate: the root mean square length of a step for each element of p₀ and for log α.
    ///   - mapRate: the same for M, as a share of `rate`, for the sum over the features.
    ///   - mapDecay: the share of M that each step takes away.
    ///   - towerRate: the length of a step of W, as a share of `rate`.
    public init(
        _ shape: MetaShape, rate: Double = 0.1, mapRate: Double = 0.3, mapDecay: Double = 0.02, towerRate: Double = 1
    ) {
        precondition(rate > 0 && rate.isFinite, "an outer rate of \(rate)")
        precondition(
            mapRate >= 0 && mapRate.isFinite && towerRate >= 0 && towerRate.isFinite, "shares of the outer rate")
        precondition((0..<1).contains(mapDecay), "a decay of \(mapDecay)")
        self.rate = rate
        self.towerRate = towerRate
        self.mapRate = mapRate
        self.mapDecay = mapDecay
        first = [Double](repeating: 0, count: shape.count)
    }

    /// Moves the parameters one step against the mean gradient; nowhere for the gradient of nobody.
    public mutating func step(_ parameters: inout MetaParameters, _ gradient: MetaGradient) {
        let shape = parameters.shape
        precondition(shape == gradient.shape && first.count == shape.count, "a step of another shape")
        guard gradient.personCount > 0 else { return }
        let mean = gradient.mean
        firstScale *= 0.9
        secondScale *= 0.99
        let parts = [shape.start, shape.featureMap, shape.logRate..<shape.logRate + 1, shape.tower]
        for (part, range) in parts.enumerated() where !range.isEmpty {
            let isMap = part == 1
            let share = isMap ? mapRate : part == 3 ? towerRate : 1
            let squares = range.reduce(0.0) { $0 + mean[$1] * mean[$1] }
            second[part] = 0.99 * second[part] + 0.01 * squares / Double(isMap ? shape.factorCount : range.count)
            // A part without any gradient stays: 0 / (0 + the small constant).
            let length = (second[part] / (1 - secondScale)).squareRoot() + 1e-12
            let scale = rate * share / (1 - firstScale) / length
            for index in range {
                first[index] = 0.9 * first[index] + 0.1 * mean[index]
                parameters.values[index] -= scale * first[index]
                if isMap { parameters.values[index] *= 1 - mapDecay }
            }
        }
    }
}
