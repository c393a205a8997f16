public import Numerics
import Ratings

/// Factors of observed ratings by alternating least squares, with offsets of persons and items.
///
/// Minimises Σ (r − μ − b_u − b_i − p_uᵀq_i)² over observed ratings with a penalty on all parameters: in turn, each
/// person's (b_u, p_u) is a ridge regression on (1, q_i), each item's (b_i, q_i) one on (1, p_u). Source: Zhou, Wilkinson,
/// Schreiber, Pan, *Large-scale parallel collaborative filtering for the Netflix prize* (AAIM 2008), section 3, whose
/// ALS-WR scales the penalty `perRating`; offsets as in Koren, Bell, Volinsky (Computer 2009).
public struct ExplicitALS: Sendable {
    /// The model's settings.
    public struct Configuration: Sendable, Equatable {
        /// Dimensions of the factors; 0 leaves offsets alone.
        public let factors: Int
        /// The penalty.
        public let regularization: RatingRegularization
        /// Sweeps over persons and items.
        public let iterations: Int

        /// Makes a configuration.
        public init(factors: Int, regularization: RatingRegularization, iterations: Int) {
            self.factors = factors
            self.regularization = regularization
            self.iterations = iterations
        }
    }

    /// The settings.
    public let configuration: Configuration
    /// The parameters.
    package private(set) var parameters: RatingFactorization
    private var regression: RidgeRegression

    /// Trains on ratings.
    ///
    /// *Determinism*: item factors start at N(0, 0.1²) from `stream`. *Complexity*: O(iterations · (entries · d² +
    /// (persons + items) · d³)), in Double.
    /// - Throws: `RecommenderError.noRatings`; `NumericsError.notPositiveDefinite` for λ = 0 where a person or item has
    ///   fewer ratings than parameters.
    public init(_ data: TrainingData, configuration: Configuration, stream: RandomStream) throws {
        try self.init(start: data, configuration: configuration, stream: stream)
        let columns = data.transposed
        for _ in 0..<configuration.iterations {
            try solvePersons(data)
            try solveItems(columns)
        }
    }

    /// The start of training: drawn item factors, everything else zero.
    package init(start data: TrainingData, configuration: Configuration, stream: RandomStream) throws(RecommenderError)
    {
        var stream = stream
        self.configuration = configuration
        let mean = try data.meanRating()
        let users = RatingParameters(rowCount: data.rows.rowCount, factorCount: configuration.factors)
        var items = RatingParameters(rowCount: data.rows.columnCount, factorCount: configuration.factors)
        items.drawFactors(&stream)
        parameters = RatingFactorization(mean: mean, users: users, items: items)
        regression = RidgeRegression(featureCount: configuration.factors + 1)
    }

    /// Solves every person with the items fixed. - Throws: `notPositiveDefinite`, `notFinite`.
    package mutating func solvePersons(_ data: TrainingData) throws(NumericsError) {
        try ExplicitALS.solve(
            &parameters.users, data, fixed: parameters.items, mean: parameters.mean, configuration, &regression)
    }

    /// Solves every item with the persons fixed, from the transposed data. - Throws: `notPositiveDefinite`, `notFinite`.
    package mutating func solveItems(_ columns: TrainingData) throws(NumericsError) {
        try ExplicitALS.solve(
            &parameters.items, columns, fixed: parameters.users, mean: parameters.mean, configuration, &regression)
    }

    private static func solve(
        _ solved: inout RatingParameters, _ data: TrainingData, fixed: RatingParameters, mean: Double,
        _ configuration: Configuration, _ regression: inout RidgeRegression
    ) throws(NumericsError) {
        let width = fixed.width
        regression.features[0] = 1
        for row in 0..<data.rows.rowCount {
            regression.begin()
            let entries = data.rows.starts[row]..<data.rows.starts[row + 1]
            for entry in entries {
                let start = Int(data.rows.columns[entry]) * width
                for factor in 1..<width { regression.features[factor] = fixed.values[start + factor] }
                regression.add(target: Double(data.ratings[entry]) - mean - fixed.values[start])
            }
            let weights = configuration.regularization.weights(ratingCount: entries.count)
            try regression.solve(regularization: weights.factors, interceptRegularization: weights.offset)
            for index in 0..<width { solved.values[row * width + index] = regression.solution[index] }
        }
    }

    /// What the model ships.
    public var factors: BiasedFactors { BiasedFactors(mean: parameters.mean, items: parameters.items) }

    /// The trained parameters of a person of the training data.
    public func person(_ index: Int) -> BiasedFactors.Person { parameters.person(index) }

    /// Σe² plus the penalties on the training data. *Complexity*: O(entries · d).
    public func objective(_ data: TrainingData) -> Double {
        parameters.objective(data, configuration.regularization)
    }

    /// The root mean squared error on ratings. *Complexity*: O(entries · d).
    public func error(_ data: TrainingData) -> Double { parameters.error(data) }
}
