package import Numerics
package import Parameters

/// Random declarations and values for seeded loops.
package enum Generated {
    private static let stems = ["factors", "items.count", "a \"quoted\" name", "back\\slash", "zeile\n", "größe", "物"]

    /// One to `tensorCount` declarations of up to three dimensions, with names that JSON has to escape among them.
    package static func schema(
        tensorCount: Int = 6, longestDimension: Int = 7, _ stream: inout RandomStream
    ) throws(ParameterError) -> ParameterSchema {
        var specs: [TensorSpec] = []
        for index in 0...stream.integer(below: tensorCount) {
            var shape: [Int] = []
            for _ in 0...stream.integer(below: 3) { shape.append(1 + stream.integer(below: longestDimension)) }
            let domain = ParameterScope.domain(["books", "movies"][stream.integer(below: 2)])
            specs.append(
                TensorSpec(
                    name: "\(stems[stream.integer(below: stems.count)])-\(index)", shape: shape,
                    scope: stream.integer(below: 2) == 0 ? .global : domain,
                    bound: Float(sign: .plus, exponent: stream.integer(below: 40) - 10, significand: 1.5),
                    release: "release-\(stream.integer(below: 3))"))
        }
        return try ParameterSchema(specs)
    }

    /// The same declarations in formats that the stream chooses, `float32` among them.
    package static func formatted(
        _ schema: ParameterSchema, _ stream: inout RandomStream
    ) throws(ParameterError) -> ParameterSchema {
        var specs: [TensorSpec] = []
        for spec in schema.specs {
            let format: ElementFormat =
                switch stream.integer(below: 4) {
                case 0: .float32
                case 1: .float16
                case 2: .int8(blockLength: 1 + stream.integer(below: spec.elementCount + 3))
                default: .topK(count: 1 + stream.integer(below: spec.elementCount))
                }
            specs.append(
                TensorSpec(
                    name: spec.name, shape: spec.shape, scope: spec.scope, bound: spec.bound, release: spec.release,
                    format: format))
        }
        return try ParameterSchema(specs)
    }

    /// What arrives of parameters in the formats of their declarations.
    package static func arriving(_ parameters: ParameterSet) throws(ParameterError) -> ParameterSet {
        var out = ParameterSet()
        for tensor in parameters.tensors {
            out.set(try ParameterSet.Tensor(tensor.spec, values: tensor.spec.arriving(tensor.values)))
        }
        return out
    }

    /// Legal values of every declaration: mostly uniform within the bound, with zeros, bounds and subnormals among them.
    package static func parameters(
        _ specs: [TensorSpec], _ stream: inout RandomStream
    ) throws(ParameterError) -> ParameterSet {
        var tensors: [ParameterSet.Tensor] = []
        for spec in specs {
            let values = (0..<spec.elementCount).map { _ in value(bound: spec.bound, &stream) }
            tensors.append(try ParameterSet.Tensor(spec, values: values))
        }
        return try ParameterSet(tensors)
    }

    private static func value(bound: Float, _ stream: inout RandomStream) -> Float {
        switch stream.integer(below: 16) {
        case 0: return 0
        case 1: return -0.0
        case 2: return bound
        case 3: return -bound
        case 4: return .leastNonzeroMagnitude
        default: return Float((2 * stream.uniform() - 1)) * bound
        }
    }
}

extension ParameterSet {
    /// The bits of all elements by tensor: equal when two sets are equal in every bit, −0 and 0 apart.
    package var bitPatterns: [[UInt32]] { tensors.map { $0.values.map(\.bitPattern) } }
}
