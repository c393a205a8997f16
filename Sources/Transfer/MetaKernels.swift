import Glibc

/// Products with many rows in Double, on raw pointers; callers check every size.
///
/// Vectors are padded with zeros to a multiple of four, and rows come in blocks of four. No fused multiply-add and a
/// fixed order of the sums: the same bits on every processor, and for a person whoever else is in the round.
enum MetaKernels {
    /// The next multiple of a block.
    @inline(__always)
    static func padded(_ count: Int) -> Int { (count + 3) & ~3 }

    @inline(__always)
    private static func load(_ pointer: UnsafePointer<Double>) -> SIMD4<Double> {
        UnsafeRawPointer(pointer).loadUnaligned(as: SIMD4<Double>.self)
    }

    @inline(__always)
    private static func dots(
        _ rows: UnsafePointer<Double>, _ stride: Int, _ vector: UnsafePointer<Double>
    ) -> SIMD4<Double> {
        var first = SIMD4<Double>.zero
        var second = first
        var third = first
        var fourth = first
        var index = 0
        while index < stride {
            let lanes = load(vector + index)
            first += load(rows + index) * lanes
            second += load(rows + (stride + index)) * lanes
            third += load(rows + (2 * stride + index)) * lanes
            fourth += load(rows + (3 * stride + index)) * lanes
            index += 4
        }
        return SIMD4(first.sum(), second.sum(), third.sum(), fourth.sum())
    }

    @inline(__always)
    private static func addRows(
        _ rows: UnsafePointer<Double>, _ stride: Int, _ scales: SIMD4<Double>, _ target: UnsafeMutablePointer<Double>
    ) {
        var index = 0
        while index < stride {
            let upper = load(rows + index) * scales[0] + load(rows + (stride + index)) * scales[1]
            let lower = load(rows + (2 * stride + index)) * scales[2] + load(rows + (3 * stride + index)) * scales[3]
            let sum = load(UnsafePointer(target + index)) + (upper + lower)
            UnsafeMutableRawPointer(target + index).storeBytes(of: sum, as: SIMD4<Double>.self)
            index += 4
        }
    }

    /// The products of a vector with all rows; `rowCount` is a multiple of four.
    static func products(
        rows: UnsafePointer<Double>, rowCount: Int, stride: Int, vector: UnsafePointer<Double>,
        into out: UnsafeMutablePointer<Double>
    ) {
        for row in Swift.stride(from: 0, to: rowCount, by: 4) {
            let block = dots(rows + row * stride, stride, vector)
            UnsafeMutableRawPointer(out + row).storeBytes(of: block, as: SIMD4<Double>.self)
        }
    }

    /// Adds Σ scale · row; `rowCount` is a multiple of four.
    static func addRows(
        rows: UnsafePointer<Double>, rowCount: Int, stride: Int, scales: UnsafePointer<Double>,
        to target: UnsafeMutablePointer<Double>
    ) {
        for row in Swift.stride(from: 0, to: rowCount, by: 4) {
            addRows(rows + row * stride, stride, load(scales + row), target)
        }
    }

    /// eˣ of four numbers that are not positive, to 2 units in the last place; 0 below e⁻⁷⁰⁰.
    ///
    /// x = n ln 2 + r with |r| ≤ ½ ln 2, and the Taylor polynomial of eʳ of degree 13, whose remainder is below 2⁻⁵³:
    /// the same bits on every processor, and a fifth of the time of four calls of the library.
    @inline(__always)
    static func exponentials(_ x: SIMD4<Double>) -> SIMD4<Double> {
        let isTiny = x .< -700
        let x = x.replacing(with: 0, where: isTiny)
        // Adding 1.5 · 2⁵² rounds to a whole number, which stands in the low bits.
        let shifted = x * 1.4426950408889634 + 6_755_399_441_055_744
        let whole = shifted - 6_755_399_441_055_744
        // ln 2 in two parts: the first has trailing zeros, so that its product with a whole number is exact.
        let r = (x - whole * 0.6931471803691238) - whole * 1.9082149292705877e-10
        var sum = SIMD4<Double>(repeating: 1.6059043836821613e-10)
        sum = sum * r + 2.08767569878681e-09
        sum = sum * r + 2.505210838544172e-08
        sum = sum * r + 2.755731922398589e-07
        sum = sum * r + 2.7557319223985893e-06
        sum = sum * r + 2.48015873015873e-05
        sum = sum * r + 0.0001984126984126984
        sum = sum * r + 0.001388888888888889
        sum = sum * r + 0.008333333333333333
        sum = sum * r + 0.041666666666666664
        sum = sum * r + 0.16666666666666666
        sum = sum * r + 0.5
        sum = sum * r + 1
        sum = sum * r + 1
        let bits = (unsafeBitCast(shifted, to: SIMD4<UInt64>.self) &+ 1_023) &<< 52
        return (sum * unsafeBitCast(bits, to: SIMD4<Double>.self)).replacing(with: 0, where: isTiny)
    }

    /// s = softmax(Qp + o) and the mean row Qᵀs.
    ///
    /// The terms are relative to the largest logit: none overflows.
    /// - Parameters:
    ///   - rowCount: the true number of rows, at least one; zeros follow up to a block of four.
    ///   - offsets: o, one a row.
    ///   - probabilities: s, padded to four; zeros in the padding.
    ///   - mean: Qᵀs, `stride` elements.
    /// - Returns: log Σ exp(qᵀp + o).
    static func softmax(
        rows: UnsafePointer<Double>, rowCount: Int, stride: Int, vector: UnsafePointer<Double>,
        offsets: UnsafePointer<Double>,
        probabilities: UnsafeMutablePointer<Double>, mean: UnsafeMutablePointer<Double>
    ) -> Double {
        let paddedCount = padded(rowCount)
        for index in 0..<stride { mean[index] = 0 }
        products(rows: rows, rowCount: paddedCount, stride: stride, vector: vector, into: probabilities)
        var largest = -Double.infinity
        for row in 0..<rowCount {
            probabilities[row] += offsets[row]
            largest = max(largest, probabilities[row])
        }
        for row in rowCount..<paddedCount { probabilities[row] = -.infinity }
        var sums = SIMD4<Double>.zero
        for row in Swift.stride(from: 0, to: paddedCount, by: 4) {
            let terms = exponentials(load(probabilities + row) - largest)
            sums += terms
            UnsafeMutableRawPointer(probabilities + row).storeBytes(of: terms, as: SIMD4<Double>.self)
            addRows(rows + row * stride, stride, terms, mean)
        }
        let sum = sums.sum()
        let scale = 1 / sum
        for index in 0..<stride { mean[index] *= scale }
        for row in 0..<paddedCount { probabilities[row] *= scale }
        return largest + log(sum)
    }

    /// Qᵀ(diag(s) − s sᵀ)Q · direction, the Hessian of log Σ exp(qᵀp), in one pass over the rows.
    ///
    /// - Parameters:
    ///   - rowCount: a multiple of four.
    ///   - probabilities: s; `mean`: Qᵀs.
    static func softmaxHessian(
        rows: UnsafePointer<Double>, rowCount: Int, stride: Int, probabilities: UnsafePointer<Double>,
        mean: UnsafePointer<Double>, direction: UnsafePointer<Double>, into out: UnsafeMutablePointer<Double>
    ) {
        for index in 0..<stride { out[index] = 0 }
        // Centred on the mean product sᵀQ·direction, which is known beforehand: no cancellation.
        var centre = 0.0
        for index in 0..<stride { centre += mean[index] * direction[index] }
        for row in Swift.stride(from: 0, to: rowCount, by: 4) {
            let block = rows + row * stride
            addRows(block, stride, (dots(block, stride, direction) - centre) * load(probabilities + row), out)
        }
    }
}
