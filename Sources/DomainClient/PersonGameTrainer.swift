import Cryptography
import Federation
import Numerics
import Parameters
import Privacy
import Ratings
import Scenario
import Supervision
import Transfer

/// The adversarial game of persons as the devices of a persons client play it: every client holds the same networks and
/// moves them by the same sums of gradients, which the coordinator broadcasts.
///
/// Three games run side by side on the same persons: with the adversary, without it, and the control whose source
/// features are another person's.
struct PersonGameTrainer {
    /// One game.
    private struct State {
        let configuration: AdversarialConfiguration
        var parameters: AdversarialPersonParameters
        var optimizer: AdversarialPersonOptimizer
        var persons: [AdversarialPerson] = []
    }

    /// The stage whose data it trains on; `nil` for networks that were kept.
    let stage: SplitStage?
    private let game: AdversarialPersonGame
    /// What target coordinates are multiplied by to be the decoder's outputs.
    private let scale: Float
    private var states: [String: State] = [:]
    private var exchange = 0
    private let seed: Int
    /// What sums are divided by under protection, where no count crosses; `nil` without.
    private let expectedCount: Int?
    /// The methods whose gradients leave the client.
    private let released: [String]
    private let key: StreamKey?
    /// The control's last sums under protection, which stay in the client.
    private var control: [TensorName.PersonGamePart: [Double]] = [:]
    /// Whether sums were released that have not moved the networks yet.
    private var isPending = false

    /// - Parameters:
    ///   - contributors: the devices that train; `swapped` the same persons with others' sources.
    ///   - key: the client's secret.
    init(
        _ scenario: ScenarioDefinition, seed: Int, stage: SplitStage, contributors: [Device], swapped: [Device],
        models: inout DeviceModels, plan: RunPlan, key: StreamKey
    ) throws {
        self.init(scenario, seed: seed, stage: stage, basis: models.target.basis, key: key)
        guard let source = plan.sources.first else { return }
        // How D does on persons whom it was not trained on is a count, which protection does not release.
        let heldOut =
            scenario.isProtected
            ? contributors.map { _ in false }
            : AdversarialMonitor.heldOut(contributors.map(\.person), seed: UInt64(seed))
        for (method, devices) in [
            (MethodName.adversarial, contributors), (MethodName.sourceOnly, contributors),
            (MethodName.shuffledSource, swapped),
        ] {
            for (device, isHeldOut) in zip(devices, heldOut) where device.interactionCount(in: source) > 0 {
                guard let coordinates = try device.targetCoordinates(&models.target, target: plan.target) else {
                    continue
                }
                states[method]?.persons.append(
                    AdversarialPerson(
                        source: try models.feature(device), target: models.target.basis.whitened(coordinates),
                        coordinates: coordinates.map { $0 * scale }, isHeldOut: isHeldOut))
            }
        }
    }

    /// Networks at their start: the decoders 0, so that everybody is mapped to the mean person.
    private init(
        _ scenario: ScenarioDefinition, seed: Int, stage: SplitStage?, basis: TargetBasis, key: StreamKey? = nil
    ) {
        self.stage = stage
        self.seed = seed
        self.key = key
        released = MethodName.releasedAdversarialMethods(scenario)
        expectedCount =
            scenario.isProtected ? max(1, Int(PrivacyPlan.expectedParticipants(scenario).rounded())) : nil
        let shape = PersonGameShape(scenario)
        game = AdversarialPersonGame(
            AdversarialConfiguration(scenario), sourceCount: shape.featureCount, targetCount: shape.coordinateCount,
            decoder: shape.isLinked ? .linked : .own)
        scale = basis.scale
        for method in MethodName.adversarialMethods {
            var configuration = AdversarialConfiguration(scenario)
            if method == MethodName.sourceOnly { configuration.reversal = 0 }
            states[method] = State(
                configuration: configuration,
                parameters: AdversarialPersonParameters(
                    game: AdversarialParameters(
                        game.shape, stream: RandomStream(root: UInt64(seed), path: ["adversarial-persons"])),
                    decoders: [Double](repeating: 0, count: game.decoderCount)),
                optimizer: AdversarialPersonOptimizer(configuration, game))
        }
    }

    /// Moves the networks by the sums of the last exchange.
    mutating func absorb(_ known: ParameterSet) throws {
        guard isPending else { return }
        isPending = false
        for method in MethodName.adversarialMethods {
            guard var state = states[method] else { continue }
            let isReleased = released.contains(method)
            func part(_ part: TensorName.PersonGamePart) throws -> [Double] {
                guard isReleased else { return control[part] ?? [] }
                return try known.require(TensorName.personGame(method, part)).map(Double.init)
            }
            let counts: [Double]
            if let expectedCount {
                let count = Double(expectedCount)
                counts = [0, count, 0, 0, count, 0, 0]
            } else {
                counts = try part(.sums)
            }
            guard counts.count == GameShape.sumCount,
                let sums = AdversarialPersonGradient(
                    game, discriminator: try part(.discriminator), confusion: try part(.confusion),
                    preference: try part(.preference), decoders: try part(.decoders), domainLoss: counts[0],
                    rowCount: Int(counts[1]), correctCount: Int(counts[2]), decoderLoss: counts[3],
                    personCount: Int(counts[4]))
            else { throw RunFailure(.internalError, "the sums of the adversarial game are damaged") }
            // The control of a single person has nobody to swap links with, and stays where it began.
            guard state.optimizer.step(&state.parameters, sums, exchange: exchange) != nil else {
                guard method != MethodName.shuffledSource else { continue }
                throw RunFailure(
                    .data, "the adversarial game needs linked persons who train, and there is none for D")
            }
            guard state.parameters.game.extractor.allSatisfy({ $0.isFinite }) else {
                throw RunFailure(
                    .scenario,
                    "the adversarial game diverges in exchange \(exchange + 1); lower transfer.adversarial.reversal")
            }
            states[method] = state
        }
        exchange += 1
    }

    /// Adds up the gradients of all persons.
    mutating func release(gate: inout ReleaseGate) throws {
        isPending = true
        for method in MethodName.adversarialMethods {
            guard let state = states[method] else { continue }
            guard released.contains(method) else {
                control = try simulatedControl(state, gate: gate)
                continue
            }
            let release = ReleaseName.adversarial(method)
            try gate.begin(release: release)
            let part = state.configuration.part(ofExchange: exchange)
            // At the end of the game only: what has held-out persons costs a pass of its own.
            let isLast = exchange == state.configuration.exchangeCount - 1
            for person in state.persons {
                let gradient = game.gradient(of: person, at: state.parameters, part: part)
                let correct = isLast && person.isHeldOut ? game.correctCount(of: person, at: state.parameters) : 0
                try gate.contribute(to: release) { contribution in
                    func write(_ part: TensorName.PersonGamePart, _ values: [Double]) {
                        contribution.write(TensorName.personGame(method, part), values: values.map { Float($0) })
                    }
                    write(.discriminator, gradient.discriminator)
                    if part == .both {
                        write(.confusion, gradient.confusion)
                        write(.preference, gradient.preference)
                        write(.decoders, gradient.decoders)
                    }
                    guard expectedCount == nil else { return }
                    write(
                        .sums,
                        [
                            gradient.domainLoss, Double(gradient.rowCount), Double(gradient.correctCount),
                            gradient.decoderLoss, Double(gradient.personCount), isLast && person.isHeldOut ? 1 : 0,
                            Double(correct),
                        ])
                }
            }
        }
    }

    /// The control's sums with clipping and noise of the size that the game's have.
    private func simulatedControl(
        _ state: State, gate: borrowing ReleaseGate
    ) throws -> [TensorName.PersonGamePart: [Double]] {
        guard let protection = gate.protection(of: ReleaseName.adversarial(MethodName.adversarial)), let key else {
            throw RunFailure(.internalError, "the game has no protection")
        }
        let part = state.configuration.part(ofExchange: exchange)
        var sum = try ClippedSum(grid: protection.grid)
        for person in state.persons {
            let gradient = game.gradient(of: person, at: state.parameters, part: part)
            try sum.add(
                [gradient.confusion, gradient.decoders, gradient.discriminator, gradient.preference].map {
                    $0.map { Float($0) }
                })
        }
        // The order is that of the names, as in the released sums.
        let shape = game.shape
        let sums = protection.simulated(
            sum,
            sizes: [shape.extractorCount, game.decoderCount, shape.discriminatorCount, shape.extractorCount],
            purpose: "control/\(exchange)", root: UInt64(seed), key: key, contributions: state.persons.count
        ).map { $0.map(Double.init) }
        return [.confusion: sums[0], .decoders: sums[1], .discriminator: sums[2], .preference: sums[3]]
    }

    /// The target vector that a method's decoder makes of a person's source features.
    func vector(_ method: String, feature: [Float], basis: TargetBasis) -> [Float]? {
        states[method].map { state in
            basis.vector(game.coordinates(ofSource: feature, at: state.parameters).map { $0 / scale })
        }
    }

    /// Mean and covariance of a method's features over the persons of either domain; `nil` for a G with a hidden layer.
    func moments(_ method: String, _ domain: AdversarialDomain) -> (mean: [Double], covariance: [Double])? {
        states[method].flatMap { game.moments(domain, at: $0.parameters) }
    }
}

/// The form in which a persons client keeps its networks in its own folder.
extension PersonGameTrainer {
    /// The networks of declared tensors.
    ///
    /// - Throws: `missingTensor`; a `RunFailure` for tensors of another game.
    init(kept: ParameterSet, scenario: ScenarioDefinition, basis: TargetBasis) throws {
        self.init(scenario, seed: 0, stage: nil, basis: basis)
        for method in MethodName.adversarialMethods {
            let extractor = try kept.require(TensorName.keptGame(method, .extractor)).map(Double.init)
            let decoders = try kept.require(TensorName.keptGame(method, .decoders)).map(Double.init)
            guard let state = states[method], extractor.count == state.parameters.game.extractor.count,
                decoders.count == game.decoderCount
            else { throw RunFailure(.internalError, "the networks of the game are of another shape") }
            states[method]?.parameters = AdversarialPersonParameters(
                game: AdversarialParameters(
                    game.shape, extractor: extractor, discriminator: state.parameters.game.discriminator),
                decoders: decoders)
        }
    }

    /// The networks as the plan declares them.
    ///
    /// - Throws: `valueOutOfBound`.
    func kept(_ plan: RunPlan) throws -> ParameterSet {
        var values: [String: [Double]] = [:]
        for (method, state) in states {
            values[TensorName.keptGame(method, .extractor)] = state.parameters.game.extractor
            values[TensorName.keptGame(method, .decoders)] = state.parameters.decoders
        }
        return try ParameterSet(
            plan.keptGameSpecs.map { spec in
                try ParameterSet.Tensor(spec, values: (values[spec.name] ?? []).map { Float($0) })
            })
    }
}
