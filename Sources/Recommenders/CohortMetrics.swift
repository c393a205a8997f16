import Numerics

/// The metrics of the lists of several persons.
///
/// A person without relevant items is left out of every metric and counted. Values of single persons stay available, in
/// the order in which the persons came, so that methods can be compared person by person.
public struct CohortMetrics: Sendable, Equatable {
    /// What one person adds.
    public struct Person: Sendable, Equatable {
        /// The metrics against relevant items.
        public let relevance: RankingMetrics
        /// The novelties of the list's items, summed; in bits.
        public let noveltySum: Double
        /// The length of the list.
        public let itemCount: Int
        /// The mean distance of two items of the list; `nil` without item vectors or for fewer than two items that have
        /// a direction.
        public let diversity: Double?
        /// Σ max(p_i − popularity_i, 0) · rel_i / n with p_i = (N + 1 − rank of i in the list) / N over N items.
        ///
        /// Source: RecTools 0.19, `Serendipity`, which divides by the length of the list where this divides by n.
        public let serendipity: Double

        /// The mean novelty of the list's items; `nil` for an empty list.
        public var novelty: Double? { itemCount == 0 ? nil : noveltySum / Double(itemCount) }

        /// The value of a metric of one person; `nil` where it is undefined or not one person's.
        public func value(of metric: Metric) -> Double? {
            switch metric {
            case .ndcg, .recall, .precision, .map, .mrr, .hit: relevance.value(of: metric)
            case .novelty: novelty
            case .diversity: diversity
            case .serendipity: serendipity
            case .coverage, .gini, .rmse, .mae: nil
            }
        }
    }

    /// The length n of the lists.
    public let topN: Int
    /// The persons with relevant items, in the order in which they were added.
    public private(set) var persons: [Person] = []
    /// The persons without relevant items.
    public private(set) var excludedPersonCount = 0
    /// How often each item of the catalogue was recommended.
    public private(set) var recommendationCounts: [Int]

    private let catalogue: CatalogueStatistics

    /// A cohort without persons.
    ///
    /// - Parameters:
    ///   - topN: n, at least 1.
    ///   - catalogue: the catalogue as the training data knows it.
    public init(topN: Int, catalogue: CatalogueStatistics) {
        precondition(topN > 0, "a list of \(topN) items")
        self.topN = topN
        self.catalogue = catalogue
        recommendationCounts = [Int](repeating: 0, count: catalogue.itemCount)
    }

    /// Adds the list of one person, or counts the person as excluded when no item is relevant.
    ///
    /// - Parameters:
    ///   - ranking: the first items of the ranking, best first, each below the catalogue's item count.
    ///   - relevant: the relevant items.
    ///   - directions: the vectors for diversity; without them diversity is undefined.
    public mutating func add(ranking: [UInt32], relevant: [UInt32], directions: ItemDirections? = nil) {
        guard !relevant.isEmpty else {
            excludedPersonCount += 1
            return
        }
        let list = ranking.prefix(topN)
        let items = Double(catalogue.itemCount)
        let isRelevant = RelevantItems(relevant)
        var novelty = 0.0
        var serendipity = 0.0
        for (position, item) in list.enumerated() {
            recommendationCounts[Int(item)] += 1
            novelty += catalogue.novelty[Int(item)]
            if isRelevant.contains(item) {
                serendipity += max((items - Double(position)) / items - catalogue.popularity[Int(item)], 0)
            }
        }
        persons.append(
            Person(
                relevance: RankingMetrics(ranking: ranking, relevant: relevant, count: topN), noveltySum: novelty,
                itemCount: list.count, diversity: topN < 2 ? nil : directions?.diversity(of: list),
                serendipity: serendipity / Double(topN)))
    }

    /// The values of the single persons; `nil` where undefined, and everywhere for a metric of the cohort alone.
    public func values(of metric: Metric) -> [Double?] { persons.map { $0.value(of: metric) } }

    /// The value of the cohort; `nil` where it is undefined, and for rating errors.
    ///
    /// A mean over the persons for whom the metric is defined; for novelty, the mean over all recommended items.
    public func value(of metric: Metric) -> Double? {
        switch metric {
        case .coverage: coverage
        case .gini: gini
        case .novelty: novelty
        case .ndcg, .recall, .precision, .map, .mrr, .hit, .diversity, .serendipity:
            mean(persons.compactMap { $0.value(of: metric) })
        case .rmse, .mae: nil
        }
    }

    /// A warning for each metric whose mean is exactly 1.
    public var leakWarnings: [String] {
        Metric.ofRelevance.compactMap { metric in
            value(of: metric).flatMap { MetricInvariants.leakWarning(metric, topN: topN, mean: $0) }
        }
    }

    /// Distinct recommended items over the catalogue; `nil` without persons.
    private var coverage: Double? {
        if persons.isEmpty || catalogue.itemCount == 0 { return nil }
        return Double(recommendationCounts.count { $0 > 0 }) / Double(catalogue.itemCount)
    }

    /// The mean over the recommended items of all lists, summed by item so that the order of persons does not matter.
    private var novelty: Double? {
        let total = recommendationCounts.reduce(0, +)
        if total == 0 { return nil }
        return zip(recommendationCounts, catalogue.novelty).reduce(0.0) { $0 + Double($1.0) * $1.1 } / Double(total)
    }

    /// Σ (2i − N − 1) x_i / (N Σ x) over the counts x in ascending order; `nil` without recommendations.
    private var gini: Double? {
        let total = recommendationCounts.reduce(0, +)
        if total == 0 { return nil }
        let items = recommendationCounts.count
        var weighted = 0
        for (index, count) in recommendationCounts.sorted().enumerated() {
            weighted += (2 * index + 1 - items) * count
        }
        return Double(weighted) / (Double(items) * Double(total))
    }
}
