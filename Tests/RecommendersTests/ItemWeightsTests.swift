import Numerics
import Ratings
import Recommenders
import Testing

@Suite("EASE")
struct EASETests {
    init() { NumericsBackEnd.useOneThread() }

    /// XᵀX in Double.
    static func gram(_ rows: SparseRows) -> [[Double]] {
        var out = [[Double]](
            repeating: [Double](repeating: 0, count: rows.columnCount), count: rows.columnCount)
        for person in 0..<rows.rowCount {
            for first in rows.row(person) { for second in rows.row(person) { out[Int(first)][Int(second)] += 1 } }
        }
        return out
    }

    @Test("Each column solves the ridge regression on the other items", arguments: 0..<4, [0.5, 20])
    func columns(seed: UInt64, regularization: Double) throws {
        let rows = ImplicitALSTests.pattern(seed, persons: 40, items: 18)
        let weights = try ItemWeights.ease(rows: rows, regularization: regularization).weights
        let gram = Self.gram(rows)
        for item in 0..<rows.columnCount {
            // The constraint by leaving the item out: another route to the answer than the inverse.
            let others = (0..<rows.columnCount).filter { $0 != item }
            let matrix = others.map { row in
                others.map { gram[row][$0] + (row == $0 ? regularization : 0) }
            }
            let solution = Naive.solve(matrix, others.map { gram[$0][item] })
            for (index, other) in others.enumerated() {
                #expect(abs(Double(weights[other, item]) - solution[index]) <= 1e-5, "seed \(seed), item \(item)")
            }
            #expect(weights[item, item] == 0)
        }
    }

    @Test("The gradient of the constrained least squares is zero off the diagonal", arguments: 0..<4)
    func stationary(seed: UInt64) throws {
        let rows = ImplicitALSTests.pattern(seed, persons: 50, items: 25)
        let count = rows.columnCount
        let weights = try ItemWeights.ease(rows: rows, regularization: 3).weights
        let gram = Self.gram(rows)
        func gradient(_ weights: Matrix) -> Double {
            var largest = 0.0
            for row in 0..<count {
                for column in 0..<count where row != column {
                    var sum = 3 * Double(weights[row, column]) - gram[row][column]
                    for inner in 0..<count { sum += gram[row][inner] * Double(weights[inner, column]) }
                    largest = max(largest, abs(sum))
                }
            }
            return largest
        }
        // Weights rounded to Float against entries of G up to 50.
        #expect(gradient(weights) <= 1e-4)
        var moved = weights
        moved[1, 2] += 1e-3
        #expect(gradient(moved) > 1e-4)
    }

    @Test("Expected weights from NumPy")
    func expected() throws {
        // X = np.array([[1,1,0,1],[1,0,1,0],[0,1,1,1],[1,1,0,0],[0,0,1,1]]); P = np.linalg.inv(X.T @ X + 2 * np.eye(4))
        // B = -P / np.diag(P); np.fill_diagonal(B, 0)
        let rows = Naive.rows([[0, 1, 3], [0, 2], [1, 2, 3], [0, 1], [2, 3]], items: 4)
        let weights = try ItemWeights.ease(rows: rows, regularization: 2).weights
        let expected: [Float] = [
            0, 0.333333333, 0.125000000, -0.000000000,
            0.375000000, 0, -0.000000000, 0.333333333,
            0.125000000, -0.000000000, 0, 0.333333333,
            -0.000000000, 0.333333333, 0.375000000, 0,
        ]
        for (value, answer) in zip(weights.values, expected) { #expect(abs(value - answer) <= 1e-7) }
    }

    @Test("Without regularisation a singular Gram matrix is refused, a regular one solved")
    func noRegularization() throws {
        // Nobody knows item 0; items 1 and 2 are known by the same persons; fewer persons than items.
        for lists in [[[1], [1, 2], [2]], [[0, 1, 2], [0, 1, 2], [0]], [[0, 1, 2], [0]]] {
            do {
                _ = try ItemWeights.ease(rows: Naive.rows(lists, items: 3), regularization: 0)
                Issue.record("\(lists) was solved")
            } catch { #expect(Naive.isRefusal(error, order: 3)) }
        }
        // X is the identity: nothing predicts anything.
        let weights = try ItemWeights.ease(rows: Naive.rows([[0], [1], [2]], items: 3), regularization: 0).weights
        #expect(weights == Matrix(rowCount: 3, columnCount: 3))
    }

    @Test("Persons fewer than items are refused without regularisation, however rounding falls", arguments: 0..<20)
    func rankDeficient(seed: UInt64) {
        let rows = ImplicitALSTests.pattern(seed, persons: 25, items: 40, density: 0.4)
        do {
            _ = try ItemWeights.ease(rows: rows, regularization: 0)
            Issue.record("seed \(seed) was solved")
        } catch { #expect(Naive.isRefusal(error, order: 40), "seed \(seed)") }
        let positive = ImplicitALSTests.pattern(seed, persons: 25, items: 40, density: 0.4)
        #expect(throws: Never.self) { try ItemWeights.ease(rows: positive, regularization: 1e-6) }
    }
}

@Suite("Nearest neighbours")
struct NearestNeighbourTests {
    init() { NumericsBackEnd.useOneThread() }

    /// Rows of all similarities, cut to the largest.
    static func cut(_ similarities: [[Double]], neighbours: Int) -> [Float] {
        similarities.enumerated().flatMap { item, row in
            let order = row.indices.filter { $0 != item && row[$0] > 0 }.sorted { (-row[$0], $0) < (-row[$1], $1) }
            let kept = Set(order.prefix(neighbours))
            return row.indices.map { kept.contains($0) ? Float(row[$0]) : 0 }
        }
    }

    @Test("Item-kNN equals its definition to the last bit", arguments: 0..<4, [0, 1, 3, 7, 100])
    func itemKNN(seed: UInt64, neighbours: Int) throws {
        let rows = ImplicitALSTests.pattern(seed, persons: 40, items: 30)
        let gram = EASETests.gram(rows)
        for shrinkage in [0, 0.5, 10] {
            let similarities = gram.indices.map { first in
                gram.indices.map { second in
                    gram[first][second] == 0
                        ? 0
                        : gram[first][second]
                            / ((gram[first][first] * gram[second][second]).squareRoot() + shrinkage)
                }
            }
            let weights = try ItemWeights.itemKNN(rows: rows, neighbours: neighbours, shrinkage: shrinkage).weights
            #expect(weights.values == Self.cut(similarities, neighbours: neighbours), "seed \(seed), \(shrinkage)")
        }
    }

    @Test("Equal similarities go to the lower items")
    func ties() throws {
        // One person knows everything: all similarities are 1.
        let rows = Naive.rows([[0, 1, 2, 3, 4]], items: 5)
        let weights = try ItemWeights.itemKNN(rows: rows, neighbours: 2, shrinkage: 0).weights
        #expect(weights.row(0).elementsEqual([0, 1, 1, 0, 0]))
        #expect(weights.row(1).elementsEqual([1, 0, 1, 0, 0]))
        #expect(weights.row(4).elementsEqual([1, 1, 0, 0, 0]))
    }

    @Test("Shrinkage halves the cosine of a pair that as many persons know")
    func shrinkage() throws {
        let rows = Naive.rows([[0, 1], [0, 1], [0, 1]], items: 2)
        let weights = try ItemWeights.itemKNN(rows: rows, neighbours: 1, shrinkage: 3).weights
        #expect(weights.values == [0, 0.5, 0.5, 0])
    }

    @Test("Text-kNN is the cut cosine of item vectors", arguments: 0..<4, [1, 5, 40])
    func textKNN(seed: UInt64, neighbours: Int) throws {
        var stream = RandomStream(root: seed, path: ["text"])
        let count = 30
        let dimensions = 19
        let vectors = Matrix(
            rowCount: count, columnCount: dimensions,
            values: (0..<count * dimensions).map { _ in Float(3 * stream.gaussian()) })
        let isDescribed = (0..<count).map { _ in stream.uniform() < 0.8 }
        let weights = try ItemWeights.textKNN(
            vectors: vectors, isDescribed: isDescribed, neighbours: neighbours
        ).weights
        func dot(_ first: Int, _ second: Int) -> Double {
            zip(vectors.row(first), vectors.row(second)).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let similarities = (0..<count).map { first in
            (0..<count).map { second in
                isDescribed[first] && isDescribed[second]
                    ? dot(first, second) / (dot(first, first) * dot(second, second)).squareRoot() : 0
            }
        }
        let expected = Self.cut(similarities, neighbours: neighbours)
        for (value, answer) in zip(weights.values, expected) { #expect(abs(value - answer) <= 2e-6, "seed \(seed)") }
        #expect(isDescribed.contains(false) && weights.values.contains { $0 > 0 })
    }

    @Test("Items with one text are nearest to each other, and zero vectors are nobody's")
    func equalTexts() throws {
        let vectors = Matrix(
            rowCount: 5, columnCount: 3, values: [0.3, 0.1, 0.7, 1, 0, 0, 0, 0, 0, 0.3, 0.1, 0.7, 0.3, 0.1, 0.7])
        let weights = try ItemWeights.textKNN(
            vectors: vectors, isDescribed: [Bool](repeating: true, count: 5), neighbours: 1
        ).weights
        let neighbours = (0..<5).map { item in (0..<5).filter { weights[item, $0] != 0 } }
        #expect(neighbours == [[3], [0], [], [0], [0]])
        #expect(abs(weights[0, 3] - 1) < 1e-6 && weights[3, 0] == weights[0, 3])
    }

    @Test("A vector that is not finite is refused, unless it describes nothing", arguments: [Float.nan, .infinity])
    func notFinite(value: Float) throws {
        let vectors = Matrix(rowCount: 2, columnCount: 2, values: [1, 2, value, 1])
        #expect(throws: NumericsError.notFinite(what: "an item vector")) {
            try ItemWeights.textKNN(vectors: vectors, isDescribed: [true, true], neighbours: 1)
        }
        let weights = try ItemWeights.textKNN(vectors: vectors, isDescribed: [true, false], neighbours: 1).weights
        #expect(weights.values == [0, 0, 0, 0])
    }
}
