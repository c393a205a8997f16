public import Numerics

/// An affine map of text vectors from one space into another, `y = μ_to + Mᵀ(x − μ_from)`.
///
/// Domains whose texts were embedded apart are brought together by pairs of vectors of the same words (or other anchors)
/// or, without any pair, by the moments of all vectors. Rows of a matrix are vectors.
public struct TextAlignment: Sendable, Equatable {
    /// M, from dimension × to dimension.
    public let matrix: Matrix
    /// The point that is moved to `target`.
    public let origin: [Float]
    /// Where `origin` is moved.
    public let target: [Float]

    /// A map from its parts, such as those that a domain has shipped.
    ///
    /// - Precondition: the points have the dimensions of the matrix.
    public init(matrix: Matrix, origin: [Float], target: [Float]) {
        precondition(
            origin.count == matrix.rowCount && target.count == matrix.columnCount, "the parts of a text alignment")
        self.matrix = matrix
        self.origin = origin
        self.target = target
    }

    /// The identity: both domains' texts are vectors of the same words.
    public static func shared(dimension: Int) -> TextAlignment {
        let zero = [Float](repeating: 0, count: dimension)
        return TextAlignment(matrix: .identity(dimension), origin: zero, target: zero)
    }

    /// The rotation (or reflection) that brings the first vectors of pairs nearest to the second ones: M = UVᵀ of the
    /// singular value decomposition of XᵀY, both about the origin as they are.
    ///
    /// M is orthogonal to rounding. Source: Schönemann, *A generalized solution of the orthogonal Procrustes problem*
    /// (Psychometrika 1966); for word vectors Conneau et al., *Word translation without parallel data* (ICLR 2018).
    /// - Precondition: two matrices of one shape.
    /// - Throws: `eigenvaluesDidNotConverge`, `notFinite`. *Complexity*: O(pairs · dimension² + dimension³).
    public static func procrustes(_ pairs: TextPairs) throws(NumericsError) -> TextAlignment {
        let dimension = pairs.from.columnCount
        precondition(dimension == pairs.to.columnCount, "a rotation between different dimensions")
        let cross = transposedProduct(
            pairs.from.values.map(Double.init), pairs.to.values.map(Double.init), rows: pairs.count, dimension,
            dimension)
        let decomposition = try SingularValues(cross, rowCount: dimension, columnCount: dimension)
        let left = decomposition.leftVectors.flatMap { $0 }
        let right = decomposition.rightVectors.flatMap { $0 }
        let rotation = transposedProduct(left, right, rows: dimension, dimension, dimension)
        let zero = [Float](repeating: 0, count: dimension)
        return TextAlignment(
            matrix: Matrix(rowCount: dimension, columnCount: dimension, values: rotation.map { Float($0) }),
            origin: zero, target: zero)
    }

    /// The ridge regression of the second vectors of pairs on the first ones, with an offset that is not penalised.
    ///
    /// - Parameter ridge: what is added to the diagonal of Σ(x − μ)(x − μ)ᵀ, above 0 where that may be singular.
    /// - Throws: `notPositiveDefinite`, `notFinite`. *Complexity*: O(pairs · dimension² + dimension³).
    public static func anchors(_ pairs: TextPairs, ridge: Double) throws(NumericsError) -> TextAlignment {
        let (inputs, outputs) = (pairs.from.columnCount, pairs.to.columnCount)
        let (origin, target) = (columnMeans(pairs.from), columnMeans(pairs.to))
        let first = centredRows(pairs.from, origin)
        let second = centredRows(pairs.to, target)
        var normal = transposedProduct(first, first, rows: pairs.count, inputs, inputs)
        for index in 0..<inputs { normal[index * inputs + index] += ridge }
        // Right-hand sides come one after the other: a row for each output.
        let solution = try solvePositiveDefinite(
            normal, order: inputs,
            rightHandSides: transposedProduct(second, first, rows: pairs.count, outputs, inputs), count: outputs)
        return TextAlignment(
            matrix: Matrix(rowCount: outputs, columnCount: inputs, values: solution.map { Float($0) }).transposed,
            origin: origin.map { Float($0) }, target: target.map { Float($0) })
    }

    /// The map of least mean squared displacement that carries the moments of one Gaussian to those of another:
    /// M = Σ_S^-½ (Σ_S^½ Σ_T Σ_S^½)^½ Σ_S^-½.
    ///
    /// Directions in which S has no variance are not seen: what T has there is not made up. Source: Peyré & Cuturi,
    /// *Computational optimal transport* (2019), remark 2.31.
    /// - Throws: `eigenvaluesDidNotConverge`, `notFinite`. *Complexity*: O(dimension³).
    public static func optimalTransport(
        from: TextMoments, to: TextMoments
    ) throws(NumericsError) -> TextAlignment {
        let order = from.mean.count
        precondition(order == to.mean.count, "transport between different dimensions")
        func times(_ left: [Double], _ right: [Double]) -> [Double] {
            product(left, right, rows: order, inner: order, columns: order)
        }
        let eigen = try SymmetricEigen(from.covariance, order: order)
        let root = eigen.squareRoot(floor: spectrumFloor)
        let inverse = eigen.squareRoot(isInverse: true, floor: spectrumFloor)
        let middle = try SymmetricEigen(times(times(root, to.covariance), root), order: order)
        let map = times(times(inverse, middle.squareRoot(floor: 0)), inverse)
        return TextAlignment(
            matrix: Matrix(rowCount: order, columnCount: order, values: map.map { Float($0) }),
            origin: from.mean.map { Float($0) }, target: to.mean.map { Float($0) })
    }

    /// Eigenvalues below this share of the largest are rounding errors of vectors in `Float`.
    private static let spectrumFloor = 1e-9

    /// The vectors in the other space, one row each. *Complexity*: O(rows · from dimension · to dimension).
    ///
    /// - Precondition: `vectors` has the from dimension.
    public func aligned(_ vectors: Matrix) -> Matrix {
        precondition(vectors.columnCount == matrix.rowCount, "texts of another dimension than the alignment")
        var centred = vectors
        for row in 0..<vectors.rowCount {
            for column in origin.indices { centred[row, column] -= origin[column] }
        }
        var out = centred.multiplied(by: matrix)
        for row in 0..<out.rowCount { for column in target.indices { out[row, column] += target[column] } }
        return out
    }
}

/// Vectors of the same things in two spaces, such as words that both domains' texts have.
public struct TextPairs: Sendable, Equatable {
    /// The vectors in the first space, one row each.
    public let from: Matrix
    /// The vectors in the second space, parallel to `from`.
    public let to: Matrix

    /// Pairs.
    ///
    /// - Precondition: as many rows on both sides.
    public init(from: Matrix, to: Matrix) {
        precondition(from.rowCount == to.rowCount, "\(from.rowCount) and \(to.rowCount) vectors are not pairs")
        self.from = from
        self.to = to
    }

    /// The number of pairs.
    public var count: Int { from.rowCount }
}
