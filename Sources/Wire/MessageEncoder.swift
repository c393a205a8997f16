import Cryptography
import Numerics
package import Parameters
import Privacy

/// One message as bytes, before it is cut into pieces. A piece that lies within one tensor can be sent from the tensor's
/// own memory; the others are copied one by one, so that the whole message never lies in memory twice. Tensors in another
/// format than `float32` are written once, into bytes of their own.
package struct EncodedMessage: Sendable {
    private let envelope: Envelope
    /// What comes before the tensors.
    private let head: [UInt8]
    private let tensors: [ParameterSet.Tensor]
    /// By place among the tensors, the bytes of those that are not in `float32`.
    private let encoded: [Int: [UInt8]]
    private let damage: UpdateDamage?
    /// The bytes of the message's payload.
    package let byteCount: Int

    /// The kind of the message.
    package var kind: MessageKind { envelope.kind }

    private init(
        _ envelope: Envelope, head: [UInt8] = [], tensors: ParameterSet = ParameterSet(), damage: UpdateDamage? = nil
    ) {
        self.damage = damage
        self.envelope = envelope
        self.head = head
        self.tensors = tensors.tensors
        encoded = tensors.tensors.enumerated().reduce(into: [:]) { encoded, entry in
            if entry.element.spec.format != .float32 { encoded[entry.offset] = entry.element.wireBytes }
        }
        byteCount = head.count + tensors.tensors.reduce(0) { $0 + $1.spec.wireByteCount }
    }

    /// The bytes of a client's message.
    ///
    /// - Parameter damage: what is done to an update on purpose.
    package init(_ message: ClientMessage, runID: UInt64, damage: UpdateDamage? = nil) {
        switch message {
        case .join(let join):
            var writer = FieldWriter()
            writer.text(join.clientID)
            writer.raw(join.token.bytes)
            writer.catalogues(join.catalogues)
            self.init(Envelope(kind: .join, runID: runID), head: writer.bytes)
        case .update(let update):
            let envelope = Envelope(
                kind: .update, runID: runID, round: UInt32(update.round), firstArgument: UInt32(update.policy.rawValue))
            let specs = update.parameters.specs
            self.init(
                envelope, head: Safetensors.prefix(damage == .shape ? specs.map(\.reshaped) : specs),
                tensors: update.parameters, damage: damage)
        case .request(let round):
            self.init(Envelope(kind: .request, runID: runID, round: UInt32(round)))
        case .goodbye(let reason):
            self.init(Envelope(kind: .goodbye, runID: runID, firstArgument: reason.rawValue))
        }
    }

    /// The bytes of a coordinator's message; `schema` numbers the tensors that a plan carries.
    package init(_ message: CoordinatorMessage, runID: UInt64, schema: ParameterSchema) {
        switch message {
        case .welcome(let welcome):
            var writer = FieldWriter()
            writer.raw(welcome.schemaDigest.bytes)
            writer.catalogues(welcome.catalogues)
            self.init(Envelope(kind: .welcome, runID: runID), head: writer.bytes)
        case .plan(let plan):
            var writer = FieldWriter()
            let names = Set(plan.parameters.specs.map(\.name))
            let members = schema.specs.indices.filter { names.contains(schema.specs[$0].name) }
            writer.integer(UInt32(members.count))
            for index in members { writer.integer(UInt32(index)) }
            writer.raw(Safetensors.prefix(plan.parameters.specs))
            let milliseconds = (plan.deadline / .milliseconds(1)).rounded()
            let envelope = Envelope(
                kind: .plan, runID: runID, round: UInt32(plan.round), firstArgument: plan.step,
                secondArgument: UInt32(min(max(milliseconds, 0), Double(UInt32.max))), flags: plan.flags)
            self.init(envelope, head: writer.bytes, tensors: plan.parameters)
        case .credit(let round, let pieces): self.init(creditFor: round, pieces: pieces, runID: runID)
        case .goodbye(let reason):
            self.init(Envelope(kind: .goodbye, runID: runID, firstArgument: reason.rawValue))
        }
    }

    /// The bytes of a credit.
    package init(creditFor round: Int, pieces: Range<Int>, runID: UInt64) {
        self.init(
            Envelope(
                kind: .credit, runID: runID, round: UInt32(round), firstArgument: UInt32(pieces.lowerBound),
                secondArgument: UInt32(pieces.upperBound)))
    }

    /// Where the pieces begin and how long they are; a message without payload is one empty piece.
    package var pieces: [Range<Int>] {
        // Of a damaged update one piece may be missing; the others tell.
        let limit = damage == nil ? Envelope.pieceByteLimit : min(Envelope.pieceByteLimit, max(1, (byteCount + 1) / 2))
        return stride(from: 0, to: max(byteCount, 1), by: limit).map { $0..<min($0 + limit, byteCount) }
    }

    /// The tensor that holds the payload's bytes of a range, and where in it they are; `nil` where they must be copied.
    package func tensor(holding range: Range<Int>) -> (storage: TensorStorage, bytes: Range<Int>)? {
        #if _endian(little)
            guard damage == nil, !range.isEmpty else { return nil }
            var start = head.count
            for (index, tensor) in tensors.enumerated() {
                let end = start + tensor.spec.wireByteCount
                if encoded[index] == nil, range.lowerBound >= start, range.upperBound <= end {
                    return (tensor.storage, range.lowerBound - start..<range.upperBound - start)
                }
                start = end
            }
        #endif
        return nil
    }

    /// The checksum of bytes that are sent from where they lie.
    package static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 { ByteChecksum.code(of: bytes) }

    /// Copies the payload's bytes of a range, and gives their checksum. *Complexity*: O(bytes + tensors).
    ///
    /// - Precondition: `target` has the range's length.
    package func copy(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) -> UInt64 {
        precondition(target.count == range.count, "\(target.count) bytes for a piece of \(range.count)")
        return ByteChecksum.code(of: UnsafeRawBufferPointer(target)) { block in
            copyBlock(
                block.lowerBound + range.lowerBound..<block.upperBound + range.lowerBound,
                to: UnsafeMutableRawBufferPointer(rebasing: target[block]))
        }
    }

    private func copyBlock(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) {
        var start = 0
        func copyPart(_ source: UnsafeRawBufferPointer) {
            let part = range.clamped(to: start..<start + source.count)
            if !part.isEmpty {
                UnsafeMutableRawBufferPointer(
                    rebasing: target[part.lowerBound - range.lowerBound..<part.upperBound - range.lowerBound]
                ).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[part.lowerBound - start..<part.upperBound - start]))
            }
            start += source.count
        }
        defer { if damage == .notFinite { spoil(range, target) } }
        head.withUnsafeBytes { copyPart($0) }
        for (index, tensor) in tensors.enumerated() where start < range.upperBound {
            if let bytes = encoded[index] {
                bytes.withUnsafeBytes { copyPart($0) }
                continue
            }
            #if _endian(little)
                tensor.values.withUnsafeBytes { copyPart($0) }
            #else
                tensor.values.map { $0.bitPattern.littleEndian }.withUnsafeBytes { copyPart($0) }
            #endif
        }
    }

    /// Writes NaN over the first value, as far as it lies in a range.
    private func spoil(_ range: Range<Int>, _ target: UnsafeMutableRawBufferPointer) {
        for (index, byte) in [0, 0, 0xC0, 0x7F].enumerated() where range.contains(head.count + index) {
            target[head.count + index - range.lowerBound] = UInt8(byte)
        }
    }

    /// The envelope of one piece.
    ///
    /// - Parameter checksum: the piece's own, so that a piece for many receivers is read once.
    package func envelope(_ range: Range<Int>, checksum: UInt64, sequence: UInt32) -> [UInt8] {
        var header = envelope
        header.sequence = sequence
        header.totalByteCount = UInt64(byteCount)
        header.pieceOffset = UInt64(range.lowerBound)
        header.pieceByteCount = UInt32(range.count)
        header.pieceChecksum = checksum
        return header.encode()
    }
}
