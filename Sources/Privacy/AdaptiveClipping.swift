import Glibc

/// A clipping bound that follows a quantile of the persons' norms, learned from one noisy bit a person and round.
///
/// In a round with bound C each participant adds b = +½ if its norm was at most C and −½ otherwise; who was refused adds
/// 0. The noisy total over the expected number of participants, a configured constant, and ½ are the estimated fraction
/// within the bound, and C ← C · exp(−η · (fraction − γ)).
///
/// *What is charged*: the bits are a Gaussian release of their own, of which one person moves the total by ½ under
/// add-remove: with σ_b on the total its noise multiplier is 2σ_b. It goes through the release gate beside the update; the
/// two together cost as much as one release of multiplier z when the update uses `updateNoiseMultiplier(total:bits:)`.
///
/// *Source*: Andrew, Thakkar, McMahan, Ramaswamy, *Differentially private learning with adaptive clipping* (NeurIPS 2021),
/// Algorithm 1 and Theorem 1.
public struct AdaptiveClipping: Sendable, Equatable {
    /// What one person moves the total by: the clipping bound of the bits' release.
    public static let bitBound = 0.5

    /// C of the round.
    public private(set) var bound: Double
    /// γ: the fraction of norms that should be within the bound.
    public let targetQuantile: Double
    /// η: the step on the logarithm of the bound.
    public let learningRate: Double
    /// The least and the largest bound.
    public let range: ClosedRange<Double>
    /// The expected number of participants, q·N.
    public let expectedCount: Double

    /// - Throws: `invalidParameter`.
    public init(
        initialBound: Double, range: ClosedRange<Double>, targetQuantile: Double = 0.5, learningRate: Double = 0.2,
        expectedCount: Double
    ) throws(PrivacyError) {
        try FixedPointGrid.check(clippingBound: range.lowerBound)
        try FixedPointGrid.check(clippingBound: range.upperBound)
        guard range.contains(initialBound) else {
            throw .invalidParameter(name: "initial clipping bound", requirement: "within the range of bounds")
        }
        guard targetQuantile >= 0, targetQuantile <= 1 else {
            throw .invalidParameter(name: "target quantile of adaptive clipping", requirement: "from 0 to 1")
        }
        guard learningRate > 0, learningRate <= 10 else {
            throw .invalidParameter(name: "learning rate of adaptive clipping", requirement: "above 0 and at most 10")
        }
        guard expectedCount > 0, expectedCount <= 0x1p40 else {
            throw .invalidParameter(name: "expected number of participants", requirement: "above 0 and at most 2⁴⁰")
        }
        bound = initialBound
        self.range = range
        self.targetQuantile = targetQuantile
        self.learningRate = learningRate
        self.expectedCount = expectedCount
    }

    /// What a person adds to the total.
    public static func bit(of outcome: ClippingOutcome) -> Float {
        switch outcome {
        case .within: Float(bitBound)
        case .clipped: -Float(bitBound)
        case .refused: 0
        }
    }

    /// Moves the bound by the noisy total of a round; a total that is no number leaves it.
    public mutating func update(noisyTotal: Double) {
        let fraction = 0.5 + noisyTotal / expectedCount
        let next = bound * exp(-learningRate * (fraction - targetQuantile))
        guard !next.isNaN else { return }
        bound = min(max(next, range.lowerBound), range.upperBound)
    }

    /// z_Δ = (z⁻² − b⁻²)^(−½): the multiplier that the update must use so that it and bits of multiplier b cost z together,
    /// all under one relation.
    ///
    /// - Throws: `invalidParameter` unless b > z > 0: the bits alone would cost more.
    public static func updateNoiseMultiplier(
        total noiseMultiplier: Double, bits: Double
    ) throws(PrivacyError) -> Double {
        guard noiseMultiplier.isFinite, noiseMultiplier > 0, bits.isFinite, bits > noiseMultiplier else {
            throw .invalidParameter(
                name: "noise of adaptive clipping (privacy.clipping-noise)",
                requirement: "more than half the noise multiplier \(noiseMultiplier), the whole under replace-one")
        }
        // z·b / √((b − z)(b + z)): no difference of near-equal squares.
        let ratio = noiseMultiplier / bits
        return noiseMultiplier / ((1 - ratio) * (1 + ratio)).squareRoot()
    }
}
