import Record

extension RunReport {
    /// Gains, figures by shots, who got better and worse, discrepancy, and the tables of all figures.
    func addResults(_ page: inout Page, _ pictures: inout [Picture]) {
        var content: [HTML] = []
        let places = figures.headlines
        for (index, place) in places.enumerated() {
            let id = "results-\(index + 1)"
            if places.count > 1 {
                content.append(.element("h3", [:], ["Client " + .name(place.client)]))
            }
            if index < 3 {
                content.append(contentsOf: headline(&page, place))
                var figures = ResultPictures(figures: self.figures, place: place, id: id)
                figures.add(&page, privacy: privacy)
                pictures += figures.pictures
                content.append(contentsOf: Page.pictures(figures.content))
            } else {
                content.append(contentsOf: headline(&page, place))
            }
        }
        content.append(contentsOf: discrepancy(&page, &pictures))
        // A line for each cohort: a metric a line is a page of its own.
        let others = figures.places.filter { !places.contains($0) }
        let groups = unique(others.map { [$0.cohort, $0.client] })
        if !groups.isEmpty { content.append(.element("h3", [:], ["Other metrics and cohorts"])) }
        for group in groups {
            let members = others.filter { [$0.cohort, $0.client] == group }
            content.append(
                Page.folded(
                    .name(group[0]) + ", client " + .name(group[1]) + ": "
                        + .sentence(members.map { HTML.name($0.metric) }),
                    members.map { page.table(ResultPictures.table(figures, $0)) }))
        }
        page.add("results", "Results", content)
    }

    private func headline(_ page: inout Page, _ place: FigureSet.Place) -> [HTML] {
        [page.table(ResultPictures.table(figures, place))]
    }

    /// Distances between domains before and after the transfer: the mean over seeds.
    private func discrepancy(_ page: inout Page, _ pictures: inout [Picture]) -> [HTML] {
        struct Pair: Hashable {
            let source: String
            let target: String
            let measure: String
        }
        var values: [Pair: [(Double, Double)]] = [:]
        var order: [Pair] = []
        for record in runs.flatMap(\.discrepancy) where record.before.isFinite && record.after.isFinite {
            let pair = Pair(source: record.source, target: record.target, measure: record.measure)
            if values[pair] == nil { order.append(pair) }
            values[pair, default: []].append((record.before, record.after))
        }
        guard !order.isEmpty else { return [] }
        let pairs = unique(order.map { [$0.source, $0.target] }).count
        let means = order.compactMap { pair -> (Pair, Double, Double)? in
            guard let members = values[pair], !members.isEmpty else { return nil }
            let count = Double(members.count)
            return (pair, members.reduce(0) { $0 + $1.0 } / count, members.reduce(0) { $0 + $1.1 } / count)
        }
        let rows = means.compactMap { pair, before, after -> RowChart.Row? in
            let largest = max(abs(before), abs(after))
            guard largest > 0, before >= 0, after >= 0 else { return nil }
            let name = pairs > 1 ? "\(pair.measure), \(pair.source)" : pair.measure
            return RowChart.Row(
                name: name, content: .change(before: before / largest, after: after / largest),
                value: "\(ReportNumber.significant(before)) → \(ReportNumber.significant(after))")
        }
        let picture = RowChart(
            id: "discrepancy", title: "Discrepancy between domains before and after the transfer",
            description: rows.map { "\($0.name): \($0.value)" }.joined(separator: "; "),
            xLabel: "share of the larger of the two values", rows: rows, axis: .linear([0, 1], tickCount: 4),
            legend: [.init(look: .before, words: "before"), .init(look: .after, words: "after")]
        ).picture()
        pictures += [picture].compactMap { $0 }
        let table = ReportTable(
            file: "discrepancy", caption: HTML("Means over \(ReportNumber.count(runs.count, "seed"))."),
            columns: [
                .text("source"), .text("target"), .text("measure"), .number("before"), .number("after"),
            ],
            rows: means.map {
                [.name($0.0.source), .name($0.0.target), .name($0.0.measure), .significant($0.1), .significant($0.2)]
            })
        let figure = page.figure(
            picture, title: "How far the domains are apart, before and after the transfer",
            note:
                "Each measure on its own scale: the larger value is 1. Less is nearer; an accuracy near 0.5 tells nothing apart.",
            data: table)
        return figure.isEmpty ? [page.table(table)] : Page.pictures(figure)
    }
}

/// The pictures of one measuring client's figures of one metric and cohort.
struct ResultPictures {
    let figures: FigureSet
    let place: FigureSet.Place
    let id: String
    private(set) var content: [HTML] = []
    private(set) var pictures: [Picture] = []

    init(figures: FigureSet, place: FigureSet.Place, id: String) {
        self.figures = figures
        self.place = place
        self.id = id
    }

    private var shots: [Int] { figures.shots(place).compactMap { $0 } }

    /// Methods by shots, as a table: the transfer and what it is compared with first, then by name.
    static func table(_ figures: FigureSet, _ place: FigureSet.Place) -> ReportTable {
        let shots = figures.shots(place)
        let methods = ordered(figures.methods(place), transfers: figures.transfers)
        let values = methods.flatMap { method in shots.compactMap { figures.estimate(place, method, $0)?.mean } }
        let decimals = ReportNumber.metricDecimals(values)
        return ReportTable(
            file: "\(place.metric)-\(place.cohort)-\(place.client)",
            caption: .name(place.metric) + " of " + .name(place.cohort) + ", client " + .name(place.client)
                + HTML(shots.contains(nil) ? "." : "; k: known interactions with the target."),
            columns: [.text("method")] + shots.map { .estimate(GainWords.shots($0)) },
            rows: methods.map { method in
                [.name(method)]
                    + shots.map {
                        figures.estimate(place, method, $0).map { .estimate($0, decimals: decimals) } ?? .missing
                    }
            })
    }

    /// Transfers, control, best local model, popularity, the rest by name.
    static func ordered(_ methods: [String], transfers: [String]) -> [String] {
        let first = transfers + ["shuffled-source", "best-local", "popularity", "pooled-reference"]
        return first.filter(methods.contains) + methods.filter { !first.contains($0) }.sorted()
    }

    /// Adds what there is.
    mutating func add(_ page: inout Page, privacy: PrivacyWords?) {
        guard !FigureSet.isError(place.metric) else {
            addMethods(&page)
            return
        }
        addGains(&page)
        addTradeOff(&page, privacy)
        addShots(&page)
        addPersons(&page)
        addMethods(&page)
    }

    private mutating func add(
        _ page: inout Page, _ picture: Picture?, _ title: String, _ note: HTML, _ data: ReportTable?
    ) {
        content += page.figure(picture, title: title, note: note, data: data)
        pictures += [picture].compactMap { $0 }
    }

    private mutating func addGains(_ page: inout Page) {
        let words = GainWords(figures: figures, place: place, privacy: nil)
        let gains = figures.transfers.map { ($0, words.gains($0)) }.filter { !$0.1.isEmpty }
        let all = gains.flatMap(\.1)
        guard let first = gains.first else { return }
        func points(_ members: [GainWords.Gain], _ value: (GainWords.Gain) -> Estimate) -> [LineChart.Point] {
            members.compactMap { gain in gain.shots.map { LineChart.Point(x: Double($0), estimate: value(gain)) } }
        }
        let series =
            gains.enumerated().map { index, pair in
                LineChart.Series(
                    name: pair.0, look: .line(index), points: points(pair.1, \.local))
            } + [LineChart.Series(name: "shuffled-source", look: .control, points: points(first.1, \.control))]
        let picture = LineChart(
            id: "\(id)-gain", title: "Gain by shots: times the best local model",
            description: all.map {
                "\($0.method), \(GainWords.shots($0.shots)): \($0.local.text(2)) times best-local; control \($0.control.text(2))"
            }.joined(separator: ". "),
            xLabel: "k, known interactions with the target", yLabel: "\(place.metric) ÷ best-local",
            xAxis: .at(unique(all.compactMap { $0.shots.map(Double.init) })) { "\(Int($0))" }, series: series,
            references: [.init(name: "no gain", value: 1, look: .bestLocal)], includes: [1]
        ).picture()
        let table = ReportTable(
            file: "gains-\(place.cohort)-\(place.client)",
            caption: "Ratios of " + .name(place.metric) + "; over seeds the mean of the seeds’ ratios.",
            columns: [
                .text("k"), .text("method"), .estimate("÷ best-local"), .estimate("÷ popularity"),
                .estimate("control ÷ best-local"), .estimate("persons better"), .estimate("persons worse"),
            ],
            rows: all.map { gain in
                [
                    .text(gain.shots.map(String.init) ?? "all known"), .name(gain.method),
                    .estimate(gain.local, decimals: 2),
                    gain.popularity.map { .estimate($0, decimals: 2) } ?? .missing,
                    .estimate(gain.control, decimals: 2), gain.better.map { .share($0) } ?? .missing,
                    gain.worse.map { .share($0) } ?? .missing,
                ]
            })
        if picture == nil {
            content.append(page.table(table))
        } else {
            add(
                &page, picture, "Gain by shots",
                "Above 1 the transfer helps; the control must stay at 1. Bars: 95 % intervals.",
                table)
        }
    }

    /// The one point of a protected run among the levels it is compared with.
    private mutating func addTradeOff(_ page: inout Page, _ privacy: PrivacyWords?) {
        guard let privacy, let subject = PrivacyWords.subject([privacy.record]), let value = privacy.value(subject),
            let method = figures.transfers.first
        else { return }
        for shot in shots.prefix(1) {
            let chart = TradeOff(
                id: "\(id)-epsilon", place: place, shots: shot, subject: subject,
                lines: [
                    .init(
                        name: method, shortName: method,
                        points: [.init(epsilon: value, figures: figures, method: method)])
                ],
                unprotected: [])
            add(
                &page, chart.picture(), "Utility against ε at k = \(shot)",
                (privacy.phrase(subject)?.html ?? .empty) + ".", chart.table)
        }
    }

    private mutating func addShots(_ page: inout Page) {
        guard shots.count > 1 else { return }
        let methods = figures.methods(place)
        let compared = ["best-local", "popularity", "shuffled-source", "pooled-reference", "local-ensemble"]
        let series = (figures.transfers.prefix(3) + compared).filter(methods.contains).enumerated().map {
            index, method in
            LineChart.Series(
                name: method, look: Look.baseline(method) ?? .line(index),
                points: shots.compactMap { count in
                    figures.estimate(place, method, count).map { .init(x: Double(count), estimate: $0) }
                })
        }
        let picture = LineChart(
            id: "\(id)-shots", title: "\(place.metric) by shots",
            description: series.map { line in
                "\(line.name): "
                    + line.points.map { "k = \(Int($0.x)) \($0.estimate.text(3))" }.joined(separator: ", ")
            }.joined(separator: ". "),
            xLabel: "k, known interactions with the target", yLabel: place.metric,
            xAxis: .at(shots.map(Double.init)) { "\(Int($0))" }, series: series
        ).picture()
        add(
            &page, picture, "\(place.metric) by shots",
            "The transfer and what it must beat; all methods are below. Bars: 95 % intervals.", nil)
    }

    /// All methods at the fewest and at the most shots.
    private mutating func addMethods(_ page: inout Page) {
        let all = figures.shots(place)
        for count in unique([all.first, all.last].compactMap { $0 }) {
            let methods = ResultPictures.ordered(figures.methods(place), transfers: figures.transfers)
            var values = methods.compactMap { method -> (String, Estimate)? in
                figures.estimate(place, method, count).map { (method, $0) }
            }
            values.sort { $0.1.mean == $1.1.mean ? $0.0 < $1.0 : $0.1.mean > $1.1.mean }
            values = Array(values.prefix(24))
            let decimals = ReportNumber.metricDecimals(values.map { $0.1.mean })
            let ends = values.flatMap { [$0.1.mean, $0.1.lower, $0.1.upper].compactMap { $0 } }
            let rows = values.map { method, estimate in
                RowChart.Row(
                    name: method,
                    content: .point(
                        estimate,
                        Look.baseline(method) ?? (figures.transfers.contains(method) ? .transfer : Look.other)),
                    value: ReportNumber.decimals(estimate.mean, min(3, decimals)))
            }
            let words = GainWords.shots(count)
            let picture = RowChart(
                id: "\(id)-methods-\(count.map(String.init) ?? "all")",
                title: "\(place.metric) of all methods, \(words)",
                description: rows.map { "\($0.name) \($0.value)" }.joined(separator: ", "), xLabel: place.metric,
                rows: rows,
                axis: .linear(ends, tickCount: 4),
                level: figures.estimate(place, "best-local", count)?.mean
            ).picture()
            add(
                &page, picture, "All methods, \(words)",
                "Sorted by the mean; the dashed line is best-local. Bars: 95 % intervals.", nil)
        }
    }

    /// Shares of persons whose ranking got worse or better than the best local model's.
    private mutating func addPersons(_ page: inout Page) {
        func share(_ kind: String, _ method: String, _ count: Int?) -> Estimate? {
            let place = FigureSet.Place(
                client: place.client, cohort: place.cohort, metric: "\(self.place.metric)-share-\(kind)")
            return figures.estimate(place, method, count).flatMap { (0...1).contains($0.mean) ? $0.asShare : nil }
        }
        let methods = figures.transfers + ["shuffled-source"]
        var rows: [RowChart.Row] = []
        var cells: [[ReportTable.Cell]] = []
        var knowsBetter = false
        for method in methods {
            for count in figures.shots(place) {
                guard let worse = share("worse", method, count) else { continue }
                let better = share("better", method, count)
                var parts: [(Double, RowChart.Fill)] = [(worse.mean, .worse)]
                if let better {
                    knowsBetter = true
                    parts += [(max(0, 1 - worse.mean - better.mean), .same), (better.mean, .better)]
                } else {
                    parts.append((1 - worse.mean, .same))
                }
                rows.append(
                    .init(
                        name: "\(method), \(GainWords.shots(count))",
                        content: .parts(parts.map { (share: $0.0, fill: $0.1) }),
                        value: (better.map { "↑ \(ReportNumber.percent($0.mean)) " } ?? "")
                            + "↓ \(ReportNumber.percent(worse.mean))"))
                cells.append([
                    .name(method), .text(count.map(String.init) ?? "all known"), .share(worse),
                    better.map { .share($0) } ?? .missing,
                ])
            }
        }
        guard !rows.isEmpty else { return }
        let picture = RowChart(
            id: "\(id)-persons", title: "Who got better and worse than by the best local model",
            description: rows.map { "\($0.name): \($0.value)" }.joined(separator: "; "), xLabel: "share of persons, %",
            rows: rows,
            axis: Axis(
                kind: .linear, lower: 0, upper: 1,
                ticks: [0, 25, 50, 75, 100].map { .init(value: Double($0) / 100, label: "\($0)") }), nameShare: 0.44
        ).picture()
        let table = ReportTable(
            file: "persons-\(place.cohort)-\(place.client)",
            caption: "Shares of persons whose " + .name(place.metric) + " differs from that of the best local model.",
            columns: [.text("method"), .text("k"), .estimate("worse")] + (knowsBetter ? [.estimate("better")] : []),
            rows: cells.map { knowsBetter ? $0 : Array($0.dropLast()) })
        add(
            &page, picture, knowsBetter ? "Who got better and worse" : "Who got worse",
            knowsBetter
                ? "↓, hatched: worse than by the best local model; pale: the same; ↑, plain: better."
                : "↓, hatched: a worse ranking than by the best local model; pale: the same or a better one.", table)
    }
}

extension Look {
    /// A method without a part in the comparison.
    static let other = Look(color: .gray, mark: .circle, dash: nil)
}
