/// Values over a number or a name: points with intervals, lines between them, and lines to compare with.
struct LineChart: Sendable {
    /// A point.
    struct Point: Sendable {
        let x: Double
        let estimate: Estimate
    }

    /// The points of one method or adversary.
    struct Series: Sendable {
        let name: String
        let look: Look
        let points: [Point]
        var isJoined = true
        /// Whether the value holds until the next point, as a sum does.
        var isStepped = false
    }

    /// A level to compare with, with its name at its right end.
    struct Reference: Sendable {
        let name: String
        let value: Double
        let look: Look
    }

    /// A moment, with its name at its top.
    struct Moment: Sendable {
        let name: String
        let x: Double
    }

    var id: String
    var title: String
    var description: String
    var xLabel: String
    var yLabel: String
    var xAxis: Axis
    var series: [Series]
    var references: [Reference] = []
    var moments: [Moment] = []
    /// A value that the vertical axis must show, such as 1 of a ratio.
    var includes: [Double] = []
    var height = 280.0
    /// Whether points at the same place may stand side by side.
    var mayDodge = true

    private static let top = 34.0
    private static let right = Picture.width - 8
    private static let rowHeight = 14.0

    /// The picture; `nil` where no point can be drawn.
    func picture() -> Picture? {
        let drawn = series.map { series in
            (series, series.points.filter { xAxis.position($0.x) != nil && abs($0.estimate.mean) < 1e100 })
        }.filter { !$0.1.isEmpty }
        guard !drawn.isEmpty else { return nil }
        let yAxis = Axis.linear(
            drawn.flatMap {
                $0.1.flatMap { [$0.estimate.mean, $0.estimate.lower, $0.estimate.upper].compactMap { $0 } }
            }
                + references.map(\.value), includes: includes)
        var canvas = Canvas()
        let left = 14 + (yAxis.ticks.map { Canvas.textWidth($0.label) }.max() ?? 0)
        let labelWidth =
            references.isEmpty ? 0 : min(150, 8 + (references.map { Canvas.textWidth($0.name) }.max() ?? 0))
        let right = LineChart.right - labelWidth
        let lines = Canvas.wrapped(xLabel, Picture.width - 8, lineCount: 2)
        let height = self.height + Double(lines.count - 1) * LineChart.rowHeight
        let bottom = self.height - 44
        func x(_ value: Double) -> Double? { xAxis.position(value).map { left + $0 * (right - left) } }
        func y(_ value: Double) -> Double? { yAxis.position(value).map { bottom - $0 * (bottom - LineChart.top) } }

        canvas.text(Canvas.fitted(yLabel, Picture.width - 8), 4, 13, class: "axis")
        for tick in yAxis.ticks {
            guard let place = y(tick.value) else { continue }
            canvas.line(left, place, right, place, class: "grid")
            canvas.text(tick.label, left - 6, place + 4, .end)
        }
        canvas.line(left, bottom, right, bottom, class: "base")
        drawTicks(&canvas, x: x, bottom: bottom, left: left, right: right)
        // All lines end where the longest can.
        let end = max(right, 4 + (lines.map(Canvas.textWidth).max() ?? 0))
        for (index, words) in lines.enumerated() {
            canvas.text(
                words, end, bottom + 38 + Double(index) * LineChart.rowHeight, .end,
                class: "axis")
        }
        for moment in moments {
            guard let place = x(moment.x) else { continue }
            canvas.line(place, LineChart.top - 8, place, bottom, class: "moment", dash: "3 3")
        }
        drawMomentNames(&canvas, x: x, left: left, right: right)
        drawReferences(&canvas, y: y, left: left, right: right, bottom: bottom, labelWidth: labelWidth)
        for (index, (series, points)) in drawn.enumerated() {
            // Points at the same place stand side by side; a shift of some units moves no reading of a value.
            let isDodged = mayDodge && drawn.count > 1 && points.count <= 12 && !series.isStepped
            let shift = isDodged ? (Double(index) - Double(drawn.count - 1) / 2) * min(6, 30 / Double(drawn.count)) : 0
            draw(&canvas, series, points, shift: shift, x: x, y: y, within: left...right)
        }
        return canvas.picture(
            id: id, title: title, description: description, height: height,
            legend: drawn.map { .init(look: $0.0.look.with(line: $0.0.isJoined, mark: true), words: .name($0.0.name)) })
    }

    private func draw(
        _ canvas: inout Canvas, _ series: Series, _ points: [Point], shift: Double, x: (Double) -> Double?,
        y: (Double) -> Double?, within: ClosedRange<Double>
    ) {
        let kind = series.look.color.rawValue
        let places = points.compactMap { point -> (Point, Double, Double)? in
            guard let across = x(point.x), let up = y(point.estimate.mean) else { return nil }
            return (point, min(within.upperBound, max(within.lowerBound, across + shift)), up)
        }
        if series.isJoined {
            var path: [(Double, Double)] = []
            for place in places {
                if series.isStepped, let last = path.last { path.append((place.1, last.1)) }
                path.append((place.1, place.2))
            }
            canvas.path(path, class: "line \(kind)", dash: series.look.dash)
        }
        for (point, across, _) in places {
            guard let low = point.estimate.lower.flatMap(y), let high = point.estimate.upper.flatMap(y) else {
                continue
            }
            canvas.line(across, low, across, high, class: "whisker \(kind)")
            for end in [low, high] { canvas.line(across - 3, end, across + 3, end, class: "whisker \(kind)") }
        }
        // A mark on each of a hundred points hides the line; its ends tell which it is.
        let marked = places.count <= 24 ? places : [places.first, places.last].compactMap { $0 }
        for place in marked { canvas.mark(place.1, place.2, series.look) }
    }

    private func drawTicks(
        _ canvas: inout Canvas, x: (Double) -> Double?, bottom: Double, left: Double, right: Double
    ) {
        let isNamed = xAxis.kind == .categories
        let room = (right - left) / Double(max(1, xAxis.ticks.count))
        var end = -Double.infinity
        for tick in xAxis.ticks {
            guard let place = x(tick.value) else { continue }
            canvas.line(place, bottom, place, bottom + 4, class: "base")
            let label = isNamed ? Canvas.fitted(tick.label, max(18, room - 4)) : tick.label
            let half = Canvas.textWidth(label) / 2
            let center = min(Picture.width - 2 - half, max(2 + half, place))
            guard center - half > end + 3 else { continue }
            canvas.text(label, center, bottom + 17, .middle)
            end = center + half
        }
    }

    private func drawMomentNames(_ canvas: inout Canvas, x: (Double) -> Double?, left: Double, right: Double) {
        var end = -Double.infinity
        for moment in moments.sorted(by: { $0.x < $1.x }) {
            guard let place = x(moment.x) else { continue }
            let half = Canvas.textWidth(moment.name) / 2
            let center = min(right - half, max(left + half, place))
            guard center - half > end + 3 else { continue }
            canvas.text(moment.name, center, LineChart.top - 10, .middle)
            end = center + half
        }
    }

    /// Levels with names beside them, moved apart where they are close.
    private func drawReferences(
        _ canvas: inout Canvas, y: (Double) -> Double?, left: Double, right: Double, bottom: Double, labelWidth: Double
    ) {
        let lines = references.compactMap { line in y(line.value).map { (line, $0) } }.sorted { $0.1 < $1.1 }
        let places = LineChart.spread(lines.map(\.1), gap: LineChart.rowHeight, within: LineChart.top...bottom)
        for ((line, place), label) in zip(lines, places) {
            canvas.line(left, place, right, place, class: "line \(line.look.color.rawValue)", dash: line.look.dash)
            if abs(label - place) > 1 { canvas.line(right, place, right + 5, label, class: "leader") }
            canvas.text(Canvas.fitted(line.name, labelWidth - 8), right + 7, label + 4)
        }
    }

    /// Positions at least `gap` apart, in order, near the given ones and inside a range if they fit.
    static func spread(_ wanted: [Double], gap: Double, within range: ClosedRange<Double>) -> [Double] {
        var places = wanted
        for index in places.indices.dropFirst() { places[index] = max(places[index], places[index - 1] + gap) }
        if let last = places.last, last > range.upperBound {
            places[places.count - 1] = range.upperBound
            for index in places.indices.dropLast().reversed() {
                places[index] = min(places[index], places[index + 1] - gap)
            }
        }
        return places
    }
}

extension Look {
    /// The same for a legend of lines, marks or both.
    func with(line: Bool, mark: Bool) -> Look {
        var copy = self
        copy.hasLine = line
        copy.hasMark = mark
        return copy
    }
}
