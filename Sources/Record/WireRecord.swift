/// The traffic of one message kind in one direction.
public struct WireKindRecord: Codable, Sendable, Equatable {
    /// The kind.
    public let kind: String
    /// `up` or `down`.
    public let direction: String
    /// Messages.
    public let messages: Int
    /// ZeroMQ frames.
    public let frames: Int
    /// Bytes of all frames.
    public let bytes: Int

    /// Makes a row.
    public init(kind: String, direction: String, messages: Int, frames: Int, bytes: Int) {
        self.kind = kind
        self.direction = direction
        self.messages = messages
        self.frames = frames
        self.bytes = bytes
    }
}

/// A client that did not answer a round, and why.
public struct AbsenceRecord: Codable, Sendable, Equatable {
    /// The client.
    public let client: String
    /// `lost`, its process or connection ended; `late`, the deadline passed; `refused`, its update was damaged.
    public let cause: String
    /// The same in words.
    public let how: String

    /// Makes a record.
    public init(client: String, cause: String, how: String) {
        self.client = client
        self.cause = cause
        self.how = how
    }
}

/// How far something that is learnt has come in a round, from what the coordinator sees anyway.
public struct LearningRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case subject = "of"
        case measure, value
    }

    /// What is learnt, such as a method or the item factors of a domain.
    public let subject: String
    /// The measure: `discriminator-loss`, `preference-loss`, `decoder-loss` (means), `discriminator-accuracy` (on the rows
    /// that train it), `relative-change` (of the parameters in this round, by ℓ2 norm) or `gradient-norm` (of the mean
    /// over persons; of the sum where their number is not released).
    public let measure: String
    /// The value.
    public let value: Double

    /// Makes a measurement.
    public init(subject: String, measure: String, value: Double) {
        self.subject = subject
        self.measure = measure
        self.value = value
    }
}

/// One round as the coordinator saw it.
public struct RoundRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case round, step, participants, answered, missing, absences, returned, learning, versions
        case bytesUp = "bytes-up"
        case bytesDown = "bytes-down"
    }

    /// The round, from 1.
    public let round: Int
    /// The step.
    public let step: String
    /// Clients that were asked.
    public let participants: [String]
    /// How many answered.
    public let answered: Int
    /// Clients that did not.
    public let missing: [String]
    /// Why; absent where all answered.
    public let absences: [AbsenceRecord]?
    /// Clients that were lost and take part again from this round on; absent where there are none.
    public let returned: [String]?
    /// Bytes of updates.
    public let bytesUp: Int
    /// Bytes of plans.
    public let bytesDown: Int
    /// How far learning has come; absent for steps that do not learn round by round, and for most of many short rounds.
    public let learning: [LearningRecord]?
    /// What the versions of shared item factors were made of; absent where no time is simulated.
    public let versions: [VersionRecord]?

    /// Makes a round.
    public init(
        round: Int, step: String, participants: [String], answered: Int, missing: [String], bytesUp: Int,
        bytesDown: Int, absences: [AbsenceRecord]? = nil, returned: [String]? = nil, learning: [LearningRecord]? = nil,
        versions: [VersionRecord]? = nil
    ) {
        self.versions = versions
        self.absences = absences
        self.returned = returned
        self.round = round
        self.step = step
        self.participants = participants
        self.answered = answered
        self.missing = missing
        self.bytesUp = bytesUp
        self.bytesDown = bytesDown
        self.learning = learning
    }
}

/// One tensor of the run's schema.
public struct TensorRecord: Codable, Sendable, Equatable {
    /// The name.
    public let name: String
    /// The shape.
    public let shape: [Int]
    /// The scope.
    public let scope: String
    /// The release in the ledger.
    public let release: String
    /// How its elements cross; absent for 32-bit floats. `int8/64` is a byte each and a float for every 64, `top-k/9` the
    /// nine largest.
    public let format: String?

    /// Makes a row.
    public init(name: String, shape: [Int], scope: String, release: String, format: String? = nil) {
        self.format = format
        self.name = name
        self.shape = shape
        self.scope = scope
        self.release = release
    }
}

/// What crossed the sockets, `wire.json`; written by the coordinator.
public struct WireRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case rounds, traffic, refused, tensors, missing, transport
        case schemaDigest = "parameter-schema"
        case savedBytes = "saved-bytes-up"
    }

    /// The transport's kind.
    public let transport: String
    /// The rounds.
    public let rounds: [RoundRecord]
    /// The traffic by kind and direction.
    public let traffic: [WireKindRecord]
    /// Refused frames.
    public let refused: Int
    /// The tensors that could cross.
    public let tensors: [TensorRecord]
    /// Clients that were lost.
    public let missing: [String]
    /// The digest of the schema.
    public let schemaDigest: String
    /// How many bytes more the updates would have taken with all tensors in float32; absent where all are.
    public let savedBytes: Int?

    /// Makes a wire record.
    public init(
        transport: String, rounds: [RoundRecord], traffic: [WireKindRecord], refused: Int, tensors: [TensorRecord],
        missing: [String], schemaDigest: String, savedBytes: Int? = nil
    ) {
        self.savedBytes = savedBytes
        self.transport = transport
        self.rounds = rounds
        self.traffic = traffic
        self.refused = refused
        self.tensors = tensors
        self.missing = missing
        self.schemaDigest = schemaDigest
    }

    /// Plans and updates alone: what does not depend on the transport.
    public var totals: WireTotals {
        let counted = traffic.filter { ["plan", "update"].contains($0.kind) }
        return WireTotals(
            bytesUp: counted.filter { $0.direction == "up" }.reduce(0) { $0 + $1.bytes },
            bytesDown: counted.filter { $0.direction == "down" }.reduce(0) { $0 + $1.bytes },
            messages: counted.reduce(0) { $0 + $1.messages })
    }
}
