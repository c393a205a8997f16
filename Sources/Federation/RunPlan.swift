public import Parameters
public import Scenario
public import Wire

/// What every party of a run derives alike from the scenario and the catalogues: the schema, and who sends what when.
public struct RunPlan: Sendable {
    /// The largest legal magnitude of a trained parameter or of a sum over persons.
    static let valueBound: Float = 0x1p24

    /// The schema of all shared tensors.
    public let schema: ParameterSchema
    /// The steps in order; step *n* is round *n* + 1.
    public let steps: [RoundStep]
    /// The choices of the validation persons.
    public let grid: SelectionGrid
    /// The baselines that this run can offer.
    public let baselines: BaselineOffer
    /// The blends of transferred and local rankings; `nil` without a gate.
    public let gate: Gate?
    /// The source domains, sorted.
    public let sources: [String]
    /// The target domain.
    public let target: String
    /// What the target's client computes for itself alone where texts link the domains; nothing of it is ever sent.
    public let keptSpecs: [TensorSpec]
    /// Of those, what is trained without any source.
    public var modelSpecs: [TensorSpec] {
        keptSpecs.filter { ![ReleaseName.selection, ReleaseName.gate].contains($0.release) }
    }
    /// The models of text that the target's client keeps in its own folder: the transfer and its twin.
    public let keptTextMethods: [String]
    /// Their tensors; nothing of them is ever sent either.
    public let textModelSpecs: [TensorSpec]
    /// The networks that a persons client keeps in its own folder where they are moved by sums; they are not sent.
    public let keptGameSpecs: [TensorSpec]
    let isByText: Bool
    /// Whether domain clients play an adversarial game with items, or devices one with persons.
    let isGameOfItems: Bool
    let isGameOfPersons: Bool
    /// The sizes of the catalogues, by domain.
    let itemCounts: [String: Int]
    /// How clients that share a domain learn its item factors.
    public let training: FactorTraining
    private let clients: [ScenarioDefinition.Client]
    private let clientsByID: [String: ScenarioDefinition.Client]

    /// Plans a run.
    ///
    /// - Parameter catalogues: one catalogue a domain.
    /// - Throws: `missingTensor` when the catalogue of a domain is not known, `duplicateName`.
    public init(_ scenario: ScenarioDefinition, catalogues: [Catalogue]) throws(ParameterError) {
        clients = scenario.clients
        clientsByID = Dictionary(clients.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        target = scenario.target
        sources = scenario.sources
        training = FactorTraining(scenario)
        let tower = Array(repeating: RoundStep.tower, count: scenario.fedAvgRounds)
        let refit = Array(repeating: RoundStep.refitTower, count: scenario.fedAvgRounds)
        let kinds: (RoundStep, RoundStep) =
            scenario.isAdversarial
            ? (.adversarial, .refitAdversarial)
            : scenario.isMeta
                ? (.meta, .refitMeta) : scenario.hasNetworkMap ? (.map, .refitMap) : (.bridge, .refitBridge)
        let transfer = Array(repeating: kinds.0, count: scenario.transferRounds)
        let refitTransfer = Array(repeating: kinds.1, count: scenario.refitTransferRounds)
        let factors = Array(repeating: RoundStep.factors, count: scenario.factorRounds)
        let refitFactors = Array(repeating: RoundStep.refitFactors, count: scenario.factorRounds)
        // Where texts link the domains, the target's client trains, chooses and scores by itself.
        isByText = scenario.isByText
        // The adversarial game of items makes features, which are released with the encoders; that of persons needs those.
        isGameOfItems = scenario.isGameOfItems
        isGameOfPersons = scenario.isGameOfPersons
        let ownModels = Array(repeating: RoundStep.textModels, count: scenario.textRounds)
        let refitOwnModels = Array(repeating: RoundStep.refitTextModels, count: scenario.refitTextRounds)
        let choices: [RoundStep] =
            (isGameOfItems ? [] : transfer) + ownModels + [.selection] + (scenario.hasGate ? [.gate] : [])
        let all =
            (scenario.mayBeSplitByTime ? [.calendar] : []) + tower + factors + (isGameOfItems ? transfer : []) + [
                .encoders
            ]
            + choices + refit + refitFactors + (isGameOfItems ? refitTransfer : []) + [.refitEncoders]
            + (isGameOfItems ? [] : refitTransfer) + refitOwnModels
            + Array(repeating: .monitor, count: scenario.driftWindows) + [.evaluation]
        // A protected release is made once: nothing is trained again after the choices.
        steps = scenario.isProtected ? all.filter { !$0.isFinal || $0 == .evaluation } : all
        precondition(
            steps.count + scenario.mostAdaptationRounds == scenario.roundCount,
            "a plan of another number of rounds than the scenario's")
        var itemCounts: [String: Int] = [:]
        for domain in scenario.domains {
            guard let catalogue = catalogues.first(where: { $0.domain == domain }) else {
                throw .missingTensor(TensorName.itemFactors(domain))
            }
            itemCounts[domain] = catalogue.itemCount
        }
        self.itemCounts = itemCounts
        baselines = BaselineOffer(scenario, itemCounts: itemCounts)
        grid = SelectionGrid(scenario, baselines: baselines)
        gate = scenario.hasGate ? Gate(scenario) : nil
        var declaration = SchemaDeclaration(bound: RunPlan.valueBound)
        var kept = SchemaDeclaration(bound: RunPlan.valueBound)
        declaration.declareCommon(scenario)
        for domain in scenario.domains {
            let itemCount = itemCounts[domain] ?? 0
            if isByText, domain != target {
                declaration.declareTextSource(domain, itemCount: itemCount, scenario: scenario)
            } else if isByText {
                kept.declareDomain(
                    domain, isTarget: true, itemCount: itemCount, scenario: scenario, baselines: baselines)
            } else {
                declaration.declareDomain(
                    domain, isTarget: domain == target, itemCount: itemCount, scenario: scenario, baselines: baselines)
            }
        }
        if isByText {
            kept.declareChoices(candidateCount: grid.candidates.count, gate: gate)
            if scenario.isMeta { declaration.declareMeta(scenario) }
        } else {
            declaration.declareTransfer(scenario)
            declaration.declareChoices(
                candidateCount: grid.candidates.count, gate: gate, isProtected: scenario.protectsChoices)
        }
        schema = try ParameterSchema(declaration.specs)
        keptSpecs = kept.specs
        keptTextMethods = isByText ? [scenario.transferMethod, scenario.transferMethod + "-local"] : []
        var models = SchemaDeclaration(bound: RunPlan.valueBound)
        models.declareTextModels(
            target, methods: keptTextMethods, itemCount: itemCounts[target] ?? 0, scenario: scenario,
            baselines: baselines)
        textModelSpecs = models.specs
        var networks = SchemaDeclaration(bound: RunPlan.valueBound)
        if scenario.isGameOfPersons { networks.declareKeptGame(scenario) }
        keptGameSpecs = networks.specs
    }

    /// The longest that a run of the scenario can take: the join, every step to its deadline and, as each lost client can
    /// have a round done again, one more a client; with one to spare.
    public static func longestDuration(_ scenario: ScenarioDefinition) -> Duration {
        scenario.duration("federation.join-deadline")
            + scenario.duration("federation.deadline") * (scenario.roundCount + scenario.clients.count + 1)
    }

    private func isAsked(_ client: ScenarioDefinition.Client, _ step: RoundStep, isSpeaker: Bool) -> Bool {
        switch step {
        // Of several clients of the target one speaks for all: persons are dealt out by hash.
        case .calendar: return client.group.domain == target && isSpeaker
        case .factors, .refitFactors: return client.group.isShared
        case .encoders, .refitEncoders: return !client.group.isPersons && !(isByText && client.group.domain == target)
        case .textModels, .refitTextModels: return client.group.domain == target
        case .meta, .refitMeta: if isByText { return !client.group.isPersons }
        case .selection, .gate, .evaluation: if isByText { return client.group.domain == target }
        case .adversarial, .refitAdversarial: return client.group.isPersons == isGameOfPersons
        default: break
        }
        return client.group.isPersons != step.isForDomains
    }

    /// The domain whose common item factors a client's update of a step improves; `nil` for other steps and clients.
    func sharedDomain(_ step: RoundStep?, client id: String) -> String? {
        guard step?.isForFactors == true else { return nil }
        guard let group = clientsByID[id]?.group, group.isShared else { return nil }
        return group.domain
    }

    /// The clients that a step asks.
    ///
    /// - Parameter speakers: who speaks for the domains; without it the first client of each.
    public func participants(_ step: RoundStep, speakers: Set<String>? = nil) -> [String] {
        clients.filter { isAsked($0, step, isSpeaker: speakers?.contains($0.id) ?? ($0.index == 0)) }.map(\.id)
    }

    /// The clients that release what all clients of their domain know alike: of each domain the first one that is there.
    public func speakers(among present: [String]) -> Set<String> {
        var spoken: Set<String> = []
        let present = Set(present)
        return Set(
            clients.filter {
                !$0.group.isPersons && present.contains($0.id) && spoken.insert($0.group.domain).inserted
            }.map(\.id))
    }

    /// The client that can take a lost speaker's place in a step; `nil` where nothing was missed, or nobody is left.
    func successor(of id: String, in step: RoundStep, among present: [String]) -> String? {
        guard
            step.isExchange
                || uploads(step, client: id, isSpeaker: true) != uploads(step, client: id, isSpeaker: false),
            let domain = domain(of: id)
        else { return nil }
        return clients.first { $0.group.domain == domain && present.contains($0.id) }?.id
    }

    /// The tensors that a client must release in a step.
    ///
    /// - Parameter isSpeaker: whether it speaks for its domain; without it the first client of a domain does.
    public func uploads(_ step: RoundStep, client id: String, isSpeaker: Bool? = nil) -> [TensorSpec] {
        guard let client = clientsByID[id] else { return [] }
        let isSpeaker = isSpeaker ?? (client.index == 0)
        guard isAsked(client, step, isSpeaker: isSpeaker) else { return [] }
        switch step {
        case .calendar: return schema.specs.filter { $0.release == ReleaseName.calendar }
        case .tower, .refitTower: return schema.specs.filter { $0.release == ReleaseName.tower }
        case .factors, .refitFactors:
            return schema.specs.filter { $0.release == ReleaseName.factorUpdates(client.group.domain) }
        case .encoders, .refitEncoders:
            if isByText {
                // All clients of a shared source know the same factors and the same texts.
                let domain = client.group.domain
                let own = [ReleaseName.textMap(domain), ReleaseName.textWords(domain)]
                return isSpeaker ? schema.specs.filter { own.contains($0.release) } : []
            }
            return schema.specs.filter {
                $0.scope == .domain(client.group.domain) && isOwn($0, client, isSpeaker) && !isWindow($0)
                    && $0.release != ReleaseName.recentCounts(client.group.domain)
            }
        case .bridge, .refitBridge, .adaptBridge: return schema.specs.filter { RunPlan.isBridge($0) }
        case .map, .refitMap: return schema.specs.filter { RunPlan.isMapGradient($0) }
        case .meta, .refitMeta: return schema.specs.filter { RunPlan.isMeta($0) }
        case .adversarial where isGameOfPersons, .refitAdversarial where isGameOfPersons:
            return schema.specs.filter(isGame)
        case .adversarial, .refitAdversarial:
            let names = MethodName.adversarialMethods.flatMap { method in
                TensorName.AdversarialPart.allCases.map {
                    TensorName.adversarial(method, isSource: client.group.domain != target, $0)
                }
            }
            return schema.specs.filter { names.contains($0.name) }
        case .selection: return schema.specs.filter { $0.release == ReleaseName.selection }
        case .gate, .adaptGate: return schema.specs.filter { $0.release == ReleaseName.gate }
        case .textModels, .refitTextModels, .evaluation: return []
        case .monitor: return schema.specs.filter { $0.scope == .domain(client.group.domain) && isWindow($0) }
        case .adapt:
            let domain = client.group.domain
            let releases = [
                ReleaseName.itemFactors(domain), ReleaseName.moments(domain), ReleaseName.itemCounts(domain),
                ReleaseName.recentCounts(domain),
            ]
            return schema.specs.filter { releases.contains($0.release) }
        }
    }

    /// Whether a client releases a tensor of its domain with its encoders: the item factors of a shared domain are the
    /// coordinator's, and of what all its clients know alike one speaks.
    private func isOwn(_ spec: TensorSpec, _ client: ScenarioDefinition.Client, _ isSpeaker: Bool) -> Bool {
        let domain = client.group.domain
        guard client.group.isShared else { return true }
        let common = [TensorName.itemFactors(domain), TensorName.controlVariate(domain)]
        if common.contains(spec.name) || spec.release == ReleaseName.factorUpdates(domain) { return false }
        let known =
            [TensorName.towerItemFactors(domain)]
            + MethodName.adversarialMethods.map { TensorName.features(domain, method: $0) }
        return isSpeaker || !known.contains(spec.name)
    }

    /// Whether a client may and needs to see a tensor: a persons client what its devices compute with, a domain client
    /// the split times, the common tower and, where it shares its domain, the common item factors.
    public func isVisible(_ spec: TensorSpec, to id: String) -> Bool {
        guard let client = clientsByID[id] else { return false }
        guard client.group.isPersons else {
            let domain = client.group.domain
            let common = [TensorName.itemFactors(domain), TensorName.controlVariate(domain)]
            if isByText, domain == target || RunPlan.isMeta(spec) { return spec.scope == .global }
            if isGame(spec) { return isGameOfItems }
            return [ReleaseName.calendar, ReleaseName.tower, ReleaseName.driftState].contains(spec.release)
                || (client.group.isShared && common.contains(spec.name))
        }
        switch spec.scope {
        // The game of items is that of domain clients; devices see how well D tells the domains, not its gradients.
        // The coordinator alone steps along the gradients of the map.
        case .global where RunPlan.isMapGradient(spec): return false
        case .global:
            return !isGame(spec) || isGameOfPersons || spec.name.hasSuffix(TensorName.AdversarialPart.sums.rawValue)
        case .domain(let domain):
            return client.group.links.contains(domain) && spec.name != TensorName.controlVariate(domain)
                && !isWindow(spec)
        }
    }

    /// Whether a tensor is what a domain client releases of a window of time.
    private func isWindow(_ spec: TensorSpec) -> Bool {
        guard case .domain(let domain) = spec.scope else { return false }
        let releases = [ReleaseName.windowLoss, ReleaseName.windowFeatures, ReleaseName.windowRatings]
        return releases.map { $0(domain) }.contains(spec.release)
    }

    /// The domain of a domain client; `nil` for a persons client.
    func domain(of id: String) -> String? {
        clientsByID[id].flatMap { $0.group.isPersons ? nil : $0.group.domain }
    }

    /// Whether a tensor is of the adversarial game.
    private func isGame(_ spec: TensorSpec) -> Bool {
        (isGameOfItems || isGameOfPersons)
            && MethodName.adversarialMethods.map(ReleaseName.adversarial).contains(spec.release)
    }

    /// How many tensors an exchange of the game changes when both sides are there; devices have both.
    var exchangeTensorCount: Int { schema.specs.count(where: isGame) }

    private static func isMeta(_ spec: TensorSpec) -> Bool {
        MethodName.metaMethods.contains {
            [ReleaseName.meta($0), ReleaseName.metaClipping($0)].contains(spec.release)
        }
    }

    private static func isMapGradient(_ spec: TensorSpec) -> Bool {
        [false, true].contains { spec.release == ReleaseName.mapGradient(isShuffled: $0) }
    }

    private static func isBridge(_ spec: TensorSpec) -> Bool {
        spec.release == ReleaseName.personVectors
            || [false, true].contains { isShuffled in
                [false, true].contains { spec.release == ReleaseName.bridge(isShuffled: isShuffled, ofRatings: $0) }
            }
    }
}
