import Cryptography
import Numerics
import Parameters
import Privacy
import TestSupport
import Wire

/// The two frames of one piece of a message.
struct Frame: Equatable, Sendable {
    var envelope: [UInt8]
    var piece: [UInt8]

    /// The envelope's fields.
    var fields: Envelope {
        get throws {
            try envelope.withUnsafeBytes { try Envelope(decoding: $0, pieceByteCount: piece.count) }
        }
    }

    /// The piece under the given fields, with a right checksum.
    init(_ fields: Envelope, piece: [UInt8]) {
        var fields = fields
        fields.pieceChecksum = piece.withUnsafeBytes { ByteChecksum.code(of: $0) }
        envelope = fields.encode()
        self.piece = piece
    }

    init(envelope: [UInt8], piece: [UInt8]) {
        self.envelope = envelope
        self.piece = piece
    }

    /// The frame with other fields or another piece and a right checksum; a new piece brings its own sizes.
    func edited(piece other: [UInt8]? = nil, _ edit: (inout Envelope) -> Void = { _ in }) throws -> Frame {
        var fields = try fields
        let other = other ?? piece
        fields.totalByteCount = UInt64(other.count)
        fields.pieceByteCount = UInt32(other.count)
        if other.count == piece.count { fields = try self.fields }
        edit(&fields)
        return Frame(fields, piece: other)
    }
}

/// What a decoder made of a frame.
enum Outcome: Equatable, Sendable {
    case nothingYet
    case client(ReceivedClientMessage)
    case coordinator(CoordinatorMessage)
}

/// A copy of a piece in memory that stays where it is.
private final class HeldPiece: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ piece: UnsafeRawBufferPointer) {
        bytes = .allocate(byteCount: piece.count, alignment: 16)
        bytes.copyMemory(from: piece)
    }

    deinit { bytes.deallocate() }
}

/// A decoder of either side.
enum Receiver: Sendable {
    case coordinator(ClientMessageDecoder)
    case client(CoordinatorMessageDecoder)

    mutating func accept(_ frame: Frame) throws -> Outcome {
        try frame.envelope.withUnsafeBytes { envelope in
            try frame.piece.withUnsafeBytes { piece in
                switch self {
                case .coordinator(var decoder):
                    defer { self = .coordinator(decoder) }
                    // As from a socket: the piece lies in memory that a large tensor can stay in.
                    let held = HeldPiece(piece)
                    var spare = SpareArrays(elementLimit: 0)
                    return try decoder.accept(
                        envelope: envelope, piece: UnsafeRawBufferPointer(held.bytes), holder: held, spare: &spare
                    ).map { .client($0) } ?? .nothingYet
                case .client(var decoder):
                    defer { self = .client(decoder) }
                    return try decoder.accept(envelope: envelope, piece: piece).map { .coordinator($0) } ?? .nothingYet
                }
            }
        }
    }

    /// The outcome of the last of several frames.
    mutating func accept(_ frames: [Frame]) throws -> Outcome {
        var outcome = Outcome.nothingYet
        for frame in frames { outcome = try accept(frame) }
        return outcome
    }
}

extension EncodedMessage {
    /// All frames, numbered from `sequence` + 1.
    func frames(after sequence: UInt32 = 0) -> [Frame] {
        pieces.enumerated().map { index, range in
            var piece = [UInt8](repeating: 0, count: range.count)
            let code = piece.withUnsafeMutableBytes { copy(range, to: $0) }
            return Frame(
                envelope: envelope(range, checksum: code, sequence: sequence + UInt32(index) + 1), piece: piece)
        }
    }
}

/// The values that the tests of this target share.
enum Fixture {
    static let runID: UInt64 = 0x0123_4567_89AB_CDEF

    static func seal(_ parameters: ParameterSet, round: Int) throws -> SealedUpdate {
        var gate = ReleaseGate(client: "books", ledger: Ledger(client: "books") { _ in })
        gate.open(round: round, specs: parameters.specs)
        for tensor in parameters.tensors { try gate.publish(tensor.spec.name, values: tensor.values) }
        return try gate.seal()
    }

    static func update(_ parameters: ParameterSet, round: Int, after sequence: UInt32 = 0) throws -> [Frame] {
        EncodedMessage(.update(try seal(parameters, round: round)), runID: runID).frames(after: sequence)
    }

    static func token(_ stream: inout RandomStream) throws -> RunToken {
        guard let token = RunToken(bytes: bytes(RunToken.byteCount, &stream)) else {
            throw WireError.malformed(kind: .join)
        }
        return token
    }

    static func bytes(_ count: Int, _ stream: inout RandomStream) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: stream.next()) }
    }

    static func catalogues(_ count: Int, _ stream: inout RandomStream) -> [Catalogue] {
        (0..<count).map { index in
            Catalogue(
                domain: "domain-\(index)", itemCount: 1 + stream.integer(below: Int(Int32.max)),
                digest: sha256(bytes(8, &stream)))
        }
    }

    /// A tensor whose values are all different from zero, so that a flipped sign is another value.
    static func tensor(
        _ name: String, _ count: Int, bound: Float = 8, format: ElementFormat = .float32, _ stream: inout RandomStream
    ) throws -> ParameterSet.Tensor {
        let spec = TensorSpec(name: name, shape: [count], scope: .global, bound: bound, release: "r", format: format)
        let values = (0..<count).map { _ in Float(1 + stream.integer(below: 7)) }
        return try ParameterSet.Tensor(spec, values: spec.arriving(values))
    }

    /// A tensor in each format.
    static func formats(_ stream: inout RandomStream) throws -> ParameterSet {
        try ParameterSet([
            tensor("bytes", 7, format: .int8(blockLength: 3), &stream),
            tensor("floats", 2, &stream),
            tensor("halves", 3, format: .float16, &stream),
            tensor("places", 9, format: .topK(count: 2), &stream),
        ])
    }
}

/// One good single-piece message of a kind with a decoder that expects it.
struct Sample: Sendable, CustomStringConvertible {
    let description: String
    let kind: MessageKind
    let frame: Frame
    let receiver: Receiver
    let outcome: Outcome

    /// One of each kind, goodbye in both directions.
    static func all() throws -> [Sample] {
        var stream = RandomStream(root: 5, path: ["wire", "samples"])
        let set = try ParameterSet([Fixture.tensor("a", 3, &stream), Fixture.tensor("b", 5, &stream)])
        let more = try ParameterSet(set.tensors + [Fixture.tensor("c", 2, &stream)])
        let schema = try ParameterSchema(more.specs)
        var up = ClientMessageDecoder(runID: Fixture.runID)
        up.expect(round: 3, specs: set.specs)
        let lossy = try Fixture.formats(&stream)
        var upLossy = ClientMessageDecoder(runID: Fixture.runID)
        upLossy.expect(round: 3, specs: lossy.specs)
        var down = CoordinatorMessageDecoder(runID: Fixture.runID)
        down.adopt(schema)
        let join = Join(
            clientID: "persons-1", token: try Fixture.token(&stream), catalogues: Fixture.catalogues(2, &stream))
        let welcome = Welcome(schemaDigest: schema.digest, catalogues: Fixture.catalogues(2, &stream))
        let plan = RoundPlan(round: 3, step: 2, deadline: .seconds(60), parameters: set)
        func fromClient(_ message: ClientMessage, _ received: ReceivedClientMessage, _ kind: MessageKind) -> Sample {
            Sample(
                description: "\(kind) of a client", kind: kind,
                frame: EncodedMessage(message, runID: Fixture.runID).frames()[0], receiver: .coordinator(up),
                outcome: .client(received))
        }
        func fromCoordinator(_ message: CoordinatorMessage, _ kind: MessageKind) -> Sample {
            Sample(
                description: "\(kind) of the coordinator", kind: kind,
                frame: EncodedMessage(message, runID: Fixture.runID, schema: schema).frames()[0],
                receiver: .client(down),
                outcome: .coordinator(message))
        }
        return [
            fromClient(.join(join), .join(join), .join),
            fromClient(
                .update(try Fixture.seal(set, round: 3)),
                .update(ReceivedUpdate(round: 3, policy: .unprotected, parameters: set)), .update),
            Sample(
                description: "update in every format", kind: .update,
                frame: EncodedMessage(.update(try Fixture.seal(lossy, round: 3)), runID: Fixture.runID).frames()[0],
                receiver: .coordinator(upLossy),
                outcome: .client(.update(ReceivedUpdate(round: 3, policy: .unprotected, parameters: lossy)))),
            fromClient(.request(round: 3), .request(round: 3), .request),
            fromCoordinator(.credit(round: 3, pieces: 2..<5), .credit),
            fromClient(.goodbye(.clientFailed), .goodbye(.clientFailed), .goodbye),
            fromCoordinator(.welcome(welcome), .welcome),
            fromCoordinator(.plan(plan), .plan),
            fromCoordinator(.goodbye(.completed), .goodbye),
        ]
    }

    /// An update of a tensor that stays in the memory that it arrives in.
    static func large() throws -> Sample {
        var stream = RandomStream(root: 6, path: ["wire", "large"])
        let set = try ParameterSet([Fixture.tensor("a", 3, &stream), Fixture.tensor("large", 17_000, &stream)])
        var decoder = ClientMessageDecoder(runID: Fixture.runID)
        decoder.expect(round: 3, specs: set.specs)
        return Sample(
            description: "update of a large tensor", kind: .update,
            frame: EncodedMessage(.update(try Fixture.seal(set, round: 3)), runID: Fixture.runID).frames()[0],
            receiver: .coordinator(decoder),
            outcome: .client(.update(ReceivedUpdate(round: 3, policy: .unprotected, parameters: set))))
    }
}
