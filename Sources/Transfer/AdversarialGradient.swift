/// One client's sums of gradients, which add up over clients of a domain.
public struct AdversarialGradient: Sendable, Equatable {
    /// The client's domain.
    public let domain: AdversarialDomain
    /// ∂ Σ loss / ∂D over the rows that train D.
    public internal(set) var discriminator: [Double]
    /// ∂ Σ loss / ∂G over the same rows, not yet reversed; zeros where D alone is moved.
    public internal(set) var confusion: [Double]
    /// ∂ (preference loss) / ∂G summed over persons; zeros for a client without ratings and where D alone is moved.
    public internal(set) var preference: [Double]
    /// Σ loss of D.
    public internal(set) var domainLoss = 0.0
    /// The rows that train D.
    public internal(set) var rowCount = 0
    /// Those of them whose domain D tells.
    public internal(set) var correctCount = 0
    /// The preference loss summed over persons.
    public internal(set) var preferenceLoss = 0.0
    /// The interactions behind it.
    public internal(set) var interactionCount = 0

    /// The gradient of nothing.
    public init(_ shape: AdversarialShape, domain: AdversarialDomain) {
        self.domain = domain
        discriminator = [Double](repeating: 0, count: shape.discriminatorCount)
        confusion = [Double](repeating: 0, count: shape.extractorCount)
        preference = confusion
    }

    /// Sums that have travelled; `nil` where a vector has another size, a value is not finite or a count is negative.
    public init?(
        _ shape: AdversarialShape, domain: AdversarialDomain, discriminator: [Double], confusion: [Double],
        preference: [Double], domainLoss: Double, rowCount: Int, correctCount: Int, preferenceLoss: Double,
        interactionCount: Int
    ) {
        guard discriminator.count == shape.discriminatorCount, confusion.count == shape.extractorCount,
            preference.count == shape.extractorCount, rowCount >= 0, interactionCount >= 0,
            (0...rowCount).contains(correctCount), domainLoss.isFinite, preferenceLoss.isFinite,
            [discriminator, confusion, preference].allSatisfy({ $0.allSatisfy { $0.isFinite } })
        else { return nil }
        self.domain = domain
        self.discriminator = discriminator
        self.confusion = confusion
        self.preference = preference
        self.domainLoss = domainLoss
        self.rowCount = rowCount
        self.correctCount = correctCount
        self.preferenceLoss = preferenceLoss
        self.interactionCount = interactionCount
    }

    /// Adds another client of the same domain.
    public mutating func add(_ other: AdversarialGradient) {
        precondition(domain == other.domain, "a sum of gradients of two domains")
        precondition(
            discriminator.count == other.discriminator.count && confusion.count == other.confusion.count,
            "a sum of gradients of two shapes")
        for index in discriminator.indices { discriminator[index] += other.discriminator[index] }
        for index in confusion.indices { confusion[index] += other.confusion[index] }
        for index in preference.indices { preference[index] += other.preference[index] }
        domainLoss += other.domainLoss
        rowCount += other.rowCount
        correctCount += other.correctCount
        preferenceLoss += other.preferenceLoss
        interactionCount += other.interactionCount
    }
}

/// The gradients of both players, with equal weights of the domains.
public struct AdversarialAverage: Sendable, Equatable {
    /// ∂ L_dom / ∂D.
    public let discriminator: [Double]
    /// ∂ (L_pref − λ L_dom) / ∂G.
    public let extractor: [Double]
    /// L_dom.
    public let domainLoss: Double
    /// L_pref: of each domain with ratings the loss an interaction, averaged over those domains.
    public let preferenceLoss: Double
    /// The share of training rows whose domain D tells, averaged over the two domains.
    public let accuracy: Double

    /// Averages gradients of any number of clients, in their order.
    ///
    /// - Parameter reversal: λ.
    /// - Returns: `nil` where a domain has no rows: D cannot learn from one domain alone.
    public init?(_ gradients: [AdversarialGradient], reversal: Double) {
        var sums: [AdversarialGradient] = []
        for domain in AdversarialDomain.allCases {
            let parts = gradients.filter { $0.domain == domain }
            guard var sum = parts.first else { return nil }
            for part in parts.dropFirst() { sum.add(part) }
            guard sum.rowCount > 0 else { return nil }
            sums.append(sum)
        }
        let ratedCount = sums.count { $0.interactionCount > 0 }
        var discriminator = [Double](repeating: 0, count: sums[0].discriminator.count)
        var extractor = [Double](repeating: 0, count: sums[0].confusion.count)
        var (domainLoss, preferenceLoss, accuracy) = (0.0, 0.0, 0.0)
        for sum in sums {
            let scale = 0.5 / Double(sum.rowCount)
            for index in discriminator.indices { discriminator[index] += scale * sum.discriminator[index] }
            for index in extractor.indices { extractor[index] -= reversal * scale * sum.confusion[index] }
            domainLoss += scale * sum.domainLoss
            accuracy += scale * Double(sum.correctCount)
            guard sum.interactionCount > 0 else { continue }
            let share = 1 / Double(sum.interactionCount * ratedCount)
            for index in extractor.indices { extractor[index] += share * sum.preference[index] }
            preferenceLoss += share * sum.preferenceLoss
        }
        self.discriminator = discriminator
        self.extractor = extractor
        self.domainLoss = domainLoss
        self.preferenceLoss = preferenceLoss
        self.accuracy = accuracy
    }
}
