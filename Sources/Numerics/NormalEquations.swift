import CKernels

/// The confidences of the observed cells of one row.
public enum Confidence: Sendable, Equatable {
    /// The same for every cell.
    case constant(Float)
    /// One for each cell.
    case each(ArraySlice<Float>)
}

/// The normal equations of one row of a matrix factorisation, with a workspace that is reused from row to row.
///
/// Solves `(G + λI + Σ (c − 1) q qᵀ) x = Σ c q`, where `G = QᵀQ` is shared by all rows and the sums run over the rows q
/// of Q that were observed, with confidences c. Source: Hu, Koren, Volinsky, *Collaborative filtering for implicit
/// feedback datasets* (ICDM 2008), equation 4; conjugate gradients as in Takács, Pilászy, Tikk (RecSys 2011).
public struct NormalEquations: Sendable {
    /// The order of the system, d.
    public let factorCount: Int
    /// Floats of a row in memory: `factorCount` padded with zeros to whole vectors.
    let stride: Int
    /// G + λI, `stride × stride`.
    private var base: [Float]
    /// The matrix of one row, then its Cholesky factor; `factorCount × factorCount`.
    var normal: [Float]
    var gathered: [Float] = []
    /// Of each gathered row: c, c − 1, and a zero; zeros in the padding.
    private var confidences: [Float] = []
    private var weights: [Float] = []
    private var zeros: [Float] = []
    private(set) var rowCount = 0
    /// The right-hand side; after `solve…` it holds the solution. `factorCount` elements.
    public var rightHandSide: [Float]
    private var solution: [Float]
    private var residual: [Float]
    private var direction: [Float]
    private var image: [Float]

    /// Allocates the workspace.
    public init(factorCount: Int) {
        precondition(factorCount > 0, "a system of order \(factorCount)")
        self.factorCount = factorCount
        stride = Kernels.padded(factorCount)
        base = [Float](repeating: 0, count: stride * stride)
        normal = [Float](repeating: 0, count: factorCount * factorCount)
        rightHandSide = [Float](repeating: 0, count: factorCount)
        solution = [Float](repeating: 0, count: stride)
        residual = solution
        direction = solution
        image = solution
    }

    /// Sets what all rows share: `G + λI`.
    ///
    /// - Parameters:
    ///   - gram: `G`, `factorCount × factorCount`.
    ///   - regularization: `λ`.
    public mutating func setGram(_ gram: Matrix, regularization: Float) {
        precondition(
            gram.rowCount == factorCount && gram.columnCount == factorCount, "a Gram matrix of another order")
        for row in 0..<factorCount {
            for column in 0..<factorCount { base[row * stride + column] = gram.values[row * factorCount + column] }
            base[row * stride + row] += regularization
        }
    }

    /// Gathers the observed rows of `matrix`.
    ///
    /// - Precondition: `matrix` has `factorCount` columns and every row; there is one confidence a row.
    public mutating func gather(_ rows: ArraySlice<UInt32>, of matrix: Matrix, confidence: Confidence) {
        precondition(matrix.columnCount == factorCount, "rows of \(matrix.columnCount) in a system of \(factorCount)")
        rowCount = rows.count
        let padded = Kernels.padded(rows.count)
        if confidences.count < padded {
            zeros = [Float](repeating: 0, count: max(padded, 2 * confidences.count))
            confidences = zeros
            weights = zeros
            gathered = [Float](repeating: 0, count: zeros.count * stride)
        }
        switch confidence {
        case .constant(let value): for index in 0..<rowCount { confidences[index] = value }
        case .each(let values):
            precondition(values.count == rowCount, "\(values.count) confidences of \(rowCount) rows")
            for (index, value) in values.enumerated() { confidences[index] = value }
        }
        for index in 0..<rowCount { weights[index] = confidences[index] - 1 }
        for index in rowCount..<padded {
            confidences[index] = 0
            weights[index] = 0
        }
        for row in rows { precondition(Int(row) < matrix.rowCount, "row \(row) of \(matrix.rowCount)") }
        let (count, stride) = (factorCount, stride)
        gathered.withUnsafeMutableBufferPointer { target in
            matrix.values.withUnsafeBufferPointer { source in
                rows.withUnsafeBufferPointer { rows in
                    guard let to = target.baseAddress, let from = source.baseAddress, let indices = rows.baseAddress
                    else { return }
                    ferry_gather_rows(from, indices, rows.count, count, stride, to)
                    // Rows of padding: zeros, so that whole blocks can be read.
                    for index in rows.count * stride..<padded * stride { to[index] = 0 }
                }
            }
        }
    }

    /// Sets the right-hand side to `Σ c q` over the gathered rows.
    public mutating func setRightHandSide() {
        for index in 0..<stride { image[index] = 0 }
        // A Swift array is passed as a pointer to its first element; every size was checked by `gather`.
        ferry_add_rows(gathered, rowCount, stride, confidences, &image)
        for index in 0..<factorCount { rightHandSide[index] = image[index] }
    }

    /// Factors the normal matrix of the gathered rows (Cholesky); the gathered rows are used up.
    ///
    /// - Throws: `notPositiveDefinite`. *Complexity*: O(rows · d² + d³).
    public mutating func factor() throws(NumericsError) {
        for row in 0..<factorCount {
            for column in row..<factorCount { normal[row * factorCount + column] = base[row * stride + column] }
        }
        // Σ (c − 1) q qᵀ as a product of rows scaled by √(c − 1); a confidence below 1 takes a rank-one step of its own.
        for row in 0..<rowCount {
            let weight = weights[row]
            let start = row * stride
            if weight < 0 { addToNormal(rowAt: start, weight: weight) }
            let scale = max(weight, 0).squareRoot()
            for index in start..<start + factorCount { gathered[index] *= scale }
        }
        addGatheredRows()
        try factorNormal()
    }

    private mutating func addToNormal(rowAt start: Int, weight: Float) {
        for row in 0..<factorCount {
            let scale = weight * gathered[start + row]
            for column in row..<factorCount { normal[row * factorCount + column] += scale * gathered[start + column] }
        }
    }

    /// Improves `start` by a few conjugate-gradient steps on the gathered rows; the solution is the right-hand side.
    ///
    /// *Complexity*: O(steps · (d² + rows · d)); the normal matrix is never formed.
    public mutating func solveConjugateGradient(from start: ArraySlice<Float>, steps: Int) {
        precondition(start.count == factorCount, "a start of \(start.count) in a system of \(factorCount)")
        for (index, value) in start.enumerated() { solution[index] = value }
        // Arrays are passed as pointers to their first elements; `init` and `gather` made them as long as the sizes say.
        Kernels.conjugateGradient(
            rows: gathered, rowCount: rowCount, stride: stride, confidences: confidences, weights: weights,
            zeros: zeros, matrix: base, steps: steps, residual: &residual,
            direction: &direction, image: &image, solution: &solution)
        for index in 0..<factorCount { rightHandSide[index] = solution[index] }
    }
}
