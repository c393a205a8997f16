import Record

/// A page out of sections, each with a heading, words, pictures and tables; and the files of its tables.
struct Page {
    /// A part of the page with a heading.
    struct Section {
        let id: String
        let title: String
        let content: [HTML]
    }

    /// Where the files of tables are, relative to the page.
    static let tableFolder = "tables"

    let title: String
    let kicker: HTML
    let lead: [HTML]
    private(set) var sections: [Section] = []
    private(set) var tables: [ReportTable] = []

    init(title: String, kicker: HTML, lead: [HTML]) {
        self.title = title
        self.kicker = kicker
        self.lead = lead
    }

    /// Adds a section; one without content is left out.
    mutating func add(_ id: String, _ title: String, _ content: [HTML]) {
        guard !content.isEmpty else { return }
        sections.append(Section(id: id, title: title, content: content))
    }

    /// A table, noted as a file; the second of a name gets a number, for people's ids may be alike.
    mutating func table(_ table: ReportTable) -> HTML {
        var file = table.file
        var number = 2
        while tables.contains(where: { $0.file == file }) {
            file = "\(table.file)-\(number)"
            number += 1
        }
        let named = ReportTable(file: file, caption: table.caption, columns: table.columns, rows: table.rows)
        tables.append(named)
        return named.html(folder: Page.tableFolder)
    }

    /// A table behind a line to open it.
    mutating func foldedTable(_ summary: HTML, _ table: ReportTable) -> HTML {
        Page.folded(summary, [self.table(table)])
    }

    /// Content behind a line to open it.
    static func folded(_ summary: HTML, _ content: [HTML]) -> HTML {
        .element("details", [:], [.element("summary", [:], [summary])] + content)
    }

    /// A picture with its caption, its legend and the table of the same data; nothing without a picture.
    mutating func figure(_ picture: Picture?, title: String, note: HTML, data: ReportTable?) -> [HTML] {
        guard let picture else { return [] }
        var content: [HTML] = [
            .element("figcaption", [:], [HTML(title), .element("span", [:], [note])]), picture.svg,
        ]
        if !picture.legend.isEmpty {
            content.append(.element("ul", ["class": "legend"], picture.legend.map(Page.legend)))
        }
        if let data { content.append(foldedTable("The same as a table", data)) }
        return [.element("figure", [:], content)]
    }

    /// Pictures side by side where there is room.
    static func pictures(_ figures: [HTML]) -> [HTML] {
        figures.isEmpty ? [] : [.element("div", ["class": "pictures"], figures)]
    }

    private static func legend(_ entry: Picture.LegendEntry) -> HTML {
        let look = entry.look
        var sample: [HTML] = []
        if look.hasLine {
            sample.append(
                .element(
                    "path", ["class": "line \(look.color.rawValue)", "d": "M1 8L33 8", "stroke-dasharray": look.dash]))
        }
        if look.hasMark {
            sample.append(
                .element(
                    "path",
                    ["class": "mark \(look.color.rawValue)", "d": look.mark.path(Canvas.coordinate, 17, 8)]))
        }
        return .element(
            "li", [:],
            [
                .element("svg", ["viewBox": "0 0 34 16", "aria-hidden": "true"], sample),
                .element("span", [:], [entry.words]),
            ])
    }

    /// A paragraph.
    static func paragraph(_ pieces: HTML...) -> HTML { .element("p", [:], pieces) }

    /// A list of points.
    static func points(_ points: [HTML]) -> HTML { .element("ul", [:], points.map { .element("li", [:], [$0]) }) }

    /// A box that must not be overlooked.
    static func warning(_ pieces: [HTML]) -> HTML {
        .element("div", ["class": "warning", "role": "note"], pieces.map { .element("p", [:], [$0]) })
    }

    /// The page.
    var html: String {
        let contents = sections.map {
            HTML.element("li", [:], [.element("a", ["href": "#\($0.id)"], [HTML($0.title)])])
        }
        let head = HTML.element(
            "head", [:],
            [
                .element("meta", ["charset": "utf-8"]),
                .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .element("meta", ["name": "color-scheme", "content": "light dark"]),
                .element("title", [:], [HTML("\(title) – Ferry")]), .style(PageStyle.sheet),
            ])
        let main: [HTML] =
            [
                .element(
                    "section", ["class": "lead", "aria-labelledby": "plain-words"],
                    [.element("h2", ["id": "plain-words"], ["In plain words"])] + lead)
            ]
            + sections.map {
                .element(
                    "section", ["id": $0.id, "aria-labelledby": "\($0.id)-heading"],
                    [.element("h2", ["id": "\($0.id)-heading"], [HTML($0.title)])] + $0.content)
            }
        let body = HTML.element(
            "body", [:],
            [
                .element("a", ["class": "skip", "href": "#main"], ["Skip to the report"]),
                .element(
                    "header", [:],
                    [.element("p", ["class": "kicker"], [kicker]), .element("h1", [:], [.name(title)])]),
                .element("nav", ["aria-label": "Contents"], [.element("ul", [:], contents)]),
                .element("main", ["id": "main", "tabindex": "-1"], main),
                .element(
                    "footer", [:],
                    [
                        .paragraph(
                            HTML(
                                "Made by Ferry \(FerryVersion.current) from the records beside this page. Each table is "
                                    + "also a file of comma-separated values in the folder \(Page.tableFolder). "
                                    + "Counts, metrics and choices in the records belong to the experimenter and are "
                                    + "outside every ε."))
                    ]),
            ])
        return "<!DOCTYPE html>" + HTML.element("html", ["lang": "en", "dir": "ltr"], [head, body]).markup + "\n"
    }

    /// The files of the tables: names relative to the page, and contents.
    var files: [(name: String, contents: String)] { tables.map { ("\(Page.tableFolder)/\($0.file).csv", $0.csv) } }
}

extension HTML {
    fileprivate static func paragraph(_ content: HTML) -> HTML { element("p", [:], [content]) }
}
