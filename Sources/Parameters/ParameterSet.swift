import Numerics

/// Named tensors that may be shared, each with the values its declaration allows.
public struct ParameterSet: Sendable, Equatable {
    /// One tensor with its declaration.
    public struct Tensor: Sendable, Equatable {
        /// The declaration.
        public let spec: TensorSpec
        /// The elements in row-major order, `spec.elementCount` of them, finite and within the bound.
        public var values: [Float] { storage.values }
        /// Who holds them.
        package let storage: TensorStorage

        /// Checks values against a declaration.
        ///
        /// - Throws: `elementCountMismatch`, `valueOutOfBound`.
        public init(_ spec: TensorSpec, values: [Float]) throws(ParameterError) {
            guard values.count == spec.elementCount else {
                throw .elementCountMismatch(name: spec.name, expected: spec.elementCount, actual: values.count)
            }
            guard values.withUnsafeBufferPointer({ FloatKernels.isWithin($0, bound: spec.bound) }) else {
                throw .valueOutOfBound(name: spec.name, bound: spec.bound)
            }
            self.init(checked: values, spec)
        }

        /// Changes elements in place, block by block from the last to the first: each is checked while it is in the cache, and
        /// who reads the tensor next finds its beginning there. *Complexity*: O(elements), and a copy when somebody else
        /// holds the values.
        ///
        /// - Parameter body: changes one block of the elements; it is called with each once.
        /// - Throws: `elementCountMismatch`, `valueOutOfBound`.
        public init(
            _ spec: TensorSpec, changing values: consuming [Float], _ body: (UnsafeMutableBufferPointer<Float>) -> Void
        ) throws(ParameterError) {
            guard values.count == spec.elementCount else {
                throw .elementCountMismatch(name: spec.name, expected: spec.elementCount, actual: values.count)
            }
            let isWithin = values.withUnsafeMutableBufferPointer { values in
                var end = values.count
                while end > 0 {
                    let start = (end - 1) / FloatKernels.blockCount * FloatKernels.blockCount
                    let block = UnsafeMutableBufferPointer(rebasing: values[start..<end])
                    body(block)
                    guard FloatKernels.isWithin(UnsafeBufferPointer(block), bound: spec.bound) else { return false }
                    end = start
                }
                return true
            }
            guard isWithin else { throw .valueOutOfBound(name: spec.name, bound: spec.bound) }
            self.init(checked: values, spec)
        }

        /// Takes values whose number and range have been checked.
        init(checked values: [Float], _ spec: TensorSpec) { self.init(checked: TensorStorage(values), spec) }

        /// Takes elements whose number and range have been checked.
        init(checked storage: TensorStorage, _ spec: TensorSpec) {
            self.spec = spec
            self.storage = storage
        }

        /// Whether declarations and values are equal.
        public static func == (one: Tensor, other: Tensor) -> Bool {
            one.spec == other.spec && (one.storage === other.storage || one.values == other.values)
        }
    }

    /// The tensors in order of name.
    public private(set) var tensors: [Tensor] = []

    /// No tensors.
    public init() {}

    /// A set of tensors.
    ///
    /// - Throws: `duplicateName`.
    public init(_ tensors: [Tensor]) throws(ParameterError) {
        self.tensors = tensors.sorted { $0.spec.name < $1.spec.name }
        for (first, second) in zip(self.tensors, self.tensors.dropFirst()) where first.spec.name == second.spec.name {
            throw .duplicateName(first.spec.name)
        }
    }

    /// Adds a tensor or replaces the one of the same name. *Complexity*: O(tensors).
    public mutating func set(_ tensor: Tensor) {
        let index = tensors.firstIndex { $0.spec.name >= tensor.spec.name } ?? tensors.endIndex
        if index < tensors.endIndex, tensors[index].spec.name == tensor.spec.name {
            tensors[index] = tensor
        } else {
            tensors.insert(tensor, at: index)
        }
    }

    /// The values of a tensor, or `nil` when it is not in the set.
    public func values(_ name: String) -> [Float]? { tensors.first { $0.spec.name == name }?.values }

    /// The values of a tensor.
    ///
    /// - Throws: `missingTensor`.
    public func require(_ name: String) throws(ParameterError) -> [Float] {
        guard let values = values(name) else { throw .missingTensor(name) }
        return values
    }

    /// Takes a tensor out, for one who goes on to write in its memory: nothing is copied when nobody else holds it.
    ///
    /// - Throws: `missingTensor`.
    public mutating func take(_ name: String) throws(ParameterError) -> [Float] {
        guard let index = tensors.firstIndex(where: { $0.spec.name == name }) else { throw .missingTensor(name) }
        return tensors.remove(at: index).values
    }

    /// The tensors whose declaration satisfies a condition.
    public func filter(_ isIncluded: (TensorSpec) -> Bool) -> ParameterSet {
        var out = ParameterSet()
        out.tensors = tensors.filter { isIncluded($0.spec) }
        return out
    }

    /// The declarations in order of name.
    public var specs: [TensorSpec] { tensors.map(\.spec) }
}
