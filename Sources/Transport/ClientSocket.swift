import CZeroMQ
public import Parameters
public import Wire

/// A client's DEALER socket: messages in, messages out, nothing else.
public struct ClientSocket: ~Copyable {
    private var socket: Socket
    private let context: SocketContext
    /// What the context's `wait` calls this socket.
    public let id: Int
    private let runID: UInt64
    private var decoder: CoordinatorMessageDecoder
    private var sequence: UInt32 = 0
    /// The round of the plan whose answer must wait for credit.
    private var creditRound: Int?
    /// An answer that waits for credit. It is kept until the coordinator says something else: a piece may have to be sent
    /// again.
    private var answer: Answer?

    private struct Answer {
        let round: Int
        let message: SentMessage
        let parameters: ParameterSet
        let damage: UpdateDamage?
        /// The first piece that has not been asked for.
        var next = 0
    }
    /// When something arrived last, if only that the coordinator is there.
    public private(set) var lastHeard = ContinuousClock.now
    /// Memory for the tensors of plans, to which what is no longer needed can be given back.
    public var spare: SpareArrays

    /// The floats of a plan's memory that are kept for the next one.
    private static let spareElementLimit = 1 << 24

    /// Connects to the coordinator.
    ///
    /// - Parameter context: what it shares with other sockets of its thread; else it has one of its own.
    /// - Throws: `zeroMQ`.
    public init(
        endpoint: String, runID: UInt64, curve: CurveClient? = nil, context: SocketContext? = nil
    ) throws(TransportError) {
        try self.init(endpoint: endpoint, runID: runID, curve: curve, context: context, routingID: nil)
    }

    /// As the other, under a routing id of one's own choice, which no client of a run has: to show what it is worth.
    package init(
        endpoint: String, runID: UInt64, curve: CurveClient? = nil, context: SocketContext? = nil, routingID: String?
    ) throws(TransportError) {
        let own: SocketContext
        if let context { own = context } else { own = try SocketContext(socketCount: 1) }
        let socket = try Socket.open(
            type: ZMQ_DEALER, context: own, endpoint: endpoint, frameByteLimit: Envelope.pieceByteLimit,
            sendTimeout: .seconds(10), sendQueueLimit: Socket.highWaterMark, curve: curve.map { .client($0) },
            routingID: routingID)
        try socket.connect()
        id = own.add(socket.handle)
        self.context = own
        self.socket = socket
        self.runID = runID
        decoder = CoordinatorMessageDecoder(runID: runID)
        spare = SpareArrays(elementLimit: ClientSocket.spareElementLimit)
    }

    deinit { context.remove(id) }

    /// States the schema of the run's plans.
    public mutating func adopt(_ schema: ParameterSchema) { decoder.adopt(schema) }

    /// Sends a message; blocks while the queue is full, at most ten seconds.
    ///
    /// The answer to a plan that needs credit is asked for by the coordinator, piece by piece: it goes out while the client
    /// takes what has arrived, and is dropped when the coordinator says something else.
    /// - Parameter damage: what is done to an update on purpose.
    /// - Throws: `peerGone`, `zeroMQ`.
    public mutating func send(_ message: ClientMessage, damage: UpdateDamage? = nil) throws(TransportError) {
        let sending = SentMessage(EncodedMessage(message, runID: runID, damage: damage))
        if let round = creditRound, message.updateRound == round, let parameters = message.parameters {
            creditRound = nil
            answer = Answer(round: round, message: sending, parameters: parameters, damage: damage)
            let request = SentMessage(EncodedMessage(.request(round: round), runID: runID))
            return try transmit(request, request.encoded.pieces[...])
        }
        try transmit(sending, sending.encoded.pieces[...], damage: damage)
        // For the next plan, once libzmq has let go of it.
        if let parameters = message.parameters { spare.put(parameters) }
    }

    private mutating func transmit(
        _ sending: SentMessage, _ pieces: ArraySlice<Range<Int>>, damage: UpdateDamage? = nil
    ) throws(TransportError) {
        let encoded = sending.encoded
        for range in pieces {
            let (isFirst, isLast) = (range.lowerBound == 0, range.upperBound == encoded.byteCount)
            if isFirst && damage == .withoutFirstPiece || isLast && damage == .withoutLastPiece { continue }
            var code: UInt64 = 0
            // On the way, after the checksum was taken.
            let spoil = { (target: UnsafeMutableRawBufferPointer) in
                for index in stride(from: 0, to: target.count, by: 1 + target.count / 8) { target[index] ^= 0x5A }
            }
            var frame = try Socket.Frame(
                range, of: sending, checksum: &code, spoil: isFirst && damage == .bytes ? spoil : nil)
            sequence += 1
            try socket.send(encoded.envelope(range, checksum: code, sequence: sequence), more: true)
            try socket.send(sharing: &frame)
        }
    }

    /// Waits for the coordinator's next complete message.
    ///
    /// - Throws: `timedOut`, `refused`, `zeroMQ`.
    public mutating func receive(timeout: Duration) throws(TransportError) -> CoordinatorMessage {
        let end = ContinuousClock.now + timeout
        while true {
            if let message = try take() { return message }
            try wait(until: end, patience: timeout)
        }
    }

    /// The next complete message of those that have arrived; `nil` when there is none. Never waits.
    ///
    /// - Throws: `refused`, `zeroMQ`.
    public mutating func take() throws(TransportError) -> CoordinatorMessage? {
        while let message = try arrived() {
            if case .credit(let round, let pieces) = message {
                try send(pieces, of: round)
                continue
            }
            // The answer, if one waits, is too late.
            if let answer { spare.put(answer.parameters) }
            (answer, creditRound) = (nil, nil)
            if case .plan(let plan) = message, plan.needsCredit { creditRound = plan.round }
            return message
        }
        return nil
    }

    /// Sends the pieces of the answer that the coordinator asks for. Of another round, a credit is what a probe looks like.
    private mutating func send(_ pieces: Range<Int>, of round: Int) throws(TransportError) {
        guard var answer, answer.round == round else { return }
        let all = answer.message.encoded.pieces
        let pieces = pieces.clamped(to: all.indices)
        answer.next = max(answer.next, pieces.upperBound)
        self.answer = answer
        try transmit(answer.message, all[pieces], damage: answer.damage)
    }

    /// Whether some of an answer has not been asked for yet.
    public var isAnswerWaiting: Bool { answer.map { $0.next < $0.message.encoded.pieces.count } ?? false }

    private mutating func wait(until end: ContinuousClock.Instant, patience: Duration) throws(TransportError) {
        guard try socket.wait(timeout: max(.zero, end - ContinuousClock.now), descriptor: nil) == .message else {
            throw .timedOut(waitingFor: "the coordinator", seconds: patience / .seconds(1))
        }
    }

    /// The next message that is there whole, credit too.
    private mutating func arrived() throws(TransportError) -> CoordinatorMessage? {
        while try socket.wait(timeout: .zero, descriptor: nil) == .message {
            var envelope = Socket.Frame()
            var piece = Socket.Frame()
            guard try socket.receive(into: &envelope), !(try socket.receive(into: &piece)) else {
                throw .refused(.notAnEnvelope)
            }
            lastHeard = .now
            let result: Result<CoordinatorMessage?, WireError> = envelope.withBytes { envelopeBytes in
                piece.withBytes { pieceBytes in
                    do throws(WireError) {
                        return .success(
                            try decoder.accept(envelope: envelopeBytes, piece: pieceBytes, spare: &spare))
                    } catch { return .failure(error) }
                }
            }
            switch result {
            case .success(let message): if let message { return message }
            case .failure(let error): throw .refused(error)
            }
        }
        return nil
    }
}
