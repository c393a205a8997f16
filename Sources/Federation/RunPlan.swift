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
    private let isByText: Bool
    /// Whether domain clients play an adversarial game with items, or devices one with persons.
    private let isGameOfItems: Bool
    let isGameOfPersons: Bool
    /// The sizes of the catalogues, by domain.
    let itemCounts: [String: Int]
    /// How clients that share a domain learn its item factors.
    public let training: FactorTraining
    private let clients: [ScenarioDefinition.Client]

    /// Plans a run.
    ///
    /// - Parameter catalogues: one catalogue a domain.
    /// - Throws: `missingTensor` when the catalogue of a domain is not known, `duplicateName`.
    public init(_ scenario: ScenarioDefinition, catalogues: [Catalogue]) throws(ParameterError) {
        clients = scenario.clients
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
        } else {
            declaration.declareTransfer(scenario)
            declaration.declareChoices(candidateCount: grid.candidates.count, gate: gate)
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

    /// The longest that a run of the scenario can take: the join, and every step to its deadline, with one to spare.
    public static func longestDuration(_ scenario: ScenarioDefinition) -> Duration {
        // The calendar and, where texts link the domains, both trainings of encoders wait for one client after the other.
        let others = (scenario.clientGroups.filter { !$0.isPersons }.map(\.count).max() ?? 1) - 1
        return scenario.duration("federation.join-deadline")
            + scenario.duration("federation.deadline") * (scenario.roundCount + 1 + 3 * others)
    }

    private func isAsked(_ client: ScenarioDefinition.Client, _ step: RoundStep) -> Bool {
        switch step {
        case .calendar: return client.group.domain == target
        case .factors, .refitFactors: return client.group.isShared
        case .encoders, .refitEncoders: return !client.group.isPersons && !(isByText && client.group.domain == target)
        case .textModels, .refitTextModels: return client.group.domain == target
        case .selection, .gate, .evaluation: if isByText { return client.group.domain == target }
        case .adversarial, .refitAdversarial: return client.group.isPersons == isGameOfPersons
        default: break
        }
        return client.group.isPersons != step.isForDomains
    }

    /// The domain whose common item factors a client's update of a step improves; `nil` for other steps and clients.
    func sharedDomain(_ step: RoundStep?, client id: String) -> String? {
        guard step?.isForFactors == true else { return nil }
        return clients.first { $0.id == id && $0.group.isShared }?.group.domain
    }

    /// The clients that a step asks while all are there and all of a domain are asked.
    public func participants(_ step: RoundStep) -> [String] { clients.filter { isAsked($0, step) }.map(\.id) }

    /// The clients that a step asks of those that are there.
    func participants(_ step: RoundStep, of present: [String]) -> [String] {
        let asked = clients.filter { isAsked($0, step) && present.contains($0.id) }
        guard hasOneVoice(step) else { return asked.map(\.id) }
        return asked.filter { client in asked.first { $0.group.domain == client.group.domain }?.id == client.id }
            .map(\.id)
    }

    /// Whether one client of a domain speaks for all in a step, since they know the same: of the times, as persons are
    /// dealt out by hash; of a source's texts, as its clients have the same factors and the same texts. When that one is
    /// lost, the next one is asked.
    func hasOneVoice(_ step: RoundStep) -> Bool {
        step == .calendar || (isByText && [.encoders, .refitEncoders].contains(step))
    }

    /// Whether all clients of a domain send the same values of a tensor, which is taken from the first that answers and
    /// not summed: what they make of the common networks and the same texts.
    func isCommon(_ spec: TensorSpec) -> Bool {
        guard case .domain(let domain) = spec.scope else { return false }
        return spec.name == TensorName.towerItemFactors(domain)
            || (isGameOfItems
                && MethodName.adversarialMethods.contains { spec.name == TensorName.features(domain, method: $0) })
    }

    /// The tensors that a client must release in a step.
    public func uploads(_ step: RoundStep, client id: String) -> [TensorSpec] {
        guard let client = clients.first(where: { $0.id == id }), isAsked(client, step) else { return [] }
        switch step {
        case .calendar: return schema.specs.filter { $0.release == ReleaseName.calendar }
        case .tower, .refitTower: return schema.specs.filter { $0.release == ReleaseName.tower }
        case .factors, .refitFactors:
            return schema.specs.filter { $0.release == ReleaseName.factorUpdates(client.group.domain) }
        case .encoders, .refitEncoders:
            if isByText {
                let domain = client.group.domain
                let own = [ReleaseName.textMap(domain), ReleaseName.textWords(domain)]
                return schema.specs.filter { own.contains($0.release) }
            }
            return schema.specs.filter {
                $0.scope == .domain(client.group.domain) && isOwn($0, client) && !isWindow($0)
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
        case .gate: return schema.specs.filter { $0.release == ReleaseName.gate }
        case .textModels, .refitTextModels, .evaluation: return []
        case .monitor: return schema.specs.filter { $0.scope == .domain(client.group.domain) && isWindow($0) }
        case .adapt:
            let domain = client.group.domain
            let releases = [ReleaseName.itemFactors, ReleaseName.moments, ReleaseName.itemCounts].map { $0(domain) }
            return schema.specs.filter { releases.contains($0.release) }
        }
    }

    /// Whether a client releases a tensor of its domain with its encoders: the item factors of a shared domain are the
    /// coordinator's.
    private func isOwn(_ spec: TensorSpec, _ client: ScenarioDefinition.Client) -> Bool {
        let domain = client.group.domain
        guard client.group.isShared else { return true }
        let common = [TensorName.itemFactors(domain), TensorName.controlVariate(domain)]
        return !common.contains(spec.name) && spec.release != ReleaseName.factorUpdates(domain)
    }

    /// Whether a client may and needs to see a tensor: a persons client what its devices compute with, a domain client
    /// the split times, the common tower and, where it shares its domain, the common item factors.
    public func isVisible(_ spec: TensorSpec, to id: String) -> Bool {
        guard let client = clients.first(where: { $0.id == id }) else { return false }
        guard client.group.isPersons else {
            let domain = client.group.domain
            let common = [TensorName.itemFactors(domain), TensorName.controlVariate(domain)]
            if isByText, domain == target { return spec.scope == .global }
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

    /// The domains that have released nothing in a repeated training, so that what they released before it stays.
    func silentDomains(after step: RoundStep, parameters: ParameterSet, changed: [String]) -> [String] {
        guard step == .refitEncoders else { return [] }
        let changed = Set(changed)
        let ids = Dictionary(grouping: participants(step)) { domain(of: $0) ?? "" }
        return ids.filter { _, ids in
            let names = Set(ids.flatMap { uploads(step, client: $0).map(\.name) })
            return names.isDisjoint(with: changed) && names.contains { parameters.values($0) != nil }
        }.keys.sorted()
    }

    /// Why the run cannot go on with the parameters it has after a step, or `nil` when it can.
    ///
    /// - Parameter changed: the names of the tensors that the step has changed.
    func obstacle(after step: RoundStep, parameters: ParameterSet, changed: [String]) -> String? {
        // Features of two games have nothing in common.
        if isGameOfItems, steps.contains(.refitAdversarial),
            let silent = silentDomains(after: step, parameters: parameters, changed: changed).first
        {
            return "no client of \(silent) is left, and its features are of another game than the other domain's"
        }
        switch step {
        case .calendar:
            if parameters.values(TensorName.calendar) == nil {
                return "no client of the target domain \(target) is left"
            }
        case .encoders where isByText, .refitEncoders where isByText:
            if !sources.contains(where: { parameters.values(TensorName.textMap($0, .weights)) != nil }) {
                return "no client of a source domain is left"
            }
        case .encoders, .refitEncoders:
            if parameters.values(TensorName.momentCount(target)) == nil {
                return "no client of the target domain \(target) is left"
            }
            if !sources.contains(where: { parameters.values(TensorName.momentCount($0)) != nil }) {
                return "no client of a source domain is left"
            }
        case .bridge, .refitBridge, .adaptBridge:
            if parameters.values(TensorName.crossMoment(isShuffled: false)) == nil {
                return "no persons client is left"
            }
        case .meta, .refitMeta:
            if parameters.values(TensorName.meta(MethodName.meta, .start)) == nil {
                return "no persons client is left"
            }
        case .selection:
            if !isByText, parameters.values(TensorName.selectionScores) == nil {
                return "the validation scores are missing"
            }
        case .gate:
            if !isByText, parameters.values(TensorName.gateGains) == nil { return "the gains of the gate are missing" }
        // Without persons clients nobody answers a step of the map.
        case .tower, .factors, .adversarial, .map, .refitTower, .refitFactors, .refitAdversarial, .refitMap,
            .evaluation, .monitor,
            .textModels, .refitTextModels, .adapt:
            break
        }
        return nil
    }

    /// Whether a tensor is what a domain client releases of a window of time.
    private func isWindow(_ spec: TensorSpec) -> Bool {
        guard case .domain(let domain) = spec.scope else { return false }
        return [ReleaseName.windowLoss(domain), ReleaseName.windowFeatures(domain)].contains(spec.release)
    }

    /// The domain of a domain client; `nil` for a persons client.
    func domain(of id: String) -> String? {
        clients.first { $0.id == id && !$0.group.isPersons }?.group.domain
    }

    /// Whether a tensor is of the adversarial game.
    private func isGame(_ spec: TensorSpec) -> Bool {
        (isGameOfItems || isGameOfPersons)
            && MethodName.adversarialMethods.map(ReleaseName.adversarial).contains(spec.release)
    }

    /// How many tensors an exchange of the game changes when both sides are there; devices have both.
    var exchangeTensorCount: Int {
        if isGameOfPersons { return MethodName.adversarialMethods.count * TensorName.PersonGamePart.allCases.count }
        return 2 * MethodName.adversarialMethods.count * TensorName.AdversarialPart.allCases.count
    }

    private static func isMeta(_ spec: TensorSpec) -> Bool {
        MethodName.metaMethods.map(ReleaseName.meta).contains(spec.release)
    }

    private static func isMapGradient(_ spec: TensorSpec) -> Bool {
        [false, true].contains { spec.release == ReleaseName.mapGradient(isShuffled: $0) }
    }

    private static func isBridge(_ spec: TensorSpec) -> Bool {
        [ReleaseName.bridge(isShuffled: false), ReleaseName.bridge(isShuffled: true)].contains(spec.release)
    }
}
