import Federation
import Ratings
import Recommenders
import Transfer

extension TargetEvaluation {
    /// Adds what every blend of transferred and local ratings takes off the sum of a person's squared errors, on a scale
    /// of width 4.
    func addRatingGains(
        to gains: inout [Float], _ blends: Gate, plan: RunPlan, selected: [Float], models: DeviceModels,
        device: Device, task: PredictionTask
    ) throws {
        let linked = try models.ratings?.linked(device)
        func predictions(_ candidate: SelectionGrid.Candidate) throws -> [Float] {
            try models.predictions(
                candidate, device: device, linked: linked, known: task.known.prefix(candidate.shots),
                query: task.query)
        }
        func squaredError(_ predictions: [Float]) throws -> Double {
            try RatingErrors(predictions: predictions, ratings: task.query.ratings, scale: scale.range)
                .squaredErrorSum / Double(scale.unit * scale.unit)
        }
        for (bucket, shots) in blends.shots.enumerated() {
            guard let choice = plan.grid.bestLocalRatings(shots: shots, scores: selected) else { continue }
            let local = try predictions(choice)
            let reference = try squaredError(local)
            for (index, method) in blends.methods.enumerated()
            where plan.baselines.ratingTransfers.contains(method) {
                guard let candidate = plan.grid.best(method: method, shots: shots, scores: selected) else { continue }
                let transferred = try predictions(candidate)
                for (position, weight) in Gate.weights.enumerated() {
                    let error = try squaredError(TargetEvaluation.blend(transferred, with: local, weight: weight))
                    gains[blends.column(method: index, bucket: bucket, weight: position)] = Float(reference - error)
                }
            }
        }
    }

    /// (1 − g) · local + g · transfer of predicted ratings; without any weight the local ones themselves, bit for bit.
    static func blend(_ transfer: [Float], with local: [Float], weight: Double) -> [Float] {
        if weight == 0 { return local }
        return zip(transfer, local).map { Float(weight) * $0 + Float(1 - weight) * $1 }
    }
}

extension EvaluationEntry {
    /// Whether it predicts ratings rather than ranks.
    func predictsRatings(_ offer: BaselineOffer) -> Bool {
        candidate.map { offer.ratingMethods.contains($0.method) } ?? false
    }
}
