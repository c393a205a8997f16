import Numerics
import Ratings
import Recommenders

/// Generated ratings, and twins of rating models from the definitions.
extension Naive {
    /// Solves a symmetric positive definite system by Gaussian elimination in Double.
    static func solve(_ matrix: [[Double]], _ rightHandSide: [Double]) -> [Double] {
        var rows = matrix
        var right = rightHandSide
        for pivot in right.indices {
            for row in (pivot + 1)..<max(right.count, pivot + 1) {
                let factor = rows[row][pivot] / rows[pivot][pivot]
                for column in pivot..<right.count { rows[row][column] -= factor * rows[pivot][column] }
                right[row] -= factor * right[pivot]
            }
        }
        for row in right.indices.reversed() {
            for column in (row + 1)..<max(right.count, row + 1) { right[row] -= rows[row][column] * right[column] }
            right[row] /= rows[row][row]
        }
        return right
    }

    /// Ratings on a random pattern: offsets of persons and items, `rank` planted factors, and noise.
    static func ratings(
        _ seed: UInt64, persons: Int, items: Int, density: Double, rank: Int = 2, noise: Double = 0
    ) -> TrainingData {
        var stream = RandomStream(root: seed, path: ["ratings"])
        let rows = pattern(persons, items, density: density, &stream)
        let users = (0..<persons * (rank + 1)).map { _ in 0.5 * stream.gaussian() }
        let others = (0..<items * (rank + 1)).map { _ in 0.5 * stream.gaussian() }
        var ratings: [Float] = []
        for person in 0..<persons {
            for item in rows.row(person) {
                let user = person * (rank + 1)
                let other = Int(item) * (rank + 1)
                var value = 3.5 + users[user] + others[other] + noise * stream.gaussian()
                for factor in 1..<rank + 1 { value += 4 * users[user + factor] * others[other + factor] }
                ratings.append(Float(value))
            }
        }
        return TrainingData(rows: rows, ratings: ratings)
    }

    /// Σe² and the penalties from the definition.
    static func ratingObjective(
        _ data: TrainingData, mean: Double, users: [Double], items: [Double], width: Int,
        regularization: RatingRegularization
    ) -> Double {
        var total = 0.0
        func norm(_ values: [Double], _ row: Int) -> Double {
            (0..<width).reduce(0) {
                $0 + ($1 == 0 ? regularization.offsets : regularization.factors) * values[row * width + $1]
                    * values[row * width + $1]
            }
        }
        for person in 0..<data.rows.rowCount {
            for (item, rating) in zip(data.rows.row(person), data.ratings(of: person)) {
                var error = Double(rating) - mean - users[person * width] - items[Int(item) * width]
                for factor in 1..<width { error -= users[person * width + factor] * items[Int(item) * width + factor] }
                total += error * error
                if regularization.scaling == .perRating { total += norm(users, person) + norm(items, Int(item)) }
            }
        }
        if regularization.scaling == .perRow {
            for person in 0..<data.rows.rowCount { total += norm(users, person) }
            for item in 0..<data.rows.columnCount { total += norm(items, item) }
        }
        return total
    }

    /// The root mean squared error of predictions by person.
    static func error(_ data: TrainingData, _ predictions: (Int) throws -> [Float]) rethrows -> Double {
        var total = 0.0
        for person in 0..<data.rows.rowCount {
            let predicted = try predictions(person)
            for (item, rating) in zip(data.rows.row(person), data.ratings(of: person)) {
                total +=
                    (Double(predicted[Int(item)]) - Double(rating)) * (Double(predicted[Int(item)]) - Double(rating))
            }
        }
        return (total / Double(data.ratings.count)).squareRoot()
    }
}
