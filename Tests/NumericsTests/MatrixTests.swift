import Numerics
import Testing

@Suite("Matrix")
struct MatrixTests {
    init() { NumericsBackEnd.useOneThread() }

    /// Shapes with every mixture of 0, 1 and more, then random ones.
    static let shapes: [(Int, Int, Int)] = {
        var stream = RandomStream(root: 1, path: ["shapes"])
        let edges = [0, 1, 3]
        let small = edges.flatMap { a in edges.flatMap { b in edges.map { (a, b, $0) } } }
        return small
            + (0..<12).map { _ in
                (1 + stream.integer(below: 70), 1 + stream.integer(below: 70), 1 + stream.integer(below: 70))
            }
    }()

    static func stream(_ shape: (Int, Int, Int)) -> RandomStream {
        RandomStream(root: 2, path: [.number(shape.0), .number(shape.1), .number(shape.2)])
    }

    @Test("A product equals the naive product in Double", arguments: shapes)
    func products(shape: (Int, Int, Int)) {
        let (rows, inner, columns) = shape
        var stream = Self.stream(shape)
        let left = Naive.gaussianMatrix(rows, inner, &stream)
        let right = Naive.gaussianMatrix(inner, columns, &stream)
        let product = left.multiplied(by: right)
        let same = left.multiplied(byTransposeOf: right.transposed)
        for out in [product, same] {
            #expect(out.rowCount == rows && out.columnCount == columns && out.values.count == rows * columns)
            for row in 0..<rows {
                for column in 0..<columns {
                    let (value, tolerance) = Naive.dot(inner, { left[row, $0] }, { right[$0, column] })
                    #expect(abs(Double(out[row, column]) - value) <= tolerance)
                }
            }
        }
    }

    @Test("A product with a vector equals the naive product in Double", arguments: shapes)
    func vectorProducts(shape: (Int, Int, Int)) {
        let (rows, columns, _) = shape
        var stream = Self.stream(shape)
        let matrix = Naive.gaussianMatrix(rows, columns, &stream)
        let right = (0..<columns).map { _ in Float(stream.gaussian()) }
        let left = (0..<rows).map { _ in Float(stream.gaussian()) }
        let product = matrix.multiplied(by: right)
        #expect(product.count == rows)
        for row in 0..<rows {
            let (value, tolerance) = Naive.dot(columns, { matrix[row, $0] }, { right[$0] })
            #expect(abs(Double(product[row]) - value) <= tolerance)
        }
        let transposed = matrix.transposeMultiplied(by: left)
        #expect(transposed.count == columns)
        for column in 0..<columns {
            let (value, tolerance) = Naive.dot(rows, { matrix[$0, column] }, { left[$0] })
            #expect(abs(Double(transposed[column]) - value) <= tolerance)
        }
    }

    @Test("A Gram matrix is symmetric and equals the naive one in Double", arguments: shapes)
    func grams(shape: (Int, Int, Int)) {
        let (rows, columns, _) = shape
        var stream = Self.stream(shape)
        let matrix = Naive.gaussianMatrix(rows, columns, &stream)
        let gram = matrix.gram
        #expect(gram.rowCount == columns && gram.columnCount == columns)
        #expect(gram == gram.transposed)
        for row in 0..<columns {
            for column in 0..<columns {
                let (value, tolerance) = Naive.dot(rows, { matrix[$0, row] }, { matrix[$0, column] })
                #expect(abs(Double(gram[row, column]) - value) <= tolerance)
            }
        }
    }

    @Test("A transpose swaps the indices, and rows are slices of the buffer")
    func layout() {
        let matrix = Matrix(rowCount: 2, columnCount: 3, values: [1, 2, 3, 4, 5, 6])
        #expect(matrix.transposed == Matrix(rowCount: 3, columnCount: 2, values: [1, 4, 2, 5, 3, 6]))
        #expect(matrix.transposed.transposed == matrix)
        #expect(Array(matrix.row(1)) == [4, 5, 6])
        #expect(matrix[1, 0] == 4)
    }

    @Test("The identity changes no matrix", arguments: [0, 1, 5])
    func identity(order: Int) {
        var stream = RandomStream(root: 3, path: [.number(order)])
        let matrix = Naive.gaussianMatrix(4, order, &stream)
        #expect(matrix.multiplied(by: .identity(order)) == matrix)
    }
}
