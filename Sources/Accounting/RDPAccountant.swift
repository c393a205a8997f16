import Glibc

/// Rényi differential privacy over a published list of orders: the cross-check of the privacy-loss distribution.
///
/// Source: Mironov, *Rényi differential privacy* (CSF 2017); the conversion is Proposition 12 of Canonne, Kamath &
/// Steinke, *The discrete Gaussian for differential privacy* (2020), and ε = 0 where the total variation that a Rényi
/// divergence allows, √(1 − e^−ρ), is below δ.
public struct RDPAccountant: PrivacyAccountant {
    /// `rdp`.
    public var name: String { "rdp" }
    /// The relation that the guarantees speak of.
    public let relation: NeighbouringRelation
    /// The orders, each above 1.
    public let orders: [Double]

    /// 1.1, 1.2 … 10.9, 11, 12 … 63, 128, 256, 512 and 1024.
    public static let usualOrders: [Double] =
        (1...99).map { 1 + Double($0) / 10 } + (11...63).map(Double.init) + [128, 256, 512, 1024]

    /// An accountant for one relation and a list of orders.
    ///
    /// - Throws: `invalidParameter` for an empty list, or an order that is not finite or not above 1.
    public init(
        relation: NeighbouringRelation = .addRemove, orders: [Double]
    ) throws(AccountingError) {
        try require(!orders.isEmpty, "the list of orders", "empty", "a list of at least one order")
        for order in orders { try require(order > 1 && order <= 1e6, "an order", order, "above 1 and at most 1e6") }
        self.relation = relation
        self.orders = orders
    }

    /// An accountant for one relation over the usual orders.
    public init(relation: NeighbouringRelation = .addRemove) {
        self.relation = relation
        self.orders = RDPAccountant.usualOrders
    }

    /// The smallest ε over the orders, and the order it came from.
    ///
    /// - Throws: `invalidParameter`; `unsupportedEvent`; `unsupportedRelation`, among them fixed-size sampling under
    ///   add-remove.
    /// - Complexity: O(orders × distinct events × largest order), squared in the order for fixed-size sampling.
    public func epsilon(of event: PrivacyEvent, delta: Double) throws(AccountingError) -> PrivacyGuarantee {
        try requireDelta(delta)
        var best = (epsilon: Double.infinity, order: Double?.none)
        for (order, divergence) in zip(orders, try divergences(of: event)) {
            let epsilon = RDPAccountant.epsilon(order: order, divergence: divergence, delta: delta)
            if epsilon < best.epsilon { best = (epsilon, order) }
        }
        return PrivacyGuarantee(epsilon: max(0, best.epsilon), delta: delta, by: self, order: best.order)
    }

    /// The smallest δ over the orders, and the order it came from.
    ///
    /// - Throws: as `epsilon(of:delta:)`.
    /// - Complexity: as `epsilon(of:delta:)`.
    public func delta(of event: PrivacyEvent, epsilon: Double) throws(AccountingError) -> PrivacyGuarantee {
        try requireEpsilon(epsilon)
        let best = RDPAccountant.delta(orders: orders, divergences: try divergences(of: event), epsilon: epsilon)
        return PrivacyGuarantee(epsilon: epsilon, delta: best.delta, by: self, order: best.order)
    }

    /// The Rényi divergence of the whole composition at each of the orders; infinite where there is no bound.
    ///
    /// - Throws: as `epsilon(of:delta:)`.
    /// - Complexity: as `epsilon(of:delta:)`.
    public func divergences(of event: PrivacyEvent) throws(AccountingError) -> [Double] {
        let composition = try EventComposition(event)
        var total = [Double](repeating: composition.isUnprotected ? .infinity : 0, count: orders.count)
        for part in composition.parts {
            let single: [Double]
            if case .repeatAndSelect(let runs, let event) = part.event {
                single = RDPAccountant.selected(runs, orders: orders, divergences: try divergences(of: event))
            } else {
                let curve = try RenyiCurve(part.event, relation: relation, accountant: name)
                single = orders.map { curve.divergence(order: $0) }
            }
            for index in orders.indices {
                // A divergence below 0 can only come from rounding.
                total[index] += Double(part.count) * max(0, single[index])
            }
        }
        return total
    }

    static func epsilon(order: Double, divergence: Double, delta: Double) -> Double {
        // The total variation is at most √(1 − e^−ρ); where that is below δ, ε is 0.
        if delta * delta + expm1(-divergence) > 0 { return 0 }
        return divergence + log1p(-1 / order) - (log(delta) + log(order)) / (order - 1)
    }

    static func delta(orders: [Double], divergences: [Double], epsilon: Double) -> (delta: Double, order: Double?) {
        var best = (logarithm: 0.0, order: Double?.none)
        for (order, divergence) in zip(orders, divergences) where divergence < .infinity {
            let variation = 0.5 * log(-expm1(-divergence))
            let bound = (order - 1) * (divergence - epsilon + log1p(-1 / order)) - log(order)
            if min(variation, bound) < best.logarithm { best = (min(variation, bound), order) }
        }
        return (min(1, exp(best.logarithm)), best.order)
    }

    /// Theorems 2 and 6 of Papernot & Steinke, *Hyperparameter tuning with Rényi differential privacy* (ICLR 2022).
    private static func selected(
        _ runs: RunCountDistribution, orders: [Double], divergences: [Double]
    ) -> [Double] {
        switch runs {
        case .poisson(let mean):
            return zip(orders, divergences).map { order, divergence in
                let delta = delta(orders: orders, divergences: divergences, epsilon: log1p(1 / (order - 1))).delta
                return divergence + mean * delta + log(mean) / (order - 1)
            }
        case .negativeBinomial(let mean, let shape):
            let gamma = haltingProbability(mean: mean, shape: shape)
            let constant = zip(orders, divergences).reduce(Double.infinity) { smallest, pair in
                min(smallest, (1 - 1 / pair.0) * pair.1 - log(gamma) / pair.0)
            }
            let single = zip(orders, divergences).map { order, divergence in
                divergence + log(mean) / (order - 1) + (1 + shape) * constant
            }
            // A divergence does not fall with the order, so that a higher order bounds the lower ones.
            return orders.map { order in
                zip(orders, single).reduce(Double.infinity) { $1.0 >= order ? min($0, $1.1) : $0 }
            }
        }
    }

    /// The parameter "γ" of a truncated negative binomial distribution with this mean, rounded down.
    private static func haltingProbability(mean: Double, shape: Double) -> Double {
        func expectation(_ gamma: Double) -> Double {
            if gamma == 1 { return 1 }
            let logarithm = log(gamma)
            if shape == 0 { return (1 - 1 / gamma) / logarithm }
            return shape * (1 / gamma - 1) / -expm1(shape * logarithm)
        }
        if shape == 1 { return 1 / mean }
        var low = 0.0
        var high = 1.0
        for _ in 0..<200 {
            let middle = low + (high - low) / 2
            if middle <= low || middle >= high { break }
            if expectation(middle) < mean { high = middle } else { low = middle }
        }
        return low > 0 ? low : high
    }
}
