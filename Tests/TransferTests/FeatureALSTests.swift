import Numerics
import Ratings
import Recommenders
import TestSupport
import Testing
import Transfer

@Suite("ALS with item features")
struct FeatureALSTests {
    init() { NumericsBackEnd.useOneThread() }

    static func configuration(iterations: Int = 4, gamma: Double = 2) -> FeatureALS.Configuration {
        FeatureALS.Configuration(
            factors: 4, regularization: 1.5, itemRegularization: 2.5, featureRegularization: gamma, confidence: 7,
            iterations: iterations)
    }

    /// Persons with up to eight of thirty items; the last items are nobody's, and the last person has none.
    static func rows(seed: UInt64) -> SparseRows {
        var stream = RandomStream(root: seed, path: ["rows"])
        var starts = [0]
        var columns: [UInt32] = []
        for person in 0..<25 {
            let count = person == 24 ? 0 : 1 + stream.integer(below: 8)
            columns += stream.permutation(count: 26).prefix(count).sorted().map { UInt32($0) }
            starts.append(columns.count)
        }
        return SparseRows(starts: starts, columns: columns, columnCount: 30)
    }

    static func stream(_ seed: UInt64) -> RandomStream { RandomStream(root: seed, path: ["start"]) }

    static func model(_ seed: UInt64, gamma: Double = 2, prior: Matrix? = nil) throws -> FeatureALS {
        try FeatureALS(
            configuration: configuration(gamma: gamma), rows: rows(seed: seed),
            features: TextAlignmentTests.texts(30, 5, seed: seed), prior: prior, stream: stream(seed))
    }

    @Test("The objective falls at every step of every sweep")
    func objective() throws {
        for seed: UInt64 in 1...5 {
            let rows = Self.rows(seed: seed)
            let columns = rows.transposed
            var model = try FeatureALS(
                start: Self.configuration(), rows: rows, features: TextAlignmentTests.texts(30, 5, seed: seed),
                prior: seed % 2 == 0 ? TextAlignmentTests.texts(5, 4, seed: 70) : nil, stream: Self.stream(seed))
            var equations = NormalEquations(factorCount: 4)
            var last = model.objective(rows)
            func check(_ step: String) {
                let next = model.objective(rows)
                // Factors are rounded to Float.
                #expect(next <= last * (1 + 1e-6), "\(step) with seed \(seed)")
                last = next
            }
            for _ in 0..<4 {
                try model.solveUsers(rows, &equations)
                check("persons")
                model.updatePrior(rows)
                check("prior")
                try model.solveItems(columns, &equations)
                check("items")
                model.solveFeatureWeights()
                check("weights")
            }
        }
    }

    @Test("Items solve their normal equations, and weights the ridge regression, as computed naively")
    func oracle() throws {
        let (rows, features) = (Self.rows(seed: 3), TextAlignmentTests.texts(30, 5, seed: 3))
        let prior = TextAlignmentTests.texts(5, 4, seed: 71)
        var model = try FeatureALS(
            start: Self.configuration(), rows: rows, features: features, prior: prior, stream: Self.stream(3))
        var equations = NormalEquations(factorCount: 4)
        try model.solveUsers(rows, &equations)
        let columns = rows.transposed
        try model.solveItems(columns, &equations)
        let users = model.userFactors
        let predicted = features.multiplied(by: prior)
        let warm = (0..<30).filter { !columns.row($0).isEmpty }
        for item in warm {
            var matrix = (0..<4).map { row in (0..<4).map { row == $0 ? 2.5 : 0.0 } }
            var right = (0..<4).map { 2.5 * Double(predicted[item, $0]) }
            for person in 0..<25 {
                let isKnown = columns.row(item).contains(UInt32(person))
                for row in 0..<4 {
                    for column in 0..<4 {
                        matrix[row][column] +=
                            (isKnown ? 8 : 1) * Double(users[person, row]) * Double(users[person, column])
                    }
                    right[row] += isKnown ? 8 * Double(users[person, row]) : 0
                }
            }
            let expected = solveNaively(matrix, right)
            #expect((0..<4).allSatisfy { abs(Double(model.itemFactors[item, $0]) - expected[$0]) < 1e-4 })
        }
        model.solveFeatureWeights()
        for factor in 0..<4 {
            let matrix = (0..<5).map { row in
                (0..<5).map { column in
                    warm.reduce(row == column ? 2.0 : 0) {
                        $0 + 2.5 * Double(features[$1, row]) * Double(features[$1, column])
                    }
                }
            }
            let right = (0..<5).map { row in
                warm.reduce(2 * Double(prior[row, factor])) {
                    $0 + 2.5 * Double(features[$1, row]) * Double(model.itemFactors[$1, factor])
                }
            }
            let expected = solveNaively(matrix, right)
            #expect((0..<5).allSatisfy { abs(Double(model.featureWeights[$0, factor]) - expected[$0]) < 1e-4 })
        }
    }

    @Test("An item without interactions has the factors of its features, a person without any the prior")
    func cold() throws {
        let model = try Self.model(4)
        let predicted = TextAlignmentTests.texts(30, 5, seed: 4).multiplied(by: model.featureWeights)
        for item in 26..<30 {
            #expect(Array(model.itemFactors.row(item)) == Array(predicted.row(item)))
            #expect(model.itemFactors.row(item).contains { $0 != 0 })
        }
        #expect(Array(model.userFactors.row(24)) == model.userPrior)
    }

    @Test("Without features the items of a model that knows no prior are drawn to zero, as plain ALS draws them")
    func plain() throws {
        let rows = Self.rows(seed: 5)
        let model = try FeatureALS(
            configuration: .init(
                factors: 4, regularization: 2, itemRegularization: 2, featureRegularization: 1e9, confidence: 7,
                iterations: 0), rows: rows, features: Matrix(rowCount: 30, columnCount: 1), stream: Self.stream(5))
        let plain = try ImplicitALS(
            rows,
            configuration: .init(
                factors: 4, regularization: 2, confidence: 7, iterations: 0, solver: .cholesky),
            stream: Self.stream(5))
        // The same draws, but for items that nobody has.
        #expect(model.itemFactors.row(0) == plain.itemFactors.row(0))
        var step = try FeatureALS(
            start: model.configuration, rows: rows, features: Matrix(rowCount: 30, columnCount: 1), prior: nil,
            stream: Self.stream(5))
        var equations = NormalEquations(factorCount: 4)
        try step.solveUsers(rows, &equations)
        let users = try ImplicitALS.rowFactors(
            rows, columnFactors: model.itemFactors, regularization: 2, confidence: 7)
        #expect(TextAlignmentTests.distance(step.userFactors, users) < 1e-5)
        try step.solveItems(rows.transposed, &equations)
        let items = try ImplicitALS.rowFactors(
            rows.transposed, columnFactors: users, regularization: 2, confidence: 7)
        #expect(TextAlignmentTests.distance(step.itemFactors, items) < 1e-5)
    }

    @Test("A strong ridge holds the weights at their prior mean, a weak one lets them go")
    func shrinkage() throws {
        let prior = TextAlignmentTests.texts(5, 4, seed: 72)
        let held = try Self.model(6, gamma: 1e8, prior: prior)
        #expect(TextAlignmentTests.distance(held.featureWeights, prior) < 1e-3)
        let free = try Self.model(6, gamma: 1e-3, prior: prior)
        #expect(TextAlignmentTests.distance(free.featureWeights, prior) > 0.1)
    }

    @Test("Training twice gives the same bits")
    func determinism() throws {
        let one = try Self.model(7)
        let other = try Self.model(7)
        #expect(one.itemFactors == other.itemFactors && one.featureWeights == other.featureWeights)
    }
}
