import Numerics
import Ratings
import TestSupport

/// The bytes of a word2vec binary file.
func word2vecBinary(
    _ words: [String], _ dimension: Int, _ values: [Float], isNewlineWritten: Bool = true, count: Int? = nil
) -> [UInt8] {
    var bytes = Array("\(count ?? words.count) \(dimension)\n".utf8)
    for (place, word) in words.enumerated() {
        bytes += Array((word + " ").utf8)
        for value in values[place * dimension..<(place + 1) * dimension] { bytes += littleEndian(value.bitPattern) }
        if isNewlineWritten { bytes.append(UInt8(ascii: "\n")) }
    }
    return bytes
}

/// The lines of GloVe's text format.
func gloveText(_ words: [String], _ dimension: Int, _ values: [Float]) -> String {
    words.enumerated().map { place, word in
        let numbers = values[place * dimension..<(place + 1) * dimension].map { "\($0)" }
        return ([word] + numbers).joined(separator: " ") + "\n"
    }.joined()
}

/// The bytes of a NumPy array file.
func numPy(
    descr: String = "<f4", fortran: String = "False", shape: String, version: UInt8 = 1, _ values: [UInt8]
) -> [UInt8] {
    var head = "{'descr': '\(descr)', 'fortran_order': \(fortran), 'shape': \(shape), }"
    while (10 + head.utf8.count + 1) % 64 != 0 { head += " " }
    head += "\n"
    let length = UInt32(head.utf8.count)
    let lengthBytes = littleEndian(length).prefix(version == 1 ? 2 : 4)
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + lengthBytes + Array(head.utf8) + values
}

func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> Value($0 * 8)) }
}

/// Gzip with stored blocks (RFC 1951, 3.2.4; RFC 1952).
func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var packed: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
    var start = 0
    repeat {
        let end = min(start + 65_535, bytes.count)
        let length = UInt16(end - start)
        packed += [end == bytes.count ? 1 : 0] + littleEndian(length) + littleEndian(~length) + bytes[start..<end]
        start = end
    } while start < bytes.count
    var remainder: UInt32 = ~0
    for byte in bytes {
        remainder ^= UInt32(byte)
        for _ in 0..<8 { remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0xEDB8_8320 : remainder >> 1 }
    }
    return packed + littleEndian(~remainder) + littleEndian(UInt32(bytes.count))
}

/// Reads bytes as a file of word vectors.
func wordVectors(
    _ bytes: [UInt8], format: WordVectorFormat? = nil, keeping vocabulary: Set<String>? = nil
) throws -> WordVectors {
    let folder = try TemporaryFolder()
    return try WordVectors(file: folder.write(bytes, to: "vectors"), format: format, keeping: vocabulary)
}

/// Reads a text as a file of word vectors.
func wordVectors(_ text: String, format: WordVectorFormat? = nil) throws -> WordVectors {
    try wordVectors(Array(text.utf8), format: format)
}

/// Reads bytes as a file of item vectors.
func itemVectors(_ bytes: [UInt8], ids: String? = nil, items: [String]) throws -> ItemVectors {
    let folder = try TemporaryFolder()
    let idPath = try ids.map { try folder.write($0, to: "ids") }
    return try ItemVectors(file: folder.write(bytes, to: "vectors"), ids: idPath, items: items)
}

/// The cosine of two vectors in Double.
func cosine(_ first: some Sequence<Float>, _ second: some Sequence<Float>) -> Double {
    var product = 0.0
    var squares = (0.0, 0.0)
    for (left, right) in zip(first, second) {
        product += Double(left) * Double(right)
        squares.0 += Double(left) * Double(left)
        squares.1 += Double(right) * Double(right)
    }
    return product / (squares.0 * squares.1).squareRoot()
}
