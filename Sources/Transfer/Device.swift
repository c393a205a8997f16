public import Numerics
public import Ratings
public import Recommenders

/// A source domain's broadcast model, as a device uses it.
public struct SourceModel: Sendable {
    var foldIn: FoldIn
    let features: SourceFeatures
    let regularization: Float

    /// Prepares a model.
    ///
    /// - Parameters:
    ///   - foldIn: the fold-in into the source's item factors.
    ///   - features: the whitening of its persons' features.
    ///   - regularization: λ of the source's training.
    public init(foldIn: FoldIn, features: SourceFeatures, regularization: Float) {
        self.foldIn = foldIn
        self.features = features
        self.regularization = regularization
    }
}

/// The target domain's broadcast model, as a device uses it.
public struct TargetModel: Sendable {
    /// The fold-in into the target's item factors.
    public var foldIn: FoldIn
    /// The coordinates of its persons.
    public let basis: TargetBasis
    /// λ of the target's training.
    public let regularization: Float
    /// Interactions of each item: the popularity ranking.
    public let popularity: [Float]

    /// Prepares a model.
    public init(foldIn: FoldIn, basis: TargetBasis, regularization: Float, popularity: [Float]) {
        self.foldIn = foldIn
        self.basis = basis
        self.regularization = regularization
        self.popularity = popularity
    }
}

/// The device of one person: that person's own histories, which no other person's code can reach.
///
/// A device computes its vectors anew from broadcast item factors; what it gives away is a contribution to a sum.
public struct Device: Sendable {
    /// The person's id; it never leaves the process.
    public let person: String
    private let histories: [String: [UInt32]]

    /// A device with the person's items in each domain.
    public init(person: String, histories: [String: [UInt32]]) {
        self.person = person
        self.histories = histories
    }

    /// The number of the person's interactions in a domain.
    public func interactionCount(in domain: String) -> Int { histories[domain]?.count ?? 0 }

    /// The control's device: this person's target history beside another's source histories.
    public func withLinks(of other: Device, target: String) -> Device {
        var mixed = other.histories
        mixed[target] = histories[target]
        return Device(person: person, histories: mixed)
    }

    /// The source features of all sources, one after the other; zeros for a source without a model or a history.
    ///
    /// - Throws: `notPositiveDefinite`.
    public func feature(
        _ models: inout [String: SourceModel], sources: [String], factors: Int
    ) throws(NumericsError) -> [Float] {
        var out: [Float] = []
        for source in sources {
            guard let items = histories[source], let model = models[source] else {
                out.append(contentsOf: repeatElement(0, count: factors))
                continue
            }
            try models[source]?.foldIn.begin(items: items[...], regularization: model.regularization)
            guard let vector = models[source]?.foldIn.vector() else { continue }
            out.append(contentsOf: model.features.feature(vector))
        }
        return out
    }

    /// The target coordinates t of the person, from the whole target history; `nil` without one.
    ///
    /// - Throws: `notPositiveDefinite`.
    public func targetCoordinates(_ model: inout TargetModel, target: String) throws(NumericsError) -> [Float]? {
        guard let items = histories[target] else { return nil }
        try model.foldIn.begin(items: items[...], regularization: model.regularization)
        return model.basis.coordinates(model.foldIn.vector())
    }

    /// The person's cold-start task, or `nil` with fewer than `minimumInteractions` target interactions.
    public func task(
        _ split: PersonSplit, target: String, candidateCount: Int, minimumInteractions: Int
    ) -> ColdStartTask? {
        guard let items = histories[target], items.count >= minimumInteractions else { return nil }
        let (support, query) = split.supportAndQuery(of: person, items: items[...], candidateCount: candidateCount)
        return ColdStartTask(support: support, query: query)
    }
}

/// What a cold person's device knows at each number of shots, and what it must predict.
public struct ColdStartTask: Sendable {
    /// The support candidates, in the order in which they become known.
    let support: [UInt32]
    /// The relevant items, the same for every number of shots.
    let query: [UInt32]

    /// The first interactions.
    public func known(shots: Int) -> ArraySlice<UInt32> { support.prefix(shots) }

    /// The metrics of user vectors, one a row, ranked over the full catalogue without the support candidates.
    ///
    /// - Throws: `scoreIsNaN`. *Complexity*: O(vectors · items · d).
    public func metrics(
        vectors: Matrix, itemFactors: Matrix, topN: Int
    ) throws(RankingMetrics.Failure) -> [RankingMetrics] {
        let scores = vectors.multiplied(byTransposeOf: itemFactors)
        var out: [RankingMetrics] = []
        for index in 0..<vectors.rowCount { out.append(try metrics(scores: scores.row(index), topN: topN)) }
        return out
    }

    /// The metrics of one list of scores.
    ///
    /// - Throws: `scoreIsNaN`.
    public func metrics(
        scores: some RandomAccessCollection<Float>, topN: Int
    ) throws(RankingMetrics.Failure) -> RankingMetrics {
        let ranking = try RankingMetrics.top(topN, scores: scores, excluded: support)
        return RankingMetrics(ranking: ranking, relevant: query, count: topN)
    }
}
