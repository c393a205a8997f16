/// The rows of a file of item vectors that belong to items of a catalogue.
struct VectorRows {
    private(set) var dimension = 0
    /// The numbers of the rows that were kept, one after the other.
    private(set) var values: [Float] = []
    private(set) var rowCount = 0
    /// For each item of the catalogue, its row.
    private(set) var rowOfItem: [Int?]
    private(set) var unknownIdCount = 0
    private(set) var duplicateIdCount = 0
    private let itemOfId: [String: Int]

    /// Reads lines of an id and numbers.
    init(text: consuming ByteCursor, items: [String]) throws(DataError) {
        self.init(items)
        var source = text
        let limit = WordVectors.wordByteLimit + 40 * WordVectors.dimensionLimit
        var line: [UInt8] = []
        var number = 1
        /// A first line of two whole numbers: a header, or a row of one number.
        var doubtful: [UInt8]?
        while try source.takeLine(into: &line, limit: limit, number: number) {
            defer { number += 1 }
            let (id, rest) = VectorRows.parted(line)
            if id.isEmpty && rest.fieldCount == 0 { continue }
            if number == 1 {
                if rest.fieldCount == 0 || rest.number(rest.fieldCount - 1) == nil { continue }
                if rest.fieldCount == 1, VectorRows.count(id) != nil, VectorRows.count(rest.field(0)) != nil {
                    doubtful = line
                    continue
                }
            }
            if let first = doubtful {
                doubtful = nil
                let claimed = VectorRows.count(VectorRows.parted(first).rest.field(0))
                if rest.fieldCount == 1 || rest.fieldCount != claimed { try add(first, number: 1, path: source.path) }
            }
            try add(line, number: number, path: source.path)
        }
        if let first = doubtful { try add(first, number: 1, path: source.path) }
        guard dimension > 0 else { throw .empty(path: source.path) }
    }

    /// Reads a NumPy array and its ids.
    init(numPy: consuming ByteCursor, ids path: String, items: [String]) throws(DataError) {
        self.init(items)
        var source = numPy
        let header = try NumPyHeader(&source)
        guard header.rowCount > 0 else { throw .empty(path: source.path) }
        dimension = header.columnCount
        let ids = try VectorRows.readIds(path, limit: header.rowCount)
        guard ids.count == header.rowCount else {
            throw .malformedLine(
                path: path, line: ids.count + 1,
                expected: "\(header.rowCount) ids, one for each row of \(source.path), found \(ids.count)")
        }
        var bytes: [UInt8] = []
        for (row, id) in ids.enumerated() {
            func malformed(_ expected: String) -> DataError {
                .malformedLine(path: source.path, line: row + 1, expected: "\(expected) in row \(row + 1) of the array")
            }
            try source.take(dimension * header.numberByteCount, into: &bytes)
            guard bytes.count == dimension * header.numberByteCount else { throw malformed("\(dimension) numbers") }
            for column in 0..<dimension {
                let value =
                    header.numberByteCount == 4
                    ? LittleEndian.float(bytes, at: 4 * column) : Float(LittleEndian.double(bytes, at: 8 * column))
                guard abs(value) <= WordVectors.magnitudeLimit else {
                    throw malformed("numbers up to \(WordVectors.magnitudeLimit)")
                }
                values.append(value)
            }
            assign(id)
        }
        guard try source.isAtEnd else {
            throw .malformedLine(
                path: source.path, line: header.rowCount + 1, expected: "the end of the file after the array")
        }
    }

    private init(_ items: [String]) {
        var itemOfId: [String: Int] = [:]
        itemOfId.reserveCapacity(items.count)
        for (item, id) in items.enumerated() { itemOfId[id] = item }
        self.itemOfId = itemOfId
        rowOfItem = [Int?](repeating: nil, count: items.count)
    }

    /// Adds the row of a line; the first sets the dimension.
    private mutating func add(_ line: [UInt8], number: Int, path: String) throws(DataError) {
        let (id, rest) = VectorRows.parted(line)
        func malformed(_ expected: String) -> DataError {
            .malformedLine(path: path, line: number, expected: expected)
        }
        if dimension == 0 {
            guard (1...WordVectors.dimensionLimit).contains(rest.fieldCount) else {
                throw malformed("an item id and 1 to \(WordVectors.dimensionLimit) numbers")
            }
            dimension = rest.fieldCount
        }
        guard rest.fieldCount == dimension, rest.appendNumbers(dimension, to: &values) else {
            throw malformed(
                "an item id (before a tab, if it holds a space or a comma) and \(dimension) numbers up to "
                    + "\(WordVectors.magnitudeLimit)")
        }
        guard !id.isEmpty, id.count <= WordVectors.wordByteLimit, let text = String(validating: id, as: UTF8.self)
        else {
            throw malformed("an item id of at most \(WordVectors.wordByteLimit) bytes in UTF-8")
        }
        assign(text)
    }

    /// Gives the last row to its item, or drops it.
    private mutating func assign(_ id: String) {
        if let item = itemOfId[id], rowOfItem[item] == nil {
            rowOfItem[item] = rowCount
            rowCount += 1
            return
        }
        values.removeLast(dimension)
        if itemOfId[id] == nil { unknownIdCount += 1 } else { duplicateIdCount += 1 }
    }

    /// The id before the first tab, or else before the first space or comma, and the fields after it.
    private static func parted(_ line: [UInt8]) -> (id: ArraySlice<UInt8>, rest: VectorLine) {
        let end =
            line.firstIndex(of: UInt8(ascii: "\t"))
            ?? line.firstIndex { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ",") } ?? line.count
        return (line[..<end], VectorLine(Array(line[min(end + 1, line.count)...]), commasPart: true))
    }

    /// A positive whole number.
    private static func count(_ field: ArraySlice<UInt8>) -> Int? {
        Int(String(decoding: field, as: UTF8.self)).flatMap { $0 > 0 ? $0 : nil }
    }

    /// One id a line; an id more than `limit` is enough to see that the count is wrong.
    private static func readIds(_ path: String, limit: Int) throws(DataError) -> [String] {
        var source = try ByteCursor(path: path)
        var ids: [String] = []
        var line: [UInt8] = []
        var number = 1
        while ids.count <= limit, try source.takeLine(into: &line, limit: WordVectors.wordByteLimit, number: number) {
            guard !line.isEmpty, let id = String(validating: line, as: UTF8.self) else {
                throw .malformedLine(path: path, line: number, expected: "an item id in UTF-8")
            }
            ids.append(id)
            number += 1
        }
        return ids
    }
}
