/// Splits a line of delimited text into fields.
struct FieldSplitter {
    /// What a double quote at the beginning of a field means.
    enum Quoting {
        /// Nothing.
        case none
        /// The field ends with another one; two of them are one (RFC 4180).
        case doubled
        /// The same, and a backslash takes the byte behind it as it is.
        case backslash
    }

    /// What separates fields.
    enum Separator: Equatable {
        case byte(UInt8)
        /// `::`.
        case twoColons

        /// The word for it in front of "fields".
        var adjective: String {
            switch self {
            case .byte(UInt8(ascii: "\t")): "tab-separated"
            case .byte(let byte): "\(Unicode.Scalar(byte))-separated"
            case .twoColons: "::-separated"
            }
        }
    }

    private struct Field {
        let start: Int
        let end: Int
        let isEscaped: Bool
    }

    /// How many fields are kept; more are only counted.
    private static let fieldLimit = 4_096

    let separator: Separator
    let quoting: Quoting
    /// The fields of the last line, and behind them those of longer ones before it.
    private var fields: [Field] = []
    private var keptCount: Int { min(count, FieldSplitter.fieldLimit) }
    /// The number of fields of the last line.
    private(set) var count = 0
    /// Whether the fields of the last line are in `copy`, without their escapes, and not in the line.
    private(set) var usesCopy = false
    private(set) var copy: [UInt8] = []

    init(separator: Separator, quoting: Quoting = .none) {
        self.separator = separator
        self.quoting = quoting
    }

    /// Where a field is, in the line or in `copy`.
    ///
    /// - Precondition: the field is one of the first 4,096 of the line.
    func range(_ index: Int) -> Range<Int> { fields[index].start..<fields[index].end }

    /// Splits a line.
    mutating func split(_ line: Span<UInt8>) throws(LineProblem) {
        count = 0
        usesCopy = false
        switch separator {
        case .byte(let byte):
            if quoting == .none { splitPlain(line, at: byte) } else { try splitQuoted(line, at: byte) }
        case .twoColons: splitAtColons(line)
        }
        if usesCopy { unescape(line) }
    }

    /// The texts of the fields, bytes that are not UTF-8 replaced.
    func texts(_ line: Span<UInt8>) -> [String] {
        (0..<keptCount).map { index in
            let range = range(index)
            let bytes = usesCopy ? Array(copy[range]) : line.extracting(range).array
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private mutating func append(_ start: Int, _ end: Int, isEscaped: Bool = false) {
        let field = Field(start: start, end: end, isEscaped: isEscaped)
        if count < fields.count {
            fields[count] = field
        } else if count < FieldSplitter.fieldLimit {
            fields.append(field)
        }
        if isEscaped { usesCopy = true }
        count += 1
    }

    private mutating func splitPlain(_ line: Span<UInt8>, at separator: UInt8) {
        var start = 0
        for index in 0..<line.count where line[index] == separator {
            append(start, index)
            start = index + 1
        }
        append(start, line.count)
    }

    private mutating func splitAtColons(_ line: Span<UInt8>) {
        var start = 0
        var index = 0
        while index + 1 < line.count {
            if line[index] == UInt8(ascii: ":"), line[index + 1] == UInt8(ascii: ":") {
                append(start, index)
                index += 2
                start = index
            } else {
                index += 1
            }
        }
        append(start, line.count)
    }

    private mutating func splitQuoted(_ line: Span<UInt8>, at separator: UInt8) throws(LineProblem) {
        let quote = UInt8(ascii: "\"")
        // In tab-separated text a quote inside a field is a character like any other.
        let isStrict = separator != UInt8(ascii: "\t")
        var index = 0
        while true {
            if index < line.count, line[index] == quote {
                index += 1
                let start = index
                var isEscaped = false
                while true {
                    guard index < line.count else {
                        throw .expected("a quoted field to end on the line it begins")
                    }
                    if line[index] == quote {
                        guard index + 1 < line.count, line[index + 1] == quote else { break }
                        isEscaped = true
                        index += 2
                    } else if quoting == .backslash, line[index] == UInt8(ascii: "\\") {
                        isEscaped = true
                        index += 2
                    } else {
                        index += 1
                    }
                }
                append(start, index, isEscaped: isEscaped)
                index += 1
                guard index == line.count || line[index] == separator else {
                    throw .expected("a separator or the end of the line after a closing quote")
                }
            } else {
                let start = index
                while index < line.count, line[index] != separator {
                    if isStrict, line[index] == quote { throw .expected("no quote inside a field without quotes") }
                    index += 1
                }
                append(start, index)
            }
            if index == line.count { return }
            index += 1
        }
    }

    private mutating func unescape(_ line: Span<UInt8>) {
        copy.removeAll(keepingCapacity: true)
        for number in 0..<keptCount {
            let field = fields[number]
            let start = copy.count
            var index = field.start
            while index < field.end {
                if field.isEscaped, index + 1 < field.end {
                    let isBackslash = quoting == .backslash && line[index] == UInt8(ascii: "\\")
                    if isBackslash || line[index] == UInt8(ascii: "\"") { index += 1 }
                }
                copy.append(line[index])
                index += 1
            }
            fields[number] = Field(start: start, end: copy.count, isEscaped: false)
        }
    }
}
