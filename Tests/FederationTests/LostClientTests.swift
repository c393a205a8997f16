import Federation
import Numerics
import Parameters
import Privacy
import Scenario
import TestSupport
import Testing
import Wire

/// What becomes of a run when clients are lost, one row an event.
@Suite struct LostClientTests {
    /// Joining, and the rounds of the wide scenario.
    static let phases = 0...12
    /// The round of `bridge` and of `selection`.
    private let bridge = 5
    private let selection = 6

    @Test func `The phases of these tests are those of the scenario`() throws {
        let federation = try Federation(try Scenarios.wide())
        #expect(federation.scenario.roundCount == LostClientTests.phases.upperBound)
        #expect(federation.round(of: .bridge) == bridge && federation.round(of: .selection) == selection)
    }

    /// A federation whose given round is open, nobody lost; round 0 is joining with the first client there.
    private func federation(at round: Int, minimumClients: Int) throws -> Federation {
        var federation = try Federation(try Scenarios.wide(["federation.minimum-clients=\(minimumClients)"]))
        guard round > 0 else {
            federation.join("movies")
            return federation
        }
        federation.joinAll()
        for earlier in 1..<round { try federation.answerAll(round: earlier) }
        return federation
    }

    @Test(arguments: phases)
    func `With enough clients left the run goes on without the lost one to the end`(phase: Int) throws {
        for id in ["music", "all-2", "some"] {
            var federation = try federation(at: phase, minimumClients: 5)
            let actions = federation.handle(.lost(client: id, how: "was killed"))
            let isAwaited = phase > 0 && federation.plan.participants(federation.plan.steps[phase - 1]).contains(id)
            // Nothing is taken of it any more.
            let silencing: [Coordinator.Action] = isAwaited ? [.expect(client: id, round: phase, specs: nil)] : []
            #expect(actions == [.warn("client \(id) was killed")] + silencing, "\(id) in phase \(phase)")
            #expect(federation.coordinator.lostClients == [id])
            #expect(!federation.coordinator.isExpected(id))
            if phase == 0 { federation.joinAll(except: [id]) }
            try federation.answerToTheEnd(from: max(phase, 1))
            #expect(federation.outcomes == [.completed], "\(id) in phase \(phase)")
            for (summary, _) in federation.closed {
                let isAffected = summary.round == phase && summary.participants.contains(id)
                #expect(summary.missing == (isAffected ? [id] : []), "\(id) in phase \(phase), round \(summary.round)")
                #expect(!summary.answered.contains(id) || summary.round < phase)
                if summary.round > phase { #expect(!summary.participants.contains(id)) }
            }
            #expect(federation.plans(to: id).allSatisfy { $0.round <= phase }, "\(id) in phase \(phase)")
            #expect(federation.goodbyes(to: id).isEmpty)
        }
    }

    @Test(arguments: phases)
    func `With too few clients left the run ends, saying who was lost and how many are needed`(phase: Int) throws {
        for id in ["music", "all-2", "some"] {
            var federation = try federation(at: phase, minimumClients: 6)
            federation.handle(.lost(client: id, how: "was killed"))
            let outcome = try #require(federation.outcomes.first, "\(id) in phase \(phase)")
            guard case .peerLost(let reason) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(reason.contains("client \(id) was killed"))
            #expect(reason.contains("5 of 6 clients are left") && reason.contains("federation.minimum-clients is 6"))
            #expect(federation.goodbyes(to: "movies") == [.aborted])
            #expect(federation.closed.count == max(0, phase - 1))
            #expect(federation.join("books").isEmpty)
            #expect(try federation.answerAll(round: max(1, phase)).isEmpty)
        }
    }

    @Test func `The last missing answer lost closes the round with the answers that are there`() throws {
        var federation = try federation(at: bridge, minimumClients: 2)
        try federation.answer("all-1", round: bridge)
        try federation.answer("some", round: bridge)
        #expect(federation.closed.count == bridge - 1)
        federation.handle(.lost(client: "all-2", how: "was killed"))
        let (summary, shared) = try #require(federation.closed.last)
        #expect(summary.round == bridge)
        #expect(summary.answered == ["all-1", "some"])
        #expect(summary.missing == ["all-2"])
        let first = try federation.update("all-1", round: bridge).parameters.require("bridge.count")[0]
        let second = try federation.update("some", round: bridge).parameters.require("bridge.count")[0]
        let found = try shared.require("bridge.count")[0]
        #expect(abs(found - (first + second)) <= 0x1p-20)
        #expect(federation.plans(to: "some").last?.round == selection)
    }

    @Test func `An answer counts even when its client is lost afterwards in the same round`() throws {
        var federation = try federation(at: bridge, minimumClients: 2)
        try federation.answer("all-2", round: bridge)
        federation.handle(.lost(client: "all-2", how: "was killed"))
        try federation.answer("all-1", round: bridge)
        try federation.answer("some", round: bridge)
        let (summary, _) = try #require(federation.closed.last)
        #expect(summary.answered == ["all-1", "all-2", "some"])
        #expect(summary.missing.isEmpty)
    }

    @Test func `An update that arrives after its client was given up is ignored`() throws {
        var federation = try federation(at: bridge, minimumClients: 2)
        federation.handle(.lost(client: "all-2", how: "was killed"))
        #expect(try federation.answer("all-2", round: bridge).isEmpty)
        #expect(federation.handle(.lost(client: "all-2", how: "was killed again")).isEmpty)
        #expect(federation.handle(.lost(client: "nobody", how: "was never there")).isEmpty)
        #expect(federation.coordinator.lostClients == ["all-2"])
    }

    @Test func `Late clients are given up at the deadline of the round, not before, and told so`() throws {
        var federation = try federation(at: bridge, minimumClients: 2)
        try federation.answer("some", round: bridge)
        federation.now = federation.coordinator.deadline - .nanoseconds(1)
        #expect(federation.handle(.tick()).isEmpty)
        federation.now += .nanoseconds(1)
        federation.handle(.tick())
        let summary = try #require(federation.closed.last?.summary)
        #expect(summary.answered == ["some"])
        #expect(summary.missing == ["all-1", "all-2"])
        #expect(federation.coordinator.lostClients == ["all-1", "all-2"])
        #expect(federation.goodbyes(to: "all-1") == [.aborted])
        #expect(federation.goodbyes(to: "all-2") == [.aborted])
        #expect(federation.coordinator.deadline == federation.now + .seconds(60))
        #expect(try federation.answer("all-1", round: bridge).isEmpty)
        #expect(try federation.answer("all-1", round: selection).isEmpty)
        try federation.answerToTheEnd(from: selection)
        #expect(federation.outcomes == [.completed])
    }

    @Test func `Of updates that are gathered only those who hold the others up are late, and those have time anew`()
        throws
    {
        var federation = try federation(at: bridge, minimumClients: 2)
        federation.now = federation.coordinator.deadline
        federation.handle(.tick(awaiting: ["all-2", "somebody else"]))
        #expect(federation.coordinator.lostClients == ["all-2"])
        #expect(federation.goodbyes(to: "all-2") == [.aborted])
        #expect(federation.closed.count == bridge - 1)
        #expect(federation.coordinator.deadline == federation.now + .seconds(60))
        var sum = ExactSum(clientCount: 6)
        for id in ["all-1", "some"] { sum.add(try federation.update(id, round: bridge).parameters) }
        federation.handle(.gathered(clients: ["some", "all-1"], round: bridge, .success(try sum.total())))
        let summary = try #require(federation.closed.last?.summary)
        #expect(summary.answered == ["all-1", "some"])
        #expect(summary.absences.map(\.cause) == [.late])
        // Nobody holds them up: they go on.
        federation.now = federation.coordinator.deadline
        #expect(federation.handle(.tick(awaiting: [])).isEmpty)
        #expect(federation.coordinator.deadline == federation.now + .seconds(60))
        federation.now += .seconds(40)
        #expect(federation.handle(.begunAgain).isEmpty)
        #expect(federation.coordinator.deadline == federation.now + .seconds(60))
        // Who holds up the sums is nobody that is still asked: time is over for all.
        federation.now = federation.coordinator.deadline
        federation.handle(.tick(awaiting: ["all-2"]))
        #expect(federation.coordinator.lostClients.count > 1)
    }

    @Test func `Clients that have not joined by the deadline are left out, and a later join is ignored`() throws {
        var federation = try Federation(try Scenarios.wide())
        federation.joinAll(except: ["music", "all-2"])
        #expect(federation.coordinator.deadline == federation.now + .seconds(30))
        federation.now += .seconds(29)
        #expect(federation.handle(.tick()).isEmpty)
        federation.now += .seconds(1)
        federation.handle(.tick())
        #expect(federation.coordinator.lostClients == ["all-2", "music"])
        #expect(federation.plans(to: "books").count == 1)
        #expect(federation.join("music").isEmpty)
        #expect(!federation.coordinator.hasJoined("music"))
        try federation.answerToTheEnd()
        #expect(federation.outcomes == [.completed])
        // The catalogue of music is known from the devices, but no client has released its factors.
        #expect(federation.closed.last?.shared.values("music.item-factors") == nil)
    }

    @Test func `Too few joins by the deadline end the run`() throws {
        var federation = try Federation(try Scenarios.wide(["federation.minimum-clients=5"]))
        federation.joinAll(except: ["music", "all-2"])
        federation.now += .seconds(30)
        federation.handle(.tick())
        #expect(federation.outcomes.map(\.isPeerLost) == [true])
        #expect(federation.plans(to: "books").isEmpty)
    }

    @Test func `Every client that is given up is told, also when that ends the run`() throws {
        var federation = try federation(at: bridge, minimumClients: 6)
        federation.now = federation.coordinator.deadline
        federation.handle(.tick())
        let end = try #require(federation.actions.firstIndex { if case .finish = $0 { true } else { false } })
        // What comes after the end is not done any more.
        let done = federation.actions[...end]
        for id in federation.clients {
            let isTold = done.contains {
                if case .send(.goodbye(.aborted), let receivers) = $0 { receivers.contains(id) } else { false }
            }
            #expect(isTold, "\(id)")
        }
    }

    /// Loses a client of the narrow scenario in the first round of a step and answers until the run ends.
    private func ending(_ id: String, lostIn step: RoundStep, _ overrides: [String] = []) throws -> Federation {
        var federation = try Federation(try Scenarios.narrow(overrides))
        federation.joinAll()
        for earlier in 1..<federation.round(of: step) { try federation.answerAll(round: earlier) }
        federation.handle(.lost(client: id, how: "was killed"))
        for round in federation.rounds where federation.outcomes.isEmpty { try federation.answerAll(round: round) }
        return federation
    }

    @Test(
        arguments: [
            ("books", .calendar, .calendar, "target domain"), ("movies", .calendar, .encoders, "source domain"),
            ("books", .tower, .encoders, "target domain"), ("movies", .tower, .encoders, "source domain"),
            ("books", .encoders, .encoders, "target domain"), ("movies", .encoders, .encoders, "source domain"),
        ] as [(String, RoundStep, RoundStep, String)])
    func `Without the target or any source the first round that needs them ends the run`(
        id: String, lost: RoundStep, last: RoundStep, words: String
    ) throws {
        let federation = try ending(id, lostIn: lost)
        guard case .peerLost(let reason) = federation.outcomes.first else {
            Issue.record("\(federation.outcomes)")
            return
        }
        #expect(reason.contains(words) && reason.contains("(\(last))"), "\(reason)")
        #expect(federation.closed.last?.summary.step == last)
        #expect(federation.plans(to: "persons").isEmpty)
    }

    @Test(arguments: ["books", "movies"])
    func `A domain that is lost after its first release keeps the run going with what it released`(id: String) throws {
        let federation = try ending(id, lostIn: .refitTower)
        #expect(federation.outcomes == [.completed])
        let first = try #require(federation.closed.first { $0.summary.step == .encoders }?.shared)
        let last = try #require(federation.closed.last?.shared)
        #expect(try last.require("\(id).item-factors") == first.require("\(id).item-factors"))
    }

    @Test(arguments: [RoundStep.bridge, .selection, .refitBridge, .evaluation])
    func `Without any answer of persons the round ends the run`(step: RoundStep) throws {
        for overrides in [[], Scenarios.bare] {
            let federation = try ending("persons", lostIn: step, overrides)
            #expect(federation.outcomes.map(\.isPeerLost) == [true])
            #expect(federation.closed.last?.summary.missing == ["persons"])
            #expect(federation.closed.last?.summary.step == step)
        }
    }

    @Test func `A catalogue that nobody can tell ends the run before it begins`() throws {
        var federation = try Federation(try Scenarios.narrow(["federation.minimum-clients=1"]))
        federation.join("movies")
        federation.handle(.lost(client: "persons", how: "was killed"))
        federation.handle(.lost(client: "books", how: "was killed"))
        #expect(federation.outcomes.map(\.isPeerLost) == [true])
        #expect(!federation.actions.contains { if case .begin = $0 { true } else { false } })
    }

    @Test func `Sums beyond the bound change nothing and are warned of`() throws {
        var federation = try federation(at: selection, minimumClients: 2)
        let before = try #require(federation.closed.last?.shared)
        for id in ["all-1", "all-2", "some"] {
            let tensors = try federation.plan.uploads(.selection, client: id).map { spec in
                try ParameterSet.Tensor(spec, values: [Float](repeating: spec.bound, count: spec.elementCount))
            }
            federation.handle(
                .update(
                    client: id, .init(round: selection, policy: .unprotected, parameters: try ParameterSet(tensors))))
        }
        #expect(federation.closed.last?.summary.round == selection)
        #expect(federation.closed.last?.shared == before)
        #expect(
            federation.actions.contains {
                if case .warn(let text) = $0 { text.contains("round \(selection)") } else { false }
            })
    }
}
