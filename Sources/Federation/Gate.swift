public import Numerics
public import Scenario

/// How far a transferred ranking is blended with the local one: s = (1 − g) · local + g · transfer, with a g for each
/// number of shots and, where items are kept out of training, one for those cold items. Transferred ratings are blended
/// with local ones likewise; their gain is what the sum of a person's squared errors falls by, on a scale of width 4.
///
/// g is above 0 only where validation persons show a gain: among the weights whose gain has a one-sided 95 % bootstrap
/// lower bound above 0 the one with the largest mean gain is taken. The bootstrap is that of Poisson weights, which a
/// person draws alone: the weighted sums of several clients add up to those of all persons. Source: Chamandy, Muralidharan,
/// Najmi, Naidu, *Estimating uncertainty for massive data streams* (2012).
public struct Gate: Sendable, Equatable {
    /// The weights beside 0 that are tried, ascending.
    public static let weights = [0.25, 0.5, 0.75, 1]
    /// Bootstrap resamples; row 0 of the sums is that of the persons themselves.
    public static let resampleCount = 2_000
    /// The rows of the sums.
    public static let rowCount = resampleCount + 1

    /// What the gate decided for a method at a number of shots.
    public struct Decision: Sendable, Equatable {
        /// g; 0 leaves the local ranking as it is.
        public let weight: Double
        /// The mean gain of validation persons, of g or, where g is 0, of the best weight that was tried.
        public let gain: Double
        /// Its one-sided 95 % lower bound; `nil` where nobody could be scored.
        public let lowerBound: Double?

        /// A decision.
        public init(weight: Double, gain: Double, lowerBound: Double?) {
            self.weight = weight
            self.gain = gain
            self.lowerBound = lowerBound
        }
    }

    /// The gated methods.
    public let methods: [String]
    /// The numbers of shots.
    public let shots: [Int]

    /// Whether cold items have a g of their own: where the scenario keeps items out of training by hash. By time nobody
    /// can have known them when choices are made.
    public let hasColdItems: Bool

    /// The gate of a scenario.
    public init(_ scenario: ScenarioDefinition) {
        methods =
            [scenario.transferMethod, MethodName.shuffledSource]
            + (scenario.transfersRatings ? MethodName.ratingTransfers : [])
        shots = scenario.integers("evaluation.shots")
        hasColdItems = scenario.number("evaluation.cold-items") > 0 && !scenario.mayBeSplitByTime
    }

    /// Numbers of shots, and the cold items.
    private var bucketCount: Int { shots.count + (hasColdItems ? 1 : 0) }

    /// The position of the bucket of cold items behind those of the numbers of shots; `nil` without one.
    public var coldItemsBucket: Int? { hasColdItems ? shots.count : nil }

    /// The columns of the sums of gains: one for each method, bucket and weight.
    public var columnCount: Int { methods.count * bucketCount * Gate.weights.count }

    /// The column of a method, a bucket and a weight by their positions: the buckets are the numbers of shots, then the
    /// cold items.
    public func column(method: Int, bucket: Int, weight: Int) -> Int {
        (method * bucketCount + bucket) * Gate.weights.count + weight
    }

    /// The method of a column.
    public func method(ofColumn column: Int) -> String { methods[column / (bucketCount * Gate.weights.count)] }

    /// The rows' weights of one person: 1, then independent draws of Poisson(1).
    public static func multiplicities(_ stream: RandomStream) -> [Float] {
        var stream = stream
        return [1] + (0..<resampleCount).map { _ in poisson(&stream) }
    }

    /// By inversion of the distribution function.
    private static func poisson(_ stream: inout RandomStream) -> Float {
        let uniform = stream.uniform()
        var probability = 0.36787944117144233  // e⁻¹
        var total = probability
        var value = 0
        while uniform >= total && value < 20 {
            value += 1
            probability /= Double(value)
            total += probability
        }
        return Float(value)
    }

    /// The decision for a method at a number of shots; g = 0 for a method or number that the gate does not know.
    ///
    /// - Parameters:
    ///   - gains: Σ weight · gain, rows × columns.
    ///   - counts: Σ weight, rows.
    public func decision(method: String, shots: Int, gains: [Float], counts: [Float]) -> Decision {
        decision(method, bucket: self.shots.firstIndex(of: shots), gains, counts)
    }

    /// The decision for a method at a number of shots, or on cold items, from noised sums; no count of persons is known.
    ///
    /// With n persons of gains g the sum Σg has a variance of at most E Σg², to which the noise adds σ². Σg² is released
    /// under the same noise and taken at its upper 95 % end, so that the lower bound of the sum is
    /// Σg − 1.645·√(max(0, Σg² + 1.645σ) + σ²). Gain and bound of the decision are those of the sum.
    ///
    /// - Parameters:
    ///   - shots: `nil` for cold items.
    ///   - gains: Σ gain with noise, columns.
    ///   - squares: Σ gain² with noise, columns.
    ///   - noise: σ of both.
    public func decision(
        method: String, shots: Int?, noisedGains gains: [Float], squares: [Float], noise: Double
    ) -> Decision {
        precondition(gains.count == columnCount && squares.count == columnCount, "sums of another gate")
        let bucket = shots.map { self.shots.firstIndex(of: $0) } ?? coldItemsBucket
        let quantile = 1.6448536269514722
        return decision(method, bucket: bucket) { column in
            let sum = Double(gains[column])
            let variance = max(0, Double(squares[column]) + quantile * noise) + noise * noise
            return (sum, sum - quantile * variance.squareRoot())
        }
    }

    /// The decision for a method on cold items.
    public func coldItemsDecision(method: String, gains: [Float], counts: [Float]) -> Decision {
        decision(method, bucket: coldItemsBucket, gains, counts)
    }

    private func decision(_ method: String, bucket: Int?, _ gains: [Float], _ counts: [Float]) -> Decision {
        precondition(
            gains.count == Gate.rowCount * columnCount && counts.count == Gate.rowCount, "sums of another gate")
        guard counts[0] >= 2 else { return Decision(weight: 0, gain: 0, lowerBound: nil) }
        return decision(method, bucket: bucket) { column in
            func mean(_ row: Int) -> Double { Double(gains[row * columnCount + column]) / Double(counts[row]) }
            let draws = (1..<Gate.rowCount).filter { counts[$0] > 0 }.map(mean).sorted()
            guard !draws.isEmpty else { return nil }
            return (mean(0), quantile(sorted: draws, 0.05))
        }
    }

    /// The largest gain of those weights that have a lower bound above 0.
    private func decision(
        _ method: String, bucket: Int?, _ evidence: (_ column: Int) -> (gain: Double, bound: Double)?
    ) -> Decision {
        guard let method = methods.firstIndex(of: method), let bucket
        else { return Decision(weight: 0, gain: 0, lowerBound: nil) }
        var best: Decision?
        var bestOfAll: Decision?
        for (index, weight) in Gate.weights.enumerated() {
            guard let (gain, bound) = evidence(column(method: method, bucket: bucket, weight: index)) else { continue }
            if bound > 0, gain > best?.gain ?? 0 { best = Decision(weight: weight, gain: gain, lowerBound: bound) }
            if gain > bestOfAll?.gain ?? -.infinity {
                bestOfAll = Decision(weight: 0, gain: gain, lowerBound: bound)
            }
        }
        return best ?? bestOfAll ?? Decision(weight: 0, gain: 0, lowerBound: nil)
    }
}
