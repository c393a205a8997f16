/// Vectors of 64-bit floats in the same layout, for state that is never sent: a strategy's moments in a checkpoint.
extension Safetensors {
    /// What comes before the data of vectors in order of name.
    private static func prefix(_ counts: [(name: String, count: Int)]) -> [UInt8] {
        var text = "{"
        var offset = 0
        for (index, vector) in counts.enumerated() {
            if index > 0 { text += "," }
            text += "\"\(escaped(vector.name))\":{\"dtype\":\"F64\",\"shape\":[\(vector.count)],"
            text += "\"data_offsets\":[\(offset),\(offset + 8 * vector.count)]}"
            offset += 8 * vector.count
        }
        text += "}"
        var bytes = Array(text.utf8)
        while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
        return withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) } + bytes
    }

    /// The bytes of vectors. *Complexity*: O(bytes).
    package static func bytes(ofDoubles vectors: [String: [Double]]) -> [UInt8] {
        let sorted = vectors.sorted { $0.key < $1.key }
        var out = prefix(sorted.map { ($0.key, $0.value.count) })
        for (_, values) in sorted {
            for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { out.append(contentsOf: $0) } }
        }
        return out
    }

    /// The vectors in bytes that must hold exactly the given names and counts.
    ///
    /// - Throws: `malformed`.
    package static func doubles(in bytes: [UInt8], counts: [String: Int]) throws(ParameterError) -> [String: [Double]] {
        let sorted = counts.sorted { $0.key < $1.key }.map { (name: $0.key, count: $0.value) }
        let head = prefix(sorted)
        guard bytes.count == head.count + sorted.reduce(0, { $0 + 8 * $1.count }), bytes.starts(with: head) else {
            throw .malformed(reason: "the vectors are others than those that are expected")
        }
        var out: [String: [Double]] = [:]
        var offset = head.count
        bytes.withUnsafeBytes { source in
            for (name, count) in sorted {
                out[name] = (0..<count).map {
                    let bits = source.loadUnaligned(fromByteOffset: offset + 8 * $0, as: UInt64.self)
                    return Double(bitPattern: UInt64(littleEndian: bits))
                }
                offset += 8 * count
            }
        }
        return out
    }
}
