import Cryptography
import Numerics
import Parameters
import Privacy
import TestSupport
import Testing
import Wire

@Suite struct HostileBytesTests {
    /// A good message that follows, so that a refusal is seen to leave no trace.
    private func expectStillOpen(_ receiver: Receiver, _ sample: Sample, _ comment: Comment) throws {
        var receiver = receiver
        let next = try sample.frame.edited { $0.sequence = 4_000_000_000 }
        #expect(try receiver.accept(next) == sample.outcome, comment)
    }

    @Test(arguments: try Sample.all()) func `The sample itself is accepted`(sample: Sample) throws {
        var receiver = sample.receiver
        #expect(try receiver.accept(sample.frame) == sample.outcome)
    }

    @Test(arguments: try Sample.all()) func `An envelope cut off or extended at any length is refused`(sample: Sample)
        throws
    {
        var receiver = sample.receiver
        for length in 0...200 where length != Envelope.byteCount {
            let envelope = Array((sample.frame.envelope + [UInt8](repeating: 0, count: 200)).prefix(length))
            #expect(throws: WireError.notAnEnvelope, "\(sample), length \(length)") {
                try receiver.accept(Frame(envelope: envelope, piece: sample.frame.piece))
            }
        }
        try expectStillOpen(receiver, sample, "\(sample)")
    }

    @Test(arguments: try Sample.all()) func `Every flipped bit of the envelope is refused`(sample: Sample) throws {
        var receiver = sample.receiver
        for position in sample.frame.envelope.indices {
            for bit in 0..<8 {
                var frame = sample.frame
                frame.envelope[position] ^= 1 << UInt8(bit)
                #expect(throws: WireError.self, "\(sample), byte \(position), bit \(bit)") {
                    try receiver.accept(frame)
                }
            }
        }
        #expect(try receiver.accept(sample.frame) == sample.outcome, "\(sample)")
    }

    @Test(arguments: try Sample.all()) func `Every flipped bit of the payload is refused by the checksum`(
        sample: Sample
    ) throws {
        var receiver = sample.receiver
        for position in sample.frame.piece.indices {
            for bit in 0..<8 {
                var frame = sample.frame
                frame.piece[position] ^= 1 << UInt8(bit)
                #expect(throws: WireError.corrupted(kind: sample.kind), "\(sample), byte \(position), bit \(bit)") {
                    try receiver.accept(frame)
                }
            }
        }
        #expect(try receiver.accept(sample.frame) == sample.outcome, "\(sample)")
    }

    @Test(arguments: try Sample.all())
    func `A flipped payload under a right checksum is refused or is another message`(sample: Sample) throws {
        for position in sample.frame.piece.indices {
            for bit in 0..<8 {
                var piece = sample.frame.piece
                piece[position] ^= 1 << UInt8(bit)
                var receiver = sample.receiver
                do {
                    let outcome = try receiver.accept(try sample.frame.edited(piece: piece))
                    #expect(
                        outcome != sample.outcome && outcome != .nothingYet, "\(sample), byte \(position), bit \(bit)")
                } catch {
                    #expect(error is WireError, "\(sample), byte \(position), bit \(bit)")
                }
                try expectStillOpen(receiver, sample, "\(sample), byte \(position), bit \(bit)")
            }
        }
    }

    @Test(arguments: try Sample.all()) func `A payload cut off or extended at any length is refused`(sample: Sample)
        throws
    {
        let piece = sample.frame.piece
        for length in 0...piece.count + 40 where length != piece.count {
            let other = Array((piece + [UInt8](repeating: 0, count: 40)).prefix(length))
            var receiver = sample.receiver
            // As it was sent: the envelope states another size.
            #expect(throws: WireError.self, "\(sample), length \(length)") {
                try receiver.accept(Frame(envelope: sample.frame.envelope, piece: other))
            }
            // With an envelope that fits: the payload does not parse.
            #expect(throws: WireError.self, "\(sample), length \(length)") {
                try receiver.accept(try sample.frame.edited(piece: other))
            }
            try expectStillOpen(receiver, sample, "\(sample), length \(length)")
        }
    }

    @Test(arguments: try Sample.all()) func `A first piece shorter than its message waits for the rest`(sample: Sample)
        throws
    {
        let total = UInt64(sample.frame.piece.count)
        for length in sample.frame.piece.indices {
            var receiver = sample.receiver
            let first = try sample.frame.edited(piece: Array(sample.frame.piece.prefix(length))) {
                $0.totalByteCount = total
            }
            #expect(try receiver.accept(first) == .nothingYet, "\(sample), length \(length)")
            let rest = try sample.frame.edited(piece: Array(sample.frame.piece.dropFirst(length))) {
                $0.totalByteCount = total
                $0.pieceOffset = UInt64(length)
                $0.sequence = 2
            }
            #expect(try receiver.accept(rest) == sample.outcome, "\(sample), length \(length)")
        }
    }

    /// Reserving any of the larger sizes would end the process, so the refusal comes before the reservation.
    @Test(arguments: try Sample.all()) func `A claimed size above the limit is refused before memory is reserved`(
        sample: Sample
    ) throws {
        var receiver = sample.receiver
        let limit = try limit(sample)
        for (index, claim) in [limit + 1, 1 << 31, 1 << 40, 1 << 62, UInt64(Int.max)].enumerated() {
            let frame = try sample.frame.edited {
                $0.totalByteCount = claim
                $0.sequence = UInt32(index + 1)
            }
            #expect(throws: WireError.illegalSize(kind: sample.kind, bytes: claim, limit: limit), "\(sample)") {
                try receiver.accept(frame)
            }
        }
        for claim in [UInt64(Int.max) + 1, .max] {
            let frame = try sample.frame.edited { $0.totalByteCount = claim }
            #expect(throws: WireError.self, "\(sample)") { try receiver.accept(frame) }
        }
        try expectStillOpen(receiver, sample, "\(sample)")
    }

    private func limit(_ sample: Sample) throws -> UInt64 {
        switch sample.outcome {
        case .client(.join), .coordinator(.welcome): return 128 * 1_024
        case .client(.update(let update)): return UInt64(Safetensors.byteCount(update.parameters.specs))
        case .coordinator(.plan(let plan)):
            // The sample's schema has one tensor more than the plan, of two elements.
            let third = TensorSpec(name: "c", shape: [2], scope: .global, bound: 8, release: "r")
            return UInt64(4 + 4 * 3 + Safetensors.byteCount(plan.parameters.specs + [third]))
        case .client(.goodbye), .coordinator(.goodbye), .client(.request), .coordinator(.credit): return 0
        case .nothingYet: throw WireError.malformed(kind: sample.kind)
        }
    }

    @Test(arguments: try Sample.all()) func `Offsets and sizes that do not fit each other are refused`(sample: Sample)
        throws
    {
        let count = UInt64(sample.frame.piece.count)
        for (total, offset) in [(count, 1), (count, .max), (count, count + 1), (0, 0), (0, .max), (UInt64.max, .max)]
        where total != count || offset != 0 {
            var receiver = sample.receiver
            let frame = try sample.frame.edited {
                $0.totalByteCount = total
                $0.pieceOffset = offset
            }
            #expect(throws: WireError.self, "\(sample), total \(total), offset \(offset)") {
                try receiver.accept(frame)
            }
            try expectStillOpen(receiver, sample, "\(sample), total \(total), offset \(offset)")
        }
    }

    @Test func `A piece above one mebibyte is refused`() throws {
        var stream = RandomStream(root: 1, path: ["wire", "large-piece"])
        let set = try ParameterSet([Fixture.tensor("a", 300_000, &stream)])
        var decoder = ClientMessageDecoder(runID: Fixture.runID)
        decoder.expect(round: 1, specs: set.specs)
        var receiver = Receiver.coordinator(decoder)
        let frames = try Fixture.update(set, round: 1)
        let whole = try frames[0].edited(piece: frames.flatMap(\.piece))
        #expect(throws: WireError.self) { try receiver.accept(whole) }
        #expect(try receiver.accept(frames) != .nothingYet)
    }

    @Test func `Names that are empty, too long or hold other characters than letters, digits and hyphens are refused`()
        throws
    {
        var stream = RandomStream(root: 1, path: ["wire", "names"])
        let token = try Fixture.token(&stream)
        let long = String(repeating: "a", count: 65)
        for name in ["", "A", "a b", "a/b", "..", "a\0", "ä", long] {
            var receiver = Receiver.coordinator(ClientMessageDecoder(runID: Fixture.runID))
            let join = Join(clientID: name, token: token, catalogues: [])
            let catalogue = Catalogue(domain: name, itemCount: 1, digest: sha256([]))
            let other = Join(clientID: "a", token: token, catalogues: [catalogue])
            for (index, join) in [join, other].enumerated() {
                let frames = EncodedMessage(.join(join), runID: Fixture.runID).frames(after: UInt32(index))
                #expect(throws: WireError.malformed(kind: .join), "\(name.debugDescription)") {
                    try receiver.accept(frames)
                }
            }
        }
    }

    @Test func `Catalogues without items or with more than a dimension can have are refused`() throws {
        var stream = RandomStream(root: 1, path: ["wire", "items"])
        for itemCount in [0, Int(Int32.max) + 1, Int(UInt32.max)] {
            let catalogue = Catalogue(domain: "a", itemCount: itemCount, digest: sha256([]))
            let join = Join(clientID: "a", token: try Fixture.token(&stream), catalogues: [catalogue])
            var receiver = Receiver.coordinator(ClientMessageDecoder(runID: Fixture.runID))
            let frames = EncodedMessage(.join(join), runID: Fixture.runID).frames()
            #expect(throws: WireError.malformed(kind: .join), "\(itemCount)") { try receiver.accept(frames) }
        }
    }

    @Test func `Arguments that name no policy, reason or tensor are refused`() throws {
        for sample in try Sample.all() {
            var receiver = sample.receiver
            switch sample.kind {
            case .update:
                for code in [UInt32(0), 6, 255, 256, 257, .max] {
                    let frame = try sample.frame.edited {
                        $0.firstArgument = code
                        $0.sequence = code == .max ? 1_000 : code + 1
                    }
                    #expect(throws: WireError.malformed(kind: .update), "\(code)") { try receiver.accept(frame) }
                }
            case .goodbye:
                for (index, code) in [UInt32(0), 6, .max].enumerated() {
                    let frame = try sample.frame.edited {
                        $0.firstArgument = code
                        $0.sequence = UInt32(index + 1)
                    }
                    #expect(throws: WireError.malformed(kind: .goodbye), "\(code)") { try receiver.accept(frame) }
                }
            case .plan:
                // Tensors 0 and 1 of three, then: repeated, falling, beyond the schema, too many.
                for (index, numbers) in [[2, 0, 0], [2, 1, 0], [2, 0, 3], [2, 0, 0xFF], [0xFF, 0, 1]].enumerated() {
                    var piece = sample.frame.piece
                    for (word, number) in numbers.enumerated() { piece[4 * word] = UInt8(number) }
                    let frame = try sample.frame.edited(piece: piece) { $0.sequence = UInt32(index + 1) }
                    #expect(throws: WireError.malformed(kind: .plan), "\(numbers)") { try receiver.accept(frame) }
                }
            case .join, .welcome, .request, .credit: continue
            }
            try expectStillOpen(receiver, sample, "\(sample)")
        }
    }
}
