public import Numerics
import Ratings
public import Recommenders

/// Factors of observed ratings, of items that are drawn to what the items' features predict.
///
/// With θ_u = (b_u, p_u) and θ_i = (b_i, q_i) minimises Σ (r − μ − b_u − b_i − p_uᵀq_i)² + λ_b Σ(b_u − b̄)² +
/// λ_p Σ‖p_u − p̄‖² + λ_q Σ‖θ_i − Bᵀz_i‖² + γ‖B − B₀‖² over persons and items with ratings. Each step is exact, in Double,
/// so that the objective never rises. An item without ratings has θ = Bᵀz. Source: as of `FeatureALS`.
public struct FeatureRatingALS: Sendable {
    /// The model's settings.
    public struct Configuration: Sendable, Equatable {
        /// Dimensions of the factors.
        public let factors: Int
        /// λ_p, above 0.
        public let regularization: Double
        /// λ_b, above 0.
        public let offsetRegularization: Double
        /// λ_q, how strongly items follow their features; above 0.
        public let itemRegularization: Double
        /// γ, how strongly B follows B₀; above 0.
        public let featureRegularization: Double
        /// Sweeps.
        public let iterations: Int

        /// Makes a configuration.
        public init(
            factors: Int, regularization: Double, offsetRegularization: Double, itemRegularization: Double,
            featureRegularization: Double, iterations: Int
        ) {
            self.factors = factors
            self.regularization = regularization
            self.offsetRegularization = offsetRegularization
            self.itemRegularization = itemRegularization
            self.featureRegularization = featureRegularization
            self.iterations = iterations
        }
    }

    /// The settings.
    public let configuration: Configuration
    private let mean: Double
    private let width: Int
    private let features: Matrix
    private let priorWeights: [Double]
    private var regression: FeatureRegression
    private var ridge: RidgeRegression
    private var users: [Double]
    private var items: [Double]
    /// (b̄, p̄).
    private var prior: [Double]
    /// B, features × (1 + factors).
    private var weights: [Double]
    /// Bᵀz, items × (1 + factors).
    private var predicted: [Double]
    private let warmItems: [Int]

    /// Trains on ratings.
    ///
    /// *Determinism*: item parameters start at B₀ᵀz + N(0, 0.1²) from `stream`. *Complexity*: O(iterations · (entries ·
    /// d² + (persons + items) · d³ + items · features · d) + items · features² + features³), in Double.
    /// - Parameters:
    ///   - features: Z, items × features.
    ///   - prior: B₀, features × (1 + factors), the column of the offsets first; zero without one.
    /// - Throws: `RecommenderError.noRatings`; `NumericsError.notPositiveDefinite`, `.notFinite`.
    public init(
        _ data: TrainingData, configuration: Configuration, features: Matrix, prior: Matrix? = nil,
        stream: RandomStream
    ) throws {
        try self.init(start: data, configuration: configuration, features: features, prior: prior, stream: stream)
        let columns = data.transposed
        for _ in 0..<configuration.iterations {
            try solvePersons(data)
            updatePrior(data)
            try solveItems(columns)
            solveFeatureWeights()
        }
        complete(data)
    }

    /// The start of training.
    package init(
        start data: TrainingData, configuration: Configuration, features: Matrix, prior: Matrix?, stream: RandomStream
    ) throws {
        let width = configuration.factors + 1
        precondition(features.rowCount == data.rows.columnCount, "features of other items")
        precondition(
            prior.map { $0.rowCount == features.columnCount && $0.columnCount == width } != false,
            "prior weights of another shape")
        guard !data.ratings.isEmpty else { throw RecommenderError.noRatings }
        var stream = stream
        self.configuration = configuration
        self.features = features
        self.width = width
        mean = data.ratings.reduce(0.0) { $0 + Double($1) } / Double(data.ratings.count)
        priorWeights =
            prior?.values.map(Double.init) ?? [Double](repeating: 0, count: features.columnCount * width)
        let counts = data.rows.columnLengths
        warmItems = counts.indices.filter { counts[$0] > 0 }
        regression = try FeatureRegression(
            features: features, rows: warmItems, factors: width,
            ridge: configuration.featureRegularization / configuration.itemRegularization, prior: prior)
        ridge = RidgeRegression(featureCount: width)
        weights = priorWeights
        users = [Double](repeating: 0, count: data.rows.rowCount * width)
        items = [Double](repeating: 0, count: data.rows.columnCount * width)
        self.prior = [Double](repeating: 0, count: width)
        predicted = []
        predict()
        for item in warmItems {
            for index in item * width..<(item + 1) * width {
                items[index] = predicted[index] + (index % width == 0 ? 0 : 0.1 * stream.gaussian())
            }
        }
    }

    /// Solves every person with the items fixed. - Throws: `notPositiveDefinite`, `notFinite`.
    package mutating func solvePersons(_ data: TrainingData) throws(NumericsError) {
        ridge.features[0] = 1
        for row in 0..<data.rows.rowCount where data.rows.starts[row] < data.rows.starts[row + 1] {
            gather(data, row, others: items)
            try ridge.solve(
                regularization: configuration.regularization,
                interceptRegularization: configuration.offsetRegularization, prior: prior)
            for index in 0..<width { users[row * width + index] = ridge.solution[index] }
        }
    }

    /// Solves every item that somebody rated with the persons fixed, from the transposed data.
    ///
    /// - Throws: `notPositiveDefinite`, `notFinite`.
    package mutating func solveItems(_ columns: TrainingData) throws(NumericsError) {
        ridge.features[0] = 1
        var center = prior
        for item in warmItems {
            gather(columns, item, others: users)
            for index in 0..<width { center[index] = predicted[item * width + index] }
            try ridge.solve(regularization: configuration.itemRegularization, prior: center)
            for index in 0..<width { items[item * width + index] = ridge.solution[index] }
        }
    }

    /// Gives the regression one row's ratings, less the mean and the offset of the other side.
    private mutating func gather(_ data: TrainingData, _ row: Int, others: [Double]) {
        ridge.begin()
        for entry in data.rows.starts[row]..<data.rows.starts[row + 1] {
            let start = Int(data.rows.columns[entry]) * width
            for index in 1..<width { ridge.features[index] = others[start + index] }
            ridge.add(target: Double(data.ratings[entry]) - mean - others[start])
        }
    }

    /// Moves (b̄, p̄) to the mean of the persons with ratings.
    package mutating func updatePrior(_ data: TrainingData) {
        var sums = [Double](repeating: 0, count: width)
        var count = 0
        for row in 0..<data.rows.rowCount where data.rows.starts[row] < data.rows.starts[row + 1] {
            for index in 0..<width { sums[index] += users[row * width + index] }
            count += 1
        }
        prior = sums.map { $0 / Double(max(count, 1)) }
    }

    /// Fits B to the items that somebody rated.
    package mutating func solveFeatureWeights() {
        weights = regression.weights(of: items)
        predict()
    }

    private mutating func predict() {
        predicted = product(
            features.values.map(Double.init), weights, rows: features.rowCount, inner: features.columnCount,
            columns: width)
    }

    /// Gives items without ratings what their features predict, and persons without any the prior.
    package mutating func complete(_ data: TrainingData) {
        var isWarm = [Bool](repeating: false, count: features.rowCount)
        for item in warmItems { isWarm[item] = true }
        for item in isWarm.indices where !isWarm[item] {
            for index in item * width..<(item + 1) * width { items[index] = predicted[index] }
        }
        for row in 0..<data.rows.rowCount where data.rows.row(row).isEmpty {
            for index in 0..<width { users[row * width + index] = prior[index] }
        }
    }

    /// What the model ships: the parameters of all items, those without ratings too.
    public var factors: BiasedFactors {
        var matrix = Matrix(rowCount: features.rowCount, columnCount: width - 1)
        for item in 0..<features.rowCount {
            for factor in 1..<width { matrix[item, factor - 1] = Float(items[item * width + factor]) }
        }
        return BiasedFactors(
            globalMean: Float(mean), itemOffsets: (0..<features.rowCount).map { Float(items[$0 * width]) },
            itemFactors: matrix)
    }

    /// B, features × (1 + factors), the column of the offsets first.
    public var featureWeights: Matrix {
        Matrix(rowCount: features.columnCount, columnCount: width, values: weights.map { Float($0) })
    }

    /// (b̄, p̄), the prior of a fold-in.
    public var userPrior: BiasedFactors.Person { person(of: prior[...]) }

    /// The trained parameters of a person of the training data.
    public func person(_ index: Int) -> BiasedFactors.Person { person(of: users[index * width..<(index + 1) * width]) }

    private func person(of values: ArraySlice<Double>) -> BiasedFactors.Person {
        BiasedFactors.Person(
            offset: values.first.map { Float($0) } ?? 0, factors: values.dropFirst().map { Float($0) })
    }

    /// What training makes small. *Complexity*: O(entries · d + (persons + items) · d).
    package func objective(_ data: TrainingData) -> Double {
        var total = 0.0
        for row in 0..<data.rows.rowCount where !data.rows.row(row).isEmpty {
            for entry in data.rows.starts[row]..<data.rows.starts[row + 1] {
                let item = Int(data.rows.columns[entry]) * width
                var error = Double(data.ratings[entry]) - mean - users[row * width] - items[item]
                for index in 1..<width { error -= users[row * width + index] * items[item + index] }
                total += error * error
            }
            for index in 0..<width {
                let weight = index == 0 ? configuration.offsetRegularization : configuration.regularization
                let difference = users[row * width + index] - prior[index]
                total += weight * difference * difference
            }
        }
        for item in warmItems {
            for index in item * width..<(item + 1) * width {
                let difference = items[index] - predicted[index]
                total += configuration.itemRegularization * difference * difference
            }
        }
        for (weight, prior) in zip(weights, priorWeights) {
            total += configuration.featureRegularization * (weight - prior) * (weight - prior)
        }
        return total
    }
}
