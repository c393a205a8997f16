import Numerics
import Ratings
import Recommenders
import Testing

@Suite("Implicit ALS")
struct ImplicitALSTests {
    static let solvers: [ImplicitALS.Solver] = [.cholesky, .conjugateGradient(steps: 3)]

    init() { NumericsBackEnd.useOneThread() }

    static func train(
        _ rows: SparseRows, factors: Int = 3, regularization: Float = 0.5, confidence: Float = 8, iterations: Int,
        solver: ImplicitALS.Solver = .cholesky, seed: UInt64 = 1
    ) throws -> ImplicitALS {
        try ImplicitALS(
            rows,
            configuration: ImplicitALS.Configuration(
                factors: factors, regularization: regularization, confidence: confidence, iterations: iterations,
                solver: solver),
            stream: RandomStream(root: seed, path: ["als"]))
    }

    static func pattern(_ seed: UInt64, persons: Int = 12, items: Int = 15, density: Double = 0.3) -> SparseRows {
        var stream = RandomStream(root: seed, path: ["pattern"])
        return Naive.pattern(persons, items, density: density, &stream)
    }

    @Test("The objective is the sum over all cells, divided by the sum of the confidences", arguments: 0..<5)
    func objective(seed: UInt64) throws {
        let rows = Self.pattern(seed)
        let model = try Self.train(rows, iterations: 2, seed: seed)
        let naive = Naive.objective(
            users: model.userFactors.values.map(Double.init), items: model.itemFactors.values.map(Double.init),
            factors: 3, rows: rows, regularization: 0.5, confidence: 8)
        let cells = Double(rows.rowCount * rows.columnCount) + 8 * Double(rows.columns.count)
        // Only the Gram matrices are in Float: 2 · (rows + 2) · 2⁻²⁴ of sums below the number of cells.
        #expect(abs(model.objective(rows) - naive / cells) < 2 * 17 * 0x1p-24)
    }

    @Test("The objective falls with every iteration", arguments: solvers, 0..<4)
    func monotone(solver: ImplicitALS.Solver, seed: UInt64) throws {
        let rows = Self.pattern(seed, persons: 40, items: 30, density: 0.2)
        var last = Double.infinity
        for iterations in 0...12 {
            let value = try Self.train(rows, factors: 5, iterations: iterations, solver: solver, seed: seed)
                .objective(rows)
            #expect(value <= last * (1 + 1e-6), "\(iterations) iterations")
            if iterations <= 2 { #expect(value < last, "\(iterations) iterations") }
            last = value
        }
    }

    @Test("After an exact half-sweep the gradient of its side is zero", arguments: 0..<5)
    func stationary(seed: UInt64) throws {
        let rows = Self.pattern(seed)
        let before = try Self.train(rows, iterations: 1, seed: seed).itemFactors.values.map(Double.init)
        let model = try Self.train(rows, iterations: 2, seed: seed)
        let users = model.userFactors.values.map(Double.init)
        let items = model.itemFactors.values.map(Double.init)
        func objective(_ users: [Double], _ items: [Double]) -> Double {
            Naive.objective(users: users, items: items, factors: 3, rows: rows, regularization: 0.5, confidence: 8)
        }
        let zeros = [Double](repeating: 0, count: max(users.count, items.count))
        // The scale of each gradient is the one at zero factors, 2(1 + α)Σq; Float solutions leave about d · κ · 2⁻²⁴.
        let userScale = Naive.largest(Naive.gradient(at: Array(zeros.prefix(users.count))) { objective($0, before) })
        let userGradient = Naive.gradient(at: users) { objective($0, before) }
        #expect(Naive.largest(userGradient) <= 1e-5 * userScale)
        let itemScale = Naive.largest(Naive.gradient(at: Array(zeros.prefix(items.count))) { objective(users, $0) })
        let itemGradient = Naive.gradient(at: items) { objective(users, $0) }
        #expect(Naive.largest(itemGradient) <= 1e-5 * itemScale)
        // The same check sees the half-sweep that has not been made.
        #expect(Naive.largest(Naive.gradient(at: users) { objective($0, items) }) > 1e-3 * userScale)
    }

    @Test("Each cell can have its own confidence: the half-sweep solves the weighted objective", arguments: 0..<4)
    func confidences(seed: UInt64) throws {
        let rows = Self.pattern(seed)
        var stream = RandomStream(root: seed, path: ["confidences"])
        let confidences = rows.columns.map { _ in Float(0.6 + 5 * stream.uniform()) }
        func train(_ iterations: Int, _ solver: ImplicitALS.Solver) throws -> ImplicitALS {
            try ImplicitALS(
                rows, confidences: confidences,
                configuration: ImplicitALS.Configuration(
                    factors: 3, regularization: 0.5, confidence: 0, iterations: iterations, solver: solver),
                stream: RandomStream(root: seed, path: ["als"]))
        }
        let before = try train(1, .cholesky).itemFactors.values.map(Double.init)
        for solver in [ImplicitALS.Solver.cholesky, .conjugateGradient(steps: 20)] {
            let model = solver == .cholesky ? try train(2, solver) : try train(1, solver)
            let users = model.userFactors.values.map(Double.init)
            let items = model.itemFactors.values.map(Double.init)
            func objective(_ users: [Double], _ items: [Double]) -> Double {
                Naive.objective(
                    users: users, items: items, factors: 3, rows: rows, regularization: 0.5,
                    confidences: confidences.map(Double.init))
            }
            if solver == .cholesky {
                let scale = Naive.largest(
                    Naive.gradient(at: users.map { _ in 0 }) { objective($0, before) })
                #expect(Naive.largest(Naive.gradient(at: users) { objective($0, before) }) <= 1e-5 * scale)
            }
            let scale = Naive.largest(Naive.gradient(at: items.map { _ in 0 }) { objective(users, $0) })
            #expect(Naive.largest(Naive.gradient(at: items) { objective(users, $0) }) <= 1e-5 * scale)
            let cells = Double(rows.rowCount * rows.columnCount - rows.columns.count)
            let weight = cells + confidences.reduce(0) { $0 + Double($1) }
            #expect(
                abs(model.objective(rows, confidences: confidences) - objective(users, items) / weight) < 34 * 0x1p-24)
        }
    }

    @Test("The number of threads changes no bit", arguments: solvers)
    func threads(solver: ImplicitALS.Solver) throws {
        let rows = Self.pattern(9, persons: 70, items: 41)
        let confidences = rows.columns.map { Float(1 + $0 % 5) }
        let models = try [1, 2, 3, 200].map { count in
            try ImplicitALS(
                rows, confidences: confidences,
                configuration: ImplicitALS.Configuration(
                    factors: 6, regularization: 0.5, confidence: 0, iterations: 3, solver: solver),
                stream: RandomStream(root: 1, path: ["als"]), threadCount: count)
        }
        for model in models.dropFirst() {
            #expect(model.itemFactors == models[0].itemFactors && model.userFactors == models[0].userFactors)
        }
    }

    @Test("A withheld diagonal of a checkerboard is recovered", arguments: solvers, [2, 6])
    func checkerboard(solver: ImplicitALS.Solver, factors: Int) throws {
        let size = 24
        let rows = Naive.rows(
            (0..<size).map { person in (0..<size).filter { $0 != person && ($0 + person) % 2 == 0 } }, items: size)
        // With λ well below this, six factors fit the withheld cells as zeros: a NumPy twin does the same.
        let model = try Self.train(
            rows, factors: factors, regularization: 5, confidence: 20, iterations: 15, solver: solver)
        let scores = model.userFactors.multiplied(byTransposeOf: model.itemFactors)
        for person in 0..<size {
            let top = try RankingMetrics.top(1, scores: scores.row(person), excluded: Array(rows.row(person)))
            #expect(top == [UInt32(person)])
            #expect(scores[person, person] > 0.9, "person \(person)")
        }
    }

    @Test("Persons and items without interactions have zero factors", arguments: solvers)
    func emptyRows(solver: ImplicitALS.Solver) throws {
        let model = try Self.train(Self.pattern(3), iterations: 2, solver: solver)
        #expect(model.userFactors.row(0).allSatisfy { $0 == 0 })
        #expect(model.itemFactors.row(0).allSatisfy { $0 == 0 })
        #expect(model.userFactors.values.contains { $0 != 0 })
    }

    @Test("Permuting the persons permutes the user factors and leaves the item factors", arguments: solvers, 0..<3)
    func permutedPersons(solver: ImplicitALS.Solver, seed: UInt64) throws {
        let rows = Self.pattern(seed, persons: 20)
        var stream = RandomStream(root: seed, path: ["permutation"])
        let order = stream.permutation(count: 20)
        let permuted = Naive.rows(order.map { rows.row($0).map { Int($0) } }, items: rows.columnCount)
        // Before the first item half-sweep no sum runs over persons: the same bits.
        let first = try Self.train(rows, iterations: 1, solver: solver)
        let firstPermuted = try Self.train(permuted, iterations: 1, solver: solver)
        for (index, person) in order.enumerated() {
            #expect(firstPermuted.userFactors.row(index).elementsEqual(first.userFactors.row(person)))
        }
        // Afterwards sums over persons are rounded in another order.
        let last = try Self.train(rows, iterations: 4, solver: solver)
        let lastPermuted = try Self.train(permuted, iterations: 4, solver: solver)
        let difference = zip(last.itemFactors.values, lastPermuted.itemFactors.values).map { Double($0) - Double($1) }
        #expect(Naive.largest(difference) <= 1e-4 * Naive.largest(last.itemFactors.values.map(Double.init)))
        let scale = Naive.largest(last.userFactors.values.map(Double.init))
        for (index, person) in order.enumerated() {
            let pairs = zip(lastPermuted.userFactors.row(index), last.userFactors.row(person))
            #expect(Naive.largest(pairs.map { Double($0) - Double($1) }) <= 1e-4 * scale)
        }
    }

    @Test("The same stream gives the same bits, another stream another start")
    func determinism() throws {
        let rows = Self.pattern(4)
        let first = try Self.train(rows, iterations: 3)
        let second = try Self.train(rows, iterations: 3)
        #expect(first.itemFactors == second.itemFactors && first.userFactors == second.userFactors)
        #expect(try Self.train(rows, iterations: 0).userFactors.values.allSatisfy { $0 == 0 })
        #expect(
            try Self.train(rows, iterations: 0).itemFactors != Self.train(rows, iterations: 0, seed: 2).itemFactors)
    }

    @Test("Item factors start at N(0, 0.1²)")
    func initialFactors() throws {
        let rows = Naive.rows([[0]], items: 5000)
        let values = try Self.train(rows, factors: 8, iterations: 0).itemFactors.values.map { Double($0) / 0.1 }
        let count = Double(values.count)
        #expect(abs(values.reduce(0, +) / count) < 4 / count.squareRoot())
        #expect(abs(values.reduce(0) { $0 + $1 * $1 } / count - 1) < 4 * (2 / count).squareRoot())
    }

    @Test("With a uniform start both sides lie between 0 and the bound")
    func uniformStart() throws {
        let rows = Naive.rows([[Int]](repeating: [0], count: 500), items: 700)
        let model = try ImplicitALS(
            rows,
            configuration: ImplicitALS.Configuration(
                factors: 8, regularization: 0.5, confidence: 8, iterations: 0, solver: .cholesky,
                start: .uniform(below: 0.01)), stream: RandomStream(root: 1, path: ["als"]))
        for values in [model.userFactors.values, model.itemFactors.values] {
            #expect(values.allSatisfy { $0 >= 0 && $0 <= 0.01 })
            // The mean of n uniform numbers has standard deviation bound / √(12 n).
            let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
            let deviation = 0.01 / (12 * Double(values.count)).squareRoot()
            #expect(abs(mean - 0.005) < 4 * deviation)
        }
    }

    @Test("Without regularisation a well-posed problem is solved", arguments: solvers)
    func noRegularization(solver: ImplicitALS.Solver) throws {
        let rows = Self.pattern(5, persons: 40, items: 30)
        let start = try Self.train(rows, regularization: 0, iterations: 0, solver: solver).objective(rows)
        let model = try Self.train(rows, regularization: 0, iterations: 10, solver: solver)
        #expect(
            model.userFactors.values.allSatisfy { $0.isFinite } && model.itemFactors.values.allSatisfy { $0.isFinite })
        #expect(model.objective(rows) < 0.9 * start)
    }

    @Test(
        "Without regularisation a singular problem is solved or refused, never answered with noise", arguments: solvers,
        0..<12)
    func singular(solver: ImplicitALS.Solver, seed: UInt64) throws {
        // Fewer persons than factors, and for odd seeds fewer items too: one Gram matrix is singular.
        let rows = Naive.rows(
            seed.isMultiple(of: 2) ? [[0, 2, 3, 7], [1, 2, 8]] : [[0, 1], [1, 2], [0, 2]],
            items: seed.isMultiple(of: 2) ? 9 : 3)
        do {
            let model = try Self.train(
                rows, factors: 6, regularization: 0, confidence: 10, iterations: 3, solver: solver, seed: seed)
            #expect(model.userFactors.values.allSatisfy { $0.isFinite })
            #expect(model.itemFactors.values.allSatisfy { $0.isFinite })
            // Zero factors leave all observed cells; a solution is better than that.
            let observed = 11 * Double(rows.columns.count)
            let cells = Double(rows.rowCount * rows.columnCount) + 10 * Double(rows.columns.count)
            #expect(model.objective(rows) <= observed / cells)
        } catch {
            #expect(Naive.isRefusal(error, order: 6))
        }
    }
}
