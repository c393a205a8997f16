import Glibc
import Numerics
import Ratings
import Testing
import Transfer

@Suite("Softmax steps of meta-learning")
struct MetaSoftmaxTests {
    /// Around the blocks of four rows and of thirty-two, and the padding of odd widths.
    static let sizes: [(items: Int, factors: Int)] = [
        (1, 1), (2, 3), (3, 4), (4, 5), (5, 8), (31, 7), (32, 4), (33, 6), (63, 9), (64, 16), (65, 2), (200, 13),
    ]

    static func factors(_ items: Int, _ factors: Int, scale: Double = 1) -> Matrix {
        var stream = RandomStream(root: UInt64(items * 100 + factors), path: ["softmax"])
        return Matrix(
            rowCount: items, columnCount: factors,
            values: (0..<items * factors).map { _ in Float(scale * stream.gaussian()) })
    }

    /// Inner steps written out, with the softmax taken plainly.
    static func naive(
        _ matrix: Matrix, start: [Double], support: [UInt32], query: [UInt32], steps: Int, rate: Double
    ) -> (vector: [Double], loss: Double) {
        let rows = (0..<matrix.rowCount).map { matrix.row($0).map(Double.init) }
        var vector = start
        func logits() -> [Double] { rows.map { zip($0, vector).reduce(0) { $0 + $1.0 * $1.1 } } }
        func logSum(_ logits: [Double]) -> Double {
            let top = logits.max() ?? 0
            return top + log(logits.reduce(0) { $0 + exp($1 - top) })
        }
        for _ in 0..<steps {
            let logits = logits()
            let total = logSum(logits)
            var gradient = [Double](repeating: 0, count: vector.count)
            for (item, logit) in logits.enumerated() {
                let known = Double(support.count { Int($0) == item }) / Double(support.count)
                for index in gradient.indices { gradient[index] += (exp(logit - total) - known) * rows[item][index] }
            }
            for index in vector.indices { vector[index] -= rate * gradient[index] }
        }
        let last = logits()
        let total = logSum(last)
        return (vector, query.reduce(0) { $0 + total - last[Int($1)] } / Double(query.count))
    }

    @Test("Steps and loss equal the softmax written out, at every size of catalogue and vector", arguments: sizes)
    func naiveTwin(items: Int, factors: Int) throws {
        let matrix = Self.factors(items, factors)
        var learner = MetaLearner(
            MetaConfiguration(variant: .maml, loss: .softmax, innerSteps: 4), items: .factors(matrix))
        var stream = RandomStream(root: 1, path: ["start"])
        let start = (0..<factors).map { _ in stream.gaussian() }
        let parameters = MetaParameters(learner.shape, values: start + [Double(0.3).logarithm])
        let support = [UInt32(0), UInt32(items - 1), UInt32(items / 2)]
        let query = [UInt32(items / 3), UInt32(items - 1)]
        let task = MetaTask(support: PersonHistory(support), query: PersonHistory(query))
        let expected = Self.naive(matrix, start: start, support: support, query: query, steps: 4, rate: 0.3)
        let vector = try learner.exactlyAdapted(task, at: parameters)
        let loss = try learner.loss(task, at: parameters)
        for (value, other) in zip(vector, expected.vector) { #expect(abs(value - other) < 1e-12) }
        #expect(abs(loss - expected.loss) < 1e-12)
    }

    @Test("Texts under a tower rank as the factors that it makes of them, whichever tower came before")
    func towerIsItsFactors() throws {
        var stream = RandomStream(root: 4, path: ["texts"])
        let texts = Self.factors(37, 5)
        let offsets = (0..<37).map { _ in stream.gaussian() }
        let configuration = MetaConfiguration(variant: .maml, loss: .softmax, innerSteps: 3)
        var learner = MetaLearner(configuration, items: .text(texts, offsets: offsets), factorCount: 3)
        for _ in 0..<3 {
            let values = (0..<learner.shape.count).map { _ in 0.5 * stream.gaussian() }
            let parameters = MetaParameters(learner.shape, values: values)
            let factors = learner.itemFactors(at: parameters)
            var plain = MetaLearner(configuration, items: .factors(factors, offsets: offsets))
            let start = MetaParameters(plain.shape, values: Array(values.prefix(3)) + [values[learner.shape.logRate]])
            let task = MetaTask(support: PersonHistory([3, 30]), query: PersonHistory([7, 36, 0]))
            // The factors have been rounded to Float.
            let (loss, other) = (try learner.loss(task, at: parameters), try plain.loss(task, at: start))
            #expect(abs(loss - other) < 1e-5 * (1 + abs(loss)))
            let (vector, twin) = (try learner.adapted(task, at: parameters), try plain.adapted(task, at: start))
            for (value, other) in zip(vector, twin) { #expect(abs(value - other) < 1e-4) }
        }
    }

    @Test("Without products an item's probability is its offset's share")
    func offsetsAlone() throws {
        var learner = MetaLearner(
            MetaConfiguration(variant: .maml, loss: .softmax, innerSteps: 0),
            items: .factors(Self.factors(3, 2), offsets: [1, 2, 5].map { Double($0).logarithm }))
        let parameters = MetaParameters(learner.shape, values: [0, 0, 0])
        let loss = try learner.loss(MetaTask(support: .empty, query: PersonHistory([1])), at: parameters)
        #expect(abs(loss - Double(4).logarithm) < 1e-12)
    }

    @Test("Logits of thousands neither overflow nor lose the loss")
    func largeLogits() throws {
        let matrix = Self.factors(100, 4, scale: 1_000)
        var learner = MetaLearner(
            MetaConfiguration(variant: .maml, loss: .softmax, innerSteps: 1), items: .factors(matrix))
        let start = [3.0, -2, 1, 5]
        let parameters = MetaParameters(learner.shape, values: start + [Double(1e-6).logarithm])
        let task = MetaTask(support: PersonHistory([1]), query: PersonHistory([2, 3]))
        let expected = Self.naive(matrix, start: start, support: [1], query: [2, 3], steps: 1, rate: 1e-6)
        let gradient = try learner.gradient(of: task, at: parameters)
        #expect(abs(gradient.lossSum - expected.loss) < 1e-9 * expected.loss)
        #expect(gradient.values.allSatisfy { $0.isFinite })
    }

    @Test("Steps that diverge are an error, not a number", arguments: MetaLoss.allCases)
    func divergence(_ loss: MetaLoss) throws {
        let matrix = Self.factors(10, 3, scale: 1e30)
        var learner = MetaLearner(
            MetaConfiguration(variant: .maml, loss: loss, innerSteps: 9, regularization: 1), items: .factors(matrix))
        let parameters = MetaParameters(learner.shape, rate: 1e60)
        let task = MetaTask(
            support: PersonHistory(items: [1], ratings: [3]), query: PersonHistory(items: [2], ratings: [1]))
        #expect(throws: NumericsError.notFinite(what: "a person's adapted vector")) {
            try learner.gradient(of: task, at: parameters)
        }
    }

    @Test("Without a support the vector is the start, with features moved by M")
    func coldStart() throws {
        var learner = MetaLearner(
            MetaConfiguration(variant: .maml, loss: .softmax), items: .factors(Self.factors(9, 2)), featureCount: 3)
        let parameters = MetaParameters(learner.shape, values: [1, 2, 1, 0, 0, 1, 2, 2, 0])
        let none = try learner.adapted(MetaTask(support: .empty), at: parameters)
        #expect(none == [1, 2])
        let moved = try learner.adapted(MetaTask(support: .empty, feature: [3, 5, -1]), at: parameters)
        #expect(moved == [2, 5])
    }
}
