import Glibc
import Numerics

/// A person in one domain, with the stream of what it does there.
struct PersonState {
    let seen: [Double]
    let bias: Double
    var own: RandomStream
}

/// A stretch of time in which a domain does not change.
struct WorldPhase {
    /// The first moment after it; `nil` for the last.
    let end: Int64?
    /// The angle by which tastes are turned.
    let rotation: Double
    /// The logits of the items' popularity.
    let popularity: [Double]
    /// What is added to ratings.
    let scaleShift: Double

    /// A taste as it is in this phase.
    func turned(_ taste: [Double]) -> [Double] { rotation == 0 ? taste : rotated(taste, rotation) }
}

/// A vector turned by an angle in the planes of dimensions 0 and 1, 2 and 3 and so on.
func rotated(_ vector: [Double], _ angle: Double) -> [Double] {
    let (cosine, sine) = (cos(angle), sin(angle))
    var out = vector
    var first = 0
    while first + 1 < vector.count {
        out[first] = cosine * vector[first] - sine * vector[first + 1]
        out[first + 1] = sine * vector[first] + cosine * vector[first + 1]
        first += 2
    }
    return out
}

/// What a world is in one domain.
struct DomainView {
    let world: SyntheticWorld
    let name: String
    let options: ResolvedOptions
    let dimensions: Int
    /// The vectors of the items, `items × dimensions`, row-major.
    let vectors: [Double]
    let itemBiases: [Double]
    /// The level of an average rating.
    let center: Double
    let items: [String]
    /// The persons of the domain, ascending.
    let members: [Int]
    let phases: [WorldPhase]
    private let idWidth: Int

    /// The domain's options with those of the world filled in.
    struct ResolvedOptions {
        let itemCount: Int
        let meanInteractions: Double
        let activitySpread: Double
        let popularity: SyntheticWorld.Popularity
        let ratingShares: [Double]?
    }

    init(_ world: SyntheticWorld, _ name: String) {
        let whole = world.options
        guard let domainIndex = whole.domains.firstIndex(of: name) else {
            preconditionFailure("the synthetic world has no domain \(name)")
        }
        let own = whole.overrides[name] ?? SyntheticWorld.DomainOptions()
        options = ResolvedOptions(
            itemCount: own.itemCount ?? whole.itemCount,
            meanInteractions: own.meanInteractions ?? whole.meanInteractions,
            activitySpread: own.activitySpread ?? whole.activitySpread,
            popularity: own.popularity ?? whole.popularity, ratingShares: own.ratingShares)
        self.world = world
        self.name = name
        dimensions = whole.tasteDimensions
        let (count, dimensions) = (options.itemCount, whole.tasteDimensions)
        var stream = world.stream([.name(name), "items"])
        var vectors = (0..<count * dimensions).map { _ in stream.gaussian() / Double(dimensions).squareRoot() }
        let ranks = stream.permutation(count: count)
        center = 4.0 + 0.3 * stream.uniform()
        if whole.hasUnitItems {
            for item in 0..<count {
                let range = item * dimensions..<(item + 1) * dimensions
                let length = vectors[range].reduce(0) { $0 + $1 * $1 }.squareRoot()
                for index in range { vectors[index] /= length }
            }
        }
        self.vectors = vectors
        var biasStream = world.stream([.name(name), "item-biases"])
        itemBiases = (0..<count).map { _ in
            whole.itemBiasSpread == 0 ? 0 : whole.itemBiasSpread * biasStream.gaussian()
        }
        idWidth = String(max(whole.personCount, count)).count
        let width = idWidth
        items = (0..<count).map { DomainView.id("\(name)-item-", $0, width: width) }
        members = world.members(ofDomain: domainIndex)
        phases = DomainView.phases(
            whole.drifts.filter { $0.domain == nil || $0.domain == name }, ranks, options.popularity)
    }

    /// The most interactions of one person.
    var interactionLimit: Int { max(1, Int(world.options.activityCeiling * Double(items.count))) }

    var hasTimes: Bool { world.options.hasTimes || !world.options.drifts.isEmpty }

    private static func id(_ prefix: String, _ index: Int, width: Int) -> String {
        let digits = String(index)
        return prefix + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    func id(_ prefix: String, _ index: Int) -> String { DomainView.id(prefix, index, width: idWidth) }

    private static func phases(
        _ drifts: [SyntheticWorld.Drift], _ ranks: [Int], _ popularity: SyntheticWorld.Popularity
    ) -> [WorldPhase] {
        let count = ranks.count
        func logit(_ rank: Int) -> Double {
            switch popularity {
            case .zipf(let exponent): -exponent * Double(rank + 1).logarithm
            case .shiftedExponential(let tail):
                (1 - tail * ((Double(rank) + 0.5) / Double(count)).logarithm).logarithm
            }
        }
        let moments = Set(drifts.map(\.time)).sorted()
        var phases: [WorldPhase] = []
        var (rotation, flip, shift) = (0.0, 0.0, 0.0)
        for index in 0...moments.count {
            if index > 0 {
                for drift in drifts where drift.time == moments[index - 1] {
                    switch drift.change {
                    case .tasteRotation(let angle): rotation += angle
                    case .popularityFlip(let share): flip = share
                    case .scaleShift(let points): shift += points
                    }
                }
            }
            phases.append(
                WorldPhase(
                    end: index < moments.count ? moments[index] : nil, rotation: rotation,
                    popularity: flip == 0
                        ? ranks.map(logit) : ranks.map { (1 - flip) * logit($0) + flip * logit(count - 1 - $0) },
                    scaleShift: shift))
        }
        return phases
    }

    /// The inner product of a taste and an item's vector.
    @inline(__always)
    func affinity(_ taste: [Double], _ item: Int, _ dimensions: Int) -> Double {
        var sum = 0.0
        for dimension in 0..<dimensions { sum += taste[dimension] * vectors[item * dimensions + dimension] }
        return sum
    }

    /// A person as the domain sees it.
    func person(_ person: Int) -> PersonState {
        let whole = world.options
        var shared = world.stream(["person", .number(person)])
        _ = shared.uniform()
        let taste = (0..<dimensions).map { _ in shared.gaussian() }
        var bias = whole.biasSpread * shared.gaussian()
        var own = world.stream(["person", .number(person), .name(name)])
        let seen = taste.map {
            (1 - whole.domainGap).squareRoot() * $0 + whole.domainGap.squareRoot() * own.gaussian()
        }
        // The activity, drawn by `interactionCounts` too.
        _ = own.gaussian()
        if whole.biasCorrelation < 1 {
            var stream = world.stream(["person", .number(person), .name(name), "bias"])
            bias = whole.biasCorrelation.squareRoot() * bias
            bias += (1 - whole.biasCorrelation).squareRoot() * whole.biasSpread * stream.gaussian()
        }
        return PersonState(seen: seen, bias: bias, own: own)
    }

    /// The activity of each member: log-normal with mean 1.
    func activities() -> [Double] {
        let whole = world.options
        let spread = options.activitySpread
        return members.map { person in
            var own = world.stream(["person", .number(person), .name(name)])
            for _ in 0..<dimensions { _ = own.gaussian() }
            var level = own.gaussian()
            if whole.activityCorrelation > 0 {
                var shared = world.stream(["person", .number(person), "activity"])
                level *= (1 - whole.activityCorrelation).squareRoot()
                level += whole.activityCorrelation.squareRoot() * shared.gaussian()
            }
            // E exp(σx − σ²/2) = 1.
            return (spread * level - spread * spread / 2).exponential
        }
    }

    /// The number of interactions of each member, at least 1 and at most `cap`.
    func interactionCounts(_ mean: Double, cap: Int) -> [Int] {
        let activities = activities()
        guard world.options.isExact else { return activities.map { min(max(1, Int((mean * $0).rounded())), cap) } }
        return DomainView.spread(Int((mean * Double(members.count)).rounded()), over: activities, cap: cap)
    }

    /// Whole numbers from 1 to `cap` in proportion to weights, with a given sum where the limits allow it.
    static func spread(_ total: Int, over weights: [Double], cap: Int) -> [Int] {
        let total = min(max(total, weights.count), weights.count * cap)
        func share(_ scale: Double, _ weight: Double) -> Double { min(max(1, scale * weight), Double(cap)) }
        var (low, high) = (0.0, 1.0)
        func sum(_ scale: Double) -> Double { weights.reduce(0) { $0 + share(scale, $1) } }
        while sum(high) < Double(total) && high < 1e30 { high *= 2 }
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if sum(middle) < Double(total) { low = middle } else { high = middle }
        }
        // What rounding leaves is carried to the next.
        var out: [Int] = []
        out.reserveCapacity(weights.count)
        var (exact, given) = (0.0, 0)
        for (index, weight) in weights.enumerated() {
            exact += share(high, weight)
            let end = index == weights.count - 1 ? total : Int(exact.rounded())
            out.append(min(max(1, end - given), cap))
            given += out[index]
        }
        return out
    }

    /// The moments of a person's interactions, ascending.
    func times(of person: Int, count: Int) -> [Int64] {
        let whole = world.options
        var arrival = world.stream(["person", .number(person), "arrival"])
        // Many are there early, and the last arrive after four fifths.
        let first = 0.8 * arrival.uniform() * arrival.uniform()
        var stream = world.stream(["person", .number(person), .name(name), "times"])
        return (0..<count).map { _ in
            let share = first + (1 - first) * stream.uniform()
            return whole.startTime + Int64(share * Double(whole.duration))
        }.sorted()
    }

    /// The ratings of levels: cut where the shares say, else rounded.
    func ratings(of levels: [Double]) -> [Float] {
        guard let shares = options.ratingShares else { return levels.map { Float(min(max($0.rounded(), 1), 5)) } }
        let cuts = DomainView.cuts(of: levels, shares: shares)
        return levels.map { level in Float(1 + cuts.reduce(0) { $0 + (level >= $1 ? 1 : 0) }) }
    }

    /// The four levels that divide others into the given shares.
    static func cuts(of levels: [Double], shares: [Double]) -> [Double] {
        let sorted = levels.sorted()
        var sum = 0.0
        return shares.dropLast().map { share in
            sum += share
            guard !sorted.isEmpty else { return 0 }
            return sorted[min(sorted.count - 1, Int((sum * Double(sorted.count)).rounded()))]
        }
    }
}

extension SyntheticWorld {
    /// The persons of a domain, ascending: those in every domain, and its part of the others.
    func members(ofDomain domainIndex: Int) -> [Int] {
        let positions = (0..<options.personCount).map { person in
            var shared = stream(["person", .number(person)])
            return shared.uniform()
        }
        var isEverywhere = positions.map { $0 < options.overlap }
        if options.isExact {
            let count = Int((options.overlap * Double(options.personCount)).rounded())
            isEverywhere = [Bool](repeating: false, count: options.personCount)
            let order = positions.indices.sorted { (positions[$0], $0) < (positions[$1], $1) }
            for person in order.prefix(count) { isEverywhere[person] = true }
        }
        return (0..<options.personCount).filter { isEverywhere[$0] || $0 % options.domains.count == domainIndex }
    }
}
