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

/// The words of `transfer.text.space`.
public enum TextSpaceName {
    /// One space for all.
    public static let shared = "shared"
    /// A rotation by pairs of words.
    public static let procrustes = "procrustes"
    /// A ridge regression by pairs of words.
    public static let anchors = "anchors"
    /// A linear network by pairs of words.
    public static let network = "network"
    /// The affine map between moments.
    public static let optimalTransport = "optimal-transport"
    /// Those that need the vectors of the same words in both spaces.
    public static let ofWords = [procrustes, anchors, network]
    /// Every legal word.
    public static let all = [shared] + ofWords + [optimalTransport]
}
