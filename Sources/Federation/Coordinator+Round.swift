import Parameters

extension Coordinator {
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
