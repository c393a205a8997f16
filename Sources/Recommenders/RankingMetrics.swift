import Glibc

/// Ranking metrics of one person over the full catalogue.
///
/// Order: score descending, then item ascending. Binary gain, discount log2(rank + 1), ideal over min(relevant, n).
/// Full ranking after Krichene & Rendle, *On sampled metrics for item recommendation* (KDD 2020).
public struct RankingMetrics: Sendable, Equatable {
    /// Normalised discounted cumulative gain at n.
    public let ndcg: Double
    /// Hits over relevant items.
    public let recall: Double

    /// What cannot be ranked.
    public enum Failure: Error, Equatable, Sendable {
        /// A score is NaN.
        case scoreIsNaN
    }

    /// The first `count` items in ranking order, excluded ones left out; fewer when the catalogue has fewer.
    ///
    /// - Throws: `scoreIsNaN`. *Complexity*: O(items · count) at worst, O(items) typically.
    public static func top(
        _ count: Int, scores: some RandomAccessCollection<Float>, excluded: [UInt32]
    ) throws(Failure) -> [UInt32] {
        let excluded = Set(excluded)
        var best: [(score: Float, item: UInt32)] = []
        best.reserveCapacity(count + 1)
        for (item, score) in scores.enumerated() {
            guard !score.isNaN else { throw .scoreIsNaN }
            if best.count == count, let last = best.last, score <= last.score { continue }
            if excluded.contains(UInt32(item)) { continue }
            // Items come in ascending order, so an equal score goes behind those already there.
            var position = best.count
            while position > 0, best[position - 1].score < score { position -= 1 }
            best.insert((score, UInt32(item)), at: position)
            if best.count > count { best.removeLast() }
        }
        return best.map(\.item)
    }

    /// The metrics of a ranking.
    ///
    /// - Parameters:
    ///   - ranking: the first items of the ranking, best first.
    ///   - relevant: the relevant items, without duplicates, at least one.
    ///   - count: n; a shorter ranking is a shorter list.
    public init(ranking: [UInt32], relevant: [UInt32], count: Int) {
        precondition(count > 0, "a list of \(count) items")
        precondition(!relevant.isEmpty, "a person without relevant items is excluded before ranking")
        let relevant = Set(relevant)
        var gain = 0.0
        var hits = 0
        for (position, item) in ranking.prefix(count).enumerated() where relevant.contains(item) {
            gain += 1 / log2(Double(position + 2))
            hits += 1
        }
        let ideal = (0..<min(relevant.count, count)).reduce(0.0) { $0 + 1 / log2(Double($1 + 2)) }
        ndcg = gain / ideal
        recall = Double(hits) / Double(relevant.count)
    }
}
