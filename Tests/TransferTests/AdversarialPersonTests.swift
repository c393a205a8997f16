import Glibc
import Numerics
import Testing
import Transfer

@Suite("The adversarial game of persons")
struct AdversarialPersonTests {
    struct Setting: CustomTestStringConvertible, Sendable {
        let extractor: AdversarialMap
        let discriminator: AdversarialMap
        let decoder: AdversarialDecoder
        var testDescription: String { "\(extractor), \(discriminator), \(decoder)" }
    }

    static let settings = AdversarialFixture.maps.flatMap { extractor in
        [AdversarialMap.linear, .hidden(units: 3, activation: .tanh)].flatMap { discriminator in
            AdversarialDecoder.allCases.map {
                Setting(extractor: extractor, discriminator: discriminator, decoder: $0)
            }
        }
    }

    /// A random game of a few persons, and a slow twin of its losses.
    struct Fixture {
        let configuration: AdversarialConfiguration
        let game: AdversarialPersonGame
        let parameters: AdversarialPersonParameters
        let persons: [AdversarialPerson]

        init(_ setting: Setting, seed: UInt64, personCount: Int = 13) {
            var stream = RandomStream(root: seed, path: ["adversarial-persons"])
            var configuration = AdversarialConfiguration(dimension: 2 + stream.integer(below: 2))
            configuration.extractor = setting.extractor
            configuration.discriminator = setting.discriminator
            configuration.discriminatorSteps = 2
            configuration.roundCount = 40
            self.configuration = configuration
            let (sourceCount, targetCount) = (3 + stream.integer(below: 2), 2 + stream.integer(below: 2))
            game = AdversarialPersonGame(
                configuration, sourceCount: sourceCount, targetCount: targetCount, decoder: setting.decoder)
            let start = AdversarialParameters(game.shape, stream: RandomStream(root: seed, path: ["start"]))
            // Biases must not be zero, or their layout would not be tested.
            parameters = AdversarialPersonParameters(
                game: AdversarialParameters(
                    game.shape, extractor: start.extractor.map { $0 + 0.3 * stream.gaussian() },
                    discriminator: start.discriminator.map { $0 + 0.3 * stream.gaussian() }),
                decoders: (0..<game.decoderCount).map { _ in 0.5 * stream.gaussian() })
            var persons: [AdversarialPerson] = []
            for index in 0..<personCount {
                func row(_ count: Int) -> [Float] { (0..<count).map { _ in Float(stream.gaussian()) } }
                persons.append(
                    AdversarialPerson(
                        source: row(sourceCount), target: row(targetCount), coordinates: row(targetCount),
                        isHeldOut: index % 4 == 3))
            }
            self.persons = persons
        }

        func sums(
            _ persons: [AdversarialPerson], at parameters: AdversarialPersonParameters, of part: AdversarialPart = .both
        ) -> AdversarialPersonGradient {
            persons.reduce(into: AdversarialPersonGradient(game)) {
                $0.add(game.gradient(of: $1, at: parameters, part: part))
            }
        }

        private func affine(_ values: ArraySlice<Double>, _ input: [Double], _ count: Int) -> [Double] {
            let weights = Array(values)
            return (0..<count).map { output in
                input.indices.reduce(weights[input.count * count + output]) {
                    $0 + input[$1] * weights[$1 * count + output]
                }
            }
        }

        private func network(_ map: AdversarialMap, _ values: [Double], _ input: [Double], _ count: Int) -> [Double] {
            guard case .hidden(let units, let activation) = map else { return affine(values[...], input, count) }
            let inner = affine(values[..<((input.count + 1) * units)], input, units)
                .map { activation == .tanh ? tanh($0) : max($0, 0) }
            return affine(values[((input.count + 1) * units)...], inner, count)
        }

        private func features(_ person: AdversarialPerson, _ isSource: Bool, _ at: AdversarialPersonParameters)
            -> [Double]
        {
            let zeros = { (count: Int) in [Double](repeating: 0, count: count) }
            let input =
                isSource
                ? person.source.map(Double.init) + zeros(game.targetCount)
                : zeros(game.sourceCount) + person.target.map(Double.init)
            return network(configuration.extractor, at.game.extractor, input, game.shape.dimension)
        }

        /// L_dom from the probabilities themselves.
        func domainLoss(_ at: AdversarialPersonParameters) -> Double {
            let kept = persons.filter { !$0.isHeldOut }
            return [true, false].reduce(0) { sum, isSource in
                let logs = kept.map { person in
                    let logit = network(
                        configuration.discriminator, at.game.discriminator, features(person, isSource, at), 1)[0]
                    let probability = 1 / (1 + exp(-logit))
                    return log(isSource ? probability : 1 - probability)
                }
                return sum - 0.5 * logs.reduce(0, +) / Double(kept.count)
            }
        }

        /// The decoders' loss a person.
        func decoderLoss(_ at: AdversarialPersonParameters, decoder: AdversarialDecoder) -> Double {
            let split = (game.shape.dimension + 1) * game.sourceCount
            func error(_ values: ArraySlice<Double>, _ input: [Double], _ wanted: [Float]) -> Double {
                zip(affine(values, input, wanted.count), wanted).reduce(0) {
                    $0 + 0.5 * ($1.0 - Double($1.1)) * ($1.0 - Double($1.1)) / Double(wanted.count)
                }
            }
            return persons.reduce(0) { sum, person in
                let (source, target) = (features(person, true, at), features(person, false, at))
                return sum + error(at.decoders[..<split], source, person.source)
                    + error(at.decoders[split...], target, person.coordinates)
                    + (decoder == .linked ? error(at.decoders[split...], source, person.coordinates) : 0)
            } / Double(persons.count)
        }
    }

    @Test("Both losses are those of a slow twin", arguments: settings)
    func losses(_ setting: Setting) throws {
        for seed in 0..<4 as Range<UInt64> {
            let fixture = Fixture(setting, seed: seed)
            let average = try #require(
                AdversarialAverage(fixture.sums(fixture.persons, at: fixture.parameters), reversal: 1))
            #expect(abs(average.domainLoss - fixture.domainLoss(fixture.parameters)) < 1e-12, "seed \(seed)")
            let expected = fixture.decoderLoss(fixture.parameters, decoder: setting.decoder)
            #expect(abs(average.preferenceLoss - expected) < 1e-12 * max(1, expected), "seed \(seed)")
        }
    }

    @Test("The gradients of G, D and the decoders are the central differences of their objectives", arguments: settings)
    func gradients(_ setting: Setting) throws {
        for seed in 0..<3 as Range<UInt64> {
            let fixture = Fixture(setting, seed: seed)
            let (shape, start) = (fixture.game.shape, fixture.parameters)
            let reversal = 1.7
            let sums = fixture.sums(fixture.persons, at: start)
            let average = try #require(AdversarialAverage(sums, reversal: reversal))
            let ofD = try AdversarialGradientTests.differences(start.game.discriminator) { values in
                fixture.domainLoss(
                    AdversarialPersonParameters(
                        game: AdversarialParameters(
                            shape, extractor: start.game.extractor, discriminator: values), decoders: start.decoders))
            }
            #expect(MetaFixture.deviation(average.discriminator, ofD) < 1e-6, "seed \(seed)")
            let ofG = try AdversarialGradientTests.differences(start.game.extractor) { values in
                let moved = AdversarialPersonParameters(
                    game: AdversarialParameters(
                        shape, extractor: values, discriminator: start.game.discriminator), decoders: start.decoders)
                return fixture.decoderLoss(moved, decoder: setting.decoder) - reversal * fixture.domainLoss(moved)
            }
            #expect(MetaFixture.deviation(average.extractor, ofG) < 1e-6, "seed \(seed)")
            let ofH = try AdversarialGradientTests.differences(start.decoders) { values in
                fixture.decoderLoss(
                    AdversarialPersonParameters(game: start.game, decoders: values), decoder: setting.decoder)
            }
            let mean = sums.decoders.map { $0 / Double(fixture.persons.count) }
            #expect(MetaFixture.deviation(mean, ofH) < 1e-6, "seed \(seed)")
        }
    }

    @Test("The gradient of D alone is that of D in both, and moves nothing else")
    func discriminatorOnly() throws {
        for seed in 0..<6 as Range<UInt64> {
            let fixture = Fixture(Self.settings[Int(seed) * 2], seed: seed)
            let both = fixture.sums(fixture.persons, at: fixture.parameters)
            let only = fixture.sums(fixture.persons, at: fixture.parameters, of: .discriminator)
            #expect(only.discriminator == both.discriminator && only.rowCount == both.rowCount)
            #expect(only.discriminator.contains { $0 != 0 } && only.personCount == 0)
            #expect((only.confusion + only.preference + only.decoders).allSatisfy { $0 == 0 })
            var moved = fixture.parameters
            var optimizer = AdversarialPersonOptimizer(fixture.configuration, fixture.game)
            #expect(fixture.configuration.part(ofExchange: 0) == .discriminator)
            #expect(optimizer.step(&moved, only, exchange: 0) != nil)
            #expect(moved.game.extractor == fixture.parameters.game.extractor)
            #expect(moved.decoders == fixture.parameters.decoders)
            #expect(moved.game.discriminator != fixture.parameters.game.discriminator)
        }
    }

    @Test("One step on the sums of many clients is the step on all persons in one place", arguments: settings)
    func pooled(_ setting: Setting) throws {
        for seed in 0..<3 as Range<UInt64> {
            let fixture = Fixture(setting, seed: seed, personCount: 17)
            let shards = (0..<4).map { shard in
                fixture.persons.indices.filter { ($0 * 7 + 1) % 4 == shard }.map { fixture.persons[$0] }
            }
            var (federated, pooled) = (fixture.parameters, fixture.parameters)
            var first = AdversarialPersonOptimizer(fixture.configuration, fixture.game)
            var second = first
            for exchange in 0..<20 {
                let part = fixture.configuration.part(ofExchange: exchange)
                var sum = AdversarialPersonGradient(fixture.game)
                // Whatever the order in which clients answer.
                for shard in exchange % 2 == 0 ? shards : shards.reversed() {
                    sum.add(fixture.sums(shard, at: federated, of: part))
                }
                #expect(first.step(&federated, sum, exchange: exchange) != nil)
                second.step(&pooled, fixture.sums(fixture.persons, at: pooled, of: part), exchange: exchange)
            }
            #expect(MetaFixture.deviation(federated.game.extractor, pooled.game.extractor) < 1e-10, "seed \(seed)")
            #expect(MetaFixture.deviation(federated.game.discriminator, pooled.game.discriminator) < 1e-10)
            #expect(MetaFixture.deviation(federated.decoders, pooled.decoders) < 1e-10, "seed \(seed)")
            #expect(MetaFixture.deviation(federated.decoders, fixture.parameters.decoders) > 1e-2)
        }
    }

    @Test("Held-out persons train the decoders, and neither D nor what reverses it")
    func heldOut() throws {
        let fixture = Fixture(Self.settings[0], seed: 5)
        for person in fixture.persons {
            let gradient = fixture.game.gradient(of: person, at: fixture.parameters)
            let isSeen = (gradient.discriminator + gradient.confusion).contains { $0 != 0 }
            #expect(isSeen != person.isHeldOut && gradient.rowCount == (person.isHeldOut ? 0 : 1))
            #expect(gradient.decoders.contains { $0 != 0 } && gradient.personCount == 1)
            #expect((0...2).contains(fixture.game.correctCount(of: person, at: fixture.parameters)))
        }
    }

    @Test("The moments of features follow from an affine G over white rows; a hidden layer has none")
    func moments() throws {
        for setting in Self.settings {
            let fixture = Fixture(setting, seed: 3)
            let found = fixture.game.moments(.target, at: fixture.parameters)
            #expect((found == nil) == (setting.extractor != .linear))
            guard let found else { continue }
            // ± √n times each axis is a white sample.
            let count = fixture.game.targetCount
            let rows = (0..<2 * count).map { index -> [Float] in
                var row = [Float](repeating: 0, count: fixture.game.sourceCount + count)
                row[fixture.game.sourceCount + index / 2] =
                    Float(Double(count).squareRoot()) * (index % 2 == 0 ? 1 : -1)
                return row
            }
            let features = fixture.parameters.game.features(
                of: Matrix(rowCount: rows.count, columnCount: rows[0].count, values: rows.flatMap { $0 }))
            let dimension = features.columnCount
            let mean = (0..<dimension).map { column in
                (0..<rows.count).reduce(0.0) { $0 + Double(features[$1, column]) } / Double(rows.count)
            }
            #expect(MetaFixture.deviation(mean, found.mean) < 1e-5)
            let covariance = (0..<dimension * dimension).map { index in
                let (first, second) = (index / dimension, index % dimension)
                return (0..<rows.count).reduce(0.0) {
                    $0 + (Double(features[$1, first]) - mean[first]) * (Double(features[$1, second]) - mean[second])
                } / Double(rows.count)
            }
            #expect(MetaFixture.deviation(covariance, found.covariance) < 1e-5)
        }
    }

    /// Persons whose target coordinates are a rotation of their source features and some noise.
    private static func world(_ count: Int, seed: UInt64) -> [AdversarialPerson] {
        var stream = RandomStream(root: seed, path: ["persons"])
        return (0..<count).map { index in
            let source = (0..<3).map { _ in Float(stream.gaussian()) }
            let target = [source[1], -source[2]].map { 0.9 * $0 + 0.4 * Float(stream.gaussian()) }
            return AdversarialPerson(source: source, target: target, coordinates: target, isHeldOut: index % 5 == 0)
        }
    }

    /// The mean squared error of target coordinates that a trained game tells from sources, and D's loss.
    private func trained(
        _ decoder: AdversarialDecoder, reversal: Double, isShuffled: Bool = false
    ) throws -> (error: Double, domainLoss: Double) {
        var configuration = AdversarialConfiguration(dimension: 3)
        (configuration.reversal, configuration.roundCount, configuration.discriminatorSteps) = (reversal, 150, 4)
        let game = AdversarialPersonGame(configuration, sourceCount: 3, targetCount: 2, decoder: decoder)
        var training = Self.world(300, seed: 1)
        if isShuffled {
            training = training.indices.map {
                AdversarialPerson(
                    source: training[($0 + 7) % 300].source, target: training[$0].target,
                    coordinates: training[$0].coordinates, isHeldOut: training[$0].isHeldOut)
            }
        }
        var parameters = AdversarialPersonParameters(
            game: AdversarialParameters(game.shape, stream: RandomStream(root: 2, path: ["start"])),
            decoders: [Double](repeating: 0, count: game.decoderCount))
        var optimizer = AdversarialPersonOptimizer(configuration, game)
        var loss = 0.0
        for exchange in 0..<configuration.exchangeCount {
            let part = configuration.part(ofExchange: exchange)
            let sums = training.reduce(into: AdversarialPersonGradient(game)) {
                $0.add(game.gradient(of: $1, at: parameters, part: part))
            }
            loss = try #require(optimizer.step(&parameters, sums, exchange: exchange)).domainLoss
        }
        let test = Self.world(400, seed: 9)
        let error = test.reduce(0.0) { sum, person in
            zip(game.coordinates(ofSource: person.source, at: parameters), person.coordinates).reduce(sum) {
                $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
            }
        }
        return (error / Double(2 * test.count), loss)
    }

    @Test(
        "A decoder of linked persons tells the target from the source, shuffled links do not, and the adversary is felt"
    )
    func learns() throws {
        // The variance of a coordinate is 0.97, of its noise 0.16.
        let with = try trained(.linked, reversal: 1)
        let without = try trained(.linked, reversal: 0)
        #expect(without.error < 0.2 && with.error < 0.35, "\(without), \(with)")
        #expect(try trained(.linked, reversal: 0, isShuffled: true).error > 0.8)
        // Sources and targets of decoded features differ in spread alone, which D has to see.
        #expect(with.domainLoss > without.domainLoss, "\(without), \(with)")
    }
}
