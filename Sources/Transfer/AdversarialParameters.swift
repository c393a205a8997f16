public import Numerics

/// The sizes of G and D, and where their layers stand in their flat vectors.
///
/// Each vector is: the first layer's weights, input × units, row-major; its biases; and with a hidden layer the second
/// layer's weights, units × output, row-major, and its biases. The input of D is bin-major: bin b fills the rows
/// b·d ..< (b + 1)·d.
public struct AdversarialShape: Sendable, Equatable {
    /// m, the columns of the rows that enter G.
    public let inputCount: Int
    /// d.
    public let dimension: Int
    /// K.
    public let binCount: Int
    let extractor: DenseNetwork
    let discriminator: DenseNetwork

    /// The sizes that settings give rows of `inputCount` columns.
    public init(_ configuration: AdversarialConfiguration, inputCount: Int) {
        configuration.check()
        self.inputCount = inputCount
        dimension = configuration.dimension
        binCount = configuration.binCount
        extractor = DenseNetwork(
            configuration.extractor, inputCount: inputCount, outputCount: configuration.dimension)
        discriminator = DenseNetwork(
            configuration.discriminator, inputCount: configuration.dimension * configuration.binCount, outputCount: 1)
    }

    /// The parameters of G.
    public var extractorCount: Int { extractor.parameterCount }
    /// The parameters of D.
    public var discriminatorCount: Int { discriminator.parameterCount }
    /// The first layer's weights of G, m × units (d units without a hidden layer).
    public var extractorWeights: Range<Int> { extractor.firstWeights }
    /// The first layer's biases of G.
    public var extractorBiases: Range<Int> { extractor.firstBiases }
    /// The second layer's weights of G, units × d; empty without a hidden layer.
    public var extractorOutputWeights: Range<Int> { extractor.secondWeights }
    /// The second layer's biases of G; empty without a hidden layer.
    public var extractorOutputBiases: Range<Int> { extractor.secondBiases }
    /// The first layer's weights of D, Kd × units (one unit without a hidden layer).
    public var discriminatorWeights: Range<Int> { discriminator.firstWeights }
    /// The first layer's biases of D.
    public var discriminatorBiases: Range<Int> { discriminator.firstBiases }
    /// The second layer's weights of D, units × 1; empty without a hidden layer.
    public var discriminatorOutputWeights: Range<Int> { discriminator.secondWeights }
    /// The second layer's bias of D; empty without a hidden layer.
    public var discriminatorOutputBiases: Range<Int> { discriminator.secondBiases }
}

/// G and D as they travel, or their gradients.
public struct AdversarialTensors: Sendable, Equatable {
    /// The vector of G.
    public let extractor: [Float]
    /// The vector of D.
    public let discriminator: [Float]

    /// Tensors.
    public init(extractor: [Float], discriminator: [Float]) {
        self.extractor = extractor
        self.discriminator = discriminator
    }
}

/// What adversarial training learns: the extractor G: ℝᵐ → ℝᵈ and the discriminator D, whose logit is positive for the
/// source.
public struct AdversarialParameters: Sendable, Equatable {
    /// The sizes.
    public let shape: AdversarialShape
    /// The vector of G.
    public internal(set) var extractor: [Double]
    /// The vector of D.
    public internal(set) var discriminator: [Double]

    /// Weights N(0, 1 / inputs of the layer), biases 0. *Determinism*: drawn from the stream, G before D.
    public init(_ shape: AdversarialShape, stream: RandomStream) {
        var stream = stream
        self.shape = shape
        extractor = AdversarialParameters.start(shape.extractor, &stream, inputs: shape.inputCount)
        discriminator = AdversarialParameters.start(shape.discriminator, &stream, inputs: shape.dimension)
    }

    /// Parameters from their vectors.
    public init(_ shape: AdversarialShape, extractor: [Double], discriminator: [Double]) {
        precondition(
            extractor.count == shape.extractorCount && discriminator.count == shape.discriminatorCount,
            "\(extractor.count) and \(discriminator.count) adversarial parameters")
        self.shape = shape
        self.extractor = extractor
        self.discriminator = discriminator
    }

    /// Parameters from their tensors; `nil` where a tensor has another size or a value is not finite.
    public init?(_ shape: AdversarialShape, tensors: AdversarialTensors) {
        guard tensors.extractor.count == shape.extractorCount,
            tensors.discriminator.count == shape.discriminatorCount,
            tensors.extractor.allSatisfy({ $0.isFinite }), tensors.discriminator.allSatisfy({ $0.isFinite })
        else { return nil }
        self.init(
            shape, extractor: tensors.extractor.map(Double.init), discriminator: tensors.discriminator.map(Double.init))
    }

    /// The parameters as tensors.
    public var tensors: AdversarialTensors {
        AdversarialTensors(extractor: extractor.map { Float($0) }, discriminator: discriminator.map { Float($0) })
    }

    /// The same G with a new D, which has learnt nothing.
    public func withFreshDiscriminator(stream: RandomStream) -> AdversarialParameters {
        var stream = stream
        var out = self
        out.discriminator = AdversarialParameters.start(shape.discriminator, &stream, inputs: shape.dimension)
        return out
    }

    /// G(x) of each row, rows × d: items or persons of either domain. *Complexity*: O(rows · parameters).
    ///
    /// - Precondition: `rows` has m columns.
    public func features(of rows: Matrix) -> Matrix {
        precondition(rows.columnCount == shape.inputCount, "rows of \(rows.columnCount) columns")
        let batch = DenseNetwork.Batch(
            rows: rows.values.map(Double.init), width: rows.columnCount, blocks: nil)
        let outputs = shape.extractor.pass(extractor, batch).outputs
        return Matrix(rowCount: rows.rowCount, columnCount: shape.dimension, values: outputs.map { Float($0) })
    }

    private static func start(
        _ network: DenseNetwork, _ stream: inout RandomStream, inputs: Int
    ) -> [Double] {
        var values = [Double](repeating: 0, count: network.parameterCount)
        // Of the input of D a row fills one block of d.
        for index in network.firstWeights { values[index] = stream.gaussian() / Double(inputs).squareRoot() }
        for index in network.secondWeights { values[index] = stream.gaussian() / Double(network.width).squareRoot() }
        return values
    }
}
