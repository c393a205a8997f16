import Glibc

/// How far two domains are apart, from moments, means, quantiles or bases that were released; 0 for equal ones.
public enum Discrepancy {
    /// CORAL, ‖Σ_S − Σ_T‖²_F / 4m².
    ///
    /// It does not see the means. Source: Sun & Saenko, *Deep CORAL* (ECCV 2016 workshops), equation 1.
    /// *Complexity*: O(m²).
    public static func coral(_ source: Moments, _ target: Moments) -> Double {
        precondition(source.dimension == target.dimension, "domains of different coordinates")
        let sum = zip(source.covariance, target.covariance).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return sum / (4 * Double(source.dimension * source.dimension))
    }

    /// The **squared** Bures–Wasserstein distance ‖μ_S − μ_T‖² + tr(Σ_S + Σ_T − 2(Σ_S^½ Σ_T Σ_S^½)^½): the squared
    /// 2-Wasserstein distance of the Gaussians with these moments, in the units of squared coordinates.
    ///
    /// Equal moments give 0 up to about 10⁻¹⁴ of the traces, also for covariances without full rank; the root of the
    /// result is a metric.
    /// Source: Dowson & Landau, *The Fréchet distance between multivariate normal distributions* (Journal of
    /// Multivariate Analysis 1982). *Complexity*: O(m³).
    /// - Throws: `notFinite`, `eigenvaluesDidNotConverge`.
    public static func buresWasserstein(_ source: Moments, _ target: Moments) throws(NumericsError) -> Double {
        let order = source.dimension
        let means = source.squaredDistanceOfMeans(target)
        let root = try squareRoot(source.covariance, order: order)
        let inner = root.product(DoubleMatrix(order, order, target.covariance)).product(root)
        // The trace of the root is the sum of the roots of the eigenvalues.
        let eigenvalues = try SymmetricEigen(symmetrized(inner), order: order).eigenvalues
        let fidelity = withoutRounding(eigenvalues).reduce(0) { $0 + $1.squareRoot() }
        return max(0, means + source.trace + target.trace - 2 * fidelity)
    }

    /// The MMD² of the Gaussians with these moments under the kernel exp(−‖x − y‖²/2σ²), in [0, 2].
    ///
    /// E k(x, y) = |I + (Σ_x + Σ_y)/σ²|^−½ exp(−½ Δᵀ(σ²I + Σ_x + Σ_y)⁻¹Δ) with Δ = μ_x − μ_y, for each of the three pairs.
    /// Source: Song et al., *Tailoring density estimation via reproducing kernel moment matching* (ICML 2008), table 1.
    /// *Complexity*: O(m³).
    /// - Parameter squaredBandwidth: σ²; `Moments.squaredBandwidth` of the two if not given. For two domains of zero
    ///   variance and one mean, of which that is 0, the result is 0.
    /// - Throws: `notFinite`, `eigenvaluesDidNotConverge`.
    public static func gaussianMMD(
        _ source: Moments, _ target: Moments, squaredBandwidth: Double? = nil
    ) throws(NumericsError) -> Double {
        let bandwidth = squaredBandwidth ?? source.squaredBandwidth(with: target)
        guard bandwidth.isFinite else { throw .notFinite(what: "a bandwidth") }
        if squaredBandwidth == nil, bandwidth == 0 { return 0 }
        precondition(bandwidth > 0, "a squared bandwidth of \(bandwidth)")
        let within = try meanKernel(source, source, bandwidth) + meanKernel(target, target, bandwidth)
        return max(0, within - 2 * (try meanKernel(source, target, bandwidth)))
    }

    private static func meanKernel(_ x: Moments, _ y: Moments, _ bandwidth: Double) throws(NumericsError) -> Double {
        precondition(x.dimension == y.dimension, "domains of different coordinates")
        let sum = zip(x.covariance, y.covariance).map { $0 + $1 }
        let eigen = try SymmetricEigen(sum, order: x.dimension)
        let difference = zip(x.mean, y.mean).map { $0 - $1 }
        var exponent = 0.0
        for (value, vector) in zip(eigen.eigenvalues, eigen.eigenvectors) {
            let value = max(value, 0)
            let part = zip(vector, difference).reduce(0) { $0 + $1.0 * $1.1 }
            exponent -= (log1p(value / bandwidth) + part * part / (bandwidth + value)) / 2
        }
        return exp(exponent)
    }

    /// The proxy A-distance 2(1 − 2ε) of the error ε of a classifier that tells the domains apart: 2 when it never errs,
    /// 0 when it guesses or is worse.
    ///
    /// Source: Ben-David et al., *Analysis of representations for domain adaptation* (NeurIPS 2006), section 4.
    /// - Precondition: ε is in [0, 1] and of balanced held-out rows.
    public static func proxyADistance(error: Double) -> Double {
        precondition((0...1).contains(error), "an error of \(error)")
        return max(0, 2 * (1 - 2 * error))
    }

    /// The principal angles between the spaces that the columns of two matrices span, ascending, in [0, π/2] radians.
    ///
    /// There are as many as the smaller rank; columns that depend on others within 10⁻⁶ are left out. Small angles come
    /// from their sines and large ones from their cosines, so that both are exact to about 10⁻⁸.
    /// Source: Björck & Golub, *Numerical methods for computing angles between linear subspaces* (Mathematics of
    /// Computation 1973), section 3. *Complexity*: O(rows · columns²).
    /// - Throws: `notFinite`, `eigenvaluesDidNotConverge`.
    public static func principalAngles(_ first: Matrix, _ second: Matrix) throws(NumericsError) -> [Double] {
        precondition(first.rowCount == second.rowCount, "bases of \(first.rowCount) and \(second.rowCount) rows")
        guard first.values.allSatisfy({ $0.isFinite }), second.values.allSatisfy({ $0.isFinite }) else {
            throw .notFinite(what: "a basis")
        }
        var large = orthonormalBasis(first)
        var small = orthonormalBasis(second)
        if large.columnCount < small.columnCount { swap(&large, &small) }
        let count = small.columnCount
        let cosines = large.transposeProduct(small)
        // What of the smaller space lies outside the larger one.
        let inside = large.product(cosines)
        let outside = DoubleMatrix(small.rowCount, count, zip(small.values, inside.values).map { $0 - $1 })
        // Both Gram matrices sum to the identity: the largest cosine goes with the smallest sine.
        let squaredCosines = try SymmetricEigen(cosines.transposeProduct(cosines).values, order: count).eigenvalues
        let squaredSines = try SymmetricEigen(outside.transposeProduct(outside).values, order: count).eigenvalues
        return (0..<count).map { index in
            atan2(max(squaredSines[index], 0).squareRoot(), max(squaredCosines[count - 1 - index], 0).squareRoot())
        }
    }

    /// The similarity of two representations of the same rows by linear centred kernel alignment, in [0, 1]; 1 is equal
    /// up to rotation, scale and offset, and 0 where one of them is constant.
    ///
    /// ‖YᵀX‖²_F / (‖XᵀX‖_F ‖YᵀY‖_F) of the centred matrices. It is a similarity: 1 − CKA is the discrepancy.
    /// Source: Kornblith et al., *Similarity of neural network representations revisited* (ICML 2019), equation 3.
    /// *Complexity*: O(rows · columns²).
    public static func linearCKA(_ first: Matrix, _ second: Matrix) -> Double {
        precondition(first.rowCount == second.rowCount, "\(first.rowCount) and \(second.rowCount) rows are not pairs")
        let x = DoubleMatrix.centered(first).matrix
        let y = DoubleMatrix.centered(second).matrix
        let norms = (x.transposeProduct(x).squaredNorm * y.transposeProduct(y).squaredNorm).squareRoot()
        guard norms > 0 else { return 0 }
        return min(1, y.transposeProduct(x).squaredNorm / norms)
    }

    /// Eigenvalues of a positive semidefinite matrix, with 0 for those that rounding makes of 0: their roots would be
    /// 10⁻⁸ of the largest.
    private static func withoutRounding(_ eigenvalues: [Double]) -> [Double] {
        let smallest = 8 * Double(eigenvalues.count) * 0x1p-52 * (eigenvalues.last ?? 0)
        return eigenvalues.map { $0 > smallest ? $0 : 0 }
    }

    /// The symmetric root of a positive semidefinite matrix.
    private static func squareRoot(_ matrix: [Double], order: Int) throws(NumericsError) -> DoubleMatrix {
        let eigen = try SymmetricEigen(matrix, order: order)
        var scaled: [Double] = []
        for (value, vector) in zip(withoutRounding(eigen.eigenvalues), eigen.eigenvectors) {
            let factor = value.squareRoot().squareRoot()
            scaled += vector.map { factor * $0 }
        }
        let half = DoubleMatrix(order, order, scaled)
        return half.transposeProduct(half)
    }

    private static func symmetrized(_ matrix: DoubleMatrix) -> [Double] {
        let order = matrix.rowCount
        var out = matrix.values
        for row in 0..<order {
            for column in 0..<order {
                out[row * order + column] =
                    (matrix.values[row * order + column] + matrix.values[column * order + row]) / 2
            }
        }
        return out
    }

    /// Orthonormal columns of the same span: Gram–Schmidt twice over, as once loses orthogonality.
    private static func orthonormalBasis(_ matrix: Matrix) -> DoubleMatrix {
        var basis: [[Double]] = []
        for column in 0..<matrix.columnCount {
            var vector = (0..<matrix.rowCount).map { Double(matrix[$0, column]) }
            func norm() -> Double { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }
            let length = norm()
            for _ in 0..<2 {
                for other in basis {
                    let part = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
                    for index in vector.indices { vector[index] -= part * other[index] }
                }
            }
            let rest = norm()
            guard rest > 1e-6 * length else { continue }
            basis.append(vector.map { $0 / rest })
        }
        var out = DoubleMatrix(
            matrix.rowCount, basis.count, [Double](repeating: 0, count: matrix.rowCount * basis.count))
        for (column, vector) in basis.enumerated() {
            for (row, value) in vector.enumerated() { out.values[row * basis.count + column] = value }
        }
        return out
    }
}
