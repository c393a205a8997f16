import Numerics
import Parameters
import Scenario

/// The coordinator's side of the item factors that the clients of a shared domain learn together.
struct FactorServer: Sendable {
    private let domain: String
    private let training: FactorTraining
    private let factors: Int
    private let clientCount: Int
    private let regularization: Float
    private let confidence: Float
    /// The item factors, items × d.
    private(set) var itemFactors: [Float]
    private var sum: ExactSum
    private var aggregator: Aggregator?

    /// A server with factors at their start: those of a single client that trains alone with the same seed.
    ///
    /// - Parameter step: `encoders` or `refitEncoders`, whose models begin there.
    init(
        _ scenario: ScenarioDefinition, domain: String, clientCount: Int, itemCount: Int, seed: Int, step: RoundStep
    ) throws(StrategyError) {
        self.domain = domain
        self.clientCount = clientCount
        training = FactorTraining(scenario)
        factors = scenario.integer("model.factors")
        regularization = Float(scenario.number("model.regularization"))
        confidence = Float(scenario.number("model.confidence"))
        var stream = RandomStream(
            root: UInt64(seed), path: ["implicit-als", .name(domain), .name(step.description)])
        itemFactors = (0..<itemCount * factors).map { _ in Float(0.1 * stream.gaussian()) }
        sum = ExactSum(clientCount: clientCount)
        if let configuration = StrategyConfiguration(scenario) {
            aggregator = try Aggregator(
                configuration, parameterCount: itemFactors.count, clientCount: clientCount,
                bound: FactorTraining.changeBound, largestWeight: FactorTraining.largestWeight)
        }
    }

    /// The server's state between rounds beside the item factors.
    var state: [Double] { aggregator?.serverState ?? [] }

    /// Goes on from the item factors and the state between two rounds.
    mutating func resume(itemFactors: [Float], state: [Double]) {
        self.itemFactors = itemFactors
        aggregator?.serverState = state
    }

    /// Takes one client's part of the round.
    ///
    /// - Parameter staleness: how many versions of the item factors were made since the one that a change starts from.
    ///   The change is scaled, not its weight: one that is alone in a buffer must count less too, as in the source. The
    ///   control variate of scaffold is not, for it stays the mean of the clients'.
    /// - Throws: for values that no strategy can use; they leave no trace.
    mutating func add(client: String, _ parameters: ParameterSet, staleness: Int = 0) throws {
        func part(_ part: TensorName.FactorPart) throws(ParameterError) -> [Float] {
            try parameters.require(TensorName.factor(domain, part))
        }
        // Sums over persons, whichever clients they are with.
        switch training {
        case .halfSweeps, .gradient: return sum.add(parameters)
        case .changes: break
        }
        let weight = try part(.weight).first ?? 0
        // A client without persons has nothing to say.
        guard weight > 0 else { return }
        let scale = Float(FactorSchedule.weight(staleness: staleness))
        let values = staleness == 0 ? try part(.change) : try part(.change).map { $0 * scale }
        let control = training == .changes(.scaffold) ? try part(.controlChange) : nil
        try aggregator?.add(
            ClientUpdate(client: client, weight: Double(weight), values: values, controlDelta: control))
    }

    /// Ends a round: the new item factors.
    ///
    /// - Throws: `notPositiveDefinite` when the clients' sums are not those of any persons, or the strategy's error.
    mutating func finish() throws {
        if training == .halfSweeps {
            defer { sum = ExactSum(clientCount: clientCount) }
            return itemFactors = try solved(try sum.total())
        }
        if case .gradient(let persons) = training {
            defer { sum = ExactSum(clientCount: clientCount) }
            let total = try sum.total()
            let count =
                try persons.map { Float($0) } ?? total.require(TensorName.factor(domain, .weight)).first ?? 0
            guard count > 0 else { return }
            let gradient = try total.require(TensorName.factor(domain, .gradient))
            // The mean over persons of half the gradient, λq among it.
            let values = zip(gradient, itemFactors).map { -($0 + regularization * $1) / count }
            try aggregator?.add(ClientUpdate(client: domain, weight: 1, values: values))
        }
        guard let change = try aggregator?.finish() else { return }
        itemFactors = zip(itemFactors, change).map { $0 + $1 }
    }

    /// Forgets what has come in this round.
    mutating func drop() {
        sum = ExactSum(clientCount: clientCount)
        aggregator?.discardRound()
    }

    /// The common control variate; `nil` for strategies without one.
    var controlVariate: [Float]? { training == .changes(.scaffold) ? aggregator?.controlVariate : nil }

    /// The half-sweep over items: (Σpp + α Σ_i pp + λI) q = (1 + α) Σ_i p, items without persons at zero.
    private func solved(_ total: ParameterSet) throws -> [Float] {
        let gram = try total.require(TensorName.factor(domain, .gram))
        let products = try total.require(TensorName.factor(domain, .products))
        let sums = try total.require(TensorName.factor(domain, .sums))
        var base = gram.map(Double.init)
        for index in 0..<factors { base[index * factors + index] += Double(regularization) }
        var out = [Float](repeating: 0, count: itemFactors.count)
        let packed = factors * (factors + 1) / 2
        for item in 0..<itemFactors.count / factors {
            let side = sums[item * factors..<(item + 1) * factors]
            if side.allSatisfy({ $0 == 0 }) { continue }
            var matrix = base
            var position = item * packed
            for row in 0..<factors {
                for column in row..<factors {
                    let value = Double(confidence) * Double(products[position])
                    matrix[row * factors + column] += value
                    if column > row { matrix[column * factors + row] += value }
                    position += 1
                }
            }
            let solution = try solvePositiveDefinite(
                matrix, order: factors, rightHandSides: side.map { Double(1 + confidence) * Double($0) }, count: 1)
            for (index, value) in solution.enumerated() { out[item * factors + index] = Float(value) }
        }
        return out
    }
}
