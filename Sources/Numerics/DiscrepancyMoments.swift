import COpenBLAS

/// The mean and the covariance of the rows of a domain: all that most discrepancies need of it.
public struct Moments: Sendable, Equatable {
    /// μ, m values.
    public let mean: [Double]
    /// Σ, m × m, row-major and symmetric.
    public let covariance: [Double]
    /// m, the number of coordinates.
    public var dimension: Int { mean.count }

    /// Moments that are known.
    ///
    /// - Precondition: the covariance has m² elements.
    public init(mean: [Double], covariance: [Double]) {
        precondition(
            covariance.count == mean.count * mean.count,
            "a covariance of \(covariance.count) elements for \(mean.count) coordinates")
        self.mean = mean
        self.covariance = covariance
    }

    /// The moments of a sample, the covariance with the divisor n − 1. *Complexity*: O(rows · m²).
    ///
    /// - Precondition: at least two rows.
    public init(rows: Matrix) {
        precondition(rows.rowCount > 1, "the covariance of \(rows.rowCount) rows")
        let centered = DoubleMatrix.centered(rows)
        mean = centered.mean
        let scatter = centered.matrix.transposeProduct(centered.matrix)
        covariance = scatter.values.map { $0 / Double(rows.rowCount - 1) }
    }

    /// tr Σ.
    public var trace: Double { (0..<dimension).reduce(0) { $0 + covariance[$1 * dimension + $1] } }

    /// σ² of a Gaussian kernel for two domains, (tr Σ_S + tr Σ_T + ‖μ_S − μ_T‖²)/2: half the mean squared distance
    /// between a row of one and a row of the other, so that the mean exponent of the kernel is −1.
    public func squaredBandwidth(with other: Moments) -> Double {
        (trace + other.trace + squaredDistanceOfMeans(other)) / 2
    }

    /// ‖μ_S − μ_T‖².
    func squaredDistanceOfMeans(_ other: Moments) -> Double {
        precondition(dimension == other.dimension, "domains of \(dimension) and \(other.dimension) coordinates")
        return zip(mean, other.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
}

/// A dense matrix of 64-bit floats, row-major, for what Float cannot hold.
struct DoubleMatrix {
    let rowCount: Int
    let columnCount: Int
    var values: [Double]

    init(_ rowCount: Int, _ columnCount: Int, _ values: [Double]) {
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.values = values
    }

    init(_ matrix: Matrix) {
        self.init(matrix.rowCount, matrix.columnCount, matrix.values.map { Double($0) })
    }

    /// The rows without their mean.
    static func centered(_ rows: Matrix) -> (matrix: DoubleMatrix, mean: [Double]) {
        var matrix = DoubleMatrix(rows)
        var mean = [Double](repeating: 0, count: rows.columnCount)
        for row in 0..<rows.rowCount {
            for column in mean.indices { mean[column] += matrix.values[row * mean.count + column] }
        }
        for column in mean.indices { mean[column] /= Double(rows.rowCount) }
        for row in 0..<rows.rowCount {
            for column in mean.indices { matrix.values[row * mean.count + column] -= mean[column] }
        }
        return (matrix, mean)
    }

    /// `self · other`.
    func product(_ other: DoubleMatrix) -> DoubleMatrix {
        precondition(columnCount == other.rowCount, "a product of \(columnCount) columns and \(other.rowCount) rows")
        return multiplied(other, rowCount, columnCount, isTransposed: false)
    }

    /// `selfᵀ · other`.
    func transposeProduct(_ other: DoubleMatrix) -> DoubleMatrix {
        precondition(rowCount == other.rowCount, "a product over \(rowCount) and \(other.rowCount) rows")
        return multiplied(other, columnCount, rowCount, isTransposed: true)
    }

    private func multiplied(_ other: DoubleMatrix, _ rows: Int, _ inner: Int, isTransposed: Bool) -> DoubleMatrix {
        var out = DoubleMatrix(rows, other.columnCount, [Double](repeating: 0, count: rows * other.columnCount))
        guard rows > 0, inner > 0, other.columnCount > 0 else { return out }
        out.values.withUnsafeMutableBufferPointer { target in
            // 101 is row-major, 111 as it is, 112 transposed.
            cblas_dgemm(
                101, isTransposed ? 112 : 111, 111, Int32(rows), Int32(other.columnCount), Int32(inner), 1, values,
                Int32(columnCount), other.values, Int32(other.columnCount), 0, target.baseAddress,
                Int32(other.columnCount))
        }
        return out
    }

    /// ‖·‖²_F.
    var squaredNorm: Double { values.reduce(0) { $0 + $1 * $1 } }
}
