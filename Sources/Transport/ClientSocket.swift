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
    /// The plan whose answer must wait for credit.
    private var plan: (round: Int, deadline: Duration)?
    /// A message that came instead of credit.
    private var kept: CoordinatorMessage?
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
    /// The answer to a plan that needs credit waits for it first. When the coordinator says something else instead, the
    /// round is over: the answer is dropped, and `receive` returns what it said.
    /// - Parameter damage: what is done to an update on purpose.
    /// - Throws: `peerGone`, `timedOut`, `refused`, `zeroMQ`.
    public mutating func send(_ message: ClientMessage, damage: UpdateDamage? = nil) throws(TransportError) {
        if let plan, message.updateRound == plan.round {
            self.plan = nil
            try transmit(.request(round: plan.round))
            let end = ContinuousClock.now + plan.deadline
            var answer = try next(until: end, patience: plan.deadline)
            // Credit of another round is what a probe looks like.
            while case .credit(let round) = answer, round != plan.round {
                answer = try next(until: end, patience: plan.deadline)
            }
            guard answer == .credit(round: plan.round) else {
                kept = answer
                return
            }
        }
        try transmit(message, damage: damage)
        // For the next plan, once libzmq has let go of it.
        if let parameters = message.parameters { spare.put(parameters) }
    }

    private mutating func transmit(_ message: ClientMessage, damage: UpdateDamage? = nil) throws(TransportError) {
        let encoded = EncodedMessage(message, runID: runID, damage: damage)
        let sending = SentMessage(encoded)
        for range in encoded.pieces {
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
            switch message {
            case .credit: continue
            case .plan(let plan): self.plan = plan.needsCredit ? (plan.round, plan.deadline) : nil
            case .welcome, .goodbye: break
            }
            return message
        }
        return nil
    }

    private mutating func next(
        until end: ContinuousClock.Instant, patience: Duration
    ) throws(TransportError) -> CoordinatorMessage {
        while true {
            if let message = try arrived() { return message }
            try wait(until: end, patience: patience)
        }
    }

    private mutating func wait(until end: ContinuousClock.Instant, patience: Duration) throws(TransportError) {
        guard try socket.wait(timeout: max(.zero, end - ContinuousClock.now), descriptor: nil) == .message else {
            throw .timedOut(waitingFor: "the coordinator", seconds: patience / .seconds(1))
        }
    }

    /// The next message that is there whole, credit too.
    private mutating func arrived() throws(TransportError) -> CoordinatorMessage? {
        if let message = kept {
            kept = nil
            return message
        }
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
