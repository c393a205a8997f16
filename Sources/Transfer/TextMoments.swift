public import Numerics

/// The mean and covariance of text vectors: what a Gaussian optimal-transport map needs of each side.
public struct TextMoments: Sendable, Equatable {
    /// The mean.
    public let mean: [Double]
    /// The covariance, row-major.
    public let covariance: [Double]

    /// Moments from their parts, such as those that a domain has shipped.
    ///
    /// - Precondition: a square covariance of the mean's dimension.
    public init(mean: [Double], covariance: [Double]) {
        precondition(covariance.count == mean.count * mean.count, "a covariance of another dimension than the mean")
        self.mean = mean
        self.covariance = covariance
    }

    /// The moments of the rows of a matrix, in Double; zeros without rows. *Complexity*: O(rows · columns²).
    public init(_ vectors: Matrix) {
        let (count, dimension) = (vectors.rowCount, vectors.columnCount)
        let mean = columnMeans(vectors)
        self.mean = mean
        guard count > 0 else {
            covariance = [Double](repeating: 0, count: dimension * dimension)
            return
        }
        let centred = centredRows(vectors, mean)
        covariance = transposedProduct(centred, centred, rows: count, dimension, dimension).map { $0 / Double(count) }
    }
}

/// The mean of the rows; zeros without rows.
func columnMeans(_ vectors: Matrix) -> [Double] {
    var sums = [Double](repeating: 0, count: vectors.columnCount)
    for row in 0..<vectors.rowCount {
        for (column, value) in vectors.row(row).enumerated() { sums[column] += Double(value) }
    }
    return sums.map { $0 / Double(max(vectors.rowCount, 1)) }
}

/// The rows less their mean, in Double.
func centredRows(_ vectors: Matrix, _ mean: [Double]) -> [Double] {
    let dimension = vectors.columnCount
    return vectors.values.indices.map { Double(vectors.values[$0]) - mean[$0 % dimension] }
}

/// `leftᵀ · right` of two matrices with the same number of rows, row-major.
func transposedProduct(_ left: [Double], _ right: [Double], rows: Int, _ leftColumns: Int, _ rightColumns: Int)
    -> [Double]
{
    var transposed = left
    for row in 0..<rows {
        for column in 0..<leftColumns { transposed[column * rows + row] = left[row * leftColumns + column] }
    }
    return product(transposed, right, rows: leftColumns, inner: rows, columns: rightColumns)
}
