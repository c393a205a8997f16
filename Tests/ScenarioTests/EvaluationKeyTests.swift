import Scenario
import Testing

/// The keys of evaluation, of the tuning grids and of the world's presets, and the rules between them.
@Suite struct EvaluationKeyTests {
    private func decoded(_ overrides: String...) throws -> ScenarioDefinition {
        try ScenarioDefinition(yaml: validScenario, file: "s.yaml", overrides: overrides)
    }

    @Test(arguments: [
        ("rating-scale: [5, 1]", "evaluation.rating-scale", "the lowest and the highest rating, as in [1, 5]"),
        ("rating-scale: [1]", "evaluation.rating-scale", "the lowest and the highest rating"),
        ("rating-scale: [1, 3, 5]", "evaluation.rating-scale", "the lowest and the highest rating"),
        ("rating-scale: [5, 5]", "evaluation.rating-scale", "listed twice"),
        ("rating-scale: []", "evaluation.rating-scale", "the list is empty"),
        ("metrics: []", "evaluation.metrics", "the list is empty"),
        ("metrics: [ndcg, recall, ndcg]", "evaluation.metrics", "ndcg is listed twice"),
        ("metrics: [ndgc]", "evaluation.metrics", "\"ndgc\" is not one of"),
        ("baselines: [ease, ease]", "evaluation.baselines", "ease is listed twice"),
        ("baselines: [eas]", "evaluation.baselines", "did you mean ease?"),
        ("baselines: [popularity]", "evaluation.baselines", "\"popularity\" is not one of"),
        ("baselines: ease", "evaluation.baselines", "expected a list"),
        ("test-time: 0.8", "evaluation.test-time", "0.8 is not later than evaluation.validation-time, 0.8"),
        ("test-time: 0.5", "evaluation.test-time", "0.5 is not later than evaluation.validation-time, 0.8"),
        ("fedavg-rounds: 101", "evaluation.fedavg-rounds", "an integer from 1 to 100"),
        ("item-weights-limit: 6001", "evaluation.item-weights-limit", "an integer from 0 to 6000"),
        ("cold-items: 0.6", "evaluation.cold-items", "number, 0 to 0.5"),
        ("split: random", "evaluation.split", "\"random\" is not one of auto, time, seeded"),
        ("support: latest", "evaluation.support", "\"latest\" is not one of random, earliest"),
    ])
    func aWrongEvaluationIsRefusedAtItsLine(_ text: String, _ keyPath: String, _ message: String) throws {
        let yaml = scenario(replacing: "  shots: [0, 1, 3]\n", with: "  shots: [0, 1, 3]\n  \(text)\n")
        let found = problems(yaml)
        #expect(found.map(\.keyPath) == [keyPath], "\(found)")
        #expect(found.first?.message.contains(message) == true, "\(found)")
        #expect(found.first?.line == line(of: text, in: yaml))
    }

    @Test func anEmptyListOfBaselinesIsLegalAndSurvivesBeingResolved() throws {
        let none = try decoded("evaluation.baselines=[]")
        #expect(none.words("evaluation.baselines").isEmpty)
        #expect(BaselineNames.all.allSatisfy { !none.hasBaseline($0) })
        #expect(try ScenarioDefinition(yaml: none.resolvedYAML, file: "resolved") == none)
        // Left out it is not empty.
        #expect(try decoded().words("evaluation.baselines").count == BaselineNames.all.count - 1)
    }

    @Test func anyOrderedPairIsARatingScale() throws {
        #expect(try decoded("evaluation.rating-scale=[0, 1]").numbers("evaluation.rating-scale") == [0, 1])
        #expect(try decoded("evaluation.rating-scale=[-10, 10]").numbers("evaluation.rating-scale") == [-10, 10])
        #expect(try decoded("evaluation.rating-scale=[0.5, 5]").numbers("evaluation.rating-scale") == [0.5, 5])
    }

    @Test(arguments: [
        (["federation.rounds=17"], 18, 17), (["federation.rounds=1"], 18, 1),
        (["evaluation.fedavg-rounds=100"], 208, 18), (["evaluation.fedavg-rounds=6"], 20, 18),
        (["evaluation.split=seeded", "federation.rounds=16"], 17, 16),
        (["evaluation.baselines=[]", "federation.rounds=7"], 8, 7),
        (["evaluation.baselines=[]", "evaluation.split=seeded", "federation.rounds=6"], 7, 6),
        (["transfer.gate=false", "federation.rounds=16"], 17, 16),
    ])
    func roundsThatAreTooFewAreRefusedWithTheNumberThatIsNeeded(_ overrides: [String], needed: Int, allowed: Int) {
        let found = problems(validScenario, overrides: overrides)
        #expect(found.map(\.keyPath) == ["federation.rounds"])
        #expect(found.first?.message == "this scenario takes \(needed) rounds, \(allowed) are allowed")
        // As many as are needed are enough.
        #expect(problems(validScenario, overrides: overrides + ["federation.rounds=\(needed)"]) == [])
    }

    @Test func theRoundsOfTheCommonTowerNeedItsBaselineAndVectorsOfAllItems() throws {
        #expect(try decoded().fedAvgRounds == 5 && decoded().roundCount == 18)
        #expect(try decoded("evaluation.fedavg-rounds=2").roundCount == 12)
        #expect(try decoded("transfer.gate=false").roundCount == 17)
        #expect(try decoded("evaluation.baselines=[ease]").fedAvgRounds == 0)
        #expect(try decoded("text.word-vectors=none").fedAvgRounds == 0)
        #expect(try decoded("clients.movies.data={format: recbole, ratings: m.inter}").fedAvgRounds == 0)
        #expect(try decoded("clients.movies.data={ratings: m.csv, item-vectors: m.npy}").fedAvgRounds == 5)
        #expect(try decoded("evaluation.split=seeded").roundCount == 17)
        #expect(try decoded("evaluation.split=time").roundCount == 18)
    }

    @Test func metaLearningTakesItsRoundsTwiceAndRidgeNeedsAPull() throws {
        let rounds = ["transfer.method=meta", "transfer.meta.rounds=3", "federation.rounds=50"]
        let scenario = try ScenarioDefinition(yaml: validScenario, file: "s.yaml", overrides: rounds)
        #expect(scenario.isMeta && scenario.roundCount == 18 - 2 + 6)
        let found = problems(validScenario, overrides: rounds + ["transfer.meta.variant=ridge"])
        #expect(found.map(\.keyPath) == ["transfer.meta.regularization"])
        #expect(
            problems(
                validScenario,
                overrides: rounds + ["transfer.meta.variant=ridge", "transfer.meta.regularization=1"]) == [])
    }

    @Test func aNetworkAsMapTakesItsRoundsTwiceAndIsAMapOfPersons() throws {
        let overrides = ["transfer.map=mlp", "transfer.mlp.rounds=7"]
        let scenario = try ScenarioDefinition(
            yaml: validScenario, file: "s.yaml", overrides: overrides + ["federation.rounds=50"])
        #expect(scenario.hasNetworkMap && scenario.roundCount == 18 - 2 + 14)
        let other = problems(
            validScenario, overrides: overrides + ["federation.rounds=500", "transfer.method=meta"])
        #expect(other.map(\.keyPath) == ["transfer.map"])
        #expect(problems(validScenario, overrides: ["transfer.mlp.decay=[]"]).map(\.keyPath) == ["transfer.mlp.decay"])
    }

    @Test func aDriftOfADomainThatNobodyServesIsRefused() {
        let text = printed(validScenario + "world: {drift: {domain: boks}}\n")
        #expect(text.contains("s.yaml:26: world.drift.domain: no client serves domain boks; did you mean books?"))
        #expect(problems(validScenario + "world: {drift: {domain: movies, scale-shift: -1}}\n") == [])
    }

    @Test func theCalibratedWorldHasDefaultsOfItsOwnThatTheFileCanReplace() throws {
        let plain = try decoded()
        let calibrated = try decoded("world.preset=calibrated")
        #expect(plain.integer("world.persons") == 800 && calibrated.integer("world.persons") == 1_478)
        #expect(plain.number("world.overlap") == 0.9 && calibrated.number("world.overlap") == 0.8985)
        #expect(plain.integer("world.items") == 500 && calibrated.integer("world.items") == 1_253)
        #expect(plain.number("world.interactions") == 25 && calibrated.number("world.interactions") == 40)
        #expect(plain.number("world.taste-strength") == 2 && calibrated.number("world.taste-strength") == 1.5)
        #expect(plain.number("world.rating-noise") == 0.7 && calibrated.number("world.rating-noise") == 0.82)
        // What has no value of its own is as in the plain world.
        #expect(calibrated.integer("world.taste-dimensions") == plain.integer("world.taste-dimensions"))
        let replaced = try decoded("world.preset=calibrated", "world.persons=100", "world.items=500")
        #expect(replaced.integer("world.persons") == 100 && replaced.integer("world.items") == 500)
        #expect(replaced.number("world.interactions") == 40)
        for scenario in [calibrated, replaced] {
            let again = try ScenarioDefinition(yaml: scenario.resolvedYAML, file: "resolved")
            #expect(again == scenario && again.resolvedYAML == scenario.resolvedYAML)
        }
    }

    @Test func aScenarioWithEveryKeySurvivesBeingResolved() throws {
        let text =
            scenarioWithEveryKey.replacing(
                "shots: [0, 1, 3]\n  rating-scale: [1, 5]",
                with: """
                    shots: [3, 0]
                      baselines: [ease, bias-carry, global-mean]
                      metrics: [mae, ndcg]
                      rating-scale: [0.5, 10]
                      split: time
                      validation-time: 0.25
                      test-time: 0.5
                      support: earliest
                      warm-users: 0
                      cold-items: 0.125
                      item-weights-limit: 0
                      fedavg-rounds: 1
                    """) + "tune: {item-damping: [3], text-knn-neighbours: [7, 1], rating-factors: 2}\n"
        let first = try ScenarioDefinition(yaml: text, file: "a")
        #expect(first.words("evaluation.baselines") == ["ease", "bias-carry", "global-mean"])
        #expect(first.integers("tune.text-knn-neighbours") == [7, 1])
        #expect(first.data(of: "movies")?.columns == ["reader", "film", "stars", "day"])
        #expect(first.data(of: "movies")?.itemVectors == "movies.npy")
        #expect(first.optionalText("world.drift.domain") == "books")
        #expect(first.mayBeSplitByTime && first.roundCount == 6)
        let second = try ScenarioDefinition(yaml: first.resolvedYAML, file: "resolved")
        #expect(second == first && second.resolvedYAML == first.resolvedYAML)
    }

    @Test func mergingNoTwinsIsTheDefaultAndAnIndexOfZero() throws {
        #expect(try decoded().data(of: "movies")?.mergeTwins == nil)
        #expect(try decoded("clients.movies.data.merge-twins=0").data(of: "movies")?.mergeTwins == nil)
        #expect(try decoded("clients.movies.data.merge-twins=0.7").data(of: "movies")?.mergeTwins == 0.7)
    }
}
