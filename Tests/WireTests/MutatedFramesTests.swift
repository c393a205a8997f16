import Foundation
import Numerics
import Parameters
import Privacy
import TestSupport
import Testing
import Wire

/// Mutated frames against the decoders: a thousand a seed, or as many as `FERRY_FUZZ_FRAMES` says in all.
@Suite struct MutatedFramesTests {
    private static let seedCount = 20
    private static let frameCount = max(
        1_000, (ProcessInfo.processInfo.environment["FERRY_FUZZ_FRAMES"].flatMap { Int($0) } ?? 0) / seedCount)

    @Test(arguments: 0..<UInt64(seedCount))
    func `Mutated frames give a message, nothing yet or a typed error, and the peer can go on`(
        seed: UInt64
    ) throws {
        var stream = RandomStream(root: seed, path: ["wire", "mutated"])
        let samples = try Sample.all() + [Sample.large()]
        var receivers = samples.map(\.receiver)
        var refused = 0
        var delivered = 0
        for iteration in 0..<MutatedFramesTests.frameCount {
            let index = stream.integer(below: samples.count)
            let source = samples[stream.integer(below: 8) == 0 ? stream.integer(below: samples.count) : index]
            let frame = try FrameMutation.mutated(source.frame, sequence: UInt32(iteration + 1), &stream)
            do {
                if try receivers[index].accept(frame) != .nothingYet { delivered += 1 }
            } catch {
                refused += 1
                #expect(error is WireError, "seed \(seed), iteration \(iteration)")
            }
            // A random sequence number would silence the peer for good, so one frame in eight meets a new connection.
            if iteration % 8 == 0 { receivers[index] = samples[index].receiver }
        }
        #expect(refused > MutatedFramesTests.frameCount / 2, "seed \(seed)")
        #expect(delivered > MutatedFramesTests.frameCount / 10, "seed \(seed)")
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
