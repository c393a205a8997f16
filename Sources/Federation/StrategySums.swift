import Parameters

/// Σ weight · values in 64-bit fixed point: exact, so that the order of arrival changes no bit.
///
/// `ExactSum` for flat vectors with weights. The grid is the finest on which `clientCount` products at the bounds
/// cannot overflow; a product is rounded to it once, and all further arithmetic is exact.
struct WeightedSum: Sendable {
    private var sums: [Int64]
    private let exponent: Int

    init(count: Int, clientCount: Int, bound: Float) {
        sums = [Int64](repeating: 0, count: count)
        exponent = ExactSum.scaleExponent(bound: bound, clientCount: clientCount)
    }

    /// The nearest number on the grid.
    func rounded(_ value: Double) -> Double {
        let scale = Double(sign: .plus, exponent: exponent, significand: 1)
        return (value * scale).rounded(.toNearestOrEven) / scale
    }

    /// Adds products no larger than the bound. *Complexity*: O(values).
    mutating func add(_ values: [Float], weight: Double) {
        let factor = weight * Double(sign: .plus, exponent: exponent, significand: 1)
        sums.withUnsafeMutableBufferPointer { sums in
            values.withUnsafeBufferPointer { values in
                for index in 0..<sums.count {
                    sums[index] += Int64((Double(values[index]) * factor).rounded(.toNearestOrEven))
                }
            }
        }
    }

    /// The sums divided by `divisor`.
    func means(_ divisor: Double) -> [Double] {
        let factor = Double(sign: .plus, exponent: exponent, significand: 1) * divisor
        return sums.map { Double($0) / factor }
    }

    mutating func clear() { for index in sums.indices { sums[index] = 0 } }
}
