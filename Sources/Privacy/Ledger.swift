import Cryptography

/// One release as plain data: what left a client, under which policy; accountants read it, nothing changes it.
public struct LedgerEntry: Codable, Sendable, Equatable {
    /// The position in the client's ledger, from 0.
    public let sequence: Int
    /// The client that released.
    public let client: String
    /// The round of the release.
    public let round: Int
    /// The name of the release.
    public let release: String
    /// The tensors that the release consists of.
    public let tensors: [String]
    /// The release policy by name.
    public let policy: String
    /// The noise mechanism; `none` when unprotected.
    public let mechanism: String
    /// The ℓ2 sensitivity; `nil` when nothing is clipped.
    public let sensitivity: Double?
    /// The standard deviation of the noise; `nil` when there is none.
    public let noise: Double?
    /// The hash of the previous entry, or 64 zeros.
    public let previous: String
    /// The hash of this entry's fields and of `previous`, hexadecimal SHA-256.
    public let hash: String
}

/// An append-only, hash-chained list of releases. An entry is written before its release is made.
public struct Ledger: Sendable {
    /// The entries so far.
    public private(set) var entries: [LedgerEntry] = []
    private let client: String
    private let write: @Sendable (LedgerEntry) throws -> Void

    /// An empty ledger of one client; `write` must store an entry durably or throw.
    public init(client: String, write: @escaping @Sendable (LedgerEntry) throws -> Void) {
        self.client = client
        self.write = write
    }

    /// Appends and stores one release.
    ///
    /// - Throws: `ledgerNotWritten`; the release must then not be made.
    mutating func append(round: Int, release: String, tensors: [String], policy: ReleasePolicy) throws(PrivacyError) {
        let previous = entries.last?.hash ?? String(repeating: "0", count: 64)
        let unhashed = LedgerEntry(
            sequence: entries.count, client: client, round: round, release: release, tensors: tensors,
            policy: policy.description, mechanism: "none", sensitivity: nil, noise: nil, previous: previous, hash: "")
        let entry = LedgerEntry(
            sequence: unhashed.sequence, client: client, round: round, release: release, tensors: tensors,
            policy: unhashed.policy, mechanism: unhashed.mechanism, sensitivity: nil, noise: nil, previous: previous,
            hash: Ledger.hash(unhashed).description)
        do { try write(entry) } catch { throw .ledgerNotWritten(reason: "\(error)") }
        entries.append(entry)
    }

    /// The hash that an entry must carry.
    static func hash(_ entry: LedgerEntry) -> Digest {
        var hasher = FieldHasher(purpose: "ferry.ledger/1")
        hasher.update(entry.sequence)
        hasher.update(entry.client)
        hasher.update(entry.round)
        hasher.update(entry.release)
        hasher.update(entry.tensors.count)
        for tensor in entry.tensors { hasher.update(tensor) }
        hasher.update(entry.policy)
        hasher.update(entry.mechanism)
        hasher.update(entry.sensitivity.map { "\($0)" } ?? "none")
        hasher.update(entry.noise.map { "\($0)" } ?? "none")
        hasher.update(entry.previous)
        return hasher.finalize()
    }

    /// Whether the entries form one unbroken chain from the start.
    public static func isIntact(_ entries: [LedgerEntry]) -> Bool {
        var previous = String(repeating: "0", count: 64)
        for (index, entry) in entries.enumerated() {
            guard entry.sequence == index, entry.previous == previous, entry.hash == hash(entry).description else {
                return false
            }
            previous = entry.hash
        }
        return true
    }
}
