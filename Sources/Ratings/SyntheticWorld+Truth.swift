extension SyntheticWorld {
    /// What is true of a domain at one time, which no model is told. Parallel to the domain's persons and items.
    public struct Truth: Sendable, Equatable {
        /// The ids of the domain's persons, sorted.
        public let persons: [String]
        /// Dimensions of a taste.
        public let dimensions: Int
        /// The tastes as the domain sees them, `persons × dimensions`, row-major.
        public let tastes: [Double]
        /// The vectors of the items, `items × dimensions`, row-major.
        public let itemVectors: [Double]
        /// Dimensions of a text vector: those of a taste, and one more where the world has a shortcut.
        public let textDimensions: Int
        /// The vectors that the titles follow, and the shortcut after each, `items × textDimensions`, row-major.
        public let textVectors: [Double]
        /// The popularity of the items, in logits.
        public let popularity: [Double]
        /// The rating biases of the persons.
        public let personBiases: [Double]
        /// The rating biases of the items.
        public let itemBiases: [Double]
        let tasteStrength: Double
        let tasteEffect: Double
        let center: Double

        /// The inner product of a person's taste and an item's vector.
        public func affinity(person: Int, item: Int) -> Double {
            (0..<dimensions).reduce(0) {
                $0 + tastes[person * dimensions + $1] * itemVectors[item * dimensions + $1]
            }
        }

        /// The log-odds, up to a constant of the person, with which the person chooses the item: the right ranking.
        public func score(person: Int, item: Int) -> Double {
            tasteStrength * affinity(person: person, item: item) + popularity[item]
        }

        /// The expected rating before noise and before it is put on the scale.
        public func ratingLevel(person: Int, item: Int) -> Double {
            center + personBiases[person] + itemBiases[item] + tasteEffect * affinity(person: person, item: item)
        }
    }

    /// The truth of a domain at a time; without one, before any drift.
    ///
    /// - Precondition: the domain is one of the options'. *Complexity*: O((persons + items) · taste dimensions).
    public func truth(in domain: String, at time: Int64? = nil) -> Truth {
        let view = DomainView(self, domain)
        let phase =
            view.phases.first { phase in time.map { $0 < phase.end ?? .max } ?? true }
            ?? view.phases[view.phases.count - 1]
        let states = view.members.map(view.person)
        return Truth(
            persons: view.members.map { view.id("person-", $0) }, dimensions: options.tasteDimensions,
            tastes: states.flatMap { phase.turned($0.seen) }, itemVectors: view.vectors,
            textDimensions: options.tasteDimensions + (options.shortcutLength == 0 ? 0 : 1),
            textVectors: denseTextVectors(in: view), popularity: phase.popularity, personBiases: states.map(\.bias),
            itemBiases: view.itemBiases, tasteStrength: options.tasteStrength, tasteEffect: options.tasteEffect,
            center: view.center + phase.scaleShift)
    }
}
