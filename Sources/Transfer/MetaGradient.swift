/// A sum over persons of gradients of the meta-parameters.
public struct MetaGradient: Sendable, Equatable {
    /// The sizes.
    public let shape: MetaShape
    /// The gradient in the order of the shape.
    public private(set) var values: [Double]
    /// The sum of the persons' query losses; for `reptile` of their inner steps' squared lengths. Clipping leaves it.
    public private(set) var lossSum: Double
    /// The number of persons.
    public private(set) var personCount: Int

    /// The gradient of nobody.
    public init(_ shape: MetaShape) {
        self.init(shape, values: [Double](repeating: 0, count: shape.count), lossSum: 0, personCount: 0)
    }

    init(_ shape: MetaShape, values: [Double], lossSum: Double, personCount: Int) {
        self.shape = shape
        self.values = values
        self.lossSum = lossSum
        self.personCount = personCount
    }

    /// A sum from its tensors; `nil` where a tensor has another size or a value is not finite.
    public init?(_ shape: MetaShape, tensors: MetaTensors, lossSum: Double, personCount: Int) {
        guard let values = tensors.flattened(shape), lossSum.isFinite, personCount >= 0 else { return nil }
        self.init(shape, values: values, lossSum: lossSum, personCount: personCount)
    }

    /// The sum as tensors.
    public var tensors: MetaTensors { MetaTensors(values, shape) }

    /// The ℓ2 norm over all parts.
    public var norm: Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    /// The gradient scaled down to a norm of at most `bound`, all parts by the same factor: for one person, before it
    /// enters a sum.
    ///
    /// - Precondition: `bound` is positive.
    public func clipped(to bound: Double) -> MetaGradient {
        precondition(bound > 0, "a clipping bound of \(bound)")
        let norm = norm
        guard norm > bound else { return self }
        var out = self
        // Scaled values round: shrinking a little more keeps the norm at or below the bound.
        let scale = bound / norm * (1 - Double(values.count + 4) * 0x1p-53)
        for index in out.values.indices { out.values[index] *= scale }
        return out
    }

    /// Adds the persons of another sum.
    public mutating func add(_ other: MetaGradient) {
        precondition(shape == other.shape, "a sum of gradients of different shapes")
        for index in values.indices { values[index] += other.values[index] }
        lossSum += other.lossSum
        personCount += other.personCount
    }

    /// The mean over persons; zeros for nobody.
    public var mean: [Double] {
        let scale = personCount == 0 ? 0 : 1 / Double(personCount)
        return values.map { $0 * scale }
    }
}
