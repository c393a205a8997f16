/// The layouts of files of word vectors.
public enum WordVectorFormat: String, Sendable, Equatable, CaseIterable {
    /// A line "count dimension", then of each word: the word, a space, little-endian 32-bit floats, perhaps a line end.
    case word2vecBinary = "word2vec-binary"
    /// A line "count dimension", then a line a word: the word and its numbers.
    case word2vecText = "word2vec-text"
    /// A line a word: the word and its numbers.
    case gloveText = "glove-text"
}

extension WordVectors {
    /// Reads a file of word vectors, packed by gzip or not.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - format: its layout; `nil` tells it by the first two lines.
    ///   - vocabulary: the words to keep (in lower case they match capitals too), so that a large file takes little
    ///     memory; `nil` keeps all. The numbers of other words are passed over unread.
    /// - Throws: `notReadable`, `empty`, `malformedLine`; in a binary file the header is line 1 and each word one more.
    /// *Complexity*: O(file) time, O(kept words) memory.
    public init(
        file path: String, format: WordVectorFormat? = nil, keeping vocabulary: Set<String>? = nil
    ) throws(DataError) {
        var file = WordVectorFile(try ByteCursor(path: path))
        self.init(try file.read(format, vocabulary))
    }
}

/// One pass over a file of word vectors.
private struct WordVectorFile: ~Copyable {
    private static let lineByteLimit = WordVectors.wordByteLimit + 40 * WordVectors.dimensionLimit
    private var source: ByteCursor
    private var line: [UInt8] = []
    private var lineNumber = 0

    init(_ source: consuming ByteCursor) { self.source = source }

    mutating func read(_ format: WordVectorFormat?, _ vocabulary: Set<String>?) throws(DataError) -> WordVectorBuilder {
        guard try takeLine() else { throw .empty(path: source.path) }
        let header = self.header
        if format == .gloveText || (format == nil && header == nil) {
            let dimension = VectorLine(line).fieldCount - 1
            try check(dimension: dimension)
            return try readText(WordVectorBuilder(dimension: dimension, vocabulary: vocabulary), count: nil)
        }
        guard let (count, dimension) = header else {
            throw malformed("the number of words and the dimension")
        }
        try check(dimension: dimension)
        guard count > 0 else { throw .empty(path: source.path) }
        let isText: Bool
        if let format { isText = format == .word2vecText } else { isText = try continuesAsText(dimension) }
        // The least that a word takes: a letter, a parting byte, and its numbers.
        let least = count.multipliedReportingOverflow(by: isText ? 2 * dimension + 1 : 4 * dimension + 2)
        guard !least.overflow, least.partialValue <= source.greatestByteCount else {
            throw malformed("a number of words and a dimension that the file is large enough for")
        }
        var builder = WordVectorBuilder(dimension: dimension, vocabulary: vocabulary)
        // Of a packed file the bound is loose: let the arrays grow with what is really there.
        builder.reserve(min(count, source.fileByteCount / dimension + 1))
        return isText ? try readText(builder, count: count) : try readBinary(builder, count: count)
    }

    /// The two whole numbers of the current line, if it is a header.
    private var header: (count: Int, dimension: Int)? {
        let fields = line.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") })
        guard fields.count == 2, let count = Int(String(decoding: fields[0], as: UTF8.self)),
            let dimension = Int(String(decoding: fields[1], as: UTF8.self)), count >= 0
        else { return nil }
        return (count, dimension)
    }

    /// Whether the first word after the header is followed by as many numbers in writing as the dimension says.
    private mutating func continuesAsText(_ dimension: Int) throws(DataError) -> Bool {
        let bytes = try source.peek(WordVectors.wordByteLimit + 40 * dimension)
        let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
        let line = VectorLine(Array(bytes[..<end]))
        guard line.fieldCount > dimension else { return false }
        var numbers: [Float] = []
        return line.appendNumbers(dimension, to: &numbers)
    }

    private mutating func readText(
        _ start: consuming WordVectorBuilder, count: Int?
    ) throws(DataError) -> WordVectorBuilder {
        var builder = start
        // Without a header the current line is the first word's.
        var isThere = count == nil ? true : try takeLine()
        while isThere {
            if let vocabulary = builder.vocabulary, !mayBeKept(vocabulary) {
                if let count, builder.rankCount == count { throw malformed("the end of the file after \(count) words") }
                builder.passOver()
                isThere = try takeLine()
                continue
            }
            let vector = VectorLine(line)
            if vector.fieldCount > 0 {
                guard let word = vector.word(before: builder.dimension) else {
                    throw malformed("a word and \(builder.dimension) numbers")
                }
                guard word.count <= WordVectors.wordByteLimit else {
                    throw malformed("a word of at most \(WordVectors.wordByteLimit) bytes")
                }
                if let count, builder.rankCount == count { throw malformed("the end of the file after \(count) words") }
                if builder.start(word: String(decoding: word, as: UTF8.self)),
                    !vector.appendNumbers(builder.dimension, to: &builder.values)
                {
                    throw malformed("\(builder.dimension) numbers up to \(WordVectors.magnitudeLimit) after the word")
                }
            }
            isThere = try takeLine()
        }
        if let count, builder.rankCount < count {
            throw malformed("\(count) words, found \(builder.rankCount)")
        }
        return builder
    }

    private mutating func readBinary(
        _ start: consuming WordVectorBuilder, count: Int
    ) throws(DataError) -> WordVectorBuilder {
        var builder = start
        let dimension = builder.dimension
        for number in 1...count {
            lineNumber += 1
            let offset = source.offset
            func malformed(_ expected: String) -> DataError {
                .malformedLine(
                    path: source.path, line: lineNumber, expected: "\(expected) in word \(number) at byte \(offset)")
            }
            // The line end after the word before.
            if try source.peek(1).first == UInt8(ascii: "\n") { _ = try source.next() }
            guard try source.take(to: UInt8(ascii: " "), limit: WordVectors.wordByteLimit, into: &line) == true else {
                throw malformed("at most \(WordVectors.wordByteLimit) bytes and a space")
            }
            guard !line.isEmpty else { throw malformed("a letter") }
            let isKept = builder.start(word: String(decoding: line, as: UTF8.self))
            try source.take(4 * dimension, into: &line)
            guard line.count == 4 * dimension else { throw malformed("\(dimension) floats") }
            guard isKept else { continue }
            for position in stride(from: 0, to: line.count, by: 4) {
                let value = LittleEndian.float(line, at: position)
                guard abs(value) <= WordVectors.magnitudeLimit else {
                    throw malformed("numbers up to \(WordVectors.magnitudeLimit)")
                }
                builder.values.append(value)
            }
        }
        if try source.peek(1).first == UInt8(ascii: "\n") { _ = try source.next() }
        guard try source.isAtEnd else {
            lineNumber += 1
            throw malformed("the end of the file after \(count) words")
        }
        return builder
    }

    /// Whether the word of the current line can be one of these: told by what stands before its first space.
    private func mayBeKept(_ vocabulary: Set<String>) -> Bool {
        guard let end = line.firstIndex(of: UInt8(ascii: " ")), end > 0 else { return true }
        let word = String(decoding: line[..<end], as: UTF8.self)
        if vocabulary.contains(word) { return true }
        return WordVectorBuilder.lowercased(word).map { vocabulary.contains($0) } ?? false
    }

    private mutating func takeLine() throws(DataError) -> Bool {
        lineNumber += 1
        return try source.takeLine(into: &line, limit: WordVectorFile.lineByteLimit, number: lineNumber)
    }

    private func check(dimension: Int) throws(DataError) {
        guard (1...WordVectors.dimensionLimit).contains(dimension) else {
            throw malformed("a dimension from 1 to \(WordVectors.dimensionLimit)")
        }
    }

    private func malformed(_ expected: String) -> DataError {
        .malformedLine(path: source.path, line: lineNumber, expected: expected)
    }
}

/// Floats in the byte order of files.
enum LittleEndian {
    /// The 32-bit float at a position.
    static func float(_ bytes: [UInt8], at position: Int) -> Float {
        var pattern: UInt32 = 0
        for index in 0..<4 { pattern |= UInt32(bytes[position + index]) << UInt32(8 * index) }
        return Float(bitPattern: pattern)
    }

    /// The 64-bit float at a position.
    static func double(_ bytes: [UInt8], at position: Int) -> Double {
        var pattern: UInt64 = 0
        for index in 0..<8 { pattern |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        return Double(bitPattern: pattern)
    }
}
