import Federation
import Numerics
import Testing

/// What each strategy computes: answers by hand, and slow twins.
@Suite struct StrategyAnswerTests {
    /// The steps of rounds of single values, one a client, all of weight 1.
    private func steps(_ configuration: StrategyConfiguration, _ rounds: [[Float]]) throws -> [Float] {
        var aggregator = try Aggregator(configuration, parameterCount: 1, clientCount: 8, bound: 256)
        var steps: [Float] = []
        for round in rounds {
            for (index, value) in round.enumerated() {
                try aggregator.add(ClientUpdate(client: "\(index)", weight: 1, values: [value]))
            }
            steps.append(try aggregator.finish()[0])
        }
        return steps
    }

    private func expect(_ values: [Float], near answers: [Double], _ location: SourceLocation = #_sourceLocation) {
        #expect(values.count == answers.count, sourceLocation: location)
        for (value, answer) in zip(values, answers) {
            #expect(abs(Double(value) - answer) <= 1e-6, "\(values)", sourceLocation: location)
        }
    }

    @Test func `The names are those of scenarios`() {
        #expect(
            AggregationStrategy.allCases.map(\.rawValue) == [
                "fedavg", "fedavgm", "fedadam", "fedyogi", "fedadagrad", "fedprox", "scaffold", "median",
                "trimmed-mean", "krum", "multi-krum",
            ])
        #expect(AggregationStrategy.allCases.filter(\.isRobust) == [.median, .trimmedMean, .krum, .multiKrum])
        #expect(AggregationStrategy.allCases.map { $0.minimumClientCount(byzantine: 2) }.suffix(5) == [1, 5, 5, 7, 7])
        #expect(AggregationStrategy.allCases.prefix(7).allSatisfy { $0.minimumClientCount(byzantine: 2) == 1 })
        #expect(StrategyConfiguration(.fedAdagrad).momentum == 0 && StrategyConfiguration(.fedAdam).momentum == 0.9)
        #expect(StrategyConfiguration(.fedYogi).serverRate == 0.1 && StrategyConfiguration(.krum).serverRate == 1)
        #expect(StrategyConfiguration(.krum).minimumClientCount == 5)
    }

    @Test(arguments: [AggregationStrategy.fedAvg, .fedProx, .scaffold])
    func `Averages weigh by examples`(strategy: AggregationStrategy) throws {
        var aggregator = try Aggregator(
            StrategyConfiguration(strategy, serverRate: 2), parameterCount: 2, clientCount: 2, bound: 4)
        let delta: [Float]? = strategy == .scaffold ? [0, 0] : nil
        try aggregator.add(ClientUpdate(client: "a", weight: 1, values: [4, 0], controlDelta: delta))
        try aggregator.add(ClientUpdate(client: "b", weight: 3, values: [0, 4], controlDelta: delta))
        #expect(try aggregator.finish() == [2, 6])
    }

    @Test func `Server momentum adds up means that fade`() throws {
        // m = 1, 1.5, −0.25.
        let configuration = StrategyConfiguration(.fedAvgM, serverRate: 2, momentum: 0.5)
        #expect(try steps(configuration, [[2, 0], [1, 1], [-1, -1]]) == [2, 3, -0.5])
    }

    @Test func `Adaptive steps divide the momentum by the root of second moments`() throws {
        func configuration(_ strategy: AggregationStrategy) -> StrategyConfiguration {
            StrategyConfiguration(
                strategy, serverRate: 1, momentum: strategy == .fedAdagrad ? nil : 0.5, secondMomentum: 0.75,
                adaptivity: strategy == .fedAdagrad ? 3 : 2)
        }
        // v = 9 + 16 = 25, then 25 + 144 = 169: 4 / (5 + 3), 12 / (13 + 3).
        expect(try steps(configuration(.fedAdagrad), [[4], [12]]), near: [0.5, 0.75])
        // v = 4, 12, 9.25 and m = 1, 3.5, 2.25: m / (√v + 2).
        expect(
            try steps(configuration(.fedAdam), [[2], [6], [1]]),
            near: [0.25, 3.5 / 5.464101615137754, 2.25 / 5.041381265149109])
        // v = 4 (Δ² = v), 8 (Δ² = 16 > v), 7.75 (Δ² = 1 < v) and m = 1, 2.5, 1.75.
        expect(
            try steps(configuration(.fedYogi), [[2], [4], [1]]),
            near: [0.25, 2.5 / 4.82842712474619, 1.75 / 4.783882181415011])
    }

    @Test func `Robust strategies take what the majority says`() throws {
        // Sums of squared distances to the two nearest: 7.25, 3.25, 2.5, 4.25 and far more.
        let round: [Float] = [0, 1, 2.5, 3, 100]
        #expect(try steps(StrategyConfiguration(.krum), [round]) == [2.5])
        #expect(try steps(StrategyConfiguration(.multiKrum), [round]) == [1.75])
        #expect(try steps(StrategyConfiguration(.median), [round, [0, 3, 1, 2.5]]) == [2.5, 1.75])
        expect(try steps(StrategyConfiguration(.trimmedMean), [round]), near: [6.5 / 3])
        expect(try steps(StrategyConfiguration(.trimmedMean, byzantineCount: 2), [round]), near: [2.5])
        expect(try steps(StrategyConfiguration(.trimmedMean, byzantineCount: 0), [round]), near: [21.3])
        // Of equal scores the first name counts: 0.5 and −0.5 mirror each other.
        let mirrored: [[Float]] = [[9, -1, 1, -9, 0.5, -0.5], [9, -1, 1, -9, -0.5, 0.5]]
        #expect(try steps(StrategyConfiguration(.krum), mirrored) == [0.5, -0.5])
    }

    @Test func `Scaffold moves the control variate by the share of clients that took part`() throws {
        var aggregator = try Aggregator(
            StrategyConfiguration(.scaffold), parameterCount: 1, clientCount: 4, bound: 8, controlBound: 64)
        try aggregator.add(ClientUpdate(client: "a", weight: 1, values: [1], controlDelta: [20]))
        try aggregator.add(ClientUpdate(client: "b", weight: 1, values: [3], controlDelta: [40]))
        #expect(try aggregator.finish() == [2])
        #expect(aggregator.controlVariate == [15])
        // The next round adds to it; weights count as in the mean.
        try aggregator.add(ClientUpdate(client: "a", weight: 1, values: [1], controlDelta: [0]))
        try aggregator.add(ClientUpdate(client: "c", weight: 3, values: [5], controlDelta: [-8]))
        #expect(try aggregator.finish() == [4])
        #expect(aggregator.controlVariate == [12])

        var control = ControlVariate(parameterCount: 1)
        #expect(control.correction(server: [1.5]) == [1.5])
        // −1.5 + (1 − 0.5) / (4 · 0.125).
        #expect(control.update(server: [1.5], start: [1], end: [0.5], stepCount: 4, rate: 0.125) == [-0.5])
        #expect(control.values == [-0.5] && control.correction(server: [1.5]) == [2])
        #expect(control.update(server: [0.5], start: [1], end: [1], stepCount: 1, rate: 1) == [-0.5])
        #expect(control.values == [-1])
    }

    @Test(arguments: 0..<20) func `With all clients, scaffold's control variate is the mean of theirs`(seed: UInt64)
        throws
    {
        var stream = RandomStream(root: seed, path: ["scaffold"])
        var aggregator = try Aggregator(
            StrategyConfiguration(.scaffold), parameterCount: 3, clientCount: 4, bound: 8, controlBound: 256)
        var controls = [ControlVariate](repeating: ControlVariate(parameterCount: 3), count: 4)
        let weights = (0..<4).map { _ in 1 + 9 * stream.uniform() }
        for _ in 0..<4 {
            for client in 0..<4 {
                let end = (0..<3).map { _ in Float(stream.gaussian()) }
                let delta = controls[client].update(
                    server: aggregator.controlVariate, start: [0, 0, 0], end: end, stepCount: 3, rate: 0.1)
                try aggregator.add(
                    ClientUpdate(client: "\(client)", weight: weights[client], values: end, controlDelta: delta))
            }
            _ = try aggregator.finish()
        }
        for index in 0..<3 {
            let mean =
                (0..<4).reduce(0.0) { $0 + weights[$1] * Double(controls[$1].values[index]) }
                / weights.reduce(0, +)
            #expect(abs(Double(aggregator.controlVariate[index]) - mean) <= 1e-4, "seed \(seed)")
        }
    }

    @Test(arguments: 0..<20) func `Steps are those of slow twins`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["strategy", "twins"])
        let n = 7 + stream.integer(below: 4)
        let vectors = (0..<n).map { _ in (0..<11).map { _ in Float(stream.gaussian()) } }
        let weights = (0..<n).map { _ in 1 + 99 * stream.uniform() }
        func step(_ strategy: AggregationStrategy) throws -> [Float] {
            var aggregator = try Aggregator(
                StrategyConfiguration(strategy, byzantineCount: strategy.isRobust ? 2 : 0), parameterCount: 11,
                clientCount: n, bound: 16)
            for index in 0..<n {
                try aggregator.add(
                    ClientUpdate(
                        client: String(UnicodeScalar(UInt8(97 + index))), weight: weights[index],
                        values: vectors[index]))
            }
            return try aggregator.finish()
        }
        func distance(_ first: Int, _ second: Int) -> Double {
            (0..<11).reduce(0.0) {
                let difference = Double(vectors[first][$1]) - Double(vectors[second][$1])
                return $0 + difference * difference
            }
        }
        let scores = (0..<n).map { row in
            (0..<n).map { distance(row, $0) }.sorted().dropFirst().prefix(n - 4).reduce(0, +)
        }
        let order = (0..<n).sorted { scores[$0] < scores[$1] }
        #expect(try step(.krum) == vectors[order[0]])
        let multiKrum = try step(.multiKrum)
        let trimmed = try step(.trimmedMean)
        let median = try step(.median)
        let average = try step(.fedAvg)
        for index in 0..<11 {
            let column = vectors.map { Double($0[index]) }
            let sorted = column.sorted()
            func near(_ value: Float, _ answer: Double) {
                #expect(abs(Double(value) - answer) <= 1e-6, "seed \(seed)")
            }
            near(trimmed[index], sorted[2..<(n - 2)].reduce(0, +) / Double(n - 4))
            near(median[index], quantile(sorted: sorted, 0.5))
            near(multiKrum[index], order.prefix(n - 4).reduce(0) { $0 + column[$1] } / Double(n - 4))
            near(average[index], zip(column, weights).reduce(0) { $0 + $1.0 * $1.1 } / weights.reduce(0, +))
        }
    }

    @Test func `Sums at the bounds do not overflow`() throws {
        for clientCount in [1, 2, 3, 4, 9] {
            var aggregator = try Aggregator(
                StrategyConfiguration(.fedAvg), parameterCount: 2, clientCount: clientCount, bound: 1.5,
                largestWeight: 3)
            for client in 0..<clientCount {
                try aggregator.add(ClientUpdate(client: "\(client)", weight: 3, values: [1.5, -1.5]))
            }
            #expect(try aggregator.finish() == [1.5, -1.5])
        }
    }

    @Test func `Weights by similarity halve for each ln 2 of discrepancy over temperature`() {
        let weights = SimilarityWeighting.weights(discrepancies: [0.3, 0.3 + 2 * 2.0.logarithm, 0.3], temperature: 2)
        for (weight, answer) in zip(weights, [0.4, 0.2, 0.4]) { #expect(abs(weight - answer) <= 1e-15) }
        #expect(SimilarityWeighting.weights(discrepancies: [], temperature: 1).isEmpty)
        #expect(SimilarityWeighting.weights(discrepancies: [1e300], temperature: 1e-3) == [1])
        #expect(SimilarityWeighting.weights(discrepancies: [1e6, 0], temperature: 1) == [0, 1])
        var stream = RandomStream(root: 8, path: ["weighting"])
        let discrepancies = (0..<9).map { _ in stream.uniform() }
        let order = stream.permutation(count: 9)
        let plain = SimilarityWeighting.weights(discrepancies: discrepancies, temperature: 0.1)
        let permuted = SimilarityWeighting.weights(discrepancies: order.map { discrepancies[$0] }, temperature: 0.1)
        #expect(permuted == order.map { plain[$0] })
        #expect(abs(plain.reduce(0, +) - 1) <= 1e-15)
    }
}
