/// A map with one hidden layer from source features to target coordinates, `t̂ = W₂ᵀ tanh(W₁ᵀf + b₁) + b₂`.
///
/// Its parameters are one flat vector: W₁, features × units, row-major; b₁; W₂, units × coordinates, row-major; b₂.
/// Source: the perceptron of Man, Shen, Jin, Cheng, *Cross-domain recommendation: an embedding and mapping approach*
/// (IJCAI 2017), section 4.2.
public struct MapNetwork: Sendable {
    private let network: DenseNetwork
    private let values: [Double]

    /// A map from its parameters.
    ///
    /// - Returns: `nil` for a vector of another size or one that is not finite.
    public init?(parameters: [Float], featureCount: Int, unitCount: Int, dimension: Int) {
        self.init(
            values: parameters.map(Double.init), featureCount: featureCount, unitCount: unitCount,
            dimension: dimension)
    }

    /// As above, from parameters in Double.
    public init?(values: [Double], featureCount: Int, unitCount: Int, dimension: Int) {
        network = DenseNetwork(
            .hidden(units: unitCount, activation: .tanh), inputCount: featureCount, outputCount: dimension)
        guard values.count == network.parameterCount, values.allSatisfy({ $0.isFinite }) else { return nil }
        self.values = values
    }

    /// The length of the vector of parameters.
    public var parameterCount: Int { values.count }

    /// t̂.
    public func coordinates(_ feature: [Float]) -> [Float] {
        network.pass(values, batch(feature)).outputs.map { Float($0) }
    }

    /// ½‖t̂ − t‖² of one person.
    public func loss(feature: [Float], coordinates: [Float]) -> Double {
        zip(network.pass(values, batch(feature)).outputs, coordinates).reduce(0.0) { sum, pair in
            let rest = pair.0 - Double(pair.1)
            return sum + rest * rest / 2
        }
    }

    /// The gradient of `loss` with respect to the parameters. *Complexity*: O(parameters).
    public func gradient(feature: [Float], coordinates: [Float]) -> [Double] {
        let batch = batch(feature)
        let pass = network.pass(values, batch)
        precondition(coordinates.count == pass.outputs.count, "\(coordinates.count) coordinates of a person")
        var out = [Double](repeating: 0, count: values.count)
        _ = network.reverse(
            values, batch, pass, outputs: zip(pass.outputs, coordinates).map { $0 - Double($1) }, needsRows: false,
            into: &out)
        return out
    }

    private func batch(_ feature: [Float]) -> DenseNetwork.Batch {
        precondition(feature.count == network.inputCount, "\(feature.count) features of a person")
        return DenseNetwork.Batch(rows: feature.map(Double.init), width: feature.count, blocks: nil)
    }
}
