import Foundation
import Numerics
import Scenario
import Testing

@Suite struct ResolvedScenarioTests {
    @Test func twoSpellingsOfOneScenarioResolveAlike() throws {
        let other = """
            # The same in flow style, in another order, with some defaults spelt out.
            {"target": books, transport: {kind: "ipc"}, evaluation: {shots: [+0, 1, 3], cold-users: 2.0e-1},
             federation: {rounds: 18, deadline: 1m, join-deadline: 30000ms}, model: {factors: 16, confidence: 15.0},
             clients: [
              {domain: movies, id: movies, data: {ratings: 'movies.inter', items: "movies.item", format: recbole}},
              {id: books, domain: books, count: 1, links: [], data: {format: synthetic, duplicates: default}},
              {links: [movies, books], id: persons, domain: persons}],
             seeds: [1, 2], name: two-domains}
            """
        let first = try ScenarioDefinition(yaml: validScenario, file: "a")
        let second = try ScenarioDefinition(yaml: other, file: "b")
        #expect(first == second)
        #expect(first.resolvedYAML == second.resolvedYAML)
    }

    @Test func defaultsAreFilledIn() throws {
        let scenario = try ScenarioDefinition(yaml: validScenario, file: "a")
        #expect(scenario.integer("federation.minimum-clients") == 2)
        #expect(scenario.number("evaluation.cold-users") == 0.2)
        #expect(scenario.duration("federation.deadline") == .seconds(60))
        #expect(scenario.numbers("transfer.ridge") == [0, 0.03, 0.1, 0.3, 1, 3])
        #expect(scenario.text("privacy.mode") == "none")
        #expect(scenario.optionalText("transport.endpoint") == nil)
        #expect(scenario.data(of: "movies")?.duplicates == "default")
        #expect(scenario.data(of: "persons") == nil)
        #expect(scenario.clientGroups.map(\.count) == [1, 1, 1])
    }

    @Test func theMapPredictsAsManyDimensionsAsTheModelHasUnlessItIsSet() throws {
        #expect(try ScenarioDefinition(yaml: validScenario, file: "a").integer("transfer.dimension") == 16)
        let set = validScenario + "transfer: {dimension: 4}\n"
        #expect(try ScenarioDefinition(yaml: set, file: "a").integer("transfer.dimension") == 4)
    }

    @Test func aCountOfPersonsClientsMakesNumberedClients() throws {
        let text = scenario(replacing: "  - id: persons\n", with: "  - id: persons\n    count: 3\n")
        let clients = try ScenarioDefinition(yaml: text, file: "a").clients
        #expect(clients.map(\.id) == ["movies", "books", "persons-1", "persons-2", "persons-3"])
        #expect(clients.map(\.index) == [0, 0, 0, 1, 2])
    }

    @Test(arguments: [
        "movies.inter", "a b", "null", "TRUE", "~", "1.5", "0x1F", "-dash", "# no comment", "a: b", "- a", "[x]", "'",
        "\"",
        "\\n", "a\\\\b", "\t", "tab\tin", "two\nlines", "trailing ", " leading", "é", "日本語", "🎬", "a\u{7F}b",
        "a\u{1}b", "a\u{10}b", "a\u{15}b", "a\u{19}b", "a\u{1F}b", "a\u{80}b", "a\u{85}b", "a\u{9F}b", "a\u{A0}b",
        "a\u{2028}b", "a\u{2029}b", "a\u{FEFF}b", "a\u{FFFE}b", "e\u{301}",
    ])
    func anyTextSurvivesBeingResolved(_ path: String) throws {
        // Written as YAML escapes, so that the text itself is legal whatever the scalars are.
        let escaped = path.unicodeScalars.map { scalar in
            let digits = String(scalar.value, radix: 16)
            return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        }
        let text = scenario(replacing: "movies.inter", with: "\"\(escaped.joined())\"")
        let first = try ScenarioDefinition(yaml: text, file: "a")
        #expect(Array((first.data(of: "movies")?.ratings ?? "").unicodeScalars) == Array(path.unicodeScalars))
        do throws(ScenarioError) {
            let second = try ScenarioDefinition(yaml: first.resolvedYAML, file: "resolved")
            #expect(second == first)
            #expect(second.resolvedYAML == first.resolvedYAML)
        } catch {
            Issue.record("the resolved text does not decode: \(error)")
        }
    }

    @Test func randomNumbersSurviveBeingResolved() throws {
        var stream = RandomStream(root: 11, path: ["scenario", "numbers"])
        for _ in 0..<200 {
            let digits = stream.integer(below: 17)
            let value = stream.uniform() * (0..<stream.integer(below: 10)).reduce(1) { product, _ in product * 10 }
            let text = digits == 16 ? "\(value)" : String(format: "%.\(digits)g", value)
            let first = try ScenarioDefinition(
                yaml: validScenario, file: "a", overrides: ["model.confidence=\(text)", "evaluation.cold-users=0.25"])
            #expect(first.number("model.confidence") == Double(text))
            let second = try ScenarioDefinition(yaml: first.resolvedYAML, file: "resolved")
            #expect(second == first, "confidence \(text)")
        }
    }
}
