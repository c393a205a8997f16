import Cryptography
import Federation
import Numerics
import Privacy
import Scenario
import Supervision
import Transfer

/// What a persons client keeps of its protected release, for measuring what other noise or other links would have given.
protocol ProtectedRelease {
    /// The control's release, in which each person has another's sources; `nil` for fewer than two contributors.
    var control: Matrix? { get }
    /// The release under so many independent draws of its noise.
    func draws(_ count: Int) throws -> [Matrix]
}

/// The release of one noised vector a linked person: (f, t), each clipped and in units of its bound, in a slot of its own.
///
/// Who has which slot follows from person ids and a secret of this client alone, whatever the persons' data are, so that
/// other data of one person move one slot and nothing else. Of more persons than slots those with the largest codes are
/// left out; the slots of nobody are pure noise.
struct ProtectedVectors: ProtectedRelease {
    let control: Matrix?
    /// The clipped vectors by slot, without noise; `nil` for nobody.
    private let slots: [ClippedSum?]
    private let protection: ReleaseProtection
    private let root: UInt64
    private let key: StreamKey

    /// Contributes every device's vector to the release.
    ///
    /// - Parameters:
    ///   - devices: those that may have a slot, whether or not they have target interactions.
    ///   - linkedTo: whose links each of a number of persons has in the control.
    init(
        _ devices: [Device], linkedTo: (Int) -> [Int], scenario: ScenarioDefinition, seed: Int, key: StreamKey,
        plan: RunPlan, models: inout DeviceModels, gate: inout ReleaseGate
    ) throws {
        guard let protection = gate.protection(of: ReleaseName.personVectors), let slotCount = protection.slotCount
        else { throw RunFailure(.internalError, "the vectors of persons have no slots") }
        let featureBound = scenario.number("privacy.feature-bound")
        let targetBound = scenario.number("privacy.target-bound")
        func clipped(_ values: [Float], _ bound: Double) throws -> [Float] {
            var tensors = [values]
            _ = try PersonClipping(bound: bound).clip(&tensors)
            return tensors[0].map { $0 / Float(bound) }
        }
        let dealt = ProtectedVectors.deal(devices.map(\.person), slotCount: slotCount, key: key)
        try gate.begin(release: ReleaseName.personVectors)
        var contributors: [(slot: Int, feature: [Float], target: [Float])] = []
        for (index, slot) in zip(devices.indices, dealt) {
            guard let slot, let target = try devices[index].targetCoordinates(&models.target, target: plan.target)
            else { continue }
            contributors.append(
                (slot, try clipped(try models.feature(devices[index]), featureBound), try clipped(target, targetBound)))
        }
        let links = linkedTo(contributors.count)
        var slots = [ClippedSum?](repeating: nil, count: slotCount)
        var shuffled = slots
        for (index, person) in contributors.enumerated() {
            let pair = person.feature + person.target
            try gate.contribute(to: ReleaseName.personVectors, slot: person.slot) { contribution in
                contribution.write(TensorName.personVectors, values: pair)
            }
            var own = try ClippedSum(grid: protection.grid)
            try own.add([pair])
            slots[person.slot] = own
            var other = try ClippedSum(grid: protection.grid)
            try other.add([contributors[links[index]].feature + person.target])
            shuffled[person.slot] = other
        }
        self.slots = slots
        self.protection = protection
        self.key = key
        root = UInt64(seed)
        control =
            contributors.count < 2
            ? nil
            : try ProtectedVectors.noised(shuffled, "control", protection: protection, root: UInt64(seed), key: key)
    }

    /// The slot of each person; `nil` for those that are left out. No two have one.
    ///
    /// *Determinism*: a pure function of key, persons and the number of slots.
    static func deal(_ persons: [String], slotCount: Int, key: StreamKey) -> [Int?] {
        let choice = KeyedHash(key: key.derived(["slots", "choice"]))
        let order = KeyedHash(key: key.derived(["slots", "order"]))
        func sorted(_ count: Int, _ code: (Int) -> [UInt8]) -> [Int] {
            let codes = (0..<count).map(code)
            return (0..<count).sorted { codes[$0].lexicographicallyPrecedes(codes[$1]) }
        }
        let positions = sorted(slotCount) { order.code(of: Array("\($0)".utf8)) }
        var out = [Int?](repeating: nil, count: persons.count)
        for (person, slot) in zip(sorted(persons.count) { choice.code(of: Array(persons[$0].utf8)) }, positions) {
            out[person] = slot
        }
        return out
    }

    /// All slots with noise that is not the release's.
    private static func noised(
        _ slots: [ClippedSum?], _ purpose: String, protection: ReleaseProtection, root: UInt64, key: StreamKey
    ) throws(PrivacyError) -> Matrix {
        let nobody = try ClippedSum(grid: protection.grid)
        return Matrix(
            rowCount: slots.count, columnCount: protection.grid.dimension,
            values: slots.indices.flatMap {
                protection.simulated(
                    slots[$0] ?? nobody, purpose: "\(purpose)/\($0)", root: root, key: key, contributions: 1)
            })
    }

    func draws(_ count: Int) throws -> [Matrix] {
        try (0..<count).map {
            try ProtectedVectors.noised(slots, "draw-\($0)", protection: protection, root: root, key: key)
        }
    }
}
