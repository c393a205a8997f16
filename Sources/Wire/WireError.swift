public import Parameters

/// Why a frame was refused. A refused frame leaves no trace in any aggregate.
public enum WireError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Not an envelope of this protocol version.
    case notAnEnvelope
    /// An envelope of another run.
    case anotherRun
    /// The authenticated sender is another one than the message's.
    case anotherIdentity
    /// A kind that does not exist or that this side does not accept.
    case unexpectedKind(UInt16)
    /// A sequence number that is not above the last one: a replay.
    case replayed(sequence: UInt32)
    /// A message or piece whose size the schema does not allow.
    case illegalSize(kind: MessageKind, bytes: UInt64, limit: UInt64)
    /// A piece that does not continue the message under way.
    case brokenSequenceOfPieces(kind: MessageKind)
    /// The checksum differs.
    case corrupted(kind: MessageKind)
    /// An update for a round that is not open for this client.
    case outOfRound(round: UInt32)
    /// A control message whose fields do not parse.
    case malformed(kind: MessageKind)
    /// The tensors do not match the schema.
    case tensors(ParameterError)

    /// One sentence.
    public var description: String {
        switch self {
        case .notAnEnvelope: "not an envelope of protocol version \(Envelope.protocolVersion)"
        case .anotherRun: "an envelope of another run"
        case .anotherIdentity: "a message under an identity that the sender's key does not have"
        case .unexpectedKind(let kind): "unexpected message kind \(kind)"
        case .replayed(let sequence): "sequence number \(sequence) was seen before"
        case .illegalSize(let kind, let bytes, let limit):
            "\(kind.withArticle) of \(bytes) bytes where \(limit) are legal"
        case .brokenSequenceOfPieces(let kind): "a piece of \(kind.withArticle) is missing or out of order"
        case .corrupted(let kind): "\(kind.withArticle) with a wrong checksum"
        case .outOfRound(let round): "an update for round \(round), which is not open"
        case .malformed(let kind): "a malformed \(kind)"
        case .tensors(let error): error.description
        }
    }
}

extension MessageKind {
    /// The name with its article.
    fileprivate var withArticle: String { self == .update ? "an update" : "a \(self)" }
}
