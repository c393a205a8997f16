public import Scenario

/// How a person's first target interactions are combined with the mapped vector p̂.
public enum FoldInKind: String, Sendable, Equatable, CaseIterable {
    /// `(G + αQ_kᵀQ_k + λI)⁻¹((1 + α)Σq + λp̂)`: p̂ is the mean of a Gaussian prior.
    case prior
    /// `p̂ + (G + αQ_kᵀQ_k + λI)⁻¹(1 + α)Σq(1 − qᵀp̂)`: the fold-in corrects p̂.
    case residual
}

/// The methods that are compared, by their names in the record.
public enum MethodName {
    /// The transfer.
    public static let featureMap = "feature-map"
    /// The transfer by meta-learning.
    public static let meta = "meta"
    /// Its local twin: the same without source features.
    public static let metaLocal = "meta-local"
    /// What meta-learning trains side by side.
    public static let metaMethods = [meta, metaLocal, shuffledSource]
    /// Those of them whose gradients leave a client. In the control a person's sources serve another person's gradient,
    /// so that clipping each gradient does not bound what one person moves: under protection it stays in the client. Where
    /// texts link the domains, the twin is the target's alone.
    public static func releasedMetaMethods(_ scenario: ScenarioDefinition) -> [String] {
        if scenario.isByText { return [meta, shuffledSource] }
        return scenario.isProtected ? [meta, metaLocal] : metaMethods
    }
    /// The control: the same with links permuted in training.
    public static let shuffledSource = "shuffled-source"
    /// The target's own model, fold-in without transfer.
    public static let local = "local"
    /// The most popular items.
    public static let popularity = "popularity"
    /// Item neighbours by common persons.
    public static let itemKNN = "item-knn"
    /// Item neighbours by text.
    public static let textKNN = "text-knn"
    /// A linear autoencoder of items.
    public static let ease = "ease"
    /// The local ranking model that validation picks for each number of shots.
    public static let bestLocal = "best-local"
    /// The best blend of two local models.
    public static let localEnsemble = "local-ensemble"
    /// One model of all domains' data in one place.
    public static let pooledReference = "pooled-reference"
    /// A text tower averaged over all domains without alignment.
    public static let naiveFedAvg = "naive-fedavg"
    /// The mean of all ratings.
    public static let globalMean = "global-mean"
    /// The damped mean of an item's ratings.
    public static let itemMean = "item-mean"
    /// Item mean and the person's damped offset.
    public static let userMean = "user-mean"
    /// Item mean and the person's offset of the source domains.
    public static let biasCarry = "bias-carry"
    /// Explicit-feedback factors by alternating least squares.
    public static let explicitALS = "explicit-als"
    /// Explicit-feedback factors by stochastic gradients.
    public static let biasedMF = "biased-mf"
    /// Explicit factors whose prior is mapped from the sources: the transfer of ratings.
    public static let mappedPrior = "mapped-prior"
    /// Its control: the same with links permuted in the training of the map. The offset is the person's own in both.
    public static let shuffledPrior = "shuffled-prior"
    /// The methods that transfer ratings.
    public static let ratingTransfers = [mappedPrior, shuffledPrior]
    /// The local rating model that validation picks for each number of shots.
    public static let bestLocalRatings = "best-local-ratings"
    /// The local rating methods that `bestLocalRatings` picks from, in the order of the record.
    public static let localRatings = [globalMean, itemMean, userMean, explicitALS, biasedMF]
    /// The name of damped means among released models; not a method.
    public static let ratingMeans = "rating-means"

    /// The transfer by domain-adversarial features.
    public static let adversarial = "adversarial"
    /// Its twin without an adversary: features learnt in the source alone.
    public static let sourceOnly = "source-only"
    /// What adversarial training trains side by side.
    public static let adversarialMethods = [adversarial, sourceOnly, shuffledSource]
    /// Those of them whose gradients leave a client: under protection the control stays, as that of meta-learning does.
    public static func releasedAdversarialMethods(_ scenario: ScenarioDefinition) -> [String] {
        scenario.isProtected ? [adversarial, sourceOnly] : adversarialMethods
    }
    /// The local twin of a transfer by text: the same model with the target's own text alone.
    public static let featureMapLocal = "feature-map-local"
    /// The article's recipe: the same on ratings, with nothing to choose.
    public static let article = "article"
    /// Its local twin.
    public static let articleLocal = "article-local"
    /// Within a method of transfer by text: neighbours by what sources make of texts, in place of factors.
    public static let neighbours = "neighbours"
    /// What a transfer by text trains side by side: the transfer, its local twin and the control.
    public static func textMethods(_ transfer: String) -> [String] { [transfer, transfer + "-local", shuffledSource] }

    /// A gated method's name without the gate.
    public static func ungated(_ method: String) -> String { method + "-ungated" }

    /// The local models of rankings, in the order of the record.
    static let localModels = [popularity, local, itemKNN, textKNN, ease]
    /// The local ranking methods that `bestLocal` picks from, in the order of the record. Where texts link the domains,
    /// the twin of the transfer is one: the target's client trains it by itself.
    public static func localRanking(_ scenario: ScenarioDefinition) -> [String] {
        localModels + (scenario.isByText ? [scenario.transferMethod + "-local"] : [])
    }
}

/// The baselines that a run can offer, given what was asked for and the size of the target's catalogue.
public struct BaselineOffer: Sendable, Equatable {
    /// Every method, in the order of the record.
    public let methods: [String]
    /// Why a baseline that was asked for is not offered.
    public let refusals: [String]

    /// What transfers ratings.
    public let ratingTransfers: [String]

    /// Whether `pooledReference` has an EASE beside its factors.
    let hasPooledEASE: Bool
    /// Whether a transfer by text has neighbours beside its factors.
    public let hasTextNeighbours: Bool

    /// The offer of a scenario.
    ///
    /// - Parameter itemCounts: the sizes of the catalogues, by domain.
    public init(_ scenario: ScenarioDefinition, itemCounts: [String: Int]) {
        let targetItemCount = itemCounts[scenario.target] ?? 0
        let itemCount = itemCounts.values.reduce(0, +)
        var methods: [String] = []
        var refusals: [String] = []
        let limit = scenario.integer("evaluation.item-weights-limit")
        let shared = scenario.domains.filter { scenario.isShared($0) }
        for method in BaselineNames.all where scenario.hasBaseline(method) {
            // Models that one client trains on all ratings of a domain.
            let needed =
                switch method {
                case MethodName.localEnsemble, MethodName.pooledReference, MethodName.naiveFedAvg: [String]()
                case MethodName.biasCarry: scenario.domains
                default: [scenario.target]
                }
            if scenario.isByText,
                [MethodName.biasCarry, MethodName.pooledReference, MethodName.naiveFedAvg].contains(method)
            {
                refusals.append(
                    "\(method) is left out: with alignment text no person links the domains, and the target releases no model"
                )
                continue
            }
            if let domain = needed.first(where: shared.contains) {
                refusals.append("\(method) is left out: several clients share \(domain), and none has all its ratings")
                continue
            }
            switch method {
            case MethodName.itemKNN, MethodName.textKNN, MethodName.ease:
                if targetItemCount > limit {
                    refusals.append(
                        "\(method) is left out: \(targetItemCount) target items are more than "
                            + "evaluation.item-weights-limit, \(limit)")
                    continue
                }
                if method == MethodName.textKNN,
                    let reason = BaselineOffer.reason(scenario, [scenario.target])
                {
                    refusals.append("\(method) is left out: \(reason)")
                    continue
                }
            case MethodName.naiveFedAvg:
                if let reason = BaselineOffer.reason(scenario, scenario.domains) {
                    refusals.append("\(method) is left out: \(reason)")
                    continue
                }
            case MethodName.pooledReference:
                if itemCount > limit {
                    refusals.append(
                        "\(method) has no ease to choose: \(itemCount) items of all domains are more than "
                            + "evaluation.item-weights-limit, \(limit)")
                }
            default: break
            }
            methods.append(method)
        }
        let wantsNeighbours = scenario.isByText && !scenario.isArticle && !scenario.isMeta
        hasTextNeighbours = wantsNeighbours && targetItemCount <= limit
        if wantsNeighbours, !hasTextNeighbours {
            refusals.append(
                "\(scenario.transferMethod) has no neighbours to choose: \(targetItemCount) target items are more than "
                    + "evaluation.item-weights-limit, \(limit)")
        }
        self.methods = methods
        self.refusals = refusals
        ratingTransfers = scenario.transfersRatings ? MethodName.ratingTransfers : []
        hasPooledEASE = itemCount <= limit
    }

    /// Why some domain's items have no vectors; `nil` where all domains' have.
    private static func reason(_ scenario: ScenarioDefinition, _ domains: [String]) -> String? {
        for domain in domains {
            switch scenario.vectorObstacle(of: domain) {
            case nil: continue
            case .noText:
                return "the items of \(domain) have neither text nor vectors; name them in clients[].data.items or "
                    + "item-vectors"
            case .noWordVectors:
                return "text.word-vectors is none, and the items of \(domain) have no vectors of their own; name them "
                    + "in clients[].data.item-vectors"
            }
        }
        return nil
    }

    /// Baselines with a weight for each pair of items.
    public var itemWeightMethods: [String] {
        methods.filter { [MethodName.itemKNN, MethodName.textKNN, MethodName.ease].contains($0) }
    }

    /// Whether the target's client trains a model for a baseline.
    public var hasLocalModels: Bool { !itemWeightMethods.isEmpty || !ratingMethods.isEmpty }

    /// Baselines with factors that predict ratings.
    public var ratingFactorMethods: [String] {
        methods.filter { [MethodName.explicitALS, MethodName.biasedMF].contains($0) }
    }

    /// Whether a baseline needs the damped means of the target.
    public var hasRatingMeans: Bool {
        !Set(methods).isDisjoint(with: [
            MethodName.globalMean, MethodName.itemMean, MethodName.userMean, MethodName.biasCarry,
        ])
    }

    /// The methods that predict ratings: transfers, then baselines.
    public var ratingMethods: [String] {
        ratingTransfers + methods.filter { MethodName.localRatings.contains($0) || $0 == MethodName.biasCarry }
    }
}

/// Everything that validation persons choose between, in a fixed order.
public struct SelectionGrid: Sendable, Equatable {
    /// One choice of one method at one number of shots.
    public struct Candidate: Sendable, Equatable {
        /// The method.
        public let method: String
        /// Known target interactions.
        public let shots: Int
        /// ρ, for methods with a linear map; the weight decay of a network.
        public var ridge: Double?
        /// The kind of fold-in, for methods with a map and shots.
        public var foldIn: FoldInKind?
        /// λ of the fold-in, with shots; of training, for the pooled EASE.
        public var regularization: Double?
        /// The blended models, and the weight of the first.
        public var blend: Blend?
        /// The kind of pooled model, or `neighbours` of a transfer by text.
        public var model: String?
        /// The share of a person's source offset, of bias carry and of a mapped prior.
        public var carry: Double?
        /// The damping of a person's rating offset.
        public var damping: Double?

        init(_ method: String, _ shots: Int) {
            self.method = method
            self.shots = shots
        }
    }

    /// Two local models and the weight of the first.
    public struct Blend: Sendable, Equatable {
        /// The first model.
        public let first: String
        /// The second model.
        public let second: String
        /// The weight of the first, 0 to 1; the second has the rest.
        public let weight: Double
    }

    /// The candidates; the position is the index in `selection.scores`.
    public let candidates: [Candidate]
    /// The methods that `bestLocal` picks from.
    public let localRanking: [String]

    /// The grid of a scenario.
    public init(_ scenario: ScenarioDefinition, baselines: BaselineOffer) {
        localRanking = MethodName.localRanking(scenario)
        var out: [Candidate] = []
        for shots in scenario.integers("evaluation.shots") {
            let regularizations = scenario.numbers("transfer.fold-in-regularization")
            if scenario.isByText {
                for method in MethodName.textMethods(scenario.transferMethod) {
                    // The recipe has one λ, that of its training; inner steps have none.
                    out +=
                        scenario.isArticle || scenario.isMeta
                        ? [Candidate(method, shots)] : SelectionGrid.foldIns(method, shots, regularizations)
                    // Without shots nothing is known that could have neighbours.
                    if shots > 0, baselines.hasTextNeighbours {
                        var candidate = Candidate(method, shots)
                        candidate.model = MethodName.neighbours
                        out.append(candidate)
                    }
                }
                // Without shots the twin is a local model beside popularity.
                if shots == 0 { out.append(Candidate(MethodName.popularity, shots)) }
            } else if scenario.isAdversarial {
                for method in MethodName.adversarialMethods {
                    out += SelectionGrid.foldIns(method, shots, regularizations)
                }
            } else if scenario.isMeta {
                // The adapted vector itself, then fold-ins around the start.
                for method in MethodName.metaMethods {
                    out.append(Candidate(method, shots))
                    if shots > 0 { out += SelectionGrid.foldIns(method, shots, regularizations) }
                }
            } else {
                out += SelectionGrid.mapped(scenario, shots)
            }
            out += SelectionGrid.rating(scenario, baselines, shots)
            out += SelectionGrid.pooled(scenario, baselines, shots)
            if baselines.methods.contains(MethodName.naiveFedAvg) {
                out += SelectionGrid.foldIns(MethodName.naiveFedAvg, shots, regularizations)
            }
            guard shots > 0 else { continue }
            out += SelectionGrid.foldIns(MethodName.local, shots, regularizations)
            out.append(Candidate(MethodName.popularity, shots))
            out += baselines.itemWeightMethods.map { Candidate($0, shots) }
            if baselines.methods.contains(MethodName.localEnsemble) {
                out += SelectionGrid.blends(baselines, shots, regularizations)
            }
        }
        candidates = out
    }

    private static func foldIns(_ method: String, _ shots: Int, _ regularizations: [Double]) -> [Candidate] {
        // Without shots there is nothing to fold in.
        guard shots > 0 else { return [Candidate(method, shots)] }
        return regularizations.map { value in
            var candidate = Candidate(method, shots)
            candidate.regularization = value
            return candidate
        }
    }

    private static func mapped(_ scenario: ScenarioDefinition, _ shots: Int) -> [Candidate] {
        var out: [Candidate] = []
        for method in [MethodName.featureMap, MethodName.shuffledSource] {
            // The map of a protected sum has constants in place of a ridge.
            for ridge in scenario.isProtected && !scenario.releasesVectors
                ? [0] : scenario.numbers(scenario.hasNetworkMap ? "transfer.mlp.decay" : "transfer.ridge")
            {
                var candidate = Candidate(method, shots)
                candidate.ridge = ridge
                guard shots > 0 else {
                    out.append(candidate)
                    continue
                }
                for kind in FoldInKind.allCases {
                    for value in scenario.numbers("transfer.fold-in-regularization") {
                        candidate.foldIn = kind
                        candidate.regularization = value
                        out.append(candidate)
                    }
                }
            }
        }
        return out
    }

    private static func rating(_ scenario: ScenarioDefinition, _ baselines: BaselineOffer, _ shots: Int) -> [Candidate]
    {
        var out: [Candidate] = []
        for method in baselines.ratingMethods {
            var candidate = Candidate(method, shots)
            // Without shots a person's own offset is not known; that of the sources is, and it is damped too.
            let isMapped = baselines.ratingTransfers.contains(method)
            let isDamped =
                method == MethodName.biasCarry || ((isMapped || method == MethodName.userMean) && shots > 0)
            let isCarried = isMapped || method == MethodName.biasCarry
            func values(_ path: String, _ isChosen: Bool) -> [Double?] {
                isChosen ? scenario.numbers(path).map(Optional.some) : [nil]
            }
            for damping in values("tune.user-damping", isDamped) {
                for carry in values("tune.bias-carry", isCarried) {
                    for ridge in values("transfer.ridge", isMapped) {
                        candidate.damping = damping
                        candidate.carry = carry
                        candidate.ridge = ridge
                        out.append(candidate)
                    }
                }
            }
        }
        return out
    }

    private static func pooled(_ scenario: ScenarioDefinition, _ baselines: BaselineOffer, _ shots: Int) -> [Candidate]
    {
        guard baselines.methods.contains(MethodName.pooledReference) else { return [] }
        var out: [Candidate] = []
        for (model, values) in [
            ("implicit-als", scenario.numbers("transfer.fold-in-regularization")),
            (MethodName.ease, baselines.hasPooledEASE ? scenario.numbers("tune.ease-regularization") : []),
        ] {
            for value in values {
                var candidate = Candidate(MethodName.pooledReference, shots)
                candidate.model = model
                candidate.regularization = value
                out.append(candidate)
            }
        }
        return out
    }

    private static func blends(
        _ baselines: BaselineOffer, _ shots: Int, _ regularizations: [Double]
    ) -> [Candidate] {
        let models = MethodName.localModels.filter {
            $0 == MethodName.popularity || $0 == MethodName.local || baselines.itemWeightMethods.contains($0)
        }
        var out: [Candidate] = []
        for (index, first) in models.enumerated() {
            for second in models.dropFirst(index + 1) {
                let involvesFoldIn = first == MethodName.local || second == MethodName.local
                for value in involvesFoldIn ? regularizations.map(Optional.some) : [nil] {
                    for weight in [0.25, 0.5, 0.75] {
                        var candidate = Candidate(MethodName.localEnsemble, shots)
                        candidate.blend = Blend(first: first, second: second, weight: weight)
                        candidate.regularization = value
                        out.append(candidate)
                    }
                }
            }
        }
        return out
    }

    /// What a candidate is compared with: the local models of its number of shots with each other, any other method with
    /// itself.
    private func group(_ candidate: Candidate) -> String {
        let name =
            localRanking.contains(candidate.method)
            ? MethodName.bestLocal
            : MethodName.localRatings.contains(candidate.method) ? MethodName.bestLocalRatings : candidate.method
        return "\(candidate.shots)/\(name)"
    }

    /// Scores less the mean of those that they are compared with: the choices stay the same, and one person's norm is that
    /// of differences.
    public func centred(_ scores: [Float]) -> [Float] {
        precondition(scores.count == candidates.count, "\(scores.count) scores for \(candidates.count) candidates")
        let groups = Dictionary(grouping: candidates.indices) { group(candidates[$0]) }
        var out = scores
        for members in groups.values {
            let mean = members.reduce(0.0) { $0 + Double(scores[$1]) } / Double(members.count)
            for index in members { out[index] = Float(Double(scores[index]) - mean) }
        }
        return out
    }

    /// The candidate of a method and number of shots with the highest score, the first of equals; `nil` where the
    /// method has nothing to choose.
    public func best(method: String, shots: Int, scores: [Float]) -> Candidate? {
        bestIndex(of: [method], shots: shots, scores: scores).map { candidates[$0] }
    }

    /// The local ranking candidate that validation picks for a number of shots; `nil` without shots, where every local
    /// model is popularity.
    public func bestLocal(shots: Int, scores: [Float]) -> Candidate? {
        bestIndex(of: localRanking, shots: shots, scores: scores).map { candidates[$0] }
    }

    /// The local rating candidate that validation picks for a number of shots.
    public func bestLocalRatings(shots: Int, scores: [Float]) -> Candidate? {
        bestIndex(of: MethodName.localRatings, shots: shots, scores: scores).map { candidates[$0] }
    }

    private func bestIndex(of methods: [String], shots: Int, scores: [Float]) -> Int? {
        precondition(scores.count == candidates.count, "\(scores.count) scores for \(candidates.count) candidates")
        var best: Int?
        for index in candidates.indices
        where candidates[index].shots == shots && methods.contains(candidates[index].method) {
            if best.map({ scores[index] > scores[$0] }) ?? true { best = index }
        }
        return best
    }
}
