import Numerics
import Ratings
import Recommenders
import Testing

@Suite("Fold-in")
struct FoldInTests {
    init() { NumericsBackEnd.useOneThread() }

    static let confidence: Float = 8
    static let regularization: Float = 0.5

    static func model(iterations: Int, seed: UInt64) throws -> (rows: SparseRows, model: ImplicitALS) {
        let rows = ImplicitALSTests.pattern(seed, persons: 20, items: 25)
        return (
            rows,
            try ImplicitALSTests.train(
                rows, factors: 4, regularization: regularization, confidence: confidence, iterations: iterations,
                seed: seed)
        )
    }

    /// Whether `(G + αQᵀQ + λI)x = right` to 1e-5 of the right-hand side's largest element plus that of the product at
    /// unit vectors: a small multiple of the backward error in Float.
    static func solves(
        _ vector: [Float], _ right: [Double], _ foldIn: FoldIn, _ items: [UInt32], regularization: Float
    ) -> Bool {
        let product = Naive.normalProduct(
            vector, itemFactors: foldIn.itemFactors, items: items, confidence: Double(confidence),
            regularization: Double(regularization))
        return Naive.largest(zip(product, right).map { $0 - $1 })
            <= 1e-5 * (Naive.largest(right) + Naive.largest(vector.map(Double.init)))
    }

    @Test("A fold-in equals the half-sweep of training, bit for bit", arguments: 0..<4)
    func equalsTraining(seed: UInt64) throws {
        let (rows, before) = try Self.model(iterations: 2, seed: seed)
        let after = try Self.model(iterations: 3, seed: seed).model
        var foldIn = FoldIn(itemFactors: before.itemFactors, confidence: Self.confidence)
        for person in 0..<rows.rowCount {
            try foldIn.begin(items: rows.row(person), regularization: Self.regularization)
            let vector = foldIn.vector()
            #expect(vector.elementsEqual(after.userFactors.row(person)), "person \(person)")
        }
    }

    @Test("A prior enters the right-hand side as λ · prior", arguments: [[], [3], [1, 4, 9, 17]] as [[UInt32]])
    func prior(items: [UInt32]) throws {
        let model = try Self.model(iterations: 3, seed: 1).model
        var foldIn = FoldIn(itemFactors: model.itemFactors, confidence: Self.confidence)
        let prior: [Float] = [0.5, -1, 2, 0.25]
        for regularization: Float in [0.5, 10, 40] {
            try foldIn.begin(items: items[...], regularization: regularization)
            var right = prior.map { Double(regularization) * Double($0) }
            for item in items {
                for (index, value) in model.itemFactors.row(Int(item)).enumerated() {
                    right[index] += Double(1 + Self.confidence) * Double(value)
                }
            }
            let vector = foldIn.vector(prior: prior)
            #expect(Self.solves(vector, right, foldIn, items, regularization: regularization))
            #expect(!Self.solves(prior, right, foldIn, items, regularization: regularization))
        }
    }

    @Test("A zero prior is no prior, and no items without a prior give zero")
    func noPrior() throws {
        let model = try Self.model(iterations: 3, seed: 2).model
        var foldIn = FoldIn(itemFactors: model.itemFactors, confidence: Self.confidence)
        try foldIn.begin(items: [2, 5], regularization: 1)
        let vector = foldIn.vector()
        #expect(vector.contains { $0 != 0 })
        #expect(foldIn.vector(prior: [0, 0, 0, 0]) == vector)
        try foldIn.begin(items: [], regularization: 1)
        #expect(foldIn.vector() == [0, 0, 0, 0])
    }

    @Test("A correction without items returns the start exactly")
    func correctionWithoutItems() throws {
        let model = try Self.model(iterations: 3, seed: 3).model
        var foldIn = FoldIn(itemFactors: model.itemFactors, confidence: Self.confidence)
        try foldIn.begin(items: [1, 2, 3], regularization: 20)
        _ = foldIn.correctedVector(start: [1, 1, 1, 1])
        let start: [Float] = [0.1, -2.5, 1e-7, 3]
        try foldIn.begin(items: [], regularization: 20)
        #expect(foldIn.correctedVector(start: start) == start)
    }

    @Test("A correction solves for the residuals of the known items", arguments: [10, 40] as [Float])
    func correction(regularization: Float) throws {
        let model = try Self.model(iterations: 3, seed: 4).model
        var foldIn = FoldIn(itemFactors: model.itemFactors, confidence: Self.confidence)
        let items: [UInt32] = [4, 7, 20]
        let start: [Float] = [0.3, -0.2, 0.6, 0.1]
        try foldIn.begin(items: items[...], regularization: regularization)
        let vector = foldIn.correctedVector(start: start)
        var right = [Double](repeating: 0, count: 4)
        for item in items {
            let row = model.itemFactors.row(Int(item)).map(Double.init)
            let fit = zip(row, start).reduce(0.0) { $0 + $1.0 * Double($1.1) }
            for index in 0..<4 { right[index] += Double(1 + Self.confidence) * row[index] * (1 - fit) }
        }
        let step = zip(vector, start).map { $0 - $1 }
        #expect(Self.solves(step, right, foldIn, items, regularization: regularization))
        #expect(step.contains { abs($0) > 1e-3 })
        // The vectors of one `begin` do not depend on each other.
        _ = foldIn.vector(prior: start)
        #expect(foldIn.correctedVector(start: start) == vector)
    }

    @Test("A singular fold-in is refused or solved, never answered with noise", arguments: 0..<8)
    func singular(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["singular"])
        let factors = Matrix(rowCount: 2, columnCount: 5, values: (0..<10).map { _ in Float(stream.gaussian()) })
        var foldIn = FoldIn(itemFactors: factors, confidence: Self.confidence)
        do {
            try foldIn.begin(items: [0], regularization: 0)
            let vector = foldIn.vector()
            let right = factors.row(0).map { Double(1 + Self.confidence) * Double($0) }
            #expect(Self.solves(vector, right, foldIn, [0], regularization: 0))
            #expect(vector.allSatisfy { abs($0) < 100 })
        } catch {
            #expect(Naive.isRefusal(error, order: 5))
        }
    }
}
