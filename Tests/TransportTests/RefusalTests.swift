import Cryptography
import Numerics
import Parameters
import Privacy
import TestSupport
import Testing
import Transport
import Wire

@Suite(.serialized) struct RefusalTests {
    private func expectRefusal(
        _ event: CoordinatorEvent, client: String?, _ error: WireError, _ comment: Comment? = nil
    ) {
        guard case .refused(let name, let found) = event else {
            Issue.record("\(event)")
            return
        }
        #expect(name == client, comment)
        #expect(found == error, comment)
    }

    @Test(arguments: EndpointKind.allCases) func `What an unknown sender sends is refused unless it is a join`(
        kind: EndpointKind
    ) throws {
        let folder = try TemporaryFolder()
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: 100)
        var socket = try agreement.coordinator(kind.endpoint(in: folder))
        let endpoint = socket.endpoint
        let client = Background {
            var client = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
            try client.send(.update(try agreement.sealed(round: 1)))
            try client.send(.goodbye(.clientFailed))
            try client.send(.join(agreement.join))
            return true
        }
        expectRefusal(try socket.event(control), client: nil, .outOfRound(round: 1))
        expectRefusal(try socket.event(control), client: nil, .unexpectedKind(MessageKind.goodbye.rawValue))
        let (peer, message) = try socket.message(control)
        #expect(message == .join(agreement.join))
        #expect(socket.client(of: peer) == nil)
        #expect(socket.traffic.refused == 2)
        #expect(try client.value())
    }

    @Test func `An update that was expected from a stranger is refused all the same`() throws {
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: 100)
        var socket = try agreement.coordinator()
        let endpoint = socket.endpoint
        let client = Background {
            var client = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
            try client.send(.join(agreement.join))
            try client.send(.update(try agreement.sealed(round: 1)))
            return true
        }
        let (peer, _) = try socket.message(control)
        // Not bound: its token was wrong, say.
        socket.expect(peer, round: 1, specs: agreement.schema.specs)
        expectRefusal(try socket.event(control), client: nil, .unexpectedKind(MessageKind.update.rawValue))
        #expect(try client.value())
    }

    @Test func `A client's refused frame names the client, and its next good update arrives`() throws {
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: 3_000_000)
        var socket = try agreement.coordinator()
        let endpoint = socket.endpoint
        let client = Background {
            var client = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
            try client.send(.join(agreement.join))
            client.adopt(agreement.schema)
            _ = try client.receive(timeout: .seconds(20))
            try client.send(.update(try agreement.sealed(round: 2)))
            try client.send(.update(try agreement.sealed(round: 1)))
            return true
        }
        let (peer, _) = try socket.message(control)
        socket.bind(peer, client: "books")
        socket.expect(peer, round: 1, specs: agreement.schema.specs)
        _ = try socket.send(agreement.welcome, to: [peer], schema: agreement.schema)
        expectRefusal(try socket.event(control), client: "books", .outOfRound(round: 2), "first piece")
        expectRefusal(
            try socket.event(control), client: "books", .brokenSequenceOfPieces(kind: .update), "second piece")
        expectRefusal(try socket.event(control), client: "books", .brokenSequenceOfPieces(kind: .update), "third piece")
        let (_, update) = try socket.message(control)
        let isEqual =
            update == .update(ReceivedUpdate(round: 1, policy: .unprotected, parameters: agreement.parameters))
        #expect(isEqual)
        socket.expect(peer, round: 1, specs: nil)
        #expect(socket.traffic.refused == 3)
        #expect(try client.value())
    }

    @Test func `A client of another run is refused`() throws {
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: 100)
        var socket = try agreement.coordinator()
        let endpoint = socket.endpoint
        let client = Background {
            var client = try ClientSocket(endpoint: endpoint, runID: agreement.runID ^ 1)
            try client.send(.join(agreement.join))
            return true
        }
        expectRefusal(try socket.event(control), client: nil, .anotherRun)
        #expect(try client.value())
    }

    @Test func `A client refuses a plan before it knows the schema`() throws {
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: 100)
        var socket = try agreement.coordinator()
        let endpoint = socket.endpoint
        let client = Background<([TransportError], CoordinatorMessage)> {
            var client = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
            try client.send(.join(agreement.join))
            var errors: [TransportError] = []
            do throws(TransportError) { _ = try client.receive(timeout: .seconds(20)) } catch { errors.append(error) }
            client.adopt(agreement.schema)
            return (errors, try client.receive(timeout: .seconds(20)))
        }
        let (peer, _) = try socket.message(control)
        for _ in 0..<2 { _ = try socket.send(agreement.plan, to: [peer], schema: agreement.schema) }
        let (errors, plan) = try client.value()
        #expect(errors == [.refused(.unexpectedKind(MessageKind.plan.rawValue))])
        #expect(plan == agreement.plan)
    }

    @Test func `A client that has gone is reported, others still get the message`() throws {
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: 100)
        var socket = try agreement.coordinator(clientCount: 2)
        let endpoint = socket.endpoint
        let leaver = Background {
            var client = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
            try client.send(.join(Join(clientID: "leaver", token: agreement.token, catalogues: [])))
            return true
        }
        let (gone, _) = try socket.message(control)
        socket.bind(gone, client: "leaver")
        // The client's socket is closed, and flushed, when its thread ends.
        #expect(try leaver.value())
        let stayer = Background {
            var client = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
            try client.send(.join(Join(clientID: "stayer", token: agreement.token, catalogues: [])))
            return try client.receive(timeout: .seconds(20))
        }
        let (peer, _) = try socket.message(control)
        socket.bind(peer, client: "stayer")
        // The close is noticed by libzmq's own thread, so ask until it has been.
        let end = ContinuousClock.now + .seconds(10)
        var reported: [PeerID] = []
        while reported.isEmpty, ContinuousClock.now < end {
            reported = try socket.send(.goodbye(.aborted), to: [gone], schema: agreement.schema)
        }
        #expect(reported == [gone])
        #expect(socket.client(of: gone) == "leaver")
        #expect(try socket.send(.goodbye(.completed), to: [gone, peer], schema: agreement.schema) == [gone])
        #expect(try stayer.value() == .goodbye(.completed))
        socket.drop(gone)
        #expect(socket.client(of: gone) == nil)
        #expect(socket.peer(of: "leaver") == nil)
    }

    @Test(arguments: EndpointKind.allCases)
    func `Who takes the routing id of a client that is there does not get in, and the client stays`(
        kind: EndpointKind
    ) throws {
        let folder = try TemporaryFolder()
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: 100)
        var socket = try agreement.coordinator(kind.endpoint(in: folder), clientCount: 2)
        let endpoint = socket.endpoint
        let client = Background {
            var client = try ClientSocket(endpoint: endpoint, runID: agreement.runID, routingID: "books")
            try client.send(.join(agreement.join))
            return try client.receive(timeout: .seconds(20))
        }
        let (peer, _) = try socket.message(control)
        socket.bind(peer, client: "books")
        let thief = Background {
            var thief = try ClientSocket(endpoint: endpoint, runID: agreement.runID, routingID: "books")
            try? thief.send(.join(agreement.join))
            return try? thief.receive(timeout: .milliseconds(500))
        }
        guard case .timedOut = try socket.next(timeout: .seconds(1), control: control.readEnd) else {
            Issue.record("the thief was heard")
            return
        }
        _ = try socket.send(agreement.welcome, to: [peer], schema: agreement.schema)
        #expect(try client.value() == agreement.welcome)
        #expect(try thief.value() == nil)
    }

    @Test(arguments: [
        (UpdateDamage.bytes, WireError.corrupted(kind: .update)),
        (.withoutFirstPiece, .brokenSequenceOfPieces(kind: .update)),
    ])
    func `A damaged update is refused in its round, and the round's next plan finds the client as before`(
        damage: UpdateDamage, error: WireError
    ) throws {
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: 3_000_000)
        var socket = try agreement.coordinator()
        let endpoint = socket.endpoint
        let client = Background {
            var client = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
            try client.send(.join(agreement.join))
            client.adopt(agreement.schema)
            try client.send(.update(try agreement.sealed(round: 1)), damage: damage)
            _ = try client.receive(timeout: .seconds(20))
            try client.send(.update(try agreement.sealed(round: 2)))
            return true
        }
        let (peer, _) = try socket.message(control)
        socket.bind(peer, client: "books")
        socket.expect(peer, round: 1, specs: agreement.schema.specs)
        expectRefusal(try socket.event(control), client: "books", error)
        #expect(socket.brokenRound(of: "books") == 1)
        socket.expect(peer, round: 2, specs: agreement.schema.specs)
        #expect(socket.brokenRound(of: "books") == nil)
        _ = try socket.send(agreement.welcome, to: [peer], schema: agreement.schema)
        // What is left of the first update is refused too, and breaks no other round.
        var event = try socket.event(control)
        while case .refused = event {
            #expect(socket.brokenRound(of: "books") == nil)
            event = try socket.event(control)
        }
        guard case .message(_, .update(let update)) = event else {
            Issue.record("\(event)")
            return
        }
        #expect(update.round == 2)
        #expect(socket.traffic.count(.update, .up).messages == 1, "what was refused is no traffic")
        #expect(try client.value())
    }

    @Test func `A past plan is no traffic, and the request that answers it is told`() throws {
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: 100)
        var socket = try agreement.coordinator()
        let endpoint = socket.endpoint
        let client = Background {
            var client = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
            try client.send(.join(agreement.join))
            client.adopt(agreement.schema)
            let plan = try client.receive(timeout: .seconds(20))
            try client.send(.request(round: 7))
            return plan
        }
        let (peer, _) = try socket.message(control)
        socket.bind(peer, client: "books")
        let plan = RoundPlan(
            round: 7, step: 2, deadline: .seconds(60), parameters: agreement.parameters, isSpeaker: true, isPast: true)
        #expect(try socket.sendPast(plan, to: peer, schema: agreement.schema))
        let (_, answer) = try socket.message(control)
        #expect(answer == .request(round: 7))
        #expect(try client.value() == .plan(plan))
        #expect(socket.traffic.count(.plan, .down).messages == 0)
    }
}
