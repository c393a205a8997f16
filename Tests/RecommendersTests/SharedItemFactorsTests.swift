import Numerics
import Ratings
import Recommenders
import Testing

@Suite("Item factors that several clients learn together")
struct SharedItemFactorsTests {
    static let regularization: Float = 0.7
    static let confidence: Float = 6

    init() { NumericsBackEnd.useOneThread() }

    static func model(_ rows: SparseRows) -> SharedItemFactors {
        SharedItemFactors(rows, regularization: regularization, confidence: confidence)
    }

    static func factors(_ rows: Int, _ width: Int, seed: UInt64) -> Matrix {
        var stream = RandomStream(root: seed, path: ["factors"])
        return Matrix(
            rowCount: rows, columnCount: width, values: (0..<rows * width).map { _ in Float(0.3 * stream.gaussian()) })
    }

    /// The rows dealt to three clients, the third of which gets none.
    static func parts(_ rows: SparseRows) -> [SparseRows] {
        (0..<3).map { part in
            Naive.rows(
                (0..<rows.rowCount).filter { part < 2 && $0 % 2 == part }.map { rows.row($0).map(Int.init) },
                items: rows.columnCount)
        }
    }

    @Test("the statistics of all clients add up to those of one, and to its exact half-sweep", arguments: 0..<5)
    func halfSweep(seed: UInt64) throws {
        let rows = ImplicitALSTests.pattern(seed, persons: 30)
        let items = Self.factors(rows.columnCount, 4, seed: seed)
        let parts = try Self.parts(rows).map { part in
            let model = Self.model(part)
            return model.statistics(try model.userFactors(items))
        }
        let whole = Self.model(rows).statistics(try Self.model(rows).userFactors(items))
        func sum(_ values: (SharedItemFactors.Statistics) -> [Float]) -> [Double] {
            parts.reduce([Double](repeating: 0, count: values(whole).count)) { sums, part in
                zip(sums, values(part)).map { $0 + Double($1) }
            }
        }
        for (expected, actual) in [
            (whole.gram.values, sum { $0.gram.values }), (whole.products, sum { $0.products }),
            (whole.sums.values, sum { $0.sums.values }),
        ] {
            for (first, second) in zip(expected, actual) { #expect(abs(Double(first) - second) < 1e-4) }
        }
        // Solved from the sums by a dense solver, item by item.
        let users = try ImplicitALS.rowFactors(
            rows, columnFactors: items, regularization: Self.regularization, confidence: Self.confidence)
        let expected = try ImplicitALS.rowFactors(
            rows.transposed, columnFactors: users, regularization: Self.regularization, confidence: Self.confidence)
        let (gram, products, sums) = (sum { $0.gram.values }, sum { $0.products }, sum { $0.sums.values })
        for item in 0..<rows.columnCount {
            var matrix = gram
            var position = item * 10
            for row in 0..<4 {
                matrix[row * 4 + row] += Double(Self.regularization)
                for column in row..<4 {
                    let value = Double(Self.confidence) * products[position]
                    matrix[row * 4 + column] += value
                    if row != column { matrix[column * 4 + row] += value }
                    position += 1
                }
            }
            let side = sums[item * 4..<item * 4 + 4].map { $0 * Double(1 + Self.confidence) }
            let solution = try solvePositiveDefinite(matrix, order: 4, rightHandSides: side, count: 1)
            for (index, value) in solution.enumerated() {
                #expect(abs(value - Double(expected[item, index])) < 1e-4, "item \(item)")
            }
        }
    }

    @Test("persons' gradients and λq are half the derivative of the objective", arguments: 0..<5)
    func gradient(seed: UInt64) throws {
        let rows = ImplicitALSTests.pattern(seed)
        let items = Self.factors(rows.columnCount, 3, seed: seed)
        let model = Self.model(rows)
        let users = try model.userFactors(items)
        var sum = items.values.map { Double(Self.regularization) * Double($0) }
        for person in 0..<rows.rowCount where model.hasInteractions(person) {
            var part = [Float](repeating: 0, count: items.values.count)
            part.withUnsafeMutableBufferPointer {
                model.writeGradient(of: person, userFactor: users.row(person), itemFactors: items, to: $0)
            }
            for (index, value) in part.enumerated() { sum[index] += Double(value) }
        }
        // The users' factors stay: where they are optimal the derivative through them is zero.
        let fixed = users.values.map(Double.init)
        let start = items.values.map(Double.init)
        for index in start.indices {
            func value(_ step: Double) -> Double {
                var moved = start
                moved[index] += step
                return Naive.objective(
                    users: fixed, items: moved, factors: 3, rows: rows, regularization: Double(Self.regularization),
                    confidence: Double(Self.confidence))
            }
            let derivative = (value(1e-3) - value(-1e-3)) / 2e-3
            #expect(abs(derivative / 2 - sum[index]) < 1e-4, "element \(index)")
        }
    }

    @Test("a damped sweep lowers the objective of one client, and less so the more it is drawn back", arguments: 0..<5)
    func damped(seed: UInt64) throws {
        let rows = ImplicitALSTests.pattern(seed, persons: 40, items: 12)
        let items = Self.factors(rows.columnCount, 3, seed: seed)
        let model = Self.model(rows)
        let users = try model.userFactors(items)
        func objective(_ items: Matrix) -> Double {
            Naive.objective(
                users: users.values.map(Double.init), items: items.values.map(Double.init), factors: 3, rows: rows,
                regularization: Double(Self.regularization), confidence: Double(Self.confidence))
        }
        func distance(_ other: Matrix) -> Double {
            zip(items.values, other.values).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }.squareRoot()
        }
        let free = try model.dampedSweep(items, common: items, proximal: 0, clientCount: 1)
        let drawn = try model.dampedSweep(items, common: items, proximal: 5, clientCount: 1)
        let exact = try ImplicitALS.rowFactors(
            rows.transposed, columnFactors: users, regularization: Self.regularization, confidence: Self.confidence)
        #expect(objective(free) < objective(items) && objective(drawn) < objective(items))
        #expect(objective(exact) <= objective(free))
        #expect(distance(drawn) < distance(free) && distance(free) < distance(exact))
    }

    @Test("many damped sweeps of one client end where alternating least squares ends")
    func fixedPoint() throws {
        let rows = ImplicitALSTests.pattern(3, persons: 30, items: 10)
        var items = Self.factors(rows.columnCount, 2, seed: 3)
        let model = Self.model(rows)
        for _ in 0..<400 { items = try model.dampedSweep(items, common: items, proximal: 0, clientCount: 1) }
        let users = try model.userFactors(items)
        let exact = try ImplicitALS.rowFactors(
            rows.transposed, columnFactors: users, regularization: Self.regularization, confidence: Self.confidence)
        for (first, second) in zip(items.values, exact.values) { #expect(abs(first - second) < 1e-3) }
    }
}
