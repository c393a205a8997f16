import Numerics
public import Record

/// A sweep as text for standard output: points × methods for each number of known interactions.
public enum SweepTable {
    /// What transfers are judged by: a table of many points has room for these alone.
    private static let references = ["best-local", "popularity", "shuffled-source"]

    /// The tables of one metric and cohort, what the transfer gains or loses against one point, paired over seeds, ε of
    /// each release against each adversary, and a line for each point that failed.
    ///
    /// Where protection is swept, the point is the first without protection, else the first that completed.
    public static func text(
        _ sweep: SweepRecord, metric: String, cohort: String = "cold-users", clients: [String]? = nil
    ) -> String {
        var out = ""
        let completed = sweep.points.filter { $0.status == .completed }
        let figures = completed.flatMap(\.figures).filter {
            $0.metric == metric && $0.cohort == cohort && clients?.contains($0.client) != false
        }
        let transfers = unique(completed.flatMap { FigureSet($0).transfers })
        let methods = columns(unique(figures.map(\.method)), transfers)
        for client in unique(figures.map(\.client)) {
            let shots = Set(figures.filter { $0.client == client }.map(\.shots)).sorted { ($0 ?? .max) < ($1 ?? .max) }
            for count in shots {
                var rows = [sweep.keys + methods]
                for point in completed {
                    rows.append(
                        point.settings.map(\.value)
                            + methods.map { method in
                                point.figures.first {
                                    $0.client == client && $0.method == method && $0.shots == count
                                        && $0.metric == metric && $0.cohort == cohort
                                }.map { ResultTable.cell($0) } ?? "–"
                            })
                }
                let known = count.map { "\($0) known target interactions" } ?? "all known"
                out += "\(metric) of \(cohort), client \(client), \(known)\n" + ResultTable.table(rows)
            }
            out += differences(sweep.keys, completed, metric: metric, cohort: cohort, client: client, shots: shots)
        }
        if let first = completed.first, let kind = first.figures.first?.kind {
            let seeds = first.seeds.count == 1 ? "seed \(first.seeds[0])" : "\(first.seeds.count) seeds"
            out += "\(seeds) a point; brackets: 95 % interval, \(kind)\n"
        }
        out += updates(sweep.keys, completed)
        out += privacy(sweep.keys, completed)
        for point in sweep.points where point.status != .completed {
            out += "not completed: \(label(point)): \(point.failure ?? point.status.rawValue)\n"
        }
        return out + sweep.notes.map { "note: \($0)\n" }.joined()
    }

    /// What each point's transfer gains against the first point's.
    private static func differences(
        _ keys: [String], _ points: [SweepPoint], metric: String, cohort: String, client: String, shots: [Int?]
    ) -> String {
        let open = points.first { $0.privacy.map { PrivacyWords(record: $0).isUnprotected } ?? false }
        guard let reference = open ?? points.first, points.count > 1, reference.seeds.count > 1 else { return "" }
        func values(_ point: SweepPoint, _ count: Int?) -> [Int: Double] {
            let method = FigureSet(point).transfers.first
            let figure = point.seedFigures.first {
                $0.client == client && $0.method == method && $0.shots == count && $0.metric == metric
                    && $0.cohort == cohort
            }
            return Dictionary(zip(point.seeds, figure?.values ?? []), uniquingKeysWith: { first, _ in first })
        }
        var rows = [keys + shots.map { $0.map { "k=\($0)" } ?? "all known" }]
        for point in points where point.settings != reference.settings {
            rows.append(
                point.settings.map(\.value)
                    + shots.map { count in
                        let (mine, others) = (values(point, count), values(reference, count))
                        let seeds = mine.keys.filter { others[$0] != nil }.sorted()
                        guard
                            let test = PairedTest(seeds.compactMap { mine[$0] }, seeds.compactMap { others[$0] })
                        else { return "–" }
                        let interval = test.interval.map {
                            " [\(ResultTable.signed($0.lower)), \(ResultTable.signed($0.upper))]"
                        }
                        return ResultTable.signed(test.difference) + (interval ?? "")
                    })
        }
        return
            "the transfer's \(metric) minus that of \(label(reference)), client \(client), paired over \(reference.seeds.count) seeds\n"
            + ResultTable.table(rows)
    }

    /// What the formats of updates save and leave over; empty where no point names one.
    private static func updates(_ keys: [String], _ points: [SweepPoint]) -> String {
        let rows = points.compactMap { point in
            point.updates.map { updates in
                point.settings.map(\.value) + [
                    "\(updates.bytesUp)", UpdateFormatWords.share(updates),
                    updates.error.map { ReportNumber.significant($0) } ?? "–",
                ]
            }
        }
        guard !rows.isEmpty else { return "" }
        return "updates: bytes up of a run, and what the mean round leaves over of its change, by norm\n"
            + ResultTable.table([keys + ["bytes up", "of float32", "left over"]] + rows)
    }

    /// What each point promises, against whom, per what unit and given what else; empty without any protected point.
    private static func privacy(_ keys: [String], _ points: [SweepPoint]) -> String {
        var rows = [keys + ["release"] + PrivacyWords.Adversary.allCases.map { "against \($0.rawValue)" }]
        var terms: [String] = []
        var isConditional = false
        for point in points {
            guard let words = point.privacy.map(PrivacyWords.init), !words.isUnprotected else {
                rows.append(
                    point.settings.map(\.value) + ["unprotected"]
                        + PrivacyWords.Adversary.allCases.map { _ in "no bound" })
                continue
            }
            terms.append(words.terms)
            for release in words.boundReleases {
                isConditional = isConditional || !release.conditionalOn.isEmpty
                let bounds = PrivacyWords.Adversary.allCases.map { adversary in
                    adversary.bound(release.epsilon).map(ReportNumber.epsilon) ?? "no bound"
                }
                rows.append(point.settings.map(\.value) + [release.name] + bounds)
            }
        }
        guard !terms.isEmpty else { return "" }
        return "ε of protected releases, \(unique(terms).joined(separator: "; or "))"
            + (isConditional ? "; conditional on what crossed unprotected\n" : "\n") + ResultTable.table(rows)
    }

    /// The transfers and their references, as far as they are measured; without any of them all methods.
    private static func columns(_ methods: [String], _ transfers: [String]) -> [String] {
        let known = (transfers + references).filter(methods.contains)
        return known.isEmpty ? methods : known
    }

    private static func label(_ point: SweepPoint) -> String {
        point.settings.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }
}
