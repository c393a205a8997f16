import Numerics
import Testing

@Suite struct FloatKernelsTests {
    @Test func `A bound that is no magnitude holds nothing`() {
        for bound in [-1, .nan] as [Float] {
            #expect(
                ![Float](repeating: 0, count: 40).withUnsafeBufferPointer { FloatKernels.isWithin($0, bound: bound) })
        }
    }

    @Test(arguments: Array(0..<40) + [64, 95]) func `A range check finds the one bad element wherever it stands`(
        count: Int
    ) {
        let good = [Float](repeating: -2, count: count)
        #expect(good.withUnsafeBufferPointer { FloatKernels.isWithin($0, bound: 2) })
        for index in 0..<count {
            for bad in [2.0000002, -2.0000002, .infinity, -.infinity, .nan, -.nan] as [Float] {
                var values = good
                values[index] = bad
                #expect(!values.withUnsafeBufferPointer { FloatKernels.isWithin($0, bound: 2) }, "\(bad) at \(index)")
            }
        }
    }

    /// With what every processor has, and with what this one has.
    @Test(arguments: 0..<60, Set([false, FloatKernels.isWide]))
    func `Fixed-point sums are those of rounding each scaled value to even`(seed: UInt64, isWide: Bool) {
        var stream = RandomStream(root: seed, path: ["fixed-point"])
        let exponent = Int(seed) - 5
        let count = 1 + stream.integer(below: 19)
        func values(below limit: Int) -> [Float] {
            (0..<count).map { _ in
                // Ties at every exponent: multiples of a half of the grid, and values of any size below 2⁶².
                let magnitude = Double(stream.integer(below: 1 << 24)) / 2
                let power = stream.integer(below: limit)
                let scaled =
                    stream.integer(below: 2) == 0
                    ? magnitude : magnitude * Double(sign: .plus, exponent: power, significand: 1)
                let value = Float(scaled * Double(sign: .plus, exponent: -exponent, significand: 1))
                return stream.integer(below: 2) == 0 ? value : -value
            }
        }
        let scale = Double(sign: .plus, exponent: exponent, significand: 1)
        func rounded(_ value: Float) -> Int64 { Int64((Double(value) * scale).rounded(.toNearestOrEven)) }
        var sums = [Int64](repeating: 77, count: count)
        func add(_ vectors: [[Float]], isFirst: Bool) {
            vectors.flatMap { $0 }.withUnsafeBufferPointer { all in
                guard let base = all.baseAddress else { return }
                sums.withUnsafeMutableBufferPointer {
                    FloatKernels.addFixedPoint(
                        vectors.indices.map { base + $0 * count }, exponent: exponent, to: $0, isFirst: isFirst,
                        isWide: isWide)
                }
            }
        }
        let first = values(below: 38)
        add([first], isFirst: true)
        #expect(sums == first.map(rounded))
        let more = (0..<1 + stream.integer(below: FloatKernels.batchLimit)).map { _ in values(below: 34) }
        add(more, isFirst: true)
        add([more[0]], isFirst: false)
        #expect(sums == first.indices.map { index in (more + [more[0]]).reduce(0) { $0 + rounded($1[index]) } })
        var floats = [Float](repeating: 0, count: count)
        floats.withUnsafeMutableBufferPointer { target in
            sums.withUnsafeBufferPointer { FloatKernels.write($0, exponent: exponent, times: 0.5, to: target) }
        }
        #expect(floats == sums.map { Float(Double($0) * 0.5 / scale) })
    }
}

@Suite struct ByteChecksumTests {
    private func code(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
        bytes.withUnsafeBytes { ByteChecksum.code(of: $0, seed: seed) }
    }

    @Test func `Every flipped bit, every other length and another seed give another code`() {
        var stream = RandomStream(root: 3, path: ["checksum"])
        for count in [0, 1, 31, 32, 127, 128, 129, 1_024, 1_500, 16_384, 16_385, 40_000] {
            var bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: stream.next()) }
            let whole = code(bytes)
            #expect(whole != code(bytes + [0]) && whole != code(bytes, seed: 1))
            for _ in 0..<200 where count > 0 {
                let index = stream.integer(below: count)
                let bit: UInt8 = 1 << UInt8(stream.integer(below: 8))
                bytes[index] ^= bit
                #expect(code(bytes) != whole, "bit of byte \(index) of \(count)")
                bytes[index] ^= bit
            }
        }
    }

    @Test func `Exchanged words, stripes and blocks give another code`() {
        var stream = RandomStream(root: 4, path: ["checksum"])
        let bytes = (0..<40_000).map { _ in UInt8(truncatingIfNeeded: stream.next()) }
        let whole = code(bytes)
        for (first, second, length) in [
            (0, 8, 8), (0, 16, 16), (32, 64, 32), (128, 256, 128), (0, 1_024, 1_024), (0, 16_384, 16_384),
            (4, 12, 4), (39_999, 39_998, 1),
        ] {
            var other = bytes
            for index in 0..<length { other.swapAt(first + index, second + index) }
            #expect(code(other) != whole, "\(length) bytes at \(first) and \(second)")
        }
    }

    @Test func `Single-bit differences spread over all bits of the code`() {
        let bytes = [UInt8](repeating: 0, count: 256)
        let whole = code(bytes)
        var flips = 0
        for index in 0..<2_048 {
            var other = bytes
            other[index / 8] ^= 1 << UInt8(index % 8)
            flips += (code(other) ^ whole).nonzeroBitCount
        }
        let mean = Double(flips) / 2_048
        #expect(mean > 28 && mean < 36, "\(mean) of 64 bits on average")
    }
}
