import Cryptography
import Numerics
import Parameters
import Privacy
import TestSupport
import Testing
import Transport
import Wire

@Suite(.serialized) struct SocketTests {
    @Test(arguments: EndpointKind.allCases, [24, 5_000_000])
    func `Join, welcome, plan and update arrive as they were sent`(kind: EndpointKind, byteCount: Int) throws {
        let folder = try TemporaryFolder()
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: byteCount)
        var socket = try agreement.coordinator(kind.endpoint(in: folder))
        let client = agreement.client(socket.endpoint)

        let (peer, join) = try socket.message(control)
        #expect(join == .join(agreement.join))
        #expect(socket.client(of: peer) == nil)
        socket.bind(peer, client: "books")
        #expect(socket.client(of: peer) == "books")
        #expect(socket.peer(of: "books") == peer)
        socket.expect(peer, round: 1, specs: agreement.schema.specs)
        #expect(try socket.send(agreement.welcome, to: [peer], schema: agreement.schema).isEmpty)
        #expect(try socket.send(agreement.plan, to: [peer], schema: agreement.schema).isEmpty)
        let (sender, update) = try socket.message(control)
        #expect(sender == peer)
        let isEqual =
            update == .update(ReceivedUpdate(round: 1, policy: .unprotected, parameters: agreement.parameters))
        #expect(isEqual)
        #expect(try socket.send(.goodbye(.completed), to: [peer], schema: agreement.schema).isEmpty)
        let areEqual = try client.value() == [agreement.welcome, agreement.plan, .goodbye(.completed)]
        #expect(areEqual)

        let payload = Safetensors.byteCount(agreement.schema.specs)
        let pieces = (payload + Envelope.pieceByteLimit - 1) / Envelope.pieceByteLimit
        let up = socket.traffic.count(.update, .up)
        #expect(up.messages == 1)
        #expect(up.frames == 2 * pieces)
        #expect(up.bytes == payload + pieces * Envelope.byteCount)
        #expect(socket.traffic.count(.plan, .down).messages == 1)
        #expect(socket.traffic.count(.plan, .down).bytes > payload)
        #expect(socket.traffic.count(.plan, .up).frames == 0)
        #expect(socket.traffic.refused == 0)
    }

    @Test(arguments: EndpointKind.allCases) func `One plan reaches several clients, and each update its client`(
        kind: EndpointKind
    ) throws {
        let folder = try TemporaryFolder()
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: 100_000)
        var socket = try agreement.coordinator(kind.endpoint(in: folder), clientCount: 3)
        let endpoint = socket.endpoint
        let clients = (0..<3).map { index in
            Background {
                var client = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
                client.adopt(agreement.schema)
                try client.send(.join(Join(clientID: "client-\(index)", token: agreement.token, catalogues: [])))
                let plan = try client.receive(timeout: .seconds(20))
                try client.send(.goodbye(EndReason.allCases[index]))
                return plan
            }
        }
        for _ in 0..<3 {
            let (peer, message) = try socket.message(control)
            guard case .join(let join) = message else { throw UnexpectedEvent(event: "\(message)") }
            socket.bind(peer, client: join.clientID)
        }
        let peers = (0..<3).compactMap { socket.peer(of: "client-\($0)") }
        #expect(Set(peers).count == 3)
        #expect(try socket.send(agreement.plan, to: peers, schema: agreement.schema).isEmpty)
        var reasons: [String: ReceivedClientMessage] = [:]
        for _ in 0..<3 {
            let (peer, message) = try socket.message(control)
            let name = socket.client(of: peer)
            reasons[try #require(name)] = message
        }
        for (index, client) in clients.enumerated() {
            let isEqual = try client.value() == agreement.plan
            #expect(isEqual)
            #expect(reasons["client-\(index)"] == .goodbye(EndReason.allCases[index]))
        }
    }

    @Test func `An endpoint that is taken is named in the error`() throws {
        let first = try CoordinatorSocket(
            endpoint: "tcp://127.0.0.1:*", runID: 1, clientCount: 1, recording: nil, token: RunToken())
        let taken = first.endpoint
        // libzmq may write the address as IPv6; the port is the one that the system picked.
        let port = try #require(taken.split(separator: ":").last.flatMap { Int($0) })
        #expect(taken.contains("127.0.0.1") && port > 0)
        #expect(throws: TransportError.endpointInUse(taken)) {
            _ = try CoordinatorSocket(endpoint: taken, runID: 1, clientCount: 1, recording: nil, token: RunToken())
        }
        #expect(first.endpoint == taken)
    }

    @Test func `An endpoint that cannot be bound is an error with the failing call`() {
        let error = #expect(throws: TransportError.self) {
            _ = try CoordinatorSocket(
                endpoint: "ipc:///no/such/folder/socket", runID: 1, clientCount: 1, recording: nil, token: RunToken())
        }
        guard case .zeroMQ(call: "zmq_bind", _, _, endpoint: "ipc:///no/such/folder/socket") = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `A client that hears nothing times out, and so does a coordinator`() throws {
        let control = try ControlPipe()
        var coordinator = try CoordinatorSocket(
            endpoint: "tcp://127.0.0.1:*", runID: 1, clientCount: 1, recording: nil, token: RunToken())
        var client = try ClientSocket(endpoint: coordinator.endpoint, runID: 1)
        #expect(throws: TransportError.timedOut(waitingFor: "the coordinator", seconds: 0.05)) {
            try client.receive(timeout: .milliseconds(50))
        }
        let start = ContinuousClock.now
        guard case .timedOut = try coordinator.next(timeout: .milliseconds(50), control: control.readEnd) else {
            Issue.record("no time-out")
            return
        }
        #expect(ContinuousClock.now - start >= .milliseconds(50))
    }

    @Test func `The coordinator wakes for its control descriptor`() throws {
        let control = try ControlPipe()
        var coordinator = try CoordinatorSocket(
            endpoint: "tcp://127.0.0.1:*", runID: 1, clientCount: 1, recording: nil, token: RunToken())
        control.write()
        guard case .control = try coordinator.event(control) else {
            Issue.record("the descriptor was not seen")
            return
        }
    }
}
