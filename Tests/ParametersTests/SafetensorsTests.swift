import Numerics
import Parameters
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    private func decode(_ bytes: [UInt8], _ specs: [TensorSpec]) throws -> ParameterSet {
        try bytes.withUnsafeBytes { try Safetensors.decode($0, specs: specs) }
    }

    private func smallSet() throws -> ParameterSet {
        let vector = TensorSpec(name: "a", shape: [2], scope: .global, bound: 4, release: "r")
        let matrix = TensorSpec(name: "b\"x", shape: [1, 1], scope: .domain("books"), bound: 4, release: "r")
        return try ParameterSet([
            ParameterSet.Tensor(matrix, values: [0.5]), ParameterSet.Tensor(vector, values: [1, -2]),
        ])
    }

    @Test(arguments: 0..<200) func `Decoding encoded parameters gives every bit back`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["safetensors", "identity"])
        let schema = try Generated.schema(&stream)
        let parameters = try Generated.parameters(schema.specs, &stream)
        let decoded = try decode(Safetensors.encode(parameters), schema.specs.shuffled(using: &stream))
        #expect(decoded == parameters, "seed \(seed)")
        #expect(decoded.bitPatterns == parameters.bitPatterns, "seed \(seed)")
    }

    @Test(arguments: 0..<100) func `The byte count is exact and known from the declarations alone`(seed: UInt64) throws
    {
        var stream = RandomStream(root: seed, path: ["safetensors", "count"])
        let schema = try Generated.schema(&stream)
        let parameters = try Generated.parameters(schema.specs, &stream)
        #expect(Safetensors.encode(parameters).count == Safetensors.byteCount(schema.specs), "seed \(seed)")
        #expect(Safetensors.byteCount(schema.specs) % 4 == 0, "seed \(seed)")
    }

    @Test func `The bytes are those of the published format: length, sorted JSON header, spaces, little-endian data`()
        throws
    {
        // 113 characters of JSON and seven spaces: 120 bytes of header.
        let header =
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
            + #""b\"x":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]}}"# + "       "
        let expected: [UInt8] =
            [120, 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + [0, 0, 128, 63, 0, 0, 0, 192] + [0, 0, 0, 63]
        #expect(try Safetensors.encode(smallSet()) == expected)
        #expect(try decode(expected, smallSet().specs) == smallSet())
    }

    @Test func `A set without tensors has sixteen bytes and comes back empty`() throws {
        let bytes = Safetensors.encode(ParameterSet())
        #expect(bytes == [8, 0, 0, 0, 0, 0, 0, 0] + Array("{}      ".utf8))
        #expect(try decode(bytes, []) == ParameterSet())
    }

    @Test func `A file cut off or extended at any length is refused`() throws {
        let set = try smallSet()
        let bytes = Safetensors.encode(set)
        for length in bytes.indices {
            #expect(throws: ParameterError.self, "length \(length)") {
                try decode(Array(bytes.prefix(length)), set.specs)
            }
        }
        for extra in 1...9 {
            #expect(throws: ParameterError.self, "\(extra) bytes too many") {
                try decode(bytes + [UInt8](repeating: 0, count: extra), set.specs)
            }
        }
    }

    @Test func `Every flipped bit of the length and of the header is refused`() throws {
        let set = try smallSet()
        let bytes = Safetensors.encode(set)
        for position in 0..<128 {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[position] ^= 1 << UInt8(bit)
                #expect(throws: ParameterError.self, "byte \(position), bit \(bit)") { try decode(damaged, set.specs) }
            }
        }
    }

    @Test func `Every flipped bit of the data gives other values or an error, never the same set`() throws {
        let set = try smallSet()
        let bytes = Safetensors.encode(set)
        for position in 128..<bytes.count {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[position] ^= 1 << UInt8(bit)
                do throws(any Error) {
                    #expect(try decode(damaged, set.specs) != set, "byte \(position), bit \(bit)")
                } catch {
                    #expect(error as? ParameterError != nil, "byte \(position), bit \(bit)")
                }
            }
        }
    }

    @Test(arguments: [
        Float.nan, -.nan, .signalingNaN, .infinity, -.infinity, Float(4).nextUp, -Float(4).nextUp,
        .greatestFiniteMagnitude,
    ])
    func `A value that is not finite or exceeds the bound is refused`(value: Float) throws {
        let set = try smallSet()
        let spec = set.specs[0]
        #expect(throws: ParameterError.valueOutOfBound(name: "a", bound: 4)) {
            try ParameterSet.Tensor(spec, values: [0, value])
        }
        var bytes = Safetensors.encode(set)
        let pattern = value.bitPattern
        for index in 0..<4 { bytes[128 + 4 + index] = UInt8(truncatingIfNeeded: pattern >> UInt32(8 * index)) }
        #expect(throws: ParameterError.valueOutOfBound(name: "a", bound: 4)) { try decode(bytes, set.specs) }
    }

    @Test func `Values at the bound are accepted`() throws {
        let spec = TensorSpec(name: "a", shape: [2], scope: .global, bound: 4, release: "r")
        let set = try ParameterSet([ParameterSet.Tensor(spec, values: [4, -4])])
        #expect(try decode(Safetensors.encode(set), [spec]) == set)
    }

    @Test func `Bytes of a schema with another name, shape or order of dimensions are refused`() throws {
        func spec(_ name: String, _ shape: [Int]) -> TensorSpec {
            TensorSpec(name: name, shape: shape, scope: .global, bound: 1, release: "r")
        }
        let zeros = try ParameterSet.Tensor(spec("a", [2, 3]), values: [Float](repeating: 0, count: 6))
        let bytes = Safetensors.encode(try ParameterSet([zeros]))
        for other in [
            [spec("b", [2, 3])], [spec("a", [3, 2])], [spec("a", [6])], [spec("a", [2, 3]), spec("b", [1])], [],
        ] {
            #expect(throws: ParameterError.self, "\(other.map(\.name))") { try decode(bytes, other) }
        }
    }

    @Test(arguments: 0..<50) func `A file can be described without its schema`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["safetensors", "describe"])
        let schema = try Generated.schema(&stream)
        let bytes = Safetensors.encode(try Generated.parameters(schema.specs, &stream))
        let entries = try #require(Safetensors.describe(bytes[...]))
        let byName = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0) })
        #expect(byName.count == schema.specs.count, "seed \(seed)")
        for spec in schema.specs {
            let entry = try #require(byName[spec.name], "seed \(seed)")
            #expect(entry.dtype == "F32", "seed \(seed)")
            #expect(entry.shape == spec.shape, "seed \(seed)")
            #expect(entry.byteCount == spec.byteCount, "seed \(seed)")
        }
    }

    @Test func `Describing damaged bytes gives nothing or entries, never a trap`() throws {
        let bytes = Safetensors.encode(try smallSet())
        for length in 0..<128 { #expect(Safetensors.describe(bytes.prefix(length)) == nil, "length \(length)") }
        var stream = RandomStream(root: 1, path: ["safetensors", "describe", "damage"])
        var refused = 0
        for _ in 0..<2_000 {
            var damaged = bytes
            for _ in 0...stream.integer(below: 3) {
                damaged[stream.integer(below: damaged.count)] = UInt8(truncatingIfNeeded: stream.next())
            }
            if Safetensors.describe(damaged[...]) == nil { refused += 1 }
        }
        #expect(refused > 1_000)
    }

    @Test func `Describing a header whose offsets span all integers does not trap`() async {
        await #expect(processExitsWith: .success) {
            let header = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-9223372036854775808,9223372036854775807]}}"#
            let bytes = [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8)
            _ = Safetensors.describe(bytes[...])
        }
    }
}

@Suite struct SafetensorsReaderTests {
    @Test(arguments: 0..<50) func `A message cut anywhere reads as the whole, in memory that is used again`(
        seed: UInt64
    )
        throws
    {
        var stream = RandomStream(root: seed, path: ["safetensors", "cuts"])
        let schema = try Generated.schema(longestDimension: 60, &stream)
        var spare = SpareArrays(elementLimit: 100_000)
        for _ in 0..<3 {
            let parameters = try Generated.parameters(schema.specs, &stream)
            let bytes = Safetensors.encode(parameters)
            var reader = SafetensorsReader(specs: schema.specs)
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + stream.integer(below: 40))
                #expect(throws: ParameterError.self) { try reader.finish() }
                try bytes[start..<end].withUnsafeBytes { try reader.append($0, spare: &spare) }
                start = end
            }
            let read = try reader.finish()
            #expect(read == parameters, "seed \(seed)")
            let more: [UInt8] = [0]
            #expect(throws: ParameterError.self) { try more.withUnsafeBytes { try reader.append($0, spare: &spare) } }
            // What is still held is never overwritten.
            spare.put(parameters)
            spare.put(read)
            #expect(Safetensors.encode(parameters) == bytes)
        }
    }

    @Test func `Vectors of doubles come back to the bit, and other bytes are refused`() throws {
        let vectors = ["books": [0.1, -1e300, .leastNonzeroMagnitude, 0], "a \"b\"": [1 / 3.0], "none": []]
        let bytes = Safetensors.bytes(ofDoubles: vectors)
        let counts = vectors.mapValues(\.count)
        #expect(try Safetensors.doubles(in: bytes, counts: counts) == vectors)
        for wrong in [Array(bytes.dropLast()), bytes + [0], []] {
            #expect(throws: ParameterError.self) { try Safetensors.doubles(in: wrong, counts: counts) }
        }
        #expect(throws: ParameterError.self) { try Safetensors.doubles(in: bytes, counts: ["books": 5]) }
        var other = counts
        other["books"] = nil
        other["films"] = 4
        #expect(throws: ParameterError.self) { try Safetensors.doubles(in: bytes, counts: other) }
    }
}
