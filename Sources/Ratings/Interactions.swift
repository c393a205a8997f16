public import Cryptography

/// What becomes of several ratings of one item by one person.
public enum DuplicateRule: String, Sendable, Equatable, CaseIterable {
    /// The last by time where there are times, else the mean.
    case byDefault = "default"
    /// The last by time, or in the file where there are no times.
    case last
    /// The mean.
    case mean
    /// The first by time, or in the file where there are no times.
    case first
    /// An error that names the line.
    case error
}

/// The ratings of one domain: private, never on a wire. Persons and items are sorted by id; each person's items too.
public struct Interactions: Sendable, Equatable {
    /// The ids of the persons, sorted.
    public let persons: [String]
    /// The ids of the items, sorted: the catalogue.
    public let items: [String]
    /// Who interacted with what: one row a person.
    public let rows: SparseRows
    /// The ratings, parallel to `rows.columns`.
    public let ratings: [Float]
    /// When each rating was given, parallel to `rows.columns`, in the file's own unit; empty when the source has no times.
    public let times: [Int64]
    /// Whether the times are places in each person's own sequence, which order one person's ratings and compare nothing
    /// between two persons.
    public let timesArePositions: Bool
    /// Rows of the file that repeated a (person, item) pair.
    public let duplicateCount: Int

    /// Interactions from their parts.
    ///
    /// - Precondition: `persons` and `items` are sorted and match the rows; `ratings`, and `times` unless empty, are
    ///   parallel to `rows.columns`.
    public init(
        persons: [String], items: [String], rows: SparseRows, ratings: [Float], times: [Int64] = [],
        timesArePositions: Bool = false, duplicateCount: Int = 0
    ) {
        precondition(
            persons.count == rows.rowCount && items.count == rows.columnCount && ratings.count == rows.columns.count
                && (times.isEmpty || times.count == ratings.count), "the parts of interactions do not match")
        self.persons = persons
        self.items = items
        self.rows = rows
        self.ratings = ratings
        self.times = times
        self.timesArePositions = timesArePositions
        self.duplicateCount = duplicateCount
    }

    /// The interactions of some persons, with all items. *Complexity*: O(interactions).
    public func keepingPersons(_ isKept: (String) -> Bool) -> Interactions {
        keepingPersons(at: persons.indices.filter { isKept(persons[$0]) })
    }

    /// The interactions of the persons at some positions, in order, with all items. *Complexity*: O(their interactions).
    public func keepingPersons(at kept: [Int]) -> Interactions {
        var starts = [0]
        var entries: [Int] = []
        for person in kept {
            entries += rows.starts[person]..<rows.starts[person + 1]
            starts.append(entries.count)
        }
        return Interactions(
            persons: kept.map { persons[$0] }, items: items,
            rows: SparseRows(
                starts: starts, columns: entries.map { rows.columns[$0] }, columnCount: rows.columnCount),
            ratings: entries.map { ratings[$0] }, times: times.isEmpty ? [] : entries.map { times[$0] },
            timesArePositions: timesArePositions)
    }

    /// Whether the times of different persons can be compared.
    public var hasCommonTimes: Bool { !times.isEmpty && !timesArePositions }

    /// The digest of the catalogue: the number of items and their ids in order.
    public var catalogueDigest: Digest {
        var hasher = FieldHasher(purpose: "ferry.catalogue/1")
        hasher.update(items.count)
        for item in items { hasher.update(item) }
        return hasher.finalize()
    }
}
