import Numerics
import Ratings
import Testing
import Transfer

@Suite("Sums of meta-gradients")
struct MetaSumTests {
    static let shape = MetaShape(factorCount: 3, featureCount: 2, textDimension: 4)

    static func gradient(seed: UInt64, scale: Double = 1) -> MetaGradient {
        var stream = RandomStream(root: seed, path: ["gradient"])
        func part(_ count: Int) -> [Float] { (0..<count).map { _ in Float(scale * stream.gaussian()) } }
        let tensors = MetaTensors(start: part(3), featureMap: part(6), logRate: part(1), tower: part(12))
        return MetaGradient(shape, tensors: tensors, lossSum: stream.uniform(), personCount: 1) ?? MetaGradient(shape)
    }

    @Test("Tensors and back are the same values, as parameters and as gradients")
    func tensors() throws {
        let gradient = Self.gradient(seed: 1)
        #expect(gradient.personCount == 1)
        let again = MetaGradient(
            Self.shape, tensors: gradient.tensors, lossSum: gradient.lossSum, personCount: gradient.personCount)
        #expect(again == gradient)
        let tensors = MetaTensors(
            start: [1, 2, 3], featureMap: [4, 5, 6, 7, 8, 9], logRate: [0], tower: (10..<22).map { Float($0) })
        let parameters = try #require(MetaParameters(Self.shape, tensors: tensors))
        #expect(parameters.tensors == tensors)
        #expect(parameters.rate == 1)
        #expect(parameters.start(feature: []) == [1, 2, 3])
        #expect(parameters.start(feature: [10, 100]) == [741, 852, 963])
    }

    @Test("Tensors of another size, or with a value that is no number, are refused")
    func badTensors() {
        let good = Self.gradient(seed: 2).tensors
        let bad = [
            MetaTensors(start: [1], featureMap: good.featureMap, logRate: good.logRate, tower: good.tower),
            MetaTensors(start: good.start, featureMap: [], logRate: good.logRate, tower: good.tower),
            MetaTensors(start: good.start, featureMap: good.featureMap, logRate: [], tower: good.tower),
            MetaTensors(start: good.start, featureMap: good.featureMap, logRate: good.logRate, tower: [1]),
            MetaTensors(start: [1, .nan, 2], featureMap: good.featureMap, logRate: good.logRate, tower: good.tower),
            MetaTensors(start: good.start, featureMap: good.featureMap, logRate: [.infinity], tower: good.tower),
        ]
        for tensors in bad {
            #expect(MetaParameters(Self.shape, tensors: tensors) == nil)
            #expect(MetaGradient(Self.shape, tensors: tensors, lossSum: 0, personCount: 1) == nil)
        }
        #expect(MetaGradient(Self.shape, tensors: good, lossSum: .nan, personCount: 1) == nil)
        #expect(MetaGradient(Self.shape, tensors: good, lossSum: 0, personCount: -1) == nil)
    }

    @Test("Clipping bounds the norm over all parts and keeps the direction", arguments: 0..<50)
    func clipping(seed: UInt64) {
        let gradient = Self.gradient(seed: seed, scale: Double(seed))
        for bound in [1e-3, 0.5, 1, 7, 1_000] {
            let clipped = gradient.clipped(to: bound)
            #expect(clipped.norm <= bound || clipped == gradient)
            #expect(clipped.norm <= bound, "seed \(seed)")
            if gradient.norm <= bound {
                #expect(clipped == gradient)
            } else {
                #expect(clipped.norm > bound * (1 - 1e-12))
                let scale = gradient.norm / bound
                #expect(MetaFixture.deviation(clipped.values.map { $0 * scale }, gradient.values) < 1e-12)
            }
            #expect(clipped.lossSum == gradient.lossSum && clipped.personCount == gradient.personCount)
        }
    }

    @Test("The mean of nobody is zero, and nobody moves no parameter")
    func nobody() {
        let nobody = MetaGradient(Self.shape)
        #expect(nobody.mean.allSatisfy { $0 == 0 })
        var parameters = MetaParameters(Self.shape, rate: 0.5)
        var optimizer = MetaOptimizer(Self.shape)
        let before = parameters
        optimizer.step(&parameters, nobody)
        #expect(parameters == before)
    }

    @Test("A step of the optimiser goes along the averaged gradient of each part, as long as the rates say")
    func optimizer() {
        let values = (0..<Self.shape.count).map { 0.1 * Double($0) }
        var parameters = MetaParameters(Self.shape, values: values)
        var optimizer = MetaOptimizer(Self.shape, rate: 0.2, mapRate: 0.5, mapDecay: 0.1)
        let gradients = [Self.gradient(seed: 9), Self.gradient(seed: 10)]
        var before = values
        for (count, gradient) in gradients.enumerated() {
            optimizer.step(&parameters, gradient)
            let ranges = [Self.shape.start, Self.shape.featureMap, 9..<10, Self.shape.tower]
            for (part, range) in ranges.enumerated() {
                let size = Double(part == 1 ? 3 : range.count)
                // The averages with their bias removed: of one gradient itself, of two weighted by 0.9 and 0.99.
                let squares = gradients.map { gradient in
                    range.reduce(0.0) { $0 + gradient.values[$1] * gradient.values[$1] } / size
                }
                let square: Double = count == 0 ? squares[0] : (0.99 * squares[0] + squares[1]) / 1.99
                let rate: Double = part == 1 ? 0.1 : 0.2
                let kept: Double = part == 1 ? 0.9 : 1
                for index in range {
                    let first = gradients[0].values[index]
                    let second = gradients[1].values[index]
                    let average: Double = count == 0 ? first : (0.9 * first + second) / 1.9
                    let expected: Double = (before[index] - rate * average / square.squareRoot()) * kept
                    #expect(abs(parameters.values[index] - expected) < 1e-9)
                }
            }
            before = parameters.values
        }
    }

    @Test(
        "One exact step of clients equals that of their union, however persons are dealt",
        arguments: MetaVariant.allCases)
    func federated(_ variant: MetaVariant) throws {
        let world = MetaWorld(seed: 5, personCount: 40)
        let configuration = MetaConfiguration(variant: variant, loss: .squared, innerSteps: 2, regularization: 0.3)
        var pooled = MetaLearner(configuration, items: world.items, featureCount: world.featureCount)
        var parameters = MetaParameters(pooled.shape, rate: 0.1)
        var stream = RandomStream(root: 6, path: ["parameters"])
        parameters = MetaParameters(
            pooled.shape, values: parameters.values.map { $0 + 0.1 * stream.gaussian() })
        let tasks = world.tasks(supportCount: 3, round: 1)
        var sum = MetaGradient(pooled.shape)
        for task in tasks { sum.add(try pooled.gradient(of: task, at: parameters).clipped(to: 1)) }
        #expect(sum.personCount == tasks.count)
        for clientCount in [1, 2, 7] {
            var total = MetaGradient(pooled.shape)
            for client in 0..<clientCount {
                // Each client has a workspace of its own, and its persons in another order.
                var learner = MetaLearner(configuration, items: world.items, featureCount: world.featureCount)
                var part = MetaGradient(learner.shape)
                for (index, task) in tasks.enumerated().reversed() where index % clientCount == client {
                    let gradient = try learner.gradient(of: task, at: parameters)
                    let alone = try pooled.gradient(of: task, at: parameters)
                    // A person's gradient does not depend on who came before in the workspace.
                    #expect(gradient == alone)
                    part.add(gradient.clipped(to: 1))
                }
                total.add(part)
            }
            #expect(total.personCount == sum.personCount)
            #expect(MetaFixture.deviation(total.values, sum.values) < 1e-14)
            #expect(abs(total.lossSum - sum.lossSum) < 1e-12 * sum.lossSum)
            var one = parameters
            var other = parameters
            var first = MetaOptimizer(pooled.shape)
            var second = MetaOptimizer(pooled.shape)
            first.step(&one, sum)
            second.step(&other, total)
            #expect(MetaFixture.deviation(one.values, other.values) < 1e-12)
        }
    }
}
