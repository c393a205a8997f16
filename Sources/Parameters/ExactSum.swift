/// Sums of updates in 64-bit fixed point: exact, so that the order of arrival changes no bit.
///
/// Each tensor has its own power-of-two scale, the largest for which `clientCount` values at the declared bound cannot
/// overflow. A value is rounded once to that grid; all further arithmetic is exact. Memory is O(parameters).
public struct ExactSum: Sendable {
    private struct Entry: Sendable {
        let spec: TensorSpec
        let exponent: Int
        var values: [Int64]
    }

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

    /// Adds the tensors of one complete, validated update. *Complexity*: O(elements).
    public mutating func add(_ parameters: ParameterSet) {
        for tensor in parameters.tensors {
            let index = entries.firstIndex { $0.spec.name == tensor.spec.name } ?? entries.endIndex
            if index == entries.endIndex {
                let exponent = ExactSum.scaleExponent(bound: tensor.spec.bound, clientCount: clientCount)
                let zeros = [Int64](repeating: 0, count: tensor.spec.elementCount)
                entries.append(Entry(spec: tensor.spec, exponent: exponent, values: zeros))
            }
            precondition(entries[index].spec == tensor.spec, "two declarations of \(tensor.spec.name) in one sum")
            let scale = Double(sign: .plus, exponent: entries[index].exponent, significand: 1)
            entries[index].values.withUnsafeMutableBufferPointer { sums in
                for (element, value) in tensor.values.enumerated() {
                    sums[element] += Int64((Double(value) * scale).rounded(.toNearestOrEven))
                }
            }
        }
    }

    /// The sums as parameters.
    ///
    /// - Throws: `valueOutOfBound` when a sum exceeds the declared bound of its tensor.
    public func total() throws(ParameterError) -> ParameterSet {
        var out = ParameterSet()
        for entry in entries {
            let scale = Double(sign: .plus, exponent: -entry.exponent, significand: 1)
            out.set(try ParameterSet.Tensor(entry.spec, values: entry.values.map { Float(Double($0) * scale) }))
        }
        return out
    }
}
