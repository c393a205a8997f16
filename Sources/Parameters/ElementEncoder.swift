import Numerics

extension ParameterSet.Tensor {
    /// The bytes of the elements in the tensor's format, part after part. *Complexity*: O(elements), one allocation.
    package var wireBytes: [UInt8] { spec.wireBytes(values) }
}

extension TensorSpec {
    /// What arrives of values in the tensor's format: that of what has arrived is itself. *Complexity*: O(elements).
    ///
    /// - Precondition: as many values as elements, within the bound.
    package func arriving(_ values: [Float]) -> [Float] {
        guard format != .float32 else { return values }
        var out = [Float](repeating: 0, count: values.count)
        var decoder = ElementDecoder(self)
        var problem: ParameterError?
        wireBytes(values).withUnsafeBytes { bytes in
            do throws(ParameterError) { try decoder.append(bytes, to: &out) } catch { problem = error }
        }
        if let problem { preconditionFailure("\(name) cannot be read as it is written: \(problem)") }
        return out
    }

    fileprivate func wireBytes(_ values: [Float]) -> [UInt8] {
        precondition(values.count == elementCount, "\(values.count) values of \(name)")
        return [UInt8](unsafeUninitializedCapacity: wireByteCount) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            values.withUnsafeBufferPointer { values in
                switch format {
                case .float32: writeFloats(values, to: bytes)
                case .float16: FormatKernels.writeHalves(values, limit: halfLimit, to: bytes)
                case .int8(let length): writeBlocks(values, length, to: bytes)
                case .topK(let count): writeLargest(values, count, to: bytes)
                }
            }
            initialized = wireByteCount
        }
    }

    private func writeFloats(_ values: UnsafeBufferPointer<Float>, to bytes: UnsafeMutableRawBufferPointer) {
        for (index, value) in values.enumerated() {
            bytes.storeBytes(of: value.bitPattern.littleEndian, toByteOffset: 4 * index, as: UInt32.self)
        }
    }

    private func writeBlocks(
        _ values: UnsafeBufferPointer<Float>, _ length: Int, to bytes: UnsafeMutableRawBufferPointer
    ) {
        let elements = leadByteCount
        for (block, start) in stride(from: 0, to: values.count, by: length).enumerated() {
            let end = min(start + length, values.count)
            let part = UnsafeBufferPointer(rebasing: values[start..<end])
            let scale = ByteScale.of(largest: FormatKernels.largestMagnitude(part), bound: bound)
            bytes.storeBytes(of: scale.bitPattern.littleEndian, toByteOffset: 4 * block, as: UInt32.self)
            FormatKernels.writeBytes(
                part, scale: scale,
                to: UnsafeMutableRawBufferPointer(rebasing: bytes[elements + start..<elements + end]))
        }
    }

    private func writeLargest(
        _ values: UnsafeBufferPointer<Float>, _ count: Int, to bytes: UnsafeMutableRawBufferPointer
    ) {
        for (position, place) in FormatKernels.largestPlaces(values, count: count).enumerated() {
            bytes.storeBytes(of: place.littleEndian, toByteOffset: 4 * position, as: UInt32.self)
            bytes.storeBytes(
                of: values[Int(place)].bitPattern.littleEndian, toByteOffset: 4 * (count + position), as: UInt32.self)
        }
    }
}
