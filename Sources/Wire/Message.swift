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
    public private(set) var parameters: ParameterSet
    /// Whether the answer must wait for credit, as where all answers at once would not fit into the coordinator's memory.
    public let needsCredit: Bool
    /// Whether the client releases what all clients of its domain know alike.
    public let isSpeaker: Bool
    /// Whether the last round, of the same step, was given up, so that what the client released in it changed nothing.
    public let isRepeated: Bool
    /// Whether the round is over: the client does again what it did in it, or missed, and releases nothing. It says that
    /// it is done by asking for credit, which it is not given.
    public let isPast: Bool

    /// Makes a plan.
    public init(
        round: Int, step: UInt32, deadline: Duration, parameters: ParameterSet, isSpeaker: Bool = false,
        isRepeated: Bool = false, needsCredit: Bool = false, isPast: Bool = false
    ) {
        self.isPast = isPast
        self.isSpeaker = isSpeaker
        self.isRepeated = isRepeated
        self.round = round
        self.step = step
        self.deadline = deadline
        self.parameters = parameters
        self.needsCredit = needsCredit
    }

    /// Takes the parameters out, for one who goes on to write in their memory.
    public mutating func takeParameters() -> ParameterSet {
        let taken = parameters
        parameters = ParameterSet()
        return taken
    }

    /// Every flag that a plan can have.
    static let allFlags: UInt32 = 15

    /// The flags as one number: 1 credit, 2 speaker, 4 repeated, 8 past.
    var flags: UInt32 {
        (needsCredit ? 1 : 0) | (isSpeaker ? 2 : 0) | (isRepeated ? 4 : 0) | (isPast ? 8 : 0)
    }

    /// A plan with its flags as one number.
    init(round: Int, step: UInt32, deadline: Duration, parameters: ParameterSet, flags: UInt32) {
        self.init(
            round: round, step: step, deadline: deadline, parameters: parameters, isSpeaker: flags & 2 != 0,
            isRepeated: flags & 4 != 0, needsCredit: flags & 1 != 0, isPast: flags & 8 != 0)
    }

    /// The same plan, the answer to which must wait for credit, or need not.
    package func waitingForCredit(_ needsCredit: Bool) -> RoundPlan {
        RoundPlan(
            round: round, step: step, deadline: deadline, parameters: parameters, isSpeaker: isSpeaker,
            isRepeated: isRepeated, needsCredit: needsCredit, isPast: isPast)
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
    /// The answer to a plan that needs credit is ready, or the work of a past round is done.
    case request(round: Int)
    /// The client leaves.
    case goodbye(EndReason)

    /// The round that an update answers.
    package var updateRound: Int? { if case .update(let update) = self { update.round } else { nil } }

    /// The tensors of an update; `nil` for another message.
    package var parameters: ParameterSet? { if case .update(let update) = self { update.parameters } else { nil } }
}

/// What the coordinator receives from a client.
public enum ReceivedClientMessage: Sendable, Equatable {
    /// The first message.
    case join(Join)
    /// The answer to a plan.
    case update(ReceivedUpdate)
    /// The answer to a plan that needs credit is ready, or the work of a past round is done.
    case request(round: Int)
    /// The client leaves.
    case goodbye(EndReason)
}

/// What the coordinator sends.
public enum CoordinatorMessage: Sendable, Equatable {
    /// The run begins.
    case welcome(Welcome)
    /// A round begins.
    case plan(RoundPlan)
    /// The client may send these pieces of its answer to the round's plan now, also again; of round 0 it means nothing.
    case credit(round: Int, pieces: Range<Int>)
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
    /// Client to coordinator.
    case request = 6
    /// Coordinator to client.
    case credit = 7

    /// The name in records.
    public var description: String {
        switch self {
        case .join: "join"
        case .welcome: "welcome"
        case .plan: "plan"
        case .update: "update"
        case .goodbye: "goodbye"
        case .request: "request"
        case .credit: "credit"
        }
    }
}
