import CSodium

/// Where the secret of a stream comes from, and so what a figure that depends on the stream is worth.
public enum StreamOrigin: String, Sendable, Codable {
    /// A root seed that the experimenter knows: a run can be repeated, and whoever knows the seed can subtract the noise.
    case rootSeed = "root-seed"
    /// The operating system's entropy: no run repeats another.
    case operatingSystem = "operating-system"
}

/// The 32-byte secret of a key stream; never printed, logged or written.
public struct StreamKey: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The number of bytes of a key.
    public static let byteCount = 32

    /// Where the secret comes from; a derived key inherits it.
    public let origin: StreamOrigin
    let bytes: [UInt8]

    private init(bytes: [UInt8], origin: StreamOrigin) {
        self.bytes = bytes
        self.origin = origin
    }

    /// The key of a root seed, the same in every process that knows the seed. *Determinism*: a pure function of `root`.
    public init(root: UInt64) {
        var hasher = FieldHasher(purpose: "ferry.stream-key/1")
        hasher.update(Int(truncatingIfNeeded: root))
        self.init(bytes: hasher.finalize().bytes, origin: .rootSeed)
    }

    /// A fresh key from the operating system's entropy.
    public init() {
        self.init(bytes: secureRandomBytes(count: StreamKey.byteCount), origin: .operatingSystem)
    }

    /// The key that belongs to a named path under this one: HMAC-SHA256 of the path, its components prefixed with their
    /// lengths. Keys of different paths are independent as far as HMAC-SHA256 is a pseudo-random function.
    public func derived(_ path: [String]) -> StreamKey {
        var hasher = FieldHasher(purpose: "ferry.stream-path/1")
        for component in path { hasher.update(component) }
        return StreamKey(bytes: KeyedHash(key: bytes).code(of: hasher.finalize().bytes), origin: origin)
    }

    /// Compares in constant time.
    public static func == (left: StreamKey, right: StreamKey) -> Bool {
        left.origin == right.origin && sodium_memcmp(left.bytes, right.bytes, StreamKey.byteCount) == 0
    }

    /// Redacted: a key is a secret.
    public var description: String { "StreamKey(redacted)" }
    /// Redacted: a key is a secret.
    public var debugDescription: String { description }
    /// Redacted: a key is a secret.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension KeyedHash {
    /// Makes the hash that belongs to a stream's key; its own key is derived, so that the hash tells nothing of the stream.
    public init(key: StreamKey) { self.init(key: key.derived(["ferry.keyed-hash/1"]).bytes) }
}

/// A ChaCha20 key stream: unpredictable bits for noise, a pure function of its key.
///
/// It cannot be copied, because two copies would give the same noise twice. Two streams made from one key do so as well:
/// derive a key for each use by `StreamKey.derived(_:)`.
///
/// Entropy of the operating system enters through the key alone, which ChaCha20 then expands; one call of the system
/// per number would cost more than the noise. *Source*: Bernstein, *ChaCha, a variant of Salsa20* (2008), nonce zero,
/// 64-bit block counter from zero. *Determinism*: a pure function of the key and of how much was drawn.
public struct KeyStream: ~Copyable, Sendable {
    /// 8 KiB: 128 blocks of 64 bytes at once, so that libsodium's vectorised code runs on whole batches.
    private static let wordCount = 2048
    private static let blocksPerBatch = UInt64(wordCount * 4 / 64)

    /// Where the stream's key comes from.
    public let origin: StreamOrigin
    private let key: [UInt8]
    private var block: UInt64 = 0
    @usableFromInline var words: [UInt32]
    @usableFromInline var position: Int

    /// Opens the stream of a key, at its start.
    public init(key: StreamKey) {
        Sodium.require()
        self.key = key.bytes
        origin = key.origin
        words = [UInt32](repeating: 0, count: KeyStream.wordCount)
        position = KeyStream.wordCount
    }

    /// Fills the batch with the next blocks of the stream.
    @usableFromInline @inline(never) mutating func refill() {
        let nonce = [UInt8](repeating: 0, count: Int(crypto_stream_chacha20_NONCEBYTES))
        words.withUnsafeMutableBytes { batch in
            guard let base = batch.bindMemory(to: UInt8.self).baseAddress else { return }
            base.update(repeating: 0, count: batch.count)
            crypto_stream_chacha20_xor_ic(base, base, UInt64(batch.count), nonce, block, key)
        }
        block += KeyStream.blocksPerBatch
        position = 0
    }

    /// The next 32 uniform bits: four bytes of the stream, little-endian.
    @inlinable public mutating func nextWord() -> UInt32 {
        if position == words.count { refill() }
        let word = UInt32(littleEndian: words[position])
        position += 1
        return word
    }

    /// The next 64 uniform bits: eight bytes of the stream, little-endian.
    @inlinable public mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return low | UInt64(nextWord()) &<< 32
    }

    /// An integer uniform on 0 ..< bound, without bias: candidates of the fewest bits are drawn until one is below.
    ///
    /// - Precondition: `bound` is positive.
    @inlinable public mutating func integer(below bound: UInt64) -> UInt64 {
        precondition(bound > 0, "no integer is below 0")
        let shift = UInt64((bound - 1).leadingZeroBitCount)
        if shift == 64 { return 0 }
        while true {
            let candidate = next() &>> shift
            if candidate < bound { return candidate }
        }
    }
}
