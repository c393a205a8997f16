import Federation
import Numerics
import Parameters
import Ratings
import Recommenders
import Scenario
import Supervision
import Transfer

/// The broadcast models as devices use them, built from the parameters that a client knows.
struct DeviceModels {
    private(set) var sources: [String: SourceModel] = [:]
    var target: TargetModel
    /// Interactions of each target item, none faded.
    let interactionCounts: [Int]
    private let plan: RunPlan
    private let scale: RatingScale
    private let factors: Int
    private let sourceDimension: Int
    private let mapShape: MapShape?
    private let itemWeights: [String: ItemWeights]
    private let means: RatingMeans?
    private let ratingFactors: [String: (factors: BiasedFactors, regularization: Double)]
    private var tower: FoldIn?
    private var towerPrior: [Float]?
    /// The meta-parameters, where the transfer is by meta-learning.
    var meta: MetaTrainer?
    /// The adversarial game of persons, where the transfer is that.
    var personGame: PersonGameTrainer?
    /// The features of the adversarial game and its twins, of the source's items and the target's.
    private var games: [String: (source: FoldIn, target: FoldIn)] = [:]
    private let gameRegularization: Float
    /// The target's models of text, where texts link the domains.
    var text: TextRanker?
    /// One model of all data, where it is asked for.
    var pooled: PooledReference?
    /// The models that transfer ratings; `nil` where none do.
    private(set) var ratings: RatingTransfer?
    /// How a protected release becomes a map; `nil` without protection.
    private let protectedFit: ProtectedFit?
    /// The control's release, which stays in the client where releases are protected.
    var protectedControl: Matrix?

    init(plan: RunPlan, known: ParameterSet, scenario: ScenarioDefinition, scale: RatingScale) throws {
        self.plan = plan
        self.scale = scale
        protectedFit = ProtectedFit(scenario)
        factors = scenario.integer("model.factors")
        sourceDimension = scenario.sourceDimension
        mapShape = MapShape(scenario)
        gameRegularization = Float(scenario.number("transfer.adversarial.regularization"))
        let confidence = Float(scenario.number("model.confidence"))
        let regularization = Float(scenario.number("model.regularization"))
        let width = factors
        func moments(_ domain: String) throws -> PersonMoments {
            let count = try known.require(TensorName.momentCount(domain))
            guard
                let moments = PersonMoments(
                    count: count.first ?? 0, sum: try known.require(TensorName.momentSum(domain)),
                    product: try known.require(TensorName.momentProduct(domain)))
            else { throw RunFailure(.data, "domain \(domain) has fewer than two persons to train on") }
            return moments
        }
        func matrix(_ name: String, columns: Int) throws -> Matrix {
            let values = try known.require(name)
            return Matrix(rowCount: values.count / columns, columnCount: columns, values: values)
        }
        func foldIn(_ name: String) throws -> FoldIn {
            FoldIn(itemFactors: try matrix(name, columns: width), confidence: confidence)
        }
        func ratingMeans(_ domain: String) throws -> RatingMeans? {
            if let sums = known.values(TensorName.ratingSums(domain)),
                let protection = try PrivacyPlan.means(scenario, itemCount: sums.count / 2)
            {
                // Nothing is tuned on ratings: the middle of the grid, as a source has it.
                let grid = scenario.numbers("tune.item-damping")
                return RatingMeans(
                    noisedCounts: stride(from: 0, to: sums.count, by: 2).map { sums[$0] },
                    sums: stride(from: 1, to: sums.count, by: 2).map { sums[$0] },
                    noise: PrivacyPlan.noiseOfSum(protection), scale: scale.range, damping: grid[grid.count / 2])
            }
            guard let offsets = known.values(TensorName.itemOffsets(domain, method: MethodName.ratingMeans)) else {
                return nil
            }
            let mean = try known.require(TensorName.globalMean(domain, method: MethodName.ratingMeans))
            return RatingMeans(globalMean: mean.first ?? 0, itemOffsets: offsets)
        }
        let domain = plan.target
        let counts = try known.require(TensorName.itemCounts(domain))
        interactionCounts = counts.map { Int($0) }
        // After an adaptation the popular items are those of late.
        let popularity = known.values(TensorName.recentCounts(domain)) ?? counts
        target = TargetModel(
            foldIn: try foldIn(TensorName.itemFactors(domain)),
            basis: try TargetBasis(try moments(domain), dimension: scenario.integer("transfer.dimension")),
            regularization: regularization, popularity: popularity)
        for source in plan.sources where known.values(TensorName.momentCount(source)) != nil {
            sources[source] = SourceModel(
                foldIn: try foldIn(TensorName.itemFactors(source)),
                features: try SourceFeatures(try moments(source), dimension: scenario.sourceDimension),
                regularization: regularization, means: try ratingMeans(source))
        }
        if let windows = DriftWindows(known, scenario: scenario) {
            target.decay = windows.personDecay(domain)
            for source in sources.keys { sources[source]?.decay = windows.personDecay(source) }
        }
        means = try ratingMeans(domain)
        let itemCount = target.popularity.count
        itemWeights = Dictionary(
            uniqueKeysWithValues: try plan.baselines.itemWeightMethods.map { method in
                let weights = try matrix(TensorName.itemWeights(domain, method: method), columns: itemCount)
                return (method, ItemWeights(weights: weights))
            })
        let ratingWidth = scenario.integer("tune.rating-factors")
        ratingFactors = Dictionary(
            uniqueKeysWithValues: try plan.baselines.ratingFactorMethods.map { method in
                let factors = BiasedFactors(
                    globalMean: try known.require(TensorName.globalMean(domain, method: method)).first ?? 0,
                    itemOffsets: try known.require(TensorName.itemOffsets(domain, method: method)),
                    itemFactors: try matrix(TensorName.ratingFactors(domain, method: method), columns: ratingWidth))
                let lambda = try known.require(TensorName.regularization(domain, method: method)).first ?? 0
                return (method, (factors, Double(lambda)))
            })
        if scenario.transfersRatings {
            ratings = try RatingTransfer(plan, known: known, scenario: scenario, scale: scale)
        }
        if scenario.isGameOfItems, let source = plan.sources.first {
            let dimension = scenario.integer("transfer.adversarial.dimension")
            let confidence = Float(scenario.number("transfer.adversarial.confidence"))
            func features(_ domain: String, _ method: String) throws -> FoldIn {
                FoldIn(
                    itemFactors: try matrix(TensorName.features(domain, method: method), columns: dimension),
                    confidence: confidence)
            }
            for method in MethodName.adversarialMethods {
                games[method] = (try features(source, method), try features(domain, method))
            }
        }
        if plan.baselines.methods.contains(MethodName.naiveFedAvg) {
            tower = try foldIn(TensorName.towerItemFactors(domain))
            towerPrior =
                TextTower(
                    known, textDimension: scenario.integer("text.dimension"), factors: width)?.prior
        }
    }

    mutating func feature(_ device: Device) throws -> [Float] {
        try device.feature(&sources, sources: plan.sources, dimension: sourceDimension)
    }

    /// The networks of the map, one for each weight decay.
    static func networks(_ shape: MapShape, _ known: ParameterSet, isShuffled: Bool) throws -> [MapNetwork] {
        let values = try known.require(TensorName.mapParameters(isShuffled: isShuffled))
        return try shape.decays.indices.map { index in
            let range = index * shape.parameterCount..<(index + 1) * shape.parameterCount
            guard range.upperBound <= values.count,
                let network = MapNetwork(
                    parameters: Array(values[range]), featureCount: shape.featureCount, unitCount: shape.unitCount,
                    dimension: shape.dimension)
            else { throw RunFailure(.internalError, "the networks of the map are of another shape") }
            return network
        }
    }

    /// The map of a candidate, or `nil` for a method without one.
    func map(_ candidate: SelectionGrid.Candidate?, known: ParameterSet) throws -> FeatureMap? {
        guard let candidate, let ridge = candidate.ridge else { return nil }
        let isShuffled = candidate.method == MethodName.shuffledSource
        if protectedFit != nil, isShuffled { return try protectedControl.map { try protectedMap($0, ridge: ridge) } }
        if let shape = mapShape {
            guard let index = shape.decays.firstIndex(of: ridge) else {
                throw RunFailure(.internalError, "a weight decay without a network")
            }
            return FeatureMap(try DeviceModels.networks(shape, known, isShuffled: isShuffled)[index])
        }
        let spec = try plan.schema.spec(
            protectedFit?.tensorName ?? TensorName.crossMoment(isShuffled: isShuffled))
        let values = try known.require(spec.name)
        let features = spec.shape[0]
        if protectedFit != nil {
            return try protectedMap(
                Matrix(rowCount: features, columnCount: spec.shape[1], values: values), ridge: ridge)
        }
        var sourceMoment: Matrix?
        if plan.sources.count > 1 {
            sourceMoment = Matrix(
                rowCount: features, columnCount: features,
                values: try known.require(TensorName.sourceMoment(isShuffled: isShuffled)))
        }
        return try FeatureMap(
            crossMoment: Matrix(rowCount: features, columnCount: spec.shape[1], values: values),
            sourceMoment: sourceMoment,
            count: Double(try known.require(TensorName.bridgeCount(isShuffled: isShuffled)).first ?? 0), ridge: ridge)
    }

    /// The map of a protected release: no function of an observed count.
    ///
    /// - Parameter ridge: ρ, which has a part in the fit to vectors alone.
    func protectedMap(_ released: Matrix, ridge: Double) throws -> FeatureMap {
        guard let protectedFit else { throw RunFailure(.internalError, "nothing is protected") }
        return try protectedFit.map(released, ridge: ridge)
    }

    /// The scores of all target items under each ranking candidate.
    ///
    /// - Parameters:
    ///   - candidates: what ranks; `nil` where there is nothing personal to rank by: popularity.
    ///   - maps: the map of each candidate, parallel.
    ///   - device: the person's device with what it may see of the sources.
    ///   - known: the person's target interactions that a number of shots makes known.
    mutating func scores(
        _ candidates: [SelectionGrid.Candidate?], maps: [FeatureMap?], device: Device,
        known: (_ shots: Int) -> PersonHistory
    ) throws -> [[Float]] {
        var out = [[Float]](repeating: [], count: candidates.count)
        // Candidates with the same known items and λ share one factorisation, and all share one product with Q.
        var groups: [FoldInKey: [Int]] = [:]
        for (index, candidate) in candidates.enumerated() {
            guard let candidate, maps[index] != nil else { continue }
            groups[FoldInKey(candidate), default: []].append(index)
        }
        let feature = groups.isEmpty && meta == nil && personGame == nil ? [] : try feature(device)
        var vectors = Matrix(rowCount: groups.values.reduce(0) { $0 + $1.count }, columnCount: factors)
        var order: [Int] = []
        for (key, members) in groups.sorted(by: { $0.value[0] < $1.value[0] }) {
            if let regularization = key.regularization {
                try target.begin(known(key.shots), regularization: Float(regularization))
            }
            for index in members {
                guard let map = maps[index] else { continue }
                let mapped = target.basis.vector(map.coordinates(feature))
                let vector: [Float] =
                    switch candidates[index]?.foldIn {
                    case nil: mapped
                    case .residual?: target.foldIn.correctedVector(start: mapped)
                    case .prior?: target.foldIn.vector(prior: mapped)
                    }
                for (column, value) in vector.enumerated() { vectors[order.count, column] = value }
                order.append(index)
            }
        }
        let products = vectors.multiplied(byTransposeOf: target.foldIn.itemFactors)
        for (row, index) in order.enumerated() { out[index] = Array(products.row(row)) }
        var cache: [BaseKey: [Float]] = [:]
        for (index, candidate) in candidates.enumerated() where maps[index] == nil {
            guard let candidate else {
                out[index] = target.popularity
                continue
            }
            out[index] = try baselineScores(
                candidate, device: device, feature: feature, known: known(candidate.shots), &cache)
        }
        return out
    }

    /// The scores of a candidate without a map; models that occur in several blends are scored once.
    private mutating func baselineScores(
        _ candidate: SelectionGrid.Candidate, device: Device, feature: [Float], known: PersonHistory,
        _ cache: inout [BaseKey: [Float]]
    ) throws -> [Float] {
        if let meta, MethodName.metaMethods.contains(candidate.method) {
            guard let regularization = candidate.regularization, !known.isEmpty else {
                let vector = try meta.vector(candidate.method, feature: feature, known: known)
                return target.foldIn.itemFactors.multiplied(by: vector)
            }
            let start = try meta.vector(candidate.method, feature: feature, known: .empty)
            try target.foldIn.begin(items: known.items[...], regularization: Float(regularization))
            return target.foldIn.itemFactors.multiplied(by: target.foldIn.vector(prior: start))
        }
        if personGame != nil, MethodName.adversarialMethods.contains(candidate.method) {
            return try personGameScores(candidate, device: device, feature: feature, known: known)
        }
        if games[candidate.method] != nil {
            return try gameScores(candidate, device: device, known: known)
        }
        if let scores = try text?.scores(candidate, known: known) {
            // Of a person whose items have no text there are no neighbours.
            let isSilent = candidate.model == MethodName.neighbours && scores.allSatisfy { $0 == 0 }
            return isSilent ? target.popularity : scores
        }
        switch candidate.method {
        case MethodName.pooledReference:
            guard let scores = try pooled?.scores(candidate, device: device, known: known) else {
                throw RunFailure(.internalError, "the pooled reference was not trained")
            }
            return scores
        case MethodName.naiveFedAvg:
            guard var model = tower else { throw RunFailure(.internalError, "the common tower is missing") }
            let prior = towerPrior ?? [Float](repeating: 0, count: factors)
            guard let regularization = candidate.regularization, !known.isEmpty else {
                return model.itemFactors.multiplied(by: prior)
            }
            try model.begin(items: known.items[...], regularization: Float(regularization))
            return model.itemFactors.multiplied(by: model.vector(prior: prior))
        case MethodName.localEnsemble:
            guard let blend = candidate.blend else { return target.popularity }
            let first = try standardized(blend.first, candidate, known, &cache)
            let second = try standardized(blend.second, candidate, known, &cache)
            let weight = Float(blend.weight)
            return zip(first, second).map { weight * $0 + (1 - weight) * $1 }
        default:
            return try localScores(candidate.method, candidate.regularization, known)
        }
    }

    /// The scores by adversarial features: the person's vector of the source, folded into what is known of the target.
    private mutating func gameScores(
        _ candidate: SelectionGrid.Candidate, device: Device, known: PersonHistory
    ) throws -> [Float] {
        guard var model = games[candidate.method], let source = plan.sources.first else { return target.popularity }
        let history = device.history(in: source)
        var vector: [Float]?
        if !history.isEmpty {
            try model.source.begin(items: history.items[...], regularization: gameRegularization)
            vector = model.source.vector()
        }
        guard let regularization = candidate.regularization, !known.isEmpty else {
            return vector.map { model.target.itemFactors.multiplied(by: $0) } ?? target.popularity
        }
        try model.target.begin(items: known.items[...], regularization: Float(regularization))
        return model.target.itemFactors.multiplied(by: model.target.vector(prior: vector))
    }

    /// The scores by what a game's decoder makes of the person's source features, and by what is known of the target.
    private mutating func personGameScores(
        _ candidate: SelectionGrid.Candidate, device: Device, feature: [Float], known: PersonHistory
    ) throws -> [Float] {
        // Of a person who has nothing in the source the networks would make something all the same.
        let isSilent = plan.sources.allSatisfy { device.interactionCount(in: $0) == 0 }
        let vector =
            isSilent ? nil : personGame?.vector(candidate.method, feature: feature, basis: target.basis)
        guard let regularization = candidate.regularization, !known.isEmpty else {
            return vector.map { target.foldIn.itemFactors.multiplied(by: $0) } ?? target.popularity
        }
        try target.begin(known, regularization: Float(regularization))
        return target.foldIn.itemFactors.multiplied(by: target.foldIn.vector(prior: vector))
    }

    /// The features of a method's game; `nil` for another method.
    func features(_ method: String) -> (source: Matrix, target: Matrix)? {
        games[method].map { ($0.source.itemFactors, $0.target.itemFactors) }
    }

    /// The z-scores of a local model over the full catalogue.
    private mutating func standardized(
        _ method: String, _ candidate: SelectionGrid.Candidate, _ known: PersonHistory,
        _ cache: inout [BaseKey: [Float]]
    ) throws -> [Float] {
        let regularization = method == MethodName.local ? candidate.regularization : nil
        let key = BaseKey(method: method, shots: candidate.shots, regularization: regularization)
        if let scores = cache[key] { return scores }
        let scores = DeviceModels.standardized(try localScores(method, regularization, known))
        cache[key] = scores
        return scores
    }

    /// (1 − g) · local + g · transfer of z-scores; without any weight the local scores themselves, bit for bit.
    ///
    /// - Parameters:
    ///   - weight: g.
    ///   - coldWeight: g of cold items.
    ///   - isColdItem: the cold items; empty for none.
    static func blend(
        _ transfer: [Float], with local: [Float], weight: Double, coldWeight: Double, isColdItem: [Bool]
    ) -> [Float] {
        let coldWeight = isColdItem.isEmpty ? weight : coldWeight
        if weight == 0, coldWeight == 0 { return local }
        let (first, second) = (standardized(transfer), standardized(local))
        let weights = (Float(weight), Float(coldWeight))
        return first.indices.map { item in
            let weight = !isColdItem.isEmpty && isColdItem[item] ? weights.1 : weights.0
            return weight * first[item] + (1 - weight) * second[item]
        }
    }

    /// Scores less their mean, over their standard deviation; zeros where all are equal.
    static func standardized(_ scores: [Float]) -> [Float] {
        let count = Double(scores.count)
        let mean = scores.reduce(0.0) { $0 + Double($1) } / count
        let variance = scores.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
        guard variance > 0 else { return [Float](repeating: 0, count: scores.count) }
        let scale = 1 / variance.squareRoot()
        return scores.map { Float((Double($0) - mean) * scale) }
    }

    /// The scores of a local model; popularity for a person of whom it knows nothing.
    mutating func localScores(
        _ method: String, _ regularization: Double?, _ known: PersonHistory
    ) throws -> [Float] {
        guard method != MethodName.popularity, !known.isEmpty else { return target.popularity }
        if let weights = itemWeights[method] {
            let scores = weights.scores(known: known.items)
            return scores.allSatisfy { $0 == 0 } ? target.popularity : scores
        }
        precondition(method == MethodName.local, "\(method) is no local ranking model")
        try target.begin(known, regularization: Float(regularization ?? 0))
        return target.foldIn.itemFactors.multiplied(by: target.foldIn.vector())
    }

    /// The predicted ratings of the query under a rating candidate.
    ///
    /// - Parameter linked: what `ratings` say of the device's person.
    func predictions(
        _ candidate: SelectionGrid.Candidate, device: Device, linked: LinkedRatings?, known: PersonHistory,
        query: PersonHistory
    ) throws -> [Float] {
        if let ratings, let linked, MethodName.ratingTransfers.contains(candidate.method) {
            return try ratings.predictions(candidate, linked: linked, known: known, query: query)
        }
        if let model = ratingFactors[candidate.method] {
            let person = try model.factors.foldIn(
                items: known.items, ratings: known.ratings,
                regularization: scale.penalty(model.regularization))
            return query.items.map { model.factors.prediction(for: person, item: $0) }
        }
        guard let means else { throw RunFailure(.internalError, "the rating means of the target are missing") }
        switch candidate.method {
        case MethodName.globalMean: return query.items.map { _ in means.globalMean }
        case MethodName.itemMean: return query.items.map { means.prediction(item: $0) }
        default:
            let damping = candidate.damping ?? 1
            let prior = candidate.carry.map { Float($0) * device.sourceOffset(sources, damping: damping) } ?? 0
            let offset = means.userOffset(
                items: known.items, ratings: known.ratings, prior: prior, damping: damping)
            return query.items.map { means.prediction(item: $0, userOffset: offset) }
        }
    }

    private struct FoldInKey: Hashable {
        let shots: Int
        let regularization: Double?

        init(_ candidate: SelectionGrid.Candidate) {
            shots = candidate.shots
            regularization = candidate.regularization
        }
    }

    private struct BaseKey: Hashable {
        let method: String
        let shots: Int
        let regularization: Double?
    }
}
