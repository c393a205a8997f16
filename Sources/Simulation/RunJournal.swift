import Foundation
import Numerics
import Parameters
import Record

/// What the coordinator has broadcast, round by round, in one file that grows: enough to send a client the past rounds.
///
/// An entry is a length, a line of JSON, the tensors that changed in the safetensors layout, and a checksum. Entries
/// are appended as rounds open and close; the checkpoint says how many bytes are good, and what is behind them is of a
/// round that was not closed.
struct RunJournal: ~Copyable {
    /// One entry beside its tensors.
    struct Entry: Codable {
        /// The round, from 1.
        let round: Int
        /// The code of the step; `nil` where the round closes.
        var step: UInt32?
        /// The clients that speak for their domains.
        var speakers: [String] = []
        /// Whether the round does again what the last one could not.
        var isRepeated = false
        /// The clients that the round concerns.
        var concerned: [String] = []
        /// What the record says of the round, where it closes.
        var record: RoundRecord?
        /// The names of the tensors that changed.
        var tensors: [String] = []
    }

    private let descriptor: Int32
    private let path: String
    private let schema: ParameterSchema
    /// The bytes of all entries.
    private(set) var byteCount: Int

    /// Opens a journal.
    ///
    /// - Parameter byteCount: the bytes of an earlier attempt that are kept.
    /// - Throws: `notWritable`, or `malformed` when it is shorter than that.
    init(_ path: String, schema: ParameterSchema, keeping byteCount: Int) throws(RecordError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .notWritable(path: path, reason: String(cString: strerror(errno))) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, byteCount >= 0, off_t(byteCount) <= status.st_size else {
            close(descriptor)
            throw .malformed(path: path, reason: "it is shorter than the checkpoint says")
        }
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw .notWritable(path: path, reason: reason)
        }
        self.descriptor = descriptor
        self.path = path
        self.schema = schema
        self.byteCount = byteCount
    }

    deinit { close(descriptor) }

    /// Appends an entry with the tensors that changed. *Complexity*: O(bytes).
    ///
    /// - Throws: `notWritable`, or what encoding throws.
    mutating func append(_ entry: Entry, _ tensors: ParameterSet) throws {
        var entry = entry
        entry.tensors = tensors.specs.map(\.name)
        let text = try JSONEncoder().encode(entry)
        let data = Safetensors.encode(tensors)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24 + text.count + data.count)
        for count in [text.count, data.count] { withUnsafeBytes(of: UInt64(count).littleEndian) { bytes += $0 } }
        bytes += text
        bytes += data
        let code = bytes.withUnsafeBytes { ByteChecksum.code(of: $0) }
        withUnsafeBytes(of: code.littleEndian) { bytes += $0 }
        var offset = 0
        while offset < bytes.count {
            let count = bytes[offset...].withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress, $0.count, off_t(byteCount + offset))
            }
            guard count > 0 || errno == EINTR else {
                throw RecordError.notWritable(path: path, reason: String(cString: strerror(errno)))
            }
            offset += max(0, count)
        }
        byteCount += bytes.count
    }

    /// Hands what was appended to the disk.
    ///
    /// - Throws: `notWritable`.
    func synchronize() throws(RecordError) {
        guard fdatasync(descriptor) == 0 || errno == EINVAL else {
            throw .notWritable(path: path, reason: String(cString: strerror(errno)))
        }
    }

    /// The entry at an offset, its tensors, and where the next one begins; `nil` at the end.
    ///
    /// - Throws: `malformed`.
    func read(at offset: Int) throws -> (entry: Entry, tensors: ParameterSet, next: Int)? {
        guard offset < byteCount else { return nil }
        let (text, data) = try counts(at: offset)
        let whole = try bytes(at: offset, count: 24 + text + data)
        return try whole.withUnsafeBytes { whole in
            let code = ByteChecksum.code(of: UnsafeRawBufferPointer(rebasing: whole[..<(16 + text + data)]))
            guard UInt64(littleEndian: whole.loadUnaligned(fromByteOffset: 16 + text + data, as: UInt64.self)) == code
            else { throw damaged }
            let entry = try JSONDecoder().decode(Entry.self, from: Data(whole[16..<16 + text]))
            let specs = try entry.tensors.map { try schema.spec($0) }
            let tensors = try Safetensors.decode(
                UnsafeRawBufferPointer(rebasing: whole[(16 + text)..<(16 + text + data)]), specs: specs)
            return (entry, tensors, offset + whole.count)
        }
    }

    /// How long an entry's line and its tensors are.
    private func counts(at offset: Int) throws(RecordError) -> (text: Int, data: Int) {
        let head = try bytes(at: offset, count: 16)
        let counts = head.withUnsafeBytes { head in
            [0, 8].map { UInt64(littleEndian: head.loadUnaligned(fromByteOffset: $0, as: UInt64.self)) }
        }
        let left = UInt64(byteCount - offset)
        guard counts[0] <= left, counts[1] <= left, counts[0] + counts[1] + 24 <= left else { throw damaged }
        return (Int(counts[0]), Int(counts[1]))
    }

    private var damaged: RecordError { .malformed(path: path, reason: "an entry has another checksum") }

    private func bytes(at offset: Int, count: Int) throws(RecordError) -> [UInt8] {
        guard count <= byteCount - offset else { throw damaged }
        var out = [UInt8](repeating: 0, count: count)
        var position = 0
        while position < count {
            let part = out.withUnsafeMutableBytes { target in
                pread(
                    descriptor, target.baseAddress.map { $0 + position }, count - position, off_t(offset + position))
            }
            guard part > 0 || errno == EINTR else { throw damaged }
            position += max(0, part)
        }
        return out
    }

    /// What the record says of the closed rounds, which are not kept in memory: a run may have a hundred thousand.
    ///
    /// - Throws: `malformed`.
    func records() throws -> [RoundRecord] {
        var out: [RoundRecord] = []
        var offset = 0
        while offset < byteCount {
            let counts = try counts(at: offset)
            let text = try bytes(at: offset + 16, count: counts.text)
            if let record = try JSONDecoder().decode(Entry.self, from: Data(text)).record { out.append(record) }
            offset += 24 + counts.text + counts.data
        }
        return out
    }

    /// All that was broadcast, and the same at an earlier number of closed rounds.
    ///
    /// - Throws: `malformed`.
    func replay(
        earlier count: Int?
    ) throws -> (shared: ParameterSet, earlier: ParameterSet) {
        var shared = ParameterSet()
        var earlier = ParameterSet()
        var closed = 0
        var offset = 0
        while let (entry, tensors, next) = try read(at: offset) {
            for tensor in tensors.tensors { shared.set(tensor) }
            if entry.record != nil { closed += 1 }
            if entry.record != nil, closed == count { earlier = shared }
            offset = next
        }
        return (shared, earlier)
    }
}
