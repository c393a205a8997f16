import Numerics
import Ratings

/// Generated data, and slow twins written from the definitions.
enum Naive {
    /// A pattern where each cell is observed with a probability; the first row and the first column stay empty.
    static func pattern(_ persons: Int, _ items: Int, density: Double, _ stream: inout RandomStream) -> SparseRows {
        rows(
            (0..<persons).map { person in
                (0..<items).filter { item in stream.uniform() < density && person > 0 && item > 0 }
            }, items: items)
    }

    /// A pattern from each person's ascending items.
    static func rows(_ lists: [[Int]], items: Int) -> SparseRows {
        var starts = [0]
        for list in lists { starts.append((starts.last ?? 0) + list.count) }
        return SparseRows(starts: starts, columns: lists.flatMap { $0.map { UInt32($0) } }, columnCount: items)
    }

    /// The objective with one confidence 1 + α for all observed cells.
    static func objective(
        users: [Double], items: [Double], factors: Int, rows: SparseRows, regularization: Double, confidence: Double
    ) -> Double {
        objective(
            users: users, items: items, factors: factors, rows: rows, regularization: regularization,
            confidences: [Double](repeating: 1 + confidence, count: rows.columns.count))
    }

    /// Σ c (x − pᵀq)² + λ(Σ‖p‖² + Σ‖q‖²) over all cells in Double, not divided by anything.
    static func objective(
        users: [Double], items: [Double], factors: Int, rows: SparseRows, regularization: Double, confidences: [Double]
    ) -> Double {
        var total = regularization * (users.reduce(0) { $0 + $1 * $1 } + items.reduce(0) { $0 + $1 * $1 })
        for person in 0..<rows.rowCount {
            let observed = Dictionary(
                uniqueKeysWithValues: zip(rows.row(person), confidences[rows.starts[person]..<rows.starts[person + 1]]))
            for item in 0..<rows.columnCount {
                var score = 0.0
                for factor in 0..<factors { score += users[person * factors + factor] * items[item * factors + factor] }
                let confidence = observed[UInt32(item)]
                let error = (confidence == nil ? 0 : 1) - score
                total += (confidence ?? 1) * error * error
            }
        }
        return total
    }

    /// Central differences of a function at a point. The objective is quadratic in one side's factors, so that they are
    /// exact up to rounding for any step.
    static func gradient(at point: [Double], _ function: ([Double]) -> Double) -> [Double] {
        let step = 1.0 / 64
        return point.indices.map { index in
            var moved = point
            moved[index] = point[index] + step
            let above = function(moved)
            moved[index] = point[index] - step
            return (above - function(moved)) / (2 * step)
        }
    }

    /// Whether an error refuses a normal matrix of an order as not positive definite.
    static func isRefusal(_ error: any Error, order: Int) -> Bool {
        guard case .notPositiveDefinite(order, _)? = error as? NumericsError else { return false }
        return true
    }

    /// The largest magnitude.
    static func largest(_ values: some Sequence<Double>) -> Double { values.reduce(0) { max($0, abs($1)) } }

    /// `(G + αΣqqᵀ + λI)x` in Double, with G over all items.
    static func normalProduct(
        _ vector: [Float], itemFactors: Matrix, items: [UInt32], confidence: Double, regularization: Double
    ) -> [Double] {
        var out = vector.map { regularization * Double($0) }
        func add(_ item: Int, _ weight: Double) {
            let fit = zip(itemFactors.row(item), vector).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            for (index, value) in itemFactors.row(item).enumerated() { out[index] += weight * fit * Double(value) }
        }
        for item in 0..<itemFactors.rowCount { add(item, 1) }
        for item in items { add(Int(item), confidence) }
        return out
    }
}
