import Cryptography
import Foundation
import Numerics
import Parameters
import Privacy
import TestSupport
import Testing
import Transport
import Wire

/// The endpoints that the shared tests run over.
enum EndpointKind: String, CaseIterable, Sendable {
    case ipc, tcp

    /// An endpoint to bind; ipc sockets live in the folder.
    func endpoint(in folder: TemporaryFolder) -> String {
        switch self {
        case .ipc: "ipc://\(folder.path)/socket"
        case .tcp: "tcp://127.0.0.1:*"
        }
    }
}

/// What both ends of a test connection agree on.
struct Agreement: Sendable {
    let runID: UInt64 = 0xFEED_FACE_CAFE_F00D
    let token: RunToken
    let catalogues: [Catalogue]
    let schema: ParameterSchema
    var parameters: ParameterSet

    /// A schema of one tensor of about `byteCount` bytes and a small one.
    init(byteCount: Int) throws {
        var stream = RandomStream(root: 11, path: ["transport", .number(byteCount)])
        token = try #require(RunToken(bytes: (0..<32).map { UInt8(100 + $0) }))
        catalogues = [Catalogue(domain: "books", itemCount: 17, digest: sha256([1]))]
        schema = try ParameterSchema([
            TensorSpec(name: "large", shape: [max(1, byteCount / 4)], scope: .global, bound: 8, release: "r"),
            TensorSpec(name: "small", shape: [2, 3], scope: .domain("books"), bound: 8, release: "s"),
        ])
        parameters = try Generated.parameters(schema.specs, &stream)
    }

    var join: Join { Join(clientID: "books", token: token, catalogues: catalogues) }
    var welcome: CoordinatorMessage { .welcome(Welcome(schemaDigest: schema.digest, catalogues: catalogues)) }
    var plan: CoordinatorMessage {
        .plan(RoundPlan(round: 1, step: 2, deadline: .seconds(60), parameters: parameters))
    }

    func sealed(round: Int) throws -> SealedUpdate {
        var gate = ReleaseGate(client: "books", ledger: Ledger(client: "books") { _ in })
        gate.open(round: round, specs: schema.specs)
        for tensor in parameters.tensors { try gate.publish(tensor.spec.name, values: tensor.values) }
        return try gate.seal()
    }

    /// A coordinator of the run, at a port that the system picks where no endpoint is given.
    func coordinator(_ endpoint: String = "tcp://127.0.0.1:*", clientCount: Int = 1) throws -> CoordinatorSocket {
        try CoordinatorSocket(
            endpoint: endpoint, runID: runID, clientCount: clientCount, recording: nil, token: RunToken())
    }

    /// Runs a client from join to goodbye; gives back what it received.
    func client(_ endpoint: String, curve: CurveClient? = nil) -> Background<[CoordinatorMessage]> {
        Background {
            var received: [CoordinatorMessage] = []
            var socket = try ClientSocket(endpoint: endpoint, runID: runID, curve: curve)
            try socket.send(.join(join))
            received.append(try socket.receive(timeout: .seconds(20)))
            socket.adopt(schema)
            received.append(try socket.receive(timeout: .seconds(20)))
            try socket.send(.update(try sealed(round: 1)))
            received.append(try socket.receive(timeout: .seconds(20)))
            return received
        }
    }
}

extension CoordinatorSocket {
    /// The next event other than a time-out, within twenty seconds.
    mutating func event(_ control: ControlPipe) throws -> CoordinatorEvent {
        try next(timeout: .seconds(20), control: control.readEnd)
    }

    /// The next message, and who sent it.
    mutating func message(_ control: ControlPipe) throws -> (PeerID, ReceivedClientMessage) {
        let event = try event(control)
        guard case .message(let peer, let message) = event else { throw UnexpectedEvent(event: "\(event)") }
        return (peer, message)
    }
}

/// An event that the test did not expect.
struct UnexpectedEvent: Error { let event: String }
