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
        guard unitCount > 1 else {
            precondition(values.count == unitCount, "\(values.count) values for \(unitCount) units")
            return nil
        }
        return PairedBootstrap.interval(ofDraws: means(of: values))
    }

    /// The 95 % percentile interval of mean(first) − mean(second), paired by unit; `nil` for fewer than two units.
    public func interval(ofMeanDifference first: [Double], _ second: [Double]) -> Interval? {
        interval(ofMean: differences(first, second))
    }

    /// The 95 % percentile interval of Σ numerators / Σ denominators, or of its square root: an error over all ratings
    /// from the sums of single persons. `nil` for fewer than two units, or where a resample has no denominator.
    ///
    /// - Precondition: no negative denominator, and for a square root no negative numerator.
    public func interval(
        ofRatio numerators: [Double], _ denominators: [Double], isRoot: Bool = false
    ) -> Interval? {
        guard unitCount > 1, let ratios = ratios(of: numerators, denominators, isRoot: isRoot) else { return nil }
        return PairedBootstrap.interval(ofDraws: ratios)
    }

    /// The one-sided p-value of the hypothesis that mean(first) is not above mean(second), paired by unit: (1 + draws
    /// whose mean difference is not above 0) / (1 + draws). `nil` for fewer than two units.
    ///
    /// It falls below 2.5 % where the percentile interval of the difference lies above 0, but for the interpolation
    /// between draws. Source: Davison & Hinkley, *Bootstrap methods and their application* (1997), section 4.4 (the
    /// added one) and 5.4 (tests from intervals).
    public func pValue(ofMeanGain first: [Double], over second: [Double]) -> Double? {
        guard unitCount > 1 else { return nil }
        return PairedBootstrap.pValue(ofGainDraws: means(of: differences(first, second)))
    }

    /// The mean of each resample, in the order of the draws.
    ///
    /// - Precondition: one value a unit, at least one unit.
    public func means(of values: [Double]) -> [Double] {
        precondition(values.count == unitCount && unitCount > 0, "\(values.count) values for \(unitCount) units")
        var means = [Double](repeating: 0, count: PairedBootstrap.drawCount)
        for draw in 0..<PairedBootstrap.drawCount { means[draw] = sum(values, draw: draw) / Double(unitCount) }
        return means
    }

    /// Σ numerators / Σ denominators of each resample, or its square root, in the order of the draws; `nil` where a
    /// resample has no denominator. Differences of two such lists are paired.
    public func ratios(of numerators: [Double], _ denominators: [Double], isRoot: Bool = false) -> [Double]? {
        precondition(
            numerators.count == unitCount && denominators.count == unitCount,
            "\(numerators.count) and \(denominators.count) values for \(unitCount) units")
        precondition(denominators.allSatisfy { $0 >= 0 }, "a negative denominator")
        precondition(!isRoot || numerators.allSatisfy { $0 >= 0 }, "the square root of a negative sum")
        var ratios = [Double](repeating: 0, count: PairedBootstrap.drawCount)
        for draw in 0..<PairedBootstrap.drawCount {
            let denominator = sum(denominators, draw: draw)
            guard denominator > 0 else { return nil }
            let ratio = sum(numerators, draw: draw) / denominator
            ratios[draw] = isRoot ? ratio.squareRoot() : ratio
        }
        return ratios
    }

    /// The 95 % percentile interval of a statistic from its value in each resample.
    public static func interval(ofDraws values: [Double]) -> Interval {
        let sorted = values.sorted()
        return Interval(lower: quantile(sorted: sorted, 0.025), upper: quantile(sorted: sorted, 0.975))
    }

    /// The one-sided p-value of the hypothesis that a gain is not above 0, from the gain in each resample.
    public static func pValue(ofGainDraws values: [Double]) -> Double {
        Double(1 + values.count { !($0 > 0) }) / Double(1 + values.count)
    }

    private func differences(_ first: [Double], _ second: [Double]) -> [Double] {
        precondition(first.count == second.count, "\(first.count) and \(second.count) values are not pairs")
        return zip(first, second).map { $0 - $1 }
    }

    private func sum(_ values: [Double], draw: Int) -> Double {
        var sum = 0.0
        for unit in 0..<unitCount { sum += values[Int(draws[draw * unitCount + unit])] }
        return sum
    }
}

/// Holm's step-down adjustment of a family of p-values, in their own order: an adjusted value below α rejects its
/// hypothesis while the chance of any false rejection stays below α.
///
/// Source: Holm, *A simple sequentially rejective multiple test procedure* (Scandinavian Journal of Statistics 1979).
/// - Precondition: every value lies between 0 and 1.
public func holmAdjusted(_ pValues: [Double]) -> [Double] {
    precondition(pValues.allSatisfy { (0...1).contains($0) }, "a p-value is not between 0 and 1")
    // Equal values get equal results whatever their order.
    let order = pValues.indices.sorted { (pValues[$0], $0) < (pValues[$1], $1) }
    var adjusted = [Double](repeating: 0, count: pValues.count)
    var largest = 0.0
    for (rank, index) in order.enumerated() {
        largest = max(largest, min(Double(pValues.count - rank) * pValues[index], 1))
        adjusted[index] = largest
    }
    return adjusted
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
    /// The logarithm to base 2.
    public var binaryLogarithm: Double { log2(self) }
    /// e to this power.
    public var exponential: Double { exp(self) }
}
