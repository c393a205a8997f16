package import Federation
package import Parameters
package import Record

/// How far learning has come, round by round, measured by the coordinator on what it has anyway: nothing is released for
/// it. Local training that ends within one round has no curve.
package struct LearningMeter {
    /// The most rounds of one step that are measured; many short ones are thinned out.
    private static let limit = 300

    private var step: RoundStep?
    private var position = 0
    /// What the step is learning, as it was after the last round, by subject.
    private var last: [String: [Double]] = [:]
    /// The place in the step at which something was measured last.
    private var measuredAt: [String: Int] = [:]

    /// Nothing measured yet.
    package init() {}

    /// What a round came to; empty for a step that learns nothing round by round.
    ///
    /// - Parameters:
    ///   - changed: the names of the tensors that the round changed.
    ///   - isLast: whether the next round is of another step, or there is none.
    ///   - shared: all parameters after the round.
    ///   - roundCount: the number of rounds of the run, from which follows how many are left out.
    package mutating func measure(
        _ step: RoundStep, changed: [String], isLast: Bool, shared: ParameterSet, roundCount: Int
    ) -> [LearningRecord] {
        if self.step != step {
            self.step = step
            position = 0
            last = [:]
            measuredAt = [:]
        }
        defer { position += 1 }
        let stride = step.isShort ? max(1, roundCount / LearningMeter.limit) : 1
        return measures(step, Set(changed), shared).filter { record in
            let key = "\(record.subject) \(record.measure)"
            // Some losses are known in every third or fourth exchange only: each measure is thinned out by itself.
            guard isLast || measuredAt[key].map({ position - $0 >= stride }) ?? true else { return false }
            measuredAt[key] = position
            return true
        }
    }

    private mutating func measures(
        _ step: RoundStep, _ changed: Set<String>, _ shared: ParameterSet
    ) -> [LearningRecord] {
        guard !changed.isEmpty else { return [] }
        switch step {
        case .adversarial, .refitAdversarial: return game(changed, shared)
        case .meta, .refitMeta: return gradients(changed, shared)
        case .tower, .refitTower:
            guard let count = shared.values(TensorName.towerCount)?.first, count > 0,
                let weights = shared.values(TensorName.towerSum)
            else { return [] }
            return change("tower", weights.map { Double($0) / Double(count) }).map { [$0] } ?? []
        case .factors, .refitFactors:
            return shared.tensors.compactMap { tensor in
                guard case .domain(let domain) = tensor.spec.scope, changed.contains(tensor.spec.name),
                    tensor.spec.name == TensorName.itemFactors(domain)
                else { return nil }
                return change("item factors of \(domain)", tensor.values.map(Double.init))
            }
        case .map, .refitMap:
            return [false, true].compactMap { isShuffled in
                let name = TensorName.mapParameters(isShuffled: isShuffled)
                guard changed.contains(name), let values = shared.values(name) else { return nil }
                let subject = isShuffled ? MethodName.shuffledSource : MethodName.featureMap
                return change(subject, values.map(Double.init))
            }
        default: return []
        }
    }

    /// ‖θ − θ′‖ / ‖θ‖, where θ′ is what there was before.
    private mutating func change(_ subject: String, _ values: [Double]) -> LearningRecord? {
        let previous = last.updateValue(values, forKey: subject)
        guard let previous, previous.count == values.count else { return nil }
        let size = values.reduce(0) { $0 + $1 * $1 }
        let moved = zip(values, previous).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return size > 0
            ? LearningRecord(subject: subject, measure: "relative-change", value: (moved / size).squareRoot()) : nil
    }

    /// Mean losses of the networks of the adversarial game, and how well D tells what it is trained on.
    private func game(_ changed: Set<String>, _ shared: ParameterSet) -> [LearningRecord] {
        MethodName.adversarialMethods.flatMap { method -> [LearningRecord] in
            let persons = TensorName.personGame(method, .sums)
            let sides = [true, false].map { TensorName.adversarial(method, isSource: $0, .sums) }
            let names = ([persons] + sides).filter(changed.contains)
            var sums = [Double](repeating: 0, count: GameShape.sumCount)
            for name in names {
                for (index, value) in (shared.values(name) ?? []).prefix(sums.count).enumerated() {
                    sums[index] += Double(value)
                }
            }
            let measures = [
                ("discriminator-loss", sums[0], sums[1]), ("discriminator-accuracy", sums[2], sums[1]),
                (names == [persons] ? "decoder-loss" : "preference-loss", sums[3], sums[4]),
            ]
            return measures.compactMap { measure, sum, count in
                guard count > 0, (sum / count).isFinite else { return nil }
                return LearningRecord(subject: method, measure: measure, value: sum / count)
            }
        }
    }

    /// The size of the mean gradient of the meta-parameters.
    private func gradients(_ changed: Set<String>, _ shared: ParameterSet) -> [LearningRecord] {
        MethodName.metaMethods.compactMap { method in
            let parts: [TensorName.MetaPart] = [.start, .featureMap, .logRate, .tower]
            let names = parts.map { TensorName.meta(method, $0) }.filter(changed.contains)
            guard !names.isEmpty else { return nil }
            let squares = names.flatMap { shared.values($0) ?? [] }.reduce(0.0) { $0 + Double($1) * Double($1) }
            let count = shared.values(TensorName.meta(method, .count))?.first.map(Double.init) ?? 1
            guard count > 0 else { return nil }
            return LearningRecord(subject: method, measure: "gradient-norm", value: squares.squareRoot() / count)
        }
    }
}
