import Federation
import Numerics
import Parameters
import Ratings
import Recommenders
import Scenario
import Supervision

/// The target's models of text as they rank for a person: fresh from training, or from the client's own file.
struct TextRanker: Sendable {
    /// One model, as a device would use it.
    enum Model: Sendable {
        /// A fold-in into factors of who interacts with what, around a prior.
        case interactions(FoldIn, prior: [Float])
        /// The article's factors of ratings.
        case ratings(BiasedFactors, prior: BiasedFactors.Person)
        /// Steps from a common start, on what a common tower makes of texts.
        case meta(AdaptingModel)
    }

    /// The models and the λ that each was trained with, by method.
    private(set) var models: [String: (model: Model, regularization: Double)] = [:]
    /// By method, where the run has neighbours.
    var neighbours: [String: ItemWeights] = [:]

    /// The models of some methods, each with a λ of its own or none.
    init(_ models: [(method: String, model: Model)] = []) {
        for (method, model) in models { keep(model, of: method, regularization: 0) }
    }

    mutating func keep(_ model: Model?, of method: String, regularization: Double) {
        models[method] = model.map { ($0, regularization) }
    }

    /// The scores of all items under a candidate; `nil` for a method that is none of these.
    func scores(_ candidate: SelectionGrid.Candidate, known: PersonHistory) throws -> [Float]? {
        if candidate.model == MethodName.neighbours, let model = neighbours[candidate.method] {
            return model.scores(known: known.items)
        }
        guard let (model, regularization) = models[candidate.method] else { return nil }
        return try TextRanker.scores(
            model, known: known, regularization: candidate.regularization ?? regularization)
    }

    /// The scores of all items under a model.
    static func scores(_ model: Model, known: PersonHistory, regularization: Double) throws -> [Float] {
        switch model {
        case .meta(let model): return try model.scores(known: known)
        case .ratings(let factors, let prior):
            let person = try factors.foldIn(
                items: known.items, ratings: known.ratings,
                regularization: RatingRegularization(offsets: regularization, factors: regularization), prior: prior)
            return factors.predictions(for: person)
        case .interactions(var foldIn, let prior):
            guard !known.isEmpty else { return foldIn.itemFactors.multiplied(by: prior) }
            try foldIn.begin(items: known.items[...], regularization: Float(regularization))
            return foldIn.itemFactors.multiplied(by: foldIn.vector(prior: prior))
        }
    }
}

/// The form in which the target's client keeps its models in its own folder.
extension TextRanker {
    /// The models of declared tensors.
    ///
    /// - Throws: `missingTensor`.
    init(kept: ParameterSet, plan: RunPlan, scenario: ScenarioDefinition) throws {
        let width = scenario.integer("model.factors")
        let target = plan.target
        for method in plan.keptTextMethods {
            func values(_ part: TensorName.TextModelPart) throws -> [Float] {
                try kept.require(TensorName.textModel(target, method, part))
            }
            let factors = try values(.itemFactors)
            let matrix = Matrix(rowCount: factors.count / width, columnCount: width, values: factors)
            let prior = try values(.prior)
            if scenario.isMeta {
                let model = try AdaptingModel(
                    scenario, itemFactors: matrix, offsets: try values(.itemOffsets), start: prior,
                    rate: try values(.rate).first ?? 1)
                keep(.meta(model), of: method, regularization: 0)
                continue
            }
            let regularization = Double(try values(.regularization).first ?? 0)
            if scenario.isArticle {
                let model = BiasedFactors(
                    globalMean: try values(.globalMean).first ?? 0, itemOffsets: try values(.itemOffsets),
                    itemFactors: matrix)
                let person = BiasedFactors.Person(offset: prior.first ?? 0, factors: Array(prior.dropFirst()))
                keep(.ratings(model, prior: person), of: method, regularization: regularization)
            } else {
                let foldIn = FoldIn(
                    itemFactors: matrix, confidence: Float(scenario.number("model.confidence")))
                keep(.interactions(foldIn, prior: prior), of: method, regularization: regularization)
            }
            if plan.baselines.hasTextNeighbours {
                neighbours[method] = ItemWeights(
                    weights: Matrix(
                        rowCount: matrix.rowCount, columnCount: matrix.rowCount, values: try values(.neighbours)))
            }
        }
    }

    /// The models as the plan declares them.
    ///
    /// - Throws: `missingTensor` for a model that was not trained, `valueOutOfBound`.
    func kept(_ plan: RunPlan) throws -> ParameterSet {
        var values: [String: [Float]] = [:]
        for method in plan.keptTextMethods {
            func set(_ part: TensorName.TextModelPart, _ elements: [Float]) {
                values[TensorName.textModel(plan.target, method, part)] = elements
            }
            guard let (model, regularization) = models[method] else { continue }
            switch model {
            case .meta(let model):
                set(.itemFactors, model.itemFactors.values)
                set(.itemOffsets, model.offsets)
                set(.prior, model.start)
                set(.rate, [model.rate])
            case .interactions(let foldIn, let prior):
                set(.regularization, [Float(regularization)])
                set(.itemFactors, foldIn.itemFactors.values)
                set(.prior, prior)
            case .ratings(let factors, let prior):
                set(.regularization, [Float(regularization)])
                set(.itemFactors, factors.itemFactors.values)
                set(.itemOffsets, factors.itemOffsets)
                set(.globalMean, [factors.globalMean])
                set(.prior, [prior.offset] + prior.factors)
            }
            if let neighbours = neighbours[method] { set(.neighbours, neighbours.weights.values) }
        }
        return try ParameterSet(
            plan.textModelSpecs.map { spec in
                guard let values = values[spec.name] else { throw ParameterError.missingTensor(spec.name) }
                return try ParameterSet.Tensor(spec, values: values)
            })
    }
}
