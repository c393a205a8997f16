import Glibc
import Numerics
import Ratings
import TestSupport
import Testing
import Transfer

@Suite("Adversarial gradients")
struct AdversarialGradientTests {
    struct Setting: CustomTestStringConvertible, Sendable {
        let extractor: AdversarialMap
        let discriminator: AdversarialMap
        let binCount: Int
        var testDescription: String { "\(extractor), \(discriminator), \(binCount) bins" }

        func fixture(seed: UInt64) -> AdversarialFixture {
            AdversarialFixture(extractor: extractor, discriminator: discriminator, binCount: binCount, seed: seed)
        }
    }

    static let settings = AdversarialFixture.maps.flatMap { extractor in
        AdversarialFixture.maps.flatMap { discriminator in
            [1, 3].map { Setting(extractor: extractor, discriminator: discriminator, binCount: $0) }
        }
    }

    /// Central differences by Richardson's extrapolation of two widths.
    static func differences(_ values: [Double], _ loss: ([Double]) throws -> Double) throws -> [Double] {
        try values.indices.map { index in
            let slopes = try [2e-5, 1e-5].map { width in
                let ends = try [1.0, -1].map { sign in
                    var moved = values
                    moved[index] += sign * width
                    return try loss(moved)
                }
                return (ends[0] - ends[1]) / (2 * width)
            }
            return (4 * slopes[1] - slopes[0]) / 3
        }
    }

    @Test("Both losses are those of a slow twin", arguments: settings)
    func losses(_ setting: Setting) throws {
        for seed in 0..<4 as Range<UInt64> {
            let fixture = setting.fixture(seed: seed)
            let average = try #require(try fixture.average(fixture.parameters, reversal: 1))
            #expect(abs(average.domainLoss - fixture.domainLoss(fixture.parameters)) < 1e-12, "seed \(seed)")
            let preference = fixture.preferenceLoss(fixture.parameters, solve: solveNaively)
            #expect(abs(average.preferenceLoss - preference) < 1e-11 * preference, "seed \(seed)")
        }
    }

    @Test("Both gradients are the central differences of their objectives", arguments: settings)
    func gradients(_ setting: Setting) throws {
        for seed in 0..<3 as Range<UInt64> {
            let fixture = setting.fixture(seed: seed)
            let (shape, start) = (fixture.shape, fixture.parameters)
            let reversal = 1.7
            let average = try #require(try fixture.average(start, reversal: reversal))
            let ofD = try Self.differences(start.discriminator) { values in
                fixture.domainLoss(
                    AdversarialParameters(shape, extractor: start.extractor, discriminator: values))
            }
            #expect(MetaFixture.deviation(average.discriminator, ofD) < 1e-6, "seed \(seed)")
            let ofG = try Self.differences(start.extractor) { values in
                let moved = AdversarialParameters(shape, extractor: values, discriminator: start.discriminator)
                return fixture.preferenceLoss(moved, solve: solveNaively) - reversal * fixture.domainLoss(moved)
            }
            #expect(MetaFixture.deviation(average.extractor, ofG) < 1e-6, "seed \(seed)")
        }
    }

    @Test("The gradient of D alone is that of D in both, and leaves G")
    func discriminatorOnly() throws {
        for seed in 0..<10 as Range<UInt64> {
            let fixture = Self.settings[Int(seed)].fixture(seed: seed)
            let both = try #require(try fixture.average(fixture.parameters, reversal: 1))
            let only = try #require(try fixture.average(fixture.parameters, reversal: 1, of: .discriminator))
            #expect(only.discriminator == both.discriminator && only.domainLoss == both.domainLoss)
            #expect(only.extractor.allSatisfy { $0 == 0 } && both.extractor.contains { $0 != 0 })
        }
    }

    @Test("Losses and slopes are finite at logits of any size")
    func extremes() throws {
        var fixture = AdversarialFixture(extractor: .linear, discriminator: .linear, binCount: 1, seed: 3)
        for scale in [1e3, 1e6, 1e150] {
            let huge = AdversarialParameters(
                fixture.shape, extractor: fixture.parameters.extractor,
                discriminator: fixture.parameters.discriminator.map { scale * $0 })
            let average = try #require(try fixture.average(huge, reversal: 1))
            #expect(average.domainLoss.isFinite && average.domainLoss > scale * 1e-3)
            #expect(average.discriminator.allSatisfy { $0.isFinite } && average.extractor.allSatisfy { $0.isFinite })
        }
        fixture = AdversarialFixture(extractor: .linear, discriminator: .linear, binCount: 1, seed: 4)
        let zero = AdversarialParameters(
            fixture.shape, extractor: fixture.parameters.extractor,
            discriminator: fixture.parameters.discriminator.map { _ in 0 })
        let average = try #require(try fixture.average(zero, reversal: 1))
        #expect(abs(average.domainLoss - log(2.0)) < 1e-15)
        #expect(average.accuracy == 0)
    }

    @Test("A held-out row changes no gradient of the game", arguments: 0..<10)
    func heldOut(seed: UInt64) throws {
        let fixture = Self.settings[Int(seed)].fixture(seed: seed)
        let kept = fixture.isHeldOut[1].indices.filter { !fixture.isHeldOut[1][$0] }
        try #require(kept.count < fixture.isHeldOut[1].count || fixture.isHeldOut[1].contains(true) == false)
        let rows = Matrix(
            rowCount: kept.count, columnCount: fixture.rows[1].columnCount,
            values: kept.flatMap { fixture.rows[1].row($0) })
        let whole = AdversarialClient(
            fixture.configuration, domain: .target, rows: fixture.rows[1], bins: fixture.bins[1],
            isHeldOut: fixture.isHeldOut[1])
        let part = AdversarialClient(
            fixture.configuration, domain: .target, rows: rows, bins: kept.map { fixture.bins[1][$0] })
        let first = try whole.gradient(at: fixture.parameters)
        let second = try part.gradient(at: fixture.parameters)
        #expect(first.rowCount == kept.count && first.discriminator == second.discriminator)
        #expect(MetaFixture.deviation(first.confusion, second.confusion) < 1e-14)
        #expect(whole.heldOutCount(at: fixture.parameters).rowCount == fixture.rows[1].rowCount - kept.count)
    }

    @Test("A row that is left out counts for preferences alone: neither D nor the count of held-out rows has it")
    func leftOut() throws {
        let fixture = Self.settings[0].fixture(seed: 0)
        let rows = fixture.rows[1]
        let heldOut = rows.values.indices.prefix(rows.rowCount).map { $0 % 2 == 0 }
        let leftOut = heldOut.indices.map { $0 < 3 }
        let kept = heldOut.indices.filter { !leftOut[$0] }
        let whole = AdversarialClient(
            fixture.configuration, domain: .target, rows: rows, bins: fixture.bins[1], isHeldOut: heldOut,
            isLeftOut: leftOut)
        let part = AdversarialClient(
            fixture.configuration, domain: .target,
            rows: Matrix(
                rowCount: kept.count, columnCount: rows.columnCount, values: kept.flatMap { rows.row($0) }),
            bins: kept.map { fixture.bins[1][$0] }, isHeldOut: kept.map { heldOut[$0] })
        #expect(whole.heldOutCount(at: fixture.parameters) == part.heldOutCount(at: fixture.parameters))
        let first = try whole.gradient(at: fixture.parameters)
        let second = try part.gradient(at: fixture.parameters)
        #expect(first.rowCount == second.rowCount && first.discriminator == second.discriminator)
        #expect(first.domainLoss == second.domainLoss && first.rowCount < rows.rowCount)
    }
}
