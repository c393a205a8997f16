import Federation
import Numerics
import Parameters
import Ratings
import Recommenders
import Scenario
import Supervision

extension PersonSplit {
    /// The split that a scenario and a seed define, the same in every process.
    init(_ scenario: ScenarioDefinition, seed: Int) {
        self.init(
            seed: seed, coldShare: scenario.number("evaluation.cold-users"),
            validationShare: scenario.number("evaluation.validation-users"),
            warmShare: scenario.number("evaluation.warm-users"),
            bridgeShare: scenario.hasDisjointEncoders ? scenario.number("privacy.bridge-share") : 0,
            validatesAlone: scenario.validatesAlone)
    }
}

extension RoundStep {
    /// The stage whose data the step trains on.
    var stage: SplitStage { isFinal ? .final : .selection }
}

extension DomainSplit {
    /// The split of a domain, the same in its client and on persons' devices.
    ///
    /// - Parameters:
    ///   - times: the times of the split, or `nil` for a seeded one.
    ///   - data: the domain's interactions; read for the target's cold items, and for what their times are.
    ///   - isForEncoders: whether it says what a domain's models train on, from which persons who serve the bridge alone
    ///     are left out.
    init(
        _ scenario: ScenarioDefinition, seed: Int, domain: String, times: SplitTimes?, data: Interactions,
        isForEncoders: Bool = false
    ) {
        self.init(
            scenario, persons: PersonSplit(scenario, seed: seed), domain: domain, times: times, data: data,
            isForEncoders: isForEncoders)
    }

    /// The split of a domain between other persons.
    init(
        _ scenario: ScenarioDefinition, persons: PersonSplit, domain: String, times: SplitTimes?, data: Interactions,
        isForEncoders: Bool = false
    ) {
        let isTarget = domain == scenario.target
        self.init(
            persons: persons, isTarget: isTarget, times: data.timesArePositions ? nil : times,
            support: scenario.text("evaluation.support") == "earliest" ? .earliest : .random,
            candidateCount: scenario.integers("evaluation.shots").max() ?? 0,
            minimumInteractions: scenario.integer("evaluation.minimum-interactions"),
            isColdItem: isTarget
                ? DomainSplit.coldItems(
                    of: data, share: scenario.number("evaluation.cold-items"), persons: persons, times: times) : [],
            isForEncoders: isForEncoders)
    }
}

extension SplitTimes {
    /// The times that the target's client has released; `nil` for a seeded split.
    ///
    /// - Parameter isBeforeWindow: whether the present window of time is still to come.
    init?(_ known: ParameterSet, isBeforeWindow: Bool = false) {
        guard let values = known.values(TensorName.calendar), let times = CalendarCode.decode(values) else {
            return nil
        }
        // Of a run with windows of time, everything before the end of the present one is known.
        guard let windows = known.values(TensorName.windowTimes).flatMap({ WindowTimesCode.decode($0) }),
            let present = known.values(TensorName.driftState)?.first.flatMap({ Int(exactly: $0) }),
            windows.indices.contains(present)
        else {
            self.init(validation: times.validation, test: times.test)
            return
        }
        self.init(validation: times.validation, test: windows[max(0, present - (isBeforeWindow ? 1 : 0))])
    }
}

/// The lowest and the highest rating of the target.
struct RatingScale {
    /// The scale that steps and penalties of rating models are made for.
    static let oneToFive = RatingScale(range: 1...5)

    /// The range to which predictions are clamped.
    let range: ClosedRange<Float>

    private init(range: ClosedRange<Float>) { self.range = range }

    /// The scale of a scenario; without one, that of the data.
    ///
    /// - Throws: `RunFailure` for ratings beyond the scale of the scenario.
    init(_ scenario: ScenarioDefinition, target: Interactions) throws {
        let lowest = target.ratings.min() ?? 0
        let highest = target.ratings.max() ?? lowest
        guard let ends = scenario.optionalNumbers("evaluation.rating-scale") else {
            range = lowest...highest
            return
        }
        range = Float(ends[0])...Float(ends[1])
        guard range.contains(lowest), range.contains(highest) else {
            throw RunFailure(
                .data,
                "the ratings of \(scenario.target) lie between \(lowest) and \(highest), beyond evaluation.rating-scale "
                    + "\(ends[0]) to \(ends[1])")
        }
    }

    /// Whether all ratings are equal, so that there is nothing to predict.
    var isSingleRating: Bool { range.lowerBound == range.upperBound }

    /// How wide the scale is in widths of one to five; 1 where all ratings are equal.
    var unit: Float { isSingleRating ? 1 : (range.upperBound - range.lowerBound) / 4 }

    /// The penalty of a rating model, in training and in fold-ins: offsets are damped like means, factors by λ, which is
    /// for a scale of one to five.
    func penalty(_ regularization: Double) -> RatingRegularization {
        RatingRegularization(offsets: 3, factors: regularization * Double(unit))
    }
}

extension TextTower {
    /// The broadcast average of all clients' towers; `nil` before the first round, or when no client had a person.
    init?(_ known: ParameterSet, textDimension: Int, factors: Int) {
        guard let sum = known.values(TensorName.towerSum), let prior = known.values(TensorName.towerPriorSum),
            let count = known.values(TensorName.towerCount)?.first, count > 0
        else { return nil }
        self.init(
            weightsSum: Matrix(rowCount: textDimension, columnCount: factors, values: sum), priorSum: prior,
            count: count)
    }
}

extension ImplicitALS.Configuration {
    /// The model of a scenario.
    init(_ scenario: ScenarioDefinition) {
        self.init(
            factors: scenario.integer("model.factors"), regularization: Float(scenario.number("model.regularization")),
            confidence: Float(scenario.number("model.confidence")), iterations: scenario.integer("model.iterations"),
            solver: scenario.text("model.solver") == "cholesky"
                ? .cholesky : .conjugateGradient(steps: scenario.integer("model.solver-steps")))
    }
}
