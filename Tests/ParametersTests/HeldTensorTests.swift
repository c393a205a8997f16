import Numerics
import Parameters
import TestSupport
import Testing

/// Bytes in memory that stays where it is as long as the object lives.
private final class HeldBytes: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ content: ArraySlice<UInt8>, offset: Int = 0) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count + offset, alignment: 16)
        start = memory
        bytes = UnsafeMutableRawBufferPointer(rebasing: memory[offset...])
        bytes.copyBytes(from: content)
    }

    private let start: UnsafeMutableRawBufferPointer

    deinit {
        // What is read later is not what was there.
        _ = start.initializeMemory(as: UInt8.self, repeating: 0xA5)
        start.deallocate()
    }
}

/// A holder that does not keep it alive.
private struct Watch {
    weak var holder: HeldBytes?
}

@Suite struct HeldTensorTests {
    private static func parameters(_ seed: UInt64) throws -> ParameterSet {
        var stream = RandomStream(root: seed, path: ["held", "values"])
        func tensor(_ name: String, _ count: Int) throws -> ParameterSet.Tensor {
            try ParameterSet.Tensor(
                TensorSpec(name: name, shape: [count], scope: .global, bound: 8, release: "r"),
                values: (0..<count).map { _ in Float(stream.gaussian().rounded(.down).clamped(to: -8...8)) })
        }
        return try ParameterSet([tensor("a", 5), tensor("b", 60_000), tensor("c", 3), tensor("d", 17_000)])
    }

    /// Reads a message from pieces that each lie in memory of their own.
    private static func read(
        _ parameters: ParameterSet, offset: Int = 0, cut: (Int) -> Int
    ) throws -> (ParameterSet, [Watch]) {
        let bytes = Safetensors.encode(parameters)
        var reader = SafetensorsReader(specs: parameters.specs)
        var spare = SpareArrays(elementLimit: 0)
        var watches: [Watch] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + cut(start))
            let piece = HeldBytes(bytes[start..<end], offset: offset)
            watches.append(Watch(holder: piece))
            try reader.append(UnsafeRawBufferPointer(piece.bytes), holder: piece, spare: &spare)
            start = end
        }
        return (try reader.finish(), watches)
    }

    @Test(arguments: 0..<20) func `A large tensor stays in the pieces that it came in, and reads as the whole`(
        seed: UInt64
    ) throws {
        var stream = RandomStream(root: seed, path: ["held", "cuts"])
        let parameters = try HeldTensorTests.parameters(seed)
        var (read, watches): (ParameterSet?, [Watch]) = try HeldTensorTests.read(parameters) { _ in
            100_000 + 4 * stream.integer(below: 20_000)
        }
        #expect(watches.allSatisfy { $0.holder != nil })
        #expect(read == parameters)
        read = nil
        #expect(watches.allSatisfy { $0.holder == nil })
    }

    @Test(arguments: 0..<20) func `Sums of tensors in pieces are those of arrays, to the bit`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["held", "sums"])
        var held = ExactSum(clientCount: 11)
        var arrays = ExactSum(clientCount: 11)
        for client in 0..<11 {
            let parameters = try HeldTensorTests.parameters(seed * 100 + UInt64(client))
            arrays.add(parameters)
            switch stream.integer(below: 3) {
            case 0: held.add(parameters)
            default: held.add(try HeldTensorTests.read(parameters) { _ in 70_000 + 4 * stream.integer(below: 9_000) }.0)
            }
        }
        // 11 values of at most 8 may exceed the bound of one.
        var spare = SpareArrays(elementLimit: 0)
        #expect(try held.total(times: 1 / 11.0, spare: &spare) == arrays.total(times: 1 / 11.0, spare: &spare))
    }

    @Test(arguments: [1, 3, 40, 1_000]) func `Small pieces are copied: they would take more memory than they hold`(
        size: Int
    ) throws {
        let parameters = try HeldTensorTests.parameters(9)
        let (read, watches) = try HeldTensorTests.read(parameters) { _ in size }
        #expect(read == parameters)
        #expect(watches.count { $0.holder != nil } == 0)
    }

    @Test(arguments: [1, 2, 3]) func `Pieces that no float can be read from are copied`(offset: Int) throws {
        let parameters = try HeldTensorTests.parameters(10)
        for cut in [100_000, 100_001] {
            let (read, watches) = try HeldTensorTests.read(parameters, offset: offset) { _ in cut }
            #expect(read == parameters)
            #expect(watches.allSatisfy { $0.holder == nil })
        }
        // Cut within a float.
        #expect(try HeldTensorTests.read(parameters) { _ in 100_001 }.0 == parameters)
    }

    @Test(arguments: [Float.nan, .infinity, 8.5]) func `A value out of its bound is refused wherever it lies`(
        value: Float
    ) throws {
        let parameters = try HeldTensorTests.parameters(11)
        var bytes = Safetensors.encode(parameters)
        let spec = TensorSpec(name: "d", shape: [17_000], scope: .global, bound: 8, release: "r")
        let position = bytes.count - spec.byteCount + 4 * 12_345
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.replaceSubrange(position..<position + 4, with: $0) }
        var reader = SafetensorsReader(specs: parameters.specs)
        var spare = SpareArrays(elementLimit: 0)
        let piece = HeldBytes(bytes[...])
        #expect(throws: ParameterError.valueOutOfBound(name: "d", bound: 8)) {
            try reader.append(UnsafeRawBufferPointer(piece.bytes), holder: piece, spare: &spare)
        }
    }

    @Test func `Only arrays that can be used again are kept, however many come back`() throws {
        let parameters = try HeldTensorTests.parameters(13)
        let bytes = Safetensors.encode(parameters)
        var spare = SpareArrays(elementLimit: 1_000_000)
        for round in 0..<200 {
            var reader = SafetensorsReader(specs: parameters.specs)
            try bytes.withUnsafeBytes { try reader.append($0, spare: &spare) }
            spare.put(try reader.finish())
            // An answer of other shapes, as clients give.
            let spec = TensorSpec(name: "x", shape: [2_000 + round], scope: .global, bound: 8, release: "r")
            let short = TensorSpec(name: "y", shape: [1], scope: .global, bound: 8, release: "r")
            spare.put(
                try ParameterSet([
                    ParameterSet.Tensor(spec, values: [Float](repeating: 1, count: 2_000 + round)),
                    ParameterSet.Tensor(short, values: [1]),
                ]))
        }
        #expect(spare.count == 2)
    }

    @Test func `Memory that somebody still holds is not given out again`() throws {
        let parameters = try HeldTensorTests.parameters(12)
        let bytes = Safetensors.encode(parameters)
        var spare = SpareArrays(elementLimit: 1_000_000)
        var kept: ParameterSet? = parameters
        spare.put(parameters)
        for _ in 0..<3 {
            var reader = SafetensorsReader(specs: parameters.specs)
            try bytes.withUnsafeBytes { try reader.append($0, spare: &spare) }
            let read = try reader.finish()
            #expect(read == kept ?? read)
            spare.put(read)
            kept = nil
        }
        #expect(Safetensors.encode(parameters) == bytes)
    }
}

extension Double {
    fileprivate func clamped(to range: ClosedRange<Double>) -> Double {
        min(max(self, range.lowerBound), range.upperBound)
    }
}
