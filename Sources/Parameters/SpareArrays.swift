/// Arrays whose content is no longer needed, kept so that the next message of the same shape allocates nothing.
///
/// Only long arrays of lengths that have been asked for are kept: others would never be taken out again.
public struct SpareArrays: Sendable {
    /// Shorter arrays cost no more to make than to keep.
    private static let leastElementCount = 1_024

    /// More arrays of one length come back than are taken only where fewer are needed.
    private static let countLimit = 16

    private let limit: Int
    private var storages: [TensorStorage] = []
    private var elementCount = 0
    /// The lengths that have been asked for.
    private var wanted: Set<Int> = []

    /// Keeps at most `elementLimit` floats.
    public init(elementLimit: Int) { limit = elementLimit }

    /// Gives arrays back. One that something else still holds is not used before it has been let go.
    public mutating func put(_ parameters: consuming ParameterSet) {
        for tensor in parameters.tensors
        where tensor.storage.isArray && wanted.contains(tensor.spec.elementCount)
            && elementCount + tensor.spec.elementCount <= limit
            && storages.count(where: { $0.count == tensor.spec.elementCount }) < SpareArrays.countLimit
        {
            elementCount += tensor.spec.elementCount
            storages.append(tensor.storage)
        }
    }

    /// An array of `count` floats of any value. *Complexity*: O(arrays kept).
    mutating func take(_ count: Int) -> [Float] {
        if count >= SpareArrays.leastElementCount { wanted.insert(count) }
        for index in storages.indices
        where storages[index].count == count && isKnownUniquelyReferenced(&storages[index]) {
            elementCount -= count
            return storages.remove(at: index).values
        }
        return [Float](unsafeUninitializedCapacity: count) { _, initialized in initialized = count }
    }

    /// The arrays that are kept.
    package var count: Int { storages.count }
}
