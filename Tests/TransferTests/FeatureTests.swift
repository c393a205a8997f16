import Numerics
import TestSupport
import Testing
import Transfer

@Suite("Source features and target coordinates")
struct FeatureTests {
    @Test("Moments are the mean and the covariance over persons")
    func moments() throws {
        let moments = try #require(
            PersonMoments(count: 4, sum: [8, -4], product: [20, -6, -6, 12]))
        #expect(moments.count == 4)
        #expect(moments.mean == [2, -1])
        #expect(moments.covariance == [1, 0.5, 0.5, 2])
    }

    @Test("Fewer than two persons have no moments")
    func tooFew() {
        #expect(PersonMoments(count: 0, sum: [0], product: [0]) == nil)
        #expect(PersonMoments(count: 1, sum: [1], product: [1]) == nil)
        #expect(PersonMoments(count: 2, sum: [1], product: [1]) != nil)
        #expect(PersonMoments(count: 5, sum: [1, 2], product: [1, 2, 3]) == nil)
    }

    @Test("A raw feature has the direction of the vector and the square root of its length")
    func raw() throws {
        let raw = try #require(SourceFeatures.raw([3, 0, -4]))
        for (value, expected) in zip(raw, [3 / 5.0.squareRoot(), 0, -4 / 5.0.squareRoot()]) {
            #expect(abs(Double(value) - expected) < 1e-6)
        }
        #expect(SourceFeatures.raw([0, 0]) == nil)
        #expect(SourceFeatures.raw([]) == nil)
    }

    @Test(
        "Whitened features have zero mean and identity covariance over the persons of the moments",
        arguments: [(1, 50), (3, 200), (8, 400)])
    func whitening(dimension: Int, count: Int) throws {
        let vectors = Fixture.vectors(count: count, dimension: dimension, seed: UInt64(dimension))
        let moments = try #require(Fixture.moments(vectors.compactMap { SourceFeatures.raw($0) }))
        let features = try SourceFeatures(moments)
        let whitened = vectors.map { features.feature($0).map(Double.init) }
        // Sums released in Float are off by 2⁻²⁴ of the second moments; whitening divides that by the least variance.
        let least = try SymmetricEigen(moments.covariance, order: dimension).eigenvalues.first ?? 0
        let second = (0..<dimension).reduce(0.0) {
            $0 + moments.covariance[$1 * (dimension + 1)] + moments.mean[$1] * moments.mean[$1]
        }
        let tolerance = 8 * Double(dimension) * 0x1p-24 * (1 + second / least)
        #expect(tolerance < 1e-2)
        for row in 0..<dimension {
            let mean = whitened.reduce(0) { $0 + $1[row] } / Double(count)
            #expect(abs(mean) <= tolerance)
            for column in 0..<dimension {
                let covariance = whitened.reduce(0) { $0 + $1[row] * $1[column] } / Double(count)
                #expect(abs(covariance - (row == column ? 1 : 0)) <= tolerance)
            }
        }
    }

    @Test("A zero vector has the feature of the mean, zero")
    func zeroVector() throws {
        let features = try SourceFeatures(
            try #require(Fixture.moments(Fixture.vectors(count: 30, dimension: 3, seed: 1))))
        #expect(features.feature([0, 0, 0]) == [0, 0, 0])
    }

    @Test("Features stay finite where a direction has no variance")
    func degenerateCovariance() throws {
        let vectors: [[Float]] = (0..<20).map { [Float($0) / 20, 1, Float($0) / 20] }
        let features = try SourceFeatures(try #require(Fixture.moments(vectors)))
        #expect(vectors.allSatisfy { features.feature($0).allSatisfy { $0.isFinite && abs($0) < 1e4 } })
    }

    @Test("At full dimension coordinates give the vector back", arguments: [1, 4, 10])
    func roundTrip(dimension: Int) throws {
        let vectors = Fixture.vectors(count: 100, dimension: dimension, seed: 7)
        let basis = try TargetBasis(try #require(Fixture.moments(vectors)), dimension: dimension)
        #expect(basis.dimension == dimension)
        for vector in vectors {
            let back = basis.vector(basis.coordinates(vector))
            let size = vector.reduce(0.0) { $0 + abs(Double($1)) } + basis.mean.reduce(0.0) { $0 + abs(Double($1)) }
            for (value, expected) in zip(back, vector) {
                #expect(abs(Double(value) - Double(expected)) <= 4 * 0x1p-24 * Double(dimension) * size)
            }
        }
    }

    @Test("Coordinates are centred, uncorrelated and ordered by falling variance")
    func principalAxes() throws {
        let vectors = Fixture.vectors(count: 500, dimension: 6, seed: 8)
        let basis = try TargetBasis(try #require(Fixture.moments(vectors)), dimension: 4)
        #expect(basis.dimension == 4)
        let coordinates = vectors.map { basis.coordinates($0).map(Double.init) }
        var variances: [Double] = []
        for row in 0..<4 {
            #expect(abs(coordinates.reduce(0) { $0 + $1[row] } / 500) < 1e-5)
            for column in 0..<4 {
                let covariance = coordinates.reduce(0) { $0 + $1[row] * $1[column] } / 500
                if row == column { variances.append(covariance) } else { #expect(abs(covariance) < 1e-4) }
            }
        }
        #expect(variances == variances.sorted(by: >))
    }

    @Test("Coordinates of zero are the mean, and more axes than dimensions are not made")
    func meanVector() throws {
        let moments = try #require(Fixture.moments(Fixture.vectors(count: 40, dimension: 3, seed: 9)))
        let basis = try TargetBasis(moments, dimension: 5)
        #expect(basis.dimension == 3)
        #expect(basis.vector([0, 0, 0]) == basis.mean)
        #expect(basis.mean == moments.mean.map { Float($0) })
    }
}

@Suite("Feature map")
struct FeatureMapTests {
    /// Linked persons' features and coordinates with their released moments.
    struct Links {
        let features: [[Float]]
        let coordinates: [[Float]]
        let crossMoment: Matrix
        let sourceMoment: Matrix

        init(count: Int, features order: Int, outputs: Int, seed: UInt64) {
            var stream = RandomStream(root: seed, path: ["links"])
            let features = Fixture.vectors(count: count, dimension: order, seed: seed)
            let map = (0..<order * outputs).map { _ in stream.gaussian() }
            let coordinates: [[Float]] = features.map { feature in
                (0..<outputs).map { output in
                    let signal = (0..<order).reduce(0.0) { $0 + Double(feature[$1]) * map[$1 * outputs + output] }
                    return Float(signal + 0.5 * stream.gaussian())
                }
            }
            self.features = features
            self.coordinates = coordinates
            func moment(_ left: [[Float]], _ right: [[Float]]) -> Matrix {
                let (rows, columns) = (left[0].count, right[0].count)
                return Matrix(
                    rowCount: rows, columnCount: columns,
                    values: (0..<rows * columns).map { cell in
                        Float(
                            zip(left, right).reduce(0.0) {
                                $0 + Double($1.0[cell / columns]) * Double($1.1[cell % columns])
                            })
                    })
            }
            crossMoment = moment(features, coordinates)
            sourceMoment = moment(features, features)
        }
    }

    @Test(
        "With a source moment the map is the ridge regression of coordinates on features",
        arguments: [0, 0.03, 0.3, 3], [1, 2, 3] as [UInt64])
    func ridgeRegression(ridge: Double, seed: UInt64) throws {
        let (count, order, outputs) = (150, 5, 3)
        let links = Links(count: count, features: order, outputs: outputs, seed: seed)
        let map = try FeatureMap(
            crossMoment: links.crossMoment, sourceMoment: links.sourceMoment, count: Double(count), ridge: ridge)
        var normal = [[Double]](repeating: [Double](repeating: 0, count: order), count: order)
        var right = [[Double]](repeating: [Double](repeating: 0, count: order), count: outputs)
        for (feature, coordinate) in zip(links.features, links.coordinates) {
            for row in 0..<order {
                for column in 0..<order { normal[row][column] += Double(feature[row]) * Double(feature[column]) }
                for output in 0..<outputs { right[output][row] += Double(feature[row]) * Double(coordinate[output]) }
            }
        }
        for index in 0..<order { normal[index][index] += ridge * Double(count) }
        let expected = right.map { solveNaively(normal, $0) }
        for index in 0..<order {
            var unit = [Float](repeating: 0, count: order)
            unit[index] = 1
            let row = map.coordinates(unit)
            #expect(row.count == outputs)
            for output in 0..<outputs {
                // The map adds 10⁻⁶ n to the diagonal and works on moments in Float.
                let tolerance = 1e-4 * (1 + abs(expected[output][index]))
                #expect(abs(Double(row[output]) - expected[output][index]) <= tolerance)
            }
        }
    }

    @Test("Without a source moment the map is B / (n(1 + ρ))", arguments: [0, 0.1, 3])
    func whiteFeatures(ridge: Double) throws {
        let links = Links(count: 80, features: 4, outputs: 2, seed: 4)
        let map = try FeatureMap(crossMoment: links.crossMoment, sourceMoment: nil, count: 80, ridge: ridge)
        for index in 0..<4 {
            var unit = [Float](repeating: 0, count: 4)
            unit[index] = 1
            for (value, moment) in zip(map.coordinates(unit), links.crossMoment.row(index)) {
                let expected = Double(moment) / (80 * (1 + ridge))
                #expect(abs(Double(value) - expected) <= 4 * 0x1p-24 * abs(expected))
            }
        }
    }

    @Test("Without linked persons the map is zero", arguments: [true, false])
    func noLinks(hasSourceMoment: Bool) throws {
        let map = try FeatureMap(
            crossMoment: Matrix(rowCount: 2, columnCount: 3), sourceMoment: hasSourceMoment ? .identity(2) : nil,
            count: 0, ridge: 0.1)
        #expect(map.coordinates([1, 2]) == [0, 0, 0])
    }

    @Test("A lost source, a zero block of the moments, leaves the other source's map unchanged")
    func lostSource() throws {
        let links = Links(count: 100, features: 3, outputs: 2, seed: 5)
        let alone = try FeatureMap(
            crossMoment: links.crossMoment, sourceMoment: links.sourceMoment, count: 100, ridge: 0)
        var cross = Matrix(rowCount: 5, columnCount: 2)
        var source = Matrix(rowCount: 5, columnCount: 5)
        for row in 0..<3 {
            for column in 0..<2 { cross[row, column] = links.crossMoment[row, column] }
            for column in 0..<3 { source[row, column] = links.sourceMoment[row, column] }
        }
        let both = try FeatureMap(crossMoment: cross, sourceMoment: source, count: 100, ridge: 0)
        for (value, expected) in zip(both.coordinates([1, -2, 0.5, 3, 4]), alone.coordinates([1, -2, 0.5])) {
            #expect(abs(value - expected) <= 1e-5 * (1 + abs(expected)))
        }
    }

    @Test("A source moment that is not positive definite is refused")
    func indefinite() {
        var moment = Matrix.identity(2)
        moment[1, 1] = -10
        #expect(throws: NumericsError.notPositiveDefinite(order: 2, pivot: 2)) {
            try FeatureMap(crossMoment: Matrix(rowCount: 2, columnCount: 1), sourceMoment: moment, count: 1, ridge: 0)
        }
    }
}
