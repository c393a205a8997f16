import Cryptography
import Parameters
import Privacy
import Testing

/// Releases of one noised row a person.
@Suite struct SlotReleaseTests {
    private static let slotCount = 50
    private static let width = 6
    private static let spec = TensorSpec(
        name: "rows", shape: [slotCount, width], scope: .global, bound: 0x1p24, release: "vectors")

    private static func protection(slots: Int? = slotCount, policy: ReleasePolicy = .local) throws -> ReleaseProtection
    {
        try ReleaseProtection(
            policy: policy,
            grid: FixedPointGrid(clippingBound: 1, noiseMultiplier: 2, dimension: width, personLimit: 1 << 20),
            clientCount: 1, slotCount: slots)
    }

    private static func gate(_ recorder: LedgerRecorder = LedgerRecorder(), round: Int = 1) throws -> ReleaseGate {
        var gate = ReleaseGate(
            client: "persons", ledger: recorder.ledger(client: "persons"), protections: ["vectors": try protection()],
            root: 1, key: StreamKey(root: 1))
        gate.open(round: round, specs: [spec])
        try gate.begin(release: "vectors")
        return gate
    }

    /// The rows that leave when the given slots are filled.
    private static func rows(
        _ persons: [Int: [Float]], round: Int = 1, recorder: LedgerRecorder = LedgerRecorder()
    ) throws -> [[Float]] {
        var gate = try gate(recorder, round: round)
        for (slot, values) in persons.sorted(by: { $0.key < $1.key }) {
            try gate.contribute(to: "vectors", slot: slot) { contribution in
                contribution.write("rows") { _ = $0.update(fromContentsOf: values) }
            }
        }
        let values = try #require(try gate.seal().parameters.values("rows"))
        return (0..<slotCount).map { Array(values[$0 * width..<($0 + 1) * width]) }
    }

    @Test("other data of one person move that person's slot alone, by at most twice the sensitivity of the ledger")
    func oneSlotMoves() throws {
        let recorder = LedgerRecorder()
        var persons: [Int: [Float]] = [3: [9, 0, 0, 0, 0, 0], 17: [0, 0.2, 0, 0, 0, 0.1]]
        let before = try Self.rows(persons, recorder: recorder)
        let entry = try #require(recorder.entries.first)
        let sensitivity = try #require(entry.sensitivity)
        #expect(entry.policy == "local" && entry.dimension == Self.width && sensitivity >= 1 && sensitivity < 1.02)
        for other: [Float]? in [[-9, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], nil] {
            persons[3] = other
            let after = try Self.rows(persons)
            for slot in before.indices where slot != 3 { #expect(before[slot] == after[slot]) }
            let moved = zip(before[3], after[3]).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
                .squareRoot()
            #expect(moved > 0.9 && moved <= 2 * sensitivity)
            // The opposite vector needs the factor two of replace-one.
            if other?[0] == -9 { #expect(moved > 1.9) }
        }
    }

    @Test("a slot of nobody has the noise of the ledger, and no slot is exactly what its person wrote")
    func emptySlots() throws {
        let recorder = LedgerRecorder()
        var (empty, zero) = (0.0, 0.0)
        for round in 1...100 {
            let rows = try Self.rows([0: [Float](repeating: 0, count: Self.width)], round: round, recorder: recorder)
            for (slot, row) in rows.enumerated() {
                let square = row.reduce(0) { $0 + Double($1) * Double($1) }
                if slot == 0 { zero += square } else { empty += square }
                #expect(square > 0)
            }
        }
        let noise = try #require(recorder.entries.first?.noise)
        // 29,400 and 600 draws: a standard deviation is known to 0.4 and 2.9 %.
        #expect(abs((empty / Double(100 * Self.width * (Self.slotCount - 1))).squareRoot() / noise - 1) < 0.02)
        #expect(abs((zero / Double(100 * Self.width)).squareRoot() / noise - 1) < 0.15)
        #expect(recorder.entries.count == 100)
    }

    @Test("no two slots have the same noise")
    func noiseDiffers() throws {
        #expect(Set(try Self.rows([:])).count == Self.slotCount)
    }

    @Test("a second person in a slot, a slot that is not there and a contribution without one are refused")
    func refusals() throws {
        var gate = try Self.gate()
        try gate.contribute(to: "vectors", slot: 5) { _ in }
        #expect(throws: PrivacyError.slotTaken(release: "vectors")) {
            try gate.contribute(to: "vectors", slot: 5) { _ in }
        }
        for slot in [nil, -1, Self.slotCount] {
            #expect(throws: PrivacyError.self) { try gate.contribute(to: "vectors", slot: slot) { _ in } }
        }
        for policy in [ReleasePolicy.central, .silo, .distributed] {
            #expect(throws: PrivacyError.self) { try Self.protection(policy: policy) }
        }
        #expect(throws: PrivacyError.self) { try Self.protection(slots: 0) }
        // A sum has no slots, nor can a row be published as it is.
        #expect(throws: PrivacyError.self) { try gate.publish("rows", values: []) }
    }
}
