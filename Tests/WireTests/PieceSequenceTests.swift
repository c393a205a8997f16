import Numerics
import Parameters
import Privacy
import TestSupport
import Testing
import Wire

/// What is refused leaves no trace: after each refusal the same connection delivers a good message.
@Suite struct PieceSequenceTests {
    private let set: ParameterSet
    private let expected: Outcome

    init() throws {
        var stream = RandomStream(root: 3, path: ["wire", "sequences"])
        // Three pieces.
        set = try ParameterSet([Fixture.tensor("a", 600_000, &stream)])
        expected = .client(.update(ReceivedUpdate(round: 4, policy: .unprotected, parameters: set)))
    }

    private func receiver() -> Receiver {
        var decoder = ClientMessageDecoder(runID: Fixture.runID)
        decoder.expect(round: 4, specs: set.specs)
        return .coordinator(decoder)
    }

    private func frames(after sequence: UInt32 = 0) throws -> [Frame] {
        try Fixture.update(set, round: 4, after: sequence)
    }

    private func expectGoodUpdate(_ receiver: inout Receiver, after sequence: UInt32, _ comment: Comment) throws {
        let isEqual = try receiver.accept(try frames(after: sequence)) == expected
        #expect(isEqual, comment)
    }

    @Test func `A replayed piece is refused by its sequence number, and the message under way goes on`() throws {
        var receiver = receiver()
        let frames = try frames(after: 5)
        #expect(try receiver.accept(frames[0]) == .nothingYet)
        #expect(throws: WireError.replayed(sequence: 6)) { try receiver.accept(frames[0]) }
        #expect(try receiver.accept(frames[1]) == .nothingYet)
        #expect(throws: WireError.replayed(sequence: 6)) { try receiver.accept(frames[0]) }
        #expect(throws: WireError.replayed(sequence: 7)) { try receiver.accept(frames[1]) }
        let isEqual = try receiver.accept(frames[2]) == expected
        #expect(isEqual)
        for (index, frame) in frames.enumerated() {
            #expect(throws: WireError.replayed(sequence: UInt32(6 + index))) { try receiver.accept(frame) }
        }
        try expectGoodUpdate(&receiver, after: 8, "after replays")
    }

    @Test func `An update of another round, or when none is expected, is refused`() throws {
        var decoder = ClientMessageDecoder(runID: Fixture.runID)
        var receiver = Receiver.coordinator(decoder)
        #expect(throws: WireError.outOfRound(round: 4)) { try receiver.accept(try frames()) }
        receiver = self.receiver()
        for (sequence, round) in [UInt32(3), 5, 0, .max].enumerated() {
            let frame = try Fixture.update(set, round: 4)[0].edited {
                $0.round = round
                $0.sequence = UInt32(sequence + 1)
            }
            #expect(throws: WireError.outOfRound(round: round)) { try receiver.accept(frame) }
        }
        try expectGoodUpdate(&receiver, after: 10, "after other rounds")
        decoder.expect(round: 4, specs: set.specs)
        decoder.expectNothing()
        receiver = .coordinator(decoder)
        #expect(throws: WireError.outOfRound(round: 4)) { try receiver.accept(try frames()) }
    }

    @Test func `A round that closes while an update is under way refuses its last piece`() throws {
        var decoder = ClientMessageDecoder(runID: Fixture.runID)
        decoder.expect(round: 4, specs: set.specs)
        var receiver = Receiver.coordinator(decoder)
        let frames = try frames()
        for frame in frames.dropLast() { #expect(try receiver.accept(frame) == .nothingYet) }
        guard case .coordinator(var later) = receiver else { return }
        later.expectNothing()
        receiver = .coordinator(later)
        #expect(throws: WireError.outOfRound(round: 4)) { try receiver.accept(frames[2]) }
        later.expect(round: 4, specs: set.specs)
        receiver = .coordinator(later)
        try expectGoodUpdate(&receiver, after: 20, "after the round has reopened")
    }

    @Test func `A piece of another run is refused and does not count`() throws {
        var receiver = receiver()
        let frames = try frames()
        #expect(try receiver.accept(frames[0]) == .nothingYet)
        let foreign = try frames[1].edited {
            $0.runID ^= 1
            $0.sequence = 4_000_000_000
        }
        #expect(throws: WireError.anotherRun) { try receiver.accept(foreign) }
        #expect(try receiver.accept(frames[1]) == .nothingYet)
        let isEqual = try receiver.accept(frames[2]) == expected
        #expect(isEqual)
    }

    @Test func `A message between the pieces of another is delivered, and the interrupted one is refused`() throws {
        var receiver = receiver()
        let frames = try frames()
        #expect(try receiver.accept(frames[0]) == .nothingYet)
        let goodbye = EncodedMessage(.goodbye(.clientFailed), runID: Fixture.runID).frames(after: 1)
        #expect(try receiver.accept(goodbye) == .client(.goodbye(.clientFailed)))
        for (index, frame) in frames.dropFirst().enumerated() {
            let late = try frame.edited { $0.sequence = UInt32(10 + index) }
            #expect(throws: WireError.brokenSequenceOfPieces(kind: .update)) { try receiver.accept(late) }
        }
        try expectGoodUpdate(&receiver, after: 20, "after an interruption")
    }

    @Test func `Two updates whose pieces alternate are both refused`() throws {
        var receiver = receiver()
        let frames = try frames()
        func renumbered(_ index: Int, _ sequence: UInt32) throws -> Frame {
            try frames[index].edited { $0.sequence = sequence }
        }
        #expect(try receiver.accept(renumbered(0, 1)) == .nothingYet)
        #expect(try receiver.accept(renumbered(0, 2)) == .nothingYet)
        #expect(try receiver.accept(renumbered(1, 3)) == .nothingYet)
        #expect(throws: WireError.brokenSequenceOfPieces(kind: .update)) { try receiver.accept(renumbered(1, 4)) }
        #expect(throws: WireError.brokenSequenceOfPieces(kind: .update)) { try receiver.accept(renumbered(2, 5)) }
        try expectGoodUpdate(&receiver, after: 20, "after two that alternate")
    }

    @Test(arguments: [[1, 2], [2], [0, 2], [0, 2, 1], [1, 0], [0, 1, 1, 2]])
    func `Missing, reordered and repeated pieces are refused`(order: [Int]) throws {
        var receiver = receiver()
        let frames = try frames()
        var refusals = 0
        for (position, index) in order.enumerated() {
            do {
                let outcome = try receiver.accept(try frames[index].edited { $0.sequence = UInt32(position + 1) })
                #expect(outcome == .nothingYet, "\(order)")
            } catch {
                #expect(error as? WireError == .brokenSequenceOfPieces(kind: .update), "\(order)")
                refusals += 1
            }
        }
        #expect(refusals > 0, "\(order)")
        try expectGoodUpdate(&receiver, after: 20, "after \(order)")
    }

    @Test func `A piece that changes the kind, round or size of the message under way is refused`() throws {
        let frames = try frames()
        let edits: [(inout Envelope) -> Void] = [
            { $0.kind = .join }, { $0.round = 5 }, { $0.totalByteCount += 1 }, { $0.pieceOffset += 1 },
            { $0.pieceOffset -= 1 },
        ]
        for edit in edits {
            var receiver = receiver()
            #expect(try receiver.accept(frames[0]) == .nothingYet)
            let other = try frames[1].edited(edit)
            #expect(throws: WireError.brokenSequenceOfPieces(kind: try other.fields.kind)) {
                try receiver.accept(other)
            }
            try expectGoodUpdate(&receiver, after: 20, "after an edited piece")
        }
    }

    @Test func `A damaged piece is refused, and so is the rest of its message`() throws {
        var receiver = receiver()
        var frames = try frames()
        let good = frames[1]
        frames[1].piece[77] ^= 4
        #expect(try receiver.accept(frames[0]) == .nothingYet)
        #expect(throws: WireError.corrupted(kind: .update)) { try receiver.accept(frames[1]) }
        #expect(throws: WireError.brokenSequenceOfPieces(kind: .update)) { try receiver.accept(frames[2]) }
        #expect(throws: WireError.replayed(sequence: 2)) { try receiver.accept(good) }
        try expectGoodUpdate(&receiver, after: 20, "after damage")
    }

    @Test func `An empty piece does not continue a message`() throws {
        var receiver = receiver()
        let frames = try frames()
        #expect(try receiver.accept(frames[0]) == .nothingYet)
        let total = try frames[0].fields.totalByteCount
        let empty = try frames[1].edited(piece: []) { $0.totalByteCount = total }
        #expect(throws: WireError.brokenSequenceOfPieces(kind: .update)) { try receiver.accept(empty) }
        try expectGoodUpdate(&receiver, after: 20, "after an empty piece")
    }

    @Test func `A plan before the schema is known is refused`() throws {
        let schema = try ParameterSchema(set.specs)
        let plan = CoordinatorMessage.plan(
            RoundPlan(round: 1, step: 1, deadline: .seconds(1), parameters: ParameterSet()))
        var decoder = CoordinatorMessageDecoder(runID: Fixture.runID)
        var receiver = Receiver.client(decoder)
        let frames = EncodedMessage(plan, runID: Fixture.runID, schema: schema).frames()
        #expect(throws: WireError.unexpectedKind(MessageKind.plan.rawValue)) { try receiver.accept(frames) }
        decoder.adopt(schema)
        receiver = .client(decoder)
        #expect(try receiver.accept(frames) == .coordinator(plan))
    }

    @Test func `Neither side accepts the other side's kinds`() throws {
        for sample in try Sample.all() where sample.kind != .goodbye {
            for other in try Sample.all() {
                switch (sample.receiver, other.receiver) {
                case (.coordinator, .client), (.client, .coordinator):
                    var receiver = other.receiver
                    #expect(throws: WireError.unexpectedKind(sample.kind.rawValue), "\(sample)") {
                        try receiver.accept(sample.frame)
                    }
                default: continue
                }
            }
        }
    }

    @Test func `Of a streamed update that is refused at its end nothing is left for the next message`() throws {
        var stream = RandomStream(root: 4, path: ["wire", "sequences"])
        let set = try ParameterSet([Fixture.tensor("a", 10, &stream), Fixture.tensor("b", 3, &stream)])
        var decoder = ClientMessageDecoder(runID: Fixture.runID)
        decoder.expect(round: 4, specs: set.specs, isStreamed: true)
        func accept(_ frame: Frame) throws -> ReceivedClientMessage? {
            try frame.envelope.withUnsafeBytes { envelope in
                try frame.piece.withUnsafeBytes { try decoder.accept(envelope: envelope, piece: $0) }
            }
        }
        let frame = try EncodedMessage(.update(Fixture.seal(set, round: 4)), runID: Fixture.runID).frames()[0]
        #expect(throws: WireError.malformed(kind: .update)) { try accept(frame.edited { $0.firstArgument = 99 }) }
        let left = decoder.takePart()
        #expect(left == nil)
        let good = try accept(frame.edited { $0.sequence = 9 })
        #expect(good != nil)
        let (part, again) = (decoder.takePart(), decoder.takePart())
        #expect(part?.offset == 0 && part?.elements.map(\.count) == set.specs.map(\.elementCount))
        #expect(again == nil)
    }
}
