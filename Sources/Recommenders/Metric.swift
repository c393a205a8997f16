/// The name of a metric.
public enum Metric: String, CaseIterable, Sendable {
    /// Normalised discounted cumulative gain.
    case ndcg
    /// Hits over relevant items.
    case recall
    /// Hits over the length asked for.
    case precision
    /// Mean average precision.
    case map
    /// Mean reciprocal rank of the first hit.
    case mrr
    /// The share of persons with a hit.
    case hit
    /// The share of the catalogue in anyone's list.
    case coverage
    /// The mean surprise of a recommended item, in bits.
    case novelty
    /// The mean pairwise distance within a list.
    case diversity
    /// The inequality of the recommendation counts of the catalogue's items.
    case gini
    /// Relevant items ranked higher than their popularity.
    case serendipity
    /// Root mean squared error of predicted ratings.
    case rmse
    /// Mean absolute error of predicted ratings.
    case mae

    /// The metrics of one person's list against relevant items, all between 0 and 1.
    public static let ofRelevance: [Metric] = [.ndcg, .recall, .precision, .map, .mrr, .hit]

    /// Whether the metric judges predicted ratings; all others judge lists.
    public var isRatingError: Bool { self == .rmse || self == .mae }

    /// The spelling in a record: `ndcg@10`, or `rmse`, which has no list.
    ///
    /// - Parameter topN: the length of the list.
    public func label(topN: Int) -> String { isRatingError ? rawValue : "\(rawValue)@\(topN)" }
}

extension RankingMetrics {
    /// The value of a metric; `nil` for one that is not of one person's list against relevant items.
    public func value(of metric: Metric) -> Double? {
        switch metric {
        case .ndcg: ndcg
        case .recall: recall
        case .precision: precision
        case .map: map
        case .mrr: mrr
        case .hit: hit
        case .coverage, .novelty, .diversity, .gini, .serendipity, .rmse, .mae: nil
        }
    }
}

/// What is wrong with the input or the result of a metric. Payloads name metrics, lengths and items, never a score.
public enum MetricError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A predicted rating is NaN.
    case predictionIsNaN
    /// A rating is NaN.
    case ratingIsNaN
    /// An item's vector has an element that is NaN or infinite.
    case itemVectorIsNotFinite(item: Int)
    /// A metric is not between 0 and 1: an internal error.
    case outOfRange(metric: Metric, topN: Int)
    /// A metric that cannot fall as the list grows does: an internal error.
    case falls(metric: Metric, from: Int, to: Int)

    /// One sentence.
    public var description: String {
        switch self {
        case .predictionIsNaN: "a predicted rating is not a number; are the model's parameters finite?"
        case .ratingIsNaN: "a rating is not a number"
        case .itemVectorIsNotFinite(let item): "the vector of item \(item) is not finite"
        case .outOfRange(let metric, let topN):
            "internal error: \(metric.label(topN: topN)) of one person is not between 0 and 1"
        case .falls(let metric, let from, let to):
            "internal error: \(metric.label(topN: to)) of one person is below \(metric.label(topN: from))"
        }
    }
}
