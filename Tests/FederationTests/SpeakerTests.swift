import Federation
import Parameters
import Privacy
import Scenario
import Testing
import Wire

@Suite("Of several clients that know the same any one can speak")
struct SpeakerTests {
    private static let text = [
        "clients=[{id: movies, domain: movies, count: 3, data: {format: synthetic}}, "
            + "{id: books, domain: books, data: {format: synthetic}}]",
        "transfer.alignment=text", "transfer.text.item-regularization=[10]", "model.iterations=1",
    ]

    /// Answers of all that are asked and not lost, with sums that some persons could have.
    private func answerAll(_ federation: inout Federation, round: Int) throws {
        let lost = federation.coordinator.lostClients
        for id in federation.plan.participants(federation.plan.steps[round - 1]) where !lost.contains(id) {
            federation.handle(.update(client: id, try SharedDomainTests.update(federation, id, round: round)))
        }
    }

    /// The clients that were told to work in a round, in order.
    private func asked(_ federation: Federation, round: Int) -> [String] {
        federation.clients.filter { federation.plans(to: $0).contains { $0.round == round } }
    }

    @Test(
        "the first client of the target that is there tells the times; when it is lost, the next one is asked at once")
    func calendar() throws {
        var federation = try Federation(try Scenarios.narrow(["clients.books.count=3", "model.iterations=1"]))
        federation.joinAll()
        #expect(federation.plan.steps[0] == .calendar && asked(federation, round: 1) == ["books-1"])
        federation.now += .seconds(50)
        federation.handle(.lost(client: "books-1", how: "was killed"))
        #expect(federation.outcomes.isEmpty && asked(federation, round: 1) == ["books-1", "books-2"])
        // It has the whole time.
        let deadline = federation.scenario.duration("federation.deadline")
        #expect(federation.coordinator.deadline == federation.now + deadline)
        // One that nobody asked says nothing.
        try federation.answer("books-3", round: 1)
        #expect(federation.closed.isEmpty)
        federation.now += deadline
        federation.handle(.tick)
        #expect(federation.coordinator.lostClients == ["books-1", "books-2"] && federation.closed.isEmpty)
        try federation.answer("books-3", round: 1)
        let (summary, shared) = try #require(federation.closed.first)
        #expect(summary.participants == ["books-1", "books-2", "books-3"])
        #expect(summary.answered == ["books-3"] && summary.missing == ["books-1", "books-2"])
        #expect(
            shared.values(TensorName.calendar)
                == (try federation.update("books-3", round: 1).parameters.values(TensorName.calendar)))
    }

    @Test("when all clients of the target are lost in turn, nobody tells the times and the run ends")
    func nobody() throws {
        var federation = try Federation(try Scenarios.narrow(["clients.books.count=2"]))
        federation.joinAll()
        for id in ["books-1", "books-2"] { federation.handle(.lost(client: id, how: "was killed")) }
        guard case .peerLost(let reason) = federation.outcomes.first else {
            Issue.record("\(federation.outcomes)")
            return
        }
        #expect(reason.contains("no client of the target domain books is left"), "\(reason)")
    }

    @Test("what a shared source has learnt of texts is told by whoever is left, in the repeated training too")
    func texts() throws {
        var federation = try Federation(try Scenarios.narrow(Self.text + Scenarios.bare))
        federation.joinAll()
        let weights = TensorName.textMap("movies", .weights)
        let (first, second) = (federation.round(of: .encoders), federation.round(of: .refitEncoders))
        for round in federation.rounds {
            if round == first { federation.handle(.lost(client: "movies-1", how: "was killed")) }
            if round == second { federation.handle(.lost(client: "movies-2", how: "was killed")) }
            try answerAll(&federation, round: round)
        }
        #expect(federation.outcomes == [.completed])
        #expect(asked(federation, round: first) == ["movies-1", "movies-2"])
        #expect(asked(federation, round: second) == ["movies-2", "movies-3"])
        for (round, id) in [(first, "movies-2"), (second, "movies-3")] {
            #expect(
                federation.closed[round - 1].shared.values(weights)
                    == (try federation.update(id, round: round).parameters.values(weights)))
        }
        #expect(!federation.actions.contains { if case .warn(let text) = $0 { text.contains("stays") } else { false } })
    }

    @Test("what the clients of a domain make alike is taken from one, in any order, and only the rest is summed")
    func common() throws {
        func total(lost: [String], isReversed: Bool) throws -> ParameterSet {
            var federation = try Federation(
                try Scenarios.narrow([
                    "clients.books.count=3", "model.iterations=1", "evaluation.fedavg-rounds=1",
                    "evaluation.baselines=[naive-fedavg]", "evaluation.split=seeded", "transfer.gate=false",
                ]))
            federation.joinAll()
            let round = federation.round(of: .encoders)
            for earlier in 1..<round { try answerAll(&federation, round: earlier) }
            for id in lost { federation.handle(.lost(client: id, how: "was killed")) }
            let ids = federation.clients.filter { $0 != "persons" && !lost.contains($0) }
            for id in isReversed ? ids.reversed() : ids { try federation.answer(id, round: round) }
            return try #require(federation.closed.last?.shared)
        }
        let federation = try Federation(
            try Scenarios.narrow([
                "clients.books.count=3", "model.iterations=1", "evaluation.fedavg-rounds=1",
                "evaluation.baselines=[naive-fedavg]", "evaluation.split=seeded", "transfer.gate=false",
            ]))
        let round = federation.round(of: .encoders)
        let (common, sum) = (TensorName.towerItemFactors("books"), TensorName.momentSum("books"))
        func sent(_ id: String, _ name: String) throws -> [Float] {
            try federation.update(id, round: round).parameters.require(name)
        }
        let all = try total(lost: [], isReversed: false)
        #expect(try total(lost: [], isReversed: true) == all)
        #expect(try all.require(common) == sent("books-1", common))
        let sums = try ["books-1", "books-2", "books-3"].map { try sent($0, sum) }
        for (index, value) in try all.require(sum).enumerated() {
            #expect(abs(value - (sums[0][index] + sums[1][index] + sums[2][index])) < 1e-5)
        }
        #expect(try total(lost: ["books-1"], isReversed: true).require(common) == sent("books-2", common))
        #expect(try total(lost: ["books-1", "books-2"], isReversed: false).require(common) == sent("books-3", common))
    }

    @Test("what a domain released before the choices is not taken for its repeated training without a word")
    func stale() throws {
        func end(_ lost: [String], _ overrides: [String]) throws -> (federation: Federation, warnings: [String]) {
            var federation = try Federation(try Scenarios.narrow(overrides + Scenarios.bare))
            federation.joinAll()
            for round in federation.rounds where federation.outcomes.isEmpty {
                if federation.plan.steps[round - 1] == .refitEncoders {
                    for id in lost { federation.handle(.lost(client: id, how: "was killed")) }
                }
                try answerAll(&federation, round: round)
            }
            let warnings = federation.actions.compactMap { action -> String? in
                if case .warn(let text) = action, text.contains("stays in use") { text } else { nil }
            }
            return (federation, warnings)
        }
        let rounds = try Federation(try Scenarios.narrow(Scenarios.bare)).round(of: .refitEncoders)
        let (federation, warnings) = try end(["movies"], [])
        #expect(federation.outcomes == [.completed])
        #expect(
            warnings == [
                "round \(rounds) (refit-encoders): no client of movies is left, and what it released before the choices "
                    + "stays in use, trained without validation persons"
            ])
        #expect(try end([], []).warnings.isEmpty)
        #expect(try end(["movies-1"], ["clients.movies.count=2", "model.iterations=1"]).warnings.isEmpty)
        let text = try end(["movies-1", "movies-2", "movies-3"], Self.text)
        #expect(text.warnings.isEmpty && text.federation.outcomes.map(\.isPeerLost) == [true])
        // Features of the last game beside those of the one before it would be nonsense.
        let game = try end(
            ["movies"],
            [
                "transfer.method=adversarial", "transfer.adversarial.rounds=1", "text.dimension=4",
                "transfer.adversarial.target-preferences=true",
            ])
        guard case .peerLost(let reason) = game.federation.outcomes.first else {
            Issue.record("\(game.federation.outcomes)")
            return
        }
        #expect(reason.contains("its features are of another game"), "\(reason)")
    }
}
