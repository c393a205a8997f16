/// Aggregates of few vectors of which some may be arbitrary; without weights, in the order in which they are given.
enum RobustAggregate {
    /// The mean of each coordinate without its `cut` smallest and `cut` largest values.
    /// *Complexity*: O(parameters · n log n).
    ///
    /// - Precondition: 2 · cut < n.
    static func trimmedMean(_ vectors: [[Float]], cut: Int) -> [Double] {
        let kept = vectors.count - 2 * cut
        precondition(kept > 0, "\(cut) values cut at each end of \(vectors.count)")
        var means = [Double](repeating: 0, count: vectors[0].count)
        var column = [Float](repeating: 0, count: vectors.count)
        for coordinate in means.indices {
            for (row, vector) in vectors.enumerated() { column[row] = vector[coordinate] }
            column.sort()
            var sum = 0.0
            for row in cut..<(cut + kept) { sum += Double(column[row]) }
            means[coordinate] = sum / Double(kept)
        }
        return means
    }

    /// The median of each coordinate; the mean of the middle two of an even number.
    static func median(_ vectors: [[Float]]) -> [Double] { trimmedMean(vectors, cut: (vectors.count - 1) / 2) }

    /// The positions of the `count` vectors with the smallest sums of squared distances to their n − f − 2 nearest
    /// others, best first; of equal sums the first. *Complexity*: O(n² · parameters).
    ///
    /// - Precondition: n ≥ f + 3.
    static func krum(_ vectors: [[Float]], byzantineCount f: Int, count: Int) -> [Int] {
        let neighbourCount = vectors.count - f - 2
        precondition(neighbourCount > 0 && count <= vectors.count, "Krum of \(vectors.count) updates")
        var distances = [[Double]](repeating: [Double](repeating: 0, count: vectors.count), count: vectors.count)
        for first in vectors.indices {
            for second in 0..<first {
                let distance = squaredDistance(vectors[first], vectors[second])
                distances[first][second] = distance
                distances[second][first] = distance
            }
        }
        let scores = vectors.indices.map { row in
            let others = vectors.indices.filter { $0 != row }.map { distances[row][$0] }.sorted()
            return others.prefix(neighbourCount).reduce(0, +)
        }
        return Array(vectors.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }.prefix(count))
    }

    private static func squaredDistance(_ first: [Float], _ second: [Float]) -> Double {
        var sum = 0.0
        for index in first.indices {
            let difference = Double(first[index]) - Double(second[index])
            sum += difference * difference
        }
        return sum
    }
}
