/// Sums over persons of how far a person's ratings in a window are, on average, from that person's earlier ones.
public struct RatingShifts: Codable, Sendable, Equatable {
    /// The persons.
    public let count: Double
    /// Σ of their shifts.
    public let sum: Double
    /// Σ of the squares of their shifts.
    public let squares: Double

    /// Sums.
    public init(count: Double, sum: Double, squares: Double) {
        self.count = count
        self.sum = sum
        self.squares = squares
    }

    var mean: Double { sum / count }
    /// The variance of the mean.
    var variance: Double { max(0, squares / count - mean * mean) / count }

    func merged(with other: RatingShifts) -> RatingShifts {
        RatingShifts(count: count + other.count, sum: sum + other.sum, squares: squares + other.squares)
    }
}

/// An alarm when persons rate higher or lower than they used to.
///
/// The windows of the warm-up make the reference; a later one raises an alarm when its mean shift is further from that
/// of the reference than `threshold` standard errors, either way. Each person is compared with itself, so that it does
/// not matter who rates in a window. An alarm begins a new warm-up: the new level is the usual one from then on.
public struct RatingShiftAlarm: Codable, Sendable, Equatable {
    /// The windows of the warm-up.
    public let warmUpCount: Int
    /// In standard errors; at 5 one of 1.7 million windows without a change raises an alarm.
    public let threshold: Double
    private var reference: RatingShifts?
    private var windowCount = 0

    /// An alarm that has seen nothing.
    public init(warmUpCount: Int, threshold: Double = 5) {
        precondition(warmUpCount > 0 && threshold > 0, "a warm-up of \(warmUpCount), \(threshold) standard errors")
        self.warmUpCount = warmUpCount
        self.threshold = threshold
    }

    /// Takes a window; whether it raises an alarm. Windows of fewer than two persons, or sums that are not finite, are
    /// left out.
    public mutating func observe(_ window: RatingShifts) -> Bool {
        guard window.count >= 2, window.sum.isFinite, window.squares.isFinite else { return false }
        guard let usual = reference, windowCount >= warmUpCount else {
            reference = reference?.merged(with: window) ?? window
            windowCount += 1
            return false
        }
        let error = (window.variance + usual.variance).squareRoot()
        guard abs(window.mean - usual.mean) > max(threshold * error, 1e-6) else { return false }
        self = RatingShiftAlarm(warmUpCount: warmUpCount, threshold: threshold)
        return true
    }
}
