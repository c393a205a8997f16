/// Collects rows in any order and makes interactions of them.
///
/// Rows are kept in fixed runs, 12 bytes a row and 8 more with times, which are freed while the matrix is filled: the
/// peak is little more than twice the matrix.
struct InteractionBuilder {
    /// What the rows came to.
    struct Result {
        let interactions: Interactions
        /// The line of the first repeated pair, when the rule is `error`.
        let firstDuplicateLine: Int?
        /// The place in the catalogue of each item, by its number.
        let itemRanks: [UInt32]
    }

    /// A run of rows in the order of the file.
    private struct Run {
        static let capacity = 1 << 18
        var persons: [UInt32] = []
        var items: [UInt32] = []
        var ratings: [Float] = []
        var times: [Int64] = []

        mutating func reserve(keepsTimes: Bool) {
            persons.reserveCapacity(Run.capacity)
            items.reserveCapacity(Run.capacity)
            ratings.reserveCapacity(Run.capacity)
            if keepsTimes { times.reserveCapacity(Run.capacity) }
        }
    }

    private var persons: IdentifierTable
    /// The items, numbered in order of first appearance.
    private(set) var items: IdentifierTable
    private let isCatalogueFixed: Bool
    private let keepsTimes: Bool
    private let keepsLines: Bool
    private var full: [Run] = []
    private var run = Run()
    /// The number of rows.
    private(set) var rowCount = 0
    /// Where the difference between line and row changes.
    private var lineShifts: [(row: Int, shift: Int)] = []

    /// Starts with a fixed catalogue, or with one that grows with the rows. Lines serve the rule `error` alone.
    init(catalogue: IdentifierTable?, keepsTimes: Bool, keepsLines: Bool, allowsLatin1: Bool = false) {
        persons = IdentifierTable(allowsLatin1: allowsLatin1)
        items = catalogue ?? IdentifierTable(allowsLatin1: allowsLatin1)
        isCatalogueFixed = catalogue != nil
        self.keepsTimes = keepsTimes
        self.keepsLines = keepsLines
    }

    /// Starts with a fixed catalogue.
    init(catalogue: [String]) {
        var table = IdentifierTable()
        for item in catalogue {
            do throws(LineProblem) {
                _ = try table.index(adding: Array(item.utf8).span)
            } catch { preconditionFailure("a catalogue of 2³² items") }
        }
        self.init(catalogue: table, keepsTimes: true, keepsLines: true)
    }

    /// Adds a row; returns false when the item is not in the fixed catalogue.
    mutating func add(
        person: Span<UInt8>, item: Span<UInt8>, rating: Float, time: Int64, line: Int
    ) throws(LineProblem) -> Bool {
        let itemIndex: UInt32
        if isCatalogueFixed {
            guard let known = items.index(of: item) else { return false }
            itemIndex = known
        } else {
            itemIndex = try items.index(adding: item)
        }
        guard rowCount < Int(UInt32.max) else { throw .tooMany }
        let personIndex = try persons.index(adding: person)
        if run.persons.count == Run.capacity {
            full.append(run)
            run = Run()
            run.reserve(keepsTimes: keepsTimes)
        }
        run.persons.append(personIndex)
        run.items.append(itemIndex)
        run.ratings.append(rating)
        if keepsTimes { run.times.append(time) }
        if keepsLines, lineShifts.last?.shift != line - rowCount {
            lineShifts.append((row: rowCount, shift: line - rowCount))
        }
        rowCount += 1
        return true
    }

    /// Adds a row; returns false when the item is not in the fixed catalogue.
    mutating func add(person: String, item: String, rating: Float, time: Int64, line: Int) -> Bool {
        do throws(LineProblem) {
            return try add(
                person: Array(person.utf8).span, item: Array(item.utf8).span, rating: rating, time: time, line: line)
        } catch { preconditionFailure("2³² rows") }
    }

    /// Makes the interactions and forgets the rows.
    ///
    /// - Precondition: the builder keeps times when there are times, and lines when the rule is `error`.
    mutating func build(rule: DuplicateRule, hasTimes: Bool, timesArePositions: Bool = false) -> Result {
        precondition((keepsTimes || !hasTimes) && (keepsLines || rule != .error), "what the builder kept")
        let (personIDs, personRanks) = persons.ranked()
        let (itemIDs, itemRanks) = items.ranked()
        let rowCount = rowCount
        full.append(run)
        run = Run()
        var starts = [Int](repeating: 0, count: personIDs.count + 1)
        for run in full { for person in run.persons { starts[Int(personRanks[Int(person)]) + 1] += 1 } }
        for person in 0..<personIDs.count { starts[person + 1] += starts[person] }
        var next = starts
        var rows = UnsortedRows(count: rowCount, hasTimes: hasTimes, hasOrder: rule == .error)
        var order: UInt32 = 0
        for index in full.indices {
            let run = full[index]
            full[index] = Run()
            for place in 0..<run.persons.count {
                let person = Int(personRanks[Int(run.persons[place])])
                let target = next[person]
                next[person] = target + 1
                rows.columns[target] = itemRanks[Int(run.items[place])]
                rows.ratings[target] = run.ratings[place]
                if hasTimes { rows.times[target] = run.times[place] }
                if rule == .error { rows.order[target] = order }
                order &+= 1
            }
        }
        full = []
        self.rowCount = 0
        rows.sortAndMerge(&starts, rule: rule)
        let firstDuplicateLine = rows.firstDuplicate.map { row in
            row + (lineShifts.last { $0.row <= row }?.shift ?? 0)
        }
        let matrix = SparseRows(starts: starts, columns: rows.columns, columnCount: itemIDs.count)
        let interactions = Interactions(
            persons: personIDs, items: itemIDs, rows: matrix, ratings: rows.ratings, times: rows.times,
            timesArePositions: timesArePositions, duplicateCount: rowCount - rows.columns.count)
        return Result(interactions: interactions, firstDuplicateLine: firstDuplicateLine, itemRanks: itemRanks)
    }
}

/// The cells of a matrix by rows, in the order of the file within each row.
private struct UnsortedRows {
    var columns: [UInt32]
    var ratings: [Float]
    /// Empty without times.
    var times: [Int64]
    /// The number of each cell's row in the file; empty when nobody asks.
    var order: [UInt32]
    /// The number of the first row in the file that repeats a pair, when `order` is kept.
    private(set) var firstDuplicate: Int?

    init(count: Int, hasTimes: Bool, hasOrder: Bool) {
        columns = [UInt32](repeating: 0, count: count)
        ratings = [Float](repeating: 0, count: count)
        times = [Int64](repeating: 0, count: hasTimes ? count : 0)
        order = [UInt32](repeating: 0, count: hasOrder ? count : 0)
    }

    /// Sorts each row by column and makes one cell of those that share a column; `starts` follows.
    mutating func sortAndMerge(_ starts: inout [Int], rule: DuplicateRule) {
        var row = RowBuffer()
        var written = 0
        var begin = 0
        for person in 0..<starts.count - 1 {
            let end = starts[person + 1]
            starts[person] = written
            if isStrictlyAscending(begin..<end) {
                move(begin..<end, to: written)
                written += end - begin
            } else {
                row.load(columns[begin..<end], ratings[begin..<end], times.isEmpty ? [] : times[begin..<end])
                merge(&row, rule: rule, begin: begin, written: &written)
            }
            begin = end
        }
        starts[starts.count - 1] = written
        columns.removeLast(columns.count - written)
        ratings.removeLast(ratings.count - written)
        if !times.isEmpty { times.removeLast(times.count - written) }
    }

    private func isStrictlyAscending(_ range: Range<Int>) -> Bool {
        for place in range.dropFirst() where columns[place - 1] >= columns[place] { return false }
        return true
    }

    private mutating func move(_ range: Range<Int>, to start: Int) {
        guard range.lowerBound != start else { return }
        for place in range {
            let target = start + place - range.lowerBound
            columns[target] = columns[place]
            ratings[target] = ratings[place]
            if !times.isEmpty { times[target] = times[place] }
        }
    }

    private mutating func merge(_ row: inout RowBuffer, rule: DuplicateRule, begin: Int, written: inout Int) {
        var first = 0
        while first < row.keys.count {
            var end = first + 1
            while end < row.keys.count, row.column(end) == row.column(first) { end += 1 }
            if end - first > 1 {
                if !order.isEmpty {
                    // Places rise within a column, so that the second is where the file repeats itself.
                    let repeated = Int(order[begin + row.place(first + 1)])
                    firstDuplicate = min(firstDuplicate ?? repeated, repeated)
                }
                row.sortByTime(first..<end)
            }
            let chosen = rule == .first ? row.place(first) : row.place(end - 1)
            let isMean = rule == .mean || rule == .error || (rule == .byDefault && times.isEmpty)
            columns[written] = row.column(first)
            ratings[written] = isMean && end - first > 1 ? row.mean(first..<end) : row.ratings[chosen]
            if !times.isEmpty { times[written] = row.times[chosen] }
            written += 1
            first = end
        }
    }
}

/// One row while it is sorted.
private struct RowBuffer {
    /// Column and place in the row: sorting them sorts by column, then by the order of the file.
    private(set) var keys: [UInt64] = []
    private(set) var ratings: [Float] = []
    private(set) var times: [Int64] = []

    mutating func load(_ columns: ArraySlice<UInt32>, _ ratings: ArraySlice<Float>, _ times: ArraySlice<Int64>) {
        keys.removeAll(keepingCapacity: true)
        self.ratings.removeAll(keepingCapacity: true)
        self.times.removeAll(keepingCapacity: true)
        for (place, column) in columns.enumerated() {
            keys.append(UInt64(column) << 32 | UInt64(truncatingIfNeeded: place))
        }
        keys.sort()
        self.ratings.append(contentsOf: ratings)
        self.times.append(contentsOf: times)
    }

    func column(_ index: Int) -> UInt32 { UInt32(truncatingIfNeeded: keys[index] >> 32) }

    func place(_ index: Int) -> Int { Int(keys[index] & 0xFFFF_FFFF) }

    mutating func sortByTime(_ range: Range<Int>) {
        guard !times.isEmpty else { return }
        let sorted = keys[range].sorted { left, right in
            let (first, second) = (Int(left & 0xFFFF_FFFF), Int(right & 0xFFFF_FFFF))
            return (times[first], first) < (times[second], second)
        }
        keys.replaceSubrange(range, with: sorted)
    }

    func mean(_ range: Range<Int>) -> Float {
        var sum = 0.0
        for index in range { sum += Double(ratings[place(index)]) }
        return Float(sum / Double(range.count))
    }
}
