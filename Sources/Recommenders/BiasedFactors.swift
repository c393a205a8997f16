public import Numerics

/// What rating models by factors ship: ratings are predicted as μ + b_u + b_i + p_uᵀq_i.
///
/// Source: Koren, Bell, Volinsky, *Matrix factorization techniques for recommender systems* (Computer 2009),
/// equation 4.
public struct BiasedFactors: Sendable, Equatable {
    /// A person's parameters.
    public struct Person: Sendable, Equatable {
        /// b_u.
        public let offset: Float
        /// p_u.
        public let factors: [Float]

        /// Parameters from their parts.
        public init(offset: Float, factors: [Float]) {
            self.offset = offset
            self.factors = factors
        }
    }

    /// μ.
    public let globalMean: Float
    /// b_i, one element an item.
    public let itemOffsets: [Float]
    /// q_i, one row an item.
    public let itemFactors: Matrix

    /// A model from its parts, such as those that a domain has shipped.
    ///
    /// - Precondition: as many offsets as rows.
    public init(globalMean: Float, itemOffsets: [Float], itemFactors: Matrix) {
        precondition(itemOffsets.count == itemFactors.rowCount, "offsets and factors of different items")
        self.globalMean = globalMean
        self.itemOffsets = itemOffsets
        self.itemFactors = itemFactors
    }

    /// Items' parameters as training holds them: offset, then factors.
    init(mean: Double, items: RatingParameters) {
        globalMean = Float(mean)
        itemOffsets = (0..<items.rowCount).map { Float(items.values[$0 * items.width]) }
        var factors = Matrix(rowCount: items.rowCount, columnCount: items.width - 1)
        for item in 0..<items.rowCount {
            for factor in 1..<items.width {
                factors[item, factor - 1] = Float(items.values[item * items.width + factor])
            }
        }
        itemFactors = factors
    }

    /// The model of ratings that are c times as large: μ and offsets times c, factors times √c, as those of persons are.
    ///
    /// A fold-in with it takes λ · c for factors where one with the model itself takes λ, and the same for offsets.
    public func scaled(by c: Float) -> BiasedFactors {
        BiasedFactors(
            globalMean: c * globalMean, itemOffsets: itemOffsets.map { c * $0 },
            itemFactors: Matrix(
                rowCount: itemFactors.rowCount, columnCount: itemFactors.columnCount,
                values: itemFactors.values.map { c.squareRoot() * $0 }))
    }

    /// A person's parameters by ridge regression of their ratings on [1, q_i]; the prior when nothing is known.
    ///
    /// - Parameters:
    ///   - items: the known items.
    ///   - ratings: their ratings, parallel to `items`.
    ///   - regularization: the penalty; with that of training, a trained person gets their trained parameters back.
    ///   - prior: what the parameters are drawn to; zero without one.
    /// - Precondition: the items are of the catalogue.
    /// - Throws: `notPositiveDefinite`, `notFinite`. *Complexity*: O(known items · d² + d³).
    public func foldIn(
        items: some Collection<UInt32>, ratings: some Collection<Float>, regularization: RatingRegularization,
        prior: Person? = nil
    ) throws(NumericsError) -> Person {
        precondition(items.count == ratings.count, "ratings that are not parallel to their items")
        let count = itemFactors.columnCount
        var regression = RidgeRegression(featureCount: count + 1)
        regression.begin()
        regression.features[0] = 1
        for (item, rating) in zip(items, ratings) {
            let start = Int(item) * count
            for factor in 0..<count { regression.features[factor + 1] = Double(itemFactors.values[start + factor]) }
            regression.add(target: Double(rating) - Double(globalMean) - Double(itemOffsets[Int(item)]))
        }
        let weights = regularization.weights(ratingCount: items.count)
        try regression.solve(
            regularization: weights.factors, interceptRegularization: weights.offset,
            prior: prior.map { [Double($0.offset)] + $0.factors.map(Double.init) })
        return Person(
            offset: Float(regression.solution[0]), factors: regression.solution.dropFirst().map { Float($0) })
    }

    /// The predicted ratings of all items. *Complexity*: O(items · d).
    public func predictions(for person: Person) -> [Float] {
        var products = [Float](repeating: 0, count: itemFactors.rowCount)
        itemFactors.rowProducts(with: person.factors, into: &products)
        for item in products.indices { products[item] += globalMean + itemOffsets[item] + person.offset }
        return products
    }

    /// The predicted rating of one item. *Complexity*: O(d).
    public func prediction(for person: Person, item: UInt32) -> Float {
        let product = zip(itemFactors.row(Int(item)), person.factors).reduce(Float(0)) { $0 + $1.0 * $1.1 }
        return product + (globalMean + itemOffsets[Int(item)] + person.offset)
    }
}
