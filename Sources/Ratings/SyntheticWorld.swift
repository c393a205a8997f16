import Numerics

/// A seeded world of persons whose tastes show in several domains; the truth behind it is known.
///
/// A person has a taste `z ~ N(0, I)`; in a domain it shows as `√(1 − gap) z + √gap w` with `w` of that domain alone.
/// Items have vectors of their own in each domain, so that every domain sees the taste through its own rotation, and a
/// popularity that falls with rank. Interactions are drawn without replacement with log-odds affinity + popularity
/// (the largest Gumbel-perturbed scores), ratings from affinity and a bias that the person carries between domains.
/// *Determinism*: everything is a function of the options.
public struct SyntheticWorld: Sendable, Equatable {
    /// The knobs of the world.
    public struct Options: Sendable, Equatable {
        /// The seed.
        public let seed: Int
        /// Persons in the world.
        public let personCount: Int
        /// The share of persons in every domain.
        public let overlap: Double
        /// Items in each domain.
        public let itemCount: Int
        /// Mean interactions of a person in a domain.
        public let meanInteractions: Double
        /// Dimensions of a taste.
        public let tasteDimensions: Int
        /// Standard deviation of the affinity, in logits.
        public let tasteStrength: Double
        /// The share of the taste's variance that is of one domain alone.
        public let domainGap: Double
        /// The domains, sorted.
        public let domains: [String]

        /// Makes options.
        public init(
            seed: Int, personCount: Int, overlap: Double, itemCount: Int, meanInteractions: Double,
            tasteDimensions: Int,
            tasteStrength: Double, domainGap: Double, domains: [String]
        ) {
            self.seed = seed
            self.personCount = personCount
            self.overlap = overlap
            self.itemCount = itemCount
            self.meanInteractions = meanInteractions
            self.tasteDimensions = tasteDimensions
            self.tasteStrength = tasteStrength
            self.domainGap = domainGap
            self.domains = domains
        }
    }

    private let options: Options

    /// A world with the given knobs.
    public init(_ options: Options) { self.options = options }

    private func stream(_ path: [StreamComponent]) -> RandomStream {
        RandomStream(root: UInt64(options.seed), path: ["world"] + path)
    }

    /// The interactions of one domain.
    ///
    /// - Precondition: the domain is one of the options'. *Complexity*: O(persons · items · taste dimensions).
    public func interactions(in domain: String) -> Interactions {
        guard let domainIndex = options.domains.firstIndex(of: domain) else {
            preconditionFailure("the synthetic world has no domain \(domain)")
        }
        let dimensions = options.tasteDimensions
        let itemCount = options.itemCount
        var itemStream = stream([.name(domain), "items"])
        let vectors = (0..<itemCount * dimensions).map { _ in itemStream.gaussian() / Double(dimensions).squareRoot() }
        let ranks = itemStream.permutation(count: itemCount)
        let popularity = ranks.map { -0.8 * Double($0 + 1).logarithm }
        let domainBias = 4.0 + 0.3 * itemStream.uniform()
        let width = String(max(options.personCount, itemCount)).count
        func id(_ prefix: String, _ index: Int) -> String {
            let digits = String(index)
            return prefix + String(repeating: "0", count: width - digits.count) + digits
        }
        let items = (0..<itemCount).map { id("\(domain)-item-", $0) }
        var builder = InteractionBuilder(catalogue: items)
        for person in 0..<options.personCount {
            var shared = stream(["person", .number(person)])
            let isEverywhere = shared.uniform() < options.overlap
            guard isEverywhere || person % options.domains.count == domainIndex else { continue }
            let taste = (0..<dimensions).map { _ in shared.gaussian() }
            let bias = 0.6 * shared.gaussian()
            var own = stream(["person", .number(person), .name(domain)])
            let seen = taste.map {
                (1 - options.domainGap).squareRoot() * $0 + options.domainGap.squareRoot() * own.gaussian()
            }
            // A log-normal activity with the requested mean: E exp(σx − σ²/2) = 1.
            let activity = options.meanInteractions * (0.6 * own.gaussian() - 0.18).exponential
            let count = min(max(1, Int(activity.rounded())), itemCount / 2)
            var scored: [(score: Double, item: Int, affinity: Double)] = []
            scored.reserveCapacity(itemCount)
            for item in 0..<itemCount {
                var affinity = 0.0
                for dimension in 0..<dimensions { affinity += seen[dimension] * vectors[item * dimensions + dimension] }
                let score = options.tasteStrength * affinity + popularity[item] + own.gumbel()
                scored.append((score, item, affinity))
            }
            scored.sort { ($1.score, $0.item) < ($0.score, $1.item) }
            for entry in scored.prefix(count) {
                let rating = (domainBias + bias + 0.4 * entry.affinity + 0.7 * own.gaussian()).rounded()
                _ = builder.add(
                    person: id("person-", person), item: items[entry.item], rating: Float(min(max(rating, 1), 5)),
                    time: 0, line: 0)
            }
        }
        return builder.build(rule: .mean, hasTimes: false).interactions
    }
}
