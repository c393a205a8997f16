import Federation
import Parameters
import Privacy
import Scenario
import Testing
import Wire

/// The one tensor with a dimension indexed by persons.
@Suite struct PersonVectorTests {
    private func plan(_ privacy: String...) throws -> (scenario: ScenarioDefinition, plan: RunPlan) {
        let scenario = try Scenarios.narrow(
            ["privacy.mode=local", "privacy.neighbouring=replace-one", "privacy.epsilon=2"] + privacy)
        let federation = try Federation(scenario)
        return (scenario, federation.plan)
    }

    @Test("vectors take the place of the sum over persons in the schema, and nothing else changes")
    func schema() throws {
        let sums = try plan().plan
        let vectors = try plan("privacy.release=vectors", "privacy.slots=613").plan
        func names(_ plan: RunPlan) -> Set<String> { Set(plan.schema.specs.map(\.name)) }
        #expect(names(vectors).subtracting(names(sums)) == [TensorName.personVectors])
        #expect(names(sums).subtracting(names(vectors)) == [TensorName.crossMoment(isShuffled: false)])
        let spec = try vectors.schema.spec(TensorName.personVectors)
        // Three source features and three coordinates.
        #expect(spec.shape == [613, 6] && spec.release == ReleaseName.personVectors)
        #expect(vectors.schema.specs.filter { $0.shape.contains(613) } == [spec])
        #expect(vectors.uploads(.bridge, client: "persons") == [spec])
        #expect(vectors.isVisible(spec, to: "persons") && !vectors.isVisible(spec, to: "movies"))
        #expect(!vectors.isVisible(spec, to: "books"))
    }

    @Test("no protected schema has a count of the persons behind a release")
    func noCounts() throws {
        for overrides in [[], ["privacy.release=vectors", "privacy.slots=613"]] {
            let scenario = try Scenarios.narrow(
                ["privacy.mode=local", "privacy.neighbouring=replace-one", "privacy.epsilon=2"] + overrides)
            let schema = try Federation(scenario).plan.schema
            let protected = Set(try PrivacyPlan(scenario, schema: schema).protections.keys)
            #expect(protected.count == 1)
            let specs = schema.specs.filter { protected.contains($0.release) }
            #expect(specs.count == 1 && specs.allSatisfy { $0.elementCount > 1 })
        }
    }

    @Test("the noise is for one person's row, however many slots there are")
    func protection() throws {
        let noises = try [10, 1_000].map { slots -> Double in
            let (scenario, plan) = try plan("privacy.release=vectors", "privacy.slots=\(slots)")
            let protection = try #require(
                try PrivacyPlan(scenario, schema: plan.schema).protections[ReleaseName.personVectors])
            #expect(protection.slotCount == slots && protection.policy == .local && protection.grid.dimension == 6)
            return protection.grid.noiseDeviation / protection.grid.scale
        }
        #expect(noises[0] == noises[1])
        // ε = 2, δ = 10⁻⁵ under replace-one: 1.99 times twice a bound of √2.
        #expect(noises[0] > 5 && noises[0] < 6.5)
    }
}
