/// The head of a NumPy array file.
///
/// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
struct NumPyHeader: Equatable {
    /// The first bytes of each file.
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    /// The longest head that is read; NumPy's own limit for files that are not trusted.
    private static let byteLimit = 10_000

    let rowCount: Int
    let columnCount: Int
    /// 4 or 8.
    let numberByteCount: Int

    /// Takes the head of a source.
    ///
    /// - Throws: `malformedLine` of line 1 for anything but little-endian floats in C order on two axes, for a dimension
    ///   beyond `WordVectors.dimensionLimit`, and for more numbers than the file can hold.
    init(_ source: inout ByteCursor) throws(DataError) {
        let path = source.path
        func malformed(_ expected: String) -> DataError {
            .malformedLine(path: path, line: 1, expected: expected)
        }
        var bytes: [UInt8] = []
        try source.take(8, into: &bytes)
        guard bytes.count == 8, bytes.starts(with: NumPyHeader.magic), (1...3).contains(bytes[6]) else {
            throw malformed("a NumPy array of format 1, 2 or 3")
        }
        let lengthByteCount = bytes[6] == 1 ? 2 : 4
        try source.take(lengthByteCount, into: &bytes)
        let length = bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count == lengthByteCount, length <= NumPyHeader.byteLimit else {
            throw malformed("a head of at most \(NumPyHeader.byteLimit) bytes")
        }
        try source.take(length, into: &bytes)
        guard bytes.count == length else { throw malformed("a head of \(length) bytes") }
        let head = String(decoding: bytes, as: UTF8.self)
        switch NumPyHeader.value(of: "descr", in: head)?.split(whereSeparator: { $0 == "'" || $0 == "\"" }).first {
        case "<f4": numberByteCount = 4
        case "<f8": numberByteCount = 8
        default: throw malformed("little-endian 32- or 64-bit floats ('<f4' or '<f8')")
        }
        guard NumPyHeader.value(of: "fortran_order", in: head)?.hasPrefix("False") == true else {
            throw malformed("an array in C order ('fortran_order': False)")
        }
        guard let shape = NumPyHeader.value(of: "shape", in: head), shape.hasPrefix("("),
            let end = shape.firstIndex(of: ")")
        else { throw malformed("a shape") }
        let axes = shape[shape.index(after: shape.startIndex)..<end].split(separator: ",").map { axis in
            Int(axis.filter { $0 != " " })
        }
        guard axes.count == 2, let rowCount = axes[0], let columnCount = axes[1], rowCount >= 0 else {
            throw malformed("an array of two axes")
        }
        guard (1...WordVectors.dimensionLimit).contains(columnCount) else {
            throw malformed("a dimension from 1 to \(WordVectors.dimensionLimit)")
        }
        let size = rowCount.multipliedReportingOverflow(by: columnCount * numberByteCount)
        guard !size.overflow, size.partialValue <= source.greatestByteCount else {
            throw malformed("a shape that the file is large enough for")
        }
        self.rowCount = rowCount
        self.columnCount = columnCount
    }

    /// What follows `'key':`.
    private static func value(of key: String, in head: String) -> Substring? {
        for quote in ["'", "\""] {
            let name = Array((quote + key + quote).utf8)
            let text = Array(head.utf8)
            guard text.count >= name.count else { return nil }
            for start in 0...text.count - name.count where text[start..<start + name.count].elementsEqual(name) {
                let rest = text[(start + name.count)...].drop { $0 == UInt8(ascii: " ") }
                guard rest.first == UInt8(ascii: ":") else { continue }
                let value = rest.dropFirst().drop { $0 == UInt8(ascii: " ") }
                return Substring(String(decoding: value, as: UTF8.self))
            }
        }
        return nil
    }
}
