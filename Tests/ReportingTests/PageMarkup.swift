import Foundation

/// What is wrong with the markup of a page: tags that do not balance, attributes without quotes, ids that are not
/// unique or that nothing has, headings that skip a level, numbers in drawings that are not finite; and what keeps people
/// out: pictures without words, tables without a caption or heads that head nothing, links and headings without a name,
/// boxes that scroll and cannot be reached by keyboard, a page without a language or a main part.
struct PageMarkup {
    private(set) var problems: [String] = []
    private(set) var texts: [String] = []
    private(set) var names: [String] = []

    private static let voids: Set<String> = ["meta", "link", "br", "hr", "col"]
    private static let named: Set<String> = [
        "a", "h1", "h2", "h3", "summary", "caption", "figcaption", "title", "desc", "li", "th", "button",
    ]
    /// What ends a paragraph for a browser, whatever the source says.
    private static let blocks: Set<String> = [
        "p", "div", "ul", "ol", "dl", "table", "figure", "section", "details", "h1", "h2", "h3", "pre",
    ]
    private static let references: Set<String> = ["aria-labelledby", "aria-describedby"]

    init(_ page: String) {
        var open: [String] = []
        var ids: Set<String> = []
        var wanted: [String] = []
        var lastHeading = 0
        var counts: [String: Int] = [:]
        // Of every open element, whether it has any text.
        var hasText: [Bool] = []
        var rest = Substring(page)
        guard rest.hasPrefix("<!DOCTYPE html>") else {
            problems.append("no document type")
            return
        }
        rest = rest.dropFirst("<!DOCTYPE html>".count)
        while let start = rest.firstIndex(of: "<") {
            texts.append(String(rest[..<start]))
            if rest[..<start].contains(where: { !$0.isWhitespace }) { hasText = hasText.map { _ in true } }
            if rest[..<start].contains(">") && open.last != "style" {
                problems.append("a stray > before \(rest[start...].prefix(30))")
            }
            guard let end = rest[start...].firstIndex(of: ">") else {
                problems.append("a tag without an end")
                return
            }
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            if tag.hasPrefix("/") {
                let name = String(tag.dropFirst())
                if open.popLast() != name { problems.append("</\(name)> closes nothing") }
                if hasText.popLast() == false, PageMarkup.named.contains(name) {
                    problems.append("<\(name)> without a word")
                }
                continue
            }
            let name = String(tag.prefix { $0 != " " })
            names.append(name)
            counts[name, default: 0] += 1
            let attributes = PageMarkup.attributes(tag.dropFirst(name.count), &problems)
            problems += PageMarkup.barriers(name, attributes, in: open)
            for (key, value) in attributes {
                if key == "id" && !ids.insert(value).inserted { problems.append("id \(value) twice") }
                if PageMarkup.references.contains(key) { wanted.append(value) }
                if key == "href" && value.hasPrefix("#") { wanted.append(String(value.dropFirst())) }
                if key.hasPrefix("on") || value.hasPrefix("javascript:") { problems.append("a script in \(key)") }
                if ["x", "y", "x1", "x2", "y1", "y2", "width", "height", "viewBox"].contains(key) {
                    for part in value.split(separator: " ") where Double(part).map(\.isFinite) != true {
                        problems.append("\(key)=\(value)")
                    }
                }
                if key == "d" && value.lowercased().contains(where: { "nif".contains($0) }) {
                    problems.append("d=\(value)")
                }
            }
            if let level = name.count == 2 && name.hasPrefix("h") ? Int(name.dropFirst()) : nil {
                if level > lastHeading + 1 { problems.append("h\(level) after h\(lastHeading)") }
                lastHeading = level
            }
            if !PageMarkup.voids.contains(name) {
                open.append(name)
                hasText.append(false)
            }
        }
        for name in ["html", "head", "body", "main", "h1"] where counts[name] != 1 {
            problems.append("\(counts[name] ?? 0) of <\(name)>")
        }
        if counts["table", default: 0] != counts["caption", default: 0] { problems.append("a table without a caption") }
        if !open.isEmpty { problems.append("left open: \(open)") }
        for id in wanted where !ids.contains(id) { problems.append("nothing has the id \(id)") }
    }

    /// What keeps people out of one element.
    private static func barriers(_ name: String, _ attributes: [(String, String)], in open: [String]) -> [String] {
        let values = Dictionary(attributes, uniquingKeysWith: { first, _ in first })
        var out: [String] = []
        if values.count != attributes.count { out.append("an attribute twice in <\(name)>") }
        switch name {
        case "html" where values["lang"]?.isEmpty != false: out.append("a page without a language")
        case "svg" where values["aria-hidden"] != "true":
            if values["role"] != "img" || values["aria-label"]?.isEmpty != false || values["aria-describedby"] == nil {
                out.append("a picture without words")
            }
        case "th" where !["col", "row"].contains(values["scope"]): out.append("a head without a scope")
        case "nav", "section":
            if values["aria-label"] == nil && values["aria-labelledby"] == nil {
                out.append("<\(name)> without a name")
            }
        default: break
        }
        if values["tabindex"] == "0", values["role"] == nil || values["aria-label"]?.isEmpty != false {
            out.append("a place to stop at without a name")
        }
        if values["class"] == "scroll" && values["tabindex"] != "0" { out.append("a box that no key scrolls") }
        if open.last == "p" && blocks.contains(name) { out.append("<\(name)> in a paragraph") }
        return out
    }

    private static func attributes(_ text: Substring, _ problems: inout [String]) -> [(String, String)] {
        var out: [(String, String)] = []
        var rest = text
        while let start = rest.firstIndex(where: { $0 != " " }) {
            rest = rest[start...]
            guard let sign = rest.range(of: "=\""), let end = rest[sign.upperBound...].firstIndex(of: "\"") else {
                problems.append("an attribute without quotes in \(text)")
                return out
            }
            out.append((String(rest[..<sign.lowerBound]), String(rest[sign.upperBound..<end])))
            rest = rest[rest.index(after: end)...]
        }
        return out
    }
}
