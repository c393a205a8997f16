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
}
