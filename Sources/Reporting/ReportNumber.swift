import Foundation

/// Numbers as a page prints them.
enum ReportNumber {
    /// The minus sign, as wide as a plus.
    private static func signed(_ text: String) -> String { text.hasPrefix("-") ? "−" + text.dropFirst() : text }

    /// A number with a fixed count of decimals.
    static func decimals(_ value: Double, _ count: Int) -> String {
        guard value.isFinite else { return "–" }
        guard abs(value) < 1e12 else { return signed("\(value)") }
        if count == 0 { return signed(DataTable.grouped(Int(value.rounded()))) }
        return signed(ResultTable.decimals(value, count))
    }

    /// A number with three significant digits and no zeros that say nothing, such as an ε: `0.5`, `2`, `12.3`, `176`.
    static func significant(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        guard value != 0 else { return "0" }
        let size = abs(value)
        if size < 1e-4 || size >= 1e6 { return scientific(value) }
        let decimals = max(0, 2 - Int(log10(size).rounded(.down)))
        var text = decimals == 0 ? DataTable.grouped(Int(value.rounded())) : ResultTable.decimals(value, decimals)
        if text.contains(".") {
            while text.last == "0" { text.removeLast() }
            if text.last == "." { text.removeLast() }
        }
        return signed(text)
    }

    /// An ε with three significant digits, rounded up: a promise must not look smaller than it is.
    static func epsilon(_ value: Double) -> String {
        guard value.isFinite, value > 1e-4, value < 1e6 else { return significant(value) }
        let scale = pow(10, max(0, 2 - log10(value).rounded(.down)))
        // What rounding to the nearest double adds is no part of the value.
        return significant((value * scale * (1 - 1e-12)).rounded(.up) / scale)
    }

    /// A number as 2.3·10⁻⁵; a power of ten alone as 10⁻⁵.
    private static func scientific(_ value: Double) -> String {
        var exponent = Int(log10(abs(value)).rounded(.down))
        var digits = value / pow(10, Double(exponent))
        if abs(digits) >= 9.995 {
            digits /= 10
            exponent += 1
        }
        var text = ResultTable.decimals(digits, 2)
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        let superscripts: [Character: Character] = [
            "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸",
            "9": "⁹",
        ]
        let power = "10" + String("\(exponent)".compactMap { superscripts[$0] })
        return signed(text == "1" ? power : "\(text)·\(power)")
    }

    /// A share of 1 in whole per cent.
    static func percent(_ share: Double) -> String {
        share.isFinite ? decimals(100 * share, 0) + "\u{A0}%" : "–"
    }

    /// Bytes in decimal units.
    static func bytes(_ count: Int) -> String {
        let units: [(Double, String)] = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")]
        // 999 950 B would otherwise print as 1000 kB.
        for (size, unit) in units where Double(count) >= 0.99995 * size {
            return significant(Double(count) / size) + " " + unit
        }
        return "\(count) B"
    }

    /// The number of decimals for values of a metric, of which a ranking's are below 1.
    static func metricDecimals(_ values: [Double]) -> Int {
        let largest = values.filter(\.isFinite).map { abs($0) }.max() ?? 0
        return largest >= 100 ? 1 : largest >= 10 ? 2 : 4
    }

    /// A count and its noun: `1 seed`, `5 seeds`.
    static func count(_ count: Int, _ one: String, _ many: String? = nil) -> String {
        "\(DataTable.grouped(count)) \(count == 1 ? one : many ?? one + "s")"
    }
}

/// A mean and the ends of its 95 % interval.
struct Estimate: Sendable, Equatable {
    let mean: Double
    let lower: Double?
    let upper: Double?

    /// An estimate; an interval that is not a pair of finite numbers is none.
    init?(_ mean: Double, _ interval: [Double] = []) {
        guard mean.isFinite else { return nil }
        self.mean = mean
        let isInterval = interval.count == 2 && interval.allSatisfy(\.isFinite)
        lower = isInterval ? interval[0] : nil
        upper = isInterval ? interval[1] : nil
    }

    /// The same after adding a constant.
    func shifted(by amount: Double) -> Estimate? {
        Estimate(mean + amount, lower.flatMap { low in upper.map { [low + amount, $0 + amount] } } ?? [])
    }

    /// `0.3932 [0.3737, 0.4128]`.
    func text(_ count: Int, brackets: Bool = true) -> String {
        let center = ReportNumber.decimals(mean, count)
        guard brackets, let lower, let upper else { return center }
        return "\(center) [\(ReportNumber.decimals(lower, count)), \(ReportNumber.decimals(upper, count))]"
    }

    /// The same within what a share can be: a symmetric interval may go beyond.
    var asShare: Estimate {
        guard let lower, let upper else { return self }
        return Estimate(mean, [max(0, min(1, lower)), max(0, min(1, upper))]) ?? self
    }

    /// `24 % [18 %, 30 %]`.
    var percentText: String {
        guard let lower, let upper else { return ReportNumber.percent(mean) }
        return "\(ReportNumber.percent(mean)) [\(ReportNumber.percent(lower)), \(ReportNumber.percent(upper))]"
    }
}
