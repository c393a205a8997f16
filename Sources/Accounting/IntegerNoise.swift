import Glibc

/// A symmetric, log-concave distribution on the integers: log-probabilities of 0, 1, 2 … up to where they underflow.
struct IntegerNoise {
    /// log P(k), from k = 0.
    let logProbabilities: [Double]

    /// The most values that are written out.
    static let largestCount = 1 << 20

    /// The discrete Gaussian; `nil` when it is too wide to be written out.
    static func discreteGaussian(standardDeviation: Double) -> IntegerNoise? {
        let count = (40 * standardDeviation).rounded(.up) + 2
        guard count <= Double(largestCount) else { return nil }
        let precision = 0.5 / (standardDeviation * standardDeviation)
        return IntegerNoise(unscaled: (0..<Int(count)).map { -Double($0) * Double($0) * precision })
    }

    /// The Skellam distribution of the given variance; `nil` when it is too wide to be written out.
    ///
    /// Ratios of modified Bessel functions by the continued fraction I(k)/I(k−1) = 1/(2k/x + I(k+1)/I(k)), which is
    /// stable downwards.
    static func skellam(variance: Double) -> IntegerNoise? {
        let count = (40 * variance.squareRoot()).rounded(.up) + 80
        guard count <= Double(largestCount) else { return nil }
        let last = Int(count)
        var ratios = [Double](repeating: 0, count: last + 60)
        for k in stride(from: ratios.count - 2, through: 1, by: -1) {
            ratios[k] = 1 / (2 * Double(k) / variance + ratios[k + 1])
        }
        var values = [0.0]
        for k in 1..<last { values.append(values[k - 1] + log(ratios[k])) }
        return IntegerNoise(unscaled: values)
    }

    private init(unscaled: [Double]) {
        // Summed from the smallest terms: the normaliser is right to a few units in the last place.
        var sum = 0.0
        for value in unscaled.dropFirst().reversed() { sum += 2 * exp(value) }
        let normaliser = log(sum + exp(unscaled[0]))
        logProbabilities = unscaled.map { $0 - normaliser }
    }

    /// log P(k); −∞ beyond the values written out.
    func logProbability(_ k: Int) -> Double {
        k.magnitude < logProbabilities.count ? logProbabilities[Int(k.magnitude)] : -.infinity
    }

    /// The Rényi divergence between the noise and the noise moved by `shift`.
    func divergence(order: Double, shift: Int) -> Double {
        guard shift > 0 else { return 0 }
        let last = logProbabilities.count - 1
        guard shift < last else { return .infinity }
        var largest = -Double.infinity
        let terms = (shift - last...last).map { k in
            let term = order * logProbability(k) + (1 - order) * logProbability(k - shift)
            largest = max(largest, term)
            return term
        }
        // The mass of the terms must lie inside what was written out.
        guard terms[0] < largest - 60, terms[terms.count - 1] < largest - 60 else { return .infinity }
        return (largest + log(terms.reduce(0) { $0 + exp($1 - largest) })) / (order - 1)
    }
}
