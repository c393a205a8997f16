import Ratings

/// Predicts ratings by damped means: of all ratings, of an item, of an item and a person.
///
/// Item offsets are Σ(r − μ) / (n + damping); a person's offset is computed from their history and is not part of the
/// model. Source: Koren, *Factor in the neighbors* (TKDD 2010), section 2.1.
public struct RatingMeans: Sendable, Equatable {
    /// μ, the mean rating.
    public let globalMean: Float
    /// What is added to μ for each item.
    public let itemOffsets: [Float]

    /// A model from its parts, such as those that a domain has shipped.
    public init(globalMean: Float, itemOffsets: [Float]) {
        self.globalMean = globalMean
        self.itemOffsets = itemOffsets
    }

    /// Trains on ratings. *Complexity*: O(entries + items).
    ///
    /// - Parameter damping: how many ratings at the mean each item is given beside its own, not negative.
    /// - Throws: `noRatings`.
    public init(_ data: TrainingData, damping: Double) throws(RecommenderError) {
        precondition(damping >= 0, "a damping of \(damping)")
        let mean = try data.meanRating()
        var sums = [Double](repeating: 0, count: data.rows.columnCount)
        var counts = sums
        for (item, rating) in zip(data.rows.columns, data.ratings) {
            sums[Int(item)] += Double(rating) - mean
            counts[Int(item)] += 1
        }
        globalMean = Float(mean)
        itemOffsets = zip(sums, counts).map { $1 > 0 ? Float($0 / ($1 + damping)) : 0 }
    }

    /// A person's offset: (Σ(r − μ − b_i) + damping · prior) / (n + damping); the prior when nothing is known.
    ///
    /// With the person's offset of another domain as prior this is bias carry.
    /// - Parameters:
    ///   - items: the known items.
    ///   - ratings: their ratings, parallel to `items`.
    ///   - prior: what the offset is drawn to.
    ///   - damping: how many ratings the prior weighs, not negative.
    /// - Precondition: the items are of the catalogue. *Complexity*: O(known items).
    public func userOffset(
        items: some Collection<UInt32>, ratings: some Collection<Float>, prior: Float = 0, damping: Double
    ) -> Float {
        precondition(items.count == ratings.count && damping >= 0, "ratings that are not parallel to their items")
        guard !items.isEmpty else { return prior }
        var sum = damping * Double(prior)
        for (item, rating) in zip(items, ratings) {
            sum += Double(rating) - Double(globalMean) - Double(itemOffsets[Int(item)])
        }
        return Float(sum / (Double(items.count) + damping))
    }

    /// The predicted rating of one item; without a user offset the item's damped mean.
    public func prediction(item: UInt32, userOffset: Float = 0) -> Float {
        globalMean + itemOffsets[Int(item)] + userOffset
    }

    /// The predicted ratings of all items.
    public func predictions(userOffset: Float = 0) -> [Float] { itemOffsets.map { globalMean + $0 + userOffset } }
}
