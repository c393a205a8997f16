import Numerics
import Ratings
import TestSupport
import Testing
import Transfer

@Suite("Gradients of meta-learning")
struct MetaGradientTests {
    /// A case of the checks against differences.
    struct Case: CustomTestStringConvertible, Sendable {
        let variant: MetaVariant
        let loss: MetaLoss
        let steps: Int
        let pull: Double
        let isText: Bool
        var testDescription: String {
            "\(variant.rawValue), \(loss.rawValue), \(steps) steps, ℓ = \(pull), \(isText ? "text" : "factors")"
        }
        var configuration: MetaConfiguration {
            MetaConfiguration(variant: variant, loss: loss, innerSteps: steps, regularization: pull)
        }
    }

    static let exactCases: [Case] =
        [0, 1, 3].flatMap { steps in
            [0, 0.4].flatMap { pull in
                [
                    Case(variant: .maml, loss: .squared, steps: steps, pull: pull, isText: false),
                    Case(variant: .maml, loss: .squared, steps: steps, pull: pull, isText: true),
                    Case(variant: .maml, loss: .softmax, steps: steps, pull: pull, isText: false),
                    Case(variant: .maml, loss: .softmax, steps: steps, pull: pull, isText: true),
                ]
            }
        } + [
            Case(variant: .ridge, loss: .squared, steps: 0, pull: 0.5, isText: false),
            Case(variant: .ridge, loss: .squared, steps: 0, pull: 0.5, isText: true),
            Case(variant: .ridge, loss: .softmax, steps: 0, pull: 0.5, isText: false),
            Case(variant: .ridge, loss: .softmax, steps: 0, pull: 0.5, isText: true),
        ]

    @Test("An exact gradient equals central differences in every parameter", arguments: exactCases)
    func differences(_ example: Case) throws {
        for seed in UInt64(0)..<12 {
            // Supports of none to six items, below and above the dimensions.
            var fixture = MetaFixture(
                example.configuration, isText: example.isText, supportCount: Int(seed % 7), seed: seed)
            let gradient = try fixture.learner.gradient(of: fixture.task, at: fixture.parameters)
            let expected = try fixture.differences()
            #expect(gradient.personCount == 1)
            let loss = try fixture.learner.loss(fixture.task, at: fixture.parameters)
            #expect(gradient.lossSum == loss)
            let shape = fixture.parameters.shape
            for range in [shape.start, shape.featureMap, shape.logRate..<shape.logRate + 1, shape.tower] {
                let exact = Array(gradient.values[range])
                let differences = Array(expected[range])
                // A part that is zero, such as the rate's without a support, has no relative error.
                if exact.allSatisfy({ $0 == 0 }) {
                    #expect(differences.allSatisfy { abs($0) < 1e-9 }, "seed \(seed), \(range)")
                } else {
                    #expect(MetaFixture.deviation(exact, differences) < 1e-6, "seed \(seed), \(range)")
                }
            }
        }
    }

    @Test("The gradient of the rate and of the tower are not zero where they matter")
    func partsAreThere() throws {
        let configuration = MetaConfiguration(variant: .maml, loss: .squared, innerSteps: 2)
        var fixture = MetaFixture(configuration, isText: true, seed: 3)
        let gradient = try fixture.learner.gradient(of: fixture.task, at: fixture.parameters).values
        let shape = fixture.parameters.shape
        #expect(abs(gradient[shape.logRate]) > 1e-3)
        #expect(gradient[shape.tower].contains { abs($0) > 1e-3 })
        #expect(gradient[shape.featureMap].contains { abs($0) > 1e-3 })
    }

    @Test("One step of the squared loss follows the formulas written out")
    func oneStepByFormula() throws {
        for seed in UInt64(0)..<20 {
            var fixture = MetaFixture(
                MetaConfiguration(variant: .maml, loss: .squared, innerSteps: 1), featureCount: 0, seed: seed)
            let naive = NaiveTask(fixture)
            let start = Array(fixture.parameters.start)
            let rate = fixture.parameters.rate
            let adapted = naive.moved(start, by: -rate, along: naive.slope(naive.support, start))
            let slope = naive.slope(naive.query, adapted)
            let second = naive.curvature(naive.support, slope)
            let gradient = try fixture.learner.gradient(of: fixture.task, at: fixture.parameters)
            let expected = naive.moved(slope, by: -rate, along: second)
            #expect(MetaFixture.deviation(Array(gradient.values.prefix(start.count)), expected) < 1e-12, "seed \(seed)")
            let vector = try fixture.learner.exactlyAdapted(fixture.task, at: fixture.parameters)
            #expect(MetaFixture.deviation(vector, adapted) < 1e-12, "seed \(seed)")
        }
    }

    @Test("To first order the start's gradient is the query's at the adapted vector", arguments: MetaLoss.allCases)
    func firstOrder(_ loss: MetaLoss) throws {
        for seed in UInt64(0)..<10 {
            var first = MetaFixture(
                MetaConfiguration(variant: .fomaml, loss: loss, innerSteps: 3), featureCount: 2, seed: seed)
            let gradient = try first.learner.gradient(of: first.task, at: first.parameters)
            // The query's gradient at a vector is the plain gradient there, without a support.
            let shape = first.parameters.shape
            var values = first.parameters.values
            let adapted = try first.learner.exactlyAdapted(first.task, at: first.parameters)
            values.replaceSubrange(shape.start, with: adapted)
            let plain = try first.learner.gradient(
                of: MetaTask(support: .empty, query: first.task.query), at: MetaParameters(shape, values: values))
            let expected = Array(plain.values[shape.start])
            #expect(MetaFixture.deviation(Array(gradient.values[shape.start]), expected) < 1e-12, "seed \(seed)")
            for (row, feature) in first.task.feature.enumerated() {
                let offset = shape.featureMap.lowerBound + row * shape.factorCount
                let part = Array(gradient.values[offset..<offset + shape.factorCount])
                #expect(MetaFixture.deviation(part, expected.map { $0 * Double(feature) }) < 1e-12, "seed \(seed)")
            }
            // d loss/d log α with the inner gradients constant: the vector moves by adapted − start per unit of log α.
            let start = first.parameters.start(feature: first.task.feature)
            let rateGradient = zip(expected, zip(adapted, start)).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) }
            #expect(abs(gradient.values[shape.logRate] - rateGradient) < 1e-10 * (1 + abs(rateGradient)))
            // It is another gradient than the exact one.
            var exact = MetaFixture(
                MetaConfiguration(variant: .maml, loss: loss, innerSteps: 3), featureCount: 2, seed: seed)
            let second = try exact.learner.gradient(of: exact.task, at: exact.parameters)
            #expect(MetaFixture.deviation(gradient.values, second.values) > 1e-4, "seed \(seed)")
        }
    }

    @Test("Reptile's gradient is the start less the vector adapted to everything", arguments: MetaLoss.allCases)
    func reptile(_ loss: MetaLoss) throws {
        for seed in UInt64(0)..<10 {
            var fixture = MetaFixture(
                MetaConfiguration(variant: .reptile, loss: loss, innerSteps: 3, regularization: 0.1), seed: seed)
            let gradient = try fixture.learner.gradient(of: fixture.task, at: fixture.parameters)
            let shape = fixture.parameters.shape
            let start = fixture.parameters.start(feature: fixture.task.feature)
            let adapted = try fixture.learner.exactlyAdapted(fixture.task.merged, at: fixture.parameters)
            let difference = zip(start, adapted).map { $0 - $1 }
            #expect(Array(gradient.values[shape.start]) == difference, "seed \(seed)")
            #expect(gradient.values[shape.logRate] == 0)
            let squares = difference.reduce(0) { $0 + $1 * $1 }
            #expect(abs(gradient.lossSum - squares) <= 1e-14 * squares)
        }
    }

    @Test("With an inner rate of almost nothing the exact gradient is the plain one", arguments: MetaLoss.allCases)
    func noRate(_ loss: MetaLoss) throws {
        for seed in UInt64(0)..<10 {
            var fixture = MetaFixture(
                MetaConfiguration(variant: .maml, loss: loss, innerSteps: 3, regularization: 0.2),
                isText: true, rate: 1e-300, seed: seed)
            let gradient = try fixture.learner.gradient(of: fixture.task, at: fixture.parameters)
            let plain = MetaTask(support: .empty, query: fixture.task.query, feature: fixture.task.feature)
            let expected = try fixture.learner.gradient(of: plain, at: fixture.parameters)
            #expect(gradient.values.map { abs($0) < 1e-290 ? 0 : $0 } == expected.values, "seed \(seed)")
            let vector = try fixture.learner.adapted(fixture.task, at: fixture.parameters)
            let start = fixture.parameters.start(feature: fixture.task.feature)
            #expect(vector == start.map { Float($0) })
        }
    }

    @Test("A strong ridge leaves the start, a weak one fits the support")
    func ridgeEnds() throws {
        for seed in UInt64(0)..<10 {
            var fixture = MetaFixture(
                MetaConfiguration(variant: .ridge, loss: .squared, regularization: 1e12), seed: seed)
            let start = fixture.parameters.start(feature: fixture.task.feature)
            let held = try fixture.learner.exactlyAdapted(fixture.task, at: fixture.parameters)
            #expect(MetaFixture.deviation(held, start) < 1e-9)
            var weak = MetaFixture(
                MetaConfiguration(variant: .ridge, loss: .squared, regularization: 1e-9), supportCount: 1, seed: seed)
            let naive = NaiveTask(weak)
            let fitted = try weak.learner.exactlyAdapted(weak.task, at: weak.parameters)
            for (row, target) in zip(naive.support.rows, naive.support.targets) {
                #expect(abs(zip(row, fitted).reduce(0) { $0 + $1.0 * $1.1 } - target) < 1e-6, "seed \(seed)")
            }
        }
    }

    @Test("The ridge regression solves (GᵀG + ℓI) p = Gᵀr + ℓ·start, for any support", arguments: 0..<9)
    func ridgeSystem(supportCount: Int) throws {
        let seed = UInt64(100 + supportCount)
        var fixture = MetaFixture(
            MetaConfiguration(variant: .ridge, loss: .squared, regularization: 0.7), supportCount: supportCount,
            seed: seed)
        let naive = NaiveTask(fixture)
        let start = fixture.parameters.start(feature: fixture.task.feature)
        let order = start.count
        var normal = (0..<order).map { row in (0..<order).map { row == $0 ? 0.7 : 0 } }
        var right = start.map { 0.7 * $0 }
        for (row, target) in zip(naive.support.rows, naive.support.targets) {
            for first in 0..<order {
                right[first] += row[first] * target
                for second in 0..<order { normal[first][second] += row[first] * row[second] }
            }
        }
        let vector = try fixture.learner.exactlyAdapted(fixture.task, at: fixture.parameters)
        #expect(MetaFixture.deviation(vector, solveNaively(normal, right)) < 1e-12)
    }
}

/// The support and query of a fixture with fixed factors, for formulas written out.
private struct NaiveTask {
    struct Part {
        var rows: [[Double]]
        var targets: [Double]
    }
    let support: Part
    let query: Part

    init(_ fixture: MetaFixture) {
        let matrix = fixture.matrix
        func part(_ history: PersonHistory) -> Part {
            Part(
                rows: history.items.map { matrix.row(Int($0)).map(Double.init) },
                targets: history.ratings.map(Double.init))
        }
        support = part(fixture.task.support)
        query = part(fixture.task.query)
    }

    /// (2/n)Gᵀ(Gp − r).
    func slope(_ part: Part, _ vector: [Double]) -> [Double] {
        let errors = zip(part.rows, part.targets).map { row, target in
            zip(row, vector).reduce(0) { $0 + $1.0 * $1.1 } - target
        }
        return combined(part, errors)
    }

    /// (2/n)GᵀG·vector.
    func curvature(_ part: Part, _ vector: [Double]) -> [Double] {
        combined(part, part.rows.map { row in zip(row, vector).reduce(0) { $0 + $1.0 * $1.1 } })
    }

    private func combined(_ part: Part, _ weights: [Double]) -> [Double] {
        var out = [Double](repeating: 0, count: part.rows.first?.count ?? 0)
        for (row, weight) in zip(part.rows, weights) {
            for index in out.indices { out[index] += 2 / Double(part.rows.count) * weight * row[index] }
        }
        return out
    }

    func moved(_ vector: [Double], by scale: Double, along direction: [Double]) -> [Double] {
        zip(vector, direction).map { $0 + scale * $1 }
    }
}
