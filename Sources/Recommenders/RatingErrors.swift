/// The sums behind the rating errors of one person or of several; sums of persons add up to the sums of the cohort.
public struct RatingErrors: Sendable, Equatable {
    /// The sum of squared errors.
    public private(set) var squaredErrorSum = 0.0
    /// The sum of absolute errors.
    public private(set) var absoluteErrorSum = 0.0
    /// The number of ratings.
    public private(set) var count = 0

    /// No ratings.
    public init() {}

    /// The errors of one person's predictions, clamped to the scale.
    ///
    /// - Precondition: as many predictions as ratings.
    /// - Throws: `predictionIsNaN`, `ratingIsNaN`.
    public init(
        predictions: [Float], ratings: [Float], scale: ClosedRange<Float>
    ) throws(MetricError) {
        precondition(
            predictions.count == ratings.count, "\(predictions.count) predictions of \(ratings.count) ratings")
        for index in ratings.indices { try add(prediction: predictions[index], rating: ratings[index], scale: scale) }
    }

    /// Adds the error of one prediction, clamped to the scale; the rating is taken as it is. The difference is exact to
    /// the rounding of a `Double`.
    ///
    /// - Throws: `predictionIsNaN`, `ratingIsNaN`.
    public mutating func add(prediction: Float, rating: Float, scale: ClosedRange<Float>) throws(MetricError) {
        guard !prediction.isNaN else { throw .predictionIsNaN }
        guard !rating.isNaN else { throw .ratingIsNaN }
        let error = Double(min(max(prediction, scale.lowerBound), scale.upperBound)) - Double(rating)
        squaredErrorSum += error * error
        absoluteErrorSum += error.magnitude
        count += 1
    }

    /// Adds the sums of another person.
    public static func += (left: inout RatingErrors, right: RatingErrors) {
        left.squaredErrorSum += right.squaredErrorSum
        left.absoluteErrorSum += right.absoluteErrorSum
        left.count += right.count
    }

    /// √(Σ error² / ratings); `nil` without ratings.
    public var rmse: Double? { count == 0 ? nil : (squaredErrorSum / Double(count)).squareRoot() }

    /// Σ |error| / ratings; `nil` without ratings.
    public var mae: Double? { count == 0 ? nil : absoluteErrorSum / Double(count) }
}
