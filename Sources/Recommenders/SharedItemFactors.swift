public import Numerics
public import Ratings

/// What one of several clients of a domain does for the item factors that they learn together.
///
/// The persons' factors never leave: `userFactors` solves them from the common item factors, and what is made of them are
/// sums over persons. Source: Hu, Koren, Volinsky (ICDM 2008), equations 4 and 5, split by persons.
public struct SharedItemFactors: Sendable {
    /// Who interacted with what: one row a person of this client.
    private let rows: SparseRows
    /// The same, one row an item.
    private let columns: SparseRows
    private let regularization: Float
    private let confidence: Float

    /// Prepares the half-sweeps of a client. *Complexity*: O(entries).
    ///
    /// - Parameters:
    ///   - rows: the training interactions of the client, one row a person; all clients have the same columns.
    ///   - regularization: λ of the whole domain.
    ///   - confidence: α.
    public init(_ rows: SparseRows, regularization: Float, confidence: Float) {
        self.rows = rows
        columns = rows.transposed
        self.regularization = regularization
        self.confidence = confidence
    }

    /// The persons with interactions.
    public var personCount: Int { (0..<rows.rowCount).count { !rows.row($0).isEmpty } }

    /// The factors of the client's persons under item factors: the half-sweep over persons.
    ///
    /// - Throws: `notPositiveDefinite`. *Complexity*: O(entries · d² + persons · d³).
    public func userFactors(_ itemFactors: Matrix) throws(NumericsError) -> Matrix {
        try ImplicitALS.rowFactors(
            rows, columnFactors: itemFactors, regularization: regularization, confidence: confidence)
    }

    /// The sums over a client's persons that determine the half-sweep over items.
    public struct Statistics: Sendable, Equatable {
        /// Σ p pᵀ over persons, d × d.
        public let gram: Matrix
        /// Σ p pᵀ over the persons of each item, upper triangles row by row, items × d(d + 1)/2.
        public let products: [Float]
        /// Σ p over the persons of each item, items × d.
        public let sums: Matrix
    }

    /// The statistics of the half-sweep over items: those of all clients add up to those of one client with all persons.
    ///
    /// *Complexity*: O(persons · d² + entries · d²).
    public func statistics(_ userFactors: Matrix) -> Statistics {
        let width = userFactors.columnCount
        let packed = width * (width + 1) / 2
        var products = [Float](repeating: 0, count: columns.rowCount * packed)
        var sums = Matrix(rowCount: columns.rowCount, columnCount: width)
        products.withUnsafeMutableBufferPointer { products in
            sums.values.withUnsafeMutableBufferPointer { sums in
                userFactors.values.withUnsafeBufferPointer { users in
                    for item in 0..<columns.rowCount {
                        for person in columns.row(item) {
                            let start = Int(person) * width
                            var position = item * packed
                            for row in 0..<width {
                                let value = users[start + row]
                                sums[item * width + row] += value
                                for column in row..<width {
                                    products[position] += value * users[start + column]
                                    position += 1
                                }
                            }
                        }
                    }
                }
            }
        }
        return Statistics(gram: userFactors.gram, products: products, sums: sums)
    }

    /// One person's addition to half the gradient of the objective by the item factors, written into zeros:
    /// (pᵀq)p of every item, and ((α pᵀq) − (1 + α))p more of the person's own; the penalty λq is nobody's.
    ///
    /// By the envelope theorem it is the gradient of what is left when every person's factors are at their optimum.
    /// *Complexity*: O(items · d).
    public func writeGradient(
        of person: Int, userFactor: ArraySlice<Float>, itemFactors: Matrix, to target: UnsafeMutableBufferPointer<Float>
    ) {
        let width = itemFactors.columnCount
        precondition(target.count == itemFactors.values.count, "a gradient of another shape")
        let factor = Array(userFactor)
        let fits = itemFactors.multiplied(by: factor)
        for item in fits.indices {
            for index in 0..<width { target[item * width + index] = fits[item] * factor[index] }
        }
        for item in rows.row(person) {
            let weight = confidence * fits[Int(item)] - (1 + confidence)
            for index in 0..<width { target[Int(item) * width + index] += weight * factor[index] }
        }
    }

    /// Whether the person has interactions.
    public func hasInteractions(_ person: Int) -> Bool { !rows.row(person).isEmpty }

    /// The item factors after one damped half-sweep over items on this client's persons alone: for each item the minimum
    /// of its part of the objective and of ½μ‖q − q₀‖², with μ the mean eigenvalue of Σ p pᵀ, and of ½ν‖q − q_c‖².
    ///
    /// The clients' mean change follows the gradient of the whole; the damping keeps an item that few of the client's
    /// persons know near its common value. Source: the proximal term of Li et al., *Federated optimization in
    /// heterogeneous networks* (MLSys 2020), on the model of Hu et al.
    /// - Parameters:
    ///   - itemFactors: q₀, items × d.
    ///   - common: q_c, the factors that the round began with.
    ///   - proximal: ν in units of μ; 0 for none.
    ///   - clientCount: how many clients share λ.
    /// - Throws: `notPositiveDefinite`. *Complexity*: O(entries · d² + (persons + items) · d³).
    public func dampedSweep(
        _ itemFactors: Matrix, common: Matrix, proximal: Float, clientCount: Int
    ) throws(NumericsError) -> Matrix {
        let users = try userFactors(itemFactors)
        let width = itemFactors.columnCount
        let gram = users.gram
        let damping = (0..<width).reduce(Float(0)) { $0 + gram[$1, $1] } / Float(width)
        let pull = proximal * damping
        let penalty = regularization / Float(clientCount) + damping + pull
        var equations = NormalEquations(factorCount: width)
        equations.setGram(gram, regularization: penalty)
        var out = itemFactors
        for item in 0..<columns.rowCount {
            equations.gather(columns.row(item), of: users, confidence: .constant(1 + confidence))
            equations.setRightHandSide()
            for index in 0..<width {
                equations.rightHandSide[index] += damping * itemFactors[item, index] + pull * common[item, index]
            }
            try equations.factor()
            equations.solveFactored()
            for index in 0..<width { out[item, index] = equations.rightHandSide[index] }
        }
        return out
    }
}
