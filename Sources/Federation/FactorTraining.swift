import Parameters
public import Scenario

/// How clients that share a domain learn its item factors together.
public enum FactorTraining: Sendable, Equatable {
    /// Every round is an exact half-sweep: the clients send sums over persons, and the coordinator solves.
    case halfSweeps
    /// Every round is one step along the gradient, a sum over persons.
    ///
    /// - Parameter persons: what the sum is divided by where noise protects it and no count crosses; `nil` for the count.
    case gradient(persons: Int?)
    /// Clients send what local steps change, and a strategy makes one change of them.
    case changes(AggregationStrategy)

    /// The training of a scenario.
    public init(_ scenario: ScenarioDefinition) {
        switch (scenario.text("federation.strategy"), scenario.integer("federation.local-steps")) {
        case ("gradient", _): self = .gradient(persons: scenario.protectsItemFactors ? scenario.factorPersons : nil)
        case ("fedavg", 0): self = .halfSweeps
        case (let name, _):
            guard let strategy = AggregationStrategy(rawValue: name) else {
                preconditionFailure("\(name) is no strategy that combines changes")
            }
            self = .changes(strategy)
        }
    }

    /// What a client sends in a round.
    public var parts: [TensorName.FactorPart] {
        switch self {
        case .halfSweeps: [.gram, .products, .sums]
        case .gradient(nil): [.weight, .gradient]
        case .gradient: [.gradient]
        case .changes(.scaffold): [.weight, .change, .controlChange]
        case .changes: [.weight, .change]
        }
    }
}

extension TensorName.FactorPart {
    /// How the part crosses: the scenario's format for what a round changes, every bit for all else.
    func format(_ scenario: ScenarioDefinition, elementCount: Int) -> ElementFormat {
        switch self {
        case .weight, .gram, .products, .sums: return .float32
        case .change, .controlChange, .gradient: break
        }
        switch scenario.updateFormat {
        case "float16": return .float16
        case "int8": return .int8(blockLength: FactorTraining.blockLength)
        case "top-k":
            let count = (scenario.topShare * Double(elementCount)).rounded()
            return .topK(count: min(max(1, Int(count)), elementCount))
        default: return .float32
        }
    }
}

extension FactorTraining {
    /// How many values of an update share a scale where they cross as bytes.
    static let blockLength = 64
    /// The largest legal magnitude of what a round changes in an item factor. Factors are of the order of 1; with a tight
    /// bound the exact sums resolve 2⁻³⁰ of it.
    static let changeBound: Float = 0x1p8
    /// The most persons of a client.
    static let largestWeight = 0x1p20
}

extension StrategyConfiguration {
    /// The strategy of a scenario; `nil` where sums are exact. The gradient takes steps of Adam.
    init?(_ scenario: ScenarioDefinition) {
        let strategy: AggregationStrategy
        switch FactorTraining(scenario) {
        case .halfSweeps: return nil
        case .gradient: strategy = .fedAdam
        case .changes(let chosen): strategy = chosen
        }
        self.init(
            strategy, serverRate: scenario.number("federation.server-rate"),
            byzantineCount: scenario.integer("federation.byzantine-clients"))
    }
}
