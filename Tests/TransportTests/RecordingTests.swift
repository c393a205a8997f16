import Cryptography
import Foundation
import Numerics
import Parameters
import Privacy
import TestSupport
import Testing
import Transport
import Wire

@Suite(.serialized) struct RecordingTests {
    /// The frames of a message as a recording should hold them.
    private func frames(
        _ message: EncodedMessage, _ direction: WireDirection, peer: String, after sequence: UInt32
    ) -> [(direction: WireDirection, peer: String, envelope: [UInt8], piece: [UInt8])] {
        message.pieces.enumerated().map { index, range in
            var piece = [UInt8](repeating: 0, count: range.count)
            let code = piece.withUnsafeMutableBytes { message.copy(range, to: $0) }
            let envelope = message.envelope(range, checksum: code, sequence: sequence + UInt32(index) + 1)
            return (direction, peer, envelope, piece)
        }
    }

    /// Runs a whole round with recording; returns the bytes of the file.
    private func record(_ agreement: Agreement, in folder: TemporaryFolder) throws -> [UInt8] {
        let control = try ControlPipe()
        let path = "\(folder.path)/frames.bin"
        do {
            var socket = try CoordinatorSocket(
                endpoint: EndpointKind.ipc.endpoint(in: folder), runID: agreement.runID, clientCount: 1,
                recording: path,
                token: agreement.join.token)
            let client = agreement.client(socket.endpoint)
            let (peer, _) = try socket.message(control)
            socket.bind(peer, client: "books")
            socket.expect(peer, round: 1, specs: agreement.schema.specs)
            _ = try socket.send(agreement.welcome, to: [peer], schema: agreement.schema)
            _ = try socket.send(agreement.plan, to: [peer], schema: agreement.schema)
            _ = try socket.message(control)
            _ = try socket.send(.goodbye(.completed), to: [peer], schema: agreement.schema)
            _ = try client.value()
        }
        return Array(try Data(contentsOf: URL(filePath: path)))
    }

    @Test func `A recording read back is what was sent, the run token written as zeros`() throws {
        let folder = try TemporaryFolder()
        let agreement = try Agreement(byteCount: 2_500_000)
        let bytes = try record(agreement, in: folder)
        let recorded = try #require(RecordedFrame.read(bytes))

        var expected = frames(EncodedMessage(.join(agreement.join), runID: agreement.runID), .up, peer: "?", after: 0)
        for index in 0..<RunToken.byteCount { expected[0].piece[4 + "books".utf8.count + index] = 0 }
        let schema = agreement.schema
        expected += frames(
            EncodedMessage(agreement.welcome, runID: agreement.runID, schema: schema), .down, peer: "books", after: 0)
        let plan = frames(
            EncodedMessage(agreement.plan, runID: agreement.runID, schema: schema), .down, peer: "books", after: 1)
        expected += plan
        expected += frames(
            EncodedMessage(.update(try agreement.sealed(round: 1)), runID: agreement.runID), .up, peer: "books",
            after: 1)
        expected += frames(
            EncodedMessage(.goodbye(.completed), runID: agreement.runID, schema: schema), .down, peer: "books",
            after: UInt32(1 + plan.count))
        #expect(plan.count == 3)
        #expect(recorded.map(\.direction) == expected.map(\.direction))
        #expect(recorded.map(\.peer) == expected.map(\.peer))
        let areEnvelopesEqual = recorded.map(\.envelope) == expected.map(\.envelope)
        #expect(areEnvelopesEqual)
        let arePiecesEqual = recorded.map(\.piece) == expected.map(\.piece)
        #expect(arePiecesEqual)
        #expect(recorded.map(\.kind) == [.join, .welcome, .plan, .plan, .plan, .update, .update, .update, .goodbye])
        #expect(recorded.map(\.round) == [0, 0, 1, 1, 1, 1, 1, 1, 0])
        #expect(recorded.map(\.pieceOffset) == [0, 0, 0, 1 << 20, 2 << 20, 0, 1 << 20, 2 << 20, 0])
    }

    @Test func `The run token is nowhere in the file`() throws {
        let folder = try TemporaryFolder()
        let agreement = try Agreement(byteCount: 100)
        let bytes = try record(agreement, in: folder)
        func occurs(_ needle: ArraySlice<UInt8>) -> Bool {
            bytes.indices.contains { bytes[$0...].starts(with: needle) }
        }
        // The search itself finds what is there.
        #expect(occurs(Array("books".utf8)[...]))
        for start in 0...24 { #expect(!occurs(agreement.token.bytes[start..<start + 8]), "bytes \(start)...") }
    }

    @Test func `A recording cut off anywhere gives its whole frames, other bytes give none`() throws {
        let folder = try TemporaryFolder()
        let bytes = try record(try Agreement(byteCount: 100), in: folder)
        let all = try #require(RecordedFrame.read(bytes))
        #expect(all.count == 5)
        var counts: Set<Int> = []
        for length in 8...bytes.count {
            let frames = try #require(RecordedFrame.read(Array(bytes.prefix(length))))
            #expect(frames == Array(all.prefix(frames.count)), "length \(length)")
            counts.insert(frames.count)
        }
        #expect(counts == Set(0...5))
        for length in 0..<8 { #expect(RecordedFrame.read(Array(bytes.prefix(length))) == nil) }
        #expect(RecordedFrame.read(Array("FERRYW2\n".utf8) + bytes.dropFirst(8)) == nil)
    }

    @Test func `A recording whose bytes are damaged is read without a trap`() throws {
        let folder = try TemporaryFolder()
        let bytes = try record(try Agreement(byteCount: 100), in: folder)
        var stream = RandomStream(root: 1, path: ["transport", "damage"])
        var kinds = 0
        for _ in 0..<2_000 {
            var damaged = bytes
            for _ in 0...stream.integer(below: 4) {
                damaged[8 + stream.integer(below: damaged.count - 8)] = UInt8(truncatingIfNeeded: stream.next())
            }
            let frames = try #require(RecordedFrame.read(damaged))
            for frame in frames { if frame.kind != nil, frame.round != nil, frame.pieceOffset != nil { kinds += 1 } }
        }
        #expect(kinds > 2_000)
    }

    @Test func `A recording that cannot be written is an error before anything is sent`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/missing/frames.bin"
        let error = #expect(throws: TransportError.self) {
            _ = try CoordinatorSocket(
                endpoint: "tcp://127.0.0.1:*", runID: 1, clientCount: 1, recording: path, token: RunToken())
        }
        guard case .recording(path: path, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
