import Federation
import Numerics
import Scenario
import Transfer

/// How a protected release of persons' devices becomes a feature map. Whatever enters beside what was released is a
/// configured constant.
struct ProtectedFit {
    private enum Release {
        /// B = Σ f tᵀ: M = γB/n₀.
        case crossMoment(scale: Double)
        /// Noised pairs, one a slot: M = γ(A + ρnI)⁻¹B with A = Σ f fᵀ and B = Σ f tᵀ over all n slots, the noise of A
        /// included: a ridge regression on what was released, as if it had no noise.
        case vectors(gain: Double, featureBound: Double, targetBound: Double)
    }

    private let release: Release
    private let dimension: Int
    /// The tensor that is released.
    let tensorName: String

    /// - Returns: `nil` where no release of a feature map is protected.
    init?(_ scenario: ScenarioDefinition) {
        guard scenario.isProtected, !scenario.isMeta, !scenario.isAdversarial else { return nil }
        dimension = scenario.integer("transfer.dimension")
        let gain = scenario.number("privacy.gain")
        if scenario.releasesVectors {
            release = .vectors(
                gain: gain, featureBound: scenario.number("privacy.feature-bound"),
                targetBound: scenario.number("privacy.target-bound"))
            tensorName = TensorName.personVectors
        } else {
            release = .crossMoment(scale: gain / Double(scenario.integer("privacy.linked-persons")))
            tensorName = TensorName.crossMoment(isShuffled: false)
        }
    }

    /// The map of what was released.
    ///
    /// - Parameters:
    ///   - released: B, source features × target dimension; or pairs (f, t) in units of their bounds, slots × both.
    ///   - ridge: ρ, for vectors.
    /// - Throws: `notPositiveDefinite`. *Complexity*: O(slots · features · (features + dimension) + features³) for vectors.
    func map(_ released: Matrix, ridge: Double) throws(NumericsError) -> FeatureMap {
        switch release {
        case .crossMoment(let scale):
            return try FeatureMap(crossMoment: released, sourceMoment: nil, count: 1 / scale, ridge: 0)
        case .vectors(let gain, let featureBound, let targetBound):
            let features = released.columnCount - dimension
            var source = [Double](repeating: 0, count: features * features)
            var cross = [Double](repeating: 0, count: features * dimension)
            for slot in 0..<released.rowCount {
                let pair = released.row(slot).map(Double.init)
                for row in 0..<features {
                    for column in 0..<features { source[row * features + column] += pair[row] * pair[column] }
                    for column in 0..<dimension {
                        cross[row * dimension + column] += pair[row] * pair[features + column]
                    }
                }
            }
            let crossUnit = gain * featureBound * targetBound
            return try FeatureMap(
                crossMoment: Matrix(
                    rowCount: features, columnCount: dimension, values: cross.map { Float($0 * crossUnit) }),
                sourceMoment: Matrix(
                    rowCount: features, columnCount: features,
                    values: source.map { Float($0 * featureBound * featureBound) }),
                count: Double(released.rowCount), ridge: ridge)
        }
    }
}
