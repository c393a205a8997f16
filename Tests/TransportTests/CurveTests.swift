import Cryptography
import Parameters
import Privacy
import TestSupport
import Testing
import Transport
import Wire

/// Who gets through an encrypted socket, and who does not.
@Suite struct CurveTests {
    private let agreement: Agreement
    private let server = CurveKeyPair()
    private let books = CurveKeyPair()
    private let movies = CurveKeyPair()
    private let control: ControlPipe

    init() throws {
        agreement = try Agreement(byteCount: 3_000_000)
        control = try ControlPipe()
    }

    private func open(_ endpoint: String = "tcp://127.0.0.1:*") throws -> CoordinatorSocket {
        try CoordinatorSocket(
            endpoint: endpoint, runID: agreement.runID, clientCount: 2, recording: nil, token: agreement.token,
            curve: try CurveServer(
                keys: server, clients: [("books", books.publicKey), ("movies", movies.publicKey)]))
    }

    /// A client that joins and waits for an answer; returns whether one came within a second.
    private func stranger(
        _ endpoint: String, curve: CurveClient?, id: String = "books"
    ) -> Background<Bool> {
        Background {
            var socket = try ClientSocket(endpoint: endpoint, runID: agreement.runID, curve: curve)
            do {
                try socket.send(
                    .join(Join(clientID: id, token: agreement.token, catalogues: agreement.catalogues)))
                _ = try socket.receive(timeout: .seconds(1))
                return true
            } catch TransportError.timedOut { return false } catch TransportError.peerGone { return false }
        }
    }

    /// A round with an honest client, which must work whatever happened before; returns what else was seen.
    private func honestRound(_ socket: inout CoordinatorSocket) throws -> [CoordinatorEvent] {
        let curve = try CurveClient(keys: books, serverKey: server.publicKey)
        let endpoint = socket.endpoint
        let client = agreement.client(endpoint, curve: curve)
        var others: [CoordinatorEvent] = []
        var peer: PeerID?
        while true {
            switch try socket.event(control) {
            case .message(let sender, .join):
                socket.bind(sender, client: "books")
                peer = sender
                _ = try socket.send(agreement.welcome, to: [sender], schema: agreement.schema)
                socket.expect(sender, round: 1, specs: agreement.schema.specs)
                _ = try socket.send(agreement.plan, to: [sender], schema: agreement.schema)
            case .message(let sender, .update(let update)):
                #expect(sender == peer && update.parameters == agreement.parameters)
                _ = try socket.send(.goodbye(.completed), to: [sender], schema: agreement.schema)
                #expect(try client.value().last == .goodbye(.completed))
                return others
            case let event: others.append(event)
            }
        }
    }

    @Test func `A known key takes part in a round`() throws {
        var socket = try open()
        #expect(try honestRound(&socket).isEmpty)
    }

    @Test func `An unknown key is refused, counted and named`() throws {
        var socket = try open()
        let unknown = CurveKeyPair()
        let intruder = stranger(
            socket.endpoint, curve: try CurveClient(keys: unknown, serverKey: server.publicKey))
        guard case .refusedKey(let key) = try socket.event(control) else { throw UnexpectedEvent(event: "not refused") }
        #expect(key == unknown.publicKey.description)
        #expect(socket.traffic.refused == 1)
        _ = try honestRound(&socket)
        #expect(try !intruder.value())
    }

    @Test func `A client that expects another coordinator does not connect`() throws {
        var socket = try open()
        let mistaken = stranger(
            socket.endpoint, curve: try CurveClient(keys: movies, serverKey: CurveKeyPair().publicKey))
        #expect(try honestRound(&socket).isEmpty)
        #expect(try !mistaken.value())
    }

    @Test func `A client without keys does not connect`() throws {
        var socket = try open()
        let bare = stranger(socket.endpoint, curve: nil)
        #expect(try honestRound(&socket).isEmpty)
        #expect(try !bare.value())
    }

    @Test func `A known key that joins under another client's id is refused`() throws {
        var socket = try open()
        let thief = stranger(
            socket.endpoint, curve: try CurveClient(keys: movies, serverKey: server.publicKey), id: "books")
        guard case .refused("movies", .anotherIdentity) = try socket.event(control) else {
            throw UnexpectedEvent(event: "not refused")
        }
        _ = try honestRound(&socket)
        #expect(try !thief.value())
    }

    @Test func `The keys that the manual prints are refused on either side`() throws {
        // The pairs of zmq_curve(7): the public halves belong to the secret ones.
        var published: [CurveKeyPair] = []
        for text in ["JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"] {
            let secret = try #require(CurveSecretKey(z85: text))
            published.append(try #require(CurveKeyPair(secret)))
        }
        #expect(
            published.map(\.publicKey.description) == [
                "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
            ])
        for pair in published {
            #expect(throws: TransportError.publishedKey(owner: "the coordinator")) {
                try CurveServer(keys: pair, clients: [])
            }
            #expect(throws: TransportError.publishedKey(owner: "client books")) {
                try CurveServer(keys: server, clients: [("books", pair.publicKey)])
            }
            #expect(throws: TransportError.publishedKey(owner: "this client")) {
                try CurveClient(keys: pair, serverKey: server.publicKey)
            }
            #expect(throws: TransportError.publishedKey(owner: "the coordinator")) {
                try CurveClient(keys: books, serverKey: pair.publicKey)
            }
        }
    }

    @Test func `Two clients with one key and missing keys are refused`() throws {
        #expect(throws: TransportError.sharedKey("a", "b")) {
            try CurveServer(keys: server, clients: [("a", books.publicKey), ("b", books.publicKey)])
        }
        #expect(throws: TransportError.damagedKeys) { try CurveServer(keys: nil, clients: []) }
        #expect(throws: TransportError.damagedKeys) { try CurveClient(keys: nil, serverKey: server.publicKey) }
    }

    @Test(arguments: ["tcp://0.0.0.0:*", "tcp://*:*", "tcp://[::]:*", "tcp://127.0.0.1.example:5", "tcp://eth0:*"])
    func `An address that other machines reach is not bound without keys`(endpoint: String) throws {
        #expect(throws: TransportError.unencrypted(endpoint)) {
            _ = try CoordinatorSocket(
                endpoint: endpoint, runID: 1, clientCount: 1, recording: nil, token: agreement.token)
        }
    }

    @Test func `With keys it is bound`() throws {
        let socket = try open("tcp://0.0.0.0:*")
        #expect(socket.endpoint.hasPrefix("tcp://0.0.0.0:"))
    }
}
