public import Numerics

/// Moments of one domain's persons: count, Σv and Σvvᵀ, additive over persons and clients.
public struct PersonMoments: Sendable, Equatable {
    /// The number of persons.
    public let count: Double
    /// The mean of v.
    public let mean: [Double]
    /// The covariance of v, row-major.
    public let covariance: [Double]

    /// The mean and covariance behind released sums.
    ///
    /// - Returns: `nil` for fewer than two persons.
    public init?(count: Float, sum: [Float], product: [Float]) {
        guard count >= 2, product.count == sum.count * sum.count else { return nil }
        let persons = Double(count)
        let mean = sum.map { Double($0) / persons }
        self.count = persons
        self.mean = mean
        let order = mean.count
        covariance = (0..<order * order).map { Double(product[$0]) / persons - mean[$0 / order] * mean[$0 % order] }
    }
}

/// The source feature of a person: `f = W(p/√‖p‖ − mean)`, whitened over the domain's persons.
public struct SourceFeatures: Sendable {
    private let mean: [Double]
    /// dimension × order, row-major.
    private let whitening: [Double]
    /// The number of elements of a feature.
    public let dimension: Int

    /// Whitens with the inverse square root of the covariance (zero-phase), eigenvalues below 10⁻⁶ of the largest
    /// raised to that.
    ///
    /// - Parameter dimension: with fewer than all dimensions, the leading principal components, each of variance 1.
    /// - Throws: `eigenvaluesDidNotConverge`. *Complexity*: O(d³).
    public init(_ moments: PersonMoments, dimension: Int? = nil) throws(NumericsError) {
        let order = moments.mean.count
        mean = moments.mean
        let eigen = try SymmetricEigen(moments.covariance, order: order)
        let floor = max((eigen.eigenvalues.last ?? 1) * 1e-6, 1e-12)
        if let dimension, dimension < order {
            self.dimension = dimension
            whitening = zip(eigen.eigenvalues, eigen.eigenvectors).reversed().prefix(dimension).flatMap {
                value, vector in
                vector.map { $0 / max(value, floor).squareRoot() }
            }
            return
        }
        self.dimension = order
        var out = [Double](repeating: 0, count: order * order)
        for (value, vector) in zip(eigen.eigenvalues, eigen.eigenvectors) {
            let scale = 1 / max(value, floor).squareRoot()
            for row in 0..<order {
                for column in 0..<order { out[row * order + column] += scale * vector[row] * vector[column] }
            }
        }
        whitening = out
    }

    /// The feature before whitening, `p/√‖p‖`; `nil` for a zero vector.
    public static func raw(_ vector: [Float]) -> [Float]? {
        let norm = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard norm > 0 else { return nil }
        let scale = Float(1 / norm.squareRoot())
        return vector.map { $0 * scale }
    }

    /// The whitened feature of a person's source factor; zero, the mean, for a zero vector.
    public func feature(_ vector: [Float]) -> [Float] {
        let order = mean.count
        guard let raw = SourceFeatures.raw(vector) else { return [Float](repeating: 0, count: dimension) }
        let centred = zip(raw, mean).map { Double($0) - $1 }
        return (0..<dimension).map { row in
            var sum = 0.0
            for column in 0..<order { sum += whitening[row * order + column] * centred[column] }
            return Float(sum)
        }
    }
}

/// The coordinates in which target factors are predicted: `t = Vᵀ(p − p̄)` with the leading eigenvectors V.
public struct TargetBasis: Sendable {
    /// p̄.
    public let mean: [Float]
    /// The eigenvectors by falling eigenvalue, one a row.
    private let axes: [[Double]]
    /// The variances along the axes.
    private let variances: [Double]

    /// The leading `dimension` axes of the target persons' covariance.
    ///
    /// - Throws: `eigenvaluesDidNotConverge`.
    public init(_ moments: PersonMoments, dimension: Int) throws(NumericsError) {
        mean = moments.mean.map { Float($0) }
        let eigen = try SymmetricEigen(moments.covariance, order: moments.mean.count)
        axes = Array(eigen.eigenvectors.reversed().prefix(dimension))
        variances = Array(eigen.eigenvalues.reversed().prefix(dimension)).map { max($0, 0) }
    }

    /// The number of axes.
    public var dimension: Int { axes.count }

    /// `Vᵀ(p − p̄)`.
    public func coordinates(_ vector: [Float]) -> [Float] {
        let centred = zip(vector, mean).map { Double($0) - Double($1) }
        return axes.map { axis in Float(zip(axis, centred).reduce(0.0) { $0 + $1.0 * $1.1 }) }
    }

    /// What coordinates are multiplied by so that their mean variance is 1; 1 where all persons are alike.
    public var scale: Float {
        let mean = variances.reduce(0, +) / Double(max(1, variances.count))
        return mean > 0 ? Float(1 / mean.squareRoot()) : 1
    }

    /// Coordinates of variance 1 each; variances below 10⁻⁶ of the largest are raised to that.
    public func whitened(_ coordinates: [Float]) -> [Float] {
        let floor = max((variances.first ?? 1) * 1e-6, 1e-12)
        return zip(coordinates, variances).map { Float(Double($0) / max($1, floor).squareRoot()) }
    }

    /// `p̄ + V t`.
    public func vector(_ coordinates: [Float]) -> [Float] {
        var out = mean.map(Double.init)
        for (axis, coordinate) in zip(axes, coordinates) {
            for index in out.indices { out[index] += axis[index] * Double(coordinate) }
        }
        return out.map { Float($0) }
    }
}
