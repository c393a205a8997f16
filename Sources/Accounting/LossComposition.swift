import Glibc

/// The privacy loss of a whole composition in one direction.
///
/// Losses add, so that their distributions convolve; a discrete Fourier transform does it for all repetitions at once.
/// Before it every distribution is tilted by e^{θ·loss}, which moves the bulk of the mass to the losses that decide, so
/// that rounding errors are small beside δ and not beside 1; afterwards the tilt is taken out again. Tails that do not
/// fit are bounded by Chernoff's inequality and counted as an infinite loss.
struct LossComposition {
    /// One grid and how often it happens.
    struct Part {
        var grid: LossGrid
        var count: Int
    }

    private let parts: [Part]
    private let interval: Double
    /// The probability that some single loss is infinite.
    private let infiniteMass: Double
    /// The standard deviation of the sum of the losses.
    let deviation: Double
    private let repetitions: Double

    /// Everything but rounding is bounded without it: the relative error of a transform, with a margin.
    private static let unitError = 1e-15
    /// The logarithm of the tilted mass that may lie outside the window on either side.
    private static let outside = -32.0

    /// - Precondition: at least one part, all grids have the same interval.
    init(_ parts: [Part]) {
        self.parts = parts
        interval = parts[0].grid.interval
        infiniteMass = -expm1(parts.reduce(0) { $0 + Double($1.count) * log1p(-$1.grid.infiniteMass) })
        repetitions = parts.reduce(0) { $0 + Double($1.count) }
        deviation = parts.reduce(0) { $0 + Double($1.count) * LossComposition.variance($1.grid) }.squareRoot()
    }

    /// Whether there is nothing to compose.
    private var isSingle: Bool { parts.count == 1 && parts[0].count == 1 }

    private static func variance(_ grid: LossGrid) -> Double {
        var mass = 0.0
        var mean = 0.0
        for (index, value) in grid.masses.enumerated() {
            mass += value
            mean += value * Double(index)
        }
        guard mass > 0 else { return 0 }
        mean /= mass
        var sum = 0.0
        for (index, value) in grid.masses.enumerated() {
            sum += value * (Double(index) - mean) * (Double(index) - mean)
        }
        return sum / mass * grid.interval * grid.interval
    }

    /// Whether rounding leaves anything of the composed distribution.
    var isComputable: Bool { repetitions * LossComposition.unitError < 1e-3 }

    /// How much of the variance of the sum the grid may have added: each loss moves by at most one interval.
    var addedVarianceShare: Double {
        guard deviation > 0 else { return 0 }
        return repetitions * interval * interval / 4 / (deviation * deviation)
    }

    // MARK: The logarithm of the moments

    /// log E e^{t·loss} of the finite losses.
    private func cumulant(_ t: Double) -> Double {
        parts.reduce(0) { $0 + Double($1.count) * LossComposition.cumulant($1.grid, t) }
    }

    private static func cumulant(_ grid: LossGrid, _ t: Double) -> Double {
        // Blocks that are short enough for powers of one factor to keep their digits and not to leave Double.
        let step = t * grid.interval
        let length = max(1, min(256, Int(min(256, 300 / max(abs(step), 1e-300)))))
        let factor = exp(step)
        var total = -Double.infinity
        for start in stride(from: 0, to: grid.masses.count, by: length) {
            var sum = 0.0
            var power = 1.0
            for index in start..<min(start + length, grid.masses.count) {
                sum += grid.masses[index] * power
                power *= factor
            }
            if sum > 0 { total = logAdd(total, log(sum) + step * Double(grid.first + start)) }
        }
        return total
    }

    /// A range of logarithms of t that holds the best one.
    private var exponents: ClosedRange<Double> {
        let middle = -log(max(deviation, interval * 1e-3))
        return middle - 12...middle + 6
    }

    /// The loss above which at most e^logarithm remains after tilting by `tilt`, and the t of Chernoff's bound.
    private func upperEnd(tilt: Double, logarithm: Double) -> (loss: Double, t: Double) {
        let whole = tilt == 0 ? 0 : cumulant(tilt)
        func end(_ t: Double) -> Double { (cumulant(tilt + t) - whole - logarithm) / t }
        let t = exp(minimum(exponents) { end(exp($0)) })
        let largest = parts.reduce(0) { $0 + Double($1.count) * Double($1.grid.last) } * interval
        return (min(largest, end(t)), t)
    }

    /// The loss below which at most e^logarithm remains after tilting.
    private func lowerEnd(tilt: Double, logarithm: Double) -> Double {
        let whole = tilt == 0 ? 0 : cumulant(tilt)
        func end(_ t: Double) -> Double { -(cumulant(tilt - t) - whole - logarithm) / t }
        let t = exp(minimum(exponents) { -end(exp($0)) })
        let smallest = parts.reduce(0) { $0 + Double($1.count) * Double($1.grid.first) } * interval
        return max(smallest, end(t))
    }

    /// Where a function with one minimum is smallest, roughly.
    private func minimum(_ range: ClosedRange<Double>, _ value: (Double) -> Double) -> Double {
        let ratio = (5.0.squareRoot() - 1) / 2
        var low = range.lowerBound
        var high = range.upperBound
        var left = high - ratio * (high - low)
        var right = low + ratio * (high - low)
        var atLeft = value(left)
        var atRight = value(right)
        while high - low > 0.05 {
            if atLeft <= atRight {
                (high, right, atRight) = (right, left, atLeft)
                left = high - ratio * (high - low)
                atLeft = value(left)
            } else {
                (low, left, atLeft) = (left, right, atRight)
                right = low + ratio * (high - low)
                atRight = value(right)
            }
        }
        return atLeft <= atRight ? left : right
    }

    /// Chernoff's bound on ε, valid where the composed distribution cannot be computed well enough.
    func chernoffEpsilon(delta: Double) -> Double {
        guard infiniteMass < delta else { return .infinity }
        return max(0, upperEnd(tilt: 0, logarithm: log(delta - infiniteMass)).loss)
    }

    /// Chernoff's bound on δ.
    func chernoffDelta(epsilon: Double) -> Double {
        let t = exp(minimum(exponents) { self.cumulant(exp($0)) - exp($0) * epsilon })
        return min(1, infiniteMass + exp(min(0, cumulant(t) - t * epsilon)))
    }

    // MARK: The composed distribution

    /// The part of the composed distribution that decides, tilted.
    struct Window {
        /// The loss of the first mass, in intervals.
        var first: Int
        var tilt: Double
        /// The logarithm of what tilted masses are multiplied with, less θ·loss, to get probabilities.
        var logScale: Double
        var masses: [Double]
        /// The probability of losses above the window, and of infinite ones.
        var infiniteMass: Double
        /// What rounding may have moved, in tilted units.
        var roundingMass: Double
    }

    /// What a window needs before it is computed.
    struct Plan {
        var tilt: Double
        var first: Int
        var count: Int
        var tailMass: Double
    }

    /// The window around the ε that belongs to `delta`.
    func plan(delta: Double) -> Plan {
        if isSingle { return Plan(tilt: 0, first: 0, count: parts[0].grid.masses.count, tailMass: 0) }
        return plan(tilt: upperEnd(tilt: 0, logarithm: log(delta)).t, tailMass: delta * 1e-9)
    }

    /// The window around `epsilon`.
    func plan(epsilon: Double) -> Plan {
        if isSingle { return Plan(tilt: 0, first: 0, count: parts[0].grid.masses.count, tailMass: 0) }
        let tilt = exp(minimum(exponents) { self.cumulant(exp($0)) - exp($0) * epsilon })
        return plan(tilt: tilt, tailMass: max(1e-290, min(1, exp(cumulant(tilt) - tilt * epsilon)) * 1e-12))
    }

    /// The window of one tilt.
    func plan(tilt: Double, tailMass: Double) -> Plan {
        // A stronger tilt would leave no mass below the largest loss.
        let tilt = min(tilt, 30 / max(deviation, interval))
        // What lies outside the window appears at a wrong place inside it: after tilting that must be next to nothing, and
        // before it what is missing above the window counts as an infinite loss.
        let low = (lowerEnd(tilt: tilt, logarithm: LossComposition.outside) / interval).rounded(.down)
        let high =
            max(
                upperEnd(tilt: 0, logarithm: log(tailMass)).loss,
                upperEnd(tilt: tilt, logarithm: LossComposition.outside).loss) / interval
        // Beyond 2⁵⁰ a multiple of the interval is not exact any more.
        let isExact = max(abs(low), abs(high)) < 0x1p50
        return Plan(
            tilt: tilt, first: isExact ? Int(low) : 0,
            count: isExact ? Int(max(1, high.rounded(.up) - low + 1)) : PLDAccountant.largestCount + 1,
            tailMass: tailMass)
    }

    /// Computes the window of a plan.
    ///
    /// Complexity: O(n log n + n log T) for a window of n losses.
    func window(_ plan: Plan) -> Window {
        if isSingle {
            let grid = parts[0].grid
            return Window(
                first: grid.first, tilt: 0, logScale: 0, masses: grid.masses, infiniteMass: infiniteMass,
                roundingMass: LossComposition.unitError)
        }
        var length = 1
        while length < plan.count { length *= 2 }
        let transform = FourierTransform(count: length)
        var productReal: [Double] = []
        var productImaginary: [Double] = []
        var isFirst = true
        var logScale = 0.0
        for part in parts {
            var real = [Double](repeating: 0, count: length)
            var imaginary = real
            // Any scale would do; with this one the tilted masses sum to 1.
            let scale = LossComposition.cumulant(part.grid, plan.tilt)
            logScale += Double(part.count) * scale
            var place = ((part.grid.first % length) + length) % length
            for (index, mass) in part.grid.masses.enumerated() {
                if mass > 0 {
                    let exponent = plan.tilt * Double(part.grid.first + index) * interval - scale
                    real[place] += mass * exp(exponent)
                }
                place += 1
                if place == length { place = 0 }
            }
            var realSpan = real.mutableSpan
            var imaginarySpan = imaginary.mutableSpan
            transform.transform(&realSpan, &imaginarySpan)
            LossComposition.raise(&realSpan, &imaginarySpan, to: part.count)
            if isFirst {
                swap(&productReal, &real)
                swap(&productImaginary, &imaginary)
                isFirst = false
            } else {
                LossComposition.multiply(&productReal, &productImaginary, by: real, imaginary)
            }
        }
        var realSpan = productReal.mutableSpan
        var imaginarySpan = productImaginary.mutableSpan
        transform.inverse(&realSpan, &imaginarySpan)
        // From positions modulo the length to losses from the first on.
        let shift = ((plan.first % length) + length) % length
        var masses = [Double](repeating: 0, count: length)
        let factor = 1 / Double(length)
        for index in 0..<length {
            let place = index + shift < length ? index + shift : index + shift - length
            masses[index] = max(0, productReal[place] * factor)
        }
        return Window(
            first: plan.first, tilt: plan.tilt, logScale: logScale, masses: masses,
            infiniteMass: min(1, infiniteMass + plan.tailMass),
            roundingMass: LossComposition.unitError * (repetitions + log2(Double(length)))
                + 2 * exp(LossComposition.outside))
    }

    private static func multiply(
        _ real: inout [Double], _ imaginary: inout [Double], by otherReal: [Double], _ otherImaginary: [Double]
    ) {
        for k in real.indices {
            let x = real[k] * otherReal[k] - imaginary[k] * otherImaginary[k]
            imaginary[k] = real[k] * otherImaginary[k] + imaginary[k] * otherReal[k]
            real[k] = x
        }
    }

    /// Raises every frequency to a power by repeated squaring.
    private static func raise(
        _ real: inout MutableSpan<Double>, _ imaginary: inout MutableSpan<Double>, to power: Int
    ) {
        guard power > 1 else { return }
        let bits = Int.bitWidth - power.leadingZeroBitCount
        for k in 0..<real.count {
            let baseReal = real[k]
            let baseImaginary = imaginary[k]
            var x = baseReal
            var y = baseImaginary
            for bit in stride(from: bits - 2, through: 0, by: -1) {
                let square = x * x - y * y
                y = 2 * x * y
                x = square
                if power >> bit & 1 == 1 {
                    let product = x * baseReal - y * baseImaginary
                    y = x * baseImaginary + y * baseReal
                    x = product
                }
                // What follows would only be smaller, and slow below the normal range.
                if x * x + y * y < 1e-200 {
                    x = 0
                    y = 0
                    break
                }
            }
            real[k] = x
            imaginary[k] = y
        }
    }
}
