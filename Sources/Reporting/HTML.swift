/// A piece of HTML or inline SVG that is safe to put anywhere in a page: it is made of elements whose names are literals
/// and of texts and attribute values that are escaped here and nowhere else.
struct HTML: Sendable, Equatable, ExpressibleByStringLiteral {
    /// The markup.
    let markup: String

    /// A literal is text, and escaped like any other.
    init(stringLiteral text: String) { self.init(text) }

    /// A text.
    init(_ text: String) { markup = HTML.escaped(text) }

    private init(markup: String) { self.markup = markup }

    /// Nothing.
    static let empty = HTML(markup: "")

    /// Elements that have neither content nor an end tag.
    private static let voids = ["meta", "link", "br", "hr", "col"]
    /// Elements that start a line in the source, so that a page can be read and compared by lines.
    private static let blocks = [
        "head", "body", "main", "header", "nav", "footer", "section", "figure", "details", "table", "thead", "tbody",
        "tr", "ul", "ol", "dl", "li", "p", "h1", "h2", "h3", "div", "svg", "g", "title", "meta", "figcaption", "dt",
        "dd", "summary", "caption", "style",
    ]

    /// An element. Attributes keep their order; one whose value is `nil` is left out.
    static func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:], _ children: [HTML] = []
    ) -> HTML {
        let name = "\(name)"
        var markup = blocks.contains(name) ? "\n<\(name)" : "<\(name)"
        for (key, value) in attributes {
            if let value { markup += " \(key)=\"\(escaped(value))\"" }
        }
        markup += ">"
        if voids.contains(name) { return HTML(markup: markup) }
        for child in children { markup += child.markup }
        return HTML(markup: markup + "</\(name)>")
    }

    /// Pieces one after another.
    static func list(_ pieces: [HTML]) -> HTML { HTML(markup: pieces.map(\.markup).joined()) }

    /// A style sheet of our own; it never holds a value of a record.
    static func style(_ sheet: StaticString) -> HTML { HTML(markup: "\n<style>\(sheet)</style>") }

    /// A name out of a scenario or record, kept apart from the direction and the line breaks of what surrounds it.
    static func name(_ text: String) -> HTML {
        // What has no name needs a word all the same: a heading or a head of a row without one is nothing to hear.
        element("bdi", ["class": "name"], [HTML(text.allSatisfy(\.isWhitespace) ? "(no name)" : text)])
    }

    /// What stands out in a sentence.
    static func strong(_ text: String) -> HTML { element("strong", [:], [HTML(text)]) }

    /// Pieces with a comma between two and "and" before the last.
    static func sentence(_ pieces: [HTML]) -> HTML {
        list(
            pieces.enumerated().flatMap { index, piece -> [HTML] in
                index == 0 ? [piece] : [index == pieces.count - 1 ? " and " : ", ", piece]
            })
    }

    static func + (first: HTML, second: HTML) -> HTML { HTML(markup: first.markup + second.markup) }

    /// Text in which nothing is markup: the five characters that are, as references; controls, characters that are not
    /// characters and marks that turn the direction of what follows, as U+FFFD.
    static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            case "\n", "\t": out.unicodeScalars.append(scalar)
            default: out.unicodeScalars.append(isHarmless(scalar) ? scalar : "\u{FFFD}")
            }
        }
        return out
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        let isControl = value < 0x20 || (0x7F...0x9F).contains(value)
        let turnsDirection =
            (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value)
            || [0x200E, 0x200F, 0x61C].contains(value)
        let isNoCharacter = (0xFDD0...0xFDEF).contains(value) || value & 0xFFFE == 0xFFFE
        return !isControl && !turnsDirection && !isNoCharacter
    }
}
