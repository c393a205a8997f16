import Numerics

/// Which detectors raised an alarm.
public struct DriftAlarms: OptionSet, Codable, Sendable, Hashable, CustomStringConvertible {
    /// One bit a detector.
    public let rawValue: Int
    /// The loss has risen.
    public static let loss = DriftAlarms(rawValue: 1)
    /// The random features have another mean than at the start.
    public static let features = DriftAlarms(rawValue: 2)
    /// Persons rate higher or lower than they used to.
    public static let ratings = DriftAlarms(rawValue: 4)
    /// The alarms of what models learn from: they start adaptations. Models of what persons choose do not see ratings.
    public static let ofChoices: DriftAlarms = [.loss, .features]

    /// The detectors of the bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// The names of the detectors.
    public var names: [String] {
        [(DriftAlarms.loss, "loss"), (.features, "features"), (.ratings, "ratings")].filter { contains($0.0) }.map(\.1)
    }

    /// The names of the detectors, with a comma between them; `none`.
    public var description: String {
        names.isEmpty ? "none" : names.joined(separator: ", ")
    }
}

/// Why an observation was refused.
public enum DriftError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A loss or a feature is NaN or infinite.
    case notFinite(what: String)
    /// The number of features is not that of the rounds before.
    case featureCountMismatch(expected: Int, actual: Int)

    /// One sentence.
    public var description: String {
        switch self {
        case .notFinite(let what): "\(what) of the round is not finite; lower the learning rate"
        case .featureCountMismatch(let expected, let actual):
            "the round has \(actual) random features instead of \(expected)"
        }
    }
}

/// Watches the loss and the random features of the rounds for drift.
///
/// The first rounds are a warm-up without alarms. Its losses make a mean and a standard deviation, in which later ones
/// are measured, so that the settings have no units; its features make the reference. The window of losses grows by
/// each round that is not under suspicion (`PageHinkley.unsuspectedCount`), and a deviation from it is turned from
/// Student's distribution to the normal one, as a deviation of 4 says little after ten rounds.
///
/// After an alarm call `restart` when the model has been adapted; until then alarms are raised again. The losses are
/// taken to be stationary without drift: begin when training has settled, as a falling loss widens the deviation.
public struct DriftMonitor: Codable, Sendable, Equatable {
    /// The number of rounds of the warm-up.
    public let warmUpCount: Int
    /// The level of the features' alarm; see `FeatureMeanAlarm`.
    public let featureLevel: Double

    private var detector: PageHinkley
    private var losses: [Double] = []
    private var reference: FeatureMean?

    /// A monitor before its first round.
    ///
    /// At the default settings, on Gaussian series of 30 rounds: 18 of 20,000 without drift raised an alarm (0.1 %); a
    /// step of 4 standard deviations at round 20 was seen with a delay of at most two rounds in 81 % of series, of at
    /// most three in 93 %. A warm-up of ten rounds knows no better: with δ = 1 it is 92 and 98 % for four times as many
    /// false alarms.
    /// - Parameters:
    ///   - tolerance: δ of `PageHinkley`, in standard deviations.
    ///   - threshold: λ, likewise.
    /// - Precondition: a warm-up of at least 3 rounds.
    public init(warmUpCount: Int = 10, tolerance: Double = 1.25, threshold: Double = 4, featureLevel: Double = 0.001) {
        precondition(warmUpCount > 2, "a warm-up of \(warmUpCount) rounds")
        self.warmUpCount = warmUpCount
        self.featureLevel = featureLevel
        detector = PageHinkley(
            tolerance: tolerance, threshold: threshold, minimumObservationCount: warmUpCount + 1)
    }

    /// The number of rounds since the start or the last restart.
    public var roundCount: Int { losses.count }

    /// The number of rounds, up to the last, that are suspected to be of a higher loss; see `PageHinkley`.
    public var suspectedCount: Int { max(0, losses.count - detector.unsuspectedCount) }

    /// Takes a round; which detectors raise an alarm. *Complexity*: O(rounds + features).
    ///
    /// - Parameters:
    ///   - loss: the mean loss of the round.
    ///   - features: the mean of the random features of the round's rows, if there is one; fewer than two rows raise no
    ///     alarm.
    /// - Throws: `notFinite`, `featureCountMismatch`; then nothing has changed.
    public mutating func observe(loss: Double, features: FeatureMean? = nil) throws(DriftError) -> DriftAlarms {
        guard loss.isFinite else { throw .notFinite(what: "the loss") }
        if let features {
            guard features.mean.allSatisfy({ $0.isFinite }) else { throw .notFinite(what: "a random feature") }
            if let reference, reference.mean.count != features.mean.count {
                throw .featureCountMismatch(expected: reference.mean.count, actual: features.mean.count)
            }
        }
        let isWarmUp = losses.count < warmUpCount
        var alarms: DriftAlarms = []
        if let features {
            if isWarmUp {
                reference = reference?.merged(with: features) ?? features
            } else if let reference {
                if FeatureMeanAlarm(reference: reference, level: featureLevel).isRaised(by: features) {
                    alarms.insert(.features)
                }
            }
        }
        if !isWarmUp, observeStandardised(loss) { alarms.insert(.loss) }
        losses.append(loss)
        if losses.count == warmUpCount {
            let window = LossWindow(losses[...])
            // They set the detector's running mean; it raises no alarm yet.
            for loss in losses { _ = detector.observe(window.standardised(loss)) }
        }
        return alarms
    }

    private mutating func observeStandardised(_ loss: Double) -> Bool {
        let window = LossWindow(losses.prefix(max(warmUpCount, detector.unsuspectedCount)))
        return detector.observe(window.standardisedNext(loss))
    }

    /// Begins a new warm-up.
    public mutating func restart() {
        losses = []
        reference = nil
        detector.reset()
    }
}

/// The mean and the standard deviation of some losses.
private struct LossWindow {
    private let count: Double
    private let center: Double
    private let deviation: Double

    init(_ losses: ArraySlice<Double>) {
        count = Double(losses.count)
        // Scaled by a power of two, so that no square overflows or vanishes.
        let largest = losses.reduce(0) { max($0, abs($1)) }
        let scale = largest > 0 ? Double(sign: .plus, exponent: largest.exponent, significand: 1) : 1
        let mean = losses.reduce(0) { $0 + $1 / scale } / count
        let squares = losses.reduce(0) { $0 + ($1 / scale - mean) * ($1 / scale - mean) }
        center = mean * scale
        // Losses that are equal but for rounding make any change a drift, but rounding alone none.
        deviation = max((squares / (count - 1)).squareRoot(), 1e-9) * scale
    }

    /// The deviation of one of the losses, in standard deviations.
    func standardised(_ loss: Double) -> Double { (loss - center) / deviation }

    /// The normal deviate as probable as that of a further loss under Student's distribution with n − 1 degrees of
    /// freedom.
    ///
    /// Source: Wallace, *Bounds on normal approximations to Student's and the chi-square distributions* (Annals of
    /// Mathematical Statistics 1959), the approximation with the factor (8ν + 1)/(8ν + 3).
    func standardisedNext(_ loss: Double) -> Double {
        let t = standardised(loss) / (1 + 1 / count).squareRoot()
        let freedom = count - 1
        // 1 + t²/ν in two steps: t² overflows before its logarithm does.
        let magnitude = abs(t) / freedom.squareRoot()
        let logarithm = magnitude > 1e8 ? 2 * magnitude.logarithm : (1 + magnitude * magnitude).logarithm
        let deviate = (8 * freedom + 1) / (8 * freedom + 3) * (freedom * logarithm).squareRoot()
        return t < 0 ? -deviate : deviate
    }
}
