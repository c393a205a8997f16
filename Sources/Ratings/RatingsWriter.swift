import Glibc

/// The layouts that Ferry writes.
public enum RatingsLayout: String, Sendable, Equatable, CaseIterable {
    /// RecBole atomic files.
    case recbole
    /// Comma-separated values with a header (RFC 4180).
    case csv
}

/// Why ratings could not be written. Payloads name files and counts, never a value of the data.
public enum WritingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file cannot be written.
    case notWritable(path: String, reason: String)
    /// There is a file of that name already.
    case exists(path: String)
    /// An id holds a tab or the end of a line, or is empty.
    case notRepresentable(path: String, what: String)
    /// The user stopped the command.
    case interrupted(path: String)

    /// One sentence.
    public var description: String {
        switch self {
        case .notWritable(let path, let reason): "cannot write \(path): \(reason)"
        case .exists(let path): "\(path) exists already; --force replaces it"
        case .notRepresentable(let path, let what): "cannot write \(path): \(what)"
        case .interrupted(let path): "stopped before \(path) was complete; nothing was written"
        }
    }
}

/// Writes a text file beside its final name and renames it when it is complete; what is not finished is removed.
public struct AtomicTextFile: ~Copyable {
    private static let chunkByteCount = 1 << 20

    private let path: String
    private let partial: String
    private let overwrites: Bool
    private let isInterrupted: @Sendable () -> Bool
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isFinished = false

    /// Opens a file.
    ///
    /// `isInterrupted` is asked at every megabyte; when it is true, writing ends with `interrupted`.
    /// - Throws: `exists` when there is a file and `overwrites` is false, else `notWritable`.
    public init(
        path: String, overwrites: Bool = false, isInterrupted: @escaping @Sendable () -> Bool = { false }
    ) throws(WritingError) {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT != S_IFDIR else { throw .notWritable(path: path, reason: "it is a folder") }
            guard overwrites else { throw .exists(path: path) }
        }
        let partial = "\(path).partial-\(getpid())"
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .notWritable(path: path, reason: String(cString: strerror(errno))) }
        self.path = path
        self.partial = partial
        self.overwrites = overwrites
        self.isInterrupted = isInterrupted
        self.descriptor = descriptor
        buffer.reserveCapacity(AtomicTextFile.chunkByteCount + 1 << 16)
    }

    deinit {
        close(descriptor)
        if !isFinished { unlink(partial) }
    }

    /// Appends bytes.
    ///
    /// - Throws: `notWritable`, `interrupted`.
    public mutating func write(_ bytes: some Sequence<UInt8>) throws(WritingError) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= AtomicTextFile.chunkByteCount { try flush() }
    }

    /// Appends a number.
    mutating func write(_ number: Int64) {
        var magnitude = number.magnitude
        if number < 0 { buffer.append(UInt8(ascii: "-")) }
        let start = buffer.count
        repeat {
            buffer.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10))
            magnitude /= 10
        } while magnitude > 0
        buffer[start...].reverse()
    }

    /// Appends a byte.
    mutating func write(_ byte: UInt8) { buffer.append(byte) }

    /// Writes what is left and gives the file its name.
    ///
    /// - Throws: as `write`, and `exists` when somebody else has made the file meanwhile.
    public consuming func finish() throws(WritingError) {
        try flush()
        if overwrites {
            guard rename(partial, path) == 0 else {
                throw .notWritable(path: path, reason: String(cString: strerror(errno)))
            }
            isFinished = true
        } else {
            // A link refuses an existing name, a rename would replace it.
            if link(partial, path) != 0 {
                let reason = errno
                if reason == EEXIST { throw .exists(path: path) }
                // File systems without links.
                guard rename(partial, path) == 0 else {
                    throw .notWritable(path: path, reason: String(cString: strerror(errno)))
                }
                isFinished = true
            }
        }
    }

    private mutating func flush() throws(WritingError) {
        guard !isInterrupted() else { throw .interrupted(path: path) }
        var offset = 0
        while offset < buffer.count {
            let count = buffer.withUnsafeBytes { bytes in
                Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
            }
            if count < 0 && errno != EINTR {
                throw .notWritable(path: path, reason: String(cString: strerror(errno)))
            }
            offset += max(0, count)
        }
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Writes the ratings of one domain, person by person, in bounded memory.
public struct RatingsWriter: ~Copyable {
    /// The column of times, by its name in the header.
    public enum TimeColumn: String, Sendable, Equatable {
        /// Times that all persons share.
        case timestamp
        /// Places in each person's own sequence.
        case position
    }

    private let path: String
    private let layout: RatingsLayout
    private let timeColumn: TimeColumn?
    private let separator: UInt8
    private var file: AtomicTextFile
    /// The items' ids as they are written, one behind the other.
    private let itemBytes: [UInt8]
    private let itemStarts: [Int]
    private var person: [UInt8]
    /// Rows so far.
    public private(set) var rowCount: Int

    /// Opens a file and writes its header.
    ///
    /// - Parameter timeColumn: what the times of the rows are; without one they are not written.
    /// - Throws: any `WritingError`; `notRepresentable` when an item's id does not fit the layout.
    public init(
        path: String, layout: RatingsLayout, items: [String], timeColumn: TimeColumn?, overwrites: Bool = false,
        isInterrupted: @escaping @Sendable () -> Bool = { false }
    ) throws(WritingError) {
        var bytes: [UInt8] = []
        var starts = [0]
        for item in items {
            bytes.append(contentsOf: try layout.identifier(item, path: path))
            starts.append(bytes.count)
        }
        var file = try AtomicTextFile(path: path, overwrites: overwrites, isInterrupted: isInterrupted)
        switch layout {
        case .recbole:
            let last = timeColumn.map { "\t\($0.rawValue):float" } ?? ""
            try file.write("user_id:token\titem_id:token\trating:float\(last)\n".utf8)
        case .csv: try file.write("user_id,item_id,rating\(timeColumn.map { ",\($0.rawValue)" } ?? "")\n".utf8)
        }
        self.path = path
        self.layout = layout
        self.timeColumn = timeColumn
        separator = layout == .recbole ? UInt8(ascii: "\t") : UInt8(ascii: ",")
        self.file = file
        itemBytes = bytes
        itemStarts = starts
        person = []
        rowCount = 0
    }

    /// Begins the rows of a person.
    ///
    /// - Throws: `notRepresentable` when the id does not fit the layout.
    public mutating func begin(person id: String) throws(WritingError) {
        person = try layout.identifier(id, path: path)
        person.append(separator)
    }

    /// Writes a row of the person that was begun last.
    ///
    /// - Precondition: the item is one of those given at first. *Throws*: `notWritable`, `interrupted`.
    public mutating func write(item: Int, rating: Float, time: Int64 = 0) throws(WritingError) {
        try file.write(person)
        try file.write(itemBytes[itemStarts[item]..<itemStarts[item + 1]])
        file.write(separator)
        if let whole = Int32(exactly: rating) {
            file.write(Int64(whole))
        } else {
            try file.write(rating.description.utf8)
        }
        if timeColumn != nil {
            file.write(separator)
            file.write(time)
        }
        file.write(UInt8(ascii: "\n"))
        rowCount += 1
    }

    /// Writes what is left and gives the file its name.
    ///
    /// - Throws: `notWritable`, `exists`, `interrupted`.
    public consuming func finish() throws(WritingError) { try file.finish() }
}

extension RatingsLayout {
    /// The id as the layout writes it.
    fileprivate func identifier(_ id: String, path: String) throws(WritingError) -> [UInt8] {
        let bytes = Array(id.utf8)
        let bad: [UInt8] = self == .recbole ? [9, 10, 13] : [10, 13]
        guard !bytes.isEmpty, !bytes.contains(where: { bad.contains($0) }) else {
            throw .notRepresentable(
                path: path, what: "an id is empty or holds a \(self == .recbole ? "tab or " : "")line end")
        }
        return self == .csv ? quoted(bytes) : bytes
    }

    /// Free text as the layout writes it: tabs and line ends become spaces.
    fileprivate func text(_ text: String) -> [UInt8] {
        let bytes = text.utf8.map { [9, 10, 13].contains($0) ? UInt8(ascii: " ") : $0 }
        return self == .csv ? quoted(bytes) : bytes
    }

    private func quoted(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") }) else { return bytes }
        let quote = UInt8(ascii: "\"")
        return [quote] + bytes.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }

    /// Writes the items of a domain with their titles and keywords; in RecBole files a keyword's own spaces divide it.
    ///
    /// - Precondition: descriptions are parallel to the items, or empty. *Throws*: any `WritingError`.
    public func writeItems(
        _ items: [String], descriptions: [ItemDescription], to path: String, overwrites: Bool = false,
        isInterrupted: @escaping @Sendable () -> Bool = { false }
    ) throws(WritingError) {
        precondition(descriptions.isEmpty || descriptions.count == items.count, "descriptions do not match the items")
        let separator = self == .recbole ? UInt8(ascii: "\t") : UInt8(ascii: ",")
        var file = try AtomicTextFile(path: path, overwrites: overwrites, isInterrupted: isInterrupted)
        let header =
            self == .recbole
            ? "item_id:token\ttitle:token_seq\tcategories:token_seq\n" : "item_id,title,categories\n"
        try file.write(header.utf8)
        for (index, item) in items.enumerated() {
            let description = descriptions.isEmpty ? ItemDescription() : descriptions[index]
            try file.write(try identifier(item, path: path))
            file.write(separator)
            try file.write(text(description.title))
            file.write(separator)
            try file.write(text(description.keywords.joined(separator: self == .recbole ? " " : "|")))
            file.write(UInt8(ascii: "\n"))
        }
        try file.finish()
    }
}

extension Interactions {
    private var timeColumn: RatingsWriter.TimeColumn? {
        if times.isEmpty { return nil }
        return timesArePositions ? .position : .timestamp
    }

    /// Writes the interactions; reading them again with the items gives them back.
    ///
    /// - Throws: any `WritingError`.
    public func write(
        to path: String, layout: RatingsLayout, overwrites: Bool = false,
        isInterrupted: @escaping @Sendable () -> Bool = { false }
    ) throws(WritingError) {
        var writer = try RatingsWriter(
            path: path, layout: layout, items: items, timeColumn: timeColumn, overwrites: overwrites,
            isInterrupted: isInterrupted)
        for (row, person) in persons.enumerated() {
            try writer.begin(person: person)
            for position in rows.starts[row]..<rows.starts[row + 1] {
                try writer.write(
                    item: Int(rows.columns[position]), rating: ratings[position],
                    time: times.isEmpty ? 0 : times[position])
            }
        }
        try writer.finish()
    }
}
