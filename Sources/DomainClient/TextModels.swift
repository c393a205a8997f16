import Federation
import Numerics
import Parameters
import Ratings
import Recommenders
import Record
import Scenario
import Supervision
import Transfer

/// What a source client ships where texts link the domains: the maps from texts to its item factors.
struct TextSource {
    /// The map, and one fitted to texts in a wrong order.
    let maps: [(isShuffled: Bool, map: TextFactorMap)]
    let moments: TextMoments

    /// Fits the maps.
    ///
    /// - Throws: `RunFailure` when no item with interactions has text.
    init(
        _ scenario: ScenarioDefinition, domain: String, seed: Int, rows: SparseRows, itemFactors: Matrix,
        vectors: ItemVectors
    ) throws {
        let weights = TextFactorMap.itemWeights(rows, isDescribed: vectors.isDescribed, shrinkage: 5)
        guard weights.contains(where: { $0 > 0 }) else {
            throw RunFailure(
                .data, "no item of \(domain) with interactions has text, so there is nothing to learn of texts")
        }
        // Numbers of variance 1, so that one ridge suits all word vectors; what is shipped takes texts as they are.
        let scale = TextSource.scale(vectors.vectors)
        let scaled = Matrix(
            rowCount: vectors.vectors.rowCount, columnCount: vectors.vectors.columnCount,
            values: vectors.vectors.values.map { scale * $0 })
        // Only texts that enter the map change places.
        let weighted = weights.indices.filter { weights[$0] > 0 }
        var stream = RandomStream(root: UInt64(seed), path: ["shuffled-texts", .name(domain)])
        let order = stream.permutation(count: weighted.count)
        var swapped = scaled
        for (position, item) in weighted.enumerated() {
            for (column, value) in scaled.row(weighted[order[position]]).enumerated() { swapped[item, column] = value }
        }
        let ridge = scenario.number("transfer.text.source-ridge")
        maps = try [(false, scaled), (true, swapped)].map { isShuffled, text in
            let map = try TextFactorMap(itemFactors: itemFactors, text: text, itemWeights: weights, ridge: ridge)
            return (
                isShuffled,
                TextFactorMap(
                    weights: Matrix(
                        rowCount: map.weights.rowCount, columnCount: map.weights.columnCount,
                        values: map.weights.values.map { scale * $0 }), offset: map.offset,
                    meanText: map.meanText.map { $0 / scale })
            )
        }
        moments = TextMoments(TextSource.described(vectors))
    }

    /// What makes the numbers of texts have variance 1.
    static func scale(_ vectors: Matrix) -> Float {
        let square = vectors.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        return square > 0 ? Float((Double(vectors.values.count) / square).squareRoot()) : 1
    }

    /// The vectors of the items with text.
    static func described(_ vectors: ItemVectors) -> Matrix {
        let items = vectors.isDescribed.indices.filter { vectors.isDescribed[$0] }
        return Matrix(
            rowCount: items.count, columnCount: vectors.vectors.columnCount,
            values: items.flatMap { vectors.vectors.row($0) })
    }
}

/// The target's models of its items' text: with what sources know, with permuted sources, and with its own text alone.
struct TextModels {
    /// A setting of the grid.
    struct Setting: Equatable {
        let regularization: Double
        let itemRegularization: Double
        let featureRatio: Double
        /// `nil` for the twin, which has no source features.
        let sourceScale: Double?
    }

    /// One model, as a device would use it.
    struct Model {
        var foldIn: FoldIn
        let prior: [Float]
    }

    private let scenario: ScenarioDefinition
    private let seed: Int
    private let vectors: ItemVectors
    private(set) var settings: [String: Setting] = [:]
    private var models: [String: Model] = [:]

    init(_ scenario: ScenarioDefinition, seed: Int, vectors: ItemVectors) {
        self.scenario = scenario
        self.seed = seed
        self.vectors = vectors
    }

    /// Trains the models of a stage; in the first one each method chooses its setting, by the mean NDCG of validation
    /// persons over all numbers of shots.
    ///
    /// - Parameter known: what the sources have shipped.
    mutating func train(
        _ step: RoundStep, rows: SparseRows, tasks: [PredictionTask], sources: [String], known: ParameterSet
    ) throws {
        for method in MethodName.textMethods {
            let (features, prior) = try features(method, sources: sources, known: known)
            func model(_ setting: Setting) throws -> Model {
                let stream = RandomStream(
                    root: UInt64(seed), path: ["text-factors", .name(method), .name(step.description)])
                let model = try FeatureALS(
                    configuration: FeatureALS.Configuration(
                        factors: scenario.integer("model.factors"), regularization: Float(setting.regularization),
                        itemRegularization: Float(setting.itemRegularization),
                        featureRegularization: setting.featureRatio * setting.itemRegularization,
                        confidence: Float(scenario.number("model.confidence")),
                        iterations: scenario.integer("model.iterations")), rows: rows, features: features,
                    prior: setting.sourceScale.map { prior(Float($0)) }, stream: stream)
                return Model(
                    foldIn: FoldIn(
                        itemFactors: model.itemFactors, confidence: Float(scenario.number("model.confidence"))),
                    prior: model.userPrior)
            }
            if settings[method] == nil {
                var best: (setting: Setting, score: Double)?
                for setting in grid(method) {
                    var model = try model(setting)
                    let score = try score(&model, tasks, regularization: setting.regularization)
                    if best.map({ score > $0.score }) ?? true { best = (setting, score) }
                }
                settings[method] = best?.setting
            }
            guard let setting = settings[method] else { continue }
            models[method] = try model(setting)
        }
    }

    private func grid(_ method: String) -> [Setting] {
        let scales: [Double?] =
            method == MethodName.featureMapLocal
            ? [nil] : scenario.numbers("transfer.text.source-scale").map(Optional.some)
        return scenario.numbers("transfer.text.regularization").flatMap { regularization in
            scenario.numbers("transfer.text.item-regularization").flatMap { itemRegularization in
                scenario.numbers("transfer.text.feature-ratio").flatMap { ratio in
                    scales.map {
                        Setting(
                            regularization: regularization, itemRegularization: itemRegularization,
                            featureRatio: ratio, sourceScale: $0)
                    }
                }
            }
        }
    }

    private func score(_ model: inout Model, _ tasks: [PredictionTask], regularization: Double) throws -> Double {
        let topN = scenario.integer("evaluation.top-n")
        var sum = 0.0
        for task in tasks {
            for shots in scenario.integers("evaluation.shots") {
                let known = task.known.prefix(shots)
                let scores = try TextModels.scores(&model, known: known, regularization: regularization)
                sum += try RankingMetrics(scores: scores, task: task, count: topN).ndcg
            }
        }
        return sum
    }

    private static func scores(
        _ model: inout Model, known: PersonHistory, regularization: Double
    ) throws -> [Float] {
        guard !known.isEmpty else { return model.foldIn.itemFactors.multiplied(by: model.prior) }
        try model.foldIn.begin(items: known.items[...], regularization: Float(regularization))
        return model.foldIn.itemFactors.multiplied(by: model.foldIn.vector(prior: model.prior))
    }

    /// The scores of all items under a method; `nil` for a method that is none of these.
    mutating func scores(_ method: String, known: PersonHistory, regularization: Double?) throws -> [Float]? {
        guard models[method] != nil, let setting = settings[method] else { return nil }
        guard var model = models[method] else { return nil }
        return try TextModels.scores(&model, known: known, regularization: regularization ?? setting.regularization)
    }

    /// The features of the items under a method, and the weights that they start from for a scale of the source's.
    private func features(
        _ method: String, sources: [String], known: ParameterSet
    ) throws -> (features: Matrix, prior: (Float) -> Matrix) {
        let scale = TextSource.scale(vectors.vectors)
        let own = Matrix(
            rowCount: vectors.vectors.rowCount, columnCount: vectors.vectors.columnCount,
            values: vectors.vectors.values.map { scale * $0 })
        let factors = scenario.integer("model.factors")
        guard method != MethodName.featureMapLocal else {
            let features = TextFactorMap.withConstant(own)
            return (features, { _ in Matrix(rowCount: features.columnCount, columnCount: factors) })
        }
        let isShuffled = method == MethodName.shuffledSource
        var parts: [Matrix] = []
        for source in sources where known.values(TensorName.textMap(source, .weights)) != nil {
            let map = try TextFactorMap(known, source: source, isShuffled: isShuffled, factors: factors)
            let texts = try aligned(source, known)
            parts.append(map.features(texts, isDescribed: vectors.isDescribed, concatenating: false))
        }
        let blocks = parts + [TextFactorMap.withConstant(own)]
        let width = blocks.reduce(0) { $0 + $1.columnCount }
        var features = Matrix(rowCount: own.rowCount, columnCount: width)
        for item in 0..<own.rowCount {
            var column = 0
            for block in blocks {
                for value in block.row(item) {
                    features[item, column] = value
                    column += 1
                }
            }
        }
        let count = parts.count
        return (
            features,
            { scale in
                // Several sources share the start.
                var out = Matrix(rowCount: width, columnCount: factors)
                for part in 0..<count {
                    for index in 0..<factors { out[part * factors + index, index] = scale / Float(count) }
                }
                return out
            }
        )
    }

    /// The target's texts in a source's space.
    private func aligned(_ source: String, _ known: ParameterSet) throws -> Matrix {
        guard scenario.text("transfer.text.space") == "optimal-transport" else { return vectors.vectors }
        let from = TextMoments(TextSource.described(vectors))
        let to = TextMoments(
            mean: try known.require(TensorName.textMap(source, .mean)).map(Double.init),
            covariance: try known.require(TensorName.textMap(source, .covariance)).map(Double.init))
        return try TextAlignment.optimalTransport(from: from, to: to).aligned(vectors.vectors)
    }
}

extension TextFactorMap {
    /// The map that a source has shipped.
    init(_ known: ParameterSet, source: String, isShuffled: Bool, factors: Int) throws {
        let mean = try known.require(TensorName.textMap(source, .mean))
        self.init(
            weights: Matrix(
                rowCount: mean.count, columnCount: factors,
                values: try known.require(TensorName.textMap(source, .weights, isShuffled: isShuffled))),
            offset: try known.require(TensorName.textMap(source, .offset, isShuffled: isShuffled)), meanText: mean)
    }
}

extension TextModels {
    /// What was chosen, for the record.
    var choices: [ChoiceRecord] {
        settings.sorted { $0.key < $1.key }.map { method, setting in
            ChoiceRecord(
                method: method, regularization: setting.regularization,
                itemRegularization: setting.itemRegularization, featureRatio: setting.featureRatio,
                sourceScale: setting.sourceScale)
        }
    }
}
