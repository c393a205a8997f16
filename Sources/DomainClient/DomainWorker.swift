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
import Wire

/// A service that holds the ratings of one domain: trains its models and releases parameters and moments.
struct DomainWorker: RoundWorker {
    let scenario: ScenarioDefinition
    let seed: Int
    let client: ScenarioDefinition.Client
    /// The target's; one to five for a source.
    let scale: RatingScale
    /// Where texts link the domains: what the target's client knows and nobody else, its models and its scores.
    var own = ParameterSet()
    var textModels: TextModels?
    var metaTrainer: MetaTextTrainer?
    /// What ranks by text.
    var ranker: TextRanker?
    var keptModels: ParameterSet?
    var discrepancy: [DiscrepancyRecord] = []
    var scoring: TargetEvaluation?
    private let data: DomainData
    /// The interactions of all clients of a shared domain, for what of the catalogue is cold.
    private let whole: Interactions?
    let vectors: ItemVectors?
    /// The vectors of the words that are public, where the run has those.
    let publicWords: Matrix?
    let isTarget: Bool
    /// What the windows of time are measured with; `nil` before the last ordinary training.
    var windowModel: WindowModel?
    private(set) var split: DomainSplit
    /// Whether the client releases what all clients of its domain know alike, in the present round.
    private(set) var isSpeaker = false
    private var hasWarnedOfTimes = false
    private var baselines: TargetBaselines
    /// The part in the item factors of a domain that several clients share, from their first round of a stage on.
    private var sharedFactors: SharedFactorsTrainer?
    /// The part in the adversarial game, from its first exchange of a stage on.
    private var game: AdversarialTrainer?

    init(_ client: ScenarioDefinition.Client, scenario: ScenarioDefinition, seed: Int, loader: DomainDataLoader) throws
    {
        self.client = client
        self.scenario = scenario
        self.seed = seed
        let domain = client.group.domain
        isTarget = domain == scenario.target
        let whole = try loader.load(domain)
        data = try loader.part(of: client, persons: PersonSplit(scenario, seed: seed))
        // Which items are cold is a matter of the whole domain.
        self.whole = client.group.isShared ? whole.interactions : nil
        let needsVectors =
            scenario.isByText || scenario.isGameOfItems || scenario.fedAvgRounds > 0
            || (isTarget && scenario.hasBaseline(MethodName.textKNN))
        (vectors, publicWords) = needsVectors ? try loader.texts(domain, data) : (nil, nil)
        split = DomainSplit(
            scenario, seed: seed, domain: domain, times: nil, data: whole.interactions, isForEncoders: true)
        scale = isTarget ? try RatingScale(scenario, target: whole.interactions) : .oneToFive
        baselines = TargetBaselines(scenario, seed: seed, scale: scale)
        if isTarget {
            if whole.interactions.times.isEmpty, scenario.text("evaluation.support") == "earliest" {
                throw RunFailure(.data, "evaluation.support is earliest, but the data of \(domain) has no times")
            }
            if !whole.interactions.hasCommonTimes, scenario.text("evaluation.split") == "time" {
                let what =
                    whole.interactions.times.isEmpty ? "no times" : "places in each person's own sequence, not times"
                throw RunFailure(.data, "evaluation.split is time, but the data of \(domain) has \(what)")
            }
        }
    }

    var domain: String { client.group.domain }
    var interactions: Interactions { data.interactions }

    /// Sentences for the user about the data.
    var warnings: [String] { data.warnings }

    var catalogues: [Catalogue] {
        [Catalogue(domain: domain, itemCount: interactions.items.count, digest: interactions.catalogueDigest)]
    }

    mutating func prepare(for round: RoundPlan) {
        isSpeaker = round.isSpeaker
        if round.isRepeated { game?.forgetRelease() }
    }

    func leavesState(_ step: RoundStep) -> Bool {
        if scenario.isByText { return step != .calendar }
        switch step {
        case .calendar, .tower, .refitTower: return false
        // Of all strategies one has a state of the client's own, while its rounds last; and so has what a format leaves
        // over of updates.
        case .factors, .refitFactors:
            return scenario.text("federation.strategy") == "scaffold" || scenario.hasCoarseUpdates
        // Choices of the target, the game, and what windows are measured with.
        case .encoders: return isTarget || scenario.isGameOfItems
        case .refitEncoders: return isTarget || scenario.isGameOfItems || scenario.driftWindows > 0
        default: return true
        }
    }

    mutating func work(_ step: RoundStep, plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate) throws {
        switch step {
        case .calendar: try releaseCalendar(gate: &gate)
        case .tower, .refitTower: try improveTower(step, known: known, gate: &gate)
        case .adversarial, .refitAdversarial: try exchange(step, known: known, gate: &gate)
        case .factors, .refitFactors: try improveFactors(step, plan: plan, known: known, gate: &gate)
        case .encoders where scenario.isByText, .refitEncoders where scenario.isByText:
            try releaseTextMaps(step, known: known, gate: &gate)
        case .meta where scenario.isByText, .refitMeta where scenario.isByText:
            try releaseMeta(step, known: known, gate: &gate)
        case .textModels, .refitTextModels: try trainAlone(step, plan: plan, known: known)
        case .selection where scenario.isByText: try selectAlone(plan: plan, known: known)
        case .gate where scenario.isByText: try gateAlone(plan: plan)
        case .evaluation where scenario.isByText: try evaluateAlone(plan: plan, known: known)
        case .encoders, .refitEncoders: try trainEncoders(step, plan: plan, known: known, gate: &gate)
        case .monitor: try releaseWindow(known: known, gate: &gate)
        case .adapt: try adapt(known: known, gate: &gate)
        case .bridge, .map, .meta, .selection, .gate, .refitBridge, .refitMap, .refitMeta, .evaluation, .adaptBridge,
            .adaptGate:
            throw RunFailure(.internalError, "a domain client was asked for a step of persons' devices")
        }
    }

    private func releaseCalendar(gate: inout ReleaseGate) throws {
        // Of persons who serve the bridge or the choices alone nothing else that is released may know anything.
        let persons = PersonSplit(scenario, seed: seed)
        let interactions =
            persons.hasBridgeCohort ? interactions.keepingPersons { !persons.staysOutOfEncoders($0) } : interactions
        var times = SplitTimes(
            interactions, validationShare: scenario.number("evaluation.validation-time"),
            testShare: scenario.number("evaluation.test-time"))
        if !interactions.hasCommonTimes {
            times = nil
        } else if times.map({ leavesPersons($0, of: interactions) }) != true {
            let reason =
                "the times of \(domain) leave fewer than \(DomainWorker.leastScored) persons to validate or score"
            guard scenario.text("evaluation.split") != "time" else {
                throw RunFailure(.data, "evaluation.split is time, but \(reason)")
            }
            RoleProcess.report(.warning("\(reason); the split is seeded"))
            times = nil
        }
        try releaseWindowTimes(times, gate: &gate)
        try gate.publish(
            TensorName.calendar, values: CalendarCode.encode(times.map { ($0.validation, $0.test) }))
    }

    /// With fewer persons than this in a part, a split by time tells nothing.
    static let leastScored = 10

    /// Whether enough cold and validation persons can be expected with enough target interactions in their parts of the
    /// time. Who is cold does not matter, so that all seeds of a scenario are split alike.
    private func leavesPersons(_ times: SplitTimes, of interactions: Interactions) -> Bool {
        let cold = scenario.number("evaluation.cold-users")
        let validation = (1 - cold) * scenario.number("evaluation.validation-users")
        return [(part: PersonSplit.Part.cold, share: cold), (.validation, validation)].allSatisfy { part, share in
            let everybody = PersonSplit(
                seed: seed, coldShare: part == .cold ? 1 : 0, validationShare: part == .validation ? 1 : 0)
            let split = DomainSplit(
                scenario, persons: everybody, domain: domain, times: times, data: interactions)
            let count = interactions.persons.indices.count {
                split.coldTask(of: interactions.persons[$0], interactions.history($0)) != nil
            }
            return share * Double(count) >= Double(DomainWorker.leastScored)
        }
    }

    /// What trains at a stage.
    mutating func training(_ stage: SplitStage, known: ParameterSet) throws -> TrainingData {
        if let times = SplitTimes(known) {
            split = DomainSplit(
                scenario, seed: seed, domain: domain, times: times, data: whole ?? interactions, isForEncoders: true)
            if interactions.hasCommonTimes, let last = interactions.times.max(), let ratio = times.unitRatio(to: last) {
                throw RunFailure(
                    .data,
                    "the times of \(domain) are about \(ratio) those of \(scenario.target): are both in the same unit?")
            }
            if !interactions.hasCommonTimes && !hasWarnedOfTimes {
                hasWarnedOfTimes = true
                RoleProcess.report(
                    .warning(
                        "\(domain): has no times in common with others, so all of it trains, whatever the times of the split"
                    ))
            }
        }
        var isKept = [Bool](repeating: false, count: interactions.rows.columns.count)
        for (index, person) in interactions.persons.enumerated() {
            for position in split.training(of: person, interactions.history(index), stage: stage) {
                isKept[interactions.rows.starts[index] + position] = true
            }
        }
        let data = TrainingData(interactions).filtered { _, entry in isKept[entry] }
        // Of several clients one may hold nobody who trains.
        guard !data.ratings.isEmpty || client.group.isShared else {
            throw RunFailure(
                .data, "domain \(domain) has nothing to train on: every interaction is later than the split's times")
        }
        return data
    }

    private mutating func improveTower(_ step: RoundStep, known: ParameterSet, gate: inout ReleaseGate) throws {
        let data = try training(step.stage, known: known)
        let factors = scenario.integer("model.factors")
        let dimension = scenario.integer("text.dimension")
        let tower =
            TextTower(known, textDimension: dimension, factors: factors)
            ?? TextTower(
                textDimension: dimension, factors: factors,
                stream: RandomStream(root: UInt64(seed), path: ["tower"]))
        let vectors = vectors?.vectors ?? Matrix(rowCount: interactions.items.count, columnCount: dimension)
        let (improved, count) = try tower.improved(
            data.rows, vectors: vectors, regularization: Float(scenario.number("model.regularization")),
            confidence: Float(scenario.number("model.confidence")))
        let weight = Float(count)
        try gate.publish(TensorName.towerSum, values: improved.weights.values.map { $0 * weight })
        try gate.publish(TensorName.towerPriorSum, values: improved.prior.map { $0 * weight })
        try gate.publish(TensorName.towerCount, values: [weight])
    }

    /// One exchange of the adversarial game.
    private mutating func exchange(_ step: RoundStep, known: ParameterSet, gate: inout ReleaseGate) throws {
        let stage = step.stage
        if game?.stage != stage {
            guard let vectors else {
                throw RunFailure(
                    .data, "no item of \(domain) has text, which transfer.method adversarial needs")
            }
            game = AdversarialTrainer(
                scenario, seed: seed, stage: stage, isSource: !isTarget, items: interactions.items, vectors: vectors,
                rows: try training(stage, known: known).rows)
        }
        try game?.absorb(known)
        try game?.release(isSpeaker: isSpeaker, gate: &gate)
    }

    private mutating func improveFactors(
        _ step: RoundStep, plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate
    ) throws {
        let stage = step.stage
        if sharedFactors?.stage != stage {
            sharedFactors = SharedFactorsTrainer(
                scenario, client: client, stage: stage, rows: try training(stage, known: known).rows)
            gate.forgetLeftovers()
        }
        try sharedFactors?.release(plan, known: known, gate: &gate)
    }

    /// The domain's item factors: trained here, or those that the clients of a shared domain have learnt together.
    mutating func itemFactors(_ step: RoundStep, rows: SparseRows, known: ParameterSet) throws -> Matrix {
        let configuration = ImplicitALS.Configuration(scenario)
        if client.group.isShared {
            sharedFactors = nil
            return Matrix(
                rowCount: rows.columnCount, columnCount: configuration.factors,
                values: try known.require(TensorName.itemFactors(domain)))
        }
        let stream = RandomStream(
            root: UInt64(seed), path: ["implicit-als", .name(domain), .name(step.description)])
        return try ImplicitALS(rows, configuration: configuration, stream: stream).itemFactors
    }

    /// The tasks of the persons on whom choices are made.
    var validationTasks: [PredictionTask] {
        interactions.persons.indices.compactMap { index -> PredictionTask? in
            let person = interactions.persons[index]
            guard split.isValidation(person) else { return nil }
            return split.coldTask(of: person, interactions.history(index))
        }
    }

    mutating func trainEncoders(
        _ step: RoundStep, plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate
    ) throws {
        let data = try training(step.stage, known: known)
        let rows = data.rows
        let configuration = ImplicitALS.Configuration(scenario)
        let itemFactors = try itemFactors(step, rows: rows, known: known)
        if !client.group.isShared {
            try gate.publish(TensorName.itemFactors(domain), values: itemFactors.values)
        }
        if step.isFinal { windowModel = WindowModel(itemFactors) }
        try releaseMoments(rows, itemFactors, configuration, gate: &gate)
        if scenario.isGameOfItems {
            try game?.absorb(known)
            if isSpeaker { try game?.releaseFeatures(of: domain, gate: &gate) }
        }
        if isTarget {
            try releaseCounts(rows, gate: &gate)
            if plan.baselines.hasLocalModels {
                let visible = try baselineData(data, step, known: known)
                try baselines.release(
                    plan.baselines, data: visible, sums: data, tasks: validationTasks, vectors: vectors, gate: &gate)
                if scenario.transfersRatings, let model = baselines.explicit {
                    try releaseRatingMoments(visible, model.factors, model.regularization, gate: &gate)
                }
            }
            if isSpeaker, plan.baselines.methods.contains(MethodName.naiveFedAvg) {
                guard
                    let tower = TextTower(
                        known, textDimension: scenario.integer("text.dimension"), factors: configuration.factors)
                else { throw RunFailure(.internalError, "the common text tower was not broadcast") }
                let texts =
                    vectors?.vectors
                    ?? Matrix(rowCount: interactions.items.count, columnCount: tower.weights.rowCount)
                try gate.publish(
                    TensorName.towerItemFactors(domain), values: tower.itemFactors(texts).values)
            }
            if step == .encoders, isSpeaker {
                for refusal in plan.baselines.refusals { RoleProcess.report(.warning(refusal)) }
            }
        } else if scenario.protectsMeans, plan.baselines.methods.contains(MethodName.biasCarry) {
            try baselines.releaseSums(data: data, of: domain, gate: &gate)
        } else if scenario.transfersRatings || plan.baselines.methods.contains(MethodName.biasCarry) {
            let visible = try baselineData(data, step, known: known)
            if plan.baselines.methods.contains(MethodName.biasCarry) {
                // A source has no validation persons of its own; it takes the middle of the target's grid.
                let grid = scenario.numbers("tune.item-damping")
                try TargetBaselines.publish(
                    try RatingMeans(visible, damping: grid[grid.count / 2]), of: domain, gate: &gate)
            }
            if scenario.transfersRatings {
                let model = try baselines.releaseSource(domain, data: visible, gate: &gate)
                try releaseRatingMoments(visible, model.factors, model.regularization, gate: &gate)
            }
        }
    }

    /// Releases the moments of persons' explicit vectors.
    private func releaseRatingMoments(
        _ data: TrainingData, _ factors: BiasedFactors, _ regularization: Double, gate: inout ReleaseGate
    ) throws {
        try gate.begin(release: ReleaseName.moments(domain, ofRatings: true))
        for index in 0..<data.rows.rowCount where !data.rows.row(index).isEmpty {
            let range = data.rows.starts[index]..<data.rows.starts[index + 1]
            let person = try factors.foldIn(
                items: data.rows.columns[range], ratings: data.ratings[range],
                regularization: scale.penalty(regularization))
            try contributeMoments(person.factors, ofRatings: true, gate: &gate)
        }
    }

    /// What baseline models see of the training data of a step.
    private mutating func baselineData(
        _ data: TrainingData, _ step: RoundStep, known: ParameterSet
    ) throws -> TrainingData {
        let least = TargetBaselines.leastRatings
        let earlier =
            step.isFinal ? try training(.selection, known: known).keepingItems(ratedAtLeast: least) : nil
        let visible = data.keepingItems(ratedAtLeast: least, since: earlier)
        guard !visible.ratings.isEmpty else {
            throw RunFailure(
                .data, "domain \(domain) has no item with \(least) ratings to train on; leave out evaluation.baselines")
        }
        return visible
    }

    private func releaseMoments(
        _ rows: SparseRows, _ itemFactors: Matrix, _ configuration: ImplicitALS.Configuration, gate: inout ReleaseGate
    ) throws {
        let moments = ReleaseName.moments(domain)
        try gate.begin(release: moments)
        var foldIn = FoldIn(itemFactors: itemFactors, confidence: configuration.confidence)
        for index in 0..<rows.rowCount where !rows.row(index).isEmpty {
            try foldIn.begin(items: rows.row(index), regularization: configuration.regularization)
            try contributeMoments(foldIn.vector(), gate: &gate)
        }
    }

    /// Adds one person's vector to the moments.
    func contributeMoments(_ vector: [Float], ofRatings: Bool = false, gate: inout ReleaseGate) throws {
        // A source is described by the features of its persons, the target by their factors.
        guard let value = isTarget ? vector : SourceFeatures.raw(vector) else { return }
        try gate.contribute(to: ReleaseName.moments(domain, ofRatings: ofRatings)) { contribution in
            contribution.write(TensorName.momentCount(domain, ofRatings: ofRatings)) { $0[0] = 1 }
            contribution.write(TensorName.momentSum(domain, ofRatings: ofRatings), values: value)
            contribution.write(TensorName.momentProduct(domain, ofRatings: ofRatings)) {
                writeOuterProduct(value, value, to: $0)
            }
        }
    }

    func releaseCounts(_ rows: SparseRows, gate: inout ReleaseGate) throws {
        let counts = ReleaseName.itemCounts(domain)
        try gate.begin(release: counts)
        for index in 0..<rows.rowCount where !rows.row(index).isEmpty {
            try gate.contribute(to: counts) { contribution in
                contribution.write(TensorName.itemCounts(domain)) { target in
                    for item in rows.row(index) { target[Int(item)] = 1 }
                }
            }
        }
    }

    var personFigures: [PersonFigures] { scoring?.personFigures ?? [] }

    var folderRecord: ClientFolderRecord {
        ClientFolderRecord(
            client: ClientRecord(
                id: client.id, domain: domain, users: interactions.persons.count, items: interactions.items.count,
                interactions: interactions.rows.columns.count, duplicates: interactions.duplicateCount,
                catalogue: interactions.catalogueDigest.description, change: windowModel?.change),
            evaluation: (scoring?.evaluation ?? []).sorted(by: EvaluationRecord.isOrdered),
            choices: baselines.choices + (textModels?.choices ?? []) + (scoring?.choices ?? []),
            discrepancy: discrepancy)
    }
}

/// Writes `left · rightᵀ` in row-major order.
func writeOuterProduct(_ left: [Float], _ right: [Float], to target: UnsafeMutableBufferPointer<Float>) {
    precondition(target.count == left.count * right.count, "an outer product of another shape")
    for row in left.indices {
        for column in right.indices { target[row * right.count + column] = left[row] * right[column] }
    }
}
