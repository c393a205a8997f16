import Scenario

/// How the coordinator turns the updates of one round into one step of the shared parameters.
public enum AggregationStrategy: String, CaseIterable, Sendable {
    /// The weighted mean. Source: McMahan et al., *Communication-efficient learning of deep networks from decentralized
    /// data* (AISTATS 2017), algorithm 1.
    case fedAvg = "fedavg"
    /// The weighted mean with server momentum. Source: Hsu, Qi, Brown, *Measuring the effects of non-identical data
    /// distribution for federated visual classification* (2019), section 4.3.
    case fedAvgM = "fedavgm"
    /// Adam on the server. Source: Reddi et al., *Adaptive federated optimization* (ICLR 2021), algorithm 2.
    case fedAdam = "fedadam"
    /// Yogi on the server; the same source.
    case fedYogi = "fedyogi"
    /// Adagrad on the server; the same source.
    case fedAdagrad = "fedadagrad"
    /// The weighted mean of clients whose local steps are drawn to the common parameters. Source: Li et al., *Federated optimization in
    /// heterogeneous networks* (MLSys 2020), algorithm 2.
    case fedProx = "fedprox"
    /// The weighted mean of clients that correct their drift by a `ControlVariate`. Source: Karimireddy et al.,
    /// *SCAFFOLD: stochastic controlled averaging for federated learning* (ICML 2020), algorithm 1.
    case scaffold
    /// The median of each coordinate. Source: Yin et al., *Byzantine-robust distributed learning: towards optimal
    /// statistical rates* (ICML 2018), definition 1.
    case median
    /// The mean of each coordinate without its f largest and f smallest values; the same source, definition 2.
    case trimmedMean = "trimmed-mean"
    /// The update nearest to its n − f − 2 nearest others. Source: Blanchard et al., *Machine learning with adversaries:
    /// Byzantine tolerant gradient descent* (NeurIPS 2017), section 4.
    case krum
    /// The mean of the n − f − 2 updates that Krum scores best; the same source, section 6. The number is the largest
    /// with a proof (Damaskinos et al., *AggregaThor*, MLSys 2019, section 2.3).
    case multiKrum = "multi-krum"

    /// Whether a minority of arbitrary updates cannot move the step far. Robust strategies use no weights: a weight is
    /// a client's own claim.
    public var isRobust: Bool {
        switch self {
        case .median, .trimmedMean, .krum, .multiKrum: true
        case .fedAvg, .fedAvgM, .fedAdam, .fedYogi, .fedAdagrad, .fedProx, .scaffold: false
        }
    }

    /// Whether a round holds every update until its end (memory clients × parameters) instead of one sum. Only a sum
    /// can be taken over masked updates.
    public var keepsAllUpdates: Bool { isRobust }

    /// Whether a momentum and second moments of the step are kept between rounds.
    public var isAdaptive: Bool {
        switch self {
        case .fedAdam, .fedYogi, .fedAdagrad: true
        default: false
        }
    }

    /// The fewest updates of a round of which f, named `byzantineCount` in a configuration, may be arbitrary; one for
    /// strategies that are not robust, which bear no arbitrary update.
    public func minimumClientCount(byzantine f: Int) -> Int {
        precondition(f >= 0, "\(f) Byzantine clients")
        return StrategyNames.leastClients(rawValue, byzantine: f) ?? 1
    }
}
