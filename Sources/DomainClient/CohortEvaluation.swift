import Cryptography
import Federation
import Numerics
import Ratings
import Recommenders
import Record
import Scenario
import Supervision
import Transfer

/// One line of an evaluation: a method at a number of shots, with what validation chose for it.
struct EvaluationEntry {
    let method: String
    /// Known target interactions; `nil` for persons with all of their history.
    let shots: Int?
    /// The choice; `nil` where there is nothing personal to rank by: popularity.
    let candidate: SelectionGrid.Candidate?
    /// g: the weight of this ranking beside that of best-local; `nil` for a ranking of its own.
    var gate: Double?
    /// g of cold items, where they have one of their own.
    var coldGate: Double?
}

/// Collects one cohort's rankings and predictions, and makes figures of them.
struct CohortEvaluation {
    private let ranking: [EvaluationEntry]
    private let rating: [EvaluationEntry]
    /// The place of best-local at the same number of shots, for each ranking.
    private let localIndex: [Int?]
    /// The place of best-local-ratings at the same number of shots, for each prediction.
    private let localRatingIndex: [Int?]
    private let cohort: String
    private let scenario: ScenarioDefinition
    private let topN: Int
    private let scale: RatingScale
    private var rankings: [CohortMetrics]
    /// Rankings among cold items alone, for that cohort.
    private var rankingsAmongCold: [CohortMetrics] = []
    private var errors: [[RatingErrors]]
    private let directions: ItemDirections?
    /// Who was scored, in order.
    private var persons = FieldHasher(purpose: "ferry.persons/1")

    init(
        _ cohort: String, entries: [EvaluationEntry], models: DeviceModels, plan: RunPlan,
        scenario: ScenarioDefinition, scale: RatingScale, personCount: Int
    ) throws {
        self.cohort = cohort
        self.scale = scale
        self.scenario = scenario
        topN = scenario.integer("evaluation.top-n")
        let rating = entries.filter { $0.predictsRatings(plan.baselines) }
        self.rating = rating
        localRatingIndex = rating.map { entry in
            rating.firstIndex { $0.method == MethodName.bestLocalRatings && $0.shots == entry.shots }
        }
        let catalogue = CatalogueStatistics(
            interactionCounts: models.interactionCounts, personCount: personCount)
        let ranking = entries.filter { !$0.predictsRatings(plan.baselines) }
        self.ranking = ranking
        localIndex = ranking.map { entry in
            ranking.firstIndex { $0.method == MethodName.bestLocal && $0.shots == entry.shots }
        }
        rankings = Array(repeating: CohortMetrics(topN: topN, catalogue: catalogue), count: ranking.count)
        if cohort == CohortEvaluation.coldItems { rankingsAmongCold = rankings }
        errors = Array(repeating: [], count: rating.count)
        directions =
            scenario.words("evaluation.metrics").contains(Metric.diversity.rawValue)
            ? try ItemDirections(models.target.foldIn.itemFactors) : nil
    }

    /// The cohorts' names in records.
    static let coldUsers = "cold-users"
    static let warmUsers = "warm-users"
    static let coldItems = "cold-items"

    /// Scores one person.
    ///
    /// - Parameters:
    ///   - maps: the map of each ranking entry, in order.
    ///   - isColdItem: the target's cold items, for their cohort.
    mutating func add(
        _ task: PredictionTask, device: Device, models: inout DeviceModels, maps: [FeatureMap?], isColdItem: [Bool]
    ) throws {
        func known(_ shots: Int) -> PersonHistory {
            cohort == CohortEvaluation.coldUsers ? task.known.prefix(shots) : task.known
        }
        persons.update(device.person)
        let scores = try models.scores(ranking.map(\.candidate), maps: maps, device: device, known: known)
        let excluded = task.excluded
        let others =
            rankingsAmongCold.isEmpty
            ? [] : (0..<UInt32(models.target.popularity.count)).filter { !isColdItem[Int($0)] }
        for (index, entry) in ranking.enumerated() {
            var values = scores[index]
            if let gate = entry.gate, let local = localIndex[index] {
                values = DeviceModels.blend(
                    values, with: scores[local], weight: gate, coldWeight: entry.coldGate ?? gate,
                    isColdItem: isColdItem)
            }
            let list = try RankingMetrics.top(topN, scores: values, excluded: excluded)
            try MetricInvariants.check(ranking: list, relevant: task.query.items, count: topN)
            rankings[index].add(ranking: list, relevant: task.query.items, directions: directions)
            if !rankingsAmongCold.isEmpty {
                let list = try RankingMetrics.top(topN, scores: values, excluded: others)
                rankingsAmongCold[index].add(ranking: list, relevant: task.query.items, directions: directions)
            }
        }
        guard cohort != CohortEvaluation.coldItems else { return }
        let linked = try models.ratings?.linked(device)
        let predictions = try rating.map { entry -> [Float] in
            guard let candidate = entry.candidate else { return [] }
            return try models.predictions(
                candidate, device: device, linked: linked, known: known(candidate.shots), query: task.query)
        }
        for (index, entry) in rating.enumerated() {
            var values = predictions[index]
            if let gate = entry.gate, let local = localRatingIndex[index] {
                values = TargetEvaluation.blend(values, with: predictions[local], weight: gate)
            }
            errors[index].append(
                try RatingErrors(predictions: values, ratings: task.query.ratings, scale: scale.range))
        }
    }

    /// What each method gave each person by the metric that tables show first; empty where that is no metric of lists.
    var personFigures: [PersonFigures] {
        guard let metric = Metric.ofRelevance.first(where: { $0.label(topN: topN) == scenario.headlineMetric }) else {
            return []
        }
        let digest = persons.finalize().description
        return zip(ranking, rankings).compactMap { entry, metrics in
            let values = metrics.values(of: metric).compactMap { $0 }
            guard values.count == metrics.persons.count, !values.isEmpty else { return nil }
            return PersonFigures(
                method: entry.method, cohort: cohort, shots: entry.shots, metric: scenario.headlineMetric,
                persons: digest, values: values)
        }
    }

    /// Whether nobody was scored.
    var isEmpty: Bool { rankings.first?.persons.isEmpty != false }

    /// The figures of a client's persons, with intervals over persons.
    func figures(client: String, seed: Int) -> [EvaluationRecord] {
        guard let personCount = rankings.first?.persons.count, !isEmpty else { return [] }
        let path: [StreamComponent] =
            cohort == CohortEvaluation.coldUsers
            ? ["bootstrap", .name(client)] : ["bootstrap", .name(client), .name(cohort)]
        let bootstrap = PairedBootstrap(unitCount: personCount, stream: RandomStream(root: UInt64(seed), path: path))
        var out: [EvaluationRecord] = []
        func record(_ entry: EvaluationEntry, _ metric: String, _ value: Double?, _ interval: Interval?) {
            guard let value else { return }
            out.append(
                EvaluationRecord(
                    client: client, method: entry.method, cohort: cohort, shots: entry.shots, metric: metric,
                    value: value, interval: interval.map { [$0.lower, $0.upper] } ?? [], users: personCount))
        }
        for metric in scenario.words("evaluation.metrics").compactMap(Metric.init(rawValue:)) {
            let label = metric.label(topN: topN)
            if metric.isRatingError {
                // No error at all would look like a perfect prediction.
                if scale.isSingleRating { continue }
                for (index, entry) in rating.enumerated() where errors[index].count == personCount {
                    let counts = errors[index].map { Double($0.count) }
                    let sums = errors[index].map { metric == .rmse ? $0.squaredErrorSum : $0.absoluteErrorSum }
                    let ratio = sums.reduce(0, +) / counts.reduce(0, +)
                    record(
                        entry, label, metric == .rmse ? ratio.squareRoot() : ratio,
                        bootstrap.interval(ofRatio: sums, counts, isRoot: metric == .rmse))
                }
                continue
            }
            for (index, entry) in ranking.enumerated() {
                record(
                    entry, label, rankings[index].value(of: metric), interval(rankings[index], metric, bootstrap))
                // Coverage and its like are of the full catalogue.
                if !rankingsAmongCold.isEmpty, Metric.ofRelevance.contains(metric) {
                    let cohort = rankingsAmongCold[index]
                    record(
                        entry, "\(label)-among-cold", cohort.value(of: metric), interval(cohort, metric, bootstrap))
                }
            }
        }
        let transferred = Set(
            [scenario.transferMethod, MethodName.shuffledSource].flatMap { [$0, MethodName.ungated($0)] })
        for (index, entry) in ranking.enumerated() where transferred.contains(entry.method) {
            guard let local = localIndex[index] else { continue }
            let label = Metric.ndcg.label(topN: topN)
            let values = rankings[index].persons.map(\.relevance.ndcg)
            let locals = rankings[local].persons.map(\.relevance.ndcg)
            let gains = zip(values, locals).map { $0 - $1 }
            let total = locals.reduce(0, +)
            if total > 0 {
                record(
                    entry, "\(label)-relative-gain", gains.reduce(0, +) / total,
                    bootstrap.interval(ofRatio: gains, locals))
            }
            for (name, marks) in [
                ("better", gains.map { $0 > 0 ? 1.0 : 0 }), ("worse", gains.map { $0 < 0 ? 1.0 : 0 }),
            ] {
                record(entry, "\(label)-share-\(name)", mean(marks), bootstrap.interval(ofMean: marks))
            }
        }
        return out
    }

    /// The interval of a metric that every person has; `nil` for one of the cohort alone.
    private func interval(_ cohort: CohortMetrics, _ metric: Metric, _ bootstrap: PairedBootstrap) -> Interval? {
        let values = cohort.values(of: metric).compactMap { $0 }
        return values.count == cohort.persons.count ? bootstrap.interval(ofMean: values) : nil
    }

    /// Fewer persons than this can all be served without a leak.
    private static let leastPersonsForLeak = 10

    /// Sentences about figures that look like a leak.
    var warnings: [String] {
        zip(ranking, rankings).flatMap { entry, metrics -> [String] in
            guard metrics.persons.count >= CohortEvaluation.leastPersonsForLeak else { return [] }
            let shots = entry.shots.map { " at \($0) shots" } ?? ""
            return metrics.leakWarnings.map { "\(entry.method)\(shots): \($0)" }
        }
    }
}
