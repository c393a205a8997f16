/// What was released, as plain data; accountants say what it costs.
///
/// A noise multiplier is always the standard deviation divided by the ℓ2 sensitivity **under the neighbouring relation
/// that the accountant is asked about**: for vectors clipped to norm C that is C under add-remove and 2C under
/// replace-one.
public indirect enum PrivacyEvent: Codable, Hashable, Sendable {
    /// Nothing that depends on the data.
    case noOp
    /// A release without protection: no finite ε.
    case unprotected
    /// Gaussian noise; `noiseMultiplier` is "σ" in the literature.
    case gaussian(noiseMultiplier: Double)
    /// Independent discrete Gaussian noise on `dimension` integers whose true values differ by at most `sensitivity` in
    /// ℓ2 norm, all in integer units (Canonne, Kamath, Steinke 2020).
    case discreteGaussian(standardDeviation: Double, sensitivity: Double, dimension: Int)
    /// The sum of `shares` independent discrete Gaussians of `standardDeviation` each, on `dimension` integers
    /// (Kairouz, Liu, Steinke 2021); sensitivities in integer units.
    case discreteGaussianSum(
        shares: Int, standardDeviation: Double, l1Sensitivity: Double, l2Sensitivity: Double, dimension: Int)
    /// Independent Skellam noise of the given variance on `dimension` integers (Agarwal, Kairouz, Liu 2021). Sums of
    /// Skellam shares are Skellam: the variances add.
    case skellam(variance: Double, l1Sensitivity: Double, l2Sensitivity: Double, dimension: Int)
    /// Laplace noise on one value; `scale` is the scale parameter divided by the ℓ1 sensitivity.
    case laplace(scale: Double)
    /// The true one of `categories` with `keepProbability`, else one of the others, uniformly.
    case randomizedResponse(categories: Int, keepProbability: Double)
    /// Gaussian noise on a sum to which the person contributes a random multiple: `sensitivities[i]`, in units of
    /// one sensitivity, with `probabilities[i]`; `noiseMultiplier` is in the same unit.
    case gaussianMixture(noiseMultiplier: Double, sensitivities: [Double], probabilities: [Double])
    /// Each person takes part independently with probability `rate`.
    case poissonSampled(rate: Double, event: PrivacyEvent)
    /// `sample` of `population` persons take part, uniformly, without replacement.
    case fixedSizeSampled(population: Int, sample: Int, event: PrivacyEvent)
    /// A random number of runs, of which only the best is released (Papernot & Steinke 2022).
    case repeatAndSelect(runs: RunCountDistribution, event: PrivacyEvent)
    /// All of these, each possibly chosen after seeing the results of those before.
    case composed([PrivacyEvent])
    /// The same event `count` times with fresh noise.
    case repeated(event: PrivacyEvent, count: Int)

    /// What kind of event this is, for messages.
    public var kind: String {
        switch self {
        case .noOp: "no release"
        case .unprotected: "an unprotected release"
        case .gaussian: "Gaussian noise"
        case .discreteGaussian(_, _, let dimension):
            "discrete Gaussian noise on \(dimension) \(dimension == 1 ? "integer" : "integers")"
        case .discreteGaussianSum: "a sum of discrete Gaussians"
        case .skellam(_, _, _, let dimension):
            "Skellam noise on \(dimension) \(dimension == 1 ? "integer" : "integers")"
        case .laplace: "Laplace noise"
        case .randomizedResponse: "randomised response"
        case .gaussianMixture: "Gaussian noise on a random number of contributions"
        case .poissonSampled(_, let event): "Poisson-sampled " + event.kind
        case .fixedSizeSampled(_, _, let event): "fixed-size-sampled " + event.kind
        case .repeatAndSelect(_, let event): "selection among repeated runs of " + event.kind
        case .composed: "a composition"
        case .repeated(let event, _): "repeated " + event.kind
        }
    }
}

/// The distribution of the number of runs in `PrivacyEvent.repeatAndSelect`.
public enum RunCountDistribution: Codable, Hashable, Sendable {
    /// Poisson with this mean.
    case poisson(mean: Double)
    /// Truncated negative binomial with this mean and shape: 1 is geometric, 0 logarithmic.
    case negativeBinomial(mean: Double, shape: Double)
}

extension PrivacyEvent {
    /// Checks every parameter, also of the events inside.
    ///
    /// - Throws: `AccountingError.invalidParameter`.
    public func validate() throws(AccountingError) {
        switch self {
        case .noOp, .unprotected: break
        case .gaussian(let noise): try requirePositive("the noise multiplier", noise)
        case .discreteGaussian(let deviation, let sensitivity, let dimension):
            try requirePositive("the standard deviation", deviation)
            try requireNonnegative("the sensitivity", sensitivity)
            try require(dimension >= 1, "the dimension", dimension, "at least 1")
        case .discreteGaussianSum(let shares, let deviation, let l1, let l2, let dimension):
            try require(shares >= 1, "the number of noise shares", shares, "at least 1")
            try requirePositive("the standard deviation", deviation)
            try PrivacyEvent.requireNorms(l1: l1, l2: l2, dimension: dimension)
        case .skellam(let variance, let l1, let l2, let dimension):
            try requirePositive("the variance", variance)
            try PrivacyEvent.requireNorms(l1: l1, l2: l2, dimension: dimension)
        case .laplace(let scale): try requirePositive("the scale", scale)
        case .randomizedResponse(let categories, let keep):
            try require(categories >= 2, "the number of categories", categories, "at least 2")
            try require(
                keep >= 1 / Double(categories) && keep <= 1, "the probability to keep the true category", keep,
                "between 1/categories and 1")
        case .gaussianMixture(let noise, let sensitivities, let probabilities):
            try requirePositive("the noise multiplier", noise)
            try require(
                !sensitivities.isEmpty && sensitivities.count == probabilities.count, "the number of sensitivities",
                sensitivities.count, "the number of probabilities, and not 0")
            for value in sensitivities { try requireNonnegative("a sensitivity", value) }
            for value in probabilities { try requireNonnegative("a probability", value) }
            let total = probabilities.reduce(0, +)
            try require(abs(total - 1) <= 1e-9, "the sum of the probabilities", total, "1")
        case .poissonSampled(let rate, let event):
            try require(rate > 0 && rate <= 1, "the sampling rate", rate, "above 0 and at most 1")
            try event.validate()
        case .fixedSizeSampled(let population, let sample, let event):
            try require(population >= 1, "the population", population, "at least 1")
            try require(
                sample >= 1 && sample <= population, "the sample", sample, "between 1 and the population \(population)")
            try event.validate()
        case .repeatAndSelect(let runs, let event):
            switch runs {
            case .poisson(let mean):
                try require(mean >= 1 && mean.isFinite, "the mean number of runs", mean, "at least 1 and finite")
            case .negativeBinomial(let mean, let shape):
                try require(mean >= 1 && mean.isFinite, "the mean number of runs", mean, "at least 1 and finite")
                try requireNonnegative("the shape", shape)
            }
            try event.validate()
        case .composed(let events): for event in events { try event.validate() }
        case .repeated(let event, let count):
            try require(count >= 0, "the number of repetitions", count, "at least 0")
            try event.validate()
        }
    }

    private static func requireNorms(l1: Double, l2: Double, dimension: Int) throws(AccountingError) {
        try requireNonnegative("the ℓ1 sensitivity", l1)
        try requireNonnegative("the ℓ2 sensitivity", l2)
        try require(dimension >= 1, "the dimension", dimension, "at least 1")
        try require(
            l1 >= l2 * (1 - 1e-9) && l1 <= l2 * Double(dimension).squareRoot() * (1 + 1e-9), "the ℓ1 sensitivity", l1,
            "between the ℓ2 sensitivity \(l2) and its product with √dimension")
    }
}

func requirePositive(_ name: String, _ value: Double) throws(AccountingError) {
    try require(value > 0 && value.isFinite, name, value, "a positive finite number")
}

func requireNonnegative(_ name: String, _ value: Double) throws(AccountingError) {
    try require(value >= 0 && value.isFinite, name, value, "a finite number, at least 0")
}

func requireDelta(_ delta: Double) throws(AccountingError) {
    try require(delta > 0 && delta < 1, "δ", delta, "above 0 and below 1")
}

func requireEpsilon(_ epsilon: Double) throws(AccountingError) {
    try require(epsilon >= 0 && epsilon.isFinite, "ε", epsilon, "a finite number, at least 0")
}
