import ArgumentParser
import Foundation
import Numerics
import Parameters
import Privacy
import Wire

/// `ferry-benchmark wire`: what a message costs before and after the socket.
struct WireCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wire", abstract: "Time the encoding and decoding of one tensor, and a plain copy of its bytes.",
        discussion: """
            encode: every piece filled, with its checksum and envelope. decode: every envelope and piece checked, the tensor
            read into memory that is used again. All in megabytes a second, medians; copy is the same bytes by memcpy.
            """)

    @Option(help: ArgumentHelp("Floats of the tensor.", valueName: "n"))
    var dimension = 10_000_000

    @Option(help: ArgumentHelp("Repetitions.", valueName: "n"))
    var repetitions = 11

    func validate() throws {
        guard (1...100_000_000).contains(dimension), (1...10_000).contains(repetitions) else {
            throw ValidationError("dimension must be 1 to 10^8, repetitions 1 to 10^4")
        }
    }

    func run() throws {
        let spec = TensorSpec(
            name: RoundBenchmark.tensorName, shape: [dimension], scope: .global, bound: 1e6, release: "vector")
        let schema = try ParameterSchema([spec])
        let values = (0..<dimension).map { Float($0 % 1_000) / 8 }
        let plan = CoordinatorMessage.plan(
            RoundPlan(
                round: 1, step: 0, deadline: .seconds(60),
                parameters: try ParameterSet([ParameterSet.Tensor(spec, values: values)])))
        let encoded = EncodedMessage(plan, runID: 1, schema: schema)
        let pieces = encoded.pieces
        var buffers = pieces.map { [UInt8](repeating: 0, count: $0.count) }
        var envelopes: [[UInt8]] = []
        var spare = SpareArrays(elementLimit: dimension)
        var decoder = CoordinatorMessageDecoder(runID: 1)
        decoder.adopt(schema)
        var sequence: UInt32 = 0
        var target = [Float](repeating: 0, count: dimension)
        var seconds: [String: [Double]] = [:]
        func time(_ name: String, _ body: () throws -> Void) rethrows {
            let start = ContinuousClock.now
            try body()
            seconds[name, default: []].append((ContinuousClock.now - start) / .seconds(1))
        }
        for _ in 0..<repetitions {
            time("encode") {
                envelopes = []
                for (index, range) in pieces.enumerated() {
                    let code = buffers[index].withUnsafeMutableBytes { encoded.copy(range, to: $0) }
                    sequence += 1
                    envelopes.append(encoded.envelope(range, checksum: code, sequence: sequence))
                }
            }
            var received: ParameterSet?
            try time("decode") {
                for (envelope, piece) in zip(envelopes, buffers) {
                    let message = try envelope.withUnsafeBytes { envelope in
                        try piece.withUnsafeBytes { piece in
                            try decoder.accept(envelope: envelope, piece: piece, spare: &spare)
                        }
                    }
                    if case .plan(let plan)? = message { received = plan.parameters }
                }
            }
            guard let arrived = received, try arrived.require(RoundBenchmark.tensorName) == values else {
                throw ValidationError("what was decoded is not what was encoded")
            }
            received = nil
            spare.put(arrived)
            time("copy") {
                target.withUnsafeMutableBytes { target in values.withUnsafeBytes { target.copyMemory(from: $0) } }
            }
        }
        var line: [String: Any] = ["dimension": dimension, "bytes": encoded.byteCount, "pieces": pieces.count]
        for (name, times) in seconds {
            line["\(name)_mb_per_s"] = (Double(encoded.byteCount) / 1e6 / times.sorted()[times.count / 2]).rounded()
        }
        let text = try JSONSerialization.data(withJSONObject: line, options: [.sortedKeys])
        print(String(decoding: text, as: UTF8.self))
    }
}
