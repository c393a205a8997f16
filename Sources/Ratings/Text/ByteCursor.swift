import Glibc

/// Reads the bytes of a file one after the other with one small buffer; a gzip file is unpacked on the way.
///
/// Gzip is told by its magic number, not by the file's name; members that follow each other are read as one.
struct ByteCursor: ~Copyable {
    /// Deflate packs at most 1,032 bytes into one.
    /// Source: https://zlib.net/zlib_tech.html, "Maximum Compression Factor".
    static let greatestUnpackingFactor = 1_032
    private static let chunkByteCount = 1 << 18

    let path: String
    /// The size of the file as it lies on the disk.
    let fileByteCount: Int
    private var source: ByteSource
    private var buffer: [UInt8]
    private var position = 0
    private var end = 0
    /// Unpacked bytes before the buffer's start.
    private var bufferOffset = 0

    /// Opens a file.
    ///
    /// - Throws: `notReadable`.
    init(path: String) throws(DataError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .notReadable(path: path, reason: String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            throw .notReadable(path: path, reason: isFolder ? "it is a folder" : "it is not a regular file")
        }
        let source = try ByteSource.open(path)
        self.path = path
        self.source = source
        fileByteCount = Int(status.st_size)
        buffer = [UInt8](repeating: 0, count: ByteCursor.chunkByteCount)
    }

    /// The number of unpacked bytes that were taken.
    var offset: Int { bufferOffset + position }

    /// The most bytes that the file can hold when it is unpacked.
    var greatestByteCount: Int {
        guard source.isCompressed else { return fileByteCount }
        return fileByteCount.multipliedReportingOverflow(by: ByteCursor.greatestUnpackingFactor).partialValue
    }

    /// Whether every byte was taken.
    var isAtEnd: Bool {
        mutating get throws(DataError) {
            if position == end { try fill() }
            return position == end
        }
    }

    /// The next byte, which is taken; `nil` at the end.
    mutating func next() throws(DataError) -> UInt8? {
        if position == end { try fill() }
        guard position < end else { return nil }
        defer { position += 1 }
        return buffer[position]
    }

    /// The bytes that come next, none of them taken: as many as `count` if the file and the buffer hold them.
    mutating func peek(_ count: Int) throws(DataError) -> ArraySlice<UInt8> {
        if end - position < count { try fill() }
        return buffer[position..<min(end, position + count)]
    }

    /// Takes `count` bytes, which replace the contents of `bytes`; fewer at the end.
    mutating func take(_ count: Int, into bytes: inout [UInt8]) throws(DataError) {
        bytes.removeAll(keepingCapacity: true)
        while bytes.count < count {
            if position == end { try fill() }
            guard position < end else { return }
            let taken = min(count - bytes.count, end - position)
            bytes.append(contentsOf: buffer[position..<position + taken])
            position += taken
        }
    }

    /// Takes the bytes up to the next `delimiter`, which replace the contents of `bytes` without it, or up to the end.
    ///
    /// - Returns: whether the delimiter was there; `nil` when there were more than `limit` bytes before it.
    mutating func take(
        to delimiter: UInt8, limit: Int, into bytes: inout [UInt8]
    ) throws(DataError) -> Bool? {
        bytes.removeAll(keepingCapacity: true)
        while true {
            if position == end { try fill() }
            guard position < end else { return false }
            let found = firstIndex(of: delimiter)
            let stop = found ?? end
            guard bytes.count + stop - position <= limit else { return nil }
            bytes.append(contentsOf: buffer[position..<stop])
            position = stop
            if found != nil {
                position += 1
                return true
            }
        }
    }

    /// Takes a line, which replaces the contents of `line` without its end; `false` at the end of the file.
    ///
    /// - Throws: `malformedLine` for a line of more than `limit` bytes; `number` is its number.
    mutating func takeLine(into line: inout [UInt8], limit: Int, number: Int) throws(DataError) -> Bool {
        let isFirst = offset == 0
        guard let isEnded = try take(to: UInt8(ascii: "\n"), limit: limit, into: &line) else {
            throw .malformedLine(path: path, line: number, expected: "a line of at most \(limit) bytes")
        }
        if !isEnded && line.isEmpty { return false }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if isFirst, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        return true
    }

    private func firstIndex(of byte: UInt8) -> Int? {
        let range = position..<end
        return buffer.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress,
                let found = memchr(base + range.lowerBound, Int32(byte), range.count)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    /// Moves what is left to the buffer's start and fills the rest.
    private mutating func fill() throws(DataError) {
        if position > 0 {
            bufferOffset += position
            let left = end - position
            for index in 0..<left { buffer[index] = buffer[position + index] }
            position = 0
            end = left
        }
        while end < buffer.count {
            let start = end
            let count = try fill(from: start)
            guard count > 0 else { return }
            end += count
        }
    }

    private mutating func fill(from start: Int) throws(DataError) -> Int {
        var failure: DataError?
        let count = buffer.withUnsafeMutableBytes { bytes -> Int in
            do throws(DataError) {
                return try source.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]))
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        return count
    }
}
