import Numerics
import Ratings
import Testing
import Transfer

@Suite("Meta-training")
struct MetaTrainingTests {
    struct Setting: CustomTestStringConvertible, Sendable {
        let variant: MetaVariant
        let loss: MetaLoss
        var testDescription: String { "\(variant.rawValue), \(loss.rawValue)" }
        var configuration: MetaConfiguration {
            MetaConfiguration(
                variant: variant, loss: loss, innerSteps: 3, regularization: variant == .ridge ? 2 : 0)
        }
    }

    static let settings =
        MetaVariant.allCases.map { Setting(variant: $0, loss: .squared) }
        + [.maml, .fomaml, .reptile].map { Setting(variant: $0, loss: .softmax) }

    static func trained(
        _ setting: Setting, _ world: MetaWorld, withFeatures: Bool, supports: [Int]
    ) throws -> (learner: MetaLearner, parameters: MetaParameters) {
        var learner = MetaLearner(
            setting.configuration, items: world.items, featureCount: withFeatures ? world.featureCount : 0)
        var parameters = MetaParameters(learner.shape, rate: 0.1)
        var optimizer = MetaOptimizer(learner.shape, rate: 0.1, mapRate: 1, mapDecay: 0)
        for round in 0..<60 {
            var sum = MetaGradient(learner.shape)
            let tasks = world.tasks(
                supportCount: supports[round % supports.count], round: round, withFeatures: withFeatures)
            for task in tasks { sum.add(try learner.gradient(of: task, at: parameters)) }
            optimizer.step(&parameters, sum)
        }
        return (learner, parameters)
    }

    static func loss(_ learner: MetaLearner, _ parameters: MetaParameters, _ tasks: [MetaTask]) throws -> Double {
        var learner = learner
        return try tasks.reduce(0.0) { $0 + (try learner.loss($1, at: parameters)) } / Double(tasks.count)
    }

    @Test("A learnt start lowers the query loss after adaptation far below that of p₀ = 0", arguments: settings)
    func start(_ setting: Setting) throws {
        let isImplicit = setting.loss == .softmax
        let world = MetaWorld(seed: 7, personCount: 80, featureScale: 0, isImplicit: isImplicit)
        let (learner, parameters) = try Self.trained(setting, world, withFeatures: false, supports: [2])
        let fresh = MetaWorld(seed: 7, personCount: 160, featureScale: 0, isImplicit: isImplicit)
        let tasks = Array(fresh.tasks(supportCount: 2, round: 1_000, withFeatures: false).dropFirst(80))
        let trained = try Self.loss(learner, parameters, tasks)
        let zero = try Self.loss(learner, MetaParameters(learner.shape, rate: 0.1), tasks)
        #expect(trained < (isImplicit ? zero - 0.4 : 0.3 * zero), "\(trained) against \(zero)")
        // The start finds p*.
        if !isImplicit {
            #expect(MetaFixture.deviation(Array(parameters.start), world.center) < 0.2, "\(parameters.start)")
        }
    }

    @Test("Features that tell of the target lower the loss of persons without a support", arguments: settings)
    func features(_ setting: Setting) throws {
        let isImplicit = setting.loss == .softmax
        let world = MetaWorld(seed: 8, personCount: 120, isImplicit: isImplicit)
        let supports = [0, 2]
        let (with, map) = try Self.trained(setting, world, withFeatures: true, supports: supports)
        let (without, start) = try Self.trained(setting, world, withFeatures: false, supports: supports)
        let fresh = MetaWorld(seed: 8, personCount: 240, isImplicit: isImplicit)
        let cold = Array(fresh.tasks(supportCount: 0, round: 1_000).dropFirst(120))
        let bare = cold.map { MetaTask(support: .empty, query: $0.query) }
        let transfer = try Self.loss(with, map, cold)
        let local = try Self.loss(without, start, bare)
        #expect(transfer < (isImplicit ? local - 0.2 : 0.4 * local), "\(transfer) against \(local)")
    }

    @Test("A drawn task divides the history, keeps a query, and depends on the stream alone", arguments: 0..<40)
    func drawn(seed: UInt64) {
        var stream = RandomStream(root: seed, path: ["history"])
        let count = 1 + stream.integer(below: 12)
        let history = PersonHistory(
            items: (0..<count).map { UInt32(3 * $0) }, ratings: (0..<count).map { Float($0) })
        let supportCount = stream.integer(below: 8)
        var first = RandomStream(root: seed, path: ["draw"])
        var second = first
        let task = MetaTask(drawnFrom: history, feature: [1], supportCount: supportCount, stream: &first)
        #expect(task.support.count == min(supportCount, count - 1))
        #expect(!task.query.isEmpty)
        #expect((task.support.items + task.query.items).sorted() == history.items)
        for part in [task.support, task.query] {
            for (item, rating) in zip(part.items, part.ratings) { #expect(Float(item) == 3 * rating) }
        }
        #expect(task == MetaTask(drawnFrom: history, feature: [1], supportCount: supportCount, stream: &second))
        #expect(task.merged.support.items == task.support.items + task.query.items)
        #expect(task.merged.query.isEmpty)
    }
}
