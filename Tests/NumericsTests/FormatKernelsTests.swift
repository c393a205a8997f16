import Numerics
import Testing

@Suite struct FormatKernelsTests {
    private func halves(_ values: [Float], limit: Float = FormatKernels.largestHalf) -> [UInt16] {
        var bytes = [UInt8](repeating: 0xAA, count: 2 * values.count)
        values.withUnsafeBufferPointer { values in
            bytes.withUnsafeMutableBytes { FormatKernels.writeHalves(values, limit: limit, to: $0) }
        }
        return (0..<values.count).map { UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8 }
    }

    private func floats(_ halves: [UInt16]) -> [Float] {
        let bytes = halves.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        var values = [Float](repeating: .nan, count: halves.count)
        values.withUnsafeMutableBufferPointer { values in
            bytes.withUnsafeBytes { FormatKernels.readHalves($0, to: values) }
        }
        return values
    }

    /// (−1)^s · 2^(e − 15) · (1 + m/1024), or 2^−14 · m/1024 where e is 0.
    private func definition(_ half: UInt16) -> Float {
        let exponent = Int(half >> 10) & 31
        let fraction = Float(half & 1_023) / 1_024
        let magnitude =
            exponent == 0
            ? Float(sign: .plus, exponent: -14, significand: 1) * fraction
            : Float(sign: .plus, exponent: exponent - 15, significand: 1) * (1 + fraction)
        return half >> 15 == 1 ? -magnitude : magnitude
    }

    @Test func `Every finite half is the number that IEEE 754 says, and comes back`() {
        let all = (0...UInt16.max).filter { ($0 >> 10) & 31 != 31 }
        #expect(all.count == 63_488)
        let values = floats(all)
        #expect(zip(all, values).allSatisfy { definition($0).bitPattern == $1.bitPattern })
        #expect(halves(values) == all)
    }

    @Test func `Infinities and every NaN stay what they are`() {
        let special = (0...UInt16.max).filter { ($0 >> 10) & 31 == 31 }
        let values = floats(special)
        for (half, value) in zip(special, values) {
            #expect(half & 1_023 == 0 ? value.isInfinite : value.isNaN, "\(half)")
        }
        #expect(FormatKernels.halfBits(.infinity) == 0x7C00 && FormatKernels.halfBits(-.infinity) == 0xFC00)
        #expect(FormatKernels.halfBits(65_520) == 0x7C00 && FormatKernels.halfBits(65_519.996) == 0x7BFF)
    }

    @Test func `Half way between two halves the even one is taken, and beside it the nearer one`() {
        var wrong: [UInt16] = []
        for half in UInt16(0)..<0x7BFF {
            let low = FormatKernels.float(halfBits: half)
            let middle = (low + FormatKernels.float(halfBits: half + 1)) / 2
            let even = half % 2 == 0 ? half : half + 1
            let found = [middle, middle.nextDown, middle.nextUp, -middle].map(FormatKernels.halfBits)
            if found != [even, half, half + 1, even | 0x8000] { wrong.append(half) }
        }
        #expect(wrong.isEmpty, "\(wrong.prefix(5))")
    }

    @Test(arguments: 0..<40) func `Whole blocks and remainders are converted alike`(count: Int) {
        var stream = RandomStream(root: 1, path: ["halves", .number(count)])
        let values = (0..<count).map { _ in
            Float(stream.gaussian()) * Float(sign: .plus, exponent: stream.integer(below: 50) - 30, significand: 1)
        }
        let limit: Float = 300
        #expect(halves(values, limit: limit) == values.map { FormatKernels.halfBits(max(min($0, limit), -limit)) })
        let bits = halves(values)
        #expect(floats(bits) == bits.map { FormatKernels.float(halfBits: $0) })
        let largest = values.withUnsafeBufferPointer { FormatKernels.largestMagnitude($0) }
        #expect(largest == values.map(\.magnitude).max() ?? 0)
    }

    @Test(arguments: 0..<40) func `Bytes are the nearest multiples of the scale`(count: Int) {
        var stream = RandomStream(root: 2, path: ["bytes", .number(count)])
        let scale: Float = 0.25
        // Ties among them, and values beyond 127 multiples.
        let values = (0..<count).map { _ in Float(stream.integer(below: 600) - 300) / 8 }
        var bytes = [UInt8](repeating: 0xAA, count: count)
        values.withUnsafeBufferPointer { values in
            bytes.withUnsafeMutableBytes { FormatKernels.writeBytes(values, scale: scale, to: $0) }
        }
        let expected = values.map { max(-127, min(127, Int(($0 / scale).rounded(.toNearestOrEven)))) }
        #expect(bytes.map { Int(Int8(bitPattern: $0)) } == expected)
        var read = [Float](repeating: .nan, count: count)
        let largest = read.withUnsafeMutableBufferPointer { read in
            bytes.withUnsafeBytes { FormatKernels.readBytes($0, scale: scale, to: read) }
        }
        #expect(read == expected.map { Float($0) * scale })
        #expect(largest == expected.map(abs).max() ?? 0)
    }

    @Test func `The byte −128 is seen`() {
        for count in [1, 8, 9] {
            let bytes = [UInt8](repeating: 0, count: count - 1) + [0x80]
            var read = [Float](repeating: 0, count: count)
            let largest = read.withUnsafeMutableBufferPointer { read in
                bytes.withUnsafeBytes { FormatKernels.readBytes($0, scale: 1, to: read) }
            }
            #expect(largest == 128)
        }
    }

    @Test(arguments: 0..<200) func `The largest places are those of a sort, the first of equal ones`(seed: UInt64) {
        var stream = RandomStream(root: seed, path: ["places"])
        let count = 1 + stream.integer(below: 60)
        let values = (0..<count).map { _ -> Float in
            // Few different values, or values of all magnitudes.
            seed % 2 == 0
                ? Float(stream.integer(below: 5) - 2)
                : Float(bitPattern: UInt32(stream.integer(below: 0x7F7F_FFFF)))
                    * (stream.integer(below: 2) == 0 ? 1 : -1)
        }
        for kept in 0...count {
            let places = values.withUnsafeBufferPointer { FormatKernels.largestPlaces($0, count: kept) }
            let sorted = values.indices.sorted {
                (values[$1].magnitude, $0) < (values[$0].magnitude, $1)
            }
            #expect(places.map(Int.init) == sorted.prefix(kept).sorted(), "seed \(seed), \(kept) of \(count)")
        }
    }
}
