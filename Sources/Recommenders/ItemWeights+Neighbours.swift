public import Numerics
public import Ratings

extension ItemWeights {
    /// Trains an item-based nearest-neighbour model on who knows what.
    ///
    /// The similarity of two items is c_ij / (√(c_i c_j) + h), with c_ij persons who know both: the cosine of binary
    /// vectors, shrunk for pairs with little evidence. Each known item votes for its most similar items; equal
    /// similarities go to the lower item, and a similarity of zero is no neighbour. Source: Deshpande & Karypis,
    /// *Item-based top-N recommendation algorithms* (TOIS 2004), section 4; shrinkage as in Bell & Koren (ICDM 2007).
    /// *Complexity*: O(Σ n² over persons + items² · log neighbours at worst).
    /// - Parameters:
    ///   - rows: who interacted with what, one row a person.
    ///   - neighbours: how many items an item votes for at most.
    ///   - shrinkage: h, in persons, not negative.
    /// - Throws: `catalogueTooLarge`.
    public static func itemKNN(
        rows: SparseRows, neighbours: Int, shrinkage: Double
    ) throws(RecommenderError) -> ItemWeights {
        precondition(neighbours >= 0 && shrinkage >= 0, "\(neighbours) neighbours with shrinkage \(shrinkage)")
        let count = rows.columnCount
        try checkItemCount(count)
        let persons = rows.transposed
        let known = (0..<count).map { Double(persons.starts[$0 + 1] - persons.starts[$0]) }
        var weights = Matrix(rowCount: count, columnCount: count)
        var together = [Int32](repeating: 0, count: count)
        var nearest = LargestValues(capacity: neighbours)
        for item in 0..<count {
            for person in persons.row(item) {
                for entry in rows.starts[Int(person)]..<rows.starts[Int(person) + 1] {
                    together[Int(rows.columns[entry])] += 1
                }
            }
            for other in 0..<count where together[other] > 0 {
                if other != item {
                    let similarity =
                        Double(together[other]) / ((known[item] * known[other]).squareRoot() + shrinkage)
                    nearest.offer(similarity, of: other)
                }
                together[other] = 0
            }
            nearest.drain { weights[item, $0] = Float($1) }
        }
        return ItemWeights(weights: weights)
    }

    /// Makes a nearest-neighbour model of what items are about, from their vectors alone.
    ///
    /// The similarity is the cosine; each known item votes for its most similar items. A cosine that is not positive is
    /// no neighbour, and an item that is not described, or has a zero vector, has no neighbours and is nobody's.
    /// *Complexity*: O(items² · dimensions).
    /// - Parameters:
    ///   - vectors: one row an item.
    ///   - isDescribed: whether the item has a vector; one element an item.
    ///   - neighbours: how many items an item votes for at most.
    /// - Throws: `RecommenderError.catalogueTooLarge`, `NumericsError.notFinite`.
    public static func textKNN(vectors: Matrix, isDescribed: [Bool], neighbours: Int) throws -> ItemWeights {
        precondition(neighbours >= 0 && isDescribed.count == vectors.rowCount, "shapes of item descriptions")
        let count = vectors.rowCount
        let dimensions = vectors.columnCount
        try checkItemCount(count)
        var directions = Matrix(rowCount: count, columnCount: dimensions)
        for item in 0..<count where isDescribed[item] {
            let squares = vectors.row(item).reduce(0.0) { $0 + Double($1) * Double($1) }
            guard squares.isFinite else { throw NumericsError.notFinite(what: "an item vector") }
            guard squares > 0 else { continue }
            for (index, value) in vectors.row(item).enumerated() {
                directions[item, index] = Float(Double(value) / squares.squareRoot())
            }
        }
        var weights = Matrix(rowCount: count, columnCount: count)
        var cosines = [Float](repeating: 0, count: count)
        var nearest = LargestValues(capacity: neighbours)
        for item in 0..<count {
            directions.rowProducts(with: Array(directions.row(item)), into: &cosines)
            for other in 0..<count where other != item && cosines[other] > 0 {
                nearest.offer(Double(cosines[other]), of: other)
            }
            nearest.drain { weights[item, $0] = Float($1) }
        }
        return ItemWeights(weights: weights)
    }
}

/// Keeps the largest values that it is offered; of equal values those of the lower items. A binary heap, worst first.
struct LargestValues {
    private let capacity: Int
    private var values: [Double] = []
    private var items: [Int] = []

    init(capacity: Int) { self.capacity = capacity }

    private func isWorse(_ left: Int, _ right: Int) -> Bool {
        (values[left], items[right]) < (values[right], items[left])
    }

    private mutating func swap(_ left: Int, _ right: Int) {
        values.swapAt(left, right)
        items.swapAt(left, right)
    }

    /// Keeps the value if it is among the largest so far. *Complexity*: O(log capacity) if it is, else O(1).
    mutating func offer(_ value: Double, of item: Int) {
        if values.count < capacity {
            values.append(value)
            items.append(item)
            var index = values.count - 1
            while index > 0, isWorse(index, (index - 1) / 2) {
                swap(index, (index - 1) / 2)
                index = (index - 1) / 2
            }
            return
        }
        guard let worst = values.first, value > worst || (value == worst && item < items[0]) else { return }
        values[0] = value
        items[0] = item
        var index = 0
        while true {
            var smallest = index
            for child in 2 * index + 1...2 * index + 2 where child < values.count && isWorse(child, smallest) {
                smallest = child
            }
            if smallest == index { return }
            swap(index, smallest)
            index = smallest
        }
    }

    /// Hands out what was kept, in no particular order, and forgets it.
    mutating func drain(_ body: (_ item: Int, _ value: Double) -> Void) {
        for index in values.indices { body(items[index], values[index]) }
        values.removeAll(keepingCapacity: true)
        items.removeAll(keepingCapacity: true)
    }
}
