public import Cryptography

/// Where a shared tensor may travel. Private tensors (user factors, support sets) have no scope: they have no place in
/// a schema and therefore no bytes on the wire.
public enum ParameterScope: Hashable, Sendable, CustomStringConvertible {
    /// From the clients of one domain to those of the domain and to persons clients linked to it.
    case domain(String)
    /// To every client.
    case global

    /// `global`, or `domain:` and its name.
    public var description: String {
        switch self {
        case .domain(let name): "domain:\(name)"
        case .global: "global"
        }
    }
}

/// The declaration of one shared tensor.
public struct TensorSpec: Hashable, Sendable {
    /// The name, unique in a schema, such as `books.item-factors`.
    public let name: String
    /// The length of each dimension.
    public let shape: [Int]
    /// Where it may travel.
    public let scope: ParameterScope
    /// The largest legal magnitude of an element; anything above, NaN and infinities are refused.
    public let bound: Float
    /// The name of the release in the privacy ledger under which it leaves a client.
    public let release: String
    /// How its elements cross the wire.
    public let format: ElementFormat

    /// Declares a tensor.
    ///
    /// - Precondition: every dimension is positive, the element count does not overflow, and it can have the format.
    public init(
        name: String, shape: [Int], scope: ParameterScope, bound: Float, release: String,
        format: ElementFormat = .float32
    ) {
        precondition(
            shape.allSatisfy { $0 > 0 } && bound > 0 && bound.isFinite
                && format.isLegal(elementCount: shape.reduce(1, *)), "the declaration of \(name)")
        self.format = format
        self.name = name
        self.shape = shape
        self.scope = scope
        self.bound = bound
        self.release = release
    }

    /// The number of elements.
    public var elementCount: Int { shape.reduce(1, *) }
    /// The number of bytes of the elements as 32-bit floats.
    public var byteCount: Int { 4 * elementCount }
}

/// Every tensor that may cross a socket in one run; what is not in it cannot be sent.
public struct ParameterSchema: Sendable, Equatable {
    /// The declarations in order of name.
    public let specs: [TensorSpec]
    private let indices: [String: Int]

    /// A schema of the given declarations.
    ///
    /// - Throws: `duplicateName`, also for a name that a part of another tensor has.
    public init(_ specs: [TensorSpec]) throws(ParameterError) {
        let sorted = specs.sorted { $0.name < $1.name }
        var indices: [String: Int] = [:]
        for (index, spec) in sorted.enumerated() {
            guard indices.updateValue(index, forKey: spec.name) == nil else { throw .duplicateName(spec.name) }
        }
        for spec in sorted where spec.format != .float32 {
            for part in spec.parts where part.name != spec.name && indices[part.name] != nil {
                throw .duplicateName(part.name)
            }
        }
        self.specs = sorted
        self.indices = indices
    }

    /// The declaration of a name.
    ///
    /// - Throws: `unknownTensor`.
    public func spec(_ name: String) throws(ParameterError) -> TensorSpec {
        guard let index = indices[name] else { throw .unknownTensor(name) }
        return specs[index]
    }

    /// A digest of all declarations: equal when two processes agree on every name, shape, scope, bound and format.
    public var digest: Digest {
        var hasher = FieldHasher(purpose: "ferry.parameter-schema/1")
        for spec in specs {
            hasher.update(spec.name)
            hasher.update(spec.scope.description)
            hasher.update(spec.release)
            hasher.update(Int(spec.bound.bitPattern))
            hasher.update(spec.shape.count)
            for length in spec.shape { hasher.update(length) }
            if spec.format != .float32 { hasher.update("format \(spec.format)") }
        }
        return hasher.finalize()
    }
}

/// What can be wrong with parameters.
public enum ParameterError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Two tensors have one name.
    case duplicateName(String)
    /// A name that the schema does not declare.
    case unknownTensor(String)
    /// A tensor that was expected is absent.
    case missingTensor(String)
    /// The number of elements differs from the declaration.
    case elementCountMismatch(name: String, expected: Int, actual: Int)
    /// An element is NaN, infinite or larger than the declared bound.
    case valueOutOfBound(name: String, bound: Float)
    /// The bytes are not a safetensors file with exactly the declared tensors.
    case malformed(reason: String)

    /// One sentence.
    public var description: String {
        switch self {
        case .duplicateName(let name): "two tensors are called \(name)"
        case .unknownTensor(let name): "tensor \(name) is not in the run's schema"
        case .missingTensor(let name): "tensor \(name) is missing"
        case .elementCountMismatch(let name, let expected, let actual):
            "tensor \(name) has \(actual) elements, the schema says \(expected)"
        case .valueOutOfBound(let name, let bound):
            "tensor \(name) holds a value that is not finite or exceeds \(bound)"
        case .malformed(let reason): "malformed tensors: \(reason)"
        }
    }
}
