import Cryptography
import Numerics
import Parameters
import Privacy
import TestSupport
import Testing
import Wire

@Suite struct RoundTripTests {
    private func name(_ stream: inout RandomStream) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789-")
        return String(
            (0...stream.integer(below: 64)).prefix(64).map { _ in letters[stream.integer(below: letters.count)] })
    }

    @Test(arguments: 0..<50) func `A join arrives as it was sent`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["wire", "join"])
        let join = Join(
            clientID: name(&stream), token: try Fixture.token(&stream),
            catalogues: Fixture.catalogues(stream.integer(below: 20), &stream))
        var receiver = Receiver.coordinator(ClientMessageDecoder(runID: Fixture.runID))
        let frames = EncodedMessage(.join(join), runID: Fixture.runID).frames()
        #expect(try receiver.accept(frames) == .client(.join(join)), "seed \(seed)")
    }

    @Test(arguments: 0..<50) func `A welcome arrives as it was sent`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["wire", "welcome"])
        let welcome = Welcome(
            schemaDigest: sha256(Fixture.bytes(4, &stream)),
            catalogues: Fixture.catalogues(stream.integer(below: 20), &stream))
        let message = CoordinatorMessage.welcome(welcome)
        var receiver = Receiver.client(CoordinatorMessageDecoder(runID: Fixture.runID))
        let frames = EncodedMessage(message, runID: Fixture.runID, schema: try ParameterSchema([])).frames()
        #expect(try receiver.accept(frames) == .coordinator(message), "seed \(seed)")
    }

    @Test(arguments: 0..<100) func `Plans with any part of the schema arrive as they were sent`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["wire", "plan"])
        let schema = try Generated.schema(&stream)
        let parameters = try Generated.parameters(schema.specs, &stream)
        var decoder = CoordinatorMessageDecoder(runID: Fixture.runID)
        decoder.adopt(schema)
        var receiver = Receiver.client(decoder)
        for round in 1...3 {
            let part = Set(schema.specs.map(\.name).filter { _ in stream.integer(below: 2) == 0 })
            let plan = RoundPlan(
                round: round, step: UInt32(stream.integer(below: 1 << 32)),
                deadline: .seconds(1 << stream.integer(below: 12)),
                parameters: parameters.filter { part.contains($0.name) }, isSpeaker: stream.integer(below: 2) == 0,
                isRepeated: stream.integer(below: 2) == 0)
            let frames = EncodedMessage(.plan(plan), runID: Fixture.runID, schema: schema).frames(
                after: UInt32(10 * round))
            let outcome = try receiver.accept(frames)
            #expect(outcome == .coordinator(.plan(plan)), "seed \(seed)")
            guard case .coordinator(.plan(let received)) = outcome else { continue }
            #expect(received.parameters.bitPatterns == plan.parameters.bitPatterns, "seed \(seed)")
        }
    }

    @Test(arguments: 0..<20) func `A deadline of whole milliseconds up to 24 hours arrives exactly`(seed: UInt64) throws
    {
        var stream = RandomStream(root: seed, path: ["wire", "deadline"])
        let schema = try ParameterSchema([])
        var decoder = CoordinatorMessageDecoder(runID: Fixture.runID)
        decoder.adopt(schema)
        var receiver = Receiver.client(decoder)
        var changed: [Duration] = []
        for sequence in 0..<UInt32(100) {
            let deadline = Duration.milliseconds(stream.integer(below: 86_400_001))
            let plan = CoordinatorMessage.plan(
                RoundPlan(round: 1, step: 1, deadline: deadline, parameters: ParameterSet()))
            let frames = EncodedMessage(plan, runID: Fixture.runID, schema: schema).frames(after: sequence)
            if try receiver.accept(frames) != .coordinator(plan) { changed.append(deadline) }
        }
        #expect(changed.isEmpty, "seed \(seed)")
    }

    @Test func `A deadline longer than the field is cut to its largest value, a negative one to zero`() throws {
        let schema = try ParameterSchema([])
        var decoder = CoordinatorMessageDecoder(runID: Fixture.runID)
        decoder.adopt(schema)
        var receiver = Receiver.client(decoder)
        for (sequence, pair) in [
            (Duration.seconds(1 << 40), Duration.milliseconds(Int(UInt32.max))), (.seconds(-5), .zero),
        ]
        .enumerated() {
            let sent = RoundPlan(round: 1, step: 1, deadline: pair.0, parameters: ParameterSet())
            let received = RoundPlan(round: 1, step: 1, deadline: pair.1, parameters: ParameterSet())
            let frames = EncodedMessage(.plan(sent), runID: Fixture.runID, schema: schema).frames(
                after: UInt32(sequence))
            #expect(try receiver.accept(frames) == .coordinator(.plan(received)))
        }
    }

    @Test(arguments: 0..<100) func `An update arrives as it was sealed`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["wire", "update"])
        let schema = try Generated.schema(&stream)
        let parameters = try Generated.parameters(schema.specs, &stream)
        let round = 1 + stream.integer(below: 1_000)
        var decoder = ClientMessageDecoder(runID: Fixture.runID)
        decoder.expect(round: round, specs: schema.specs)
        var receiver = Receiver.coordinator(decoder)
        let outcome = try receiver.accept(try Fixture.update(parameters, round: round))
        let expected = ReceivedUpdate(round: round, policy: .unprotected, parameters: parameters)
        #expect(outcome == .client(.update(expected)), "seed \(seed)")
        guard case .client(.update(let received)) = outcome else { return }
        #expect(received.parameters.bitPatterns == parameters.bitPatterns, "seed \(seed)")
    }

    @Test(arguments: 0..<100) func `An update in any formats arrives as what they have of it`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["wire", "formats"])
        let schema = try Generated.formatted(try Generated.schema(&stream), &stream)
        let parameters = try Generated.parameters(schema.specs, &stream)
        var decoder = ClientMessageDecoder(runID: Fixture.runID)
        decoder.expect(round: 1, specs: schema.specs)
        var receiver = Receiver.coordinator(decoder)
        let frames = try Fixture.update(parameters, round: 1)
        let envelopes = frames.count * Envelope.byteCount
        #expect(frames.reduce(0) { $0 + $1.piece.count } + envelopes == MessageSize.update(schema.specs))
        guard case .client(.update(let received)) = try receiver.accept(frames) else {
            Issue.record("seed \(seed): not an update")
            return
        }
        #expect(received.parameters.bitPatterns == (try Generated.arriving(parameters)).bitPatterns, "seed \(seed)")
    }

    /// Halves, bytes and places around the ends of pieces of 1 MiB.
    @Test(arguments: [.float16, .int8(blockLength: 100), .topK(count: 262_143)] as [ElementFormat])
    func `A long update in another format arrives in pieces`(format: ElementFormat) throws {
        var stream = RandomStream(root: 1, path: ["wire", "long-formats"])
        var values = (0..<1_500_001).map { _ in Float(2 * stream.uniform() - 1) }
        let spec = TensorSpec(
            name: "a", shape: [values.count], scope: .global, bound: 8, release: "r", format: format)
        values = spec.arriving(values)
        let set = try ParameterSet([ParameterSet.Tensor(spec, values: values)])
        var decoder = ClientMessageDecoder(runID: Fixture.runID)
        decoder.expect(round: 2, specs: set.specs)
        var receiver = Receiver.coordinator(decoder)
        let frames = try Fixture.update(set, round: 2)
        #expect(frames.count >= 2)
        let outcome = try receiver.accept(frames)
        let isEqual = outcome == .client(.update(ReceivedUpdate(round: 2, policy: .unprotected, parameters: set)))
        #expect(isEqual)
    }

    @Test(arguments: EndReason.allCases) func `A goodbye arrives with its reason, either way`(reason: EndReason) throws
    {
        var up = Receiver.coordinator(ClientMessageDecoder(runID: Fixture.runID))
        #expect(
            try up.accept(EncodedMessage(.goodbye(reason), runID: Fixture.runID).frames()) == .client(.goodbye(reason)))
        var down = Receiver.client(CoordinatorMessageDecoder(runID: Fixture.runID))
        let frames = EncodedMessage(.goodbye(reason), runID: Fixture.runID, schema: try ParameterSchema([])).frames()
        #expect(try down.accept(frames) == .coordinator(.goodbye(reason)))
    }

    @Test func `An update without tensors arrives`() throws {
        var decoder = ClientMessageDecoder(runID: Fixture.runID)
        decoder.expect(round: 6, specs: [])
        var receiver = Receiver.coordinator(decoder)
        let empty = ReceivedUpdate(round: 6, policy: .unprotected, parameters: ParameterSet())
        #expect(try receiver.accept(try Fixture.update(ParameterSet(), round: 6)) == .client(.update(empty)))
    }

    /// Element counts around one, two and three pieces of 1 MiB, and a total that is a multiple of the piece.
    @Test(arguments: [262_100, 262_120, 262_124, 262_125, 262_144, 524_268, 700_000, 786_432])
    func `A long update arrives in pieces of at most one mebibyte, nothing before the last`(count: Int) throws {
        var stream = RandomStream(root: 1, path: ["wire", "pieces", .number(count)])
        let set = try ParameterSet([Fixture.tensor("a", count, &stream)])
        var decoder = ClientMessageDecoder(runID: Fixture.runID)
        decoder.expect(round: 2, specs: set.specs)
        var receiver = Receiver.coordinator(decoder)
        let frames = try Fixture.update(set, round: 2)
        let total = Safetensors.byteCount(set.specs)
        #expect(frames.count == (total + Envelope.pieceByteLimit - 1) / Envelope.pieceByteLimit)
        #expect(frames.reduce(0) { $0 + $1.piece.count } == total)
        #expect(frames.allSatisfy { $0.piece.count <= Envelope.pieceByteLimit && !$0.piece.isEmpty })
        for frame in frames.dropLast() { #expect(try receiver.accept(frame) == .nothingYet) }
        let outcome = try receiver.accept(try #require(frames.last))
        let isEqual = outcome == .client(.update(ReceivedUpdate(round: 2, policy: .unprotected, parameters: set)))
        #expect(isEqual)
    }

    @Test func `The envelope has its documented layout`() throws {
        let frame = Frame(
            try EncodedMessage(.goodbye(.aborted), runID: 0x0807_0605_0403_0201).frames(after: 0x0403_0200)[0].edited {
                $0.round = 0x1413_1211
                $0.secondArgument = 0x2423_2221
            }.fields, piece: [])
        var expected: [UInt8] = Array("FERY".utf8) + [3, 0, 5, 0]
        expected += [1, 2, 3, 4, 5, 6, 7, 8] + [0x11, 0x12, 0x13, 0x14] + [1, 2, 3, 4]
        expected +=
            [UInt8](repeating: 0, count: 16) + [0, 0, 0, 0] + [4, 0, 0, 0] + [0x21, 0x22, 0x23, 0x24] + [0, 0, 0, 0]
        let codeOfNothing = [UInt8]().withUnsafeBytes { ByteChecksum.code(of: $0) }
        expected += (0..<8).map { UInt8(truncatingIfNeeded: codeOfNothing >> UInt64(8 * $0)) }
        #expect(Array(frame.envelope.prefix(64)) == expected)
        #expect(frame.envelope.count == Envelope.byteCount)
    }

    @Test(arguments: 0..<30) func `The sizes of all frames depend on the schema alone`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["wire", "sizes"])
        let schema = try Generated.formatted(try Generated.schema(longestDimension: 60, &stream), &stream)
        func sizes() throws -> [[Int]] {
            let parameters = try Generated.parameters(schema.specs, &stream)
            let plan = RoundPlan(
                round: 1 + stream.integer(below: 1_000), step: 1, deadline: .seconds(1 + stream.integer(below: 90)),
                parameters: parameters)
            let up = try Fixture.update(parameters, round: 1 + stream.integer(below: 1_000))
            let down = EncodedMessage(.plan(plan), runID: stream.next(), schema: schema).frames()
            return [up, down].map { $0.flatMap { [$0.envelope.count, $0.piece.count] } }
        }
        let first = try sizes()
        for _ in 0..<5 { #expect(try sizes() == first, "seed \(seed)") }
    }
}
