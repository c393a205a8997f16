import Numerics
import Parameters
import TestSupport
import Testing

@Suite struct ElementFormatTests {
    private func spec(_ format: ElementFormat, count: Int, bound: Float = 0x1p24) -> TensorSpec {
        TensorSpec(name: "a", shape: [count], scope: .global, bound: bound, release: "r", format: format)
    }

    /// Values of many magnitudes, zeros and equal ones among them.
    private func values(_ count: Int, _ stream: inout RandomStream) -> [Float] {
        let exponent = stream.integer(below: 30) - 20
        return (0..<count).map { _ in
            switch stream.integer(below: 8) {
            case 0: 0
            case 1: 0.25
            default:
                Float(stream.gaussian())
                    * Float(sign: .plus, exponent: exponent + stream.integer(below: 6), significand: 1)
            }
        }
    }

    @Test(arguments: 0..<300) func `What arrives would arrive as it is`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["formats", "identity"])
        let schema = try Generated.formatted(try Generated.schema(&stream), &stream)
        let once = try Generated.arriving(try Generated.parameters(schema.specs, &stream))
        #expect(try Generated.arriving(once).bitPatterns == once.bitPatterns, "seed \(seed)")
    }

    @Test(arguments: 0..<100) func `A half is nearer than half a unit in its last place`(seed: UInt64) {
        var stream = RandomStream(root: seed, path: ["formats", "halves"])
        let values = values(50, &stream)
        for (value, arrived) in zip(values, spec(.float16, count: 50).arriving(values)) {
            let held = min(value.magnitude, 65_504)
            // 2⁻²⁵ below the smallest normal half.
            #expect(abs(arrived.magnitude - held) <= max(held * 0x1p-11, 0x1p-25), "seed \(seed): \(value)")
        }
    }

    @Test(arguments: 0..<100) func `A byte is within half a step of its block, which is a 127th of the largest value`(
        seed: UInt64
    ) {
        var stream = RandomStream(root: seed, path: ["formats", "bytes"])
        let values = values(50, &stream)
        let length = 1 + stream.integer(below: 60)
        let arrived = spec(.int8(blockLength: length), count: 50).arriving(values)
        for start in stride(from: 0, to: 50, by: length) {
            let block = start..<min(start + length, 50)
            let step = (values[block].map(\.magnitude).max() ?? 0) / 127
            for index in block {
                #expect(abs(arrived[index] - values[index]) <= step / 2 * (1 + 0x1p-14), "seed \(seed), \(index)")
            }
        }
    }

    @Test(arguments: 0..<100) func `The largest values arrive as they are, the first of equal ones`(seed: UInt64) {
        var stream = RandomStream(root: seed, path: ["formats", "places"])
        let values = values(50, &stream)
        let count = 1 + stream.integer(below: 50)
        let kept = values.indices.sorted { (values[$1].magnitude, $0) < (values[$0].magnitude, $1) }.prefix(count)
        let expected = values.indices.map { kept.contains($0) ? values[$0] : 0 }
        #expect(spec(.topK(count: count), count: 50).arriving(values) == expected, "seed \(seed)")
    }

    @Test func `Nothing arrives beyond the bound, though it is no half and no multiple`() throws {
        for bound in [Float(0.3), 0.1, 1.0001, 70_000, 1e-6] {
            for format in [ElementFormat.float16, .int8(blockLength: 3), .topK(count: 3)] {
                let arrived = spec(format, count: 3, bound: bound).arriving([bound, -bound, bound / 3])
                #expect(arrived.allSatisfy { $0.magnitude <= bound }, "\(format), \(bound)")
                #expect(arrived[0] >= bound * 0.9 || (bound == 70_000 && arrived[0] == 65_504), "\(format), \(arrived)")
                #expect(arrived[1] == -arrived[0])
            }
        }
    }

    @Test(arguments: 0..<200) func `Cut anywhere, the bytes are read alike`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["formats", "cuts"])
        let schema = try Generated.formatted(try Generated.schema(&stream), &stream)
        let parameters = try Generated.arriving(try Generated.parameters(schema.specs, &stream))
        let bytes = Safetensors.encode(parameters)
        #expect(bytes.count == Safetensors.byteCount(schema.specs))
        var reader = SafetensorsReader(specs: schema.specs)
        // Arrays that are used again hold anything.
        var spare = SpareArrays(elementLimit: 1 << 20)
        spare.put(try Generated.parameters(schema.specs, &stream))
        try bytes.withUnsafeBytes { bytes in
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + stream.integer(below: 9))
                try reader.append(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), spare: &spare)
                start = end
            }
        }
        #expect(try reader.finish().bitPatterns == parameters.bitPatterns, "seed \(seed)")
    }

    /// The problem that the data of one tensor has; `nil` for none.
    private func problem(_ spec: TensorSpec, _ data: [UInt8]) -> ParameterError? {
        let bytes = Safetensors.prefix([spec]) + data
        do {
            _ = try bytes.withUnsafeBytes { try Safetensors.decode($0, specs: [spec]) }
            return nil
        } catch { return error as? ParameterError }
    }

    private func words(_ words: UInt32...) -> [UInt8] {
        words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) } }
    }

    @Test func `Halves that are no numbers or beyond the bound are refused`() {
        let spec = spec(.float16, count: 2, bound: 8)
        let expected = ParameterError.valueOutOfBound(name: "a", bound: 8)
        #expect(problem(spec, [0, 0x48, 0, 0xC8]) == nil)
        for half in [0x7C00, 0xFC00, 0x7C01, 0x7E00, 0xFFFF, 0x4801, 0xC801] as [UInt16] {
            #expect(
                problem(spec, [0, 0, UInt8(truncatingIfNeeded: half), UInt8(half >> 8)]) == expected, "\(half)")
        }
    }

    @Test func `Scales and bytes that nobody can have made are refused`() {
        let spec = spec(.int8(blockLength: 2), count: 3, bound: 254)
        func isMalformed(_ data: [UInt8]) -> Bool {
            if case .malformed? = problem(spec, data) { true } else { false }
        }
        let one = Float(1).bitPattern
        #expect(problem(spec, words(one, one) + [127, 0x81, 0x81]) == nil)
        #expect(problem(spec, words(Float(2).bitPattern, 0) + [127, 5, 0]) == nil)
        // NaN, infinity, below zero, minus zero, beyond the bound, subnormal, with a significand too long.
        for scale in [
            Float.nan, .infinity, -1, -0.0, 2.0001, Float(2).nextUp, .leastNonzeroMagnitude, 0x1p-101, Float(1).nextUp,
        ] {
            #expect(isMalformed(words(scale.bitPattern, one) + [127, 0, 127]), "\(scale)")
            #expect(isMalformed(words(one, scale.bitPattern) + [127, 0, 127]), "\(scale)")
        }
        // −128, a block that does not use its scale, and bytes under a scale of zero.
        #expect(isMalformed(words(one, one) + [127, 0x80, 127]))
        #expect(isMalformed(words(one, one) + [126, 0x82, 127]))
        #expect(isMalformed(words(one, one) + [127, 0, 0]))
        #expect(isMalformed(words(one, 0) + [127, 0, 1]))
        #expect(isMalformed(words(0, one) + [0, 1, 127]))
    }

    @Test func `Indices that repeat, descend or name no element are refused, and so are values beyond the bound`() {
        let spec = spec(.topK(count: 2), count: 5, bound: 8)
        let one = Float(1).bitPattern
        func isMalformed(_ data: [UInt8]) -> Bool {
            if case .malformed? = problem(spec, data) { true } else { false }
        }
        for first in 0..<UInt32(5) {
            for second in 0..<UInt32(5) {
                #expect(isMalformed(words(first, second, one, one)) == (second <= first), "\(first), \(second)")
            }
        }
        for place in [5, 6, 255, 1 << 31, .max] as [UInt32] { #expect(isMalformed(words(0, place, one, one))) }
        let expected = ParameterError.valueOutOfBound(name: "a", bound: 8)
        for value in [Float.nan, .infinity, -.infinity, 8.001, -8.001, .signalingNaN] {
            #expect(problem(spec, words(0, 4, one, value.bitPattern)) == expected, "\(value)")
            #expect(problem(spec, words(0, 4, value.bitPattern, one)) == expected, "\(value)")
        }
    }

    @Test(arguments: [.float16, .int8(blockLength: 3), .topK(count: 4)] as [ElementFormat])
    func `Any bytes of the right number are values within the bound or a typed error`(format: ElementFormat) throws {
        var stream = RandomStream(root: 7, path: ["formats", "random"])
        let spec = spec(format, count: 10, bound: 3)
        let good = Safetensors.encode(
            try ParameterSet([ParameterSet.Tensor(spec, values: (0..<10).map { Float($0) / 4 })]))
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0...stream.integer(below: 2) {
                let position = bytes.count - 1 - stream.integer(below: spec.wireByteCount)
                bytes[position] = UInt8(truncatingIfNeeded: stream.next())
            }
            do {
                let set = try bytes.withUnsafeBytes { try Safetensors.decode($0, specs: [spec]) }
                let values = try set.require("a")
                #expect(values.count == 10 && values.allSatisfy { $0.magnitude <= 3 })
                // Whatever is accepted is what an honest client can have sent.
                #expect(format == .topK(count: 4) || Safetensors.encode(set) == bytes)
                accepted += 1
            } catch { #expect(error is ParameterError) }
        }
        #expect(accepted > 500 && accepted < 19_500, "\(accepted)")
    }

    @Test func `The size and the digest follow the format, and float32 is as it was without one`() throws {
        func size(_ format: ElementFormat) -> Int { spec(format, count: 1_000).wireByteCount }
        #expect(size(.float32) == 4_000 && size(.float16) == 2_000)
        #expect(size(.int8(blockLength: 64)) == 1_000 + 4 * 16 && size(.int8(blockLength: 2_000)) == 1_004)
        #expect(size(.topK(count: 10)) == 80)
        let formats: [ElementFormat] = [
            .float32, .float16, .int8(blockLength: 64), .int8(blockLength: 65), .topK(count: 10), .topK(count: 11),
        ]
        let digests = try formats.map { try ParameterSchema([spec($0, count: 1_000)]).digest }
        #expect(Set(digests).count == formats.count)
        let plain = TensorSpec(name: "a", shape: [1_000], scope: .global, bound: 0x1p24, release: "r")
        #expect(try ParameterSchema([plain]).digest == digests[0])
        for spec in formats.map({ spec($0, count: 1_000) }) {
            #expect(spec.parts.reduce(0) { $0 + $1.byteCount } == spec.wireByteCount)
        }
    }

    @Test func `A tensor cannot have the name of another one's part`() throws {
        let bytes = spec(.int8(blockLength: 2), count: 3)
        let other = TensorSpec(name: "a.scales", shape: [2], scope: .global, bound: 1, release: "r")
        #expect(throws: ParameterError.duplicateName("a.scales")) { try ParameterSchema([bytes, other]) }
        _ = try ParameterSchema([bytes.asFloat32, other])
    }
}
