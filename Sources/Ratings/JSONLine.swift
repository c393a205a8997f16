/// Takes some fields out of the JSON object that a line holds, without building values for the others.
///
/// Nested objects and arrays are skipped with a stack, at most 512 deep; of a repeated key the last counts.
/// Source: RFC 8259.
struct JSONLine {
    /// What a wanted field holds.
    enum Kind {
        /// Nothing: the key is absent, or its value is `null`.
        case missing
        case string
        case number
        /// An object or an array.
        case container
        /// `true` or `false`.
        case truth
    }

    private struct Value {
        var kind = Kind.missing
        var start = 0
        var end = 0
        var isEscaped = false
    }

    private static let depthLimit = 512

    private let keys: [[UInt8]]
    private var values: [Value]
    /// Whether the strings of the last line are in `copy`, without their escapes, and not in the line.
    private(set) var usesCopy = false
    private(set) var copy: [UInt8] = []
    private var nesting: [UInt8] = []
    private var index = 0

    /// A reader of some keys.
    init(keys: [String]) {
        self.keys = keys.map { Array($0.utf8) }
        values = [Value](repeating: Value(), count: keys.count)
    }

    /// What the field of a key holds.
    func kind(_ key: Int) -> Kind { values[key].kind }

    /// Where the value of a string or number is, in the line or in `copy`.
    func range(_ key: Int) -> Range<Int> { values[key].start..<values[key].end }

    /// Reads a line.
    mutating func scan(_ line: Span<UInt8>) throws(LineProblem) {
        for key in values.indices { values[key] = Value() }
        usesCopy = false
        index = 0
        skipSpace(line)
        guard index < line.count, line[index] == UInt8(ascii: "{") else { throw .expected("a JSON object on one line") }
        index += 1
        skipSpace(line)
        if index < line.count, line[index] == UInt8(ascii: "'") {
            throw .expected("JSON with double quotes, not the single quotes of a Python dictionary")
        }
        if index < line.count, line[index] == UInt8(ascii: "}") {
            index += 1
        } else {
            while true {
                try member(line)
                skipSpace(line)
                guard index < line.count else { throw .expected("a JSON object that ends on its line") }
                if line[index] == UInt8(ascii: "}") { break }
                guard line[index] == UInt8(ascii: ",") else { throw .expected("a comma between JSON fields") }
                index += 1
                skipSpace(line)
            }
            index += 1
        }
        skipSpace(line)
        guard index == line.count else { throw .expected("nothing after the JSON object") }
        if usesCopy { try unescape(line) }
    }

    private mutating func member(_ line: Span<UInt8>) throws(LineProblem) {
        let key = try string(line)
        skipSpace(line)
        guard index < line.count, line[index] == UInt8(ascii: ":") else { throw .expected("a colon after a JSON key") }
        index += 1
        skipSpace(line)
        let value = try value(line)
        var wanted: Int?
        if key.isEscaped {
            var name: [UInt8] = []
            try JSONLine.unescape(line.extracting(key.start..<key.end), into: &name)
            wanted = keys.firstIndex(of: name)
        } else {
            let name = line.extracting(key.start..<key.end)
            for number in keys.indices where name.equals(keys[number]) { wanted = number }
        }
        guard let wanted else { return }
        values[wanted] = value
        if value.kind == .string, value.isEscaped { usesCopy = true }
    }

    private mutating func skipSpace(_ line: Span<UInt8>) {
        while index < line.count, line[index] == 0x20 || line[index] == 0x09 || line[index] == 0x0D { index += 1 }
    }

    /// The string at `index`, without its quotes.
    private mutating func string(_ line: Span<UInt8>) throws(LineProblem) -> Value {
        guard index < line.count, line[index] == UInt8(ascii: "\"") else { throw .expected("a JSON string") }
        index += 1
        var value = Value(kind: .string, start: index)
        while index < line.count {
            let byte = line[index]
            if byte == UInt8(ascii: "\"") {
                value.end = index
                index += 1
                return value
            }
            guard byte >= 0x20 else { throw .expected("no control characters in a JSON string") }
            if byte == UInt8(ascii: "\\") {
                value.isEscaped = true
                index += 1
            }
            index += 1
        }
        throw .expected("a JSON string that ends on its line")
    }

    private mutating func value(_ line: Span<UInt8>) throws(LineProblem) -> Value {
        guard index < line.count else { throw .expected("a JSON value") }
        switch line[index] {
        case UInt8(ascii: "\""): return try string(line)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let start = index
            try skipContainer(line)
            return Value(kind: .container, start: start, end: index)
        default:
            let start = index
            while index < line.count, JSONLine.isWordByte(line[index]) { index += 1 }
            let word = line.extracting(start..<index)
            if word.equals(Array("null".utf8)) { return Value() }
            if word.equals(Array("true".utf8)) || word.equals(Array("false".utf8)) { return Value(kind: .truth) }
            guard NumberText.double(word) != nil else { throw .expected("a JSON value") }
            return Value(kind: .number, start: start, end: index)
        }
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Steps behind the object or array at `index`; strings and brackets are checked, the rest is stepped over.
    private mutating func skipContainer(_ line: Span<UInt8>) throws(LineProblem) {
        nesting.removeAll(keepingCapacity: true)
        repeat {
            guard index < line.count else { throw .expected("JSON brackets that close on their line") }
            switch line[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard nesting.count < JSONLine.depthLimit else {
                    throw .expected("JSON at most \(JSONLine.depthLimit) levels deep")
                }
                // The closing brackets are two behind the opening ones in ASCII.
                nesting.append(line[index] + 2)
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard nesting.popLast() == line[index] else { throw .expected("JSON brackets in pairs") }
                index += 1
            case UInt8(ascii: "\""): _ = try string(line)
            default: index += 1
            }
        } while !nesting.isEmpty
    }

    private mutating func unescape(_ line: Span<UInt8>) throws(LineProblem) {
        copy.removeAll(keepingCapacity: true)
        for key in values.indices where values[key].kind != .missing && values[key].kind != .truth {
            let start = copy.count
            let bytes = line.extracting(values[key].start..<values[key].end)
            if values[key].isEscaped {
                try JSONLine.unescape(bytes, into: &copy)
            } else {
                bytes.withUnsafeBufferPointer { copy.append(contentsOf: $0) }
            }
            values[key].start = start
            values[key].end = copy.count
        }
    }

    /// Appends the UTF-8 of a string's inside.
    private static func unescape(_ bytes: Span<UInt8>, into out: inout [UInt8]) throws(LineProblem) {
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "\\") else {
                out.append(bytes[index])
                index += 1
                continue
            }
            guard index + 1 < bytes.count else { throw .expected("a character after a JSON backslash") }
            let mark = bytes[index + 1]
            index += 2
            switch mark {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(mark)
            case UInt8(ascii: "b"): out.append(0x08)
            case UInt8(ascii: "f"): out.append(0x0C)
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "u"):
                var code = try hexadecimal(bytes, at: index)
                index += 4
                if code & 0xFC00 == 0xD800 {
                    guard index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"),
                        bytes[index + 1] == UInt8(ascii: "u")
                    else { throw .expected("JSON surrogates in pairs") }
                    let low = try hexadecimal(bytes, at: index + 2)
                    guard low & 0xFC00 == 0xDC00 else { throw .expected("JSON surrogates in pairs") }
                    code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
                    index += 6
                }
                guard let scalar = Unicode.Scalar(code) else { throw .expected("JSON surrogates in pairs") }
                out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            default: throw .expected("a known character after a JSON backslash")
            }
        }
    }

    private static func hexadecimal(_ bytes: Span<UInt8>, at start: Int) throws(LineProblem) -> UInt32 {
        guard start + 4 <= bytes.count else { throw .expected("four hexadecimal digits after \\u") }
        var value: UInt32 = 0
        for index in start..<start + 4 {
            let byte = bytes[index]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw .expected("four hexadecimal digits after \\u")
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}

extension JSONLine {
    /// The text of a field that holds a string; `nil` for any other.
    func text(_ key: Int, in line: Span<UInt8>) throws(LineProblem) -> String? {
        guard kind(key) == .string else { return nil }
        let text = usesCopy ? copy.span.extracting(range(key)).text : line.extracting(range(key)).text
        guard let text else { throw .expected("JSON in UTF-8") }
        return text
    }

    /// The strings of a field: its own, or all within its arrays and the values of its objects, in order.
    func texts(_ key: Int, in line: Span<UInt8>) throws(LineProblem) -> [String] {
        guard kind(key) == .container else { return try text(key, in: line).map { [$0] } ?? [] }
        let container = usesCopy ? Array(copy[range(key)]) : line.extracting(range(key)).array
        var out: [String] = []
        var reader = JSONLine(keys: [])
        while reader.index < container.count {
            guard container[reader.index] == UInt8(ascii: "\"") else {
                reader.index += 1
                continue
            }
            let value = try reader.string(container.span)
            reader.skipSpace(container.span)
            if reader.index < container.count, container[reader.index] == UInt8(ascii: ":") { continue }
            var bytes: [UInt8] = []
            try JSONLine.unescape(container.span.extracting(value.start..<value.end), into: &bytes)
            guard let text = bytes.span.text else { throw .expected("JSON in UTF-8") }
            out.append(text)
        }
        return out
    }
}
