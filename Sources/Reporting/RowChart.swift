/// Values of named rows from left to right: points with intervals, bars, or parts of a whole.
struct RowChart: Sendable {
    /// What is drawn in a row.
    enum Content: Sendable {
        /// A point with its interval.
        case point(Estimate, Look)
        /// A point before and one after, joined.
        case change(before: Double, after: Double)
        /// A bar from 0.
        case bar(Double, Look)
        /// Parts of a whole, from the left, each with the class of its fill.
        case parts([(share: Double, fill: Fill)])
    }

    /// How a part of a whole is filled: told apart by its pattern too.
    enum Fill: String, Sendable {
        case worse, same, better
    }

    /// A row with its name and a value in words.
    struct Row: Sendable {
        let name: String
        let content: Content
        let value: String
    }

    var id: String
    var title: String
    var description: String
    var xLabel: String
    var rows: [Row]
    var axis: Axis
    /// A level to compare with, drawn through all rows.
    var level: Double?
    var legend: [Picture.LegendEntry] = []
    var nameShare = 0.36

    private static let rowHeight = 19.0

    /// The picture; `nil` without rows.
    func picture() -> Picture? {
        guard !rows.isEmpty else { return nil }
        var canvas = Canvas()
        let nameWidth = min(Picture.width * nameShare, (rows.map { Canvas.textWidth($0.name) }.max() ?? 0) + 4)
        let valueWidth = min(Picture.width * 0.37, (rows.map { Canvas.textWidth($0.value) }.max() ?? 0) + 6)
        let (left, right) = (nameWidth + 10, Picture.width - valueWidth - 8)
        let top = 10.0
        let bottom = top + Double(rows.count) * RowChart.rowHeight + 2
        let height = bottom + 40
        func x(_ value: Double) -> Double? { axis.position(value).map { left + $0 * (right - left) } }

        for tick in axis.ticks {
            guard let place = x(tick.value) else { continue }
            canvas.line(place, top - 4, place, bottom, class: "grid")
        }
        if let level, let place = x(level) { canvas.line(place, top - 6, place, bottom, class: "level", dash: "4 3") }
        for (index, row) in rows.enumerated() {
            let middle = top + (Double(index) + 0.5) * RowChart.rowHeight
            canvas.text(Canvas.fitted(row.name, nameWidth), nameWidth + 4, middle + 4, .end)
            draw(&canvas, row.content, middle, left: left, x: x)
            canvas.text(Canvas.fitted(row.value, valueWidth), Picture.width - 4, middle + 4, .end, class: "value")
        }
        canvas.line(left, bottom, right, bottom, class: "base")
        var end = -Double.infinity
        for tick in axis.ticks {
            guard let place = x(tick.value) else { continue }
            let half = Canvas.textWidth(tick.label) / 2
            guard place - half > end + 3 else { continue }
            canvas.text(tick.label, place, bottom + 15, .middle)
            end = place + half
        }
        let label = Canvas.fitted(xLabel, Picture.width - 8)
        canvas.text(label, max(right, 4 + Canvas.textWidth(label)), height - 6, .end, class: "axis")
        return canvas.picture(id: id, title: title, description: description, height: height, legend: legend)
    }

    private func draw(
        _ canvas: inout Canvas, _ content: Content, _ middle: Double, left: Double, x: (Double) -> Double?
    ) {
        switch content {
        case .point(let estimate, let look):
            let kind = look.color.rawValue
            if let low = estimate.lower.flatMap(x), let high = estimate.upper.flatMap(x) {
                canvas.line(low, middle, high, middle, class: "whisker \(kind)")
                for end in [low, high] { canvas.line(end, middle - 3, end, middle + 3, class: "whisker \(kind)") }
            }
            if let place = x(estimate.mean) { canvas.mark(place, middle, look) }
        case .change(let before, let after):
            guard let first = x(before), let second = x(after) else { return }
            canvas.line(first, middle, second, middle, class: "leader")
            canvas.mark(first, middle, Look.before)
            canvas.mark(second, middle, Look.after)
        case .bar(let value, let look):
            guard let end = x(value), let start = x(0) else { return }
            canvas.rectangle(
                min(start, end), middle - 6, max(1, abs(end - start)), 12, class: "bar \(look.color.rawValue)")
        case .parts(let parts):
            var sum = 0.0
            for part in parts where part.share > 0 {
                guard let start = x(sum), let end = x(sum + part.share) else { return }
                canvas.rectangle(start, middle - 7, end - start, 14, class: "part \(part.fill.rawValue)")
                if part.fill == .worse { hatch(&canvas, start, end, middle) }
                sum += part.share
            }
        }
    }

    /// Slanted lines, so that a part is told from others without colour.
    private func hatch(_ canvas: inout Canvas, _ start: Double, _ end: Double, _ middle: Double) {
        var place = start + 3
        while place + 5 < end {
            canvas.line(place, middle + 6, place + 5, middle - 6, class: "hatch")
            place += 6
        }
    }
}

extension Look {
    /// Before the transfer.
    static let before = Look(color: .red, mark: .square, dash: nil, hasLine: false)
    /// After it.
    static let after = Look(color: .blue, mark: .circle, dash: nil, hasLine: false)
}
