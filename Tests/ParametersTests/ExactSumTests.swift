import Numerics
import Parameters
import TestSupport
import Testing

@Suite struct ExactSumTests {
    private func spec(_ count: Int, bound: Float) -> TensorSpec {
        TensorSpec(name: "a", shape: [count], scope: .global, bound: bound, release: "r")
    }

    private func set(_ spec: TensorSpec, _ values: [Float]) throws -> ParameterSet {
        try ParameterSet([ParameterSet.Tensor(spec, values: values)])
    }

    private func halved(_ parameters: ParameterSet, by divisor: Float) throws -> ParameterSet {
        try ParameterSet(
            parameters.tensors.map { try ParameterSet.Tensor($0.spec, values: $0.values.map { $0 / divisor }) })
    }

    @Test(arguments: 0..<60) func `The order in which updates arrive changes no bit`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["exact-sum", "order"])
        let schema = try Generated.schema(&stream)
        let clientCount = 2 + stream.integer(below: 9)
        let updates = try (0..<clientCount).map { _ in
            try halved(try Generated.parameters(schema.specs, &stream), by: Float(clientCount))
        }
        var totals: [[[UInt32]]] = []
        for _ in 0..<4 {
            var sum = ExactSum(clientCount: clientCount)
            for update in updates.shuffled(using: &stream) { sum.add(update) }
            totals.append(try sum.total().bitPatterns)
        }
        #expect(totals.dropFirst().allSatisfy { $0 == totals[0] }, "seed \(seed)")
    }

    @Test(arguments: 0..<60) func `Multiples of the grid add up to the bits of their sum in Double`(seed: UInt64) throws
    {
        var stream = RandomStream(root: seed, path: ["exact-sum", "double"])
        let clientCount = 1 + stream.integer(below: 20)
        let spec = spec(50, bound: 0x1p24)
        var sum = ExactSum(clientCount: clientCount)
        var expected = [Double](repeating: 0, count: 50)
        for _ in 0..<clientCount {
            // Multiples of 2⁻¹² below 2¹¹ are exact in Float, and their sums in Double.
            let values = (0..<50).map { _ in Float(stream.integer(below: 1 << 24) - 1 << 23) * 0x1p-12 }
            sum.add(try set(spec, values))
            for index in values.indices { expected[index] += Double(values[index]) }
        }
        #expect(try sum.total().require("a") == expected.map { Float($0) }, "seed \(seed)")
    }

    @Test(arguments: 0..<60) func `Each value is rounded once, to the grid, and nothing else is lost`(seed: UInt64)
        throws
    {
        var stream = RandomStream(root: seed, path: ["exact-sum", "grid"])
        let clientCount = 1 + stream.integer(below: 20)
        let bound = Float(sign: .plus, exponent: stream.integer(below: 60) - 30, significand: 1.25)
        let spec = spec(50, bound: bound)
        let grid = Double(
            sign: .plus, exponent: -ExactSum.scaleExponent(bound: bound, clientCount: clientCount), significand: 1)
        var sum = ExactSum(clientCount: clientCount)
        var expected = [Double](repeating: 0, count: 50)
        for _ in 0..<clientCount {
            let parameters = try halved(try Generated.parameters([spec], &stream), by: Float(clientCount))
            sum.add(parameters)
            for (index, value) in try parameters.require("a").enumerated() { expected[index] += Double(value) }
        }
        for (index, value) in try sum.total().require("a").enumerated() {
            // Half a grid step a client, the rounding of the oracle, and half a unit of the result in Float.
            let tolerance =
                Double(clientCount) * (grid / 2 + abs(expected[index]) * 0x1p-52)
                + Double(Float(expected[index]).ulp) * 0.500001
            #expect(abs(Double(value) - expected[index]) <= tolerance, "seed \(seed), element \(index)")
        }
    }

    @Test func `A value below half a grid step counts as zero and one above as a step`() throws {
        // Bound 1 and one client: the scale is 2⁶¹.
        #expect(ExactSum.scaleExponent(bound: 1, clientCount: 1) == 61)
        var sum = ExactSum(clientCount: 1)
        sum.add(try set(spec(3, bound: 1), [0x1p-63, 0x1.8p-62, -0x1.8p-62]))
        #expect(try sum.total().require("a") == [0, 0x1p-61, -0x1p-61])
    }

    @Test(arguments: [
        Float.leastNonzeroMagnitude, 0x1p-126, 0.1, 1, 1.5, Float(2).nextDown, 0x1p24, .greatestFiniteMagnitude,
    ])
    func `Clients at the bound neither overflow nor lose a bit when they cancel`(bound: Float) throws {
        let spec = spec(2, bound: bound)
        for clientCount in [1, 2, 3, 4, 5, 7, 8, 9, 1_000, 1_023, 1_024, 1_025] {
            let exponent = ExactSum.scaleExponent(bound: bound, clientCount: clientCount)
            let largest = Double(clientCount) * Double(bound) * Double(sign: .plus, exponent: exponent, significand: 1)
            #expect(largest <= 0x1p62, "\(clientCount) clients")
            var sum = ExactSum(clientCount: clientCount)
            for _ in 0..<clientCount / 2 { sum.add(try set(spec, [bound, -bound])) }
            for _ in 0..<clientCount / 2 { sum.add(try set(spec, [-bound, bound])) }
            if clientCount % 2 == 1 { sum.add(try set(spec, [bound, -bound])) }
            let expected: [Float] = clientCount % 2 == 1 ? [bound, -bound] : [0, 0]
            #expect(try sum.total().require("a") == expected, "\(clientCount) clients")
        }
    }

    @Test(arguments: [2, 3, 8, 1_000]) func `A sum above the bound is refused, whoever is in it`(clientCount: Int)
        throws
    {
        for sign in [Float(1), -1] {
            var sum = ExactSum(clientCount: clientCount)
            for _ in 0..<clientCount { sum.add(try set(spec(1, bound: 8), [8 * sign])) }
            #expect(throws: ParameterError.valueOutOfBound(name: "a", bound: 8)) { try sum.total() }
        }
    }

    @Test func `A sum of nothing has no tensors, and tensors missing in some updates count as zero there`() throws {
        var empty = ExactSum(clientCount: 3)
        #expect(try empty.total() == ParameterSet())
        let other = TensorSpec(name: "b", shape: [1], scope: .global, bound: 8, release: "r")
        var sum = ExactSum(clientCount: 3)
        sum.add(try set(spec(2, bound: 8), [1, 2]))
        sum.add(try set(other, [5]))
        sum.add(try set(spec(2, bound: 8), [3, -4]))
        let total = try sum.total()
        #expect(total.values("a") == [4, -2])
        #expect(total.values("b") == [5])
    }
}
