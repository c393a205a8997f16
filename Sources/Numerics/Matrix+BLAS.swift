import COpenBLAS

private let rowMajor: Int32 = 101
private let noTranspose: Int32 = 111
private let transpose: Int32 = 112
private let upper: Int32 = 121

/// Set-up of the numerical back end.
public enum NumericsBackEnd {
    /// Restricts OpenBLAS to one thread: the number of processes is Ferry's parallelism. Call once at start.
    public static func useOneThread() { openblas_set_num_threads(1) }

    /// The name of the kernel that OpenBLAS chose for this processor, such as `Zen`.
    public static var openBLASCoreName: String { openblas_get_corename().map { String(cString: $0) } ?? "unknown" }
}

extension Matrix {
    /// The product `self · other`, `rowCount × other.columnCount`. *Complexity*: O(rows · columns · other columns).
    public func multiplied(by other: Matrix) -> Matrix {
        precondition(columnCount == other.rowCount, "product of \(shape) and \(other.shape)")
        return product(other, other.columnCount, noTranspose)
    }

    /// The product `self · otherᵀ`, `rowCount × other.rowCount`.
    public func multiplied(byTransposeOf other: Matrix) -> Matrix {
        precondition(columnCount == other.columnCount, "product of \(shape) and the transpose of \(other.shape)")
        return product(other, other.rowCount, transpose)
    }

    private func product(_ other: Matrix, _ columns: Int, _ transposition: Int32) -> Matrix {
        var out = Matrix(rowCount: rowCount, columnCount: columns)
        guard rowCount > 0, columns > 0, columnCount > 0 else { return out }
        out.values.withUnsafeMutableBufferPointer { target in
            cblas_sgemm(
                rowMajor, noTranspose, transposition, Int32(rowCount), Int32(columns), Int32(columnCount), 1, values,
                Int32(columnCount), other.values, Int32(other.columnCount), 0, target.baseAddress, Int32(columns))
        }
        return out
    }

    /// The Gram matrix `selfᵀ · self`, `columnCount × columnCount`, both triangles filled.
    public var gram: Matrix {
        var out = Matrix(rowCount: columnCount, columnCount: columnCount)
        guard rowCount > 0, columnCount > 0 else { return out }
        out.values.withUnsafeMutableBufferPointer { target in
            cblas_ssyrk(
                rowMajor, upper, transpose, Int32(columnCount), Int32(rowCount), 1, values, Int32(columnCount), 0,
                target.baseAddress, Int32(columnCount))
        }
        for row in 0..<columnCount { for column in 0..<row { out[row, column] = out[column, row] } }
        return out
    }

    /// The product `self · vector`, `rowCount` elements.
    public func multiplied(by vector: [Float]) -> [Float] { applied(to: vector, noTranspose, columnCount, rowCount) }

    /// The product `selfᵀ · vector`, `columnCount` elements.
    public func transposeMultiplied(by vector: [Float]) -> [Float] {
        applied(to: vector, transpose, rowCount, columnCount)
    }

    private func applied(to vector: [Float], _ transposition: Int32, _ length: Int, _ outLength: Int) -> [Float] {
        precondition(vector.count == length, "product of \(shape) with a vector of \(vector.count)")
        var out = [Float](repeating: 0, count: outLength)
        guard rowCount > 0, columnCount > 0 else { return out }
        out.withUnsafeMutableBufferPointer { target in
            cblas_sgemv(
                rowMajor, transposition, Int32(rowCount), Int32(columnCount), 1, values, Int32(columnCount), vector, 1,
                0, target.baseAddress, 1)
        }
        return out
    }

    private var shape: String { "\(rowCount) × \(columnCount)" }
}

extension NormalEquations {
    /// Adds `Σ q qᵀ` over the gathered rows to the upper triangle (one rank-k update).
    mutating func addGatheredRows() {
        guard rowCount > 0 else { return }
        let order = Int32(factorCount)
        normal.withUnsafeMutableBufferPointer { target in
            cblas_ssyrk(
                rowMajor, upper, transpose, order, Int32(rowCount), 1, gathered, Int32(stride), 1, target.baseAddress,
                order)
        }
    }

    /// Replaces the normal matrix by its Cholesky factor; LAPACK `spotrf`.
    ///
    /// The upper triangle in row-major order is the lower triangle in LAPACK's column-major order.
    mutating func factorNormal() throws(NumericsError) {
        var order = Int32(factorCount)
        var info: Int32 = 0
        spotrf_("L", &order, &normal, &order, &info)
        precondition(info >= 0, "spotrf was called with an illegal argument")
        if info != 0 { throw .notPositiveDefinite(order: factorCount, pivot: Int(info)) }
    }

    /// Solves for the right-hand side in place with the factor of `factor`; LAPACK `spotrs`. *Complexity*: O(d²).
    public mutating func solveFactored() {
        var order = Int32(factorCount)
        var columns: Int32 = 1
        var info: Int32 = 0
        spotrs_("L", &order, &columns, normal, &order, &rightHandSide, &order, &info)
        precondition(info == 0, "spotrs was called with an illegal argument")
    }
}

/// The eigenvalues, ascending, and eigenvectors of a symmetric matrix.
public struct SymmetricEigen: Sendable {
    /// The eigenvalues in ascending order.
    public let eigenvalues: [Double]
    /// The eigenvectors, one a row, in the order of the eigenvalues; each with its largest element positive, so that
    /// the sign does not depend on the library.
    public let eigenvectors: [[Double]]

    /// Decomposes a symmetric `order × order` matrix in row-major order; LAPACK `dsyevd`. *Complexity*: O(order³).
    ///
    /// - Throws: `eigenvaluesDidNotConverge`, `notFinite`.
    public init(_ matrix: [Double], order: Int) throws(NumericsError) {
        precondition(matrix.count == order * order, "an eigenproblem of order \(order) from \(matrix.count) values")
        guard matrix.allSatisfy({ $0.isFinite }) else { throw .notFinite(what: "a covariance matrix") }
        guard order > 0 else {
            eigenvalues = []
            eigenvectors = []
            return
        }
        var vectors = matrix
        var values = [Double](repeating: 0, count: order)
        var n = Int32(order)
        var info: Int32 = 0
        var workCount = Int32(1 + 6 * order + 2 * order * order)
        var integerCount = Int32(3 + 5 * order)
        var work = [Double](repeating: 0, count: Int(workCount))
        var integers = [Int32](repeating: 0, count: Int(integerCount))
        dsyevd_("V", "L", &n, &vectors, &n, &values, &work, &workCount, &integers, &integerCount, &info)
        guard info == 0 else { throw .eigenvaluesDidNotConverge(order: order) }
        eigenvalues = values
        eigenvectors = (0..<order).map { index in
            // Column `index` in column-major order is one contiguous run.
            let vector = Array(vectors[index * order..<(index + 1) * order])
            let largest = vector.max { abs($0) < abs($1) } ?? 0
            return largest < 0 ? vector.map { -$0 } : vector
        }
    }
}

/// Solves `matrix · X = rightHandSides` for a symmetric positive definite matrix; LAPACK `dpotrf`, `dpotrs`.
///
/// - Parameters:
///   - matrix: `order × order`, row-major.
///   - rightHandSides: `count` vectors of `order` elements, one after the other.
/// - Throws: `notPositiveDefinite`, `notFinite`. *Complexity*: O(order³ + count · order²).
public func solvePositiveDefinite(
    _ matrix: [Double], order: Int, rightHandSides: [Double], count: Int
) throws(NumericsError) -> [Double] {
    precondition(
        matrix.count == order * order && rightHandSides.count == order * count, "shapes of a linear system of \(order)")
    guard order > 0 else { return [] }
    guard matrix.allSatisfy({ $0.isFinite }), rightHandSides.allSatisfy({ $0.isFinite }) else {
        throw .notFinite(what: "a linear system")
    }
    var factor = matrix
    var solution = rightHandSides
    var n = Int32(order)
    var columns = Int32(count)
    var info: Int32 = 0
    dpotrf_("L", &n, &factor, &n, &info)
    precondition(info >= 0, "dpotrf was called with an illegal argument")
    guard info == 0 else { throw .notPositiveDefinite(order: order, pivot: Int(info)) }
    dpotrs_("L", &n, &columns, factor, &n, &solution, &n, &info)
    return solution
}
