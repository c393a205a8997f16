import COpenBLAS

/// Replaces a symmetric positive definite matrix by its inverse, in place; LAPACK `dpotrf`, `dpotri`.
///
/// Only the upper triangle in row-major order is read and written: the element (i, j) is at `i · order + j`, i ≤ j.
/// A matrix that rounding alone makes positive definite is refused like a singular one: a pivot must exceed
/// order · 2⁻⁵² of its diagonal element, the bound of the factorisation's rounding error (Higham 2002, theorem 10.3).
/// - Throws: `notPositiveDefinite`, `notFinite`. *Complexity*: O(order³), no further memory.
public func invertPositiveDefinite(upperTriangle matrix: inout [Double], order: Int) throws(NumericsError) {
    precondition(matrix.count == order * order, "an inverse of order \(order) from \(matrix.count) values")
    guard order > 0 else { return }
    guard matrix.allSatisfy({ $0.isFinite }) else { throw .notFinite(what: "a Gram matrix") }
    let diagonal = (0..<order).map { matrix[$0 * order + $0] }
    var n = Int32(order)
    var info: Int32 = 0
    // The upper triangle in row-major order is the lower triangle in LAPACK's column-major order.
    dpotrf_("L", &n, &matrix, &n, &info)
    precondition(info >= 0, "dpotrf was called with an illegal argument")
    guard info == 0 else { throw .notPositiveDefinite(order: order, pivot: Int(info)) }
    for index in 0..<order {
        let pivot = matrix[index * order + index]
        guard pivot * pivot > Double(order) * 0x1p-52 * diagonal[index] else {
            throw .notPositiveDefinite(order: order, pivot: index + 1)
        }
    }
    dpotri_("L", &n, &matrix, &n, &info)
    precondition(info == 0, "dpotri failed on a regular factor")
}
