import Record

extension RunReport {
    /// Drift of each domain by window, the mean over seeds.
    func addDrift(_ page: inout Page, _ pictures: inout [Picture]) {
        let records = runs.isEmpty ? summary.drift ?? [] : runs.compactMap(\.drift)
        guard !records.isEmpty else { return }
        var content = DriftTable.text(records).split(separator: "\n").map { Page.paragraph(HTML(String($0))) }
        var figures: [HTML] = []
        for (index, domain) in unique(records.flatMap { $0.domains.map(\.domain) }).enumerated() {
            let members = records.flatMap(\.domains).filter { $0.domain == domain }
            let windows = unique(members.flatMap { $0.windows.map(\.window) }).sorted()
            func means(_ value: (DriftWindowRecord) -> Double?) -> [LineChart.Point] {
                windows.compactMap { window in
                    let values = members.flatMap(\.windows).filter { $0.window == window }.compactMap(value)
                        .filter(\.isFinite)
                    guard !values.isEmpty else { return nil }
                    return Estimate(values.reduce(0, +) / Double(values.count)).map {
                        .init(x: Double(window), estimate: $0)
                    }
                }
            }
            func alarms(_ window: Int) -> Int {
                members.flatMap(\.windows).count { $0.window == window && !$0.alarms.isEmpty }
            }
            let frozen = means(\.frozenLoss)
            let series =
                [LineChart.Series(name: "model that adapts", look: .transfer, points: means(\.loss))]
                + (frozen.isEmpty
                    ? [] : [.init(name: "model that never adapts", look: .bestLocal, points: frozen)])
            let picture = LineChart(
                id: "drift-\(index + 1)", title: "Loss of \(domain) by window of time",
                description: series.map { line in
                    "\(line.name): "
                        + line.points.map { "\(Int($0.x)) \(ReportNumber.decimals($0.estimate.mean, 3))" }
                        .joined(separator: ", ")
                }.joined(separator: ". "),
                xLabel: "window of time", yLabel: "loss: 1 − AUC on what is new, mean over seeds",
                xAxis: .at(windows.map(Double.init)) { "\(Int($0))" }, series: series,
                moments: unique(members.compactMap(\.change)).map { .init(name: "the world changes", x: Double($0)) }
            ).picture()
            pictures += [picture].compactMap { $0 }
            let table = ReportTable(
                file: "drift-\(domain)", caption: HTML("Means over \(ReportNumber.count(records.count, "seed"))."),
                columns: [
                    .number("window"), .number("loss"), .number("loss without adaptation"), .number("seeds with alarm"),
                ],
                rows: windows.map { window in
                    func cell(_ points: [LineChart.Point]) -> ReportTable.Cell {
                        points.first { Int($0.x) == window }.map { .number($0.estimate.mean, decimals: 4) } ?? .missing
                    }
                    return [.integer(window), cell(series[0].points), cell(frozen), .integer(alarms(window))]
                })
            let noticed = windows.filter { alarms($0) > 0 }.map {
                "window \($0) (\(ReportNumber.count(alarms($0), "seed")))"
            }
            figures += page.figure(
                picture, title: "Drift of \(domain)",
                note: HTML(noticed.isEmpty ? "No alarm." : "Alarms: \(noticed.joined(separator: ", "))."), data: table)
        }
        content.append(contentsOf: Page.pictures(figures))
        page.add("drift", "Drift", content)
    }

    /// Losses by round.
    func addLearning(_ page: inout Page, _ pictures: inout [Picture]) {
        let usable = losses.filter { $0.loss.isFinite }
        guard !usable.isEmpty else { return }
        let series = unique(usable.map(\.series)).enumerated().map { index, name in
            let points = usable.filter { $0.series == name }.sorted { $0.round < $1.round }
            // No more points than a picture has room for; the last round always stays.
            let step = max(1, points.count / 300)
            return LineChart.Series(
                name: name, look: .at(index),
                points: points.enumerated().compactMap { position, point in
                    guard position % step == 0 || position == points.count - 1 else { return nil }
                    return Estimate(point.loss).map { .init(x: Double(point.round), estimate: $0) }
                })
        }
        let picture = LineChart(
            id: "learning", title: "Loss by round",
            description: series.map { line in
                "\(line.name): from \(line.points.first.map { ReportNumber.significant($0.estimate.mean) } ?? "–") to "
                    + "\(line.points.last.map { ReportNumber.significant($0.estimate.mean) } ?? "–")"
            }.joined(separator: "; "),
            xLabel: "round", yLabel: "loss", xAxis: .linear(usable.map { Double($0.round) }, isTight: true),
            series: series
        ).picture()
        pictures += [picture].compactMap { $0 }
        let table = ReportTable(
            file: "losses", caption: "Loss by round.", columns: [.number("round"), .text("of"), .number("loss")],
            rows: usable.map { [.integer($0.round), .name($0.series), .number($0.loss, decimals: 6)] })
        page.add(
            "learning", "Learning",
            Page.pictures(
                page.figure(picture, title: "Learning curves", note: "Of one seed.", data: table)))
    }
}
