import Numerics
import TestSupport
import Testing

@Suite("Inverses, ridge regressions and row operations")
struct InverseTests {
    init() { NumericsBackEnd.useOneThread() }

    @Test("The inverse of a positive definite matrix times the matrix is the identity", arguments: [1, 2, 5, 40])
    func inverse(order: Int) throws {
        var stream = RandomStream(root: UInt64(order), path: ["inverse"])
        let factor = (0..<order * order).map { _ in stream.gaussian() }
        var matrix = [Double](repeating: 0, count: order * order)
        for row in 0..<order {
            for column in 0..<order {
                for inner in 0..<order {
                    matrix[row * order + column] += factor[row * order + inner] * factor[column * order + inner]
                }
            }
            matrix[row * order + row] += 1
        }
        var inverse = matrix
        // The lower triangle is neither read nor written.
        for row in 0..<order { for column in 0..<row { inverse[row * order + column] = 1e6 } }
        try invertPositiveDefinite(upperTriangle: &inverse, order: order)
        func element(_ row: Int, _ column: Int) -> Double { inverse[min(row, column) * order + max(row, column)] }
        for row in 0..<order {
            for column in 0..<order {
                let product = (0..<order).reduce(0.0) { $0 + matrix[row * order + $1] * element($1, column) }
                #expect(abs(product - (row == column ? 1 : 0)) <= 1e-10)
                if column < row { #expect(inverse[row * order + column] == 1e6) }
            }
        }
    }

    @Test("What is not positive definite or not finite is refused")
    func refusals() {
        var indefinite: [Double] = [1, 2, 0, 1]
        #expect(throws: NumericsError.notPositiveDefinite(order: 2, pivot: 2)) {
            try invertPositiveDefinite(upperTriangle: &indefinite, order: 2)
        }
        // Positive by rounding alone: the last pivot is 2⁻⁵².
        var rounded: [Double] = [1, 1, 0, 1 + 0x1p-52]
        #expect(throws: NumericsError.notPositiveDefinite(order: 2, pivot: 2)) {
            try invertPositiveDefinite(upperTriangle: &rounded, order: 2)
        }
        var infinite: [Double] = [.infinity]
        #expect(throws: NumericsError.notFinite(what: "a Gram matrix")) {
            try invertPositiveDefinite(upperTriangle: &infinite, order: 1)
        }
        var empty: [Double] = []
        #expect(throws: Never.self) { try invertPositiveDefinite(upperTriangle: &empty, order: 0) }
    }

    @Test("A ridge regression solves its normal equations, again and again", arguments: 0..<5)
    func ridge(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["ridge"])
        var regression = RidgeRegression(featureCount: 4)
        for round in 0..<3 {
            var normal = [[Double]](repeating: [Double](repeating: 0, count: 4), count: 4)
            let prior = (0..<4).map { _ in stream.gaussian() }
            let weights = [round == 1 ? 2 : 0.5, 0.5, 0.5, 0.5]
            var right = zip(weights, prior).map { $0 * $1 }
            for index in 0..<4 { normal[index][index] = weights[index] }
            regression.begin()
            for _ in 0...stream.integer(below: 6) {
                let target = stream.gaussian()
                for row in 0..<4 { regression.features[row] = stream.gaussian() }
                for row in 0..<4 {
                    right[row] += target * regression.features[row]
                    for column in 0..<4 {
                        normal[row][column] += regression.features[row] * regression.features[column]
                    }
                }
                regression.add(target: target)
            }
            try regression.solve(
                regularization: 0.5, interceptRegularization: round == 1 ? 2 : nil, prior: prior)
            for (value, answer) in zip(regression.solution, solveNaively(normal, right)) {
                #expect(abs(value - answer) <= 1e-10, "seed \(seed), round \(round)")
            }
            regression.begin()
            try regression.solve(regularization: 0, prior: prior)
            #expect(regression.solution == prior)
            try regression.solve(regularization: 0)
            #expect(regression.solution == [0, 0, 0, 0])
        }
        regression.begin()
        regression.features = [1, 2, 3, 4]
        regression.add(target: 1)
        #expect(throws: NumericsError.self) { try regression.solve(regularization: 0) }
    }

    @Test("Rows add up and multiply, at every length", arguments: [0, 1, 7, 8, 9, 16, 33])
    func rows(columns: Int) {
        var stream = RandomStream(root: UInt64(columns), path: ["rows"])
        let matrix = Naive.gaussianMatrix(5, columns, &stream)
        let vector = (0..<columns).map { _ in Float(stream.gaussian()) }
        var sum = vector
        matrix.addRow(3, to: &sum)
        #expect(sum == zip(vector, matrix.row(3)).map { $0 + $1 })
        var products = [Float](repeating: 7, count: 5)
        matrix.rowProducts(with: vector, into: &products)
        for row in 0..<5 {
            let answer = Naive.dot(columns, { matrix[row, $0] }, { vector[$0] })
            #expect(abs(Double(products[row]) - answer.value) <= answer.tolerance)
        }
    }
}
