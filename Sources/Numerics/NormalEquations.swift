/// The normal equations of one row of a matrix factorisation, with a workspace that is reused from row to row.
///
/// Solves `(G + weight · QᵤᵀQᵤ + λI) x = rightHandSide` where `G = QᵀQ` is shared by all rows and `Qᵤ` gathers the rows
/// that were observed. Source: Hu, Koren, Volinsky, *Collaborative filtering for implicit feedback datasets* (ICDM
/// 2008), equation 4; conjugate gradients as in Takács, Pilászy, Tikk (RecSys 2011).
public struct NormalEquations: Sendable {
    /// The order of the system.
    public let factorCount: Int
    var normal: [Float]
    var gathered: [Float] = []
    /// The right-hand side; after `solve…` it holds the solution. `factorCount` elements.
    public var rightHandSide: [Float]
    private var residual: [Float]
    private var direction: [Float]
    private var image: [Float]

    /// Allocates the workspace.
    public init(factorCount: Int) {
        self.factorCount = factorCount
        normal = [Float](repeating: 0, count: factorCount * factorCount)
        rightHandSide = [Float](repeating: 0, count: factorCount)
        residual = rightHandSide
        direction = rightHandSide
        image = rightHandSide
    }

    private mutating func gather(_ rows: ArraySlice<UInt32>, of matrix: Matrix) {
        let needed = rows.count * factorCount
        if gathered.count < needed { gathered = [Float](repeating: 0, count: max(needed, 2 * gathered.count)) }
        gathered.withUnsafeMutableBufferPointer { target in
            matrix.values.withUnsafeBufferPointer { source in
                var offset = 0
                for row in rows {
                    let start = Int(row) * factorCount
                    precondition(start + factorCount <= source.count, "row \(row) of \(matrix.rowCount)")
                    for index in 0..<factorCount { target[offset + index] = source[start + index] }
                    offset += factorCount
                }
            }
        }
    }

    /// Sets the right-hand side to `scale · Σ q` over the rows.
    public mutating func setRightHandSide(
        sumOf rows: ArraySlice<UInt32>, of matrix: Matrix, scale: Float
    ) {
        precondition(matrix.columnCount == factorCount, "rows of \(matrix.columnCount) in a system of \(factorCount)")
        gather(rows, of: matrix)
        for index in 0..<factorCount { rightHandSide[index] = 0 }
        gathered.withUnsafeBufferPointer { source in
            rightHandSide.withUnsafeMutableBufferPointer { target in
                for row in 0..<rows.count {
                    Kernels.add(source, at: row * factorCount, scale: scale, to: target)
                }
            }
        }
    }

    /// Factors the normal matrix of the rows that `setRightHandSide` gathered last (Cholesky).
    ///
    /// - Parameters:
    ///   - gram: `G`, `factorCount × factorCount`.
    ///   - weight: the weight of each gathered row, `α`.
    ///   - regularization: `λ`.
    /// - Throws: `notPositiveDefinite`. *Complexity*: O(rows · d² + d³).
    public mutating func factor(
        gram: Matrix, rowCount: Int, weight: Float, regularization: Float
    ) throws(NumericsError) {
        normal.withUnsafeMutableBufferPointer { target in
            gram.values.withUnsafeBufferPointer { source in
                precondition(source.count == target.count, "a Gram matrix of another order")
                for index in 0..<target.count { target[index] = source[index] }
            }
            for index in 0..<factorCount { target[index * factorCount + index] += regularization }
        }
        addGatheredRows(count: rowCount, weight: weight)
        try factorNormal()
    }

    /// Improves `start` by a few conjugate-gradient steps; the solution replaces the right-hand side.
    ///
    /// *Complexity*: O(steps · (d² + rows · d)); the normal matrix is never formed.
    public mutating func solveConjugateGradient(
        from start: ArraySlice<Float>, gram: Matrix, rowCount: Int, weight: Float, regularization: Float, steps: Int
    ) {
        let count = factorCount
        precondition(start.count == count && gram.values.count == count * count, "shapes of a conjugate-gradient solve")
        // The gathered rows, the Gram matrix and the workspace as raw floats: every size was checked above.
        gathered.withUnsafeBufferPointer { rows in
            gram.values.withUnsafeBufferPointer { matrix in
                rightHandSide.withUnsafeMutableBufferPointer { target in
                    residual.withUnsafeMutableBufferPointer { residual in
                        direction.withUnsafeMutableBufferPointer { direction in
                            image.withUnsafeMutableBufferPointer { image in
                                start.withUnsafeBufferPointer { start in
                                    Kernels.conjugateGradient(
                                        rows: rows, rowCount: rowCount, gram: matrix, weight: weight,
                                        regularization: regularization, steps: steps, start: start,
                                        rightHandSideAndSolution: target, residual: residual, direction: direction,
                                        image: image)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
