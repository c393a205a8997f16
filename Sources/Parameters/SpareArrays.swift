/// Arrays whose content is no longer needed, kept so that the next message of the same shape allocates nothing.
public struct SpareArrays: Sendable {
    private let limit: Int
    private var storages: [TensorStorage] = []
    private var elementCount = 0

    /// Keeps at most `elementLimit` floats.
    public init(elementLimit: Int) { limit = elementLimit }

    /// Gives arrays back. One that something else still holds is not used before it has been let go.
    public mutating func put(_ parameters: consuming ParameterSet) {
        for tensor in parameters.tensors
        where tensor.storage.isArray && elementCount + tensor.spec.elementCount <= limit {
            elementCount += tensor.spec.elementCount
            storages.append(tensor.storage)
        }
    }

    /// An array of `count` floats of any value. *Complexity*: O(arrays kept).
    mutating func take(_ count: Int) -> [Float] {
        for index in storages.indices
        where storages[index].count == count && isKnownUniquelyReferenced(&storages[index]) {
            elementCount -= count
            return storages.remove(at: index).values
        }
        return [Float](unsafeUninitializedCapacity: count) { _, initialized in initialized = count }
    }
}
