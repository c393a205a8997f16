/// Finds items that are one work under several ids: the same persons rated them.
///
/// Shops copy the ratings of one edition to the others. Left as they are, one edition in a person's history gives the
/// other away, and every measured accuracy is too high.
public enum EditionTwins {
    /// The least Jaccard index of the persons of two twins of one domain.
    public static let usualThreshold = 0.7
    /// The least Jaccard index of the persons of two twins of different domains.
    public static let usualAcrossThreshold = 0.5
    /// The least number of persons who rated both twins.
    public static let usualMinimumCommon = 5

    /// The groups of twins in one domain, each with two items or more, ascending; what is a twin of a twin belongs to
    /// the group.
    ///
    /// - Precondition: the threshold is above 0 and at most 1.
    /// *Complexity*: near-linear where few items share their rarest persons (prefix filter: two sets of Jaccard index t
    /// share one of the (1 − t)·n + 1 rarest persons of each). *Source*: Chaudhuri, Ganti, Kaushik, *A primitive
    /// operator for similarity joins in data cleaning* (ICDE 2006), section 4.2.
    public static func find(
        in interactions: Interactions, threshold: Double = usualThreshold, minimumCommon: Int = usualMinimumCommon
    ) -> [[Int]] {
        let counts = (0..<interactions.persons.count).map { interactions.rows.row($0).count }
        let sets = PersonSets(interactions.rows, ranks: ranks(byRarity: counts))
        var groups = DisjointSets(count: interactions.items.count)
        sets.forEachPair(with: nil, threshold: threshold, minimumCommon: minimumCommon) { groups.join($0, $1) }
        return groups.groups.filter { $0.count > 1 }
    }

    /// The pairs of twins across two domains, ascending; persons are matched by id.
    ///
    /// - Precondition: the threshold is above 0 and at most 1. *Complexity*: as of `find`.
    public static func findAcross(
        _ first: Interactions, _ second: Interactions, threshold: Double = usualAcrossThreshold,
        minimumCommon: Int = usualMinimumCommon
    ) -> [(first: Int, second: Int)] {
        // The persons of both domains, merged by id.
        var firstIndices: [Int] = []
        var secondIndices: [Int] = []
        var counts: [Int] = []
        var (left, right) = (0, 0)
        while left < first.persons.count || right < second.persons.count {
            let isInFirst =
                left < first.persons.count
                && (right == second.persons.count || first.persons[left] <= second.persons[right])
            let isInSecond =
                right < second.persons.count
                && (left == first.persons.count || second.persons[right] <= first.persons[left])
            var count = 0
            if isInFirst {
                count += first.rows.row(left).count
                firstIndices.append(counts.count)
                left += 1
            }
            if isInSecond {
                count += second.rows.row(right).count
                secondIndices.append(counts.count)
                right += 1
            }
            counts.append(count)
        }
        let all = ranks(byRarity: counts)
        let firstSets = PersonSets(first.rows, ranks: firstIndices.map { all[$0] })
        let secondSets = PersonSets(second.rows, ranks: secondIndices.map { all[$0] })
        var pairs: [(first: Int, second: Int)] = []
        firstSets.forEachPair(with: secondSets, threshold: threshold, minimumCommon: minimumCommon) {
            pairs.append((first: $0, second: $1))
        }
        return pairs.sorted { ($0.first, $0.second) < ($1.first, $1.second) }
    }

    private static func ranks(byRarity counts: [Int]) -> [UInt32] {
        var out = [UInt32](repeating: 0, count: counts.count)
        let order = counts.indices.sorted { (counts[$0], $0) < (counts[$1], $1) }
        for (rank, index) in order.enumerated() { out[index] = UInt32(rank) }
        return out
    }
}

/// The persons of each item as ascending ranks, rare persons first.
private struct PersonSets {
    private let starts: [Int]
    private let ranks: [UInt32]
    private let rankCount: Int

    init(_ rows: SparseRows, ranks personRanks: [UInt32]) {
        let columns = rows.transposed
        var ranks = columns.columns.map { personRanks[Int($0)] }
        for item in 0..<columns.rowCount { ranks[columns.starts[item]..<columns.starts[item + 1]].sort() }
        starts = columns.starts
        self.ranks = ranks
        rankCount = Int(personRanks.max() ?? 0) + 1
    }

    private var count: Int { starts.count - 1 }

    private func size(_ item: Int) -> Int { starts[item + 1] - starts[item] }

    /// The part of a set in which it must meet every set that is as like it as the threshold says.
    private func prefix(_ item: Int, threshold: Double) -> ArraySlice<UInt32> {
        let size = size(item)
        let needed = Int((threshold * Double(size) - 1e-9).rounded(.up))
        return ranks[starts[item]..<starts[item] + min(size, size - needed + 1)]
    }

    /// Calls `body` once with each pair that is alike: of this and other sets, or among these, the smaller item first.
    func forEachPair(
        with other: PersonSets?, threshold: Double, minimumCommon: Int, _ body: (Int, Int) -> Void
    ) {
        precondition(threshold > 0 && threshold <= 1, "a Jaccard index of \(threshold)")
        let others = other ?? self
        // The items by the ranks in their prefixes.
        let width = max(rankCount, others.rankCount)
        var listStarts = [Int](repeating: 0, count: width + 1)
        // What fewer persons have than must be common can be alike to nothing.
        for item in 0..<others.count where others.size(item) >= minimumCommon {
            for rank in others.prefix(item, threshold: threshold) { listStarts[Int(rank) + 1] += 1 }
        }
        for rank in 0..<width { listStarts[rank + 1] += listStarts[rank] }
        var lists = [UInt32](repeating: 0, count: listStarts[width])
        var next = listStarts
        for item in 0..<others.count where others.size(item) >= minimumCommon {
            for rank in others.prefix(item, threshold: threshold) {
                lists[next[Int(rank)]] = UInt32(item)
                next[Int(rank)] += 1
            }
        }
        var seenBy = [Int](repeating: -1, count: others.count)
        for item in 0..<count where size(item) >= minimumCommon {
            let size = size(item)
            for rank in prefix(item, threshold: threshold) {
                for position in listStarts[Int(rank)]..<listStarts[Int(rank) + 1] {
                    let candidate = Int(lists[position])
                    // Lists ascend, so among the same sets the later items end the list.
                    if other == nil && candidate >= item { break }
                    if seenBy[candidate] == item { continue }
                    seenBy[candidate] = item
                    let otherSize = others.size(candidate)
                    guard Double(min(size, otherSize)) >= threshold * Double(max(size, otherSize)) - 1e-9 else {
                        continue
                    }
                    let common = common(item, others, candidate)
                    let union = size + otherSize - common
                    guard common >= minimumCommon, Double(common) >= threshold * Double(union) - 1e-9 else { continue }
                    if other == nil { body(candidate, item) } else { body(item, candidate) }
                }
            }
        }
    }

    private func common(_ item: Int, _ others: PersonSets, _ otherItem: Int) -> Int {
        var left = starts[item]
        var right = others.starts[otherItem]
        let (leftEnd, rightEnd) = (starts[item + 1], others.starts[otherItem + 1])
        var common = 0
        while left < leftEnd, right < rightEnd {
            let (first, second) = (ranks[left], others.ranks[right])
            if first == second { common += 1 }
            if first <= second { left += 1 }
            if second <= first { right += 1 }
        }
        return common
    }
}

/// A partition of 0 ..< count that grows coarser (union-find with path halving; the smallest member leads).
private struct DisjointSets {
    private var parents: [Int]

    init(count: Int) { parents = Array(0..<count) }

    private mutating func leader(_ member: Int) -> Int {
        var member = member
        while parents[member] != member {
            parents[member] = parents[parents[member]]
            member = parents[member]
        }
        return member
    }

    mutating func join(_ first: Int, _ second: Int) {
        let (first, second) = (leader(first), leader(second))
        parents[max(first, second)] = min(first, second)
    }

    /// The groups by their smallest members, each ascending.
    var groups: [[Int]] {
        var copy = self
        var out: [[Int]] = []
        var positions = [Int](repeating: -1, count: parents.count)
        for member in parents.indices {
            let leader = copy.leader(member)
            if positions[leader] < 0 {
                positions[leader] = out.count
                out.append([])
            }
            out[positions[leader]].append(member)
        }
        return out
    }
}

extension Interactions {
    /// The same ratings with each group of items made one, under the smallest id of the group.
    ///
    /// Several ratings of a group by one person are combined by the rule; without times the order of the items stands
    /// for that of the rows. The rule `error` combines as the default does: that twins were rated twice is no error.
    /// - Precondition: the groups are disjoint sets of items. *Complexity*: O(ratings), few items being merged.
    public func merging(_ groups: [[Int]], rule: DuplicateRule = .byDefault) -> Interactions {
        var leaders = Array(items.indices)
        for group in groups { for member in group { leaders[member] = group.min() ?? member } }
        var newIndices = [UInt32](repeating: 0, count: items.count)
        var kept: [String] = []
        for item in items.indices where leaders[item] == item {
            newIndices[item] = UInt32(kept.count)
            kept.append(items[item])
        }
        for item in items.indices { newIndices[item] = newIndices[leaders[item]] }
        let hasTimes = !times.isEmpty
        var starts = [0]
        starts.reserveCapacity(persons.count + 1)
        var columns: [UInt32] = []
        var newRatings: [Float] = []
        var newTimes: [Int64] = []
        columns.reserveCapacity(ratings.count)
        newRatings.reserveCapacity(ratings.count)
        newTimes.reserveCapacity(times.count)
        var order: [Int] = []
        for person in persons.indices {
            order.removeAll(keepingCapacity: true)
            order.append(contentsOf: rows.starts[person]..<rows.starts[person + 1])
            func key(_ position: Int) -> (UInt32, Int64, Int) {
                (newIndices[Int(rows.columns[position])], hasTimes ? times[position] : 0, position)
            }
            order.sort { key($0) < key($1) }
            var index = 0
            while index < order.count {
                let column = key(order[index]).0
                var end = index + 1
                while end < order.count, key(order[end]).0 == column { end += 1 }
                let (first, last) = (order[index], order[end - 1])
                columns.append(column)
                if hasTimes { newTimes.append(rule == .first ? times[first] : times[last]) }
                switch rule {
                case .first: newRatings.append(ratings[first])
                case .byDefault where hasTimes, .error where hasTimes, .last: newRatings.append(ratings[last])
                case .byDefault, .error, .mean:
                    let sum = order[index..<end].reduce(0) { $0 + Double(ratings[$1]) }
                    newRatings.append(Float(sum / Double(end - index)))
                }
                index = end
            }
            starts.append(columns.count)
        }
        return Interactions(
            persons: persons, items: kept,
            rows: SparseRows(starts: starts, columns: columns, columnCount: kept.count), ratings: newRatings,
            times: newTimes, timesArePositions: timesArePositions, duplicateCount: duplicateCount)
    }

    /// The same ratings without some items, and without the persons who rated no other.
    public func droppingItems(_ dropped: Set<Int>) -> Interactions {
        var newIndices = [UInt32?](repeating: nil, count: items.count)
        var keptItems: [String] = []
        for item in items.indices where !dropped.contains(item) {
            newIndices[item] = UInt32(keptItems.count)
            keptItems.append(items[item])
        }
        var keptPersons: [String] = []
        var starts = [0]
        var columns: [UInt32] = []
        var newRatings: [Float] = []
        var newTimes: [Int64] = []
        for person in persons.indices {
            for position in rows.starts[person]..<rows.starts[person + 1] {
                guard let column = newIndices[Int(rows.columns[position])] else { continue }
                columns.append(column)
                newRatings.append(ratings[position])
                if !times.isEmpty { newTimes.append(times[position]) }
            }
            if columns.count > starts[starts.count - 1] {
                keptPersons.append(persons[person])
                starts.append(columns.count)
            }
        }
        return Interactions(
            persons: keptPersons, items: keptItems,
            rows: SparseRows(starts: starts, columns: columns, columnCount: keptItems.count), ratings: newRatings,
            times: newTimes, timesArePositions: timesArePositions, duplicateCount: duplicateCount)
    }
}

extension LoadedData {
    /// The same data with each group of items made one: the title is the first that is not empty, keywords are joined.
    ///
    /// - Precondition: the groups are disjoint sets of items.
    public func merging(_ groups: [[Int]], rule: DuplicateRule = .byDefault) -> LoadedData {
        var out = self
        out.interactions = interactions.merging(groups, rule: rule)
        guard !descriptions.isEmpty else { return out }
        var isGone = [Bool](repeating: false, count: descriptions.count)
        for group in groups {
            let members = group.sorted()
            guard let leader = members.first else { continue }
            for member in members.dropFirst() {
                isGone[member] = true
                let other = descriptions[member]
                if out.descriptions[leader].title.isEmpty { out.descriptions[leader].title = other.title }
                for word in other.keywords where !out.descriptions[leader].keywords.contains(word) {
                    out.descriptions[leader].keywords.append(word)
                }
            }
        }
        out.descriptions = out.descriptions.indices.filter { !isGone[$0] }.map { out.descriptions[$0] }
        return out
    }

    /// The same data without some items, and without the persons who rated no other.
    public func droppingItems(_ dropped: Set<Int>) -> LoadedData {
        var out = self
        out.interactions = interactions.droppingItems(dropped)
        out.descriptions = descriptions.indices.filter { !dropped.contains($0) }.map { descriptions[$0] }
        return out
    }
}
