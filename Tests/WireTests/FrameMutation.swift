import Numerics
import Wire

/// Random changes of frames, most of them of the kind that a decoder meets late.
enum FrameMutation {
    private static let interesting: [UInt64] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 65, 255, 256, 1 << 16, 1 << 20, (1 << 20) + 1, 1 << 31, 1 << 32, 1 << 62,
        UInt64(Int.max), .max,
    ]

    private static func number(_ stream: inout RandomStream) -> UInt64 {
        stream.integer(below: 4) == 0
            ? stream.next() : interesting[stream.integer(below: interesting.count)]
    }

    /// A frame with random fields and a random payload, half of the time with sizes and a checksum that fit.
    static func mutated(_ frame: Frame, sequence: UInt32, _ stream: inout RandomStream) throws -> Frame {
        var piece = frame.piece
        for _ in 0..<stream.integer(below: 4) where !piece.isEmpty {
            switch stream.integer(below: 4) {
            case 0: piece[stream.integer(below: piece.count)] = UInt8(truncatingIfNeeded: stream.next())
            case 1: piece.removeLast(stream.integer(below: piece.count))
            case 2: piece += Fixture.bytes(stream.integer(below: 40), &stream)
            default: piece.insert(UInt8(truncatingIfNeeded: stream.next()), at: stream.integer(below: piece.count))
            }
        }
        var result = try frame.edited(piece: piece) { $0.sequence = sequence }
        for _ in 0..<stream.integer(below: 3) {
            let value = number(&stream)
            let small = UInt32(truncatingIfNeeded: value)
            let kind = MessageKind.allCases[stream.integer(below: MessageKind.allCases.count)]
            let choice = stream.integer(below: 9)
            result = Frame(
                try result.editedFields {
                    switch choice {
                    case 0: $0.kind = kind
                    case 1: $0.runID = value
                    case 2: $0.round = small
                    case 3: $0.sequence = small
                    case 4: $0.totalByteCount = value
                    case 5: $0.pieceOffset = value
                    case 6: $0.firstArgument = small
                    case 7: $0.secondArgument = small
                    default: $0.pieceByteCount = small
                    }
                }, piece: piece)
            // Illegal sizes cannot be decoded, so they are the last mutation.
            if (try? result.fields) == nil { break }
        }
        for _ in 0..<stream.integer(below: 4) where stream.integer(below: 4) == 0 {
            result.envelope[stream.integer(below: result.envelope.count)] = UInt8(truncatingIfNeeded: stream.next())
        }
        if stream.integer(below: 20) == 0 { result.envelope.removeLast(stream.integer(below: 64)) }
        return result
    }
}

extension Frame {
    /// The fields with an edit.
    func editedFields(_ edit: (inout Envelope) -> Void) throws -> Envelope {
        var fields = try fields
        edit(&fields)
        return fields
    }
}
