import Glibc

/// The exact cost of Gaussian noise, composed in any mixture of noise multipliers without sampling.
///
/// Source: Balle & Wang, *Improving the Gaussian mechanism for differential privacy* (ICML 2018), Theorem 8; the
/// composition of Gaussians is a Gaussian: Dong, Roth & Su, *Gaussian differential privacy* (2022), Corollary 3.3.
public struct AnalyticGaussianAccountant: PrivacyAccountant {
    /// `exact`.
    public var name: String { "exact" }
    /// The relation; the result is the same under both, the noise multiplier is not.
    public let relation: NeighbouringRelation

    /// An accountant for one relation.
    public init(relation: NeighbouringRelation = .addRemove) { self.relation = relation }

    /// The exact ε at δ, rounded up.
    ///
    /// - Throws: `invalidParameter`; `unsupportedEvent` for everything but compositions of unsampled Gaussian noise.
    /// - Complexity: linear in the events written out.
    public func epsilon(of event: PrivacyEvent, delta: Double) throws(AccountingError) -> PrivacyGuarantee {
        try requireDelta(delta)
        let mean = try separation(of: event)
        return PrivacyGuarantee(
            epsilon: AnalyticGaussianAccountant.epsilon(separation: mean, delta: delta), delta: delta, by: self)
    }

    /// The exact δ at ε.
    ///
    /// - Throws: `invalidParameter`; `unsupportedEvent` for everything but compositions of unsampled Gaussian noise.
    /// - Complexity: linear in the events written out.
    public func delta(of event: PrivacyEvent, epsilon: Double) throws(AccountingError) -> PrivacyGuarantee {
        try requireEpsilon(epsilon)
        let mean = try separation(of: event)
        return PrivacyGuarantee(
            epsilon: epsilon, delta: AnalyticGaussianAccountant.delta(separation: mean, epsilon: epsilon), by: self)
    }

    /// The distance between the two means in standard deviations, "μ" in Gaussian differential privacy.
    private func separation(of event: PrivacyEvent) throws(AccountingError) -> Double {
        let composition = try EventComposition(event)
        if composition.isUnprotected { return .infinity }
        var gaussians: [(noiseMultiplier: Double, count: Int)] = []
        for part in composition.parts {
            guard case .gaussian(let noise) = part.event else {
                throw .unsupportedEvent(event: part.event.kind, accountant: name)
            }
            gaussians.append((noise, part.count))
        }
        guard let noise = EventComposition.equivalentNoiseMultiplier(gaussians) else { return 0 }
        return 1 / noise
    }

    /// δ(ε) = Φ(μ/2 − ε/μ) − e^ε Φ(−μ/2 − ε/μ), by Mills' ratios where the two terms are tails: φ(a) = e^ε φ(b).
    static func delta(separation mean: Double, epsilon: Double) -> Double {
        guard mean > 0 else { return 0 }
        guard mean < .infinity else { return 1 }
        let a = epsilon / mean - mean / 2
        let b = epsilon / mean + mean / 2
        guard b < .infinity else { return 0 }
        let density = exp(-a * a / 2) / (2 * Double.pi).squareRoot()
        let first = a < 0 ? normalTail(a) : density * millsRatio(a)
        return max(0, min(1, first - density * millsRatio(b)))
    }

    /// The smallest ε at δ, rounded up.
    static func epsilon(separation mean: Double, delta: Double) -> Double {
        guard mean > 0 else { return 0 }
        guard mean < .infinity else { return .infinity }
        if self.delta(separation: mean, epsilon: 0) <= delta { return 0 }
        var upper = max(1, mean)
        while self.delta(separation: mean, epsilon: upper) > delta {
            upper *= 2
            if upper == .infinity { return upper }
        }
        return bisect(0, upper) { self.delta(separation: mean, epsilon: $0) > delta }
    }
}
