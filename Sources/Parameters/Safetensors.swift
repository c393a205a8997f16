/// The safetensors layout: an 8-byte little-endian header length, a JSON header, raw little-endian data.
///
/// Source: https://github.com/huggingface/safetensors (format description). The header of a declared set of tensors is
/// canonical (names sorted, offsets contiguous, the parts of a tensor in another format than `float32` in the order in
/// which they are read, padded with spaces to eight bytes), so a receiver that knows the schema
/// compares bytes instead of parsing hostile JSON, and the size of a message depends on the schema alone.
public enum Safetensors {
    /// The length of the length prefix.
    static let prefixByteCount = 8

    /// The canonical header of the given declarations, without its length prefix.
    static func header(_ specs: [TensorSpec]) -> [UInt8] {
        var text = "{"
        var offset = 0
        for (index, part) in specs.sorted(by: { $0.name < $1.name }).flatMap(\.parts).enumerated() {
            if index > 0 { text += "," }
            let shape = part.shape.map(String.init).joined(separator: ",")
            text += "\"\(escaped(part.name))\":{\"dtype\":\"\(part.dtype)\",\"shape\":[\(shape)],"
            text += "\"data_offsets\":[\(offset),\(offset + part.byteCount)]}"
            offset += part.byteCount
        }
        text += "}"
        var bytes = Array(text.utf8)
        while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
        return bytes
    }

    static func escaped(_ name: String) -> String {
        var out = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// The exact number of bytes of a set with the given declarations.
    public static func byteCount(_ specs: [TensorSpec]) -> Int {
        prefixByteCount + header(specs).count + specs.reduce(0) { $0 + $1.wireByteCount }
    }

    /// What comes before the data: the length of the header, and the header.
    package static func prefix(_ specs: [TensorSpec]) -> [UInt8] {
        let header = header(specs)
        return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
    }

    /// The bytes of a parameter set. *Complexity*: O(bytes), one allocation, and one for each tensor in another format than
    /// `float32`.
    package static func encode(_ parameters: ParameterSet) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(byteCount(parameters.specs))
        out.append(contentsOf: prefix(parameters.specs))
        for tensor in parameters.tensors {
            if tensor.spec.format != .float32 {
                out.append(contentsOf: tensor.wireBytes)
                continue
            }
            #if _endian(little)
                tensor.values.withUnsafeBytes { out.append(contentsOf: $0) }
            #else
                for value in tensor.values {
                    withUnsafeBytes(of: value.bitPattern.littleEndian) { out.append(contentsOf: $0) }
                }
            #endif
        }
        return out
    }

    /// The parameter set in bytes that must hold exactly the given declarations.
    ///
    /// Total: any other bytes throw before memory for the values is allocated.
    /// - Throws: `malformed`, `valueOutOfBound`. *Complexity*: O(bytes).
    package static func decode(_ bytes: UnsafeRawBufferPointer, specs: [TensorSpec]) throws(ParameterError)
        -> ParameterSet
    {
        var reader = SafetensorsReader(specs: specs)
        guard bytes.count == reader.byteCount else {
            throw .malformed(reason: "\(bytes.count) bytes where the schema gives \(reader.byteCount)")
        }
        var spare = SpareArrays(elementLimit: 0)
        try reader.append(bytes, spare: &spare)
        return try reader.finish()
    }
}
