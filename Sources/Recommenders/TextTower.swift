public import Numerics
public import Ratings

/// A linear map from item text to item factors with a prior of persons' factors: what `naive-fedavg` averages.
///
/// Scores are (p₀ + …)ᵀWᵀx for an item with text x. One local step fits persons to the tower's item factors, the items
/// to those persons (both exact half-sweeps of implicit ALS), and the tower to those items. Averaging after every step
/// is federated averaging (McMahan et al., AISTATS 2017) with one local step a round.
public struct TextTower: Sendable, Equatable {
    /// W, text dimension × factors.
    public let weights: Matrix
    /// p₀.
    public let prior: [Float]

    /// A tower from its parts.
    ///
    /// - Precondition: the prior has an element for each column of the weights.
    public init(weights: Matrix, prior: [Float]) {
        precondition(prior.count == weights.columnCount, "a prior of another dimension than the tower")
        self.weights = weights
        self.prior = prior
    }

    /// The common start: weights N(0, 1 / text dimension) from the stream, a prior of zero.
    public init(textDimension: Int, factors: Int, stream: RandomStream) {
        var stream = stream
        let scale = 1 / Double(textDimension).squareRoot()
        weights = Matrix(
            rowCount: textDimension, columnCount: factors,
            values: (0..<textDimension * factors).map { _ in Float(scale * stream.gaussian()) })
        prior = [Float](repeating: 0, count: factors)
    }

    /// The mean of several towers, each weighted by its persons.
    ///
    /// - Parameters:
    ///   - weightsSum: Σ n W.
    ///   - priorSum: Σ n p₀.
    ///   - count: Σ n, above 0.
    public init(weightsSum: Matrix, priorSum: [Float], count: Float) {
        self.init(
            weights: Matrix(
                rowCount: weightsSum.rowCount, columnCount: weightsSum.columnCount,
                values: weightsSum.values.map { $0 / count }),
            prior: priorSum.map { $0 / count })
    }

    /// The item factors of texts, items × factors. *Complexity*: O(items · text dimension · factors).
    public func itemFactors(_ vectors: Matrix) -> Matrix { vectors.multiplied(by: weights) }

    /// The tower after one local step on a domain's interactions, and the persons behind it.
    ///
    /// - Parameters:
    ///   - rows: the domain's training pattern.
    ///   - vectors: the texts of its items, items × text dimension.
    /// - Throws: `notPositiveDefinite`, `notFinite`.
    public func improved(
        _ rows: SparseRows, vectors: Matrix, regularization: Float, confidence: Float
    ) throws(NumericsError) -> (tower: TextTower, personCount: Int) {
        precondition(vectors.rowCount == rows.columnCount && vectors.columnCount == weights.rowCount, "texts of items")
        let factors = weights.columnCount
        var foldIn = FoldIn(itemFactors: itemFactors(vectors), confidence: confidence)
        var persons = Matrix(rowCount: rows.rowCount, columnCount: factors)
        var sum = [Double](repeating: 0, count: factors)
        var count = 0
        for index in 0..<rows.rowCount where !rows.row(index).isEmpty {
            try foldIn.begin(items: rows.row(index), regularization: regularization)
            for (factor, value) in foldIn.vector(prior: prior).enumerated() {
                persons[index, factor] = value
                sum[factor] += Double(value)
            }
            count += 1
        }
        guard count > 0 else { return (self, 0) }
        let items = try ImplicitALS.rowFactors(
            rows.transposed, columnFactors: persons, regularization: regularization, confidence: confidence)
        // W = (XᵀX + γI)⁻¹XᵀQ over items that somebody has, with a small γ, so that texts in a subspace can be fitted.
        var vectors = vectors
        for (item, count) in rows.columnLengths.enumerated() where count == 0 {
            for column in 0..<vectors.columnCount { vectors[item, column] = 0 }
        }
        var normal = vectors.gram.values.map(Double.init)
        let dimension = vectors.columnCount
        let trace = (0..<dimension).reduce(0.0) { $0 + normal[$1 * dimension + $1] }
        for index in 0..<dimension { normal[index * dimension + index] += 1e-3 * trace / Double(dimension) + 1e-9 }
        let right = items.transposed.multiplied(by: vectors)
        let solution = try solvePositiveDefinite(
            normal, order: dimension, rightHandSides: right.values.map(Double.init), count: factors)
        let weights = Matrix(rowCount: factors, columnCount: dimension, values: solution.map { Float($0) }).transposed
        return (TextTower(weights: weights, prior: sum.map { Float($0 / Double(count)) }), count)
    }
}
