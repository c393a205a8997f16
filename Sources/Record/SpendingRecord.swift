/// What was spent against one adversary up to and with a round.
public struct SpendingRecord: Sendable, Equatable {
    /// What an ε is of.
    public enum Scope: Hashable, Sendable {
        /// Everything that an adversary sees.
        case everything
        /// All protected releases together, given the unprotected ones.
        case protectedReleases
        /// One release, given the unprotected ones before it.
        case release(String)
    }

    /// The round, from 1.
    public let round: Int
    /// `coordinator`, `peer`, `colluders` or `model`.
    public let adversary: String
    /// What the ε is of.
    public let scope: Scope
    /// The cumulative ε; `nil` for no bound.
    public let epsilon: Double?

    /// Makes a point.
    public init(round: Int, adversary: String, scope: Scope, epsilon: Double?) {
        self.round = round
        self.adversary = adversary
        self.scope = scope
        self.epsilon = epsilon
    }
}
