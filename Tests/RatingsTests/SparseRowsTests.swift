import Numerics
import Ratings
import Testing

@Suite struct SparseRowsTests {
    /// A random pattern with empty rows and columns.
    private func random(_ stream: inout RandomStream) -> SparseRows {
        let columnCount = stream.integer(below: 30)
        var starts = [0]
        var columns: [UInt32] = []
        for _ in 0..<stream.integer(below: 30) {
            let density = stream.uniform() * stream.uniform()
            for column in 0..<columnCount where stream.uniform() < density { columns.append(UInt32(column)) }
            starts.append(columns.count)
        }
        return SparseRows(starts: starts, columns: columns, columnCount: columnCount)
    }

    private func pairs(_ rows: SparseRows) -> [[Int]] {
        (0..<rows.rowCount).flatMap { row in rows.row(row).map { [row, Int($0)] } }
    }

    @Test func theTransposeOfAKnownPatternIsKnown() {
        let rows = SparseRows(starts: [0, 2, 2, 3], columns: [0, 3, 0], columnCount: 4)
        #expect(rows.transposed == SparseRows(starts: [0, 2, 2, 2, 3], columns: [0, 2, 0], columnCount: 3))
        #expect(rows.rowCount == 3)
        #expect(Array(rows.row(0)) == [0, 3])
        #expect(rows.row(1).isEmpty)
    }

    @Test func theTransposeSwapsEveryPairAndTwiceIsTheSame() {
        var stream = RandomStream(root: 1, path: ["sparse"])
        for round in 0..<200 {
            let rows = random(&stream)
            let transposed = rows.transposed
            #expect(
                transposed.rowCount == rows.columnCount && transposed.columnCount == rows.rowCount, "round \(round)")
            let swapped = pairs(transposed).map { [$0[1], $0[0]] }.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) }
            #expect(swapped == pairs(rows), "round \(round)")
            #expect(transposed.transposed == rows, "round \(round)")
        }
    }

    @Test func aPatternWithoutRowsHasNoEntries() {
        let rows = SparseRows(starts: [0], columns: [], columnCount: 3)
        #expect(rows.rowCount == 0)
        #expect(rows.transposed == SparseRows(starts: [0, 0, 0, 0], columns: [], columnCount: 0))
    }
}
