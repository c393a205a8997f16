/// What a composition of releases costs.
public struct PrivacyGuarantee: Codable, Sendable, Equatable {
    /// ε, at least 0; infinite when there is no bound.
    public let epsilon: Double
    /// δ, between 0 and 1.
    public let delta: Double
    /// The relation that ε and δ speak of.
    public let relation: NeighbouringRelation
    /// The name of the accountant.
    public let accountant: String
    /// The Rényi order of the bound, for the accountant that has orders.
    public let order: Double?

    init(epsilon: Double, delta: Double, by accountant: some PrivacyAccountant, order: Double? = nil) {
        self.epsilon = epsilon
        self.delta = delta
        self.relation = accountant.relation
        self.accountant = accountant.name
        self.order = order
    }
}

/// Turns events into (ε, δ). Every answer is an upper bound on the truth for the events it knows; for any other event,
/// and for a relation that it has no bound for, it throws.
public protocol PrivacyAccountant: Sendable {
    /// A short name, printed beside every ε.
    var name: String { get }
    /// The relation that the guarantees speak of.
    var relation: NeighbouringRelation { get }
    /// The smallest ε that the accountant can show at `delta`; infinite when it can show none.
    ///
    /// - Throws: `invalidParameter`, `unsupportedEvent`, `unsupportedRelation`.
    func epsilon(of event: PrivacyEvent, delta: Double) throws(AccountingError) -> PrivacyGuarantee
    /// The smallest δ that the accountant can show at `epsilon`; 1 when it can show none.
    ///
    /// - Throws: `invalidParameter`, `unsupportedEvent`, `unsupportedRelation`.
    func delta(of event: PrivacyEvent, epsilon: Double) throws(AccountingError) -> PrivacyGuarantee
}

/// The largest argument for which a condition holds that holds below some point and not above: the upper end of the last
/// interval, so that a caller who needs the condition to fail is on the safe side.
func bisect(_ lower: Double, _ upper: Double, while holds: (Double) -> Bool) -> Double {
    var low = lower
    var high = upper
    for _ in 0..<200 {
        let middle = low + (high - low) / 2
        if middle <= low || middle >= high { break }
        if holds(middle) { low = middle } else { high = middle }
    }
    return high
}
