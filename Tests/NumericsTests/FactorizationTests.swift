import Numerics
import TestSupport
import Testing

@Suite("Normal equations")
struct NormalEquationsTests {
    /// Orders around the kernel's block of sixteen lanes.
    static let orders = [1, 2, 7, 8, 15, 16, 17, 33, 64]

    init() { NumericsBackEnd.useOneThread() }

    /// A system with its matrix and right-hand side in Double.
    struct System {
        let rows: [UInt32]
        let factors: Matrix
        let gram: Matrix
        /// One confidence for all rows, or one each, some below 1.
        let confidences: [Float]
        let regularization: Float

        init(order: Int, rowCount: Int, isConstant: Bool = true, _ stream: inout RandomStream) {
            factors = Naive.gaussianMatrix(3 * order + 5, order, &stream)
            gram = factors.gram
            rows = (0..<rowCount).map { _ in UInt32(stream.integer(below: 3 * order + 5)) }
            let constant = Float(2 + 10 * stream.uniform())
            confidences = (0..<rowCount).map { _ in isConstant ? constant : Float(0.7 + 10 * stream.uniform()) }
            regularization = Float(1 + 5 * stream.uniform())
        }

        var matrix: [[Double]] {
            let order = factors.columnCount
            return (0..<order).map { row in
                (0..<order).map { column in
                    var sum = (0..<factors.rowCount).reduce(0.0) {
                        $0 + Double(factors[$1, row]) * Double(factors[$1, column])
                    }
                    for (item, confidence) in zip(rows, confidences) {
                        let product = Double(factors[Int(item), row]) * Double(factors[Int(item), column])
                        sum += (Double(confidence) - 1) * product
                    }
                    return row == column ? sum + Double(regularization) : sum
                }
            }
        }

        var rightHandSide: [Double] {
            (0..<factors.columnCount).map { column in
                zip(rows, confidences).reduce(0.0) { $0 + Double($1.1) * Double(factors[Int($1.0), column]) }
            }
        }

        /// ‖A x − b‖ and its tolerance: 64 · d · 2⁻²⁴ · (‖A‖ ‖x‖ + ‖b‖), a small multiple of the backward error of a
        /// Cholesky solve of order d with ‖A‖ the Frobenius norm.
        func residual(_ solution: [Float]) -> (norm: Double, tolerance: Double) {
            let matrix = matrix
            let right = rightHandSide
            let residual = zip(matrix, right).map { row, value in
                zip(row, solution).reduce(-value) { $0 + $1.0 * Double($1.1) }
            }
            let size = Naive.norm(matrix.flatMap { $0 }) * Naive.norm(solution.map(Double.init)) + Naive.norm(right)
            return (Naive.norm(residual), 64 * Double(right.count) * 0x1p-24 * size)
        }
    }

    @Test("A right-hand side is the scaled sum of the gathered rows", arguments: orders)
    func rightHandSides(order: Int) {
        var stream = RandomStream(root: 4, path: ["right", .number(order)])
        var equations = NormalEquations(factorCount: order)
        for rowCount in [5, 0, 1, 40] {
            let system = System(order: order, rowCount: rowCount, isConstant: rowCount % 2 == 1, &stream)
            equations.take(system)
            for column in 0..<order {
                let (value, tolerance) = Naive.dot(
                    rowCount, { system.factors[Int(system.rows[$0]), column] }, { system.confidences[$0] })
                #expect(abs(Double(equations.rightHandSide[column]) - value) <= tolerance)
            }
        }
    }

    @Test("Cholesky solves what a naive solver in Double solves, with one workspace for all rows", arguments: orders)
    func cholesky(order: Int) throws {
        var stream = RandomStream(root: 5, path: ["cholesky", .number(order)])
        var equations = NormalEquations(factorCount: order)
        for rowCount in [9, 0, 1, 30, 4] {
            let system = System(order: order, rowCount: rowCount, isConstant: rowCount % 2 == 1, &stream)
            equations.take(system)
            try equations.factor()
            equations.solveFactored()
            let (norm, tolerance) = system.residual(equations.rightHandSide)
            #expect(norm <= tolerance, "\(rowCount) rows")
            let expected = solveNaively(system.matrix, system.rightHandSide)
            let difference = Naive.norm(zip(equations.rightHandSide, expected).map { Double($0) - $1 })
            // λ ≥ 1 bounds the condition number of these systems well below 1e3.
            #expect(difference <= 1e-3 * Naive.norm(expected), "\(rowCount) rows")
        }
    }

    @Test("One factorisation serves several right-hand sides")
    func severalRightHandSides() throws {
        var stream = RandomStream(root: 6, path: ["several"])
        let system = System(order: 12, rowCount: 6, &stream)
        var equations = NormalEquations(factorCount: 12)
        equations.take(system)
        try equations.factor()
        equations.solveFactored()
        let first = equations.rightHandSide
        equations.rightHandSide = [Float](repeating: 1, count: 12)
        equations.solveFactored()
        let expected = solveNaively(system.matrix, [Double](repeating: 1, count: 12))
        #expect(
            Naive.norm(zip(equations.rightHandSide, expected).map { Double($0) - $1 }) <= 1e-3 * Naive.norm(expected))
        equations.take(system)
        equations.solveFactored()
        #expect(equations.rightHandSide == first)
    }

    @Test("Conjugate gradients with many steps converge to Cholesky", arguments: orders)
    func conjugateGradient(order: Int) throws {
        var stream = RandomStream(root: 7, path: ["gradient", .number(order)])
        var exact = NormalEquations(factorCount: order)
        var iterative = NormalEquations(factorCount: order)
        for rowCount in [9, 0, 1, 30, 4] {
            let system = System(order: order, rowCount: rowCount, isConstant: rowCount % 2 == 1, &stream)
            let start = (0..<order).map { _ in Float(stream.gaussian()) }
            exact.take(system)
            iterative.take(system)
            try exact.factor()
            exact.solveFactored()
            iterative.solveConjugateGradient(
                from: start[...], steps: 4 * order + 20)
            let difference = zip(exact.rightHandSide, iterative.rightHandSide).map { Double($0) - Double($1) }
            let size = Naive.norm(exact.rightHandSide.map(Double.init)) + Naive.norm(start.map(Double.init))
            #expect(Naive.norm(difference) <= 1e-4 * size, "\(rowCount) rows")
        }
    }

    @Test("Each conjugate-gradient step lowers the error in the energy norm, and no step returns the start")
    func conjugateGradientSteps() throws {
        var stream = RandomStream(root: 8, path: ["steps"])
        let system = System(order: 16, rowCount: 10, &stream)
        let start = (0..<16).map { _ in Float(stream.gaussian()) }
        let matrix = system.matrix
        let solution = solveNaively(matrix, system.rightHandSide)
        var equations = NormalEquations(factorCount: 16)
        var last = Double.infinity
        for steps in 0...6 {
            equations.take(system)
            equations.solveConjugateGradient(
                from: start[...], steps: steps)
            if steps == 0 { #expect(equations.rightHandSide == start) }
            let error = zip(equations.rightHandSide, solution).map { Double($0) - $1 }
            let energy = zip(matrix, error).reduce(0.0) { sum, pair in
                sum + pair.1 * zip(pair.0, error).reduce(0.0) { $0 + $1.0 * $1.1 }
            }
            #expect(energy < last, "\(steps) steps")
            last = energy
        }
    }

    @Test("A normal matrix that is not positive definite is refused with its failing row")
    func refusesIndefinite() {
        var equations = NormalEquations(factorCount: 3)
        var gram = Matrix.identity(3)
        gram[1, 1] = -2
        equations.setGram(gram, regularization: 0.5)
        equations.gather([], of: Matrix(rowCount: 0, columnCount: 3), confidence: .constant(1))
        #expect(throws: NumericsError.notPositiveDefinite(order: 3, pivot: 2)) { try equations.factor() }
    }
}

extension NormalEquations {
    /// Takes a system and its right-hand side.
    fileprivate mutating func take(_ system: NormalEquationsTests.System) {
        setGram(system.gram, regularization: system.regularization)
        let isConstant = Set(system.confidences).count == 1
        gather(
            system.rows[...], of: system.factors,
            confidence: isConstant ? .constant(system.confidences[0]) : .each(system.confidences[...]))
        setRightHandSide()
    }
}

@Suite("Symmetric matrices in Double")
struct SymmetricMatrixTests {
    init() { NumericsBackEnd.useOneThread() }

    static func symmetric(_ order: Int, shift: Double, _ stream: inout RandomStream) -> [Double] {
        let factor = (0..<order * order).map { _ in stream.gaussian() }
        return (0..<order * order).map { cell in
            let (row, column) = (cell / order, cell % order)
            let product = (0..<order).reduce(0.0) { $0 + factor[$1 * order + row] * factor[$1 * order + column] }
            return row == column ? product + shift : product
        }
    }

    @Test("Eigenvectors and eigenvalues reconstruct the matrix", arguments: [0, 1, 2, 3, 8, 25])
    func reconstruction(order: Int) throws {
        var stream = RandomStream(root: 9, path: [.number(order)])
        let matrix = Self.symmetric(order, shift: -Double(order) / 2, &stream)
        let eigen = try SymmetricEigen(matrix, order: order)
        #expect(eigen.eigenvalues.count == order && eigen.eigenvectors.count == order)
        #expect(eigen.eigenvalues == eigen.eigenvalues.sorted())
        let tolerance = 1e-13 * Double(order) * max(1, Naive.norm(matrix))
        for row in 0..<order {
            for column in 0..<order {
                let value = (0..<order).reduce(0.0) {
                    $0 + eigen.eigenvalues[$1] * eigen.eigenvectors[$1][row] * eigen.eigenvectors[$1][column]
                }
                #expect(abs(value - matrix[row * order + column]) <= tolerance)
                let product = zip(eigen.eigenvectors[row], eigen.eigenvectors[column]).reduce(0) { $0 + $1.0 * $1.1 }
                #expect(abs(product - (row == column ? 1 : 0)) <= 1e-13 * Double(order))
            }
        }
    }

    @Test("The largest element of every eigenvector is positive", arguments: 0..<10)
    func signs(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["signs"])
        for vector in try SymmetricEigen(Self.symmetric(6, shift: 0, &stream), order: 6).eigenvectors {
            let largest = vector.max { abs($0) < abs($1) }
            #expect((largest ?? 0) > 0)
        }
    }

    @Test("A diagonal matrix has its diagonal as eigenvalues and unit vectors as eigenvectors")
    func diagonal() throws {
        let eigen = try SymmetricEigen([3, 0, 0, 0, -1, 0, 0, 0, 2], order: 3)
        for (value, expected) in zip(eigen.eigenvalues, [-1.0, 2, 3]) { #expect(abs(value - expected) < 1e-15) }
        #expect(eigen.eigenvectors == [[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    }

    @Test("A matrix that is not finite has no eigenvalues", arguments: [Double.nan, .infinity, -.infinity])
    func notFinite(value: Double) {
        #expect(throws: NumericsError.notFinite(what: "a covariance matrix")) {
            try SymmetricEigen([1, value, value, 1], order: 2)
        }
    }

    @Test("A positive definite system is solved as by a naive solver", arguments: [1, 2, 5, 20])
    func solve(order: Int) throws {
        var stream = RandomStream(root: 10, path: [.number(order)])
        let matrix = Self.symmetric(order, shift: 1, &stream)
        let rows = (0..<order).map { row in (0..<order).map { matrix[row * order + $0] } }
        for count in [0, 1, 3] {
            let sides = (0..<order * count).map { _ in stream.gaussian() }
            let solution = try solvePositiveDefinite(matrix, order: order, rightHandSides: sides, count: count)
            #expect(solution.count == order * count)
            for index in 0..<count {
                let expected = solveNaively(rows, Array(sides[index * order..<(index + 1) * order]))
                let part = solution[index * order..<(index + 1) * order]
                // The condition number is below 1e3: the smallest eigenvalue is at least 1.
                #expect(Naive.norm(zip(part, expected).map { $0 - $1 }) <= 1e-11 * Naive.norm(expected))
            }
        }
    }

    @Test("A system without unknowns has an empty solution")
    func emptySystem() throws {
        #expect(try solvePositiveDefinite([], order: 0, rightHandSides: [], count: 0).isEmpty)
        #expect(try solvePositiveDefinite([], order: 0, rightHandSides: [], count: 2).isEmpty)
    }

    @Test("A matrix that is not positive definite is refused with its failing row")
    func refusesIndefinite() {
        #expect(throws: NumericsError.notPositiveDefinite(order: 2, pivot: 2)) {
            try solvePositiveDefinite([1, 2, 2, 1], order: 2, rightHandSides: [1, 1], count: 1)
        }
        #expect(throws: NumericsError.notPositiveDefinite(order: 1, pivot: 1)) {
            try solvePositiveDefinite([0], order: 1, rightHandSides: [1], count: 1)
        }
        #expect(throws: NumericsError.notPositiveDefinite(order: 3, pivot: 1)) {
            try solvePositiveDefinite([-1, 0, 0, 0, 1, 0, 0, 0, 1], order: 3, rightHandSides: [1, 1, 1], count: 1)
        }
    }
}
