public import Accounting
public import ArgumentParser
import Foundation

/// `ferry privacy`.
struct PrivacyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "privacy", abstract: "Say what noise costs in ε, and how much noise an ε needs.",
        discussion: """
            A noise multiplier is the standard deviation of the noise divided by the sensitivity under the neighbouring \
            relation: for contributions clipped to norm C that is C under add-remove and 2C under replace-one.
            """,
        subcommands: [Epsilon.self, Calibrate.self])
}

extension NeighbouringRelation: ExpressibleByArgument {}

/// The noise whose cost is asked for.
enum NoiseMechanism: String, CaseIterable, ExpressibleByArgument {
    case gaussian
    case discreteGaussian = "discrete-gaussian"
    case skellam
    case laplace
    case randomizedResponse = "randomized-response"
}

/// How the persons of a round are chosen.
enum SamplingScheme: String, CaseIterable, ExpressibleByArgument {
    case none
    case poisson
    case fixedSize = "fixed-size"
}

/// The accountants by the names that their results carry.
enum AccountantName: String, CaseIterable, ExpressibleByArgument {
    case pld
    case rdp
    case exact

    func accountant(_ relation: NeighbouringRelation) -> any PrivacyAccountant {
        switch self {
        case .pld: PLDAccountant(relation: relation)
        case .rdp: RDPAccountant(relation: relation)
        case .exact: AnalyticGaussianAccountant(relation: relation)
        }
    }
}

/// What is released, how often, and by which rules it is accounted for.
struct ReleaseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The probability that the promise may fail, between 0 and 1.", valueName: "δ"))
    var delta: Double

    @Option(help: ArgumentHelp("The number of rounds, each with fresh noise.", valueName: "count"))
    var rounds = 1

    @Option(
        help: ArgumentHelp(
            "The probability with which each person takes part in a round: Poisson sampling.", valueName: "rate"))
    var samplingRate: Double?

    @Option(
        help: ArgumentHelp(
            "How persons are sampled (default: poisson with a sampling rate, none without).", valueName: "scheme"))
    var sampling: SamplingScheme?

    @Option(help: ArgumentHelp("For fixed-size sampling: the number of persons.", valueName: "count"))
    var population: Int?

    @Option(help: ArgumentHelp("For fixed-size sampling: how many of them each round takes.", valueName: "count"))
    var sample: Int?

    @Option(help: ArgumentHelp("The distribution of the noise.", valueName: "mechanism"))
    var mechanism: NoiseMechanism = .gaussian

    @Option(
        help: ArgumentHelp(
            "For discrete noise: the ℓ2 sensitivity in integer units.", valueName: "units"))
    var sensitivity: Double?

    @Option(help: ArgumentHelp("For discrete noise: the number of integers released (default: 1).", valueName: "count"))
    var dimension: Int?

    @Option(
        help: ArgumentHelp("For randomised response: the number of categories (default: 2).", valueName: "count"))
    var categories: Int?

    @Option(
        help: ArgumentHelp(
            "Which data sets must look alike (default: add-remove; replace-one for randomised response).",
            valueName: "relation"))
    var neighbouring: NeighbouringRelation?

    @Option(
        help: ArgumentHelp(
            "The privacy-loss distribution, Rényi divergences, or the closed form for Gaussian noise without sampling "
                + "(default: pld; rdp for fixed-size sampling).", valueName: "accountant"))
    var accountant: AccountantName?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try check(delta > 0 && delta < 1, "--delta", "must be above 0 and below 1", delta)
        try check(rounds >= 1, "--rounds", "must be at least 1", rounds)
        if let samplingRate {
            try check(
                samplingRate > 0 && samplingRate <= 1, "--sampling-rate", "must be above 0 and at most 1", samplingRate)
        }
        try checkSampling()
        let isDiscrete = mechanism == .discreteGaussian || mechanism == .skellam
        if let sensitivity {
            guard isDiscrete else { throw ValidationError("--sensitivity is for discrete noise only") }
            try check(
                sensitivity > 0 && sensitivity.isFinite, "--sensitivity", "must be a positive finite number",
                sensitivity)
        }
        if let dimension {
            guard isDiscrete else { throw ValidationError("--dimension is for discrete noise only") }
            try check(dimension >= 1, "--dimension", "must be at least 1", dimension)
        }
        if let categories {
            guard mechanism == .randomizedResponse else {
                throw ValidationError("--categories is for --mechanism randomized-response only")
            }
            try check(categories >= 2, "--categories", "must be at least 2", categories)
        }
    }

    private func checkSampling() throws {
        switch scheme {
        case .none:
            if let samplingRate, samplingRate != 1 {
                throw ValidationError("--sampling none leaves no room for --sampling-rate \(samplingRate)")
            }
        case .poisson:
            guard samplingRate != nil else { throw ValidationError("--sampling poisson needs --sampling-rate") }
        case .fixedSize:
            guard let population, let sample else {
                throw ValidationError("--sampling fixed-size needs --population and --sample")
            }
            guard samplingRate == nil else {
                throw ValidationError("--sampling-rate and --sampling fixed-size exclude each other")
            }
            try check(population >= 1, "--population", "must be at least 1", population)
            try check(sample >= 1 && sample <= population, "--sample", "must be between 1 and --population", sample)
            guard relation == .replaceOne, name == .rdp else {
                throw ValidationError(
                    "--sampling fixed-size is accounted for with --neighbouring replace-one and --accountant rdp only")
            }
        }
        if scheme != .fixedSize, population != nil || sample != nil {
            throw ValidationError("--population and --sample are for --sampling fixed-size only")
        }
    }

    /// The sampling, where nothing is said from what else is there.
    var scheme: SamplingScheme { sampling ?? (samplingRate == nil ? .none : .poisson) }

    /// The relation, as given or as the mechanism has it.
    var relation: NeighbouringRelation {
        neighbouring ?? (mechanism == .randomizedResponse ? .replaceOne : .addRemove)
    }

    /// The accountant, as given or as the sampling needs it.
    var name: AccountantName { accountant ?? (scheme == .fixedSize ? .rdp : .pld) }

    /// All rounds at a noise multiplier; for randomised response at a probability to keep the true category.
    func event(_ noise: Double) -> PrivacyEvent {
        let step: PrivacyEvent
        let sensitivity = sensitivity ?? 1
        let dimension = dimension ?? 1
        switch mechanism {
        case .gaussian: step = .gaussian(noiseMultiplier: noise)
        case .discreteGaussian:
            step = .discreteGaussian(
                standardDeviation: noise * sensitivity, sensitivity: sensitivity, dimension: dimension)
        case .skellam:
            let deviation = noise * sensitivity
            // The ℓ1 norm of integers is at most the square of their ℓ2 norm.
            let l1 = min(sensitivity * Double(dimension).squareRoot(), max(sensitivity, sensitivity * sensitivity))
            step = .skellam(
                variance: deviation * deviation, l1Sensitivity: l1, l2Sensitivity: sensitivity, dimension: dimension)
        case .laplace: step = .laplace(scale: noise)
        case .randomizedResponse: step = .randomizedResponse(categories: categories ?? 2, keepProbability: noise)
        }
        return .repeated(event: sampled(step), count: rounds)
    }

    private func sampled(_ step: PrivacyEvent) -> PrivacyEvent {
        switch scheme {
        case .none: step
        case .poisson: .poissonSampled(rate: samplingRate ?? 1, event: step)
        case .fixedSize: .fixedSizeSampled(population: population ?? 1, sample: sample ?? 1, event: step)
        }
    }

    /// The share of the persons that a round takes.
    var rate: Double {
        if scheme == .fixedSize { return Double(sample ?? 1) / Double(population ?? 1) }
        return samplingRate ?? 1
    }
}

/// Refuses an option whose value makes no sense, with a sentence that names it.
private func check(_ holds: Bool, _ option: String, _ requirement: String, _ value: some Any) throws {
    guard holds else { throw ValidationError("\(option) \(requirement), not \(value)") }
}

/// An accountant's refusal is the caller's mistake: the question has no answer.
private func asking<Value>(_ body: () throws(AccountingError) -> Value) throws -> Value {
    do { return try body() } catch { throw ValidationError(error.description) }
}

extension PrivacyCommand {
    /// `ferry privacy epsilon`.
    struct Epsilon: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "epsilon", abstract: "Compute the ε of a number of noisy rounds.",
            discussion: """
                Example: ferry privacy epsilon --noise-multiplier 1 --sampling-rate 0.01 --rounds 1000 --delta 1e-5
                """)

        @Option(
            help: ArgumentHelp(
                "Standard deviation ÷ ℓ2 sensitivity; for Laplace noise scale ÷ ℓ1 sensitivity.", valueName: "σ"))
        var noiseMultiplier: Double?

        @Option(
            help: ArgumentHelp(
                "For randomised response: the probability to answer with the true category.", valueName: "probability"))
        var keepProbability: Double?

        @OptionGroup var release: ReleaseOptions

        func validate() throws {
            if release.mechanism == .randomizedResponse {
                guard let keepProbability else {
                    throw ValidationError("--mechanism randomized-response needs --keep-probability")
                }
                guard noiseMultiplier == nil else {
                    throw ValidationError("--noise-multiplier and --mechanism randomized-response exclude each other")
                }
                let least = 1 / Double(release.categories ?? 2)
                try check(
                    keepProbability >= least && keepProbability <= 1, "--keep-probability",
                    "must be between 1/categories and 1", keepProbability)
            } else {
                guard keepProbability == nil else {
                    throw ValidationError("--keep-probability is for --mechanism randomized-response only")
                }
                guard let noiseMultiplier else { throw ValidationError("--noise-multiplier is missing") }
                try check(
                    noiseMultiplier > 0 && noiseMultiplier.isFinite, "--noise-multiplier",
                    "must be a positive finite number", noiseMultiplier)
            }
        }

        func run() throws {
            let event = release.event(noiseMultiplier ?? keepProbability ?? 0)
            let accountant = release.name.accountant(release.relation)
            let guarantee = try asking { () throws(AccountingError) in
                try accountant.epsilon(of: event, delta: release.delta)
            }
            let answer = PrivacyAnswer(
                release, guarantee: guarantee, event: event, noiseMultiplier: noiseMultiplier,
                keepProbability: keepProbability)
            standardOutput(release.json ? try answer.json() : "\(answer.sentence)\n")
        }
    }

    /// `ferry privacy calibrate`.
    struct Calibrate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "calibrate", abstract: "Find the least noise that keeps an ε.",
            discussion: """
                Example: ferry privacy calibrate --epsilon 1 --sampling-rate 0.01 --rounds 1000 --delta 1e-5

                The noise multiplier is rounded up: ε is never exceeded.
                """)

        @Option(help: ArgumentHelp("The ε that must not be exceeded.", valueName: "ε"))
        var epsilon: Double

        @OptionGroup var release: ReleaseOptions

        func validate() throws {
            try check(epsilon > 0 && epsilon.isFinite, "--epsilon", "must be a positive finite number", epsilon)
            guard release.mechanism != .randomizedResponse else {
                throw ValidationError("--mechanism randomized-response has no noise multiplier to calibrate")
            }
        }

        func run() throws {
            let accountant = release.name.accountant(release.relation)
            let found = try asking { () throws(AccountingError) in
                try NoiseCalibration(
                    epsilon: epsilon, delta: release.delta, accountant: accountant, event: release.event)
            }
            let answer = PrivacyAnswer(
                release, guarantee: found.guarantee, event: release.event(found.noise), noiseMultiplier: found.noise,
                targetEpsilon: epsilon)
            standardOutput(
                release.json
                    ? try answer.json()
                    : "noise multiplier \(PrivacyAnswer.short(found.noise)): \(answer.sentence)\n")
        }
    }
}
