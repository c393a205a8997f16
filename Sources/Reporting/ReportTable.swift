/// A table of a page, which is also a file of comma-separated values.
struct ReportTable: Sendable {
    /// What stands in one place of the table.
    enum Cell: Sendable {
        case text(String)
        case name(String)
        case integer(Int)
        case number(Double, decimals: Int)
        case significant(Double)
        case estimate(Estimate, decimals: Int)
        case share(Estimate)
        /// The ε of an adversary; `nil` is no bound.
        case epsilon(Double?)
        case link(String, href: String)
        case missing
    }

    /// A column; one of estimates is three in the file.
    struct Column: Sendable {
        let title: String
        var isNumber = false
        var isEstimate = false
        /// Whether cells are sentences, which need room.
        var isProse = false

        /// The class in the style sheet.
        var kind: String? { isNumber ? "number" : isProse ? "prose" : nil }

        static func text(_ title: String) -> Column { Column(title: title) }
        static func prose(_ title: String) -> Column { Column(title: title, isProse: true) }
        static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
        static func estimate(_ title: String) -> Column { Column(title: title, isNumber: true, isEstimate: true) }
    }

    /// The name of the file without folder and extension, made of harmless characters.
    let file: String
    let caption: HTML
    let columns: [Column]
    let rows: [[Cell]]

    init(file: String, caption: HTML, columns: [Column], rows: [[Cell]]) {
        self.file = ReportTable.harmless(file)
        self.caption = caption
        self.columns = columns
        self.rows = rows
    }

    /// A file name of letters, digits and hyphens, of at most 80 characters.
    static func harmless(_ name: String) -> String {
        var out = ""
        for scalar in name.unicodeScalars {
            let isKept = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
            if isKept { out.unicodeScalars.append(scalar) } else if !out.hasSuffix("-") { out += "-" }
        }
        while out.hasSuffix("-") { out.removeLast() }
        while out.hasPrefix("-") { out.removeFirst() }
        return out.isEmpty ? "table" : String(out.prefix(80)).lowercased()
    }

    /// The table in a box that scrolls by itself, with the link to its file.
    func html(folder: String) -> HTML {
        let head = columns.map {
            HTML.element("th", ["scope": "col", "class": $0.kind], [HTML($0.title)])
        }
        let body = rows.map { row in
            HTML.element(
                "tr", [:],
                row.enumerated().map { index, cell in
                    let kind = columns.indices.contains(index) ? columns[index].kind : nil
                    // A head of a row without any data would head nothing.
                    return index == 0 && columns.count > 1
                        ? .element("th", ["scope": "row", "class": kind], [ReportTable.html(cell)])
                        : .element("td", ["class": kind], [ReportTable.html(cell)])
                })
        }
        return .element(
            "div", ["class": "scroll", "role": "group", "aria-label": "Table: \(file)", "tabindex": "0"],
            [
                .element(
                    "table", [:],
                    [
                        .element(
                            "caption", [:],
                            [
                                .element(
                                    "span", ["class": "about"],
                                    [
                                        caption, " ",
                                        .element("a", ["href": "\(folder)/\(file).csv"], [HTML("\(file).csv")]),
                                    ])
                            ]),
                        .element("thead", [:], [.element("tr", [:], head)]),
                        .element("tbody", [:], body),
                    ])
            ])
    }

    /// The table as comma-separated values.
    var csv: String {
        let head = columns.flatMap { column -> [String] in
            // A space that does not break a line has no place in a file.
            let title = String(column.title.map { $0 == "\u{A0}" ? " " : $0 })
            return column.isEstimate ? [title, "\(title) ci95-lower", "\(title) ci95-upper"] : [title]
        }
        return CSV.text(
            head: head,
            rows: rows.map { row in
                row.enumerated().flatMap { index, cell in
                    ReportTable.fields(cell, isEstimate: columns.indices.contains(index) && columns[index].isEstimate)
                }
            })
    }

    private static func html(_ cell: Cell) -> HTML {
        switch cell {
        case .text(let text): HTML(text)
        case .name(let name): .name(name)
        case .integer(let number): HTML(DataTable.grouped(number))
        case .number(let number, let decimals): HTML(ReportNumber.decimals(number, decimals))
        case .significant(let number): HTML(ReportNumber.significant(number))
        case .estimate(let estimate, let decimals):
            interval(estimate, estimate.text(decimals, brackets: false)) {
                ReportNumber.decimals($0, decimals)
            }
        case .share(let estimate): interval(estimate, ReportNumber.percent(estimate.mean), ReportNumber.percent)
        case .epsilon(let epsilon):
            epsilon.map { HTML(ReportNumber.epsilon($0)) } ?? .element("em", [:], ["no bound"])
        case .link(let text, let href): .element("a", ["href": href], [.name(text)])
        case .missing: .element("span", ["class": "quiet"], ["–"])
        }
    }

    private static func interval(_ estimate: Estimate, _ center: String, _ print: (Double) -> String) -> HTML {
        guard let lower = estimate.lower, let upper = estimate.upper else { return HTML(center) }
        return HTML(center + " ") + .element("span", ["class": "quiet"], [HTML("[\(print(lower)), \(print(upper))]")])
    }

    private static func fields(_ cell: Cell, isEstimate: Bool) -> [CSV.Field] {
        switch cell {
        case .text(let text), .name(let text), .link(let text, _): [.text(text)] + (isEstimate ? [.empty, .empty] : [])
        case .integer(let number): [.integer(number)]
        case .number(let number, _), .significant(let number): [.number(number)]
        case .estimate(let estimate, _), .share(let estimate):
            [.number(estimate.mean)]
                + (isEstimate
                    ? [estimate.lower.map { .number($0) } ?? .empty, estimate.upper.map { .number($0) } ?? .empty] : [])
        case .epsilon(let epsilon): [epsilon.map { .number($0) } ?? .text("no bound")]
        case .missing: isEstimate ? [.empty, .empty, .empty] : [.empty]
        }
    }
}
