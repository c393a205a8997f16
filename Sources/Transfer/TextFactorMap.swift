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
    /// The mean text of the source's items, for a catalogue without any text.
    public let meanText: [Float]
    /// The root of the mean squared distance of the source's factors from their mean.
    public let meanLength: Float

    /// A map from its parts, such as those that a domain has shipped.
    ///
    /// - Precondition: the parts have the dimensions of the weights.
    public init(weights: Matrix, offset: [Float], meanText: [Float], meanLength: Float) {
        precondition(
            offset.count == weights.columnCount && meanText.count == weights.rowCount, "the parts of a text factor map")
        self.weights = weights
        self.offset = offset
        self.meanText = meanText
        self.meanLength = meanLength
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
        let spread = total > 0 ? second.reduce(0.0) { $0 + $1 * $1 } / total : 0
        meanLength = Float(spread.squareRoot())
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

    /// How much an item's factors count, n / (n + shrinkage), by its number of interactions n; 0 without text.
    public static func itemWeights(_ rows: SparseRows, isDescribed: [Bool], shrinkage: Float) -> [Float] {
        precondition(isDescribed.count == rows.columnCount && shrinkage >= 0, "weights of items")
        return zip(rows.columnLengths.map { Float($0) }, isDescribed).map { $0 > 0 && $1 ? $0 / ($0 + shrinkage) : 0 }
    }

    /// How long the predicted factors are.
    public enum Length: Sendable, Equatable {
        /// As predicted, a + B_Sᵀx: shorter, the less a text says.
        case predicted
        /// As long as the source's factors are on average, in the direction of B_Sᵀ(x − x̄) with x̄ the mean of the
        /// described texts given: what an item is like rather than how sure that is. Zero for an item without text.
        /// The texts beside them are given the same length too, see `equalLengths`.
        case equal
    }

    /// The features of items, z = B_Sᵀx as predicted, or z = [B_Sᵀx ; x ; 1] when `concatenating`; one row an item.
    ///
    /// - Parameters:
    ///   - text: items × text dimension, in the source's space.
    ///   - isDescribed: whether an item has text, by item; others get the mean of `text`'s described rows. `nil` for all.
    ///   - length: how long the predicted factors are.
    /// *Complexity*: O(items · text dimension · factors).
    public func features(
        _ text: Matrix, isDescribed: [Bool]? = nil, length: Length = .predicted, concatenating: Bool
    ) -> Matrix {
        precondition(text.columnCount == weights.rowCount, "texts of another dimension than the map's")
        precondition(isDescribed.map { $0.count == text.rowCount } != false, "whether each item has a text")
        let mean = TextFactorMap.mean(text, isDescribed) ?? meanText
        var text = text
        if let isDescribed {
            for item in 0..<text.rowCount where !isDescribed[item] {
                for column in mean.indices { text[item, column] = mean[column] }
            }
        }
        var predicted = text.multiplied(by: weights)
        let shift = length == .predicted ? offset : weights.transposeMultiplied(by: mean).map { -$0 }
        for item in 0..<predicted.rowCount {
            for column in shift.indices { predicted[item, column] += shift[column] }
            if length == .predicted { continue }
            let square = predicted.row(item).reduce(0.0) { $0 + Double($1) * Double($1) }
            let hasText = isDescribed.map { $0[item] } ?? true
            let scale = hasText && square > 0 ? Float(Double(meanLength) / square.squareRoot()) : 0
            for column in shift.indices { predicted[item, column] *= scale }
        }
        guard concatenating else { return predicted }
        let beside = length == .equal ? TextFactorMap.equalLengths(text) : text
        return TextFactorMap.concatenated(predicted, TextFactorMap.withConstant(beside))
    }

    private static func mean(_ text: Matrix, _ isDescribed: [Bool]?) -> [Float]? {
        var sums = [Double](repeating: 0, count: text.columnCount)
        var count = 0
        for item in 0..<text.rowCount where isDescribed.map({ $0[item] }) ?? true {
            for (column, value) in text.row(item).enumerated() { sums[column] += Double(value) }
            count += 1
        }
        return count == 0 ? nil : sums.map { Float($0 / Double(count)) }
    }

    /// The texts with a last column of ones, for an offset: the features of a domain that learns from nobody.
    public static func withConstant(_ text: Matrix) -> Matrix {
        concatenated(
            text, Matrix(rowCount: text.rowCount, columnCount: 1, values: Array(repeating: 1, count: text.rowCount)))
    }

    /// The texts less their mean, each given the length √columns; a text that is the mean stays zero.
    public static func equalLengths(_ text: Matrix) -> Matrix {
        var out = text
        let mean = columnMeans(text)
        for row in 0..<out.rowCount {
            for column in mean.indices { out[row, column] -= Float(mean[column]) }
            let square = out.row(row).reduce(0.0) { $0 + Double($1) * Double($1) }
            // What rounding leaves of a text that is the mean is no direction.
            let floor = 1e-10 * mean.reduce(0.0) { $0 + $1 * $1 }
            let scale = square > floor ? Float((Double(mean.count) / square).squareRoot()) : 0
            for column in mean.indices { out[row, column] *= scale }
        }
        return out
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
