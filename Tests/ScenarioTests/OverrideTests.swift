import Scenario
import Testing

@Suite struct OverrideTests {
    private func decoded(_ overrides: String...) throws -> ScenarioDefinition {
        try ScenarioDefinition(yaml: validScenario, file: "s.yaml", overrides: overrides)
    }

    @Test func anOverrideReplacesAKeyOfTheFile() throws {
        #expect(try decoded("model.factors=32").integer("model.factors") == 32)
        #expect(try decoded("seeds=[7, 8]").seeds == [7, 8])
        #expect(try decoded("name=other").name == "other")
        #expect(try decoded("federation={rounds: 19, deadline: 5m}").duration("federation.deadline") == .seconds(300))
    }

    @Test func anOverrideAddsAKeyThatTheFileLeavesOut() throws {
        #expect(try decoded("world.persons=77").integer("world.persons") == 77)
        #expect(try decoded("model.regularization=2.5").number("model.regularization") == 2.5)
    }

    @Test func anOverrideOfTheMapsDimensionIsKeptWhereTheFileLeavesItOut() throws {
        #expect(try decoded("transfer.dimension=8").integer("transfer.dimension") == 8)
    }

    @Test func theLastOfTwoOverridesWins() throws {
        #expect(try decoded("model.factors=32", "model.factors=24").integer("model.factors") == 24)
    }

    @Test func anOverrideMeansTheSameAsAnEditOfTheFile() throws {
        let edited = scenario(replacing: "factors: 16", with: "factors: 32")
        #expect(try decoded("model.factors=32") == ScenarioDefinition(yaml: edited, file: "e"))
    }

    @Test func anOverrideReachesAClientByItsId() throws {
        let scenario = try decoded("clients.movies.data.duplicates=first", "clients.persons.count=4")
        #expect(scenario.data(of: "movies")?.duplicates == "first")
        #expect(scenario.data(of: "books")?.duplicates == "default")
        #expect(scenario.clients.count == 6)
    }

    @Test func anOverrideCanContainEqualsSigns() throws {
        #expect(try decoded("clients.movies.data.ratings=a=b.inter").data(of: "movies")?.ratings == "a=b.inter")
    }

    @Test(arguments: [
        "model.factors", "", "=3", ".=3", "model..factors=3", "model.=3", ".model=3", "clients.nobody.count=2",
        "clients.movies=3", "clients.0.count=2", "model.factors.deep=1", "seeds.1=2", "name=", "name=[", "name='",
        "name=a: b: c", "name=*nothing",
    ])
    func anOverrideThatCannotBeAppliedIsRefusedAndQuoted(_ override: String) {
        let text = printed(validScenario, overrides: [override])
        #expect(text.contains("--set \(override)"), "\(text)")
    }

    @Test func anOverrideWithManyBracketsIsRefused() {
        let text = printed(validScenario, overrides: ["name=" + String(repeating: "[", count: 60_000)])
        #expect(text.hasPrefix("s.yaml: --set name=[") && text.hasSuffix("the value is not YAML"))
    }

    @Test func anOverrideOfMoreThan64KiBIsRefused() {
        let override = "clients.movies.data.ratings=" + String(repeating: "a", count: 70_000)
        #expect(printed(validScenario, overrides: [override]).hasSuffix("the value is not YAML"))
    }

    @Test func anUnknownKeyOfAnOverrideGetsASuggestion() {
        let text = printed(validScenario, overrides: ["model.factor=3"])
        #expect(text.contains("model.factor: unknown key; did you mean factors?"), "\(text)")
    }

    @Test(arguments: [
        ("model.factors=abc", "model.factors"), ("model.factors=0", "model.factors"), ("model=3", "model"),
        ("evaluation.shots=[1, 1]", "evaluation.shots"), ("clients.books.domain=Books!", "clients[1].domain"),
    ])
    func aBadValueOfAnOverrideNamesItsKeyAndNoLineOfTheFile(_ override: String, _ keyPath: String) {
        let found = problems(validScenario, overrides: [override])
        #expect(found.map(\.keyPath) == [keyPath])
        // Line 1 of the value is not line 1 of the file.
        #expect(found.first?.line == nil)
        #expect(found.first?.file == "--set")
    }

    @Test func theRulesHoldForOverridesToo() {
        let tooFew = printed(validScenario, overrides: ["federation.rounds=5"])
        #expect(tooFew.contains("federation.rounds: this scenario takes 18 rounds, 5 are allowed"))
        let privateData = printed(validScenario, overrides: ["clients.persons.data.format=synthetic"])
        #expect(
            privateData.contains("clients[2].data: a persons client reads the data of the domains"), "\(privateData)")
        let wide = printed(validScenario, overrides: ["transfer.dimension=64"])
        #expect(wide.contains("transfer.dimension: 64 is more than model.factors, 16"), "\(wide)")
    }

    @Test func overridesOfAFileThatIsNotASectionAreRefused() {
        for text in ["5\n", "[1]\n", ""] {
            #expect(!problems(text, overrides: ["name=a"]).isEmpty)
        }
    }
}
