import Cryptography
import Testing

@Suite("Key stream")
struct KeyStreamTests {
    private static func words(_ key: StreamKey, count: Int) -> [UInt64] {
        var stream = KeyStream(key: key)
        return (0..<count).map { _ in stream.next() }
    }

    @Test("A stream is ChaCha20 with nonce zero under its key, across batches")
    func knownAnswer() {
        // Computed apart from this code by make-key-stream-vector.py beside this file, which checks its ChaCha20 against
        // RFC 8439, appendix A.1: words 0, 1, 1023, 1024 and 5000 of the stream of `StreamKey(root: 7).derived(["noise"])`.
        let words = Self.words(StreamKey(root: 7).derived(["noise"]), count: 5001)
        let expected: [(Int, UInt64)] = [
            (0, 0x1ff1_69b1_8c9e_a18e), (1, 0x129f_f452_0f59_1935), (1023, 0x2fed_40ae_fd41_bf68),
            (1024, 0x23f5_fd29_7e40_ac4f), (5000, 0x7d1d_d4f1_5342_5489),
        ]
        for (index, word) in expected { #expect(words[index] == word, "word \(index)") }
    }

    @Test("One root and path give one stream; any other root or path gives another")
    func pathsAreDistinct() {
        let paths: [[String]] = [[], [""], ["a"], ["a", "b"], ["ab"], ["b", "a"], ["a", ""]]
        var firsts: [UInt64] = []
        for root: UInt64 in [0, 1, .max] {
            for path in paths {
                let key = StreamKey(root: root).derived(path)
                #expect(key == StreamKey(root: root).derived(path))
                #expect(Self.words(key, count: 3000) == Self.words(key, count: 3000))
                firsts.append(Self.words(key, count: 1)[0])
            }
        }
        #expect(Set(firsts).count == firsts.count)
    }

    @Test("Streams of different paths are uncorrelated, bit by bit")
    func pathsAreUncorrelated() {
        let root = StreamKey(root: 20)
        let count = 20_000
        let first = Self.words(root.derived(["client", "1"]), count: count)
        for path in [["client", "2"], ["client", "11"], ["client"]] {
            let second = Self.words(root.derived(path), count: count)
            let agreeing = zip(first, second).reduce(0) { $0 + (~($1.0 ^ $1.1)).nonzeroBitCount }
            let total = Double(64 * count)
            #expect(abs(Double(agreeing) - total / 2) < 5 * (total / 4).squareRoot(), "\(path)")
        }
        let ones = first.reduce(0) { $0 + $1.nonzeroBitCount }
        #expect(abs(Double(ones) - Double(32 * count)) < 5 * Double(16 * count).squareRoot())
    }

    @Test("Keys of the operating system differ each time and say where they come from")
    func operatingSystemKeys() {
        let first = StreamKey()
        let second = StreamKey()
        #expect(first != second)
        #expect(Self.words(first, count: 4) != Self.words(second, count: 4))
        #expect(first.origin == .operatingSystem)
        #expect(first.derived(["noise"]).origin == .operatingSystem)
        #expect(StreamKey(root: 1).derived(["noise"]).origin == .rootSeed)
        let stream = KeyStream(key: first)
        #expect(stream.origin == .operatingSystem)
    }

    @Test("A key prints nothing of itself")
    func redaction() {
        let key = StreamKey(root: 3)
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            #expect(text.contains("redacted"))
            #expect(!text.contains("["))
        }
        #expect(Mirror(reflecting: key).children.isEmpty)
    }

    @Test("Integers below a bound are uniform and never reach it", arguments: [1, 2, 3, 5, 6, 1000])
    func boundedIntegers(bound: UInt64) {
        var stream = KeyStream(key: StreamKey(root: bound))
        var counts = [Int](repeating: 0, count: Int(bound))
        let draws = 1000 * counts.count
        for _ in 0..<draws { counts[Int(stream.integer(below: bound))] += 1 }
        for count in counts { #expect(abs(count - 1000) < 160) }
    }

    @Test("An integer below the largest bound is drawn without a trap")
    func largestBound() {
        var stream = KeyStream(key: StreamKey(root: 1))
        let value = stream.integer(below: .max)
        #expect(value < .max)
    }

    @Test("A keyed hash made of a stream's key is reproducible and is not that stream")
    func keyedHash() {
        let key = StreamKey(root: 5)
        #expect(KeyedHash(key: key).code(of: [1]) == KeyedHash(key: key).code(of: [1]))
        #expect(KeyedHash(key: key).code(of: [1]) != KeyedHash(key: StreamKey(root: 6)).code(of: [1]))
    }
}
