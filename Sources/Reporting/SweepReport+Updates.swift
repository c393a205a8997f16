import Record

extension SweepReport {
    /// The points that say how updates crossed.
    private var formatted: [(view: View, updates: UpdateFormatRecord)] {
        views.compactMap { view in view.point.updates.map { (view, $0) } }
    }

    /// Accuracy against the bytes of updates, where points have formats of updates.
    func addUpdates(_ page: inout Page, _ pictures: inout [Picture]) {
        guard let place, !formatted.isEmpty else { return }
        var content: [HTML] = []
        let drawn = shots.enumerated().compactMap { index, count in
            accuracyByBytes("bytes-\(index + 1)", place, count).picture().map { (picture: $0, count: count) }
        }
        pictures += drawn.map(\.picture)
        content.append(
            contentsOf: Page.pictures(
                drawn.flatMap {
                    page.figure(
                        $0.picture, title: "\(place.metric) against bytes, \(GainWords.shots($0.count))",
                        note: "All updates of a run, of the item factors and all else. Bars: 95 % intervals.", data: nil
                    )
                }))
        content.append(page.table(updatesTable(place)))
        page.add("updates", "Accuracy against bytes", content)
    }

    private func accuracyByBytes(_ id: String, _ place: FigureSet.Place, _ shots: Int?) -> LineChart {
        let series = formatted.enumerated().map { index, entry in
            let estimate = entry.view.method.flatMap { entry.view.figures.estimate(place, $0, shots) }
            let name = [UpdateFormatWords.name(entry.updates), entry.view.otherSettings].filter { !$0.isEmpty }
            return LineChart.Series(
                name: name.joined(separator: ", "), look: .at(index),
                points: estimate.map { [.init(x: Double(entry.updates.bytesUp), estimate: $0)] } ?? [], isJoined: false)
        }
        return LineChart(
            id: id, title: "\(place.metric) by bytes of updates, \(GainWords.shots(shots))",
            description: series.map { line in
                "\(line.name): "
                    + line.points.map { "\(ReportNumber.bytes(Int($0.x))) \($0.estimate.text(3))" }
                    .joined(separator: ", ")
            }.joined(separator: ". "), xLabel: "bytes of updates, a run",
            yLabel: "\(place.metric), \(GainWords.shots(shots))",
            xAxis: Axis.linear(formatted.map { Double($0.updates.bytesUp) }, includes: [0]).inBytes, series: series,
            mayDodge: false)
    }

    private func updatesTable(_ place: FigureSet.Place) -> ReportTable {
        let rows = formatted.map { view, updates -> [ReportTable.Cell] in
            let settings = sweep.keys.map { key -> ReportTable.Cell in
                .name(view.point.settings.first { $0.key == key }?.value ?? "")
            }
            let figures = shots.map { count -> ReportTable.Cell in
                view.method.flatMap { view.figures.estimate(place, $0, count) }.map { .estimate($0, decimals: 4) }
                    ?? .missing
            }
            return settings + [
                .integer(updates.bytesUp), .text(UpdateFormatWords.share(updates)),
                updates.error.map { .significant($0) } ?? .missing,
            ] + figures
        }
        return ReportTable(
            file: "updates",
            caption:
                "Bytes of all updates of a run, as they crossed and as a share of what they would take in float32. Left over: the norm of "
                + "what a client has not sent yet over that of the round’s change, the mean over rounds, clients and seeds. Then "
                + .name(place.metric) + " of the transfer by known interactions.",
            columns: sweep.keys.map { .text($0) } + [.number("bytes up"), .number("of float32"), .number("left over")]
                + shots.map { .estimate(GainWords.shots($0)) }, rows: rows)
    }
}

extension SweepReport.View {
    /// The settings other than the format, in words.
    fileprivate var otherSettings: String {
        point.settings.filter { $0.key != "federation.update-format" && $0.key != "federation.top-share" }
            .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}
