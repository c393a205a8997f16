public import Scenario

/// The sizes of the networks of the adversarial game, which all parties derive alike from the scenario.
public struct GameShape: Sendable, Equatable {
    /// The length of the vector of sums beside the gradients.
    public static let sumCount = 7
    /// Numbers of a row: of an item's text, or of a person in both domains.
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
        let persons = PersonGameShape(scenario)
        inputCount =
            scenario.isGameOfPersons
            ? persons.featureCount + persons.coordinateCount : scenario.integer("text.dimension")
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

/// What the game of persons has beside G and D.
public struct PersonGameShape: Sendable, Equatable {
    /// Features of a person in the source.
    public let featureCount: Int
    /// Coordinates of a person in the target.
    public let coordinateCount: Int
    /// Whether source rows of linked persons train the decoder of target coordinates.
    public let isLinked: Bool
    private let dimension: Int

    /// The sizes of a scenario.
    public init(_ scenario: ScenarioDefinition) {
        featureCount = scenario.sourceDimension
        coordinateCount = scenario.integer("transfer.dimension")
        isLinked = scenario.optionalText("transfer.adversarial.decoder") != "own"
        dimension = scenario.integer("transfer.adversarial.dimension")
    }

    /// Parameters of both decoders.
    public var decoderCount: Int { (dimension + 1) * (featureCount + coordinateCount) }
}
