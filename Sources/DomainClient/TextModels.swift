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

    /// What the models of a stage are trained and scored with.
    private struct Work: Sendable {
        let step: RoundStep
        let data: TrainingData
        let tasks: [PredictionTask]
        /// The features of the items by method, plain and of equal lengths, and the weights that they start from.
        var features: [String: Features] = [:]
        /// What has still to be trained.
        var queue: [(method: String, setting: Setting)] = []
        /// The score of the model that is kept, by method.
        var scores: [String: Double] = [:]
    }

    private struct Features: Sendable {
        let plain: Matrix
        let equal: Matrix
        let prior: @Sendable (Float) -> Matrix
    }

    private let scenario: ScenarioDefinition
    private let seed: Int
    private let vectors: ItemVectors
    /// The vectors of the public words, where the run has them.
    private let words: Matrix?
    private(set) var spaces: TextSpaces?
    private(set) var settings: [String: Setting] = [:]
    /// What ranks.
    private(set) var ranker = TextRanker()
    private var work: Work?
    /// What each source counts where similar ones count more; empty where all count alike.
    private var similarities: [String: Double] = [:]
    /// The number of neighbours by method.
    private var neighbourCounts: [String: Int] = [:]

    init(_ scenario: ScenarioDefinition, seed: Int, vectors: ItemVectors, words: Matrix?) {
        self.scenario = scenario
        self.seed = seed
        self.vectors = vectors
        self.words = words
    }

    /// The stage whose models are trained or were trained last.
    var stage: SplitStage? { work?.step.stage }

    /// Begins with the models of a stage: in the first one all settings of each method compete, by the mean NDCG of
    /// validation persons over all numbers of shots; later the chosen one is trained again.
    ///
    /// - Parameter known: what the sources have shipped.
    mutating func begin(
        _ step: RoundStep, data: TrainingData, tasks: [PredictionTask], plan: RunPlan, known: ParameterSet
    ) throws {
        var work = Work(step: step, data: data, tasks: tasks)
        similarities = try sourceWeights(plan.sources, known)
        spaces = try TextSpaces(
            scenario, seed: seed, sources: plan.sources, known: known, vectors: vectors, words: words)
        for method in MethodName.textMethods(scenario.transferMethod) {
            let (plain, prior) = try features(method, sources: plan.sources, known: known, hasEqualLengths: false)
            let (equal, _) = try features(method, sources: plan.sources, known: known, hasEqualLengths: true)
            work.features[method] = Features(plain: plain, equal: equal, prior: prior)
            work.queue += (settings[method].map { [$0] } ?? grid(method)).map { (method, $0) }
            if plan.baselines.hasTextNeighbours {
                try findNeighbours(method, tasks, sources: plan.sources, known: known)
            }
        }
        for method in MethodName.textMethods(scenario.transferMethod) {
            ranker.keep(nil, of: method, regularization: 0)
        }
        self.work = work
    }

    /// Trains the next models, as many at a time as a round has, and keeps the best of each method, the first of equals.
    mutating func trainNext() throws {
        guard var work else { return }
        let batch = Array(work.queue.prefix(ScenarioDefinition.textModelsPerRound))
        work.queue.removeFirst(batch.count)
        let trainer = self
        let present = work
        let results = Mutex<[Result<(model: TextRanker.Model, score: Double), any Error>?]>(
            Array(repeating: nil, count: batch.count))
        DispatchQueue.concurrentPerform(iterations: batch.count) { index in
            let (method, setting) = batch[index]
            let result = Result {
                let model = try trainer.model(method, setting, present)
                // What is chosen already competes with nothing.
                let score =
                    present.step.isFinal
                    ? 0 : try trainer.score(model, present.tasks, regularization: setting.regularization)
                return (model: model, score: score)
            }
            results.withLock { $0[index] = result }
        }
        for ((method, setting), result) in zip(batch, results.withLock { $0 }) {
            guard let (model, score) = try result?.get() else { continue }
            if let best = work.scores[method], score <= best { continue }
            work.scores[method] = score
            ranker.keep(model, of: method, regularization: setting.regularization)
            settings[method] = setting
        }
        self.work = work
    }

    private func model(_ method: String, _ setting: Setting, _ work: Work) throws -> TextRanker.Model {
        guard let all = work.features[method] else {
            throw RunFailure(.internalError, "\(method) has no features")
        }
        let stream = RandomStream(
            root: UInt64(seed), path: ["text-factors", .name(method), .name(work.step.description)])
        let factors = scenario.integer("model.factors")
        let features = setting.hasEqualLengths ? all.equal : all.plain
        if scenario.isArticle {
            let model = try FeatureRatingALS(
                work.data,
                configuration: FeatureRatingALS.Configuration(
                    factors: factors, regularization: setting.regularization,
                    offsetRegularization: setting.regularization, itemRegularization: setting.itemRegularization,
                    featureRegularization: setting.featureRatio * setting.itemRegularization,
                    iterations: scenario.integer("model.iterations")), features: features, stream: stream)
            return .ratings(model.factors, prior: model.userPrior)
        }
        let confidence = Float(scenario.number("model.confidence"))
        let model = try FeatureALS(
            configuration: FeatureALS.Configuration(
                factors: factors, regularization: Float(setting.regularization),
                itemRegularization: Float(setting.itemRegularization),
                featureRegularization: setting.featureRatio * setting.itemRegularization, confidence: confidence,
                iterations: scenario.integer("model.iterations")), rows: work.data.rows, features: features,
            prior: setting.sourceScale.map { all.prior(Float($0)) }, stream: stream)
        return .interactions(
            FoldIn(itemFactors: model.itemFactors, confidence: confidence), prior: model.userPrior)
    }

    /// Neighbours by what sources make of texts, or for the twin by the texts: nothing of the target's interactions
    /// enters, so that they can serve where those are too few to learn from.
    private mutating func findNeighbours(
        _ method: String, _ tasks: [PredictionTask], sources: [String], known: ParameterSet
    ) throws {
        let isTwin = method == scenario.transferMethod + "-local"
        let rows =
            isTwin
            ? vectors.vectors
            : TextModels.beside(
                try sourceFeatures(
                    sources, known, isShuffled: method == MethodName.shuffledSource, hasEqualLengths: true
                ).map { source, rows in
                    // Rows of a block have one length, so that a cosine of all blocks is a mean of theirs.
                    similarities[source].map { rows.scaled(by: Float($0.squareRoot())) } ?? rows
                })
        func model(_ count: Int) throws -> ItemWeights {
            try ItemWeights.textKNN(vectors: rows, isDescribed: vectors.isDescribed, neighbours: count)
        }
        if let count = neighbourCounts[method] {
            // The texts and the number stay; the source's map has seen more.
            ranker.neighbours[method] = try model(count)
            return
        }
        let topN = scenario.integer("evaluation.top-n")
        var best: (count: Int, score: Double, model: ItemWeights)?
        for count in scenario.integers("tune.text-knn-neighbours") {
            let model = try model(count)
            var sum = 0.0
            for task in tasks {
                for shots in scenario.integers("evaluation.shots") where shots > 0 {
                    let scores = model.scores(known: task.known.items.prefix(shots))
                    sum += try RankingMetrics(scores: scores, task: task, count: topN).ndcg
                }
            }
            if best.map({ sum > $0.score }) ?? true { best = (count, sum, model) }
        }
        neighbourCounts[method] = best?.count
        ranker.neighbours[method] = best?.model
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

    private func score(_ model: TextRanker.Model, _ tasks: [PredictionTask], regularization: Double) throws -> Double {
        let topN = scenario.integer("evaluation.top-n")
        var sum = 0.0
        for task in tasks {
            for shots in scenario.integers("evaluation.shots") {
                let known = task.known.prefix(shots)
                let scores = try TextRanker.scores(model, known: known, regularization: regularization)
                sum += try RankingMetrics(scores: scores, task: task, count: topN).ndcg
            }
        }
        return sum
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
        let parts = try sourceFeatures(
            sources, known, isShuffled: method == MethodName.shuffledSource, hasEqualLengths: hasEqualLengths)
        let features = TextModels.beside(parts.map(\.rows) + [TextFactorMap.withConstant(own)])
        let width = features.columnCount
        let shares = parts.map { Float(similarities[$0.source] ?? 1 / Double(parts.count)) }
        return (
            features,
            { scale in
                // Several sources share the start.
                var out = Matrix(rowCount: width, columnCount: factors)
                for (part, share) in shares.enumerated() {
                    for index in 0..<factors { out[part * factors + index, index] = scale * share }
                }
                return out
            }
        )
    }

    /// What each source counts: exp(−d/τ) over the sum of all sources', with d the MMD² between Gaussians with the moments
    /// that the source has released of its texts and with those of the target's. Empty without τ, or with one source.
    private func sourceWeights(_ sources: [String], _ known: ParameterSet) throws -> [String: Double] {
        let present = sources.filter { known.values(TensorName.textMap($0, .weights)) != nil }
        guard present.count > 1,
            let temperature = scenario.optionalNumber("transfer.text.similarity-temperature")
        else { return [:] }
        let own = Moments(TextMoments(TextSource.described(vectors)))
        let distances = try present.map { source in
            try Discrepancy.gaussianMMD(Moments(TextMoments(known, source: source)), own)
        }
        let weights = SimilarityWeighting.weights(discrepancies: distances, temperature: temperature)
        return Dictionary(uniqueKeysWithValues: zip(present, weights))
    }

    /// What each source's map makes of the items' texts, for the sources that have shipped one.
    private func sourceFeatures(
        _ sources: [String], _ known: ParameterSet, isShuffled: Bool, hasEqualLengths: Bool
    ) throws -> [(source: String, rows: Matrix)] {
        try sources.filter { known.values(TensorName.textMap($0, .weights)) != nil }.map { source in
            let map = try TextFactorMap(
                known, source: source, isShuffled: isShuffled, factors: scenario.integer("model.factors"))
            let rows = map.features(
                spaces?.aligned(vectors.vectors, to: source) ?? vectors.vectors, isDescribed: vectors.isDescribed,
                length: hasEqualLengths ? .equal : .predicted, concatenating: false)
            return (source, rows)
        }
    }

    /// The rows of matrices beside each other.
    private static func beside(_ blocks: [Matrix]) -> Matrix {
        guard blocks.count != 1 else { return blocks[0] }
        let count = blocks.first?.rowCount ?? 0
        return Matrix(
            rowCount: count, columnCount: blocks.reduce(0) { $0 + $1.columnCount },
            values: (0..<count).flatMap { item in blocks.flatMap { $0.row(item) } })
    }
}

extension TextMoments {
    /// The moments that a source has released of its texts.
    init(_ known: ParameterSet, source: String) throws(ParameterError) {
        self.init(
            mean: try known.require(TensorName.textMap(source, .mean)).map(Double.init),
            covariance: try known.require(TensorName.textMap(source, .covariance)).map(Double.init))
    }
}

extension Moments {
    /// The moments of texts.
    init(_ texts: TextMoments) { self.init(mean: texts.mean, covariance: texts.covariance) }
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
            + neighbourCounts.sorted { $0.key < $1.key }.map { method, count in
                ChoiceRecord(method: method, model: MethodName.neighbours, setting: Double(count))
            }
            + similarities.sorted { $0.key < $1.key }.map { source, weight in
                ChoiceRecord(method: scenario.transferMethod, model: source, weight: weight)
            }
    }
}
