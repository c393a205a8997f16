/// Under which promise an update leaves a client; written into the update, the ledger and the report.
public enum ReleasePolicy: UInt8, Sendable, Equatable, CaseIterable, CustomStringConvertible {
    /// No noise and no clipping: whoever sees the update is bounded by nothing.
    case unprotected = 1

    /// The policy's name in records.
    public var description: String {
        switch self {
        case .unprotected: "unprotected"
        }
    }
}

/// What the release gate refuses.
public enum PrivacyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The gate was not opened for a round, or its round is sealed already.
    case notOpen
    /// A tensor was released twice in one round.
    case releasedTwice(tensor: String)
    /// A tensor that the round must release was not.
    case notReleased(tensor: String)
    /// A tensor that the round does not declare.
    case undeclared(tensor: String)
    /// The ledger could not be written, so nothing is released.
    case ledgerNotWritten(reason: String)
    /// The values do not fit the tensor's declaration.
    case invalidValues(reason: String)

    /// One sentence.
    public var description: String {
        switch self {
        case .notOpen: "nothing can leave: the release gate is not open for a round"
        case .releasedTwice(let tensor): "tensor \(tensor) was released twice in one round"
        case .notReleased(let tensor): "tensor \(tensor) was declared for the round but not released"
        case .undeclared(let tensor): "tensor \(tensor) is not declared for this round"
        case .ledgerNotWritten(let reason): "the privacy ledger could not be written, so nothing was sent: \(reason)"
        case .invalidValues(let reason): "nothing was sent: \(reason)"
        }
    }
}
