public import Cryptography

/// How one release is protected: the bound on a person, the grid, the noise, and who adds it.
public struct ReleaseProtection: Sendable, Equatable {
    /// The policy; never `unprotected`.
    public let policy: ReleasePolicy
    /// The clipping bound, the integers and the noise.
    public let grid: FixedPointGrid
    /// Who takes part in a round, as the accountant must know it.
    public let sampling: SamplingScheme
    /// How many clients release it: what the coordinator adds up.
    public let clientCount: Int
    /// Under `local`, into how many rows, one a person, contributions go; `nil` where they are added up.
    public let slotCount: Int?

    /// Integers above this would not be exact in the `Float` tensors of the wire. Sums of a `central` release, whose
    /// noise comes later, are held within it: clamping a coordinate moves no two sums apart.
    package static let wireLimit = 0x1p24

    /// Protects a release.
    ///
    /// - Throws: `invalidParameter` for the policy `unprotected`, for no clients, or for slots where it is not each person
    ///   that adds the noise.
    public init(
        policy: ReleasePolicy, grid: FixedPointGrid, sampling: SamplingScheme = .everyone, clientCount: Int,
        slotCount: Int? = nil
    ) throws(PrivacyError) {
        guard policy != .unprotected else {
            throw .invalidParameter(name: "policy of a protected release", requirement: "one that promises something")
        }
        guard clientCount > 0 else {
            throw .invalidParameter(name: "number of clients of a release", requirement: "at least 1")
        }
        guard slotCount.map({ $0 > 0 && policy == .local }) ?? true else {
            throw .invalidParameter(
                name: "number of slots", requirement: "at least 1, and none unless the policy is local")
        }
        self.policy = policy
        self.grid = grid
        self.sampling = sampling
        self.clientCount = clientCount
        self.slotCount = slotCount
    }

    /// Whether the client that releases adds noise itself.
    var isNoisedByClient: Bool { policy == .silo || policy == .distributed }

    /// Where the dither of a round comes from: no secret, the same for all clients.
    package static func dither(root: UInt64, release: String, round: Int) -> KeyStream {
        KeyStream(key: StreamKey(root: root).derived(["dither", release, "\(round)"]))
    }

    /// What a client lets out of a clipped sum.
    package func released(_ sum: ClippedSum, dither: inout KeyStream, noise: inout KeyStream) -> [Float] {
        var integers = sum.integers(dither: &dither)
        if isNoisedByClient { grid.noise.add(to: &integers, from: &noise) }
        if policy == .central {
            let limit = Int64(ReleaseProtection.wireLimit / Double(clientCount))
            for index in integers.indices { integers[index] = min(max(integers[index], -limit), limit) }
        }
        return grid.decode(integers).map { Float($0) }
    }

    /// A sum with noise as the release has it, for a client that measures what other draws or other data would give. It
    /// is not released.
    ///
    /// - Parameters:
    ///   - purpose: what it is for; another purpose has other noise.
    ///   - root: the run's seed, from which the public dither comes.
    ///   - key: the secret of the noise.
    ///   - contributions: how many persons' contributions are in the sum, each with its own noise under `local`.
    /// - Returns: the noised values, in units of the release.
    public func simulated(
        _ sum: ClippedSum, purpose: String, root: UInt64, key: StreamKey, contributions: Int
    ) -> [Float] {
        var dither = KeyStream(key: StreamKey(root: root).derived(["dither", purpose]))
        var noise = KeyStream(key: key.derived(["noise", purpose]))
        var integers = sum.integers(dither: &dither)
        for _ in 0..<(policy == .local ? max(1, contributions) : 1) { grid.noise.add(to: &integers, from: &noise) }
        return grid.decode(integers).map { Float($0) }
    }

    /// The same, tensor by tensor.
    ///
    /// - Parameter sizes: the elements of each tensor, in the order in which contributions have them.
    public func simulated(
        _ sum: ClippedSum, sizes: [Int], purpose: String, root: UInt64, key: StreamKey, contributions: Int
    ) -> [[Float]] {
        let values = simulated(sum, purpose: purpose, root: root, key: key, contributions: contributions)
        precondition(sizes.reduce(0, +) == values.count, "\(values.count) values in tensors of other sizes")
        var rest = values[...]
        return sizes.map { size in
            defer { rest = rest.dropFirst(size) }
            return Array(rest.prefix(size))
        }
    }

    /// Adds the noise of a `central` release to the sum of its clients.
    ///
    /// - Parameter values: multiples of the grid's step, each at most `wireLimit` steps.
    package func noised(_ values: [Float], from stream: inout KeyStream) -> [Float] {
        var integers = values.map { Int64((Double($0) * grid.scale).rounded()) }
        grid.noise.add(to: &integers, from: &stream)
        return grid.decode(integers).map { Float($0) }
    }
}
