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
    /// The source domains, sorted.
    public let sources: [String]
    /// The target domain.
    public let target: String
    private let clients: [ScenarioDefinition.Client]

    /// Plans a run.
    ///
    /// - Parameter catalogues: one catalogue a domain.
    /// - Throws: `missingTensor` when the catalogue of a domain is not known, `duplicateName`.
    public init(_ scenario: ScenarioDefinition, catalogues: [Catalogue]) throws(ParameterError) {
        clients = scenario.clients
        target = scenario.target
        sources = scenario.sources
        steps = RoundStep.allCases
        grid = SelectionGrid(scenario)
        let factors = scenario.integer("model.factors")
        let dimension = scenario.integer("transfer.dimension")
        var specs: [TensorSpec] = []
        func declare(_ name: String, _ shape: [Int], _ scope: ParameterScope, _ release: String) {
            specs.append(
                TensorSpec(name: name, shape: shape, scope: scope, bound: RunPlan.valueBound, release: release))
        }
        for domain in scenario.domains {
            guard let catalogue = catalogues.first(where: { $0.domain == domain }) else {
                throw .missingTensor(TensorName.itemFactors(domain))
            }
            let scope = ParameterScope.domain(domain)
            let moments = ReleaseName.moments(domain)
            declare(
                TensorName.itemFactors(domain), [catalogue.itemCount, factors], scope, ReleaseName.itemFactors(domain))
            declare(TensorName.momentCount(domain), [1], scope, moments)
            declare(TensorName.momentSum(domain), [factors], scope, moments)
            declare(TensorName.momentProduct(domain), [factors, factors], scope, moments)
            if domain == target {
                declare(TensorName.itemCounts(domain), [catalogue.itemCount], scope, ReleaseName.itemCounts(domain))
            }
        }
        let features = sources.count * factors
        for isShuffled in [false, true] {
            let release = ReleaseName.bridge(isShuffled: isShuffled)
            declare(TensorName.bridgeCount(isShuffled: isShuffled), [1], .global, release)
            declare(TensorName.crossMoment(isShuffled: isShuffled), [features, dimension], .global, release)
            if sources.count > 1 {
                declare(TensorName.sourceMoment(isShuffled: isShuffled), [features, features], .global, release)
            }
        }
        declare(TensorName.selectionScores, [grid.candidates.count], .global, ReleaseName.selection)
        declare(TensorName.selectionCount, [1], .global, ReleaseName.selection)
        schema = try ParameterSchema(specs)
    }

    /// The longest that a run of the scenario can take: the join, and every step to its deadline, with one to spare.
    public static func longestDuration(_ scenario: ScenarioDefinition) -> Duration {
        scenario.duration("federation.join-deadline")
            + scenario.duration("federation.deadline") * (RoundStep.allCases.count + 1)
    }

    /// The clients that a step asks.
    public func participants(_ step: RoundStep) -> [String] {
        clients.filter { $0.group.isPersons != step.isForDomains }.map(\.id)
    }

    /// The tensors that a client must release in a step.
    public func uploads(_ step: RoundStep, client id: String) -> [TensorSpec] {
        guard let client = clients.first(where: { $0.id == id }), client.group.isPersons != step.isForDomains else {
            return []
        }
        switch step {
        case .encoders, .refitEncoders: return schema.specs.filter { $0.scope == .domain(client.group.domain) }
        case .bridge, .refitBridge: return schema.specs.filter { RunPlan.isBridge($0) }
        case .selection: return schema.specs.filter { $0.release == ReleaseName.selection }
        case .evaluation: return []
        }
    }

    /// Whether a client may and needs to see a tensor: a persons client what its devices compute with.
    public func isVisible(_ spec: TensorSpec, to id: String) -> Bool {
        guard let client = clients.first(where: { $0.id == id }), client.group.isPersons else { return false }
        switch spec.scope {
        case .global: return true
        case .domain(let domain): return client.group.links.contains(domain)
        }
    }

    /// Why the run cannot go on with the parameters it has after a step, or `nil` when it can.
    func obstacle(after step: RoundStep, parameters: ParameterSet) -> String? {
        if step.isForDomains {
            if parameters.values(TensorName.itemFactors(target)) == nil {
                return "no client of the target domain \(target) is left"
            }
            if !sources.contains(where: { parameters.values(TensorName.itemFactors($0)) != nil }) {
                return "no client of a source domain is left"
            }
        } else if step == .bridge || step == .refitBridge,
            parameters.values(TensorName.crossMoment(isShuffled: false)) == nil
        {
            return "no persons client is left"
        }
        if step == .selection, parameters.values(TensorName.selectionScores) == nil {
            return "the validation scores are missing"
        }
        return nil
    }

    private static func isBridge(_ spec: TensorSpec) -> Bool {
        [ReleaseName.bridge(isShuffled: false), ReleaseName.bridge(isShuffled: true)].contains(spec.release)
    }
}
