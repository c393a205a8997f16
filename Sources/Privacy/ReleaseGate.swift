public import Cryptography
public import Parameters

/// The only way out of a client: what is not released here cannot be sent.
///
/// A round is opened with the tensors it must release. Person-level sums enter one person at a time through
/// `contribute`, into one reused buffer; trained parameters enter whole through `publish`, which exists for releases
/// without protection alone. Where a release is protected, the gate clips each person over all its tensors together,
/// rounds the sum to the grid and adds what noise is the client's to add. `seal` writes the ledger first and only then
/// makes the update.
public struct ReleaseGate: ~Copyable {
    /// One person's addition to the tensors of one release.
    public struct Contribution {
        fileprivate var tensors: [(name: String, values: [Float])]

        /// Writes one tensor of the contribution; it is zero until written.
        ///
        /// - Precondition: the tensor belongs to the release.
        public mutating func write(_ name: String, _ body: (UnsafeMutableBufferPointer<Float>) -> Void) {
            guard let index = tensors.firstIndex(where: { $0.name == name }) else {
                preconditionFailure("tensor \(name) is not part of this release")
            }
            tensors[index].values.withUnsafeMutableBufferPointer { body($0) }
        }

        /// Writes the values of one tensor of the contribution.
        ///
        /// - Precondition: the tensor belongs to the release and has as many elements.
        public mutating func write(_ name: String, values: [Float]) {
            write(name) { target in
                precondition(target.count == values.count, "tensor \(name) has \(target.count) elements")
                _ = target.update(fromContentsOf: values)
            }
        }
    }

    private struct Pending {
        let spec: TensorSpec
        /// Sums over persons.
        var sums: [Double]?
        /// What was published as a whole.
        var published: [Float]?
        /// The same, with its elements checked.
        var tensor: ParameterSet.Tensor?

        var isReleased: Bool { sums != nil || published != nil || tensor != nil }
    }

    private var ledger: Ledger
    private let client: String
    private let protections: [String: ReleaseProtection]
    private let root: UInt64
    private let key: StreamKey
    private var clipped: [String: ClippedSum] = [:]
    /// Sums of contributions that are noised one by one.
    private var local: [String: [Double]] = [:]
    private var localNoise: [String: Int] = [:]
    /// The slots that are taken, of releases that have some.
    private var takenSlots: [String: Set<Int>] = [:]
    /// What 1 of a release's values stands for, of those whose bound moves.
    private var units: [String: Double] = [:]
    private var round = 0
    private var isOpen = false
    private var pending: [Pending] = []
    private var buffers: [String: Contribution] = [:]
    private var feedback = ErrorFeedback()

    /// A closed gate.
    ///
    /// - Parameters:
    ///   - client: the client's id, part of the path of its noise.
    ///   - protections: how releases are protected, by name; the others are `unprotected`.
    ///   - root: the run's seed, from which the public dither comes.
    ///   - key: the secret of the noise; without one what `root` gives.
    public init(
        client: String, ledger: Ledger, protections: [String: ReleaseProtection] = [:], root: UInt64 = 0,
        key: StreamKey? = nil
    ) {
        self.client = client
        self.ledger = ledger
        self.protections = protections
        self.root = root
        self.key = key ?? StreamKey(root: root)
    }

    /// How much of what a round changes is not sent because the formats of its tensors have few values: the norm of what
    /// is left over, over the norm of the change, in the mean over rounds. `nil` where all is sent.
    public var meanFormatError: Double? { feedback.meanRelativeError }

    /// Forgets what formats left over of earlier rounds, where a training begins anew.
    public mutating func forgetLeftovers() { feedback.reset() }

    /// How a release is protected; `nil` for one without protection.
    public func protection(of release: String) -> ReleaseProtection? { protections[release] }

    /// Opens the gate for one round; whatever an unfinished round left is dropped.
    public mutating func open(round: Int, specs: [TensorSpec]) {
        self.round = round
        isOpen = true
        pending = specs.sorted { $0.name < $1.name }.map { Pending(spec: $0) }
        buffers = [:]
        clipped = [:]
        local = [:]
        localNoise = [:]
        takenSlots = [:]
        units = [:]
    }

    /// Starts the person-level sums of a release at zero, so that a release without contributors is a release too.
    ///
    /// - Parameter valueUnit: what 1 of the contributions stands for, where they are in units of a bound that moves; for the
    ///   ledger.
    /// - Throws: `undeclared`, `releasedTwice`, `invalidValues` for a protected release that is not in `float32`.
    public mutating func begin(release: String, valueUnit: Double? = nil) throws(PrivacyError) {
        units[release] = valueUnit
        let members = pending.indices.filter { pending[$0].spec.release == release }
        guard !members.isEmpty else { throw .undeclared(tensor: release) }
        for index in members where pending[index].isReleased {
            throw .releasedTwice(tensor: pending[index].spec.name)
        }
        // Noise is of the integers of a grid, and must arrive as it was made.
        if protections[release] != nil, let index = members.first(where: { pending[$0].spec.format != .float32 }) {
            throw .invalidValues(
                reason: "tensor \(pending[index].spec.name) is protected, and can only cross in float32")
        }
        for index in members {
            pending[index].sums = [Double](repeating: 0, count: pending[index].spec.elementCount)
        }
        if let protection = protections[release] {
            let dimension = members.reduce(0) { $0 + pending[$1].spec.elementCount }
            guard protection.grid.dimension * (protection.slotCount ?? 1) == dimension else {
                throw .invalidValues(
                    reason:
                        "release \(release) has \(dimension) values, its protection is for \(protection.grid.dimension * (protection.slotCount ?? 1))"
                )
            }
            if protection.policy == .local {
                local[release] = [Double](repeating: 0, count: dimension)
            } else {
                clipped[release] = try ClippedSum(grid: protection.grid)
            }
        }
        // A release in slots is of one tensor, of which a person writes one row.
        let slots = protections[release]?.slotCount ?? 1
        guard slots == 1 || members.count == 1 else {
            throw .invalidValues(reason: "release \(release) has slots and \(members.count) tensors, not one")
        }
        buffers[release] = Contribution(
            tensors: members.map {
                (pending[$0].spec.name, [Float](repeating: 0, count: pending[$0].spec.elementCount / slots))
            })
    }

    /// Adds one person's contribution to a release that has begun. *Complexity*: O(elements of the release).
    ///
    /// - Parameter slot: the row that the person has alone, where the release has slots.
    /// - Throws: `undeclared`, `slotTaken`, `invalidValues` for a slot that the release does not have.
    public mutating func contribute(
        to release: String, slot: Int? = nil, _ fill: (inout Contribution) -> Void
    ) throws(PrivacyError) {
        let slotCount = protections[release]?.slotCount
        guard (slot == nil) == (slotCount == nil), slot.map({ $0 >= 0 && $0 < slotCount ?? 0 }) ?? true else {
            throw .invalidValues(
                reason:
                    "release \(release) has \(slotCount.map { "\($0) slots" } ?? "no slots"), a contribution is for "
                    + (slot.map { "slot \($0)" } ?? "none"))
        }
        if let slot, !takenSlots[release, default: []].insert(slot).inserted { throw .slotTaken(release: release) }
        guard var contribution = buffers.removeValue(forKey: release) else { throw .undeclared(tensor: release) }
        for index in contribution.tensors.indices {
            contribution.tensors[index].values.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        }
        fill(&contribution)
        if let protection = protections[release] {
            try protect(contribution.tensors.map(\.values), release: release, slot: slot, by: protection)
            buffers[release] = contribution
            return
        }
        for (name, values) in contribution.tensors {
            guard let index = pending.firstIndex(where: { $0.spec.name == name }) else { continue }
            values.withUnsafeBufferPointer { values in
                pending[index].sums?.withUnsafeMutableBufferPointer { sums in
                    for element in sums.indices { sums[element] += Double(values[element]) }
                }
            }
        }
        buffers[release] = contribution
    }

    /// Adds one person's contribution to a protected release.
    private mutating func protect(
        _ tensors: [[Float]], release: String, slot: Int?, by protection: ReleaseProtection
    ) throws(PrivacyError) {
        guard protection.policy == .local else {
            try clipped[release]?.add(tensors)
            return
        }
        var own = try ClippedSum(grid: protection.grid)
        try own.add(tensors)
        addNoised(own, to: release, number: slot ?? localNoise[release, default: 0], slot: slot, by: protection)
        localNoise[release, default: 0] += 1
    }

    /// Adds one clipped contribution with noise of its own, to the whole release or to its slot.
    private mutating func addNoised(
        _ own: ClippedSum, to release: String, number: Int, slot: Int?, by protection: ReleaseProtection
    ) {
        var dither = ReleaseProtection.dither(root: root, release: "\(release)/\(number)", round: round)
        var integers = own.integers(dither: &dither)
        var noise = KeyStream(key: key.derived(["noise", client, release, "\(round)", "\(number)"]))
        protection.grid.noise.add(to: &integers, from: &noise)
        let values = protection.grid.decode(integers)
        let start = (slot ?? 0) * values.count
        for index in values.indices { local[release]?[start + index] += values[index] }
    }

    /// Fills the slots of nobody with noise alone, so that they cannot be told from the others.
    private mutating func fillSlots(_ release: String, by protection: ReleaseProtection) throws(PrivacyError) {
        guard let slotCount = protection.slotCount, local[release] != nil else { return }
        let nobody = try ClippedSum(grid: protection.grid)
        for slot in 0..<slotCount where takenSlots[release]?.contains(slot) != true {
            addNoised(nobody, to: release, number: slot, slot: slot, by: protection)
        }
    }

    /// Puts what a protected release lets out where the round's parameters are made.
    private mutating func finishProtected() throws(PrivacyError) {
        for (release, protection) in protections.sorted(by: { $0.key < $1.key }) {
            try fillSlots(release, by: protection)
            let values: [Float]
            if let sum = clipped[release] {
                var dither = ReleaseProtection.dither(root: root, release: release, round: round)
                var noise = KeyStream(key: key.derived(["noise", client, release, "\(round)"]))
                values = protection.released(sum, dither: &dither, noise: &noise)
            } else if let sum = local[release] {
                values = sum.map { Float($0) }
            } else {
                continue
            }
            var position = 0
            for index in pending.indices where pending[index].spec.release == release {
                let count = pending[index].spec.elementCount
                // Noise may leave the declared range of a tensor; to hold it there is post-processing.
                let bound = Double(pending[index].spec.bound)
                pending[index].sums = values[position..<position + count].map { min(max(Double($0), -bound), bound) }
                position += count
            }
        }
        clipped = [:]
        local = [:]
    }

    /// Releases trained parameters as a whole; possible for releases without protection alone.
    ///
    /// - Throws: `undeclared`, `releasedTwice`, `invalidValues`.
    public mutating func publish(_ name: String, values: [Float]) throws(PrivacyError) {
        let index = try place(of: name)
        guard values.count == pending[index].spec.elementCount else {
            throw .invalidValues(
                reason: "tensor \(name) has \(values.count) elements, not \(pending[index].spec.elementCount)")
        }
        pending[index].published = values
    }

    /// Releases a tensor as a whole, as `publish(_:values:)`.
    ///
    /// - Throws: `undeclared`, `releasedTwice`, `invalidValues` for another declaration than the round's.
    public mutating func publish(_ tensor: ParameterSet.Tensor) throws(PrivacyError) {
        let index = try place(of: tensor.spec.name)
        guard tensor.spec == pending[index].spec else {
            throw .invalidValues(reason: "tensor \(tensor.spec.name) is declared otherwise in this round")
        }
        pending[index].tensor = tensor
    }

    /// Where a tensor is that may be released whole.
    private func place(of name: String) throws(PrivacyError) -> Int {
        guard let index = pending.firstIndex(where: { $0.spec.name == name }) else { throw .undeclared(tensor: name) }
        guard !pending[index].isReleased else { throw .releasedTwice(tensor: name) }
        guard protections[pending[index].spec.release] == nil else { throw .notByPerson(tensor: name) }
        return index
    }

    /// Ends the round without a release: its sums are for the client itself. Nothing is sealed, and nothing is written
    /// into the ledger.
    ///
    /// - Throws: `notOpen`, `notReleased`, `invalidValues`.
    public mutating func keep() throws(PrivacyError) -> ParameterSet {
        let parameters = try finished()
        close()
        return parameters
    }

    /// Ends the round without anything: nothing of it leaves, and nothing is written into the ledger. What its formats leave
    /// over is known afterwards as if it had been sent.
    ///
    /// - Throws: `invalidValues`.
    public mutating func discard() throws(PrivacyError) {
        for entry in pending where entry.spec.format != .float32 && entry.isReleased { _ = try values(of: entry) }
        feedback.endRound()
        close()
        clipped = [:]
        local = [:]
    }

    /// The parameters of the round, complete and within their bounds.
    private mutating func finished() throws(PrivacyError) -> ParameterSet {
        guard isOpen else { throw .notOpen }
        var tensors: [ParameterSet.Tensor] = []
        for entry in pending {
            if let tensor = entry.tensor, entry.spec.format == .float32 {
                tensors.append(tensor)
                continue
            }
            let values = try values(of: entry)
            do { tensors.append(try ParameterSet.Tensor(entry.spec, values: values)) } catch {
                throw .invalidValues(reason: "\(error)")
            }
        }
        feedback.endRound()
        do { return try ParameterSet(tensors) } catch { throw .invalidValues(reason: "\(error)") }
    }

    /// What leaves of a tensor: its values, or what its format has of them and of what was left over.
    private mutating func values(of entry: Pending) throws(PrivacyError) -> [Float] {
        guard let values = entry.published ?? entry.tensor?.values ?? entry.sums?.map({ Float($0) }) else {
            throw .notReleased(tensor: entry.spec.name)
        }
        guard entry.spec.format != .float32 else { return values }
        do { _ = try ParameterSet.Tensor(entry.spec, values: values) } catch {
            throw .invalidValues(reason: "\(error)")
        }
        return feedback.sent(values, as: entry.spec)
    }

    private mutating func close() {
        pending = []
        buffers = [:]
        isOpen = false
    }

    /// Writes the ledger, then makes the update of the round and closes the gate.
    ///
    /// - Throws: `notOpen`, `notReleased`, `invalidValues`, `ledgerNotWritten`; nothing is sealed then.
    public mutating func seal() throws(PrivacyError) -> SealedUpdate {
        guard isOpen else { throw .notOpen }
        for entry in pending where !entry.isReleased { throw .notReleased(tensor: entry.spec.name) }
        let releases = Set(pending.map(\.spec.release)).sorted()
        // An unprotected part makes the whole update unprotected.
        let policies = Set(releases.map { protections[$0]?.policy ?? .unprotected })
        let policy = policies.count == 1 ? policies.first ?? .unprotected : .unprotected
        try finishProtected()
        let parameters = try finished()
        for release in releases {
            let names = pending.filter { $0.spec.release == release }.map(\.spec.name)
            let protection = protections[release]
            try ledger.append(
                round: round, release: release, tensors: names, policy: protection?.policy ?? .unprotected,
                protection: protection, isNoised: protection.map { $0.policy != .central } ?? false,
                valueUnit: units[release])
        }
        close()
        return SealedUpdate(round: round, policy: policy, parameters: parameters)
    }
}
