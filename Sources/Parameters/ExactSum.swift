import Numerics

/// Sums of updates in 64-bit fixed point: exact, so that the order of arrival changes no bit.
///
/// Each tensor has its own power-of-two scale, the largest for which `clientCount` values at the declared bound cannot
/// overflow. A value is rounded once to that grid; all further arithmetic is exact. Memory is O(parameters), and is kept
/// from round to round; a few updates wait to be added together.
public struct ExactSum: Sendable {
    private struct Entry: Sendable {
        let spec: TensorSpec
        let exponent: Int
        var values: [Int64]
        /// The updates that are part of the sum, those that wait among them.
        var count = 0
        var waiting: [TensorStorage] = []

        /// Adds those that wait.
        mutating func fold() {
            guard !waiting.isEmpty else { return }
            let (exponent, isFirst) = (exponent, count == waiting.count)
            values.withUnsafeMutableBufferPointer {
                TensorStorage.add(waiting, exponent: exponent, to: $0, isFirst: isFirst)
            }
            waiting.removeAll(keepingCapacity: true)
        }
    }

    /// How many bytes of one tensor may wait: to go through the sums costs more than to go through updates.
    private static let waitingByteLimit = 24 << 20

    private var entries: [Entry] = []
    private let clientCount: Int

    /// An empty sum for updates of at most `clientCount` clients.
    public init(clientCount: Int) {
        precondition(clientCount > 0, "a sum over \(clientCount) clients")
        self.clientCount = clientCount
    }

    /// The exponent e of the scale 2ᵉ at which `clientCount` values of magnitude `bound` sum to at most 2⁶².
    package static func scaleExponent(bound: Float, clientCount: Int) -> Int {
        let headroom = 64 - (UInt64(clientCount) - 1).leadingZeroBitCount
        return 62 - (Int(bound.exponent) + 1) - headroom
    }

    /// Empties the sum. What the last round did not use gives its memory back.
    public mutating func reset() {
        entries.removeAll { $0.count == 0 }
        for index in entries.indices {
            entries[index].count = 0
            entries[index].waiting.removeAll(keepingCapacity: true)
        }
    }

    /// Adds the tensors of one complete, validated update. *Complexity*: O(elements).
    public mutating func add(_ parameters: ParameterSet) {
        for tensor in parameters.tensors {
            var index = entries.firstIndex { $0.spec.name == tensor.spec.name } ?? entries.endIndex
            if index < entries.endIndex, entries[index].count == 0, entries[index].spec != tensor.spec {
                entries.remove(at: index)
                index = entries.endIndex
            }
            if index == entries.endIndex {
                let exponent = ExactSum.scaleExponent(bound: tensor.spec.bound, clientCount: clientCount)
                let zeros = [Int64](repeating: 0, count: tensor.spec.elementCount)
                entries.append(Entry(spec: tensor.spec, exponent: exponent, values: zeros))
            }
            precondition(entries[index].spec == tensor.spec, "two declarations of \(tensor.spec.name) in one sum")
            precondition(
                entries[index].count < clientCount, "more updates than the \(clientCount) of the sum's clients")
            entries[index].count += 1
            entries[index].waiting.append(tensor.storage)
            let count = entries[index].waiting.count
            if count == FloatKernels.batchLimit || count * tensor.spec.byteCount > ExactSum.waitingByteLimit {
                entries[index].fold()
            }
        }
    }

    /// The sums as parameters.
    ///
    /// - Throws: `valueOutOfBound` when a sum exceeds the declared bound of its tensor.
    public mutating func total() throws(ParameterError) -> ParameterSet {
        var spare = SpareArrays(elementLimit: 0)
        return try total(times: 1, spare: &spare)
    }

    /// The sums times a factor as parameters, in memory that may be used again where some fits.
    ///
    /// - Throws: `valueOutOfBound` when a product exceeds the declared bound of its tensor.
    public mutating func total(times factor: Double, spare: inout SpareArrays) throws(ParameterError) -> ParameterSet {
        var out = ParameterSet()
        for index in entries.indices where entries[index].count > 0 {
            entries[index].fold()
            let entry = entries[index]
            var values = spare.take(entry.values.count)
            values.withUnsafeMutableBufferPointer { target in
                entry.values.withUnsafeBufferPointer {
                    FloatKernels.write($0, exponent: entry.exponent, times: factor, to: target)
                }
            }
            out.set(try ParameterSet.Tensor(entry.spec, values: values))
        }
        return out
    }
}
