import CSodium

/// A public key of CurveZMQ: Curve25519, 32 bytes; written as 40 characters of Z85.
///
/// Source: CurveZMQ (rfc.zeromq.org/spec/26), Z85 (rfc.zeromq.org/spec/32).
public struct CurvePublicKey: Hashable, Sendable, CustomStringConvertible {
    /// The number of bytes of a key.
    public static let byteCount = 32

    /// The 32 bytes of the key.
    public let bytes: [UInt8]

    /// Wraps 32 bytes; returns `nil` for any other length.
    public init?(bytes: [UInt8]) {
        guard bytes.count == CurvePublicKey.byteCount else { return nil }
        self.bytes = bytes
    }

    /// The key in 40 characters of Z85, or `nil` when they are something else.
    public init?(z85: String) {
        guard let bytes = Z85.decode(z85) else { return nil }
        self.init(bytes: bytes)
    }

    /// The key in Z85.
    public var description: String { Z85.encode(bytes) }
}

/// A secret key of CurveZMQ; never printed, logged or written but to its own file.
public struct CurveSecretKey: Sendable, CustomStringConvertible {
    /// The 32 bytes of the key.
    public let bytes: [UInt8]

    /// The key in 40 characters of Z85, or `nil` when they are something else.
    public init?(z85: String) {
        guard let bytes = Z85.decode(z85), bytes.count == CurvePublicKey.byteCount else { return nil }
        self.bytes = bytes
    }

    fileprivate init(bytes: [UInt8]) { self.bytes = bytes }

    /// The key in Z85, for its file and for the pipe to a role process.
    public var z85: String { Z85.encode(bytes) }

    /// Redacted: the key is a secret.
    public var description: String { "CurveSecretKey(redacted)" }
}

/// A key pair of CurveZMQ.
public struct CurveKeyPair: Sendable {
    /// The public half.
    public let publicKey: CurvePublicKey
    /// The secret half.
    public let secretKey: CurveSecretKey

    /// Secret keys that the manual of libzmq prints; whoever uses one has no secret.
    private static let publishedSecrets = [
        "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
    ]
    /// The public halves of the secret keys that the manual prints.
    public static let publishedKeys: Set<CurvePublicKey> = Set(
        publishedSecrets.compactMap { CurveSecretKey(z85: $0).flatMap { CurveKeyPair($0)?.publicKey } })

    /// A fresh pair from the operating system's entropy.
    public init() {
        Sodium.require()
        var open = [UInt8](repeating: 0, count: CurvePublicKey.byteCount)
        var secret = [UInt8](repeating: 0, count: CurvePublicKey.byteCount)
        crypto_box_keypair(&open, &secret)
        secretKey = CurveSecretKey(bytes: secret)
        guard let key = CurvePublicKey(bytes: open) else { preconditionFailure("crypto_box_keypair made no key") }
        publicKey = key
    }

    /// The pair of a secret key; `nil` when it is one that no curve point belongs to.
    public init?(_ secretKey: CurveSecretKey) {
        Sodium.require()
        var open = [UInt8](repeating: 0, count: CurvePublicKey.byteCount)
        guard crypto_scalarmult_base(&open, secretKey.bytes) == 0, let key = CurvePublicKey(bytes: open) else {
            return nil
        }
        self.secretKey = secretKey
        publicKey = key
    }
}

/// Binary data as text, five characters for four bytes (rfc.zeromq.org/spec/32).
enum Z85 {
    private static let digits = Array(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)

    /// - Precondition: the number of bytes is a multiple of four.
    static func encode(_ bytes: [UInt8]) -> String {
        precondition(bytes.count % 4 == 0, "\(bytes.count) bytes have no Z85 text")
        var out: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 4) {
            var value = bytes[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            var group = [UInt8](repeating: 0, count: 5)
            for index in group.indices.reversed() {
                group[index] = digits[Int(value % 85)]
                value /= 85
            }
            out += group
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// `nil` when the text is not Z85.
    static func decode(_ text: String) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count % 5 == 0 else { return nil }
        var out: [UInt8] = []
        for start in stride(from: 0, to: characters.count, by: 5) {
            var value: UInt64 = 0
            for character in characters[start..<start + 5] {
                guard let digit = digits.firstIndex(of: character) else { return nil }
                value = value * 85 + UInt64(digit)
            }
            guard value <= UInt64(UInt32.max) else { return nil }
            for shift in [24, 16, 8, 0] as [UInt64] { out.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        return out
    }
}
