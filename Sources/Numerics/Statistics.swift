import Glibc

/// An interval with a 95 % level.
public struct Interval: Sendable, Equatable {
    /// The lower end.
    public let lower: Double
    /// The upper end.
    public let upper: Double

    /// An interval between two ends.
    public init(lower: Double, upper: Double) {
        self.lower = lower
        self.upper = upper
    }
}

/// The arithmetic mean; `nil` for no values.
public func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
}

/// Bootstrap resamples of the mean over persons, shared by all methods so that their differences are paired.
///
/// Source: Efron & Tibshirani, *An introduction to the bootstrap* (1993), section 13.3 (percentile interval).
/// *Determinism*: draws come from the stream given at initialisation.
public struct PairedBootstrap: Sendable {
    /// The number of draws of the published intervals.
    public static let drawCount = 2_000

    private let unitCount: Int
    private let draws: [UInt32]

    /// Draws `drawCount` resamples of `unitCount` units with replacement.
    public init(unitCount: Int, stream: RandomStream) {
        precondition(unitCount <= Int(UInt32.max), "\(unitCount) units")
        self.unitCount = unitCount
        var stream = stream
        draws = (0..<(unitCount * PairedBootstrap.drawCount)).map { _ in UInt32(stream.integer(below: unitCount)) }
    }

    /// The 95 % percentile interval of the mean of `values`; `nil` for fewer than two values.
    ///
    /// *Complexity*: O(draws · units).
    public func interval(ofMean values: [Double]) -> Interval? {
        precondition(values.count == unitCount, "\(values.count) values for \(unitCount) units")
        guard unitCount > 1 else { return nil }
        var means = [Double](repeating: 0, count: PairedBootstrap.drawCount)
        for draw in 0..<PairedBootstrap.drawCount {
            var sum = 0.0
            for unit in 0..<unitCount { sum += values[Int(draws[draw * unitCount + unit])] }
            means[draw] = sum / Double(unitCount)
        }
        means.sort()
        return Interval(lower: quantile(sorted: means, 0.025), upper: quantile(sorted: means, 0.975))
    }
}

/// The quantile of sorted values by linear interpolation between order statistics (type 7 of Hyndman & Fan 1996).
public func quantile(sorted values: [Double], _ probability: Double) -> Double {
    precondition(!values.isEmpty && (0...1).contains(probability), "a quantile of \(values.count) values")
    let position = probability * Double(values.count - 1)
    let low = Int(position.rounded(.down))
    let high = min(low + 1, values.count - 1)
    return values[low] + (position - Double(low)) * (values[high] - values[low])
}

/// The 95 % interval of the mean of a few independent values by Student's t; `nil` for fewer than two.
public func studentInterval(ofMean values: [Double]) -> Interval? {
    guard values.count > 1, let center = mean(values) else { return nil }
    let variance = values.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(values.count - 1)
    let half =
        studentQuantile(0.975, degreesOfFreedom: values.count - 1) * (variance / Double(values.count)).squareRoot()
    return Interval(lower: center - half, upper: center + half)
}

/// The quantile of Student's t distribution for a probability of at least one half, by bisection on its distribution
/// function; relative error below 1e-11.
public func studentQuantile(_ probability: Double, degreesOfFreedom: Int) -> Double {
    precondition(degreesOfFreedom > 0 && probability >= 0.5 && probability < 1, "a Student quantile")
    let freedom = Double(degreesOfFreedom)
    func distribution(_ t: Double) -> Double {
        1 - 0.5 * regularizedIncompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
    }
    var low = 0.0
    var high = 1.0
    while distribution(high) < probability { high *= 2 }
    for _ in 0..<200 where high - low > 1e-12 * high {
        let middle = (low + high) / 2
        if distribution(middle) < probability { low = middle } else { high = middle }
    }
    return (low + high) / 2
}

/// The regularised incomplete beta function I_x(a, b).
///
/// Source: continued fraction of NIST Digital Library of Mathematical Functions, equation 8.17.22, by Lentz's method.
public func regularizedIncompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    precondition(x >= 0 && x <= 1 && a > 0 && b > 0, "an incomplete beta function")
    if x == 0 || x == 1 { return x }
    // The fraction converges fast below the mean; above it the symmetry I_x(a, b) = 1 − I_{1−x}(b, a) is used.
    if x > (a + 1) / (a + b + 2) { return 1 - regularizedIncompleteBeta(1 - x, b, a) }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    let tiny = 1e-300
    var c = 1.0
    var d = 1 - (a + b) * x / (a + 1)
    d = 1 / (abs(d) < tiny ? tiny : d)
    var fraction = d
    for step in 1...10_000 {
        let m = Double(step)
        for term in [
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ] {
            d = 1 + term * d
            d = 1 / (abs(d) < tiny ? tiny : d)
            c = 1 + term / c
            if abs(c) < tiny { c = tiny }
            fraction *= c * d
        }
        if abs(c * d - 1) < 1e-15 { break }
    }
    return front * fraction
}

extension Double {
    /// The natural logarithm.
    public var logarithm: Double { log(self) }
    /// e to this power.
    public var exponential: Double { exp(self) }
}
