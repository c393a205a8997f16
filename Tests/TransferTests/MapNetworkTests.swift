import Glibc
import Numerics
import Testing
import Transfer

@Suite("Networks that map features to coordinates")
struct MapNetworkTests {
    /// A random network with persons, and its loss written out.
    struct Case {
        let (features, units, outputs): (Int, Int, Int)
        let values: [Double]
        let persons: [(feature: [Float], coordinates: [Float])]

        init(seed: UInt64, scale: Double = 0.8, personCount: Int = 7) {
            var stream = RandomStream(root: seed, path: ["map-network"])
            (features, units, outputs) = (
                1 + stream.integer(below: 5), 1 + stream.integer(below: 6), 1 + stream.integer(below: 4)
            )
            values = (0..<(features + 1) * units + (units + 1) * outputs).map { _ in scale * stream.gaussian() }
            let sizes = (features, outputs)
            persons = (0..<personCount).map { _ in
                (
                    (0..<sizes.0).map { _ in Float(stream.gaussian()) },
                    (0..<sizes.1).map { _ in Float(stream.gaussian()) }
                )
            }
        }

        func network(_ values: [Double]) throws -> MapNetwork {
            try #require(MapNetwork(values: values, featureCount: features, unitCount: units, dimension: outputs))
        }

        /// Σ ½‖W₂ᵀ tanh(W₁ᵀf + b₁) + b₂ − t‖².
        func loss(_ values: [Double]) -> Double {
            let (biases, second) = (features * units, (features + 1) * units)
            let last = second + units * outputs
            return persons.reduce(0.0) { sum, person in
                let hidden = (0..<units).map { unit in
                    tanh(
                        (0..<features).reduce(values[biases + unit]) {
                            $0 + values[$1 * units + unit] * Double(person.feature[$1])
                        })
                }
                return (0..<outputs).reduce(sum) { sum, output in
                    let value = (0..<units).reduce(values[last + output]) {
                        $0 + values[second + $1 * outputs + output] * hidden[$1]
                    }
                    let rest = value - Double(person.coordinates[output])
                    return sum + rest * rest / 2
                }
            }
        }

        func gradient(_ range: Range<Int>? = nil) throws -> [Double] {
            let network = try network(values)
            var sum = [Double](repeating: 0, count: values.count)
            for person in persons[range ?? 0..<persons.count] {
                let part = network.gradient(feature: person.feature, coordinates: person.coordinates)
                for index in sum.indices { sum[index] += part[index] }
            }
            return sum
        }
    }

    @Test("The loss and the coordinates are those of the formula")
    func loss() throws {
        for seed in 0..<20 as Range<UInt64> {
            let fixture = Case(seed: seed)
            let network = try fixture.network(fixture.values)
            let sum = fixture.persons.reduce(0.0) {
                $0 + network.loss(feature: $1.feature, coordinates: $1.coordinates)
            }
            #expect(abs(sum - fixture.loss(fixture.values)) < 1e-12 * max(1, sum), "seed \(seed)")
            #expect(network.parameterCount == fixture.values.count)
            let person = fixture.persons[0]
            let rest = zip(FeatureMap(network).coordinates(person.feature), person.coordinates).reduce(0.0) {
                $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) / 2
            }
            #expect(abs(rest - network.loss(feature: person.feature, coordinates: person.coordinates)) < 1e-5)
        }
    }

    /// At zero, at ordinary values and where tanh is nearly flat.
    @Test("The gradient is the central differences of the loss", arguments: [0, 0.8, 6])
    func gradients(scale: Double) throws {
        for seed in 0..<10 as Range<UInt64> {
            let fixture = Case(seed: seed, scale: scale)
            let expected = try AdversarialGradientTests.differences(fixture.values) { fixture.loss($0) }
            let deviation = MetaFixture.deviation(try fixture.gradient(), expected)
            #expect(deviation < 1e-6, "seed \(seed): \(deviation)")
        }
    }

    @Test("Sums of gradients over parts of the persons are those over all of them")
    func parts() throws {
        for seed in 0..<10 as Range<UInt64> {
            let fixture = Case(seed: seed)
            let (first, second) = (try fixture.gradient(0..<3), try fixture.gradient(3..<7))
            let sum = zip(first, second).map { $0 + $1 }
            #expect(MetaFixture.deviation(sum, try fixture.gradient()) < 1e-14, "seed \(seed)")
        }
    }

    @Test("Parameters of another size or without a value are no network")
    func refusals() {
        func network(_ parameters: [Float]) -> MapNetwork? {
            MapNetwork(parameters: parameters, featureCount: 2, unitCount: 3, dimension: 1)
        }
        #expect(network([Float](repeating: 0, count: 13)) != nil)
        #expect(network([Float](repeating: 0, count: 12)) == nil)
        #expect(network([Float](repeating: 0, count: 12) + [.nan]) == nil)
    }
}
