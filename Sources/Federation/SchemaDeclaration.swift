import Parameters
import Scenario

/// Declares the shared tensors of a run.
struct SchemaDeclaration {
    private(set) var specs: [TensorSpec] = []
    private let bound: Float

    init(bound: Float) { self.bound = bound }

    mutating func declare(
        _ name: String, _ shape: [Int], _ scope: ParameterScope, _ release: String, bound: Float? = nil,
        format: ElementFormat = .float32
    ) {
        specs.append(
            TensorSpec(
                name: name, shape: shape, scope: scope, bound: bound ?? self.bound, release: release, format: format))
    }

    /// The tensors of one domain.
    mutating func declareDomain(
        _ domain: String, isTarget: Bool, itemCount: Int, scenario: ScenarioDefinition, baselines: BaselineOffer
    ) {
        let factors = scenario.integer("model.factors")
        let scope = ParameterScope.domain(domain)
        declare(TensorName.itemFactors(domain), [itemCount, factors], scope, ReleaseName.itemFactors(domain))
        if scenario.isShared(domain) { declareFactorUpdates(domain, itemCount, factors, scenario) }
        declareMoments(domain, factors, ofRatings: false)
        if scenario.transfersRatings {
            let factors = scenario.integer("tune.rating-factors")
            declareMoments(domain, factors, ofRatings: true)
            // The target's are among its baselines.
            if !isTarget { declareRatingModel(domain, MethodName.explicitALS, itemCount, factors: factors) }
        }
        if scenario.isGameOfItems {
            for method in MethodName.adversarialMethods {
                declare(
                    TensorName.features(domain, method: method), [itemCount, GameShape(scenario).dimension], scope,
                    ReleaseName.model(domain, method: method))
            }
        }
        if isTarget ? baselines.hasRatingMeans : baselines.methods.contains(MethodName.biasCarry) {
            if scenario.protectsMeans {
                declare(
                    TensorName.ratingSums(domain), [itemCount, 2], scope,
                    ReleaseName.model(domain, method: MethodName.ratingMeans))
            } else {
                declareRatingModel(domain, MethodName.ratingMeans, itemCount, factors: nil)
            }
        }
        guard isTarget else { return }
        declare(TensorName.itemCounts(domain), [itemCount], scope, ReleaseName.itemCounts(domain))
        if scenario.driftWindows > 0 {
            declare(TensorName.recentCounts(domain), [itemCount], scope, ReleaseName.recentCounts(domain))
        }
        for method in baselines.itemWeightMethods {
            declare(
                TensorName.itemWeights(domain, method: method), [itemCount, itemCount], scope,
                ReleaseName.model(domain, method: method))
        }
        for method in baselines.ratingFactorMethods {
            declareRatingModel(domain, method, itemCount, factors: scenario.integer("tune.rating-factors"))
        }
        if baselines.methods.contains(MethodName.naiveFedAvg) {
            declare(
                TensorName.towerItemFactors(domain), [itemCount, factors], scope,
                ReleaseName.model(domain, method: MethodName.naiveFedAvg))
        }
    }

    /// What a source ships where texts link the domains, instead of its factors and moments.
    mutating func declareTextSource(_ domain: String, itemCount: Int, scenario: ScenarioDefinition) {
        let factors = scenario.integer("model.factors")
        let dimension = scenario.integer("text.dimension")
        if scenario.isShared(domain), scenario.factorRounds > 0 {
            declare(
                TensorName.itemFactors(domain), [itemCount, factors], .domain(domain), ReleaseName.itemFactors(domain))
            declareFactorUpdates(domain, itemCount, factors, scenario)
        }
        let release = ReleaseName.textMap(domain)
        // Meta-learning has one tower for all domains instead of a map a source.
        for isShuffled in scenario.isMeta ? [] : [false, true] {
            func name(_ part: TensorName.TextPart) -> String {
                TensorName.textMap(domain, part, isShuffled: isShuffled)
            }
            declare(name(.weights), [dimension, factors], .global, release)
            declare(name(.offset), [factors], .global, release)
            declare(name(.length), [1], .global, release)
        }
        declare(TensorName.textMap(domain, .mean), [dimension], .global, release)
        declare(TensorName.textMap(domain, .covariance), [dimension, dimension], .global, release)
        if scenario.hasPublicWords {
            declare(
                TensorName.textMap(domain, .words), [scenario.publicWordCount, dimension],
                .global, ReleaseName.textWords(domain))
        }
    }

    /// The target's models of text, which its client keeps in its own folder.
    mutating func declareTextModels(
        _ domain: String, methods: [String], itemCount: Int, scenario: ScenarioDefinition, baselines: BaselineOffer
    ) {
        let factors = scenario.integer("model.factors")
        for method in methods {
            func declare(_ part: TensorName.TextModelPart, _ shape: [Int]) {
                self.declare(
                    TensorName.textModel(domain, method, part), shape, .domain(domain),
                    ReleaseName.model(domain, method: method))
            }
            declare(.itemFactors, [itemCount, factors])
            if scenario.isMeta {
                declare(.prior, [factors])
                declare(.itemOffsets, [itemCount])
                declare(.rate, [1])
                continue
            }
            declare(.regularization, [1])
            if scenario.isArticle {
                declare(.prior, [1 + factors])
                declare(.globalMean, [1])
                declare(.itemOffsets, [itemCount])
            } else {
                declare(.prior, [factors])
            }
            if baselines.hasTextNeighbours { declare(.neighbours, [itemCount, itemCount]) }
        }
    }

    /// What enters every run's schema whatever links the domains.
    mutating func declareCommon(_ scenario: ScenarioDefinition) {
        let factors = scenario.integer("model.factors")
        if scenario.mayBeSplitByTime {
            declare(TensorName.calendar, [CalendarCode.elementCount], .global, ReleaseName.calendar)
        }
        declareDrift(scenario)
        if scenario.fedAvgRounds > 0 {
            declare(
                TensorName.towerSum, [scenario.integer("text.dimension"), factors], .global, ReleaseName.tower)
            declare(TensorName.towerPriorSum, [factors], .global, ReleaseName.tower)
            declare(TensorName.towerCount, [1], .global, ReleaseName.tower)
        }
    }

    private mutating func declareFactorUpdates(
        _ domain: String, _ itemCount: Int, _ factors: Int, _ scenario: ScenarioDefinition
    ) {
        let training = FactorTraining(scenario)
        let release = ReleaseName.factorUpdates(domain)
        for part in training.parts {
            let shape =
                switch part {
                case .weight: [1]
                case .gram: [factors, factors]
                case .products: [itemCount, factors * (factors + 1) / 2]
                case .sums, .gradient, .change, .controlChange: [itemCount, factors]
                }
            let bound: Float? =
                switch part {
                case .weight: Float(FactorTraining.largestWeight)
                case .change, .controlChange: FactorTraining.changeBound
                case .gram, .products, .sums, .gradient: nil
                }
            declare(
                TensorName.factor(domain, part), shape, .domain(domain), release, bound: bound,
                format: part.format(scenario, elementCount: shape.reduce(1, *)))
        }
        if training == .changes(.scaffold) {
            declare(
                TensorName.controlVariate(domain), [itemCount, factors], .domain(domain),
                ReleaseName.itemFactors(domain))
        }
    }

    /// Of persons' vectors: count, sum and second moment.
    private mutating func declareMoments(_ domain: String, _ factors: Int, ofRatings: Bool) {
        let release = ReleaseName.moments(domain, ofRatings: ofRatings)
        let scope = ParameterScope.domain(domain)
        declare(TensorName.momentCount(domain, ofRatings: ofRatings), [1], scope, release)
        declare(TensorName.momentSum(domain, ofRatings: ofRatings), [factors], scope, release)
        declare(TensorName.momentProduct(domain, ofRatings: ofRatings), [factors, factors], scope, release)
    }

    private mutating func declareRatingModel(_ domain: String, _ method: String, _ itemCount: Int, factors: Int?) {
        let release = ReleaseName.model(domain, method: method)
        declare(TensorName.globalMean(domain, method: method), [1], .domain(domain), release)
        declare(TensorName.itemOffsets(domain, method: method), [itemCount], .domain(domain), release)
        guard let factors else { return }
        declare(TensorName.ratingFactors(domain, method: method), [itemCount, factors], .domain(domain), release)
        declare(TensorName.regularization(domain, method: method), [1], .domain(domain), release)
    }

    /// The sums over linked persons that make the transfer.
    mutating func declareTransfer(_ scenario: ScenarioDefinition) {
        if scenario.isGameOfPersons { return declarePersonGame(scenario) }
        if scenario.isAdversarial { return declareGame(scenario) }
        let features = scenario.sources.count * scenario.sourceDimension
        if scenario.isMeta { declareMeta(scenario) }
        if scenario.releasesVectors, let slots = scenario.optionalInteger("privacy.slots") {
            return declare(
                TensorName.personVectors, [slots, features + scenario.integer("transfer.dimension")], .global,
                ReleaseName.personVectors)
        }
        if let shape = MapShape(scenario) {
            for isShuffled in [false, true] {
                let release = ReleaseName.mapGradient(isShuffled: isShuffled)
                let sizes = [shape.decays.count, shape.parameterCount]
                declare(TensorName.mapCount(isShuffled: isShuffled), [1], .global, release)
                declare(TensorName.mapGradient(isShuffled: isShuffled), sizes, .global, release)
                declare(TensorName.mapParameters(isShuffled: isShuffled), sizes, .global, ReleaseName.map)
            }
        }
        // Under protection the control is computed where its persons are, and nothing of it crosses.
        for isShuffled in scenario.isMeta || scenario.hasNetworkMap
            ? [] : scenario.isProtected ? [false] : [false, true]
        {
            let release = ReleaseName.bridge(isShuffled: isShuffled)
            if scenario.isProtected {
                declare(
                    TensorName.crossMoment(isShuffled: isShuffled),
                    [features, scenario.integer("transfer.dimension")], .global, release)
                continue
            }
            declare(TensorName.bridgeCount(isShuffled: isShuffled), [1], .global, release)
            declare(
                TensorName.crossMoment(isShuffled: isShuffled), [features, scenario.integer("transfer.dimension")],
                .global, release)
            if scenario.sources.count > 1 {
                declare(TensorName.sourceMoment(isShuffled: isShuffled), [features, features], .global, release)
            }
        }
        if scenario.transfersRatings { declareRatingBridges(scenario) }
    }

    /// The sums of persons' gradients of the meta-parameters.
    mutating func declareMeta(_ scenario: ScenarioDefinition) {
        let factors = scenario.integer("model.factors")
        for method in MethodName.releasedMetaMethods(scenario) {
            let release = ReleaseName.meta(method)
            // Under protection a configured constant takes the place of the count.
            if !scenario.isProtected { declare(TensorName.meta(method, .count), [1], .global, release) }
            declare(TensorName.meta(method, .start), [factors], .global, release)
            declare(TensorName.meta(method, .logRate), [1], .global, release)
            if scenario.clipsAdaptively {
                declare(TensorName.meta(method, .within), [1], .global, ReleaseName.metaClipping(method))
            }
            if scenario.isByText {
                declare(
                    TensorName.meta(method, .tower), [scenario.integer("text.dimension"), factors], .global, release)
            } else if method != MethodName.metaLocal {
                let features = scenario.sources.count * scenario.sourceDimension
                declare(TensorName.meta(method, .featureMap), [features, factors], .global, release)
            }
        }
    }

    private mutating func declareRatingBridges(_ scenario: ScenarioDefinition) {
        let factors = scenario.integer("tune.rating-factors")
        let features = scenario.sources.count * factors
        for isShuffled in [false, true] {
            let release = ReleaseName.bridge(isShuffled: isShuffled, ofRatings: true)
            declare(TensorName.bridgeCount(isShuffled: isShuffled, ofRatings: true), [1], .global, release)
            declare(
                TensorName.crossMoment(isShuffled: isShuffled, ofRatings: true), [features, factors], .global, release)
            if scenario.sources.count > 1 {
                declare(
                    TensorName.sourceMoment(isShuffled: isShuffled, ofRatings: true), [features, features], .global,
                    release)
            }
        }
    }

    /// The gradients of the adversarial games, and the features that they make.
    private mutating func declareGame(_ scenario: ScenarioDefinition) {
        let shape = GameShape(scenario)
        for method in MethodName.adversarialMethods {
            let release = ReleaseName.adversarial(method)
            for isSource in [true, false] {
                for part in TensorName.AdversarialPart.allCases {
                    let count =
                        switch part {
                        case .discriminator: shape.discriminatorCount
                        case .confusion, .preference: shape.extractorCount
                        case .sums: GameShape.sumCount
                        }
                    // Sums over all interactions, whose losses are not means.
                    let bound: Float? = part == .preference || part == .sums ? 0x1p36 : nil
                    declare(
                        TensorName.adversarial(method, isSource: isSource, part), [count], .global, release,
                        bound: bound)
                }
            }
        }
    }

    /// The gradients of the adversarial games of persons.
    private mutating func declarePersonGame(_ scenario: ScenarioDefinition) {
        let shape = GameShape(scenario)
        for method in MethodName.releasedAdversarialMethods(scenario) {
            // Under protection a configured constant takes the place of counts, and no loss crosses.
            for part in TensorName.PersonGamePart.allCases where part != .sums || !scenario.isProtected {
                let count =
                    switch part {
                    case .discriminator: shape.discriminatorCount
                    case .confusion, .preference: shape.extractorCount
                    case .decoders: PersonGameShape(scenario).decoderCount
                    case .sums: GameShape.sumCount
                    }
                declare(TensorName.personGame(method, part), [count], .global, ReleaseName.adversarial(method))
            }
        }
    }

    /// The networks of the game of persons, which a persons client keeps in its own folder.
    mutating func declareKeptGame(_ scenario: ScenarioDefinition) {
        for method in MethodName.adversarialMethods {
            for part in TensorName.KeptGamePart.allCases {
                let count =
                    part == .extractor ? GameShape(scenario).extractorCount : PersonGameShape(scenario).decoderCount
                declare(TensorName.keptGame(method, part), [count], .global, ReleaseName.adversarial(method))
            }
        }
    }

    /// The sums over validation persons that make the choices.
    ///
    /// - Parameter isProtected: whether they are released with noise, and then without a count.
    mutating func declareChoices(candidateCount: Int, gate: Gate?, isProtected: Bool = false) {
        if isProtected {
            declare(TensorName.selectionScores, [candidateCount], .global, ReleaseName.selection)
            guard let gate else { return }
            declare(TensorName.gateGains, [gate.columnCount], .global, ReleaseName.gate)
            return declare(TensorName.gateSquares, [gate.columnCount], .global, ReleaseName.gate)
        }
        declare(TensorName.selectionScores, [candidateCount], .global, ReleaseName.selection)
        declare(TensorName.selectionCount, [1], .global, ReleaseName.selection)
        if let gate {
            declare(TensorName.gateGains, [Gate.rowCount, gate.columnCount], .global, ReleaseName.gate)
            declare(TensorName.gateCounts, [Gate.rowCount], .global, ReleaseName.gate)
        }
    }
}

/// The split times as parameters: a flag, then each 64-bit time in four 16-bit limbs, which a Float holds exactly.
public enum CalendarCode {
    /// Elements of the tensor.
    public static let elementCount = 9

    /// The elements of two times, or of none.
    public static func encode(_ times: (validation: Int64, test: Int64)?) -> [Float] {
        guard let times else { return [Float](repeating: 0, count: elementCount) }
        return [1] + limbs(times.validation) + limbs(times.test)
    }

    /// The times; `nil` without any, or for elements that no target client encodes.
    public static func decode(_ elements: [Float]) -> (validation: Int64, test: Int64)? {
        guard elements.count == elementCount, elements[0] == 1 else { return nil }
        guard let validation = time(elements[1..<5]), let test = time(elements[5..<9]) else { return nil }
        return (validation, test)
    }

    static func limbs(_ time: Int64) -> [Float] {
        (0..<4).map { Float((UInt64(bitPattern: time) >> (16 * UInt64($0))) & 0xFFFF) }
    }

    static func time(_ limbs: ArraySlice<Float>) -> Int64? {
        var bits: UInt64 = 0
        for (index, limb) in limbs.enumerated() {
            guard let value = UInt16(exactly: limb) else { return nil }
            bits |= UInt64(value) << (16 * UInt64(index))
        }
        return Int64(bitPattern: bits)
    }
}
