import CSodium

/// A SHA-256 digest (FIPS 180-4), 32 bytes.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
    /// The number of bytes of a digest.
    public static let byteCount = 32

    /// The 32 bytes of the digest.
    public let bytes: [UInt8]

    /// Wraps 32 bytes; returns `nil` for any other length.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Digest.byteCount else { return nil }
        self.bytes = bytes
    }

    fileprivate init(exactly bytes: [UInt8]) { self.bytes = bytes }

    /// Lower-case hexadecimal, 64 characters.
    public var description: String { hexadecimal(bytes) }
}

/// Lower-case hexadecimal of bytes.
public func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count * 2)
    for byte in bytes {
        out.append(digits[Int(byte >> 4)])
        out.append(digits[Int(byte & 15)])
    }
    return String(decoding: out, as: UTF8.self)
}

/// Bytes of hexadecimal text, or `nil` when it is not an even number of hexadecimal digits.
public func bytes(hexadecimal text: String) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count % 2 == 0 else { return nil }
    func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
    var out: [UInt8] = []
    for index in stride(from: 0, to: characters.count, by: 2) {
        guard let high = value(characters[index]), let low = value(characters[index + 1]) else { return nil }
        out.append(high << 4 | low)
    }
    return out
}

/// An incremental SHA-256 hash over length-prefixed fields, so that no two field lists collide by concatenation.
public struct FieldHasher {
    private var state = crypto_hash_sha256_state()

    /// Starts a hash separated from every other use by `purpose`.
    public init(purpose: String) {
        Sodium.require()
        crypto_hash_sha256_init(&state)
        update(purpose)
    }

    /// Adds one field of bytes, preceded by its length as eight little-endian bytes.
    public mutating func update(_ field: [UInt8]) {
        var length = UInt64(field.count).littleEndian
        withUnsafeBytes(of: &length) { prefix in
            _ = crypto_hash_sha256_update(&state, prefix.bindMemory(to: UInt8.self).baseAddress, 8)
        }
        crypto_hash_sha256_update(&state, field, UInt64(field.count))
    }

    /// Adds one field of text in UTF-8.
    public mutating func update(_ field: String) { update(Array(field.utf8)) }

    /// Adds one integer field, eight little-endian bytes.
    public mutating func update(_ field: Int) {
        update(withUnsafeBytes(of: Int64(field).littleEndian) { Array($0) })
    }

    /// The digest of all fields so far; the hasher can go on afterwards.
    public func finalize() -> Digest {
        var copy = state
        var out = [UInt8](repeating: 0, count: Digest.byteCount)
        crypto_hash_sha256_final(&copy, &out)
        return Digest(exactly: out)
    }
}

/// The SHA-256 digest of bytes.
public func sha256(_ bytes: [UInt8]) -> Digest {
    Sodium.require()
    var out = [UInt8](repeating: 0, count: Digest.byteCount)
    crypto_hash_sha256(&out, bytes, UInt64(bytes.count))
    return Digest(exactly: out)
}
