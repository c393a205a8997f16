import Cryptography
import Federation
import Parameters
import Privacy
import Supervision

/// What validation persons choose by, where it is released with noise: the sums of a client, and those of its parts that
/// stay in it.
///
/// Scores and gains of a person are clipped together and added up in the release gate. What depends on more than that
/// person's data and what was released stays in the client: the control, whose map is computed where its persons are, and
/// the pooled reference, a model of everybody's ratings. Their sums get noise of the same size here, so that they are
/// chosen as the transfer is.
struct ProtectedChoices {
    /// The methods that are not released.
    static let kept = [MethodName.shuffledSource, MethodName.pooledReference]

    let protection: ReleaseProtection
    private let release: String
    private let isKept: [Bool]
    private var sum: ClippedSum

    /// The choices of one release, of which each element is kept in the client or released.
    init(_ release: String, isKept: [Bool], gate: borrowing ReleaseGate) throws {
        guard let protection = gate.protection(of: release) else {
            throw RunFailure(.internalError, "the release \(release) has no protection")
        }
        self.protection = protection
        self.release = release
        self.isKept = isKept
        sum = try ClippedSum(grid: protection.grid)
    }

    /// Adds one person's tensors, whose elements follow one another.
    ///
    /// - Parameter tensors: in the order of their names.
    mutating func add(_ tensors: [(name: String, values: [Float])], gate: inout ReleaseGate) throws {
        var place = 0
        var kept: [[Float]] = []
        var released: [[Float]] = []
        for (_, values) in tensors {
            kept.append(values.indices.map { isKept[place + $0] ? values[$0] : 0 })
            released.append(values.indices.map { isKept[place + $0] ? 0 : values[$0] })
            place += values.count
        }
        try sum.add(kept)
        try gate.contribute(to: release) { contribution in
            for (index, tensor) in tensors.enumerated() {
                contribution.write(tensor.name, values: released[index])
            }
        }
    }

    /// The sums of what stays, with noise; what is released is 0.
    func own(seed: Int, key: StreamKey) -> [Float] {
        let values = protection.simulated(
            sum, purpose: "kept-\(release)", root: UInt64(seed), key: key, contributions: 1)
        return values.indices.map { isKept[$0] ? values[$0] : 0 }
    }

    /// What was released, with what stays in its place.
    static func joined(_ released: [Float], _ own: [Float], isKept: [Bool]) -> [Float] {
        released.indices.map { isKept[$0] ? own[$0] : released[$0] }
    }
}
