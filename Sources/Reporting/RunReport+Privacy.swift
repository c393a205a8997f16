import Record

extension RunReport {
    /// Who sees what and how much of it is bounded.
    func addPrivacy(_ page: inout Page, _ pictures: inout [Picture]) {
        guard let privacy else { return }
        var content: [HTML] = []
        content.append(Page.paragraph(privacy.headline.html))
        if !privacy.isUnprotected {
            content.append(
                Page.paragraph(
                    HTML(
                        "An ε bounds what one adversary learns from what it sees about the presence of one "
                            + "\(privacy.record.unit); “no bound” means that it also sees something unprotected. A "
                            + "release’s own ε treats what it is conditional on as fixed.")))
        }
        content += privacy.circumstances.map { Page.paragraph($0.html) }
        content.append(page.table(adversaries(privacy)))
        content.append(contentsOf: spendingPicture(&page, &pictures, privacy))
        if privacy.record.releases.contains(where: { $0.mechanism != nil }) {
            content.append(page.table(releases(privacy)))
            let fixed = conditions(privacy)
            if !fixed.rows.isEmpty { content.append(page.foldedTable("What these ε are conditional on", fixed)) }
        }
        if let cohorts = privacy.record.cohorts, !cohorts.isEmpty {
            content.append(page.table(RunReport.cohorts(cohorts, privacy)))
        }
        if !privacy.record.unprotected.isEmpty {
            content.append(
                page.foldedTable(
                    HTML("\(ReportNumber.count(privacy.record.unprotected.count, "release")) without protection"),
                    ReportTable(
                        file: "unprotected",
                        caption: "Releases that cross as they are: there is no bound on what they tell.",
                        columns: [.text("release")],
                        rows: privacy.record.unprotected.map { [.name($0)] })))
        }
        page.add("privacy", "Privacy", content)
    }

    private func adversaries(_ privacy: PrivacyWords) -> ReportTable {
        typealias Adversary = PrivacyWords.Adversary
        var rows: [[ReportTable.Cell]] = Adversary.allCases.map { adversary in
            [
                .text(adversary.words), .text(privacy.sight(adversary)),
                .epsilon(adversary.bound(privacy.record.epsilon)),
            ]
        }
        rows.append([
            .text("someone on the network (observer)"),
            .text(PrivacyWords.observer(transport: wire?.transport, isEncrypted: isEncrypted)), .text("no ε is stated"),
        ])
        return ReportTable(
            file: "adversaries",
            caption: HTML("ε of everything that each sees, \(privacy.terms); the largest over the seeds."),
            columns: [.prose("against"), .prose("sees"), .number("ε of everything seen")], rows: rows)
    }

    private static func cohorts(_ cohorts: [PrivacyCohortRecord], _ privacy: PrivacyWords) -> ReportTable {
        typealias Adversary = PrivacyWords.Adversary
        return ReportTable(
            file: "cohorts",
            caption: HTML(
                "Cohorts of persons, dealt out by keyed hash: ε of everything that depends on the data of one, conditional on "
                    + "the data of the other, \(privacy.terms)."),
            columns: [.text("cohort"), .number("share of those who \(PrivacyWords.deeds(privacy.record))")]
                + Adversary.allCases.map { .number("ε, \($0.rawValue)") },
            rows: cohorts.map { cohort in
                [.name(cohort.name), .number(cohort.share, decimals: 2)]
                    + Adversary.allCases.map { .epsilon($0.bound(cohort.epsilon)) }
            })
    }

    /// The protected releases, a row for each adversary.
    private func releases(_ privacy: PrivacyWords) -> ReportTable {
        ReportTable(
            file: "releases",
            caption: HTML(
                "Each protected release alone, conditional on the values below; \(privacy.terms). PLD: privacy-loss "
                    + "distributions, RDP: Rényi differential privacy, as a check; σ in units of the sensitivity."),
            columns: [
                .text("release"), .text("against"), .number("ε PLD"), .number("ε RDP"), .text("mechanism"),
                .number("σ"),
                .number("clipping bound C"), .number("sensitivity"), .number("sampling rate q"), .number("releases T"),
            ],
            rows: privacy.record.releases.filter { $0.mechanism != nil }.flatMap { release in
                PrivacyWords.Adversary.allCases.map { adversary -> [ReportTable.Cell] in
                    let numbers = [
                        release.noiseMultiplier, release.clippingBound, release.sensitivity, release.samplingRate,
                    ]
                    return [
                        .name(release.name), .text(adversary.rawValue), .epsilon(adversary.bound(release.epsilon)),
                        release.renyiEpsilon == nil ? .missing : .epsilon(adversary.bound(release.renyiEpsilon)),
                        .text(release.mechanism ?? "none"),
                    ] + numbers.map { $0.flatMap { $0.isFinite ? .significant($0) : nil } ?? .missing }
                        + [release.rounds.map { .integer($0) } ?? .missing]
                }
            })
    }

    /// What the ε of each protected release takes as fixed.
    private func conditions(_ privacy: PrivacyWords) -> ReportTable {
        ReportTable(
            file: "conditions", caption: "What the ε of a release takes as fixed; it crosses unprotected.",
            columns: [.text("release"), .text("conditional on")],
            rows: privacy.record.releases.filter { $0.mechanism != nil }.flatMap { release in
                release.conditionalOn.map { [.name(release.name), .name($0)] }
            })
    }

    /// Cumulative ε by round: a line for each release, for all protected ones together, and for everything that is seen,
    /// with the adversaries that share it.
    private func spendingPicture(_ page: inout Page, _ pictures: inout [Picture], _ privacy: PrivacyWords) -> [HTML] {
        let spending = self.spending.map { point in
            SpendingRecord(
                round: point.round, adversary: point.adversary, scope: point.scope,
                epsilon: point.epsilon.flatMap { $0.isFinite ? $0 : nil })
        }
        guard !spending.isEmpty else { return [] }
        let scopes = unique(spending.map(\.scope))
        var lines: [(scope: SpendingRecord.Scope, adversaries: [String], points: [SpendingRecord])] = []
        for scope in scopes {
            for adversary in unique(spending.filter { $0.scope == scope }.map(\.adversary)) {
                let points = spending.filter { $0.scope == scope && $0.adversary == adversary }
                let same = lines.firstIndex { line in
                    line.scope == scope && line.points.map(\.round) == points.map(\.round)
                        && line.points.map(\.epsilon) == points.map(\.epsilon)
                }
                if let same {
                    lines[same].adversaries.append(adversary)
                } else {
                    lines.append((scope, [adversary], points))
                }
            }
        }
        func name(_ line: (scope: SpendingRecord.Scope, adversaries: [String], points: [SpendingRecord])) -> String {
            "\(PrivacyWords.words(line.scope)), against \(PrivacyWords.list(line.adversaries))"
        }
        // A control that is released too is no part of what the transfer costs.
        let own = lines.filter { line in
            if case .release(let release) = line.scope, release.hasPrefix("shuffled") { return false }
            return line.points.contains { $0.epsilon != nil }
        }
        // Between rounds that are all there a sum holds; between some of many it rises.
        let rounds = unique(spending.map(\.round)).sorted()
        let isStepped = (privacy.record.releases.compactMap(\.rounds).max() ?? 1) <= rounds.count
        let series = own.prefix(6).enumerated().compactMap { index, line -> LineChart.Series? in
            let points = line.points.compactMap { point in
                point.epsilon.flatMap { Estimate($0) }.map { LineChart.Point(x: Double(point.round), estimate: $0) }
            }
            return points.isEmpty
                ? nil : .init(name: name(line), look: .at(index), points: points, isStepped: isStepped)
        }
        let open = lines.filter { line in line.points.allSatisfy { $0.epsilon == nil } }
        let table = ReportTable(
            file: "epsilon-by-round",
            caption: HTML(
                "Cumulative ε of the first seed, \(privacy.terms); of releases conditional on what they are conditional on below."
            ),
            columns: [.number("round"), .prose("of"), .text("against"), .number("ε")],
            rows: spending.map { point in
                [
                    .integer(point.round), .text(PrivacyWords.words(point.scope)), .name(point.adversary),
                    .epsilon(point.epsilon),
                ]
            })
        guard rounds.count > 1 else {
            return [
                Page.paragraph(
                    HTML(
                        "All that is protected is released in round \(rounds[0]), once: ε does not grow from round to round."
                    )),
                page.foldedTable("ε by round", table),
            ]
        }
        let picture = LineChart(
            id: "spending", title: "ε by round and adversary",
            description: series.map { line in
                "\(line.name): \(line.points.last.map { ReportNumber.epsilon($0.estimate.mean) } ?? "–") after "
                    + "round \(line.points.last.map { "\(Int($0.x))" } ?? "–")"
            }.joined(separator: "; "),
            xLabel: "round", yLabel: "ε spent up to and with this round",
            xAxis: .rounds(rounds), series: series, includes: [0], mayDodge: false
        ).picture()
        pictures += [picture].compactMap { $0 }
        let note: HTML =
            HTML("\(privacy.terms); computed at the marked rounds.")
            + (open.isEmpty ? .empty : " No bound for " + .sentence(open.map { HTML(name($0)) }) + ".")
        let figure = page.figure(picture, title: "ε by round and adversary", note: note, data: table)
        return figure.isEmpty ? [page.foldedTable("ε by round", table)] : Page.pictures(figure)
    }
}
