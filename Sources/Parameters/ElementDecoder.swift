import Numerics

/// Reads the elements of one tensor that is not in `float32`, as its bytes arrive, into the tensor's own memory.
///
/// Nothing else is allocated: what is needed until the elements arrive lies in places of theirs that are written later.
/// The scale of a block of `int8` waits in the block's first element. The indices of `topK` wait in the last `count`
/// elements: as they ascend, the i-th is at most the place where it waits, so that no value is written over an index
/// that is still needed.
struct ElementDecoder: Sendable {
    private let spec: TensorSpec
    private let elementCount: Int
    /// The bytes of scales or indices, which come first, and of one of them; then of one element.
    private let leadByteCount: Int
    private let width: Int
    private var position = 0
    /// The first bytes of something that is not whole yet.
    private var carry: UInt32 = 0
    private var carryCount = 0
    /// The scale of the block under way, and the largest magnitude of its bytes.
    private var scale: Float = 0
    private var largest = 0
    /// The last index.
    private var last = -1

    init(_ spec: TensorSpec) {
        self.spec = spec
        elementCount = spec.elementCount
        leadByteCount = spec.leadByteCount
        width =
            switch spec.format {
            case .float32, .topK: 4
            case .float16: 2
            case .int8: 1
            }
    }

    /// Takes the next bytes of the tensor. *Complexity*: O(bytes), and O(elements) once.
    ///
    /// - Precondition: as many values as elements, and no more bytes than the tensor has.
    /// - Throws: `malformed`, `valueOutOfBound`; the values are then of no use.
    mutating func append(_ bytes: UnsafeRawBufferPointer, to values: inout [Float]) throws(ParameterError) {
        precondition(values.count == elementCount, "\(values.count) places for \(elementCount) elements")
        var result: ParameterError?
        values.withUnsafeMutableBufferPointer { values in
            do throws(ParameterError) { try append(bytes, to: values) } catch { result = error }
        }
        if let result { throw result }
    }

    private mutating func append(
        _ bytes: UnsafeRawBufferPointer, to values: UnsafeMutableBufferPointer<Float>
    ) throws(ParameterError) {
        var rest = bytes
        while !rest.isEmpty {
            let isLead = position < leadByteCount
            let width = isLead ? 4 : width
            if carryCount > 0 || rest.count < width {
                carry |= UInt32(rest[0]) << UInt32(8 * carryCount)
                carryCount += 1
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
                guard carryCount == width else { continue }
                let whole = carry.littleEndian
                (carry, carryCount) = (0, 0)
                var problem: ParameterError?
                withUnsafeBytes(of: whole) { whole in
                    let bytes = UnsafeRawBufferPointer(rebasing: whole.prefix(width))
                    do throws(ParameterError) { try take(bytes, to: values) } catch { problem = error }
                }
                if let problem { throw problem }
                continue
            }
            let limit = isLead ? leadByteCount - position : rest.count
            let count = min(rest.count, limit) / width * width
            try take(UnsafeRawBufferPointer(rebasing: rest.prefix(count)), to: values)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }

    /// Takes bytes of whole scales or indices, or of whole elements.
    private mutating func take(
        _ bytes: UnsafeRawBufferPointer, to values: UnsafeMutableBufferPointer<Float>
    ) throws(ParameterError) {
        let start = (position - (position < leadByteCount ? 0 : leadByteCount)) / (position < leadByteCount ? 4 : width)
        switch (spec.format, position < leadByteCount) {
        case (.float32, _):
            for index in 0..<bytes.count / 4 { values[start + index] = Float(bitPattern: bytes.word(index)) }
            try check(values[start..<start + bytes.count / 4])
        case (.float16, _):
            let end = start + bytes.count / 2
            FormatKernels.readHalves(bytes, to: UnsafeMutableBufferPointer(rebasing: values[start..<end]))
            try check(values[start..<end])
        case (.int8(let length), true):
            for index in 0..<bytes.count / 4 {
                let scale = Float(bitPattern: bytes.word(index))
                guard ByteScale.isLegal(scale, bound: spec.bound) else {
                    throw .malformed(reason: "a scale of \(spec.name) that nobody can have made")
                }
                values[(start + index) * length] = scale
            }
        case (.int8(let length), false): try takeBytes(bytes, from: start, length, to: values)
        case (.topK(let count), true):
            if start == 0 { for index in 0..<elementCount - count { values[index] = 0 } }
            for index in 0..<bytes.count / 4 {
                let place = Int(bytes.word(index))
                guard place > last, place < elementCount else {
                    throw .malformed(reason: "indices of \(spec.name) do not ascend, or name no element")
                }
                last = place
                values[elementCount - count + start + index] = Float(bitPattern: bytes.word(index))
            }
        case (.topK(let count), false):
            for index in 0..<bytes.count / 4 {
                let value = Float(bitPattern: bytes.word(index))
                guard value.magnitude <= spec.bound else {
                    throw .valueOutOfBound(name: spec.name, bound: spec.bound)
                }
                let waiting = elementCount - count + start + index
                // As indices ascend and are below `elementCount`, this one is at most `waiting`.
                let place = Int(values[waiting].bitPattern)
                values[waiting] = 0
                values[place] = value
            }
        }
        position += bytes.count
    }

    private mutating func takeBytes(
        _ bytes: UnsafeRawBufferPointer, from start: Int, _ length: Int, to values: UnsafeMutableBufferPointer<Float>
    ) throws(ParameterError) {
        var element = start
        let end = start + bytes.count
        while element < end {
            let within = element % length
            if within == 0 { (scale, largest) = (values[element], 0) }
            let blockEnd = min(element - within + length, elementCount)
            let next = min(blockEnd, end)
            largest = max(
                largest,
                FormatKernels.readBytes(
                    UnsafeRawBufferPointer(rebasing: bytes[element - start..<next - start]), scale: scale,
                    to: UnsafeMutableBufferPointer(rebasing: values[element..<next])))
            // One way to write every block: the largest is 127, and a scale of zero has nothing but zeros.
            if next == blockEnd, largest != (scale == 0 ? 0 : 127) {
                throw .malformed(reason: "a block of \(spec.name) has bytes that do not fit its scale")
            }
            element = next
        }
    }

    private func check(_ values: Slice<UnsafeMutableBufferPointer<Float>>) throws(ParameterError) {
        guard FloatKernels.isWithin(UnsafeBufferPointer(rebasing: values), bound: spec.bound) else {
            throw .valueOutOfBound(name: spec.name, bound: spec.bound)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The i-th little-endian word.
    fileprivate func word(_ index: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
    }
}
