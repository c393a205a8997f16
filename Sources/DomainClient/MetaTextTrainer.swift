import Federation
import Numerics
import Parameters
import Privacy
import Ratings
import Recommenders
import Scenario
import Supervision
import Transfer

/// Meta-learning where texts alone link the domains, as a domain client does it: the tasks are its own persons, and a
/// common tower W makes item factors of texts, so that what sources' persons teach about starting and adapting holds for
/// the target's items too. An item's logit has the logarithm of its popularity beside the product, which its domain alone
/// knows.
///
/// Every client holds the same parameters and moves them by the same sums, as devices do in `MetaTrainer`. The control's
/// sources have their texts in a wrong order; the twin learns of the target's persons alone, and nothing of it is sent.
struct MetaTextTrainer {
    /// One learner.
    private struct State {
        var parameters: MetaParameters
        var optimizer: MetaOptimizer
        let items: MetaItems
    }

    let stage: SplitStage
    private let scenario: ScenarioDefinition
    private let seed: Int
    private let members: [MetaTasks.Member]
    /// What each item's logit has beside the product.
    private let offsets: [Float]
    private var states: [String: State] = [:]
    /// The twin's sums of the last round, which stay with the client.
    private var own: MetaGradient?
    /// The present outer step, from 1.
    private(set) var round = 0
    /// Whether sums were released that have not moved the parameters yet.
    private var isPending = false

    /// Starts the training of a stage.
    ///
    /// - Parameters:
    ///   - persons: the ids of the rows.
    ///   - data: what the stage may see.
    /// - Throws: `RunFailure` when no item has text.
    init(
        _ scenario: ScenarioDefinition, seed: Int, stage: SplitStage, domain: String, persons: [String],
        data: TrainingData, vectors: ItemVectors
    ) throws {
        self.stage = stage
        self.scenario = scenario
        self.seed = seed
        members = persons.indices.compactMap { index in
            let items = data.rows.row(index)
            guard items.count > 1 else { return nil }
            return MetaTasks.Member(
                person: persons[index],
                history: PersonHistory(items: Array(items), ratings: Array(data.ratings(of: index))))
        }
        guard vectors.isDescribed.contains(true) else {
            throw RunFailure(.data, "no item of \(domain) has text, so there is nothing to learn of texts")
        }
        let isTarget = domain == scenario.target
        let texts = MetaTextTrainer.texts(vectors)
        // Only texts that say something change places.
        var stream = RandomStream(root: UInt64(seed), path: ["shuffled-texts", .name(domain)])
        let swapped =
            isTarget
            ? texts : texts.permutingRows(vectors.isDescribed.indices.filter { vectors.isDescribed[$0] }, &stream)
        let offsets = data.rows.columnLengths.map { Double($0 + 1).logarithm }
        self.offsets = offsets.map { Float($0) }
        let shape = MetaShape(factorCount: scenario.integer("model.factors"), textDimension: texts.columnCount)
        let tower = MetaTextTrainer.tower(shape, seed: seed)
        for method in [MethodName.meta, MethodName.shuffledSource] + (isTarget ? [MethodName.metaLocal] : []) {
            states[method] = State(
                parameters: MetaParameters(
                    shape, rate: scenario.number("transfer.meta.inner-rate"), tower: tower),
                optimizer: MetaOptimizer(
                    shape, rate: scenario.number("transfer.meta.outer-rate"),
                    towerRate: MetaTextTrainer.towerScale(shape)),
                items: .text(method == MethodName.shuffledSource ? swapped : texts, offsets: offsets))
        }
    }

    /// Texts about their domain's mean, with numbers of variance 1; zeros for items without text, which so have the
    /// mean's.
    private static func texts(_ vectors: ItemVectors) -> Matrix {
        let moments = TextMoments(TextSource.described(vectors))
        let scale = MetaTextTrainer.scale(moments)
        var out = Matrix(rowCount: vectors.vectors.rowCount, columnCount: vectors.vectors.columnCount)
        for item in vectors.isDescribed.indices where vectors.isDescribed[item] {
            for (column, value) in vectors.vectors.row(item).enumerated() {
                out[item, column] = Float((Double(value) - moments.mean[column]) * scale)
            }
        }
        return out
    }

    /// What makes the numbers of a domain's texts have variance 1.
    static func scale(_ moments: TextMoments) -> Double {
        let dimension = moments.mean.count
        let trace = (0..<dimension).reduce(0) { $0 + moments.covariance[$1 * dimension + $1] }
        return trace > 0 ? (Double(dimension) / trace).squareRoot() : 1
    }

    /// The size of the tower's elements at which item factors have a mean squared norm of 1.
    private static func towerScale(_ shape: MetaShape) -> Double {
        1 / Double(shape.textDimension * shape.factorCount).squareRoot()
    }

    /// The tower that everybody begins with: a random projection, under which products of item factors are about those
    /// of texts.
    private static func tower(_ shape: MetaShape, seed: Int) -> [Double] {
        var stream = RandomStream(root: UInt64(seed), path: ["meta-tower"])
        return shape.tower.map { _ in stream.gaussian() * towerScale(shape) }
    }

    /// Moves the parameters by the sums of the last round, if that has not been done.
    mutating func absorb(_ known: ParameterSet) throws {
        guard isPending else { return }
        isPending = false
        for method in MethodName.metaMethods {
            guard var state = states[method] else { continue }
            let shape = state.parameters.shape
            let gradient: MetaGradient?
            if method == MethodName.metaLocal {
                gradient = own
            } else {
                gradient = MetaGradient(
                    shape, tensors: try MetaTensors(known, method, shape), lossSum: 0,
                    personCount: Int(try known.require(TensorName.meta(method, .count)).first ?? 0))
            }
            guard let gradient else { throw RunFailure(.internalError, "the meta-gradients are of another shape") }
            state.optimizer.step(&state.parameters, gradient)
            states[method] = state
        }
    }

    /// Adds up the gradients of all persons.
    ///
    /// - Throws: `NumericsError` where the inner steps diverge.
    mutating func release(gate: inout ReleaseGate) throws {
        round += 1
        let tasks = MetaTasks(seed: seed, round: round, participation: scenario.number("transfer.meta.participation"))
        for method in MethodName.metaMethods {
            guard let state = states[method], let learner = try learner(method) else { continue }
            let release = ReleaseName.meta(method)
            let isOwn = method == MethodName.metaLocal
            var sum = MetaGradient(state.parameters.shape)
            if !isOwn { try gate.begin(release: release) }
            // A gradient is as large as the tower: a few hundred of them at a time.
            for first in stride(from: 0, to: members.count, by: 256) {
                let part = members[first..<min(first + 256, members.count)]
                for gradient in try tasks.gradients(part, learner: learner, at: state.parameters) {
                    if isOwn {
                        sum.add(gradient)
                    } else {
                        try gate.contribute(to: release) { contribution in
                            contribution.write(TensorName.meta(method, .count)) { $0[0] = 1 }
                            contribution.write(gradient.tensors, of: method)
                        }
                    }
                }
            }
            if isOwn { own = sum }
        }
        isPending = true
    }

    private func learner(_ method: String) throws -> MetaLearner? {
        guard let state = states[method] else { return nil }
        return MetaLearner(
            try MetaConfiguration(scenario), items: state.items, factorCount: state.parameters.shape.factorCount)
    }

    /// The models as the target's persons are served with them.
    func models() throws -> [(method: String, model: TextRanker.Model)] {
        var out: [(method: String, model: TextRanker.Model)] = []
        for method in MethodName.metaMethods {
            guard let state = states[method], var learner = try learner(method) else { continue }
            let model = try AdaptingModel(
                scenario, itemFactors: learner.itemFactors(at: state.parameters), offsets: offsets,
                start: state.parameters.start.map { Float($0) }, rate: Float(state.parameters.rate))
            out.append((method, .meta(model)))
        }
        return out
    }

    /// What the tower makes of a domain's texts, given the moments that the domain has released of them.
    func map(_ moments: TextMoments) -> TextFactorMap? {
        guard let parameters = states[MethodName.meta]?.parameters else { return nil }
        let shape = parameters.shape
        let scale = MetaTextTrainer.scale(moments)
        let weights = parameters.values[shape.tower].map { Float($0 * scale) }
        var offset = [Float](repeating: 0, count: shape.factorCount)
        for (row, mean) in moments.mean.enumerated() {
            for column in offset.indices { offset[column] -= Float(mean) * weights[row * shape.factorCount + column] }
        }
        return TextFactorMap(
            weights: Matrix(rowCount: shape.textDimension, columnCount: shape.factorCount, values: weights),
            offset: offset, meanText: moments.mean.map { Float($0) }, meanLength: 1)
    }
}

/// Item factors with a start and a rate, from which a person's vector is found by the inner steps.
struct AdaptingModel: Sendable {
    let itemFactors: Matrix
    let offsets: [Float]
    let start: [Float]
    let rate: Float
    private let learner: MetaLearner
    private let parameters: MetaParameters

    /// - Parameters:
    ///   - itemFactors: items × d.
    ///   - offsets: what each item's logit has beside the product.
    ///   - start: p₀, d elements.
    ///   - rate: α, positive.
    init(
        _ scenario: ScenarioDefinition, itemFactors: Matrix, offsets: [Float], start: [Float], rate: Float
    ) throws {
        self.itemFactors = itemFactors
        self.offsets = offsets
        self.start = start
        self.rate = rate
        learner = MetaLearner(
            try MetaConfiguration(scenario), items: .factors(itemFactors, offsets: offsets.map(Double.init)))
        var values = start.map(Double.init)
        values.append(Double(rate).logarithm)
        parameters = MetaParameters(learner.shape, values: values)
    }

    /// The logits of all items for a person.
    ///
    /// - Throws: `notFinite` where the steps diverge.
    func scores(known: PersonHistory) throws -> [Float] {
        var learner = learner
        let vector = try learner.adapted(MetaTask(support: known), at: parameters)
        return zip(itemFactors.multiplied(by: vector), offsets).map { $0 + $1 }
    }
}
