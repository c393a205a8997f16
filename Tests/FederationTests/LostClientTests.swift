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

    @Test(arguments: 0...6) func `With enough clients left the run goes on without the lost one to the end`(phase: Int)
        throws
    {
        for id in ["music", "all-2", "some"] {
            var federation = try federation(at: phase, minimumClients: 5)
            let actions = federation.handle(.lost(client: id, how: "was killed"))
            #expect(actions == [.warn("client \(id) was killed")], "\(id) in phase \(phase)")
            #expect(federation.coordinator.lostClients == [id])
            #expect(!federation.coordinator.isExpected(id))
            if phase == 0 { federation.joinAll(except: [id]) }
            for round in max(phase, 1)...6 { try federation.answerAll(round: round) }
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

    @Test(arguments: 0...6) func `With too few clients left the run ends, saying who was lost and how many are needed`(
        phase: Int
    ) throws {
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
        var federation = try federation(at: 2, minimumClients: 2)
        try federation.answer("all-1", round: 2)
        try federation.answer("some", round: 2)
        #expect(federation.closed.count == 1)
        federation.handle(.lost(client: "all-2", how: "was killed"))
        let (summary, shared) = try #require(federation.closed.last)
        #expect(summary.round == 2)
        #expect(summary.answered == ["all-1", "some"])
        #expect(summary.missing == ["all-2"])
        let first = try federation.update("all-1", round: 2).parameters.require("bridge.count")[0]
        let second = try federation.update("some", round: 2).parameters.require("bridge.count")[0]
        let found = try shared.require("bridge.count")[0]
        #expect(abs(found - (first + second)) <= 0x1p-20)
        #expect(federation.plans(to: "some").last?.round == 3)
    }

    @Test func `An answer counts even when its client is lost afterwards in the same round`() throws {
        var federation = try federation(at: 2, minimumClients: 2)
        try federation.answer("all-2", round: 2)
        federation.handle(.lost(client: "all-2", how: "was killed"))
        try federation.answer("all-1", round: 2)
        try federation.answer("some", round: 2)
        let (summary, _) = try #require(federation.closed.last)
        #expect(summary.answered == ["all-1", "all-2", "some"])
        #expect(summary.missing.isEmpty)
    }

    @Test func `An update that arrives after its client was given up is ignored`() throws {
        var federation = try federation(at: 2, minimumClients: 2)
        federation.handle(.lost(client: "all-2", how: "was killed"))
        #expect(try federation.answer("all-2", round: 2).isEmpty)
        #expect(federation.handle(.lost(client: "all-2", how: "was killed again")).isEmpty)
        #expect(federation.handle(.lost(client: "nobody", how: "was never there")).isEmpty)
        #expect(federation.coordinator.lostClients == ["all-2"])
    }

    @Test func `Late clients are given up at the deadline of the round, not before, and told so`() throws {
        var federation = try federation(at: 2, minimumClients: 2)
        try federation.answer("some", round: 2)
        federation.now = federation.coordinator.deadline - .nanoseconds(1)
        #expect(federation.handle(.tick).isEmpty)
        federation.now += .nanoseconds(1)
        federation.handle(.tick)
        let summary = try #require(federation.closed.last?.summary)
        #expect(summary.answered == ["some"])
        #expect(summary.missing == ["all-1", "all-2"])
        #expect(federation.coordinator.lostClients == ["all-1", "all-2"])
        #expect(federation.goodbyes(to: "all-1") == [.aborted])
        #expect(federation.goodbyes(to: "all-2") == [.aborted])
        #expect(federation.coordinator.deadline == federation.now + .seconds(60))
        #expect(try federation.answer("all-1", round: 2).isEmpty)
        #expect(try federation.answer("all-1", round: 3).isEmpty)
        for round in 3...6 { try federation.answerAll(round: round) }
        #expect(federation.outcomes == [.completed])
    }

    @Test func `Clients that have not joined by the deadline are left out, and a later join is ignored`() throws {
        var federation = try Federation(try Scenarios.wide())
        federation.joinAll(except: ["music", "all-2"])
        #expect(federation.coordinator.deadline == federation.now + .seconds(30))
        federation.now += .seconds(29)
        #expect(federation.handle(.tick).isEmpty)
        federation.now += .seconds(1)
        federation.handle(.tick)
        #expect(federation.coordinator.lostClients == ["all-2", "music"])
        #expect(federation.plans(to: "movies").count == 1)
        #expect(federation.join("music").isEmpty)
        #expect(!federation.coordinator.hasJoined("music"))
        for round in 1...6 { try federation.answerAll(round: round) }
        #expect(federation.outcomes == [.completed])
        // The catalogue of music is known from the devices, but no client has released its factors.
        #expect(federation.closed.last?.shared.values("music.item-factors") == nil)
    }

    @Test func `Too few joins by the deadline end the run`() throws {
        var federation = try Federation(try Scenarios.wide(["federation.minimum-clients=5"]))
        federation.joinAll(except: ["music", "all-2"])
        federation.now += .seconds(30)
        federation.handle(.tick)
        #expect(federation.outcomes.map(\.isPeerLost) == [true])
        #expect(federation.plans(to: "movies").isEmpty)
    }

    @Test func `Every client that is given up is told, also when that ends the run`() throws {
        var federation = try federation(at: 2, minimumClients: 6)
        federation.now = federation.coordinator.deadline
        federation.handle(.tick)
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

    @Test(arguments: [("books", "target domain"), ("movies", "source domain")])
    func `Without the target or any source the first round ends the run`(id: String, words: String) throws {
        var federation = try Federation(try Scenarios.narrow())
        federation.joinAll()
        federation.handle(.lost(client: id, how: "was killed"))
        try federation.answerAll(round: 1)
        guard case .peerLost(let reason) = federation.outcomes.first else {
            Issue.record("\(federation.outcomes)")
            return
        }
        #expect(reason.contains(words))
        #expect(federation.plans(to: "persons").isEmpty)
    }

    @Test(arguments: [2, 3, 5, 6]) func `Without any answer of persons the round ends the run`(round: Int) throws {
        var federation = try Federation(try Scenarios.narrow())
        federation.joinAll()
        for earlier in 1..<round { try federation.answerAll(round: earlier) }
        federation.handle(.lost(client: "persons", how: "was killed"))
        #expect(federation.outcomes.map(\.isPeerLost) == [true])
        #expect(federation.closed.last?.summary.missing == ["persons"])
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
        var federation = try federation(at: 3, minimumClients: 2)
        let before = try #require(federation.closed.last?.shared)
        for id in ["all-1", "all-2", "some"] {
            let tensors = try federation.plan.uploads(.selection, client: id).map { spec in
                try ParameterSet.Tensor(spec, values: [Float](repeating: spec.bound, count: spec.elementCount))
            }
            federation.handle(
                .update(client: id, .init(round: 3, policy: .unprotected, parameters: try ParameterSet(tensors))))
        }
        #expect(federation.closed.last?.summary.round == 3)
        #expect(federation.closed.last?.shared == before)
        #expect(
            federation.actions.contains { if case .warn(let text) = $0 { text.contains("round 3") } else { false } })
    }
}
