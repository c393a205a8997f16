/// Inner loops over contiguous floats, eight lanes wide, summed in a fixed lane order.
///
/// The lane order is part of the result: the same bits on every x86-64 build with the same fused-multiply setting.
enum Kernels {
    /// The dot product of `count` floats of `left` from `offset` with `right`.
    @inline(__always)
    static func dot(
        _ left: UnsafeBufferPointer<Float>, at offset: Int, _ right: UnsafeBufferPointer<Float>, _ count: Int
    ) -> Float {
        precondition(offset >= 0 && offset + count <= left.count && count <= right.count, "a dot product out of bounds")
        guard count > 0, let a = left.baseAddress.map({ UnsafeRawPointer($0 + offset) }),
            let b = right.baseAddress.map({ UnsafeRawPointer($0) })
        else { return 0 }
        var first = SIMD8<Float>(repeating: 0)
        var second = SIMD8<Float>(repeating: 0)
        var index = 0
        while index + 16 <= count {
            first.addProduct(
                a.loadUnaligned(fromByteOffset: 4 * index, as: SIMD8<Float>.self),
                b.loadUnaligned(fromByteOffset: 4 * index, as: SIMD8<Float>.self))
            second.addProduct(
                a.loadUnaligned(fromByteOffset: 4 * index + 32, as: SIMD8<Float>.self),
                b.loadUnaligned(fromByteOffset: 4 * index + 32, as: SIMD8<Float>.self))
            index += 16
        }
        var total = (first + second).sum()
        while index < count {
            total += left[offset + index] * right[index]
            index += 1
        }
        return total
    }

    /// Adds `scale` times one row of `source`, starting at `offset`, to `target`; as many floats as `target` holds.
    @inline(__always)
    static func add(
        _ source: UnsafeBufferPointer<Float>, at offset: Int, scale: Float, to target: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(offset >= 0 && offset + target.count <= source.count, "an addition out of bounds")
        for index in 0..<target.count {
            target[index] += scale * source[offset + index]
        }
    }
}
