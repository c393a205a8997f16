public import Numerics
public import Ratings

/// What a source domain learned of texts: the affine map from an item's text to its factors, `q ≈ a + B_Sᵀx`.
///
/// Of all that texts say, the source's persons tell what matters to taste; a target with few persons takes that over
/// as features of its own items, without any person or item in common.
public struct TextFactorMap: Sendable, Equatable {
    /// B_S, text dimension × factors.
    public let weights: Matrix
    /// a, one element a factor.
    public let offset: [Float]
    /// The mean text of the source's items, for items without text.
    public let meanText: [Float]

    /// A map from its parts, such as those that a domain has shipped.
    ///
    /// - Precondition: the parts have the dimensions of the weights.
    public init(weights: Matrix, offset: [Float], meanText: [Float]) {
        precondition(
            offset.count == weights.columnCount && meanText.count == weights.rowCount, "the parts of a text factor map")
        self.weights = weights
        self.offset = offset
        self.meanText = meanText
    }

    /// Fits the map: minimises Σ w_j ‖q_j − a − Bᵀx_j‖² + γ‖B‖².
    ///
    /// - Parameters:
    ///   - itemFactors: q, items × factors.
    ///   - text: x, items × text dimension.
    ///   - itemWeights: w, one an item; 0 for items without text or interactions.
    ///   - ridge: γ.
    /// - Throws: `notPositiveDefinite`, `notFinite`. *Complexity*: O(items · text dimension² + text dimension³).
    public init(itemFactors: Matrix, text: Matrix, itemWeights: [Float], ridge: Double) throws(NumericsError) {
        precondition(
            itemFactors.rowCount == text.rowCount && itemWeights.count == text.rowCount, "factors, texts and weights")
        let (count, inputs, outputs) = (text.rowCount, text.columnCount, itemFactors.columnCount)
        let total = itemWeights.reduce(0.0) { $0 + Double($1) }
        var meanText = [Double](repeating: 0, count: inputs)
        var meanFactors = [Double](repeating: 0, count: outputs)
        for (item, weight) in itemWeights.enumerated() where weight > 0 {
            let share = Double(weight) / total
            for (column, value) in text.row(item).enumerated() { meanText[column] += share * Double(value) }
            for (column, value) in itemFactors.row(item).enumerated() { meanFactors[column] += share * Double(value) }
        }
        // Centring by the weighted means is the same as an offset that is not penalised.
        var first = centredRows(text, meanText)
        var second = centredRows(itemFactors, meanFactors)
        for (item, weight) in itemWeights.enumerated() {
            let root = Double(weight).squareRoot()
            for index in item * inputs..<(item + 1) * inputs { first[index] *= root }
            for index in item * outputs..<(item + 1) * outputs { second[index] *= root }
        }
        var normal = transposedProduct(first, first, rows: count, inputs, inputs)
        for index in 0..<inputs { normal[index * inputs + index] += ridge }
        let solution = try solvePositiveDefinite(
            normal, order: inputs, rightHandSides: transposedProduct(second, first, rows: count, outputs, inputs),
            count: outputs)
        weights = Matrix(rowCount: outputs, columnCount: inputs, values: solution.map { Float($0) }).transposed
        let shift = product(solution, meanText, rows: outputs, inner: inputs, columns: 1)
        offset = zip(meanFactors, shift).map { Float($0 - $1) }
        self.meanText = meanText.map { Float($0) }
    }

    /// Item factors in the coordinates in which the persons' factors are white: Σ_p^½ q, for each row q.
    ///
    /// A target that draws its persons' vectors to a mean with one λ for all coordinates then draws them as the source's
    /// persons scatter: little in the directions in which they hardly differ. Scores are unchanged with Σ_p^-½ p.
    /// - Throws: `eigenvaluesDidNotConverge`, `notFinite`. *Complexity*: O(persons · d² + items · d² + d³).
    public static func whitened(itemFactors: Matrix, persons: TextMoments) throws(NumericsError) -> Matrix {
        let order = itemFactors.columnCount
        precondition(persons.mean.count == order, "persons of another dimension than the items")
        let root = try SymmetricEigen(persons.covariance, order: order).squareRoot()
        return itemFactors.multiplied(
            by: Matrix(rowCount: order, columnCount: order, values: root.map { Float($0) }))
    }

    /// How much an item's factors count, n / (n + shrinkage), by its number of interactions n; 0 without text.
    public static func itemWeights(_ rows: SparseRows, isDescribed: [Bool], shrinkage: Float) -> [Float] {
        precondition(isDescribed.count == rows.columnCount && shrinkage >= 0, "weights of items")
        var counts = [Float](repeating: 0, count: rows.columnCount)
        for column in rows.columns { counts[Int(column)] += 1 }
        return zip(counts, isDescribed).map { $0 > 0 && $1 ? $0 / ($0 + shrinkage) : 0 }
    }

    /// The features of items, z = a + B_Sᵀx, or z = [a + B_Sᵀx ; x ; 1] when `concatenating`; one row an item.
    ///
    /// - Parameters:
    ///   - text: items × text dimension, in the source's space.
    ///   - isDescribed: whether an item has text, by item; others get `meanText`. `nil` for all.
    /// *Complexity*: O(items · text dimension · factors).
    public func features(_ text: Matrix, isDescribed: [Bool]? = nil, concatenating: Bool) -> Matrix {
        precondition(text.columnCount == weights.rowCount, "texts of another dimension than the map's")
        precondition(isDescribed.map { $0.count == text.rowCount } != false, "whether each item has a text")
        var text = text
        if let isDescribed {
            for item in 0..<text.rowCount where !isDescribed[item] {
                for column in meanText.indices { text[item, column] = meanText[column] }
            }
        }
        var predicted = text.multiplied(by: weights)
        for item in 0..<predicted.rowCount {
            for column in offset.indices { predicted[item, column] += offset[column] }
        }
        guard concatenating else { return predicted }
        return TextFactorMap.concatenated(predicted, TextFactorMap.withConstant(text))
    }

    /// The texts with a last column of ones, for an offset: the features of a domain that learns from nobody.
    public static func withConstant(_ text: Matrix) -> Matrix {
        concatenated(
            text, Matrix(rowCount: text.rowCount, columnCount: 1, values: Array(repeating: 1, count: text.rowCount)))
    }

    private static func concatenated(_ left: Matrix, _ right: Matrix) -> Matrix {
        var values: [Float] = []
        values.reserveCapacity(left.values.count + right.values.count)
        for row in 0..<left.rowCount { values += left.row(row) + right.row(row) }
        return Matrix(rowCount: left.rowCount, columnCount: left.columnCount + right.columnCount, values: values)
    }

    /// What `FeatureALS` shrinks the weights of concatenated features towards: `scale` times the source's map, and
    /// nothing of the text itself. [scale · I ; 0], features × factors.
    public func priorWeights(scale: Float) -> Matrix {
        let factors = offset.count
        var out = Matrix(rowCount: factors + meanText.count + 1, columnCount: factors)
        for index in 0..<factors { out[index, index] = scale }
        return out
    }
}
