import Numerics

/// The sizes of the meta-parameters, and where each stands in their flat vector: p₀, M, log α, W.
public struct MetaShape: Sendable, Equatable {
    /// d, the dimensions of a person's vector.
    public let factorCount: Int
    /// The source features of a person; 0 without a source.
    public let featureCount: Int
    /// m, the dimensions of an item's text vector; 0 where the item factors are fixed.
    public let textDimension: Int

    /// Sizes.
    ///
    /// - Precondition: d is positive and no size is negative.
    public init(factorCount: Int, featureCount: Int = 0, textDimension: Int = 0) {
        precondition(factorCount > 0 && featureCount >= 0 && textDimension >= 0, "the sizes of meta-parameters")
        self.factorCount = factorCount
        self.featureCount = featureCount
        self.textDimension = textDimension
    }

    /// The number of parameters.
    public var count: Int { tower.upperBound }
    /// Where p₀ stands.
    public var start: Range<Int> { 0..<factorCount }
    /// Where M stands, features × d, row-major.
    public var featureMap: Range<Int> { factorCount..<factorCount * (1 + featureCount) }
    /// Where log α stands.
    public var logRate: Int { featureMap.upperBound }
    /// Where W stands, m × d, row-major.
    public var tower: Range<Int> { logRate + 1..<logRate + 1 + textDimension * factorCount }
}

/// Values of the shape of the meta-parameters as they travel: one tensor a part.
public struct MetaTensors: Sendable, Equatable {
    /// p₀ or its gradient; d elements.
    public let start: [Float]
    /// M or its gradient, features × d, row-major.
    public let featureMap: [Float]
    /// log α or its gradient; one element.
    public let logRate: [Float]
    /// W or its gradient, m × d, row-major.
    public let tower: [Float]

    /// Tensors.
    public init(start: [Float], featureMap: [Float], logRate: [Float], tower: [Float]) {
        self.start = start
        self.featureMap = featureMap
        self.logRate = logRate
        self.tower = tower
    }

    /// The parts of a flat vector.
    init(_ values: [Double], _ shape: MetaShape) {
        func part(_ range: Range<Int>) -> [Float] { values[range].map { Float($0) } }
        self.init(
            start: part(shape.start), featureMap: part(shape.featureMap),
            logRate: part(shape.logRate..<shape.logRate + 1), tower: part(shape.tower))
    }

    /// The flat vector; `nil` where a tensor has another size or a value is not finite.
    func flattened(_ shape: MetaShape) -> [Double]? {
        guard start.count == shape.start.count, featureMap.count == shape.featureMap.count, logRate.count == 1,
            tower.count == shape.tower.count
        else { return nil }
        let values = (start + featureMap + logRate + tower).map(Double.init)
        return values.allSatisfy { $0.isFinite } ? values : nil
    }
}

/// What meta-learning learns: the start p₀ + Mᵀf of a person with source features f, the rate α of the inner steps, and
/// where items have text the tower W, whose item factors are XW.
public struct MetaParameters: Sendable, Equatable {
    /// The sizes.
    public let shape: MetaShape
    /// All parameters in the order of the shape.
    public internal(set) var values: [Double]

    /// Parameters with p₀ = 0 and M = 0.
    ///
    /// - Parameters:
    ///   - rate: α, positive.
    ///   - tower: W, m × d in row-major order; `nil` stands for zeros.
    public init(_ shape: MetaShape, rate: Double, tower: [Double]? = nil) {
        precondition(rate > 0 && rate.isFinite, "an inner rate of \(rate)")
        precondition(tower.map { $0.count == shape.tower.count } != false, "a tower of another shape")
        self.shape = shape
        values = [Double](repeating: 0, count: shape.count)
        values[shape.logRate] = rate.logarithm
        if let tower { values.replaceSubrange(shape.tower, with: tower) }
    }

    /// Parameters from their flat vector, in the order of the shape.
    public init(_ shape: MetaShape, values: [Double]) {
        precondition(values.count == shape.count, "\(values.count) values for \(shape.count) meta-parameters")
        self.shape = shape
        self.values = values
    }

    /// Parameters from their tensors; `nil` where a tensor has another size or a value is not finite.
    public init?(_ shape: MetaShape, tensors: MetaTensors) {
        guard let values = tensors.flattened(shape) else { return nil }
        self.init(shape, values: values)
    }

    /// The parameters as tensors.
    public var tensors: MetaTensors { MetaTensors(values, shape) }

    /// p₀.
    public var start: ArraySlice<Double> { values[shape.start] }
    /// α.
    public var rate: Double { values[shape.logRate].exponential }

    /// `p₀ + Mᵀf`; p₀ without features. *Complexity*: O(features · d).
    ///
    /// - Precondition: `feature` is empty or holds `featureCount` elements.
    public func start(feature: [Float]) -> [Double] {
        precondition(feature.isEmpty || feature.count == shape.featureCount, "\(feature.count) source features")
        var out = Array(start)
        for (row, value) in feature.enumerated() where value != 0 {
            let offset = shape.featureMap.lowerBound + row * shape.factorCount
            for column in out.indices { out[column] += Double(value) * values[offset + column] }
        }
        return out
    }
}
