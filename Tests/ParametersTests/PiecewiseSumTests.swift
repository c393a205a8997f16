import Numerics
import Parameters
import TestSupport
import Testing

/// Bytes that stay where they are as long as the object lives.
private final class Piece: Sendable {
    private let address: UInt
    let count: Int

    init(_ content: ArraySlice<UInt8>) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 16)
        memory.copyBytes(from: content)
        address = UInt(bitPattern: memory.baseAddress)
        count = content.count
    }

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count)
    }

    deinit { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }
}

@Suite struct PiecewiseSumTests {
    /// What each piece of an update has, read as it arrives; a piece is given in blocks, some of them in memory that stays.
    private static func parts(
        _ update: ParameterSet, pieceByteCount: Int, _ stream: inout RandomStream
    ) throws -> [[TensorStorage]] {
        let bytes = Safetensors.encode(update)
        var reader = SafetensorsReader(specs: update.specs, isStreamed: true)
        var spare = SpareArrays(elementLimit: 0)
        var parts: [[TensorStorage]] = []
        for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
            let piece = Piece(bytes[start..<min(start + pieceByteCount, bytes.count)])
            var block = 0
            while block < piece.count {
                let end = min(piece.count, block + 4 * (1 + stream.integer(below: 300)))
                try reader.append(
                    UnsafeRawBufferPointer(rebasing: piece.bytes[block..<end]),
                    holder: stream.integer(below: 3) == 0 ? nil : piece, spare: &spare)
                block = end
            }
            parts.append(reader.takeElements())
        }
        #expect(try reader.finish() == ParameterSet())
        return parts
    }

    private static func updates(
        _ specs: [TensorSpec], count: Int, _ stream: inout RandomStream
    ) throws -> [ParameterSet] {
        try (0..<count).map { _ in
            try ParameterSet(
                Generated.parameters(specs, &stream).tensors.map { tensor in
                    try ParameterSet.Tensor(tensor.spec, values: tensor.values.map { $0 / Float(count) })
                })
        }
    }

    @Test(arguments: 0..<80) func `Pieces give the bits of the whole sums, in any batches and after a restart`(
        seed: UInt64
    ) throws {
        var stream = RandomStream(root: seed, path: ["piecewise-sum"])
        let schema = try Generated.schema(longestDimension: 30, &stream)
        let count = 1 + stream.integer(below: 20)
        let updates = try PiecewiseSumTests.updates(schema.specs, count: count, &stream)
        var whole = ExactSum(clientCount: count)
        for update in updates { whole.add(update) }
        let pieceByteCount = 4 * (1 + stream.integer(below: 2_000))
        var spare = SpareArrays(elementLimit: 0)
        var sum = PiecewiseSum(
            specs: schema.specs, clientCount: count, pieceByteCount: pieceByteCount)
        let parts = try updates.map {
            try PiecewiseSumTests.parts($0, pieceByteCount: pieceByteCount, &stream)
        }
        #expect(parts.allSatisfy { $0.count == sum.pieceCount })
        if stream.integer(below: 2) == 0 {
            for piece in 0..<stream.integer(below: sum.pieceCount + 1) {
                sum.add([parts[0][piece], parts[0][piece]])
                sum.finishPiece(times: 1, spare: &spare)
            }
            sum.restart()
        }
        for piece in 0..<sum.pieceCount {
            var left = parts.map { $0[piece] }.shuffled(using: &stream)[...]
            while !left.isEmpty {
                let batch = left.prefix(1 + stream.integer(below: 12))
                sum.add(Array(batch))
                left = left.dropFirst(batch.count)
            }
            sum.finishPiece(times: 1, spare: &spare)
        }
        let (expected, actual) = (try whole.total(), try sum.total())
        #expect(actual.specs == expected.specs)
        #expect(actual.bitPatterns == expected.bitPatterns, "seed \(seed)")
    }

    @Test func `A sum above the bound is refused, also when it lies in an early piece, and means are not`() throws {
        let spec = TensorSpec(name: "a", shape: [100], scope: .global, bound: 8, release: "r")
        var values = [Float](repeating: 0, count: 100)
        values[3] = -8
        let update = try ParameterSet([ParameterSet.Tensor(spec, values: values)])
        var stream = RandomStream(root: 1, path: ["piecewise-sum", "bound"])
        let parts = try PiecewiseSumTests.parts(update, pieceByteCount: 120, &stream)
        for (factor, isRefused) in [(1.0, true), (0.5, false)] {
            var spare = SpareArrays(elementLimit: 0)
            var sum = PiecewiseSum(specs: [spec], clientCount: 2, pieceByteCount: 120)
            for part in parts {
                sum.add([part, part])
                sum.finishPiece(times: factor, spare: &spare)
            }
            let ended = sum
            if isRefused {
                #expect(throws: ParameterError.valueOutOfBound(name: "a", bound: 8)) { try ended.total() }
            } else {
                let total = try ended.total()
                #expect(total == update)
            }
        }
    }

    @Test func `A stream that is cut within a value, or has an illegal one, is refused`() throws {
        let spec = TensorSpec(name: "a", shape: [9], scope: .global, bound: 8, release: "r")
        let update = try ParameterSet([ParameterSet.Tensor(spec, values: [Float](repeating: 1, count: 9))])
        var bytes = Safetensors.encode(update)
        var spare = SpareArrays(elementLimit: 0)
        func read(_ bytes: ArraySlice<UInt8>) throws {
            var reader = SafetensorsReader(specs: [spec], isStreamed: true)
            try bytes.withUnsafeBytes { try reader.append($0, spare: &spare) }
        }
        #expect(throws: ParameterError.self) { try read(bytes[..<(bytes.count - 2)]) }
        bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0xC0, 0x7F])
        #expect(throws: ParameterError.valueOutOfBound(name: "a", bound: 8)) { try read(bytes[...]) }
    }
}
