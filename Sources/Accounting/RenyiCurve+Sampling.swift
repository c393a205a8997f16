import Glibc

extension RenyiCurve {
    /// The Poisson-sampled Gaussian, exact at integer and fractional orders.
    ///
    /// Source: Mironov, Talwar & Zhang, *Rényi differential privacy of the sampled Gaussian mechanism* (2019), sections
    /// 3.3 and 3.4.
    /// - Complexity: O(order) for integers, the length of the series otherwise.
    static func sampledGaussian(rate: Double, noiseMultiplier: Double, order: Double) -> Double {
        let logarithm =
            order == order.rounded()
            ? integerMoment(rate: rate, noiseMultiplier: noiseMultiplier, order: order)
            : fractionalMoment(rate: rate, noiseMultiplier: noiseMultiplier, order: order)
        return logarithm / (order - 1)
    }

    private static func integerMoment(rate: Double, noiseMultiplier: Double, order: Double) -> Double {
        let logRate = log(rate)
        let logRest = log1p(-rate)
        let half = 0.5 / noiseMultiplier / noiseMultiplier
        var sum = -Double.infinity
        // Σ C(α,k) (1−q)^(α−k) q^k (e^{…} − 1) is the moment less 1, so that small moments keep their digits.
        for k in stride(from: 2.0, through: order, by: 1) {
            let power = (k * k - k) * half
            let excess = power > 30 ? power + log1p(-exp(-power)) : log(expm1(power))
            sum = logAdd(sum, logBinomial(order, k) + k * logRate + (order - k) * logRest + excess)
        }
        return sum > 30 ? sum + log1p(exp(-sum)) : log1p(exp(sum))
    }

    private static func fractionalMoment(rate: Double, noiseMultiplier: Double, order: Double) -> Double {
        let logRate = log(rate)
        let logRest = log1p(-rate)
        let variance = noiseMultiplier * noiseMultiplier
        let scale = 2.0.squareRoot() * noiseMultiplier
        let crossing = variance * (logRest - logRate) + 0.5
        // Beyond the order the coefficients alternate in sign; all count as positive, which is an upper bound that loses
        // no digits to cancellation.
        var sum = -Double.infinity
        var last = (Double.infinity, Double.infinity)
        for step in 0..<1000 {
            let i = Double(step)
            let j = order - i
            let coefficient = logBinomial(order, i)
            let first =
                coefficient + i * logRate + j * logRest + (i * i - i) / (2 * variance) + log(0.5)
                + logErfc((i - crossing) / scale)
            let second =
                coefficient + j * logRate + i * logRest + (j * j - j) / (2 * variance) + log(0.5)
                + logErfc((crossing - j) / scale)
            sum = logAdd(sum, logAdd(first, second))
            if first < last.0, second < last.1, max(first, second) < sum - 30 { return sum }
            last = (first, second)
        }
        return .infinity
    }

    /// Any mechanism under Poisson sampling, at integer orders; infinite at the others.
    ///
    /// Source: Zhu & Wang, *Poisson subsampled Rényi differential privacy* (ICML 2019), Theorem 5; no more than without
    /// sampling.
    static func sampled(rate: Double, of table: DivergenceTable, order: Double) -> Double {
        let plain = table.divergence(order)
        guard order == order.rounded() else { return plain }
        let logRate = log(rate)
        let logRest = log1p(-rate)
        var sum = (order - 1) * logRest + log1p((order - 1) * rate)
        for j in stride(from: 2.0, through: order, by: 1) {
            let factor = j > 2 ? log(3.0) : 0
            sum = logAdd(
                sum,
                factor + logBinomial(order, j) + j * logRate + (order - j) * logRest
                    + (j - 1) * table.divergence(j))
        }
        return min(plain, sum / (order - 1))
    }
}

/// The values of a curve that were asked for before: a sampled curve asks for every integer order many times.
final class DivergenceTable {
    private let curve: RenyiCurve
    private var known: [Double: Double] = [:]

    init(_ curve: RenyiCurve) { self.curve = curve }

    func divergence(_ order: Double) -> Double {
        if let value = known[order] { return value }
        let value = curve.divergence(order: order)
        known[order] = value
        return value
    }
}

/// Gaussian noise on a sample of fixed size drawn without replacement, under replace-one.
///
/// Source: Wang, Balle & Kasiviswanathan, *Subsampled Rényi differential privacy and analytical moments accountant*
/// (AISTATS 2019), Theorem 27; between integers by Corollary 10.
struct FixedSizeGaussianBound {
    private let rate: Double
    private let halfPrecision: Double
    private let differences: [Double]

    /// From this order on the differences are not used: their rounding grows with the order.
    private static let largestOrder = 256

    init(rate: Double, noiseMultiplier: Double) {
        self.rate = rate
        halfPrecision = 0.5 / noiseMultiplier / noiseMultiplier
        differences = FixedSizeGaussianBound.forwardDifferences(
            halfPrecision: halfPrecision, count: FixedSizeGaussianBound.largestOrder + 2)
    }

    func divergence(order: Double) -> Double {
        if rate == 1 { return order * halfPrecision }
        let floor = order.rounded(.down)
        let fraction = order - floor
        let lower = moment(Int(floor))
        let value = fraction == 0 ? lower : (1 - fraction) * lower + fraction * moment(Int(floor) + 1)
        return value / (order - 1)
    }

    /// x·(Rényi divergence of order x + 1) without sampling.
    private func cumulant(_ x: Double) -> Double { x * (x + 1) * halfPrecision }

    private func moment(_ order: Int) -> Double {
        guard order > 1 else { return 0 }
        let logRate = log(rate)
        var sum = 0.0
        for i in 2...order {
            let step = Double(i)
            var term: Double
            if i == 2 {
                let divergence = 2 * halfPrecision
                term = min(log(4.0) + divergence + log(-expm1(-divergence)), divergence + log(2.0))
            } else {
                term = log(2.0) + cumulant(step - 1)
                if order <= FixedSizeGaussianBound.largestOrder {
                    let even = differences[2 * (i / 2) - 1] + differences[2 * ((i + 1) / 2) - 1]
                    term = min(term, log(4.0) + 0.5 * even)
                }
            }
            sum = logAdd(sum, term + step * logRate + logBinomial(Double(order), step))
        }
        return sum
    }

    /// log|Δⁱ⁺¹ e^{cumulant}| at −1 for i = 0 …, where the function at −1 counts as 1.
    private static func forwardDifferences(halfPrecision: Double, count: Int) -> [Double] {
        var values = [0.0]
        for index in 1...count { values.append(Double(index - 1) * Double(index) * halfPrecision) }
        var isPositive = [Bool](repeating: true, count: values.count)
        var result: [Double] = []
        for round in 0..<count {
            for j in 0..<(count - round) {
                if isPositive[j] == isPositive[j + 1] {
                    let isRising = values[j + 1] >= values[j]
                    let difference = logSubtract(max(values[j], values[j + 1]), min(values[j], values[j + 1]))
                    isPositive[j] = isPositive[j + 1] == isRising
                    values[j] = difference
                } else {
                    values[j] = logAdd(values[j], values[j + 1])
                    isPositive[j] = isPositive[j + 1]
                }
            }
            result.append(values[0])
        }
        return result
    }
}
