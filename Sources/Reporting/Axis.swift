import Foundation

/// One direction of a picture: from values to positions, with ticks at round numbers.
struct Axis: Sendable, Equatable {
    /// How values are spread.
    enum Kind: Sendable, Equatable {
        case linear
        case logarithmic
        /// Equally spaced, at 0, 1, 2, …
        case categories
    }

    /// A place with a number.
    struct Tick: Sendable, Equatable {
        let value: Double
        let label: String
    }

    let kind: Kind
    let lower: Double
    let upper: Double
    let ticks: [Tick]

    /// An axis over values, which are finite and, for a logarithmic axis, above 0; others are left out. Without any it
    /// runs from 0 to 1, and for a single value it leaves room on both sides.
    static func linear(_ values: [Double], includes: [Double] = [], tickCount: Int = 5, isTight: Bool = false) -> Axis {
        let values = (values + includes).filter { $0.isFinite && abs($0) < 1e100 }
        var (low, high) = (values.min() ?? 0, values.max() ?? 1)
        if low == high {
            let room = low == 0 ? 1 : abs(low) * 0.1
            (low, high) = low == 0 ? (0, 1) : (low - room, high + room)
        }
        let step = roundStep((high - low) / Double(max(1, tickCount)))
        let first = (low / step + 1e-9).rounded(isTight ? .up : .down)
        let last = (high / step - 1e-9).rounded(isTight ? .down : .up)
        let decimals = max(0, Int((-log10(step) + 1e-9).rounded(.up)) + (isQuarter(step) ? 1 : 0))
        let count = Int(min(50, max(0, last - first)))
        let ticks = (0...count).map { index -> Tick in
            let value = (first + Double(index)) * step
            return Tick(value: value, label: tickLabel(value, decimals: decimals))
        }
        return Axis(
            kind: .linear, lower: isTight ? low : first * step, upper: isTight ? high : (first + Double(count)) * step,
            ticks: ticks)
    }

    /// An axis of ticks at given values alone, with room for half a mark at both ends.
    static func at(_ values: [Double], label: (Double) -> String) -> Axis {
        let values = values.filter { $0.isFinite && abs($0) < 1e100 }.sorted()
        let (low, high) = (values.first ?? 0, values.last ?? 1)
        let room = low == high ? 1 : (high - low) * 0.08
        return Axis(
            kind: .linear, lower: low - room, upper: high + room,
            ticks: values.map { Tick(value: $0, label: label($0)) })
    }

    /// An axis of rounds: each of a few has its tick, and none lies between two.
    static func rounds(_ rounds: [Int]) -> Axis {
        let different = unique(rounds).map(Double.init)
        return different.count <= 10
            ? .at(different) { ReportNumber.decimals($0, 0) } : .linear(different, isTight: true)
    }

    /// A logarithmic axis with ticks at 1, 2 and 5 times powers of ten, at powers alone over many, or at the values
    /// themselves where they are three or fewer.
    static func logarithmic(_ values: [Double]) -> Axis {
        let values = values.filter { $0.isFinite && $0 > 1e-100 && $0 < 1e100 }
        let (low, high) = ((values.min() ?? 1) / 1.35, (values.max() ?? 10) * 1.35)
        let decades = log10(high) - log10(low)
        let digits: [Double] = decades > 3 ? [1] : [1, 2, 5]
        var ticks: [Tick] = []
        let first = Int(log10(low).rounded(.down))
        let every = max(1, Int((decades / 8).rounded(.up)))
        for exponent in first...max(first, Int(log10(high).rounded(.up)))
        where digits.count > 1 || (exponent - first) % every == 0 {
            for digit in digits {
                let value = digit * pow(10, Double(exponent))
                guard value >= low && value <= high else { continue }
                ticks.append(Tick(value: value, label: ReportNumber.significant(value)))
            }
        }
        // Few values are ticks themselves: a single point between two ticks would have to be guessed.
        let own = unique(values).sorted()
        if own.count <= 3 { ticks = own.map { Tick(value: $0, label: ReportNumber.significant($0)) } }
        return Axis(kind: .logarithmic, lower: low, upper: high, ticks: ticks)
    }

    /// An axis of names.
    static func categories(_ names: [String]) -> Axis {
        Axis(
            kind: .categories, lower: -0.5, upper: Double(max(1, names.count)) - 0.5,
            ticks: names.enumerated().map { Tick(value: Double($0), label: $1) })
    }

    /// Where a value lies, 0 at the lower and 1 at the upper end; `nil` for one that cannot be drawn.
    func position(_ value: Double) -> Double? {
        guard value.isFinite, kind != .logarithmic || value > 0 else { return nil }
        let share =
            kind == .logarithmic
            ? (log10(value) - log10(lower)) / (log10(upper) - log10(lower)) : (value - lower) / (upper - lower)
        return share.isFinite ? min(1.02, max(-0.02, share)) : nil
    }

    /// The smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is at least as large.
    private static func roundStep(_ size: Double) -> Double {
        guard size > 0, size.isFinite else { return 1 }
        let power = pow(10, log10(size).rounded(.down))
        let factor = [1, 2, 2.5, 5, 10].first { $0 * power >= size * (1 - 1e-9) } ?? 10
        return factor * power
    }

    private static func isQuarter(_ step: Double) -> Bool {
        let power = pow(10, log10(step).rounded(.down))
        return abs(step / power - 2.5) < 1e-6
    }

    private static func tickLabel(_ value: Double, decimals: Int) -> String {
        if abs(value) >= 1e6 { return ReportNumber.significant(value) }
        return decimals > 6 ? ReportNumber.significant(value) : ReportNumber.decimals(value, decimals)
    }
}
