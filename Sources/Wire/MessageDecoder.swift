import Cryptography
public import Parameters
import Privacy

/// Puts the pieces of one peer's messages together, within the limit that the receiver states for each kind.
///
/// Memory for a message is reserved once its first piece has been checked, and never more than the limit.
struct PieceAssembler {
    private var lastSequence: UInt32 = 0
    private var partial: (envelope: Envelope, bytes: [UInt8])?

    /// Takes one piece; returns the complete message when it was the last one.
    mutating func accept(
        envelope bytes: UnsafeRawBufferPointer, piece: UnsafeRawBufferPointer, runID: UInt64,
        limit: (Envelope) throws(WireError) -> Int
    ) throws(WireError) -> (envelope: Envelope, payload: [UInt8])? {
        let envelope = try Envelope(decoding: bytes, piece: piece)
        guard envelope.runID == runID else { throw .anotherRun }
        guard envelope.sequence > lastSequence else { throw .replayed(sequence: envelope.sequence) }
        lastSequence = envelope.sequence
        var current: (envelope: Envelope, bytes: [UInt8])
        if envelope.pieceOffset == 0 {
            partial = nil
            let limit = try limit(envelope)
            guard envelope.totalByteCount <= UInt64(limit) else {
                throw .illegalSize(kind: envelope.kind, bytes: envelope.totalByteCount, limit: UInt64(limit))
            }
            current = (envelope, [])
            current.bytes.reserveCapacity(Int(envelope.totalByteCount))
        } else {
            guard let started = partial, started.envelope.kind == envelope.kind,
                started.envelope.round == envelope.round,
                started.envelope.totalByteCount == envelope.totalByteCount,
                UInt64(started.bytes.count) == envelope.pieceOffset, !piece.isEmpty
            else {
                partial = nil
                throw .brokenSequenceOfPieces(kind: envelope.kind)
            }
            current = started
        }
        partial = nil
        current.bytes.append(contentsOf: piece)
        if UInt64(current.bytes.count) == envelope.totalByteCount { return (current.envelope, current.bytes) }
        partial = current
        return nil
    }
}

/// Decodes what one client sends to the coordinator. Total: any bytes give a message, nothing yet, or a typed error.
public struct ClientMessageDecoder: Sendable {
    /// The largest legal join.
    static let joinByteLimit = 128 * 1_024

    private let runID: UInt64
    private var assembler = PieceAssembler()
    private var openRound: (round: Int, specs: [TensorSpec])?

    /// A decoder for one client of the run.
    public init(runID: UInt64) { self.runID = runID }

    /// Declares which update the client may send now; every other one is refused before memory is reserved.
    public mutating func expect(round: Int, specs: [TensorSpec]) { openRound = (round, specs) }

    /// Declares that no update is expected any more.
    public mutating func expectNothing() { openRound = nil }

    /// Takes one message of two frames; returns the client's message once it is complete.
    package mutating func accept(
        envelope: UnsafeRawBufferPointer, piece: UnsafeRawBufferPointer
    ) throws(WireError) -> ReceivedClientMessage? {
        let openRound = openRound
        let limit = { (envelope: Envelope) throws(WireError) -> Int in
            switch envelope.kind {
            case .join: return ClientMessageDecoder.joinByteLimit
            case .goodbye: return 0
            case .update:
                guard let openRound, openRound.round == Int(envelope.round) else {
                    throw .outOfRound(round: envelope.round)
                }
                return Safetensors.byteCount(openRound.specs)
            case .welcome, .plan: throw .unexpectedKind(envelope.kind.rawValue)
            }
        }
        guard
            let (envelope, payload) = try assembler.accept(
                envelope: envelope, piece: piece, runID: runID, limit: limit)
        else { return nil }
        switch envelope.kind {
        case .join:
            return .join(try decodeJoin(payload))
        case .goodbye:
            guard let reason = EndReason(rawValue: envelope.firstArgument) else { throw .malformed(kind: .goodbye) }
            return .goodbye(reason)
        case .update:
            guard let openRound, openRound.round == Int(envelope.round) else {
                throw .outOfRound(round: envelope.round)
            }
            guard let code = UInt8(exactly: envelope.firstArgument), let policy = ReleasePolicy(rawValue: code) else {
                throw .malformed(kind: .update)
            }
            let parameters = try decodeTensors(payload, from: 0, specs: openRound.specs)
            return .update(ReceivedUpdate(round: openRound.round, policy: policy, parameters: parameters))
        case .welcome, .plan: throw .unexpectedKind(envelope.kind.rawValue)
        }
    }

    private func decodeJoin(_ payload: [UInt8]) throws(WireError) -> Join {
        let join: Join? = payload.withUnsafeBytes { bytes in
            var reader = FieldReader(bytes)
            guard let id = reader.name(), let secret = reader.raw(RunToken.byteCount),
                let token = RunToken(bytes: secret), let catalogues = reader.catalogues(), reader.isAtEnd
            else { return nil }
            return Join(clientID: id, token: token, catalogues: catalogues)
        }
        guard let join else { throw .malformed(kind: .join) }
        return join
    }
}

/// Decodes what the coordinator sends to one client.
public struct CoordinatorMessageDecoder: Sendable {
    private let runID: UInt64
    private var assembler = PieceAssembler()
    private var schema: ParameterSchema?

    /// A decoder for the run.
    public init(runID: UInt64) { self.runID = runID }

    /// States the schema once the welcome has arrived; plans are refused before.
    public mutating func adopt(_ schema: ParameterSchema) { self.schema = schema }

    /// Takes one message of two frames; returns the coordinator's message once it is complete.
    package mutating func accept(
        envelope: UnsafeRawBufferPointer, piece: UnsafeRawBufferPointer
    ) throws(WireError) -> CoordinatorMessage? {
        let schema = schema
        let limit = { (envelope: Envelope) throws(WireError) -> Int in
            switch envelope.kind {
            case .welcome: return ClientMessageDecoder.joinByteLimit
            case .goodbye: return 0
            case .plan:
                guard let schema else { throw .unexpectedKind(envelope.kind.rawValue) }
                return 4 + 4 * schema.specs.count + Safetensors.byteCount(schema.specs)
            case .join, .update: throw .unexpectedKind(envelope.kind.rawValue)
            }
        }
        guard
            let (envelope, payload) = try assembler.accept(
                envelope: envelope, piece: piece, runID: runID, limit: limit)
        else { return nil }
        switch envelope.kind {
        case .welcome: return .welcome(try decodeWelcome(payload))
        case .goodbye:
            guard let reason = EndReason(rawValue: envelope.firstArgument) else { throw .malformed(kind: .goodbye) }
            return .goodbye(reason)
        case .plan:
            guard let schema else { throw .unexpectedKind(envelope.kind.rawValue) }
            return .plan(try decodePlan(envelope, payload, schema))
        case .join, .update: throw .unexpectedKind(envelope.kind.rawValue)
        }
    }

    private func decodeWelcome(_ payload: [UInt8]) throws(WireError) -> Welcome {
        let welcome: Welcome? = payload.withUnsafeBytes { bytes in
            var reader = FieldReader(bytes)
            guard let digest = reader.digest(), let catalogues = reader.catalogues(), reader.isAtEnd else { return nil }
            return Welcome(schemaDigest: digest, catalogues: catalogues)
        }
        guard let welcome else { throw .malformed(kind: .welcome) }
        return welcome
    }

    private func decodePlan(
        _ envelope: Envelope, _ payload: [UInt8], _ schema: ParameterSchema
    ) throws(WireError) -> RoundPlan {
        let specs: [TensorSpec]? = payload.withUnsafeBytes { bytes in
            var reader = FieldReader(bytes)
            guard let count = reader.integer(), count <= schema.specs.count else { return nil }
            var specs: [TensorSpec] = []
            var next = 0
            for _ in 0..<count {
                guard let index = reader.integer(), index >= next, index < schema.specs.count else { return nil }
                specs.append(schema.specs[Int(index)])
                next = Int(index) + 1
            }
            return specs
        }
        guard let specs else { throw .malformed(kind: .plan) }
        let parameters = try decodeTensors(payload, from: 4 + 4 * specs.count, specs: specs)
        return RoundPlan(
            round: Int(envelope.round), encodedStep: envelope.firstArgument,
            deadline: .milliseconds(Int64(envelope.secondArgument)), parameters: parameters)
    }
}

private func decodeTensors(
    _ payload: [UInt8], from offset: Int, specs: [TensorSpec]
) throws(WireError) -> ParameterSet {
    let result: Result<ParameterSet, ParameterError> = payload.withUnsafeBytes { bytes in
        guard offset <= bytes.count else { return .failure(.malformed(reason: "\(bytes.count) bytes")) }
        do throws(ParameterError) {
            return .success(try Safetensors.decode(UnsafeRawBufferPointer(rebasing: bytes[offset...]), specs: specs))
        } catch { return .failure(error) }
    }
    switch result {
    case .success(let parameters): return parameters
    case .failure(let error): throw .tensors(error)
    }
}
