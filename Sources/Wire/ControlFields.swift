import Cryptography

/// Writes the fields of a control message.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    mutating func integer(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }

    mutating func text(_ value: String) {
        integer(UInt32(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    mutating func raw(_ value: [UInt8]) { bytes.append(contentsOf: value) }

    mutating func catalogues(_ values: [Catalogue]) {
        integer(UInt32(values.count))
        for value in values {
            text(value.domain)
            integer(UInt32(value.itemCount))
            raw(value.digest.bytes)
        }
    }
}

/// Reads the fields of a control message; every method returns `nil` rather than reading past the end.
struct FieldReader {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func raw(_ count: Int) -> [UInt8]? {
        guard count >= 0, count <= bytes.count - offset else { return nil }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    mutating func integer() -> UInt32? {
        guard bytes.count - offset >= 4 else { return nil }
        defer { offset += 4 }
        return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// A name of at most 64 bytes: lower-case letters, digits and hyphens.
    mutating func name() -> String? {
        guard let count = integer(), count > 0, count <= 64, let bytes = raw(Int(count)) else { return nil }
        let isLegal = bytes.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "-")
        }
        return isLegal ? String(decoding: bytes, as: UTF8.self) : nil
    }

    mutating func digest() -> Digest? { raw(Digest.byteCount).flatMap { Digest(bytes: $0) } }

    mutating func catalogues() -> [Catalogue]? {
        guard let count = integer(), count <= 1_024 else { return nil }
        var out: [Catalogue] = []
        for _ in 0..<count {
            guard let domain = name(), let itemCount = integer(), itemCount > 0, itemCount <= Int32.max,
                let digest = digest()
            else { return nil }
            out.append(Catalogue(domain: domain, itemCount: Int(itemCount), digest: digest))
        }
        return out
    }
}
