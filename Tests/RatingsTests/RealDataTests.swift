import Foundation
import Ratings
import Testing

/// The acceptance data, which is not in the repository: `FERRY_DATA`, else `shared/data` beside the package.
@Suite(.enabled(if: RealData.isPresent, "skipped: no real data; set FERRY_DATA to its folder"))
struct RealDataTests {
    private func read(_ file: String, items: Bool) throws -> Interactions {
        let path = RealData.folder + "/" + file
        let source = DataSource(ratings: path + ".inter", items: items ? path + ".item" : nil)
        return try LoadedData.read(source).interactions
    }

    /// Persons, items and distinct pairs.
    private func sizes(_ read: Interactions) -> [Int] { [read.persons.count, read.items.count, read.ratings.count] }

    private func common(_ first: Interactions, _ second: Interactions) -> Int {
        Set(first.persons).intersection(second.persons).count
    }

    @Test func theMergedAmazonRatingsHaveTheirKnownSizes() throws {
        let movies = try read("amazon-merged/movies", items: true)
        let books = try read("amazon-merged/books", items: true)
        #expect(sizes(movies) == [1_380, 1_253, 57_588])
        #expect(sizes(books) == [1_426, 654, 27_699])
        #expect(movies.duplicateCount == 0 && books.duplicateCount == 0)
        #expect(common(movies, books) == 1_328)
        #expect(try read("amazon-merged/movies", items: false) == movies)
    }

    @Test func theDenseAmazonRatingsRepeatPairsAndBecomeTheirMeans() throws {
        let movies = try read("amazon-dense/movies", items: true)
        let books = try read("amazon-dense/books", items: true)
        #expect(sizes(movies) == [1_381, 1_338, 62_084])
        #expect(sizes(books) == [1_426, 723, 31_504])
        #expect(movies.duplicateCount == 5_939)
        #expect(books.duplicateCount == 6_645)
        #expect(common(movies, books) == 1_329)
        #expect((movies.ratings + books.ratings).allSatisfy { (1...5).contains($0) })
    }

    @Test func thePositionsOfTheTopAmazonItemsAreRead() throws {
        let movies = try read("amazon-top3000/movies", items: false)
        let books = try read("amazon-top3000/books", items: false)
        #expect(sizes(movies) == [18_002, 3_000, 158_311])
        #expect(sizes(books) == [14_300, 3_000, 82_389])
        #expect(common(movies, books) == 6_384)
        #expect(movies.ratings.allSatisfy { $0 == 1 })
    }
}

enum RealData {
    static let folder: String = {
        if let folder = ProcessInfo.processInfo.environment["FERRY_DATA"] { return folder }
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return root.deletingLastPathComponent().appendingPathComponent("shared/data").path
    }()

    static let isPresent: Bool = {
        let isPresent = FileManager.default.fileExists(atPath: folder + "/amazon-merged/movies.inter")
        if !isPresent { print("skipped: no real data in \(folder); set FERRY_DATA to its folder") }
        return isPresent
    }()
}
