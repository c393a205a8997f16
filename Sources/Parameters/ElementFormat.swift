import Numerics

/// How the elements of a tensor cross the wire. All but `float32` send the nearest values that they have.
///
/// The number of bytes follows from the declaration alone, and what is decoded is made of floats again: whoever
/// receives a tensor does not see its format.
public enum ElementFormat: Hashable, Sendable, LosslessStringConvertible {
    /// Every bit.
    case float32
    /// The nearest IEEE 754 half, ties to even. Magnitudes above 65,504 are held there.
    case float16
    /// One signed byte an element and one float a block of elements in row-major order, of which the bytes are multiples:
    /// the largest magnitude of the block is 127 of them. The last block may be shorter.
    case int8(blockLength: Int)
    /// The elements of largest magnitude as they are, and zeros elsewhere; of equal ones the first are kept.
    case topK(count: Int)

    /// The name in records, such as `float16`, `int8/64` or `top-k/100`.
    public var description: String {
        switch self {
        case .float32: "float32"
        case .float16: "float16"
        case .int8(let length): "int8/\(length)"
        case .topK(let count): "top-k/\(count)"
        }
    }

    /// The format of a name; `nil` for another text.
    public init?(_ description: String) {
        let parts = description.split(separator: "/", omittingEmptySubsequences: false)
        switch (parts.first, parts.count == 2 ? Int(parts[1]) : nil) {
        case ("float32", nil) where parts.count == 1: self = .float32
        case ("float16", nil) where parts.count == 1: self = .float16
        case ("int8", let length?) where length > 0: self = .int8(blockLength: length)
        case ("top-k", let count?) where count > 0: self = .topK(count: count)
        default: return nil
        }
    }

    /// Whether a tensor of so many elements can have it.
    public func isLegal(elementCount: Int) -> Bool {
        switch self {
        case .float32, .float16: true
        case .int8(let length): length > 0
        case .topK(let count): count > 0 && count <= elementCount && elementCount <= Int(Int32.max)
        }
    }
}

/// One tensor of the safetensors file in which a declared tensor crosses.
public struct TensorPart: Hashable, Sendable {
    /// The name.
    public let name: String
    /// The element type, such as `F32`.
    public let dtype: String
    /// The shape.
    public let shape: [Int]
    /// The bytes of its data.
    public let byteCount: Int

    init(_ name: String, _ dtype: String, bytesAnElement: Int, _ shape: [Int]) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
        byteCount = bytesAnElement * shape.reduce(1, *)
    }
}

extension TensorSpec {
    /// What crosses of the tensor, in the order of its bytes. What is needed to read the rest comes first.
    public var parts: [TensorPart] {
        switch format {
        case .float32: [TensorPart(name, "F32", bytesAnElement: 4, shape)]
        case .float16: [TensorPart(name, "F16", bytesAnElement: 2, shape)]
        case .int8:
            [
                TensorPart(name + ".scales", "F32", bytesAnElement: 4, [leadByteCount / 4]),
                TensorPart(name, "I8", bytesAnElement: 1, shape),
            ]
        case .topK(let count):
            [
                TensorPart(name + ".indices", "U32", bytesAnElement: 4, [count]),
                TensorPart(name + ".values", "F32", bytesAnElement: 4, [count]),
            ]
        }
    }

    /// The bytes that are needed to read the others, and come first: the scales of blocks, or indices.
    var leadByteCount: Int {
        switch format {
        case .float32, .float16: 0
        case .int8(let length): 4 * ((elementCount + length - 1) / length)
        case .topK(let count): 4 * count
        }
    }

    /// The number of bytes of the elements on the wire.
    public var wireByteCount: Int {
        switch format {
        case .float32: byteCount
        case .float16: 2 * elementCount
        case .int8: leadByteCount + elementCount
        case .topK: 2 * leadByteCount
        }
    }

    /// The same tensor with every bit.
    public var asFloat32: TensorSpec {
        TensorSpec(name: name, shape: shape, scope: scope, bound: bound, release: release)
    }

    /// The largest half within the bound.
    var halfLimit: Float {
        let bound = min(bound, FormatKernels.largestHalf)
        let nearest = FormatKernels.halfBits(bound)
        let value = FormatKernels.float(halfBits: nearest)
        return value <= bound ? value : FormatKernels.float(halfBits: nearest - 1)
    }
}

/// The scales of `int8`: floats of 17 significant bits, so that each of their multiples up to 127 is a float too. What has
/// been rounded is therefore rounded to itself.
enum ByteScale {
    /// Blocks of nothing larger than 127 times this become zeros.
    static let least: Float = 0x1p-100

    /// The scale of a block whose largest magnitude is given: that is 127 multiples of it, or a little less.
    static func of(largest: Float, bound: Float) -> Float {
        guard largest >= 127 * least else { return 0 }
        // Rounded up, so that no multiple is beyond 127, unless that one would be beyond the bound.
        let bits = (largest / 127).bitPattern
        let scale = Float(bitPattern: (bits + 0x7F) & ~0x7F)
        let legal = 127 * scale <= bound ? scale : Float(bitPattern: (bound / 127).bitPattern & ~0x7F)
        return legal >= least ? legal : 0
    }

    /// Whether a sender can have made it.
    static func isLegal(_ scale: Float, bound: Float) -> Bool {
        scale.bitPattern == 0 || (scale >= least && 127 * scale <= bound && scale.bitPattern & 0x7F == 0)
    }
}
