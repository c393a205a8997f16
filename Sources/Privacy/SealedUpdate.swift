public import Parameters

/// An update that may be sent; only the release gate makes one.
public struct SealedUpdate: Sendable {
    /// The round it answers.
    public let round: Int
    /// The policy under which it was released.
    public let policy: ReleasePolicy
    /// The released tensors.
    package let parameters: ParameterSet

    init(round: Int, policy: ReleasePolicy, parameters: ParameterSet) {
        self.round = round
        self.policy = policy
        self.parameters = parameters
    }
}

/// An update that arrived from a client; it can be aggregated, not sent.
public struct ReceivedUpdate: Sendable, Equatable {
    /// The round it answers.
    public let round: Int
    /// The policy that the client states.
    public let policy: ReleasePolicy
    /// The tensors, checked against the schema.
    public let parameters: ParameterSet

    /// Wraps decoded, validated tensors.
    package init(round: Int, policy: ReleasePolicy, parameters: ParameterSet) {
        self.round = round
        self.policy = policy
        self.parameters = parameters
    }
}
