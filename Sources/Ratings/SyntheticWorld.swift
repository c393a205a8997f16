import Numerics

/// A seeded world of persons whose tastes show in several domains; the truth behind it is known.
///
/// A person has a taste `z ~ N(0, I)`; in a domain it shows as `√(1 − gap) z + √gap w` with `w` of that domain alone.
/// Items have vectors of their own in each domain, so that every domain sees the taste through its own rotation, and a
/// popularity that falls with rank. Interactions are drawn without replacement with log-odds affinity + popularity
/// (the largest Gumbel-perturbed scores), ratings from affinity and biases of person and item.
/// *Determinism*: everything is a function of the options.
public struct SyntheticWorld: Sendable, Equatable {
    /// The knobs.
    public let options: Options

    /// A world with the given knobs.
    ///
    /// - Precondition: shares and correlations are within 0 ... 1, counts are positive, and rating shares are five that
    ///   sum to 1.
    public init(_ options: Options) {
        let shares = [options.overlap, options.domainGap, options.activityCorrelation, options.biasCorrelation]
        precondition(shares.allSatisfy { (0...1).contains($0) }, "a share of a synthetic world")
        precondition(abs(options.shortcutStrength) <= 1, "the correlation of a shortcut with popularity")
        precondition(options.personCount > 0 && options.itemCount > 0 && options.tasteDimensions > 0)
        precondition(
            options.overrides.values.allSatisfy { ($0.itemCount ?? 1) > 0 && ($0.ratingShares?.count ?? 5) == 5 })
        self.options = options
    }

    func stream(_ path: [StreamComponent]) -> RandomStream {
        RandomStream(root: UInt64(options.seed), path: ["world"] + path)
    }

    /// The ids of the items of a domain, sorted.
    ///
    /// - Precondition: the domain is one of the options'.
    public func items(in domain: String) -> [String] { DomainView(self, domain).items }

    /// The interactions of one domain.
    ///
    /// - Precondition: the domain is one of the options'. *Complexity*: O(persons · items · taste dimensions).
    public func interactions(in domain: String) -> Interactions {
        let view = DomainView(self, domain)
        var draws = [DrawnRating]()
        var starts = [0]
        var persons: [String] = []
        var scores = ItemScores(view)
        let counts = view.interactionCounts(view.options.meanInteractions, cap: view.interactionLimit)
        for (member, person) in view.members.enumerated() {
            var state = view.person(person)
            if options.hasTimes || !options.drifts.isEmpty {
                let times = view.times(of: person, count: counts[member])
                var first = 0
                for phase in view.phases {
                    var end = first
                    while end < times.count, phase.end.map({ times[end] < $0 }) ?? true { end += 1 }
                    scores.draw(end - first, of: &state, in: phase, times: times[first..<end], into: &draws)
                    first = end
                }
            } else {
                scores.draw(counts[member], of: &state, in: view.phases[0], times: [], into: &draws)
            }
            scores.forget(draws[starts[member]...])
            persons.append(view.id("person-", person))
            starts.append(draws.count)
        }
        let ratings = view.ratings(of: draws.map(\.level))
        var out = InteractionColumns(capacity: draws.count)
        for row in 0..<persons.count {
            let order = (starts[row]..<starts[row + 1]).sorted { draws[$0].item < draws[$1].item }
            for position in order {
                out.columns.append(UInt32(draws[position].item))
                out.ratings.append(ratings[position])
                if view.hasTimes { out.times.append(draws[position].time) }
            }
        }
        return Interactions(
            persons: persons, items: view.items,
            rows: SparseRows(starts: starts, columns: out.columns, columnCount: view.items.count),
            ratings: out.ratings, times: out.times)
    }
}

private struct InteractionColumns {
    var columns: [UInt32] = []
    var ratings: [Float] = []
    var times: [Int64] = []

    init(capacity: Int) {
        columns.reserveCapacity(capacity)
        ratings.reserveCapacity(capacity)
    }
}

/// An interaction before its rating is put on the scale.
struct DrawnRating {
    let item: Int
    let level: Double
    let time: Int64
}

/// The scores of all items for one person at a time.
private struct ItemScores {
    private let view: DomainView
    private var scored: [(score: Double, item: Int, affinity: Double)] = []
    private var isTaken: [Bool]

    init(_ view: DomainView) {
        self.view = view
        isTaken = [Bool](repeating: false, count: view.items.count)
        scored.reserveCapacity(view.items.count)
    }

    /// Draws interactions with items that the person has none with yet.
    mutating func draw(
        _ count: Int, of person: inout PersonState, in phase: WorldPhase, times: ArraySlice<Int64>,
        into draws: inout [DrawnRating]
    ) {
        guard count > 0 else { return }
        let dimensions = view.dimensions
        let seen = phase.turned(person.seen)
        scored.removeAll(keepingCapacity: true)
        for item in 0..<view.items.count {
            let affinity = view.affinity(seen, item, dimensions)
            let score = view.world.options.tasteStrength * affinity + phase.popularity[item] + person.own.gumbel()
            if !isTaken[item] { scored.append((score, item, affinity)) }
        }
        scored.sort { ($1.score, $0.item) < ($0.score, $1.item) }
        for (index, entry) in scored.prefix(count).enumerated() {
            let noise = view.world.options.ratingNoise * person.own.gaussian()
            let level =
                view.center + person.bias + view.world.options.tasteEffect * entry.affinity + noise
                + view.itemBiases[entry.item] + phase.scaleShift
            isTaken[entry.item] = true
            let time = times.isEmpty ? 0 : times[times.startIndex + index]
            draws.append(DrawnRating(item: entry.item, level: level, time: time))
        }
    }

    /// Makes the items of a finished person free again.
    mutating func forget(_ draws: ArraySlice<DrawnRating>) {
        for draw in draws { isTaken[draw.item] = false }
    }
}
