import Glibc

/// The least noise that keeps a promise.
public struct NoiseCalibration: Sendable, Equatable {
    /// The noise that was found, rounded up to six significant digits.
    public let noise: Double
    /// What it costs: never more than was asked for.
    public let guarantee: PrivacyGuarantee

    /// Finds the smallest noise for which an event costs at most ε at δ.
    ///
    /// - Parameters:
    ///   - event: the event at a noise multiplier, or another scale of noise; its cost must not rise with it.
    ///   - range: the noise that is looked for.
    /// - Throws: `unreachableTarget` when even the most noise of the range costs more; `invalidParameter` for an ε that is
    ///   not positive, or a range that is not; what the accountant throws.
    /// - Complexity: about ten questions to the accountant.
    public init(
        epsilon: Double, delta: Double, accountant: some PrivacyAccountant,
        range: ClosedRange<Double> = 1e-3...1e9, event: (Double) -> PrivacyEvent
    ) throws(AccountingError) {
        try requirePositive("ε", epsilon)
        try requireDelta(delta)
        try requirePositive("the least noise", range.lowerBound)
        try requirePositive("the most noise", range.upperBound)
        // The logarithm of cost ÷ target, within ±100. Where there is a bound for some noise and none for less, less
        // costs too much.
        var largestCovered = 0.0
        func cost(_ noise: Double) throws(AccountingError) -> Double {
            do {
                let value = try accountant.epsilon(of: event(noise), delta: delta).epsilon
                largestCovered = max(largestCovered, noise)
                return value > 0 ? max(-100, min(100, log(value / epsilon))) : -100
            } catch {
                if case .unsupportedEvent = error, noise < largestCovered { return 100 }
                throw error
            }
        }
        // A bracket by factors of 2, 4, 16 …: the cost is above the target at `low` and not above at `high`.
        var low = min(max(1, range.lowerBound), range.upperBound)
        var high = low
        var atLow = try cost(low)
        var atHigh = atLow
        var factor = 2.0
        if atLow > 0 {
            while atHigh > 0 {
                guard high < range.upperBound else { throw .unreachableTarget(epsilon: epsilon, delta: delta) }
                (low, atLow) = (high, atHigh)
                high = min(range.upperBound, high * factor)
                factor *= factor
                atHigh = try cost(high)
            }
        } else {
            while atLow <= 0, low > range.lowerBound {
                (high, atHigh) = (low, atLow)
                low = max(range.lowerBound, low / factor)
                factor *= factor
                atLow = try cost(low)
            }
            if atLow <= 0 { (high, atHigh) = (low, atLow) }
        }
        var stalls = 0
        for _ in 0..<200 where high > low * (1 + 2e-6) {
            // False position on the logarithms of both (the Illinois rule), and the middle where that is stuck.
            let left = log(low)
            let right = log(high)
            var guess = (left * atHigh - right * atLow) / (atHigh - atLow)
            let inset = max(2e-7, 1e-3 * (right - left))
            if !guess.isFinite || stalls >= 3 || atLow > 50 || atHigh < -50 {
                guess = (left + right) / 2
                stalls = 0
            }
            guess = max(left + inset, min(right - inset, guess))
            if right - left < 8e-7 { guess = (left + right) / 2 }
            let noise = exp(guess)
            guard noise > low, noise < high else { break }
            let value = try cost(noise)
            stalls += 1
            if value > 0 {
                if (right - guess) < 0.5 * (right - left) { stalls = 0 }
                (low, atLow) = (noise, value)
                atHigh /= 2
            } else {
                if (guess - left) < 0.5 * (right - left) { stalls = 0 }
                (high, atHigh) = (noise, value)
                atLow /= 2
            }
        }
        var noise = NoiseCalibration.roundedUp(high)
        var guarantee = try accountant.epsilon(of: event(noise), delta: delta)
        // Where the bound itself jitters with the noise, a little more of it.
        for _ in 0..<60 where guarantee.epsilon > epsilon {
            noise = NoiseCalibration.roundedUp(noise * (1 + 1e-5))
            guarantee = try accountant.epsilon(of: event(noise), delta: delta)
        }
        guard guarantee.epsilon <= epsilon else { throw .unreachableTarget(epsilon: epsilon, delta: delta) }
        self.noise = noise
        self.guarantee = guarantee
    }

    /// The next number of at most six significant decimal digits.
    private static func roundedUp(_ value: Double) -> Double {
        let unit = pow(10, (log10(value)).rounded(.down) - 5)
        let scaled = (value / unit).rounded(.up)
        // Division by a power of ten gives the nearest number to the decimal fraction, multiplication does not.
        let rounded = unit < 1 ? scaled / (1 / unit).rounded() : scaled * unit
        return rounded >= value ? rounded : value
    }
}
