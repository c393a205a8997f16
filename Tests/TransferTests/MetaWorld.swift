import Glibc
import Numerics
import Ratings
import Transfer

/// Persons whose vectors scatter little around a common p* and follow their source features.
struct MetaWorld {
    let items: MetaItems
    let matrix: Matrix
    let featureCount = 3
    let center: [Double]
    private let seed: UInt64
    private let people: [(feature: [Float], history: PersonHistory)]

    /// Persons with p = p* + Cᵀf + noise.
    ///
    /// - Parameters:
    ///   - featureScale: the size of C; 0 for persons of whom the features tell nothing.
    ///   - isImplicit: items drawn by softmax(Qp) instead of rated with qᵀp.
    init(seed: UInt64, personCount: Int, featureScale: Double = 0.5, isImplicit: Bool = false) {
        self.seed = seed
        var stream = RandomStream(root: seed, path: ["world"])
        let factorCount = 4
        let itemCount = 60
        let matrix = Matrix(
            rowCount: itemCount, columnCount: factorCount,
            values: (0..<itemCount * factorCount).map { _ in Float(stream.gaussian()) })
        self.matrix = matrix
        items = .factors(matrix)
        let size = isImplicit ? 1.5 : 1
        let center = (0..<factorCount).map { _ in size * (stream.uniform() < 0.5 ? 1 : -1) }
        self.center = center
        let map = (0..<featureCount * factorCount).map { _ in featureScale * size * stream.gaussian() }
        var people: [(feature: [Float], history: PersonHistory)] = []
        for _ in 0..<personCount {
            let feature = (0..<featureCount).map { _ in Float(stream.gaussian()) }
            var vector = center.map { $0 + 0.2 * size * stream.gaussian() }
            for (row, value) in feature.enumerated() {
                for index in vector.indices { vector[index] += Double(value) * map[row * factorCount + index] }
            }
            let scores = (0..<itemCount).map { item in
                zip(matrix.row(item), vector).reduce(0) { $0 + Double($1.0) * $1.1 }
            }
            // The largest of logit + Gumbel are draws without replacement.
            let keys = scores.map { (isImplicit ? $0 : 0) + stream.gumbel() }
            let chosen = keys.indices.sorted { (keys[$0], $0) > (keys[$1], $1) }.prefix(12).sorted()
            people.append(
                (
                    feature,
                    PersonHistory(
                        items: chosen.map { UInt32($0) },
                        ratings: chosen.map { isImplicit ? 1 : Float(scores[$0] + 0.1 * stream.gaussian()) })
                ))
        }
        self.people = people
    }

    /// One task a person.
    func tasks(supportCount: Int, round: Int, withFeatures: Bool = true) -> [MetaTask] {
        people.enumerated().map { index, person in
            var stream = RandomStream(root: seed, path: ["tasks", .number(round), .number(index)])
            return MetaTask(
                drawnFrom: person.history, feature: withFeatures ? person.feature : [], supportCount: supportCount,
                stream: &stream)
        }
    }
}
