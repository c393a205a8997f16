import Numerics
import Testing
import Transfer

@Suite("The adversarial monitor")
struct AdversarialMonitorTests {
    static func gaussian(_ count: Int, shift: Float, spread: Float, seed: UInt64) -> Matrix {
        var stream = RandomStream(root: seed, path: ["rows"])
        var out = Matrix(
            rowCount: count, columnCount: 3, values: (0..<3 * count).map { _ in Float(stream.gaussian()) })
        for row in 0..<count { out[row, 1] = spread * out[row, 1] + shift }
        return out
    }

    static func accuracy(_ degree: AdversarialProbe.Degree, shift: Float, spread: Float, scale: Float = 1) throws
        -> Double
    {
        func rows(_ seed: UInt64, _ shift: Float, _ spread: Float) -> Matrix {
            var out = gaussian(2_000, shift: shift, spread: spread, seed: seed)
            for row in 0..<out.rowCount { out[row, 1] *= scale }
            return out
        }
        let probe = try AdversarialProbe(source: rows(1, 0, 1), target: rows(2, shift, spread), degree: degree)
        let counts = [
            probe.count(rows(3, 0, 1), domain: .source), probe.count(rows(4, shift, spread), domain: .target),
        ]
        return try #require(AdversarialMonitor(counts)).accuracy
    }

    @Test("A probe finds what the best rule finds, however small the feature is scaled")
    func probe() throws {
        // Means 2 apart at spread 1: Φ(1) = 0.841. Spreads 1 and 3, the same mean: the best threshold |x| = 1.571 gives
        // ½ (0.884 + 0.600) = 0.742. Four standard errors of 4,000 rows are 0.025.
        for scale in [1e-4, 1, 1e3] as [Float] {
            for degree in AdversarialProbe.Degree.allCases {
                #expect(abs(try Self.accuracy(degree, shift: 2, spread: 1, scale: scale) - 0.841) < 0.03)
                #expect(abs(try Self.accuracy(degree, shift: 0, spread: 1, scale: scale) - 0.5) < 0.04)
            }
            #expect(abs(try Self.accuracy(.quadratic, shift: 0, spread: 3, scale: scale) - 0.742) < 0.03)
            #expect(abs(try Self.accuracy(.linear, shift: 0, spread: 3, scale: scale) - 0.5) < 0.04)
        }
    }

    @Test("A probe stays finite on domains that never overlap")
    func separable() throws {
        #expect(try Self.accuracy(.linear, shift: 100, spread: 1) == 1)
        #expect(try Self.accuracy(.quadratic, shift: 100, spread: 1) == 1)
    }

    @Test("Accuracy averages the domains, and the proxy distance is 2(1 − 2ε)")
    func monitor() throws {
        let counts = [
            AdversarialCount(domain: .source, rowCount: 10, correctCount: 9),
            AdversarialCount(domain: .target, rowCount: 300, correctCount: 150),
            AdversarialCount(domain: .target, rowCount: 100, correctCount: 50),
        ]
        let monitor = try #require(AdversarialMonitor(counts))
        #expect(abs(monitor.accuracy - 0.7) < 1e-15)
        #expect(abs(monitor.proxyADistance - 0.8) < 1e-15)
        #expect(AdversarialMonitor([counts[0]]) == nil)
        #expect(
            AdversarialMonitor([counts[0], AdversarialCount(domain: .target, rowCount: 0, correctCount: 0)]) == nil)
    }

    @Test("A fifth of the ids is held out, whatever other ids there are")
    func heldOut() {
        let ids = (0..<5_000).map { "item-\($0)" }
        let marks = AdversarialMonitor.heldOut(ids, seed: 1)
        let share = Double(marks.count { $0 }) / 5_000
        #expect(abs(share - 0.2) < 0.025)
        #expect(AdversarialMonitor.heldOut(Array(ids.reversed()), seed: 1) == marks.reversed())
        #expect(AdversarialMonitor.heldOut(ids, seed: 2) != marks)
    }
}
