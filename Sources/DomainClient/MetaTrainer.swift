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

    /// - Parameter key: the client's secret, from which the key of sampling is derived.
    init(_ scenario: ScenarioDefinition, seed: Int, key: StreamKey) throws {
        self.scenario = scenario
        self.seed = seed
        self.key = key
        let rate = scenario.number("transfer.meta.participation")
        sampler =
            scenario.isProtected && scenario.isMeta
            ? try ParticipantSampler(
                scheme: rate < 1 ? .poisson(rate: rate) : .everyone,
                key: KeyedHash(key: key.derived(["participation"]))) : nil
    }

    /// What a sum of gradients is divided by: the persons that are in it, or under protection those that a constant
    /// expects, since a count of the data would tell.
    private func divisor(_ known: ParameterSet, _ method: String) throws -> Int {
        if let sampler {
            let expected = sampler.scheme.samplingRate * Double(scenario.integer("privacy.linked-persons"))
            return max(1, Int(expected.rounded()))
        }
        return Int(try known.require(TensorName.meta(method, .count)).first ?? 0)
    }

    /// Whether the training of a stage has begun.
    func hasBegun(_ stage: SplitStage) -> Bool { self.stage == stage }

    /// Starts the training of a stage anew.
    ///
    /// - Parameter contributors: devices with what the stage may see; `swapped` the same persons with others' sources.
    mutating func begin(
        _ stage: SplitStage, contributors: [Device], swapped: [Device], models: inout DeviceModels, target: String
    ) throws {
        prepare(stage, models: models)
        members = []
        for (device, other) in zip(contributors, swapped) where device.interactionCount(in: target) > 1 {
            members.append(
                Member(
                    person: device.person, history: device.history(in: target), feature: try models.feature(device),
                    shuffledFeature: try models.feature(other)))
        }
    }

    /// Forgets everything and takes the item factors of a stage.
    mutating func prepare(_ stage: SplitStage, models: DeviceModels) {
        self.stage = stage
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
                tensors = MetaTensors(
                    start: try known.require(TensorName.meta(method, .start)),
                    featureMap: method == MethodName.metaLocal
                        ? [] : try known.require(TensorName.meta(method, .featureMap)),
                    logRate: try known.require(TensorName.meta(method, .logRate)), tower: [])
            }
            guard
                let gradient = MetaGradient(state.parameters.shape, tensors: tensors, lossSum: 0, personCount: count)
            else { throw RunFailure(.internalError, "the meta-gradients are of another shape") }
            state.optimizer.step(&state.parameters, gradient)
            states[method] = state
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
            try gate.begin(release: release)
            for gradient in try gradients(method, round: round) {
                let tensors = gradient.tensors
                try gate.contribute(to: release) { contribution in
                    if sampler == nil { contribution.write(TensorName.meta(method, .count)) { $0[0] = 1 } }
                    contribution.write(TensorName.meta(method, .start)) { copy(tensors.start, to: $0) }
                    contribution.write(TensorName.meta(method, .logRate)) { copy(tensors.logRate, to: $0) }
                    if method != MethodName.metaLocal {
                        contribution.write(TensorName.meta(method, .featureMap)) { copy(tensors.featureMap, to: $0) }
                    }
                }
            }
        }
        isPending = true
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
        for gradient in gradients {
            try sum.add([gradient.tensors.featureMap, gradient.tensors.logRate, gradient.tensors.start])
        }
        let values = protection.simulated(
            sum, purpose: "control/\(round)", root: UInt64(seed), key: key, contributions: gradients.count)
        let shape = state.parameters.shape
        let mapCount = shape.featureCount * shape.factorCount
        return MetaTensors(
            start: Array(values[(mapCount + 1)...]), featureMap: Array(values[..<mapCount]),
            logRate: [values[mapCount]], tower: [])
    }

    /// The gradients of all members in their order; a member's is the same however many threads there are.
    private func gradients(_ method: String, round: Int) throws -> [MetaGradient] {
        guard let state = states[method], let learner = try learner(method) else {
            throw RunFailure(.internalError, "meta-learning has not begun")
        }
        let tasks = MetaTasks(
            seed: seed, round: round, participation: scenario.number("transfer.meta.participation"),
            sampled: try sampler.map { Set(try $0.participants(of: members.map(\.person), round: round)) })
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

private func copy(_ values: [Float], to target: UnsafeMutableBufferPointer<Float>) {
    for index in values.indices { target[index] = values[index] }
}
