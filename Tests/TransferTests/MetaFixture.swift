import Numerics
import Ratings
import Testing
import Transfer

/// Random tasks and parameters of meta-learning, and central differences of the query loss.
struct MetaFixture {
    var learner: MetaLearner
    let parameters: MetaParameters
    let task: MetaTask
    /// The factors or texts of the items.
    let matrix: Matrix

    /// A random person.
    ///
    /// - Parameters:
    ///   - isText: whether the items have text and the tower is learnt.
    ///   - supportCount: the items of the support.
    init(
        _ configuration: MetaConfiguration, isText: Bool = false, supportCount: Int = 3, queryCount: Int = 4,
        featureCount: Int = 2, rate: Double? = nil, seed: UInt64
    ) {
        var stream = RandomStream(root: seed, path: ["meta"])
        let itemCount = 17 + stream.integer(below: 60)
        let factorCount = 2 + stream.integer(below: 6)
        let width = isText ? 3 + stream.integer(below: 4) : factorCount
        matrix = Matrix(
            rowCount: itemCount, columnCount: width,
            values: (0..<itemCount * width).map { _ in Float(stream.gaussian()) })
        let offsets = (0..<itemCount).map { _ in stream.gaussian() }
        learner = MetaLearner(
            configuration, items: isText ? .text(matrix, offsets: offsets) : .factors(matrix, offsets: offsets),
            factorCount: factorCount, featureCount: featureCount)
        let shape = learner.shape
        var values = (0..<shape.count).map { _ in 0.7 * stream.gaussian() }
        values[shape.logRate] = (rate ?? (0.05 + 0.2 * stream.uniform())).logarithm
        parameters = MetaParameters(shape, values: values)
        let chosen = stream.permutation(count: itemCount).prefix(supportCount + queryCount).map { UInt32($0) }
        let ratings = chosen.map { _ in Float(stream.gaussian()) }
        func history(_ range: Range<Int>) -> PersonHistory {
            PersonHistory(items: Array(chosen[range]), ratings: Array(ratings[range]))
        }
        task = MetaTask(
            support: history(0..<supportCount), query: history(supportCount..<supportCount + queryCount),
            feature: (0..<featureCount).map { _ in Float(stream.gaussian()) })
    }

    /// Central differences of the query loss after adaptation, by Richardson's extrapolation of two widths.
    mutating func differences() throws -> [Double] {
        try parameters.values.indices.map { index in
            var slopes: [Double] = []
            for width in [2e-3, 1e-3] {
                var ends: [Double] = []
                for sign in [1.0, -1] {
                    var values = parameters.values
                    values[index] += sign * width
                    ends.append(try learner.loss(task, at: MetaParameters(parameters.shape, values: values)))
                }
                slopes.append((ends[0] - ends[1]) / (2 * width))
            }
            return (4 * slopes[1] - slopes[0]) / 3
        }
    }

    /// The largest deviation of two vectors, relative to the larger norm.
    static func deviation(_ first: [Double], _ second: [Double]) -> Double {
        func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        guard first.count == second.count else { return .infinity }
        return norm(zip(first, second).map { $0 - $1 }) / max(norm(first), norm(second), 1e-300)
    }
}
