import Federation
import Numerics
import Parameters
import Privacy
import Scenario
import TestSupport
import Testing
import Wire

@Suite struct CoordinatorTests {
    @Test func `Nothing happens until the last client has joined, then the run begins`() throws {
        var federation = try Federation(try Scenarios.wide())
        for id in federation.clients.dropLast() {
            #expect(!federation.coordinator.hasJoined(id))
            #expect(federation.join(id).isEmpty)
            #expect(federation.coordinator.hasJoined(id))
        }
        let actions = federation.join("some")
        let welcome = Welcome(
            schemaDigest: federation.plan.schema.digest,
            catalogues: ["books", "movies", "music"].map { Federation.catalogue($0) })
        #expect(actions.first == .begin(federation.plan.schema))
        #expect(actions.dropFirst(2).first == .send(.welcome(welcome), to: federation.clients))
        // The target's client alone knows the times of the split.
        let uploads = federation.plan.uploads(.calendar, client: "books")
        #expect(uploads.map(\.name) == ["calendar.times"])
        #expect(actions.dropFirst(4).first == .expect(client: "books", round: 1, specs: uploads, isSummed: true))
        let first = RoundPlan(
            round: 1, step: RoundStep.calendar.rawValue, deadline: .seconds(60), parameters: ParameterSet(),
            isSpeaker: true)
        #expect(actions.last == .send(.plan(first), to: ["books"]))
        #expect(actions.count == 6)
        #expect(federation.coordinator.deadline == federation.now + .seconds(60))
    }

    @Test func `Without times and a common tower the run begins with the encoders of every domain`() throws {
        var federation = try Federation(try Scenarios.wide(Scenarios.bare))
        federation.joinAll()
        let expectations = ["movies", "music", "books"].map {
            Coordinator.Action.expect(
                client: $0, round: 1, specs: federation.plan.uploads(.encoders, client: $0), isSummed: true)
        }
        #expect(Array(federation.actions.dropFirst(4).prefix(3)) == expectations)
        let first = RoundPlan(
            round: 1, step: RoundStep.encoders.rawValue, deadline: .seconds(60), parameters: ParameterSet(),
            isSpeaker: true)
        #expect(federation.actions.last == .send(.plan(first), to: ["movies", "music", "books"]))
        #expect(federation.actions.count == 8)
    }

    @Test(arguments: [([], 12), (Scenarios.bare, 6)])
    func `The rounds of the scenario lead to completed, each with its step, participants and answers`(
        overrides: [String], count: Int
    ) throws {
        var federation = try Federation(try Scenarios.wide(overrides))
        #expect(federation.scenario.roundCount == count)
        federation.joinAll()
        try federation.answerToTheEnd()
        #expect(federation.outcomes == [.completed])
        #expect(federation.closed.map(\.summary.round) == Array(1...count))
        #expect(federation.closed.map(\.summary.step) == federation.plan.steps)
        for (summary, _) in federation.closed {
            let expected: [String]
            switch summary.step {
            case .calendar: expected = ["books"]
            case .tower, .encoders, .refitTower, .refitEncoders: expected = ["movies", "music", "books"]
            default:
                expected = ["all-1", "all-2", "some"]
            }
            #expect(summary.participants == expected)
            #expect(summary.answered == expected.sorted())
            #expect(summary.missing.isEmpty)
        }
        for id in federation.clients { #expect(federation.goodbyes(to: id) == [.completed]) }
        #expect(federation.coordinator.lostClients.isEmpty)
        let everything = federation.closed.last?.shared.specs
        #expect(everything == federation.plan.schema.specs)
    }

    @Test func `A round's aggregate is the sum of its updates and replaces what the step released before`() throws {
        var federation = try Federation(try Scenarios.wide())
        federation.joinAll()
        try federation.answerToTheEnd()
        for (name, steps) in [
            ("calendar.times", [.calendar]), ("tower.weights-sum", [.tower, .refitTower]),
            ("books.item-factors", [.encoders, .refitEncoders]), ("books.ease.item-weights", [.encoders]),
            ("bridge.cross-moment", [.bridge, .refitBridge]), ("selection.scores", [.selection]),
        ] as [(String, [RoundStep])] {
            for round in steps.flatMap({ federation.rounds(of: $0) }) {
                var expected: [Double] = []
                for id in federation.plan.participants(federation.plan.steps[round - 1]) {
                    guard let values = try federation.update(id, round: round).parameters.values(name) else { continue }
                    if expected.isEmpty { expected = [Double](repeating: 0, count: values.count) }
                    for (index, value) in values.enumerated() { expected[index] += Double(value) }
                }
                let found = try federation.closed[round - 1].shared.require(name)
                #expect(found.count == expected.count)
                for (value, sum) in zip(found, expected) {
                    // The grid of six clients at 2²⁴ is 2⁻³⁴, far below half a unit of a Float of this size.
                    #expect(abs(Double(value) - sum) <= 0x1p-31 + abs(sum) * 0x1p-24, "\(name), round \(round)")
                }
            }
        }
    }

    @Test(arguments: 0..<20) func `The order of answers changes no bit and no summary`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["coordinator", "order"])
        var reference = try Federation(try Scenarios.wide(), seed: seed)
        reference.joinAll()
        try reference.answerToTheEnd()
        var other = try Federation(try Scenarios.wide(), seed: seed)
        for id in other.clients.shuffled(using: &stream) { other.join(id) }
        for round in other.rounds {
            for id in other.plan.participants(other.plan.steps[round - 1]).shuffled(using: &stream) {
                try other.answer(id, round: round)
            }
        }
        #expect(other.outcomes == [.completed], "seed \(seed)")
        #expect(other.closed.map(\.summary) == reference.closed.map(\.summary), "seed \(seed)")
        #expect(other.closed.map(\.shared.bitPatterns) == reference.closed.map(\.shared.bitPatterns), "seed \(seed)")
        #expect(other.plans(to: "some") == reference.plans(to: "some"), "seed \(seed)")
    }

    @Test func `Duplicate, out-of-round, unknown and unasked updates change nothing`() throws {
        var reference = try Federation(try Scenarios.wide())
        reference.joinAll()
        try reference.answerToTheEnd()

        var federation = try Federation(try Scenarios.wide())
        #expect(try federation.answer("movies", round: 1).isEmpty, "before the run")
        federation.joinAll()
        for round in federation.rounds {
            let participants = federation.plan.participants(federation.plan.steps[round - 1])
            let idle = federation.clients.filter { !participants.contains($0) }
            for id in participants {
                for other in federation.rounds where other != round {
                    #expect(try federation.answer(id, round: other).isEmpty, "\(id), \(other) in round \(round)")
                }
                for stranger in idle + ["nobody", ""] {
                    let update = try federation.update(id, round: round)
                    #expect(
                        federation.handle(.update(client: stranger, update)).isEmpty, "\(stranger) in round \(round)")
                }
                #expect(!(try federation.answer(id, round: round)).isEmpty)
                // The last answer has opened the next round, for which a duplicate is out of round.
                #expect(try federation.answer(id, round: round).isEmpty, "duplicate of \(id) in round \(round)")
            }
        }
        #expect(federation.outcomes == [.completed])
        #expect(federation.closed.map(\.summary) == reference.closed.map(\.summary))
        #expect(federation.closed.map(\.shared.bitPatterns) == reference.closed.map(\.shared.bitPatterns))
    }

    @Test func `An answered client may send nothing more in the round`() throws {
        var federation = try Federation(try Scenarios.wide())
        federation.joinAll()
        try federation.answerAll(round: 1)
        let actions = try federation.answer("movies", round: 2)
        #expect(actions == [.expect(client: "movies", round: 2, specs: nil)])
    }

    @Test func `A second join, a join of a stranger and a join after the start change nothing`() throws {
        var federation = try Federation(try Scenarios.narrow())
        #expect(federation.handle(.joined(client: "nobody", catalogues: [])).isEmpty)
        #expect(!federation.coordinator.isExpected("nobody"))
        #expect(!federation.coordinator.hasJoined("nobody"))
        federation.join("movies")
        // Were it taken, the catalogue would not match that of the persons client.
        let other = Federation.catalogue("movies", itemCount: 7)
        #expect(federation.handle(.joined(client: "movies", catalogues: [other])).isEmpty)
        federation.join("books")
        federation.join("persons")
        #expect(federation.outcomes.isEmpty)
        #expect(federation.join("persons").isEmpty)
        #expect(federation.plans(to: "books").count == 1)
    }

    @Test func `Two catalogues of one domain end the run before it begins and name both clients`() throws {
        for other in [
            Federation.catalogue("movies", itemCount: 7),
            Catalogue(domain: "movies", itemCount: 42, digest: Federation.catalogue("books").digest),
        ] {
            var federation = try Federation(try Scenarios.narrow())
            federation.join("movies")
            federation.join("books")
            federation.handle(.joined(client: "persons", catalogues: [Federation.catalogue("books"), other]))
            guard case .catalogueMismatch(let reason) = federation.outcomes.first else {
                Issue.record("\(federation.outcomes)")
                return
            }
            #expect(reason.contains("movies") && reason.contains("persons"))
            #expect(federation.outcomes.count == 1)
            #expect(federation.goodbyes(to: "books") == [.mismatch])
            #expect(!federation.actions.contains { if case .begin = $0 { true } else { false } })
            #expect(try federation.answer("movies", round: 1).isEmpty)
        }
    }

    @Test func `Nothing happens after the end`() throws {
        var federation = try Federation(try Scenarios.narrow())
        federation.joinAll()
        try federation.answerToTheEnd()
        #expect(federation.outcomes == [.completed])
        federation.now += .seconds(1_000_000)
        #expect(federation.handle(.tick()).isEmpty)
        #expect(federation.handle(.lost(client: "movies", how: "has gone")).isEmpty)
        #expect(federation.join("movies").isEmpty)
        #expect(try federation.answer("persons", round: federation.scenario.roundCount).isEmpty)
    }

    @Test(arguments: 1..<4)
    func `Sums that were gathered do what the updates do one by one, where sums are said to be enough`(seed: UInt64)
        throws
    {
        var each = try Federation(try Scenarios.wide(), seed: seed)
        var gathered = try Federation(try Scenarios.wide(), seed: seed)
        each.joinAll()
        gathered.joinAll()
        for round in each.rounds {
            let ids = each.plan.participants(each.plan.steps[round - 1])
            try each.answerAll(round: round)
            let expectations = gathered.actions.compactMap { action in
                if case .expect(let id, round, .some, let isSummed) = action { (id, isSummed) } else { nil }
            }
            #expect(expectations.map(\.0).sorted() == ids.sorted())
            #expect(expectations.allSatisfy { $0.1 })
            var sum = ExactSum(clientCount: gathered.clients.count)
            for id in ids { sum.add(try gathered.update(id, round: round).parameters) }
            // Sums of another round, or with an update that came before, are none.
            #expect(gathered.handle(.gathered(clients: ids, round: round + 1, .success(ParameterSet()))).isEmpty)
            #expect(gathered.handle(.gathered(clients: ids + ["?"], round: round, .success(ParameterSet()))).isEmpty)
            gathered.handle(.gathered(clients: ids, round: round, .success(try sum.total())))
        }
        #expect(each.outcomes == [.completed])
        #expect(gathered.outcomes == [.completed])
        #expect(each.closed.map(\.summary) == gathered.closed.map(\.summary))
        #expect(each.closed.map(\.shared) == gathered.closed.map(\.shared))
    }

    @Test func `Sums that are beyond their bounds change nothing, and the round says so`() throws {
        var federation = try Federation(try Scenarios.wide())
        federation.joinAll()
        let problem = ParameterError.valueOutOfBound(name: "movies.item-factors", bound: 8)
        let actions = federation.handle(
            .gathered(
                clients: federation.plan.participants(federation.plan.steps[0]), round: 1, .failure(problem)))
        let isSaid = actions.contains {
            if case .warn(let text) = $0 {
                text.contains("round 1 changes nothing") && text.contains("movies")
            } else {
                false
            }
        }
        #expect(isSaid)
    }
}
