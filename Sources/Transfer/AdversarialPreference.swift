import Numerics
import Ratings

/// The preference loss of persons whose vectors are fitted exactly: min over p of Σ c(x − pᵀq)² + ρ‖p‖².
///
/// The sum runs over all items, with x = 1 and c = 1 + α on the person's own, else x = 0 and c = 1. Source: Hu, Koren,
/// Volinsky, *Collaborative filtering for implicit feedback datasets* (ICDM 2008). At the minimum the derivative with
/// respect to p is 0, so that the gradient of the items needs no derivative of p (Danskin's theorem).
struct AdversarialPreference {
    /// Items × d, row-major.
    let features: [Double]
    let dimension: Int
    let confidence: Double
    let regularization: Double
    /// Σ q qᵀ.
    private let gram: [Double]

    init(features: [Double], dimension: Int, confidence: Double, regularization: Double) {
        self.features = features
        self.dimension = dimension
        self.confidence = confidence
        self.regularization = regularization
        gram = AdversarialPreference.gram(features, dimension)
    }

    /// The vectors of all persons, persons × d; zeros for a person without interactions.
    func persons(_ interactions: SparseRows) throws(NumericsError) -> [Double] {
        var out: [Double] = []
        out.reserveCapacity(interactions.rowCount * dimension)
        for person in 0..<interactions.rowCount {
            let items = interactions.row(person)
            var normal = gram
            var right = [Double](repeating: 0, count: dimension)
            for item in items {
                let start = Int(item) * dimension
                for row in 0..<dimension {
                    let value = features[start + row]
                    right[row] += (1 + confidence) * value
                    for column in 0..<dimension {
                        normal[row * dimension + column] += confidence * value * features[start + column]
                    }
                }
            }
            for index in 0..<dimension { normal[index * dimension + index] += regularization }
            out += try solvePositiveDefinite(normal, order: dimension, rightHandSides: right, count: 1)
        }
        return out
    }

    /// The loss summed over persons, and its gradient of the items' features.
    func gradient(_ interactions: SparseRows) throws(NumericsError) -> (loss: Double, items: [Double]) {
        let persons = try persons(interactions)
        let moment = AdversarialPreference.gram(persons, dimension)
        // Over all cells Σ (pᵀq)², whose gradient is 2PᵀPq; the observed cells differ from that.
        var items = [Double](repeating: 0, count: features.count)
        for start in stride(from: 0, to: features.count, by: dimension) {
            for row in 0..<dimension {
                let value = 2 * features[start + row]
                for column in 0..<dimension { items[start + column] += value * moment[row * dimension + column] }
            }
        }
        var loss = 0.0
        for index in moment.indices { loss += moment[index] * gram[index] }
        for index in persons.indices { loss += regularization * persons[index] * persons[index] }
        for person in 0..<interactions.rowCount {
            let vector = persons[person * dimension..<(person + 1) * dimension]
            for item in interactions.row(person) {
                let start = Int(item) * dimension
                var product = 0.0
                for index in 0..<dimension { product += vector[vector.startIndex + index] * features[start + index] }
                loss += (1 + confidence) * (1 - product) * (1 - product) - product * product
                let slope = -2 * (1 + confidence) * (1 - product) - 2 * product
                for index in 0..<dimension { items[start + index] += slope * vector[vector.startIndex + index] }
            }
        }
        return (loss, items)
    }

    private static func gram(_ rows: [Double], _ dimension: Int) -> [Double] {
        var out = [Double](repeating: 0, count: dimension * dimension)
        for start in stride(from: 0, to: rows.count, by: dimension) {
            for row in 0..<dimension {
                let value = rows[start + row]
                for column in 0..<dimension { out[row * dimension + column] += value * rows[start + column] }
            }
        }
        return out
    }
}
