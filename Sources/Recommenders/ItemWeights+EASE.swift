import Numerics
public import Ratings

extension ItemWeights {
    /// Trains EASE: the linear map of a person's items to themselves with a zero diagonal.
    ///
    /// Minimises ‖X − XB‖² + λ‖B‖² subject to diag B = 0: with G = XᵀX + λI and P = G⁻¹, B[j, i] = −P[j, i] / P[i, i].
    /// Source: Steck, *Embarrassingly shallow autoencoders for sparse data* (WWW 2019), equation 8.
    /// *Complexity*: O(Σ n² over persons + items³) time, 8 · items² bytes beside the weights; the inversion is in Double.
    /// - Parameters:
    ///   - rows: who interacted with what, one row a person.
    ///   - regularization: λ.
    /// - Throws: `RecommenderError.catalogueTooLarge`; `NumericsError.notPositiveDefinite` for a λ too small for the
    ///   data, such as 0 with an item that nobody knows or two items known by the same persons.
    public static func ease(rows: SparseRows, regularization: Double) throws -> ItemWeights {
        let count = rows.columnCount
        try checkItemCount(count)
        var gram = [Double](repeating: 0, count: count * count)
        gram.withUnsafeMutableBufferPointer { gram in
            rows.columns.withUnsafeBufferPointer { columns in
                for person in 0..<rows.rowCount {
                    let end = rows.starts[person + 1]
                    for first in rows.starts[person]..<end {
                        let start = Int(columns[first]) * count
                        // Ascending columns: only the upper triangle is filled.
                        for second in first..<end { gram[start + Int(columns[second])] += 1 }
                    }
                }
            }
        }
        for item in 0..<count { gram[item * count + item] += regularization }
        try invertPositiveDefinite(upperTriangle: &gram, order: count)
        var weights = Matrix(rowCount: count, columnCount: count)
        weights.values.withUnsafeMutableBufferPointer { weights in
            gram.withUnsafeBufferPointer { inverse in
                for row in 0..<count {
                    let own = inverse[row * count + row]
                    for column in row + 1..<count {
                        let value = -inverse[row * count + column]
                        weights[row * count + column] = Float(value / inverse[column * count + column])
                        weights[column * count + row] = Float(value / own)
                    }
                }
            }
        }
        guard weights.values.allSatisfy({ $0.isFinite }) else {
            throw NumericsError.notFinite(what: "a weight of two items")
        }
        return ItemWeights(weights: weights)
    }
}
