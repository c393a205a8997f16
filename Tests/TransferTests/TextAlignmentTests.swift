import Numerics
import Testing
import Transfer

@Suite("Text alignment")
struct TextAlignmentTests {
    init() { NumericsBackEnd.useOneThread() }

    /// Correlated, shifted vectors, one a row.
    static func texts(_ count: Int, _ dimension: Int, seed: UInt64) -> Matrix {
        Matrix(
            rowCount: count, columnCount: dimension,
            values: Fixture.vectors(count: count, dimension: dimension, seed: seed).flatMap { $0 })
    }

    /// A random orthogonal matrix: the eigenvectors of a symmetric one.
    static func rotation(_ dimension: Int, seed: UInt64) throws -> Matrix {
        let gram = texts(3 * dimension, dimension, seed: seed).gram
        let eigen = try SymmetricEigen(gram.values.map(Double.init), order: dimension)
        return Matrix(
            rowCount: dimension, columnCount: dimension,
            values: eigen.eigenvectors.flatMap { $0 }.map { Float($0) })
    }

    static func noise(_ matrix: Matrix, _ size: Double, seed: UInt64) -> Matrix {
        var stream = RandomStream(root: seed, path: ["noise"])
        var out = matrix
        for index in out.values.indices { out.values[index] += Float(size * stream.gaussian()) }
        return out
    }

    static func distance(_ one: Matrix, _ other: Matrix) -> Float {
        zip(one.values, other.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }

    @Test("Shared word vectors are left as they are")
    func shared() {
        let texts = Self.texts(9, 5, seed: 1)
        #expect(TextAlignment.shared(dimension: 5).aligned(texts) == texts)
    }

    @Test("Procrustes finds a planted rotation", arguments: [2, 5, 16])
    func plantedRotation(_ dimension: Int) throws {
        let from = Self.texts(4 * dimension, dimension, seed: 2)
        let rotation = try Self.rotation(dimension, seed: 3)
        let to = from.multiplied(by: rotation)
        let alignment = try TextAlignment.procrustes(TextPairs(from: from, to: to))
        #expect(Self.distance(alignment.matrix, rotation) < 1e-5)
        #expect(Self.distance(alignment.aligned(from), to) < 1e-4)
    }

    @Test("Procrustes is orthogonal and no rotation nearby does better, whatever the pairs")
    func orthogonality() throws {
        for seed: UInt64 in 1...5 {
            let pairs = TextPairs(from: Self.texts(20, 6, seed: seed), to: Self.texts(20, 6, seed: seed + 50))
            let alignment = try TextAlignment.procrustes(pairs)
            #expect(Self.distance(alignment.matrix.gram, .identity(6)) < 1e-6)
            func loss(_ matrix: Matrix) -> Double {
                zip(pairs.from.multiplied(by: matrix).values, pairs.to.values).reduce(0.0) {
                    $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
                }
            }
            for first in 0..<6 {
                for second in 0..<first {
                    for angle: Float in [-0.1, 0.1] {
                        var turn = Matrix.identity(6)
                        (turn[first, first], turn[second, second]) = (1 - angle * angle / 2, 1 - angle * angle / 2)
                        (turn[first, second], turn[second, first]) = (angle, -angle)
                        #expect(loss(alignment.matrix.multiplied(by: turn)) > loss(alignment.matrix), "seed \(seed)")
                    }
                }
            }
        }
    }

    @Test("Anchors find a planted affine map between different dimensions")
    func plantedMap() throws {
        let from = Self.texts(40, 5, seed: 4)
        let map = Self.texts(5, 3, seed: 5)
        var to = from.multiplied(by: map)
        for row in 0..<to.rowCount { for column in 0..<3 { to[row, column] += Float(column) - 2 } }
        let alignment = try TextAlignment.anchors(TextPairs(from: from, to: to), ridge: 1e-6)
        #expect(Self.distance(alignment.matrix, map) < 1e-4)
        #expect(Self.distance(alignment.aligned(from), to) < 1e-3)
    }

    @Test("A large ridge leaves of anchors the mean alone")
    func largeRidge() throws {
        let pairs = TextPairs(from: Self.texts(40, 5, seed: 4), to: Self.texts(40, 3, seed: 6))
        let aligned = try TextAlignment.anchors(pairs, ridge: 1e12).aligned(pairs.from)
        for column in 0..<3 {
            let mean = (0..<40).reduce(Float(0)) { $0 + pairs.to[$1, column] } / 40
            #expect((0..<40).allSatisfy { abs(aligned[$0, column] - mean) < 1e-4 })
        }
    }

    @Test("A linear network comes to the map that least squares finds")
    func network() throws {
        let from = Self.texts(80, 4, seed: 7)
        let to = Self.noise(from.multiplied(by: Self.texts(4, 3, seed: 8)), 0.05, seed: 9)
        let pairs = TextPairs(from: from, to: to)
        let exact = try TextAlignment.anchors(pairs, ridge: 0)
        let learnt = try TextAlignment.network(
            pairs, training: .init(epochs: 400, rate: 0.3), stream: RandomStream(root: 1, path: ["network"]))
        #expect(Self.distance(exact.matrix, learnt.matrix) < 0.05)
        let untrained = try TextAlignment.network(
            pairs, training: .init(epochs: 0), stream: RandomStream(root: 1, path: ["network"]))
        #expect(untrained.matrix == Matrix(rowCount: 4, columnCount: 3))
    }

    @Test("Optimal transport carries mean and covariance over exactly")
    func moments() throws {
        for seed: UInt64 in 1...5 {
            let from = Self.texts(60, 6, seed: seed)
            let target = TextMoments(Self.texts(60, 6, seed: seed + 20))
            let alignment = try TextAlignment.optimalTransport(from: TextMoments(from), to: target)
            let moved = TextMoments(alignment.aligned(from))
            #expect(zip(moved.mean, target.mean).allSatisfy { abs($0 - $1) < 1e-5 }, "seed \(seed)")
            #expect(zip(moved.covariance, target.covariance).allSatisfy { abs($0 - $1) < 1e-4 }, "seed \(seed)")
            // Of all such maps the optimal one is symmetric.
            #expect(Self.distance(alignment.matrix, alignment.matrix.transposed) < 1e-4)
        }
    }

    @Test("Along common axes optimal transport scales by the ratio of deviations")
    func knownTransport() throws {
        let alignment = try TextAlignment.optimalTransport(
            from: TextMoments(mean: [1, 2], covariance: [4, 0, 0, 9]),
            to: TextMoments(mean: [0, 5], covariance: [1, 0, 0, 36]))
        let expected = Matrix(rowCount: 2, columnCount: 2, values: [0.5, 0, 0, 2])
        #expect(Self.distance(alignment.matrix, expected) < 1e-6)
        #expect(alignment.origin == [1, 2] && alignment.target == [0, 5])
    }

    @Test("Texts without variance in a direction are transported all the same")
    func singular() throws {
        var from = Self.texts(60, 5, seed: 1)
        // No variance along (1, …, 1), but for rounding.
        for row in 0..<60 {
            let mean = from.row(row).reduce(0, +) / 5
            for column in 0..<5 { from[row, column] -= mean }
        }
        let target = TextMoments(Self.texts(60, 5, seed: 2))
        let alignment = try TextAlignment.optimalTransport(from: TextMoments(from), to: target)
        #expect(alignment.matrix.values.allSatisfy { $0.isFinite })
        let sums = (0..<5).map { column in (0..<5).reduce(Float(0)) { $0 + alignment.matrix[$1, column] } }
        #expect(sums.allSatisfy { abs($0) < 1e-4 })
    }
}
