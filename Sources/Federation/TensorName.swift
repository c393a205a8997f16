/// The names of shared tensors.
public enum TensorName {
    /// Item factors `Q_d`, items × factors.
    public static func itemFactors(_ domain: String) -> String { "\(domain).item-factors" }
    /// Parts of what a client of a shared domain sends in a round of its item factors.
    public enum FactorPart: String, Sendable {
        /// Persons behind the part, one element.
        case weight
        /// Σ p pᵀ over persons, factors × factors.
        case gram
        /// Σ p pᵀ over the persons of each item, upper triangles, items × factors (factors + 1)/2.
        case products
        /// Σ p over the persons of each item, items × factors.
        case sums
        /// Σ of persons' halved gradients, items × factors.
        case gradient
        /// What local steps change, items × factors.
        case change
        /// What they change of the client's control variate, items × factors.
        case controlChange = "control-change"
    }

    /// A part of an update of the item factors of a shared domain.
    public static func factor(_ domain: String, _ part: FactorPart) -> String { "\(domain).factor-\(part.rawValue)" }
    /// The common control variate of `scaffold`, items × factors.
    public static func controlVariate(_ domain: String) -> String { "\(domain).control-variate" }
    /// Interactions of each item, items.
    public static func itemCounts(_ domain: String) -> String { "\(domain).item-counts" }
    /// The number of persons behind the moments of a domain, one element.
    ///
    /// - Parameter ofRatings: here and below, whether vectors are those of explicit factors.
    public static func momentCount(_ domain: String, ofRatings: Bool = false) -> String {
        "\(domain).\(ofRatings ? "rating-" : "")moment-count"
    }
    /// Σ v over persons, where v is the source feature `f` or the target factor `p_T`; factors.
    public static func momentSum(_ domain: String, ofRatings: Bool = false) -> String {
        "\(domain).\(ofRatings ? "rating-" : "")moment-sum"
    }
    /// Σ v vᵀ over persons, factors × factors.
    public static func momentProduct(_ domain: String, ofRatings: Bool = false) -> String {
        "\(domain).\(ofRatings ? "rating-" : "")moment-product"
    }
    /// A part of what a source has learnt of item texts.
    public enum TextPart: String, Sendable {
        /// B_S, text dimension × factors.
        case weights
        /// What the map adds, factors.
        case offset
        /// The root mean squared distance of the source's factors from their mean, one element.
        case length
        /// The mean text, text dimension.
        case mean
        /// The covariance of the texts, text dimension squared.
        case covariance
        /// The vectors of public words, words × text dimension; zeros for a word that the source does not know.
        case words
    }

    /// A part of a source's text map, true or with permuted texts.
    public static func textMap(_ domain: String, _ part: TextPart, isShuffled: Bool = false) -> String {
        "\(domain).\(isShuffled ? "shuffled-" : "")text-\(part.rawValue)"
    }
    /// A part of one of the target's models of text, which stays with its client.
    public enum TextModelPart: String, Sendable {
        /// Items × factors.
        case itemFactors = "item-factors"
        /// The mean person: factors; of ratings, the offset before them.
        case prior
        /// λ of its training.
        case regularization
        /// Of ratings: the mean.
        case globalMean = "global-mean"
        /// Of ratings and of meta-learning: items.
        case itemOffsets = "item-offsets"
        /// Of meta-learning: α.
        case rate
        /// The weights of neighbours, items × items.
        case neighbours
    }

    /// A part of one of the target's models of text.
    public static func textModel(_ domain: String, _ method: String, _ part: TextModelPart) -> String {
        "\(domain).\(method).\(part.rawValue)"
    }
    /// The number of linked persons behind a cross-moment, one element.
    public static func bridgeCount(isShuffled: Bool, ofRatings: Bool = false) -> String {
        prefix(isShuffled, ofRatings) + ".count"
    }
    /// `B = Σ f tᵀ` over linked persons, source features × target dimension.
    public static func crossMoment(isShuffled: Bool, ofRatings: Bool = false) -> String {
        prefix(isShuffled, ofRatings) + ".cross-moment"
    }
    /// `A = Σ f fᵀ` over linked persons, present with several sources only.
    public static func sourceMoment(isShuffled: Bool, ofRatings: Bool = false) -> String {
        prefix(isShuffled, ofRatings) + ".source-moment"
    }
    /// Linked persons' clipped and noised pairs (f, t), each over its clipping bound: slots × (source features + target
    /// dimension). The one tensor with a dimension indexed by persons.
    public static let personVectors = "person-vectors.pairs"
    /// The number of linked persons behind the gradients of the map's networks, one element.
    public static func mapCount(isShuffled: Bool) -> String { mapPrefix(isShuffled) + ".count" }
    /// Σ of persons' gradients of the map's networks, weight decays × parameters.
    public static func mapGradient(isShuffled: Bool) -> String { mapPrefix(isShuffled) + ".gradient" }
    /// The map's networks, weight decays × parameters.
    public static func mapParameters(isShuffled: Bool) -> String { mapPrefix(isShuffled) + ".parameters" }
    /// The times of the split, as `CalendarCode` writes them.
    public static let calendar = "calendar.times"
    /// Σ W over clients, text dimension × factors, each times its persons; `W` maps an item's text to its factors.
    public static let towerSum = "tower.weights-sum"
    /// Σ p₀ over clients, factors, each times its persons.
    public static let towerPriorSum = "tower.prior-sum"
    /// The persons behind the tower's sums, one element.
    public static let towerCount = "tower.count"
    /// The target's item factors by the common tower, items × factors.
    public static func towerItemFactors(_ domain: String) -> String { "\(domain).naive-fedavg.item-factors" }
    /// The weights of a ranking model with one weight for each pair of items, items × items.
    public static func itemWeights(_ domain: String, method: String) -> String { "\(domain).\(method).item-weights" }
    /// μ of a rating model, one element; damped means go by the name `rating-means`.
    public static func globalMean(_ domain: String, method: String) -> String { "\(domain).\(method).global-mean" }
    /// The item offsets of a rating model, items.
    public static func itemOffsets(_ domain: String, method: String) -> String { "\(domain).\(method).item-offsets" }
    /// The item factors of a rating model, items × factors.
    public static func ratingFactors(_ domain: String, method: String) -> String { "\(domain).\(method).item-factors" }
    /// The regularisation that a domain chose for a rating model, one element.
    public static func regularization(_ domain: String, method: String) -> String {
        "\(domain).\(method).regularization"
    }
    /// Σ of the scores of each candidate over validation persons: NDCG, or minus the mean squared error.
    public static let selectionScores = "selection.scores"
    /// The number of validation persons scored, one element.
    public static let selectionCount = "selection.count"

    /// A part of the meta-parameters.
    public enum MetaPart: String, Sendable {
        /// Persons behind the sums, one element.
        case count
        /// p₀, factors.
        case start
        /// M, source features × factors.
        case featureMap = "feature-map"
        /// log α, one element.
        case logRate = "log-rate"
        /// W, text dimension × factors, where texts link the domains.
        case tower
        /// Under adaptive clipping, persons whose norm is within the bound less those whose is not, halved; one element.
        case within
    }

    /// Σ of persons' gradients of a part of the meta-parameters, or their number.
    public static func meta(_ method: String, _ part: MetaPart) -> String { "\(method).gradient-\(part.rawValue)" }
    /// A part of what a side of the adversarial game sends.
    public enum AdversarialPart: String, Sendable, CaseIterable {
        /// Σ ∂loss/∂D over items.
        case discriminator
        /// Σ ∂loss/∂G over items, not yet reversed.
        case confusion
        /// Σ ∂(preference loss)/∂G over persons.
        case preference
        /// The loss of D, items, items that D tells right, the preference loss, interactions; then held-out items and
        /// those that D tells right.
        case sums
    }

    /// A part of the gradients of a game, of the source's or the target's side.
    public static func adversarial(_ method: String, isSource: Bool, _ part: AdversarialPart) -> String {
        "\(method).\(isSource ? "source" : "target")-\(part.rawValue)"
    }
    /// A part of what devices send in an exchange of the adversarial game of persons.
    public enum PersonGamePart: String, Sendable, CaseIterable {
        /// Σ ∂loss/∂D over both rows of each person.
        case discriminator
        /// Σ ∂loss/∂G over the same rows, not yet reversed.
        case confusion
        /// Σ ∂(decoders' loss)/∂G.
        case preference
        /// Σ ∂(decoders' loss)/∂H.
        case decoders
        /// The loss of D, persons, rows that D tells right, the decoders' loss, persons; then held-out persons and those of
        /// their rows that D tells right.
        case sums
    }

    /// A part of the gradients of a game of persons.
    public static func personGame(_ method: String, _ part: PersonGamePart) -> String {
        "\(method).persons-\(part.rawValue)"
    }
    /// A part of a game of persons that a persons client keeps.
    public enum KeptGamePart: String, Sendable, CaseIterable {
        /// G.
        case extractor
        /// H_S and H_T.
        case decoders
    }

    /// A network of a game of persons, which stays with its client.
    public static func keptGame(_ method: String, _ part: KeptGamePart) -> String { "\(method).\(part.rawValue)" }
    /// The features G(x) of a domain's items, items × dimension.
    public static func features(_ domain: String, method: String) -> String { "\(domain).\(method).features" }
    /// Σ of weighted gains over validation persons: bootstrap resamples × blends.
    public static let gateGains = "gate.gains"
    /// Under protection, of each item of a domain the number of ratings and their sum from -1 to 1 over the scale.
    public static func ratingSums(_ domain: String) -> String { "\(domain).rating-sums" }
    /// Under protection, Σ of squared gains over validation persons, one element a blend.
    public static let gateSquares = "gate.squares"
    /// Σ of weights over validation persons, one element a resample.
    public static let gateCounts = "gate.counts"

    private static func mapPrefix(_ isShuffled: Bool) -> String { isShuffled ? "shuffled-map" : "map" }
    private static func prefix(_ isShuffled: Bool, _ ofRatings: Bool) -> String {
        ReleaseName.bridge(isShuffled: isShuffled, ofRatings: ofRatings)
    }
}

/// The names of releases in the ledger.
public enum ReleaseName {
    /// The item factors of a domain.
    public static func itemFactors(_ domain: String) -> String { "\(domain).item-factors" }
    /// What the clients of a shared domain send for its item factors.
    public static func factorUpdates(_ domain: String) -> String { "\(domain).factor-updates" }
    /// The item counts of a domain.
    public static func itemCounts(_ domain: String) -> String { "\(domain).item-counts" }
    /// The moments of a domain's persons.
    ///
    /// - Parameter ofRatings: here and below, whether those of explicit factors.
    public static func moments(_ domain: String, ofRatings: Bool = false) -> String {
        "\(domain).\(ofRatings ? "rating-" : "")moments"
    }
    /// What a source has learnt of item texts.
    public static func textMap(_ domain: String) -> String { "\(domain).text-map" }
    /// A source's vectors of public words, which depend on no rating and no item.
    public static func textWords(_ domain: String) -> String { "\(domain).text-words" }
    /// The cross-moments, true or with shuffled links.
    public static func bridge(isShuffled: Bool, ofRatings: Bool = false) -> String {
        (isShuffled ? "shuffled-" : "") + (ofRatings ? "rating-bridge" : "bridge")
    }
    /// A noised vector a linked person.
    public static let personVectors = "person-vectors"
    /// The gradients of the map's networks, true or with shuffled links.
    public static func mapGradient(isShuffled: Bool) -> String {
        isShuffled ? "shuffled-map.gradient" : "map.gradient"
    }
    /// The map's networks, which the coordinator makes; no client releases them.
    public static let map = "map"
    /// The times of the split.
    public static let calendar = "calendar"
    /// The common text tower.
    public static let tower = "tower"
    /// A model of a domain that is a baseline.
    public static func model(_ domain: String, method: String) -> String { "\(domain).\(method)" }
    /// The validation scores.
    public static let selection = "selection"
    /// The gradients of meta-learning.
    public static func meta(_ method: String) -> String { "\(method).gradient" }
    /// The bits of adaptive clipping of the gradients of meta-learning.
    public static func metaClipping(_ method: String) -> String { "\(method).clipping" }
    /// The gradients of an adversarial game.
    public static func adversarial(_ method: String) -> String { "\(method).gradient" }
    /// What blends gain.
    public static let gate = "gate"
}
