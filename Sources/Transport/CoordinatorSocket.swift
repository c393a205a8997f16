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
    /// The updates of all clients that had to send one, added up; each tensor's sums, or why there are none.
    case gathered([PeerID], round: Int, Result<ParameterSet, ParameterError>)
    /// A frame was refused; the client is named when the connection is bound.
    case refused(client: String?, WireError)
    /// A connection was refused for its key, given in Z85.
    case refusedKey(String)
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
        /// Who its key says it is, under CURVE.
        var userID: String?
        /// The one update that it may send, once it has credit.
        var expected: (round: Int, specs: [TensorSpec], byteCount: Int, isSummed: Bool)?
        var credit = Credit.free
        /// The round whose update has arrived damaged, so that it will not come any more.
        var brokenRound: Int?
        /// The past round whose work it has been told to do again.
        var pastRound: Int?
        /// What has arrived of a message that is not complete: what is never completed is no traffic.
        var unfinished = WireTraffic.Count()
    }

    /// Whether an expected update may be sent.
    private enum Credit {
        /// At once.
        case free
        /// Not before it was asked for.
        case needed
        /// It was asked for.
        case requested
        /// It was given.
        case granted
    }

    /// The bytes of updates, and of plans that are not out yet, that may be under way together. One update may always be.
    public static let creditByteLimit = 64 << 20
    /// A client that has credit and sends nothing for so long no longer keeps others waiting.
    private static let creditPatience = Duration.seconds(1)

    /// A credit for a whole update.
    private static let allPieces = 0..<Int(UInt32.max)

    /// Connections that have not joined, beyond one a client; a further one replaces another.
    private static let strangerLimit = 64

    private var socket: Socket
    private let runID: UInt64
    private let clientCount: Int
    private let answerByteLimit: Int
    private var peers: [PeerID: Peer] = [:]
    /// The connection bound to each client.
    private var bound: [String: PeerID] = [:]
    /// The bytes of the updates of those that have credit, and all of them together.
    private var granted: [PeerID: Int] = [:]
    private var grantedByteCount = 0
    private var recorder: FrameRecorder?
    /// Memory for the tensors of updates, to which what is no longer needed can be given back.
    public var spare = SpareArrays(elementLimit: CoordinatorSocket.creditByteLimit / 4)
    /// The updates that are added up piece by piece, where they would not all fit into memory.
    private var gathering: Gathering<PeerID>?
    /// The round of the plans that were sent last, and whether their answers need credit.
    private var answering: (round: Int, needsCredit: Bool)?
    /// Whether sums that are gathered are divided by the number of updates.
    public var gathersMeans = false
    /// The connections that asked for credit and have none yet, in order.
    private var waiting: [PeerID] = []
    private var lastProgress = ContinuousClock.now
    /// Plans that libzmq has not sent whole to everybody yet.
    private var outgoing: [SentMessage] = []
    /// The endpoint that clients connect to.
    public let endpoint: String
    /// What has crossed so far.
    public private(set) var traffic = WireTraffic()

    /// Binds the endpoint.
    ///
    /// - Parameters:
    ///   - recording: a file that every frame is written to.
    ///   - token: the run's secret, which the recording must not hold.
    ///   - curve: the keys; without them only addresses of this machine are bound.
    ///   - answerByteLimit: the bytes of the answers to one plan above which clients must ask before they send theirs.
    /// - Throws: `endpointInUse`, `unencrypted`, `zeroMQ`, `recording`.
    public init(
        endpoint: String, runID: UInt64, clientCount: Int, recording: String?, token: RunToken,
        curve: CurveServer? = nil, answerByteLimit: Int = CoordinatorSocket.creditByteLimit
    ) throws(TransportError) {
        guard curve != nil || CoordinatorSocket.isLocal(endpoint) else { throw .unencrypted(endpoint) }
        // What waits for a client that does not read is one plan, whose pieces all clients share: no limit is needed,
        // and none of the others waits.
        let context = try SocketContext(socketCount: 2, threadCount: SocketContext.threadCountForMany)
        let socket = try Socket.open(
            type: ZMQ_ROUTER, context: context, endpoint: endpoint,
            frameByteLimit: Envelope.pieceByteLimit,
            sendTimeout: .seconds(10), sendQueueLimit: 0, curve: curve.map { .server($0) })
        let boundEndpoint = try socket.bind()
        let recorder: FrameRecorder?
        if let recording { recorder = try FrameRecorder(path: recording, secret: token.bytes) } else { recorder = nil }
        self.socket = socket
        self.endpoint = boundEndpoint
        self.runID = runID
        self.clientCount = clientCount
        self.answerByteLimit = answerByteLimit
        self.recorder = recorder
    }

    /// Whether only this machine can reach an endpoint.
    public static func isLocal(_ endpoint: String) -> Bool {
        ["ipc://", "inproc://", "tcp://127.0.0.1:", "tcp://[::1]:"].contains { endpoint.hasPrefix($0) }
    }

    /// Counts what crossed in an earlier part of the run.
    public mutating func resume(_ earlier: WireTraffic) { traffic = earlier }

    /// Binds a connection to the client whose token it has presented.
    public mutating func bind(_ peer: PeerID, client: String) {
        guard peers[peer] != nil else { return }
        peers[peer]?.client = client
        bound[client] = peer
    }

    /// The connection bound to a client.
    public func peer(of client: String) -> PeerID? { bound[client] }

    /// The client bound to a connection.
    public func client(of peer: PeerID) -> String? { peers[peer]?.client }

    /// The round that a client's update was expected for and arrived damaged in.
    public func brokenRound(of client: String) -> Int? { bound[client].flatMap { peers[$0]?.brokenRound } }

    /// Sends a client the plan of a past round, which counts as no traffic of the run; returns whether it could be sent.
    /// The client's request for credit then says that it is done.
    public mutating func sendPast(
        _ plan: RoundPlan, to peer: PeerID, schema: ParameterSchema
    ) throws(TransportError) -> Bool {
        peers[peer]?.pastRound = plan.round
        let message = EncodedMessage(.plan(plan), runID: runID, schema: schema)
        return try send(message, to: [peer], isCounted: false).isEmpty
    }

    /// Sends every bound connection a credit of round 0, which means nothing; returns the clients that have gone.
    ///
    /// libzmq tells of a connection that has ended only when something is sent to it.
    public mutating func probe() throws(TransportError) -> [String] {
        let bound = peers.filter { $0.value.client != nil }.map(\.key)
        let gone = try send(EncodedMessage(creditFor: 0, pieces: 0..<0, runID: runID), to: bound)
        return gone.compactMap { peers[$0]?.client }.sorted()
    }

    /// Forgets a connection.
    public mutating func drop(_ peer: PeerID) {
        if let client = peers.removeValue(forKey: peer)?.client, bound[client] == peer { bound[client] = nil }
        withdraw(peer)
        waiting.removeAll { $0 == peer }
        leaveGathering(peer)
    }

    /// Returns whether the others must send their updates again.
    @discardableResult private mutating func leaveGathering(_ peer: PeerID) -> Bool {
        let isBegunAgain = gathering?.remove(peer, spare: &spare) ?? false
        if gathering?.members.isEmpty == true { gathering = nil }
        return isBegunAgain
    }

    /// The clients without whose updates those that are gathered cannot be added up further; `nil` when none are.
    public var awaitedClients: Set<String>? {
        gathering.map { Set($0.awaited.compactMap { peers[$0]?.client }) }
    }

    /// Takes back the credit of a connection, if it has some.
    private mutating func withdraw(_ peer: PeerID) { grantedByteCount -= granted.removeValue(forKey: peer) ?? 0 }

    /// Declares the one update that a connection may send now, or none.
    ///
    /// - Parameter isSummed: whether the sum of all updates is enough.
    /// - Returns: whether all others must send their updates of the round again, as some of this one's is in the sums.
    @discardableResult
    public mutating func expect(_ peer: PeerID, round: Int, specs: [TensorSpec]?, isSummed: Bool = false) -> Bool {
        let isBegunAgain = leaveGathering(peer)
        guard var entry = peers.removeValue(forKey: peer) else { return isBegunAgain }
        defer { peers[peer] = entry }
        if case .requested = entry.credit { waiting.removeAll { $0 == peer } }
        withdraw(peer)
        entry.credit = .free
        entry.brokenRound = nil
        if let specs {
            entry.expected = (round, specs, specs.reduce(0) { $0 + $1.byteCount }, isSummed)
            entry.decoder.expect(round: round, specs: specs)
        } else {
            entry.expected = nil
            entry.decoder.expectNothing()
        }
        return isBegunAgain
    }

    /// Waits for the next event, at most `timeout`; `control` is a descriptor that is watched as well.
    public mutating func next(timeout: Duration, control: Int32) throws(TransportError) -> CoordinatorEvent {
        let end = ContinuousClock.now + timeout
        while true {
            if let event = takeGathered() { return event }
            try grant()
            let pause = max(.zero, end - ContinuousClock.now)
            let readiness = try socket.wait(
                timeout: waiting.isEmpty ? pause : min(pause, CoordinatorSocket.creditPatience), descriptor: control)
            switch readiness {
            case .nothing:
                guard ContinuousClock.now >= end else { continue }
                try recorder?.flush()
                return .timedOut
            case .descriptor: return .control
            case .refusedKey(let key):
                traffic.refused += 1
                return .refusedKey(key)
            case .message:
                if let event = try receiveAndGrant() ?? takeGathered() { return event }
                if ContinuousClock.now >= end { return .timedOut }
            }
        }
    }

    /// What has been gathered, once all of it is there.
    private mutating func takeGathered() -> CoordinatorEvent? {
        guard let gathered = gathering, gathered.isComplete else { return nil }
        gathering = nil
        for peer in gathered.members {
            peers[peer]?.expected = nil
            peers[peer]?.decoder.expectNothing()
        }
        do throws(ParameterError) {
            return .gathered(Array(gathered.members), round: gathered.round, .success(try gathered.total()))
        } catch { return .gathered(Array(gathered.members), round: gathered.round, .failure(error)) }
    }

    /// Gives credit to those that asked for it, in order, as far as memory allows.
    private mutating func grant() throws(TransportError) {
        forgetSent()
        // Taken out so that the sums are not copied.
        if var gathered = gathering.take() {
            let grants = gathered.grants()
            let round = gathered.round
            gathering = consume gathered
            for (peer, piece) in grants {
                _ = try send(
                    EncodedMessage(creditFor: round, pieces: piece..<piece + 1, runID: runID), to: [peer])
            }
        }
        while let peer = waiting.first {
            guard var entry = peers[peer], let expected = entry.expected else {
                waiting.removeFirst()
                continue
            }
            let load = grantedByteCount + outgoing.reduce(0) { $0 + $1.encoded.byteCount }
            let isStalled = ContinuousClock.now - lastProgress >= CoordinatorSocket.creditPatience
            guard load == 0 || load + expected.byteCount <= CoordinatorSocket.creditByteLimit || isStalled else {
                return
            }
            waiting.removeFirst()
            lastProgress = ContinuousClock.now
            entry.credit = .granted
            granted[peer] = expected.byteCount
            grantedByteCount += expected.byteCount
            entry.decoder.expect(round: expected.round, specs: expected.specs)
            peers[peer] = entry
            // A client that has gone is noticed by the launcher, or by the round's deadline.
            _ = try send(
                EncodedMessage(creditFor: expected.round, pieces: CoordinatorSocket.allPieces, runID: runID), to: [peer]
            )
        }
    }

    /// Lets go of plans that are out.
    private mutating func forgetSent() {
        var index = outgoing.startIndex
        while index < outgoing.endIndex {
            if isKnownUniquelyReferenced(&outgoing[index]) { outgoing.remove(at: index) } else { index += 1 }
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
        let userID = piece.userID
        if hasMore {
            while hasMore { hasMore = try socket.receive(into: &piece) }
            return refuse(peer, .notAnEnvelope)
        }
        if let known = peers[peer], known.userID != userID {
            // Another key under a routing id that was somebody else's.
            return refuse(nil, .anotherIdentity)
        }
        if peers[peer] == nil {
            // A connection that does not join cannot be told from one that has gone; the newcomer takes the place of one.
            if peers.count >= clientCount + CoordinatorSocket.strangerLimit {
                let strangers = peers.filter { $0.value.client == nil }
                if strangers.count >= clientCount + CoordinatorSocket.strangerLimit, let other = strangers.first {
                    peers[other.key] = nil
                }
            }
            peers[peer] = Peer(decoder: ClientMessageDecoder(runID: runID), userID: userID)
        }
        if gathering?.contains(peer) == true, gathering?.mayArrive(peer) != true,
            envelope.withBytes({ Envelope.statedKind($0) }) == .update
        {
            return refuse(
                peer, .outOfRound(round: envelope.withBytes { Envelope.statedRound($0) }.map(UInt32.init) ?? 0))
        }
        let name = peers[peer]?.client ?? "?"
        // The dictionary entry is taken out so that the decoder's staging buffer is not copied.
        guard var entry = peers.removeValue(forKey: peer) else { return nil }
        defer { peers[peer] = entry }
        var kind: MessageKind?
        var byteCount = 0
        // Large tensors stay in the frame.
        let held = piece.byteCount >= HeldFrame.leastByteCount ? HeldFrame() : nil
        let result: Result<ReceivedClientMessage?, WireError> = try envelope.withBytes {
            (envelopeBytes) throws(TransportError) in
            try piece.withBytes { (pieceBytes) throws(TransportError) in
                byteCount = envelopeBytes.count + pieceBytes.count
                kind = Envelope.statedKind(envelopeBytes)
                try recorder?.record(.up, peer: name, envelope: envelopeBytes, piece: pieceBytes)
                do throws(WireError) {
                    return .success(
                        try entry.decoder.accept(
                            envelope: envelopeBytes, piece: pieceBytes, holder: held, spare: &spare))
                } catch { return .failure(error) }
            }
        }
        held?.take(&piece)
        switch result {
        case .failure(let error):
            traffic.refused += 1
            entry.unfinished = WireTraffic.Count()
            // The client's own connection, so that what the envelope states is the client's word.
            let stated = envelope.withBytes { (Envelope.statedKind($0), Envelope.statedRound($0)) }
            if let expected = entry.expected, stated.0 == .update, stated.1 == expected.round {
                entry.brokenRound = expected.round
            }
            return .refused(client: entry.client, error)
        case .success(let message):
            if let kind {
                entry.unfinished.frames += 2
                entry.unfinished.bytes += byteCount
                if message != nil {
                    entry.unfinished.messages = 1
                    traffic.add(kind, .up, entry.unfinished)
                    entry.unfinished = WireTraffic.Count()
                }
            }
            if case .granted = entry.credit { lastProgress = ContinuousClock.now }
            if let part = entry.decoder.takePart(), gathering?.arrive(peer, part, spare: &spare) != true {
                traffic.refused += 1
                // Of one that is asked no more, what was under way.
                guard let round = gathering?.round, gathering?.contains(peer) == true else {
                    return .refused(
                        client: entry.client,
                        .outOfRound(round: envelope.withBytes { Envelope.statedRound($0) }.map(UInt32.init) ?? 0))
                }
                entry.brokenRound = round
                return .refused(client: entry.client, .brokenSequenceOfPieces(kind: .update))
            }
            guard let message else { return nil }
            if case .join = message {
            } else if entry.client == nil {
                traffic.refused += 1
                return .refused(client: nil, .unexpectedKind((kind ?? .update).rawValue))
            }
            switch message {
            case .request(let round) where entry.pastRound == round: entry.pastRound = nil
            case .request(let round) where gathering?.round == round && gathering?.contains(peer) == true:
                guard gathering?.request(peer) == true else {
                    traffic.refused += 1
                    return .refused(client: entry.client, .outOfRound(round: UInt32(truncatingIfNeeded: round)))
                }
                return nil
            case .request(let round):
                guard case .needed = entry.credit, entry.expected?.round == round else {
                    traffic.refused += 1
                    return .refused(client: entry.client, .outOfRound(round: UInt32(truncatingIfNeeded: round)))
                }
                entry.credit = .requested
                waiting.append(peer)
                return nil
            case .update where gathering?.contains(peer) == true: return nil
            case .update:
                entry.expected = nil
                withdraw(peer)
            case .join(let join):
                guard userID == nil || userID == join.clientID else {
                    traffic.refused += 1
                    return .refused(client: userID, .anotherIdentity)
                }
            case .goodbye: break
            }
            return .message(peer, message)
        }
    }

    /// What arrived, after the next client in the queue has been told that it may send: its update travels while this one
    /// is taken in.
    private mutating func receiveAndGrant() throws(TransportError) -> CoordinatorEvent? {
        let event = try receive()
        try grant()
        return event
    }

    private mutating func refuse(_ peer: PeerID?, _ error: WireError) -> CoordinatorEvent {
        traffic.refused += 1
        return .refused(client: peer.flatMap { peers[$0]?.client }, error)
    }

    /// Sends a message to several connections, encoding it once; returns those that have gone.
    ///
    /// Where the answers to a plan would not all fit into memory, each client must ask before it sends its own. Where their
    /// sums are enough they are then gathered piece by piece.
    public mutating func send(
        _ message: CoordinatorMessage, to receivers: [PeerID], schema: ParameterSchema
    ) throws(TransportError) -> [PeerID] {
        guard case .plan(let plan) = message else {
            return try send(EncodedMessage(message, runID: runID, schema: schema), to: receivers)
        }
        let needsCredit = startAnswers(to: plan)
        let message = CoordinatorMessage.plan(plan.waitingForCredit(needsCredit))
        return try send(EncodedMessage(message, runID: runID, schema: schema), to: receivers)
    }

    /// Decides, at the first plan of a round, how all its answers come; returns whether they need credit.
    private mutating func startAnswers(to plan: RoundPlan) -> Bool {
        if let answering, answering.round == plan.round { return answering.needsCredit }
        let expected = peers.filter { $0.value.expected != nil }
        let byteCount = expected.values.reduce(0) { $0 + ($1.expected?.byteCount ?? 0) }
        let needsCredit = byteCount > answerByteLimit
        answering = (plan.round, needsCredit)
        guard needsCredit else { return false }
        let specs = commonSpecs
        gathering = specs.map {
            Gathering(
                Array(expected.keys), round: plan.round, specs: $0, clientCount: clientCount, isMean: gathersMeans)
        }
        for peer in expected.keys {
            peers[peer]?.credit = .needed
            if let specs {
                peers[peer]?.decoder.expect(round: plan.round, specs: specs, isStreamed: true)
            } else {
                peers[peer]?.decoder.expectNothing()
            }
        }
        return true
    }

    /// The tensors of all updates that are expected, where they are the same and their sums are enough.
    private var commonSpecs: [TensorSpec]? {
        let expected = peers.values.compactMap(\.expected)
        guard let specs = expected.first?.specs,
            expected.allSatisfy({ $0.isSummed && $0.specs == specs && $0.round == expected[0].round }),
            specs.allSatisfy({ $0.format == .float32 })
        else { return nil }
        return specs
    }

    /// Sends piece by piece, each to every receiver: its bytes are copied and read once, and nobody waits for another's
    /// whole message.
    private mutating func send(
        _ encoded: EncodedMessage, to receivers: [PeerID], isCounted: Bool = true
    ) throws(TransportError) -> [PeerID] {
        var gone: Set<PeerID> = []
        let sending = SentMessage(encoded)
        forgetSent()
        defer { if encoded.kind == .plan { outgoing.append(sending) } }
        for range in encoded.pieces {
            var code: UInt64 = 0
            var frame = try Socket.Frame(range, of: sending, checksum: &code)
            for peer in receivers where !gone.contains(peer) {
                guard let sequence = peers[peer].map({ $0.sequence + 1 }) else { continue }
                peers[peer]?.sequence = sequence
                let name = peers[peer]?.client ?? "?"
                let envelope = encoded.envelope(range, checksum: code, sequence: sequence)
                do throws(TransportError) {
                    try socket.send(peer.routingID, more: true)
                    try socket.send(envelope, more: true)
                    try socket.send(sharing: &frame)
                } catch TransportError.peerGone {
                    gone.insert(peer)
                    continue
                }
                try record(.down, peer: name, envelope, &frame)
                guard isCounted else { continue }
                traffic.addPiece(encoded.kind, .down, bytes: envelope.count + range.count)
                if range.upperBound == encoded.byteCount { traffic.addMessage(encoded.kind, .down) }
            }
        }
        try recorder?.flush()
        return receivers.filter { gone.contains($0) }
    }

    private func record(
        _ direction: WireDirection, peer: String, _ envelope: [UInt8], _ frame: inout Socket.Frame
    ) throws(TransportError) {
        guard let recorder else { return }
        let result: Result<Void, TransportError> = envelope.withUnsafeBytes { envelope in
            frame.withBytes { piece in
                do throws(TransportError) {
                    return .success(try recorder.record(direction, peer: peer, envelope: envelope, piece: piece))
                } catch { return .failure(error) }
            }
        }
        try result.get()
    }
}
