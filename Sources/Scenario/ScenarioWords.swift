/// The words of `clients[].data.format`.
public enum DataFormatName {
    /// Detection.
    public static let auto = "auto"
    /// The embedded world.
    public static let synthetic = "synthetic"
    /// Every legal word.
    public static let all = [
        auto, synthetic, "recbole", "movielens-100k", "movielens-1m", "movielens-latest", "amazon-ratings",
        "amazon-reviews", "book-crossing", "goodbooks", "yelp", "douban", "csv",
    ]
}

/// The words of `evaluation.metrics`.
public enum MetricNames {
    /// Every legal word.
    public static let all = [
        "ndcg", "recall", "precision", "map", "mrr", "hit", "coverage", "novelty", "diversity", "gini", "serendipity",
        "rmse", "mae",
    ]
}

/// The words of `evaluation.baselines`.
public enum BaselineNames {
    /// Every legal word.
    public static let all = [
        "global-mean", "item-mean", "user-mean", "bias-carry", "explicit-als", "biased-mf", "item-knn", "text-knn",
        "ease",
        "local-ensemble", "pooled-reference", "naive-fedavg",
    ]
}
