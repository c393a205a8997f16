import Dispatch
import Federation
import Numerics
import Parameters
import Ratings
import Recommenders
import Record
import Scenario
import Supervision
import Synchronization
import Transfer

/// What a source client ships where texts link the domains: the maps from texts to its item factors.
struct TextSource {
    /// The map, and one fitted to texts in a wrong order.
    let maps: [(isShuffled: Bool, map: TextFactorMap)]
    let moments: TextMoments

    /// Fits the maps.
    ///
    /// - Parameter rows: the interactions that weigh the items; `nil` for a client that has only a share of them, where
    ///   all items with factors weigh alike.
    /// - Throws: `RunFailure` when no item with interactions has text.
    init(
        _ scenario: ScenarioDefinition, domain: String, seed: Int, rows: SparseRows?, itemFactors: Matrix,
        vectors: ItemVectors
    ) throws {
        let weights =
            rows.map { TextFactorMap.itemWeights($0, isDescribed: vectors.isDescribed, shrinkage: 5) }
            ?? vectors.isDescribed.indices.map { item in
                vectors.isDescribed[item] && itemFactors.row(item).contains { $0 != 0 } ? 1 : 0
            }
        guard weights.contains(where: { $0 > 0 }) else {
            throw RunFailure(
                .data, "no item of \(domain) with interactions has text, so there is nothing to learn of texts")
        }
        // Numbers of variance 1, so that one ridge suits all word vectors; what is shipped takes texts as they are.
        let scale = TextSource.scale(vectors.vectors)
        let scaled = vectors.vectors.scaled(by: scale)
        // Only texts that enter the map change places.
        var stream = RandomStream(root: UInt64(seed), path: ["shuffled-texts", .name(domain)])
        let swapped = scaled.permutingRows(weights.indices.filter { weights[$0] > 0 }, &stream)
        let ridge = scenario.number("transfer.text.source-ridge")
        maps = try [(false, scaled), (true, swapped)].map { isShuffled, text in
            let map = try TextFactorMap(itemFactors: itemFactors, text: text, itemWeights: weights, ridge: ridge)
            return (
                isShuffled,
                TextFactorMap(
                    weights: map.weights.scaled(by: scale), offset: map.offset,
                    meanText: map.meanText.map { $0 / scale }, meanLength: map.meanLength)
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
struct TextModels: Sendable {
    /// A setting of the grid.
    struct Setting: Sendable, Equatable {
        let regularization: Double
        let itemRegularization: Double
        let featureRatio: Double
        /// `nil` for the twin, which has no source features.
        let sourceScale: Double?
        /// Whether all features have one length: what an item is like, rather than how sure its text is.
        let hasEqualLengths: Bool
    }

    /// One model, as a device would use it.
    enum Model: Sendable {
        /// A fold-in into factors of who interacts with what, around a prior.
        case interactions(FoldIn, prior: [Float])
        /// The article's factors of ratings.
        case ratings(FeatureRatingALS, regularization: Double)
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
        _ step: RoundStep, data: TrainingData, tasks: [PredictionTask], sources: [String], known: ParameterSet
    ) throws {
        let (scenario, seed) = (scenario, seed)
        for method in MethodName.textMethods(scenario.transferMethod) {
            let (plain, prior) = try features(method, sources: sources, known: known, hasEqualLengths: false)
            let (equal, _) = try features(method, sources: sources, known: known, hasEqualLengths: true)
            let model: @Sendable (Setting) throws -> Model = { setting in
                let stream = RandomStream(
                    root: UInt64(seed), path: ["text-factors", .name(method), .name(step.description)])
                let factors = scenario.integer("model.factors")
                let features = setting.hasEqualLengths ? equal : plain
                if scenario.isArticle {
                    return .ratings(
                        try FeatureRatingALS(
                            data,
                            configuration: FeatureRatingALS.Configuration(
                                factors: factors, regularization: setting.regularization,
                                offsetRegularization: setting.regularization,
                                itemRegularization: setting.itemRegularization,
                                featureRegularization: setting.featureRatio * setting.itemRegularization,
                                iterations: scenario.integer("model.iterations")), features: features,
                            stream: stream), regularization: setting.regularization)
                }
                let model = try FeatureALS(
                    configuration: FeatureALS.Configuration(
                        factors: factors, regularization: Float(setting.regularization),
                        itemRegularization: Float(setting.itemRegularization),
                        featureRegularization: setting.featureRatio * setting.itemRegularization,
                        confidence: Float(scenario.number("model.confidence")),
                        iterations: scenario.integer("model.iterations")), rows: data.rows, features: features,
                    prior: setting.sourceScale.map { prior(Float($0)) }, stream: stream)
                return .interactions(
                    FoldIn(itemFactors: model.itemFactors, confidence: Float(scenario.number("model.confidence"))),
                    prior: model.userPrior)
            }
            if settings[method] == nil { settings[method] = try chosen(grid(method), tasks, model) }
            guard let setting = settings[method] else { continue }
            models[method] = try model(setting)
        }
    }

    /// The setting with the best score, the first of equals; two models train at a time.
    private func chosen(
        _ settings: [Setting], _ tasks: [PredictionTask], _ model: @Sendable (Setting) throws -> Model
    ) throws -> Setting? {
        guard settings.count > 1 else { return settings.first }
        let scores = Mutex<[Result<Double, any Error>?]>(Array(repeating: nil, count: settings.count))
        let threads = 2
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            for index in stride(from: thread, to: settings.count, by: threads) {
                let result = Result {
                    try score(model(settings[index]), tasks, regularization: settings[index].regularization)
                }
                scores.withLock { $0[index] = result }
            }
        }
        var best: (setting: Setting, score: Double)?
        for (setting, score) in zip(settings, scores.withLock { $0 }) {
            guard let score = try score?.get() else { continue }
            if best.map({ score > $0.score }) ?? true { best = (setting, score) }
        }
        return best?.setting
    }

    private func grid(_ method: String) -> [Setting] {
        // The article's recipe leaves nothing to choose: one λ for all.
        if scenario.isArticle {
            let regularization = scenario.number("model.regularization")
            return [
                Setting(
                    regularization: regularization, itemRegularization: regularization, featureRatio: 1,
                    sourceScale: nil, hasEqualLengths: false)
            ]
        }
        let scales: [Double?] =
            method == MethodName.featureMapLocal
            ? [nil] : scenario.numbers("transfer.text.source-scale").map(Optional.some)
        return scenario.numbers("transfer.text.regularization").flatMap { regularization in
            scenario.numbers("transfer.text.item-regularization").flatMap { itemRegularization in
                scenario.numbers("transfer.text.feature-ratio").flatMap { ratio in
                    scales.flatMap { scale in
                        scenario.words("transfer.text.lengths").map {
                            Setting(
                                regularization: regularization, itemRegularization: itemRegularization,
                                featureRatio: ratio, sourceScale: scale, hasEqualLengths: $0 == "equal")
                        }
                    }
                }
            }
        }
    }

    private func score(_ model: Model, _ tasks: [PredictionTask], regularization: Double) throws -> Double {
        let topN = scenario.integer("evaluation.top-n")
        var sum = 0.0
        for task in tasks {
            for shots in scenario.integers("evaluation.shots") {
                let known = task.known.prefix(shots)
                let scores = try TextModels.scores(model, known: known, regularization: regularization)
                sum += try RankingMetrics(scores: scores, task: task, count: topN).ndcg
            }
        }
        return sum
    }

    private static func scores(
        _ model: Model, known: PersonHistory, regularization: Double
    ) throws -> [Float] {
        switch model {
        case .ratings(let model, let regularization):
            let factors = model.factors
            let person = try factors.foldIn(
                items: known.items, ratings: known.ratings,
                regularization: RatingRegularization(offsets: regularization, factors: regularization),
                prior: model.userPrior)
            return factors.predictions(for: person)
        case .interactions(var foldIn, let prior):
            guard !known.isEmpty else { return foldIn.itemFactors.multiplied(by: prior) }
            try foldIn.begin(items: known.items[...], regularization: Float(regularization))
            return foldIn.itemFactors.multiplied(by: foldIn.vector(prior: prior))
        }
    }

    /// The scores of all items under a method; `nil` for a method that is none of these.
    func scores(_ method: String, known: PersonHistory, regularization: Double?) throws -> [Float]? {
        guard let model = models[method], let setting = settings[method] else { return nil }
        return try TextModels.scores(model, known: known, regularization: regularization ?? setting.regularization)
    }

    /// The features of the items under a method, and the weights that they start from for a scale of the source's.
    private func features(
        _ method: String, sources: [String], known: ParameterSet, hasEqualLengths: Bool
    ) throws -> (features: Matrix, prior: @Sendable (Float) -> Matrix) {
        let scale = TextSource.scale(vectors.vectors)
        let scaled = vectors.vectors.scaled(by: scale)
        let own = hasEqualLengths ? TextFactorMap.equalLengths(scaled) : scaled
        let factors = scenario.integer("model.factors")
        guard method != scenario.transferMethod + "-local" else {
            let features = TextFactorMap.withConstant(own)
            return (features, { _ in Matrix(rowCount: features.columnCount, columnCount: factors) })
        }
        let isShuffled = method == MethodName.shuffledSource
        var parts: [Matrix] = []
        for source in sources where known.values(TensorName.textMap(source, .weights)) != nil {
            let map = try TextFactorMap(known, source: source, isShuffled: isShuffled, factors: factors)
            let texts = try aligned(source, known)
            parts.append(
                map.features(
                    texts, isDescribed: vectors.isDescribed, length: hasEqualLengths ? .equal : .predicted,
                    concatenating: false))
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
            offset: try known.require(TensorName.textMap(source, .offset, isShuffled: isShuffled)), meanText: mean,
            meanLength: try known.require(TensorName.textMap(source, .length, isShuffled: isShuffled)).first ?? 0)
    }
}

extension TextModels {
    /// What was chosen, for the record.
    var choices: [ChoiceRecord] {
        settings.sorted { $0.key < $1.key }.map { method, setting in
            ChoiceRecord(
                method: method, regularization: setting.regularization,
                itemRegularization: setting.itemRegularization, featureRatio: setting.featureRatio,
                sourceScale: setting.sourceScale, length: setting.hasEqualLengths ? "equal" : "predicted")
        }
    }
}
