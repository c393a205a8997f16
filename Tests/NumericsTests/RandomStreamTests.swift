import Numerics
import Testing

@Suite("Philox4x32-10")
struct PhiloxTests {
    @Test("Blocks equal the known answers of Random123 (kat_vectors, philox4x32 10)")
    func knownAnswers() {
        let ones = UInt32.max
        #expect(
            Philox4x32.block(counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0))
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(
            Philox4x32.block(counter: SIMD4(repeating: ones), key: SIMD2(repeating: ones))
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            Philox4x32.block(
                counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), key: SIMD2(0xa409_3822, 0x299f_31d0)
            )
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }
}

@Suite("Random stream")
struct RandomStreamTests {
    static func stream(_ path: [StreamComponent], root: UInt64 = 20_240_607) -> RandomStream {
        RandomStream(root: root, path: path)
    }

    @Test("A stream is Philox keyed by the hash of its root and path")
    func knownAnswers() {
        // Computed with Python: hashlib for the key and counter, the block function written from the paper.
        var stream = Self.stream(["round", 7], root: 42)
        let expected: [UInt64] = [
            0xb81c_4947_7c1e_7067, 0xde5a_22d0_bd95_3361, 0xfd1b_5996_d5f1_834c, 0x8a23_37ec_1c12_80ac,
            0x3bd1_9438_c1f5_49f0, 0xa05a_c34a_ed42_37d5,
        ]
        for (index, value) in expected.enumerated() { #expect(stream.next() == value, "number \(index)") }
    }

    @Test("The same path gives the same numbers, whatever other streams do")
    func samePath() {
        var first = Self.stream(["client", 3, "negatives"])
        var other = Self.stream(["client", 4, "negatives"])
        let alone = (0..<100).map { _ in first.next() }
        var second = Self.stream(["client", 3, "negatives"])
        let beside = (0..<100).map { _ in
            _ = other.gaussian()
            return second.next()
        }
        #expect(alone == beside)
    }

    @Test("Different roots and paths give different numbers, also where their concatenations agree")
    func differentPaths() {
        let paths: [[StreamComponent]] = [
            [], ["a"], ["a", "b"], ["ab"], ["b", "a"], ["a", ""], ["", "a"], ["a", 1], ["a", "1"], ["a1"], ["a", "#1"],
            [1, "a"], [11], [1, 1], [-1], ["a", 12], ["a", 1, 2],
        ]
        var firsts: Set<UInt64> = []
        for root: UInt64 in [0, 1, .max] {
            for path in paths {
                var stream = Self.stream(path, root: root)
                firsts.insert(stream.next())
            }
        }
        #expect(firsts.count == 3 * paths.count)
    }

    @Test("Streams of neighbouring paths are uncorrelated", arguments: 0..<8)
    func uncorrelated(number: Int) {
        let count = 20_000
        var left = Self.stream(["round", .number(number)])
        var right = Self.stream(["round", .number(number + 1)])
        var sum = 0.0
        for _ in 0..<count { sum += (left.uniform() - 0.5) * (right.uniform() - 0.5) * 12 }
        // The mean of n products of unit variance: four standard deviations.
        #expect(abs(sum / Double(count)) < 4 / Double(count).squareRoot())
    }

    @Test("A copied stream continues like the original, a spare Gaussian number included")
    func copies() {
        var stream = Self.stream(["copy"])
        _ = stream.gaussian()
        var copy = stream
        for index in 0..<5 { #expect(stream.gaussian() == copy.gaussian(), "number \(index)") }
    }

    @Test("Uniform numbers lie in [0, 1) and are uniform", arguments: 0..<3)
    func uniform(seed: UInt64) {
        let count = 50_000
        var stream = Self.stream(["uniform"], root: seed)
        let sorted = (0..<count).map { _ in stream.uniform() }.sorted()
        #expect(sorted.allSatisfy { (0..<1).contains($0) })
        // Kolmogorov–Smirnov at level 1e-4: 2.23 / √n.
        let distance = sorted.enumerated().map { index, value in
            max(abs(value - Double(index) / Double(count)), abs(value - Double(index + 1) / Double(count)))
        }.max()
        #expect((distance ?? 1) < 2.23 / Double(count).squareRoot())
    }

    @Test("Gaussian numbers have the moments of the standard normal distribution", arguments: 0..<3)
    func gaussian(seed: UInt64) {
        let count = 200_000.0
        var stream = Self.stream(["gaussian"], root: seed)
        var sums = [0.0, 0.0, 0.0, 0.0]
        var neighbours = 0.0
        var last = 0.0
        for _ in 0..<Int(count) {
            let value = stream.gaussian()
            for (index, power) in [value, value * value, value * value * value, value * value * value * value]
                .enumerated()
            {
                sums[index] += power
            }
            neighbours += last * value
            last = value
        }
        // Four standard deviations of each sample moment; Var z = 1, z² 2, z³ 15, z⁴ 96, z·z′ 1.
        #expect(abs(sums[0] / count) < 4 * (1 / count).squareRoot())
        #expect(abs(sums[1] / count - 1) < 4 * (2 / count).squareRoot())
        #expect(abs(sums[2] / count) < 4 * (15 / count).squareRoot())
        #expect(abs(sums[3] / count - 3) < 4 * (96 / count).squareRoot())
        #expect(abs(neighbours / count) < 4 * (1 / count).squareRoot())
    }

    @Test("Gumbel numbers have mean γ and variance π²/6")
    func gumbel() {
        let count = 200_000
        var stream = Self.stream(["gumbel"])
        let values = (0..<count).map { _ in stream.gumbel() }
        let center = values.reduce(0, +) / Double(count)
        let variance = values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(count)
        let expected = Double.pi * Double.pi / 6
        #expect(abs(center - 0.577_215_664_901_532_9) < 4 * (expected / Double(count)).squareRoot())
        // The kurtosis is 27/5, so that the variance of the sample variance is 4.4 σ⁴ / n.
        #expect(abs(variance - expected) < 4 * expected * (4.4 / Double(count)).squareRoot())
    }

    @Test("Integers below a bound are uniform", arguments: [1, 2, 7, 10])
    func integers(bound: Int) {
        let count = 40_000
        var stream = Self.stream(["integers", .number(bound)])
        var counts = [Int](repeating: 0, count: bound)
        for _ in 0..<count { counts[stream.integer(below: bound)] += 1 }
        let expected = Double(count) / Double(bound)
        let statistic = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        // χ² with at most 9 degrees of freedom exceeds 33.8 with probability 1e-4.
        #expect(statistic < 33.8)
    }

    @Test("All orders of four elements are equally likely")
    func permutations() {
        let count = 48_000
        var stream = Self.stream(["permutation"])
        var counts: [[Int]: Int] = [:]
        for _ in 0..<count { counts[stream.permutation(count: 4), default: 0] += 1 }
        #expect(counts.count == 24)
        let expected = Double(count) / 24
        let statistic = counts.values.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        // χ² with 23 degrees of freedom exceeds 57.1 with probability 1e-4.
        #expect(statistic < 57.1)
    }

    @Test("A permutation holds every index once", arguments: [0, 1, 2, 100])
    func permutationIsBijective(count: Int) {
        var stream = Self.stream(["permutation", .number(count)])
        #expect(stream.permutation(count: count).sorted() == Array(0..<count))
    }
}
