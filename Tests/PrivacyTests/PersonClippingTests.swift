import Cryptography
import Glibc
import Numerics
import Parameters
import Privacy
import Testing

@Suite("Person clipping")
struct PersonClippingTests {
    /// The joint norm, summed in 80-bit arithmetic.
    private static func norm<Value: BinaryFloatingPoint>(_ tensors: [[Value]]) -> Double {
        let largest = tensors.joined().reduce(0) { max($0, Double($1.magnitude)) }
        guard largest > 0 else { return 0 }
        let sum = tensors.joined().reduce(Float80(0)) {
            $0 + Float80(Double($1) / largest) * Float80(Double($1) / largest)
        }
        return Double(sum.squareRoot() * Float80(largest))
    }

    @Test("No update comes out with a norm above the bound, and a clipped one is at it, in its own direction")
    func clippedNorm() throws {
        var random = RandomStream(root: 1, path: ["clipping"])
        for round in 0..<2000 {
            let clipping = try PersonClipping(bound: exp2(-20 + 40 * random.uniform()))
            let magnitude = exp2(-60 + 120 * random.uniform())
            let sizes = [[1], [5, 7], [100, 1, 300]][round % 3]
            let original = sizes.map { size in (0..<size).map { _ in magnitude * random.gaussian() } }
            var doubles = original
            var singles = original.map { $0.map { Float($0) } }
            let outcome = clipping.clip(&doubles)
            _ = clipping.clip(&singles)
            #expect(Self.norm(doubles) <= clipping.bound, "round \(round)")
            #expect(Self.norm(singles) <= clipping.bound, "round \(round)")
            if outcome == .within {
                #expect(doubles == original)
            } else {
                #expect(Self.norm(doubles) > clipping.bound * (1 - 1e-12))
                let factor = clipping.bound / Self.norm(original)
                for (clipped, value) in zip(doubles.joined(), original.joined()) {
                    #expect(abs(clipped - value * factor) <= 1e-12 * abs(value * factor))
                }
            }
        }
    }

    @Test("The bound holds for all tensors together, not for each")
    func jointNorm() throws {
        let clipping = try PersonClipping(bound: 1)
        var tensors: [[Double]] = [[1], [1], [1], [1]]
        #expect(clipping.clip(&tensors) == .clipped)
        #expect(abs(Self.norm(tensors) - 1) < 1e-12)
        #expect(tensors.allSatisfy { abs($0[0] - 0.5) < 1e-12 })
    }

    @Test("Zero stays zero, nothing stays nothing, and a norm just below the bound is left alone")
    func edges() throws {
        let clipping = try PersonClipping(bound: 5)
        var zero: [[Float]] = [[0, -0.0], []]
        #expect(clipping.clip(&zero) == .within)
        #expect(zero == [[0, 0], []])
        var nothing: [[Double]] = []
        #expect(clipping.clip(&nothing) == .within)
        var below: [[Double]] = [[3, 4 * (1 - 1e-14)]]
        #expect(clipping.clip(&below) == .within)
        var above: [[Double]] = [[3, 4 * (1 + 1e-14)]]
        #expect(clipping.clip(&above) == .clipped)
        #expect(Self.norm(above) <= 5)
    }

    @Test(
        "An update that is not finite counts as zero, wherever the number stands",
        arguments: [Float.nan, .infinity, -.infinity, .signalingNaN])
    func notFinite(value: Float) throws {
        let clipping = try PersonClipping(bound: 1)
        for position in 0..<4 {
            var flat: [Float] = [1, 2, 3, 4]
            flat[position] = value
            var tensors = [Array(flat[..<2]), Array(flat[2...])]
            #expect(clipping.clip(&tensors) == .refused)
            #expect(tensors == [[0, 0], [0, 0]])
            var doubles = [flat.map(Double.init)]
            #expect(clipping.clip(&doubles) == .refused)
            #expect(doubles == [[0, 0, 0, 0]])
        }
    }

    @Test("Numbers whose squares overflow or vanish are clipped like any other")
    func extremeNumbers() throws {
        for bound in [1e-30, 1, 1e30] {
            let clipping = try PersonClipping(bound: bound)
            for value in [Double.greatestFiniteMagnitude, 1e200] {
                var tensors = [[value, -value, 0]]
                #expect(clipping.clip(&tensors) == .clipped)
                #expect(Self.norm(tensors) <= bound && Self.norm(tensors) > bound * (1 - 1e-12))
            }
            for value in [Double.leastNonzeroMagnitude, 1e-200] {
                var tensors = [[value, -value, 0]]
                #expect(clipping.clip(&tensors) == .within)
                #expect(tensors == [[value, -value, 0]])
            }
        }
    }

    @Test("A bound that is none is refused", arguments: [Double.nan, .infinity, 0, -1, 1e-300, 1e300])
    func badBounds(bound: Double) {
        #expect(throws: PrivacyError.self) { try PersonClipping(bound: bound) }
    }
}

@Suite("Adaptive clipping")
struct AdaptiveClippingTests {
    /// Runs 400 rounds of 500 persons with the given norms, the bits through the release gate as a run sends them.
    private static func settle(
        quantile: Double, norms: (inout RandomStream) -> Double, seed: UInt64
    ) throws -> AdaptiveClipping {
        var state = try AdaptiveClipping(
            initialBound: 0.1, range: 0x1p-20...0x1p20, targetQuantile: quantile, expectedCount: 500)
        // σ_b = 25 on the number of persons: a multiplier of 50 on bits of ½.
        let spec = TensorSpec(name: "bits", shape: [1], scope: .global, bound: 0x1p24, release: "bits")
        let protection = try ReleaseProtection(
            policy: .silo,
            grid: FixedPointGrid(
                clippingBound: AdaptiveClipping.bitBound, noiseMultiplier: 50, dimension: 1, personLimit: 1 << 20),
            clientCount: 1)
        var gate = ReleaseGate(
            client: "persons", ledger: LedgerRecorder().ledger(client: "persons"), protections: ["bits": protection],
            root: seed, key: StreamKey(root: seed))
        var random = RandomStream(root: seed, path: ["norms"])
        for round in 1...400 {
            let clipping = try PersonClipping(bound: state.bound)
            gate.open(round: round, specs: [spec])
            try gate.begin(release: "bits")
            for _ in 0..<500 {
                var update = [[norms(&random)]]
                let bit = AdaptiveClipping.bit(of: clipping.clip(&update))
                try gate.contribute(to: "bits") { $0.write("bits") { $0[0] = bit } }
            }
            state.update(noisyTotal: Double(try #require(try gate.seal().parameters.values("bits")?.first)))
        }
        return state
    }

    @Test("The bound settles at the target quantile of the norms", arguments: [0.2, 0.5, 0.9])
    func converges(quantile: Double) throws {
        // Norms uniform on 0 … 8: the quantile is 8γ.
        let state = try Self.settle(quantile: quantile, norms: { 8 * $0.uniform() }, seed: 3)
        #expect(abs(state.bound / (8 * quantile) - 1) < 0.1, "\(state.bound)")
    }

    @Test("All-zero norms bring the bound to its least, huge ones to its largest, and no further")
    func extremeNorms() throws {
        #expect(try Self.settle(quantile: 0.5, norms: { _ in 0 }, seed: 1).bound < 0x1p-19)
        #expect(try Self.settle(quantile: 0.5, norms: { _ in 1e300 }, seed: 1).bound > 0x1p19)
        var state = try AdaptiveClipping(initialBound: 1, range: 0.5...2, expectedCount: 10)
        state.update(noisyTotal: .infinity)
        #expect(state.bound == 0.5)
        state.update(noisyTotal: -.infinity)
        #expect(state.bound == 2)
        state.update(noisyTotal: .nan)
        #expect(state.bound == 2)
    }

    @Test("One person moves the total by ½, a refused one by nothing")
    func bits() {
        #expect(AdaptiveClipping.bit(of: .within) == 0.5 && AdaptiveClipping.bit(of: .clipped) == -0.5)
        #expect(AdaptiveClipping.bit(of: .refused) == 0 && AdaptiveClipping.bitBound == 0.5)
    }

    @Test("The bound is divided by the expected number of participants, not by the observed one")
    func expectedCount() throws {
        var state = try AdaptiveClipping(initialBound: 1, range: 0.01...100, expectedCount: 100)
        // 50 persons, all within: the fraction is estimated as ½ + 25/100.
        state.update(noisyTotal: 25)
        #expect(abs(state.bound - exp(-0.2 * 0.25)) < 1e-12)
    }

    @Test("Update and bits together cost what one release of the whole multiplier costs")
    func split() throws {
        for (total, bits) in [(1.0, 1.2), (1, 10), (0.3, 200), (20, 20.0002)] {
            let update = try AdaptiveClipping.updateNoiseMultiplier(total: total, bits: bits)
            #expect(update > total)
            let joint = 1 / (1 / (update * update) + 1 / (bits * bits))
            #expect(abs(joint / (total * total) - 1) < 1e-9)
        }
        // Andrew et al. 2021, section 3.1: bits at σ_b = q·N/20 with 100 participants cost little.
        #expect(abs(try AdaptiveClipping.updateNoiseMultiplier(total: 1, bits: 10) - 1.005_037_815) < 1e-8)
        for (total, bits) in [(1.0, 1.0), (1, 0.4), (0, 1), (.nan, 1), (1, .nan), (1, .infinity), (-1, 1)] {
            #expect(throws: PrivacyError.self) {
                try AdaptiveClipping.updateNoiseMultiplier(total: total, bits: bits)
            }
        }
    }

    @Test("Hostile parameters are refused")
    func hostileParameters() {
        for value in [Double.nan, .infinity, -1, 0, 1e300] {
            #expect(throws: PrivacyError.self) {
                try AdaptiveClipping(initialBound: value, range: 0.5...2, expectedCount: 10)
            }
            #expect(throws: PrivacyError.self) {
                try AdaptiveClipping(initialBound: 1, range: 0.5...2, expectedCount: value)
            }
            #expect(throws: PrivacyError.self) {
                try AdaptiveClipping(initialBound: 1, range: 0.5...2, learningRate: value, expectedCount: 10)
            }
        }
    }
}
