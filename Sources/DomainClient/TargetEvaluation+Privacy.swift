import Federation
import Numerics
import Parameters
import Ratings
import Recommenders
import Record
import Scenario
import Transfer

extension TargetEvaluation {
    /// Scores the ungated map at k = 0 under several draws of the noise: what one draw gives is a matter of luck.
    mutating func evaluateDraws(
        _ maps: [FeatureMap], plan: RunPlan, known: ParameterSet, models: inout DeviceModels
    ) throws {
        let split = try split(plan.target)
        var totals = [Double](repeating: 0, count: maps.count)
        var persons = 0
        for device in devices where !split.isValidation(device.person) {
            guard let task = split.coldTask(of: device.person, device.history(in: plan.target)) else { continue }
            persons += 1
            let feature = try models.feature(device.restricted(to: .final, splits))
            var vectors = Matrix(rowCount: maps.count, columnCount: models.target.foldIn.itemFactors.columnCount)
            for (row, map) in maps.enumerated() {
                for (column, value) in models.target.basis.vector(map.coordinates(feature)).enumerated() {
                    vectors[row, column] = value
                }
            }
            let scores = vectors.multiplied(byTransposeOf: models.target.foldIn.itemFactors)
            for row in maps.indices {
                totals[row] += try RankingMetrics(scores: Array(scores.row(row)), task: task, count: topN).ndcg
            }
        }
        let values = totals.map { $0 / Double(max(1, persons)) }
        guard persons > 0, let center = mean(values), let least = values.min(), let most = values.max() else { return }
        let method = plan.gate == nil ? MethodName.featureMap : MethodName.ungated(MethodName.featureMap)
        for (name, value) in [("draws-mean", center), ("draws-min", least), ("draws-max", most)] {
            record(
                EvaluationRecord(
                    client: clientID, method: method, cohort: CohortEvaluation.coldUsers, shots: 0,
                    metric: "\(Metric.ndcg.label(topN: topN))-\(name)", value: value, interval: [], users: persons))
        }
    }

    /// Membership attacks from outside, on what is released: can one tell persons whose data trained it from cold ones,
    /// whose target data did not, by how well the released parameters explain a person after fold-in?
    ///
    /// - `item-factors`: minus the mean squared error of the person's target interactions after fold-in into Q_T.
    /// - the transfer: the cosine between the person's target coordinates and those that the map predicts.
    mutating func measureMembership(plan: RunPlan, known: ParameterSet, models: inout DeviceModels) throws {
        let persons = PersonSplit(scenario, seed: seed)
        let scores = try selectionScores(plan, known)
        let map = try models.map(
            plan.grid.best(method: MethodName.featureMap, shots: 0, scores: scores)
                ?? plan.grid.candidates.first { $0.method == MethodName.featureMap }, known: known)
        // What the released models were trained on: after the choices validation persons too, where they are refitted.
        let stage: SplitStage = scenario.isProtected ? .selection : .final
        var fits: (members: [Double], others: [Double]) = ([], [])
        var agreements: (members: [Double], others: [Double]) = ([], [])
        for device in devices {
            let isCold = persons.part(of: device.person) == .cold
            let visible = device.restricted(to: stage, splits)
            // A cold person's own target data, which no released parameter has seen.
            let history = isCold ? device.history(in: plan.target) : visible.history(in: plan.target)
            guard history.count > 1 else { continue }
            try models.target.begin(history, regularization: models.target.regularization)
            let vector = models.target.foldIn.vector()
            let factors = models.target.foldIn.itemFactors
            var error = 0.0
            for item in history.items {
                let residual = 1 - zip(factors.row(Int(item)), vector).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                error += residual * residual
            }
            if isCold {
                fits.others.append(-error / Double(history.count))
            } else if !persons.servesBridgeAlone(device.person) {
                fits.members.append(-error / Double(history.count))
            }
            guard let map, isCold || !persons.hasBridgeCohort || persons.servesBridgeAlone(device.person) else {
                continue
            }
            let own = models.target.basis.coordinates(vector)
            let predicted = map.coordinates(try models.feature(device.restricted(to: .final, splits)))
            let agreement = TargetEvaluation.cosine(own, predicted)
            if isCold { agreements.others.append(agreement) } else { agreements.members.append(agreement) }
        }
        for (method, scores) in [("item-factors", fits), (MethodName.featureMap, agreements)] {
            guard let area = AreaUnderCurve(members: scores.members, others: scores.others) else { continue }
            record(
                EvaluationRecord(
                    client: clientID, method: method, cohort: EvaluationRecord.membershipCohort, shots: nil,
                    metric: "attack-auc", value: area.value, interval: [area.interval.lower, area.interval.upper],
                    users: scores.members.count + scores.others.count))
        }
    }

    private static func cosine(_ first: [Float], _ second: [Float]) -> Double {
        var (product, left, right) = (0.0, 0.0, 0.0)
        for (a, b) in zip(first, second) {
            product += Double(a) * Double(b)
            left += Double(a) * Double(a)
            right += Double(b) * Double(b)
        }
        return left > 0 && right > 0 ? product / (left * right).squareRoot() : 0
    }
}
