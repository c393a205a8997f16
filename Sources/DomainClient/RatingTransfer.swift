import Federation
import Numerics
import Parameters
import Ratings
import Recommenders
import Scenario
import Supervision
import Transfer

/// The transfer of ratings as devices compute it: explicit factors of every domain, and a person's prior in the target
/// mapped from the sources.
///
/// p_u = (Q_uᵀQ_u + λI)⁻¹(Q_uᵀỹ_u + λp̂) with p̂ = p̄_T + V Mᵀf, and the person's offset is drawn to ρ b_u^S.
struct RatingTransfer {
    private struct MapKey: Hashable {
        let method: String
        let ridge: Double
    }

    private let plan: RunPlan
    private let dimension: Int
    private let target: RatingModel
    private let basis: TargetBasis
    private let sources: [String: (model: RatingModel, features: SourceFeatures)]
    /// By method and ridge; empty before the bridges are known.
    private var maps: [MapKey: FeatureMap] = [:]

    /// The models that were broadcast.
    ///
    /// - Throws: `RunFailure` for a target with fewer than two persons.
    init(_ plan: RunPlan, known: ParameterSet, scenario: ScenarioDefinition, scale: RatingScale) throws {
        self.plan = plan
        let dimension = scenario.integer("tune.rating-factors")
        self.dimension = dimension
        let target = plan.target
        self.target = try RatingTransfer.model(target, known, dimension: dimension, scale: scale)
        guard let moments = try RatingTransfer.moments(target, known) else {
            throw RunFailure(.data, "domain \(target) has fewer than two persons whose ratings train")
        }
        basis = try TargetBasis(moments, dimension: dimension)
        var sources: [String: (model: RatingModel, features: SourceFeatures)] = [:]
        for source in plan.sources
        where known.values(TensorName.momentCount(source, ofRatings: true)) != nil {
            guard let moments = try RatingTransfer.moments(source, known) else { continue }
            sources[source] = (
                try RatingTransfer.model(source, known, dimension: dimension, scale: .oneToFive),
                try SourceFeatures(moments)
            )
        }
        self.sources = sources
        for method in MethodName.ratingTransfers {
            for ridge in scenario.numbers("transfer.ridge") {
                maps[MapKey(method: method, ridge: ridge)] = try map(
                    isShuffled: method == MethodName.shuffledPrior, ridge: ridge, known)
            }
        }
    }

    private static func model(
        _ domain: String, _ known: ParameterSet, dimension: Int, scale: RatingScale
    ) throws -> RatingModel {
        let method = MethodName.explicitALS
        let values = try known.require(TensorName.ratingFactors(domain, method: method))
        let factors = BiasedFactors(
            globalMean: try known.require(TensorName.globalMean(domain, method: method)).first ?? 0,
            itemOffsets: try known.require(TensorName.itemOffsets(domain, method: method)),
            itemFactors: Matrix(rowCount: values.count / dimension, columnCount: dimension, values: values))
        let lambda = try known.require(TensorName.regularization(domain, method: method)).first ?? 0
        return RatingModel(factors: factors, regularization: scale.penalty(Double(lambda)))
    }

    private static func moments(_ domain: String, _ known: ParameterSet) throws -> PersonMoments? {
        PersonMoments(
            count: try known.require(TensorName.momentCount(domain, ofRatings: true)).first ?? 0,
            sum: try known.require(TensorName.momentSum(domain, ofRatings: true)),
            product: try known.require(TensorName.momentProduct(domain, ofRatings: true)))
    }

    private func map(isShuffled: Bool, ridge: Double, _ known: ParameterSet) throws -> FeatureMap? {
        let name = TensorName.crossMoment(isShuffled: isShuffled, ofRatings: true)
        guard let values = known.values(name) else { return nil }
        let spec = try plan.schema.spec(name)
        var sourceMoment: Matrix?
        if plan.sources.count > 1 {
            sourceMoment = Matrix(
                rowCount: spec.shape[0], columnCount: spec.shape[0],
                values: try known.require(TensorName.sourceMoment(isShuffled: isShuffled, ofRatings: true)))
        }
        let count = try known.require(TensorName.bridgeCount(isShuffled: isShuffled, ofRatings: true)).first ?? 0
        return try FeatureMap(
            crossMoment: Matrix(rowCount: spec.shape[0], columnCount: spec.shape[1], values: values),
            sourceMoment: sourceMoment, count: Double(count), ridge: ridge)
    }

    /// What a device knows of its person from the sources.
    func linked(_ device: Device) throws -> LinkedRatings {
        try device.linkedRatings(sources, sources: plan.sources, dimension: dimension)
    }

    /// The person's target coordinates t, from the whole target history.
    func coordinates(_ device: Device) throws -> [Float] {
        basis.coordinates(try target.person(device.history(in: plan.target)).factors)
    }

    /// The predicted ratings of the query under a candidate of a method that transfers ratings.
    func predictions(
        _ candidate: SelectionGrid.Candidate, linked: LinkedRatings, known: PersonHistory, query: PersonHistory
    ) throws -> [Float] {
        guard let map = maps[MapKey(method: candidate.method, ridge: candidate.ridge ?? 0)] else {
            throw RunFailure(.internalError, "\(candidate.method) has no map of ratings")
        }
        let prior = BiasedFactors.Person(
            offset: Float(candidate.carry ?? 0) * linked.offset,
            factors: basis.vector(map.coordinates(linked.feature)))
        let person = try target.person(known, prior: prior, damping: candidate.damping)
        return query.items.map { target.factors.prediction(for: person, item: $0) }
    }
}
