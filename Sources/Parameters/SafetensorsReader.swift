import Numerics

/// Reads a safetensors message in parts as they arrive, straight into the tensors' own memory.
///
/// The header must be the canonical one of the declarations; a tensor's memory is taken when its first byte arrives,
/// from arrays that the caller no longer needs where one fits. A large tensor can stay in the memory that it arrives in.
/// Every element is checked when its last byte has arrived.
package struct SafetensorsReader: Sendable {
    private let specs: [TensorSpec]
    private let prefix: [UInt8]
    /// The number of bytes of the whole message.
    package let byteCount: Int
    private var position = 0
    /// The tensor that the next bytes belong to.
    private var index = 0
    /// Whether the elements are taken out as they arrive.
    package let isStreamed: Bool
    /// What `takeElements` will give of tensors that are through.
    private var elements: [TensorStorage] = []
    private var tensors: [ParameterSet.Tensor] = []
    private var current: [Float] = []
    private var currentByteCount = 0
    /// Of a tensor in another format than `float32`.
    private var decoder: ElementDecoder?
    /// Where the current tensor's elements lie, while they stay in the memory that they arrive in.
    private var parts: [TensorStorage.Part]?

    /// What a part in somebody else's memory must have on average: many small ones would take more memory than they hold.
    private static let heldByteCount = 1 << 16

    /// A reader of exactly the given declarations.
    ///
    /// - Parameter isStreamed: whether the elements are taken out as they arrive, by `takeElements`; all are `float32` then.
    package init(specs: [TensorSpec], isStreamed: Bool = false) {
        precondition(
            !isStreamed || specs.allSatisfy { $0.format == .float32 }, "a stream of another format than float32")
        self.isStreamed = isStreamed
        let specs = specs.sorted { $0.name < $1.name }
        self.specs = specs
        prefix = Safetensors.prefix(specs)
        byteCount = prefix.count + specs.reduce(0) { $0 + $1.wireByteCount }
    }

    /// Takes the next bytes. *Complexity*: O(bytes).
    ///
    /// - Parameters:
    ///   - holder: who keeps the bytes as long as it lives; `nil` when they are valid during the call only.
    ///   - spare: arrays that may be overwritten; one that fits is taken out.
    /// - Throws: `malformed`, `valueOutOfBound`; the reader must then not be used again.
    package mutating func append(
        _ bytes: UnsafeRawBufferPointer, holder: (any AnyObject & Sendable)? = nil, spare: inout SpareArrays
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
            let spec = specs[index]
            let count = min(spec.wireByteCount - currentByteCount, rest.count)
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
            if isStreamed { try stream(part, holder, spec) } else { try keep(part, holder, &spare, spec) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            position += count
            guard currentByteCount == spec.wireByteCount else { continue }
            index += 1
            currentByteCount = 0
            if isStreamed { endStretch() } else { endTensor(spec) }
        }
    }

    /// Takes bytes of the current tensor that `finish` will give, where they lie if they can stay there.
    private mutating func keep(
        _ bytes: UnsafeRawBufferPointer, _ holder: (any AnyObject & Sendable)?, _ spare: inout SpareArrays,
        _ spec: TensorSpec
    ) throws(ParameterError) {
        if currentByteCount == 0 {
            parts = spec.format == .float32 && spec.byteCount >= SafetensorsReader.heldByteCount ? [] : nil
            if parts == nil { current = spare.take(spec.elementCount) }
        }
        if let before = parts {
            if try hold(bytes, holder, spec) { return }
            // It goes on in an array.
            current = spare.take(spec.elementCount)
            current.withUnsafeMutableBufferPointer { before.copy(to: $0) }
            parts = nil
        }
        if spec.format == .float32 { try fill(bytes, spec) } else { try decode(bytes, spec) }
    }

    /// Puts the current tensor, which is complete, to what `finish` will give.
    private mutating func endTensor(_ spec: TensorSpec) {
        let storage = parts.map { TensorStorage($0) } ?? TensorStorage(current)
        tensors.append(ParameterSet.Tensor(checked: storage, spec))
        parts = nil
        current = []
    }

    /// Takes bytes of the current tensor where they lie, and checks them; returns whether they can stay there.
    private mutating func hold(
        _ bytes: UnsafeRawBufferPointer, _ holder: (any AnyObject & Sendable)?, _ spec: TensorSpec
    ) throws(ParameterError) -> Bool {
        #if _endian(little)
            guard let holder, let partCount = parts?.count,
                isStreamed || partCount <= spec.byteCount / SafetensorsReader.heldByteCount, bytes.count % 4 == 0,
                Int(bitPattern: bytes.baseAddress) % MemoryLayout<Float>.alignment == 0
            else { return false }
            let elements = bytes.assumingMemoryBound(to: Float.self)
            guard FloatKernels.isWithin(elements, bound: spec.bound) else {
                throw .valueOutOfBound(name: spec.name, bound: spec.bound)
            }
            parts?.append(elements, holder)
            currentByteCount += bytes.count
            return true
        #else
            return false
        #endif
    }

    /// Takes bytes of the current tensor that `takeElements` will give, where they lie if they can stay there.
    private mutating func stream(
        _ bytes: UnsafeRawBufferPointer, _ holder: (any AnyObject & Sendable)?, _ spec: TensorSpec
    ) throws(ParameterError) {
        guard bytes.count % 4 == 0, currentByteCount % 4 == 0 else {
            throw .malformed(reason: "a piece ends within a value of \(spec.name)")
        }
        if current.isEmpty {
            if parts == nil { parts = [] }
            if try hold(bytes, holder, spec) { return }
        }
        for part in parts ?? [] { current.append(contentsOf: part.elements) }
        parts = nil
        let start = current.count
        for offset in stride(from: 0, to: bytes.count, by: 4) {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            current.append(Float(bitPattern: UInt32(littleEndian: word)))
        }
        let isWithin = current.withUnsafeBufferPointer {
            FloatKernels.isWithin(UnsafeBufferPointer(rebasing: $0[start...]), bound: spec.bound)
        }
        guard isWithin else { throw .valueOutOfBound(name: spec.name, bound: spec.bound) }
        currentByteCount += bytes.count
    }

    /// Puts what has arrived of the current tensor since the last call to what can be taken.
    private mutating func endStretch() {
        if let parts, !parts.isEmpty { elements.append(TensorStorage(parts)) }
        if !current.isEmpty { elements.append(TensorStorage(current)) }
        parts = nil
        current = []
    }

    /// The elements that have arrived since the last call, those of each tensor together; they are not kept.
    package mutating func takeElements() -> [TensorStorage] {
        endStretch()
        defer { elements = [] }
        return elements
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
    /// Of a stream it has none.
    ///
    /// - Throws: `malformed` while bytes are missing.
    package func finish() throws(ParameterError) -> ParameterSet {
        guard position == byteCount else {
            throw .malformed(reason: "\(position) bytes where the schema gives \(byteCount)")
        }
        return try ParameterSet(tensors)
    }
}
