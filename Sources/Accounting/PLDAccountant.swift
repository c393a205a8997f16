import Glibc

/// Privacy-loss distributions: the tightest bound that is computed, and the one to print.
///
/// Losses are moved to a grid such that no δ(ε) becomes smaller (Doroshenko et al., *Connect the dots*, PETS 2022) and
/// composed by fast Fourier transform (Koskela, Jälkö & Honkela, AISTATS 2020); both directions of add-remove are
/// composed and the larger ε or δ counts. Unsampled Gaussian noise is composed in closed form first.
public struct PLDAccountant: PrivacyAccountant {
    /// `pld`.
    public var name: String { "pld" }
    /// The relation that the guarantees speak of.
    public let relation: NeighbouringRelation
    /// The distance between neighbouring losses of the grid; wider where the losses would not fit, and narrower where
    /// many small losses would be moved by more than they are.
    public let interval: Double

    /// The most losses of a grid: 2²¹.
    public static let largestCount = 1 << 21
    /// The usual interval: 1e-4.
    public static let usualInterval = 1e-4

    /// An accountant for one relation.
    public init(relation: NeighbouringRelation = .addRemove) {
        self.relation = relation
        self.interval = PLDAccountant.usualInterval
    }

    /// An accountant for one relation with another interval.
    ///
    /// - Throws: `invalidParameter` unless the interval is between 1e-9 and 1.
    public init(relation: NeighbouringRelation = .addRemove, interval: Double) throws(AccountingError) {
        try require(interval >= 1e-9 && interval <= 1, "the interval", interval, "between 1e-9 and 1")
        self.relation = relation
        self.interval = interval
    }

    /// An upper bound on ε at δ, usually within the interval of the truth.
    ///
    /// - Throws: `invalidParameter`; `unsupportedEvent`; `unsupportedRelation`.
    /// - Complexity: O(n log n) for n losses on the grid, at most `largestCount`, for each distinct event.
    public func epsilon(of event: PrivacyEvent, delta: Double) throws(AccountingError) -> PrivacyGuarantee {
        try requireDelta(delta)
        let pairs = try LossPairs(event, relation: relation, accountant: name)
        let target = delta * exp(-pairs.slack)
        var epsilon = 0.0
        if pairs.isUnprotected || target < 1e-280 {
            epsilon = .infinity
        } else {
            let directions = compositions(pairs, tail: min(1e-16, target * 1e-9)) { $0.plan(delta: target) }
            if directions == nil { epsilon = .infinity }
            for (composition, plan, spacing) in directions ?? [] {
                let found = retrying(plan, composition) { $0.epsilon(delta: target, interval: spacing) }
                epsilon = max(epsilon, min(found, composition.chernoffEpsilon(delta: target)))
            }
            epsilon += 2 * pairs.slack
        }
        return PrivacyGuarantee(epsilon: epsilon, delta: delta, by: self)
    }

    /// An upper bound on δ at ε.
    ///
    /// - Throws: `invalidParameter`; `unsupportedEvent`; `unsupportedRelation`.
    /// - Complexity: as `epsilon(of:delta:)`.
    public func delta(of event: PrivacyEvent, epsilon: Double) throws(AccountingError) -> PrivacyGuarantee {
        try requireEpsilon(epsilon)
        let pairs = try LossPairs(event, relation: relation, accountant: name)
        let target = max(0, epsilon - 2 * pairs.slack)
        // Below ε = 0 the divergence is at most as much larger as ε is smaller.
        let shortfall = max(0, 2 * pairs.slack - epsilon)
        var delta = 0.0
        if pairs.isUnprotected {
            delta = 1
        } else {
            let directions = compositions(pairs, tail: 1e-40) { $0.plan(epsilon: target) }
            if directions == nil { delta = 1 }
            for (composition, plan, spacing) in directions ?? [] {
                let found = retrying(plan, composition) { $0.delta(epsilon: target, interval: spacing) }
                delta = max(delta, min(found, composition.chernoffDelta(epsilon: target)))
            }
            delta = min(1, (delta + shortfall) * exp(pairs.slack))
        }
        return PrivacyGuarantee(epsilon: epsilon, delta: delta, by: self)
    }

    /// Reads a value from a window, with a weaker tilt where the first one did not reach far enough; infinite where no
    /// window that may be held does.
    private func retrying(
        _ plan: LossComposition.Plan, _ composition: LossComposition, _ read: (LossComposition.Window) -> Double?
    ) -> Double {
        guard composition.isComputable else { return .infinity }
        var plan = plan
        for attempt in 0..<5 {
            guard plan.count <= PLDAccountant.largestCount else { break }
            if let value = read(composition.window(plan)) { return value }
            let isWeak = attempt == 3 || plan.tilt <= 1e-3 / composition.deviation
            plan = composition.plan(tilt: isWeak ? 0 : plan.tilt / 4, tailMass: plan.tailMass)
        }
        return .infinity
    }

    /// The compositions of both directions on an interval with which the losses fit, and the interval.
    private func compositions(
        _ pairs: LossPairs, tail: Double, _ plan: (LossComposition) -> LossComposition.Plan
    ) -> [(LossComposition, LossComposition.Plan, Double)]? {
        guard !pairs.parts.isEmpty else { return [] }
        let total = pairs.parts.reduce(0) { $0 + Double($1.count) }
        let single = max(1e-290, tail / total)
        let widest = pairs.parts.reduce(0.0) { widest, part in
            let range = part.pair.lossRange(tail: single)
            return max(widest, range.upperBound - range.lowerBound, abs(range.upperBound) * 1e-6)
        }
        // Beyond this neither e^ε nor the losses themselves mean anything.
        guard widest * total.squareRoot() < 1e15 else { return nil }
        let limit = Double(PLDAccountant.largestCount)
        var spacing = interval
        while widest / spacing > limit / 8 { spacing *= 2 }
        var isWidened = spacing > interval
        for attempt in 0..<200 {
            let directions = pairs.compositions(interval: spacing, tail: single)
            let plans = directions.map(plan)
            let largest = plans.reduce(0) { max($0, $1.count) }
            if total > 1, largest > PLDAccountant.largestCount {
                spacing *= max(2, (Double(largest) / limit).rounded(.up))
                isWidened = true
                continue
            }
            let added = directions.reduce(0) { max($0, $1.addedVarianceShare) }
            let room = limit / 4 / max(Double(largest), widest / spacing)
            if total > 1, !isWidened, added > 0.07, room >= 2, attempt < 20 {
                spacing /= min(room, max(2, (added / 0.01).squareRoot()))
                continue
            }
            return zip(directions, plans).map { ($0, $1, spacing) }
        }
        return nil
    }
}
