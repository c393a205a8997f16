import Record

extension RunReport {
    /// Who sees what and how much of it is bounded.
    func addPrivacy(_ page: inout Page, _ pictures: inout [Picture]) {
        guard let privacy else { return }
        var content: [HTML] = []
        if privacy.isUnprotected {
            content.append(
                Page.paragraph(
                    .element("strong", ["class": "alarm"], ["Unprotected."]), " No ε bounds what anybody learns."))
        } else {
            content.append(
                Page.paragraph(
                    HTML(
                        "Mode \(privacy.record.mode); \(privacy.terms). An ε bounds what one adversary learns from what it "
                            + "sees about the presence of one \(privacy.record.unit); “no bound” means that it also sees "
                            + "something unprotected. A release’s own ε treats what it is conditional on as fixed.")))
        }
        for release in privacy.record.releases {
            guard let slots = release.personSlots else { continue }
            content.append(
                Page.paragraph(
                    .element("strong", ["class": "alarm"], ["One tensor is indexed by persons."]), " The release ",
                    .name(release.name),
                    HTML(
                        " has \(ReportNumber.count(slots, "slot")), each of one person or of nobody, in a secret order, "
                            + "with noise of its own; everything else that crosses is summed over persons. Who is linked "
                            + "is outside the ε, which hides what a linked person’s data are.")))
        }
        if let covers = privacy.record.covers {
            content.append(Page.paragraph(.strong("Each ε covers a rating, not a person:"), HTML(" \(covers).")))
        }
        content += privacy.record.releases.compactMap(privacy.manner).map { Page.paragraph($0) }
        if let most = privacy.record.ratingsPerPerson {
            content.append(
                Page.paragraph(
                    HTML(
                        "At most \(ReportNumber.count(most, "rating")) of one person, over all domains, enter what is "
                            + "protected; of more a choice by keyed hash, the same in every round.")))
        }
        content.append(page.table(adversaries(privacy)))
        content.append(contentsOf: Page.pictures(spendingPicture(&page, &pictures, privacy)))
        if !privacy.isUnprotected, !privacy.record.releases.isEmpty {
            content.append(page.table(releases(privacy)))
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
        let others = [Adversary.coordinator, .peer].contains { $0.bound(privacy.record.epsilon) == nil }
        rows.append([
            .text("the coordinator and clients together (colluders)"), .text("all that each of them sees"),
            .text(others ? "no bound" : "not accounted; never below the coordinator’s"),
        ])
        rows.append([
            .text("someone on the network (observer)"),
            .text(PrivacyWords.observer(transport: wire?.transport, isEncrypted: isEncrypted)), .text("no ε is stated"),
        ])
        return ReportTable(
            file: "adversaries",
            caption: HTML("ε of everything that each sees, \(privacy.terms); the largest over the seeds."),
            columns: [.prose("against"), .prose("sees"), .number("ε of everything seen")], rows: rows)
    }

    private func releases(_ privacy: PrivacyWords) -> ReportTable {
        typealias Adversary = PrivacyWords.Adversary
        return ReportTable(
            file: "releases",
            caption: HTML(
                "Each release alone, conditional on the values named last; \(privacy.terms). PLD: privacy-loss "
                    + "distributions, RDP: Rényi differential privacy, as a check; σ in units of the sensitivity."),
            columns: [
                .text("release"), .text("mechanism"), .number("σ"), .number("clipping bound C"), .number("sensitivity"),
                .number("sampling rate q"), .number("releases T"),
            ] + Adversary.allCases.map { .number("ε PLD, \($0.rawValue)") }
                + Adversary.allCases.map { .number("ε RDP, \($0.rawValue)") } + [.prose("conditional on")],
            rows: privacy.record.releases.map { release in
                func value(_ number: Double?) -> ReportTable.Cell {
                    number.flatMap { $0.isFinite ? .significant($0) : nil } ?? .missing
                }
                var row: [ReportTable.Cell] = [.name(release.name), .text(release.mechanism ?? "none")]
                row += [release.noiseMultiplier, release.clippingBound, release.sensitivity, release.samplingRate].map(
                    value)
                row.append(release.rounds.map { .integer($0) } ?? .missing)
                row += Adversary.allCases.map { .epsilon($0.bound(release.epsilon)) }
                row += Adversary.allCases.map { adversary in
                    release.renyiEpsilon == nil ? .missing : .epsilon(adversary.bound(release.renyiEpsilon))
                }
                row.append(
                    release.conditionalOn.isEmpty ? .missing : .text(release.conditionalOn.joined(separator: ", ")))
                return row
            })
    }

    /// Cumulative ε by round, a line for each adversary and release.
    private func spendingPicture(_ page: inout Page, _ pictures: inout [Picture], _ privacy: PrivacyWords) -> [HTML] {
        struct Line: Hashable {
            let adversary: String
            let release: String?
            var name: String {
                let words = PrivacyWords.Adversary(rawValue: adversary)?.words ?? adversary
                return release.map { "\($0) (conditional), against \(words)" } ?? "everything seen, against \(words)"
            }
        }
        let lines = unique(spending.map { Line(adversary: $0.adversary, release: $0.release) })
        let series = lines.enumerated().compactMap { index, line -> LineChart.Series? in
            let members = spending.filter { $0.adversary == line.adversary && $0.release == line.release }
                .sorted { $0.round < $1.round }
            let points = members.compactMap { point in
                point.epsilon.flatMap { Estimate($0) }.map { LineChart.Point(x: Double(point.round), estimate: $0) }
            }
            return points.isEmpty ? nil : .init(name: line.name, look: .at(index), points: points, isStepped: true)
        }
        let open = lines.filter { line in !series.contains { $0.name == line.name } }
        let rounds = spending.map { Double($0.round) }
        let picture = LineChart(
            id: "spending", title: "ε by round and adversary",
            description: series.map { line in
                "\(line.name): \(line.points.last.map { ReportNumber.significant($0.estimate.mean) } ?? "–") after "
                    + "round \(line.points.last.map { "\(Int($0.x))" } ?? "–")"
            }.joined(separator: "; "),
            xLabel: "round", yLabel: "ε spent up to and with this round", xAxis: .linear(rounds, isTight: true),
            series: series, includes: [0]
        ).picture()
        pictures += [picture].compactMap { $0 }
        let note: HTML =
            HTML(privacy.terms + ".")
            + (open.isEmpty
                ? .empty : " No bound for " + .sentence(open.map { HTML.name($0.name) }) + ".")
        let table = ReportTable(
            file: "epsilon-by-round", caption: HTML("Cumulative ε, \(privacy.terms)."),
            columns: [.number("round"), .text("against"), .text("of"), .number("ε")],
            rows: spending.map { point in
                [
                    .integer(point.round), .name(point.adversary),
                    point.release.map { .name("\($0) (conditional)") } ?? .text("everything seen"),
                    .epsilon(point.epsilon.flatMap { $0.isFinite ? $0 : nil }),
                ]
            })
        return page.figure(picture, title: "ε by round and adversary", note: note, data: table)
    }
}
