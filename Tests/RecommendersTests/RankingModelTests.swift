import Numerics
import Ratings
import Recommenders
import Testing

/// What all models share that rank the catalogue for a person's known items.
@Suite("Ranking models")
struct RankingModelTests {
    init() { NumericsBackEnd.useOneThread() }

    /// A way to train, and what it promises.
    struct Model: Sendable, CustomTestStringConvertible {
        let name: String
        /// Whether scores depend on what is known.
        let isPersonal: Bool
        let train: @Sendable (SparseRows) throws -> @Sendable ([UInt32]) -> [Float]
        var testDescription: String { name }

        static let all = [
            Model(name: "popularity", isPersonal: false) { rows in
                let model = Popularity(rows: rows)
                return { model.scores(known: $0) }
            },
            Model(name: "EASE", isPersonal: true) { rows in
                let model = try ItemWeights.ease(rows: rows, regularization: 2)
                return { model.scores(known: $0) }
            },
            Model(name: "item-kNN", isPersonal: true) { rows in
                let model = try ItemWeights.itemKNN(rows: rows, neighbours: rows.columnCount, shrinkage: 1)
                return { model.scores(known: $0) }
            },
            Model(name: "text-kNN", isPersonal: true) { rows in
                // Without text, the persons who know an item stand for its words.
                let persons = rows.transposed
                var vectors = Matrix(rowCount: rows.columnCount, columnCount: rows.rowCount)
                for item in 0..<rows.columnCount { for person in persons.row(item) { vectors[item, Int(person)] = 1 } }
                let model = try ItemWeights.textKNN(
                    vectors: vectors, isDescribed: [Bool](repeating: true, count: rows.columnCount),
                    neighbours: rows.columnCount)
                return { model.scores(known: $0) }
            },
        ]
        static let personal = all.filter(\.isPersonal)
    }

    @Test("The withheld diagonal of a checkerboard ranks first among the unseen", arguments: Model.personal)
    func checkerboard(model: Model) throws {
        let size = 24
        let rows = Naive.rows(
            (0..<size).map { person in (0..<size).filter { $0 != person && ($0 + person) % 2 == 0 } }, items: size)
        let score = try model.train(rows)
        for person in 0..<size {
            let known = Array(rows.row(person))
            let top = try RankingMetrics.top(2, scores: score(known), excluded: known)
            #expect(top.first == UInt32(person))
            #expect(score(known)[person] > score(known)[Int(top[1])], "person \(person)")
        }
    }

    @Test("Relabelled persons and items have the same scores, relabelled", arguments: Model.all, 0..<3)
    func relabelling(model: Model, seed: UInt64) throws {
        let rows = ImplicitALSTests.pattern(seed, persons: 30, items: 20)
        var stream = RandomStream(root: seed, path: ["labels"])
        let persons = stream.permutation(count: rows.rowCount)
        let items = stream.permutation(count: rows.columnCount)
        let permuted = Naive.rows(
            persons.map { person in rows.row(person).map { items[Int($0)] }.sorted() }, items: rows.columnCount)
        let score = try model.train(rows)
        let scorePermuted = try model.train(permuted)
        for person in persons {
            let known = Array(rows.row(person))
            let plain = score(known)
            let moved = scorePermuted(known.map { UInt32(items[Int($0)]) })
            let scale = Naive.largest(plain.map(Double.init))
            let differences = plain.indices.map { Double(plain[$0]) - Double(moved[items[$0]]) }
            #expect(Naive.largest(differences) <= 1e-5 * scale, "seed \(seed), person \(person)")
        }
    }

    @Test("Two persons with the same items have the same scores, whoever else trains", arguments: Model.all)
    func duplicates(model: Model) throws {
        let rows = ImplicitALSTests.pattern(8, persons: 15, items: 10)
        let doubled = Naive.rows(
            (0..<2 * rows.rowCount).map { rows.row($0 / 2).map { Int($0) } }, items: rows.columnCount)
        let score = try model.train(doubled)
        for person in 0..<rows.rowCount {
            #expect(score(Array(doubled.row(2 * person))) == score(Array(doubled.row(2 * person + 1))))
        }
        // A person who is there twice counts twice.
        if model.name == "popularity" {
            #expect(score([]) == Popularity(rows: rows).counts.map { 2 * $0 })
        } else if model.name == "EASE" {
            // Doubled data with doubled λ have the same least squares.
            let single = try ItemWeights.ease(rows: rows, regularization: 1)
            let differences = zip(score([3, 5]), single.scores(known: [3, 5])).map { Double($0) - Double($1) }
            #expect(Naive.largest(differences) <= 1e-6)
        }
    }

    @Test("A person with nothing has zeros, or popularity from popularity", arguments: Model.all)
    func nothing(model: Model) throws {
        let rows = ImplicitALSTests.pattern(9)
        let scores = try model.train(rows)([])
        #expect(scores.count == rows.columnCount)
        if model.isPersonal {
            #expect(scores.allSatisfy { $0 == 0 })
        } else {
            #expect(scores == (0..<rows.columnCount).map { item in Float(rows.transposed.row(item).count) })
        }
    }

    @Test("An item that nobody knows gets nothing and gives nothing", arguments: Model.all)
    func unknownItem(model: Model) throws {
        let rows = ImplicitALSTests.pattern(10)
        let score = try model.train(rows)
        // The generated patterns leave column 0 empty.
        #expect(score(Array(1..<UInt32(rows.columnCount)))[0] == 0)
        if model.isPersonal { #expect(score([0]).allSatisfy { $0 == 0 }) }
    }

    @Test("Scores add over known items in any order, and the contributions explain them")
    func additivity() throws {
        let rows = ImplicitALSTests.pattern(11)
        let model = try ItemWeights.ease(rows: rows, regularization: 1)
        let known: [UInt32] = [7, 2, 9]
        let scores = model.scores(known: known)
        #expect(scores == model.scores(known: known.lazy.map { $0 }))
        for item in 0..<model.itemCount {
            let parts = model.contributions(known: known, to: UInt32(item))
            #expect(parts == known.map { model.weights[Int($0), item] })
            #expect(scores[item] == (parts[0] + parts[1]) + parts[2])
        }
        #expect(scores.contains { $0 != 0 })
    }

    @Test("Training without persons or without items gives nothing")
    func empty() throws {
        let nobody = Naive.rows([], items: 3)
        #expect(Popularity(rows: nobody).counts == [0, 0, 0])
        #expect(try ItemWeights.ease(rows: nobody, regularization: 1).weights == Matrix(rowCount: 3, columnCount: 3))
        #expect(
            try ItemWeights.itemKNN(rows: nobody, neighbours: 2, shrinkage: 0).weights
                == Matrix(rowCount: 3, columnCount: 3))
        #expect(try ItemWeights.ease(rows: Naive.rows([[], []], items: 0), regularization: 1).itemCount == 0)
    }

    @Test("A catalogue above the limit is refused with its size")
    func tooLarge() {
        let rows = Naive.rows([[0]], items: ItemWeights.itemLimit + 1)
        let refusal = RecommenderError.catalogueTooLarge(itemCount: 6_001, limit: 6_000)
        #expect(throws: refusal) { try ItemWeights.ease(rows: rows, regularization: 1) }
        #expect(throws: refusal) { try ItemWeights.itemKNN(rows: rows, neighbours: 1, shrinkage: 0) }
        #expect(throws: refusal) {
            try ItemWeights.textKNN(
                vectors: Matrix(rowCount: 6_001, columnCount: 1), isDescribed: [Bool](repeating: true, count: 6_001),
                neighbours: 1)
        }
        #expect(refusal.description.contains("6000"))
    }
}
