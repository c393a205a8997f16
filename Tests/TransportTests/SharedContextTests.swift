import Cryptography
import Parameters
import Privacy
import TestSupport
import Testing
import Transport
import Wire

/// Many clients on one thread, with one libzmq context.
@Suite struct SharedContextTests {
    private static let count = 100
    private let agreement: Agreement
    private let control: ControlPipe

    init() throws {
        agreement = try Agreement(byteCount: 40_000)
        control = try ControlPipe()
    }

    /// A client of the thread.
    private final class Client {
        let id: String
        var socket: ClientSocket

        init(_ id: String, _ socket: consuming ClientSocket) {
            self.id = id
            self.socket = socket
        }
    }

    /// Runs clients from join to goodbye on one thread; returns how many came to the end.
    private func clients(
        _ endpoint: String, _ keys: [(id: String, pair: CurveKeyPair)], server: CurvePublicKey?
    ) -> Background<Int> {
        let agreement = agreement
        return Background {
            let context = try SocketContext(socketCount: keys.count)
            var clients: [Int: Client] = [:]
            for (id, pair) in keys {
                var socket = try ClientSocket(
                    endpoint: endpoint, runID: agreement.runID,
                    curve: try server.map { try CurveClient(keys: pair, serverKey: $0) }, context: context)
                try socket.send(.join(Join(clientID: id, token: agreement.token, catalogues: agreement.catalogues)))
                socket.adopt(agreement.schema)
                clients[socket.id] = Client(id, socket)
            }
            var done = 0
            while !clients.isEmpty {
                let ready = try context.wait(timeout: .seconds(20))
                if ready.isEmpty { return done }
                for id in ready {
                    guard let client = clients[id] else { continue }
                    while let message = try client.socket.take() {
                        switch message {
                        case .plan(let plan):
                            #expect(plan.parameters == agreement.parameters)
                            try client.socket.send(.update(try agreement.sealed(round: plan.round)))
                        case .goodbye:
                            clients[id] = nil
                            done += 1
                        case .welcome, .credit: continue
                        }
                    }
                }
            }
            return done
        }
    }

    @Test(
        "a hundred clients of one thread join, each with its own key, and work a round, with CURVE over tcp and over ipc",
        arguments: EndpointKind.allCases)
    func hundred(_ kind: EndpointKind) throws {
        let folder = try TemporaryFolder()
        let server = CurveKeyPair()
        let keys = (0..<SharedContextTests.count).map { (id: "client-\($0)", pair: CurveKeyPair()) }
        let isEncrypted = kind == .tcp
        var socket = try CoordinatorSocket(
            endpoint: kind.endpoint(in: folder), runID: agreement.runID, clientCount: keys.count, recording: nil,
            token: agreement.token,
            curve: isEncrypted
                ? try CurveServer(keys: server, clients: keys.map { ($0.id, $0.pair.publicKey) }) : nil)
        let start = ContinuousClock.now
        let work = clients(socket.endpoint, keys, server: isEncrypted ? server.publicKey : nil)
        var peers: [PeerID] = []
        while peers.count < keys.count {
            guard case (let peer, .join(let join)) = try socket.message(control) else { continue }
            #expect(socket.peer(of: join.clientID) == nil)
            socket.bind(peer, client: join.clientID)
            #expect(socket.peer(of: join.clientID) == peer && socket.client(of: peer) == join.clientID)
            peers.append(peer)
        }
        #expect(ContinuousClock.now - start < .seconds(15), "a hundred joins took \(ContinuousClock.now - start)")
        for peer in peers { socket.expect(peer, round: 1, specs: agreement.schema.specs) }
        #expect(try socket.send(agreement.plan, to: peers, schema: agreement.schema).isEmpty)
        var answered: Set<PeerID> = []
        while answered.count < keys.count {
            guard case (let peer, .update(let update)) = try socket.message(control) else { continue }
            #expect(update.parameters == agreement.parameters)
            answered.insert(peer)
        }
        #expect(answered == Set(peers) && socket.traffic.refused == 0)
        #expect(try socket.send(.goodbye(.completed), to: peers, schema: agreement.schema).isEmpty)
        #expect(try work.value() == keys.count)
    }

    @Test("a socket that is closed is waited for no more, and the others go on")
    func closed() throws {
        let folder = try TemporaryFolder()
        var socket = try agreement.coordinator(EndpointKind.ipc.endpoint(in: folder), clientCount: 2)
        let (endpoint, agreement, control) = (socket.endpoint, agreement, control)
        let client = Background<[CoordinatorMessage]> {
            let context = try SocketContext(socketCount: 2)
            var left = try ClientSocket(endpoint: endpoint, runID: agreement.runID, context: context)
            func closeOther() throws {
                let right = try ClientSocket(endpoint: endpoint, runID: agreement.runID, context: context)
                #expect(right.id != left.id)
            }
            try closeOther()
            #expect(try context.wait(timeout: .milliseconds(20)).isEmpty)
            #expect(try left.take() == nil)
            try left.send(.join(agreement.join))
            #expect(try context.wait(timeout: .seconds(20)) == [left.id])
            return [try left.take()].compactMap { $0 }
        }
        guard case (let peer, .join) = try socket.message(control) else { throw UnexpectedEvent(event: "no join") }
        socket.bind(peer, client: "books")
        _ = try socket.send(agreement.welcome, to: [peer], schema: agreement.schema)
        #expect(try client.value() == [agreement.welcome])
    }
}
