import Scenario
import Testing

@Suite struct UpdateFormatRuleTests {
    private static let shared = scenario(replacing: "    domain: books\n", with: "    domain: books\n    count: 8\n")

    private func found(_ federation: String, in text: String = shared, more: [String] = []) -> [ScenarioProblem] {
        problems(
            text,
            overrides: "rounds=1000 \(federation)".split(separator: " ").map { "federation.\($0)" } + more)
    }

    @Test(arguments: ["float16", "int8", "top-k"])
    func aFormatIsLegalWhereClientsSendChanges(_ format: String) {
        for federation in ["local-steps=1", "strategy=gradient", "strategy=scaffold", "strategy=krum"] {
            #expect(found("update-format=\(format) \(federation)").isEmpty, "\(federation)")
        }
        #expect(found("update-format=\(format) local-steps=1 top-share=0.01").isEmpty)
    }

    @Test(arguments: ["float16", "int8", "top-k"])
    func exactSumsAndDomainsOfOneClientRefuseIt(_ format: String) {
        let exact = found("update-format=\(format)")
        #expect(exact.map(\.keyPath) == ["federation.update-format"])
        #expect(
            exact.first?.message.contains("must arrive as they are; \(format) needs federation.local-steps: 1") == true)
        let alone = found("update-format=\(format)", in: validScenario)
        #expect(alone.map(\.keyPath) == ["federation.update-format"])
        #expect(alone.first?.message.contains("give a domain a count") == true)
    }

    @Test(arguments: ["silo", "central", "local", "distributed"])
    func noiseRefusesIt(_ mode: String) {
        let privacy = ["privacy.mode=\(mode)", "privacy.epsilon=2"]
        let own = found("update-format=int8 local-steps=1", more: privacy)
            .filter { $0.keyPath == "federation.update-format" }
        #expect(own.count == 1)
        #expect(own.first?.message.contains("int8 needs privacy.mode: none") == true)
        #expect(
            !found("update-format=float32 local-steps=1", more: privacy)
                .contains { $0.keyPath == "federation.update-format" })
    }

    @Test func medianAndTrimmedMeanRefuseTopK() {
        for strategy in ["median", "trimmed-mean"] {
            let problems = found("update-format=top-k strategy=\(strategy)")
            #expect(problems.map(\.keyPath) == ["federation.update-format"])
            #expect(problems.first?.message.contains("the \(strategy) of it is zero") == true)
            #expect(found("update-format=int8 strategy=\(strategy)").isEmpty)
        }
    }

    @Test func float32IsLegalAnywhereAndWhatIsLeftOutStaysOut() throws {
        #expect(found("update-format=float32", in: validScenario).isEmpty)
        let plain = try ScenarioDefinition(yaml: validScenario, file: "a")
        #expect(plain.updateFormat == nil && !plain.hasCoarseUpdates && plain.topShare == 0.1)
        #expect(!plain.resolvedYAML.contains("update-format") && !plain.resolvedYAML.contains("top-share"))
        let chosen = try ScenarioDefinition(
            yaml: Self.shared, file: "a",
            overrides: [
                "federation.rounds=1000", "federation.update-format=top-k", "federation.local-steps=1",
                "federation.top-share=0.02",
            ])
        #expect(chosen.updateFormat == "top-k" && chosen.hasCoarseUpdates && chosen.topShare == 0.02)
    }
}
