import Scenario
import Testing

@Suite struct DriftRuleTests {
    private static let legal = [
        "drift.windows=12", "evaluation.split=time", "evaluation.validation-time=0.2", "evaluation.test-time=0.3",
        "evaluation.baselines=[local-ensemble]", "federation.rounds=200",
    ]

    @Test func `Windows need what they need, and say so`() {
        #expect(printed(validScenario, overrides: Self.legal) == "")
        let cases: [(override: String, keyPath: String, message: String)] = [
            ("evaluation.split=auto", "drift.windows", "evaluation.split: time"),
            ("evaluation.baselines=[ease]", "drift.windows", "baselines do not adapt"),
            ("transfer.method=meta", "drift.windows", "transfer.method feature-map"),
            ("clients.books.count=2", "drift.windows", "one client a domain"),
            ("drift.end=0.3", "drift.end", "is not later than evaluation.test-time, 0.3"),
            ("drift.warm-up=12", "drift.warm-up", "12 leaves none of 12 windows"),
            ("drift.rounds=4", "drift.rounds", "1 to 3"),
        ]
        for (override, keyPath, message) in cases {
            let problems = problems(validScenario, overrides: Self.legal + [override])
            #expect(
                problems.contains { $0.keyPath == keyPath && $0.message.contains(message) },
                "\(override): \(problems)")
        }
    }

    @Test func `The rounds that alarms can add count`() throws {
        let scenario = try ScenarioDefinition(yaml: validScenario, file: "s.yaml", overrides: Self.legal)
        #expect(scenario.driftWindows == 12 && scenario.mostAdaptationRounds == 36)
        let without = try ScenarioDefinition(
            yaml: validScenario, file: "s.yaml", overrides: Self.legal + ["drift.windows=0"])
        #expect(scenario.roundCount == without.roundCount + 48 && without.driftWindows == 0)
        let least = scenario.roundCount
        #expect(
            printed(validScenario, overrides: Self.legal + ["federation.rounds=\(least - 1)"]).contains(
                "takes \(least) rounds"))
    }
}
