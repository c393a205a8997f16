import Glibc
import Numerics

/// A domain's side in the adversarial game: its label for the discriminator.
public enum AdversarialDomain: Int, Sendable, Equatable, CaseIterable {
    /// The domain that the discriminator should give a positive logit.
    case source
    /// The domain that the discriminator should give a negative logit.
    case target
}

/// The function of a hidden unit.
public enum AdversarialActivation: String, Sendable, Equatable, CaseIterable {
    /// tanh z.
    case tanh
    /// max(z, 0), with slope 0 at 0.
    case relu
}

/// A map with biases and at most one hidden layer.
public enum AdversarialMap: Sendable, Equatable {
    /// An affine map.
    case linear
    /// Affine maps before and after a layer of hidden units.
    case hidden(units: Int, activation: AdversarialActivation)
}

/// The settings of domain-adversarial training.
///
/// min over G, max over D of L_pref(G) − λ_p L_dom(G, D), with L_dom = −½E_S log σ(D(G(x))) − ½E_T log(1 − σ(D(G(x)))).
/// Source: Ganin et al., *Domain-adversarial training of neural networks* (JMLR 2016), equations 13 to 15 and section
/// 5.2.2 for the schedules; the conditional form is Long et al., *Conditional adversarial domain adaptation* (NeurIPS
/// 2018), equation 3.
public struct AdversarialConfiguration: Sendable, Equatable {
    /// G.
    public var extractor = AdversarialMap.linear
    /// D.
    public var discriminator = AdversarialMap.hidden(units: 8, activation: .tanh)
    /// d, the dimensions of G(x).
    public var dimension: Int
    /// K: D sees G(x) ⊗ the indicator of the row's bin; 1 for a discriminator that knows of no bins.
    public var binCount = 1
    /// λ_max; at 0 the discriminator only watches.
    public var reversal = 5.0
    /// Rounds.
    public var roundCount = 150
    /// Steps of D in a round; the last one is taken together with the step of G.
    public var discriminatorSteps = 10
    /// The first step length of G, which falls with (1 + 10p)^(−¾).
    public var extractorRate = 0.05
    /// The step length of D.
    public var discriminatorRate = 0.05
    /// The factor of ½‖D‖² in the objective of D.
    public var discriminatorDecay = 1e-3
    /// The factor of ½‖G‖² in the objective of G.
    public var extractorDecay = 1e-4
    /// The factor of ¼‖VᵀV − I‖² in the objective of G, for V the weights of its last layer.
    ///
    /// It fixes the length of G(x), so that G cannot hide a nuisance by shrinking, and leaves no direction of little
    /// variance in which a small rest of the nuisance would still tell the domains apart.
    public var orthogonality = 1.0
    /// α of the preference loss Σ c(x − pᵀG)² + ρ‖p‖², with x = 1 and c = 1 + α on observed cells, else x = 0 and c = 1.
    public var confidence = 10.0
    /// ρ, positive.
    public var regularization = 5.0

    /// The default settings for features of d dimensions.
    public init(dimension: Int) { self.dimension = dimension }

    /// λ_p = λ_max (2 / (1 + e^(−10p)) − 1).
    ///
    /// - Parameter progress: p, the share of the rounds that are done.
    public func reversal(at progress: Double) -> Double { reversal * (2 / (1 + (-10 * progress).exponential) - 1) }

    /// The step length of G, which falls with (1 + 10p)^(−¾).
    func extractorRate(at progress: Double) -> Double { extractorRate * pow(1 + 10 * progress, -0.75) }

    /// The number of exchanges: one for each step of D.
    public var exchangeCount: Int { roundCount * discriminatorSteps }

    /// The share of the rounds done before an exchange.
    public func progress(atExchange exchange: Int) -> Double {
        Double(exchange / discriminatorSteps) / Double(roundCount)
    }

    /// What moves in an exchange.
    public func part(ofExchange exchange: Int) -> AdversarialPart {
        exchange % discriminatorSteps == discriminatorSteps - 1 ? .both : .discriminator
    }

    /// Refuses settings that have no meaning.
    func check() {
        precondition(dimension > 0 && binCount > 0, "features of \(dimension) dimensions in \(binCount) bins")
        precondition(roundCount > 0 && discriminatorSteps > 0, "a training without steps")
        precondition(reversal >= 0 && reversal.isFinite, "a reversal of \(reversal)")
        precondition(extractorRate >= 0 && discriminatorRate >= 0, "a negative step length")
        precondition(discriminatorDecay >= 0 && extractorDecay >= 0 && orthogonality >= 0, "a negative decay")
        precondition(confidence >= 0 && regularization > 0, "the constants of the preference loss")
    }
}

/// What a gradient is taken of.
public enum AdversarialPart: Sendable, Equatable {
    /// D alone; G stays.
    case discriminator
    /// D and G at the same parameters.
    case both
}
