import Glibc

/// Reads a text file line by line with one buffer; strips a byte-order mark, carriage returns and needs no final newline.
struct LineFile: ~Copyable {
    private static let firstByteCount = 1 << 16
    private static let bufferByteCount = 1 << 20
    /// The longest legal line.
    private static let lineByteLimit = 1 << 24

    /// The path, for errors.
    let path: String
    private var source: ByteSource
    /// Holds the line that `next` returned last.
    private(set) var buffer: [UInt8]
    private var position = 0
    private var end = 0
    private var isAtEnd = false
    /// Whether a NUL byte has been read, so that lines have to be looked through.
    private(set) var hasZeroBytes = false
    /// The number of the line that `next` returned last, from 1.
    private(set) var lineNumber = 0

    init(path: String) throws(DataError) {
        self.path = path
        source = try ByteSource.open(path)
        buffer = [UInt8](repeating: 0, count: LineFile.firstByteCount)
    }

    /// Where the next line is in `buffer`; `nil` at the end of the file. The range is good until the next call.
    mutating func next() throws(DataError) -> Range<Int>? {
        var searched = position
        while true {
            if let lineEnd = newline(searched..<end) {
                defer { position = lineEnd + 1 }
                return stripped(position..<lineEnd)
            }
            if isAtEnd {
                guard position < end else { return nil }
                defer { position = end }
                return stripped(position..<end)
            }
            guard end - position <= LineFile.lineByteLimit else {
                throw .malformedLine(
                    path: path, line: lineNumber + 1, expected: "a line of at most \(LineFile.lineByteLimit) bytes")
            }
            let pending = end - position
            try fill()
            searched = position + pending
        }
    }

    /// Where the next bytes are in `buffer`, at least `byteCount` of them unless the file is shorter. Nothing is consumed.
    mutating func sample(byteCount: Int) throws(DataError) -> (range: Range<Int>, isWhole: Bool) {
        while end - position < byteCount, !isAtEnd { try fill() }
        return (position..<end, isAtEnd)
    }

    private func newline(_ range: Range<Int>) -> Int? {
        buffer.withUnsafeBytes { bytes in
            let part = UnsafeRawBufferPointer(rebasing: bytes[range])
            guard let start = part.baseAddress, let found = memchr(start, 0x0A, part.count) else { return nil }
            return range.lowerBound + (UnsafeRawPointer(found) - start)
        }
    }

    /// Reads more behind the pending bytes, which move to the front of the buffer.
    private mutating func fill() throws(DataError) {
        let pending = end - position
        if position > 0 {
            let start = position
            buffer.withUnsafeMutableBytes { bytes in
                if let base = bytes.baseAddress { memmove(base, base + start, pending) }
            }
            (position, end) = (0, pending)
        }
        if end == buffer.count {
            let more = max(buffer.count, LineFile.bufferByteCount - buffer.count)
            buffer.append(contentsOf: repeatElement(0, count: more))
        }
        let old = end
        let count: Int
        do {
            // The buffer is handed over by pointer: a closure may not use two parts of `self` at once.
            var taken: [UInt8] = []
            swap(&taken, &buffer)
            defer { swap(&taken, &buffer) }
            var failure: DataError?
            count = taken.withUnsafeMutableBytes { bytes in
                do throws(DataError) {
                    return try source.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[old...]))
                } catch {
                    failure = error
                    return 0
                }
            }
            if let failure { throw failure }
        }
        end = old + count
        if count == 0 { isAtEnd = true }
        if !hasZeroBytes {
            hasZeroBytes = buffer.withUnsafeBytes { bytes in
                let part = UnsafeRawBufferPointer(rebasing: bytes[old..<old + count])
                return part.baseAddress.map { memchr($0, 0, part.count) != nil } ?? false
            }
        }
    }

    private mutating func stripped(_ range: Range<Int>) -> Range<Int> {
        lineNumber += 1
        var (start, end) = (range.lowerBound, range.upperBound)
        if end > start, buffer[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        if lineNumber == 1, end - start >= 3, buffer[start] == 0xEF, buffer[start + 1] == 0xBB,
            buffer[start + 2] == 0xBF
        {
            start += 3
        }
        return start..<end
    }
}
