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
    /// Rows of the file that repeated a (person, item) pair.
    public let duplicateCount: Int

    /// The digest of the catalogue: the number of items and their ids in order.
    public var catalogueDigest: Digest {
        var hasher = FieldHasher(purpose: "ferry.catalogue/1")
        hasher.update(items.count)
        for item in items { hasher.update(item) }
        return hasher.finalize()
    }
}

/// The pattern of a sparse matrix by rows.
public struct SparseRows: Sendable, Equatable {
    /// Where each row begins in `columns`; one more than there are rows.
    public let starts: [Int]
    /// The columns of each row, ascending within a row.
    public let columns: [UInt32]
    /// The number of columns of the matrix.
    public let columnCount: Int

    /// A pattern.
    ///
    /// - Precondition: `starts` rises from 0 to `columns.count`, and every column is below `columnCount`.
    public init(starts: [Int], columns: [UInt32], columnCount: Int) {
        precondition(starts.first == 0 && starts.last == columns.count, "the row starts of a sparse matrix")
        self.starts = starts
        self.columns = columns
        self.columnCount = columnCount
    }

    /// The number of rows.
    public var rowCount: Int { starts.count - 1 }

    /// The columns of one row.
    public func row(_ index: Int) -> ArraySlice<UInt32> { columns[starts[index]..<starts[index + 1]] }

    /// The same matrix with some rows emptied.
    public func keepingRows(_ isKept: (Int) -> Bool) -> SparseRows {
        var starts = [0]
        var kept: [UInt32] = []
        starts.reserveCapacity(self.starts.count)
        for index in 0..<rowCount {
            if isKept(index) { kept.append(contentsOf: row(index)) }
            starts.append(kept.count)
        }
        return SparseRows(starts: starts, columns: kept, columnCount: columnCount)
    }

    /// The transpose. *Complexity*: O(entries + rows + columns).
    public var transposed: SparseRows { transposedWithOrder.matrix }

    /// The transpose, and for each of its entries the position of that entry in `columns`.
    public var transposedWithOrder: (matrix: SparseRows, order: [UInt32]) {
        precondition(columns.count <= Int(UInt32.max), "too many entries to number")
        var starts = [Int](repeating: 0, count: columnCount + 1)
        for column in columns { starts[Int(column) + 1] += 1 }
        for index in 0..<columnCount { starts[index + 1] += starts[index] }
        var next = starts
        var out = [UInt32](repeating: 0, count: columns.count)
        var order = out
        for index in 0..<rowCount {
            for entry in self.starts[index]..<self.starts[index + 1] {
                let column = Int(columns[entry])
                out[next[column]] = UInt32(index)
                order[next[column]] = UInt32(entry)
                next[column] += 1
            }
        }
        return (SparseRows(starts: starts, columns: out, columnCount: rowCount), order)
    }
}

/// Collects rows in any order and makes interactions of them.
struct InteractionBuilder {
    private struct Entry {
        let person: UInt32
        let item: UInt32
        let rating: Float
        let time: Int64
        let order: Int
    }

    private var personIndices: [String: UInt32] = [:]
    private var itemIndices: [String: UInt32] = [:]
    private var entries: [Entry] = []
    private let isCatalogueFixed: Bool

    /// Starts with a fixed catalogue, or with one that grows with the rows.
    init(catalogue: [String]?) {
        isCatalogueFixed = catalogue != nil
        for item in catalogue ?? [] where itemIndices[item] == nil { itemIndices[item] = UInt32(itemIndices.count) }
    }

    /// Adds a row; returns false when the item is not in the fixed catalogue.
    mutating func add(person: String, item: String, rating: Float, time: Int64, line: Int) -> Bool {
        let itemIndex: UInt32
        if let known = itemIndices[item] {
            itemIndex = known
        } else {
            if isCatalogueFixed { return false }
            itemIndex = UInt32(itemIndices.count)
            itemIndices[item] = itemIndex
        }
        let personIndex = personIndices[person] ?? UInt32(personIndices.count)
        personIndices[person] = personIndex
        entries.append(Entry(person: personIndex, item: itemIndex, rating: rating, time: time, order: line))
        return true
    }

    /// The interactions; `firstDuplicateLine` is set when the rule is `error` and there is a duplicate.
    func build(rule: DuplicateRule, hasTimes: Bool) -> (interactions: Interactions, firstDuplicateLine: Int?) {
        let persons = personIndices.keys.sorted()
        let items = itemIndices.keys.sorted()
        var personRank = [UInt32](repeating: 0, count: persons.count)
        for (rank, id) in persons.enumerated() {
            if let index = personIndices[id] { personRank[Int(index)] = UInt32(rank) }
        }
        var itemRank = [UInt32](repeating: 0, count: items.count)
        for (rank, id) in items.enumerated() { if let index = itemIndices[id] { itemRank[Int(index)] = UInt32(rank) } }
        let sorted = entries.sorted {
            (personRank[Int($0.person)], itemRank[Int($0.item)], hasTimes ? $0.time : 0, $0.order)
                < (personRank[Int($1.person)], itemRank[Int($1.item)], hasTimes ? $1.time : 0, $1.order)
        }
        var starts = [0]
        var columns: [UInt32] = []
        var ratings: [Float] = []
        var duplicates = 0
        var firstDuplicateLine: Int?
        var index = 0
        var person: UInt32 = 0
        while index < sorted.count {
            var end = index + 1
            while end < sorted.count, sorted[end].person == sorted[index].person, sorted[end].item == sorted[index].item
            {
                end += 1
            }
            let rank = personRank[Int(sorted[index].person)]
            while person < rank {
                starts.append(columns.count)
                person += 1
            }
            if end - index > 1 {
                duplicates += end - index - 1
                let line = sorted[index..<end].map(\.order).sorted()[1]
                firstDuplicateLine = min(firstDuplicateLine ?? line, line)
            }
            columns.append(itemRank[Int(sorted[index].item)])
            let isLast = rule == .last || (rule == .byDefault && hasTimes)
            if isLast {
                ratings.append(sorted[end - 1].rating)
            } else if rule == .first {
                ratings.append(sorted[index].rating)
            } else {
                let sum = sorted[index..<end].reduce(0) { $0 + Double($1.rating) }
                ratings.append(Float(sum / Double(end - index)))
            }
            index = end
        }
        while starts.count <= persons.count { starts.append(columns.count) }
        let rows = SparseRows(starts: starts, columns: columns, columnCount: items.count)
        let interactions = Interactions(
            persons: persons, items: items, rows: rows, ratings: ratings, duplicateCount: duplicates)
        return (interactions, rule == .error ? firstDuplicateLine : nil)
    }
}
