public import Parameters

/// The only way out of a client: what is not released here cannot be sent.
///
/// A round is opened with the tensors it must release. Person-level sums enter one person at a time through
/// `contribute`, into one reused buffer; trained parameters enter whole through `publish`, which exists under the
/// `unprotected` policy alone. `seal` writes the ledger first and only then makes the update.
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
    }

    private struct Pending {
        let spec: TensorSpec
        var sums: [Double]?
    }

    /// The policy under which this gate releases.
    public let policy: ReleasePolicy
    private var ledger: Ledger
    private var round = 0
    private var isOpen = false
    private var pending: [Pending] = []
    private var buffers: [String: Contribution] = [:]

    /// A closed gate.
    public init(policy: ReleasePolicy, ledger: Ledger) {
        self.policy = policy
        self.ledger = ledger
    }

    /// Opens the gate for one round; whatever an unfinished round left is dropped.
    public mutating func open(round: Int, specs: [TensorSpec]) {
        self.round = round
        isOpen = true
        pending = specs.sorted { $0.name < $1.name }.map { Pending(spec: $0, sums: nil) }
        buffers = [:]
    }

    /// Starts the person-level sums of a release at zero, so that a release without contributors is a release too.
    ///
    /// - Throws: `undeclared`, `releasedTwice`.
    public mutating func begin(release: String) throws(PrivacyError) {
        let members = pending.indices.filter { pending[$0].spec.release == release }
        guard !members.isEmpty else { throw .undeclared(tensor: release) }
        for index in members where pending[index].sums != nil {
            throw .releasedTwice(tensor: pending[index].spec.name)
        }
        for index in members {
            pending[index].sums = [Double](repeating: 0, count: pending[index].spec.elementCount)
        }
        buffers[release] = Contribution(
            tensors: members.map {
                (pending[$0].spec.name, [Float](repeating: 0, count: pending[$0].spec.elementCount))
            })
    }

    /// Adds one person's contribution to a release that has begun. *Complexity*: O(elements of the release).
    ///
    /// - Throws: `undeclared`.
    public mutating func contribute(
        to release: String, _ fill: (inout Contribution) -> Void
    ) throws(PrivacyError) {
        guard var contribution = buffers.removeValue(forKey: release) else { throw .undeclared(tensor: release) }
        for index in contribution.tensors.indices {
            contribution.tensors[index].values.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        }
        fill(&contribution)
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

    /// Releases trained parameters as a whole; possible under the `unprotected` policy alone.
    ///
    /// - Throws: `undeclared`, `releasedTwice`, `invalidValues`.
    public mutating func publish(_ name: String, values: [Float]) throws(PrivacyError) {
        guard let index = pending.firstIndex(where: { $0.spec.name == name }) else { throw .undeclared(tensor: name) }
        guard pending[index].sums == nil else { throw .releasedTwice(tensor: name) }
        guard values.count == pending[index].spec.elementCount else {
            throw .invalidValues(
                reason: "tensor \(name) has \(values.count) elements, not \(pending[index].spec.elementCount)")
        }
        pending[index].sums = values.map(Double.init)
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

    /// The parameters of the round, complete and within their bounds.
    private func finished() throws(PrivacyError) -> ParameterSet {
        guard isOpen else { throw .notOpen }
        var tensors: [ParameterSet.Tensor] = []
        for entry in pending {
            guard let sums = entry.sums else { throw .notReleased(tensor: entry.spec.name) }
            do { tensors.append(try ParameterSet.Tensor(entry.spec, values: sums.map { Float($0) })) } catch {
                throw .invalidValues(reason: "\(error)")
            }
        }
        do { return try ParameterSet(tensors) } catch { throw .invalidValues(reason: "\(error)") }
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
        let parameters = try finished()
        for release in Set(pending.map(\.spec.release)).sorted() {
            let names = pending.filter { $0.spec.release == release }.map(\.spec.name)
            try ledger.append(round: round, release: release, tensors: names, policy: policy)
        }
        close()
        return SealedUpdate(round: round, policy: policy, parameters: parameters)
    }
}
