extension ItemVectors {
    /// Reads the vectors of items, such as embeddings of images or sounds, from a file, packed by gzip or not:
    ///
    /// - a NumPy `.npy` array (format 1 to 3, little-endian 32- or 64-bit floats, C order, two axes) together with a file
    ///   of one item id a line, or
    /// - lines of an item id and its numbers, parted by spaces, tabs or commas; an id with spaces or commas is parted from
    ///   its numbers by a tab. A first line that ends with no number, or "count dimension", is a header.
    ///
    /// The vectors are taken as they are. Items that the file does not have get the mean of the others.
    /// - Parameters:
    ///   - path: the file.
    ///   - ids: the file of ids of a NumPy array; unused otherwise.
    ///   - items: the ids of the catalogue, in the order of the rows to come.
    /// - Throws: `notReadable`, `empty`, `malformedLine`. *Complexity*: O(file) time, O(items · d) memory, and the
    ///   ids of an array.
    public init(file path: String, ids: String? = nil, items: [String]) throws(DataError) {
        var source = try ByteCursor(path: path)
        let rows: VectorRows
        if try Array(source.peek(NumPyHeader.magic.count)) == NumPyHeader.magic {
            guard let ids else {
                throw .notReadable(path: path, reason: "a NumPy array needs a file of item ids, one a line")
            }
            rows = try VectorRows(numPy: source, ids: ids, items: items)
        } else {
            rows = try VectorRows(text: source, items: items)
        }
        self.init(rows)
    }
}
