import Glibc

/// The discrete Fourier transform of a power-of-two length, for convolutions: forwards it leaves the frequencies in
/// bit-reversed order, backwards it expects them so, and nothing is ever reordered.
///
/// Source: the decimation-in-frequency and decimation-in-time algorithms of Gentleman & Sande and Cooley & Tukey.
struct FourierTransform {
    /// The length, a power of two.
    let count: Int
    // The roots of unity of each stage, one stage after the other, so that every stage reads them in order: the stage of
    // blocks of length 2h starts at h.
    private let cosines: [Double]
    private let sines: [Double]

    /// Blocks up to this length are finished before the next block is touched, to stay in the cache.
    private static let blockCount = 1 << 12

    /// Complexity: O(`count`).
    init(count: Int) {
        precondition(count > 0 && count & (count - 1) == 0, "the length is a power of two")
        self.count = count
        var cosines = [Double](repeating: 1, count: max(count, 2))
        var sines = [Double](repeating: 0, count: max(count, 2))
        var half = count / 2
        if half > 0 {
            for k in 0..<half {
                let angle = Double.pi * Double(k) / Double(half)
                cosines[half + k] = cos(angle)
                sines[half + k] = sin(angle)
            }
        }
        while half > 1 {
            half /= 2
            for k in 0..<half {
                cosines[half + k] = cosines[2 * half + 2 * k]
                sines[half + k] = sines[2 * half + 2 * k]
            }
        }
        self.cosines = cosines
        self.sines = sines
    }

    /// Σ x(j) e^{−2πijk/n}, frequencies in bit-reversed order.
    ///
    /// Complexity: O(n log n), no allocation.
    func transform(_ real: inout MutableSpan<Double>, _ imaginary: inout MutableSpan<Double>) {
        precondition(real.count == count && imaginary.count == count, "the arrays have the transform's length")
        var half = count / 2
        while 2 * half > FourierTransform.blockCount {
            for start in stride(from: 0, to: count, by: 2 * half) { split(&real, &imaginary, start, half) }
            half /= 2
        }
        let block = min(count, FourierTransform.blockCount)
        for outer in stride(from: 0, to: count, by: block) {
            var half = block / 2
            while half > 0 {
                for start in stride(from: outer, to: outer + block, by: 2 * half) {
                    split(&real, &imaginary, start, half)
                }
                half /= 2
            }
        }
    }

    /// The inverse of `transform`, but for the factor n.
    ///
    /// Complexity: O(n log n), no allocation.
    func inverse(_ real: inout MutableSpan<Double>, _ imaginary: inout MutableSpan<Double>) {
        precondition(real.count == count && imaginary.count == count, "the arrays have the transform's length")
        let block = min(count, FourierTransform.blockCount)
        for outer in stride(from: 0, to: count, by: block) {
            var half = 1
            while 2 * half <= block {
                for start in stride(from: outer, to: outer + block, by: 2 * half) {
                    merge(&real, &imaginary, start, half)
                }
                half *= 2
            }
        }
        var half = block
        while 2 * half <= count {
            for start in stride(from: 0, to: count, by: 2 * half) { merge(&real, &imaginary, start, half) }
            half *= 2
        }
    }

    @inline(__always)
    private func split(
        _ real: inout MutableSpan<Double>, _ imaginary: inout MutableSpan<Double>, _ start: Int, _ half: Int
    ) {
        for k in 0..<half {
            let low = start &+ k
            let high = low &+ half
            let c = cosines[half &+ k]
            let s = sines[half &+ k]
            let x = real[low] - real[high]
            let y = imaginary[low] - imaginary[high]
            real[low] += real[high]
            imaginary[low] += imaginary[high]
            real[high] = x * c + y * s
            imaginary[high] = y * c - x * s
        }
    }

    @inline(__always)
    private func merge(
        _ real: inout MutableSpan<Double>, _ imaginary: inout MutableSpan<Double>, _ start: Int, _ half: Int
    ) {
        for k in 0..<half {
            let low = start &+ k
            let high = low &+ half
            let c = cosines[half &+ k]
            let s = sines[half &+ k]
            let x = real[high] * c - imaginary[high] * s
            let y = imaginary[high] * c + real[high] * s
            real[high] = real[low] - x
            imaginary[high] = imaginary[low] - y
            real[low] += x
            imaginary[low] += y
        }
    }
}
