import Numerics
import Testing

@Suite("Singular values")
struct SingularValueTests {
    init() { NumericsBackEnd.useOneThread() }

    @Test(
        "A decomposition gives the matrix back, with orthonormal vectors", arguments: [(1, 1), (4, 4), (7, 3), (3, 8)])
    func reconstruction(_ rows: Int, _ columns: Int) throws {
        var stream = RandomStream(root: 5, path: ["svd", .number(rows), .number(columns)])
        let matrix = (0..<rows * columns).map { _ in stream.gaussian() }
        let parts = try SingularValues(matrix, rowCount: rows, columnCount: columns)
        #expect(parts.values.count == min(rows, columns))
        #expect(zip(parts.values, parts.values.dropFirst()).allSatisfy { $0 >= $1 })
        for row in 0..<rows {
            for column in 0..<columns {
                let sum = parts.values.indices.reduce(0.0) {
                    $0 + parts.values[$1] * parts.leftVectors[$1][row] * parts.rightVectors[$1][column]
                }
                #expect(abs(sum - matrix[row * columns + column]) < 1e-12)
            }
        }
        for vectors in [parts.leftVectors, parts.rightVectors] {
            for (first, one) in vectors.enumerated() {
                for (second, other) in vectors.enumerated() {
                    let dot = zip(one, other).reduce(0) { $0 + $1.0 * $1.1 }
                    #expect(abs(dot - (first == second ? 1 : 0)) < 1e-12)
                }
            }
        }
    }

    @Test("Singular values are lengths, not signs")
    func knownAnswer() throws {
        let parts = try SingularValues([0, 3, -2, 0], rowCount: 2, columnCount: 2)
        #expect(parts.values.count == 2 && abs(parts.values[0] - 3) < 1e-15 && abs(parts.values[1] - 2) < 1e-15)
        #expect(parts.leftVectors.allSatisfy { $0.max { abs($0) < abs($1) } ?? 0 > 0 })
    }

    @Test("A matrix with a NaN is refused")
    func notFinite() {
        #expect(throws: NumericsError.notFinite(what: "a matrix to decompose")) {
            try SingularValues([1, .nan], rowCount: 1, columnCount: 2)
        }
    }

    @Test("A square root times itself is the matrix, and its pseudo-inverse undoes it on the range")
    func squareRoot() throws {
        var stream = RandomStream(root: 6, path: ["root"])
        let (order, rank) = (6, 4)
        let factor = (0..<order * rank).map { _ in stream.gaussian() }
        var transposed = factor
        for row in 0..<order {
            for column in 0..<rank { transposed[column * order + row] = factor[row * rank + column] }
        }
        let matrix = product(factor, transposed, rows: order, inner: rank, columns: order)
        let eigen = try SymmetricEigen(matrix, order: order)
        func times(_ left: [Double], _ right: [Double]) -> [Double] {
            product(left, right, rows: order, inner: order, columns: order)
        }
        let root = eigen.squareRoot()
        let inverse = eigen.squareRoot(isInverse: true)
        #expect(zip(times(root, root), matrix).allSatisfy { abs($0 - $1) < 1e-10 })
        #expect(zip(times(times(inverse, matrix), inverse), times(root, inverse)).allSatisfy { abs($0 - $1) < 1e-10 })
        #expect(zip(times(times(root, inverse), root), root).allSatisfy { abs($0 - $1) < 1e-10 })
    }
}
