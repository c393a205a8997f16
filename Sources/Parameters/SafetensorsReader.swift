import Numerics

/// Reads a safetensors message in parts as they arrive, straight into the tensors' own memory.
///
/// The header must be the canonical one of the declarations; a tensor's memory is taken when its first byte arrives,
/// from arrays that the caller no longer needs where one fits. Every element is checked when its last byte has arrived.
package struct SafetensorsReader: Sendable {
    private let specs: [TensorSpec]
    private let prefix: [UInt8]
    /// The number of bytes of the whole message.
    package let byteCount: Int
    private var position = 0
    private var tensors: [ParameterSet.Tensor] = []
    private var current: [Float] = []
    private var currentByteCount = 0
    /// Of a tensor in another format than `float32`.
    private var decoder: ElementDecoder?

    /// A reader of exactly the given declarations.
    package init(specs: [TensorSpec]) {
        let specs = specs.sorted { $0.name < $1.name }
        self.specs = specs
        prefix = Safetensors.prefix(specs)
        byteCount = prefix.count + specs.reduce(0) { $0 + $1.wireByteCount }
    }

    /// Takes the next bytes. *Complexity*: O(bytes).
    ///
    /// - Parameter spare: arrays that may be overwritten; one that fits is taken out.
    /// - Throws: `malformed`, `valueOutOfBound`; the reader must then not be used again.
    package mutating func append(
        _ bytes: UnsafeRawBufferPointer, spare: inout SpareArrays
    ) throws(ParameterError) {
        guard bytes.count <= byteCount - position else {
            throw .malformed(reason: "more bytes than the \(byteCount) that the schema gives")
        }
        var rest = bytes
        if position < prefix.count {
            let count = min(prefix.count - position, rest.count)
            guard rest.prefix(count).elementsEqual(prefix[position..<position + count]) else {
                throw .malformed(reason: "the header names other tensors, shapes or offsets than the schema")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            position += count
        }
        while !rest.isEmpty {
            let spec = specs[tensors.count]
            if currentByteCount == 0 { current = spare.take(spec.elementCount) }
            let count = min(spec.wireByteCount - currentByteCount, rest.count)
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
            if spec.format == .float32 { try fill(part, spec) } else { try decode(part, spec) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            position += count
            if currentByteCount == spec.wireByteCount {
                tensors.append(ParameterSet.Tensor(checked: current, spec))
                current = []
                currentByteCount = 0
            }
        }
    }

    /// Copies bytes behind those of the current tensor that are there, and checks the elements that they complete.
    private mutating func fill(_ bytes: UnsafeRawBufferPointer, _ spec: TensorSpec) throws(ParameterError) {
        let start = currentByteCount
        let end = start + bytes.count
        let isWithin = current.withUnsafeMutableBytes { target in
            UnsafeMutableRawBufferPointer(rebasing: target[start..<end]).copyMemory(from: bytes)
            let elements = UnsafeMutableRawBufferPointer(rebasing: target[4 * (start / 4)..<4 * (end / 4)])
                .assumingMemoryBound(to: Float.self)
            #if !_endian(little)
                for index in elements.indices {
                    elements[index] = Float(bitPattern: UInt32(littleEndian: elements[index].bitPattern))
                }
            #endif
            return FloatKernels.isWithin(UnsafeBufferPointer(elements), bound: spec.bound)
        }
        guard isWithin else { throw .valueOutOfBound(name: spec.name, bound: spec.bound) }
        currentByteCount = end
    }

    /// Decodes bytes behind those of the current tensor that are there.
    private mutating func decode(_ bytes: UnsafeRawBufferPointer, _ spec: TensorSpec) throws(ParameterError) {
        var decoder = (currentByteCount == 0 ? nil : decoder) ?? ElementDecoder(spec)
        try decoder.append(bytes, to: &current)
        self.decoder = decoder
        currentByteCount += bytes.count
    }

    /// The tensors of the complete message.
    ///
    /// - Throws: `malformed` while bytes are missing.
    package func finish() throws(ParameterError) -> ParameterSet {
        guard position == byteCount else {
            throw .malformed(reason: "\(position) bytes where the schema gives \(byteCount)")
        }
        return try ParameterSet(tensors)
    }
}

/// Arrays whose content is no longer needed, kept so that the next message of the same shape allocates nothing.
public struct SpareArrays: Sendable {
    private let limit: Int
    private var arrays: [[Float]] = []
    private var elementCount = 0

    /// Keeps at most `elementLimit` floats.
    public init(elementLimit: Int) { limit = elementLimit }

    /// Gives arrays back. Those that something else still holds are copied when they are written, never shared.
    public mutating func put(_ parameters: consuming ParameterSet) {
        for tensor in parameters.tensors where elementCount + tensor.values.count <= limit {
            elementCount += tensor.values.count
            arrays.append(tensor.values)
        }
    }

    /// An array of `count` floats of any value.
    mutating func take(_ count: Int) -> [Float] {
        if let index = arrays.firstIndex(where: { $0.count == count }) {
            elementCount -= count
            return arrays.remove(at: index)
        }
        return [Float](unsafeUninitializedCapacity: count) { _, initialized in initialized = count }
    }
}
