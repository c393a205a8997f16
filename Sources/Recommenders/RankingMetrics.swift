import Glibc

/// Ranking metrics of one person over the full catalogue, binary relevance.
///
/// Order: score descending, then item ascending. An empty list scores 0.
/// Full ranking after Krichene & Rendle, *On sampled metrics for item recommendation* (KDD 2020).
public struct RankingMetrics: Sendable, Equatable {
    /// Normalised discounted cumulative gain at n: discount log2(rank + 1), ideal over min(relevant, n).
    public let ndcg: Double
    /// Hits over relevant items.
    public let recall: Double
    /// Hits over n, also where the list is shorter.
    public let precision: Double
    /// Average precision: the precisions at the ranks of the hits, summed, over min(relevant, n).
    public let map: Double
    /// One over the rank of the first hit; 0 without a hit.
    public let mrr: Double
    /// 1 with any hit, 0 without.
    public let hit: Double

    /// What cannot be ranked.
    public enum Failure: Error, Equatable, Sendable {
        /// A score is NaN.
        case scoreIsNaN
    }

    /// The metrics of a ranking.
    ///
    /// *Complexity*: O(n · log relevant), and O(relevant · log relevant) more where `relevant` does not ascend.
    /// - Parameters:
    ///   - ranking: the first items of the ranking, best first, each once.
    ///   - relevant: the relevant items, at least one; an item named twice counts once.
    ///   - count: n; a shorter ranking is a shorter list.
    public init(ranking: [UInt32], relevant: [UInt32], count: Int) {
        precondition(count > 0, "a list of \(count) items")
        precondition(!relevant.isEmpty, "a person without relevant items is excluded before ranking")
        let relevant = RelevantItems(relevant)
        var gain = 0.0
        var hits = 0
        var precisions = 0.0
        var firstRank = 0
        for position in 0..<min(ranking.count, count) where relevant.contains(ranking[position]) {
            gain += Discount.at(position: position)
            hits += 1
            precisions += Double(hits) / Double(position + 1)
            if firstRank == 0 { firstRank = position + 1 }
        }
        let achievable = min(relevant.count, count)
        ndcg = gain / Discount.sum(count: achievable)
        recall = Double(hits) / Double(relevant.count)
        precision = Double(hits) / Double(count)
        map = precisions / Double(achievable)
        mrr = firstRank == 0 ? 0 : 1 / Double(firstRank)
        hit = hits == 0 ? 0 : 1
    }
}

/// The relevant items of one person, ready for membership tests.
struct RelevantItems {
    private let ascending: [UInt32]

    init(_ items: [UInt32]) {
        if RelevantItems.strictlyAscend(items) {
            ascending = items
        } else {
            let sorted = items.sorted()
            var distinct: [UInt32] = []
            distinct.reserveCapacity(sorted.count)
            for item in sorted where distinct.last != item { distinct.append(item) }
            ascending = distinct
        }
    }

    var count: Int { ascending.count }

    func contains(_ item: UInt32) -> Bool {
        var low = 0
        var high = ascending.count
        while low < high {
            let middle = (low + high) / 2
            if ascending[middle] < item { low = middle + 1 } else { high = middle }
        }
        return low < ascending.count && ascending[low] == item
    }

    private static func strictlyAscend(_ items: [UInt32]) -> Bool {
        for index in items.indices.dropFirst() where items[index - 1] >= items[index] { return false }
        return true
    }
}

/// The discounts 1 / log2(rank + 1) and their sums; those of the usual list lengths are computed once.
private enum Discount {
    static let tableLength = 128
    static let terms = (0..<tableLength).map { term($0) }
    static let sums = (0...tableLength).map { count in (0..<count).reduce(0.0) { $0 + term($1) } }

    static func term(_ position: Int) -> Double { 1 / log2(Double(position + 2)) }

    static func at(position: Int) -> Double { position < tableLength ? terms[position] : term(position) }

    static func sum(count: Int) -> Double {
        if count <= tableLength { return sums[count] }
        // The same order of additions as in the table.
        return (tableLength..<count).reduce(sums[tableLength]) { $0 + term($1) }
    }
}
