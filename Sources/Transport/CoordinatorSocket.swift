import CZeroMQ
public import Cryptography
public import Parameters
public import Wire

/// A connection as the coordinator sees it; not an identity until the run token has bound it to a client.
public struct PeerID: Hashable, Sendable {
    fileprivate let routingID: [UInt8]
}

/// What the coordinator's wait ended with.
public enum CoordinatorEvent: Sendable {
    /// A complete message of a connection.
    case message(PeerID, ReceivedClientMessage)
    /// A frame was refused; the client is named when the connection is bound.
    case refused(client: String?, WireError)
    /// The control descriptor is readable.
    case control
    /// The time is over.
    case timedOut
}

/// The coordinator's ROUTER socket: messages in, messages out, nothing else.
public struct CoordinatorSocket: ~Copyable {
    private struct Peer {
        var decoder: ClientMessageDecoder
        var sequence: UInt32 = 0
        var client: String?
    }

    /// Connections that have not joined, beyond one a client; a further one replaces another.
    private static let strangerLimit = 64

    private let socket: Socket
    private let runID: UInt64
    private let clientCount: Int
    private var peers: [PeerID: Peer] = [:]
    private var recorder: FrameRecorder?
    /// The endpoint that clients connect to.
    public let endpoint: String
    /// What has crossed so far.
    public private(set) var traffic = WireTraffic()

    /// Binds the endpoint.
    ///
    /// - Parameters:
    ///   - recording: a file that every frame is written to.
    ///   - token: the run's secret, which the recording must not hold.
    ///   - sendTimeout: how long a client that does not read may hold up one send; it then counts as gone.
    /// - Throws: `endpointInUse`, `zeroMQ`, `recording`.
    public init(
        endpoint: String, runID: UInt64, clientCount: Int, recording: String?, token: RunToken,
        sendTimeout: Duration = .seconds(10)
    ) throws(TransportError) {
        let socket = try Socket.open(
            type: ZMQ_ROUTER, endpoint: endpoint, frameByteLimit: Envelope.pieceByteLimit,
            sendTimeout: sendTimeout)
        let boundEndpoint = try socket.bind()
        let recorder: FrameRecorder?
        if let recording { recorder = try FrameRecorder(path: recording, secret: token.bytes) } else { recorder = nil }
        self.socket = socket
        self.endpoint = boundEndpoint
        self.runID = runID
        self.clientCount = clientCount
        self.recorder = recorder
    }

    /// Binds a connection to the client whose token it has presented.
    public mutating func bind(_ peer: PeerID, client: String) { peers[peer]?.client = client }

    /// The connection bound to a client.
    public func peer(of client: String) -> PeerID? { peers.first { $0.value.client == client }?.key }

    /// The client bound to a connection.
    public func client(of peer: PeerID) -> String? { peers[peer]?.client }

    /// Forgets a connection.
    public mutating func drop(_ peer: PeerID) { peers[peer] = nil }

    /// Declares the one update that a connection may send now, or none.
    public mutating func expect(_ peer: PeerID, round: Int, specs: [TensorSpec]?) {
        if let specs {
            peers[peer]?.decoder.expect(round: round, specs: specs)
        } else {
            peers[peer]?.decoder.expectNothing()
        }
    }

    /// Waits for the next event, at most `timeout`; `control` is a descriptor that is watched as well.
    public mutating func next(timeout: Duration, control: Int32) throws(TransportError) -> CoordinatorEvent {
        let end = ContinuousClock.now + timeout
        while true {
            switch try socket.wait(timeout: max(.zero, end - ContinuousClock.now), descriptor: control) {
            case .nothing:
                try recorder?.flush()
                return .timedOut
            case .descriptor: return .control
            case .message:
                if let event = try receive() { return event }
                if ContinuousClock.now >= end { return .timedOut }
            }
        }
    }

    private mutating func receive() throws(TransportError) -> CoordinatorEvent? {
        var identity = Socket.Frame()
        var envelope = Socket.Frame()
        var piece = Socket.Frame()
        var hasMore = try socket.receive(into: &identity)
        let peer = PeerID(routingID: identity.withBytes { Array($0) })
        guard hasMore, try socket.receive(into: &envelope) else { return refuse(peer, .notAnEnvelope) }
        hasMore = try socket.receive(into: &piece)
        if hasMore {
            while hasMore { hasMore = try socket.receive(into: &piece) }
            return refuse(peer, .notAnEnvelope)
        }
        if peers[peer] == nil {
            // A connection that does not join cannot be told from one that has gone; the newcomer takes the place of one.
            let strangers = peers.filter { $0.value.client == nil }
            if strangers.count >= clientCount + CoordinatorSocket.strangerLimit, let other = strangers.first {
                peers[other.key] = nil
            }
            peers[peer] = Peer(decoder: ClientMessageDecoder(runID: runID))
        }
        let name = peers[peer]?.client ?? "?"
        // The dictionary entry is taken out so that the decoder's staging buffer is not copied.
        guard var entry = peers.removeValue(forKey: peer) else { return nil }
        defer { peers[peer] = entry }
        var kind: MessageKind?
        var byteCount = 0
        let result: Result<ReceivedClientMessage?, WireError> = try envelope.withBytes {
            (envelopeBytes) throws(TransportError) in
            try piece.withBytes { (pieceBytes) throws(TransportError) in
                byteCount = envelopeBytes.count + pieceBytes.count
                kind = Envelope.statedKind(envelopeBytes)
                try recorder?.record(.up, peer: name, envelope: envelopeBytes, piece: pieceBytes)
                do throws(WireError) {
                    return .success(try entry.decoder.accept(envelope: envelopeBytes, piece: pieceBytes))
                } catch { return .failure(error) }
            }
        }
        switch result {
        case .failure(let error):
            traffic.refused += 1
            return .refused(client: entry.client, error)
        case .success(let message):
            if let kind {
                traffic.addPiece(kind, .up, bytes: byteCount)
                if message != nil { traffic.addMessage(kind, .up) }
            }
            guard let message else { return nil }
            if case .join = message {
            } else if entry.client == nil {
                traffic.refused += 1
                return .refused(client: nil, .unexpectedKind((kind ?? .update).rawValue))
            }
            return .message(peer, message)
        }
    }

    private mutating func refuse(_ peer: PeerID, _ error: WireError) -> CoordinatorEvent {
        traffic.refused += 1
        return .refused(client: peers[peer]?.client, error)
    }

    /// Sends a message to several connections, encoding it once; returns those that have gone.
    public mutating func send(
        _ message: CoordinatorMessage, to receivers: [PeerID], schema: ParameterSchema
    ) throws(TransportError) -> [PeerID] {
        let encoded = EncodedMessage(message, runID: runID, schema: schema)
        var gone: [PeerID] = []
        for peer in receivers {
            guard var entry = peers.removeValue(forKey: peer) else { continue }
            defer { peers[peer] = entry }
            let name = entry.client ?? "?"
            do {
                try encoded.forEachPiece(sequence: &entry.sequence) { envelope, piece in
                    try peer.routingID.withUnsafeBytes { try socket.send($0, more: true) }
                    try envelope.withUnsafeBytes { envelopeBytes in
                        try socket.send(envelopeBytes, more: true)
                        try recorder?.record(.down, peer: name, envelope: envelopeBytes, piece: piece)
                    }
                    try socket.send(piece, more: false)
                    traffic.addPiece(encoded.kind, .down, bytes: envelope.count + piece.count)
                }
                traffic.addMessage(encoded.kind, .down)
            } catch TransportError.peerGone {
                gone.append(peer)
            } catch let error as TransportError {
                throw error
            } catch {
                preconditionFailure("sending throws transport errors alone")
            }
        }
        try recorder?.flush()
        return gone
    }
}
