import Dispatch
public import Numerics
public import Ratings
import Synchronization

/// Implicit-feedback matrix factorisation by alternating least squares.
///
/// Minimises Σ c_ui (x_ui − p_uᵀq_i)² + λ(Σ‖p_u‖² + Σ‖q_i‖²) over all cells, with x = 1 and c = 1 + α on observed cells,
/// or a confidence c of its own for each, x = 0 and c = 1 elsewhere. Source: Hu, Koren, Volinsky, *Collaborative filtering for implicit feedback datasets*
/// (ICDM 2008), equations 3 to 5.
public struct ImplicitALS: Sendable {
    /// How a row's normal equations are solved.
    public enum Solver: Sendable, Equatable {
        /// Exactly.
        case cholesky
        /// By a few conjugate-gradient steps from the row's last value.
        case conjugateGradient(steps: Int)
    }

    /// Where the factors start.
    public enum Start: Sendable, Equatable {
        /// Item factors at N(0, σ²), user factors at zero.
        case gaussian(standardDeviation: Double)
        /// Both uniform between 0 and a bound, as the package `implicit` starts: slower, for comparisons with it.
        case uniform(below: Double)
    }

    /// The model's settings.
    public struct Configuration: Sendable, Equatable {
        /// Dimensions of the factors.
        public let factors: Int
        /// λ.
        public let regularization: Float
        /// α.
        public let confidence: Float
        /// Sweeps over users and items.
        public let iterations: Int
        /// The solver.
        public let solver: Solver
        /// Where the factors start.
        public let start: Start

        /// Makes a configuration.
        public init(
            factors: Int, regularization: Float, confidence: Float, iterations: Int, solver: Solver,
            start: Start = .gaussian(standardDeviation: 0.1)
        ) {
            self.factors = factors
            self.regularization = regularization
            self.confidence = confidence
            self.iterations = iterations
            self.solver = solver
            self.start = start
        }
    }

    /// The settings.
    public let configuration: Configuration
    /// One row an item.
    public private(set) var itemFactors: Matrix
    /// One row a person.
    public private(set) var userFactors: Matrix

    /// Trains on a pattern of interactions, one row a person.
    ///
    /// *Determinism*: factors start as configured, from `stream`; the number of threads changes no bit.
    /// *Complexity*: O(iterations · (entries · d² + (users + items) · d³)) with Cholesky, O(iterations · steps ·
    /// (entries · d + (users + items) · d²)) otherwise.
    /// - Parameters:
    ///   - confidences: c of each observed cell, parallel to `rows.columns`; `nil` stands for 1 + α everywhere.
    ///   - threadCount: the threads of a half-sweep.
    /// - Throws: `notPositiveDefinite`, `notFinite`.
    public init(
        _ rows: SparseRows, confidences: [Float]? = nil, configuration: Configuration, stream: RandomStream,
        threadCount: Int = 1
    ) throws(NumericsError) {
        precondition(confidences.map { $0.count == rows.columns.count } != false, "one confidence for each cell")
        var stream = stream
        self.configuration = configuration
        itemFactors = Matrix(rowCount: rows.columnCount, columnCount: configuration.factors)
        userFactors = Matrix(rowCount: rows.rowCount, columnCount: configuration.factors)
        switch configuration.start {
        case .gaussian(let deviation):
            for index in itemFactors.values.indices { itemFactors.values[index] = Float(deviation * stream.gaussian()) }
        case .uniform(let bound):
            for index in userFactors.values.indices { userFactors.values[index] = Float(bound * stream.uniform()) }
            for index in itemFactors.values.indices { itemFactors.values[index] = Float(bound * stream.uniform()) }
        }
        let users = HalfSweep(rows, confidences, configuration, threadCount: threadCount)
        let (columns, order) = rows.transposedWithOrder
        let items = HalfSweep(
            columns, confidences.map { values in order.map { values[Int($0)] } }, configuration,
            threadCount: threadCount)
        for _ in 0..<configuration.iterations {
            try users.solve(&userFactors, fixed: itemFactors)
            try items.solve(&itemFactors, fixed: userFactors)
        }
        guard itemFactors.values.allSatisfy({ $0.isFinite }) else { throw .notFinite(what: "an item factor") }
    }

    /// The objective a cell: [Σ s² over all cells + Σ_observed c(1 − s)² − s² + λ(Σ‖p‖² + Σ‖q‖²)] / (Σ_observed c +
    /// unobserved cells), with s = pᵀq. *Complexity*: O((users + items) · d² + entries · d).
    public func objective(_ rows: SparseRows, confidences: [Float]? = nil) -> Double {
        let users = userFactors.gram.values
        let items = itemFactors.gram.values
        var total = zip(users, items).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        var confidenceSum = 0.0
        for index in 0..<rows.rowCount {
            let user = userFactors.row(index)
            for entry in rows.starts[index]..<rows.starts[index + 1] {
                let item = itemFactors.row(Int(rows.columns[entry]))
                let score = zip(user, item).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                let confidence = confidences.map { Double($0[entry]) } ?? 1 + Double(configuration.confidence)
                total += confidence * (1 - score) * (1 - score) - score * score
                confidenceSum += confidence
            }
        }
        let norms = (userFactors.values + itemFactors.values).reduce(0.0) { $0 + Double($1) * Double($1) }
        let unobserved = Double(rows.rowCount) * Double(rows.columnCount) - Double(rows.columns.count)
        return (total + Double(configuration.regularization) * norms) / (confidenceSum + unobserved)
    }
}

extension ImplicitALS {
    /// The factors of every row with the factors of the columns fixed: one exact half-sweep; zeros for a row without
    /// entries.
    ///
    /// - Throws: `notPositiveDefinite`. *Complexity*: O(entries · d² + rows · d³).
    public static func rowFactors(
        _ rows: SparseRows, columnFactors: Matrix, regularization: Float, confidence: Float
    ) throws(NumericsError) -> Matrix {
        let configuration = Configuration(
            factors: columnFactors.columnCount, regularization: regularization, confidence: confidence, iterations: 1,
            solver: .cholesky)
        var solved = Matrix(rowCount: rows.rowCount, columnCount: columnFactors.columnCount)
        try HalfSweep(rows, nil, configuration, threadCount: 1).solve(&solved, fixed: columnFactors)
        return solved
    }
}

/// One side of alternating least squares: solves every row with the other side fixed; a row without entries is zero.
private struct HalfSweep {
    private let rows: SparseRows
    private let confidences: [Float]?
    private let configuration: ImplicitALS.Configuration
    /// Where each thread's share of the rows begins, balanced by work; one more than there are shares.
    private let shares: [Int]

    init(_ rows: SparseRows, _ confidences: [Float]?, _ configuration: ImplicitALS.Configuration, threadCount: Int) {
        self.rows = rows
        self.confidences = confidences
        self.configuration = configuration
        // A row costs its entries and, for the system itself, about d more.
        let total = rows.columns.count + rows.rowCount * configuration.factors
        var shares = [0]
        for share in 1..<max(1, threadCount) {
            let wanted = total / threadCount * share
            var row = shares[share - 1]
            while row < rows.rowCount, rows.starts[row] + row * configuration.factors < wanted { row += 1 }
            shares.append(row)
        }
        self.shares = shares + [rows.rowCount]
    }

    func solve(_ solved: inout Matrix, fixed: Matrix) throws(NumericsError) {
        let gram = fixed.gram
        if shares.count == 2 {
            let solution = try solution(0..<rows.rowCount, start: solved, gram: gram, fixed: fixed)
            solved.values = solution
            return
        }
        let start = solved
        let parts = Mutex<[Result<[Float], NumericsError>?]>(Array(repeating: nil, count: shares.count - 1))
        DispatchQueue.concurrentPerform(iterations: shares.count - 1) { share in
            let part: Result<[Float], NumericsError>
            do throws(NumericsError) {
                part = .success(
                    try solution(shares[share]..<shares[share + 1], start: start, gram: gram, fixed: fixed))
            } catch { part = .failure(error) }
            parts.withLock { $0[share] = part }
        }
        var values: [Float] = []
        values.reserveCapacity(start.values.count)
        for part in parts.withLock({ $0 }) {
            guard let part else { preconditionFailure("a share of the rows was not solved") }
            values += try part.get()
        }
        solved.values = values
    }

    /// The solutions of a range of rows, one after the other.
    private func solution(
        _ range: Range<Int>, start: Matrix, gram: Matrix, fixed: Matrix
    ) throws(NumericsError) -> [Float] {
        let factors = configuration.factors
        var equations = NormalEquations(factorCount: factors)
        equations.setGram(gram, regularization: configuration.regularization)
        var out = [Float](repeating: 0, count: range.count * factors)
        for (position, index) in range.enumerated() {
            let entries = rows.row(index)
            if entries.isEmpty { continue }
            equations.gather(
                entries, of: fixed,
                confidence: confidences.map { .each($0[rows.starts[index]..<rows.starts[index + 1]]) }
                    ?? .constant(1 + configuration.confidence))
            switch configuration.solver {
            case .cholesky:
                equations.setRightHandSide()
                try equations.factor()
                equations.solveFactored()
            case .conjugateGradient(let steps):
                equations.solveConjugateGradient(from: start.row(index), steps: steps)
            }
            for offset in 0..<factors { out[position * factors + offset] = equations.rightHandSide[offset] }
        }
        return out
    }
}

/// Computes user factors from fixed item factors: what a device does with a broadcast model.
public struct FoldIn: Sendable {
    /// One row an item.
    public let itemFactors: Matrix
    /// `QᵀQ`.
    public let gram: Matrix
    private let confidence: Float
    private var equations: NormalEquations
    private var items: ArraySlice<UInt32> = []
    private var regularization: Float = 0
    private var sum: [Float] = []
    /// Of each of the items; empty for 1.
    private var weights: [Float] = []

    /// Prepares fold-ins into a model. *Complexity*: O(items · d²).
    public init(itemFactors: Matrix, confidence: Float) {
        self.itemFactors = itemFactors
        self.confidence = confidence
        gram = itemFactors.gram
        equations = NormalEquations(factorCount: itemFactors.columnCount)
    }

    /// Factors `G + αQ_uᵀQ_u + λI` for a person's items; the vectors below then cost O(d²) each.
    ///
    /// - Parameter weights: what each item counts, parallel to `items`: the confidence of weight w is 1 + αw. `nil` for 1.
    /// - Throws: `notPositiveDefinite`. *Complexity*: O(items of the person · d² + d³).
    public mutating func begin(
        items: ArraySlice<UInt32>, weights: [Float]? = nil, regularization: Float
    ) throws(NumericsError) {
        self.items = items
        self.weights = weights ?? []
        self.regularization = regularization
        equations.setGram(gram, regularization: regularization)
        equations.gather(
            items, of: itemFactors,
            confidence: weights.map { .each($0.map { 1 + confidence * $0 }[...]) } ?? .constant(1 + confidence))
        equations.setRightHandSide()
        sum = equations.rightHandSide
        try equations.factor()
    }

    /// `(G + αQ_uᵀQ_u + λI)⁻¹((1 + α)Σq + λ·prior)` for the items of `begin`; without a prior the prior is zero.
    public mutating func vector(prior: [Float]? = nil) -> [Float] {
        for index in sum.indices { equations.rightHandSide[index] = sum[index] + regularization * (prior?[index] ?? 0) }
        equations.solveFactored()
        return equations.rightHandSide
    }

    /// `start + (G + αQ_uᵀQ_u + λI)⁻¹(1 + α)Σq(1 − qᵀstart)` for the items of `begin`; `start` when there are none.
    public mutating func correctedVector(start: [Float]) -> [Float] {
        for index in sum.indices { equations.rightHandSide[index] = sum[index] }
        for (position, item) in items.enumerated() {
            let confidence = confidence * (weights.isEmpty ? 1 : weights[position])
            let row = itemFactors.row(Int(item))
            let fit = zip(row, start).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            for (index, value) in row.enumerated() {
                equations.rightHandSide[index] -= (1 + confidence) * fit * value
            }
        }
        equations.solveFactored()
        return zip(equations.rightHandSide, start).map { $0 + $1 }
    }
}
