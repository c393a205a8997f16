import Numerics
import Testing

@Suite("Comparison of methods")
struct ComparisonTests {
    static func stream(_ path: StreamComponent...) -> RandomStream { RandomStream(root: 9, path: path) }

    @Test("Holm's adjustment equals statsmodels.stats.multitest.multipletests(method='holm')")
    func holm() {
        let cases: [([Double], [Double])] = [
            ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
            ([0.5, 0.5, 0.5], [1, 1, 1]),
            ([0.2], [0.2]),
            ([], []),
            ([0.0005, 0.9, 0.02, 0.02, 0.013], [0.0025, 0.9, 0.06, 0.06, 0.052]),
            ([0, 1], [0, 1]),
        ]
        for (values, expected) in cases {
            let adjusted = holmAdjusted(values)
            #expect(adjusted.count == expected.count)
            for (left, right) in zip(adjusted, expected) { #expect(abs(left - right) < 1e-15, "\(values)") }
        }
    }

    @Test("Holm's adjustment follows its values when they are permuted, and lowers none", arguments: 0..<40)
    func holmLaws(seed: UInt64) {
        var stream = RandomStream(root: seed, path: ["holm"])
        let values = (0..<1 + stream.integer(below: 9)).map { _ in Double(stream.integer(below: 20)) / 20 }
        let adjusted = holmAdjusted(values)
        let order = stream.permutation(count: values.count)
        #expect(holmAdjusted(order.map { values[$0] }) == order.map { adjusted[$0] }, "seed \(seed)")
        for (value, result) in zip(values, adjusted) {
            #expect(result >= value && result <= min(1, Double(values.count) * value), "seed \(seed)")
        }
    }

    @Test("A ratio of equal denominators is the mean, and its root the root of the mean's interval")
    func ratios() throws {
        var data = Self.stream("ratios")
        let values = (0..<40).map { _ in data.uniform() }
        let bootstrap = PairedBootstrap(unitCount: 40, stream: Self.stream("bootstrap"))
        let mean = try #require(bootstrap.interval(ofMean: values))
        let ratio = try #require(bootstrap.interval(ofRatio: values, [Double](repeating: 2, count: 40)))
        #expect(abs(2 * ratio.lower - mean.lower) < 1e-14 && abs(2 * ratio.upper - mean.upper) < 1e-14)
        let ones = [Double](repeating: 1, count: 40)
        let root = try #require(bootstrap.interval(ofRatio: values, ones, isRoot: true))
        // Quantiles interpolate between neighbouring draws, which the root moves by less than 1e-6.
        #expect(abs(root.lower * root.lower - mean.lower) < 1e-6)
        #expect(abs(root.upper * root.upper - mean.upper) < 1e-6)
    }

    @Test("The interval of an error over all ratings covers the true one about 95 times in 100")
    func ratioCoverage() throws {
        let units = 60
        let bootstrap = PairedBootstrap(unitCount: units, stream: Self.stream("coverage"))
        var data = Self.stream("data")
        var covered = 0
        for _ in 0..<200 {
            // One to nine ratings a person, errors of standard deviation 1.5.
            let counts = (0..<units).map { _ in 1 + data.integer(below: 9) }
            let squares = counts.map { count in
                (0..<count).reduce(0.0) { sum, _ in
                    let error = 1.5 * data.gaussian()
                    return sum + error * error
                }
            }
            let interval = try #require(bootstrap.interval(ofRatio: squares, counts.map(Double.init), isRoot: true))
            if interval.lower <= 1.5 && 1.5 <= interval.upper { covered += 1 }
        }
        #expect((176...199).contains(covered), "\(covered) of 200")
    }

    @Test("A ratio is undefined where a resample has no denominator, and for fewer than two units")
    func noDenominator() {
        let two = PairedBootstrap(unitCount: 2, stream: Self.stream("two"))
        #expect(two.interval(ofRatio: [0, 1], [0, 1]) == nil)
        #expect(two.interval(ofRatio: [0, 1], [1, 1]) != nil)
        let one = PairedBootstrap(unitCount: 1, stream: Self.stream("one"))
        #expect(one.interval(ofRatio: [1], [1]) == nil)
        #expect(one.interval(ofMeanDifference: [1], [0]) == nil)
        #expect(one.pValue(ofMeanGain: [1], over: [0]) == nil)
    }

    @Test("Differences are paired: a common part of two methods cancels")
    func pairing() throws {
        var data = Self.stream("pairs")
        let common = (0..<50).map { _ in 100 * data.gaussian() }
        let gains = (0..<50).map { _ in 0.25 + 0.5 * data.gaussian() }
        let bootstrap = PairedBootstrap(unitCount: 50, stream: Self.stream("bootstrap"))
        let interval = try #require(
            bootstrap.interval(ofMeanDifference: zip(common, gains).map { $0 + $1 }, common))
        let direct = try #require(bootstrap.interval(ofMean: gains))
        #expect(abs(interval.lower - direct.lower) < 1e-11 && abs(interval.upper - direct.upper) < 1e-11)
    }

    @Test("The p-value counts draws without a gain, is one for no difference and smallest for a sure gain")
    func pValues() throws {
        let bootstrap = PairedBootstrap(unitCount: 20, stream: Self.stream("p"))
        let zeros = [Double](repeating: 0, count: 20)
        let ones = [Double](repeating: 1, count: 20)
        #expect(bootstrap.pValue(ofMeanGain: ones, over: ones) == 1)
        #expect(bootstrap.pValue(ofMeanGain: ones, over: zeros) == 1.0 / 2001)
        #expect(bootstrap.pValue(ofMeanGain: zeros, over: ones) == 1)
        #expect(PairedBootstrap.pValue(ofGainDraws: [1, -1, 0, 2]) == 0.6)
        var data = Self.stream("gain")
        let values = (0..<20).map { _ in 0.3 + data.gaussian() }
        let expected = Double(1 + bootstrap.means(of: values).count { $0 <= 0 }) / 2001
        #expect(bootstrap.pValue(ofMeanGain: values, over: zeros) == expected)
        #expect(expected > 1.0 / 2001 && expected < 1)
    }

    @Test("Without a true gain the p-value is below 10 % about 10 times in 100")
    func calibration() throws {
        let units = 60
        let bootstrap = PairedBootstrap(unitCount: units, stream: Self.stream("calibration"))
        var data = Self.stream("null")
        var rejected = 0
        for _ in 0..<300 {
            let first = (0..<units).map { _ in data.gaussian() }
            let second = (0..<units).map { _ in data.gaussian() }
            if try #require(bootstrap.pValue(ofMeanGain: first, over: second)) < 0.1 { rejected += 1 }
        }
        // 30 expected, standard deviation 5.2.
        #expect((15...48).contains(rejected), "\(rejected) of 300")
    }
}
