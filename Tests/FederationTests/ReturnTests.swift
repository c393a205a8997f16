import Federation
import Parameters
import Scenario
import Testing
import Wire

/// Clients that are lost and come back, and updates that are refused.
@Suite struct ReturnTests {
    /// Three movie and two book clients; rounds 1 to 4 are of their factors.
    private static func scenario(_ faults: String = "", _ overrides: [String] = []) throws -> ScenarioDefinition {
        try Scenarios.narrow(
            [
                "clients.movies.count=3", "clients.books.count=2", "federation.factor-rounds=4",
                "federation.local-steps=1",
            ]
                + Scenarios.bare + (faults.isEmpty ? [] : ["faults={events: [\(faults)]}"]) + overrides)
    }

    private func asked(_ run: AnsweredRun, in round: Int) -> [String] {
        run.actions.flatMap { action -> [String] in
            if case .send(.plan(let plan), let clients) = action, plan.round == round { clients } else { [] }
        }.sorted()
    }

    @Test func `A client that is back is sent the past rounds, then takes part from the next one on`() throws {
        var run = try AnsweredRun(try Self.scenario())
        run.joinAll()
        var welcome: [Coordinator.Action] = []
        try run.play { run, plan in
            if plan.round == 2 { run.handle(.lost(client: "movies-2", how: "was killed")) }
            if plan.round == 3 {
                #expect(run.coordinator.mayJoin("movies-2") && !run.coordinator.mayJoin("movies-3"))
                welcome = run.join("movies-2")
                #expect(!run.coordinator.mayJoin("movies-2"), "nobody joins twice")
                #expect(run.coordinator.isCatchingUp("movies-2"))
                run.handle(.caughtUp(client: "movies-2", round: 3))
            }
        }
        #expect(welcome.count == 2 && welcome.last == .catchUp("movies-2"))
        #expect(run.outcomes == [.completed] && run.coordinator.lostClients.isEmpty)
        #expect(!asked(run, in: 3).contains("movies-2") && asked(run, in: 4).contains("movies-2"))
        #expect(run.closed[1].summary.absences == [.init(client: "movies-2", cause: .lost, how: "was killed")])
        #expect(run.closed[3].summary.returned == ["movies-2"])
        // It is sent what the others are sent, and not less.
        let plans = run.actions.compactMap { action -> RoundPlan? in
            if case .send(.plan(let plan), let clients) = action, plan.round == 4, clients.contains("movies-2") {
                plan
            } else {
                nil
            }
        }
        #expect(
            plans.first?.parameters.values("movies.item-factors") == run.shared(after: 3).values("movies.item-factors"))
    }

    @Test func `The next round waits for the client that the scenario wants back, and for no other`() throws {
        var run = try AnsweredRun(try Self.scenario("{client: movies-2, kind: crash, round: 2, returns: 4}"))
        run.joinAll()
        try run.play { run, plan in
            guard plan.round == 2 else { return }
            run.handle(.lost(client: "movies-2", how: "was killed"))
            run.join("movies-2")
            // Done with all past rounds before its time: it waits, and does those that go by.
            run.handle(.caughtUp(client: "movies-2", round: 2))
        }
        #expect(run.closed.map(\.summary.round) == [1, 2, 3], "round 4 waits")
        #expect(!asked(run, in: 3).contains("movies-2"))
        run.handle(.caughtUp(client: "movies-2", round: 3))
        try run.play()
        #expect(run.outcomes == [.completed])
        #expect(asked(run, in: 4).contains("movies-2"))
    }

    @Test func `One who does not come back is waited for as for those who join, and no longer`() throws {
        var run = try AnsweredRun(try Self.scenario("{client: movies-2, kind: crash, round: 2, returns: 3}"))
        run.joinAll()
        try run.play { run, plan in
            if plan.round == 2 { run.handle(.lost(client: "movies-2", how: "was killed")) }
        }
        #expect(run.closed.count == 2)
        #expect(run.coordinator.deadline == run.now + .seconds(30))
        run.now += .seconds(30)
        run.handle(.tick())
        try run.play()
        #expect(run.outcomes == [.completed] && run.coordinator.lostClients == ["movies-2"])
    }

    @Test func `A round does not begin before the client is gone that is killed after the last one`() throws {
        var run = try AnsweredRun(
            try Self.scenario("{client: movies-2, kind: crash, round: 2, phase: after-update}"))
        run.joinAll()
        try run.play()
        #expect(run.closed.map(\.summary.round) == [1, 2])
        #expect(run.closed[1].summary.answered.contains("movies-2"), "what had arrived counts")
        // A run that is stopped now does the round again, and it happens again.
        #expect(run.checkpoints.map(\.closedRounds) == [0, 1])
        run.handle(.lost(client: "movies-2", how: "was killed"))
        #expect(run.checkpoints.last?.closedRounds == 2)
        #expect(run.checkpoints.last?.lost == ["movies-2": "was killed"])
        try run.play()
        #expect(run.outcomes == [.completed])
        #expect(run.closed.allSatisfy { $0.summary.absences.isEmpty })
        #expect(!asked(run, in: 3).contains("movies-2"))
    }

    @Test func `A client whose update is refused is missing in the round, and asked again in the next`() throws {
        var run = try AnsweredRun(try Self.scenario())
        run.joinAll()
        run.silent = ["books-2"]
        try run.play()
        #expect(run.closed.isEmpty)
        #expect(run.handle(.refused(client: "books-2", round: 2, why: "of another round")).isEmpty)
        run.handle(.refused(client: "books-2", round: 1, why: "it holds a NaN"))
        #expect(run.closed.map(\.summary.round) == [1])
        #expect(
            run.closed[0].summary.absences == [.init(client: "books-2", cause: .refused, how: "it holds a NaN")])
        #expect(asked(run, in: 2).contains("books-2") && run.coordinator.lostClients.isEmpty)
        run.silent = []
        try run.play()
        #expect(run.outcomes == [.completed])
    }

    @Test func `The refused word of a speaker is asked of another client, and not of the same again`() throws {
        var run = try AnsweredRun(try Self.scenario())
        run.joinAll()
        run.silent = ["movies-1"]
        try run.play()
        var rounds: [Int] = []
        for _ in 0..<40 where run.outcomes.isEmpty {
            let round = (run.closed.last?.summary.round ?? 0) + 1
            rounds.append(round)
            run.handle(.refused(client: "movies-1", round: round, why: "it holds a NaN"))
            try run.play()
        }
        #expect(run.outcomes == [.completed], "\(rounds)")
        // Of the rounds that need a speaker each is done again once.
        #expect(run.closed.count == run.plan.steps.count, "\(rounds)")
    }

    @Test func `One who is late is left out, and may come back like one who was lost`() throws {
        var run = try AnsweredRun(try Self.scenario())
        run.joinAll()
        run.silent = ["movies-3"]
        try run.play()
        run.now += .seconds(60)
        run.handle(.tick())
        #expect(run.closed[0].summary.absences.map(\.cause) == [.late])
        #expect(run.coordinator.lostClients == ["movies-3"] && run.coordinator.mayJoin("movies-3"))
    }

    @Test func `One who comes back with other items is told so and left out`() throws {
        var run = try AnsweredRun(try Self.scenario())
        run.joinAll()
        run.handle(.lost(client: "movies-2", how: "was killed"))
        let wanted = run.handle(
            .joined(client: "movies-2", catalogues: [Federation.catalogue("movies", itemCount: 7)]))
        #expect(wanted.first == .send(.goodbye(.mismatch), to: ["movies-2"]))
        #expect(!run.coordinator.isCatchingUp("movies-2"))
    }

    @Test func `An event whose client is not asked in its round is said not to happen`() throws {
        var run = try AnsweredRun(try Self.scenario("{client: persons, kind: crash, round: 2}"))
        run.joinAll()
        try run.play()
        #expect(
            run.actions.contains(
                .warn("round 2 (factors) does not ask client persons, so that its crash does not happen")))
        #expect(run.outcomes == [.completed])
    }
}
