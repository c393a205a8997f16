import Cryptography
import Glibc

/// Philox4x32-10, a counter-based generator: block *n* of a key is a pure function of (key, n).
///
/// Source: Salmon, Moraes, Dror, Shaw, *Parallel random numbers: as easy as 1, 2, 3* (SC 2011), section 5.2.
public enum Philox4x32 {
    /// The ten-round block function.
    public static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var state = counter
        var key = key
        for _ in 0..<10 {
            let first = UInt64(state[0]) &* 0xD251_1F53
            let second = UInt64(state[2]) &* 0xCD9E_8D57
            state = SIMD4(
                UInt32(truncatingIfNeeded: second >> 32) ^ state[1] ^ key[0], UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ state[3] ^ key[1], UInt32(truncatingIfNeeded: first))
            key = SIMD2(key[0] &+ 0x9E37_79B9, key[1] &+ 0xBB67_AE85)
        }
        return state
    }
}

/// One component of the name of a random stream.
public enum StreamComponent: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    /// A word, such as `"folds"`.
    case name(String)
    /// A number, such as a round.
    case number(Int)

    /// A word.
    public init(stringLiteral value: String) { self = .name(value) }
    /// A number.
    public init(integerLiteral value: Int) { self = .number(value) }
}

/// A named, reproducible stream of random numbers.
///
/// Streams with different names are independent, so that a draw added in one place moves nothing elsewhere, and the
/// order in which streams are used is irrelevant. *Determinism*: the stream is a pure function of `root` and `path`.
public struct RandomStream: RandomNumberGenerator, Sendable {
    private let key: SIMD2<UInt32>
    private var counter: SIMD4<UInt32>
    private var block = SIMD4<UInt32>(repeating: 0)
    private var used = 4
    private var spareGaussian: Double?

    /// Opens the stream called `path` under the root seed.
    public init(root: UInt64, path: [StreamComponent]) {
        var hasher = FieldHasher(purpose: "ferry.random-stream/1")
        hasher.update(Int(truncatingIfNeeded: root))
        for component in path {
            switch component {
            case .name(let name): hasher.update("n" + name)
            case .number(let number): hasher.update("#\(number)")
            }
        }
        let digest = hasher.finalize().bytes
        func word(_ index: Int) -> UInt32 {
            (0..<4).reduce(UInt32(0)) { $0 | UInt32(digest[4 * index + $1]) << UInt32(8 * $1) }
        }
        key = SIMD2(word(0), word(1))
        counter = SIMD4(0, 0, word(2), word(3))
    }

    private mutating func nextWord() -> UInt32 {
        if used == 4 {
            block = Philox4x32.block(counter: counter, key: key)
            counter[0] &+= 1
            if counter[0] == 0 { counter[1] &+= 1 }
            used = 0
        }
        defer { used += 1 }
        return block[used]
    }

    /// The next 64 uniform bits.
    public mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return low | UInt64(nextWord()) << 32
    }

    /// A number uniform on the multiples of 2⁻⁵³ in [0, 1).
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A standard normal number (Box–Muller, both values used).
    public mutating func gaussian() -> Double {
        if let spare = spareGaussian {
            spareGaussian = nil
            return spare
        }
        let radius = (-2 * log(1 - uniform())).squareRoot()
        let angle = 2 * Double.pi * uniform()
        spareGaussian = radius * sin(angle)
        return radius * cos(angle)
    }

    /// A standard Gumbel number, for sampling without replacement by the largest perturbed logits.
    public mutating func gumbel() -> Double { -log(-log((Double(next() >> 11) + 0.5) * 0x1p-53)) }

    /// An integer uniform on 0 ..< bound, without bias (Lemire 2019).
    ///
    /// - Precondition: `bound` is positive.
    public mutating func integer(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    /// A uniformly random order of 0 ..< count (Fisher–Yates).
    public mutating func permutation(count: Int) -> [Int] {
        var order = Array(0..<count)
        order.shuffle(using: &self)
        return order
    }
}
