import Federation
import Numerics
import Testing

/// What every strategy does, whatever it computes.
@Suite struct StrategySuiteTests {
    private static let clientCount = 9

    private static func aggregator(
        _ strategy: AggregationStrategy, parameterCount: Int, clientCount: Int = clientCount
    ) throws -> Aggregator {
        let configuration = StrategyConfiguration(strategy, byzantineCount: strategy.isRobust ? 2 : nil)
        return try Aggregator(
            configuration, parameterCount: parameterCount, clientCount: clientCount, bound: 256)
    }

    private static func update(
        _ strategy: AggregationStrategy, _ index: Int, weight: Double = 1, _ values: [Float], delta: [Float]? = nil
    ) -> ClientUpdate {
        ClientUpdate(
            client: "client-\(index)", weight: weight, values: values,
            controlDelta: strategy == .scaffold ? delta ?? values.map { -$0 } : nil)
    }

    private static func gaussians(_ count: Int, _ stream: inout RandomStream) -> [Float] {
        (0..<count).map { _ in Float(stream.gaussian()) }
    }

    private static func norm(_ values: [Float]) -> Double {
        values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    private static func distance(_ first: [Float], _ second: [Float]) -> Double {
        norm(zip(first, second).map { $0 - $1 })
    }

    private static func randomRound(_ strategy: AggregationStrategy, _ stream: inout RandomStream) -> [ClientUpdate] {
        (0..<clientCount).map { index in
            update(
                strategy, index, weight: 1 + 1000 * stream.uniform(), gaussians(17, &stream),
                delta: gaussians(17, &stream))
        }
    }

    @Test(arguments: AggregationStrategy.allCases, 0..<5)
    func `The order in which updates arrive changes no bit`(strategy: AggregationStrategy, seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["strategy", "order"])
        var first = try Self.aggregator(strategy, parameterCount: 17)
        var second = first
        for _ in 0..<3 {
            let round = Self.randomRound(strategy, &stream)
            for update in round { try first.add(update) }
            for update in round.shuffled(using: &stream) { try second.add(update) }
            let step = try first.finish()
            #expect(try second.finish().map(\.bitPattern) == step.map(\.bitPattern), "seed \(seed)")
            #expect(Self.norm(step) > 0 && step.allSatisfy { $0.isFinite })
            #expect(first.controlVariate.map(\.bitPattern) == second.controlVariate.map(\.bitPattern))
        }
    }

    @Test(arguments: AggregationStrategy.allCases)
    func `Identical updates make the step of one of them, whatever their weights`(strategy: AggregationStrategy) throws
    {
        var stream = RandomStream(root: 1, path: ["strategy", "identical"])
        let values = Self.gaussians(17, &stream)
        var all = try Self.aggregator(strategy, parameterCount: 17)
        for index in 0..<Self.clientCount {
            try all.add(Self.update(strategy, index, weight: 1 + 1000 * stream.uniform(), values))
        }
        let step = try all.finish()
        if strategy.isAdaptive {
            // The first step has the signs of the update and at most the size of the rate times ten: √(1 − β₂) = 0.1.
            let rate = Float(all.configuration.serverRate)
            #expect(zip(step, values).allSatisfy { $0 * $1 > 0 && abs($0) <= 10 * rate })
        } else {
            #expect(zip(step, values).allSatisfy { abs($0 - $1) <= 1e-6 })
        }
        if !strategy.isRobust {
            var one = try Self.aggregator(strategy, parameterCount: 17)
            try one.add(Self.update(strategy, 3, weight: 7, values))
            #expect(zip(step, try one.finish()).allSatisfy { abs($0 - $1) <= 1e-6 })
        }
    }

    @Test(arguments: AggregationStrategy.allCases)
    func `Larger updates make larger steps, and larger weights the same step`(strategy: AggregationStrategy) throws {
        var stream = RandomStream(root: 2, path: ["strategy", "scale"])
        let round = Self.randomRound(strategy, &stream)
        func step(_ factor: Float, weight: Double) throws -> [Float] {
            var aggregator = try Self.aggregator(strategy, parameterCount: 17)
            for (index, update) in round.enumerated() {
                let values = update.values.map { factor * $0 }
                try aggregator.add(Self.update(strategy, index, weight: weight * update.weight, values))
            }
            return try aggregator.finish()
        }
        let plain = try step(1, weight: 1)
        let heavy = try step(1, weight: 64)
        #expect(zip(plain, heavy).allSatisfy { abs($0 - $1) <= 1e-6 })
        let large = try step(8, weight: 1)
        if strategy.isAdaptive {
            // Only as far as the second moments exceed τ², do the steps not depend on the scale.
            for (before, after) in zip(plain, large) { #expect(before * after > 0 && abs(after) >= abs(before)) }
        } else {
            #expect(zip(plain, large).allSatisfy { abs(8 * $0 - $1) <= 1e-5 })
        }
    }

    @Test(arguments: AggregationStrategy.allCases)
    func `Clients with different optima converge to a common one`(strategy: AggregationStrategy) throws {
        let problem = Quadratics(clientCount: 10, parameterCount: 6, seed: 3)
        var aggregator = try Self.aggregator(strategy, parameterCount: 6, clientCount: 10)
        var controls = [ControlVariate](repeating: ControlVariate(parameterCount: 6), count: 10)
        let optimum = problem.optimum(isWeighted: !strategy.isRobust)
        var parameters = problem.start
        let before = Self.distance(parameters, optimum)
        // The steps of Adagrad shrink with the root of the rounds.
        for _ in 0..<(strategy == .fedAdagrad ? 3000 : 300) {
            for client in 0..<10 {
                let end = problem.train(client, from: parameters) { current, gradient in
                    if strategy == .scaffold {
                        let correction = controls[client].correction(server: aggregator.controlVariate)
                        for index in gradient.indices { gradient[index] += correction[index] }
                    }
                    guard strategy == .fedProx else { return }
                    for index in gradient.indices { gradient[index] += 0.01 * (current[index] - parameters[index]) }
                }
                let delta =
                    strategy == .scaffold
                    ? controls[client].update(
                        server: aggregator.controlVariate, start: parameters, end: end,
                        stepCount: Quadratics.stepCount, rate: Quadratics.rate) : nil
                try aggregator.add(
                    Self.update(
                        strategy, client, weight: problem.weights[client], zip(end, parameters).map { $0 - $1 },
                        delta: delta))
            }
            for (index, step) in try aggregator.finish().enumerated() { parameters[index] += step }
        }
        // Scaffold has no bias from local steps; the others have; a robust one stays within the spread of the optima.
        let share = strategy == .scaffold ? 1e-5 : strategy.isRobust ? 0.2 : 0.03
        #expect(Self.distance(parameters, optimum) <= share * before)
    }

    @Test(arguments: AggregationStrategy.allCases)
    func `With two of ten updates reversed and tenfold, only robust strategies stay near the clean step`(
        strategy: AggregationStrategy
    ) throws {
        var stream = RandomStream(root: 4, path: ["strategy", "byzantine"])
        let direction = Self.gaussians(50, &stream)
        let honest = (0..<10).map { _ in zip(direction, Self.gaussians(50, &stream)).map { $0 + 0.2 * $1 } }
        func step(reversed: Int) throws -> [Float] {
            var aggregator = try Self.aggregator(strategy, parameterCount: 50, clientCount: 10)
            for (index, values) in honest.enumerated() {
                try aggregator.add(Self.update(strategy, index, values.map { index < reversed ? -10 * $0 : $0 }))
            }
            return try aggregator.finish()
        }
        let clean = try step(reversed: 0)
        let attacked = try step(reversed: 2)
        let moved = Self.distance(clean, attacked) / Self.norm(clean)
        if strategy.isRobust { #expect(moved <= 0.35, "\(moved)") } else { #expect(moved >= 1.5, "\(moved)") }
    }

    @Test(arguments: AggregationStrategy.allCases)
    func `A refused update names its client and leaves no trace`(strategy: AggregationStrategy) throws {
        var stream = RandomStream(root: 5, path: ["strategy", "refused"])
        var clean = try Self.aggregator(strategy, parameterCount: 17)
        var tried = clean
        let good = Self.gaussians(17, &stream)
        func changed(_ value: Float) -> [Float] { good.dropLast() + [value] }
        func refused(_ index: Int, weight: Double = 1, _ values: [Float], delta: [Float]? = nil, _ error: StrategyError)
        {
            #expect(throws: error) {
                try tried.add(Self.update(strategy, index, weight: weight, values, delta: delta))
            }
        }
        for _ in 0..<2 {
            for (index, update) in Self.randomRound(strategy, &stream).enumerated() {
                let client = update.client
                refused(index, changed(.nan), .notFinite(client: client))
                refused(index, changed(-.infinity), .notFinite(client: client))
                refused(index, changed(257), .valueOutOfBound(client: client, bound: 256))
                refused(index, good + [1], .elementCountMismatch(client: client, expected: 17, actual: 18))
                refused(index, [], .elementCountMismatch(client: client, expected: 17, actual: 0))
                for weight in [0, -1, .nan, .infinity, 0x1p27, 0x1p-60] {
                    guard !strategy.isRobust || weight != 0x1p-60 else { continue }
                    refused(index, weight: weight, good, .weightOutOfRange(client: client, largest: 0x1p26))
                }
                if strategy == .scaffold {
                    refused(index, good, delta: changed(.nan), .notFinite(client: client))
                    refused(index, good, delta: [], .elementCountMismatch(client: client, expected: 17, actual: 0))
                    #expect(throws: StrategyError.missingControlVariate(client: client)) {
                        try tried.add(ClientUpdate(client: client, weight: 1, values: good))
                    }
                } else {
                    #expect(throws: StrategyError.unexpectedControlVariate(client: client)) {
                        try tried.add(ClientUpdate(client: client, weight: 1, values: good, controlDelta: good))
                    }
                }
                #expect(tried.updateCount == index)
                try clean.add(update)
                try tried.add(update)
                refused(index, good, .duplicateClient(client))
            }
            refused(99, good, .tooManyClients(client: "client-99", limit: Self.clientCount))
            #expect(try clean.finish().map(\.bitPattern) == tried.finish().map(\.bitPattern))
            #expect(clean.controlVariate == tried.controlVariate)
        }
    }

    @Test(arguments: AggregationStrategy.allCases)
    func `A round without updates, or with too few, is refused and stays open`(strategy: AggregationStrategy) throws {
        var stream = RandomStream(root: 6, path: ["strategy", "few"])
        var aggregator = try Self.aggregator(strategy, parameterCount: 17)
        var whole = aggregator
        #expect(throws: StrategyError.emptyRound) { try aggregator.finish() }
        let minimum = aggregator.configuration.minimumClientCount
        let round = Self.randomRound(strategy, &stream)
        for (index, update) in round.prefix(minimum).enumerated() {
            if index > 0 {
                #expect(throws: StrategyError.tooFewClients(strategy, minimum: minimum, actual: index)) {
                    try aggregator.finish()
                }
            }
            try aggregator.add(update)
            try whole.add(update)
        }
        #expect(try aggregator.finish() == whole.finish())
        #expect(throws: StrategyError.emptyRound) { try aggregator.finish() }
        // A discarded round is forgotten.
        try aggregator.add(round[0])
        aggregator.discardRound()
        for update in round {
            try aggregator.add(update)
            try whole.add(update)
        }
        #expect(try aggregator.finish().map(\.bitPattern) == whole.finish().map(\.bitPattern))
        if minimum > 1 {
            #expect(throws: StrategyError.tooFewClients(strategy, minimum: minimum, actual: minimum - 1)) {
                try Self.aggregator(strategy, parameterCount: 1, clientCount: minimum - 1)
            }
        }
    }
}

/// Clients with the losses ½ Σ aⱼ (wⱼ − tⱼ)², of different curvatures a and optima t.
private struct Quadratics {
    static let stepCount = 5
    static let rate = 0.1

    let weights: [Double]
    let start: [Float]
    private let curvatures: [[Float]]
    private let optima: [[Float]]

    init(clientCount: Int, parameterCount: Int, seed: UInt64) {
        var stream = RandomStream(root: seed, path: ["quadratics"])
        let center = (0..<parameterCount).map { _ in stream.gaussian() }
        weights = (0..<clientCount).map { _ in 50 + 100 * stream.uniform() }
        start = center.map { Float($0 + (stream.uniform() < 0.5 ? 3 : -3)) }
        curvatures = (0..<clientCount).map { _ in
            (0..<parameterCount).map { _ in Float(0.5 + stream.uniform()) }
        }
        optima = (0..<clientCount).map { _ in center.map { Float($0 + 0.3 * stream.gaussian()) } }
    }

    /// The minimum of the (weighted) mean loss.
    func optimum(isWeighted: Bool) -> [Float] {
        start.indices.map { index in
            var numerator = 0.0
            var denominator = 0.0
            for client in weights.indices {
                let factor = Double(curvatures[client][index]) * (isWeighted ? weights[client] : 1)
                numerator += factor * Double(optima[client][index])
                denominator += factor
            }
            return Float(numerator / denominator)
        }
    }

    /// The parameters after the local steps of one client, whose gradients `adjust` may change.
    func train(_ client: Int, from start: [Float], adjust: ([Float], inout [Float]) -> Void) -> [Float] {
        var parameters = start
        for _ in 0..<Quadratics.stepCount {
            var gradient = parameters.indices.map {
                curvatures[client][$0] * (parameters[$0] - optima[client][$0])
            }
            adjust(parameters, &gradient)
            for index in parameters.indices { parameters[index] -= Float(Quadratics.rate) * gradient[index] }
        }
        return parameters
    }
}
