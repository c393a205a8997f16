import Glibc

/// The probability that Student's t is at least as far from 0 as `t`, on either side.
///
/// Source: NIST Digital Library of Mathematical Functions, section 8.17 with Abramowitz & Stegun, equation 26.7.1:
/// I_{ν/(ν+t²)}(ν/2, 1/2).
public func studentTwoSidedPValue(_ t: Double, degreesOfFreedom: Int) -> Double {
    precondition(degreesOfFreedom > 0 && !t.isNaN, "a Student distribution")
    guard t.isFinite else { return 0 }
    let freedom = Double(degreesOfFreedom)
    return regularizedIncompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
}

/// The distribution function of Student's t.
public func studentDistribution(_ t: Double, degreesOfFreedom: Int) -> Double {
    let tail = studentTwoSidedPValue(t, degreesOfFreedom: degreesOfFreedom) / 2
    return t < 0 ? tail : 1 - tail
}

/// Student's paired t-test of the hypothesis that two lists of values have the same mean.
///
/// Source: Student, *The probable error of a mean* (Biometrika 1908).
public struct PairedTest: Sendable, Equatable {
    /// The mean of first − second.
    public let difference: Double
    /// The 95 % interval of the mean difference; `nil` for one pair.
    public let interval: Interval?
    /// t; `nil` for one pair, and where all differences are the same.
    public let statistic: Double?
    /// One less than the number of pairs.
    public let degreesOfFreedom: Int
    /// The two-sided p-value; `nil` where t is.
    public let pValue: Double?

    /// Tests pairs of values; `nil` for no pair.
    ///
    /// - Precondition: as many first values as second ones.
    public init?(_ first: [Double], _ second: [Double]) {
        precondition(first.count == second.count, "\(first.count) and \(second.count) values are not pairs")
        let differences = zip(first, second).map { $0 - $1 }
        guard let center = mean(differences) else { return nil }
        difference = center
        interval = studentInterval(ofMean: differences)
        degreesOfFreedom = differences.count - 1
        let squares = differences.reduce(0) { $0 + ($1 - center) * ($1 - center) }
        guard degreesOfFreedom > 0, squares > 0 else {
            statistic = nil
            pValue = nil
            return
        }
        let error = (squares / Double(degreesOfFreedom) / Double(differences.count)).squareRoot()
        let t = center / error
        statistic = t
        pValue = studentTwoSidedPValue(t, degreesOfFreedom: degreesOfFreedom)
    }
}
