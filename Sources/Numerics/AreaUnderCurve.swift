/// The area under the ROC curve of a score that tells members from others: the probability that a random member scores
/// higher than a random other, ties counted half.
///
/// *Source*: DeLong, DeLong, Clarke-Pearson, *Comparing the areas under two or more correlated receiver operating
/// characteristic curves* (Biometrics 1988), section 2: the variance from the placements of each score.
public struct AreaUnderCurve: Sendable, Equatable {
    /// The area, 0 to 1; one half for a score that tells nothing.
    public let value: Double
    /// The 95 % interval, cut to 0…1.
    public let interval: Interval

    /// Measures the area.
    ///
    /// - Returns: `nil` with fewer than two members or others, or a score that is not finite.
    ///   *Complexity*: O(n log n).
    public init?(members: [Double], others: [Double]) {
        guard members.count > 1, others.count > 1, (members + others).allSatisfy(\.isFinite) else { return nil }
        let memberPlacements = AreaUnderCurve.placements(of: members, among: others)
        let otherPlacements = AreaUnderCurve.placements(of: others, among: members).map { 1 - $0 }
        let area = memberPlacements.reduce(0, +) / Double(members.count)
        func variance(_ values: [Double]) -> Double {
            values.reduce(0) { $0 + ($1 - area) * ($1 - area) } / Double(values.count - 1) / Double(values.count)
        }
        let width = 1.959963984540054 * (variance(memberPlacements) + variance(otherPlacements)).squareRoot()
        value = area
        interval = Interval(lower: max(0, area - width), upper: min(1, area + width))
    }

    /// For each value the share of the others that are lower, ties counted half.
    private static func placements(of values: [Double], among others: [Double]) -> [Double] {
        let sorted = others.sorted()
        func count(_ isBefore: (Double) -> Bool) -> Int {
            var (low, high) = (0, sorted.count)
            while low < high {
                let middle = (low + high) / 2
                if isBefore(sorted[middle]) { low = middle + 1 } else { high = middle }
            }
            return low
        }
        return values.map { value in
            let lower = count { $0 < value }
            let upTo = count { $0 <= value }
            return (Double(lower) + Double(upTo - lower) / 2) / Double(sorted.count)
        }
    }
}
