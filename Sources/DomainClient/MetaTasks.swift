import Dispatch
import Federation
import Numerics
import Parameters
import Privacy
import Ratings
import Scenario
import Supervision
import Synchronization
import Transfer

/// The tasks of one outer step of meta-learning: one a person who takes part.
struct MetaTasks {
    /// What one person brings.
    struct Member: Sendable {
        let person: String
        let history: PersonHistory
        /// The source features; empty without a source.
        var feature: [Float] = []
    }

    let seed: Int
    let round: Int
    /// The share of persons who take part.
    let participation: Double
    /// Who takes part, where clients draw it by a key of theirs.
    var sampled: Set<String>?

    /// The gradients of the members who take part, in their order; a member's is the same however many threads there
    /// are, and whoever else is in the round.
    func gradients(
        _ members: ArraySlice<Member>, learner: MetaLearner, at parameters: MetaParameters
    ) throws -> [MetaGradient] {
        let shareCount = min(2, max(1, members.count))
        let tasks = self
        var prepared = learner
        prepared.prepare(parameters)
        let first = prepared
        let parts = Mutex<[Result<[MetaGradient], NumericsError>?]>(Array(repeating: nil, count: shareCount))
        DispatchQueue.concurrentPerform(iterations: shareCount) { share in
            var learner = first
            let start = members.startIndex
            let range = start + members.count * share / shareCount..<start + members.count * (share + 1) / shareCount
            let part: Result<[MetaGradient], NumericsError>
            do throws(NumericsError) {
                var gradients: [MetaGradient] = []
                for index in range {
                    guard let task = tasks.task(of: members[index]) else { continue }
                    gradients.append(try learner.gradient(of: task, at: parameters))
                }
                part = .success(gradients)
            } catch { part = .failure(error) }
            parts.withLock { $0[share] = part }
        }
        return try parts.withLock { $0 }.flatMap { try $0?.get() ?? [] }
    }

    /// What is said where the steps of a round leave the floating-point range.
    static func divergence(client: String, round: Int) -> RunFailure {
        RunFailure(
            .scenario,
            "client \(client): meta-learning diverges in round \(round); lower transfer.meta.inner-rate or "
                + "transfer.meta.outer-rate")
    }

    /// A member's task; `nil` for one who does not take part.
    private func task(of member: Member) -> MetaTask? {
        if let sampled, !sampled.contains(member.person) { return nil }
        var stream = RandomStream(root: UInt64(seed), path: ["meta-task", .name(member.person), .number(round)])
        guard sampled != nil || stream.uniform() < participation else { return nil }
        // A quarter starts from nothing, as a cold person does.
        let supportCount = stream.integer(below: 4) == 0 ? 0 : 1 + stream.integer(below: 5)
        return MetaTask(
            drawnFrom: member.history, feature: member.feature, supportCount: supportCount, stream: &stream)
    }
}

extension MetaTensors {
    /// The sums of a round of a method, of the parts that its parameters have.
    ///
    /// - Throws: `missingTensor`.
    init(_ known: ParameterSet, _ method: String, _ shape: MetaShape) throws(ParameterError) {
        func sum(_ part: TensorName.MetaPart, _ range: Range<Int>) throws(ParameterError) -> [Float] {
            range.isEmpty ? [] : try known.require(TensorName.meta(method, part))
        }
        self.init(
            start: try sum(.start, shape.start), featureMap: try sum(.featureMap, shape.featureMap),
            logRate: try known.require(TensorName.meta(method, .logRate)), tower: try sum(.tower, shape.tower))
    }

    /// All parts times a number.
    func scaled(by scale: Float) -> MetaTensors {
        func scaled(_ values: [Float]) -> [Float] { values.map { $0 * scale } }
        return MetaTensors(
            start: scaled(start), featureMap: scaled(featureMap), logRate: scaled(logRate), tower: scaled(tower))
    }
}

extension ReleaseGate.Contribution {
    /// Writes a person's gradient, of the parts that the method's parameters have.
    mutating func write(_ tensors: MetaTensors, of method: String) {
        for (part, values) in [
            (TensorName.MetaPart.start, tensors.start), (.featureMap, tensors.featureMap), (.logRate, tensors.logRate),
            (.tower, tensors.tower),
        ] where !values.isEmpty {
            write(TensorName.meta(method, part), values: values)
        }
    }
}

extension MetaConfiguration {
    /// What a scenario asks of meta-learning. The ridge variant fits its support by least squares; steps have softmax
    /// losses.
    init(_ scenario: ScenarioDefinition) throws {
        guard let variant = MetaVariant(rawValue: scenario.text("transfer.meta.variant")) else {
            throw RunFailure(.internalError, "an unknown variant of meta-learning")
        }
        self.init(
            variant: variant, loss: .softmax, innerSteps: scenario.integer("transfer.meta.inner-steps"),
            regularization: scenario.number("transfer.meta.regularization"))
    }
}
