/// A JSON text in the making; members stay in their order.
private indirect enum JSONText {
    case text(String)
    case literal(String)
    case list([JSONText])
    case object([(String, JSONText)])

    func lines(_ indentation: String = "") -> String {
        let inner = indentation + "  "
        switch self {
        case .text(let text): return JSONText.quoted(text)
        case .literal(let text): return text
        case .list(let members):
            return "[" + members.map { $0.lines(inner) }.joined(separator: ", ") + "]"
        case .object(let members):
            guard !members.isEmpty else { return "{}" }
            let body = members.map { "\(inner)\(JSONText.quoted($0.0)): \($0.1.lines(inner))" }
            return "{\n" + body.joined(separator: ",\n") + "\n\(indentation)}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}

extension ScenarioReference {
    /// A JSON Schema (draft 2020-12) of scenario files, made of the table of keys, for editors that check and complete.
    ///
    /// It knows types, ranges, words and defaults. What keys mean together only `ferry validate` knows.
    public static var jsonSchema: String {
        let schema = JSONText.object(
            [
                ("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
                ("title", .text("Ferry scenario")),
                (
                    "description",
                    .text("One experiment of Ferry; `ferry validate` also checks what keys mean together.")
                ),
            ] + section("", required: ["name", "clients"]) + [
                // A sweep may give the target.
                (
                    "anyOf",
                    .list(
                        ["target", "sweep"].map { .object([("required", .list([.text($0)]))]) })
                )
            ])
        return schema.lines() + "\n"
    }

    private static func section(_ path: String, required: [String] = []) -> [(String, JSONText)] {
        let members = ScenarioKey.children(of: path).map { key in (key.name, JSONText.object(declaration(key))) }
        return [("type", .text("object")), ("properties", .object(members))]
            + (required.isEmpty ? [] : [("required", .list(required.map { .text($0) }))])
            + [("additionalProperties", .literal("false"))]
    }

    private static func declaration(_ key: ScenarioKey) -> [(String, JSONText)] {
        var out: [(String, JSONText)] = [("description", .text(key.meaning))]
        switch key.kind {
        case .section: out += section(key.path)
        case .sections:
            let required = key.path == "clients" ? ["id", "domain"] : ["client", "kind", "round"]
            let members = section("\(key.path)[]", required: required)
            out += [("type", .text("array")), ("minItems", .literal("1")), ("items", .object(members))]
        case .grid: out += grid
        default: out += type(of: key.kind)
        }
        if let value = defaultValue(of: key) { out.append(("default", value)) }
        return out
    }

    private static func type(of kind: ScenarioValueKind) -> [(String, JSONText)] {
        func list(_ member: [(String, JSONText)], isFilled: Bool) -> [(String, JSONText)] {
            [("type", .text("array")), ("items", .object(member)), ("uniqueItems", .literal("true"))]
                + (isFilled ? [("minItems", .literal("1"))] : [])
        }
        func bounds(_ type: String, _ low: JSONText, _ high: JSONText) -> [(String, JSONText)] {
            [("type", .text(type)), ("minimum", low), ("maximum", high)]
        }
        func number(_ value: Double) -> JSONText { json(.number(value)) }
        switch kind {
        case .section, .sections, .grid: return []
        case .text: return [("type", .text("string")), ("minLength", .literal("1"))]
        case .name: return [("type", .text("string")), ("pattern", .text("^[a-z0-9][a-z0-9-]{0,63}$"))]
        case .names: return list(type(of: .name), isFilled: false)
        case .integer(let range):
            return bounds("integer", json(.integer(range.lowerBound)), json(.integer(range.upperBound)))
        case .integers(let range): return list(type(of: .integer(range)), isFilled: true)
        case .number(let range): return bounds("number", number(range.lowerBound), number(range.upperBound))
        case .numberOrNone(let range):
            return [
                ("anyOf", .list([.object(type(of: .number(range))), .object([("const", .text("none"))])]))
            ]
        case .numbers(let range): return list(type(of: .number(range)), isFilled: true)
        case .boolean: return [("type", .text("boolean"))]
        case .duration:
            return [("type", .text("string")), ("pattern", .text("^[0-9]+(\\.[0-9]*)?([eE][+-]?[0-9]+)?(ms|s|m|h)$"))]
        case .choice(let words): return [("enum", .list(words.map { .text($0) }))]
        case .words(let words): return list(type(of: .choice(words)), isFilled: false)
        }
    }

    /// Every path that can be swept, with a list of what the key itself takes.
    private static var grid: [(String, JSONText)] {
        var properties: [(String, JSONText)] = []
        var patterns: [(String, JSONText)] = []
        for key in ScenarioKey.all {
            switch key.kind {
            case .section, .sections, .grid: continue
            default: break
            }
            guard key.path != "name", key.path != "seeds", !key.path.hasPrefix("faults.events[].") else { continue }
            let place = key.path.replacing("clients[].", with: "clients[]/").replacing(".", with: "/properties/")
                .replacing("clients[]/", with: "clients/items/properties/")
            let values = JSONText.object([
                ("type", .text("array")), ("items", .object([("$ref", .text("#/properties/\(place)"))])),
                ("minItems", .literal("1")), ("uniqueItems", .literal("true")),
            ])
            if key.path.hasPrefix("clients[].") {
                let rest = key.path.dropFirst("clients[].".count).replacing(".", with: "\\.")
                patterns.append(("^clients\\.[a-z0-9][a-z0-9-]*\\.\(rest)$", values))
            } else {
                properties.append((key.path, values))
            }
        }
        return [
            ("type", .text("object")), ("properties", .object(properties)), ("patternProperties", .object(patterns)),
            ("additionalProperties", .literal("false")),
        ]
    }

    private static func defaultValue(of key: ScenarioKey) -> JSONText? {
        guard !key.defaultText.isEmpty else { return nil }
        guard key.kind.isList else {
            return (try? key.kind.parse(key.defaultText, isQuoted: false).get()).map(json)
        }
        return .list(
            key.defaultText.dropFirst().dropLast().split(separator: ",").compactMap {
                (try? key.kind.parse(String($0.drop { $0 == " " }), isQuoted: false).get()).map(json)
            })
    }

    private static func json(_ value: ScenarioValue) -> JSONText {
        switch value {
        case .text(let text): .text(text)
        case .integer, .number, .boolean: .literal(value.yaml)
        case .milliseconds: .text(value.yaml)
        case .list(let values): .list(values.map(json))
        }
    }
}
