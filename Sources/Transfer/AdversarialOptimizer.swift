import Glibc

/// The steps of both players by Adam, identical for all who apply the same averages.
///
/// Source: Kingma & Ba, *Adam* (ICLR 2015), algorithm 1. β₁ is 0.9 for G and 0.5 for D, which must follow a moving
/// target; β₂ is 0.99 for both.
public struct AdversarialOptimizer: Sendable {
    private static let secondDecay = 0.99
    private let configuration: AdversarialConfiguration
    private var extractor: Moments
    private var discriminator: Moments

    /// Starts with empty averages.
    public init(_ configuration: AdversarialConfiguration, _ shape: AdversarialShape) {
        configuration.check()
        self.configuration = configuration
        extractor = Moments(count: shape.extractorCount, decay: 0.9)
        discriminator = Moments(count: shape.discriminatorCount, decay: 0.5)
    }

    /// Moves D, or D and G, one step against an average.
    ///
    /// - Parameter progress: p, for the step length of G.
    public mutating func step(
        _ parameters: inout AdversarialParameters, _ average: AdversarialAverage, of part: AdversarialPart,
        progress: Double
    ) {
        var slope = average.discriminator
        for index in slope.indices {
            slope[index] += configuration.discriminatorDecay * parameters.discriminator[index]
        }
        discriminator.step(&parameters.discriminator, slope, rate: configuration.discriminatorRate)
        guard part == .both else { return }
        var gradient = average.extractor
        for index in gradient.indices { gradient[index] += configuration.extractorDecay * parameters.extractor[index] }
        if configuration.orthogonality > 0 {
            AdversarialOptimizer.addOrthogonality(
                parameters.shape.extractor, parameters.extractor, weight: configuration.orthogonality, &gradient)
        }
        extractor.step(&parameters.extractor, gradient, rate: configuration.extractorRate(at: progress))
    }

    /// Adds the gradient V(VᵀV − I) of ¼‖VᵀV − I‖².
    static func addOrthogonality(
        _ network: DenseNetwork, _ values: [Double], weight: Double, _ gradient: inout [Double]
    ) {
        let (range, rowCount) = network.lastWeights
        let count = network.outputCount
        var excess = [Double](repeating: 0, count: count * count)
        for index in 0..<count { excess[index * count + index] = -1 }
        for row in 0..<rowCount {
            let start = range.lowerBound + row * count
            for first in 0..<count {
                for second in 0..<count {
                    excess[first * count + second] += values[start + first] * values[start + second]
                }
            }
        }
        for row in 0..<rowCount {
            let start = range.lowerBound + row * count
            for first in 0..<count {
                for second in 0..<count {
                    gradient[start + second] += weight * values[start + first] * excess[first * count + second]
                }
            }
        }
    }

    /// The running averages of one vector.
    struct Moments: Sendable {
        private let decay: Double
        private var first: [Double]
        private var second: [Double]
        private var firstScale = 1.0
        private var secondScale = 1.0

        init(count: Int, decay: Double) {
            self.decay = decay
            first = [Double](repeating: 0, count: count)
            second = first
        }

        mutating func step(_ values: inout [Double], _ gradient: [Double], rate: Double) {
            precondition(values.count == first.count && gradient.count == first.count, "a step of another shape")
            firstScale *= decay
            secondScale *= secondDecay
            for index in values.indices {
                let slope = gradient[index]
                first[index] = decay * first[index] + (1 - decay) * slope
                second[index] = secondDecay * second[index] + (1 - secondDecay) * slope * slope
                let length = (second[index] / (1 - secondScale)).squareRoot() + 1e-8
                values[index] -= rate * first[index] / (1 - firstScale) / length
            }
        }
    }
}
