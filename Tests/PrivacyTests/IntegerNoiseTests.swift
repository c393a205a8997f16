import Cryptography
import Glibc
import Numerics
import Privacy
import Testing

@Suite("Integer noise")
struct IntegerNoiseTests {
    private static func stream(_ name: String) -> KeyStream { KeyStream(key: StreamKey(root: 2020).derived([name])) }

    /// The frequency of an event is within five standard deviations of its probability.
    private static func isPlausible(_ hits: Int, of count: Int, probability: Double) -> Bool {
        let deviation = (Double(count) * probability * (1 - probability)).squareRoot()
        return abs(Double(hits) - Double(count) * probability) <= 5 * deviation + 0.5
    }

    @Test(
        "A draw of probability exp(−γ) has that probability, for γ from 0 to 7",
        arguments: [(0, 1), (1, 1_000_000), (1, 3), (1, 2), (999, 1000), (1, 1), (1001, 1000), (2, 1), (7, 2), (7, 1)])
    func bernoulliExp(numerator: Int, denominator: Int) {
        var stream = Self.stream("bernoulli \(numerator)/\(denominator)")
        let count = 1_000_000
        var hits = 0
        for _ in 0..<count where stream.bernoulliExp(ofMinus: UInt128(numerator), over: UInt128(denominator)) {
            hits += 1
        }
        let probability = exp(-Double(numerator) / Double(denominator))
        #expect(Self.isPlausible(hits, of: count, probability: probability), "\(hits)")
        if numerator == 0 { #expect(hits == count) }
    }

    @Test("The largest numerators and denominators are decided without a trap")
    func bernoulliLimits() {
        var stream = Self.stream("limits")
        let largest = (UInt128(1) << 79) - 1
        var hits = 0
        for _ in 0..<100_000 where stream.bernoulliExp(ofMinus: largest / 2, over: largest) { hits += 1 }
        #expect(Self.isPlausible(hits, of: 100_000, probability: exp(-0.5)))
        for _ in 0..<1000 {
            let isHit = stream.bernoulliExp(ofMinus: largest << 37, over: 3)
            #expect(!isHit)
        }
    }

    @Test("A fraction that the first 32 bits cannot decide is decided by the next, exactly")
    func bernoulliRefinement() {
        // The first digit of the stream, taken as the fraction itself, forces a tie whenever it comes up again: the
        // answer must then be that of the second digit.
        for seed: UInt64 in 0..<200 {
            var preview = KeyStream(key: StreamKey(root: seed))
            let first = UInt128(preview.nextWord())
            let second = UInt128(preview.nextWord())
            for threshold in [second, second + 1] {
                var stream = KeyStream(key: StreamKey(root: seed))
                let answer = stream.bernoulli(first << 32 | threshold, over: UInt128(1) << 64)
                #expect(answer == (second < threshold), "seed \(seed)")
            }
        }
    }

    @Test("exp(−1) by 64-bit arithmetic has its probability")
    func bernoulliExpOfMinusOne() {
        var stream = Self.stream("e")
        var hits = 0
        for _ in 0..<4_000_000 where stream.bernoulliExpOfMinusOne() { hits += 1 }
        #expect(Self.isPlausible(hits, of: 4_000_000, probability: exp(-1)), "\(hits)")
    }

    @Test(
        "The discrete Gaussian follows its exact probabilities",
        arguments: [16.0, 20.25, 31.9, 32, 100.5, 1e6, 1e12])
    func gaussianFits(variance: Double) throws {
        let gaussian = try DiscreteGaussian(variance: variance)
        let count = 1_000_000
        let sigma = variance.squareRoot()
        let width = max(1, Int(sigma / 8))
        let cellCount = 2 * Int(5 * sigma / Double(width)) + 1
        let probabilities = GoodnessOfFit.cells(count: cellCount, width: width, reach: Int(9 * sigma)) {
            exp(-$0 * $0 / (2 * variance))
        }
        var observed = [Int](repeating: 0, count: cellCount)
        var sum = 0.0
        var squares = 0.0
        var beyond4 = 0
        var stream = Self.stream("gaussian \(variance)")
        for _ in 0..<count {
            let value = gaussian.sample(from: &stream)
            observed[GoodnessOfFit.cell(value, count: cellCount, width: width)] += 1
            sum += Double(value)
            squares += Double(value) * Double(value)
            if Double(value.magnitude) > 4 * sigma { beyond4 += 1 }
        }
        let fit = GoodnessOfFit.chiSquare(observed: observed, probabilities: probabilities)
        #expect(fit.statistic < fit.limit, "variance \(variance)")
        // Five standard errors: σ/√n for the mean, σ²·√(2/n) for the variance.
        #expect(abs(sum / Double(count)) < 5 * sigma / Double(count).squareRoot())
        #expect(abs(squares / Double(count) / variance - 1) < 5 * (2 / Double(count)).squareRoot())
        // The continuous tail beyond 4σ is 63 in a million; the lattice moves it by at most one step.
        let least = erfc((4 + 1 / sigma) / 2.0.squareRoot())
        let most = erfc((4 - 1 / sigma) / 2.0.squareRoot())
        #expect(Double(beyond4) > Double(count) * least - 5 * (Double(count) * least).squareRoot())
        #expect(Double(beyond4) < Double(count) * most + 5 * (Double(count) * most).squareRoot())
    }

    @Test("The same test rejects a variance that is wrong by 2 %, and a rounded Gaussian at σ = 4")
    func fitHasPower() throws {
        let count = 1_000_000
        let probabilities = GoodnessOfFit.cells(count: 41, width: 1, reach: 60) { exp(-$0 * $0 / 32) }
        let wrong = try DiscreteGaussian(variance: 16.32)
        var stream = Self.stream("power")
        var observed = [Int](repeating: 0, count: 41)
        for _ in 0..<count {
            observed[GoodnessOfFit.cell(wrong.sample(from: &stream), count: 41, width: 1)] += 1
        }
        var fit = GoodnessOfFit.chiSquare(observed: observed, probabilities: probabilities)
        #expect(fit.statistic > fit.limit)
        // Rounding adds 1/12 to the variance.
        var random = RandomStream(root: 1, path: ["rounded"])
        observed = [Int](repeating: 0, count: 41)
        for _ in 0..<4 * count {
            observed[GoodnessOfFit.cell(Int64((4 * random.gaussian()).rounded()), count: 41, width: 1)] += 1
        }
        fit = GoodnessOfFit.chiSquare(observed: observed, probabilities: probabilities)
        #expect(fit.statistic > fit.limit)
    }

    @Test("The discrete Laplace follows its exact probabilities and variance", arguments: [2.9, 4, 10.3, 1000])
    func laplaceFits(scale: Double) throws {
        let laplace = try DiscreteLaplace(scale: scale)
        let count = 1_000_000
        let width = max(1, Int(scale / 8))
        let cellCount = 2 * Int(10 * scale / Double(width)) + 1
        let probabilities = GoodnessOfFit.cells(count: cellCount, width: width, reach: Int(40 * scale)) {
            exp(-abs($0) / scale)
        }
        var observed = [Int](repeating: 0, count: cellCount)
        var squares = 0.0
        var stream = Self.stream("laplace \(scale)")
        for _ in 0..<count {
            let value = laplace.sample(from: &stream)
            observed[GoodnessOfFit.cell(value, count: cellCount, width: width)] += 1
            squares += Double(value) * Double(value)
        }
        let fit = GoodnessOfFit.chiSquare(observed: observed, probabilities: probabilities)
        #expect(fit.statistic < fit.limit)
        // The kurtosis is 6, so the standard error of the variance is its √(5/n).
        #expect(abs(squares / Double(count) / laplace.variance - 1) < 5 * (5 / Double(count)).squareRoot())
    }

    @Test("Noise is never less than asked for, and more by at most a part in 2³⁶")
    func parametersRoundUp() throws {
        var random = RandomStream(root: 4, path: ["variances"])
        for _ in 0..<10_000 {
            let sigma = exp2(2 + 34 * random.uniform())
            let gaussian = try DiscreteGaussian(variance: sigma * sigma)
            #expect(gaussian.variance >= sigma * sigma && gaussian.variance <= sigma * sigma * (1 + 0x1p-36))
            #expect(try DiscreteGaussian(standardDeviation: sigma).standardDeviation >= sigma)
            let laplace = try DiscreteLaplace(scale: sigma / 2 + 1)
            #expect(laplace.scale >= sigma / 2 + 1 && laplace.scale <= (sigma / 2 + 1) * (1 + 0x1p-36))
        }
        #expect(try DiscreteGaussian(variance: 16).variance == 16)
        #expect(try DiscreteGaussian(standardDeviation: 4).variance == 16)
        #expect(try DiscreteGaussian(variance: 100.5).variance == 100.5)
    }

    @Test("The largest noise is drawn without a trap")
    func largestNoise() throws {
        let gaussian = try DiscreteGaussian(standardDeviation: 0x1p36)
        let laplace = try DiscreteLaplace(scale: 0x1p35)
        var stream = Self.stream("largest")
        var squares = 0.0
        for _ in 0..<100_000 {
            let value = Double(gaussian.sample(from: &stream))
            squares += value * value / 100_000
            _ = laplace.sample(from: &stream)
        }
        #expect(abs(squares / gaussian.variance - 1) < 0.03)
    }

    @Test("Noise below four units and numbers that are none are refused")
    func refusals() {
        #expect(throws: PrivacyError.noiseTooFine(standardDeviation: 15.9.squareRoot(), minimum: 4)) {
            try DiscreteGaussian(variance: 15.9)
        }
        #expect(throws: PrivacyError.noiseTooFine(standardDeviation: 4.0.nextDown, minimum: 4)) {
            try DiscreteGaussian(standardDeviation: 4.0.nextDown)
        }
        #expect(throws: PrivacyError.self) { try DiscreteLaplace(scale: 2.8) }
        for value in [Double.nan, .infinity, -.infinity, 0, -5, .greatestFiniteMagnitude, .leastNonzeroMagnitude] {
            #expect(throws: PrivacyError.self) { try DiscreteGaussian(variance: value) }
            #expect(throws: PrivacyError.self) { try DiscreteGaussian(standardDeviation: value) }
            #expect(throws: PrivacyError.self) { try DiscreteLaplace(scale: value) }
        }
    }

    @Test("Noise of one key repeats, of another key or path is independent")
    func independence() throws {
        let gaussian = try DiscreteGaussian(standardDeviation: 1000)
        func noise(_ path: [StreamComponent]) -> [Int64] {
            var stream = KeyStream(key: StreamKey(root: 8).derived(path))
            var values = [Int64](repeating: 0, count: 100_000)
            gaussian.add(to: &values, from: &stream)
            return values
        }
        let first = noise(["client", 1, "round", 1])
        #expect(first == noise(["client", 1, "round", 1]))
        for path: [StreamComponent] in [
            ["client", 2, "round", 1], ["client", 1, "round", 2], ["client", "1", "round", 1],
        ] {
            let product = zip(first, noise(path)).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            #expect(abs(product / 1e6 / 1e5) < 5 / 1e5.squareRoot())
        }
        let neighbours = zip(first, first.dropFirst()).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs(neighbours / 1e6 / 1e5) < 5 / 1e5.squareRoot())
    }
}
