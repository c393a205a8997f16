import Glibc

/// A composition as pairs of distributions, and what they leave out.
struct LossPairs {
    /// One pair and how often it happens.
    struct Part {
        var pair: LossPair
        var count: Int
    }

    private(set) var parts: [Part] = []
    let isUnprotected: Bool
    /// How far, in the logarithm of every probability, the noise may be from the one that stands for it, over the whole
    /// composition: δ(ε) is at most e^slack times that of the pairs at ε − 2·slack.
    private(set) var slack = 0.0

    init(_ event: PrivacyEvent, relation: NeighbouringRelation, accountant: String) throws(AccountingError) {
        let composition = try EventComposition(event)
        isUnprotected = composition.isUnprotected
        let total = composition.parts.reduce(0) { $0 + Double($1.count) }
        var gaussians: [(noiseMultiplier: Double, count: Int)] = []
        for part in composition.parts {
            var rate = 1.0
            var noise = part.event
            if case .poissonSampled(let sampling, let event) = noise {
                rate = sampling
                noise = event
            }
            switch noise {
            case .gaussian(let multiplier):
                if rate == 1 {
                    gaussians.append((multiplier, part.count))
                } else {
                    append(.gaussian(multiplier, rate: rate, relation: relation), part.count)
                }
            case .discreteGaussian, .discreteGaussianSum:
                if let pair = LossPairs.exactPair(noise, rate: rate, relation: relation) {
                    append(pair, part.count)
                    continue
                }
                guard let smooth = SmoothedNoise(noise, repetitions: total) else {
                    throw .unsupportedEvent(event: part.event.kind, accountant: accountant)
                }
                slack += smooth.slack * Double(part.count)
                guard smooth.noiseMultiplier < .infinity else { continue }
                if rate == 1 {
                    gaussians.append((smooth.noiseMultiplier, part.count))
                } else {
                    append(.gaussian(smooth.noiseMultiplier, rate: rate, relation: relation), part.count)
                }
            case .skellam(let variance, _, let sensitivity, let dimension):
                guard dimension == 1, sensitivity == sensitivity.rounded(),
                    let law = IntegerNoise.skellam(variance: variance),
                    Int(sensitivity) < law.logProbabilities.count / 2
                else { throw .unsupportedEvent(event: part.event.kind, accountant: accountant) }
                guard rate == 1 || relation == .addRemove else {
                    throw .unsupportedRelation(event: part.event.kind, relation: relation, accountant: accountant)
                }
                append(.integerNoise(law, shift: Int(sensitivity), rate: rate), part.count)
            case .laplace(let scale):
                guard rate == 1 || relation == .addRemove else {
                    throw .unsupportedRelation(event: part.event.kind, relation: relation, accountant: accountant)
                }
                append(.laplace(scale: scale, rate: rate), part.count)
            case .randomizedResponse(let categories, let keep):
                guard rate == 1, relation == .replaceOne else {
                    throw .unsupportedRelation(event: part.event.kind, relation: relation, accountant: accountant)
                }
                append(.randomizedResponse(categories: categories, keep: keep), part.count)
            case .gaussianMixture(let multiplier, let sensitivities, let probabilities):
                guard rate == 1 else { throw .unsupportedEvent(event: part.event.kind, accountant: accountant) }
                guard relation == .addRemove else {
                    throw .unsupportedRelation(event: part.event.kind, relation: relation, accountant: accountant)
                }
                append(
                    .normal(
                        NormalMixturePair(
                            noiseMultiplier: multiplier, sensitivities: sensitivities, probabilities: probabilities)),
                    part.count)
            default: throw .unsupportedEvent(event: part.event.kind, accountant: accountant)
            }
        }
        if let noise = EventComposition.equivalentNoiseMultiplier(gaussians) {
            append(.normal(NormalMixturePair(noiseMultiplier: noise, rate: 1)), 1)
        }
    }

    private mutating func append(_ pair: LossPair, _ count: Int) { parts.append(Part(pair: pair, count: count)) }

    /// The pair of a single integer with discrete Gaussian noise, where it can be written out.
    private static func exactPair(
        _ event: PrivacyEvent, rate: Double, relation: NeighbouringRelation
    ) -> LossPair? {
        guard case .discreteGaussian(let deviation, let sensitivity, 1) = event, rate == 1 || relation == .addRemove,
            sensitivity == sensitivity.rounded(), sensitivity >= 1, deviation <= 1000,
            let noise = IntegerNoise.discreteGaussian(standardDeviation: deviation),
            Int(sensitivity) < noise.logProbabilities.count / 2
        else { return nil }
        return .integerNoise(noise, shift: Int(sensitivity), rate: rate)
    }

    /// The composition in each direction; one when they are all the same in both.
    func compositions(interval: Double, tail: Double) -> [LossComposition] {
        let grids = parts.map { ($0.pair.grids(interval: interval, tail: tail), $0.count) }
        let isSymmetric = grids.allSatisfy { $0.0.count == 1 }
        return (isSymmetric ? [0] : [0, 1]).map { direction in
            LossComposition(grids.map { .init(grid: $0.0[min(direction, $0.0.count - 1)], count: $0.1) })
        }
    }
}

extension LossPair {
    /// Gaussian noise under Poisson sampling.
    static func gaussian(_ noiseMultiplier: Double, rate: Double, relation: NeighbouringRelation) -> LossPair {
        switch relation {
        case .addRemove: .normal(NormalMixturePair(noiseMultiplier: noiseMultiplier, rate: rate))
        case .replaceOne: .normal(NormalMixturePair(replacedWithNoiseMultiplier: noiseMultiplier, rate: rate))
        }
    }
}

/// Gaussian noise that stands for discrete Gaussian noise in any dimension.
///
/// A continuous Gaussian of variance σ² − r², rounded at random by a discrete Gaussian of variance r² around it, is a
/// discrete Gaussian of variance σ² but for a factor between (1 − η)/(1 + η) and (1 + η)/(1 − η) in every probability,
/// η = 2Σ exp(−2π²r²k²), in each coordinate (Peikert, *An efficient and parallel Gaussian sampler for lattices*, CRYPTO
/// 2010, Theorem 3.1; Poisson's summation formula). The rounding moves along with integer shifts and is
/// post-processing, so that the continuous Gaussian's guarantee carries over up to that factor. A sum of discrete
/// Gaussians is one up to e^τ in each coordinate (Kairouz, Liu & Steinke 2021).
///
/// With n releases, δ(ε) is at most e^(n·slack) times what the continuous noise has at ε − 2n·slack.
public struct SmoothedNoise: Sendable {
    /// Standard deviation over sensitivity of the continuous noise; infinite for sensitivity 0.
    public let noiseMultiplier: Double
    /// The logarithm of the factor over all coordinates, of one release.
    public let slack: Double

    /// The continuous noise that stands for an event's.
    ///
    /// - Parameter repetitions: how many releases share the slack that is aimed at, about 10⁻¹⁰.
    /// - Returns: `nil` where the noise is too small for the argument, or the event has no discrete Gaussian noise.
    public init?(_ event: PrivacyEvent, repetitions: Double) {
        let variance: Double
        let sensitivity: Double
        let coordinates: Double
        let gap: Double
        switch event {
        case .discreteGaussian(let deviation, let norm, let dimension):
            (variance, sensitivity, coordinates, gap) = (deviation * deviation, norm, Double(dimension), 0)
        case .discreteGaussianSum(let shares, let deviation, _, let norm, let dimension):
            let sum = DiscreteGaussianSum(shares: shares, standardDeviation: deviation)
            (variance, sensitivity, coordinates, gap) = (sum.variance, norm, Double(dimension), sum.gap)
        default: return nil
        }
        // Rounding that costs about 1e-10 over all coordinates and repetitions.
        let wanted = log(4e10 * coordinates * max(1, repetitions)) / (2 * Double.pi * Double.pi)
        let rounding = min(wanted, variance / 2)
        var defect = 0.0
        for k in 1...40 { defect += 2 * exp(-2 * Double.pi * Double.pi * rounding * Double(k * k)) }
        guard defect < 0.5 else { return nil }
        slack = coordinates * (log1p(defect) - log1p(-defect) + gap)
        noiseMultiplier = (variance - rounding).squareRoot() / sensitivity
    }
}
