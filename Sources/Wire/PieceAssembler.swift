import Numerics
import Parameters

/// Follows the pieces of one peer's messages: each must continue the one before, and a message must fit the limit that
/// the receiver states for it before memory is taken.
struct PieceAssembler {
    /// What a piece is to its message.
    struct Part {
        let envelope: Envelope
        /// Where in the message it begins.
        let offset: Int
        let isLast: Bool
        /// The checksum that the piece must have.
        let checksum: UInt64
        fileprivate let previousSequence: UInt32
    }

    private var lastSequence: UInt32 = 0
    private var partial: (envelope: Envelope, byteCount: UInt64)?
    /// What has been read of the message: the bytes of a control message, or of a plan the numbers of its tensors.
    var control: [UInt8] = []
    /// What has been read of its tensors.
    var tensors: SafetensorsReader?

    /// Takes the envelope of one piece.
    mutating func accept(
        envelope bytes: UnsafeRawBufferPointer, pieceByteCount count: Int, runID: UInt64,
        limit: (Envelope) throws(WireError) -> Int
    ) throws(WireError) -> Part {
        let envelope = try Envelope(decoding: bytes, pieceByteCount: count)
        guard envelope.runID == runID else { throw .anotherRun }
        guard envelope.sequence > lastSequence else { throw .replayed(sequence: envelope.sequence) }
        let previous = lastSequence
        lastSequence = envelope.sequence
        let started = partial
        partial = nil
        var byteCount: UInt64 = 0
        if envelope.pieceOffset == 0 {
            control = []
            tensors = nil
            let limit = try limit(envelope)
            guard envelope.totalByteCount <= UInt64(limit) else {
                throw .illegalSize(kind: envelope.kind, bytes: envelope.totalByteCount, limit: UInt64(limit))
            }
        } else {
            guard let started, started.envelope.kind == envelope.kind, started.envelope.round == envelope.round,
                started.envelope.totalByteCount == envelope.totalByteCount, started.byteCount == envelope.pieceOffset,
                count > 0
            else { throw .brokenSequenceOfPieces(kind: envelope.kind) }
            byteCount = started.byteCount
        }
        byteCount += UInt64(count)
        let isLast = byteCount == envelope.totalByteCount
        let first = envelope.pieceOffset == 0 ? envelope : started?.envelope ?? envelope
        if !isLast { partial = (first, byteCount) }
        return Part(
            envelope: first, offset: Int(envelope.pieceOffset), isLast: isLast, checksum: envelope.pieceChecksum,
            previousSequence: previous)
    }

    /// Forgets the message under way, whose next piece then continues nothing. A piece whose bytes were damaged does not
    /// count: the same number may come again.
    mutating func abandon(_ part: Part, after error: WireError) {
        partial = nil
        control = []
        tensors = nil
        if case .corrupted = error { lastSequence = part.previousSequence }
    }

    /// Gives the piece to `take` in blocks, each just read for the checksum.
    ///
    /// - Throws: `corrupted` when the checksum differs, whatever `take` found; else what `take` threw.
    static func read(
        _ piece: UnsafeRawBufferPointer, of part: Part,
        _ take: (UnsafeRawBufferPointer) throws(WireError) -> Void
    ) throws(WireError) {
        var problem: WireError?
        let code = ByteChecksum.code(
            of: piece,
            after: { block in
                guard problem == nil else { return }
                do throws(WireError) { try take(UnsafeRawBufferPointer(rebasing: piece[block])) } catch {
                    problem = error
                }
            })
        guard code == part.checksum else { throw .corrupted(kind: part.envelope.kind) }
        if let problem { throw problem }
    }
}
