/// Under which promise an update leaves a client; written into the update, the ledger and the report.
public enum ReleasePolicy: UInt8, Sendable, Equatable, CaseIterable, CustomStringConvertible {
    /// No noise and no clipping: whoever sees the update is bounded by nothing.
    case unprotected = 1
    /// Clipped sums leave the client, and the coordinator, which is trusted, adds the noise before it broadcasts.
    case central = 2
    /// Each client adds noise to its own clipped sum.
    case silo = 3
    /// Each person's contribution is noised by itself, before it enters any sum.
    case local = 4
    /// Each client adds a share of the noise. Until sums are masked the coordinator sees each client under one share.
    case distributed = 5

    /// The policy's name in records.
    public var description: String {
        switch self {
        case .unprotected: "unprotected"
        case .central: "central"
        case .silo: "silo"
        case .local: "local"
        case .distributed: "distributed"
        }
    }

    /// The policy of a privacy mode by its name in scenarios; `nil` for `none` and unknown words.
    public init?(mode: String) {
        guard let policy = ReleasePolicy.allCases.first(where: { $0.description == mode && $0 != .unprotected }) else {
            return nil
        }
        self = policy
    }
}

/// What the release gate refuses.
public enum PrivacyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The gate was not opened for a round, or its round is sealed already.
    case notOpen
    /// A tensor was released twice in one round.
    case releasedTwice(tensor: String)
    /// Two persons were to have one slot of a release.
    case slotTaken(release: String)
    /// A tensor that the round must release was not.
    case notReleased(tensor: String)
    /// A tensor that the round does not declare.
    case undeclared(tensor: String)
    /// A protected tensor was to be released as a whole, where nothing bounds what a person adds.
    case notByPerson(tensor: String)
    /// The ledger could not be written, so nothing is released.
    case ledgerNotWritten(reason: String)
    /// The values do not fit the tensor's declaration.
    case invalidValues(reason: String)
    /// A parameter of the noise, the clipping or the sampling is no number that it may be.
    case invalidParameter(name: String, requirement: String)
    /// The noise would be finer than the integers allow.
    case noiseTooFine(standardDeviation: Double, minimum: Double)
    /// Integers of this magnitude would not be exact.
    case rangeExceeded(magnitude: Double, limit: Double)
    /// More persons contributed to one sum than its sensitivity and range were computed for.
    case tooManyPersons(limit: Int)

    /// One sentence.
    public var description: String {
        switch self {
        case .notOpen: "nothing can leave: the release gate is not open for a round"
        case .releasedTwice(let tensor): "tensor \(tensor) was released twice in one round"
        case .slotTaken(let release): "two persons have one slot of release \(release)"
        case .notReleased(let tensor): "tensor \(tensor) was declared for the round but not released"
        case .undeclared(let tensor): "tensor \(tensor) is not declared for this round"
        case .notByPerson(let tensor):
            "tensor \(tensor) is protected: it can be released only as a sum over persons, each of them clipped"
        case .ledgerNotWritten(let reason): "the privacy ledger could not be written, so nothing was sent: \(reason)"
        case .invalidValues(let reason): "nothing was sent: \(reason)"
        case .invalidParameter(let name, let requirement): "the \(name) must be \(requirement)"
        case .noiseTooFine(let standardDeviation, let minimum):
            "the noise has a standard deviation of \(standardDeviation) grid units, below the \(minimum) that exact noise "
                + "needs: use a finer grid"
        case .rangeExceeded(let magnitude, let limit):
            "values up to \(magnitude) would not be exact, the limit is \(limit): use a smaller clipping bound, fewer "
                + "persons or less noise"
        case .tooManyPersons(let limit): "more than the configured \(limit) persons contributed to one release"
        }
    }
}
