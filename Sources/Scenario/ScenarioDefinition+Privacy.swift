/// What protection a scenario asks for, beside its mode.
extension ScenarioDefinition {
    /// Whether a sample of fixed size takes part in each round of protected meta-learning.
    public var samplesFixedSize: Bool {
        isProtected && isMeta && optionalText("privacy.sampling") == "fixed-size"
    }

    /// Whether the clipping bound of protected meta-gradients follows a quantile of their norms.
    public var clipsAdaptively: Bool { isProtected && isMeta && optionalText("privacy.clipping") == "adaptive" }

    /// The share of norms that should be within an adaptive bound.
    public var clippingQuantile: Double { optionalNumber("privacy.clipping-quantile") ?? 0.5 }

    /// The step of the logarithm of an adaptive bound.
    public var clippingRate: Double { optionalNumber("privacy.clipping-rate") ?? 0.2 }

    /// The most ratings of one person that enter what devices release under protection; `nil` for all.
    public var ratingsPerPerson: Int? { isProtected ? optionalInteger("privacy.ratings-per-person") : nil }

    /// Whether what validation persons choose by is released with noise too.
    public var protectsChoices: Bool { isProtected && optionalText("privacy.gate") == "protected" }

    /// Whether validation persons serve the choices alone, and no encoder or model of a domain.
    public var validatesAlone: Bool { hasDisjointEncoders && protectsChoices }

    /// The clipping bound of a validation person's scores of all candidates together.
    public var selectionBound: Double { optionalNumber("privacy.selection-bound") ?? 1 }

    /// The clipping bound of a validation person's gains and their squares together.
    public var gateBound: Double { optionalNumber("privacy.gate-bound") ?? 0.5 }

    /// Whether the mean ratings of items are made of noised sums.
    public var protectsMeans: Bool { isProtected && optionalText("privacy.rating-means") == "protected" }

    /// The clipping bound of a person's counts and ratings of all items of a domain together.
    public var meansBound: Double { optionalNumber("privacy.means-bound") ?? 5 }

    /// Whether the gradients by which clients of a shared domain learn its item factors are released with noise too.
    public var protectsItemFactors: Bool { isProtected && optionalText("privacy.item-factors") == "protected" }

    /// The clipping bound of one person's gradient of all item factors of a domain together.
    public var factorBound: Double { optionalNumber("privacy.factor-bound") ?? 1 }

    /// What sums of protected gradients of item factors are divided by.
    public var factorPersons: Int { optionalInteger("privacy.factor-persons") ?? 1 }

    /// Whether one rating is what protection hides, in place of a person.
    public var hidesRatings: Bool { isProtected && text("privacy.unit") == "rating" }

    /// Blocks into which a person's ratings of each domain are dealt where one rating is what is hidden.
    public var ratingBlocks: Int { optionalInteger("privacy.rating-blocks") ?? 1 }
}
