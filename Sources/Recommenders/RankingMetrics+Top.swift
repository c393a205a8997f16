public import Ratings

extension RankingMetrics {
    /// The metrics of one person's task under some scores: the query is relevant, what the task excludes is not ranked.
    ///
    /// - Throws: `scoreIsNaN`. *Complexity*: as of `top`.
    public init(scores: [Float], task: PredictionTask, count: Int) throws(Failure) {
        let ranking = try RankingMetrics.top(count, scores: scores, excluded: task.excluded)
        self.init(ranking: ranking, relevant: task.query.items, count: count)
    }

    /// The first `count` items in ranking order, excluded ones left out; fewer when the catalogue has fewer.
    ///
    /// −0 equals 0, and infinities are scores like any other. A NaN is an error wherever it stands, on an excluded item
    /// or behind the list too: it says that the model is broken, and what is excluded differs from person to person.
    ///
    /// *Complexity*: O(items + candidates · log count), where the candidates are the items that were among the best
    /// `count` when their turn came: about count · log(items / count) for scores in random order. O(excluded · log
    /// excluded) more where `excluded` does not ascend.
    /// - Parameters:
    ///   - count: the most items to return.
    ///   - scores: one score an item.
    ///   - excluded: items to leave out, in any order; best ascending.
    /// - Throws: `scoreIsNaN`.
    public static func top(
        _ count: Int, scores: some RandomAccessCollection<Float>, excluded: [UInt32]
    ) throws(Failure) -> [UInt32] {
        precondition(count >= 0, "a list of \(count) items")
        let isAscending = zip(excluded, excluded.dropFirst()).allSatisfy { $0 <= $1 }
        let ascending = isAscending ? excluded : excluded.sorted()
        let ranking =
            scores.withContiguousStorageIfAvailable { best(count, scores: Span(_unsafeElements: $0), ascending) }
            ?? best(count, scores: Array(scores).span, ascending)
        return try ranking.get()
    }

    private static func best(
        _ count: Int, scores: Span<Float>, _ excluded: [UInt32]
    ) -> Result<[UInt32], Failure> {
        precondition(scores.count <= Int(UInt32.max), "a catalogue of \(scores.count) items")
        var selection = Selection(capacity: min(count, scores.count))
        let bytes = scores.bytes
        let width = SIMD8<Float>.scalarCount
        var next = 0
        var item = 0
        while item < scores.count {
            // Almost every block of a long catalogue has no candidate. The comparison is false for a NaN too.
            let threshold = SIMD8<Float>(repeating: selection.threshold)
            while item + width <= scores.count,
                all(
                    bytes.unsafeLoadUnaligned(fromByteOffset: item * MemoryLayout<Float>.stride, as: SIMD8<Float>.self)
                        .<= threshold)
            {
                item += width
            }
            let end = min(item + width, scores.count)
            while item < end {
                defer { item += 1 }
                let score = scores[item]
                // Items come in ascending order, so an equal score ranks behind those already there.
                if score <= selection.threshold { continue }
                guard !score.isNaN else { return .failure(.scoreIsNaN) }
                while next < excluded.count, excluded[next] < item { next += 1 }
                if next < excluded.count, excluded[next] == item { continue }
                selection.insert(score, item: UInt32(truncatingIfNeeded: item))
            }
        }
        return .success(selection.items)
    }
}

/// The best items so far: a heap with the worst of them at the root.
///
/// An item and its score are one integer, greater for the better: the score's bits in an order that follows the numbers,
/// then the item's complement.
private struct Selection {
    private let capacity: Int
    private var heap: [UInt64] = []
    /// Scores up to this one do not enter.
    private(set) var threshold: Float

    init(capacity: Int) {
        self.capacity = capacity
        heap.reserveCapacity(capacity)
        threshold = capacity == 0 ? .infinity : .nan
    }

    /// Takes an item whose score is above the threshold.
    mutating func insert(_ score: Float, item: UInt32) {
        let key = Selection.key(score, item: item)
        if heap.count < capacity {
            heap.append(key)
            siftUp()
            // Until the heap is full the threshold is NaN, which no score is below.
            if heap.count == capacity { threshold = Selection.score(heap[0]) }
        } else {
            siftDown(key)
            threshold = Selection.score(heap[0])
        }
    }

    /// The items, best first.
    var items: [UInt32] {
        heap.sorted(by: >).map { ~UInt32(truncatingIfNeeded: $0) }
    }

    private static func key(_ score: Float, item: UInt32) -> UInt64 {
        // Adding zero turns −0 into 0. Negative numbers descend in their bits, and all of them lie below the others.
        let bits = (score + 0).bitPattern
        let ordered = bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
        return UInt64(ordered) << 32 | UInt64(~item)
    }

    private static func score(_ key: UInt64) -> Float {
        let ordered = UInt32(truncatingIfNeeded: key >> 32)
        return Float(bitPattern: ordered & 0x8000_0000 == 0 ? ~ordered : ordered & 0x7fff_ffff)
    }

    private mutating func siftUp() {
        var child = heap.count - 1
        let key = heap[child]
        while child > 0 {
            let parent = (child - 1) / 2
            if heap[parent] <= key { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = key
    }

    private mutating func siftDown(_ key: UInt64) {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            if child >= heap.count { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            if key <= heap[child] { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = key
    }
}
