import CKernels

/// Passes over long arrays of floats: checks, and sums in fixed point.
public enum FloatKernels {
    /// Whether every element is finite and of magnitude at most `bound`. *Complexity*: O(elements).
    ///
    /// One test refuses NaN, infinities and explosions alike.
    ///
    /// Blocks are taken from the last to the first: who has just written the elements has left the last ones in the cache,
    /// and who reads them next will begin with the first.
    @inline(never)
    public static func isWithin(_ values: UnsafeBufferPointer<Float>, bound: Float) -> Bool {
        guard let base = values.baseAddress else { return true }
        guard bound >= 0 else { return false }
        var end = values.count
        while end > 0 {
            let start = (end - 1) / blockCount * blockCount
            guard ferry_is_within(base + start, end - start, bound) != 0 else { return false }
            end = start
        }
        return true
    }

    /// The elements of a block that stays in the cache from one pass to the next.
    public static let blockCount = 1 << 13

    /// Whether the processor converts eight doubles to integers at a time.
    package static let isWide = ferry_has_wide_conversion() != 0

    /// The most vectors that `addFixedPoint` takes at once.
    public static let batchLimit = 8

    /// Adds `round(value · 2^exponent)`, ties to even, of every vector to each sum; or makes it the sum. Several vectors at
    /// once cost little more than one: the sums take more memory than they do. *Complexity*: O(elements of all vectors).
    ///
    /// - Precondition: at most `batchLimit` vectors, each with as many values as there are sums, and each scaled value is
    ///   below 2⁶².
    public static func addFixedPoint(
        _ vectors: [UnsafePointer<Float>], exponent: Int, to sums: UnsafeMutableBufferPointer<Int64>, isFirst: Bool
    ) {
        addFixedPoint(vectors, exponent: exponent, to: sums, isFirst: isFirst, isWide: isWide)
    }

    /// As the other, eight numbers at a time or four.
    ///
    /// - Precondition: `isWide` is `false` where the processor has no such conversion.
    @inline(never)
    package static func addFixedPoint(
        _ vectors: [UnsafePointer<Float>], exponent: Int, to sums: UnsafeMutableBufferPointer<Int64>, isFirst: Bool,
        isWide: Bool
    ) {
        precondition(vectors.count <= batchLimit, "\(vectors.count) vectors at once")
        guard let target = sums.baseAddress else { return }
        let scale = Double(sign: .plus, exponent: exponent, significand: 1)
        let pointers = vectors.map(Optional.some)
        ferry_add_fixed_point(pointers, pointers.count, sums.count, scale, isFirst ? 0 : -1, target, isWide ? 1 : 0)
    }

    /// Writes the sums as floats, each times `factor` · 2^−exponent. *Complexity*: O(elements).
    ///
    /// - Precondition: as many floats as sums.
    @inline(never)
    public static func write(
        _ sums: UnsafeBufferPointer<Int64>, exponent: Int, times factor: Double,
        to floats: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(sums.count == floats.count, "\(sums.count) sums for \(floats.count) floats")
        let scale = Double(sign: .plus, exponent: -exponent, significand: 1) * factor
        for index in sums.indices { floats[index] = Float(Double(sums[index]) * scale) }
    }
}
