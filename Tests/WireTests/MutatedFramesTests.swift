import Numerics
import Parameters
import Privacy
import TestSupport
import Testing
import Wire

@Suite struct MutatedFramesTests {
    private static let interesting: [UInt64] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 63, 64, 65, 255, 256, 1 << 16, 1 << 20, (1 << 20) + 1, 1 << 31, 1 << 32, 1 << 62,
        UInt64(Int.max), .max,
    ]

    private func number(_ stream: inout RandomStream) -> UInt64 {
        stream.integer(below: 4) == 0
            ? stream.next() : Self.interesting[stream.integer(below: Self.interesting.count)]
    }

    /// A frame with random fields and a random payload, half of the time with sizes and a checksum that fit.
    private func mutated(_ frame: Frame, sequence: UInt32, _ stream: inout RandomStream) throws -> Frame {
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

    @Test(arguments: 0..<20)
    func `A thousand mutated frames a seed give a message, nothing yet or a typed error, and the peer can go on`(
        seed: UInt64
    ) throws {
        var stream = RandomStream(root: seed, path: ["wire", "mutated"])
        let samples = try Sample.all()
        var receivers = samples.map(\.receiver)
        var refused = 0
        var delivered = 0
        for iteration in 0..<1_000 {
            let index = stream.integer(below: samples.count)
            let source = samples[stream.integer(below: 8) == 0 ? stream.integer(below: samples.count) : index]
            let frame = try mutated(source.frame, sequence: UInt32(iteration + 1), &stream)
            do {
                if try receivers[index].accept(frame) != .nothingYet { delivered += 1 }
            } catch {
                refused += 1
                #expect(error is WireError, "seed \(seed), iteration \(iteration)")
            }
            // A random sequence number would silence the peer for good, so one frame in eight meets a new connection.
            if iteration % 8 == 0 { receivers[index] = samples[index].receiver }
        }
        #expect(refused > 500, "seed \(seed)")
        #expect(delivered > 100, "seed \(seed)")
        for (sample, receiver) in zip(samples, receivers) {
            var receiver = receiver
            let last = try sample.frame.edited { $0.sequence = .max }
            do {
                #expect(try receiver.accept(last) == sample.outcome, "seed \(seed), \(sample)")
            } catch WireError.replayed(sequence: .max) {
                // A mutated frame had the largest number itself.
            }
        }
    }

    @Test(arguments: 0..<10) func `Frames of random bytes are refused`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["wire", "random"])
        for sample in try Sample.all() {
            var receiver = sample.receiver
            for _ in 0..<50 {
                let envelope = Fixture.bytes(stream.integer(below: 2) == 0 ? 64 : stream.integer(below: 200), &stream)
                let frame = Frame(envelope: envelope, piece: Fixture.bytes(stream.integer(below: 300), &stream))
                #expect(throws: WireError.notAnEnvelope, "seed \(seed)") { try receiver.accept(frame) }
            }
            #expect(try receiver.accept(sample.frame) == sample.outcome, "seed \(seed), \(sample)")
        }
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
