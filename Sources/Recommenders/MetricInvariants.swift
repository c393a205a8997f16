/// What holds of every metric, checked at run time.
public enum MetricInvariants {
    /// Checks the metrics of one person's list at lengths 1, 2, 4, … and `count`.
    ///
    /// *Complexity*: O(count · log relevant · log count).
    /// - Parameters:
    ///   - ranking: the first items of the ranking, best first.
    ///   - relevant: the relevant items, at least one.
    ///   - count: the longest list.
    /// - Throws: `outOfRange`, `falls`: internal errors, such as an item that stands twice in the ranking.
    public static func check(ranking: [UInt32], relevant: [UInt32], count: Int) throws(MetricError) {
        var lengths: [Int] = []
        var length = 1
        while length < count {
            lengths.append(length)
            length *= 2
        }
        lengths.append(count)
        try check(
            lengths.map { (topN: $0, metrics: RankingMetrics(ranking: ranking, relevant: relevant, count: $0)) })
    }

    /// Checks the metrics of one person at growing lengths: each lies between 0 and 1, and neither recall nor hit falls.
    ///
    /// - Throws: `outOfRange`, `falls`.
    public static func check(_ growing: [(topN: Int, metrics: RankingMetrics)]) throws(MetricError) {
        for (index, step) in growing.enumerated() {
            for metric in Metric.ofRelevance {
                // A NaN lies in no range.
                guard let value = step.metrics.value(of: metric), (0...1).contains(value) else {
                    throw .outOfRange(metric: metric, topN: step.topN)
                }
            }
            guard index > 0 else { continue }
            let last = growing[index - 1]
            if step.metrics.recall < last.metrics.recall {
                throw .falls(metric: .recall, from: last.topN, to: step.topN)
            }
            if step.metrics.hit < last.metrics.hit { throw .falls(metric: .hit, from: last.topN, to: step.topN) }
        }
    }

    /// A warning where a cohort's mean is exactly 1, which no model reaches on honest data; `nil` otherwise.
    public static func leakWarning(_ metric: Metric, topN: Int, mean: Double) -> String? {
        guard Metric.ofRelevance.contains(metric), mean == 1 else { return nil }
        return "\(metric.label(topN: topN)) is exactly 1: check for a leak of relevant items into training"
    }
}
