import Numerics
import Synchronization

/// The elements of one tensor, which several holders share: a parameter set, frames on their way, a sum.
///
/// They are never written, so that their address stays as long as the storage lives, and another thread can read them.
/// Those of a received tensor may lie in the frames that they came in, in parts; an array of them is made when somebody
/// asks for one.
package final class TensorStorage: Sendable {
    /// Consecutive elements in memory of somebody else's, who keeps it until the holder is let go.
    struct Part: Sendable {
        /// Where they begin.
        private let address: UInt
        var count: Int
        let holder: any AnyObject & Sendable

        init?(_ elements: UnsafeBufferPointer<Float>, _ holder: any AnyObject & Sendable) {
            guard let base = elements.baseAddress else { return nil }
            address = UInt(bitPattern: base)
            count = elements.count
            self.holder = holder
        }

        /// The elements; valid as long as the holder lives.
        var elements: UnsafeBufferPointer<Float> {
            UnsafeBufferPointer(start: UnsafePointer(bitPattern: address), count: count)
        }

        /// Whether a part of the same memory begins where this one ends.
        func isFollowed(by other: Part) -> Bool {
            other.holder === holder && other.address == address + UInt(4 * count)
        }
    }

    /// The number of elements.
    package let count: Int
    private let array: [Float]
    private let parts: [Part]
    /// The array of the parts, once it has been asked for.
    private let joined = Mutex<[Float]?>(nil)

    init(_ values: [Float]) {
        count = values.count
        array = values
        parts = []
    }

    init(_ parts: [Part]) {
        count = parts.reduce(0) { $0 + $1.count }
        array = []
        self.parts = parts
    }

    /// The elements. *Complexity*: O(1), save the first time that a received tensor is asked.
    package var values: [Float] {
        guard !parts.isEmpty else { return array }
        return joined.withLock { joined in
            if let joined { return joined }
            let values = [Float](unsafeUninitializedCapacity: count) { target, initialized in
                parts.copy(to: target)
                initialized = count
            }
            joined = values
            return values
        }
    }

    /// Whether the elements lie in an array of their own.
    var isArray: Bool { parts.isEmpty }

    /// Adds the elements of several storages to sums in fixed point, or makes theirs the sums. *Complexity*: O(elements).
    ///
    /// - Precondition: at most `FloatKernels.batchLimit` storages, each with as many elements as there are sums.
    static func add(
        _ storages: [TensorStorage], exponent: Int, to sums: UnsafeMutableBufferPointer<Int64>, isFirst: Bool
    ) {
        stretches(of: storages) { start, length, vectors in
            FloatKernels.addFixedPoint(
                vectors, exponent: exponent,
                to: UnsafeMutableBufferPointer(rebasing: sums[start..<start + length]), isFirst: isFirst)
        }
    }

    /// Calls `body` with stretches of several storages that each lie in one piece of memory in all of them: where they
    /// begin, how long they are, and an address in each storage. *Complexity*: O(storages · parts).
    ///
    /// - Precondition: all have as many elements.
    static func stretches(
        of storages: [TensorStorage], _ body: (Int, Int, [UnsafePointer<Float>]) -> Void
    ) {
        guard let first = storages.first else { return }
        precondition(storages.allSatisfy { $0.count == first.count }, "storages of different lengths")
        // Arrays stay where they are as long as their storages do.
        let lists = storages.map { storage in
            storage.isArray
                ? storage.array.withUnsafeBufferPointer { $0.baseAddress.map { [($0, storage.count)] } ?? [] }
                : storage.parts.compactMap { part in part.elements.baseAddress.map { ($0, part.count) } }
        }
        var places = lists.map { _ in (part: 0, offset: 0) }
        var start = 0
        while start < first.count {
            let length = zip(lists, places).map { $0[$1.part].1 - $1.offset }.min() ?? 0
            body(start, length, zip(lists, places).map { $0[$1.part].0 + $1.offset })
            for index in places.indices {
                places[index].offset += length
                if places[index].offset == lists[index][places[index].part].1 {
                    places[index] = (places[index].part + 1, 0)
                }
            }
            start += length
        }
        withExtendedLifetime(storages) {}
    }
}

extension [TensorStorage.Part] {
    /// Goes on with elements behind the others, in the same part where they follow each other in one holder's memory.
    mutating func append(_ elements: UnsafeBufferPointer<Float>, _ holder: any AnyObject & Sendable) {
        guard let part = TensorStorage.Part(elements, holder) else { return }
        if let last, last.isFollowed(by: part) { self[count - 1].count += part.count } else { append(part) }
    }

    /// Copies the elements of all parts, one part after the other.
    ///
    /// - Precondition: there is room for them.
    func copy(to target: UnsafeMutableBufferPointer<Float>) {
        var position = 0
        for part in self {
            _ = UnsafeMutableBufferPointer(rebasing: target[position..<position + part.count])
                .initialize(from: part.elements)
            position += part.count
        }
    }
}
