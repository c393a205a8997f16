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

    /// min over t > 0 of (log-moment(t) − logarithm)/t, and where: the loss above which at most e^logarithm remains.
    private func upperEnd(logarithm: Double) -> (loss: Double, t: Double) {
        let middle = log(1 / max(deviation, interval * 1e-3))
        let t = exp(minimum(middle - 12, middle + 6) { (self.cumulant(exp($0)) - logarithm) / exp($0) })
        let largest = parts.reduce(0) { $0 + Double($1.count) * Double($1.grid.last) } * interval
        return (min(largest, (cumulant(t) - logarithm) / t), t)
    }

    /// The loss below which at most e^logarithm remains after tilting by t.
    private func lowerEnd(tilt: Double, logarithm: Double) -> Double {
        let middle = log(1 / max(deviation, interval * 1e-3))
        let whole = cumulant(tilt)
        func end(_ s: Double) -> Double { -(cumulant(tilt - s) - whole - logarithm) / s }
        let s = exp(minimum(middle - 12, middle + 6) { -end(exp($0)) })
        let smallest = parts.reduce(0) { $0 + Double($1.count) * Double($1.grid.first) } * interval
        return max(smallest, end(s))
    }

    /// Where a function with one minimum is smallest, roughly.
    private func minimum(_ lower: Double, _ upper: Double, _ value: (Double) -> Double) -> Double {
        let ratio = (5.0.squareRoot() - 1) / 2
        var low = lower
        var high = upper
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
        return plan(tilt: upperEnd(logarithm: log(delta)).t, tailMass: delta * 1e-9)
    }

    /// The window around `epsilon`.
    func plan(epsilon: Double) -> Plan {
        if isSingle { return Plan(tilt: 0, first: 0, count: parts[0].grid.masses.count, tailMass: 0) }
        let middle = log(1 / max(deviation, interval * 1e-3))
        let tilt = exp(minimum(middle - 12, middle + 6) { self.cumulant(exp($0)) - exp($0) * epsilon })
        return plan(tilt: tilt, tailMass: max(1e-290, min(1, exp(cumulant(tilt) - tilt * epsilon)) * 1e-12))
    }

    /// The window of one tilt.
    func plan(tilt: Double, tailMass: Double) -> Plan {
        // A stronger tilt would leave no mass below the largest loss.
        let tilt = min(tilt, 30 / max(deviation, interval))
        let low = (lowerEnd(tilt: tilt, logarithm: -32) / interval).rounded(.down)
        let high = (upperEnd(logarithm: log(tailMass)).loss / interval).rounded(.up)
        let count = high - low + 1
        return Plan(
            tilt: tilt, first: Int(max(-9e15, min(9e15, low))), count: Int(max(1, min(9e15, count))),
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
            roundingMass: LossComposition.unitError * (repetitions + log2(Double(length))))
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
