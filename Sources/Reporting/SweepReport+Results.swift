import Record

extension SweepReport {
    /// Pictures and a table for each number of shots.
    func addResults(_ page: inout Page, _ pictures: inout [Picture]) {
        guard let place else { return }
        var figures: [HTML] = []
        for (index, count) in shots.enumerated() {
            for (familyIndex, family) in families.enumerated() {
                let chart = tradeOff("epsilon-\(familyIndex + 1)-\(index + 1)", family, place, count)
                let picture = chart.picture()
                pictures += [picture].compactMap { $0 }
                figures += page.figure(
                    picture, title: "\(place.metric) against ε, \(GainWords.shots(count))",
                    note: HTML("\(family.subject.label). Bars: 95 % intervals.\(omitted)"),
                    data: chart.table)
            }
            if families.isEmpty, let chart = general("sweep-\(index + 1)", place, count) {
                let picture = chart.picture()
                pictures += [picture].compactMap { $0 }
                figures += page.figure(
                    picture, title: "\(place.metric), \(GainWords.shots(count))",
                    note: HTML("Bars: 95 % intervals.\(omitted)"), data: nil)
            }
        }
        var content = Page.pictures(figures)
        for (index, count) in shots.enumerated() {
            let table = values(place, count)
            content.append(
                index == 0
                    ? page.table(table) : page.foldedTable(HTML("The same at \(GainWords.shots(count))"), table))
        }
        content.append(
            Page.paragraph(
                "Every figure of every point: ",
                .element("a", ["href": SweepReport.figuresFile], [HTML(SweepReport.figuresFile)]), "."))
        page.add("results", families.isEmpty ? "Results" : "What privacy costs", content)
    }

    /// What no picture shows.
    private var omitted: String {
        let count = sweep.points.count { !SweepReport.isUsable($0) }
        return count == 0
            ? "" : " \(ReportNumber.count(count, "point")) that failed \(count == 1 ? "is" : "are") left out."
    }

    private func tradeOff(_ id: String, _ family: Family, _ place: FigureSet.Place, _ shots: Int?) -> TradeOff {
        func line(_ group: String, _ isProtected: Bool) -> TradeOff.Line? {
            let members = views.filter { $0.group == group && $0.isProtected == isProtected }
            let points = members.compactMap { view -> TradeOff.Point? in
                guard let method = view.method else { return nil }
                if !isProtected { return .init(epsilon: .nan, figures: view.figures, method: method) }
                return view.privacy?.value(family.subject).map {
                    .init(epsilon: $0, figures: view.figures, method: method)
                }
            }
            let name = group.isEmpty ? members.first?.method ?? "transfer" : group
            let short = members.first?.groupValues ?? ""
            return points.isEmpty
                ? nil : .init(name: name, shortName: short.isEmpty ? name : short, points: points)
        }
        return TradeOff(
            id: id, place: place, shots: shots, subject: family.subject,
            lines: family.groups.prefix(6).compactMap { line($0, true) },
            unprotected: family.groups.prefix(6).compactMap { line($0, false) })
    }

    /// The transfer and what it is compared with over the key that is swept.
    private func general(_ id: String, _ place: FigureSet.Place, _ shots: Int?) -> LineChart? {
        guard let axisKey else { return nil }
        let values = unique(views.map(\.value))
        let numbers = values.compactMap(SweepReport.number)
        let isNumeric = numbers.count == values.count && values.count > 1
        func x(_ view: View) -> Double? {
            isNumeric ? SweepReport.number(view.value) : values.firstIndex(of: view.value).map(Double.init)
        }
        func points(_ members: [View], _ method: String?) -> [LineChart.Point] {
            members.compactMap { view in
                guard let name = method ?? view.method, let across = x(view) else { return nil }
                return view.figures.estimate(place, name, shots).map { .init(x: across, estimate: $0) }
            }.sorted { $0.x < $1.x }
        }
        let groups = unique(views.map(\.group))
        var series: [LineChart.Series] = []
        for (index, group) in groups.prefix(6).enumerated() {
            let members = views.filter { $0.group == group }
            series.append(
                .init(
                    name: group.isEmpty ? members.first?.method ?? "transfer" : group,
                    look: .line(index), points: points(members, nil), isJoined: isNumeric))
        }
        if groups.count == 1 {
            for name in ["best-local", "popularity", "shuffled-source"] {
                guard let look = Look.baseline(name) else { continue }
                series.append(.init(name: name, look: look, points: points(views, name), isJoined: isNumeric))
            }
        }
        let isWide = (numbers.min() ?? 0) > 0 && (numbers.max() ?? 0) / (numbers.min() ?? 1) >= 50
        let axis: Axis =
            !isNumeric
            ? .categories(values) : isWide ? .logarithmic(numbers) : .at(numbers, label: ReportNumber.significant)
        return LineChart(
            id: id, title: "\(place.metric) by \(axisKey), \(GainWords.shots(shots))",
            description: series.map { line in
                "\(line.name): "
                    + line.points.map { point in
                        let at = isNumeric ? ReportNumber.significant(point.x) : values[Int(point.x)]
                        return "\(at) \(point.estimate.text(3))"
                    }.joined(separator: ", ")
            }.joined(separator: ". "), xLabel: axisKey, yLabel: "\(place.metric), \(GainWords.shots(shots))",
            xAxis: axis,
            series: series)
    }

    private func values(_ place: FigureSet.Place, _ shots: Int?) -> ReportTable {
        let family = families.first
        let subjects = families.map(\.subject.label)
        var columns: [ReportTable.Column] = sweep.keys.map { .text($0) }
        if family != nil { columns.append(.number("ε")) }
        columns += ["transfer", "best-local", "popularity", "shuffled-source"].map { .estimate($0) }
        columns += ["transfer ÷ best-local", "transfer ÷ popularity", "control ÷ best-local"].map { .estimate($0) }
        columns += ["persons better", "persons worse"].map { .estimate($0) }
        let rows = sweep.points.map { point -> [ReportTable.Cell] in
            var row: [ReportTable.Cell] = sweep.keys.map { key in
                .name(point.settings.first { $0.key == key }?.value ?? "")
            }
            guard let view = views.first(where: { $0.point.settings == point.settings && SweepReport.isUsable(point) })
            else {
                return row + columns.dropFirst(row.count).map { _ in .missing }
            }
            if family != nil {
                let own = families.first { $0.groups.contains(view.group) }
                let value = own.flatMap { view.isProtected ? view.privacy?.value($0.subject) : nil }
                row.append(.epsilon(value))
            }
            let method = view.method ?? ""
            row += [method, "best-local", "popularity", "shuffled-source"].map { name in
                view.figures.estimate(place, name, shots).map { .estimate($0, decimals: 4) } ?? .missing
            }
            // No ratio of the transfer without the one of the control beside it.
            let control = view.figures.ratio(place, GainWords.control, over: GainWords.baseline, shots)
            let local = view.figures.ratio(place, method, over: GainWords.baseline, shots)
            let popularity = view.figures.ratio(place, method, over: "popularity", shots)
            row += [local, popularity, control].map { ratio in
                control == nil || local == nil ? .missing : ratio.map { .estimate($0, decimals: 2) } ?? .missing
            }
            row += ["better", "worse"].map { kind in
                let share = FigureSet.Place(
                    client: place.client, cohort: place.cohort, metric: "\(place.metric)-share-\(kind)")
                return view.figures.estimate(share, method, shots).map { .share($0.asShare) } ?? .missing
            }
            return row
        }
        return ReportTable(
            file: "points-\(shots.map { "k\($0)" } ?? "all")",
            caption: .name(place.metric) + " of " + .name(place.cohort) + HTML(", \(GainWords.shots(shots)).")
                + (subjects.isEmpty ? .empty : HTML(" Column ε: \(subjects.joined(separator: "; or "))."))
                + " Ratios: means of the seeds’ ratios. Persons better and worse: by the transfer than by best-local. A row of dashes is a point that failed.",
            columns: columns, rows: rows)
    }

    /// Every point with its promise and its run.
    func addPoints(_ page: inout Page) {
        let rows = sweep.points.map { point -> [ReportTable.Cell] in
            var row: [ReportTable.Cell] = sweep.keys.map { key in
                .name(point.settings.first { $0.key == key }?.value ?? "")
            }
            row.append(.text(point.failure.map { "\(point.status.rawValue): \($0)" } ?? point.status.rawValue))
            row.append(.integer(point.seeds.count))
            let words = point.privacy.map(PrivacyWords.init)
            row += PrivacyWords.Adversary.allCases.map { adversary in
                words == nil ? .missing : .epsilon(adversary.bound(words?.record.epsilon))
            }
            let own = (words?.boundReleases ?? []).map { release -> String in
                let bounds = PrivacyWords.Adversary.allCases.compactMap { adversary in
                    adversary.bound(release.epsilon).map {
                        "\(ReportNumber.epsilon($0)) against \(adversary.rawValue)"
                    }
                }
                return "\(release.name): \(bounds.joined(separator: ", "))"
            }
            row.append(own.isEmpty ? .missing : .text(own.joined(separator: "; ")))
            row.append(point.status == .completed ? .link("report", href: SweepReport.link(point.run)) : .missing)
            return row
        }
        guard !rows.isEmpty else { return }
        let terms = unique(views.filter(\.isProtected).compactMap { $0.privacy?.terms })
        page.add(
            "points", "Every point",
            [
                page.table(
                    ReportTable(
                        file: "points",
                        caption: HTML(
                            "The ε of single adversaries are of everything that each sees; those of releases are "
                                + "conditional on what is not protected"
                                + (terms.isEmpty ? "." : "; all \(terms.joined(separator: "; or ")).")),
                        columns: sweep.keys.map { .text($0) } + [.prose("ended"), .number("seeds")]
                            + PrivacyWords.Adversary.allCases.map { .number("ε, \($0.rawValue)") }
                            + [.prose("ε of releases (conditional)"), .text("run")], rows: rows))
            ])
    }

    /// The page of a run, relative to this one: whatever the record says, a path below this folder or, as runs lie, below
    /// the one that holds it, and no address.
    static func link(_ run: String) -> String {
        let start = run.hasPrefix("../") ? ".." : "."
        let parts = run.split(separator: "/").filter { $0 != "." && $0 != ".." }
        let encoded = parts.map { part in
            part.utf8.map { byte -> String in
                let scalar = Unicode.Scalar(byte)
                let isKept =
                    scalar.isASCII
                    && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                        || "-._".unicodeScalars.contains(scalar))
                let hex = String(byte, radix: 16, uppercase: true)
                return isKept ? String(Character(scalar)) : "%" + (hex.count == 1 ? "0" : "") + hex
            }.joined()
        }
        return ([start] + encoded + ["report.html"]).joined(separator: "/")
    }

    /// What was tuned, and baselines that are named in the pictures.
    func addNotes(_ page: inout Page) {
        guard !sweep.notes.isEmpty else { return }
        page.add(
            "notes", "Tuned, and charged to no ε",
            [
                Page.paragraph(
                    "Looking at results to choose a setting is a release too; what is named here is in no ε."),
                Page.points(sweep.notes.map { HTML($0) }),
            ])
    }
}
