import Foundation
import Numerics
import Ratings
import Testing

@Suite struct DuplicateRuleTests {
    static let untimed = header + "p\ti\t1\nq\ti\t5\np\ti\t4\np\tj\t2\np\ti\t1\n"
    static let timed = timedHeader + "p\ti\t1\t30\nq\ti\t5\t1\np\ti\t4\t10\np\tj\t2\t1\np\ti\t2\t20\n"

    @Test(arguments: [
        (DuplicateRule.byDefault, [2, 2, 5] as [Float]), (.mean, [2, 2, 5]), (.last, [1, 2, 5]), (.first, [1, 2, 5]),
    ])
    func withoutTimesTheOrderOfTheFileCounts(_ rule: DuplicateRule, _ ratings: [Float]) throws {
        let read = try interactions(DuplicateRuleTests.untimed, duplicates: rule)
        #expect(read.ratings == ratings)
        #expect(read.duplicateCount == 2)
        #expect(read.rows == SparseRows(starts: [0, 2, 3], columns: [0, 1, 0], columnCount: 2))
    }

    @Test(arguments: [
        (DuplicateRule.byDefault, [1, 2, 5] as [Float]), (.mean, [Float(7.0 / 3), 2, 5]), (.last, [1, 2, 5]),
        (.first, [4, 2, 5]),
    ])
    func withTimesTheTimeCounts(_ rule: DuplicateRule, _ ratings: [Float]) throws {
        let read = try interactions(DuplicateRuleTests.timed, duplicates: rule)
        #expect(read.ratings == ratings)
        #expect(read.duplicateCount == 2)
    }

    @Test func theLastAndTheFirstOfUntimedRowsDiffer() throws {
        let text = header + "p\ti\t3\np\ti\t4\np\ti\t5\n"
        #expect(try interactions(text, duplicates: .first).ratings == [3])
        #expect(try interactions(text, duplicates: .last).ratings == [5])
    }

    @Test func thePositionOrdersRowsLikeATimestamp() throws {
        let text = DuplicateRuleTests.timed.replacing("timestamp", with: "position")
        #expect(try interactions(text).ratings == [1, 2, 5])
    }

    @Test func theErrorRuleNamesTheFirstRepeatedLine() throws {
        #expect(try problem(DuplicateRuleTests.untimed, duplicates: .error) == .duplicate(path: "r.inter", line: 4))
        // By time the row of line 2 is the last, but line 4 is where the file repeats itself.
        #expect(try problem(DuplicateRuleTests.timed, duplicates: .error) == .duplicate(path: "r.inter", line: 4))
        let none = header + "p\ti\t1\np\tj\t1\nq\ti\t1\n"
        #expect(try interactions(none, duplicates: .error).duplicateCount == 0)
    }

    @Test(arguments: [
        (1_700_000_000_000_000_001, 1_700_000_000_000_000_002), (9_007_199_254_740_992, 9_007_199_254_740_993),
        (Int.max - 1, Int.max), (Int.min, Int.min + 1), (-2, -1), (1_600_000_000, 1_600_000_001),
    ])
    func timestampsOf64BitsKeepTheirOrder(_ early: Int, _ late: Int) throws {
        for rows in ["p\ti\t1\t\(early)\np\ti\t5\t\(late)\n", "p\ti\t5\t\(late)\np\ti\t1\t\(early)\n"] {
            #expect(try interactions(timedHeader + rows, duplicates: .last).ratings == [5])
            #expect(try interactions(timedHeader + rows, duplicates: .first).ratings == [1])
        }
    }

    @Test(arguments: DuplicateRule.allCases.filter { $0 != .error })
    func theOrderOfTheRowsDoesNotMatter(_ rule: DuplicateRule) throws {
        var stream = RandomStream(root: 5, path: ["ratings", "permutation"])
        // A time for each row, all different: without times `last` and `first` go by the order of the file.
        let rows = (0..<3_000).map { index in
            "p\(stream.integer(below: 40))\ti\(stream.integer(below: 60))\t\(1 + stream.integer(below: 5))\t\(index)"
        }
        let first = try interactions(timedHeader + rows.joined(separator: "\n"), duplicates: rule)
        #expect(first.duplicateCount > 500)
        for round in 0..<5 {
            let permuted = stream.permutation(count: rows.count).map { rows[$0] }
            let second = try interactions(timedHeader + permuted.joined(separator: "\n"), duplicates: rule)
            #expect(second == first, "round \(round)")
            #expect(second.catalogueDigest == first.catalogueDigest)
        }
    }

    @Test func theOrderOfUntimedRowsDoesNotMatterForTheMean() throws {
        var stream = RandomStream(root: 6, path: ["ratings", "permutation"])
        let rows = (0..<3_000).map { _ in
            "p\(stream.integer(below: 20))\ti\(stream.integer(below: 20))\t\(Double(stream.integer(below: 50)) / 10)"
        }
        let first = try interactions(header + rows.joined(separator: "\n"))
        for round in 0..<5 {
            let permuted = stream.permutation(count: rows.count).map { rows[$0] }
            #expect(try interactions(header + permuted.joined(separator: "\n")) == first, "round \(round)")
        }
    }

    @Test func theMeanIsTheArithmeticMeanOfEveryRow() throws {
        var stream = RandomStream(root: 7, path: ["ratings", "mean"])
        var sums: [String: (sum: Double, count: Int)] = [:]
        var text = header
        for _ in 0..<2_000 {
            let (person, item) = (stream.integer(below: 9), stream.integer(below: 9))
            let rating = 1 + stream.integer(below: 5)
            text += "p\(person)\ti\(item)\t\(rating)\n"
            let old = sums["p\(person)/i\(item)"] ?? (0, 0)
            sums["p\(person)/i\(item)"] = (old.sum + Double(rating), old.count + 1)
        }
        let read = try interactions(text)
        #expect(read.duplicateCount == 2_000 - sums.count)
        for person in 0..<read.persons.count {
            for place in read.rows.starts[person]..<read.rows.starts[person + 1] {
                let key = "\(read.persons[person])/\(read.items[Int(read.rows.columns[place])])"
                let removed = sums.removeValue(forKey: key)
                let expected = try #require(removed)
                #expect(read.ratings[place] == Float(expected.sum / Double(expected.count)), "\(key)")
            }
        }
        #expect(sums.isEmpty)
    }
}
