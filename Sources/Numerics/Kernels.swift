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
        guard target.count > 0, let from = source.baseAddress.map({ UnsafeRawPointer($0 + offset) }),
            let to = target.baseAddress.map({ UnsafeMutableRawPointer($0) })
        else { return }
        let factor = SIMD8<Float>(repeating: scale)
        var index = 0
        while index + 8 <= target.count {
            var sum = to.loadUnaligned(fromByteOffset: 4 * index, as: SIMD8<Float>.self)
            sum.addProduct(factor, from.loadUnaligned(fromByteOffset: 4 * index, as: SIMD8<Float>.self))
            to.storeBytes(of: sum, toByteOffset: 4 * index, as: SIMD8<Float>.self)
            index += 8
        }
        while index < target.count {
            target[index] += scale * source[offset + index]
            index += 1
        }
    }

    /// Conjugate gradients on `(G + weight · RᵀR + λI) x = b`, never forming the matrix; `b` is replaced by x.
    @inline(never)
    static func conjugateGradient(
        rows: UnsafeBufferPointer<Float>, rowCount: Int, gram: UnsafeBufferPointer<Float>, weight: Float,
        regularization: Float, steps: Int, start: UnsafeBufferPointer<Float>,
        rightHandSideAndSolution target: UnsafeMutableBufferPointer<Float>,
        residual: UnsafeMutableBufferPointer<Float>, direction: UnsafeMutableBufferPointer<Float>,
        image: UnsafeMutableBufferPointer<Float>
    ) {
        let count = target.count
        func apply(_ vector: UnsafeBufferPointer<Float>) {
            for row in 0..<count {
                image[row] = dot(gram, at: row * count, vector, count) + regularization * vector[row]
            }
            for row in 0..<rowCount {
                add(rows, at: row * count, scale: weight * dot(rows, at: row * count, vector, count), to: image)
            }
        }
        apply(start)
        for index in 0..<count {
            residual[index] = target[index] - image[index]
            direction[index] = residual[index]
            target[index] = start[index]
        }
        var energy = dot(UnsafeBufferPointer(residual), at: 0, UnsafeBufferPointer(residual), count)
        for _ in 0..<steps where energy > 1e-20 {
            apply(UnsafeBufferPointer(direction))
            let curvature = dot(UnsafeBufferPointer(direction), at: 0, UnsafeBufferPointer(image), count)
            guard curvature > 0 else { return }
            let step = energy / curvature
            add(UnsafeBufferPointer(direction), at: 0, scale: step, to: target)
            add(UnsafeBufferPointer(image), at: 0, scale: -step, to: residual)
            let next = dot(UnsafeBufferPointer(residual), at: 0, UnsafeBufferPointer(residual), count)
            let ratio = next / energy
            for index in 0..<count { direction[index] = residual[index] + ratio * direction[index] }
            energy = next
        }
    }
}
