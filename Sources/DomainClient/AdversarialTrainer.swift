import Federation
import Numerics
import Parameters
import Privacy
import Ratings
import Scenario
import Supervision
import Transfer

/// A domain client's part in the adversarial game: every client holds the same networks and moves them by the same sums
/// of gradients, which the coordinator broadcasts.
///
/// Three games run side by side on the same items: with the adversary, without it, and the control whose source texts are
/// another item's.
struct AdversarialTrainer {
    /// One game.
    private struct State {
        let client: AdversarialClient
        let texts: Matrix
        let configuration: AdversarialConfiguration
        var parameters: AdversarialParameters
        var optimizer: AdversarialOptimizer
    }

    /// The stage whose data it trains on.
    let stage: SplitStage
    private let isSource: Bool
    private let shape: AdversarialShape
    private var states: [String: State] = [:]
    private var exchange = 0
    /// Whether sums were released that have not moved the networks yet.
    private var isPending = false

    init(
        _ scenario: ScenarioDefinition, seed: Int, stage: SplitStage, isSource: Bool, items: [String],
        vectors: ItemVectors, rows: SparseRows
    ) {
        self.stage = stage
        self.isSource = isSource
        let configuration = AdversarialConfiguration(scenario)
        shape = AdversarialShape(configuration, inputCount: vectors.vectors.columnCount)
        let root = UInt64(seed)
        let hasPreferences = isSource || scenario.boolean("transfer.adversarial.target-preferences")
        let bins = configuration.binCount == 1 ? [] : AdversarialTrainer.bins(rows, count: configuration.binCount)
        let heldOut = AdversarialMonitor.heldOut(items, seed: root)
        // Items without text tell D of nothing but that, and their share differs between domains.
        let leftOut = vectors.isDescribed.map { !$0 }
        for method in MethodName.adversarialMethods {
            var configuration = configuration
            if method == MethodName.sourceOnly { configuration.reversal = 0 }
            var texts = vectors.vectors
            if method == MethodName.shuffledSource, isSource {
                var stream = RandomStream(root: root, path: ["shuffled-texts"])
                texts = texts.permutingRows(
                    vectors.isDescribed.indices.filter { vectors.isDescribed[$0] }, &stream)
            }
            states[method] = State(
                client: AdversarialClient(
                    configuration, domain: isSource ? .source : .target, rows: texts, bins: bins, isHeldOut: heldOut,
                    isLeftOut: leftOut,
                    interactions: hasPreferences ? rows : nil), texts: texts, configuration: configuration,
                parameters: AdversarialParameters(shape, stream: RandomStream(root: root, path: ["adversarial"])),
                optimizer: AdversarialOptimizer(configuration, shape))
        }
    }

    /// Bins of popularity with about equally many items, the rarest first; ties go by position.
    private static func bins(_ rows: SparseRows, count: Int) -> [Int] {
        let lengths = rows.columnLengths
        var bins = [Int](repeating: 0, count: lengths.count)
        let order = lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
        for (rank, item) in order.enumerated() { bins[item] = rank * count / max(1, lengths.count) }
        return bins
    }

    /// Moves the networks by the sums of the last exchange.
    mutating func absorb(_ known: ParameterSet) throws {
        guard isPending else { return }
        isPending = false
        for method in MethodName.adversarialMethods {
            guard var state = states[method] else { continue }
            let sums = try [true, false].map { isSource -> AdversarialGradient in
                func part(_ part: TensorName.AdversarialPart) throws -> [Double] {
                    try known.require(TensorName.adversarial(method, isSource: isSource, part)).map(Double.init)
                }
                let counts = try part(.sums)
                guard counts.count == GameShape.sumCount,
                    let gradient = AdversarialGradient(
                        shape, domain: isSource ? .source : .target, discriminator: try part(.discriminator),
                        confusion: try part(.confusion), preference: try part(.preference), domainLoss: counts[0],
                        rowCount: Int(counts[1]), correctCount: Int(counts[2]), preferenceLoss: counts[3],
                        interactionCount: Int(counts[4]))
                else { throw RunFailure(.internalError, "the sums of the adversarial game are damaged") }
                return gradient
            }
            let progress = state.configuration.progress(atExchange: exchange)
            guard
                let average = AdversarialAverage(
                    sums, reversal: state.configuration.reversal(at: progress))
            else {
                throw RunFailure(.data, "the adversarial game needs items with text in both domains")
            }
            state.optimizer.step(
                &state.parameters, average, of: state.configuration.part(ofExchange: exchange), progress: progress)
            guard state.parameters.tensors.extractor.allSatisfy({ $0.isFinite }) else {
                throw RunFailure(
                    .scenario,
                    "the adversarial game diverges in exchange \(exchange + 1); lower transfer.adversarial.reversal")
            }
            states[method] = state
        }
        exchange += 1
    }

    /// Puts the client's sums of an exchange into the gate. All clients of a shared domain have the same texts: their sums
    /// and counts of texts are so many times those of one, whoever is left, and what moves the networks is the quotient.
    mutating func release(gate: inout ReleaseGate) throws {
        isPending = true
        for method in MethodName.adversarialMethods {
            guard let state = states[method] else { continue }
            let part = state.configuration.part(ofExchange: exchange)
            let sums = try state.client.gradient(at: state.parameters, of: part)
            // At the end of the game only: what has held-out items costs a pass of its own.
            let isLast = exchange == state.configuration.exchangeCount - 1
            let heldOut = isLast ? state.client.heldOutCount(at: state.parameters) : nil
            func publish(_ part: TensorName.AdversarialPart, _ values: [Double]) throws {
                try gate.publish(
                    TensorName.adversarial(method, isSource: isSource, part), values: values.map { Float($0) })
            }
            try publish(.discriminator, sums.discriminator)
            try publish(.confusion, sums.confusion)
            try publish(.preference, sums.preference)
            try publish(
                .sums,
                [
                    sums.domainLoss, Double(sums.rowCount), Double(sums.correctCount),
                    sums.preferenceLoss, Double(sums.interactionCount), Double(heldOut?.rowCount ?? 0),
                    Double(heldOut?.correctCount ?? 0),
                ])
        }
    }

    /// Releases the features of the domain's items.
    func releaseFeatures(of domain: String, gate: inout ReleaseGate) throws {
        for method in MethodName.adversarialMethods {
            guard let state = states[method] else { continue }
            try gate.publish(
                TensorName.features(domain, method: method),
                values: state.parameters.features(of: state.texts).values)
        }
    }
}

extension AdversarialConfiguration {
    /// The game of a scenario.
    init(_ scenario: ScenarioDefinition) {
        let shape = GameShape(scenario)
        self.init(dimension: shape.dimension)
        let activation: AdversarialActivation =
            scenario.text("transfer.adversarial.extractor") == "relu" ? .relu : .tanh
        extractor = shape.extractorUnits.map { .hidden(units: $0, activation: activation) } ?? .linear
        discriminator = shape.discriminatorUnits.map { .hidden(units: $0, activation: .tanh) } ?? .linear
        binCount = shape.binCount
        reversal = scenario.number("transfer.adversarial.reversal")
        roundCount = scenario.integer("transfer.adversarial.rounds")
        discriminatorSteps = scenario.integer("transfer.adversarial.discriminator-steps")
        confidence = scenario.number("transfer.adversarial.confidence")
        regularization = scenario.number("transfer.adversarial.regularization")
    }
}
