/// Passes over long arrays of floats that write them as halves or as bytes with a scale, and read them again.
///
/// Every result is that of the arithmetic stated, lane by lane, so that builds and processors agree in every bit. Halves
/// are converted in integers: the compiler's own conversion is a library call where the processor has none.
public enum FormatKernels {
    /// The largest finite half.
    public static let largestHalf: Float = 65_504

    /// The half nearest to each lane, ties to even; magnitudes above the largest finite half become infinities.
    ///
    /// Source: F. Giesen, float_to_half_fast3_rtne, https://gist.github.com/rygorous/2156668.
    @inline(__always)
    static func halves(_ values: SIMD8<Float>) -> SIMD8<UInt32> {
        let bits = unsafeBitCast(values, to: SIMD8<UInt32>.self)
        let sign = bits & 0x8000_0000
        let magnitude = bits ^ sign
        // Below the smallest normal half, adding 0.5 leaves the rounded half in the low bits.
        let magic = SIMD8<UInt32>(repeating: (127 - 15 + 23 - 10 + 1) << 23)
        let small = unsafeBitCast(
            unsafeBitCast(magnitude, to: SIMD8<Float>.self) + unsafeBitCast(magic, to: SIMD8<Float>.self),
            to: SIMD8<UInt32>.self)
        let rounded = magnitude &- ((127 - 15) << 23) &+ 0xFFF &+ ((magnitude &>> 13) & 1)
        var out = (rounded &>> 13).replacing(with: small &- magic, where: magnitude .< (113 << 23))
        let isLarge = magnitude .>= (143 << 23)
        let special = SIMD8<UInt32>(repeating: 0x7C00).replacing(with: 0x7E00, where: magnitude .> (255 << 23))
        out.replace(with: special, where: isLarge)
        return out | (sign &>> 16)
    }

    /// The floats of eight halves; infinities and NaN among them stay what they are.
    @inline(__always)
    static func floats(_ halves: SIMD8<UInt32>) -> SIMD8<Float> {
        let exponentMask: UInt32 = 0x7C00 << 13
        let shifted = (halves & 0x7FFF) &<< 13
        let exponent = shifted & exponentMask
        let normal = shifted &+ ((127 - 15) << 23)
        let special = normal &+ ((128 - 16) << 23)
        let magic = SIMD8<Float>(repeating: Float(bitPattern: 113 << 23))
        let subnormal = unsafeBitCast(
            unsafeBitCast(normal &+ (1 << 23), to: SIMD8<Float>.self) - magic, to: SIMD8<UInt32>.self)
        let magnitude = normal.replacing(with: special, where: exponent .== exponentMask)
            .replacing(with: subnormal, where: exponent .== 0)
        return unsafeBitCast(magnitude | ((halves & 0x8000) &<< 16), to: SIMD8<Float>.self)
    }

    /// The half nearest to a float, ties to even, as its bits; an infinity above the largest finite half.
    public static func halfBits(_ value: Float) -> UInt16 {
        UInt16(truncatingIfNeeded: halves(SIMD8(repeating: value))[0])
    }

    /// The float of a half's bits.
    public static func float(halfBits bits: UInt16) -> Float { floats(SIMD8(repeating: UInt32(bits)))[0] }

    /// Writes each value, held within ±`limit`, as the nearest little-endian half. *Complexity*: O(elements).
    ///
    /// - Precondition: two bytes for each value.
    @inline(never)
    public static func writeHalves(
        _ values: UnsafeBufferPointer<Float>, limit: Float, to bytes: UnsafeMutableRawBufferPointer
    ) {
        precondition(bytes.count == 2 * values.count, "\(bytes.count) bytes for \(values.count) halves")
        var index = 0
        #if _endian(little)
            let source = UnsafeRawBufferPointer(values)
            let most = SIMD8<Float>(repeating: limit)
            while index + 8 <= values.count {
                let lanes = source.loadUnaligned(fromByteOffset: 4 * index, as: SIMD8<Float>.self)
                let halves = halves(pointwiseMax(pointwiseMin(lanes, most), -most))
                bytes.storeBytes(
                    of: SIMD8<UInt16>(truncatingIfNeeded: halves), toByteOffset: 2 * index, as: SIMD8<UInt16>.self)
                index += 8
            }
        #endif
        while index < values.count {
            let half = halfBits(max(min(values[index], limit), -limit))
            bytes.storeBytes(of: half.littleEndian, toByteOffset: 2 * index, as: UInt16.self)
            index += 1
        }
    }

    /// Reads little-endian halves. *Complexity*: O(elements).
    ///
    /// - Precondition: two bytes for each value.
    @inline(never)
    public static func readHalves(_ bytes: UnsafeRawBufferPointer, to values: UnsafeMutableBufferPointer<Float>) {
        precondition(bytes.count == 2 * values.count, "\(bytes.count) bytes for \(values.count) halves")
        var index = 0
        #if _endian(little)
            let target = UnsafeMutableRawBufferPointer(values)
            while index + 8 <= values.count {
                let halves = bytes.loadUnaligned(fromByteOffset: 2 * index, as: SIMD8<UInt16>.self)
                target.storeBytes(
                    of: floats(SIMD8<UInt32>(truncatingIfNeeded: halves)), toByteOffset: 4 * index,
                    as: SIMD8<Float>.self)
                index += 8
            }
        #endif
        while index < values.count {
            let half = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
            values[index] = float(halfBits: UInt16(littleEndian: half))
            index += 1
        }
    }

    /// The largest magnitude; 0 of nothing. *Complexity*: O(elements).
    ///
    /// - Precondition: no NaN.
    public static func largestMagnitude(_ values: UnsafeBufferPointer<Float>) -> Float {
        // Magnitudes are ordered as their bits are.
        var lanes = SIMD8<UInt32>(repeating: 0)
        let source = UnsafeRawBufferPointer(values)
        var index = 0
        while index + 8 <= values.count {
            let bits = source.loadUnaligned(fromByteOffset: 4 * index, as: SIMD8<UInt32>.self) & 0x7FFF_FFFF
            lanes = pointwiseMax(lanes, bits)
            index += 8
        }
        var largest = lanes.max()
        while index < values.count {
            largest = max(largest, values[index].magnitude.bitPattern)
            index += 1
        }
        return Float(bitPattern: largest)
    }

    /// Writes the whole multiple of `scale` nearest to each value, ties to even and within ±127, as one signed byte; zeros
    /// for a scale of zero. *Complexity*: O(elements).
    ///
    /// - Precondition: one byte for each value, and values are finite.
    public static func writeBytes(
        _ values: UnsafeBufferPointer<Float>, scale: Float, to bytes: UnsafeMutableRawBufferPointer
    ) {
        precondition(bytes.count == values.count, "\(bytes.count) bytes for \(values.count) values")
        guard scale > 0 else {
            for index in bytes.indices { bytes[index] = 0 }
            return
        }
        // The sum with 1.5 · 2²³ has no room for a fraction: it is rounded to a whole number, ties to even.
        let magic: Float = 0x1.8p23
        let source = UnsafeRawBufferPointer(values)
        let scales = SIMD8<Float>(repeating: scale)
        let most = SIMD8<Float>(repeating: 127)
        var index = 0
        while index + 8 <= values.count {
            let lanes = source.loadUnaligned(fromByteOffset: 4 * index, as: SIMD8<Float>.self) / scales
            let shifted = pointwiseMax(pointwiseMin(lanes, most), -most) + SIMD8<Float>(repeating: magic)
            let whole = SIMD8<UInt8>(truncatingIfNeeded: unsafeBitCast(shifted, to: SIMD8<UInt32>.self))
            bytes.storeBytes(of: whole, toByteOffset: index, as: SIMD8<UInt8>.self)
            index += 8
        }
        while index < values.count {
            let shifted = max(min(values[index] / scale, 127), -127) + magic
            bytes[index] = UInt8(truncatingIfNeeded: shifted.bitPattern)
            index += 1
        }
    }

    /// Reads signed bytes as multiples of `scale`, and gives the largest magnitude among the bytes, 0 to 128.
    /// *Complexity*: O(elements).
    ///
    /// - Precondition: one byte for each value.
    public static func readBytes(
        _ bytes: UnsafeRawBufferPointer, scale: Float, to values: UnsafeMutableBufferPointer<Float>
    ) -> Int {
        precondition(bytes.count == values.count, "\(bytes.count) bytes for \(values.count) values")
        let target = UnsafeMutableRawBufferPointer(values)
        let scales = SIMD8<Float>(repeating: scale)
        var largest = SIMD8<Int32>(repeating: 0)
        var index = 0
        while index + 8 <= values.count {
            let whole = SIMD8<Int32>(
                truncatingIfNeeded: bytes.loadUnaligned(fromByteOffset: index, as: SIMD8<Int8>.self))
            largest = pointwiseMax(largest, pointwiseMax(whole, 0 &- whole))
            target.storeBytes(of: SIMD8<Float>(whole) * scales, toByteOffset: 4 * index, as: SIMD8<Float>.self)
            index += 8
        }
        var most = Int(largest.max())
        while index < values.count {
            let whole = Int8(bitPattern: bytes[index])
            most = max(most, Int(whole.magnitude))
            values[index] = Float(whole) * scale
            index += 1
        }
        return most
    }

    /// The places of the `count` values of largest magnitude in ascending order; of equal ones the first.
    /// *Complexity*: O(elements).
    ///
    /// - Precondition: no NaN, and `count` from 0 to the number of values.
    @inline(never)
    public static func largestPlaces(_ values: UnsafeBufferPointer<Float>, count: Int) -> [UInt32] {
        precondition(count >= 0 && count <= values.count, "\(count) of \(values.count) values")
        guard count > 0 else { return [] }
        // The bits of the magnitude of the last value that is kept, eleven, ten and ten at a time; `left` values are to be
        // found among those that agree with it so far.
        var prefix: UInt32 = 0
        var left = count
        for (shift, width) in [(UInt32(20), UInt32(11)), (10, 10), (0, 10)] {
            var histogram = [Int](repeating: 0, count: 1 << Int(width))
            let above = shift &+ width
            histogram.withUnsafeMutableBufferPointer { bins in
                for value in values {
                    let bits = value.magnitude.bitPattern
                    if bits >> above == prefix { bins[Int((bits >> shift) & ((1 << width) &- 1))] += 1 }
                }
            }
            var bin = histogram.count - 1
            while histogram[bin] < left {
                left -= histogram[bin]
                bin -= 1
            }
            prefix = prefix << width | UInt32(bin)
        }
        return [UInt32](unsafeUninitializedCapacity: count) { places, initialized in
            for index in values.indices {
                let bits = values[index].magnitude.bitPattern
                guard bits > prefix || (bits == prefix && left > 0) else { continue }
                if bits == prefix { left -= 1 }
                places[initialized] = UInt32(truncatingIfNeeded: index)
                initialized += 1
            }
        }
    }
}
