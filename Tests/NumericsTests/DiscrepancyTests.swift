import Foundation
import Numerics
import Testing

/// Random moments and rotations.
private enum Draws {
    static func moments(_ order: Int, rank: Int? = nil, _ stream: inout RandomStream) -> Moments {
        let rank = rank ?? order + 1
        let factor = (0..<order * rank).map { _ in stream.gaussian() }
        var covariance = [Double](repeating: 0, count: order * order)
        for row in 0..<order {
            for column in 0..<order {
                for inner in 0..<rank {
                    covariance[row * order + column] += factor[row * rank + inner] * factor[column * rank + inner]
                }
            }
        }
        return Moments(mean: (0..<order).map { _ in stream.gaussian() }, covariance: covariance)
    }

    /// Orthonormal rows: the eigenvectors of a random symmetric matrix.
    static func rotation(_ order: Int, _ stream: inout RandomStream) throws -> [[Double]] {
        try SymmetricEigen(moments(order, &stream).covariance, order: order).eigenvectors
    }

    /// The moments of R x + offset.
    static func transformed(_ moments: Moments, _ rotation: [[Double]], offset: Double = 0) -> Moments {
        let order = moments.dimension
        var covariance = [Double](repeating: 0, count: order * order)
        for row in 0..<order {
            for column in 0..<order {
                for i in 0..<order {
                    for j in 0..<order {
                        covariance[row * order + column] +=
                            rotation[row][i] * moments.covariance[i * order + j] * rotation[column][j]
                    }
                }
            }
        }
        let mean = rotation.map { zip($0, moments.mean).reduce(offset) { $0 + $1.0 * $1.1 } }
        return Moments(mean: mean, covariance: covariance)
    }

    static func gaussianRows(_ count: Int, _ mean: [Double], scale: [Double], _ stream: inout RandomStream) -> Matrix {
        var values: [Float] = []
        for _ in 0..<count {
            for index in mean.indices { values.append(Float(mean[index] + scale[index] * stream.gaussian())) }
        }
        return Matrix(rowCount: count, columnCount: mean.count, values: values)
    }
}

@Suite struct MomentDiscrepancyTests {
    init() { NumericsBackEnd.useOneThread() }

    private static let measures: [@Sendable (Moments, Moments) throws -> Double] = [
        { Discrepancy.coral($0, $1) },
        { try Discrepancy.buresWasserstein($0, $1) },
        { try Discrepancy.gaussianMMD($0, $1) },
        { Slices(dimension: $0.dimension, directionCount: 30, root: 1).squaredWasserstein($0, $1) },
    ]

    @Test(arguments: 0..<20) func `Discrepancies are zero for equal moments, positive for others and symmetric`(
        seed: UInt64
    ) throws {
        var stream = RandomStream(root: seed, path: ["moments"])
        let order = 1 + stream.integer(below: 6)
        let first = Draws.moments(order, &stream)
        let second = Draws.moments(order, rank: 1 + stream.integer(below: order), &stream)
        for (index, measure) in Self.measures.enumerated() {
            let value = try measure(first, second)
            let mirrored = try measure(second, first)
            #expect(value > 1e-6 && abs(value - mirrored) <= 1e-10 * max(1, value), "measure \(index), seed \(seed)")
            for equal in [first, second] {
                #expect(abs(try measure(equal, equal)) <= 1e-12 * max(1, equal.trace), "measure \(index)")
            }
        }
    }

    @Test(arguments: 0..<10) func `A rotation and an offset of both domains change nothing`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["rotation"])
        let first = Draws.moments(5, &stream)
        let second = Draws.moments(5, rank: 3, &stream)
        let rotation = try Draws.rotation(5, &stream)
        for (index, measure) in Self.measures.prefix(3).enumerated() {
            let value = try measure(first, second)
            let turned = try measure(
                Draws.transformed(first, rotation, offset: 2), Draws.transformed(second, rotation, offset: 2))
            #expect(abs(value - turned) <= 1e-10 * max(1, value), "measure \(index), seed \(seed)")
        }
    }

    @Test func `In one dimension the answers are known`() throws {
        let first = Moments(mean: [1], covariance: [4])
        let second = Moments(mean: [4], covariance: [25])
        #expect(Discrepancy.coral(first, second) == 441.0 / 4)
        // (1 − 4)² + (2 − 5)².
        #expect(abs(try Discrepancy.buresWasserstein(first, second) - 18) <= 1e-12)
        let slices = Slices(dimension: 1, directionCount: 3, root: 1)
        #expect(abs(slices.squaredWasserstein(first, second) - 18) <= 1e-12)
        #expect(first.squaredBandwidth(with: second) == 19)
        // 1/√(1 + 8/2) + 1/√(1 + 50/2) − 2/√(1 + 29/2) · exp(−9/(2 · 31)).
        let answer = 1 / 5.0.squareRoot() + 1 / 26.0.squareRoot() - 2 / 15.5.squareRoot() * exp(-9.0 / 62)
        #expect(abs(try Discrepancy.gaussianMMD(first, second, squaredBandwidth: 2) - answer) <= 1e-14)
        let points = (Moments(mean: [0], covariance: [0]), Moments(mean: [2], covariance: [0]))
        // Two points: σ² = 2, 2 − 2 exp(−4/4).
        #expect(abs(try Discrepancy.gaussianMMD(points.0, points.1) - 2 * (1 - exp(-1))) <= 1e-14)
        #expect(try Discrepancy.gaussianMMD(points.0, points.0) == 0)
        #expect(try Discrepancy.buresWasserstein(points.0, points.1) == 4)
        #expect(throws: NumericsError.self) {
            try Discrepancy.buresWasserstein(first, Moments(mean: [0], covariance: [.nan]))
        }
    }

    @Test(arguments: 0..<10) func `Commuting covariances have the distance of their roots`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["commuting"])
        let scales = (0..<2).map { _ in (0..<4).map { _ in stream.uniform() } }
        let rotation = try Draws.rotation(4, &stream)
        let moments = scales.map { scale in
            var covariance = [Double](repeating: 0, count: 16)
            for index in 0..<4 { covariance[5 * index] = scale[index] * scale[index] }
            return Draws.transformed(Moments(mean: [0, 0, 0, 0], covariance: covariance), rotation)
        }
        let answer = zip(scales[0], scales[1]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        #expect(abs(try Discrepancy.buresWasserstein(moments[0], moments[1]) - answer) <= 1e-10, "seed \(seed)")
    }

    @Test(arguments: 0..<20) func `The root of the Bures–Wasserstein discrepancy obeys the triangle inequality`(
        seed: UInt64
    ) throws {
        var stream = RandomStream(root: seed, path: ["triangle"])
        let corners = (0..<3).map { _ in Draws.moments(3, &stream) }
        func distance(_ i: Int, _ j: Int) throws -> Double {
            try Discrepancy.buresWasserstein(corners[i], corners[j]).squareRoot()
        }
        #expect(try distance(0, 2) <= distance(0, 1) + distance(1, 2) + 1e-9, "seed \(seed)")
    }

    @Test func `The moments of rows are those by hand`() {
        let moments = Moments(rows: Matrix(rowCount: 3, columnCount: 2, values: [1, 0, 2, 3, 6, 0]))
        #expect(moments.mean == [3, 1])
        #expect(moments.covariance == [7, -1.5, -1.5, 3] && moments.trace == 10)
    }

    @Test func `The closed form of MMD is what samples have`() throws {
        var stream = RandomStream(root: 5, path: ["mmd-sample"])
        let scales = [[1, 0.5], [0.7, 1.5]]
        let means = [[0, 0], [0.5, -0.3]]
        let rows = (0..<2).map { Draws.gaussianRows(2000, means[$0], scale: scales[$0], &stream) }
        func kernel(_ first: Int, _ second: Int) -> Double {
            var sum = 0.0
            for i in 0..<2000 {
                // Pairs of a row with itself stay out.
                for j in 0..<2000 where first != second || i != j {
                    let a = Double(rows[first][i, 0]) - Double(rows[second][j, 0])
                    let b = Double(rows[first][i, 1]) - Double(rows[second][j, 1])
                    sum += exp(-(a * a + b * b) / 4)
                }
            }
            return sum / (2000 * (first == second ? 1999 : 2000))
        }
        let sampled = kernel(0, 0) + kernel(1, 1) - 2 * kernel(0, 1)
        let moments = (0..<2).map { index in
            let variance = scales[index].map { $0 * $0 }
            return Moments(mean: means[index], covariance: [variance[0], 0, 0, variance[1]])
        }
        let exact = try Discrepancy.gaussianMMD(moments[0], moments[1], squaredBandwidth: 2)
        #expect(abs(sampled - exact) <= 0.01 && exact > 0.04, "\(sampled), \(exact)")
        let features = RandomFeatures(dimension: 2, frequencyCount: 2000, squaredBandwidth: 2, root: 9)
        let featured = RandomFeatures.squaredMMD(
            meanA: features.mean(of: rows[0]), meanB: features.mean(of: rows[1]), countA: 2000, countB: 2000)
        #expect(abs(featured - sampled) <= 0.01, "\(featured), \(sampled)")
    }
}

@Suite struct RandomFeatureTests {
    private let features = RandomFeatures(dimension: 3, frequencyCount: 20_000, squaredBandwidth: 1.5, root: 1)

    @Test func `Their products are the kernel, and their length is one`() {
        var stream = RandomStream(root: 1, path: ["kernel"])
        for _ in 0..<10 {
            let rows = (0..<2).map { _ in (0..<3).map { _ in Float(stream.gaussian()) } }
            let images = rows.map { features.features(of: $0) }
            let product = zip(images[0], images[1]).reduce(0) { $0 + $1.0 * $1.1 }
            let distance = zip(rows[0], rows[1]).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
            #expect(abs(product - exp(-distance / 3)) <= 5 / 20_000.0.squareRoot())
            #expect(abs(images[0].reduce(0) { $0 + $1 * $1 } - 1) <= 1e-12)
        }
    }

    @Test(arguments: 0..<10) func `The MMD of means is the U statistic over pairs of rows`(seed: UInt64) {
        var stream = RandomStream(root: seed, path: ["u-statistic"])
        let features = RandomFeatures(dimension: 3, frequencyCount: 7, squaredBandwidth: 2, root: seed)
        let samples = [5, 8].map { Draws.gaussianRows($0, [0, 0, 0], scale: [1, 1, 1], &stream) }
        let images = samples.map { rows in (0..<rows.rowCount).map { features.features(of: rows.row($0)) } }
        func meanProduct(_ first: Int, _ second: Int) -> Double {
            var sum = 0.0
            var count = 0.0
            for (i, left) in images[first].enumerated() {
                for (j, right) in images[second].enumerated() where first != second || i != j {
                    sum += zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
                    count += 1
                }
            }
            return sum / count
        }
        let means = samples.map { features.mean(of: $0) }
        let value = RandomFeatures.squaredMMD(meanA: means[0], meanB: means[1], countA: 5, countB: 8)
        #expect(abs(value - (meanProduct(0, 0) + meanProduct(1, 1) - 2 * meanProduct(0, 1))) <= 1e-12, "seed \(seed)")
        let mirrored = RandomFeatures.squaredMMD(meanA: means[1], meanB: means[0], countA: 8, countB: 5)
        #expect(abs(value - mirrored) <= 1e-15)
        #expect(features == RandomFeatures(dimension: 3, frequencyCount: 7, squaredBandwidth: 2, root: seed))
        #expect(features != RandomFeatures(dimension: 3, frequencyCount: 7, squaredBandwidth: 2, root: seed + 1))
    }

    @Test func `It has no bias, whatever the counts`() {
        var stream = RandomStream(root: 3, path: ["bias"])
        let features = RandomFeatures(dimension: 1, frequencyCount: 10, squaredBandwidth: 1, root: 1)
        let values = (0..<4000).map { _ in
            let means = [3, 6].map { features.mean(of: Draws.gaussianRows($0, [0], scale: [1], &stream)) }
            return RandomFeatures.squaredMMD(meanA: means[0], meanB: means[1], countA: 3, countB: 6)
        }
        let average = values.reduce(0, +) / 4000
        let deviation = (values.reduce(0) { $0 + pow($1 - average, 2) } / 4000 / 4000).squareRoot()
        #expect(abs(average) <= 4 * deviation, "\(average) ± \(deviation)")
        #expect(features.mean(of: Matrix(rowCount: 0, columnCount: 1)) == [Double](repeating: 0, count: 20))
    }

    @Test func `The threshold grows as the level falls and the counts fall`() {
        func threshold(_ countA: Int, _ countB: Int, _ level: Double) -> Double {
            RandomFeatures.squaredMMDThreshold(countA: countA, countB: countB, level: level)
        }
        // Normal quantiles of 0.975 and 0.9995.
        #expect(abs(threshold(10, 10, 0.05) - 0.2 * (3.841458820694126 - 1)) <= 1e-12)
        #expect(abs(threshold(4, 2, 0.001) - 0.75 * (10.82756617046543 - 1)) <= 1e-9)
        #expect(threshold(10, 10, 0.01) > threshold(10, 10, 0.05) && threshold(10, 5, 0.05) > threshold(10, 10, 0.05))
    }
}

@Suite struct SubspaceAndSliceTests {
    init() { NumericsBackEnd.useOneThread() }

    @Test func `The proxy A-distance falls from two to zero`() {
        #expect([0, 0.25, 0.5, 0.9].map { Discrepancy.proxyADistance(error: $0) } == [2, 1, 0, 0])
    }

    @Test func `Principal angles of planes are those by construction`() throws {
        func basis(_ columns: [[Double]]) -> Matrix {
            var out = Matrix(rowCount: columns[0].count, columnCount: columns.count)
            for (column, values) in columns.enumerated() {
                for (row, value) in values.enumerated() { out[row, column] = Float(value) }
            }
            return out
        }
        let first = basis([[1, 0, 0, 0], [0, 2, 0, 0]])
        for angle in [0, 1e-4, 0.3, 1.2, Double.pi / 2] {
            let second = basis([[cos(angle), 0, sin(angle), 0], [3 * cos(0.7), cos(0.2), 0, sin(0.2)]])
            let tilted = basis([[cos(angle), 0, sin(angle), 0], [0, cos(0.2), 0, sin(0.2)]])
            let angles = try Discrepancy.principalAngles(first, tilted)
            for (value, answer) in zip(angles, [angle, 0.2].sorted()) { #expect(abs(value - answer) <= 1e-7) }
            #expect(angles.count == 2 && angles == angles.sorted())
            #expect(try Discrepancy.principalAngles(first, second).count == 2)
            let line = try Discrepancy.principalAngles(first, basis([[cos(angle), 0, sin(angle), 0]]))
            #expect(line.count == 1 && abs(line[0] - angle) <= 1e-7)
        }
        // A column that depends on others and one of zeros span nothing; no column has no angle.
        let dependent = basis([[1, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]])
        #expect(try Discrepancy.principalAngles(first, dependent) == [0])
        #expect(try Discrepancy.principalAngles(first, Matrix(rowCount: 4, columnCount: 0)).isEmpty)
        #expect(throws: NumericsError.notFinite(what: "a basis")) {
            try Discrepancy.principalAngles(first, basis([[.nan, 0, 0, 0]]))
        }
    }

    @Test(arguments: 0..<10) func `Principal angles do not depend on the bases of the spaces`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["angles"])
        let first = Naive.gaussianMatrix(9, 3, &stream)
        let second = Naive.gaussianMatrix(9, 4, &stream)
        let angles = try Discrepancy.principalAngles(first, second)
        let mixed = try Discrepancy.principalAngles(
            first.multiplied(by: Naive.gaussianMatrix(3, 3, &stream)),
            second.multiplied(by: Naive.gaussianMatrix(4, 4, &stream)))
        let mirrored = try Discrepancy.principalAngles(second, first)
        #expect(angles.count == 3 && angles.allSatisfy { $0 > 0.001 && $0 <= Double.pi / 2 })
        for index in 0..<3 {
            #expect(abs(angles[index] - mixed[index]) <= 1e-4, "seed \(seed)")
            #expect(abs(angles[index] - mirrored[index]) <= 1e-10, "seed \(seed)")
        }
        for angle in try Discrepancy.principalAngles(first, first) { #expect(angle <= 1e-7) }
    }

    @Test(arguments: 0..<10) func `Linear CKA is that of centred kernels, blind to rotation, scale and offset`(
        seed: UInt64
    ) throws {
        var stream = RandomStream(root: seed, path: ["cka"])
        let first = Naive.gaussianMatrix(12, 3, &stream)
        let second = Naive.gaussianMatrix(12, 5, &stream)
        // HSIC by the 12 × 12 kernels.
        func centredKernel(_ rows: Matrix) -> [[Double]] {
            var kernel = (0..<12).map { i in
                (0..<12).map { j in
                    zip(rows.row(i), rows.row(j)).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                }
            }
            for i in 0..<12 {
                let mean = kernel[i].reduce(0, +) / 12
                kernel[i] = kernel[i].map { $0 - mean }
            }
            for j in 0..<12 {
                let mean = (0..<12).reduce(0) { $0 + kernel[$1][j] } / 12
                for i in 0..<12 { kernel[i][j] -= mean }
            }
            return kernel
        }
        func product(_ a: [[Double]], _ b: [[Double]]) -> Double {
            zip(a, b).reduce(0) { $0 + zip($1.0, $1.1).reduce(0) { $0 + $1.0 * $1.1 } }
        }
        let kernels = (centredKernel(first), centredKernel(second))
        let answer =
            product(kernels.0, kernels.1)
            / (product(kernels.0, kernels.0) * product(kernels.1, kernels.1)).squareRoot()
        let value = Discrepancy.linearCKA(first, second)
        #expect(abs(value - answer) <= 1e-12, "seed \(seed)")
        #expect(abs(Discrepancy.linearCKA(second, first) - value) <= 1e-14)
        #expect(abs(Discrepancy.linearCKA(first, first) - 1) <= 1e-12)
        let rotation = try Draws.rotation(3, &stream)
        var turned = first
        for row in 0..<12 {
            for column in 0..<3 {
                turned[row, column] =
                    5 + 3 * Float(zip(first.row(row), rotation[column]).reduce(0.0) { $0 + Double($1.0) * $1.1 })
            }
        }
        #expect(abs(Discrepancy.linearCKA(turned, second) - value) <= 1e-5, "seed \(seed)")
        #expect(Discrepancy.linearCKA(first, Matrix(rowCount: 12, columnCount: 2)) == 0)
    }

    @Test func `Sliced distances are zero for equal rows, and the squared shift for shifted ones in one dimension`() {
        var stream = RandomStream(root: 1, path: ["slices-shift"])
        let rows = Draws.gaussianRows(50, [0], scale: [1], &stream)
        let shifted = Matrix(rowCount: 50, columnCount: 1, values: rows.values.map { $0 + 3 })
        let slices = Slices(dimension: 1, directionCount: 4, root: 7)
        let quantiles = [rows, shifted].map { slices.quantiles(of: $0, count: 10) }
        #expect(Slices.squaredWasserstein(quantiles[0], quantiles[0]) == 0)
        #expect(abs(Slices.squaredWasserstein(quantiles[0], quantiles[1]) - 9) <= 1e-5)
        // Quantiles at ¼ and ¾ of 0, 1, 2, 3, up to the sign of the direction.
        let four = Matrix(rowCount: 4, columnCount: 1, values: [3, 0, 2, 1])
        for list in slices.quantiles(of: four, count: 2) { #expect(list.map { abs($0) }.sorted() == [0.75, 2.25]) }
        #expect(slices.directions.allSatisfy { abs($0[0]) == 1 })
        #expect(slices == Slices(dimension: 1, directionCount: 4, root: 7))
    }

    @Test func `Sliced distances of Gaussian rows are those of the closed form`() {
        var stream = RandomStream(root: 2, path: ["slices-gaussian"])
        let first = Draws.gaussianRows(20_000, [0, 0, 0], scale: [1, 2, 0.5], &stream)
        let second = Draws.gaussianRows(20_000, [1, 0, -1], scale: [2, 1, 1], &stream)
        let slices = Slices(dimension: 3, directionCount: 40, root: 3)
        let sampled = Slices.squaredWasserstein(
            slices.quantiles(of: first, count: 200), slices.quantiles(of: second, count: 200))
        let exact = slices.squaredWasserstein(
            Moments(mean: [0, 0, 0], covariance: [1, 0, 0, 0, 4, 0, 0, 0, 0.25]),
            Moments(mean: [1, 0, -1], covariance: [4, 0, 0, 0, 1, 0, 0, 0, 1]))
        #expect(abs(sampled - exact) <= 0.05 * exact && exact > 0.5, "\(sampled), \(exact)")
        // A direction sees a mean of 1/dimension of the squared shift.
        let shift = Slices(dimension: 4, directionCount: 4000, root: 4).squaredWasserstein(
            Moments(mean: [2, 0, 0, 0], covariance: [Double](repeating: 0, count: 16)),
            Moments(mean: [0, 0, 0, 0], covariance: [Double](repeating: 0, count: 16)))
        #expect(abs(shift - 1) <= 0.05, "\(shift)")
    }
}
