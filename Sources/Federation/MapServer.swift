import Numerics
import Parameters
public import Scenario

/// The sizes of the networks that map source features to target coordinates, which all parties derive alike from the
/// scenario: one network for each weight decay that validation persons choose between.
///
/// The parameters of a network are one vector: W₁, features × units, row-major; b₁; W₂, units × coordinates; b₂.
public struct MapShape: Sendable, Equatable {
    /// Features of all sources together.
    public let featureCount: Int
    /// Hidden units.
    public let unitCount: Int
    /// Target coordinates.
    public let dimension: Int
    /// The weight decays, one a network.
    public let decays: [Double]

    /// The sizes of a scenario; `nil` where its map is no network.
    public init?(_ scenario: ScenarioDefinition) {
        guard scenario.hasNetworkMap else { return nil }
        featureCount = scenario.sources.count * scenario.sourceDimension
        unitCount = scenario.integer("transfer.mlp.units")
        dimension = scenario.integer("transfer.dimension")
        decays = scenario.numbers("transfer.mlp.decay")
    }

    /// Parameters of one network.
    public var parameterCount: Int { (featureCount + 1) * unitCount + (unitCount + 1) * dimension }

    /// W₁ and W₂ in the vector of one network: what weight decay draws to zero.
    var weights: [Range<Int>] {
        let second = (featureCount + 1) * unitCount
        return [0..<featureCount * unitCount, second..<second + unitCount * dimension]
    }
}

/// The coordinator's side of the networks that persons' devices learn together: it takes the steps.
///
/// The objective of a network is the mean over linked persons of ½‖t̂ − t‖² plus decay/2 (‖W₁‖² + ‖W₂‖²); the control has
/// networks of its own, with the same start.
struct MapServer: Sendable {
    private struct Side {
        let isShuffled: Bool
        var parameters: [Float]
        var state: ServerState
    }

    private let shape: MapShape
    private var sides: [Side]

    /// Networks at their start: W₁ ∼ N(0, 1/features), the rest 0, so that everybody is mapped to the mean person.
    init(_ scenario: ScenarioDefinition, _ shape: MapShape, seed: Int, step: RoundStep) {
        self.shape = shape
        var stream = RandomStream(root: UInt64(seed), path: ["map", .name(step.description)])
        var start = [Float](repeating: 0, count: shape.parameterCount)
        let length = 1 / Double(shape.featureCount).squareRoot()
        for index in shape.weights[0] { start[index] = Float(length * stream.gaussian()) }
        let all = shape.decays.flatMap { _ in start }
        // The coordinates of persons are far below 1, and so are their gradients; τ must not damp them.
        let configuration = StrategyConfiguration(
            .fedAdam, serverRate: scenario.number("transfer.mlp.rate"), adaptivity: 1e-6)
        sides = [false, true].map {
            Side(isShuffled: $0, parameters: all, state: ServerState(configuration, count: all.count))
        }
    }

    /// The networks by the names of their tensors.
    var tensors: [(name: String, values: [Float])] {
        sides.map { (TensorName.mapParameters(isShuffled: $0.isShuffled), $0.parameters) }
    }

    /// The moments of both sides.
    var state: [Double] { sides.flatMap(\.state.values) }

    /// Goes on from networks and moments between two rounds.
    ///
    /// - Throws: `missingTensor`.
    mutating func resume(_ shared: ParameterSet, state: [Double]) throws(ParameterError) {
        var position = 0
        for index in sides.indices {
            sides[index].parameters = try shared.require(
                TensorName.mapParameters(isShuffled: sides[index].isShuffled))
            let count = sides[index].state.values.count
            guard position + count <= state.count else { throw .missingTensor("the map's moments") }
            sides[index].state.values = Array(state[position..<position + count])
            position += count
        }
    }

    /// Takes one step of Adam along the sums of a round; a side without persons stays.
    ///
    /// - Throws: `missingTensor`.
    mutating func step(_ total: ParameterSet) throws(ParameterError) {
        for index in sides.indices {
            let isShuffled = sides[index].isShuffled
            let count = Double(try total.require(TensorName.mapCount(isShuffled: isShuffled)).first ?? 0)
            let sums = try total.require(TensorName.mapGradient(isShuffled: isShuffled))
            guard count > 0, sums.count == sides[index].parameters.count else { continue }
            var change = sums.map { -Double($0) / count }
            for (network, decay) in shape.decays.enumerated() {
                for range in shape.weights {
                    for element in range {
                        let position = network * shape.parameterCount + element
                        change[position] -= decay * Double(sides[index].parameters[position])
                    }
                }
            }
            for (position, value) in sides[index].state.step(change).enumerated() {
                sides[index].parameters[position] += value
            }
        }
    }
}
