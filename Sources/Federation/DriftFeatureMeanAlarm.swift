import Numerics

/// The mean of the random features of a number of rows.
public struct FeatureMean: Codable, Sendable, Equatable {
    /// The mean, one value a feature; see `RandomFeatures`.
    public let mean: [Double]
    /// The number of rows.
    public let count: Int

    /// A mean over `count` rows.
    public init(mean: [Double], count: Int) {
        precondition(count >= 0, "a mean over \(count) rows")
        self.mean = mean
        self.count = count
    }

    /// The mean over the rows of both.
    func merged(with other: FeatureMean) -> FeatureMean {
        let total = count + other.count
        guard total > 0 else { return self }
        let share = Double(other.count) / Double(total)
        return FeatureMean(mean: zip(mean, other.mean).map { $0 + share * ($1 - $0) }, count: total)
    }
}

/// An alarm when the rows of a window are not of the distribution of a reference.
///
/// It compares the bias-free MMD² of two feature means with `RandomFeatures.squaredMMDThreshold`, which follows from the
/// counts alone. It knows nothing of privacy noise on the means, which would add to the MMD².
public struct FeatureMeanAlarm: Sendable, Equatable {
    /// What a window is compared with.
    public let reference: FeatureMean
    /// The probability of a false alarm of one window, at most and for large counts.
    public let level: Double

    /// An alarm for windows that differ from the reference.
    ///
    /// - Precondition: the level is in (0, 0.215].
    public init(reference: FeatureMean, level: Double = 0.001) {
        precondition(level > 0 && level <= 0.215, "a level of \(level)")
        self.reference = reference
        self.level = level
    }

    /// The bias-free MMD² of the window and the reference; `nil` where one has fewer than two rows.
    public func squaredMMD(_ window: FeatureMean) -> Double? {
        guard reference.count > 1, window.count > 1 else { return nil }
        return RandomFeatures.squaredMMD(
            meanA: reference.mean, meanB: window.mean, countA: reference.count, countB: window.count)
    }

    /// What the MMD² has to exceed for an alarm; infinite where there is no MMD².
    public func threshold(_ window: FeatureMean) -> Double {
        guard reference.count > 1, window.count > 1 else { return .infinity }
        return RandomFeatures.squaredMMDThreshold(countA: reference.count, countB: window.count, level: level)
    }

    /// Whether the window raises an alarm; never where it or the reference has fewer than two rows.
    public func isRaised(by window: FeatureMean) -> Bool { (squaredMMD(window) ?? 0) > threshold(window) }
}
