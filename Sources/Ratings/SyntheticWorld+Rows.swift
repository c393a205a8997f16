import Numerics

extension SyntheticWorld {
    /// One interaction of a person.
    public struct Row: Sendable, Equatable {
        /// The position of the item among the domain's items.
        public let item: Int
        /// The rating.
        public let rating: Float
        /// When it was given; 0 in a world without times.
        public let time: Int64
    }

    /// Draws the interactions of a domain person by person, for worlds whose ratings do not fit into memory.
    ///
    /// An item is the best of four that are drawn by popularity, so no person looks at all items; the world is the one
    /// of the options but for that, and drifts are left out. Each item is drawn at most once by a person.
    /// *Complexity*: O(rows · taste dimensions) time, O(persons + items · taste dimensions) memory.
    public struct RowSampler: Sendable {
        private static let candidateCount = 4
        private static let pilotRowCount = 50_000

        private let view: DomainView
        private let counts: [Int]
        private let table: AliasTable
        private var cuts: [Double]?
        private var member = 0
        private var takenBy: [UInt32]
        private var levels: [Double] = []
        private var drawn: [Int] = []

        /// The ids of the items.
        public var items: [String] { view.items }

        /// Whether rows have times.
        public var hasTimes: Bool { view.hasTimes }

        /// Rows of one domain.
        ///
        /// - Precondition: the domain is one of the world's.
        public init(_ world: SyntheticWorld, domain: String, rowCount: Int) {
            view = DomainView(world, domain)
            let weights = view.phases[0].popularity.map(\.exponential)
            table = AliasTable(weights: weights)
            takenBy = [UInt32](repeating: .max, count: view.items.count)
            counts =
                view.members.isEmpty
                ? [] : DomainView.spread(rowCount, over: view.activities(), cap: view.interactionLimit)
            guard let shares = view.options.ratingShares else { return }
            // The cuts are those of the first rows.
            var pilot: [Double] = []
            while pilot.count < RowSampler.pilotRowCount, member < counts.count {
                draw(member)
                pilot.append(contentsOf: levels)
                member += 1
            }
            cuts = DomainView.cuts(of: pilot, shares: shares)
            member = 0
            for item in takenBy.indices { takenBy[item] = .max }
        }

        /// The next person's id and rows by item; `nil` after the last.
        public mutating func next() -> (person: String, rows: [Row])? {
            guard member < counts.count else { return nil }
            draw(member)
            let person = view.members[member]
            var times = view.hasTimes ? view.times(of: person, count: drawn.count)[...] : []
            var rows: [Row] = []
            rows.reserveCapacity(drawn.count)
            for (item, level) in zip(drawn, levels) {
                let rating =
                    cuts.map { cuts in Float(1 + cuts.reduce(0) { $0 + (level >= $1 ? 1 : 0) }) }
                    ?? Float(min(max(level.rounded(), 1), 5))
                rows.append(Row(item: item, rating: rating, time: times.popFirst() ?? 0))
            }
            member += 1
            return (view.id("person-", person), rows)
        }

        /// Draws the items and rating levels of one member.
        private mutating func draw(_ member: Int) {
            var person = view.person(view.members[member])
            let whole = view.world.options
            levels.removeAll(keepingCapacity: true)
            drawn.removeAll(keepingCapacity: true)
            for _ in 0..<counts[member] {
                var best = -1
                var bestScore = -Double.infinity
                var bestAffinity = 0.0
                var tries = 0
                while tries < RowSampler.candidateCount || best < 0 {
                    tries += 1
                    var item = table.draw(&person.own)
                    // A person who has nearly everything that is popular takes what comes next.
                    if tries > 64 { while takenBy[item] == UInt32(member) { item = (item + 1) % takenBy.count } }
                    if takenBy[item] == UInt32(member) { continue }
                    let affinity = view.affinity(person.seen, item, view.dimensions)
                    let score = whole.tasteStrength * affinity + person.own.gumbel()
                    if score > bestScore { (best, bestScore, bestAffinity) = (item, score, affinity) }
                }
                takenBy[best] = UInt32(member)
                drawn.append(best)
                levels.append(
                    view.center + person.bias + whole.tasteEffect * bestAffinity + view.itemBiases[best]
                        + whole.ratingNoise * person.own.gaussian())
            }
        }
    }
}

/// Draws from a fixed distribution in constant time.
///
/// *Source*: Vose, *A linear algorithm for generating random numbers with a given distribution* (IEEE TSE 17, 1991).
struct AliasTable: Sendable {
    private var shares: [Double]
    private var aliases: [Int]

    init(weights: [Double]) {
        let sum = weights.reduce(0, +)
        shares = weights.map { $0 * Double(weights.count) / sum }
        aliases = Array(weights.indices)
        var small = shares.indices.filter { shares[$0] < 1 }
        var large = shares.indices.filter { shares[$0] >= 1 }
        while let less = small.popLast(), let more = large.last {
            aliases[less] = more
            shares[more] -= 1 - shares[less]
            if shares[more] < 1 {
                large.removeLast()
                small.append(more)
            }
        }
        // What rounding has left over is a whole share.
        for index in small + large where aliases[index] == index { shares[index] = 1 }
    }

    func draw(_ stream: inout RandomStream) -> Int {
        let position = stream.uniform() * Double(shares.count)
        let index = min(shares.count - 1, Int(position))
        return position - Double(index) < shares[index] ? index : aliases[index]
    }
}
