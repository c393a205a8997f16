import CKernels

/// A 64-bit checksum against accidents that costs less than a copy; integrity against an adversary is CURVE's job.
///
/// Bytes are taken in blocks, so that each is still in the first-level cache for what is done with it next.
public struct ByteChecksum: Sendable {
    /// The bytes of each block but the last.
    public static let blockByteCount = 65_536

    private var state = ferry_checksum()

    /// Begins; every seed gives another code.
    public init(seed: UInt64 = 0) { ferry_checksum_start(&state, seed) }

    /// Takes the next block. *Complexity*: O(bytes).
    ///
    /// - Precondition: it has `blockByteCount` bytes.
    @inline(never)
    public mutating func add(_ block: UnsafeRawBufferPointer) {
        precondition(block.count == ByteChecksum.blockByteCount, "a block of \(block.count) bytes")
        ferry_checksum_add(&state, block.baseAddress?.assumingMemoryBound(to: UInt8.self), block.count)
    }

    /// Takes the last block, of any length, and gives the code. *Complexity*: O(bytes).
    @inline(never)
    public mutating func end(_ block: UnsafeRawBufferPointer) -> UInt64 {
        ferry_checksum_end(&state, block.baseAddress?.assumingMemoryBound(to: UInt8.self), block.count)
    }

    /// The code of bytes, with calls before and after each block is read.
    @inline(__always)
    public static func code(
        of bytes: UnsafeRawBufferPointer, seed: UInt64 = 0, before: (Range<Int>) -> Void = { _ in },
        after: (Range<Int>) -> Void = { _ in }
    ) -> UInt64 {
        var checksum = ByteChecksum(seed: seed)
        var start = 0
        while bytes.count - start > blockByteCount {
            let block = start..<start + blockByteCount
            before(block)
            checksum.add(UnsafeRawBufferPointer(rebasing: bytes[block]))
            after(block)
            start = block.upperBound
        }
        before(start..<bytes.count)
        let code = checksum.end(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        after(start..<bytes.count)
        return code
    }
}
