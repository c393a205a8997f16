import CKernels

/// Operations on single rows, with the same bits on every processor of one build: no BLAS.
extension Matrix {
    /// Adds one row to `target`. *Complexity*: O(columns).
    ///
    /// - Precondition: `target` holds `columnCount` elements.
    public func addRow(_ index: Int, to target: inout [Float]) {
        precondition(index >= 0 && index < rowCount, "row \(index) of \(rowCount)")
        precondition(target.count == columnCount, "a row of \(columnCount) added to \(target.count) elements")
        let start = index * columnCount
        values.withUnsafeBufferPointer { source in
            target.withUnsafeMutableBufferPointer { target in
                for column in 0..<target.count { target[column] += source[start + column] }
            }
        }
    }

    /// Replaces `products` by the dot products of `vector` with every row. *Complexity*: O(rows · columns).
    ///
    /// Equal rows have equal products, and the products of two rows with each other are equal, to the last bit.
    /// - Precondition: `vector` holds `columnCount` elements and `products` `rowCount`.
    public func rowProducts(with vector: [Float], into products: inout [Float]) {
        precondition(vector.count == columnCount && products.count == rowCount, "shapes of products with every row")
        values.withUnsafeBufferPointer { rows in
            vector.withUnsafeBufferPointer { vector in
                guard let rows = rows.baseAddress, let vector = vector.baseAddress else { return }
                for row in products.indices {
                    products[row] = ferry_dot_of(rows + row * columnCount, vector, columnCount)
                }
            }
        }
    }
}
