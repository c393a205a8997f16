public import Numerics
public import Ratings
public import Recommenders

/// A domain's broadcast explicit factors, as a device uses them.
public struct RatingModel: Sendable {
    /// μ, b_i and q_i.
    public let factors: BiasedFactors
    /// The penalty of training, with which a person's parameters are solved.
    public let regularization: RatingRegularization

    /// A model from its parts.
    public init(factors: BiasedFactors, regularization: RatingRegularization) {
        self.factors = factors
        self.regularization = regularization
    }

    /// A person's offset and vector: (b_u, p_u) = (XᵀX + Λ)⁻¹(Xᵀỹ + Λ prior) with X = [1, Q_u]; the prior when nothing is
    /// known, and zero without a prior.
    ///
    /// - Parameter damping: how many ratings the prior of the offset weighs; without it what it does in training.
    /// - Throws: `notPositiveDefinite`, `notFinite`. *Complexity*: O(ratings · d² + d³).
    public func person(
        _ history: PersonHistory, prior: BiasedFactors.Person? = nil, damping: Double? = nil
    ) throws(NumericsError) -> BiasedFactors.Person {
        let penalty =
            damping.map {
                RatingRegularization(
                    offsets: $0, factors: regularization.factors, scaling: regularization.scaling)
            } ?? regularization
        return try factors.foldIn(items: history.items, ratings: history.ratings, regularization: penalty, prior: prior)
    }
}

/// What a device knows of its person from the explicit factors of sources.
public struct LinkedRatings: Sendable, Equatable {
    /// f: the whitened features of all sources, one after the other.
    public let feature: [Float]
    /// b_u^S, in rating points.
    public let offset: Float
}

extension Device {
    /// The features of the person's explicit vectors, zeros for a source without a model or a history; and the person's
    /// offset, that of several sources by their numbers of ratings.
    ///
    /// - Throws: `notPositiveDefinite`, `notFinite`.
    public func linkedRatings(
        _ models: [String: (model: RatingModel, features: SourceFeatures)], sources: [String], dimension: Int
    ) throws(NumericsError) -> LinkedRatings {
        var feature: [Float] = []
        var offset = 0.0
        var count = 0
        for source in sources {
            let history = history(in: source)
            guard !history.isEmpty, let (model, features) = models[source] else {
                feature.append(contentsOf: repeatElement(0, count: dimension))
                continue
            }
            let person = try model.person(history)
            feature.append(contentsOf: features.feature(person.factors))
            offset += Double(person.offset) * Double(history.count)
            count += history.count
        }
        return LinkedRatings(feature: feature, offset: count == 0 ? 0 : Float(offset / Double(count)))
    }
}
