import Glibc

/// The Rényi divergence of one event as a function of the order.
struct RenyiCurve {
    private let compute: (Double) -> Double

    /// The divergence at an order above 1; infinite where there is no bound.
    func divergence(order: Double) -> Double {
        let value = compute(order)
        return value.isNaN ? .infinity : value
    }

    /// The curve of an event that is no composition.
    init(_ event: PrivacyEvent, relation: NeighbouringRelation, accountant: String) throws(AccountingError) {
        switch event {
        case .poissonSampled(let rate, let inner):
            guard relation == .addRemove else {
                throw .unsupportedRelation(event: event.kind, relation: relation, accountant: accountant)
            }
            if case .gaussian(let noise) = inner {
                compute = { RenyiCurve.sampledGaussian(rate: rate, noiseMultiplier: noise, order: $0) }
                return
            }
            let curve = try RenyiCurve(unsampled: inner, of: event, relation: relation, accountant: accountant)
            let table = DivergenceTable(curve)
            compute = { RenyiCurve.sampled(rate: rate, of: table, order: $0) }
        case .fixedSizeSampled(let population, let sample, let inner):
            // Wang, Balle & Kasiviswanathan bound the data sets of one size only.
            guard relation == .replaceOne else {
                throw .unsupportedRelation(event: event.kind, relation: relation, accountant: accountant)
            }
            guard case .gaussian(let noise) = inner else {
                throw .unsupportedEvent(event: event.kind, accountant: accountant)
            }
            let bound = FixedSizeGaussianBound(
                rate: Double(sample) / Double(population), noiseMultiplier: noise)
            compute = { bound.divergence(order: $0) }
        default: self = try RenyiCurve(unsampled: event, of: event, relation: relation, accountant: accountant)
        }
    }

    private init(compute: @escaping (Double) -> Double) { self.compute = compute }

    /// The curve of noise without sampling; `whole` is what a refusal names.
    private init(
        unsampled event: PrivacyEvent, of whole: PrivacyEvent, relation: NeighbouringRelation, accountant: String
    ) throws(AccountingError) {
        switch event {
        case .gaussian(let noise): compute = { $0 / noise / noise / 2 }
        case .discreteGaussian(let deviation, let sensitivity, _):
            // Canonne, Kamath & Steinke 2020, Theorem 14: no more than the continuous Gaussian's, in any dimension.
            let ratio = sensitivity / deviation
            compute = { $0 * ratio * ratio / 2 }
        case .discreteGaussianSum(let shares, let deviation, let l1, let l2, let dimension):
            let noise = DiscreteGaussianSum(shares: shares, standardDeviation: deviation)
            compute = { noise.divergence(order: $0, l1: l1, l2: l2, dimension: dimension) }
        case .skellam(let variance, let l1, let l2, let dimension):
            if dimension == 1, l2 == l2.rounded(), let exact = IntegerNoise.skellam(variance: variance) {
                compute = { order in
                    min(
                        exact.divergence(order: order, shift: Int(l2)),
                        RenyiCurve.skellamBound(order: order, variance: variance, l1: l1, l2: l2))
                }
            } else {
                compute = { RenyiCurve.skellamBound(order: $0, variance: variance, l1: l1, l2: l2) }
            }
        case .laplace(let scale): compute = { RenyiCurve.laplace(scale: scale, order: $0) }
        case .randomizedResponse(let categories, let keep):
            guard relation == .replaceOne else {
                throw .unsupportedRelation(event: whole.kind, relation: relation, accountant: accountant)
            }
            compute = { RenyiCurve.randomizedResponse(categories: categories, keep: keep, order: $0) }
        default: throw .unsupportedEvent(event: whole.kind, accountant: accountant)
        }
    }

    /// Proposition 6 of Mironov 2017.
    static func laplace(scale: Double, order: Double) -> Double {
        let pure = 1 / scale
        let ratio = expm1(pure * (1 - 2 * order)) / (2 * order - 1)
        return pure + log1p((order - 1) * ratio) / (order - 1)
    }

    /// The divergence between two neighbouring rows of the response matrix.
    static func randomizedResponse(categories: Int, keep: Double, order: Double) -> Double {
        let other = (1 - keep) / Double(categories - 1)
        guard other > 0 else { return .infinity }
        let pure = log(keep / other)
        // The two categories in question and the rest, whose ratio is 1.
        let rest = Double(categories - 2) * other
        let sum = logAdd(
            logAdd(log(keep) + (order - 1) * pure, log(other) - (order - 1) * pure), rest > 0 ? log(rest) : -.infinity)
        return sum / (order - 1)
    }

    /// Agarwal, Kairouz & Liu, *The Skellam mechanism for differentially private federated learning* (NeurIPS 2021),
    /// Theorem 3.5.
    static func skellamBound(order: Double, variance: Double, l1: Double, l2: Double) -> Double {
        let first = ((2 * order - 1) * l2 / variance * l2 + 6 * l1 / variance) / (4 * variance)
        return order * l2 / variance * l2 / 2 + min(first, 3 * l1 / (2 * variance))
    }
}

/// The sum of independent discrete Gaussians, which is only nearly one.
struct DiscreteGaussianSum {
    let shares: Int
    let standardDeviation: Double
    /// How far, in the logarithm of each coordinate's probabilities, the sum is from a discrete Gaussian: "τ".
    let gap: Double

    init(shares: Int, standardDeviation: Double) {
        self.shares = shares
        self.standardDeviation = standardDeviation
        var sum = 0.0
        let exponent = 2 * Double.pi * Double.pi * standardDeviation * standardDeviation
        // The terms fall towards e^−exponent; from 10,000 on they count as if all were the largest of them.
        let written = min(shares - 1, 10_000)
        for k in stride(from: 1, through: written, by: 1) { sum += exp(-exponent * Double(k) / Double(k + 1)) }
        if shares - 1 > written {
            sum += Double(shares - 1 - written) * exp(-exponent * Double(written) / Double(written + 1))
        }
        gap = 10 * sum
    }

    /// The variance of the sum.
    var variance: Double { Double(shares) * standardDeviation * standardDeviation }

    /// The smallest of the three bounds of Proposition 14 in Kairouz, Liu & Steinke, *The distributed discrete Gaussian
    /// mechanism for federated learning with secure aggregation* (ICML 2021).
    func divergence(order: Double, l1: Double, l2: Double, dimension: Int) -> Double {
        let deviation = variance.squareRoot()
        let ratio = l2 / deviation
        let coordinates = Double(dimension)
        let first = order * ratio * ratio / 2 + gap * coordinates
        let second = order / 2 * (ratio * ratio + 2 * l1 / deviation * gap + gap * gap * coordinates)
        let root = ratio + gap * coordinates.squareRoot()
        return min(first, second, order / 2 * root * root)
    }
}
