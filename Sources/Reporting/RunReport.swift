public import Record

/// The page of one run over its seeds, and its tables as files: one self-contained HTML text without scripts.
///
/// *Determinism*: the same input gives the same bytes; there is no clock, host or path in it.
public struct RunReport: Sendable {
    /// The figures over the seeds.
    public var summary: SummaryRecord
    /// The records of the seeds; without them no ratio to popularity has an interval.
    public var runs: [RunRecord]
    /// The traffic of the first seed, and how its rounds came on.
    public var wire: WireRecord?
    /// The resolved scenario, `scenario.yaml`.
    public var scenario: String?
    /// The target domain, if known.
    public var target: String?
    /// Whether messages between machines were encrypted with CURVE.
    public var isEncrypted: Bool
    /// ε by round and adversary, from the ledger of the first seed.
    public var spending: [SpendingRecord]

    let figures: FigureSet
    let privacy: PrivacyWords?

    /// Makes the report of a run.
    public init(
        summary: SummaryRecord, runs: [RunRecord], wire: WireRecord? = nil, scenario: String? = nil,
        target: String? = nil, isEncrypted: Bool = false, spending: [SpendingRecord] = []
    ) {
        self.summary = summary
        self.runs = runs
        self.wire = wire
        self.scenario = scenario
        self.target = target
        self.isEncrypted = isEncrypted
        self.spending = spending
        figures = FigureSet(summary, runs: runs)
        let records = runs.isEmpty ? [summary.privacy].compactMap { $0 } : runs.map(\.privacy)
        privacy = PrivacyRecord.worst(records).map(PrivacyWords.init)
    }

    /// The page, `report.html`.
    public func html() -> String { page().html }

    /// The files of its tables: names relative to the page, such as `tables/clients.csv`, and contents.
    public func tables() -> [(name: String, contents: String)] { page().files }

    /// The pictures of the page, for checks of their labels.
    package func pictures() -> [Picture] {
        var pictures: [Picture] = []
        var page = Page(title: "", kicker: .empty, lead: [])
        assemble(&page, pictures: &pictures)
        return pictures
    }

    private func page() -> Page {
        var page = Page(title: summary.scenario, kicker: "Ferry report of a run", lead: lead())
        var pictures: [Picture] = []
        assemble(&page, pictures: &pictures)
        return page
    }

    private func assemble(_ page: inout Page, pictures: inout [Picture]) {
        addResults(&page, &pictures)
        addPrivacy(&page, &pictures)
        addDrift(&page, &pictures)
        addLearning(&page, &pictures)
        addTraffic(&page, &pictures)
        addSetting(&page)
    }
}
