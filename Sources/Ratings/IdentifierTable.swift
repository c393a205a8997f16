import Cryptography
import Foundation
import Glibc

/// The ids of persons or items, numbered in order of first appearance. Each id is stored once, in one run of bytes.
///
/// An open-addressing hash table keyed by SipHash-1-3 with a secret of this table, so that no file can be made whose
/// ids collide. The secret never reaches a result: numbers follow the order of the rows.
/// Source: Aumasson, Bernstein, *SipHash: a fast short-input PRF* (INDOCRYPT 2012).
struct IdentifierTable {
    /// All that a lookup of a short id touches: 16 bytes in one line of the cache.
    private struct Slot {
        /// The whole id and its length when it has at most seven bytes; else its first seven bytes under a mark.
        var word: UInt64
        var hash: UInt32
        /// The number of the id + 1; 0 when the slot is free.
        var numberAfter: UInt32
    }

    private var bytes: [UInt8] = []
    /// Where each id begins in `bytes`, and where the last one ends.
    private var starts: [Int] = [0]
    /// At most half of them are taken.
    private var slots = [Slot](repeating: Slot(word: 0, hash: 0, numberAfter: 0), count: 64)
    /// The number of the id that was asked for last: rows of one person often follow each other.
    private var latest: (word: UInt64, index: UInt32)?
    private let firstKey: UInt64
    private let secondKey: UInt64
    /// Whether ids that are not UTF-8 are taken, to be read as latin-1.
    private let allowsLatin1: Bool
    private(set) var isASCII = true
    /// Whether some id is not UTF-8.
    private(set) var isLatin1 = false

    init(allowsLatin1: Bool = false) {
        let secret = secureRandomBytes(count: 16)
        func word(_ start: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(secret[start + $1]) << UInt64(8 * $1) } }
        firstKey = word(0)
        secondKey = word(8)
        self.allowsLatin1 = allowsLatin1
    }

    /// The number of ids.
    var count: Int { starts.count - 1 }

    /// The number of an id, if it is known.
    func index(of id: Span<UInt8>) -> UInt32? {
        let word = word(id)
        let found = slots[slot(of: id, word: word, hash: hash(id))].numberAfter
        return found == 0 ? nil : found - 1
    }

    /// The number of an id, which is added when it is new.
    mutating func index(adding id: Span<UInt8>) throws(LineProblem) -> UInt32 {
        let word = word(id)
        if let latest, latest.word == word, isShort(word) || holds(id, at: Int(latest.index)) { return latest.index }
        let hash = hash(id)
        let slot = slot(of: id, word: word, hash: hash)
        let found = slots[slot].numberAfter
        if found != 0 {
            latest = (word, found - 1)
            return found - 1
        }
        var highBits: UInt8 = 0
        for index in 0..<id.count { highBits |= id[index] }
        if highBits >= 0x80 {
            isASCII = false
            if id.text == nil {
                guard allowsLatin1 else { throw .expected("ids in UTF-8") }
                isLatin1 = true
            }
        }
        let index = count
        guard index < Int(UInt32.max) else { throw .tooMany }
        id.withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        starts.append(bytes.count)
        slots[slot] = Slot(word: word, hash: hash, numberAfter: UInt32(index) + 1)
        latest = (word, UInt32(index))
        if 2 * count > slots.count { grow() }
        return UInt32(index)
    }

    /// The ids as text, by number.
    func texts() -> [String] {
        (0..<count).map { index in
            let id = bytes.span.extracting(starts[index]..<starts[index + 1])
            return isLatin1 ? id.latin1Text : id.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// The same ids, in UTF-8.
    func inUTF8() -> IdentifierTable {
        guard isLatin1 else { return self }
        var table = IdentifierTable()
        for text in texts() { _ = try? table.index(adding: Array(text.utf8).span) }
        return table
    }

    /// The ids in the order of `String`, and the place of each number in that order. Ids that `String` holds equal,
    /// such as a letter with an accent in two spellings, share a place.
    func ranked() -> (ids: [String], ranks: [UInt32]) {
        // Two spellings of one text are one id, whichever a file has.
        let texts = isASCII ? texts() : texts().map(\.precomposedStringWithCanonicalMapping)
        // Eight bytes decide nearly every comparison of plain ids; `String` orders those by their bytes.
        var order = (0..<count).map { (prefix: isASCII ? prefix($0) : 0, index: UInt32($0)) }
        order.sort { left, right in
            if left.prefix != right.prefix { return left.prefix < right.prefix }
            let (first, second) = (texts[Int(left.index)], texts[Int(right.index)])
            if first != second { return first < second }
            return first.utf8.lexicographicallyPrecedes(second.utf8)
        }
        var ids: [String] = []
        ids.reserveCapacity(count)
        var ranks = [UInt32](repeating: 0, count: count)
        for entry in order {
            let text = texts[Int(entry.index)]
            if text != ids.last { ids.append(text) }
            ranks[Int(entry.index)] = UInt32(ids.count - 1)
        }
        return (ids, ranks)
    }

    private func prefix(_ index: Int) -> UInt64 {
        let (start, end) = (starts[index], starts[index + 1])
        var value: UInt64 = 0
        for place in 0..<8 { value = value << 8 | (start + place < end ? UInt64(bytes[start + place]) : 0) }
        return value
    }

    private static let longMark: UInt64 = 0xFF << 56

    /// The first seven bytes, under the length of a short id or the mark of a longer one.
    private func word(_ id: Span<UInt8>) -> UInt64 {
        if id.count >= 8 {
            let first = UInt64(littleEndian: id.bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self))
            return first | IdentifierTable.longMark
        }
        var word = UInt64(truncatingIfNeeded: id.count) << 56
        for index in 0..<id.count { word |= UInt64(id[index]) << UInt64(8 * index) }
        return word
    }

    private func isShort(_ word: UInt64) -> Bool { word < IdentifierTable.longMark }

    /// The slot that holds an id, or the free one where it belongs.
    private func slot(of id: Span<UInt8>, word: UInt64, hash: UInt32) -> Int {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while true {
            let found = slots[slot]
            if found.numberAfter == 0 { return slot }
            if found.word == word, isShort(word) || (found.hash == hash && holds(id, at: Int(found.numberAfter) - 1)) {
                return slot
            }
            slot = (slot + 1) & mask
        }
    }

    private func holds(_ id: Span<UInt8>, at index: Int) -> Bool {
        let (start, end) = (starts[index], starts[index + 1])
        guard end - start == id.count else { return false }
        guard id.count > 0 else { return true }
        return bytes.withUnsafeBytes { stored in
            id.withUnsafeBytes { wanted in
                guard let left = stored.baseAddress, let right = wanted.baseAddress else { return false }
                return memcmp(left + start, right, wanted.count) == 0
            }
        }
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(word: 0, hash: 0, numberAfter: 0), count: 2 * old.count)
        let mask = slots.count - 1
        for entry in old where entry.numberAfter != 0 {
            var slot = Int(entry.hash) & mask
            while slots[slot].numberAfter != 0 { slot = (slot + 1) & mask }
            slots[slot] = entry
        }
    }

    private func hash(_ id: Span<UInt8>) -> UInt32 {
        var state = SipState(firstKey, secondKey)
        let raw = id.bytes
        let wholeCount = id.count & ~7
        var offset = 0
        while offset < wholeCount {
            state.absorb(UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        var last = UInt64(truncatingIfNeeded: id.count) << 56
        var shift: UInt64 = 0
        while offset < id.count {
            last |= UInt64(id[offset]) << shift
            offset += 1
            shift += 8
        }
        state.absorb(last)
        return UInt32(truncatingIfNeeded: state.finish())
    }
}

/// The four words of SipHash, with one round a word and three at the end.
private struct SipState {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    init(_ firstKey: UInt64, _ secondKey: UInt64) {
        v0 = firstKey ^ 0x736f_6d65_7073_6575
        v1 = secondKey ^ 0x646f_7261_6e64_6f6d
        v2 = firstKey ^ 0x6c79_6765_6e65_7261
        v3 = secondKey ^ 0x7465_6462_7974_6573
    }

    mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        v0 ^= word
    }

    mutating func finish() -> UInt64 {
        v2 ^= 0xFF
        for _ in 0..<3 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    private mutating func round() {
        v0 = v0 &+ v1
        v1 = (v1 << 13 | v1 >> 51) ^ v0
        v0 = v0 << 32 | v0 >> 32
        v2 = v2 &+ v3
        v3 = (v3 << 16 | v3 >> 48) ^ v2
        v0 = v0 &+ v3
        v3 = (v3 << 21 | v3 >> 43) ^ v0
        v2 = v2 &+ v1
        v1 = (v1 << 17 | v1 >> 47) ^ v2
        v2 = v2 << 32 | v2 >> 32
    }
}
