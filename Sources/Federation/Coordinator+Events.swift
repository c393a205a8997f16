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
        /// A client has gone.
        case lost(client: String, how: String)
        /// Time has passed.
        case tick
    }

    /// What the coordinator wants done, in order.
    public enum Action: Sendable, Equatable {
        /// Every client that is there agrees on the catalogues: the run begins with this schema.
        case begin(ParameterSchema)
        /// Send a message to clients.
        case send(CoordinatorMessage, to: [String])
        /// From now on the client may send exactly this update, or nothing.
        case expect(client: String, round: Int, specs: [TensorSpec]?)
        /// A round is over.
        case closed(RoundSummary, ParameterSet)
        /// Say something that does not end the run.
        case warn(String)
        /// The run is over.
        case finish(Outcome)
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
        /// Clients that did not.
        public let missing: [String]
        /// The names of the tensors that the round changed, sorted.
        public let changed: [String]
        /// Whether the next round is another step, or there is none.
        public let isLast: Bool
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
