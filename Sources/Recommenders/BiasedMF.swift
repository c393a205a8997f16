public import Numerics
import Ratings

/// Factors of observed ratings by stochastic gradient descent: μ + b_u + b_i + p_uᵀq_i.
///
/// Each rating moves its person and item against the gradient of ½(e² + penalties), where a row's penalty is dealt to its
/// ratings in equal parts, so that one epoch sums to the objective of `ExplicitALS`. Source: Koren, Bell, Volinsky,
/// *Matrix factorization techniques for recommender systems* (Computer 2009), equations 4 and 5, where the penalty is
/// scaled `perRating`.
public struct BiasedMF: Sendable {
    /// The model's settings.
    public struct Configuration: Sendable, Equatable {
        /// Dimensions of the factors; 0 leaves offsets alone.
        public let factors: Int
        /// The penalty.
        public let regularization: RatingRegularization
        /// Passes over the ratings.
        public let epochs: Int
        /// The step size of the first epoch.
        public let learningRate: Double
        /// What the step size is multiplied by after each epoch.
        public let decay: Double

        /// Makes a configuration.
        public init(
            factors: Int, regularization: RatingRegularization, epochs: Int, learningRate: Double = 0.02,
            decay: Double = 0.97
        ) {
            self.factors = factors
            self.regularization = regularization
            self.epochs = epochs
            self.learningRate = learningRate
            self.decay = decay
        }
    }

    /// The settings.
    public let configuration: Configuration
    /// The parameters.
    package var parameters: RatingFactorization

    /// Trains on ratings.
    ///
    /// *Determinism*: factors start at N(0, 0.1²) and each epoch has its own random order, both from `stream`.
    /// *Complexity*: O(epochs · entries · d), in Double.
    /// - Throws: `RecommenderError.noRatings`; `diverges` when the step size is too large for the ratings.
    public init(_ data: TrainingData, configuration: Configuration, stream: RandomStream) throws {
        var stream = stream
        self.configuration = configuration
        let mean = try data.meanRating()
        let counts = data.rows.rowLengths
        var users = RatingParameters(rowCount: data.rows.rowCount, factorCount: configuration.factors)
        var items = RatingParameters(rowCount: data.rows.columnCount, factorCount: configuration.factors)
        users.drawFactors(&stream)
        items.drawFactors(&stream)
        let itemCounts = data.rows.columnLengths
        users.clearRows { counts[$0] == 0 }
        items.clearRows { itemCounts[$0] == 0 }
        parameters = RatingFactorization(mean: mean, users: users, items: items)
        let persons = counts.indices.flatMap { [Int](repeating: $0, count: counts[$0]) }
        let userPenalties = penalties(counts)
        let itemPenalties = penalties(itemCounts)
        var rate = configuration.learningRate
        for _ in 0..<configuration.epochs {
            for entry in stream.permutation(count: data.ratings.count) {
                let person = persons[entry]
                let item = Int(data.rows.columns[entry])
                step(
                    person: person, item: item, rating: Double(data.ratings[entry]), rate: rate,
                    userPenalty: userPenalties[person], itemPenalty: itemPenalties[item])
            }
            rate *= configuration.decay
        }
        guard parameters.users.values.allSatisfy({ $0.isFinite }), parameters.items.values.allSatisfy({ $0.isFinite })
        else { throw RecommenderError.diverges }
    }

    /// A row's penalties, dealt to its ratings.
    private func penalties(_ counts: [Int]) -> [(offset: Double, factors: Double)] {
        counts.map {
            let weights = configuration.regularization.weights(ratingCount: $0)
            return (weights.offset / Double(max($0, 1)), weights.factors / Double(max($0, 1)))
        }
    }

    /// Moves one person and one item against the gradient of one rating's loss.
    package mutating func step(
        person: Int, item: Int, rating: Double, rate: Double, userPenalty: (offset: Double, factors: Double),
        itemPenalty: (offset: Double, factors: Double)
    ) {
        let difference = rating - parameters.prediction(person: person, item: item)
        let width = parameters.users.width
        let user = person * width
        let other = item * width
        let userOffset = parameters.users.values[user]
        parameters.users.values[user] += rate * (difference - userPenalty.offset * userOffset)
        let itemOffset = parameters.items.values[other]
        parameters.items.values[other] += rate * (difference - itemPenalty.offset * itemOffset)
        for factor in 1..<width {
            let p = parameters.users.values[user + factor]
            let q = parameters.items.values[other + factor]
            parameters.users.values[user + factor] += rate * (difference * q - userPenalty.factors * p)
            parameters.items.values[other + factor] += rate * (difference * p - itemPenalty.factors * q)
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
