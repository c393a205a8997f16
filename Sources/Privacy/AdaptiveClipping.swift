import Glibc

/// A clipping bound that follows a quantile of the persons' norms, learned from one noisy bit a person and round.
///
/// In a round with bound C each participant adds b = +1 if its norm was at most C and −1 otherwise, in `bitWeight` units;
/// who was refused adds 0. The noisy total estimates the fraction within the bound, and
/// C ← C · exp(−η · (fraction − γ)). The divisor is the *expected* number of participants, a configured constant.
///
/// *What is charged*: the bits are one Gaussian release of noise multiplier `bitNoiseMultiplier` = 2σ_b, beside the update's
/// own; the two together cost as much as one release of multiplier z when the update uses
/// `updateNoiseMultiplier(total:bitDeviation:)`.
///
/// *Source*: Andrew, Thakkar, McMahan, Ramaswamy, *Differentially private learning with adaptive clipping* (NeurIPS 2021),
/// Algorithm 1 and Theorem 1.
public struct AdaptiveClipping: Sendable, Equatable {
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
    /// What one bit adds to the integer total, a power of two.
    public let bitWeight: Int64
    /// The number of equal shares of noise that the total must contain.
    public let noiseShareCount: Int
    /// The noise of one share, for the integer total.
    public let noise: DiscreteGaussian

    /// - Parameter bitDeviation: σ_b, the standard deviation of the noise on the *number* of persons within the bound.
    /// - Throws: `invalidParameter`, `rangeExceeded`.
    public init(
        initialBound: Double, range: ClosedRange<Double>, targetQuantile: Double = 0.5, learningRate: Double = 0.2,
        expectedCount: Double, bitDeviation: Double, noiseShareCount: Int = 1
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
        guard bitDeviation >= 0x1p-10, bitDeviation <= 0x1p30 else {
            throw .invalidParameter(name: "noise of adaptive clipping", requirement: "from 2⁻¹⁰ to 2³⁰")
        }
        guard noiseShareCount >= 1, noiseShareCount <= 1 << 20 else {
            throw .invalidParameter(name: "number of noise shares", requirement: "from 1 to 2²⁰")
        }
        bound = initialBound
        self.range = range
        self.targetQuantile = targetQuantile
        self.learningRate = learningRate
        self.expectedCount = expectedCount
        self.noiseShareCount = noiseShareCount
        // A bit of ±1 counts a person as ±½, hence the 2.
        let deviation = 2 * bitDeviation / Double(noiseShareCount).squareRoot().nextDown
        var weight = 1.0
        while weight * deviation < IntegerNoise.minimumStandardDeviation { weight *= 2 }
        bitWeight = Int64(weight)
        noise = try DiscreteGaussian(standardDeviation: weight * deviation)
    }

    /// What a person adds to the integer total.
    public func bit(of outcome: ClippingOutcome) -> Int64 {
        switch outcome {
        case .within: bitWeight
        case .clipped: -bitWeight
        case .refused: 0
        }
    }

    /// σ ÷ sensitivity of the bits' release under add-remove: 2σ_b, at least what was asked for.
    public var bitNoiseMultiplier: Double {
        (Double(noiseShareCount) * noise.variance).squareRoot() / Double(bitWeight)
    }

    /// Moves the bound by the noisy total of a round.
    public mutating func update(noisyTotal: Int64) {
        let fraction = 0.5 + Double(noisyTotal) / (2 * Double(bitWeight) * expectedCount)
        let next = bound * exp(-learningRate * (fraction - targetQuantile))
        bound = min(max(next, range.lowerBound), range.upperBound)
    }

    /// z_Δ = (z⁻² − (2σ_b)⁻²)^(−½): the multiplier that the update must use so that update and bits cost z together.
    ///
    /// - Throws: `invalidParameter` unless 2σ_b > z > 0: the bits alone would cost more.
    public static func updateNoiseMultiplier(
        total noiseMultiplier: Double, bitDeviation: Double
    ) throws(PrivacyError) -> Double {
        let bits = 2 * bitDeviation
        guard noiseMultiplier.isFinite, noiseMultiplier > 0, bits.isFinite, bits > noiseMultiplier else {
            throw .invalidParameter(
                name: "noise of adaptive clipping", requirement: "more than half the noise multiplier, and finite")
        }
        // z·2σ_b / √((2σ_b − z)(2σ_b + z)): no difference of near-equal squares.
        let ratio = noiseMultiplier / bits
        return noiseMultiplier / ((1 - ratio) * (1 + ratio)).squareRoot()
    }
}
