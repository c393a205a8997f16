public import Ratings

/// The number of persons who know each item: what every ranking model falls back to for a person with nothing.
public struct Popularity: Sendable, Equatable {
    /// Persons who know the item; one element an item.
    public let counts: [Float]

    /// Popularity from counts, such as those that a domain has shipped.
    public init(counts: [Float]) { self.counts = counts }

    /// Counts interactions, exactly up to 2²⁴ persons. *Complexity*: O(entries + items).
    public init(rows: SparseRows) {
        var counts = [Float](repeating: 0, count: rows.columnCount)
        for item in rows.columns { counts[Int(item)] += 1 }
        self.counts = counts
    }

    /// The scores of all items: the counts, whatever a person knows.
    public func scores(known: some Sequence<UInt32>) -> [Float] { counts }
}
