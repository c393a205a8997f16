import Federation
import Numerics
import Privacy
import Ratings
import Recommenders
import Record
import Scenario
import Supervision

/// The target's baseline models: tuned on its own validation persons, trained, released.
///
/// A service knows its customers, so that it needs nobody else to tune a model of its own data. Every model has a grid of
/// the same size; choices fall before validation persons enter training and are kept afterwards.
struct TargetBaselines {
    private let scenario: ScenarioDefinition
    private let target: String
    private let seed: Int
    private let scale: RatingScale
    /// What was chosen, by method.
    private var chosen: [String: Double] = [:]
    /// The explicit factors that were released last.
    private(set) var explicit: (factors: BiasedFactors, regularization: Double)?

    init(_ scenario: ScenarioDefinition, seed: Int, scale: RatingScale) {
        self.scenario = scenario
        self.seed = seed
        self.scale = scale
        target = scenario.target
    }

    /// What was chosen, for the record.
    var choices: [ChoiceRecord] {
        chosen.sorted { $0.key < $1.key }.map { ChoiceRecord(method: $0.key, setting: $0.value) }
    }

    /// Trains and releases the models of a stage; in the first stage it chooses.
    ///
    /// - Parameter sums: all ratings, for means of noised sums, from which no item is left out for having few.
    mutating func release(
        _ offer: BaselineOffer, data: TrainingData, sums: TrainingData, tasks: [PredictionTask], vectors: ItemVectors?,
        gate: inout ReleaseGate
    ) throws {
        for method in offer.itemWeightMethods {
            let model: ItemWeights
            switch method {
            case MethodName.textKNN:
                guard let vectors else {
                    // The scenario promised text, and the file of items has none: nobody's neighbour.
                    model = ItemWeights(
                        weights: Matrix(rowCount: data.rows.columnCount, columnCount: data.rows.columnCount))
                    break
                }
                (model, chosen[method]) = try tuned(
                    method, scenario.integers("tune.text-knn-neighbours").map(Double.init), tasks
                ) {
                    try ItemWeights.textKNN(
                        vectors: vectors.vectors, isDescribed: vectors.isDescribed, neighbours: Int($0))
                }
            case MethodName.itemKNN:
                (model, chosen[method]) = try tuned(method, scenario.numbers("tune.item-knn-shrinkage"), tasks) {
                    try ItemWeights.itemKNN(
                        rows: data.rows, neighbours: scenario.integer("tune.neighbours"), shrinkage: $0)
                }
            default:
                (model, chosen[method]) = try tuned(method, scenario.numbers("tune.ease-regularization"), tasks) {
                    try ItemWeights.ease(rows: data.rows, regularization: $0)
                }
            }
            try gate.publish(TensorName.itemWeights(target, method: method), values: model.weights.values)
        }
        if offer.hasRatingMeans, scenario.protectsMeans {
            try releaseSums(data: sums, of: target, gate: &gate)
        } else if offer.hasRatingMeans {
            let damping = try choose(MethodName.ratingMeans, scenario.numbers("tune.item-damping")) { damping in
                let means = try RatingMeans(data, damping: damping)
                return try -squaredError(tasks) { items in items.map { means.prediction(item: $0) } }
            }
            chosen[MethodName.ratingMeans] = damping
            try TargetBaselines.publish(
                try RatingMeans(data, damping: damping), of: target, gate: &gate)
        }
        for method in offer.ratingFactorMethods {
            let settings = scenario.numbers("tune.\(method)-regularization")
            let regularization = try choose(method, settings) { value in
                let factors: BiasedFactors
                do { factors = try train(method, value, data) } catch RecommenderError.diverges { return -.infinity }
                return try -squaredErrorOfFactors(tasks, factors, scale.penalty(value))
            }
            chosen[method] = regularization
            let factors: BiasedFactors
            do { factors = try train(method, regularization, data) } catch RecommenderError.diverges {
                throw RunFailure(
                    .data,
                    "\(method) diverges on the ratings of \(target) at tune.\(method)-regularization \(regularization); "
                        + "offer larger values, fewer tune.rating-factors, or leave it out of evaluation.baselines")
            }
            try TargetBaselines.publish(factors, regularization, of: target, method: method, gate: &gate)
            if method == MethodName.explicitALS { explicit = (factors, regularization) }
        }
    }

    /// Trains and releases the explicit factors of a source, which has no validation persons of its own: with the middle
    /// of the target's grid.
    func releaseSource(
        _ domain: String, data: TrainingData, gate: inout ReleaseGate
    ) throws -> (factors: BiasedFactors, regularization: Double) {
        let method = MethodName.explicitALS
        let grid = scenario.numbers("tune.\(method)-regularization")
        let regularization = grid[grid.count / 2]
        let factors = try train(method, regularization, data, path: [.name(method), .name(domain)])
        try TargetBaselines.publish(factors, regularization, of: domain, method: method, gate: &gate)
        return (factors, regularization)
    }

    private static func publish(
        _ factors: BiasedFactors, _ regularization: Double, of domain: String, method: String, gate: inout ReleaseGate
    ) throws {
        try gate.publish(TensorName.globalMean(domain, method: method), values: [factors.globalMean])
        try gate.publish(TensorName.itemOffsets(domain, method: method), values: factors.itemOffsets)
        try gate.publish(TensorName.ratingFactors(domain, method: method), values: factors.itemFactors.values)
        try gate.publish(TensorName.regularization(domain, method: method), values: [Float(regularization)])
    }

    /// Baseline models see nothing of items with fewer ratings than this: the offset of an item with a single rating
    /// would tell that rating, and its neighbours that person's history. The same holds for what validation persons add.
    static let leastRatings = 3

    static func publish(_ means: RatingMeans, of domain: String, gate: inout ReleaseGate) throws {
        try gate.publish(TensorName.globalMean(domain, method: MethodName.ratingMeans), values: [means.globalMean])
        try gate.publish(TensorName.itemOffsets(domain, method: MethodName.ratingMeans), values: means.itemOffsets)
    }

    /// Releases how many ratings each item has and their sums, person by person.
    func releaseSums(data: TrainingData, of domain: String, gate: inout ReleaseGate) throws {
        let release = ReleaseName.model(domain, method: MethodName.ratingMeans)
        let middle = (scale.range.lowerBound + scale.range.upperBound) / 2
        let half = (scale.range.upperBound - scale.range.lowerBound) / 2
        try gate.begin(release: release)
        for person in 0..<data.rows.rowCount where !data.rows.row(person).isEmpty {
            try gate.contribute(to: release) { contribution in
                contribution.write(TensorName.ratingSums(domain)) { target in
                    for (item, rating) in zip(data.rows.row(person), data.ratings(of: person)) {
                        target[2 * Int(item)] = 1
                        target[2 * Int(item) + 1] = min(max((rating - middle) / half, -1), 1)
                    }
                }
            }
        }
    }

    private func train(
        _ method: String, _ regularization: Double, _ data: TrainingData, path: [StreamComponent]? = nil
    ) throws -> BiasedFactors {
        let stream = RandomStream(root: UInt64(seed), path: path ?? [.name(method)])
        let count = scenario.integer("tune.rating-factors")
        // Step sizes and λ are for ratings of one to five.
        let unit = scale.unit
        let penalty = RatingScale.oneToFive.penalty(regularization)
        let scaled = unit == 1 ? data : data.scaled(down: unit)
        if method == MethodName.explicitALS {
            let configuration = ExplicitALS.Configuration(factors: count, regularization: penalty, iterations: 15)
            return try ExplicitALS(scaled, configuration: configuration, stream: stream).factors.scaled(by: unit)
        }
        let configuration = BiasedMF.Configuration(factors: count, regularization: penalty, epochs: 40, decay: 0.95)
        return try BiasedMF(scaled, configuration: configuration, stream: stream).factors.scaled(by: unit)
    }

    private var shots: [Int] { scenario.integers("evaluation.shots") }

    /// The model of the setting with the best mean NDCG over all numbers of shots above 0.
    private func tuned(
        _ method: String, _ settings: [Double], _ tasks: [PredictionTask], _ make: (Double) throws -> ItemWeights
    ) throws -> (model: ItemWeights, setting: Double) {
        let topN = scenario.integer("evaluation.top-n")
        let setting = try choose(method, settings) { setting in
            let model = try make(setting)
            var sum = 0.0
            for task in tasks {
                for count in shots where count > 0 {
                    let scores = model.scores(known: task.known.items.prefix(count))
                    sum += try RankingMetrics(scores: scores, task: task, count: topN).ndcg
                }
            }
            return sum
        }
        return (try make(setting), setting)
    }

    /// What was chosen before, or the setting with the highest score, the first of equals; the middle of the grid where
    /// validation persons serve the choices of devices alone, and no released model may tell anything of them.
    private func choose(
        _ method: String, _ settings: [Double], _ score: (Double) throws -> Double
    ) throws -> Double {
        if let before = chosen[method] { return before }
        if scenario.validatesAlone { return settings[settings.count / 2] }
        var best = settings[0]
        var bestScore = -Double.infinity
        if settings.count > 1 {
            for setting in settings {
                let value = try score(setting)
                if value > bestScore { (best, bestScore) = (setting, value) }
            }
        }
        return best
    }

    /// Of clamped predictions, as in the figures of the record.
    private func squaredError(_ tasks: [PredictionTask], _ predictions: ([UInt32]) -> [Float]) throws -> Double {
        try tasks.reduce(0.0) { sum, task in
            try sum
                + RatingErrors(
                    predictions: predictions(task.query.items), ratings: task.query.ratings, scale: scale.range
                ).squaredErrorSum
        }
    }

    private func squaredErrorOfFactors(
        _ tasks: [PredictionTask], _ factors: BiasedFactors, _ regularization: RatingRegularization
    ) throws -> Double {
        var sum = 0.0
        for task in tasks {
            for count in shots {
                let known = task.known.prefix(count)
                let person = try factors.foldIn(
                    items: known.items, ratings: known.ratings, regularization: regularization)
                sum += try squaredError([task]) { items in
                    items.map { factors.prediction(for: person, item: $0) }
                }
            }
        }
        return sum
    }
}
