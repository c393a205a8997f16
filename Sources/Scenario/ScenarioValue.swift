/// A decoded scenario value.
enum ScenarioValue: Sendable, Hashable {
    case text(String)
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case milliseconds(Int)
    case list([ScenarioValue])

    /// The value as YAML flow text.
    var yaml: String {
        switch self {
        case .text(let text): ScenarioValue.quoted(text)
        case .integer(let value): String(value)
        case .number(let value):
            value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
        case .boolean(let value): value ? "true" : "false"
        case .milliseconds(let value): value % 1_000 == 0 ? "\(value / 1_000)s" : "\(value)ms"
        case .list(let values): "[" + values.map(\.yaml).joined(separator: ", ") + "]"
        }
    }

    /// Plain where YAML reads it back as the same text, else double-quoted.
    private static func quoted(_ text: String) -> String {
        let reserved: Set<String> = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        let isPlain =
            text.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "._/-".utf8.contains($0)
            } && text.utf8.first.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) } == true
        if isPlain && !reserved.contains(text.lowercased()) { return text }
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\t": out += "\\t"
            case _ where isUnprintable(scalar.value):
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}

/// Whether YAML does not allow a character unescaped, or takes it for a line end or a byte-order mark.
private func isUnprintable(_ value: UInt32) -> Bool {
    value < 0x20 || (0x7F...0x9F).contains(value) || [0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF].contains(value)
}

/// A text of the user's as a message quotes it: at most 64 characters.
func shortened(_ text: String) -> String { text.count <= 64 ? text : text.prefix(61) + "…" }

extension ScenarioValueKind {
    /// The value of a plain or quoted scalar, or what is wrong with it.
    func parse(_ text: String, isQuoted: Bool) -> Result<ScenarioValue, ParseProblem> {
        func wrong(_ expected: String) -> Result<ScenarioValue, ParseProblem> {
            .failure(
                ParseProblem(
                    message: "expected \(expected), found \(isQuoted ? "the text " : "")\"\(shortened(text))\""))
        }
        switch self {
        case .section, .sections, .grid: return wrong("a section of keys")
        case .text:
            if text.isEmpty || (!isQuoted && ["~", "null", "Null", "NULL"].contains(text)) { return wrong("text") }
            return text.utf8.count <= 4_096 && !text.utf8.contains(0)
                ? .success(.text(text)) : wrong("at most 4,096 characters")
        case .name:
            let isLegal =
                text.utf8.count <= 64
                && text.utf8.allSatisfy {
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
                } && text.utf8.first.map { $0 != UInt8(ascii: "-") } == true
            return isLegal ? .success(.text(text)) : wrong("a name of lower-case letters, digits and hyphens")
        case .integer(let range), .integers(let range):
            guard !isQuoted, let value = Int(text) else { return wrong("an integer") }
            return range.contains(value)
                ? .success(.integer(value))
                : wrong("an integer from \(range.lowerBound) to \(range.upperBound)")
        case .number(let range), .numbers(let range):
            guard !isQuoted, text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let value = Double(text),
                value.isFinite
            else { return wrong("a number") }
            return range.contains(value) ? .success(.number(value)) : wrong("a \(description)")
        case .numberOrNone(let range):
            if !isQuoted, text == "none" { return .success(.text(text)) }
            guard case .success(let value) = ScenarioValueKind.number(range).parse(text, isQuoted: isQuoted) else {
                return wrong("a \(description)")
            }
            return .success(value)
        case .boolean:
            guard !isQuoted, text == "true" || text == "false" else { return wrong("true or false") }
            return .success(.boolean(text == "true"))
        case .duration:
            let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)]
            for (suffix, factor) in units where text.hasSuffix(suffix) {
                guard let value = Double(text.dropLast(suffix.count)), value.isFinite, value >= 0 else { continue }
                let milliseconds = value * Double(factor)
                if (10...86_400_000).contains(milliseconds) { return .success(.milliseconds(Int(milliseconds))) }
            }
            return wrong("a duration such as 500ms, 60s or 5m, from 10ms to 24h")
        case .choice(let words), .words(let words):
            if words.contains(text) { return .success(.text(text)) }
            let hint =
                nearest(shortened(text), words).map {
                    editDistance(shortened(text), $0) <= 3 ? "; did you mean \($0)?" : ""
                } ?? ""
            return .failure(
                ParseProblem(message: "\"\(shortened(text))\" is not one of \(words.joined(separator: ", "))\(hint)"))
        case .names: return ScenarioValueKind.name.parse(text, isQuoted: isQuoted)
        }
    }

    /// Whether the value is a list that may have no members.
    var mayBeEmpty: Bool {
        switch self {
        case .names, .words: true
        default: false
        }
    }

    /// Whether the value is a list of scalars.
    var isList: Bool {
        switch self {
        case .names, .words, .integers, .numbers: true
        default: false
        }
    }
}

/// What is wrong with one scalar.
struct ParseProblem: Error, Equatable {
    let message: String
}
