public import Cryptography

/// What every integer noise of a release keeps to.
public enum IntegerNoise {
    /// The smallest standard deviation, in integer units, that a release may use.
    ///
    /// From 4 units on the discrete Gaussian's variance is σ² to every digit of a Double, and the sum of several is so
    /// close to a discrete Gaussian that the divergence term of Kairouz, Liu, Steinke 2021 vanishes (below 10⁻⁶⁷ a
    /// coordinate and summand).
    public static let minimumStandardDeviation = 4.0
    /// The largest standard deviation, in integer units: with it every step of the samplers fits 128 bits.
    public static let maximumStandardDeviation = 0x1p36
    /// The number of bits to which a variance is rounded.
    static let precision = 38
    /// The number of draws of probability exp(−1) in a row that no working generator gives.
    static let quotientLimit: UInt64 = 1 << 20

    /// Checks a standard deviation given by its square.
    static func check(variance: Double) throws(PrivacyError) {
        guard variance.isFinite, variance > 0 else {
            throw .invalidParameter(name: "variance of the noise", requirement: "finite and positive")
        }
        guard variance >= minimumStandardDeviation * minimumStandardDeviation else {
            throw .noiseTooFine(standardDeviation: variance.squareRoot(), minimum: minimumStandardDeviation)
        }
        guard variance <= maximumStandardDeviation * maximumStandardDeviation else {
            throw .rangeExceeded(magnitude: variance.squareRoot(), limit: maximumStandardDeviation)
        }
    }
}

/// The discrete Gaussian on the integers, P(y) ∝ exp(−y²/2σ²), sampled exactly: no floating-point number takes part in
/// a draw.
///
/// σ² is a dyadic rational `significand · 2^(2k − 38)` with 2³⁷ ≤ significand ≤ 2³⁹, the least one that is not below
/// what was asked for; it is at most a part in 2³⁷ larger, and `variance` gives it exactly. The proposal has the scale
/// 2^k, the power of two next to σ (0.7 … 1.42 σ): any scale gives the same distribution, and with this one every
/// fraction has a denominator that fits 128-bit arithmetic. The acceptance is then 0.65 to 0.76 a proposal.
///
/// The time of a draw depends on what is drawn, as with every rejection sampler (Jin et al. 2022): who can time single
/// draws learns about the noise. A release draws thousands of numbers before it sends anything.
///
/// *Source*: Canonne, Kamath, Steinke, *The discrete Gaussian for differential privacy* (NeurIPS 2020), Algorithms 1–3,
/// https://arxiv.org/abs/2004.00010. *Determinism*: draws from the stream that the caller passes.
public struct DiscreteGaussian: Sendable, Equatable {
    /// σ² of the parameter, exactly; from σ = 4 on it equals the distribution's variance to every digit of a Double.
    public let variance: Double
    /// k: the proposal's scale is 2^k.
    private let exponent: Int
    private let significand: UInt64

    /// The distribution with the least representable variance that is not below `variance`, in squared integer units.
    ///
    /// - Throws: `invalidParameter` for what is no positive number, `noiseTooFine` below 16, `rangeExceeded` above 2⁷².
    public init(variance: Double) throws(PrivacyError) {
        try IntegerNoise.check(variance: variance)
        // 2^(2k−1) ≤ σ² < 2^(2k+1).
        exponent = (Int(variance.exponent) + 1) >> 1
        let unit = Double(sign: .plus, exponent: 2 * exponent - IntegerNoise.precision, significand: 1)
        let rounded = (variance / unit).rounded(.up)
        significand = UInt64(rounded)
        self.variance = rounded * unit
    }

    /// The distribution with the least representable variance that is not below σ², in integer units.
    ///
    /// - Throws: `invalidParameter`, `noiseTooFine` below 4, `rangeExceeded` above 2³⁶.
    public init(standardDeviation: Double) throws(PrivacyError) {
        guard standardDeviation > 0 else {
            throw .invalidParameter(name: "standard deviation of the noise", requirement: "finite and positive")
        }
        let square = standardDeviation * standardDeviation
        let isRoundedDown = square.isFinite && (-square).addingProduct(standardDeviation, standardDeviation) > 0
        try self.init(variance: isRoundedDown ? square.nextUp : square)
    }

    /// σ, the square root of `variance`.
    public var standardDeviation: Double { variance.squareRoot() }

    /// One draw. *Complexity*: about 1.4 proposals on average, without bound.
    public func sample(from stream: inout KeyStream) -> Int64 {
        let scaleBits = UInt64(exponent)
        let precision = UInt64(IntegerNoise.precision)
        // γ = (|y| − σ²/t)² / 2σ² with t = 2^k and σ² = w·2^(2k−38), hence
        // γ = (|y|·2^(38−k) − w)² / (w·2³⁹). |y| < 2^(k+20), so the difference is below 2⁵⁸ and its square below 2¹¹⁶;
        // the denominator is at most 2⁷⁸.
        let denominator = UInt128(significand) &<< UInt128(precision + 1)
        while true {
            let (magnitude, isNegative) = KeyStream.laplace(scaleBits: scaleBits, from: &stream)
            let scaled = magnitude &<< (precision - scaleBits)
            let difference = scaled > significand ? scaled - significand : significand - scaled
            let square = UInt128(difference) &* UInt128(difference)
            if stream.bernoulliExp(ofMinus: square, over: denominator) {
                return isNegative ? -Int64(magnitude) : Int64(magnitude)
            }
        }
    }

    /// Adds an independent draw to every value, wrapping around as the ring of 64-bit integers does.
    public func add(to values: inout [Int64], from stream: inout KeyStream) {
        for index in values.indices { values[index] &+= sample(from: &stream) }
    }
}

/// The discrete Laplace distribution on the integers, P(y) ∝ exp(−|y|/b), sampled exactly.
///
/// b is a dyadic rational of 38 significant bits, the least one that is not below what was asked for. With sensitivity Δ
/// in ℓ1 a release is (Δ/b, 0)-differentially private, exactly.
///
/// *Source*: Canonne, Kamath, Steinke 2020, Algorithm 2; Ghosh, Roughgarden, Sundararajan 2009 (the geometric
/// mechanism). *Determinism*: draws from the stream that the caller passes.
public struct DiscreteLaplace: Sendable, Equatable {
    /// b, exactly.
    public let scale: Double
    /// b = numerator / 2^denominatorBits.
    private let numerator: UInt64
    private let denominatorBits: UInt64

    /// The distribution with the least representable scale that is not below `scale`, in integer units.
    ///
    /// - Throws: `invalidParameter`; `noiseTooFine` when the standard deviation √2·b is below 4; `rangeExceeded` when it
    ///   is above 2³⁶.
    public init(scale: Double) throws(PrivacyError) {
        guard scale > 0 else {
            throw .invalidParameter(name: "scale of the noise", requirement: "finite and positive")
        }
        try IntegerNoise.check(variance: 2 * scale * scale)
        // 2^(38 − exponent) with 1 ≤ exponent ≤ 35: the numerator has 39 bits.
        let bits = IntegerNoise.precision - Int(scale.exponent)
        let unit = Double(sign: .plus, exponent: -bits, significand: 1)
        let rounded = (scale / unit).rounded(.up)
        numerator = UInt64(rounded)
        denominatorBits = UInt64(bits)
        self.scale = rounded * unit
    }

    /// The variance of the distribution, 2e^(1/b)/(e^(1/b) − 1)² = 1/(2 sinh²(1/2b)), by its series where b is large.
    public var variance: Double {
        // 1/(2 sinh²(x/2)) = 2/x² − 1/6 + x²/120 − x⁴/3024 + …; x ≤ 0.36, so the next term is below 10⁻⁷.
        let inverse = 1 / scale
        return 2 * scale * scale - 1.0 / 6 + inverse * inverse / 120 - inverse * inverse * inverse * inverse / 3024
    }

    /// One draw. *Complexity*: about 1.6 proposals on average, without bound.
    public func sample(from stream: inout KeyStream) -> Int64 {
        while true {
            let offset = stream.integer(below: numerator)
            guard stream.bernoulliExp(ofMinus: UInt128(offset), over: UInt128(numerator)) else { continue }
            // numerator ≤ 2³⁹ and the quotient is below 2²⁰: the sum is below 2⁶⁰.
            let quotient = KeyStream.geometric(from: &stream)
            let magnitude = (offset + numerator * quotient) >> denominatorBits
            let isNegative = stream.nextWord() & 1 == 1
            if isNegative && magnitude == 0 { continue }
            return isNegative ? -Int64(magnitude) : Int64(magnitude)
        }
    }

    /// Adds an independent draw to every value, wrapping around as the ring of 64-bit integers does.
    public func add(to values: inout [Int64], from stream: inout KeyStream) {
        for index in values.indices { values[index] &+= sample(from: &stream) }
    }
}

extension KeyStream {
    /// The number of successes, each of probability exp(−1), before the first failure.
    @inline(__always)
    fileprivate static func geometric(from stream: inout KeyStream) -> UInt64 {
        var count: UInt64 = 0
        while stream.bernoulliExpOfMinusOne() {
            count += 1
            precondition(count < IntegerNoise.quotientLimit, "an event of probability e⁻¹⁰⁴⁸⁵⁷⁶ happened")
        }
        return count
    }

    /// A draw of the discrete Laplace distribution of scale 2^`scaleBits` as magnitude and sign: Algorithm 2 with s = 1.
    @inline(__always)
    fileprivate static func laplace(
        scaleBits: UInt64, from stream: inout KeyStream
    ) -> (magnitude: UInt64, isNegative: Bool) {
        let mask = (UInt64(1) &<< scaleBits) &- 1
        while true {
            let bits = stream.next()
            let offset = (bits &>> 1) & mask
            guard stream.bernoulliExp(ofMinus: UInt128(offset), over: UInt128(1) &<< UInt128(scaleBits)) else {
                continue
            }
            let magnitude = offset | geometric(from: &stream) &<< scaleBits
            let isNegative = bits & 1 == 1
            if isNegative && magnitude == 0 { continue }
            return (magnitude, isNegative)
        }
    }
}
