import Cryptography
import Federation
import Numerics
import Parameters
import Privacy
import Ratings
import Recommenders
import Record
import Scenario
import Supervision
import Transfer

/// Scores the persons whom a client may see as targets: the validation persons for every choice, then the cold and the
/// warm ones.
struct TargetEvaluation {
    let scenario: ScenarioDefinition
    let seed: Int
    private let client: ScenarioDefinition.Client
    let scale: RatingScale
    /// The persons, each with what may be seen of that person.
    let devices: [Device]
    /// The catalogues, by domain.
    private var items: [String: [String]] = [:]
    /// Which items of a domain have text or vectors, by domain; all where nothing is said.
    var isDescribed: [String: [Bool]] = [:]
    /// By domain.
    private(set) var splits: [String: DomainSplit] = [:]
    private(set) var evaluation: [EvaluationRecord] = []
    private(set) var personFigures: [PersonFigures] = []
    private(set) var choices: [ChoiceRecord] = []
    private(set) var discrepancy: [DiscrepancyRecord] = []
    /// The secret of noise that stays in the client; without one what the seed gives.
    var noiseKey: StreamKey?
    /// Where choices are protected, the sums of what is not released of them: scores; gains, then their squares.
    private var keptScores: [Float]?
    private var keptGains: [Float]?
    /// The noise in the released sums of gains.
    private var noiseOfGains: Double?

    init(
        _ client: ScenarioDefinition.Client, scenario: ScenarioDefinition, seed: Int, scale: RatingScale,
        devices: [Device]
    ) {
        self.client = client
        self.scenario = scenario
        self.seed = seed
        self.scale = scale
        self.devices = devices
    }

    /// Divides the histories of domains into training and tasks.
    ///
    /// - Parameter times: the times of the split, or `nil` for a seeded one.
    mutating func makeSplits(of domains: [String: Interactions], times: SplitTimes?) {
        items = domains.mapValues(\.items)
        for (domain, interactions) in domains {
            splits[domain] = DomainSplit(scenario, seed: seed, domain: domain, times: times, data: interactions)
        }
    }

    /// The id of the client whose figures these are.
    var clientID: String { client.id }

    /// The length of the recommendation list.
    var topN: Int { scenario.integer("evaluation.top-n") }

    /// Adds a figure.
    mutating func record(_ figure: EvaluationRecord) { evaluation.append(figure) }

    func split(_ domain: String) throws -> DomainSplit {
        guard let split = splits[domain] else {
            throw RunFailure(.internalError, "the client does not hold domain \(domain)")
        }
        return split
    }

    /// Adds up the scores of every candidate choice over validation persons.
    mutating func releaseSelection(
        plan: RunPlan, known: ParameterSet, models: inout DeviceModels, gate: inout ReleaseGate
    ) throws {
        try gate.begin(release: ReleaseName.selection)
        var protected =
            scenario.protectsChoices
            ? try ProtectedChoices(ReleaseName.selection, isKept: isKept(plan), gate: gate) : nil
        let ratingMethods = Set(plan.baselines.ratingMethods)
        let candidates = plan.grid.candidates
        let ranking = candidates.indices.filter { !ratingMethods.contains(candidates[$0].method) }
        let rating = candidates.indices.filter { ratingMethods.contains(candidates[$0].method) }
        let rankingCandidates = ranking.map { candidates[$0] }
        let maps = try rankingCandidates.map { try models.map($0, known: known) }
        let topN = scenario.integer("evaluation.top-n")
        let split = try split(plan.target)
        for device in devices where split.isValidation(device.person) {
            guard let task = split.coldTask(of: device.person, device.history(in: plan.target)) else { continue }
            let visible = device.restricted(to: .selection, splits)
            var scores = [Float](repeating: 0, count: candidates.count)
            let lists = try models.scores(rankingCandidates, maps: maps, device: visible) { task.known.prefix($0) }
            for (index, list) in zip(ranking, lists) {
                scores[index] = Float(try RankingMetrics(scores: list, task: task, count: topN).ndcg)
            }
            let linked = try models.ratings?.linked(visible)
            for index in rating {
                let predictions = try models.predictions(
                    candidates[index], device: visible, linked: linked,
                    known: task.known.prefix(candidates[index].shots), query: task.query)
                let errors = try RatingErrors(
                    predictions: predictions, ratings: task.query.ratings, scale: scale.range)
                // A sum over all ratings of all persons, as in the RMSE that is reported, on a scale of width 4. Under
                // protection a person's mean over the largest possible, so that it is from 0 to 1 as an NDCG is.
                let divisor = protected == nil ? 1 : 16 * Double(max(1, errors.count))
                scores[index] = -Float(errors.squaredErrorSum / Double(scale.unit * scale.unit) / divisor)
            }
            guard protected == nil else {
                try protected?.add([(TensorName.selectionScores, plan.grid.centred(scores))], gate: &gate)
                continue
            }
            try gate.contribute(to: ReleaseName.selection) { contribution in
                contribution.write(TensorName.selectionCount) { $0[0] = 1 }
                contribution.write(TensorName.selectionScores, values: scores)
            }
        }
        keptScores = protected?.own(seed: seed, key: noiseKey ?? StreamKey(root: UInt64(seed)))
    }

    /// Which candidates are not released where choices are protected.
    private func isKept(_ plan: RunPlan) -> [Bool] {
        plan.grid.candidates.map { ProtectedChoices.kept.contains($0.method) }
    }

    /// Which gains, and then which of their squares.
    private func isKept(_ gate: Gate) -> [Bool] {
        let gains = (0..<gate.columnCount).map { ProtectedChoices.kept.contains(gate.method(ofColumn: $0)) }
        return gains + gains
    }

    /// The scores of all candidates: those that were released, and this client's own where some stay in it.
    func selectionScores(_ plan: RunPlan, _ known: ParameterSet) throws -> [Float] {
        let released = try known.require(TensorName.selectionScores)
        return keptScores.map { ProtectedChoices.joined(released, $0, isKept: isKept(plan)) } ?? released
    }

    /// Adds up what every blend gains over the best local model on validation persons, in each bootstrap resample.
    ///
    /// - Parameter windows: where the run is in its windows, for the gate of adapted models: persons are scored on what
    ///   they chose in the present window. With fewer known interactions than shots a person gains nothing there.
    mutating func releaseGate(
        plan: RunPlan, known: ParameterSet, windows: DriftWindows? = nil, models: inout DeviceModels,
        gate: inout ReleaseGate
    ) throws {
        guard let blends = plan.gate else { throw RunFailure(.internalError, "the plan has no gate") }
        try gate.begin(release: ReleaseName.gate)
        var protected =
            scenario.protectsChoices
            ? try ProtectedChoices(ReleaseName.gate, isKept: isKept(blends), gate: gate) : nil
        let selected = try selectionScores(plan, known)
        let topN = scenario.integer("evaluation.top-n")
        let split = try split(plan.target)
        // Methods that rank come before those that predict ratings.
        let ranking = blends.methods.filter { !plan.baselines.ratingTransfers.contains($0) }
        // The local ranking of each number of shots, then those of each method.
        let choices =
            blends.shots.map { plan.grid.bestLocal(shots: $0, scores: selected) }
            + ranking.flatMap { method in
                blends.shots.map { plan.grid.best(method: method, shots: $0, scores: selected) }
            }
        let maps = try choices.map { try models.map($0, known: known) }
        for device in devices where split.isValidation(device.person) {
            let history = device.history(in: plan.target)
            let found =
                windows.map {
                    split.windowTask(
                        ofValidation: device.person, history, since: $0.change(of: plan.target) ?? .min,
                        window: $0.range)
                } ?? split.coldTask(of: device.person, history)
            guard let task = found else { continue }
            let visible = device.restricted(to: windows == nil ? .selection : .final, splits)
            let scores = try models.scores(choices, maps: maps, device: visible) {
                task.known.prefix($0)
            }
            func ndcg(_ values: [Float]) throws -> Double {
                try RankingMetrics(scores: values, task: task, count: topN).ndcg
            }
            var gains = [Float](repeating: 0, count: blends.columnCount)
            for shots in blends.shots.indices where windows == nil || task.known.count >= blends.shots[shots] {
                let local = scores[shots]
                let reference = try ndcg(local)
                for method in ranking.indices {
                    let transferred = scores[(method + 1) * blends.shots.count + shots]
                    for (index, weight) in Gate.weights.enumerated() {
                        let blend = DeviceModels.blend(
                            transferred, with: local, weight: weight, coldWeight: 0, isColdItem: split.isColdItem)
                        gains[blends.column(method: method, bucket: shots, weight: index)] = Float(
                            try ndcg(blend) - reference)
                    }
                }
            }
            if let bucket = blends.coldItemsBucket,
                let most = blends.shots.indices.max(by: {
                    blends.shots[$0] < blends.shots[$1]
                }), let task = split.coldItemsTask(ofValidation: device.person, device.history(in: plan.target))
            {
                let local = scores[most]
                let reference = try RankingMetrics(scores: local, task: task, count: topN).ndcg
                for method in ranking.indices {
                    let transferred = scores[(method + 1) * blends.shots.count + most]
                    for (index, weight) in Gate.weights.enumerated() {
                        let blend = DeviceModels.blend(
                            transferred, with: local, weight: 0, coldWeight: weight, isColdItem: split.isColdItem)
                        gains[blends.column(method: method, bucket: bucket, weight: index)] = Float(
                            try RankingMetrics(scores: blend, task: task, count: topN).ndcg - reference)
                    }
                }
            }
            if !plan.baselines.ratingTransfers.isEmpty {
                try addRatingGains(
                    to: &gains, blends, plan: plan, selected: selected, models: models, device: visible, task: task)
            }
            guard protected == nil else {
                let clipped = gains.map { min(max($0, -1), 1) }
                try protected?.add(
                    [(TensorName.gateGains, clipped), (TensorName.gateSquares, clipped.map { $0 * $0 })], gate: &gate)
                continue
            }
            let multiplicities = Gate.multiplicities(
                RandomStream(root: UInt64(seed), path: ["gate", .name(device.person)]))
            try gate.contribute(to: ReleaseName.gate) { contribution in
                contribution.write(TensorName.gateCounts) { target in
                    for (row, weight) in multiplicities.enumerated() { target[row] = weight }
                }
                contribution.write(TensorName.gateGains) { writeOuterProduct(multiplicities, gains, to: $0) }
            }
        }
        keptGains = protected?.own(seed: seed, key: noiseKey ?? StreamKey(root: UInt64(seed)))
        noiseOfGains = protected.map { PrivacyPlan.noiseOfSum($0.protection) }
    }

    /// What the gate decides of a method at a number of shots, or on cold items; `nil` for a method without a gate.
    private func decisions(
        _ plan: RunPlan, known: ParameterSet
    ) throws -> (_ method: String, _ shots: Int?) -> Gate.Decision? {
        guard let gate = plan.gate else { return { _, _ in nil } }
        let gains = try known.require(TensorName.gateGains)
        if let noise = noiseOfGains, let keptGains {
            let all = ProtectedChoices.joined(
                gains + (try known.require(TensorName.gateSquares)), keptGains, isKept: isKept(gate))
            let (gains, squares) = (Array(all[..<gate.columnCount]), Array(all[gate.columnCount...]))
            return {
                gate.methods.contains($0)
                    ? gate.decision(method: $0, shots: $1, noisedGains: gains, squares: squares, noise: noise) : nil
            }
        }
        let counts = try known.require(TensorName.gateCounts)
        return { method, shots in
            guard gate.methods.contains(method) else { return nil }
            guard let shots else { return gate.coldItemsDecision(method: method, gains: gains, counts: counts) }
            return gate.decision(method: method, shots: shots, gains: gains, counts: counts)
        }
    }

    /// Every method at every number of shots with the choice that validation made, and what the gate makes of it.
    private func entries(_ plan: RunPlan, known: ParameterSet) throws -> [EvaluationEntry] {
        let scores = try selectionScores(plan, known)
        let decisions = try decisions(plan, known: known)
        var coldWeights: [String: Double] = [:]
        for method in plan.gate?.methods ?? [] where plan.gate?.hasColdItems == true {
            coldWeights[method] = decisions(method, nil)?.weight
        }
        let rankingMethods =
            [scenario.transferMethod] + (scenario.isMeta && !scenario.isByText ? [MethodName.metaLocal] : [])
            + (scenario.isAdversarial ? [MethodName.sourceOnly] : []) + [MethodName.bestLocal]
            + MethodName.localRanking(scenario).filter {
                [MethodName.popularity, MethodName.local].contains($0) || plan.baselines.methods.contains($0)
                    || (scenario.isByText && $0 == scenario.transferMethod + "-local")
            }
            + [MethodName.localEnsemble, MethodName.pooledReference, MethodName.naiveFedAvg].filter {
                plan.baselines.methods.contains($0)
            } + [MethodName.shuffledSource]
        let ratingMethods =
            plan.baselines.ratingMethods + (scenario.transfersRatings ? [MethodName.bestLocalRatings] : [])
        return (rankingMethods + ratingMethods).flatMap { method in
            scenario.integers("evaluation.shots").flatMap { shots -> [EvaluationEntry] in
                let candidate =
                    switch method {
                    case MethodName.bestLocal: plan.grid.bestLocal(shots: shots, scores: scores)
                    case MethodName.bestLocalRatings: plan.grid.bestLocalRatings(shots: shots, scores: scores)
                    default: plan.grid.best(method: method, shots: shots, scores: scores)
                    }
                let entry = EvaluationEntry(method: method, shots: shots, candidate: candidate)
                guard let decision = decisions(method, shots) else { return [entry] }
                return [
                    EvaluationEntry(
                        method: method, shots: shots, candidate: candidate, gate: decision.weight,
                        coldGate: coldWeights[method]),
                    EvaluationEntry(method: MethodName.ungated(method), shots: shots, candidate: candidate),
                ]
            }
        }
    }

    /// How far the domains are apart, where persons link them.
    private func discrepancies(
        _ plan: RunPlan, _ entries: [EvaluationEntry], known: ParameterSet, models: inout DeviceModels
    ) throws -> [DiscrepancyRecord] {
        if scenario.isByText { return [] }
        if scenario.isGameOfPersons { return try Discrepancies.ofPersonGame(plan, known: known, models: models) }
        if scenario.isAdversarial {
            func probed(_ domain: String) -> ProbedItems {
                let ids = items[domain] ?? []
                return ProbedItems(ids: ids, isDescribed: isDescribed[domain] ?? ids.map { _ in true })
            }
            return try Discrepancies.ofGame(
                plan, known: known, models: models, sourceItems: probed(plan.sources.first ?? ""),
                targetItems: probed(plan.target), seed: seed)
        }
        let map = try models.map(entries.first { $0.method == MethodName.featureMap }?.candidate, known: known)
        return try Discrepancies.ofPersons(
            plan, known: known, models: &models, map: map, factors: scenario.sourceDimension)
    }

    /// Ranks for cold and warm persons with what validation chose.
    mutating func evaluate(plan: RunPlan, known: ParameterSet, models: inout DeviceModels) throws {
        // Under protection nobody else learns how many there are.
        let validationCount =
            scenario.protectsChoices
            ? try devices.count { try self.split(plan.target).isValidation($0.person) }
            : Int(try known.require(TensorName.selectionCount).first ?? 0)
        if validationCount == 0 {
            RoleProcess.report(
                .warning("no validation person could be scored; the first of each list of choices was taken"))
        } else if validationCount < DomainWorker.leastScored {
            RoleProcess.report(.warning("every choice is that of \(validationCount) validation persons alone"))
        }
        if scale.isSingleRating, !plan.baselines.ratingMethods.isEmpty {
            RoleProcess.report(
                .warning("all ratings of \(plan.target) are \(scale.range.lowerBound): there are no rating errors"))
        }
        let entries = try entries(plan, known: known)
        choices = entries.compactMap { entry in
            // Without the gate the choice is the same.
            if plan.gate?.methods.contains(where: { MethodName.ungated($0) == entry.method }) == true { return nil }
            return entry.candidate.flatMap {
                ChoiceRecord(entry.method, $0, gate: entry.gate, coldGate: entry.coldGate)
            }
        }
        do { discrepancy = try discrepancies(plan, entries, known: known, models: &models) } catch {
            RoleProcess.report(.warning("how far the domains are apart could not be measured: \(error)"))
        }
        let personCount = Int(try known.require(TensorName.momentCount(plan.target)).first ?? 1)
        let split = try split(plan.target)
        // Warm persons are served with the choices for the most shots: more is known of them than of anybody cold.
        let most = scenario.integers("evaluation.shots").max()
        let warm =
            most == 0
            ? []
            : entries.filter { $0.shots == most }.map {
                EvaluationEntry(
                    method: $0.method, shots: nil, candidate: $0.candidate, gate: $0.gate, coldGate: $0.coldGate)
            }
        let cohorts: [(name: String, entries: [EvaluationEntry], task: (Device) -> PredictionTask?)] = [
            (
                CohortEvaluation.coldUsers, entries,
                { split.isValidation($0.person) ? nil : split.coldTask(of: $0.person, $0.history(in: plan.target)) }
            ),
            (CohortEvaluation.warmUsers, warm, { split.warmTask(of: $0.person, $0.history(in: plan.target)) }),
            (CohortEvaluation.coldItems, warm, { split.coldItemsTask(of: $0.person, $0.history(in: plan.target)) }),
        ]
        for (name, entries, task) in cohorts where !entries.isEmpty {
            var cohort = try CohortEvaluation(
                name, entries: entries, models: models, plan: plan, scenario: scenario, scale: scale,
                personCount: personCount)
            let maps = try entries.filter { !$0.predictsRatings(plan.baselines) }
                .map { try models.map($0.candidate, known: known) }
            for device in devices {
                guard let task = task(device) else { continue }
                try cohort.add(
                    task, device: device.restricted(to: .final, splits), models: &models, maps: maps,
                    isColdItem: split.isColdItem)
            }
            if name == CohortEvaluation.coldItems, scenario.number("evaluation.cold-items") > 0, cohort.isEmpty {
                RoleProcess.report(.warning("\(client.id), \(name): no warm person has an item that nobody trains on"))
            }
            // Of several persons clients one may hold nobody to score; that nobody at all was is the launcher's to say.
            evaluation += cohort.figures(client: client.id, seed: seed)
            personFigures += cohort.personFigures
            for warning in cohort.warnings { RoleProcess.report(.warning("\(client.id), \(name): \(warning)")) }
        }
    }
}

extension ChoiceRecord {
    /// The choice of a candidate; `nil` where there was nothing to choose.
    init?(_ method: String, _ candidate: SelectionGrid.Candidate, gate: Double? = nil, coldGate: Double? = nil) {
        let isPicked = method == MethodName.bestLocal || method == MethodName.bestLocalRatings
        let hasSettings =
            isPicked || candidate.ridge != nil || candidate.regularization != nil || candidate.blend != nil
            || candidate.carry != nil || candidate.damping != nil || candidate.model != nil || gate != nil
            || MethodName.metaMethods.contains(candidate.method)
        guard hasSettings else { return nil }
        self.init(
            method: method, shots: candidate.shots, ridge: candidate.ridge, foldIn: candidate.foldIn?.rawValue,
            regularization: candidate.regularization,
            model: isPicked
                ? candidate.method : candidate.model ?? candidate.blend.map { "\($0.first)+\($0.second)" },
            weight: candidate.blend?.weight, carry: candidate.carry, damping: candidate.damping, gate: gate,
            coldGate: coldGate)
    }
}
