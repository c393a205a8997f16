public import Numerics
public import Ratings

/// Implicit-feedback factors of items that are drawn to what the items' features predict.
///
/// Minimises Σ c_ui (x_ui − p_uᵀq_i)² + λ_p Σ‖p_u − p̄‖² + λ_q Σ‖q_i − Bᵀz_i‖² + γ‖B − B₀‖² over persons and items with
/// interactions; x and c are those of `ImplicitALS`. Each of the four steps of a sweep (persons, their mean p̄, items, B)
/// is exact, so that the objective never rises. An item without interactions has q = Bᵀz, as if it had been out of
/// everybody's reach. Source: Hu, Koren, Volinsky (ICDM 2008) with the regression prior of Agarwal & Chen,
/// *Regression-based latent factor models* (KDD 2009).
public struct FeatureALS: Sendable {
    /// The model's settings.
    public struct Configuration: Sendable, Equatable {
        /// Dimensions of the factors.
        public let factors: Int
        /// λ_p, above 0.
        public let regularization: Float
        /// λ_q, how strongly items follow their features; above 0.
        public let itemRegularization: Float
        /// γ, how strongly B follows B₀; above 0.
        public let featureRegularization: Double
        /// α.
        public let confidence: Float
        /// Sweeps.
        public let iterations: Int

        /// Makes a configuration.
        public init(
            factors: Int, regularization: Float, itemRegularization: Float, featureRegularization: Double,
            confidence: Float, iterations: Int
        ) {
            self.factors = factors
            self.regularization = regularization
            self.itemRegularization = itemRegularization
            self.featureRegularization = featureRegularization
            self.confidence = confidence
            self.iterations = iterations
        }
    }

    /// The settings.
    public let configuration: Configuration
    /// Q, one row an item, those without interactions too.
    public private(set) var itemFactors: Matrix
    /// One row a person; p̄ for persons without interactions.
    public private(set) var userFactors: Matrix
    /// B, features × factors.
    public private(set) var featureWeights: Matrix
    /// p̄, the mean of the persons with interactions: the prior of a fold-in.
    public private(set) var userPrior: [Float]
    private let features: Matrix
    /// B₀.
    private let priorWeights: Matrix?
    private var regression: FeatureRegression
    /// Bᵀz, items × factors.
    private var predicted: Matrix
    private let warmItems: [Int]

    /// Trains on a pattern of interactions, one row a person.
    ///
    /// *Determinism*: item factors start at B₀ᵀz + N(0, 0.1²) from `stream`. *Complexity*: O(iterations · (entries · d² +
    /// (users + items) · d³ + items · features · d) + items · features² + features³).
    /// - Parameters:
    ///   - rows: users × items.
    ///   - features: Z, items × features.
    ///   - prior: B₀, features × factors; zero without one.
    /// - Throws: `notPositiveDefinite`, `notFinite`.
    public init(
        configuration: Configuration, rows: SparseRows, features: Matrix, prior: Matrix? = nil, stream: RandomStream
    ) throws(NumericsError) {
        try self.init(
            start: configuration, rows: rows, features: features, prior: prior, stream: stream)
        let columns = rows.transposed
        var equations = NormalEquations(factorCount: configuration.factors)
        for _ in 0..<configuration.iterations {
            try solveUsers(rows, &equations)
            updatePrior(rows)
            try solveItems(columns, &equations)
            solveFeatureWeights()
        }
        complete(rows)
        guard itemFactors.values.allSatisfy({ $0.isFinite }) else { throw .notFinite(what: "an item factor") }
    }

    /// The start of training.
    package init(
        start configuration: Configuration, rows: SparseRows, features: Matrix, prior: Matrix?, stream: RandomStream
    ) throws(NumericsError) {
        let factors = configuration.factors
        precondition(features.rowCount == rows.columnCount, "features of other items")
        precondition(
            prior.map { $0.rowCount == features.columnCount && $0.columnCount == factors } != false,
            "prior weights of another shape")
        var stream = stream
        self.configuration = configuration
        self.features = features
        priorWeights = prior
        let counts = rows.columnLengths
        warmItems = counts.indices.filter { counts[$0] > 0 }
        regression = try FeatureRegression(
            features: features, rows: warmItems, factors: factors,
            ridge: configuration.featureRegularization / Double(configuration.itemRegularization), prior: prior)
        featureWeights = prior ?? Matrix(rowCount: features.columnCount, columnCount: factors)
        predicted = features.multiplied(by: featureWeights)
        itemFactors = Matrix(rowCount: rows.columnCount, columnCount: factors)
        for item in warmItems {
            for factor in 0..<factors {
                itemFactors[item, factor] = predicted[item, factor] + Float(0.1 * stream.gaussian())
            }
        }
        userFactors = Matrix(rowCount: rows.rowCount, columnCount: factors)
        userPrior = [Float](repeating: 0, count: factors)
    }

    /// Solves every person with the items fixed. - Throws: `notPositiveDefinite`.
    package mutating func solveUsers(_ rows: SparseRows, _ equations: inout NormalEquations) throws(NumericsError) {
        let factors = configuration.factors
        equations.setGram(itemFactors.gram, regularization: configuration.regularization)
        for row in 0..<rows.rowCount {
            let entries = rows.row(row)
            if entries.isEmpty { continue }
            equations.gather(entries, of: itemFactors, confidence: .constant(1 + configuration.confidence))
            equations.setRightHandSide()
            for factor in 0..<factors {
                equations.rightHandSide[factor] += configuration.regularization * userPrior[factor]
            }
            try equations.factor()
            equations.solveFactored()
            for factor in 0..<factors { userFactors.values[row * factors + factor] = equations.rightHandSide[factor] }
        }
    }

    /// Moves p̄ to the mean of the persons with interactions.
    package mutating func updatePrior(_ rows: SparseRows) {
        let factors = configuration.factors
        var sums = [Double](repeating: 0, count: factors)
        var count = 0
        for row in 0..<rows.rowCount where rows.starts[row] < rows.starts[row + 1] {
            for factor in 0..<factors { sums[factor] += Double(userFactors.values[row * factors + factor]) }
            count += 1
        }
        guard count > 0 else { return }
        userPrior = sums.map { Float($0 / Double(count)) }
    }

    /// Solves every item that somebody has with the persons fixed, from the transposed pattern.
    ///
    /// - Throws: `notPositiveDefinite`.
    package mutating func solveItems(
        _ columns: SparseRows, _ equations: inout NormalEquations
    ) throws(NumericsError) {
        let factors = configuration.factors
        equations.setGram(userFactors.gram, regularization: configuration.itemRegularization)
        for item in warmItems {
            equations.gather(columns.row(item), of: userFactors, confidence: .constant(1 + configuration.confidence))
            equations.setRightHandSide()
            for factor in 0..<factors {
                equations.rightHandSide[factor] +=
                    configuration.itemRegularization * predicted.values[item * factors + factor]
            }
            try equations.factor()
            equations.solveFactored()
            for factor in 0..<factors { itemFactors.values[item * factors + factor] = equations.rightHandSide[factor] }
        }
    }

    /// Fits B to the items that somebody has.
    package mutating func solveFeatureWeights() {
        featureWeights = regression.weights(of: itemFactors)
        predicted = features.multiplied(by: featureWeights)
    }

    /// Gives items without interactions the factors that their features predict, and persons without any p̄.
    package mutating func complete(_ rows: SparseRows) {
        let factors = configuration.factors
        var isWarm = [Bool](repeating: false, count: itemFactors.rowCount)
        for item in warmItems { isWarm[item] = true }
        for item in isWarm.indices where !isWarm[item] {
            for index in item * factors..<(item + 1) * factors { itemFactors.values[index] = predicted.values[index] }
        }
        for row in 0..<rows.rowCount where rows.row(row).isEmpty {
            for factor in 0..<factors { userFactors[row, factor] = userPrior[factor] }
        }
    }

    /// What training makes small, over persons and items with interactions. *Complexity*: O((users + items) · d² +
    /// entries · d).
    package func objective(_ rows: SparseRows) -> Double {
        var warm = Matrix(rowCount: itemFactors.rowCount, columnCount: itemFactors.columnCount)
        var penalty = 0.0
        for item in warmItems {
            for factor in 0..<configuration.factors {
                warm[item, factor] = itemFactors[item, factor]
                let difference = Double(itemFactors[item, factor]) - Double(predicted[item, factor])
                penalty += Double(configuration.itemRegularization) * difference * difference
            }
        }
        let gram = warm.gram
        var total = 0.0
        for row in 0..<rows.rowCount where !rows.row(row).isEmpty {
            let user = Array(userFactors.row(row))
            total += zip(user, gram.multiplied(by: user)).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            for item in rows.row(row) {
                let score = zip(user, itemFactors.row(Int(item))).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                total += (1 + Double(configuration.confidence)) * (1 - score) * (1 - score) - score * score
            }
            for (value, mean) in zip(user, userPrior) {
                let difference = Double(value) - Double(mean)
                penalty += Double(configuration.regularization) * difference * difference
            }
        }
        for index in featureWeights.values.indices {
            let difference = Double(featureWeights.values[index]) - Double(priorWeights?.values[index] ?? 0)
            penalty += configuration.featureRegularization * difference * difference
        }
        return total + penalty
    }
}
