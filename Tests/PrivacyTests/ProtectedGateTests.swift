import Cryptography
import Foundation
import Parameters
import Privacy
import Synchronization
import Testing

/// What leaves a gate whose releases are protected.
@Suite struct ProtectedGateTests {
    private static let specs = [
        TensorSpec(name: "a", shape: [2, 3], scope: .global, bound: 0x1p24, release: "sums"),
        TensorSpec(name: "b", shape: [2], scope: .global, bound: 0x1p24, release: "sums"),
    ]

    private static func protection(
        _ policy: ReleasePolicy, noise: Double = 1, shares: Int = 1
    ) throws -> ReleaseProtection {
        try ReleaseProtection(
            policy: policy,
            grid: FixedPointGrid(
                clippingBound: 1, noiseMultiplier: noise, dimension: 8, personLimit: 1 << 20,
                view: shares > 1 ? .summed : .separate, noiseShareCount: shares), clientCount: shares)
    }

    private final class Recorder: Sendable {
        let entries = Mutex<[LedgerEntry]>([])
        func ledger() -> Ledger { Ledger(client: "persons") { entry in self.entries.withLock { $0.append(entry) } } }
    }

    /// One round with the given persons, each adding eight values.
    private static func release(
        _ persons: [[Float]], _ protection: ReleaseProtection, root: UInt64 = 1, round: Int = 1,
        recorder: Recorder = Recorder()
    ) throws -> [Float] {
        var gate = ReleaseGate(
            client: "persons", ledger: recorder.ledger(), protections: ["sums": protection], root: root,
            key: StreamKey(root: root))
        gate.open(round: round, specs: specs)
        try gate.begin(release: "sums")
        for values in persons {
            try gate.contribute(to: "sums") { contribution in
                contribution.write("a") { _ = $0.update(fromContentsOf: values[0..<6]) }
                contribution.write("b") { _ = $0.update(fromContentsOf: values[6..<8]) }
            }
        }
        let update = try gate.seal()
        #expect(update.policy == protection.policy)
        return update.parameters.tensors.sorted { $0.spec.name < $1.spec.name }.flatMap(\.values)
    }

    @Test("noise that another format would round is refused")
    func refusesOtherFormats() throws {
        for format in [ElementFormat.float16, .int8(blockLength: 4), .topK(count: 1)] {
            let coarse = TensorSpec(
                name: "b", shape: [2], scope: .global, bound: 0x1p24, release: "sums", format: format)
            var gate = ReleaseGate(
                client: "persons", ledger: Recorder().ledger(), protections: ["sums": try Self.protection(.silo)])
            gate.open(round: 1, specs: [Self.specs[0], coarse])
            #expect(
                throws: PrivacyError.invalidValues(
                    reason: "tensor b is protected, and can only cross in float32")
            ) { try gate.begin(release: "sums") }
        }
    }

    @Test("a person is clipped over all tensors of a release together, not tensor by tensor")
    func clipsJointly() throws {
        let values: [Float] = [3, 0, 0, 0, 0, 0, 4, 0]
        let released = try Self.release([values], try Self.protection(.central))
        let norm = released.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        // Tensor by tensor the norm would be √2.
        #expect(abs(norm - 1) < 0.02)
        #expect(abs(Double(released[0]) - 0.6) < 0.01 && abs(Double(released[6]) - 0.8) < 0.01)
    }

    @Test("what is released lies on the grid, in every mode")
    func liesOnTheGrid() throws {
        for policy in [ReleasePolicy.central, .silo, .local] {
            let protection = try Self.protection(policy)
            for value in try Self.release([[0.1, 0.2, 0.3, 0, 0, 0, 0.1, 0]], protection) {
                let units = Double(value) * protection.grid.scale
                #expect(units == units.rounded())
            }
        }
    }

    @Test("the noise of a silo has the promised standard deviation, and an empty round has it too")
    func noiseOfASilo() throws {
        let protection = try Self.protection(.silo, noise: 3)
        var sum = 0.0
        for round in 1...500 {
            sum += try Self.release([], protection, round: round).reduce(0) { $0 + Double($1) * Double($1) }
        }
        let expected = protection.grid.noiseDeviation / protection.grid.scale
        // 4,000 draws: the sample's standard deviation is within 5 % with five of its own.
        #expect(abs((sum / 4_000).squareRoot() / expected - 1) < 0.05)
        #expect(expected >= 3)
    }

    @Test("under local protection every person brings noise, under a silo the client does once")
    func noiseOfPersons() throws {
        func deviation(_ policy: ReleasePolicy) throws -> Double {
            let protection = try Self.protection(policy, noise: 2)
            let persons = [[Float]](repeating: [Float](repeating: 0, count: 8), count: 16)
            var sum = 0.0
            for round in 1...200 {
                sum += try Self.release(persons, protection, round: round).reduce(0) { $0 + Double($1) * Double($1) }
            }
            return (sum / 1_600).squareRoot()
        }
        let ratio = try deviation(.local) / deviation(.silo)
        #expect(abs(ratio - 4) < 0.4)
    }

    @Test("the noise of another round, client and seed is another, that of the same is the same")
    func noiseIsKeyed() throws {
        let protection = try Self.protection(.silo)
        let first = try Self.release([], protection)
        #expect(try Self.release([], protection) == first)
        #expect(try Self.release([], protection, round: 2) != first)
        #expect(try Self.release([], protection, root: 2) != first)
    }

    @Test("removing any person moves what a central release lets out by at most the sensitivity of the ledger")
    func sensitivity() throws {
        let protection = try Self.protection(.central)
        let recorder = Recorder()
        var state: UInt64 = 7
        func next() -> Float {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int64(bitPattern: state) >> 40) / 0x1p20
        }
        for _ in 0..<20 {
            let persons = (0..<10).map { _ in (0..<8).map { _ in next() } }
            let whole = try Self.release(persons, protection, recorder: recorder)
            for left in persons.indices {
                var others = persons
                others.remove(at: left)
                let rest = try Self.release(others, protection)
                let moved = zip(whole, rest).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
                let sensitivity = try #require(recorder.entries.withLock { $0.last?.sensitivity })
                #expect(moved <= sensitivity)
            }
        }
    }

    @Test("the ledger says bound, sensitivity, noise and step, and the chain breaks when one of them is changed")
    func ledgerOfAProtectedRelease() throws {
        let recorder = Recorder()
        let protection = try Self.protection(.silo, noise: 2)
        _ = try Self.release([], protection, recorder: recorder)
        let entry = try #require(recorder.entries.withLock { $0.first })
        #expect(entry.mechanism == Ledger.discreteGaussian && entry.policy == "silo")
        #expect(entry.clippingBound == 1 && entry.dimension == 8 && entry.samplingRate == 1)
        let noise = try #require(entry.noise)
        let sensitivity = try #require(entry.sensitivity)
        #expect(noise / sensitivity >= 2 && noise / sensitivity < 2.001)
        #expect(Ledger.isIntact([entry]))
        let central = Recorder()
        _ = try Self.release([], try Self.protection(.central), recorder: central)
        let raw = try #require(central.entries.withLock { $0.first })
        #expect(raw.mechanism == "none" && raw.noise == nil && raw.sensitivity != nil)
        // A value that is moved to the place of an absent one breaks the chain too.
        let text = String(decoding: try JSONEncoder().encode(raw), as: UTF8.self)
        #expect(text.ranges(of: "\"samplingRate\"").count == 1 && !text.contains("\"step\""))
        let moved = text.replacing("\"samplingRate\"", with: "\"step\"")
        #expect(Ledger.isIntact([raw]))
        #expect(!Ledger.isIntact([try JSONDecoder().decode(LedgerEntry.self, from: Data(moved.utf8))]))
    }

    @Test("a protected tensor cannot be published as a whole, nor a release of another size be made")
    func refusals() throws {
        let protection = try Self.protection(.silo)
        var gate = ReleaseGate(
            client: "persons", ledger: Recorder().ledger(), protections: ["sums": protection], root: 1,
            key: StreamKey(root: 1))
        gate.open(round: 1, specs: Self.specs)
        #expect(throws: PrivacyError.notByPerson(tensor: "a")) {
            try gate.publish("a", values: [Float](repeating: 0, count: 6))
        }
        gate.open(round: 1, specs: [Self.specs[0]])
        #expect(throws: PrivacyError.self) { try gate.begin(release: "sums") }
        #expect(throws: PrivacyError.self) {
            _ = try ReleaseProtection(policy: .unprotected, grid: protection.grid, clientCount: 1)
        }
    }

    @Test("a person whose values are no numbers counts as nobody")
    func notANumber() throws {
        let protection = try Self.protection(.central)
        let broken: [Float] = [.nan, 0, .infinity, 0, 0, 0, 1, 0]
        #expect(try Self.release([broken], protection) == Self.release([], protection))
    }
}
