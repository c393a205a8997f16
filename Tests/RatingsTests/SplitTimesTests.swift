import Numerics
import Ratings
import Testing

@Suite struct SplitTimesTests {
    /// One person a time, so that the order of the rows is that of the times.
    private func interactions(_ times: [Int64], hasTimes: Bool = true) -> Interactions {
        Interactions(
            persons: times.indices.map { String(100_000 + $0) }, items: ["i"],
            rows: SparseRows(
                starts: Array(0...times.count), columns: times.map { _ in 0 }, columnCount: 1),
            ratings: times.map { _ in 3 }, times: hasTimes ? times : [])
    }

    private func times(_ times: [Int64], _ validation: Double = 0.8, _ test: Double = 0.9) -> SplitTimes? {
        SplitTimes(interactions(times), validationShare: validation, testShare: test)
    }

    @Test func theSharesOfTheInteractionsLieBeforeTheTimes() throws {
        var stream = RandomStream(root: 1, path: ["split-times"])
        for round in 0..<300 {
            let count = 2 + stream.integer(below: 200)
            // A coarse clock, so that many interactions share a time.
            let clock = 1 + stream.integer(below: 60)
            let all = (0..<count).map { _ in Int64(stream.integer(below: clock)) - 20 }
            let shares = [0.05 + 0.9 * stream.uniform(), 0.05 + 0.9 * stream.uniform()].sorted()
            guard let found = times(all, shares[0], shares[1]) else { continue }
            for (time, share) in [(found.validation, shares[0]), (found.test, shares[1])] {
                // No later time has at most the share before it; ties fall behind the time.
                #expect(all.contains(time), "round \(round)")
                #expect(all.count { $0 < time } <= Int(share * Double(count)), "round \(round)")
                #expect(all.count { $0 <= time } > Int(share * Double(count)), "round \(round)")
            }
            #expect(all.contains { $0 < found.validation }, "round \(round)")
            #expect(all.contains { $0 >= found.validation && $0 < found.test }, "round \(round)")
            #expect(all.contains { $0 >= found.test }, "round \(round)")
        }
    }

    @Test func theOrderOfTheInteractionsDoesNotMatter() {
        let all = (0..<100).map { Int64($0 * $0) }
        #expect(times(all) == SplitTimes(validation: 6_400, test: 8_100))
        #expect(times(all.reversed()) == times(all))
    }

    @Test func aSourceWithoutTimesOrInteractionsHasNone() {
        let none = interactions([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], hasTimes: false)
        #expect(SplitTimes(none, validationShare: 0.8, testShare: 0.9) == nil)
        #expect(times([]) == nil)
        #expect(times([5]) == nil)
    }

    @Test func timesThatLeaveAPartEmptyAreNone() {
        #expect(times([Int64](repeating: 7, count: 50)) == nil, "constant")
        #expect(times([Int64](repeating: 7, count: 45) + [8, 8, 8, 8, 8]) == nil, "nothing between")
        #expect(times([0] + [Int64](repeating: 7, count: 49)) == nil, "validation and test at one time")
        #expect(times([0, 0, 0, 0, 0, 0, 0, 0, 1, 2]) == SplitTimes(validation: 1, test: 2))
    }

    @Test func theEndsOfTheRangeOfTimesAreTimes() {
        let all: [Int64] = [.min, .min, .min, .min, .min, .min, .min, .min, 0, .max]
        #expect(times(all) == SplitTimes(validation: 0, test: .max))
    }
}

@Suite struct PersonHistoryTests {
    private let history = PersonHistory(items: [2, 5, 7, 9], ratings: [1, 2, 3, 4], times: [40, 10, 30, 20])

    @Test func aSubsetKeepsRatingsAndTimesBesideTheirItemsInItsOwnOrder() {
        #expect(history.subset([3, 0]) == PersonHistory(items: [9, 2], ratings: [4, 1], times: [20, 40]))
        #expect(history.subset(0..<4) == history)
        #expect(history.subset([]).isEmpty && history.subset([]).times.isEmpty)
        let timeless = PersonHistory(items: [2, 5], ratings: [1, 2]).subset([1])
        #expect(timeless == PersonHistory(items: [5], ratings: [2]))
        #expect(timeless.times.isEmpty)
    }

    @Test func aPrefixIsNotLongerThanTheHistory() {
        #expect(history.prefix(0).isEmpty)
        #expect(history.prefix(2) == history.subset([0, 1]))
        #expect(history.prefix(4) == history && history.prefix(100) == history)
        #expect(PersonHistory.empty.prefix(3) == .empty && PersonHistory.empty.count == 0)
    }

    @Test func theHistoriesOfAllRowsAreTheInteractions() {
        var stream = RandomStream(root: 2, path: ["history"])
        for hasTimes in [true, false] {
            var starts = [0]
            var columns: [UInt32] = []
            for _ in 0..<30 {
                for column in 0..<12 where stream.uniform() < 0.3 { columns.append(UInt32(column)) }
                starts.append(columns.count)
            }
            let interactions = Interactions(
                persons: (0..<30).map { String(100 + $0) }, items: (0..<12).map { String(100 + $0) },
                rows: SparseRows(starts: starts, columns: columns, columnCount: 12),
                ratings: columns.map { _ in Float(stream.uniform()) },
                times: hasTimes ? columns.map { _ in Int64(stream.integer(below: 1_000)) } : [])
            let histories = (0..<30).map { interactions.history($0) }
            #expect(histories.flatMap(\.items) == interactions.rows.columns)
            #expect(histories.flatMap(\.ratings) == interactions.ratings)
            #expect(histories.flatMap(\.times) == interactions.times)
            #expect(
                histories.contains { $0.isEmpty } == (starts != starts.sorted() || Set(starts).count < starts.count))
        }
    }

    @Test("Seconds beside milliseconds are noticed, and years of difference are not")
    func units() {
        let times = SplitTimes(validation: 1_500_000_000, test: 1_600_000_000)
        #expect(times.unitRatio(to: 1_700_000_000_000) != nil)
        #expect(SplitTimes(validation: 1, test: 1_600_000_000_000).unitRatio(to: 1_400_000_000) != nil)
        for last: Int64 in [880_000_000, 1_800_000_000, 0, -5] { #expect(times.unitRatio(to: last) == nil) }
    }
}
