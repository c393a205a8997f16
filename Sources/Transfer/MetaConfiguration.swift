/// How a person's gradient of the meta-parameters is taken.
public enum MetaVariant: String, Sendable, Equatable, CaseIterable {
    /// Exactly, through all inner steps. Source: Finn, Abbeel, Levine, *Model-agnostic meta-learning* (ICML 2017).
    case maml
    /// To first order: the inner gradients count as constants, so that the start's gradient is that of the query loss
    /// at the adapted vector. Source: the same, section 5.2.
    case fomaml
    /// The start less the vector adapted to support and query together; no derivative of the inner steps, none with
    /// respect to the inner rate or the tower. Source: Nichol, Achiam, Schulman, *On first-order meta-learning
    /// algorithms* (2018), section 4.
    case reptile
    /// Exactly, through an inner ridge regression in closed form. Source: Bertinetto, Henriques, Torr, Vedaldi,
    /// *Meta-learning with differentiable closed-form solvers* (ICLR 2019).
    case ridge
}

/// What a person's vector p is fitted to.
public enum MetaLoss: String, Sendable, Equatable, CaseIterable {
    /// The mean of (qᵀp − target)² over the items.
    case squared
    /// The mean of −log softmax(Qp) over the items, with the softmax over the full catalogue; the targets are not used.
    case softmax
}

/// The settings of meta-learning.
public struct MetaConfiguration: Sendable, Equatable {
    /// How gradients are taken.
    public let variant: MetaVariant
    /// The loss of support and query; the inner loss of `ridge` is squared in any case.
    public let loss: MetaLoss
    /// The gradient steps on the support; not used by `ridge`.
    public let innerSteps: Int
    /// ℓ, the pull of the inner objective to the person's start: (ℓ/2)‖p − start‖² beside the mean loss, and for `ridge`
    /// ℓ‖p − start‖² beside the sum of squares.
    public let regularization: Double

    /// Makes a configuration.
    ///
    /// - Precondition: no count or ℓ is negative, and ℓ is positive for `ridge`.
    public init(variant: MetaVariant, loss: MetaLoss, innerSteps: Int = 3, regularization: Double = 0) {
        precondition(innerSteps >= 0, "\(innerSteps) inner steps")
        precondition(regularization.isFinite && regularization >= 0, "an inner regularisation of \(regularization)")
        precondition(variant != .ridge || regularization > 0, "an inner ridge regression without a ridge")
        self.variant = variant
        self.loss = loss
        self.innerSteps = innerSteps
        self.regularization = regularization
    }
}
