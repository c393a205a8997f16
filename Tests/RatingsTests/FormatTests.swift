import Foundation
import Ratings
import TestSupport
import Testing

/// Every layout, by name and by detection, in all the ways in which text files differ.
@Suite struct FormatTests {
    private func expect(
        _ fixture: FormatFixture, ratings: [UInt8]? = nil, items: [UInt8]? = nil, suffix: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for format in [fixture.format, nil] {
            let data = try load(
                ratings ?? fixture.ratings, name: fixture.name + suffix, format: format, items: items ?? fixture.items,
                itemsName: fixture.itemsName + suffix)
            #expect(data.interactions == fixture.expected, sourceLocation: sourceLocation)
            #expect(
                data.descriptions == fixture.expectedDescriptions(data.interactions.items),
                sourceLocation: sourceLocation)
            #expect(data.report.format == fixture.format, sourceLocation: sourceLocation)
            #expect(data.report.rowCount == fixture.rows.count, sourceLocation: sourceLocation)
            #expect(data.report.malformedCount == 0, sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: FormatFixture.all) func isReadByNameAndByDetection(_ fixture: FormatFixture) throws {
        try expect(fixture)
    }

    @Test(arguments: FormatFixture.all) func isReadCompressed(_ fixture: FormatFixture) throws {
        try expect(fixture, ratings: Gzip.member(fixture.ratings), items: Gzip.member(fixture.items), suffix: ".gz")
        // The mark tells, not the name.
        try expect(fixture, ratings: Gzip.member(fixture.ratings), items: Gzip.member(fixture.items))
    }

    @Test(arguments: FormatFixture.all) func windowsLineEndsMakeNoDifference(_ fixture: FormatFixture) throws {
        func windows(_ bytes: [UInt8]) -> [UInt8] { bytes.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] } }
        try expect(fixture, ratings: windows(fixture.ratings), items: windows(fixture.items))
    }

    @Test(arguments: FormatFixture.all) func aByteOrderMarkMakesNoDifference(_ fixture: FormatFixture) throws {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        try expect(fixture, ratings: mark + fixture.ratings, items: mark + fixture.items)
    }

    @Test(arguments: FormatFixture.all) func theFinalLineNeedsNoEnd(_ fixture: FormatFixture) throws {
        try expect(fixture, ratings: fixture.ratings.dropLast(), items: fixture.items.dropLast())
    }

    @Test(arguments: FormatFixture.all) func blankLinesAtTheEndMakeNoDifference(_ fixture: FormatFixture) throws {
        try expect(fixture, ratings: fixture.ratings + [0x0A, 0x0D, 0x0A], items: fixture.items + [0x0A, 0x0A])
    }

    @Test(arguments: FormatFixture.all) func withoutItemsThereAreNoDescriptions(_ fixture: FormatFixture) throws {
        let data = try load(fixture.ratings, name: fixture.name)
        #expect(data.descriptions.isEmpty)
        #expect(data.interactions == naiveInteractions(fixture.rows, hasTimes: fixture.hasTimes))
    }

    @Test(arguments: FormatFixture.all) func anEmptyFileHoldsNoRows(_ fixture: FormatFixture) throws {
        for format in [fixture.format, nil] {
            for text in ["", "\n", "\n\r\n\n"] where format == nil || text.isEmpty {
                #expect(
                    try failure(Array(text.utf8), name: fixture.name, format: format)
                        == "\(fixture.name) holds no rows")
            }
        }
        #expect(
            try failure(fixture.ratings, name: fixture.name, format: fixture.format, items: [])
                == "items holds no rows")
        #expect(try failure(Gzip.member([]), name: fixture.name) == "\(fixture.name) holds no rows")
    }

    @Test(arguments: FormatFixture.all) func aMissingFileOfItemsIsAnError(_ fixture: FormatFixture) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(fixture.ratings, to: fixture.name)
        let missing = folder.path + "/nowhere"
        #expect(throws: DataError.notReadable(path: missing, reason: "No such file or directory")) {
            try LoadedData.read(DataSource(ratings: path, items: missing))
        }
    }

    @Test(arguments: FormatFixture.all) func aNULByteIsRefusedAtItsLine(_ fixture: FormatFixture) throws {
        let found = try failure(fixture.ratings + [0x78, 0, 0x79], name: fixture.name, format: fixture.format)
        let line = fixture.ratings.count { $0 == 0x0A } + 1
        #expect(found == "\(fixture.name):\(line): expected text without NUL bytes")
    }

    @Test(arguments: FormatFixture.all) func malformedLinesAreToleratedUpToTheLimit(_ fixture: FormatFixture) throws {
        let damaged = fixture.ratings + Array("what?\nwhat?\n".utf8)
        let line = fixture.ratings.count { $0 == 0x0A } + 1
        for (limit, place) in [(0, line), (1, line + 1)] {
            let found = try #require(try failure(damaged, name: fixture.name, format: fixture.format, limit: limit))
            #expect(found.hasPrefix("\(fixture.name):\(place): expected "), "\(found)")
            #expect(!found.contains("what"))
        }
        let data = try load(damaged, name: fixture.name, format: fixture.format, limit: 2)
        #expect(data.report.malformedCount == 2 && data.report.rowCount == fixture.rows.count)
        #expect(data.interactions == naiveInteractions(fixture.rows, hasTimes: fixture.hasTimes))
    }

    @Test(arguments: [
        FormatFixture.movieLens100K, .movieLens1M, .movieLensLatest, .bookCrossing, .goodbooks, .yelp, .recBole,
    ])
    func aFolderStandsForItsWellKnownFiles(_ fixture: FormatFixture) throws {
        for suffix in ["", ".gz"] {
            let folder = try TemporaryFolder()
            let (ratings, items) =
                suffix.isEmpty
                ? (fixture.ratings, fixture.items) : (Gzip.member(fixture.ratings), Gzip.member(fixture.items))
            _ = try folder.write(ratings, to: fixture.name + suffix)
            _ = try folder.write("beside the point", to: "README")
            for format in [fixture.format, nil] {
                #expect(
                    try LoadedData.read(DataSource(format: format, ratings: folder.path)).interactions
                        == naiveInteractions(fixture.rows, hasTimes: fixture.hasTimes))
            }
            _ = try folder.write(items, to: fixture.itemsName + suffix)
            for format in [fixture.format, nil] {
                let data = try LoadedData.read(DataSource(format: format, ratings: folder.path))
                #expect(data.interactions == fixture.expected)
                #expect(data.descriptions == fixture.expectedDescriptions(data.interactions.items))
            }
        }
    }

    @Test func aFolderWithoutKnownFilesSaysWhatWasLookedFor() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("x", to: "notes.txt")
        let names = [
            "u.data", "ratings.dat", "ratings.csv", "BX-Book-Ratings.csv", "yelp_academic_dataset_review.json",
            "*.inter",
        ]
        #expect(throws: DataError.noDataSet(path: folder.path, lookedFor: names, found: [])) {
            try LoadedData.read(DataSource(ratings: folder.path))
        }
        #expect(throws: DataError.noDataSet(path: folder.path, lookedFor: ["u.data"], found: [])) {
            try LoadedData.read(DataSource(format: .movieLens100K, ratings: folder.path))
        }
        #expect(throws: DataError.self) { try LoadedData.read(DataSource(format: .douban, ratings: folder.path)) }
    }

    @Test func aFolderWithTwoDataSetsIsRefused() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(FormatFixture.recBole.ratings, to: "b.inter")
        _ = try folder.write(FormatFixture.recBole.ratings, to: "a.inter")
        let expected = DataError.noDataSet(path: folder.path, lookedFor: ["*.inter"], found: ["a.inter", "b.inter"])
        #expect(throws: expected) { try LoadedData.read(DataSource(format: .recbole, ratings: folder.path)) }
        #expect(expected.description.hasSuffix("holds more than one data set: a.inter, b.inter"))
    }

    @Test(arguments: ["one two three\n", "1,2,3\n", "a,b,c\n1,2,3\n", "{\"x\": 1}\n", "\u{1}\u{2}\n"])
    func aFileOfNoKnownLayoutIsAnErrorThatListsTheFormats(_ text: String) throws {
        let found = try #require(try failure(Array(text.utf8), name: "data"))
        #expect(found.hasPrefix("cannot tell the format of data: "))
        for format in RatingsFormat.allCases { #expect(found.contains(format.rawValue)) }
    }

    @Test func theNamesOfTheFormatsAreThoseOfScenarioFiles() {
        #expect(
            RatingsFormat.allCases.map(\.rawValue) == [
                "recbole", "movielens-100k", "movielens-1m", "movielens-latest", "amazon-ratings", "amazon-reviews",
                "book-crossing", "goodbooks", "yelp", "douban", "csv",
            ])
    }
}
