import Numerics
import Ratings
import Recommenders
import TestSupport
import Testing

/// The cells of a square.
private func pairs(_ order: Int) -> [(Int, Int)] { (0..<order * order).map { ($0 / order, $0 % order) } }

/// A domain small enough for a slow twin in Double.
private struct Domain {
    let rows: SparseRows
    let vectors: Matrix
    let regularization = 2.0
    let confidence = 5.0

    init(seed: UInt64, persons: Int = 14, items: Int = 10, dimension: Int = 3) {
        var stream = RandomStream(root: seed, path: ["tower-domain"])
        rows = Naive.pattern(persons, items, density: 0.4, &stream)
        vectors = Matrix(
            rowCount: items, columnCount: dimension,
            values: (0..<items * dimension).map { _ in Float(stream.gaussian()) })
    }

    func improved(_ tower: TextTower) throws -> (tower: TextTower, personCount: Int) {
        try tower.improved(
            rows, vectors: vectors, regularization: Float(regularization), confidence: Float(confidence))
    }

    private func solve(_ entries: [Int], _ fixed: [[Double]], prior: [Double]) -> [Double] {
        let order = prior.count
        var normal = [[Double]](repeating: [Double](repeating: 0, count: order), count: order)
        var right = prior.map { regularization * $0 }
        for index in 0..<order { normal[index][index] = regularization }
        for (index, row) in fixed.enumerated() {
            let weight = entries.contains(index) ? 1 + confidence : 1
            for (first, second) in pairs(order) {
                normal[first][second] += weight * row[first] * row[second]
            }
            if entries.contains(index) { for factor in 0..<order { right[factor] += weight * row[factor] } }
        }
        return solveNaively(normal, right)
    }

    /// One local step from the definition: persons, then items, then the ridge regression of items on texts.
    func improvedNaively(_ tower: TextTower) -> (weights: [[Double]], prior: [Double]) {
        let texts = (0..<vectors.rowCount).map { vectors.row($0).map(Double.init) }
        let weights = (0..<tower.weights.rowCount).map { tower.weights.row($0).map(Double.init) }
        let (dimension, factors) = (tower.weights.rowCount, tower.weights.columnCount)
        let items = texts.map { text in
            (0..<factors).map { (factor: Int) -> Double in
                (0..<dimension).reduce(0.0) { $0 + text[$1] * weights[$1][factor] }
            }
        }
        var persons = [[Double]](repeating: [Double](repeating: 0, count: factors), count: rows.rowCount)
        var raters = [[Int]](repeating: [], count: rows.columnCount)
        for person in 0..<rows.rowCount where !rows.row(person).isEmpty {
            persons[person] = solve(rows.row(person).map { Int($0) }, items, prior: tower.prior.map(Double.init))
            for item in rows.row(person) { raters[Int(item)].append(person) }
        }
        let refitted = raters.map { entries in
            entries.isEmpty
                ? [Double](repeating: 0, count: factors)
                : solve(entries, persons, prior: [Double](repeating: 0, count: factors))
        }
        var normal = [[Double]](repeating: [Double](repeating: 0, count: dimension), count: dimension)
        for (text, entries) in zip(texts, raters) where !entries.isEmpty {
            for (row, column) in pairs(dimension) {
                normal[row][column] += text[row] * text[column]
            }
        }
        let trace = (0..<dimension).reduce(0.0) { $0 + normal[$1][$1] }
        for index in 0..<dimension { normal[index][index] += 1e-3 * trace / Double(dimension) + 1e-9 }
        let columns = (0..<factors).map { (factor: Int) -> [Double] in
            var right = [Double](repeating: 0, count: dimension)
            for (text, item) in zip(texts, refitted) {
                for row in 0..<dimension { right[row] += text[row] * item[factor] }
            }
            return solveNaively(normal, right)
        }
        var mean = [Double](repeating: 0, count: factors)
        let active = (0..<rows.rowCount).filter { !rows.row($0).isEmpty }
        for person in active {
            for factor in 0..<factors { mean[factor] += persons[person][factor] / Double(active.count) }
        }
        return ((0..<dimension).map { row in columns.map { $0[row] } }, mean)
    }
}

@Suite("Text tower")
struct TextTowerTests {
    init() { NumericsBackEnd.useOneThread() }

    static func start(dimension: Int = 3, factors: Int = 2, seed: UInt64 = 1) -> TextTower {
        TextTower(textDimension: dimension, factors: factors, stream: RandomStream(root: seed, path: ["tower"]))
    }

    private func distance(_ first: TextTower, _ second: TextTower) -> Double {
        let left: [Float] = first.weights.values + first.prior
        let right: [Float] = second.weights.values + second.prior
        return Naive.largest(zip(left, right).map { Double($0.0) - Double($0.1) })
    }

    @Test("A local step is the one of a slow twin in Double, step after step", arguments: 1...6 as ClosedRange<UInt64>)
    func oracle(seed: UInt64) throws {
        let domain = Domain(seed: seed)
        var tower = Self.start(seed: seed)
        for step in 0..<4 {
            let expected = domain.improvedNaively(tower)
            let (improved, count) = try domain.improved(tower)
            #expect(count == (0..<domain.rows.rowCount).count { !domain.rows.row($0).isEmpty })
            let scale = 1 + Naive.largest(expected.weights.flatMap { $0 } + expected.prior)
            for (row, values) in expected.weights.enumerated() {
                for (value, found) in zip(values, improved.weights.row(row)) {
                    #expect(abs(value - Double(found)) <= 1e-4 * scale, "step \(step)")
                }
            }
            for (value, found) in zip(expected.prior, improved.prior) {
                #expect(abs(value - Double(found)) <= 1e-4 * scale, "step \(step)")
            }
            // The step is more than rounding: the twin would see a tower that stayed as it was.
            #expect(distance(improved, tower) > 1e-2)
            tower = improved
        }
    }

    @Test("The common start is the same everywhere: drawn from the stream, with a prior of zero")
    func start() {
        #expect(Self.start() == Self.start())
        #expect(Self.start() != Self.start(seed: 2))
        let tower = Self.start(dimension: 400, factors: 50)
        #expect(tower.prior == [Float](repeating: 0, count: 50))
        let variance = tower.weights.values.reduce(0.0) { $0 + Double($1) * Double($1) } / 20_000
        // The relative deviation of a variance of n normal draws is √(2/n), here 1 %.
        #expect(abs(variance * 400 - 1) < 0.05)
    }

    @Test("The mean of one client's tower is that tower, and of several it is weighted by their persons")
    func federatedMean() throws {
        func summed(_ parts: [(tower: TextTower, personCount: Int)]) -> TextTower {
            var weights = [Float](repeating: 0, count: 6)
            var prior = [Float](repeating: 0, count: 2)
            for (tower, count) in parts {
                for index in 0..<6 { weights[index] += Float(count) * tower.weights.values[index] }
                for index in 0..<2 { prior[index] += Float(count) * tower.prior[index] }
            }
            return TextTower(
                weightsSum: Matrix(rowCount: 3, columnCount: 2, values: weights), priorSum: prior,
                count: Float(parts.reduce(0) { $0 + $1.personCount }))
        }
        let first = try Domain(seed: 1).improved(Self.start())
        let second = try Domain(seed: 2, persons: 40).improved(Self.start())
        #expect(distance(summed([first]), first.tower) < 1e-6)
        #expect(distance(summed([first, first]), first.tower) < 1e-6)
        let both = summed([first, second])
        let share = Double(first.personCount) / Double(first.personCount + second.personCount)
        for (value, parts) in zip(both.weights.values, zip(first.tower.weights.values, second.tower.weights.values)) {
            let expected = share * Double(parts.0) + (1 - share) * Double(parts.1)
            #expect(abs(Double(value) - expected) < 1e-6)
        }
        #expect(distance(both, summed([second, first])) < 1e-6)
        #expect(distance(both, first.tower) > 1e-3 && distance(both, second.tower) > 1e-3)
    }

    @Test("Item factors are texts times weights, row by row")
    func itemFactors() {
        let domain = Domain(seed: 3)
        let tower = Self.start()
        let factors = tower.itemFactors(domain.vectors)
        #expect(factors.rowCount == 10 && factors.columnCount == 2)
        for item in 0..<10 {
            for factor in 0..<2 {
                let expected = (0..<3).reduce(0.0) {
                    $0 + Double(domain.vectors[item, $1]) * Double(tower.weights[$1, factor])
                }
                #expect(abs(Double(factors[item, factor]) - expected) < 1e-6)
            }
        }
    }

    @Test(
        "Neither the order of the items nor that of the persons matters to a step",
        arguments: 1...4 as ClosedRange<UInt64>)
    func permutation(seed: UInt64) throws {
        let domain = Domain(seed: seed)
        let (expected, count) = try domain.improved(Self.start())
        var stream = RandomStream(root: seed, path: ["permutation"])
        let items = stream.permutation(count: domain.rows.columnCount)
        let persons = stream.permutation(count: domain.rows.rowCount)
        let rows = Naive.rows(
            persons.map { person in domain.rows.row(person).map { item in items[Int(item)] }.sorted() },
            items: domain.rows.columnCount)
        var vectors = domain.vectors
        for item in 0..<domain.rows.columnCount {
            for column in 0..<3 { vectors[items[item], column] = domain.vectors[item, column] }
        }
        let (found, foundCount) = try Self.start().improved(rows, vectors: vectors, regularization: 2, confidence: 5)
        #expect(foundCount == count)
        #expect(distance(found, expected) < 1e-4)
    }

    @Test("A domain without training leaves the tower as it is and has no weight in the mean")
    func nobody() throws {
        let tower = Self.start()
        let nobody = Naive.rows([[], [], []], items: 10)
        let (same, count) = try tower.improved(
            nobody, vectors: Domain(seed: 1).vectors, regularization: 2, confidence: 5)
        #expect(same == tower && count == 0)
    }

    @Test("Items without text, all of them even, give finite weights")
    func noText() throws {
        let domain = Domain(seed: 5)
        let (tower, _) = try Self.start().improved(
            domain.rows, vectors: Matrix(rowCount: 10, columnCount: 3), regularization: 2, confidence: 5)
        #expect(tower.weights.values.allSatisfy { $0 == 0 })
        #expect(tower.prior.allSatisfy { $0 == 0 })
        #expect(tower.itemFactors(domain.vectors).values.allSatisfy { $0 == 0 })
    }
}

@Suite("Row factors")
struct RowFactorTests {
    init() { NumericsBackEnd.useOneThread() }

    @Test("Row factors solve each row's normal equations, and a row without entries is zero", arguments: 0..<5)
    func oracle(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["row-factors"])
        let rows = Naive.pattern(12, 15, density: 0.3, &stream)
        let fixed = Matrix(rowCount: 15, columnCount: 4, values: (0..<60).map { _ in Float(stream.gaussian()) })
        let found = try ImplicitALS.rowFactors(rows, columnFactors: fixed, regularization: 0.5, confidence: 8)
        #expect(found.rowCount == 12 && found.columnCount == 4)
        for row in 0..<12 {
            let entries = rows.row(row)
            guard !entries.isEmpty else {
                #expect(found.row(row).allSatisfy { $0 == 0 })
                continue
            }
            var normal = (0..<4).map { index in (0..<4).map { $0 == index ? 0.5 : 0 } }
            var right = [Double](repeating: 0, count: 4)
            for column in 0..<15 {
                let vector = fixed.row(column).map(Double.init)
                let isObserved = entries.contains(UInt32(column))
                for first in 0..<4 {
                    for second in 0..<4 {
                        normal[first][second] += (isObserved ? 9 : 1) * vector[first] * vector[second]
                    }
                    if isObserved { right[first] += 9 * vector[first] }
                }
            }
            for (value, expected) in zip(found.row(row), solveNaively(normal, right)) {
                #expect(abs(Double(value) - expected) <= 1e-4 * (1 + abs(expected)), "row \(row)")
            }
        }
    }

    @Test("A model's users are the row factors of its items before the last half-sweep", arguments: 0..<3)
    func training(seed: UInt64) throws {
        let rows = ImplicitALSTests.pattern(seed)
        let before = try ImplicitALSTests.train(rows, iterations: 2, seed: seed)
        let after = try ImplicitALSTests.train(rows, iterations: 3, seed: seed)
        let users = try ImplicitALS.rowFactors(
            rows, columnFactors: before.itemFactors, regularization: 0.5, confidence: 8)
        #expect(users == after.userFactors)
        let items = try ImplicitALS.rowFactors(
            rows.transposed, columnFactors: users, regularization: 0.5, confidence: 8)
        #expect(items == after.itemFactors)
    }
}
