/// Why a privacy cost is not computed. An accountant never answers with an approximation of something it does not know.
public enum AccountingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A parameter is outside its range; `requirement` completes the sentence "… must be".
    case invalidParameter(name: String, value: String, requirement: String)
    /// The accountant has no bound for this kind of event.
    case unsupportedEvent(event: String, accountant: String)
    /// The accountant has no bound for this kind of event under this neighbouring relation.
    case unsupportedRelation(event: String, relation: NeighbouringRelation, accountant: String)
    /// No noise multiplier within the range searched costs at most the target.
    case unreachableTarget(epsilon: Double, delta: Double)

    /// A sentence for a person.
    public var description: String {
        switch self {
        case .invalidParameter(let name, let value, let requirement): "\(name) must be \(requirement), not \(value)"
        case .unsupportedEvent(let event, let accountant): "the \(accountant) accountant has no bound for \(event)"
        case .unsupportedRelation(let event, let relation, let accountant):
            "the \(accountant) accountant has no bound for \(event) under the relation \(relation)"
        case .unreachableTarget(let epsilon, let delta):
            "no noise multiplier costs at most ε = \(epsilon) at δ = \(delta)"
        }
    }
}

/// Throws unless a parameter is what it must be.
func require(_ holds: Bool, _ name: String, _ value: some Any, _ requirement: String) throws(AccountingError) {
    guard holds else { throw .invalidParameter(name: name, value: "\(value)", requirement: requirement) }
}
