public import Numerics
public import Ratings

/// Implicit-feedback matrix factorisation by alternating least squares.
///
/// Minimises Σ c_ui (x_ui − p_uᵀq_i)² + λ(Σ‖p_u‖² + Σ‖q_i‖²) over all cells, with x = 1 and c = 1 + α on observed cells,
/// x = 0 and c = 1 elsewhere. Source: Hu, Koren, Volinsky, *Collaborative filtering for implicit feedback datasets*
/// (ICDM 2008), equations 3 to 5.
public struct ImplicitALS: Sendable {
    /// How a row's normal equations are solved.
    public enum Solver: Sendable, Equatable {
        /// Exactly.
        case cholesky
        /// By a few conjugate-gradient steps from the row's last value.
        case conjugateGradient(steps: Int)
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

        /// Makes a configuration.
        public init(factors: Int, regularization: Float, confidence: Float, iterations: Int, solver: Solver) {
            self.factors = factors
            self.regularization = regularization
            self.confidence = confidence
            self.iterations = iterations
            self.solver = solver
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
    /// *Determinism*: item factors start at N(0, 0.1²) from `stream`. *Complexity*: O(iterations · (entries · d² +
    /// (users + items) · d³)) with Cholesky, O(iterations · steps · (entries · d + (users + items) · d²)) otherwise.
    /// - Throws: `notPositiveDefinite`, `notFinite`.
    public init(
        _ rows: SparseRows, configuration: Configuration, stream: RandomStream
    ) throws(NumericsError) {
        var stream = stream
        self.configuration = configuration
        itemFactors = Matrix(
            rowCount: rows.columnCount, columnCount: configuration.factors,
            values: (0..<rows.columnCount * configuration.factors).map { _ in Float(0.1 * stream.gaussian()) })
        userFactors = Matrix(rowCount: rows.rowCount, columnCount: configuration.factors)
        let columns = rows.transposed
        for _ in 0..<configuration.iterations {
            try ImplicitALS.halfSweep(&userFactors, rows, fixed: itemFactors, configuration)
            try ImplicitALS.halfSweep(&itemFactors, columns, fixed: userFactors, configuration)
        }
        guard itemFactors.values.allSatisfy({ $0.isFinite }) else { throw .notFinite(what: "an item factor") }
    }

    /// The objective a cell: [Σ s² over all cells + Σ_observed c(1 − s)² − s² + λ(Σ‖p‖² + Σ‖q‖²)] / (Σ_observed c +
    /// unobserved cells), with s = pᵀq and c = 1 + α. *Complexity*: O((users + items) · d² + entries · d).
    public func objective(_ rows: SparseRows) -> Double {
        let users = userFactors.gram.values
        let items = itemFactors.gram.values
        var total = zip(users, items).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        let confidence = 1 + Double(configuration.confidence)
        for index in 0..<rows.rowCount {
            let user = userFactors.row(index)
            for item in rows.row(index) {
                let score = zip(user, itemFactors.row(Int(item))).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                total += confidence * (1 - score) * (1 - score) - score * score
            }
        }
        let norms = (userFactors.values + itemFactors.values).reduce(0.0) { $0 + Double($1) * Double($1) }
        let observed = Double(rows.columns.count)
        let unobserved = Double(rows.rowCount) * Double(rows.columnCount) - observed
        return (total + Double(configuration.regularization) * norms) / (confidence * observed + unobserved)
    }

    /// Solves every row of one side with the other side fixed; a row without entries becomes zero.
    static func halfSweep(
        _ solved: inout Matrix, _ rows: SparseRows, fixed: Matrix, _ configuration: Configuration
    ) throws(NumericsError) {
        let gram = fixed.gram
        var equations = NormalEquations(factorCount: configuration.factors)
        let factors = configuration.factors
        for index in 0..<rows.rowCount {
            let entries = rows.row(index)
            let start = index * factors
            if entries.isEmpty {
                for offset in 0..<factors { solved.values[start + offset] = 0 }
                continue
            }
            equations.setRightHandSide(sumOf: entries, of: fixed, scale: 1 + configuration.confidence)
            switch configuration.solver {
            case .cholesky:
                try equations.factor(
                    gram: gram, rowCount: entries.count, weight: configuration.confidence,
                    regularization: configuration.regularization)
                equations.solveFactored()
            case .conjugateGradient(let steps):
                equations.solveConjugateGradient(
                    from: solved.row(index), gram: gram, rowCount: entries.count, weight: configuration.confidence,
                    regularization: configuration.regularization, steps: steps)
            }
            for offset in 0..<factors { solved.values[start + offset] = equations.rightHandSide[offset] }
        }
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

    /// Prepares fold-ins into a model. *Complexity*: O(items · d²).
    public init(itemFactors: Matrix, confidence: Float) {
        self.itemFactors = itemFactors
        self.confidence = confidence
        gram = itemFactors.gram
        equations = NormalEquations(factorCount: itemFactors.columnCount)
    }

    /// Factors `G + αQ_uᵀQ_u + λI` for a person's items; the vectors below then cost O(d²) each.
    ///
    /// - Throws: `notPositiveDefinite`. *Complexity*: O(items of the person · d² + d³).
    public mutating func begin(items: ArraySlice<UInt32>, regularization: Float) throws(NumericsError) {
        self.items = items
        self.regularization = regularization
        equations.setRightHandSide(sumOf: items, of: itemFactors, scale: 1 + confidence)
        sum = equations.rightHandSide
        try equations.factor(
            gram: gram, rowCount: items.count, weight: confidence, regularization: regularization)
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
        for item in items {
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
