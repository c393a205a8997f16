import Cryptography
import Federation
import Numerics
import Parameters
import Privacy
import Ratings
import Recommenders
import Scenario
import Supervision
import Transfer

/// Meta-learning as the devices of a persons client do it: every client holds the same parameters and moves them by the
/// same sums of gradients, which the coordinator broadcasts.
///
/// Three learners run side by side on the same tasks: the transfer, its local twin without source features, and the
/// control whose features are another person's.
struct MetaTrainer {
    /// One learner.
    private struct State {
        var parameters: MetaParameters
        var optimizer: MetaOptimizer
    }

    /// What one linked person brings to the training of a stage.
    private struct Member {
        let person: String
        let history: PersonHistory
        let feature: [Float]
        let shuffledFeature: [Float]
    }

    private let scenario: ScenarioDefinition
    private let seed: Int
    private var stage: SplitStage?
    private var members: [Member] = []
    private var states: [String: State] = [:]
    /// Whether sums were released that have not moved the parameters yet.
    private var isPending = false
    private var items: MetaItems?
    private var featureCount = 0
    /// Items are divided by it, so that their mean squared norm is 1.
    private var itemScale: Float = 1

    private let key: StreamKey
    /// The control's last sums under protection, which stay in the client.
    private var control: MetaTensors?
    /// Who takes part in a round under protection, by a key that clients alone hold; `nil` without protection.
    private let sampler: ParticipantSampler?
    /// The places that a sample of fixed size is drawn from, with the person of each; empty for other sampling.
    private var places: [(name: String, person: String?)] = []
    /// The clipping bounds of the round, by method, where they follow the norms; every client moves them alike.
    private var bounds: [String: AdaptiveClipping] = [:]

    /// - Parameter key: the client's secret, from which the key of sampling is derived.
    init(_ scenario: ScenarioDefinition, seed: Int, key: StreamKey) throws {
        self.scenario = scenario
        self.seed = seed
        self.key = key
        sampler =
            scenario.isProtected && scenario.isMeta
            ? try ParticipantSampler(
                scheme: SamplingScheme(scenario), key: KeyedHash(key: key.derived(["participation"]))) : nil
    }

    /// What a sum of gradients is divided by: the persons that are in it, or under protection those that a constant
    /// expects, since a count of the data would tell.
    private func divisor(_ known: ParameterSet, _ method: String) throws -> Int {
        if sampler != nil { return max(1, Int(PrivacyPlan.expectedParticipants(scenario).rounded())) }
        return Int(try known.require(TensorName.meta(method, .count)).first ?? 0)
    }

    /// Whether the training of a stage has begun.
    func hasBegun(_ stage: SplitStage) -> Bool { self.stage == stage }

    /// Starts the training of a stage anew.
    ///
    /// - Parameters:
    ///   - contributors: devices with what the stage may see; `swapped` the same persons with others' sources.
    ///   - candidates: all persons who may be drawn, chosen by nothing but their ids.
    mutating func begin(
        _ stage: SplitStage, contributors: [Device], swapped: [Device], candidates: [String],
        models: inout DeviceModels, target: String
    ) throws {
        try prepare(stage, models: models)
        members = []
        if case .fixedSize(_, let population)? = sampler?.scheme {
            places = MetaTrainer.places(candidates, count: population, key: key)
        }
        for (device, other) in zip(contributors, swapped) where device.interactionCount(in: target) > 1 {
            members.append(
                Member(
                    person: device.person, history: device.history(in: target), feature: try models.feature(device),
                    shuffledFeature: try models.feature(other)))
        }
    }

    /// So many places, one a person and the rest empty: of more persons than places those with the largest codes are left
    /// out. Neither the number of places nor who has one depends on anybody's ratings.
    ///
    /// *Determinism*: a pure function of key, persons and the number of places.
    static func places(_ persons: [String], count: Int, key: StreamKey) -> [(name: String, person: String?)] {
        let hash = KeyedHash(key: key.derived(["places"]))
        let taken = persons.map { ($0, hash.code(of: Array($0.utf8))) }
            .sorted { $0.1.lexicographicallyPrecedes($1.1) }.prefix(count).map(\.0)
        // The first letters keep the name of an empty place apart from any person's.
        return taken.map { ("person/" + $0, $0) } + (0..<count - taken.count).map { ("empty/\($0)", nil) }
    }

    /// Forgets everything and takes the item factors of a stage.
    mutating func prepare(_ stage: SplitStage, models: DeviceModels) throws {
        self.stage = stage
        bounds = [:]
        if let clipping = try PrivacyPlan.adaptiveClipping(scenario) {
            for method in MethodName.releasedMetaMethods(scenario) { bounds[method] = clipping }
        }
        isPending = false
        let factors = models.target.foldIn.itemFactors
        let squares = factors.values.reduce(0.0) { $0 + Double($1) * Double($1) }
        itemScale = squares > 0 ? Float((squares / Double(max(1, factors.rowCount))).squareRoot()) : 1
        let scale = itemScale
        items = .factors(
            Matrix(
                rowCount: factors.rowCount, columnCount: factors.columnCount, values: factors.values.map { $0 / scale })
        )
        featureCount = scenario.sources.count * scenario.sourceDimension
        states = [:]
        for method in MethodName.metaMethods {
            let shape = MetaShape(
                factorCount: factors.columnCount, featureCount: method == MethodName.metaLocal ? 0 : featureCount)
            states[method] = State(
                parameters: MetaParameters(shape, rate: scenario.number("transfer.meta.inner-rate")),
                optimizer: MetaOptimizer(shape, rate: scenario.number("transfer.meta.outer-rate")))
        }
    }

    /// Moves the parameters by the sums of the last round, if that has not been done.
    mutating func absorb(_ known: ParameterSet) throws {
        guard isPending else { return }
        isPending = false
        try move(known)
    }

    /// Moves the parameters by the sums of a round.
    mutating func move(_ known: ParameterSet) throws {
        for method in MethodName.metaMethods {
            guard var state = states[method] else { continue }
            let count = try divisor(known, method)
            let tensors: MetaTensors
            if staysInClient(method) {
                // Whoever recommends from a record has no control.
                guard let control else { continue }
                tensors = control
            } else {
                let sums = try MetaTensors(known, method, state.parameters.shape)
                tensors = bounds[method].map { sums.scaled(by: Float($0.bound)) } ?? sums
            }
            guard
                let gradient = MetaGradient(state.parameters.shape, tensors: tensors, lossSum: 0, personCount: count)
            else { throw RunFailure(.internalError, "the meta-gradients are of another shape") }
            state.optimizer.step(&state.parameters, gradient)
            states[method] = state
        }
        // The bounds move when everything of the round has been read in units of the old ones.
        for method in bounds.keys {
            let total = try known.require(TensorName.meta(method, .within)).first ?? 0
            bounds[method]?.update(noisyTotal: Double(total))
        }
    }

    /// Adds up the gradients of all members.
    mutating func release(_ round: Int, gate: inout ReleaseGate) throws {
        for method in MethodName.metaMethods {
            if staysInClient(method) {
                control = try simulatedControl(method, round: round, gate: gate)
                continue
            }
            let release = ReleaseName.meta(method)
            // What the accountant is told of sampling must be what is done.
            guard sampler.map({ gate.protection(of: release)?.sampling == $0.scheme }) ?? true else {
                throw RunFailure(.internalError, "the gradients are sampled otherwise than their account says")
            }
            let clipping = bounds[method]
            try gate.begin(release: release, valueUnit: clipping?.bound)
            if clipping != nil { try gate.begin(release: ReleaseName.metaClipping(method)) }
            for gradient in try gradients(method, round: round) {
                var tensors = gradient.tensors
                if let clipping {
                    let outcome = try MetaTrainer.scale(&tensors, to: clipping)
                    try gate.contribute(to: ReleaseName.metaClipping(method)) { contribution in
                        contribution.write(TensorName.meta(method, .within)) {
                            $0[0] = AdaptiveClipping.bit(of: outcome)
                        }
                    }
                }
                try gate.contribute(to: release) { contribution in
                    if sampler == nil { contribution.write(TensorName.meta(method, .count)) { $0[0] = 1 } }
                    contribution.write(tensors, of: method)
                }
            }
        }
        isPending = true
    }

    /// Clips a gradient at the bound of the round and puts it into units of it. The gate clips at 1 in any case.
    private static func scale(
        _ tensors: inout MetaTensors, to clipping: AdaptiveClipping
    ) throws(PrivacyError) -> ClippingOutcome {
        var parts = [tensors.featureMap, tensors.logRate, tensors.start].map { $0.map(Double.init) }
        let outcome = try PersonClipping(bound: clipping.bound).clip(&parts)
        let values = parts.map { $0.map { Float($0 / clipping.bound) } }
        tensors = MetaTensors(start: values[2], featureMap: values[0], logRate: values[1], tower: [])
        return outcome
    }

    private func staysInClient(_ method: String) -> Bool {
        !MethodName.releasedMetaMethods(scenario).contains(method)
    }

    /// The control's sums with clipping and noise of the size that the transfer's have.
    private func simulatedControl(_ method: String, round: Int, gate: borrowing ReleaseGate) throws -> MetaTensors {
        guard let protection = gate.protection(of: ReleaseName.meta(MethodName.meta)), let state = states[method] else {
            throw RunFailure(.internalError, "the gradients have no protection")
        }
        var sum = try ClippedSum(grid: protection.grid)
        let gradients = try gradients(method, round: round)
        let clipping = bounds[MethodName.meta]
        for gradient in gradients {
            var tensors = gradient.tensors
            if let clipping { _ = try MetaTrainer.scale(&tensors, to: clipping) }
            try sum.add([tensors.featureMap, tensors.logRate, tensors.start])
        }
        let shape = state.parameters.shape
        let sums = protection.simulated(
            sum, sizes: [shape.featureMap.count, 1, shape.start.count], purpose: "control/\(round)",
            root: UInt64(seed), key: key, contributions: gradients.count)
        return MetaTensors(start: sums[2], featureMap: sums[0], logRate: sums[1], tower: [])
            .scaled(by: Float(clipping?.bound ?? 1))
    }

    /// The gradients of all members in their order; a member's is the same however many threads there are.
    private func gradients(_ method: String, round: Int) throws -> [MetaGradient] {
        guard let state = states[method], let learner = try learner(method) else {
            throw RunFailure(.internalError, "meta-learning has not begun")
        }
        let sampled = try sampler.map { sampler -> Set<String> in
            if places.isEmpty {
                let persons = members.map(\.person)
                return Set(try sampler.participants(of: persons, round: round).map { persons[$0] })
            }
            return Set(try sampler.participants(of: places.map(\.name), round: round).compactMap { places[$0].person })
        }
        let tasks = MetaTasks(
            seed: seed, round: round, participation: scenario.number("transfer.meta.participation"), sampled: sampled)
        let present = members.map { member in
            MetaTasks.Member(
                person: member.person, history: member.history, feature: MetaTrainer.feature(member, method))
        }
        return try tasks.gradients(present[...], learner: learner, at: state.parameters)
    }

    private static func feature(_ member: Member, _ method: String) -> [Float] {
        switch method {
        case MethodName.metaLocal: []
        case MethodName.shuffledSource: member.shuffledFeature
        default: member.feature
        }
    }

    private func learner(_ method: String) throws -> MetaLearner? {
        guard let items, let state = states[method] else { return nil }
        return MetaLearner(
            try MetaConfiguration(scenario), items: items, featureCount: state.parameters.shape.featureCount)
    }

    /// A device's vector in the coordinates of the target's own factors.
    ///
    /// - Parameter known: what is adapted to; nothing for the start.
    func vector(_ method: String, feature: [Float], known: PersonHistory) throws -> [Float] {
        guard let state = states[method], var learner = try learner(method) else {
            throw RunFailure(.internalError, "meta-learning has not begun")
        }
        let task = MetaTask(support: known, feature: method == MethodName.metaLocal ? [] : feature)
        return try learner.adapted(task, at: state.parameters).map { $0 / itemScale }
    }
}
