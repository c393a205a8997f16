import CSodium

/// A keyed hash of identifiers, HMAC-SHA256 (RFC 2104, FIPS 198-1).
///
/// Decides who is a cold person, who validates and which client holds whom: every process that knows the key decides
/// alike, with nothing exchanged.
public struct KeyedHash: Sendable, CustomStringConvertible {
    private let key: [UInt8]

    /// Makes a hash with a key of any length.
    public init(key: [UInt8]) {
        Sodium.require()
        self.key = key
    }

    /// Redacted: a key is a secret.
    public var description: String { "KeyedHash(redacted)" }

    /// The 32-byte code of a message.
    public func code(of message: [UInt8]) -> [UInt8] {
        var state = crypto_auth_hmacsha256_state()
        crypto_auth_hmacsha256_init(&state, key, key.count)
        crypto_auth_hmacsha256_update(&state, message, UInt64(message.count))
        var out = [UInt8](repeating: 0, count: 32)
        crypto_auth_hmacsha256_final(&state, &out)
        return out
    }

    /// The first eight bytes of the code as a little-endian integer, uniform over `UInt64`.
    public func integer(of message: String) -> UInt64 {
        let code = code(of: Array(message.utf8))
        return (0..<8).reduce(UInt64(0)) { $0 | UInt64(code[$1]) << UInt64(8 * $1) }
    }

    /// The code as a fraction in [0, 1), uniform on multiples of 2⁻⁵³.
    public func fraction(of message: String) -> Double { Double(integer(of: message) >> 11) * 0x1p-53 }
}

/// The 32-byte secret that a client presents when it joins a run; never printed, logged or written.
public struct RunToken: Sendable, Equatable, CustomStringConvertible {
    /// The number of bytes of a token.
    public static let byteCount = 32

    /// The secret bytes.
    public let bytes: [UInt8]

    /// Wraps 32 bytes; returns `nil` for any other length.
    public init?(bytes: [UInt8]) {
        guard bytes.count == RunToken.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Draws a fresh token from the operating system's entropy.
    public init() { self.bytes = secureRandomBytes(count: RunToken.byteCount) }

    /// Compares in constant time.
    public static func == (left: RunToken, right: RunToken) -> Bool {
        sodium_memcmp(left.bytes, right.bytes, RunToken.byteCount) == 0
    }

    /// Redacted: a token is a secret.
    public var description: String { "RunToken(redacted)" }
}

/// Bytes from the operating system's entropy source.
public func secureRandomBytes(count: Int) -> [UInt8] {
    Sodium.require()
    var out = [UInt8](repeating: 0, count: count)
    randombytes_buf(&out, count)
    return out
}
