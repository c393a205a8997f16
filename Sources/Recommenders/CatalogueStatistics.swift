public import Numerics
public import Ratings

/// What the training data says about each item of the catalogue: how many persons know it, and its popularity.
public struct CatalogueStatistics: Sendable, Equatable {
    /// The number of items.
    public let itemCount: Int
    /// The persons of the training data, at least one.
    public let personCount: Int
    /// −log2(share of persons who know the item) by item; an item nobody knows counts as known by one person. In bits.
    public let novelty: [Double]
    /// (N + 1 − popularity rank) / N by item, N items; 0 for an item nobody knows.
    ///
    /// The rank is dense: the items with the most interactions have rank 1, those with the next smaller number rank 2,
    /// whatever the number of ties. So does RecTools 0.19 (`Serendipity`).
    public let popularity: [Double]

    /// Statistics from the number of persons who interacted with each item.
    ///
    /// - Parameters:
    ///   - interactionCounts: persons by item, each counted once.
    ///   - personCount: the persons with at least one interaction; 0 counts as 1.
    /// - Precondition: no count is negative or above `personCount`.
    public init(interactionCounts: [Int], personCount: Int) {
        precondition(
            interactionCounts.allSatisfy { (0...max(personCount, 0)).contains($0) },
            "an item known by more persons than there are")
        let persons = max(personCount, 1)
        let items = interactionCounts.count
        itemCount = items
        self.personCount = persons
        novelty = interactionCounts.map { (Double(persons) / Double(max($0, 1))).binaryLogarithm }
        var levels: [Int] = []
        for count in interactionCounts.sorted(by: >) where levels.last != count { levels.append(count) }
        var popularity = [Double](repeating: 0, count: items)
        for (item, count) in interactionCounts.enumerated() where count > 0 {
            // Levels descend; the position of `count` among them is its rank less one.
            var low = 0
            var high = levels.count - 1
            while low < high {
                let middle = (low + high) / 2
                if levels[middle] > count { low = middle + 1 } else { high = middle }
            }
            popularity[item] = Double(items - low) / Double(items)
        }
        self.popularity = popularity
    }

    /// Statistics of a pattern of training interactions, one row a person; persons without any are not counted.
    public init(_ training: SparseRows) {
        var persons = 0
        for row in 0..<training.rowCount where !training.row(row).isEmpty { persons += 1 }
        self.init(interactionCounts: training.columnLengths, personCount: persons)
    }
}

/// The vectors between whose directions the diversity of a list is measured.
public struct ItemDirections: Sendable {
    private let vectors: Matrix
    /// One over the length of each vector; 0 for a zero vector.
    private let inverseLengths: [Double]

    /// Directions of item vectors, one row an item.
    ///
    /// - Throws: `itemVectorIsNotFinite`.
    public init(_ vectors: Matrix) throws(MetricError) {
        self.vectors = vectors
        var lengths = [Double](repeating: 0, count: vectors.rowCount)
        for item in 0..<vectors.rowCount {
            var squares = 0.0
            for element in vectors.row(item) { squares += Double(element) * Double(element) }
            guard squares.isFinite else { throw .itemVectorIsNotFinite(item: item) }
            lengths[item] = squares > 0 ? 1 / squares.squareRoot() : 0
        }
        inverseLengths = lengths
    }

    /// The number of items.
    public var itemCount: Int { vectors.rowCount }

    /// The mean of 1 − cosine over all pairs of items that have a direction, between 0 and 2.
    ///
    /// A zero vector (an item without text, say) has no direction, and its item takes part in no pair: a distance of 1
    /// to everything would reward lists of unknown items. `nil` for fewer than two items with a direction.
    ///
    /// *Complexity*: O(items of the list · dimension), as Σ_{i<j} cos = (‖Σ unit vectors‖² − m) / 2.
    public func diversity(of list: ArraySlice<UInt32>) -> Double? {
        var sum = [Double](repeating: 0, count: vectors.columnCount)
        var items = 0
        for item in list where inverseLengths[Int(item)] > 0 {
            let inverse = inverseLengths[Int(item)]
            let start = Int(item) * vectors.columnCount
            for column in 0..<vectors.columnCount {
                sum[column] += inverse * Double(vectors.values[start + column])
            }
            items += 1
        }
        guard items > 1 else { return nil }
        let count = Double(items)
        let squares = sum.reduce(0) { $0 + $1 * $1 }
        // Equal directions may come out a rounding error below 0.
        return min(max(1 - (squares - count) / (count * (count - 1)), 0), 2)
    }
}
