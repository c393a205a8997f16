import Federation
import Numerics
import Testing

@Suite struct GateTests {
    private let gate: Gate

    init() throws { gate = Gate(try Scenarios.narrow(["evaluation.shots=[0, 2]"])) }

    /// The sums of persons whose gain in every column is what `gain` says.
    private func sums(
        _ persons: Range<Int>, seed: UInt64 = 1, _ gain: (_ person: Int, _ column: Int) -> Double
    ) -> (gains: [Float], counts: [Float]) {
        var gains = [Double](repeating: 0, count: Gate.rowCount * gate.columnCount)
        var counts = [Double](repeating: 0, count: Gate.rowCount)
        for person in persons {
            let weights = Gate.multiplicities(RandomStream(root: seed, path: ["gate", .number(person)]))
            for (row, weight) in weights.enumerated() {
                counts[row] += Double(weight)
                for column in 0..<gate.columnCount {
                    gains[row * gate.columnCount + column] += Double(weight) * gain(person, column)
                }
            }
        }
        return (gains.map { Float($0) }, counts.map { Float($0) })
    }

    private func decision(_ sums: (gains: [Float], counts: [Float]), shots: Int = 2) -> Gate.Decision {
        gate.decision(method: MethodName.featureMap, shots: shots, gains: sums.gains, counts: sums.counts)
    }

    @Test func `The columns of all blends are different and fill the sums`() {
        var seen: Set<Int> = []
        for method in gate.methods.indices {
            for shots in gate.shots.indices {
                for weight in Gate.weights.indices {
                    seen.insert(gate.column(method: method, bucket: shots, weight: weight))
                }
            }
        }
        #expect(seen == Set(0..<gate.columnCount) && gate.columnCount == 2 * 2 * 4)
    }

    @Test func `Weights of a person are those of Poisson draws behind a one, and the same every time`() {
        var counts = [Int](repeating: 0, count: 30)
        for person in 0..<50 {
            let weights = Gate.multiplicities(RandomStream(root: 3, path: [.number(person)]))
            #expect(weights.count == Gate.rowCount && weights[0] == 1)
            #expect(weights == Gate.multiplicities(RandomStream(root: 3, path: [.number(person)])))
            for weight in weights.dropFirst() { counts[Int(weight)] += 1 }
        }
        let total = Double(50 * Gate.resampleCount)
        var probability = 0.36787944117144233
        for value in 0..<6 {
            if value > 0 { probability /= Double(value) }
            let deviation = (probability * (1 - probability) * total).squareRoot()
            #expect(abs(Double(counts[value]) - probability * total) < 5 * deviation, "\(value): \(counts)")
        }
    }

    @Test func `Nobody, or one person, opens no gate`() {
        for count in [0, 1] {
            #expect(decision(sums(0..<count) { _, _ in 1 }) == Gate.Decision(weight: 0, gain: 0, lowerBound: nil))
        }
        let unknown = gate.decision(
            method: MethodName.ease, shots: 2, gains: sums(0..<5) { _, _ in 1 }.gains,
            counts: sums(0..<5) { _, _ in 1 }.counts)
        #expect(unknown.weight == 0)
    }

    @Test func `The weight with the largest mean gain is taken among those whose gain is certain`() {
        for wanted in Gate.weights.indices {
            let column = gate.column(method: 0, bucket: 1, weight: wanted)
            let found = decision(sums(0..<60) { $1 == column ? 0.2 : 0.1 })
            #expect(found.weight == Gate.weights[wanted])
            #expect(abs(found.gain - 0.2) < 1e-6 && found.lowerBound.map { abs($0 - 0.2) < 1e-6 } == true)
            // The largest gain of all, but nothing is certain of it.
            let risky = decision(
                sums(0..<60) { person, other in
                    other == column
                        ? (person % 2 == 0 ? 10 : -9) : other == gate.column(method: 0, bucket: 1, weight: 0) ? 0.1 : 0
                })
            if wanted > 0 { #expect(risky.weight == Gate.weights[0]) }
        }
    }

    @Test func `Losses and gains that may be chance leave the gate closed, and say what was measured`() {
        let losses = decision(sums(0..<100) { _, _ in -0.1 })
        #expect(losses.weight == 0 && losses.gain < 0)
        var open = 0
        for seed in 0..<40 {
            var stream = RandomStream(root: UInt64(seed), path: ["noise"])
            let noise = (0..<80).map { _ in stream.gaussian() }
            // All blends of a transfer are alike.
            if decision(sums(0..<80, seed: UInt64(seed)) { person, _ in noise[person] }).weight > 0 { open += 1 }
        }
        // 5 % of 40 are expected; more than 7 have a probability of 0.3 %.
        #expect(open <= 7)
    }

    @Test func `The lower bound is near that of the normal distribution`() {
        var stream = RandomStream(root: 8, path: ["bound"])
        let gains = (0..<400).map { _ in 0.1 + 0.5 * stream.gaussian() }
        let center = gains.reduce(0, +) / 400
        let deviation = (gains.reduce(0) { $0 + ($1 - center) * ($1 - center) } / 400).squareRoot()
        let found = decision(sums(0..<400) { person, _ in gains[person] })
        let expected = center - 1.645 * deviation / 20
        #expect(abs((found.lowerBound ?? 0) - expected) < 0.006, "\(found), \(expected)")
    }

    @Test func `The sums of two clients decide as those of one with all their persons`() {
        func gain(_ person: Int, _ column: Int) -> Double { Double((person * 7 + column * 3) % 11) / 10 - 0.4 }
        let all = sums(0..<90, gain)
        let (left, right) = (sums(0..<37, gain), sums(37..<90, gain))
        let both = (
            gains: zip(left.gains, right.gains).map(+), counts: zip(left.counts, right.counts).map(+)
        )
        for shots in [0, 2] {
            let (one, two) = (decision(all, shots: shots), decision(both, shots: shots))
            #expect(one.weight == two.weight && abs(one.gain - two.gain) < 1e-5)
        }
    }

    /// How often the gate opens on noised sums of persons whose gains have a mean; all other weights lose.
    private func openings(mean: Double, noise: Double, stated: Double, count: Int = 2_000) -> Double {
        var stream = RandomStream(root: 9, path: ["noised", .name("\(mean)-\(noise)")])
        var open = 0
        for _ in 0..<count {
            var gains = [Float](repeating: -100, count: gate.columnCount)
            var squares = [Float](repeating: 100, count: gate.columnCount)
            let column = gate.column(method: 0, bucket: 1, weight: 2)
            var (sum, square) = (0.0, 0.0)
            for _ in 0..<170 {
                let gain = min(1, max(-1, mean + 0.15 * stream.gaussian()))
                sum += gain
                square += gain * gain
            }
            gains[column] = Float(sum + noise * stream.gaussian())
            squares[column] = Float(square + noise * stream.gaussian())
            let decision = gate.decision(
                method: MethodName.featureMap, shots: 2, noisedGains: gains, squares: squares, noise: stated)
            #expect(decision.weight == 0 || decision.weight == 0.75)
            if decision.weight > 0 { open += 1 }
        }
        return Double(open) / Double(count)
    }

    @Test(arguments: [0.5, 2, 5])
    func `On noised sums a gate without gains opens once in twenty at most, and a gain opens it`(noise: Double) {
        // Five standard deviations of a share of 0.05 in 2,000.
        #expect(openings(mean: 0, noise: noise, stated: noise) < 0.05 + 0.025)
        #expect(openings(mean: 0.15, noise: noise, stated: noise) > 0.99)
        // 170 times a thousandth of a gain cannot be told from noise.
        #expect(openings(mean: 0.001, noise: noise, stated: noise) < 0.1)
    }

    @Test func `The test of noised sums notices when the noise is not counted`() {
        #expect(openings(mean: 0, noise: 5, stated: 0) > 0.15)
    }

    @Test func `A method or a number of shots that the gate does not know stays closed on noised sums too`() {
        let ones = [Float](repeating: 1_000, count: gate.columnCount)
        for (method, shots) in [("unknown", 2), (MethodName.featureMap, 7), (MethodName.featureMap, nil)] {
            let decision = gate.decision(method: method, shots: shots, noisedGains: ones, squares: ones, noise: 1)
            #expect(decision.weight == 0 && decision.lowerBound == nil)
        }
        for column in 0..<gate.columnCount {
            #expect(
                gate.method(ofColumn: column) == (column < gate.columnCount / 2 ? gate.methods[0] : gate.methods[1]))
        }
    }
}
