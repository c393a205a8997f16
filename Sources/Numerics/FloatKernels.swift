import CKernels

/// Passes over long arrays of floats: checks, and sums in fixed point.
public enum FloatKernels {
    /// Whether every element is finite and of magnitude at most `bound`. *Complexity*: O(elements).
    ///
    /// A comparison with NaN is false, so one test refuses NaN, infinities and explosions alike.
    @inline(never)
    public static func isWithin(_ values: UnsafeBufferPointer<Float>, bound: Float) -> Bool {
        guard let base = values.baseAddress else { return true }
        return ferry_is_within(base, values.count, bound) != 0
    }

    /// Adds `round(value · 2^exponent)`, ties to even, to each sum; or makes it the sum. *Complexity*: O(elements).
    ///
    /// - Precondition: as many sums as values, and each scaled value is below 2⁶².
    @inline(never)
    public static func addFixedPoint(
        _ values: [Float], exponent: Int, to sums: inout [Int64], isFirst: Bool
    ) {
        precondition(values.count == sums.count, "\(values.count) values for \(sums.count) sums")
        let scale = Double(sign: .plus, exponent: exponent, significand: 1)
        values.withUnsafeBufferPointer { source in
            sums.withUnsafeMutableBufferPointer { target in
                guard let source = source.baseAddress, let target = target.baseAddress else { return }
                ferry_add_fixed_point(source, values.count, scale, isFirst ? 0 : -1, target)
            }
        }
    }

    /// Writes the sums as floats, each times `factor` · 2^−exponent. *Complexity*: O(elements).
    ///
    /// - Precondition: as many floats as sums.
    @inline(never)
    public static func write(_ sums: [Int64], exponent: Int, times factor: Double, to floats: inout [Float]) {
        precondition(sums.count == floats.count, "\(sums.count) sums for \(floats.count) floats")
        let scale = Double(sign: .plus, exponent: -exponent, significand: 1) * factor
        floats.withUnsafeMutableBufferPointer { target in
            sums.withUnsafeBufferPointer { sums in
                for index in sums.indices { target[index] = Float(Double(sums[index]) * scale) }
            }
        }
    }
}
