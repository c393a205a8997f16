public import Scenario

/// The sizes of the networks of the adversarial game, which all parties derive alike from the scenario.
public struct GameShape: Sendable, Equatable {
    /// The length of the vector of sums beside the gradients.
    public static let sumCount = 7
    /// Numbers of an item's text.
    public let inputCount: Int
    /// d, the dimensions of the features.
    public let dimension: Int
    /// Hidden units of G; `nil` for an affine map.
    public let extractorUnits: Int?
    /// Hidden units of D; `nil` for an affine map.
    public let discriminatorUnits: Int?
    /// Bins of popularity that D is conditioned on; 1 for none.
    public let binCount: Int

    /// The sizes of a scenario.
    public init(_ scenario: ScenarioDefinition) {
        inputCount = scenario.integer("text.dimension")
        dimension = scenario.integer("transfer.adversarial.dimension")
        let units = scenario.integer("transfer.adversarial.units")
        extractorUnits = scenario.text("transfer.adversarial.extractor") == "linear" ? nil : units
        discriminatorUnits =
            scenario.text("transfer.adversarial.discriminator") == "linear"
            ? nil : scenario.integer("transfer.adversarial.discriminator-units")
        binCount = scenario.integer("transfer.adversarial.bins")
    }

    /// Parameters of G.
    public var extractorCount: Int { GameShape.count(inputCount, extractorUnits, dimension) }
    /// Parameters of D.
    public var discriminatorCount: Int { GameShape.count(binCount * dimension, discriminatorUnits, 1) }

    /// Weights and biases of a map with at most one hidden layer.
    private static func count(_ inputs: Int, _ units: Int?, _ outputs: Int) -> Int {
        guard let units else { return (inputs + 1) * outputs }
        return (inputs + 1) * units + (units + 1) * outputs
    }
}
