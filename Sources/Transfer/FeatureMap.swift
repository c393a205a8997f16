public import Numerics

/// The map from source features to target coordinates: linear, `t̂ = Mᵀf` with `M = (A + ρnI)⁻¹B`, or a network.
///
/// `B = Σ f tᵀ` is summed on linked persons' devices. With one source the features are white, so that A ≈ nI and
/// M = B / (n(1 + ρ)); with several sources their features are correlated and A = Σ f fᵀ is released too.
public struct FeatureMap: Sendable {
    private enum Form {
        case linear(Matrix)
        case network(MapNetwork)
    }

    private let form: Form

    /// The map of a trained network.
    public init(_ network: MapNetwork) { form = .network(network) }

    /// Estimates the linear map.
    ///
    /// - Parameters:
    ///   - crossMoment: B, features × target dimension.
    ///   - sourceMoment: A, features × features; `nil` stands for nI.
    ///   - count: n, the linked persons behind the sums.
    ///   - ridge: ρ.
    /// - Throws: `notPositiveDefinite`. *Complexity*: O(features³) with a source moment.
    public init(
        crossMoment: Matrix, sourceMoment: Matrix?, count: Double, ridge: Double
    ) throws(NumericsError) {
        let features = crossMoment.rowCount
        let outputs = crossMoment.columnCount
        guard count > 0 else {
            form = .linear(Matrix(rowCount: features, columnCount: outputs))
            return
        }
        guard let sourceMoment else {
            let scale = Float(1 / (count * (1 + ridge)))
            form = .linear(
                Matrix(rowCount: features, columnCount: outputs, values: crossMoment.values.map { $0 * scale }))
            return
        }
        var normal = sourceMoment.values.map(Double.init)
        // A source whose client was lost leaves a zero block; the small constant keeps the system solvable.
        for index in 0..<features { normal[index * features + index] += (ridge + 1e-6) * count }
        let columns = crossMoment.transposed.values.map(Double.init)
        let solution = try solvePositiveDefinite(
            normal, order: features, rightHandSides: columns, count: outputs)
        form = .linear(
            Matrix(rowCount: outputs, columnCount: features, values: solution.map { Float($0) }).transposed)
    }

    /// t̂.
    public func coordinates(_ feature: [Float]) -> [Float] {
        switch form {
        case .linear(let matrix): matrix.transposeMultiplied(by: feature)
        case .network(let network): network.coordinates(feature)
        }
    }
}
