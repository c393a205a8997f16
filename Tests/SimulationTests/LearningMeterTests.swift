import Federation
import Parameters
import Record
import Simulation
import Testing

/// What the coordinator measures of learning, round by round.
@Suite struct LearningMeterTests {
    private func set(_ values: [String: [Float]], scope: ParameterScope = .global) throws -> ParameterSet {
        try ParameterSet(
            values.sorted { $0.key < $1.key }.map { name, values in
                let spec = TensorSpec(
                    name: name, shape: [values.count], scope: scope, bound: 1_000, release: name)
                return try ParameterSet.Tensor(spec, values: values)
            })
    }

    private func measure(
        _ meter: inout LearningMeter, _ step: RoundStep, _ values: [String: [Float]], isLast: Bool = false,
        roundCount: Int = 10, scope: ParameterScope = .global, changed: [String]? = nil
    ) throws -> [LearningRecord] {
        meter.measure(
            step, changed: changed ?? Array(values.keys), isLast: isLast, shared: try set(values, scope: scope),
            roundCount: roundCount)
    }

    @Test("the relative change of a tower is that of its mean, from the second round of a step on")
    func tower() throws {
        var meter = LearningMeter()
        func values(_ sum: [Float], _ count: Float) -> [String: [Float]] {
            [TensorName.towerSum: sum, TensorName.towerCount: [count]]
        }
        #expect(try measure(&meter, .tower, values([6, 8], 2)).isEmpty)
        // (3, 4) becomes (3, 0): the change is 4 of 3.
        let second = try measure(&meter, .tower, values([9, 0], 3))
        #expect(second == [LearningRecord(subject: "tower", measure: "relative-change", value: 4.0 / 3)])
        #expect(try measure(&meter, .refitTower, values([9, 0], 3)).isEmpty)
        #expect(try measure(&meter, .bridge, values([9, 0], 3)).isEmpty)
    }

    @Test("item factors of a domain that a round leaves as they were are not measured")
    func factors() throws {
        var meter = LearningMeter()
        let name = TensorName.itemFactors("movies")
        func round(_ values: [Float], _ changed: [String]) throws -> [LearningRecord] {
            try measure(&meter, .factors, [name: values], scope: .domain("movies"), changed: changed)
        }
        _ = try round([0, 5], [name])
        #expect(try round([0, 5], []).isEmpty)
        let found = try round([3, 5], [name])
        #expect(found.map(\.subject) == ["item factors of movies"])
        #expect(abs(try #require(found.first).value - 3 / 34.0.squareRoot()) < 1e-12)
    }

    @Test("the losses of a game are means over both sides, and each is thinned out by itself")
    func game() throws {
        var meter = LearningMeter()
        func exchange(_ hasPreference: Bool, isLast: Bool = false, roundCount: Int = 10) throws -> [LearningRecord] {
            try measure(
                &meter, .adversarial,
                [
                    TensorName.adversarial("adversarial", isSource: true, .sums): [
                        6, 10, 7, hasPreference ? 8 : 0, hasPreference ? 4 : 0, 0, 0,
                    ],
                    TensorName.adversarial("adversarial", isSource: false, .sums): [2, 10, 8, 0, 0, 0, 0],
                ], isLast: isLast, roundCount: roundCount)
        }
        let found = try exchange(true)
        #expect(
            found.map { "\($0.subject) \($0.measure) \($0.value)" } == [
                "adversarial discriminator-loss 0.4", "adversarial discriminator-accuracy 0.75",
                "adversarial preference-loss 2.0",
            ])
        // 900 rounds have room for every third: the rare measure is there whenever it is known.
        meter = LearningMeter()
        let many = try (0..<12).map { try exchange($0 % 4 == 2, roundCount: 900) }
        #expect(many.map { $0.contains { $0.measure == "discriminator-loss" } }.filter { $0 }.count == 4)
        #expect(many.map { $0.contains { $0.measure == "preference-loss" } }.filter { $0 }.count == 3)
        #expect(try exchange(false, isLast: true, roundCount: 900).count == 2)
    }

    @Test("the size of meta-gradients is that of the mean over persons")
    func gradients() throws {
        var meter = LearningMeter()
        let found = try measure(
            &meter, .meta,
            [
                TensorName.meta("meta", .start): [3, 0], TensorName.meta("meta", .logRate): [4],
                TensorName.meta("meta", .count): [2],
            ])
        #expect(found == [LearningRecord(subject: "meta", measure: "gradient-norm", value: 2.5)])
        #expect(
            try measure(
                &meter, .meta, [TensorName.meta("meta", .start): [3, 4], TensorName.meta("meta", .count): [0]]
            )
            .isEmpty)
    }
}
