/// A drawing with its text alternative, its legend and the places of its texts.
package struct Picture: Sendable {
    /// What a text covers, in units of the drawing.
    package struct LabelBox: Sendable, Equatable {
        /// The text.
        package let text: String
        /// The left end.
        package let left: Double
        /// The right end.
        package let right: Double
        /// The upper end.
        package let top: Double
        /// The lower end.
        package let bottom: Double

        /// Whether two texts cover a common place.
        package func overlaps(_ other: LabelBox) -> Bool {
            left < other.right && other.left < right && top < other.bottom && other.top < bottom
        }
    }

    /// A sample of a line, a mark or a pattern, and what it stands for.
    struct LegendEntry: Sendable {
        let look: Look
        let words: HTML
    }

    /// The width in units; a text of 12 units is as large as the page's smallest when the picture is as wide as a phone.
    package static let width = 390.0

    let svg: HTML
    let legend: [LegendEntry]
    /// The texts, to see that none lies on another and that all lie inside.
    package let labels: [LabelBox]
    /// The height in units.
    package let height: Double
}

/// Draws into a picture and notes where texts are.
struct Canvas {
    /// How a text stands to its point.
    enum Anchor: String {
        case start
        case middle
        case end
    }

    private(set) var pieces: [HTML] = []
    private(set) var labels: [Picture.LabelBox] = []

    static let textSize = 12.0

    /// A generous estimate of the width of a text in units, without a font to measure it with.
    static func textWidth(_ text: String) -> Double {
        text.unicodeScalars.reduce(0) { width, scalar in
            switch scalar.value {
            case 0x69, 0x6A, 0x6C, 0x2E, 0x2C, 0x3A, 0x3B, 0x7C, 0x27, 0x20, 0xA0, 0x5B, 0x5D: width + 0.34
            case 0x41...0x5A, 0x6D, 0x77, 0x25, 0x40: width + 0.78
            case 0x300...0x36F: width
            case 0x2E80...: width + 1.05
            default: width + 0.58
            }
        } * textSize
    }

    /// A text cut to a width, with an ellipsis.
    static func fitted(_ text: String, _ width: Double) -> String {
        guard textWidth(text) > width else { return text }
        var kept = text
        while !kept.isEmpty && textWidth(kept + "…") > width { kept.removeLast() }
        return kept + "…"
    }

    /// A text in lines of a width, of at most a number; the last is cut.
    static func wrapped(_ text: String, _ width: Double, lineCount: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            if let last = lines.last, lines.count == lineCount || textWidth("\(last) \(word)") <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines.map { fitted($0, width) }
    }

    /// A coordinate; a figure that is not finite has no place in a picture and was left out before.
    static func coordinate(_ value: Double) -> String {
        precondition(value.isFinite, "a coordinate that is not a number")
        var text = ResultTable.decimals(value, 1)
        if text.hasSuffix(".0") { text.removeLast(2) }
        return text == "-0" ? "0" : text
    }

    mutating func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class kind: String, dash: String? = nil
    ) {
        pieces.append(
            .element(
                "line",
                [
                    "class": kind, "x1": Canvas.coordinate(x1), "y1": Canvas.coordinate(y1),
                    "x2": Canvas.coordinate(x2), "y2": Canvas.coordinate(y2), "stroke-dasharray": dash,
                ]))
    }

    mutating func path(_ points: [(Double, Double)], class kind: String, dash: String? = nil) {
        guard points.count > 1 else { return }
        let data = points.enumerated().map {
            "\($0 == 0 ? "M" : "L")\(Canvas.coordinate($1.0)) \(Canvas.coordinate($1.1))"
        }.joined()
        pieces.append(.element("path", ["class": kind, "d": data, "stroke-dasharray": dash]))
    }

    mutating func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, class kind: String) {
        pieces.append(
            .element(
                "rect",
                [
                    "class": kind, "x": Canvas.coordinate(x), "y": Canvas.coordinate(y),
                    "width": Canvas.coordinate(max(0, width)), "height": Canvas.coordinate(max(0, height)),
                ]))
    }

    mutating func mark(_ x: Double, _ y: Double, _ look: Look) {
        pieces.append(
            .element("path", ["class": "mark \(look.color.rawValue)", "d": look.mark.path(Canvas.coordinate, x, y)]))
    }

    /// A text on its baseline; noted with the place it covers.
    mutating func text(
        _ text: String, _ x: Double, _ y: Double, _ anchor: Anchor = .start, class kind: String? = nil
    ) {
        guard !text.isEmpty else { return }
        let width = Canvas.textWidth(text)
        let left = anchor == .start ? x : anchor == .middle ? x - width / 2 : x - width
        labels.append(
            Picture.LabelBox(text: text, left: left, right: left + width, top: y - 9.5, bottom: y + 2.5))
        pieces.append(
            .element(
                "text",
                [
                    "x": Canvas.coordinate(x), "y": Canvas.coordinate(y),
                    "text-anchor": anchor == .start ? nil : anchor.rawValue, "class": kind,
                ], [HTML(text)]))
    }

    /// The picture; `id` is one of our own and unique in the page.
    func picture(id: String, title: String, description: String, height: Double, legend: [Picture.LegendEntry] = [])
        -> Picture
    {
        let heads: [HTML] = [
            .element("title", [:], [HTML(title)]),
            .element("desc", ["id": "\(id)-text"], [HTML(description)]),
        ]
        let svg = HTML.element(
            "svg",
            [
                "role": "img", "viewBox": "0 0 \(Canvas.coordinate(Picture.width)) \(Canvas.coordinate(height))",
                "aria-label": title, "aria-describedby": "\(id)-text",
            ], heads + pieces)
        return Picture(svg: svg, legend: legend, labels: labels, height: height)
    }
}
