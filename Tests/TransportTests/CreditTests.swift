import Glibc
import Parameters
import Privacy
import TestSupport
import Testing
import Transport
import Wire

/// Answers that would not all fit into memory are asked for one by one.
@Suite struct CreditTests {
    /// The clients' answers are 40 MB each: three of them are above the limit, one after the other is within it.
    private static let byteCount = 40_000_000

    private func client(_ endpoint: String, _ agreement: Agreement, id: String) -> Background<Int> {
        Background {
            var socket = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
            try socket.send(.join(Join(clientID: id, token: agreement.token, catalogues: agreement.catalogues)))
            guard case .welcome = try socket.receive(timeout: .seconds(20)) else { return 0 }
            socket.adopt(agreement.schema)
            var rounds = 0
            while true {
                switch try socket.receive(timeout: .seconds(20)) {
                case .plan(let plan):
                    rounds += plan.needsCredit ? 1 : 0
                    try socket.send(.update(try agreement.sealed(round: plan.round)))
                case .goodbye: return rounds
                case .welcome, .credit: continue
                }
            }
        }
    }

    private func open(_ agreement: Agreement, _ folder: TemporaryFolder, clientCount: Int) throws -> CoordinatorSocket {
        try CoordinatorSocket(
            endpoint: EndpointKind.ipc.endpoint(in: folder), runID: agreement.runID, clientCount: clientCount,
            recording: nil, token: agreement.token)
    }

    /// Lets clients join and sends them one plan.
    private func begin(
        _ socket: inout CoordinatorSocket, _ agreement: Agreement, _ control: ControlPipe, clientCount: Int
    ) throws -> [PeerID] {
        var peers: [PeerID] = []
        while peers.count < clientCount {
            let (peer, message) = try socket.message(control)
            guard case .join(let join) = message else { continue }
            socket.bind(peer, client: join.clientID)
            peers.append(peer)
        }
        _ = try socket.send(agreement.welcome, to: peers, schema: agreement.schema)
        for peer in peers { socket.expect(peer, round: 1, specs: agreement.schema.specs) }
        _ = try socket.send(agreement.plan, to: peers, schema: agreement.schema)
        return peers
    }

    @Test func `Long answers come one by one, each whole, and every client asked first`() throws {
        let folder = try TemporaryFolder()
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: CreditTests.byteCount)
        var socket = try open(agreement, folder, clientCount: 3)
        let endpoint = socket.endpoint
        let clients = ["a", "b", "c"].map { client(endpoint, agreement, id: $0) }
        let peers = try begin(&socket, agreement, control, clientCount: 3)
        var answered: Set<String> = []
        while answered.count < 3 {
            let (peer, message) = try socket.message(control)
            guard case .update(let update) = message else { continue }
            #expect(update.parameters == agreement.parameters)
            if let name = socket.client(of: peer) { answered.insert(name) }
            socket.spare.put(update.parameters)
        }
        #expect(answered == ["a", "b", "c"])
        #expect(socket.traffic.count(.request, .up).messages == 3)
        #expect(socket.traffic.count(.credit, .down).messages == 3)
        _ = try socket.send(.goodbye(.completed), to: peers, schema: agreement.schema)
        for client in clients { #expect(try client.value() == 1) }
    }

    @Test func `A probe is no credit, and tells who has gone`() throws {
        let folder = try TemporaryFolder()
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: CreditTests.byteCount)
        var socket = try open(agreement, folder, clientCount: 3)
        let endpoint = socket.endpoint
        let clients = ["a", "b", "c"].map { client(endpoint, agreement, id: $0) }
        let peers = try begin(&socket, agreement, control, clientCount: 3)
        // It reaches clients that wait for credit, or for the plan.
        #expect(try socket.probe().isEmpty)
        for _ in 0..<3 {
            guard case (_, .update(let update)) = try socket.message(control) else {
                throw UnexpectedEvent(event: "no update")
            }
            #expect(update.parameters == agreement.parameters)
            #expect(try socket.probe().isEmpty)
        }
        _ = try socket.send(.goodbye(.completed), to: peers, schema: agreement.schema)
        for client in clients { #expect(try client.value() == 1) }
        // Their sockets are closed: libzmq notices in its own time, within the twenty seconds of a test.
        var gone: Set<String> = []
        let end = ContinuousClock.now + .seconds(20)
        while gone.count < 3, ContinuousClock.now < end {
            gone.formUnion(try socket.probe())
            _ = try socket.next(timeout: .milliseconds(20), control: control.readEnd)
        }
        #expect(gone == ["a", "b", "c"])
    }

    @Test func `A round that closes without a waiting client tells it so, and it takes part in the next`() throws {
        let folder = try TemporaryFolder()
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: CreditTests.byteCount)
        var socket = try open(agreement, folder, clientCount: 3)
        let endpoint = socket.endpoint
        let clients = ["a", "b", "c"].map { client(endpoint, agreement, id: $0) }
        let peers = try begin(&socket, agreement, control, clientCount: 3)
        let (first, message) = try socket.message(control)
        guard case .update = message else { throw UnexpectedEvent(event: "\(message)") }
        // The round is over for all: whoever still waits gets the next plan instead of credit.
        for peer in peers { socket.expect(peer, round: 1, specs: nil) }
        for peer in peers { socket.expect(peer, round: 2, specs: agreement.schema.specs) }
        _ = try socket.send(
            .plan(RoundPlan(round: 2, step: 2, deadline: .seconds(60), parameters: agreement.parameters)), to: peers,
            schema: agreement.schema)
        var answered: Set<PeerID> = []
        while answered.count < 3 {
            // An answer to round 1 that was under way is refused.
            guard case .message(let peer, .update(let update)) = try socket.event(control) else { continue }
            #expect(update.round == 2)
            answered.insert(peer)
        }
        #expect(answered.contains(first))
        _ = try socket.send(.goodbye(.completed), to: peers, schema: agreement.schema)
        for client in clients { #expect(try client.value() == 2) }
    }

    @Test func `Short answers need no credit`() throws {
        let folder = try TemporaryFolder()
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: 4_000)
        var socket = try open(agreement, folder, clientCount: 3)
        let endpoint = socket.endpoint
        let clients = ["a", "b", "c"].map { client(endpoint, agreement, id: $0) }
        let peers = try begin(&socket, agreement, control, clientCount: 3)
        for _ in 0..<3 {
            guard case (_, .update) = try socket.message(control) else { throw UnexpectedEvent(event: "no update") }
        }
        #expect(socket.traffic.count(.request, .up).messages == 0)
        _ = try socket.send(.goodbye(.completed), to: peers, schema: agreement.schema)
        for client in clients { #expect(try client.value() == 0) }
    }

    @Test func `A client that was given credit and sends nothing keeps the others waiting for a second`() throws {
        let folder = try TemporaryFolder()
        let control = try ControlPipe()
        let agreement = try Agreement(byteCount: CreditTests.byteCount)
        var socket = try open(agreement, folder, clientCount: 4)
        let endpoint = socket.endpoint
        // Three of these ask and stay silent; they use up the credit.
        let silent = ["x", "y", "z"].map { id in
            Background<Bool> {
                var socket = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
                try socket.send(.join(Join(clientID: id, token: agreement.token, catalogues: agreement.catalogues)))
                _ = try socket.receive(timeout: .seconds(20))
                socket.adopt(agreement.schema)
                _ = try socket.receive(timeout: .seconds(20))
                try socket.send(.request(round: 1))
                guard case .goodbye = try socket.receive(timeout: .seconds(20)) else { return false }
                return true
            }
        }
        let honest = client(endpoint, agreement, id: "a")
        let peers = try begin(&socket, agreement, control, clientCount: 4)
        let (peer, message) = try socket.message(control)
        guard case .update = message else { throw UnexpectedEvent(event: "\(message)") }
        #expect(socket.client(of: peer) == "a")
        _ = try socket.send(.goodbye(.completed), to: peers, schema: agreement.schema)
        #expect(try honest.value() == 1)
        for client in silent { #expect(try client.value()) }
    }
}
