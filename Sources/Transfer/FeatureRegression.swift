import Numerics

/// The ridge regression of factors on fixed features, again and again: B = (ZᵀZ + ρI)⁻¹(ZᵀQ + ρB₀).
///
/// The inverse and everything that does not depend on Q are computed once.
struct FeatureRegression: Sendable {
    private let featureCount: Int
    private let factorCount: Int
    private let rows: [Int]
    /// (ZᵀZ + ρI)⁻¹Zᵀ, features × rows.
    private let solver: [Double]
    /// ρ(ZᵀZ + ρI)⁻¹B₀.
    private let start: [Double]
    private var gathered: [Double]

    /// Prepares regressions on some rows of the features.
    ///
    /// - Throws: `notPositiveDefinite`, `notFinite`. *Complexity*: O(rows · features² + features³).
    init(features: Matrix, rows: [Int], factors: Int, ridge: Double, prior: Matrix?) throws(NumericsError) {
        let count = features.columnCount
        featureCount = count
        factorCount = factors
        self.rows = rows
        var chosen: [Double] = []
        chosen.reserveCapacity(rows.count * count)
        for row in rows { for value in features.row(row) { chosen.append(Double(value)) } }
        var normal = transposedProduct(chosen, chosen, rows: rows.count, count, count)
        for index in 0..<count { normal[index * count + index] += ridge }
        // The rows of Z are right-hand sides one after the other; the solutions are the columns of the solver.
        let solutions = try solvePositiveDefinite(normal, order: count, rightHandSides: chosen, count: rows.count)
        var solver = [Double](repeating: 0, count: count * rows.count)
        for row in rows.indices {
            for feature in 0..<count { solver[feature * rows.count + row] = solutions[row * count + feature] }
        }
        self.solver = solver
        var start = [Double](repeating: 0, count: count * factors)
        if let prior {
            let pulled = try solvePositiveDefinite(
                normal, order: count, rightHandSides: prior.transposed.values.map { ridge * Double($0) }, count: factors
            )
            for factor in 0..<factors {
                for feature in 0..<count { start[feature * factors + factor] = pulled[factor * count + feature] }
            }
        }
        self.start = start
        gathered = [Double](repeating: 0, count: rows.count * factors)
    }

    /// B for factors, of which the chosen rows count; features × factors. *Complexity*: O(rows · features · factors).
    mutating func weights(of factors: Matrix) -> Matrix {
        for (position, row) in rows.enumerated() {
            for factor in 0..<factorCount {
                gathered[position * factorCount + factor] = Double(factors.values[row * factorCount + factor])
            }
        }
        return Matrix(rowCount: featureCount, columnCount: factorCount, values: solved.map { Float($0) })
    }

    /// B for factors in Double, row-major.
    mutating func weights(of factors: [Double]) -> [Double] {
        for (position, row) in rows.enumerated() {
            for factor in 0..<factorCount {
                gathered[position * factorCount + factor] = factors[row * factorCount + factor]
            }
        }
        return solved
    }

    private var solved: [Double] {
        let fitted = product(solver, gathered, rows: featureCount, inner: rows.count, columns: factorCount)
        return zip(fitted, start).map { $0 + $1 }
    }
}
