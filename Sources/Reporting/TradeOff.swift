import Record

/// Utility against ε for one client, cohort, metric and number of shots, among the levels it is compared with.
struct TradeOff: Sendable {
    /// The figures at one ε.
    struct Point: Sendable {
        let epsilon: Double
        let figures: FigureSet
        /// The transfer, which may be what is swept.
        let method: String
    }

    /// The points of one combination of the other settings.
    struct Line: Sendable {
        let name: String
        /// The same as short as a label needs it.
        let shortName: String
        let points: [Point]
    }

    let id: String
    let place: FigureSet.Place
    let shots: Int?
    let subject: PrivacyWords.Subject
    let lines: [Line]
    /// The same without protection, by the name of the line; its ε is not a number.
    let unprotected: [Line]

    /// Those at an ε, for what is compared with must be of the same persons and choices as the line; else the others.
    private var sets: [FigureSet] {
        let own = lines.flatMap { $0.points.map(\.figures) }
        return own.isEmpty ? unprotected.flatMap { $0.points.map(\.figures) } : own
    }

    /// The picture; `nil` without a point.
    func picture() -> Picture? {
        var series = lines.enumerated().map { index, line in
            LineChart.Series(
                name: line.name, look: .line(index), points: points(line))
        }
        let first = lines.first { !points($0).isEmpty }
        if lines.count == 1, let first {
            series.append(
                .init(name: "shuffled-source", look: .control, points: points(first, "shuffled-source")))
        }
        var references: [LineChart.Reference] = []
        for name in ["best-local", "popularity", "pooled-reference"] {
            guard let look = Look.baseline(name) else { continue }
            let values = sets.compactMap { $0.estimate(place, name, shots)?.mean }
            guard let low = values.min(), let high = values.max() else { continue }
            if high - low <= 0.005 * abs(high) {
                references.append(.init(name: name, value: values.reduce(0, +) / Double(values.count), look: look))
            } else if let first {
                // A baseline that moves with what is swept is no level.
                series.append(.init(name: name, look: look, points: points(first, name)))
            }
        }
        for line in unprotected {
            for point in line.points {
                guard let level = point.figures.estimate(place, point.method, shots)?.mean else { continue }
                let name = unprotected.count > 1 ? "unprotected, \(line.shortName)" : "unprotected"
                references.append(.init(name: name, value: level, look: .unprotected))
            }
        }
        return LineChart(
            id: id, title: "\(place.metric) against ε, \(GainWords.shots(shots))", description: description(references),
            xLabel: subject.axisLabel, yLabel: "\(place.metric), \(GainWords.shots(shots))",
            xAxis: .logarithmic(lines.flatMap { $0.points.map { $0.epsilon } }), series: series,
            references: TradeOff.merged(references), height: 300
        ).picture()
    }

    /// Levels without protection that are the same get one name.
    private static func merged(_ references: [LineChart.Reference]) -> [LineChart.Reference] {
        references.reduce(into: []) { out, line in
            let isKnown = out.contains {
                $0.value == line.value && $0.name.hasPrefix("unprotected") && line.name.hasPrefix("unprotected")
            }
            if !isKnown { out.append(line) }
        }
    }

    private func points(_ line: Line, _ method: String? = nil) -> [LineChart.Point] {
        line.points.compactMap { point in
            guard point.epsilon.isFinite && point.epsilon > 0 else { return nil }
            return point.figures.estimate(place, method ?? point.method, shots).map {
                .init(x: point.epsilon, estimate: $0)
            }
        }.sorted { $0.x < $1.x }
    }

    private func description(_ references: [LineChart.Reference]) -> String {
        let values = lines.flatMap { line in
            points(line).map { "\(line.name) at \(ReportNumber.epsilon($0.x)): \($0.estimate.text(3))" }
        }
        let levels = references.map { "\($0.name): \(ReportNumber.decimals($0.value, 3))" }
        return "Horizontal: \(subject.label). " + (values + levels).joined(separator: "; ")
    }

    /// The data as a table.
    var table: ReportTable {
        ReportTable(
            file: "epsilon-\(place.metric)-\(shots.map { "k\($0)" } ?? "all")-\(place.client)",
            caption: HTML("Column ε: \(subject.label). ") + .name(place.metric) + HTML(", \(GainWords.shots(shots))."),
            columns: [
                .text("line"), .number("ε"), .estimate("transfer"), .estimate("best-local"), .estimate("popularity"),
                .estimate("shuffled-source"),
            ],
            rows: lines.flatMap { line in
                line.points.map { row(line.name, .epsilon($0.epsilon), $0) }
            } + unprotected.flatMap { line in line.points.map { row(line.name, .text("no bound"), $0) } })
    }

    private func row(_ name: String, _ epsilon: ReportTable.Cell, _ point: Point) -> [ReportTable.Cell] {
        [.name(name), epsilon]
            + [point.method, "best-local", "popularity", "shuffled-source"].map {
                point.figures.estimate(place, $0, shots).map { .estimate($0, decimals: 4) } ?? .missing
            }
    }
}

extension Look {
    /// The same transfer without protection.
    static let unprotected = Look(color: .blue, mark: .circle, dash: "1 3")
}
