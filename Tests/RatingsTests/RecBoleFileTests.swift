import Foundation
import Ratings
import TestSupport
import Testing

@Suite struct RecBoleFileTests {
    static let plain = header + "p2\ti1\t4\np1\ti2\t3.5\np1\ti1\t5\n"

    private func expectPlain(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let read = try interactions(text)
        #expect(read.persons == ["p1", "p2"], sourceLocation: sourceLocation)
        #expect(read.items == ["i1", "i2"], sourceLocation: sourceLocation)
        let rows = SparseRows(starts: [0, 2, 3], columns: [0, 1, 0], columnCount: 2)
        #expect(read.rows == rows, sourceLocation: sourceLocation)
        #expect(read.ratings == [5, 3.5, 4], sourceLocation: sourceLocation)
        #expect(read.duplicateCount == 0, sourceLocation: sourceLocation)
    }

    @Test func personsAndItemsAreSortedById() throws { try expectPlain(RecBoleFileTests.plain) }

    @Test func aByteOrderMarkIsStripped() throws { try expectPlain("\u{FEFF}" + RecBoleFileTests.plain) }

    @Test func windowsLineEndsAreStripped() throws {
        try expectPlain(RecBoleFileTests.plain.replacing("\n", with: "\r\n"))
        try expectPlain("\u{FEFF}" + RecBoleFileTests.plain.replacing("\n", with: "\r\n"))
    }

    @Test func theFinalLineNeedsNoLineEnd() throws {
        try expectPlain(String(RecBoleFileTests.plain.dropLast()))
        try expectPlain(String(RecBoleFileTests.plain.dropLast()) + "\r")
    }

    @Test func emptyLinesBelowTheHeaderAreSkippedAndCounted() throws {
        try expectPlain(RecBoleFileTests.plain.replacing("\n", with: "\n\n\n"))
        #expect(try problem(header + "\n\np\ti\tx\n")?.place == "r.inter:4")
    }

    @Test func columnsMayStandInAnyOrderWithOthersBetween() throws {
        let text = "genre:token_seq\trating:float\titem_id:token\tvector:float_seq\tuser_id:token\n"
        try expectPlain(text + "a b\t4\ti1\t1 2\tp2\n\t3.5\ti2\t\tp1\nc\t5\ti1\t3\tp1\n")
    }

    @Test func withoutARatingColumnEveryRatingIsOne() throws {
        let read = try interactions("user_id:token\titem_id:token\np\ti\np\tj\n")
        #expect(read.ratings == [1, 1])
    }

    @Test func aPositionIsAnOrderAndATimestampIsATime() throws {
        let placed = try interactions("user_id:token\titem_id:token\tposition:float\np\ti\t1\np\tj\t0\n")
        #expect(placed.times == [1, 0] && placed.timesArePositions && !placed.hasCommonTimes)
        let both = try interactions(
            "user_id:token\titem_id:token\tposition:float\ttimestamp:float\np\ti\t1\t7\n")
        #expect(both.times == [7] && !both.timesArePositions && both.hasCommonTimes)
    }

    @Test func aRatingOfZeroIsARating() throws {
        #expect(try interactions(header + "p\ti\t0\np\tj\t-0.5\n").ratings == [0, -0.5])
    }

    @Test(arguments: [
        "user_id\titem_id\trating\n", "user_id:token\titem_id\n", "user_id:token item_id:token\n",
        "user_id,item_id\n",
        "user_id:token\titem_id:tokens\n", "user_id:token:x\titem_id:token\n", ":token\titem_id:token\n", "\u{0}\n",
    ])
    func aHeaderWithoutTypesIsRefusedAtLineOne(_ text: String) throws {
        let expected = "a RecBole header such as user_id:token<tab>item_id:token"
        #expect(try problem(text + "p\ti\t1\n") == .malformedLine(path: "r.inter", line: 1, expected: expected))
    }

    @Test(arguments: ["user_id", "item_id"])
    func aMissingColumnIsNamed(_ name: String) throws {
        let text = RecBoleFileTests.plain.replacing(name, with: "other")
        let expected = "a column \(name):token in the header"
        #expect(try problem(text) == .malformedLine(path: "r.inter", line: 1, expected: expected))
    }

    @Test(arguments: ["x", "", " 5", "5 ", "4,5", "nan", "inf", "-inf", "1e999", "５"])
    func aRatingThatIsNoFiniteNumberIsRefused(_ rating: String) throws {
        let found = try problem(header + "p\ti\t1\np\tj\t\(rating)\n")
        #expect(found == .malformedLine(path: "r.inter", line: 3, expected: "a number in the field rating"))
    }

    @Test func aRatingBeyondSinglePrecisionIsRefused() throws {
        #expect(try problem(header + "p\ti\t1e39\n")?.place == "r.inter:2")
    }

    @Test func aTimeThatIsNoNumberIsRefused() throws {
        let found = try problem(timedHeader + "p\ti\t1\t5\np\tj\t1\tyesterday\n")
        #expect(found == .malformedLine(path: "r.inter", line: 3, expected: "a number in the field timestamp"))
    }

    @Test func aTimeBeyond64BitsIsRefused() throws {
        #expect(try problem(timedHeader + "p\ti\t1\t1e30\n")?.place == "r.inter:2")
    }

    @Test(arguments: [("p1000\ti", 2), ("p1000\ti\t3\t4", 4), ("p1000", 1), ("p1000 i 3", 1)])
    func aWrongNumberOfFieldsIsRefusedAtItsLine(_ row: String, _ count: Int) throws {
        var lines = (2...2_000).map { "p\($0)\ti\t3" }
        lines[998] = row
        let found = try problem(header + lines.joined(separator: "\n"))
        let expected = "3 tab-separated fields, found \(count)"
        #expect(found == .malformedLine(path: "r.inter", line: 1_000, expected: expected))
        #expect(found?.description == "r.inter:1000: expected \(expected)")
    }

    @Test(arguments: ["\ti\t3", "p\t\t3"])
    func anEmptyIdIsRefused(_ row: String) throws {
        let found = try problem(header + "p\ti\t3\n" + row)
        #expect(found == .malformedLine(path: "r.inter", line: 3, expected: "a non-empty user_id and item_id"))
    }

    @Test(arguments: ["", header, header + "\n\n", "\u{FEFF}" + header])
    func aFileWithoutRowsIsRefused(_ text: String) throws { #expect(try problem(text) == .empty(path: "r.inter")) }

    @Test func aFolderIsNotAFileOfRatingsOrItems() throws {
        let folder = try TemporaryFolder()
        #expect(throws: DataError.noDataSet(path: folder.path, lookedFor: ["*.inter"], found: [])) {
            try LoadedData.read(DataSource(format: .recbole, ratings: folder.path))
        }
        let path = try folder.write(RecBoleFileTests.plain, to: "r.inter")
        #expect(throws: DataError.notReadable(path: folder.path, reason: "it is a folder")) {
            try LoadedData.read(DataSource(format: .recbole, ratings: path, items: folder.path))
        }
    }

    @Test func aMissingFileIsNamedWithTheReason() throws {
        let path = try TemporaryFolder().path + "/missing.inter"
        #expect(throws: DataError.notReadable(path: path, reason: "No such file or directory")) {
            try LoadedData.read(DataSource(format: .recbole, ratings: path))
        }
    }

    @Test func aFileOfItemsFixesTheCatalogue() throws {
        let items = "title:token_seq\titem_id:token\r\nThe third\ti3\r\n\r\nTwo\ti2\r\nOne\ti1\r\nOne again\ti1"
        let read = try interactions(RecBoleFileTests.plain, items: items)
        #expect(read.items == ["i1", "i2", "i3"])
        #expect(read.rows.columnCount == 3)
        #expect(read.ratings == [5, 3.5, 4])
    }

    @Test func aRatedItemThatIsNotInTheFileOfItemsIsRefused() throws {
        let found = try problem(RecBoleFileTests.plain, items: "item_id:token\ni1\n")
        #expect(found == .unknownItem(path: "r.inter", line: 3, items: "r.item"))
    }

    @Test func aDamagedFileOfItemsIsNamed() throws {
        func found(_ items: String) throws -> DataError? { try problem(RecBoleFileTests.plain, items: items) }
        #expect(try found("")?.place == "r.item")
        #expect(try found("item_id:token\n")?.place == "r.item")
        #expect(try found("title:token\nx\n")?.place == "r.item:1")
        #expect(try found("item_id\ni1\n")?.place == "r.item:1")
        #expect(try found("item_id:token\ttitle:token\ni1\tOne\ni2\n")?.place == "r.item:3")
        #expect(try found("item_id:token\ttitle:token\ni1\tOne\n\tNone\n")?.place == "r.item:3")
    }

    @Test func idsOfAMebibyteAreKept() throws {
        let id = String(repeating: "x", count: 1 << 20)
        let read = try interactions(header + "\(id)a\t\(id)b\t3\n\(id)c\t\(id)b\t4\n")
        #expect(read.persons == [id + "a", id + "c"])
        #expect(read.items == [id + "b"])
    }

    @Test func aLineWithoutAnEndIsRefusedInsteadOfFillingMemory() throws {
        let found = try problem(Array(header.utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 18 << 20))
        #expect(found?.place == "r.inter:2")
    }

    @Test func idsAreTextAndKeepZerosAndSpaces() throws {
        let read = try interactions(header + "007\t 7\t1\n7\t07\t2\n7 \t日本\t3\n")
        #expect(read.persons == ["007", "7", "7 "])
        #expect(read.items == [" 7", "07", "日本"])
    }

    @Test func idsInAnotherEncodingAreNeverMerged() throws {
        // "pé" and "pè" in latin-1: two persons, or an error, but not one person with two ratings.
        var bytes = Array(header.utf8)
        for byte: UInt8 in [0xE9, 0xE8] { bytes += [UInt8(ascii: "p"), byte] + Array("\ti\t3\n".utf8) }
        let folder = try TemporaryFolder()
        let path = try folder.write(bytes, to: "r.inter")
        do throws(DataError) {
            #expect(try LoadedData.read(DataSource(format: .recbole, ratings: path)).interactions.persons.count == 2)
        } catch {
            #expect(error.place == "\(path):2")
        }
    }

    @Test func linesAcrossTheEndsOfTheReadBufferAreWhole() throws {
        // 3 MiB of rows with lengths that do not divide the buffer.
        let rows = (0..<100_000).map { "person-\($0)\titem-\($0 % 997)-with-a-name\t\(1 + $0 % 5)" }
        let read = try interactions(header + rows.joined(separator: "\n"))
        #expect(read.persons.count == 100_000)
        #expect(read.items.count == 997)
        #expect(read.ratings.reduce(0, +) == 300_000)
    }

    @Test func noErrorRepeatsAValueOfTheData() throws {
        let secret = "person-secret-7"
        for text in [
            header + "\(secret)\ti\tx\(secret)\n", header + "\(secret)\ti\n", header + "\t\(secret)\t1\n",
            header + "\(secret)\t\(secret)\t1\n\(secret)\t\(secret)\t1\n",
        ] {
            let found = try #require(try problem(text, duplicates: .error))
            #expect(!found.description.contains("secret"))
        }
        let unknown = try #require(try problem(header + "p\t\(secret)\t1\n", items: "item_id:token\ni\n"))
        #expect(!unknown.description.contains("secret"))
    }
}
