public import Record

/// The page of a sweep, and its tables as files: one self-contained HTML text without scripts.
///
/// *Determinism*: the same record gives the same bytes.
public struct SweepReport: Sendable {
    /// The record.
    public let sweep: SweepRecord

    /// A point that completed, with what is asked of it.
    struct View: Sendable {
        let point: SweepPoint
        let figures: FigureSet
        let privacy: PrivacyWords?
        /// The value on the horizontal axis as YAML writes it.
        let value: String
        /// The other settings, in words; empty without any.
        let group: String
        /// Their values alone.
        let groupValues: String

        var method: String? { figures.transfers.first }
        var isProtected: Bool { privacy.map { !$0.isUnprotected && !$0.boundReleases.isEmpty } ?? false }
    }

    /// The lines of one picture whose ε is of the same subject.
    struct Family: Sendable {
        let subject: PrivacyWords.Subject
        let groups: [String]
    }

    let views: [View]
    /// The key on the horizontal axis.
    let axisKey: String?

    /// Makes the report of a sweep.
    public init(_ sweep: SweepRecord) {
        self.sweep = sweep
        let key = SweepReport.axisKey(sweep)
        axisKey = key
        views = sweep.points.filter(SweepReport.isUsable).map { point in
            View(
                point: point, figures: FigureSet(point), privacy: point.privacy.map(PrivacyWords.init),
                value: point.settings.first { $0.key == key }?.value ?? "",
                group: point.settings.filter { $0.key != key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "),
                groupValues: point.settings.filter { $0.key != key }.map(\.value).joined(separator: ", "))
        }
    }

    /// The page, `report.html`.
    public func html() -> String { page().html }

    /// The files of its tables: names relative to the page, and contents.
    public func tables() -> [(name: String, contents: String)] {
        page().files + [(name: SweepReport.figuresFile, contents: figuresFile)]
    }

    /// The pictures of the page, for checks of their labels.
    package func pictures() -> [Picture] {
        var page = Page(title: "", kicker: .empty, lead: [])
        var pictures: [Picture] = []
        assemble(&page, &pictures)
        return pictures
    }

    private func page() -> Page {
        var page = Page(title: sweep.scenario, kicker: "Ferry report of a sweep", lead: lead())
        var pictures: [Picture] = []
        assemble(&page, &pictures)
        return page
    }

    private func assemble(_ page: inout Page, _ pictures: inout [Picture]) {
        addResults(&page, &pictures)
        addUpdates(&page, &pictures)
        addPoints(&page)
        addNotes(&page)
    }

    static let figuresFile = "\(Page.tableFolder)/figures.csv"

    /// A point whose figures may be averaged and drawn.
    static func isUsable(_ point: SweepPoint) -> Bool {
        point.status == .completed && point.failure == nil && !point.figures.isEmpty
    }

    /// What goes to the right in pictures: ε or the noise where it is swept, else the first key with numbers alone,
    /// else the first.
    private static func axisKey(_ sweep: SweepRecord) -> String? {
        let privacy = ["privacy.epsilon", "privacy.noise-multiplier"].first(where: sweep.keys.contains)
        let numeric = sweep.keys.first { key in
            let values = sweep.points.compactMap { point in point.settings.first { $0.key == key }?.value }
            return values.count > 1 && values.allSatisfy { number($0) != nil }
        }
        return privacy ?? numeric ?? sweep.keys.first
    }

    /// A setting as a number.
    static func number(_ value: String) -> Double? { Double(value).flatMap { $0.isFinite ? $0 : nil } }

    /// A setting in a table of values.
    private static func field(_ value: String) -> CSV.Field {
        Int(value).map { .integer($0) } ?? number(value).map { .number($0) } ?? .text(value)
    }

    /// The lines that share an axis of ε; none where nothing of a point has a bound, or it does not vary.
    var families: [Family] {
        var out: [Family] = []
        for group in unique(views.map(\.group)) {
            let records = views.filter { $0.group == group && $0.isProtected }.compactMap { $0.privacy?.record }
            guard let subject = PrivacyWords.subject(records) else { continue }
            if let index = out.firstIndex(where: { $0.subject == subject }) {
                out[index] = Family(subject: subject, groups: out[index].groups + [group])
            } else {
                out.append(Family(subject: subject, groups: [group]))
            }
        }
        return out
    }

    /// The place that the page judges by.
    var place: FigureSet.Place? { views.lazy.compactMap(\.figures.headlines.first).first }

    /// The numbers of shots at the place.
    var shots: [Int?] { place.flatMap { place in views.first.map { $0.figures.shots(place) } } ?? [] }

    /// Every figure of every point.
    private var figuresFile: String {
        CSV.text(
            head: sweep.keys + [
                "run", "client", "method", "cohort", "shots", "metric", "mean", "ci95-lower", "ci95-upper", "interval",
                "seeds",
            ],
            rows: sweep.points.flatMap { point in
                point.figures.map { figure in
                    let settings = sweep.keys.map { key in
                        point.settings.first { $0.key == key }.map { SweepReport.field($0.value) } ?? .empty
                    }
                    let ends =
                        figure.interval.count == 2 ? figure.interval.map { CSV.Field.number($0) } : [.empty, .empty]
                    let names: [CSV.Field] = [
                        .text(point.run), .text(figure.client), .text(figure.method), .text(figure.cohort),
                        figure.shots.map { .integer($0) } ?? .empty, .text(figure.metric), .number(figure.mean),
                    ]
                    return settings + names + ends + [.text(figure.kind), .integer(figure.seeds)]
                }
            })
    }
}
