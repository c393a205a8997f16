import Scenario
import Testing

/// The entries of `faults.events`.
@Suite struct FaultRuleTests {
    private func text(_ events: String) -> String { validScenario + "faults:\n  events: [\(events)]\n" }

    @Test func eventsAreReadWithTheDefaultsOfTheirKinds() throws {
        let faults = try ScenarioDefinition(
            yaml: text(
                "{client: movies, kind: crash, round: 3, returns: 5}, {client: books, kind: delay, round: 4}, "
                    + "{client: persons, kind: corrupt, round: 5}, {client: books, kind: drop, round: 6}, "
                    + "{client: movies, kind: crash, round: 7, phase: after-update}, "
                    + "{client: books, kind: delay, round: 8, late-by: 500ms}, "
                    + "{client: books, kind: corrupt, round: 9, damage: not-finite}, "
                    + "{client: books, kind: drop, round: 10, loses: piece}"), file: "s.yaml"
        ).faults
        #expect(faults.map(\.kind) == [.crash, .delay, .corrupt, .drop, .crash, .delay, .corrupt, .drop])
        #expect(faults.map(\.round) == Array(3...10))
        #expect(faults[0].phase == .training && faults[0].returns == 5 && faults[4].phase == .afterUpdate)
        #expect(faults[1].lateBy == .seconds(1) && faults[5].lateBy == .milliseconds(500))
        #expect(faults[2].damage == .bytes && faults[6].damage == .notFinite)
        #expect(faults[3].loss == .update && faults[7].loss == .piece)
        #expect(faults.map(\.losesClient) == [true, true, false, true, true, true, false, false])
    }

    @Test func clientsShareProcessesUnlessSomethingHappensToThem() throws {
        let yaml = validScenario.replacing("    domain: books\n", with: "    domain: books\n    count: 7\n")
        func processes(_ perProcess: Int?, _ events: String = "") throws -> [[String]] {
            try ScenarioDefinition(
                yaml: events.isEmpty ? yaml : yaml + "faults:\n  events: [\(events)]\n", file: "s.yaml",
                overrides: ["federation.rounds=100"] + (perProcess.map { ["clients.books.per-process=\($0)"] } ?? [])
            ).clientProcesses
        }
        let apart = try processes(nil)
        #expect(apart.count == 9 && apart.allSatisfy { $0.count == 1 })
        #expect(try processes(1) == apart)
        let books = (1...7).map { "books-\($0)" }
        #expect(try processes(3) == [["movies"], Array(books[..<3]), Array(books[3..<6]), ["books-7"], ["persons"]])
        #expect(try processes(100) == [["movies"], books, ["persons"]])
        let alone = try processes(3, "{client: books-2, kind: crash, round: 3}, {client: movies, kind: drop, round: 4}")
        #expect(
            alone == [
                ["movies"], ["books-2"], ["books-1", "books-3", "books-4"], ["books-5", "books-6", "books-7"],
                ["persons"],
            ])
        // What was written before there was such a key has the hash that it had.
        #expect(try !ScenarioDefinition(yaml: validScenario, file: "s.yaml").resolvedYAML.contains("per-process"))
    }

    @Test func theResolvedScenarioHoldsTheEventsAndNothingWhereThereAreNone() throws {
        let yaml = text(
            "{client: movies, kind: crash, round: 3, phase: sending}, {round: 4, kind: drop, client: books}")
        let scenario = try ScenarioDefinition(yaml: yaml, file: "s.yaml")
        let resolved = scenario.resolvedYAML
        #expect(
            resolved.contains(
                "  events:\n    - client: movies\n      kind: crash\n      round: 3\n      phase: sending\n"
                    + "    - client: books\n      kind: drop\n      round: 4\n"))
        let again = try ScenarioDefinition(yaml: resolved, file: "r.yaml")
        #expect(again.faults == scenario.faults && again.resolvedYAML == resolved)
        let none = try ScenarioDefinition(yaml: yaml, file: "s.yaml", overrides: ["faults={}"])
        #expect(none.faults.isEmpty && !none.resolvedYAML.contains("events"))
        #expect(try none.resolvedYAML == ScenarioDefinition(yaml: validScenario, file: "s.yaml").resolvedYAML)
    }

    @Test(arguments: [
        ("{kind: crash, round: 3}", "faults.events[0].client: this key is required"),
        ("{client: movies, round: 3}", "faults.events[0].kind: this key is required"),
        ("{client: movies, kind: crash}", "faults.events[0].round: this key is required"),
        ("{client: movie, kind: crash, round: 3}", "there is no client movie; did you mean movies?"),
        ("{client: movies, kind: crush, round: 3}", "\"crush\" is not one of crash, delay, corrupt, drop"),
        ("{client: movies, kind: crash, round: 3, late-by: 2s}", "only kind: delay has it, this is crash"),
        ("{client: movies, kind: delay, round: 3, phase: sending}", "only kind: crash has it, this is delay"),
        ("{client: movies, kind: drop, round: 3, damage: shape}", "only kind: corrupt has it, this is drop"),
        ("{client: movies, kind: corrupt, round: 3, loses: piece}", "only kind: drop has it, this is corrupt"),
        ("{client: movies, kind: crash, round: 3, returns: 3}", "round 3 is not after round 3"),
        ("{client: movies, kind: corrupt, round: 3, returns: 4}", "the client is not lost by it"),
        ("{client: movies, kind: drop, loses: piece, round: 3, returns: 4}", "the client is not lost by it"),
        ("{client: movies, kind: crash, round: 19}", "there is no round 19, this scenario takes 18"),
        ("{client: movies, kind: crash, round: 3, returns: 19}", "there is no round 19, this scenario takes 18"),
        (
            "{client: movies, kind: crash, round: 3}, {client: movies, kind: drop, round: 3}",
            "client movies has another event in round 3"
        ),
        ("{client: movies, kind: crash, round: 3, when: now}", "unknown key; the keys here are client, kind, round"),
    ]) func anEventThatCannotHappenIsRefused(_ events: String, _ sentence: String) {
        let found = printed(text(events))
        #expect(found.contains(sentence), "\(found)")
        #expect(found.contains("s.yaml:"), "\(found)")
    }

    @Test func anEventIsNoPlaceForASweep() {
        let found = printed(
            text("{client: movies, kind: crash, round: 3}") + "sweep: {\"faults.events[].round\": [1, 2]}\n")
        #expect(found.contains("unknown key path"), "\(found)")
    }
}
