import Numerics
import Parameters

/// The aggregation of rounds by one strategy: `add` each client's update, then `finish` the round.
///
/// The order of arrival changes no bit of a step: averaging strategies add in fixed point, robust ones keep the updates
/// by name of client. An update that is refused leaves no trace, and a round that cannot be finished stays as it was.
/// Between rounds the value holds the server's state: momentum, second moments, control variate.
public struct Aggregator: Sendable {
    /// The strategy and its constants.
    public let configuration: StrategyConfiguration
    /// The number of values of an update.
    public let parameterCount: Int
    /// N, the number of clients of the run; no round has more.
    public let clientCount: Int
    /// c of the source of scaffold, which clients need to train; zeros at first, and empty for other strategies.
    public private(set) var controlVariate: [Float]

    private let bound: Float
    private let controlBound: Float
    private let largestWeight: Double
    private var clients: [String] = []
    private var sum: WeightedSum
    private var controlSum: WeightedSum
    private var weightSum: WeightedSum
    private var kept: [[Float]] = []
    private var state: ServerState
    private var control: [Double]

    /// An aggregation without rounds yet.
    ///
    /// The fixed point of averaging strategies has a resolution of about 2⁻⁶¹ · clients · bound · largest weight for
    /// weight × value: with 10 clients, the default largest weight and a bound of 2⁸, values of a client of weight 1
    /// are rounded to 2⁻²³, those of a client of weight 1000 to 2⁻³³.
    /// - Parameters:
    ///   - bound: the largest legal magnitude of a value.
    ///   - controlBound: the same for control variates, `bound` if not given.
    ///   - largestWeight: the largest legal weight.
    /// - Throws: `tooFewClients` when even a round of all clients cannot be finished.
    public init(
        _ configuration: StrategyConfiguration, parameterCount: Int, clientCount: Int, bound: Float,
        controlBound: Float? = nil, largestWeight: Double = 0x1p26
    ) throws(StrategyError) {
        precondition(parameterCount >= 0 && clientCount > 0, "\(parameterCount) parameters, \(clientCount) clients")
        precondition(bound > 0 && bound.isFinite, "a bound of \(bound)")
        precondition(largestWeight > 0 && largestWeight.isFinite, "a largest weight of \(largestWeight)")
        let controlBound = controlBound ?? bound
        precondition(controlBound > 0 && controlBound.isFinite, "a bound of \(controlBound) on control variates")
        guard clientCount >= configuration.minimumClientCount else {
            throw .tooFewClients(
                configuration.strategy, minimum: configuration.minimumClientCount, actual: clientCount)
        }
        self.configuration = configuration
        self.parameterCount = parameterCount
        self.clientCount = clientCount
        self.bound = bound
        self.controlBound = controlBound
        self.largestWeight = largestWeight
        let strategy = configuration.strategy
        let controlCount = strategy == .scaffold ? parameterCount : 0
        controlVariate = [Float](repeating: 0, count: controlCount)
        control = [Double](repeating: 0, count: controlCount)
        func product(_ bound: Float) -> Float { (bound * Float(largestWeight)).nextUp }
        precondition(product(bound).isFinite && product(controlBound).isFinite, "bounds on products overflow")
        sum = WeightedSum(
            count: strategy.keepsAllUpdates ? 0 : parameterCount, clientCount: clientCount, bound: product(bound))
        controlSum = WeightedSum(count: controlCount, clientCount: clientCount, bound: product(controlBound))
        weightSum = WeightedSum(count: 1, clientCount: clientCount, bound: product(1))
        state = ServerState(configuration, count: parameterCount)
    }

    /// The server's state between rounds as one vector: momentum, second moments, control variate.
    var serverState: [Double] {
        get { state.values + control }
        set {
            let count = newValue.count - control.count
            state.values = Array(newValue[..<count])
            control = Array(newValue[count...])
            controlVariate = control.map { Float($0) }
        }
    }

    /// The number of updates of the round so far.
    public var updateCount: Int { clients.count }

    /// Takes one update into the round. *Complexity*: O(parameters).
    ///
    /// - Throws: what is wrong with the update, naming the client; then nothing has changed.
    public mutating func add(_ update: ClientUpdate) throws(StrategyError) {
        let position = clients.firstIndex { $0 >= update.client } ?? clients.endIndex
        if position < clients.endIndex, clients[position] == update.client { throw .duplicateClient(update.client) }
        guard clients.count < clientCount else { throw .tooManyClients(client: update.client, limit: clientCount) }
        try check(update.values, of: update.client, bound: bound)
        switch (configuration.strategy, update.controlDelta) {
        case (.scaffold, let delta?): try check(delta, of: update.client, bound: controlBound)
        case (.scaffold, nil): throw .missingControlVariate(client: update.client)
        case (_, .some): throw .unexpectedControlVariate(client: update.client)
        case (_, nil): break
        }
        // The weight that is used is the one that the sum of the weights can hold.
        guard update.weight > 0, update.weight <= largestWeight, weightSum.rounded(update.weight) > 0 else {
            throw .weightOutOfRange(client: update.client, largest: largestWeight)
        }
        let weight = weightSum.rounded(update.weight)
        clients.insert(update.client, at: position)
        if configuration.strategy.keepsAllUpdates {
            kept.insert(update.values, at: position)
        } else {
            sum.add(update.values, weight: weight)
            weightSum.add([1], weight: weight)
            if let delta = update.controlDelta { controlSum.add(delta, weight: weight) }
        }
    }

    private func check(_ values: [Float], of client: String, bound: Float) throws(StrategyError) {
        guard values.count == parameterCount else {
            throw .elementCountMismatch(client: client, expected: parameterCount, actual: values.count)
        }
        guard values.allSatisfy({ $0.isFinite }) else { throw .notFinite(client: client) }
        guard values.allSatisfy({ abs($0) <= bound }) else { throw .valueOutOfBound(client: client, bound: bound) }
    }

    /// Ends the round: the step to add to the parameters.
    ///
    /// Scaffold also moves the control variate: c ← c + |S|/N · mean of the clients' deltas.
    /// *Complexity*: O(parameters) for sums, O(parameters · n log n) for median and trimmed-mean, O(parameters · n²) for
    /// krum and multi-krum.
    /// - Throws: `emptyRound`, `tooFewClients`; then the round is as it was and can get more updates.
    public mutating func finish() throws(StrategyError) -> [Float] {
        guard !clients.isEmpty else { throw .emptyRound }
        guard clients.count >= configuration.minimumClientCount else {
            throw .tooFewClients(
                configuration.strategy, minimum: configuration.minimumClientCount, actual: clients.count)
        }
        let step = state.step(mean())
        if configuration.strategy == .scaffold {
            let share = Double(clients.count) / Double(clientCount)
            for (index, delta) in controlSum.means(weightSum.means(1)[0]).enumerated() {
                control[index] += share * delta
                controlVariate[index] = Float(control[index])
            }
        }
        discardRound()
        return step
    }

    /// Forgets the updates of the round; the server's state stays.
    public mutating func discardRound() {
        clients = []
        kept = []
        sum.clear()
        controlSum.clear()
        weightSum.clear()
    }

    private func mean() -> [Double] {
        let f = configuration.byzantineCount
        switch configuration.strategy {
        case .median: return RobustAggregate.median(kept)
        case .trimmedMean: return RobustAggregate.trimmedMean(kept, cut: f)
        case .krum, .multiKrum:
            let count = configuration.strategy == .krum ? 1 : kept.count - f - 2
            // The chosen are added in the order of their names, not of their scores.
            let chosen = RobustAggregate.krum(kept, byzantineCount: f, count: count).sorted().map { kept[$0] }
            return RobustAggregate.trimmedMean(chosen, cut: 0)
        default: return sum.means(weightSum.means(1)[0])
        }
    }
}
