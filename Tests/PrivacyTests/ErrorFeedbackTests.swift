import Numerics
import Parameters
import Privacy
import TestSupport
import Testing

@Suite struct ErrorFeedbackTests {
    private static let formats: [ElementFormat] = [.float16, .int8(blockLength: 10), .topK(count: 7)]

    private func spec(_ format: ElementFormat, count: Int = 96, bound: Float = 8) -> TensorSpec {
        TensorSpec(name: "change", shape: [count], scope: .global, bound: bound, release: "r", format: format)
    }

    private func gate() -> ReleaseGate { ReleaseGate(client: "books", ledger: Ledger(client: "books") { _ in }) }

    private func change(_ round: Int, count: Int = 96) -> [Float] {
        var stream = RandomStream(root: 3, path: ["change", .number(round)])
        return (0..<count).map { _ in Float(stream.gaussian()) * 0.1 }
    }

    private func sent(_ change: [Float], _ spec: TensorSpec, round: Int, _ gate: inout ReleaseGate) throws -> [Float] {
        gate.open(round: round, specs: [spec])
        try gate.publish(spec.name, values: change)
        return try gate.seal().parameters.require(spec.name)
    }

    @Test(arguments: formats) func `All that was sent is all changes together, once what was left over has gone too`(
        format: ElementFormat
    ) throws {
        let spec = spec(format)
        var gate = gate()
        var difference = [Double](repeating: 0, count: 96)
        var last = 0.0
        for round in 1...80 {
            // Changes that lean to one side, of which nothing small may be lost; then none.
            let change = round <= 60 ? change(round).map { $0 + 0.02 } : [Float](repeating: 0, count: 96)
            let sent = try sent(change, spec, round: round, &gate)
            #expect(sent == spec.arriving(sent), "round \(round)")
            for index in sent.indices { difference[index] += Double(change[index]) - Double(sent[index]) }
            if round == 60 { last = difference.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        }
        #expect(last > 1e-5, "nothing was left over")
        // Sums of 60 floats of about 1 are rounded to about 10⁻⁷ each.
        #expect(difference.allSatisfy { abs($0) < 2e-5 }, "\(difference.map(abs).max() ?? 0)")
    }

    @Test func `A constant change arrives at its own rate though each round sends one element`() throws {
        let spec = spec(.topK(count: 1), count: 4)
        var gate = gate()
        var arrived = [Float](repeating: 0, count: 4)
        for round in 1...400 {
            let sent = try sent([4, 2, 1, 1].map { $0 / 16 }, spec, round: round, &gate)
            #expect(sent.count { $0 != 0 } == 1)
            for index in sent.indices { arrived[index] += sent[index] }
        }
        for (value, rate) in zip(arrived, [4, 2, 1, 1] as [Float]) {
            #expect(abs(value - 400 * rate / 16) <= 2, "\(arrived)")
        }
    }

    @Test(arguments: formats) func `A round that is done again and not sent leaves over what it would have`(
        format: ElementFormat
    ) throws {
        let spec = spec(format)
        var whole = gate()
        var again = gate()
        for round in 1...5 { _ = try sent(change(round), spec, round: round, &whole) }
        for round in 1...5 {
            again.open(round: round, specs: [spec])
            try again.publish(spec.name, values: change(round))
            try again.discard()
        }
        let first = try sent(change(6), spec, round: 6, &whole)
        #expect(try sent(change(6), spec, round: 6, &again) == first)
        let errors = (whole.meanFormatError, again.meanFormatError)
        #expect(errors.0 == errors.1 && errors.0 != nil)
        again.forgetLeftovers()
        #expect(try sent(change(7), spec, round: 7, &again) == spec.arriving(change(7)))
        #expect(try sent(change(7), spec, round: 7, &whole) != spec.arriving(change(7)))
    }

    @Test func `The error is the norm left over by the norm of the change, in the mean over rounds with a change`()
        throws
    {
        let spec = spec(.topK(count: 1), count: 2)
        var gate = gate()
        let error1 = gate.meanFormatError
        #expect(error1 == nil)
        _ = try sent([0, 0], spec, round: 1, &gate)
        let error2 = gate.meanFormatError
        #expect(error2 == nil)
        // 4 is sent and 3 left over: 3/5. Then 3 + 3 is sent and 4 left over: 4/5.
        #expect(try sent([4, 3], spec, round: 2, &gate) == [4, 0])
        #expect(try sent([4, 3], spec, round: 3, &gate) == [0, 6])
        let error = gate.meanFormatError ?? .nan
        #expect(abs(error - 0.7) < 1e-12)
    }

    @Test func `What would exceed the bound with what was left over waits`() throws {
        let spec = spec(.topK(count: 1), count: 2, bound: 4)
        var gate = gate()
        #expect(try sent([4, 3], spec, round: 1, &gate) == [4, 0])
        #expect(try sent([0, 3], spec, round: 2, &gate) == [0, 4])
        #expect(try sent([0, 0], spec, round: 3, &gate) == [0, 2])
        gate.open(round: 4, specs: [spec])
        try gate.publish(spec.name, values: [0, 4.5])
        #expect(throws: PrivacyError.self) { try gate.seal() }
    }

    @Test func `Tensors in float32 leave as they are, and nothing is left over`() throws {
        let spec = spec(.float32)
        var gate = gate()
        for round in 1...3 { #expect(try sent(change(round), spec, round: round, &gate) == change(round)) }
        let error3 = gate.meanFormatError
        #expect(error3 == nil)
    }
}
