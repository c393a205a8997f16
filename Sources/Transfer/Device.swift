public import Numerics
public import Ratings
public import Recommenders

/// A source domain's broadcast model, as a device uses it.
public struct SourceModel: Sendable {
    var foldIn: FoldIn
    let features: SourceFeatures
    let regularization: Float
    let means: RatingMeans?
    /// How old interactions fade in a person's vector; `nil` where nothing has changed.
    public var decay: SampleDecay?

    /// Prepares a model.
    ///
    /// - Parameters:
    ///   - foldIn: the fold-in into the source's item factors.
    ///   - features: the whitening of its persons' features.
    ///   - regularization: λ of the source's training.
    ///   - means: its rating means, for bias carry.
    public init(foldIn: FoldIn, features: SourceFeatures, regularization: Float, means: RatingMeans? = nil) {
        self.foldIn = foldIn
        self.features = features
        self.regularization = regularization
        self.means = means
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
    /// How old interactions fade in a person's vector; `nil` where nothing has changed.
    public var decay: SampleDecay?

    /// Prepares a model.
    public init(foldIn: FoldIn, basis: TargetBasis, regularization: Float, popularity: [Float]) {
        self.foldIn = foldIn
        self.basis = basis
        self.regularization = regularization
        self.popularity = popularity
    }

    /// Prepares the fold-in of a person's interactions, old ones faded.
    ///
    /// - Throws: `notPositiveDefinite`.
    public mutating func begin(_ history: PersonHistory, regularization: Float) throws(NumericsError) {
        try foldIn.begin(history, decay: decay, regularization: regularization)
    }
}

/// The device of one person: that person's own histories, which no other person's code can reach.
///
/// A device computes its vectors anew from broadcast item factors; what it gives away is a contribution to a sum.
public struct Device: Sendable {
    /// The person's id; it never leaves the process.
    public let person: String
    private let histories: [String: PersonHistory]

    /// A device with the person's history in each domain.
    public init(person: String, histories: [String: PersonHistory]) {
        self.person = person
        self.histories = histories
    }

    /// The person's history in a domain; empty without one.
    public func history(in domain: String) -> PersonHistory { histories[domain] ?? .empty }

    /// The number of the person's interactions in a domain.
    public func interactionCount(in domain: String) -> Int { histories[domain]?.count ?? 0 }

    /// The device with what a stage may see of each history.
    public func restricted(to stage: SplitStage, _ splits: [String: DomainSplit]) -> Device {
        var visible: [String: PersonHistory] = [:]
        for (domain, history) in histories {
            guard let split = splits[domain] else { continue }
            visible[domain] = history.subset(split.training(of: person, history, stage: stage))
        }
        return Device(person: person, histories: visible)
    }

    /// The device as if one interaction had never been.
    public func without(_ position: Int, in domain: String) -> Device {
        var histories = histories
        histories[domain] = histories[domain].map { history in
            history.subset(history.items.indices.filter { $0 != position })
        }
        return Device(person: person, histories: histories)
    }

    /// The device with the interactions at these positions of each domain alone.
    public func keeping(_ positions: [String: [Int]]) -> Device {
        Device(
            person: person,
            histories: Dictionary(
                uniqueKeysWithValues: histories.map { domain, history in
                    (domain, history.subset(positions[domain] ?? []))
                }))
    }

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
        _ models: inout [String: SourceModel], sources: [String], dimension: Int
    ) throws(NumericsError) -> [Float] {
        var out: [Float] = []
        for source in sources {
            guard let history = histories[source], !history.isEmpty, let model = models[source] else {
                out.append(contentsOf: repeatElement(0, count: dimension))
                continue
            }
            try models[source]?.foldIn.begin(
                history, decay: model.decay, regularization: model.regularization)
            guard let vector = models[source]?.foldIn.vector() else { continue }
            out.append(contentsOf: model.features.feature(vector))
        }
        return out
    }

    /// The target coordinates t of the person, from the whole target history; `nil` without one.
    ///
    /// - Throws: `notPositiveDefinite`.
    public func targetCoordinates(_ model: inout TargetModel, target: String) throws(NumericsError) -> [Float]? {
        guard let history = histories[target], !history.isEmpty else { return nil }
        try model.begin(history, regularization: model.regularization)
        return model.basis.coordinates(model.foldIn.vector())
    }

    /// The person's rating offset over all sources with rating means: Σ(r − μ − b_i) / (n + damping); 0 without any.
    public func sourceOffset(_ models: [String: SourceModel], damping: Double) -> Float {
        var sum = 0.0
        var count = 0
        for (domain, history) in histories.sorted(by: { $0.key < $1.key }) {
            guard let means = models[domain]?.means, !history.isEmpty else { continue }
            let offset = means.userOffset(items: history.items, ratings: history.ratings, damping: 0)
            sum += Double(offset) * Double(history.count)
            count += history.count
        }
        return count == 0 ? 0 : Float(sum / (Double(count) + damping))
    }
}
