import Numerics

/// The 72-byte first frame of every message; all integers little-endian.
///
/// | offset | field |
/// | --- | --- |
/// | 0 | magic `FERY` |
/// | 4 | protocol version (UInt16), message kind (UInt16) |
/// | 8 | run id (UInt64) |
/// | 16 | round (UInt32), sequence number (UInt32) |
/// | 24 | byte count of the whole message (UInt64) |
/// | 32 | offset of this piece (UInt64) |
/// | 40 | byte count of this piece (UInt32) |
/// | 44 | first argument: step of a plan, policy of an update, reason of a goodbye, first piece of a credit (UInt32) |
/// | 48 | second argument: deadline of a plan in milliseconds, end of a credit's pieces (UInt32) |
/// | 52 | flags of a plan: 1 its answer must wait for credit, 2 speaker, 4 repeated, 8 past (UInt32) |
/// | 56 | checksum of the piece (UInt64) |
/// | 64 | checksum of bytes 0 ..< 64 (UInt64) |
public struct Envelope: Equatable, Sendable {
    /// The version of this protocol.
    public static let protocolVersion: UInt16 = 3
    /// The number of bytes of an envelope.
    public static let byteCount = 72
    /// The largest piece of a long message; libzmq costs two to four times as much a byte at 40 MB.
    public static let pieceByteLimit = 1 << 20
    private static let magic: UInt32 = 0x5952_4546

    /// The kind of the message.
    public var kind: MessageKind
    /// The run.
    public var runID: UInt64
    /// The round, 0 outside rounds.
    public var round: UInt32
    /// The sender's count of frames, from 1, rising.
    public var sequence: UInt32
    /// The bytes of the whole message.
    public var totalByteCount: UInt64
    /// Where this piece begins.
    public var pieceOffset: UInt64
    /// The bytes of this piece.
    public var pieceByteCount: UInt32
    /// The first argument.
    public var firstArgument: UInt32
    /// The second argument.
    public var secondArgument: UInt32
    /// The flags of a plan; 0 in every other message.
    public var flags: UInt32
    /// The checksum of the piece.
    public var pieceChecksum: UInt64

    /// The bytes of the envelope.
    package func encode() -> [UInt8] {
        var out = [UInt8](repeating: 0, count: Envelope.byteCount)
        out.withUnsafeMutableBytes { target in
            target.storeBytes(of: Envelope.magic.littleEndian, toByteOffset: 0, as: UInt32.self)
            target.storeBytes(of: Envelope.protocolVersion.littleEndian, toByteOffset: 4, as: UInt16.self)
            target.storeBytes(of: kind.rawValue.littleEndian, toByteOffset: 6, as: UInt16.self)
            target.storeBytes(of: runID.littleEndian, toByteOffset: 8, as: UInt64.self)
            target.storeBytes(of: round.littleEndian, toByteOffset: 16, as: UInt32.self)
            target.storeBytes(of: sequence.littleEndian, toByteOffset: 20, as: UInt32.self)
            target.storeBytes(of: totalByteCount.littleEndian, toByteOffset: 24, as: UInt64.self)
            target.storeBytes(of: pieceOffset.littleEndian, toByteOffset: 32, as: UInt64.self)
            target.storeBytes(of: pieceByteCount.littleEndian, toByteOffset: 40, as: UInt32.self)
            target.storeBytes(of: firstArgument.littleEndian, toByteOffset: 44, as: UInt32.self)
            target.storeBytes(of: secondArgument.littleEndian, toByteOffset: 48, as: UInt32.self)
            target.storeBytes(of: flags.littleEndian, toByteOffset: 52, as: UInt32.self)
            target.storeBytes(of: pieceChecksum.littleEndian, toByteOffset: 56, as: UInt64.self)
            let code = ByteChecksum.code(of: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(target)[0..<64]))
            target.storeBytes(of: code.littleEndian, toByteOffset: 64, as: UInt64.self)
        }
        return out
    }

    /// The envelope in the bytes of a first frame, with every field in its range and its own checksum right. The piece's
    /// is for whoever reads the piece.
    ///
    /// - Throws: `notAnEnvelope`, `unexpectedKind`, `illegalSize`, `corrupted`.
    package init(decoding bytes: UnsafeRawBufferPointer, pieceByteCount count: Int) throws(WireError) {
        guard bytes.count == Envelope.byteCount else { throw .notAnEnvelope }
        func integer<T: FixedWidthInteger>(_ offset: Int, _ type: T.Type) -> T {
            T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
        }
        guard integer(0, UInt32.self) == Envelope.magic, integer(4, UInt16.self) == Envelope.protocolVersion,
            integer(52, UInt32.self) <= RoundPlan.allFlags
        else { throw .notAnEnvelope }
        guard let kind = MessageKind(rawValue: integer(6, UInt16.self)) else {
            throw .unexpectedKind(integer(6, UInt16.self))
        }
        self.kind = kind
        runID = integer(8, UInt64.self)
        round = integer(16, UInt32.self)
        sequence = integer(20, UInt32.self)
        totalByteCount = integer(24, UInt64.self)
        pieceOffset = integer(32, UInt64.self)
        pieceByteCount = integer(40, UInt32.self)
        firstArgument = integer(44, UInt32.self)
        secondArgument = integer(48, UInt32.self)
        flags = integer(52, UInt32.self)
        pieceChecksum = integer(56, UInt64.self)
        guard ByteChecksum.code(of: UnsafeRawBufferPointer(rebasing: bytes[0..<64])) == integer(64, UInt64.self) else {
            throw .corrupted(kind: kind)
        }
        guard UInt64(pieceByteCount) == UInt64(count), count <= Envelope.pieceByteLimit,
            totalByteCount <= UInt64(Int.max), pieceOffset <= totalByteCount,
            UInt64(count) <= totalByteCount - pieceOffset
        else {
            throw .illegalSize(kind: kind, bytes: UInt64(count), limit: UInt64(Envelope.pieceByteLimit))
        }
    }

    /// The round that the bytes of a first frame state, with nothing else checked; `nil` when they state none.
    package static func statedRound(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count == byteCount else { return nil }
        return Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)))
    }

    /// The kind that the bytes of a first frame state, with nothing else checked; `nil` when they state none.
    package static func statedKind(_ bytes: UnsafeRawBufferPointer) -> MessageKind? {
        guard bytes.count == byteCount else { return nil }
        return MessageKind(rawValue: UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self)))
    }

    init(
        kind: MessageKind, runID: UInt64, round: UInt32 = 0, firstArgument: UInt32 = 0, secondArgument: UInt32 = 0,
        flags: UInt32 = 0
    ) {
        self.kind = kind
        self.runID = runID
        self.round = round
        sequence = 0
        totalByteCount = 0
        pieceOffset = 0
        pieceByteCount = 0
        self.firstArgument = firstArgument
        self.secondArgument = secondArgument
        self.flags = flags
        pieceChecksum = 0
    }
}
