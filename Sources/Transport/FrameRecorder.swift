import Glibc
package import Wire

/// Writes every frame that crosses the coordinator's socket to a file, for `ferry audit wire` and the tests.
///
/// The file is an 8-byte magic, then for each message: direction (1 byte), sender or receiver (1-byte length, text),
/// envelope (4-byte little-endian length, bytes), piece (the same). The run token is written as zeros.
final class FrameRecorder {
    static let magic = Array("FERRYW1\n".utf8)
    private let path: String
    private let file: UnsafeMutablePointer<FILE>

    private let secret: [UInt8]

    init(path: String, secret: [UInt8]) throws(TransportError) {
        self.path = path
        self.secret = secret
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0, let file = fdopen(descriptor, "w") else {
            throw .recording(path: path, reason: String(cString: strerror(errno)))
        }
        self.file = file
        try write(FrameRecorder.magic)
    }

    deinit { fclose(file) }

    func record(
        _ direction: WireDirection, peer: String, envelope: UnsafeRawBufferPointer, piece: UnsafeRawBufferPointer
    ) throws(TransportError) {
        let peer = Array(peer.utf8.prefix(255))
        try write([direction.rawValue, UInt8(peer.count)] + peer)
        for frame in [envelope, piece] {
            try length(frame.count)
            try write(redacted(frame))
        }
    }

    /// The bytes with every occurrence of the secret blanked.
    private func redacted(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var out = Array(bytes)
        guard let first = secret.first, out.count >= secret.count else { return out }
        for start in 0...(out.count - secret.count) where out[start] == first {
            guard out[start..<start + secret.count].elementsEqual(secret) else { continue }
            for index in start..<start + secret.count { out[index] = 0 }
        }
        return out
    }

    /// Hands everything to the operating system.
    func flush() throws(TransportError) { if fflush(file) != 0 { throw failure } }

    private var failure: TransportError { .recording(path: path, reason: String(cString: strerror(errno))) }

    private func length(_ count: Int) throws(TransportError) {
        try write((0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) })
    }

    private func write(_ bytes: [UInt8]) throws(TransportError) {
        if fwrite(bytes, 1, bytes.count, file) != bytes.count { throw failure }
    }
}

/// One message read back from a recording.
package struct RecordedFrame: Sendable, Equatable {
    /// Which way it went.
    package let direction: WireDirection
    /// The client it came from or went to.
    package let peer: String
    /// The envelope frame.
    package let envelope: [UInt8]
    /// The second frame.
    package let piece: [UInt8]

    /// The message kind of the envelope, or `nil` when it is damaged.
    package var kind: MessageKind? { envelope.withUnsafeBytes { Envelope.statedKind($0) } }

    /// The offset of the piece in its message.
    package var pieceOffset: Int? {
        guard envelope.count == Envelope.byteCount else { return nil }
        return Int(exactly: (0..<8).reduce(UInt64(0)) { $0 | UInt64(envelope[32 + $1]) << UInt64(8 * $1) })
    }

    /// The round of the envelope.
    package var round: Int? {
        guard envelope.count == Envelope.byteCount else { return nil }
        return (0..<4).reduce(0) { $0 | Int(envelope[16 + $1]) << (8 * $1) }
    }

    /// Reads a recording; `nil` when the bytes are not one. A recording cut off in the middle gives its whole frames.
    package static func read(_ bytes: [UInt8]) -> [RecordedFrame]? {
        guard bytes.starts(with: FrameRecorder.magic) else { return nil }
        var offset = FrameRecorder.magic.count
        var out: [RecordedFrame] = []
        func take(_ count: Int) -> [UInt8]? {
            guard count >= 0, count <= bytes.count - offset else { return nil }
            defer { offset += count }
            return Array(bytes[offset..<offset + count])
        }
        func field() -> [UInt8]? {
            guard let prefix = take(4) else { return nil }
            return take((0..<4).reduce(0) { $0 | Int(prefix[$1]) << (8 * $1) })
        }
        while offset < bytes.count {
            guard let head = take(2), let direction = WireDirection(rawValue: head[0]), let peer = take(Int(head[1])),
                let envelope = field(), let piece = field()
            else { break }
            out.append(
                RecordedFrame(
                    direction: direction, peer: String(decoding: peer, as: UTF8.self), envelope: envelope, piece: piece)
            )
        }
        return out
    }
}
