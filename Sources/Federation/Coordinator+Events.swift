public import Parameters
public import Privacy
public import Wire

extension Coordinator {
    /// What happens to the coordinator.
    public enum Event: Sendable {
        /// A client has joined with the right token.
        case joined(client: String, catalogues: [Catalogue])
        /// A complete, validated update.
        case update(client: String, ReceivedUpdate)
        /// The updates of several clients, added up; or why their sums are none.
        case gathered(clients: [String], round: Int, Result<ParameterSet, ParameterError>)
        /// One of whose update some was in the sums has left them: the others must send theirs again.
        case begunAgain
        /// A client has gone.
        case lost(client: String, how: String)
        /// A client's update of a round has arrived damaged.
        case refused(client: String, round: Int, why: String)
        /// A client that is back has done one past round again.
        case acknowledged(client: String)
        /// A client that is back has done all past rounds again; the last that concerned it, 0 for none.
        case caughtUp(client: String, round: Int)
        /// Time has passed. While updates are gathered piece by piece, the clients without which that does not go on.
        case tick(awaiting: Set<String>? = nil)
    }

    /// What the coordinator wants done, in order.
    public enum Action: Sendable, Equatable {
        /// Every client that is there agrees on the catalogues: the run begins with this schema.
        case begin(ParameterSchema)
        /// Send a message to clients.
        case send(CoordinatorMessage, to: [String])
        /// From now on the client may send exactly this update, or nothing; whether the sum of all updates is enough.
        case expect(client: String, round: Int, specs: [TensorSpec]?, isSummed: Bool = false)
        /// A round begins; what changes with it.
        case opened(RoundOpening, ParameterSet)
        /// A round is over.
        case closed(RoundSummary, ParameterSet)
        /// This is where the run can be taken up again.
        case checkpoint(Checkpoint)
        /// Send a client that is back the past rounds that concern it, one after the other.
        case catchUp(String)
        /// Say something that does not end the run.
        case warn(String)
        /// The run is over.
        case finish(Outcome)
    }

    /// What a round asks, of whom.
    public struct RoundOpening: Sendable, Equatable {
        /// The round, from 1.
        public let round: Int
        /// The step.
        public let step: RoundStep
        /// The clients that speak for their domains.
        public let speakers: Set<String>
        /// Whether the round does again what the last one could not.
        public let isRepeated: Bool
        /// The clients that it concerns, also those that are not there.
        public let concerned: [String]
    }

    /// Why a client has not answered a round.
    public struct Absence: Sendable, Equatable {
        /// What happened.
        public enum Cause: String, Sendable {
            /// Its process or its connection ended.
            case lost
            /// The round's deadline passed.
            case late
            /// Its update was damaged.
            case refused
        }

        /// The client.
        public let client: String
        /// What happened.
        public let cause: Cause
        /// The same in words.
        public let how: String

        /// Says why.
        public init(client: String, cause: Cause, how: String) {
            self.client = client
            self.cause = cause
            self.how = how
        }
    }

    /// What a round came to.
    public struct RoundSummary: Sendable, Equatable {
        /// The round, from 1.
        public let round: Int
        /// The step.
        public let step: RoundStep
        /// Clients that were asked.
        public let participants: [String]
        /// Clients that answered in time.
        public let answered: [String]
        /// Clients that did not, and why.
        public let absences: [Absence]
        /// Clients that were lost and take part again from this round on.
        public let returned: [String]
        /// The names of the tensors that the round changed, sorted.
        public let changed: [String]
        /// What arrived of shared domains in simulated time, by domain; empty where none is simulated.
        public let arrivals: [VersionSummary]
        /// Whether the next round is another step, or there is none.
        public let isLast: Bool

        /// Clients that did not answer.
        public var missing: [String] { absences.map(\.client) }
    }

    /// What a version of a domain's item factors was made of in simulated time.
    public struct VersionSummary: Sendable, Equatable {
        /// The domain.
        public let domain: String
        /// When there was the version, in median times of a client's work.
        public let time: Double
        /// The updates that count, in the order of their arrival.
        public let updates: [ArrivedUpdate]
        /// The clients whose updates were too old.
        public let dropped: [String]
        /// The clients whose updates are still on their way.
        public let held: [String]
    }

    /// An update that a version was made of.
    public struct ArrivedUpdate: Sendable, Equatable {
        /// The client.
        public let client: String
        /// How many versions were made since the one that it started from.
        public let staleness: Int
    }

    /// How the run ended.
    public enum Outcome: Sendable, Equatable {
        /// Every round is done.
        case completed
        /// Too few clients, or a needed one is missing.
        case peerLost(reason: String)
        /// What the scenario asks for cannot be done with these data.
        case impossible(reason: String)
        /// Two clients of a domain hold different catalogues.
        case catalogueMismatch(reason: String)
        /// The sums of a domain would not fit into memory.
        case tooLarge(reason: String)
    }
}
