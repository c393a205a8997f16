/// A dense matrix of 32-bit floats, row-major in one flat buffer.
public struct Matrix: Sendable, Equatable {
    /// The number of rows.
    public let rowCount: Int
    /// The number of columns.
    public let columnCount: Int
    /// The elements, row after row; `rowCount × columnCount` of them.
    public var values: [Float]

    /// A matrix of zeros.
    public init(rowCount: Int, columnCount: Int) {
        self.rowCount = rowCount
        self.columnCount = columnCount
        values = [Float](repeating: 0, count: rowCount * columnCount)
    }

    /// Wraps a row-major buffer.
    ///
    /// - Precondition: `values` holds `rowCount × columnCount` elements.
    public init(rowCount: Int, columnCount: Int, values: [Float]) {
        precondition(
            values.count == rowCount * columnCount, "a \(rowCount) × \(columnCount) matrix from \(values.count) values")
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.values = values
    }

    /// The identity of the given order.
    public static func identity(_ order: Int) -> Matrix {
        var out = Matrix(rowCount: order, columnCount: order)
        for index in 0..<order { out[index, index] = 1 }
        return out
    }

    /// One element.
    public subscript(row: Int, column: Int) -> Float {
        get { values[row * columnCount + column] }
        set { values[row * columnCount + column] = newValue }
    }

    /// One row.
    public func row(_ index: Int) -> ArraySlice<Float> { values[index * columnCount..<(index + 1) * columnCount] }

    /// The matrix times a number.
    public func scaled(by factor: Float) -> Matrix {
        Matrix(rowCount: rowCount, columnCount: columnCount, values: values.map { factor * $0 })
    }

    /// The matrix with some of its rows in a random order among themselves. *Determinism*: one permutation of their
    /// number is drawn.
    public func permutingRows(_ rows: [Int], _ stream: inout RandomStream) -> Matrix {
        var out = self
        for (position, other) in stream.permutation(count: rows.count).enumerated() {
            for (column, value) in row(rows[other]).enumerated() { out[rows[position], column] = value }
        }
        return out
    }

    /// The transpose, copied.
    public var transposed: Matrix {
        var out = Matrix(rowCount: columnCount, columnCount: rowCount)
        for row in 0..<rowCount { for column in 0..<columnCount { out[column, row] = self[row, column] } }
        return out
    }
}
