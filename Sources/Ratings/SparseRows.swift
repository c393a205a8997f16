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

    /// The number of entries of each column. *Complexity*: O(entries + columns).
    public var columnLengths: [Int] {
        var counts = [Int](repeating: 0, count: columnCount)
        for column in columns { counts[Int(column)] += 1 }
        return counts
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
