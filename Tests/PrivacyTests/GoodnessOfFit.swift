import Glibc

/// Tests of observed counts against exact probabilities.
enum GoodnessOfFit {
    /// Pearson's statistic and the value that a chi-square variable of its degrees of freedom exceeds with probability
    /// 10⁻⁶ (Wilson–Hilferty). Cells that expect fewer than 10 are joined with their successors.
    static func chiSquare(observed: [Int], probabilities: [Double]) -> (statistic: Double, limit: Double) {
        let total = Double(observed.reduce(0, +))
        var cells: [(observed: Double, expected: Double)] = []
        var pending = (observed: 0.0, expected: 0.0)
        for (count, probability) in zip(observed, probabilities) {
            pending.observed += Double(count)
            pending.expected += total * probability
            if pending.expected >= 10 {
                cells.append(pending)
                pending = (0, 0)
            }
        }
        if let last = cells.indices.last {
            cells[last].observed += pending.observed
            cells[last].expected += pending.expected
        }
        let statistic = cells.reduce(0) {
            $0 + ($1.observed - $1.expected) * ($1.observed - $1.expected) / $1.expected
        }
        let freedom = Double(max(1, cells.count - 1))
        let root = 1 - 2 / (9 * freedom) + 4.7534 * (2 / (9 * freedom)).squareRoot()
        return (statistic, freedom * root * root * root)
    }

    /// The probabilities of the given number of cells of `width` integers each, symmetric about zero, of a distribution
    /// on the integers known up to its norm; the outer cells hold the tails.
    static func cells(count: Int, width: Int, reach: Int, weight: (Double) -> Double) -> [Double] {
        var cells = [Double](repeating: 0, count: count)
        var norm = 0.0
        for value in -reach...reach {
            let probability = weight(Double(value))
            cells[cell(Int64(value), count: count, width: width)] += probability
            norm += probability
        }
        return cells.map { $0 / norm }
    }

    /// The cell of an integer.
    static func cell(_ value: Int64, count: Int, width: Int) -> Int {
        let shifted = Int(value) + count * width / 2
        return min(count - 1, max(0, Int((Double(shifted) / Double(width)).rounded(.down))))
    }
}
