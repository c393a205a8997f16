import Numerics
import Ratings
import Recommenders
import Transfer

/// Generated persons and models for the tests of this target.
enum Fixture {
    /// Correlated, shifted vectors, one a person: a random mixture of standard normal numbers plus a mean.
    static func vectors(count: Int, dimension: Int, seed: UInt64) -> [[Float]] {
        var stream = RandomStream(root: seed, path: ["vectors"])
        let mixture = (0..<dimension).map { row in
            (0..<dimension).map { (row == $0 ? 1 : 0) + 0.3 * stream.gaussian() }
        }
        let mean = (0..<dimension).map { _ in stream.gaussian() }
        return (0..<count).map { _ in
            let normal = (0..<dimension).map { _ in stream.gaussian() }
            return (0..<dimension).map { row in
                Float(mean[row] + zip(mixture[row], normal).reduce(0) { $0 + $1.0 * $1.1 })
            }
        }
    }

    /// The released sums of vectors, as a client would send them.
    static func sums(_ vectors: [[Float]]) -> (count: Float, sum: [Float], product: [Float]) {
        let order = vectors.first?.count ?? 0
        let sum = (0..<order).map { index in Float(vectors.reduce(0.0) { $0 + Double($1[index]) }) }
        let product = (0..<order * order).map { cell in
            Float(vectors.reduce(0.0) { $0 + Double($1[cell / order]) * Double($1[cell % order]) })
        }
        return (Float(vectors.count), sum, product)
    }

    /// The moments behind the released sums.
    static func moments(_ vectors: [[Float]]) -> PersonMoments? {
        let (count, sum, product) = sums(vectors)
        return PersonMoments(count: count, sum: sum, product: product)
    }

    /// Random item factors.
    static func itemFactors(count: Int, dimension: Int, seed: UInt64) -> Matrix {
        var stream = RandomStream(root: seed, path: ["items"])
        return Matrix(
            rowCount: count, columnCount: dimension,
            values: (0..<count * dimension).map { _ in Float(0.5 * stream.gaussian()) })
    }

    /// Solves a square system by Gaussian elimination with partial pivoting.
    static func solve(_ matrix: [[Double]], _ rightHandSide: [Double]) -> [Double] {
        let order = rightHandSide.count
        var rows = (0..<order).map { matrix[$0] + [rightHandSide[$0]] }
        for column in 0..<order {
            let pivot = (column..<order).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
            rows.swapAt(column, pivot)
            for row in (column + 1)..<max(order, column + 1) {
                let factor = rows[row][column] / rows[column][column]
                for index in column...order { rows[row][index] -= factor * rows[column][index] }
            }
        }
        var solution = [Double](repeating: 0, count: order)
        for row in (0..<order).reversed() {
            var sum = rows[row][order]
            for column in (row + 1)..<max(order, row + 1) { sum -= rows[row][column] * solution[column] }
            solution[row] = sum / rows[row][row]
        }
        return solution
    }
}
