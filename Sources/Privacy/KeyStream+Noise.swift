public import Cryptography
public import Numerics

extension StreamKey {
    /// The key of a named path, written like the path of a `RandomStream`.
    public func derived(_ path: [StreamComponent]) -> StreamKey {
        derived(
            path.map { component -> String in
                switch component {
                case .name(let name): "n" + name
                case .number(let number): "#\(number)"
                }
            })
    }
}

// The decisions below compare integers only: no rounding can move a probability. A uniform real in [0, 1) is read 32
// bits at a time, and almost always its first 32 bits decide; when they do not, the next 32 are read.
extension KeyStream {
    /// Denominators stay below 2⁷⁹, so that a denominator times 2¹⁷ (the series below) times 2³² (one digit) is below
    /// 2¹²⁸.
    static let denominatorLimit = UInt128(1) << 79

    /// Whether a uniform real of [0, 1) is below `numerator / denominator`: true with exactly that probability.
    ///
    /// No overflow: `numerator ≤ denominator < 2⁹⁶`, a digit is below 2³².
    @inline(__always)
    package mutating func bernoulli(_ numerator: UInt128, over denominator: UInt128) -> Bool {
        var remainder = numerator
        while true {
            let scaled = remainder &<< 32
            let drawn = UInt128(nextWord()) &* denominator
            if drawn >= scaled { return false }
            remainder = scaled &- drawn
            if remainder >= denominator { return true }
        }
    }

    /// True with probability exp(−1), exactly.
    @inline(__always)
    package mutating func bernoulliExpOfMinusOne() -> Bool {
        // The series of `bernoulliUnitExp` at γ = 1: its first term is certain, and each later one is 1/K, which fits
        // 64-bit arithmetic.
        var term: UInt64 = 2
        while true {
            var remainder: UInt64 = 1
            var isBelow = false
            while true {
                let scaled = remainder &<< 32
                let drawn = UInt64(nextWord()) &* term
                if drawn >= scaled { break }
                remainder = scaled &- drawn
                if remainder >= term {
                    isBelow = true
                    break
                }
            }
            if !isBelow { return term & 1 == 1 }
            term += 1
            precondition(term < 1 << 17, "an event of probability below 2⁻²⁰⁰⁰⁰⁰ happened: the generator is broken")
        }
    }

    /// True with probability exp(−γ) for a rational γ = `numerator / denominator` in [0, 1], exactly.
    ///
    /// *Source*: Canonne, Kamath, Steinke, *The discrete Gaussian for differential privacy* (NeurIPS 2020), Algorithm 1,
    /// case γ ≤ 1: draw A_K ~ Bernoulli(γ/K) until one is 0; the answer is whether that K is odd.
    @inline(__always)
    private mutating func bernoulliUnitExp(_ numerator: UInt128, over denominator: UInt128) -> Bool {
        var term: UInt64 = 1
        var product = denominator
        while bernoulli(numerator, over: product) {
            term += 1
            product = product &+ denominator
            precondition(term < 1 << 17, "an event of probability below 2⁻²⁰⁰⁰⁰⁰ happened: the generator is broken")
        }
        return term & 1 == 1
    }

    /// True with probability exp(−γ) for a rational γ = `numerator / denominator` ≥ 0, exactly.
    ///
    /// *Source*: Canonne, Kamath, Steinke 2020, Algorithm 1.
    ///
    /// - Precondition: the denominator is positive and below 2⁷⁹.
    @inline(__always)
    package mutating func bernoulliExp(ofMinus numerator: UInt128, over denominator: UInt128) -> Bool {
        precondition(denominator > 0 && denominator < KeyStream.denominatorLimit, "the denominator is out of range")
        var remainder = numerator
        // γ is seldom above 2, so subtraction beats a 128-bit division; each step goes on with probability 0.37 only.
        while remainder > denominator {
            guard bernoulliExpOfMinusOne() else { return false }
            remainder = remainder &- denominator
        }
        return bernoulliUnitExp(remainder, over: denominator)
    }
}
