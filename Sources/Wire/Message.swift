public import Cryptography
public import Parameters
public import Privacy

/// The item catalogue of a domain as a client sees it: how many items, and a digest of their ids and order.
public struct Catalogue: Sendable, Equatable {
    /// The domain.
    public let domain: String
    /// The number of items.
    public let itemCount: Int
    /// The digest of the ids in order.
    public let digest: Digest

    /// Describes a catalogue.
    public init(domain: String, itemCount: Int, digest: Digest) {
        self.domain = domain
        self.itemCount = itemCount
        self.digest = digest
    }
}

/// The first message of a client.
public struct Join: Sendable, Equatable {
    /// The client's id in the scenario.
    public let clientID: String
    /// The run's secret, inherited from the launcher.
    public let token: RunToken
    /// The catalogues of the domains whose data the client holds.
    public let catalogues: [Catalogue]

    /// Makes a join.
    public init(clientID: String, token: RunToken, catalogues: [Catalogue]) {
        self.clientID = clientID
        self.token = token
        self.catalogues = catalogues
    }
}

/// The coordinator's answer once every client has joined.
public struct Welcome: Sendable, Equatable {
    /// The digest of the parameter schema; a client that computes another one leaves.
    public let schemaDigest: Digest
    /// The catalogues that the schema's item dimensions come from.
    public let catalogues: [Catalogue]

    /// Makes a welcome.
    public init(schemaDigest: Digest, catalogues: [Catalogue]) {
        self.schemaDigest = schemaDigest
        self.catalogues = catalogues
    }
}

/// What a client must do in a round.
public struct RoundPlan: Sendable, Equatable {
    /// The round, from 1.
    public let round: Int
    /// The step of the method, a code of `Federation`'s schedule.
    public let step: UInt32
    /// How long the coordinator waits for the update.
    public let deadline: Duration
    /// The parameters that the client needs and has not been sent before.
    public let parameters: ParameterSet
    /// Whether the client releases what all clients of its domain know alike.
    public let isSpeaker: Bool
    /// Whether the last round, of the same step, was given up, so that what the client released in it changed nothing.
    public let isRepeated: Bool

    /// Makes a plan.
    ///
    /// - Precondition: the step is below 2³⁰.
    public init(
        round: Int, step: UInt32, deadline: Duration, parameters: ParameterSet, isSpeaker: Bool = false,
        isRepeated: Bool = false
    ) {
        precondition(step <= RoundPlan.largestStep, "a step of \(step)")
        self.isSpeaker = isSpeaker
        self.isRepeated = isRepeated
        self.round = round
        self.step = step
        self.deadline = deadline
        self.parameters = parameters
    }

    static let largestStep: UInt32 = (1 << 30) - 1
    private static let speakerFlag: UInt32 = 1 << 31
    private static let repeatedFlag: UInt32 = 1 << 30

    /// The step, and the flags in the two highest bits.
    var encodedStep: UInt32 {
        step | (isSpeaker ? RoundPlan.speakerFlag : 0) | (isRepeated ? RoundPlan.repeatedFlag : 0)
    }

    /// The plan with a step and flags as they are encoded.
    init(round: Int, encodedStep: UInt32, deadline: Duration, parameters: ParameterSet) {
        self.init(
            round: round, step: encodedStep & RoundPlan.largestStep, deadline: deadline, parameters: parameters,
            isSpeaker: encodedStep & RoundPlan.speakerFlag != 0,
            isRepeated: encodedStep & RoundPlan.repeatedFlag != 0)
    }
}

/// Why a party ends its part of the run.
public enum EndReason: UInt32, Sendable, Equatable, CaseIterable {
    /// Every round is done.
    case completed = 1
    /// The run token is wrong, or the client id is unknown or taken.
    case refused = 2
    /// The catalogue or schema differs from the others'.
    case mismatch = 3
    /// The run cannot go on.
    case aborted = 4
    /// The client met an error of its own.
    case clientFailed = 5
}

/// What a client sends. The enumeration is closed: nothing else has bytes.
public enum ClientMessage: Sendable {
    /// The first message.
    case join(Join)
    /// The answer to a plan.
    case update(SealedUpdate)
    /// The client leaves.
    case goodbye(EndReason)
}

/// What the coordinator receives from a client.
public enum ReceivedClientMessage: Sendable, Equatable {
    /// The first message.
    case join(Join)
    /// The answer to a plan.
    case update(ReceivedUpdate)
    /// The client leaves.
    case goodbye(EndReason)
}

/// What the coordinator sends.
public enum CoordinatorMessage: Sendable, Equatable {
    /// The run begins.
    case welcome(Welcome)
    /// A round begins.
    case plan(RoundPlan)
    /// The run is over for this client.
    case goodbye(EndReason)
}

/// The kinds of message, as the envelope states them.
public enum MessageKind: UInt16, Sendable, Equatable, CaseIterable, CustomStringConvertible {
    /// Client to coordinator.
    case join = 1
    /// Coordinator to client.
    case welcome = 2
    /// Coordinator to client.
    case plan = 3
    /// Client to coordinator.
    case update = 4
    /// Either way.
    case goodbye = 5

    /// The name in records.
    public var description: String {
        switch self {
        case .join: "join"
        case .welcome: "welcome"
        case .plan: "plan"
        case .update: "update"
        case .goodbye: "goodbye"
        }
    }
}
