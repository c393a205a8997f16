import Glibc
import Numerics
import Ratings
import Testing
import Transfer

@Suite("Adversarial training")
struct AdversarialTrainingTests {
    /// The rows of a matrix in the given order.
    static func rows(_ matrix: Matrix, _ order: [Int]) -> Matrix {
        Matrix(
            rowCount: order.count, columnCount: matrix.columnCount, values: order.flatMap { Array(matrix.row($0)) })
    }

    /// The persons of a pattern in the given order.
    static func persons(_ pattern: SparseRows, _ order: [Int]) -> SparseRows {
        var starts = [0]
        var columns: [UInt32] = []
        for person in order {
            columns += pattern.row(person)
            starts.append(columns.count)
        }
        return SparseRows(starts: starts, columns: columns, columnCount: pattern.columnCount)
    }

    /// The clients of each domain with its rows or persons dealt out to three: rows where nobody has ratings, persons
    /// where a client needs the whole catalogue.
    static func shards(_ fixture: AdversarialFixture) -> [AdversarialClient] {
        AdversarialDomain.allCases.flatMap { domain -> [AdversarialClient] in
            let index = domain.rawValue
            return (0..<3).map { shard in
                if let interactions = fixture.interactions[index] {
                    return AdversarialClient(
                        fixture.configuration, domain: domain, rows: fixture.rows[index], bins: fixture.bins[index],
                        isHeldOut: fixture.isHeldOut[index],
                        interactions: persons(
                            interactions, (0..<interactions.rowCount).filter { $0 % 3 == shard }))
                }
                let own = (0..<fixture.rows[index].rowCount).filter { $0 % 3 == shard }
                return AdversarialClient(
                    fixture.configuration, domain: domain, rows: rows(fixture.rows[index], own),
                    bins: own.map { fixture.bins[index][$0] }, isHeldOut: own.map { fixture.isHeldOut[index][$0] })
            }
        }
    }

    @Test(
        "A step on the sums of many clients is the step on the pooled data",
        arguments: AdversarialGradientTests.settings)
    func pooled(_ setting: AdversarialGradientTests.Setting) throws {
        for seed in 0..<4 as Range<UInt64> {
            let fixture = setting.fixture(seed: seed)
            let shards = Self.shards(fixture)
            var federated = fixture.parameters
            var pooled = fixture.parameters
            var first = AdversarialOptimizer(fixture.configuration, fixture.shape)
            var second = first
            for exchange in 0..<20 {
                let part = fixture.configuration.part(ofExchange: exchange)
                let progress = fixture.configuration.progress(atExchange: exchange)
                let reversal = fixture.configuration.reversal(at: progress)
                let sums = try shards.map { try $0.gradient(at: federated, of: part) }
                // Gradients are compared at the same parameters: Adam amplifies rounding where a gradient is near zero.
                let here = try #require(AdversarialAverage(sums, reversal: reversal))
                let there = try #require(try fixture.average(federated, reversal: reversal, of: part))
                #expect(MetaFixture.deviation(here.discriminator, there.discriminator) < 1e-12, "seed \(seed)")
                if part == .both {
                    #expect(MetaFixture.deviation(here.extractor, there.extractor) < 1e-12, "seed \(seed)")
                }
                let centre = try #require(try fixture.average(pooled, reversal: reversal, of: part))
                first.step(&federated, here, of: part, progress: progress)
                second.step(&pooled, centre, of: part, progress: progress)
            }
            #expect(MetaFixture.deviation(federated.extractor, pooled.extractor) < 1e-12, "seed \(seed)")
            #expect(MetaFixture.deviation(federated.discriminator, pooled.discriminator) < 1e-12, "seed \(seed)")
            #expect(MetaFixture.deviation(federated.extractor, fixture.parameters.extractor) > 1e-3)
        }
    }

    @Test("Domains have equal weights however many rows they have")
    func equalWeights() throws {
        let fixture = AdversarialFixture(
            extractor: .linear, discriminator: .hidden(units: 4, activation: .tanh), binCount: 1, seed: 2)
        let source = try fixture.clients[0].gradient(at: fixture.parameters)
        let target = try fixture.clients[1].gradient(at: fixture.parameters)
        let once = try #require(AdversarialAverage([source, target], reversal: 2))
        let often = try #require(AdversarialAverage([source, target, target, target], reversal: 2))
        #expect(MetaFixture.deviation(once.extractor, often.extractor) < 1e-14)
        #expect(MetaFixture.deviation(once.discriminator, often.discriminator) < 1e-14)
        #expect(AdversarialAverage([source, source], reversal: 1) == nil)
        #expect(AdversarialAverage([AdversarialGradient(fixture.shape, domain: .target), source], reversal: 1) == nil)
    }

    @Test("The reversal rises from 0 to its maximum as the published schedule says")
    func schedule() {
        var configuration = AdversarialConfiguration(dimension: 2)
        configuration.reversal = 3
        configuration.roundCount = 4
        configuration.discriminatorSteps = 3
        #expect(configuration.reversal(at: 0) == 0)
        // 2 / (1 + e⁻¹) − 1 = tanh ½ and 2 / (1 + e⁻⁵) − 1 = tanh 5/2.
        #expect(abs(configuration.reversal(at: 0.1) - 3 * 0.462_117_157_260_009_76) < 1e-14)
        #expect(abs(configuration.reversal(at: 0.5) - 3 * 0.986_614_298_151_430_3) < 1e-14)
        #expect(configuration.reversal(at: 1) < 3 && configuration.reversal(at: 1) > 2.999)
        #expect(configuration.exchangeCount == 12)
        #expect((0..<12).map { configuration.part(ofExchange: $0) == .both }.filter { $0 }.count == 4)
        #expect(configuration.part(ofExchange: 2) == .both && configuration.part(ofExchange: 3) == .discriminator)
        #expect((0..<12).map { configuration.progress(atExchange: $0) }.prefix(4) == [0, 0, 0, 0.25])
    }

    @Test("A conditional discriminator tells domains apart that differ only within bins")
    func conditional() throws {
        // x = ±1 with the sign of the bin in the source and against it in the target: the same mixture without bins.
        var accuracies: [Double] = []
        for binCount in [1, 2] {
            var configuration = AdversarialConfiguration(dimension: 1)
            configuration.discriminator = .linear
            configuration.binCount = binCount
            let shape = AdversarialShape(configuration, inputCount: 1)
            var parameters = AdversarialParameters(
                shape, extractor: [1, 0], discriminator: [Double](repeating: 0, count: shape.discriminatorCount))
            let clients = AdversarialDomain.allCases.map { domain in
                let bins = (0..<20).map { $0 % 2 }
                return AdversarialClient(
                    configuration, domain: domain,
                    rows: Matrix(
                        rowCount: 20, columnCount: 1,
                        values: bins.map { Float(2 * $0 - 1) * (domain == .source ? 1 : -1) }),
                    bins: binCount == 1 ? [] : bins)
            }
            var optimizer = AdversarialOptimizer(configuration, shape)
            var accuracy = 0.0
            for _ in 0..<50 {
                let sums = try clients.map { try $0.gradient(at: parameters, of: .discriminator) }
                let average = try #require(AdversarialAverage(sums, reversal: 0))
                accuracy = average.accuracy
                optimizer.step(&parameters, average, of: .discriminator, progress: 0)
            }
            #expect(parameters.extractor == [1, 0])
            accuracies.append(accuracy)
        }
        #expect(accuracies[0] <= 0.5 && accuracies[1] == 1, "\(accuracies)")
    }

    @Test("Training is a function of the settings and the stream alone")
    func determinism() throws {
        let fixture = AdversarialFixture(
            extractor: .hidden(units: 5, activation: .tanh), discriminator: .hidden(units: 4, activation: .relu),
            binCount: 2, seed: 5)
        func trained(_ root: UInt64) throws -> AdversarialParameters {
            var parameters = AdversarialParameters(fixture.shape, stream: RandomStream(root: root, path: ["start"]))
            var optimizer = AdversarialOptimizer(fixture.configuration, fixture.shape)
            for exchange in 0..<30 {
                let part = fixture.configuration.part(ofExchange: exchange)
                let average = try #require(try fixture.average(parameters, reversal: 1, of: part))
                optimizer.step(&parameters, average, of: part, progress: 0)
            }
            return parameters
        }
        #expect(try trained(1) == trained(1))
        #expect(try trained(1) != trained(2))
    }

    @Test("Tensors keep the parameters, and wrong ones are refused")
    func tensors() throws {
        let fixture = AdversarialGradientTests.settings[11].fixture(seed: 1)
        let tensors = fixture.parameters.tensors
        let again = try #require(AdversarialParameters(fixture.shape, tensors: tensors))
        #expect(again.tensors == tensors)
        var bad = tensors.discriminator
        bad[0] = .nan
        #expect(
            AdversarialParameters(
                fixture.shape, tensors: AdversarialTensors(extractor: tensors.extractor, discriminator: bad)) == nil)
        bad.removeLast()
        #expect(
            AdversarialParameters(
                fixture.shape, tensors: AdversarialTensors(extractor: tensors.extractor, discriminator: bad)) == nil)
        let fresh = fixture.parameters.withFreshDiscriminator(stream: RandomStream(root: 1, path: ["fresh"]))
        #expect(fresh.extractor == fixture.parameters.extractor)
        #expect(fresh.discriminator != fixture.parameters.discriminator)
    }

    @Test("The orthogonality of the last layer falls to zero where nothing else pulls")
    func orthogonality() throws {
        for map in AdversarialFixture.maps {
            var configuration = AdversarialConfiguration(dimension: 3)
            configuration.extractor = map
            configuration.extractorDecay = 0
            let shape = AdversarialShape(configuration, inputCount: 5)
            var parameters = AdversarialParameters(shape, stream: RandomStream(root: 1, path: ["start"]))
            var optimizer = AdversarialOptimizer(configuration, shape)
            let clients = AdversarialDomain.allCases.map {
                AdversarialClient(configuration, domain: $0, rows: Matrix(rowCount: 2, columnCount: 5))
            }
            let none = try #require(
                AdversarialAverage(try clients.map { try $0.gradient(at: parameters) }, reversal: 0))
            for round in 0..<400 { optimizer.step(&parameters, none, of: .both, progress: Double(round) / 400) }
            let range = map == .linear ? shape.extractorWeights : shape.extractorOutputWeights
            let weights = Matrix(
                rowCount: range.count / 3, columnCount: 3, values: parameters.extractor[range].map { Float($0) })
            for (value, unit) in zip(weights.gram.values, Matrix.identity(3).values) {
                #expect(abs(value - unit) < 1e-2, "\(map)")
            }
        }
    }
}
