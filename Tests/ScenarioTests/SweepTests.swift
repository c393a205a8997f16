import Scenario
import Testing

@Suite struct SweepTests {
    private func sweep(_ grid: String, base: String = validScenario, _ overrides: String...) throws -> ScenarioSweep {
        try ScenarioSweep(yaml: base + "sweep: \(grid)\n", file: "s.yaml", overrides: overrides)
    }

    /// The problems of a sweep as printed.
    private func printed(_ grid: String, base: String = validScenario) -> String {
        do throws(ScenarioError) {
            _ = try ScenarioSweep(yaml: base + "sweep: \(grid)\n", file: "s.yaml")
            return ""
        } catch { return error.description }
    }

    @Test func everyCombinationIsAPointAndTheLastKeyChangesFastest() throws {
        let found = try sweep("{model.factors: [16, 32], transfer.gate: [true, false], clients.persons.count: [1, 2]}")
        #expect(found.keys == ["model.factors", "transfer.gate", "clients.persons.count"])
        #expect(found.points.count == 8)
        let values = found.points.map { $0.settings.map(\.value) }
        #expect(values[0] == ["16", "true", "1"])
        #expect(values[1] == ["16", "true", "2"])
        #expect(values[7] == ["32", "false", "2"])
        #expect(found.points[7].scenario.integer("model.factors") == 32)
        #expect(found.points[7].scenario.clients.count == 4)
        #expect(!found.points[7].scenario.boolean("transfer.gate"))
    }

    @Test func aPointIsTheScenarioThatOverridesMakeOfTheFileWithoutItsSweep() throws {
        let point = try sweep("{model.factors: [24], evaluation.cold-users: [0.25]}").points[0]
        let same = try ScenarioDefinition(
            yaml: validScenario, file: "a", overrides: ["model.factors=24", "evaluation.cold-users=0.25"])
        #expect(point.scenario == same)
        #expect(point.scenario.resolvedYAML == same.resolvedYAML)
        #expect(!point.scenario.resolvedYAML.contains("sweep"))
    }

    @Test func aFileWithoutASweepIsOnePointWithoutSettings() throws {
        let plain = try ScenarioSweep(yaml: validScenario, file: "a")
        #expect(plain.keys.isEmpty && plain.points.count == 1)
        #expect(try plain.points[0].scenario == ScenarioDefinition(yaml: validScenario, file: "a"))
        #expect(try sweep("{}").points == plain.points)
        #expect(try ScenarioDefinition(yaml: validScenario + "sweep: {}\n", file: "a") == plain.points[0].scenario)
    }

    @Test func listsAreSweptAsListsOfLists() throws {
        let found = try sweep("{evaluation.shots: [[0], [0, 3]]}")
        #expect(found.points.map { $0.scenario.integers("evaluation.shots") } == [[0], [0, 3]])
        #expect(printed("{evaluation.shots: [0, 3]}").contains("expected a list, as in [0, 1, 3, 5]"))
    }

    @Test func whatASweepGivesNeedNotBeInTheRest() throws {
        let base = scenario(replacing: "target: books\n", with: "")
        #expect(
            try sweep("{target: [books, movies]}", base: base).points.map(\.scenario.target) == ["books", "movies"])
    }

    @Test func overridesHoldForAllPointsAndCanReplaceTheSweep() throws {
        let found = try sweep("{model.factors: [16, 32]}", "model.iterations=3")
        #expect(found.points.allSatisfy { $0.scenario.integer("model.iterations") == 3 })
        let other = try sweep("{model.factors: [16, 32]}", "sweep={model.iterations: [2, 4, 6]}")
        #expect(other.keys == ["model.iterations"] && other.points.count == 3)
    }

    @Test func aSweepIsNoPartOfTheScenarioBesideIt() throws {
        let plain = try ScenarioDefinition(yaml: validScenario, file: "a")
        let text = validScenario + "sweep: {model.factors: [16, 32], transfer.gate: [true, false, true]}\n"
        #expect(problems(text).map(\.description) == ["s.yaml:26: sweep.transfer.gate: true is listed twice"])
        let swept = validScenario + "sweep: {model.factors: [16, 32], transfer.gate: [true, false]}\n"
        let base = try ScenarioDefinition(yaml: swept, file: "a")
        #expect(base == plain && base.resolvedYAML == plain.resolvedYAML)
        #expect(ScenarioSweep.pointCount(yaml: swept, file: "a") == 4)
        #expect(ScenarioSweep.pointCount(yaml: swept, file: "a", overrides: ["sweep={}"]) == 0)
    }

    @Test func aBaseThatIsNoScenarioSaysThatItIsTheBaseOfASweep() {
        let text = scenario(replacing: "target: books\n", with: "") + "sweep: {target: [books, movies]}\n"
        #expect(
            problems(text).last?.description
                == "s.yaml:25: sweep: this is the base of a sweep; `ferry sweep` runs its points alone")
    }

    @Test(arguments: [
        ("{model.factor: [16]}", "sweep.model.factor: unknown key path; did you mean model.factors?"),
        ("{factors: [16]}", "sweep.factors: unknown key path; did you mean model.factors?"),
        ("{clients.book.count: [1]}", "sweep.clients.book.count: unknown key path; did you mean clients.books.count?"),
        ("{\"clients[].count\": [1]}", "unknown key path"),
        ("{model: [16]}", "sweep.model: model has no values of its own; sweep one of its keys, such as model.kind"),
        ("{sweep: [1]}", "sweep.sweep: sweep has no values of its own"),
        ("{seeds: [[1], [2]]}", "sweep.seeds: all points of a sweep run the same seeds"),
        ("{name: [a, b]}", "sweep.name: all points of a sweep have the scenario's name"),
        ("{model.factors: 16}", "sweep.model.factors: expected a list of values, each integer, 1 to"),
        ("{model.factors: []}", "sweep.model.factors: expected a list of values"),
        ("{model.factors: [16, 16]}", "sweep.model.factors: 16 is listed twice"),
        ("{federation.deadline: [60s, 1m]}", "60s is listed twice"),
        ("{model.factors: [16, many]}", "sweep.model.factors: expected an integer, found \"many\""),
        ("{model.factors: [[16]]}", "sweep.model.factors: expected integer"),
        ("[model.factors]", "sweep: expected key paths with lists of values"),
        ("5", "sweep: expected key paths with lists of values"),
    ])
    func aSweepThatMakesNoSenseIsRefused(_ grid: String, _ message: String) {
        let text = printed(grid)
        #expect(text.contains(message) && text.hasPrefix("s.yaml:26: "), "\(text)")
    }

    @Test func theLineOfAProblemIsThatOfItsValue() {
        let text = printed("\n  model.factors:\n    - 16\n    - wrong\n  model.nothing: [1]")
        #expect(text.contains("s.yaml:29: sweep.model.factors: expected an integer"), "\(text)")
        #expect(text.contains("s.yaml:30: sweep.model.nothing: unknown key path"), "\(text)")
    }

    @Test func aCombinationThatCannotRunIsNamed() {
        let text = printed("{model.factors: [16, 32], transfer.dimension: [16, 32]}")
        #expect(
            text
                == "s.yaml:26: sweep: with model.factors=16 transfer.dimension=32: transfer.dimension: 32 is more than model.factors, 16"
        )
    }

    @Test func whatIsWrongWithAllCombinationsIsAProblemOfTheFile() {
        let base = scenario(replacing: "rounds: 18", with: "rounds: 5")
        let text = printed("{model.factors: [16, 32]}", base: base)
        #expect(text == "s.yaml:21: federation.rounds: this scenario takes 18 rounds, 5 are allowed")
    }

    @Test func aGridOfMoreThanAThousandPointsIsRefused() throws {
        func list(_ count: Int) -> String { "[\((1...count).map(String.init).joined(separator: ", "))]" }
        let text = printed("{model.iterations: \(list(40)), model.regularization: \(list(40))}")
        #expect(text == "s.yaml:26: sweep: more than 1000 combinations are refused")
        // The product of the counts must not overflow.
        let values = [0.9, 0.95, 0.96, 0.97, 0.98]
        let keys = ScenarioKey.all.filter { key in
            guard case .number(let range) = key.kind, !key.path.contains("[]") else { return false }
            return values.allSatisfy(range.contains)
        }
        #expect(keys.count > 28)
        let grid = keys.map { "\($0.path): \(values)" }.joined(separator: ", ")
        #expect(printed("{\(grid)}").contains("more than 1000 combinations are refused"))
        #expect(try sweep("{model.regularization: \(list(100))}").points.count == 100)
    }

    @Test func manyProblemsOfCombinationsAreCut() {
        let values = (1...40).map { String(100 + $0) }.joined(separator: ", ")
        let lines = printed("{transfer.dimension: [4, \(values)]}").split(separator: "\n")
        #expect(lines.count == 21)
        #expect(lines.last?.contains("and 20 further problems of its combinations") == true)
    }
}
