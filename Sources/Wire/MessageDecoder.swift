import Cryptography
public import Parameters
import Privacy

/// One piece of an update whose elements are taken out as they arrive.
package struct UpdatePart: Sendable {
    /// Where in the message it begins.
    package let offset: Int
    /// Its bytes.
    package let byteCount: Int
    /// Its elements, those of each tensor together.
    package let elements: [TensorStorage]

    /// A piece with its elements.
    package init(offset: Int, byteCount: Int, elements: [TensorStorage]) {
        self.offset = offset
        self.byteCount = byteCount
        self.elements = elements
    }
}

/// Decodes what one client sends to the coordinator. Total: any bytes give a message, nothing yet, or a typed error.
public struct ClientMessageDecoder: Sendable {
    /// The largest legal join.
    static let joinByteLimit = 128 * 1_024

    private let runID: UInt64
    private var assembler = PieceAssembler()
    private var openRound: (round: Int, specs: [TensorSpec], isStreamed: Bool)?
    /// What the last piece had of a streamed update.
    private var part: UpdatePart?

    /// A decoder for one client of the run.
    public init(runID: UInt64) { self.runID = runID }

    /// Declares which update the client may send now; every other one is refused before memory is reserved.
    ///
    /// - Parameter isStreamed: whether its elements are taken out as they arrive, by `takePart`; all are `float32` then.
    public mutating func expect(round: Int, specs: [TensorSpec], isStreamed: Bool = false) {
        openRound = (round, specs, isStreamed)
    }

    /// What the piece that was accepted last has of a streamed update.
    package mutating func takePart() -> UpdatePart? {
        defer { part = nil }
        return part
    }

    /// Declares that no update is expected any more.
    public mutating func expectNothing() { openRound = nil }

    /// Takes one message of two frames; returns the client's message once it is complete.
    package mutating func accept(
        envelope: UnsafeRawBufferPointer, piece: UnsafeRawBufferPointer
    ) throws(WireError) -> ReceivedClientMessage? {
        var spare = SpareArrays(elementLimit: 0)
        return try accept(envelope: envelope, piece: piece, spare: &spare)
    }

    /// As `accept(envelope:piece:)`, with memory for tensors that may be used again.
    ///
    /// - Parameter holder: who keeps the piece's bytes as long as it lives: large tensors then stay in them.
    package mutating func accept(
        envelope: UnsafeRawBufferPointer, piece: UnsafeRawBufferPointer, holder: (any AnyObject & Sendable)? = nil,
        spare: inout SpareArrays
    ) throws(WireError) -> ReceivedClientMessage? {
        let openRound = openRound
        let limit = { (envelope: Envelope) throws(WireError) -> Int in
            switch envelope.kind {
            case .join: return ClientMessageDecoder.joinByteLimit
            case .goodbye, .request: return 0
            case .update:
                guard let openRound, openRound.round == Int(envelope.round) else {
                    throw .outOfRound(round: envelope.round)
                }
                return Safetensors.byteCount(openRound.specs)
            case .welcome, .plan, .credit: throw .unexpectedKind(envelope.kind.rawValue)
            }
        }
        let part = try assembler.accept(
            envelope: envelope, pieceByteCount: piece.count, runID: runID, limit: limit)
        do throws(WireError) {
            try PieceAssembler.read(piece, of: part) { (block) throws(WireError) in
                try take(block, part, holder, &spare)
            }
            if assembler.tensors?.isStreamed == true, let elements = assembler.tensors?.takeElements() {
                self.part = UpdatePart(offset: part.offset, byteCount: piece.count, elements: elements)
            }
            return part.isLast ? try finish(part) : nil
        } catch {
            self.part = nil
            assembler.abandon(part, after: error)
            throw error
        }
    }

    private mutating func take(
        _ block: UnsafeRawBufferPointer, _ part: PieceAssembler.Part, _ holder: (any AnyObject & Sendable)?,
        _ spare: inout SpareArrays
    ) throws(WireError) {
        let envelope = part.envelope
        guard envelope.kind == .update else { return assembler.control.append(contentsOf: block) }
        if assembler.tensors == nil {
            let reader = SafetensorsReader(
                specs: try specs(of: envelope), isStreamed: openRound?.isStreamed == true)
            try expectSize(envelope, reader.byteCount)
            assembler.tensors = reader
        }
        do throws(ParameterError) { try assembler.tensors?.append(block, holder: holder, spare: &spare) } catch {
            throw .tensors(error)
        }
    }

    /// The declarations of the update that may be sent: also between two pieces the round may have been closed.
    private func specs(of envelope: Envelope) throws(WireError) -> [TensorSpec] {
        guard let openRound, openRound.round == Int(envelope.round) else { throw .outOfRound(round: envelope.round) }
        return openRound.specs
    }

    private mutating func finish(_ part: PieceAssembler.Part) throws(WireError) -> ReceivedClientMessage {
        let envelope = part.envelope
        switch envelope.kind {
        case .join: return .join(try decodeJoin(assembler.control))
        case .request: return .request(round: Int(envelope.round))
        case .update:
            _ = try specs(of: envelope)
            guard let code = UInt8(exactly: envelope.firstArgument), let policy = ReleasePolicy(rawValue: code),
                let reader = assembler.tensors
            else { throw .malformed(kind: .update) }
            assembler.tensors = nil
            return .update(
                ReceivedUpdate(round: Int(envelope.round), policy: policy, parameters: try read(reader)))
        case .goodbye, .welcome, .plan, .credit:
            guard let reason = EndReason(rawValue: envelope.firstArgument) else { throw .malformed(kind: .goodbye) }
            return .goodbye(reason)
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
        var spare = SpareArrays(elementLimit: 0)
        return try accept(envelope: envelope, piece: piece, spare: &spare)
    }

    /// As `accept(envelope:piece:)`, with memory for tensors that may be used again.
    package mutating func accept(
        envelope: UnsafeRawBufferPointer, piece: UnsafeRawBufferPointer, spare: inout SpareArrays
    ) throws(WireError) -> CoordinatorMessage? {
        let schema = schema
        let limit = { (envelope: Envelope) throws(WireError) -> Int in
            switch envelope.kind {
            case .welcome: return ClientMessageDecoder.joinByteLimit
            case .goodbye, .credit: return 0
            case .plan:
                guard let schema else { throw .unexpectedKind(envelope.kind.rawValue) }
                return 4 + 4 * schema.specs.count + Safetensors.byteCount(schema.specs)
            case .join, .update, .request: throw .unexpectedKind(envelope.kind.rawValue)
            }
        }
        let part = try assembler.accept(
            envelope: envelope, pieceByteCount: piece.count, runID: runID, limit: limit)
        do throws(WireError) {
            try PieceAssembler.read(piece, of: part) { (block) throws(WireError) in try take(block, part, &spare) }
            return part.isLast ? try finish(part) : nil
        } catch {
            assembler.abandon(part, after: error)
            throw error
        }
    }

    private mutating func take(
        _ block: UnsafeRawBufferPointer, _ part: PieceAssembler.Part, _ spare: inout SpareArrays
    ) throws(WireError) {
        guard part.envelope.kind == .plan else { return assembler.control.append(contentsOf: block) }
        guard let schema else { throw .unexpectedKind(part.envelope.kind.rawValue) }
        var rest = block[...]
        if assembler.tensors == nil { try takeNumbers(&rest, part.envelope, schema) }
        do throws(ParameterError) {
            try assembler.tensors?.append(UnsafeRawBufferPointer(rebasing: rest), spare: &spare)
        } catch { throw .tensors(error) }
    }

    private mutating func finish(_ part: PieceAssembler.Part) throws(WireError) -> CoordinatorMessage {
        let envelope = part.envelope
        switch envelope.kind {
        case .welcome: return .welcome(try decodeWelcome(assembler.control))
        case .credit:
            guard envelope.firstArgument <= envelope.secondArgument else { throw .malformed(kind: .credit) }
            return .credit(
                round: Int(envelope.round), pieces: Int(envelope.firstArgument)..<Int(envelope.secondArgument))
        case .plan:
            guard let reader = assembler.tensors else { throw .malformed(kind: .plan) }
            assembler.tensors = nil
            return .plan(
                RoundPlan(
                    round: Int(envelope.round), step: envelope.firstArgument,
                    deadline: .milliseconds(Int64(envelope.secondArgument)), parameters: try read(reader),
                    flags: envelope.flags))
        case .goodbye, .join, .update, .request:
            guard let reason = EndReason(rawValue: envelope.firstArgument) else { throw .malformed(kind: .goodbye) }
            return .goodbye(reason)
        }
    }

    /// Takes the numbers of the plan's tensors off the bytes; once all are there the tensors can be read.
    private mutating func takeNumbers(
        _ bytes: inout Slice<UnsafeRawBufferPointer>, _ envelope: Envelope, _ schema: ParameterSchema
    ) throws(WireError) {
        func take(upTo count: Int) {
            let part = bytes.prefix(max(0, count - assembler.control.count))
            assembler.control.append(contentsOf: part)
            bytes = bytes.dropFirst(part.count)
        }
        take(upTo: 4)
        guard assembler.control.count >= 4 else { return }
        let count = assembler.control.prefix(4).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        guard count <= schema.specs.count else { throw .malformed(kind: .plan) }
        take(upTo: 4 + 4 * count)
        guard assembler.control.count == 4 + 4 * count else { return }
        let specs: [TensorSpec]? = assembler.control.withUnsafeBytes { bytes in
            var reader = FieldReader(bytes)
            _ = reader.integer()
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
        let reader = SafetensorsReader(specs: specs)
        try expectSize(envelope, assembler.control.count + reader.byteCount)
        assembler.tensors = reader
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
}

/// Refuses a message whose size differs from what its declarations give.
private func expectSize(_ envelope: Envelope, _ byteCount: Int) throws(WireError) {
    guard envelope.totalByteCount == UInt64(byteCount) else {
        throw .tensors(
            .malformed(reason: "\(envelope.totalByteCount) bytes where the schema gives \(byteCount)"))
    }
}

private func read(_ reader: SafetensorsReader) throws(WireError) -> ParameterSet {
    do throws(ParameterError) { return try reader.finish() } catch { throw .tensors(error) }
}
