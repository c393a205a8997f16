import Numerics
import Testing

@Suite("Statistics")
struct StatisticsTests {
    @Test(
        "Student quantiles equal scipy.stats.t.ppf to 1e-10, relative",
        arguments: [
            (0.975, 1, 12.706204736174694), (0.975, 2, 4.302652729749462), (0.975, 4, 2.776445105197793),
            (0.975, 9, 2.262157162798205), (0.975, 30, 2.0422724563012378), (0.975, 1000, 1.9623390808264083),
            (0.95, 4, 2.1318467863266495), (0.9995, 3, 12.923978636687961), (0.75, 1, 1), (0.5, 7, 0),
        ])
    func studentQuantiles(probability: Double, freedom: Int, expected: Double) {
        let value = studentQuantile(probability, degreesOfFreedom: freedom)
        #expect(abs(value - expected) <= 1e-10 * max(1, expected))
    }

    @Test(
        "The incomplete beta function equals scipy.special.betainc to 1e-12",
        arguments: [
            (0.1, 0.5, 0.5, 0.20483276469913345), (0.5, 2, 3, 0.6875), (0.9, 2, 0.5, 0.5414697392755851),
            (0.3, 10, 20, 0.3640040810719437), (0.001, 0.5, 1, 0.03162277660168379),
            (0.99, 50, 0.5, 0.3173043978741973), (0.5, 500, 500, 0.5), (0.4, 1, 1, 0.4),
            (0.7, 3.5, 1.25, 0.36852739917558613), (0.02, 1, 40, 0.5542995960490489), (0, 2, 3, 0), (1, 2, 3, 1),
        ])
    func incompleteBeta(x: Double, a: Double, b: Double, expected: Double) {
        #expect(abs(regularizedIncompleteBeta(x, a, b) - expected) < 1e-12)
    }

    @Test("A Student interval equals scipy.stats.t.interval")
    func studentIntervals() throws {
        let interval = try #require(studentInterval(ofMean: [0.1, 0.4, 0.2, 0.8, 0.3]))
        #expect(abs(interval.lower - 0.0245208615073344) < 1e-12)
        #expect(abs(interval.upper - 0.6954791384926655) < 1e-12)
        #expect(studentInterval(ofMean: []) == nil)
        #expect(studentInterval(ofMean: [1]) == nil)
    }

    @Test(
        "Quantiles interpolate like numpy.quantile",
        arguments: [(0, 1), (0.025, 1.1), (0.1, 1.4), (0.5, 4), (0.9, 13.1), (1, 16.5)])
    func quantiles(probability: Double, expected: Double) {
        #expect(abs(quantile(sorted: [1, 2, 4, 8, 16.5], probability) - expected) < 1e-12)
        #expect(quantile(sorted: [3.25], probability) == 3.25)
    }

    @Test("The mean of no values does not exist")
    func means() {
        #expect(mean([]) == nil)
        #expect(mean([1, 2, 6]) == 3)
    }
}

@Suite("Paired bootstrap")
struct PairedBootstrapTests {
    static func stream(_ path: StreamComponent...) -> RandomStream { RandomStream(root: 5, path: path) }

    @Test("A 95 % interval covers the true mean about 95 times in 100")
    func coverage() throws {
        let units = 60
        let repetitions = 200
        var data = Self.stream("data")
        let bootstrap = PairedBootstrap(unitCount: units, stream: Self.stream("bootstrap"))
        var covered = 0
        for _ in 0..<repetitions {
            let interval = try #require(bootstrap.interval(ofMean: (0..<units).map { _ in 0.3 + data.gaussian() }))
            if interval.lower <= 0.3 && 0.3 <= interval.upper { covered += 1 }
        }
        // 190 expected, standard deviation 3.1; the percentile interval of 60 values is a little short.
        #expect((176...199).contains(covered))
    }

    @Test("An interval's half width is about 1.96 standard errors")
    func width() throws {
        let units = 400
        var data = Self.stream("width")
        let values = (0..<units).map { _ in data.gaussian() }
        let interval = try #require(
            PairedBootstrap(unitCount: units, stream: Self.stream("bootstrap")).interval(ofMean: values))
        let center = values.reduce(0, +) / Double(units)
        let variance = values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(units)
        let half = 1.959964 * (variance / Double(units)).squareRoot()
        // The 2.5 % quantile of 2,000 draws has a standard deviation of 3 % of the half width.
        #expect(abs(center - half - interval.lower) < 0.12 * half)
        #expect(abs(center + half - interval.upper) < 0.12 * half)
    }

    @Test("Methods share the resamples, so that a shift by a constant moves the interval by that constant")
    func pairing() throws {
        let units = 50
        var data = Self.stream("pairing")
        let values = (0..<units).map { _ in data.gaussian() }
        let bootstrap = PairedBootstrap(unitCount: units, stream: Self.stream("bootstrap"))
        let first = try #require(bootstrap.interval(ofMean: values))
        let second = try #require(bootstrap.interval(ofMean: values.map { $0 + 2 }))
        #expect(abs(second.lower - first.lower - 2) < 1e-12)
        #expect(abs(second.upper - first.upper - 2) < 1e-12)
        #expect(PairedBootstrap(unitCount: units, stream: Self.stream("bootstrap")).interval(ofMean: values) == first)
        #expect(PairedBootstrap(unitCount: units, stream: Self.stream("other")).interval(ofMean: values) != first)
    }

    @Test("Equal values have an interval of no width, and fewer than two values none")
    func degenerate() throws {
        let interval = try #require(
            PairedBootstrap(unitCount: 8, stream: Self.stream("few")).interval(
                ofMean: [Double](repeating: 0.5, count: 8)))
        #expect(interval == Interval(lower: 0.5, upper: 0.5))
        #expect(PairedBootstrap(unitCount: 0, stream: Self.stream("few")).interval(ofMean: []) == nil)
        #expect(PairedBootstrap(unitCount: 1, stream: Self.stream("few")).interval(ofMean: [1]) == nil)
    }
}

@Suite("Processor")
struct ProcessorTests {
    @Test("A processor with all features lacks none, whatever the order and the spaces")
    func complete() {
        #expect(Processor.missingFeatures(inFlags: "flags\t\t: fpu f16c sse2 bmi2 avx fma avx2\n").isEmpty)
        #expect(Processor.missingFeatures(inFlags: "flags : avx2\tbmi2  f16c fma").isEmpty)
    }

    @Test("Missing features are named in order", arguments: ["avx2", "bmi2", "f16c", "fma"])
    func oneMissing(feature: String) {
        let flags = ["avx2", "bmi2", "f16c", "fma"].filter { $0 != feature }.joined(separator: " ")
        #expect(Processor.missingFeatures(inFlags: "flags\t\t: fpu \(flags) sse2\n") == [feature])
    }

    @Test("A feature counts as a whole word only")
    func wholeWords() {
        #expect(
            Processor.missingFeatures(inFlags: "flags : avx avx512f fma4 bmi1 f16 xavx2")
                == ["avx2", "bmi2", "f16c", "fma"])
        #expect(Processor.missingFeatures(inFlags: "") == ["avx2", "bmi2", "f16c", "fma"])
    }
}
