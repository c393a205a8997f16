import Cryptography
package import Parameters
import Privacy

/// One message as bytes, before it is cut into pieces; the payload can be shared by several receivers.
package struct EncodedMessage: Sendable {
    let envelope: Envelope
    let payload: [UInt8]

    /// The kind of the message.
    package var kind: MessageKind { envelope.kind }
    /// The bytes of the message's payload.
    package var byteCount: Int { payload.count }

    /// The bytes of a client's message.
    package init(_ message: ClientMessage, runID: UInt64) {
        switch message {
        case .join(let join):
            var writer = FieldWriter()
            writer.text(join.clientID)
            writer.raw(join.token.bytes)
            writer.catalogues(join.catalogues)
            envelope = Envelope(kind: .join, runID: runID)
            payload = writer.bytes
        case .update(let update):
            envelope = Envelope(
                kind: .update, runID: runID, round: UInt32(update.round), firstArgument: UInt32(update.policy.rawValue))
            payload = Safetensors.encode(update.parameters)
        case .goodbye(let reason):
            envelope = Envelope(kind: .goodbye, runID: runID, firstArgument: reason.rawValue)
            payload = []
        }
    }

    /// The bytes of a coordinator's message; `schema` numbers the tensors that a plan carries.
    package init(_ message: CoordinatorMessage, runID: UInt64, schema: ParameterSchema) {
        switch message {
        case .welcome(let welcome):
            var writer = FieldWriter()
            writer.raw(welcome.schemaDigest.bytes)
            writer.catalogues(welcome.catalogues)
            envelope = Envelope(kind: .welcome, runID: runID)
            payload = writer.bytes
        case .plan(let plan):
            var writer = FieldWriter()
            let names = Set(plan.parameters.specs.map(\.name))
            let members = schema.specs.indices.filter { names.contains(schema.specs[$0].name) }
            writer.integer(UInt32(members.count))
            for index in members { writer.integer(UInt32(index)) }
            writer.raw(Safetensors.encode(plan.parameters))
            let milliseconds = (plan.deadline / .milliseconds(1)).rounded()
            envelope = Envelope(
                kind: .plan, runID: runID, round: UInt32(plan.round), firstArgument: plan.encodedStep,
                secondArgument: UInt32(min(max(milliseconds, 0), Double(UInt32.max))))
            payload = writer.bytes
        case .goodbye(let reason):
            envelope = Envelope(kind: .goodbye, runID: runID, firstArgument: reason.rawValue)
            payload = []
        }
    }

    /// Calls `send` with each piece's envelope and bytes, numbering them from `sequence`, which it advances.
    package func forEachPiece(
        sequence: inout UInt32, _ send: (_ envelope: [UInt8], _ piece: UnsafeRawBufferPointer) throws -> Void
    ) rethrows {
        try payload.withUnsafeBytes { bytes in
            var offset = 0
            repeat {
                let count = min(Envelope.pieceByteLimit, bytes.count - offset)
                let piece = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
                var header = envelope
                sequence += 1
                header.sequence = sequence
                header.totalByteCount = UInt64(bytes.count)
                header.pieceOffset = UInt64(offset)
                header.pieceByteCount = UInt32(count)
                try send(header.encode(piece: piece), piece)
                offset += count
            } while offset < bytes.count
        }
    }
}
