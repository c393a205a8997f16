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

/// The devices of people who use several domains: sums leave through the gate, ranking stays.
struct PersonsWorker: RoundWorker {
    private let scenario: ScenarioDefinition
    private let seed: Int
    private let client: ScenarioDefinition.Client
    /// All ratings of the linked domains: which items are cold, and the pooled reference. No device sees it.
    private let domains: [String: Interactions]
    private let scale: RatingScale
    private let persons: PersonSplit
    /// The devices, and what is scored on them.
    private var scoring: TargetEvaluation
    private var times: SplitTimes?
    /// Which ratings of a person enter a protected release; `nil` for all.
    private let cap: ContributionCap?
    private var metaTrainer: MetaTrainer
    private var metaRound = 0
    private let key: StreamKey
    /// What a protected release keeps in the client; `nil` before it is made.
    private var bridge: (any ProtectedRelease)?
    private var mapTrainer: MapTrainer?
    private var game: PersonGameTrainer?
    private(set) var keptModels: ParameterSet?
    let catalogues: [Catalogue]

    init(
        _ client: ScenarioDefinition.Client, scenario: ScenarioDefinition, seed: Int, loader: DomainDataLoader,
        key: StreamKey
    ) throws {
        self.client = client
        self.key = key
        self.scenario = scenario
        self.seed = seed
        let persons = PersonSplit(scenario, seed: seed)
        var catalogues: [Catalogue] = []
        var domains: [String: Interactions] = [:]
        var histories: [String: [String: PersonHistory]] = [:]
        var isDescribed: [String: [Bool]] = [:]
        for domain in client.group.links.sorted() {
            let data = try loader.load(domain)
            let interactions = data.interactions
            if scenario.isGameOfItems { isDescribed[domain] = try loader.itemVectors(domain, data)?.isDescribed }
            catalogues.append(
                Catalogue(domain: domain, itemCount: interactions.items.count, digest: interactions.catalogueDigest))
            for (index, person) in interactions.persons.enumerated() {
                guard persons.client(of: person, count: client.group.count) == client.index else { continue }
                histories[person, default: [:]][domain] = interactions.history(index)
            }
            domains[domain] = interactions
        }
        metaTrainer = try MetaTrainer(scenario, seed: seed, key: key)
        cap = try scenario.ratingsPerPerson.map {
            try ContributionCap(limit: $0, key: KeyedHash(key: key.derived(["ratings-per-person"])))
        }
        self.catalogues = catalogues
        self.domains = domains
        self.persons = persons
        guard let target = domains[scenario.target] else {
            throw RunFailure(.scenario, "client \(client.id) does not link the target domain \(scenario.target)")
        }
        scale = try RatingScale(scenario, target: target)
        let devices = histories.filter { $0.value.count >= 2 }.sorted { $0.key < $1.key }
            .map { Device(person: $0.key, histories: $0.value) }
        // A share of the persons may be empty, all of them may not.
        guard !devices.isEmpty || client.group.count > 1 else {
            throw RunFailure(
                .data,
                "no person occurs in two of the domains \(client.group.links.joined(separator: ", ")); are the user ids shared?"
            )
        }
        scoring = TargetEvaluation(client, scenario: scenario, seed: seed, scale: scale, devices: devices)
        scoring.isDescribed = isDescribed
        scoring.noiseKey = key
        scoring.makeSplits(of: domains, times: nil)
    }

    func leavesState(_ step: RoundStep) -> Bool {
        switch step {
        // Sums over persons that are gone once they are released; under protection the control stays.
        case .bridge, .refitBridge, .adaptBridge: scenario.isProtected
        case .map, .refitMap, .selection, .gate, .adaptGate: false
        default: true
        }
    }

    mutating func work(_ step: RoundStep, plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate) throws {
        // A gate is measured with what was known before the window that its tasks are of.
        if let present = SplitTimes(known, isBeforeWindow: step == .adaptGate), present != times {
            scoring.makeSplits(of: domains, times: present)
            times = present
        }
        let stage = step.stage
        if step == .meta || step == .refitMeta {
            return try releaseMeta(step, stage, plan: plan, known: known, gate: &gate)
        }
        if step.isForMap { return try releaseMap(step, stage, plan: plan, known: known, gate: &gate) }
        if step.isExchange { return try exchange(step, stage, plan: plan, known: known, gate: &gate) }
        try metaTrainer.absorb(known)
        var models = try DeviceModels(plan: plan, known: known, scenario: scenario, scale: scale)
        if scenario.isMeta { models.meta = metaTrainer }
        models.protectedControl = bridge?.control
        try game?.absorb(known)
        models.personGame = game
        switch step {
        case .bridge, .refitBridge, .adaptBridge:
            if scenario.releasesVectors {
                bridge = try ProtectedVectors(
                    candidates(stage), linkedTo: { shuffledLinks($0, step: step) }, scenario: scenario,
                    seed: seed, key: key, plan: plan, models: &models, gate: &gate)
            } else if scenario.isProtected {
                bridge = try ProtectedBridge(
                    contributors(stage, plan: plan), item: itemName, linkedTo: { shuffledLinks($0, step: step) },
                    scenario: scenario, seed: seed, key: key, plan: plan, models: &models, gate: &gate)
            } else {
                let isForGate = step == .adaptBridge && scenario.hasGate
                let contributors = contributors(stage, plan: plan, isForGate: isForGate)
                try releaseBridge(contributors, step: step, plan: plan, models: &models, gate: &gate)
                try releaseRatingBridge(contributors, step: step, plan: plan, models: models, gate: &gate)
            }
        case .selection:
            models.pooled = try pooled(plan, stage)
            try scoring.releaseSelection(plan: plan, known: known, models: &models, gate: &gate)
        case .adaptGate:
            guard let windows = DriftWindows(known, scenario: scenario) else {
                throw RunFailure(.internalError, "client \(client.id) was asked for a gate without a window")
            }
            try scoring.releaseGate(plan: plan, known: known, windows: windows, models: &models, gate: &gate)
        case .gate: try scoring.releaseGate(plan: plan, known: known, models: &models, gate: &gate)
        case .evaluation:
            models.pooled = try pooled(plan, stage)
            try scoring.evaluate(plan: plan, known: known, models: &models)
            if !scenario.isMeta, !scenario.isAdversarial {
                try scoring.measureMembership(plan: plan, known: known, models: &models)
            }
            keptModels = try game?.kept(plan)
            if let bridge, scenario.integer("privacy.noise-draws") > 1 {
                let scores = try scoring.selectionScores(plan, known)
                let ridge = plan.grid.best(method: MethodName.featureMap, shots: 0, scores: scores)?.ridge
                let maps = try bridge.draws(scenario.integer("privacy.noise-draws")).map {
                    try models.protectedMap($0, ridge: ridge ?? 0)
                }
                try scoring.evaluateDraws(maps, plan: plan, known: known, models: &models)
            }
        case .calendar, .tower, .factors, .adversarial, .encoders, .map, .meta, .refitTower, .refitFactors,
            .refitAdversarial, .refitEncoders, .refitMap, .refitMeta, .textModels, .refitTextModels, .monitor,
            .adapt:
            throw RunFailure(.internalError, "a persons client was asked for a step of domain clients")
        }
    }

    private mutating func releaseMeta(
        _ step: RoundStep, _ stage: SplitStage, plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate
    ) throws {
        if !metaTrainer.hasBegun(stage) {
            var models = try DeviceModels(plan: plan, known: known, scenario: scenario, scale: scale)
            let contributors = contributors(stage, plan: plan)
            let swapped = swapped(contributors, step: step, plan: plan)
            try metaTrainer.begin(
                stage, contributors: contributors, swapped: swapped, candidates: candidates(stage).map(\.person),
                models: &models, target: plan.target)
        }
        try metaTrainer.absorb(known)
        metaRound += 1
        do { try metaTrainer.release(metaRound, gate: &gate) } catch is NumericsError {
            throw MetaTasks.divergence(client: client.id, round: metaRound)
        }
    }

    private mutating func releaseMap(
        _ step: RoundStep, _ stage: SplitStage, plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate
    ) throws {
        if mapTrainer?.stage != stage, let shape = MapShape(scenario) {
            var models = try DeviceModels(plan: plan, known: known, scenario: scenario, scale: scale)
            let contributors = contributors(stage, plan: plan)
            // A single contributor has nobody to swap links with.
            let swapped = contributors.count < 2 ? [] : swapped(contributors, step: step, plan: plan)
            mapTrainer = try MapTrainer(
                shape, stage: stage, contributors: contributors, swapped: swapped, models: &models,
                target: plan.target)
        }
        try mapTrainer?.release(known: known, gate: &gate)
    }

    /// One exchange of the adversarial game of persons.
    private mutating func exchange(
        _ step: RoundStep, _ stage: SplitStage, plan: RunPlan, known: ParameterSet, gate: inout ReleaseGate
    ) throws {
        if game?.stage != stage {
            var models = try DeviceModels(plan: plan, known: known, scenario: scenario, scale: scale)
            let contributors = contributors(stage, plan: plan)
            // A single contributor has nobody to swap links with.
            let swapped = contributors.count < 2 ? [] : swapped(contributors, step: step, plan: plan)
            game = try PersonGameTrainer(
                scenario, seed: seed, stage: stage, contributors: contributors, swapped: swapped, models: &models,
                plan: plan, key: key)
        }
        try game?.absorb(known)
        try game?.release(gate: &gate)
    }

    /// The same persons with the links of others, for the control.
    private func swapped(_ contributors: [Device], step: RoundStep, plan: RunPlan) -> [Device] {
        let linkedTo = shuffledLinks(contributors.count, step: step)
        return contributors.indices.map {
            contributors[$0].withLinks(of: contributors[linkedTo[$0]], target: plan.target)
        }
    }

    /// The devices that train at a stage: where persons are divided, those that serve the bridge.
    ///
    /// - Parameter isForGate: whether validation persons are left out, for a gate to come.
    private func contributors(_ stage: SplitStage, plan: RunPlan, isForGate: Bool = false) -> [Device] {
        let split = isForGate ? scoring.splits[plan.target] : nil
        return scoring.devices.map { $0.restricted(to: stage, scoring.splits) }.filter {
            $0.interactionCount(in: plan.target) > 0 && split?.isValidation($0.person) != true
                // What is held out of a warm person's ratings is drawn anew with each rating more or less.
                && !(scenario.hidesRatings && persons.isWarmScored($0.person))
                && (!persons.hasBridgeCohort || persons.servesBridgeAlone($0.person))
        }.map(capped).filter { $0.interactionCount(in: plan.target) > 0 }
    }

    /// The name of an item in a domain's data.
    private func itemName(_ domain: String, _ item: UInt32) -> String { domains[domain]?.items[Int(item)] ?? "" }

    /// A device with no more ratings than enter a protected release, chosen by nothing but their items.
    private func capped(_ device: Device) -> Device {
        guard let cap else { return device }
        let names = client.group.links.sorted().flatMap { domain in
            device.history(in: domain).items.indices.map { (domain: domain, position: $0) }
        }
        let kept = cap.positions(of: names.count, person: device.person) { index in
            let (domain, position) = names[index]
            return "\(domain)/\(itemName(domain, device.history(in: domain).items[position]))"
        }
        return device.keeping(
            Dictionary(grouping: kept) { names[$0].domain }.mapValues { $0.map { names[$0].position } })
    }

    /// The devices of all linked training persons, chosen by nothing but their ids: where each has a slot of its own.
    private func candidates(_ stage: SplitStage) -> [Device] {
        scoring.devices.filter {
            persons.part(of: $0.person) == .training
                && (!persons.hasBridgeCohort || persons.servesBridgeAlone($0.person))
        }.map { capped($0.restricted(to: stage, scoring.splits)) }
    }

    /// Whose links each of some persons has in the control: one cycle through a random order, so that nobody keeps
    /// their own.
    private func shuffledLinks(_ count: Int, step: RoundStep) -> [Int] {
        var stream = RandomStream(
            root: UInt64(seed), path: ["shuffled-links", .name(client.id), .name(step.description)])
        let order = stream.permutation(count: count)
        var linkedTo = [Int](repeating: 0, count: count)
        for (position, index) in order.enumerated() { linkedTo[index] = order[(position + 1) % order.count] }
        return linkedTo
    }

    private func pooled(_ plan: RunPlan, _ stage: SplitStage) throws -> PooledReference? {
        guard plan.baselines.methods.contains(MethodName.pooledReference) else { return nil }
        return try PooledReference(domains, splits: scoring.splits, stage: stage, scenario: scenario, seed: seed)
    }

    private func releaseBridge(
        _ contributors: [Device], step: RoundStep, plan: RunPlan, models: inout DeviceModels,
        gate: inout ReleaseGate
    ) throws {
        let linkedTo = shuffledLinks(contributors.count, step: step)
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

    /// The same between explicit factors, where ratings are transferred.
    private func releaseRatingBridge(
        _ contributors: [Device], step: RoundStep, plan: RunPlan, models: DeviceModels, gate: inout ReleaseGate
    ) throws {
        guard let ratings = models.ratings else { return }
        let linkedTo = shuffledLinks(contributors.count, step: step)
        for isShuffled in [false, true] {
            let release = ReleaseName.bridge(isShuffled: isShuffled, ofRatings: true)
            try gate.begin(release: release)
            // A single contributor has nobody to swap links with.
            if isShuffled && contributors.count < 2 { continue }
            for (index, device) in contributors.enumerated() {
                let device =
                    isShuffled ? device.withLinks(of: contributors[linkedTo[index]], target: plan.target) : device
                let feature = try ratings.linked(device).feature
                let coordinates = try ratings.coordinates(device)
                try gate.contribute(to: release) { contribution in
                    contribution.write(TensorName.bridgeCount(isShuffled: isShuffled, ofRatings: true)) { $0[0] = 1 }
                    contribution.write(TensorName.crossMoment(isShuffled: isShuffled, ofRatings: true)) {
                        writeOuterProduct(feature, coordinates, to: $0)
                    }
                    if plan.sources.count > 1 {
                        contribution.write(TensorName.sourceMoment(isShuffled: isShuffled, ofRatings: true)) {
                            writeOuterProduct(feature, feature, to: $0)
                        }
                    }
                }
            }
        }
    }

    var personFigures: [PersonFigures] { scoring.personFigures }

    var folderRecord: ClientFolderRecord {
        ClientFolderRecord(
            client: ClientRecord(
                id: client.id, domain: client.group.domain, users: scoring.devices.count,
                items: catalogues.first { $0.domain == scenario.target }?.itemCount ?? 0,
                interactions: scoring.devices.reduce(0) { sum, device in
                    sum + client.group.links.reduce(0) { $0 + device.interactionCount(in: $1) }
                }, duplicates: 0),
            evaluation: scoring.evaluation.sorted(by: EvaluationRecord.isOrdered), choices: scoring.choices,
            discrepancy: scoring.discrepancy)
    }
}
