/// Random directions on which the distributions of domains are compared by their quantiles, equal wherever the seed is.
///
/// *Determinism*: directions come from the stream `slices` of the root seed.
public struct Slices: Sendable, Equatable {
    /// The number of coordinates of a row.
    public let dimension: Int
    /// The directions, one a row, each of length 1.
    public let directions: [[Double]]

    /// Directions uniform on the sphere.
    public init(dimension: Int, directionCount: Int, root: UInt64) {
        precondition(dimension > 0 && directionCount > 0, "\(directionCount) directions of \(dimension) coordinates")
        self.dimension = dimension
        var stream = RandomStream(root: root, path: ["slices"])
        directions = (0..<directionCount).map { _ in
            let vector = (0..<dimension).map { _ in stream.gaussian() }
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return vector.map { $0 / length }
        }
    }

    /// The quantiles of the projections of rows at the probabilities (k + ½)/`count`: one list a direction.
    ///
    /// *Complexity*: O(directions · (rows · dimension + rows log rows)).
    /// - Precondition: at least one row, finite values.
    public func quantiles(of rows: Matrix, count: Int) -> [[Double]] {
        precondition(rows.columnCount == dimension, "rows of \(rows.columnCount) coordinates instead of \(dimension)")
        precondition(rows.rowCount > 0 && count > 0, "\(count) quantiles of \(rows.rowCount) rows")
        return directions.map { direction in
            let projections = (0..<rows.rowCount).map { row in
                zip(rows.row(row), direction).reduce(0.0) { $0 + Double($1.0) * $1.1 }
            }.sorted()
            return (0..<count).map { quantile(sorted: projections, (Double($0) + 0.5) / Double(count)) }
        }
    }

    /// The **squared** sliced 2-Wasserstein distance: the mean squared difference of quantiles of the same directions
    /// and probabilities.
    ///
    /// Source: Bonneel et al., *Sliced and Radon Wasserstein barycenters of measures* (Journal of Mathematical Imaging
    /// and Vision 2015), section 3, with quantiles in place of sorted samples.
    public static func squaredWasserstein(_ first: [[Double]], _ second: [[Double]]) -> Double {
        precondition(first.count == second.count && !first.isEmpty, "quantiles of different directions")
        var sum = 0.0
        for (left, right) in zip(first, second) {
            precondition(left.count == right.count && !left.isEmpty, "different numbers of quantiles")
            sum += zip(left, right).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Double(left.count)
        }
        return sum / Double(first.count)
    }

    /// The same for the Gaussians with these moments in closed form: the mean over directions θ of
    /// (θᵀ(μ_S − μ_T))² + (√(θᵀΣ_Sθ) − √(θᵀΣ_Tθ))². *Complexity*: O(directions · dimension²).
    public func squaredWasserstein(_ source: Moments, _ target: Moments) -> Double {
        precondition(source.dimension == dimension && target.dimension == dimension, "domains of other coordinates")
        var sum = 0.0
        for direction in directions {
            let shift = zip(direction, zip(source.mean, target.mean)).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) }
            let spread = deviation(source, direction) - deviation(target, direction)
            sum += shift * shift + spread * spread
        }
        return sum / Double(directions.count)
    }

    private func deviation(_ moments: Moments, _ direction: [Double]) -> Double {
        var sum = 0.0
        for row in 0..<dimension {
            for column in 0..<dimension {
                sum += direction[row] * moments.covariance[row * dimension + column] * direction[column]
            }
        }
        return max(sum, 0).squareRoot()
    }
}
