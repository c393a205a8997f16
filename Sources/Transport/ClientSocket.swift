import CZeroMQ
public import Parameters
public import Wire

/// A client's DEALER socket: messages in, messages out, nothing else.
public struct ClientSocket: ~Copyable {
    private var socket: Socket
    private let runID: UInt64
    private var decoder: CoordinatorMessageDecoder
    private var sequence: UInt32 = 0
    /// The plan whose answer must wait for credit.
    private var plan: (round: Int, deadline: Duration)?
    /// A message that came instead of credit.
    private var kept: CoordinatorMessage?
    /// Memory for the tensors of plans, to which what is no longer needed can be given back.
    public var spare: SpareArrays

    /// The floats of a plan's memory that are kept for the next one.
    private static let spareElementLimit = 1 << 26

    /// Connects to the coordinator.
    ///
    /// - Throws: `zeroMQ`.
    public init(endpoint: String, runID: UInt64, curve: CurveClient? = nil) throws(TransportError) {
        try self.init(endpoint: endpoint, runID: runID, curve: curve, routingID: nil)
    }

    /// As the other, under a routing id of one's own choice, which no client of a run has: to show what it is worth.
    package init(
        endpoint: String, runID: UInt64, curve: CurveClient? = nil, routingID: String?
    ) throws(TransportError) {
        let socket = try Socket.open(
            type: ZMQ_DEALER, endpoint: endpoint, frameByteLimit: Envelope.pieceByteLimit,
            sendTimeout: .seconds(10), sendQueueLimit: Socket.highWaterMark, curve: curve.map { .client($0) },
            routingID: routingID)
        try socket.connect()
        self.socket = socket
        self.runID = runID
        decoder = CoordinatorMessageDecoder(runID: runID)
        spare = SpareArrays(elementLimit: ClientSocket.spareElementLimit)
    }

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
    /// - Parameter silence: how long nothing at all may arrive, where the coordinator probes its clients.
    /// - Throws: `timedOut`, `refused`, `zeroMQ`.
    public mutating func receive(
        timeout: Duration, silence: Duration? = nil
    ) throws(TransportError) -> CoordinatorMessage {
        if let message = kept {
            kept = nil
            return message
        }
        let end = ContinuousClock.now + timeout
        while true {
            var (limit, patience) = (end, timeout)
            if let silence, .now + silence < end { (limit, patience) = (.now + silence, silence) }
            let message = try next(until: limit, patience: patience)
            switch message {
            case .credit: continue
            case .plan(let plan): self.plan = plan.needsCredit ? (plan.round, plan.deadline) : nil
            case .welcome, .goodbye: break
            }
            return message
        }
    }

    private mutating func next(
        until end: ContinuousClock.Instant, patience: Duration
    ) throws(TransportError) -> CoordinatorMessage {
        while true {
            guard try socket.wait(timeout: max(.zero, end - ContinuousClock.now), descriptor: nil) == .message else {
                throw .timedOut(waitingFor: "the coordinator", seconds: patience / .seconds(1))
            }
            var envelope = Socket.Frame()
            var piece = Socket.Frame()
            guard try socket.receive(into: &envelope), !(try socket.receive(into: &piece)) else {
                throw .refused(.notAnEnvelope)
            }
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
    }
}
