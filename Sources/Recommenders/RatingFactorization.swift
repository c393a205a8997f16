import Numerics
import Ratings

/// The parameters of one side while rating models train: each row an offset, then factors.
package struct RatingParameters: Sendable, Equatable {
    /// Offset and factors: 1 + d.
    package let width: Int
    /// The parameters, row after row.
    package var values: [Double]

    package init(rowCount: Int, factorCount: Int) {
        width = factorCount + 1
        values = [Double](repeating: 0, count: rowCount * width)
    }

    /// Draws factors at N(0, 0.1²) from a stream; offsets stay zero.
    mutating func drawFactors(_ stream: inout RandomStream) {
        for index in values.indices where index % width != 0 { values[index] = 0.1 * stream.gaussian() }
    }

    /// Makes rows zero: nothing is learned of rows without ratings, and a random start must not speak for them.
    mutating func clearRows(_ isCleared: (Int) -> Bool) {
        for row in 0..<rowCount where isCleared(row) {
            for index in row * width..<(row + 1) * width { values[index] = 0 }
        }
    }

    package var rowCount: Int { values.count / width }
}

/// μ and both sides of a rating model in training.
package struct RatingFactorization: Sendable, Equatable {
    package let mean: Double
    package var users: RatingParameters
    package var items: RatingParameters

    /// μ + b_u + b_i + p_uᵀq_i.
    package func prediction(person: Int, item: Int) -> Double {
        let width = users.width
        let user = person * width
        let other = item * width
        var sum = mean + users.values[user] + items.values[other]
        for factor in 1..<width { sum += users.values[user + factor] * items.values[other + factor] }
        return sum
    }

    /// The parameters of a person.
    func person(_ index: Int) -> BiasedFactors.Person {
        let row = users.values[index * users.width..<(index + 1) * users.width].map { Float($0) }
        return BiasedFactors.Person(offset: row[0], factors: Array(row.dropFirst()))
    }

    /// The root mean squared error on ratings. *Complexity*: O(entries · d).
    func error(_ data: TrainingData) -> Double {
        (squaredError(data) / Double(data.ratings.count)).squareRoot()
    }

    private func squaredError(_ data: TrainingData) -> Double {
        var total = 0.0
        for person in 0..<data.rows.rowCount {
            for entry in data.rows.starts[person]..<data.rows.starts[person + 1] {
                let difference =
                    Double(data.ratings[entry]) - prediction(person: person, item: Int(data.rows.columns[entry]))
                total += difference * difference
            }
        }
        return total
    }

    /// Σe² plus the penalties.
    func objective(_ data: TrainingData, _ regularization: RatingRegularization) -> Double {
        var total = squaredError(data)
        func add(_ side: RatingParameters, _ counts: [Int]) {
            for row in 0..<side.rowCount {
                let weights = regularization.weights(ratingCount: counts[row])
                let start = row * side.width
                total += weights.offset * side.values[start] * side.values[start]
                let factors = side.values[start + 1..<start + side.width]
                total += weights.factors * factors.reduce(0) { $0 + $1 * $1 }
            }
        }
        add(users, data.rows.rowLengths)
        add(items, data.rows.columnLengths)
        return total
    }
}

extension SparseRows {
    /// The number of entries of each row.
    var rowLengths: [Int] { (0..<rowCount).map { starts[$0 + 1] - starts[$0] } }
}
