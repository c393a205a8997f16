import COpenBLAS

/// The singular values, falling, and singular vectors of a matrix: A = U diag(σ) Vᵀ.
public struct SingularValues: Sendable {
    /// σ, in falling order; as many as the shorter side.
    public let values: [Double]
    /// The columns of U, one a row here, in the order of the values.
    public let leftVectors: [[Double]]
    /// The columns of V, one a row here, in the order of the values.
    public let rightVectors: [[Double]]

    /// Decomposes a matrix in row-major order; LAPACK `dgesvd`.
    ///
    /// The sign of a pair of vectors is such that the largest element of the left one is positive.
    /// - Throws: `eigenvaluesDidNotConverge`, `notFinite`. *Complexity*: O(rows · columns · shorter side).
    public init(_ matrix: [Double], rowCount: Int, columnCount: Int) throws(NumericsError) {
        precondition(
            matrix.count == rowCount * columnCount, "a \(rowCount) × \(columnCount) matrix from \(matrix.count) values")
        guard matrix.allSatisfy({ $0.isFinite }) else { throw .notFinite(what: "a matrix to decompose") }
        let count = min(rowCount, columnCount)
        guard count > 0 else {
            (values, leftVectors, rightVectors) = ([], [], [])
            return
        }
        // Row-major A is Aᵀ in LAPACK's column-major order, whose left vectors are the right ones of A.
        var (rows, columns, shorter) = (Int32(columnCount), Int32(rowCount), Int32(count))
        var content = matrix
        var singular = [Double](repeating: 0, count: count)
        var right = [Double](repeating: 0, count: columnCount * count)
        var left = [Double](repeating: 0, count: count * rowCount)
        var workCount = Int32(4 * (3 * count + max(rowCount, columnCount) + 5 * count))
        var work = [Double](repeating: 0, count: Int(workCount))
        var info: Int32 = 0
        dgesvd_(
            "S", "S", &rows, &columns, &content, &rows, &singular, &right, &rows, &left, &shorter, &work, &workCount,
            &info)
        precondition(info >= 0, "dgesvd was called with an illegal argument")
        guard info == 0 else { throw .eigenvaluesDidNotConverge(order: count) }
        values = singular
        var (lefts, rights): ([[Double]], [[Double]]) = ([], [])
        for index in 0..<count {
            let ofRows = (0..<rowCount).map { left[$0 * count + index] }
            let ofColumns = Array(right[index * columnCount..<(index + 1) * columnCount])
            let largest = ofRows.max { abs($0) < abs($1) } ?? 0
            lefts.append(largest < 0 ? ofRows.map { -$0 } : ofRows)
            rights.append(largest < 0 ? ofColumns.map { -$0 } : ofColumns)
        }
        (leftVectors, rightVectors) = (lefts, rights)
    }
}

/// The product of two matrices in Double, row-major: `rows × inner` by `inner × columns`.
///
/// *Complexity*: O(rows · inner · columns).
public func product(_ left: [Double], _ right: [Double], rows: Int, inner: Int, columns: Int) -> [Double] {
    precondition(left.count == rows * inner && right.count == inner * columns, "shapes of a product")
    var out = [Double](repeating: 0, count: rows * columns)
    guard !out.isEmpty, inner > 0 else { return out }
    let (rowMajor, noTranspose): (Int32, Int32) = (101, 111)
    out.withUnsafeMutableBufferPointer { target in
        cblas_dgemm(
            rowMajor, noTranspose, noTranspose, Int32(rows), Int32(columns), Int32(inner), 1, left, Int32(inner), right,
            Int32(columns), 0, target.baseAddress, Int32(columns))
    }
    return out
}

extension SymmetricEigen {
    /// The symmetric square root of a positive semidefinite matrix, row-major, or the pseudo-inverse of that root.
    ///
    /// - Parameter floor: eigenvalues up to this share of the largest count as zero.
    /// *Complexity*: O(order³).
    public func squareRoot(isInverse: Bool = false, floor: Double = 1e-12) -> [Double] {
        let order = eigenvalues.count
        let least = floor * max(eigenvalues.last ?? 0, 0)
        // Σ s v vᵀ as one product, with s the root of an eigenvalue or its inverse.
        var columns = [Double](repeating: 0, count: order * order)
        var rows = columns
        for (index, value) in eigenvalues.enumerated() where value > least {
            let root = isInverse ? 1 / value.squareRoot() : value.squareRoot()
            for (place, element) in eigenvectors[index].enumerated() {
                columns[place * order + index] = root * element
                rows[index * order + place] = element
            }
        }
        return product(columns, rows, rows: order, inner: order, columns: order)
    }
}
