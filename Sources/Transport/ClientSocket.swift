import CZeroMQ
public import Parameters
public import Wire

/// A client's DEALER socket: messages in, messages out, nothing else.
public struct ClientSocket: ~Copyable {
    private let socket: Socket
    private let runID: UInt64
    private var decoder: CoordinatorMessageDecoder
    private var sequence: UInt32 = 0

    /// Connects to the coordinator.
    ///
    /// - Throws: `zeroMQ`.
    public init(endpoint: String, runID: UInt64) throws(TransportError) {
        let socket = try Socket.open(
            type: ZMQ_DEALER, endpoint: endpoint, frameByteLimit: Envelope.pieceByteLimit,
            sendTimeout: .seconds(10))
        try socket.connect()
        self.socket = socket
        self.runID = runID
        decoder = CoordinatorMessageDecoder(runID: runID)
    }

    /// States the schema of the run's plans.
    public mutating func adopt(_ schema: ParameterSchema) { decoder.adopt(schema) }

    /// Sends a message; blocks while the queue is full, at most ten seconds.
    ///
    /// - Throws: `peerGone`, `zeroMQ`.
    public mutating func send(_ message: ClientMessage) throws(TransportError) {
        do {
            try EncodedMessage(message, runID: runID).forEachPiece(sequence: &sequence) { envelope, piece in
                try envelope.withUnsafeBytes { try socket.send($0, more: true) }
                try socket.send(piece, more: false)
            }
        } catch let error as TransportError {
            throw error
        } catch {
            preconditionFailure("sending throws transport errors alone")
        }
    }

    /// Waits for the coordinator's next complete message.
    ///
    /// - Throws: `timedOut`, `refused`, `zeroMQ`.
    public mutating func receive(timeout: Duration) throws(TransportError) -> CoordinatorMessage {
        let end = ContinuousClock.now + timeout
        while true {
            guard try socket.wait(timeout: max(.zero, end - ContinuousClock.now), descriptor: nil) == .message else {
                throw .timedOut(waitingFor: "the coordinator", seconds: timeout / .seconds(1))
            }
            var envelope = Socket.Frame()
            var piece = Socket.Frame()
            guard try socket.receive(into: &envelope), !(try socket.receive(into: &piece)) else {
                throw .refused(.notAnEnvelope)
            }
            let result: Result<CoordinatorMessage?, WireError> = envelope.withBytes { envelopeBytes in
                piece.withBytes { pieceBytes in
                    do throws(WireError) {
                        return .success(try decoder.accept(envelope: envelopeBytes, piece: pieceBytes))
                    } catch { return .failure(error) }
                }
            }
            switch result {
            case .success(let message): if let message { return message }
            case .failure(let error): throw .refused(error)
            }
        }
    }
}
