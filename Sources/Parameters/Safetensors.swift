/// The safetensors layout: an 8-byte little-endian header length, a JSON header, raw little-endian data.
///
/// Source: https://github.com/huggingface/safetensors (format description). The header of a declared set of tensors is
/// canonical (names sorted, offsets contiguous, padded with spaces to eight bytes), so a receiver that knows the schema
/// compares bytes instead of parsing hostile JSON, and the size of a message depends on the schema alone.
public enum Safetensors {
    /// The length of the length prefix.
    static let prefixByteCount = 8

    /// The canonical header of the given declarations, without its length prefix.
    static func header(_ specs: [TensorSpec]) -> [UInt8] {
        var text = "{"
        var offset = 0
        for (index, spec) in specs.sorted(by: { $0.name < $1.name }).enumerated() {
            if index > 0 { text += "," }
            let shape = spec.shape.map(String.init).joined(separator: ",")
            text += "\"\(escaped(spec.name))\":{\"dtype\":\"F32\",\"shape\":[\(shape)],"
            text += "\"data_offsets\":[\(offset),\(offset + spec.byteCount)]}"
            offset += spec.byteCount
        }
        text += "}"
        var bytes = Array(text.utf8)
        while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
        return bytes
    }

    private static func escaped(_ name: String) -> String {
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
        prefixByteCount + header(specs).count + specs.reduce(0) { $0 + $1.byteCount }
    }

    /// The bytes of a parameter set. *Complexity*: O(bytes), one allocation.
    package static func encode(_ parameters: ParameterSet) -> [UInt8] {
        let header = header(parameters.specs)
        var out: [UInt8] = []
        out.reserveCapacity(byteCount(parameters.specs))
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { out.append(contentsOf: $0) }
        out.append(contentsOf: header)
        for tensor in parameters.tensors {
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
        let specs = specs.sorted { $0.name < $1.name }
        let header = header(specs)
        let expected = prefixByteCount + header.count + specs.reduce(0) { $0 + $1.byteCount }
        guard bytes.count == expected else {
            throw .malformed(reason: "\(bytes.count) bytes where the schema gives \(expected)")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length == UInt64(header.count) else {
            throw .malformed(reason: "a header of \(length) bytes where the schema gives \(header.count)")
        }
        let found = UnsafeRawBufferPointer(rebasing: bytes[prefixByteCount..<prefixByteCount + header.count])
        guard found.elementsEqual(header) else {
            throw .malformed(reason: "the header names other tensors, shapes or offsets than the schema")
        }
        var offset = prefixByteCount + header.count
        var tensors: [ParameterSet.Tensor] = []
        for spec in specs {
            let data = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + spec.byteCount])
            let values = [Float](unsafeUninitializedCapacity: spec.elementCount) { target, count in
                #if _endian(little)
                    UnsafeMutableRawBufferPointer(target).copyMemory(from: data)
                #else
                    for index in 0..<spec.elementCount {
                        target[index] = Float(
                            bitPattern: UInt32(
                                littleEndian: data.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
                    }
                #endif
                count = spec.elementCount
            }
            tensors.append(try ParameterSet.Tensor(spec, values: values))
            offset += spec.byteCount
        }
        return try ParameterSet(tensors)
    }
}
