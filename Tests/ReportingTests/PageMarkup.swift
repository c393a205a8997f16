import Foundation

/// What is wrong with the markup of a page: tags that do not balance, attributes without quotes, ids that are not
/// unique or that nothing has, headings that skip a level, numbers in drawings that are not finite.
struct PageMarkup {
    private(set) var problems: [String] = []
    private(set) var texts: [String] = []
    private(set) var names: [String] = []

    private static let voids: Set<String> = ["meta", "link", "br", "hr", "col"]
    private static let references: Set<String> = ["aria-labelledby", "aria-describedby"]

    init(_ page: String) {
        var open: [String] = []
        var ids: Set<String> = []
        var wanted: [String] = []
        var lastHeading = 0
        var rest = Substring(page)
        guard rest.hasPrefix("<!DOCTYPE html>") else {
            problems.append("no document type")
            return
        }
        rest = rest.dropFirst("<!DOCTYPE html>".count)
        while let start = rest.firstIndex(of: "<") {
            texts.append(String(rest[..<start]))
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
                continue
            }
            let name = String(tag.prefix { $0 != " " })
            names.append(name)
            for (key, value) in PageMarkup.attributes(tag.dropFirst(name.count), &problems) {
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
            if !PageMarkup.voids.contains(name) { open.append(name) }
        }
        if !open.isEmpty { problems.append("left open: \(open)") }
        for id in wanted where !ids.contains(id) { problems.append("nothing has the id \(id)") }
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
