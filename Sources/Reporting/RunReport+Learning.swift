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

    /// How far learning came from round to round, a picture for each measure: of the first seed.
    func addLearning(_ page: inout Page, _ pictures: inout [Picture]) {
        let points = (wire?.rounds ?? []).flatMap { round in
            (round.learning ?? []).filter(\.value.isFinite).map { (round, $0) }
        }
        let times = runs.filter { $0.simulatedTime != nil }
        guard !points.isEmpty || !times.isEmpty else { return }
        var figures: [HTML] = []
        for (index, measure) in unique(points.map(\.1.measure)).enumerated() {
            let members = points.filter { $0.1.measure == measure }
            // Training with validation persons included is a curve of its own.
            func name(_ point: (RoundRecord, LearningRecord)) -> String {
                point.0.step.hasPrefix("refit-") ? "\(point.1.subject), after the choices" : point.1.subject
            }
            let curves = unique(members.map(name)).map { curve in
                (name: curve, points: RunReport.thinned(members.filter { name($0) == curve }))
            }
            let series = curves.enumerated().map { index, curve in
                LineChart.Series(
                    name: curve.name, look: .at(index),
                    points: curve.points.compactMap { point in
                        Estimate(point.1.value).map { .init(x: Double(point.0.round), estimate: $0) }
                    })
            }
            let words = LearningWords(measure)
            let picture = LineChart(
                id: "learning-\(index + 1)", title: words.title,
                description: series.map { line in
                    "\(line.name): from \(line.points.first.map { ReportNumber.significant($0.estimate.mean) } ?? "–") to "
                        + "\(line.points.last.map { ReportNumber.significant($0.estimate.mean) } ?? "–")"
                }.joined(separator: "; "),
                xLabel: "round of the run", yLabel: words.axis,
                xAxis: .rounds(members.map { $0.0.round }), series: series,
                includes: words.startsAtZero ? [0] : [], mayDodge: false
            ).picture()
            pictures += [picture].compactMap { $0 }
            let table = ReportTable(
                file: "learning-\(measure)", caption: HTML("\(words.title), of the first seed. \(words.note)"),
                columns: [.number("round"), .text("step"), .text("of"), .number("value")],
                rows: curves.flatMap { curve in
                    curve.points.map {
                        [.integer($0.0.round), .name($0.0.step), .name($0.1.subject), .significant($0.1.value)]
                    }
                })
            figures += page.figure(
                picture, title: words.title, note: HTML("\(words.note) Of the first seed."), data: table)
        }
        var content = Page.pictures(figures)
        if !times.isEmpty { content.append(page.table(RunReport.simulatedTimes(times))) }
        page.add("learning", "Learning by round", content)
    }

    /// How far clients of shared domains came in simulated time, and how old their updates were.
    private static func simulatedTimes(_ runs: [RunRecord]) -> ReportTable {
        ReportTable(
            file: "simulated-time",
            caption:
                "Versions of shared item factors in simulated time, which the seed decides; its unit is the median time of a client's work. Staleness: how many versions were made since the one that an update started from.",
            columns: [
                .number("seed"), .text("domain"), .text("step"), .number("simulated time"), .number("versions"),
                .number("updates"), .number("mean staleness"), .number("most"), .number("too old"),
                .number("on their way at the end"),
            ],
            rows: runs.flatMap { run in
                (run.simulatedTime ?? []).map {
                    [
                        .integer(run.seed), .name($0.domain), .name($0.step), .number($0.time, decimals: 2),
                        .integer($0.versions), .integer($0.updates), .number($0.meanStaleness, decimals: 2),
                        .integer($0.largestStaleness), .integer($0.dropped), .integer($0.unused),
                    ]
                }
            })
    }

    /// No more points than a picture has room for; the last always stays.
    private static func thinned<Point>(_ points: [Point]) -> [Point] {
        let step = max(1, (points.count + 99) / 100)
        return points.enumerated().filter { $0.offset % step == 0 || $0.offset == points.count - 1 }.map(\.element)
    }
}

/// What a measure of learning is, in words.
private struct LearningWords {
    let title: String
    let axis: String
    let note: String
    var startsAtZero = true

    init(_ measure: String) {
        switch measure {
        case "discriminator-loss":
            title = "Loss of the discriminator"
            axis = "mean loss of a row"
            note = "It rises where features stop telling the domain; ln 2 = 0.69 is guessing."
        case "discriminator-accuracy":
            title = "What the discriminator tells apart"
            axis = "share of rows told right"
            note = "On the rows that train it."
        case "preference-loss":
            title = "Loss of the ranking by features"
            axis = "mean loss of an interaction"
            note = "Less is better."
        case "decoder-loss":
            title = "Loss of the decoders"
            axis = "mean loss of a person"
            note = "Less is better."
        case "relative-change":
            title = "How much a round changes what is learnt"
            axis = "‖new − old‖ ÷ ‖new‖"
            note = "Near 0 the training has settled."
        case "gradient-norm":
            title = "Size of the gradients of devices"
            axis = "norm of the released gradient"
            note = "Of the mean over persons; under sampling of the sum, with its noise."
        default:
            title = measure
            axis = measure
            note = ""
            startsAtZero = false
        }
    }
}
