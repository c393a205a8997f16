public import Ratings

/// The ratings that a model trains on: a part of a domain's interactions, with the same persons and items.
public struct TrainingData: Sendable, Equatable {
    /// Who rated what: one row a person.
    public let rows: SparseRows
    /// The ratings, parallel to `rows.columns`.
    public let ratings: [Float]
    /// When each rating was given, parallel to `rows.columns`; empty when the source has no times.
    public let times: [Int64]

    /// Training data from its parts.
    ///
    /// - Precondition: `ratings`, and `times` unless empty, are parallel to `rows.columns`.
    public init(rows: SparseRows, ratings: [Float], times: [Int64] = []) {
        precondition(
            ratings.count == rows.columns.count && (times.isEmpty || times.count == ratings.count),
            "the parts of training data do not match")
        self.rows = rows
        self.ratings = ratings
        self.times = times
    }

    /// All interactions of a domain.
    public init(_ interactions: Interactions) {
        self.init(rows: interactions.rows, ratings: interactions.ratings, times: interactions.times)
    }

    /// The ratings of one person, parallel to `rows.row(person)`.
    public func ratings(of person: Int) -> ArraySlice<Float> {
        ratings[rows.starts[person]..<rows.starts[person + 1]]
    }

    /// The ratings of items that have at least `count` of them; with earlier data, what is new of an item is kept only
    /// where that, too, is at least `count` ratings.
    ///
    /// A model of the result tells no single rating, and neither does what it adds to a model of `earlier`, which must be
    /// such a result itself. *Complexity*: O(entries + items).
    public func keepingItems(ratedAtLeast count: Int, since earlier: TrainingData? = nil) -> TrainingData {
        guard let earlier else {
            let counts = rows.columnLengths
            return filtered { _, entry in counts[Int(rows.columns[entry])] >= count }
        }
        precondition(earlier.rows.rowCount == rows.rowCount, "data of other persons")
        var added = rows.columnLengths
        for (item, known) in earlier.rows.columnLengths.enumerated() { added[item] -= known }
        return filtered { person, entry in
            let item = rows.columns[entry]
            return added[Int(item)] >= count || earlier.rows.row(person).contains(item)
        }
    }

    /// The same ratings on another scale: each divided by c. *Complexity*: O(entries).
    public func scaled(down c: Float) -> TrainingData {
        TrainingData(rows: rows, ratings: ratings.map { $0 / c }, times: times)
    }

    /// The entries for which `isKept` holds, in the same order; it is asked once for each entry, in order.
    ///
    /// - Parameter isKept: takes the person and the position of the entry in `rows.columns`.
    /// *Complexity*: O(entries + persons).
    public func filtered(_ isKept: (_ person: Int, _ entry: Int) -> Bool) -> TrainingData {
        var starts = [0]
        starts.reserveCapacity(rows.starts.count)
        var columns: [UInt32] = []
        var ratings: [Float] = []
        var times: [Int64] = []
        for person in 0..<rows.rowCount {
            for entry in rows.starts[person]..<rows.starts[person + 1] where isKept(person, entry) {
                columns.append(rows.columns[entry])
                ratings.append(self.ratings[entry])
                if !self.times.isEmpty { times.append(self.times[entry]) }
            }
            starts.append(columns.count)
        }
        return TrainingData(
            rows: SparseRows(starts: starts, columns: columns, columnCount: rows.columnCount), ratings: ratings,
            times: times)
    }

    /// One row an item, with the persons who rated it, ascending. *Complexity*: O(entries + persons + items).
    public var transposed: TrainingData {
        let columns = rows.transposed
        var next = columns.starts
        var ratings = [Float](repeating: 0, count: self.ratings.count)
        var times = [Int64](repeating: 0, count: self.times.count)
        // Persons come in ascending order, as in `SparseRows.transposed`.
        for (entry, item) in rows.columns.enumerated() {
            let target = next[Int(item)]
            ratings[target] = self.ratings[entry]
            if !times.isEmpty { times[target] = self.times[entry] }
            next[Int(item)] = target + 1
        }
        return TrainingData(rows: columns, ratings: ratings, times: times)
    }

    /// The mean rating. *Complexity*: O(entries). - Throws: `noRatings`.
    func meanRating() throws(RecommenderError) -> Double {
        guard !ratings.isEmpty else { throw .noRatings }
        return ratings.reduce(0.0) { $0 + Double($1) } / Double(ratings.count)
    }
}
