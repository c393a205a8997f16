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
    /// The ℓ2 sensitivity under adding or removing one person, or one rating where that is the unit, rounding included, in
    /// units of the released values; `nil` when nothing is clipped.
    public let sensitivity: Double?
    /// The standard deviation of the noise that this entry's party adds, in the same units; `nil` when there is none.
    public let noise: Double?
    /// C, the bound on one person's joint ℓ2 norm; `nil` when nothing is clipped.
    public let clippingBound: Double?
    /// The number of released values that one person can move; `nil` when nothing is clipped.
    public let dimension: Int?
    /// One step of the integers on which the noise lies, in units of the released values; `nil` without noise.
    public let step: Double?
    /// The probability that a person takes part in the round; `nil` when nothing is clipped.
    public let samplingRate: Double?
    /// How many of `population` persons take part in the round; `nil` unless their number is fixed.
    public let sampleSize: Int?
    /// Out of how many persons a sample of fixed size is drawn.
    public let population: Int?
    /// What 1 of the released values stands for, an adaptive clipping bound; `nil` where they have units of their own.
    public let valueUnit: Double?
    /// The hash of the previous entry, or 64 zeros.
    public let previous: String
    /// The hash of this entry's fields and of `previous`, hexadecimal SHA-256.
    public let hash: String
}

/// An append-only, hash-chained list of releases. An entry is written before its release is made, and not kept: a run may
/// have a hundred thousand rounds.
public struct Ledger: Sendable {
    private let client: String
    /// The number of entries.
    private var count: Int
    /// The hash of the last one.
    private var last: String
    private let write: @Sendable (LedgerEntry) throws -> Void
    /// The mechanism's name in entries.
    public static let discreteGaussian = "discrete-gaussian"

    /// Whether what is released again in a round is the same to the bit, as where noise comes from the seed: it then tells
    /// nothing new and costs nothing. Else it is another release, with an entry of its own.
    private let repeatsAlike: Bool
    /// What was released in which round.
    private struct Made: Hashable {
        let round: Int
        let release: String
        let tensors: [String]
    }
    /// What an earlier part of the run released, whose last rounds are done again.
    private let earlier: Set<Made>
    /// What was released in the round under way: a part of a run never goes back to an earlier one.
    private var current: Set<Made> = []

    /// A ledger of one client; `write` must store an entry durably or throw.
    ///
    /// - Parameter earlier: the entries of an earlier part of the run, which are stored already.
    public init(
        client: String, earlier: [LedgerEntry] = [], repeatsAlike: Bool = false,
        write: @escaping @Sendable (LedgerEntry) throws -> Void
    ) {
        self.client = client
        self.repeatsAlike = repeatsAlike
        self.write = write
        count = earlier.count
        last = earlier.last?.hash ?? Ledger.beginning
        self.earlier =
            repeatsAlike ? Set(earlier.map { Made(round: $0.round, release: $0.release, tensors: $0.tensors) }) : []
    }

    /// What the first entry names as the one before.
    private static let beginning = String(repeating: "0", count: 64)

    /// Appends and stores one release.
    ///
    /// - Throws: `ledgerNotWritten`; the release must then not be made.
    package mutating func append(
        round: Int, release: String, tensors: [String], policy: ReleasePolicy, protection: ReleaseProtection? = nil,
        isNoised: Bool = false, valueUnit: Double? = nil
    ) throws(PrivacyError) {
        let made = Made(round: round, release: release, tensors: tensors)
        if current.first?.round != round { current = [] }
        guard !repeatsAlike || !(earlier.contains(made) || current.contains(made)) else { return }
        let grid = protection?.grid
        var sample: (size: Int, population: Int)?
        if case .fixedSize(let size, let population)? = protection?.sampling { sample = (size, population) }
        func entry(hash: String) -> LedgerEntry {
            LedgerEntry(
                sequence: count, client: client, round: round, release: release, tensors: tensors,
                policy: policy.description, mechanism: isNoised ? Ledger.discreteGaussian : "none",
                sensitivity: grid.map { $0.sensitivity / $0.scale },
                noise: isNoised ? grid.map { $0.noise.standardDeviation / $0.scale } : nil,
                clippingBound: grid?.clippingBound, dimension: grid?.dimension,
                step: isNoised ? grid.map { 1 / $0.scale } : nil, samplingRate: protection?.sampling.samplingRate,
                sampleSize: sample?.size, population: sample?.population, valueUnit: valueUnit, previous: last,
                hash: hash)
        }
        let complete = entry(hash: Ledger.hash(entry(hash: "")).description)
        do { try write(complete) } catch { throw .ledgerNotWritten(reason: "\(error)") }
        count += 1
        last = complete.hash
        if repeatsAlike { current.insert(made) }
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
        // Absent from entries without protection, whose hashes stay what they were. Each has its name: without, one that is
        // absent could pass for another.
        let optional = [
            ("clipping-bound", entry.clippingBound), ("dimension", entry.dimension.map(Double.init)),
            ("step", entry.step), ("sampling-rate", entry.samplingRate),
            ("sample-size", entry.sampleSize.map(Double.init)), ("population", entry.population.map(Double.init)),
            ("value-unit", entry.valueUnit),
        ]
        for case (let name, let value?) in optional {
            hasher.update(name)
            hasher.update("\(value)")
        }
        hasher.update(entry.previous)
        return hasher.finalize()
    }

    /// Whether the entries form one unbroken chain from the start.
    public static func isIntact(_ entries: [LedgerEntry]) -> Bool {
        var previous = Ledger.beginning
        for (index, entry) in entries.enumerated() {
            guard entry.sequence == index, entry.previous == previous, entry.hash == hash(entry).description else {
                return false
            }
            previous = entry.hash
        }
        return true
    }
}
