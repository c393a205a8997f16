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

/// The devices of people who use several domains: sums leave through the gate, ranking stays.
struct PersonsWorker: RoundWorker {
    private let scenario: ScenarioDefinition
    private let seed: Int
    private let client: ScenarioDefinition.Client
    private let split: PersonSplit
    private let devices: [Device]
    private let interactionCount: Int
    let catalogues: [Catalogue]
    private var evaluation: [EvaluationRecord] = []
    private var choices: [ChoiceRecord] = []

    init(_ client: ScenarioDefinition.Client, scenario: ScenarioDefinition, seed: Int, loader: DomainDataLoader) throws
    {
        self.client = client
        self.scenario = scenario
        self.seed = seed
        let split = PersonSplit(scenario, seed: seed)
        self.split = split
        var catalogues: [Catalogue] = []
        var histories: [String: [String: [UInt32]]] = [:]
        for domain in client.group.links.sorted() {
            let interactions = try loader.load(domain)
            catalogues.append(
                Catalogue(domain: domain, itemCount: interactions.items.count, digest: interactions.catalogueDigest))
            for (index, person) in interactions.persons.enumerated() {
                guard split.client(of: person, count: client.group.count) == client.index else { continue }
                histories[person, default: [:]][domain] = Array(interactions.rows.row(index))
            }
        }
        self.catalogues = catalogues
        devices = histories.filter { $0.value.count >= 2 }.sorted { $0.key < $1.key }
            .map { Device(person: $0.key, histories: $0.value) }
        let links = client.group.links
        interactionCount = devices.reduce(0) { sum, device in
            sum + links.reduce(0) { $0 + device.interactionCount(in: $1) }
        }
        // A share of the persons may be empty, all of them may not.
        guard !devices.isEmpty || client.group.count > 1 else {
            throw RunFailure(
                .data,
                "no person occurs in two of the domains \(links.joined(separator: ", ")); are the user ids shared?")
        }
    }

    private func part(_ device: Device) -> PersonSplit.Part { split.part(of: device.person) }

    private func task(_ device: Device, target: String) -> ColdStartTask? {
        device.task(
            split, target: target, candidateCount: scenario.integers("evaluation.shots").max() ?? 0,
            minimumInteractions: scenario.integer("evaluation.minimum-interactions"))
    }

    mutating func work(_ step: RoundStep, plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate) throws {
        var models = try Models(plan: plan, known: known, scenario: scenario)
        switch step {
        case .bridge, .refitBridge:
            let contributors = devices.filter { device in
                guard device.interactionCount(in: plan.target) > 0 else { return false }
                return part(device) == .training || (part(device) == .validation && step == .refitBridge)
            }
            try releaseBridge(contributors, step: step, plan: plan, models: &models, gate: &gate)
        case .selection: try releaseSelection(plan: plan, known: known, models: &models, gate: &gate)
        case .evaluation: try evaluate(plan: plan, known: known, models: &models)
        case .encoders, .refitEncoders: throw RunFailure(.internalError, "a persons client was asked to train a domain")
        }
    }

    private func releaseBridge(
        _ contributors: [Device], step: RoundStep, plan: RunPlan, models: inout Models, gate: inout ReleaseGate
    ) throws {
        var stream = RandomStream(
            root: UInt64(seed), path: ["shuffled-links", .name(client.id), .name(step.description)])
        let order = stream.permutation(count: contributors.count)
        // One cycle through a random order: nobody keeps their own links.
        var linkedTo = [Int](repeating: 0, count: contributors.count)
        for (position, index) in order.enumerated() { linkedTo[index] = order[(position + 1) % order.count] }
        for isShuffled in [false, true] {
            let release = ReleaseName.bridge(isShuffled: isShuffled)
            try gate.begin(release: release)
            // A single contributor has nobody to swap links with.
            if isShuffled && contributors.count < 2 { continue }
            for (index, device) in contributors.enumerated() {
                let device =
                    isShuffled ? device.withLinks(of: contributors[linkedTo[index]], target: plan.target) : device
                let feature = try models.feature(device)
                guard let coordinates = try device.targetCoordinates(&models.target, target: plan.target) else {
                    continue
                }
                try gate.contribute(to: release) { contribution in
                    contribution.write(TensorName.bridgeCount(isShuffled: isShuffled)) { $0[0] = 1 }
                    contribution.write(TensorName.crossMoment(isShuffled: isShuffled)) {
                        writeOuterProduct(feature, coordinates, to: $0)
                    }
                    if plan.sources.count > 1 {
                        contribution.write(TensorName.sourceMoment(isShuffled: isShuffled)) {
                            writeOuterProduct(feature, feature, to: $0)
                        }
                    }
                }
            }
        }
    }

    private func releaseSelection(
        plan: RunPlan, known: ParameterSet, models: inout Models, gate: inout ReleaseGate
    ) throws {
        try gate.begin(release: ReleaseName.selection)
        let maps = try plan.grid.candidates.map { try models.map($0, known: known) }
        let topN = scenario.integer("evaluation.top-n")
        for device in devices where part(device) == .validation {
            guard let task = task(device, target: plan.target) else { continue }
            let vectors = try models.vectors(plan.grid.candidates, maps: maps, device: device, task: task)
            let metrics = try task.metrics(vectors: vectors, itemFactors: models.target.foldIn.itemFactors, topN: topN)
            try gate.contribute(to: ReleaseName.selection) { contribution in
                contribution.write(TensorName.selectionCount) { $0[0] = 1 }
                contribution.write(TensorName.selectionScores) { target in
                    for (index, metric) in metrics.enumerated() { target[index] = Float(metric.ndcg) }
                }
            }
        }
    }

    private mutating func evaluate(plan: RunPlan, known: ParameterSet, models: inout Models) throws {
        let scores = try known.require(TensorName.selectionScores)
        if try known.require(TensorName.selectionCount).first == 0 {
            RoleProcess.report(
                .warning("no validation person could be scored; the first of each list of choices was taken"))
        }
        let shots = scenario.integers("evaluation.shots")
        let topN = scenario.integer("evaluation.top-n")
        let methods = [MethodName.featureMap, MethodName.local, MethodName.popularity, MethodName.shuffledSource]
        var selected: [(method: String, shots: Int, candidate: SelectionGrid.Candidate?)] = []
        for method in methods {
            for count in shots {
                selected.append((method, count, plan.grid.best(method: method, shots: count, scores: scores)))
            }
        }
        choices = selected.compactMap { entry in
            entry.candidate.map {
                ChoiceRecord(
                    method: entry.method, shots: entry.shots, ridge: $0.ridge, foldIn: $0.foldIn?.rawValue,
                    regularization: $0.regularization)
            }
        }
        let candidates = selected.compactMap(\.candidate)
        let maps = try candidates.map { try models.map($0, known: known) }
        var values = [[RankingMetrics]](repeating: [], count: selected.count)
        for device in devices where part(device) == .cold {
            guard let task = task(device, target: plan.target) else { continue }
            let popularity = try task.metrics(scores: models.target.popularity, topN: topN)
            let vectors = try models.vectors(candidates, maps: maps, device: device, task: task)
            var ranked = try task.metrics(
                vectors: vectors, itemFactors: models.target.foldIn.itemFactors, topN: topN)[...]
            // Without a choice there is nothing personal to rank by: popularity, and `local` before the first shot.
            for (index, entry) in selected.enumerated() {
                values[index].append(entry.candidate == nil ? popularity : ranked.removeFirst())
            }
        }
        // Of several persons clients one may hold nobody to score; that nobody at all was scored is the launcher's to say.
        guard let personCount = values.first?.count, personCount > 0 else { return }
        let bootstrap = PairedBootstrap(
            unitCount: personCount, stream: RandomStream(root: UInt64(seed), path: ["bootstrap", .name(client.id)]))
        for (index, entry) in selected.enumerated() {
            for (metric, figures) in [
                ("ndcg@\(topN)", values[index].map(\.ndcg)), ("recall@\(topN)", values[index].map(\.recall)),
            ] {
                let interval = bootstrap.interval(ofMean: figures)
                evaluation.append(
                    EvaluationRecord(
                        client: client.id, method: entry.method, cohort: "cold-users", shots: entry.shots,
                        metric: metric, value: mean(figures) ?? 0,
                        interval: interval.map { [$0.lower, $0.upper] } ?? [], users: personCount))
            }
        }
    }

    var folderRecord: ClientFolderRecord {
        ClientFolderRecord(
            client: ClientRecord(
                id: client.id, domain: client.group.domain, users: devices.count,
                items: catalogues.first { $0.domain == scenario.target }?.itemCount ?? 0,
                interactions: interactionCount, duplicates: 0),
            evaluation: evaluation.sorted(by: EvaluationRecord.isOrdered), choices: choices)
    }
}

/// The broadcast models as devices use them, built from the parameters that a client knows.
private struct Models {
    var sources: [String: SourceModel] = [:]
    var target: TargetModel
    private let plan: RunPlan
    private let factors: Int

    init(plan: RunPlan, known: ParameterSet, scenario: ScenarioDefinition) throws {
        self.plan = plan
        factors = scenario.integer("model.factors")
        let confidence = Float(scenario.number("model.confidence"))
        let regularization = Float(scenario.number("model.regularization"))
        let width = factors
        func moments(_ domain: String) throws -> PersonMoments {
            let count = try known.require(TensorName.momentCount(domain))
            guard
                let moments = PersonMoments(
                    count: count.first ?? 0, sum: try known.require(TensorName.momentSum(domain)),
                    product: try known.require(TensorName.momentProduct(domain)))
            else { throw RunFailure(.data, "domain \(domain) has fewer than two persons to train on") }
            return moments
        }
        func foldIn(_ domain: String) throws -> FoldIn {
            let values = try known.require(TensorName.itemFactors(domain))
            let matrix = Matrix(rowCount: values.count / width, columnCount: width, values: values)
            return FoldIn(itemFactors: matrix, confidence: confidence)
        }
        target = TargetModel(
            foldIn: try foldIn(plan.target),
            basis: try TargetBasis(try moments(plan.target), dimension: scenario.integer("transfer.dimension")),
            regularization: regularization, popularity: try known.require(TensorName.itemCounts(plan.target)))
        for source in plan.sources where known.values(TensorName.itemFactors(source)) != nil {
            sources[source] = SourceModel(
                foldIn: try foldIn(source), features: try SourceFeatures(try moments(source)),
                regularization: regularization)
        }
    }

    mutating func feature(_ device: Device) throws -> [Float] {
        try device.feature(&sources, sources: plan.sources, factors: factors)
    }

    /// The map of a candidate, or `nil` for a method without one.
    func map(_ candidate: SelectionGrid.Candidate, known: ParameterSet) throws -> FeatureMap? {
        guard let ridge = candidate.ridge else { return nil }
        let isShuffled = candidate.method == MethodName.shuffledSource
        let spec = try plan.schema.spec(TensorName.crossMoment(isShuffled: isShuffled))
        let values = try known.require(spec.name)
        let features = spec.shape[0]
        var sourceMoment: Matrix?
        if plan.sources.count > 1 {
            sourceMoment = Matrix(
                rowCount: features, columnCount: features,
                values: try known.require(TensorName.sourceMoment(isShuffled: isShuffled)))
        }
        return try FeatureMap(
            crossMoment: Matrix(rowCount: features, columnCount: spec.shape[1], values: values),
            sourceMoment: sourceMoment,
            count: Double(try known.require(TensorName.bridgeCount(isShuffled: isShuffled)).first ?? 0), ridge: ridge)
    }

    /// The person's target vector under each candidate, one a row.
    mutating func vectors(
        _ candidates: [SelectionGrid.Candidate], maps: [FeatureMap?], device: Device, task: ColdStartTask
    ) throws -> Matrix {
        let feature = try feature(device)
        var out = Matrix(rowCount: candidates.count, columnCount: factors)
        // Candidates with the same known items and λ share one factorisation.
        var groups: [FoldInKey: [Int]] = [:]
        for (index, candidate) in candidates.enumerated() {
            groups[FoldInKey(shots: candidate.shots, regularization: candidate.regularization), default: []].append(
                index)
        }
        for (key, members) in groups {
            if let regularization = key.regularization {
                try target.foldIn.begin(items: task.known(shots: key.shots), regularization: Float(regularization))
            }
            for index in members {
                let mapped = maps[index].map { target.basis.vector($0.coordinates(feature)) }
                let vector: [Float]
                switch (mapped, candidates[index].foldIn) {
                case (let mapped?, nil): vector = mapped
                case (let mapped?, .residual): vector = target.foldIn.correctedVector(start: mapped)
                case (let mapped, _): vector = target.foldIn.vector(prior: mapped)
                }
                for (column, value) in vector.enumerated() { out[index, column] = value }
            }
        }
        return out
    }

    private struct FoldInKey: Hashable {
        let shots: Int
        let regularization: Double?
    }
}
