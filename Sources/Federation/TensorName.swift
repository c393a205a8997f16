/// The names of shared tensors.
public enum TensorName {
    /// Item factors `Q_d`, items × factors.
    public static func itemFactors(_ domain: String) -> String { "\(domain).item-factors" }
    /// Interactions of each item, items.
    public static func itemCounts(_ domain: String) -> String { "\(domain).item-counts" }
    /// The number of persons behind the moments of a domain, one element.
    public static func momentCount(_ domain: String) -> String { "\(domain).moment-count" }
    /// Σ v over persons, where v is the source feature `f` or the target factor `p_T`; factors.
    public static func momentSum(_ domain: String) -> String { "\(domain).moment-sum" }
    /// Σ v vᵀ over persons, factors × factors.
    public static func momentProduct(_ domain: String) -> String { "\(domain).moment-product" }
    /// The number of linked persons behind a cross-moment, one element.
    public static func bridgeCount(isShuffled: Bool) -> String { prefix(isShuffled) + ".count" }
    /// `B = Σ f tᵀ` over linked persons, source features × target dimension.
    public static func crossMoment(isShuffled: Bool) -> String { prefix(isShuffled) + ".cross-moment" }
    /// `A = Σ f fᵀ` over linked persons, present with several sources only.
    public static func sourceMoment(isShuffled: Bool) -> String { prefix(isShuffled) + ".source-moment" }
    /// Σ NDCG over validation persons for each candidate.
    public static let selectionScores = "selection.scores"
    /// The number of validation persons scored, one element.
    public static let selectionCount = "selection.count"

    private static func prefix(_ isShuffled: Bool) -> String { isShuffled ? "shuffled-bridge" : "bridge" }
}

/// The names of releases in the ledger.
public enum ReleaseName {
    /// The item factors of a domain.
    public static func itemFactors(_ domain: String) -> String { "\(domain).item-factors" }
    /// The item counts of a domain.
    public static func itemCounts(_ domain: String) -> String { "\(domain).item-counts" }
    /// The moments of a domain's persons.
    public static func moments(_ domain: String) -> String { "\(domain).moments" }
    /// The cross-moments, true or with shuffled links.
    public static func bridge(isShuffled: Bool) -> String { isShuffled ? "shuffled-bridge" : "bridge" }
    /// The validation scores.
    public static let selection = "selection"
}
