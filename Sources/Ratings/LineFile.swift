import Glibc

/// Reads a text file line by line with one buffer; strips a byte-order mark, carriage returns and needs no final newline.
struct LineFile: ~Copyable {
    private static let chunkByteCount = 1 << 20
    /// The longest legal line.
    private static let lineByteLimit = 1 << 24

    private let descriptor: Int32
    private let path: String
    private var buffer: [UInt8] = []
    private var position = 0
    private var isAtEnd = false
    /// The number of the line that `next` returned last, from 1.
    private(set) var lineNumber = 0

    init(path: String) throws(DataError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .notReadable(path: path, reason: String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw .notReadable(path: path, reason: "it is a folder") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .notReadable(path: path, reason: String(cString: strerror(errno))) }
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// Calls `body` with each line and its number.
    mutating func forEachLine<Failure: Error>(
        mapping: (DataError) -> Failure, _ body: (Int, ArraySlice<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        while true {
            let line: ArraySlice<UInt8>?
            do throws(DataError) { line = try next() } catch { throw mapping(error) }
            guard let line else { return }
            try body(lineNumber, line)
        }
    }

    private mutating func next() throws(DataError) -> ArraySlice<UInt8>? {
        var searched = position
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { position = end + 1 }
                return stripped(position..<end)
            }
            if isAtEnd {
                guard position < buffer.count else { return nil }
                defer { position = buffer.count }
                return stripped(position..<buffer.count)
            }
            guard buffer.count - position <= LineFile.lineByteLimit else {
                throw .malformedLine(
                    path: path, line: lineNumber + 1, expected: "a line of at most \(LineFile.lineByteLimit) bytes")
            }
            buffer.removeSubrange(..<position)
            position = 0
            searched = buffer.count
            try fill()
        }
    }

    private mutating func fill() throws(DataError) {
        let old = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: LineFile.chunkByteCount))
        let count = buffer.withUnsafeMutableBytes { bytes in
            read(descriptor, bytes.baseAddress.map { $0 + old }, LineFile.chunkByteCount)
        }
        let reason = errno
        buffer.removeLast(LineFile.chunkByteCount - max(0, count))
        if count < 0 && reason != EINTR {
            throw .notReadable(path: path, reason: String(cString: strerror(reason)))
        }
        if count == 0 { isAtEnd = true }
    }

    private mutating func stripped(_ range: Range<Int>) -> ArraySlice<UInt8> {
        lineNumber += 1
        var line = buffer[range]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if lineNumber == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        return line
    }
}
