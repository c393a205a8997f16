import Foundation
import Numerics
import Ratings
import Synchronization
import TestSupport
import Testing

@Suite struct RatingsWriterTests {
    /// Ids that a careless writer or reader would take apart.
    private static let ids = [
        "a b", "comma, comma", "say \"x\"", "größe", "Ärger (1975)", "7", "x::y", "a|b", "'", "😀",
    ]

    private func generated(_ stream: inout RandomStream, hasTimes: Bool, timesArePositions: Bool = false)
        -> Interactions
    {
        let persons = Set((0...stream.integer(below: 12)).map { "\(RatingsWriterTests.ids[$0 % 10])-\($0)" }).sorted()
        let items = Set((0...stream.integer(below: 12)).map { "\(RatingsWriterTests.ids[$0 % 10])+\($0)" }).sorted()
        var starts = [0]
        var columns: [UInt32] = []
        for _ in persons {
            let kept = items.indices.filter { _ in stream.uniform() < 0.5 }
            columns += (kept.isEmpty ? [0] : kept).map { UInt32($0) }
            starts.append(columns.count)
        }
        let ratings = columns.map { _ -> Float in
            switch stream.integer(below: 6) {
            case 0: Float(stream.gaussian())
            case 1: Float(stream.integer(below: 3)) / 3 + 3
            case 2: [0, -1, 1e-7, 123_456.78, 4e9][stream.integer(below: 5)]
            default: Float(1 + stream.integer(below: 5))
            }
        }
        let times = columns.map { _ -> Int64 in
            stream.integer(below: 5) == 0
                ? Int64.max - Int64(stream.integer(below: 9)) : Int64(bitPattern: stream.next() >> 20)
        }
        return Interactions(
            persons: persons, items: items,
            rows: SparseRows(starts: starts, columns: columns, columnCount: items.count),
            ratings: ratings, times: hasTimes ? times : [], timesArePositions: timesArePositions)
    }

    @Test func whatIsWrittenAsRecBoleIsReadBackTheSame() throws {
        for seed in 0..<60 {
            var stream = RandomStream(root: UInt64(seed), path: ["round-trip"])
            let read = generated(&stream, hasTimes: seed % 2 == 0, timesArePositions: seed % 4 == 0)
            let folder = try TemporaryFolder()
            let (ratings, items) = (folder.path + "/r.inter", folder.path + "/r.item")
            try read.write(to: ratings, layout: .recbole)
            try RatingsLayout.recbole.writeItems(read.items, descriptions: [], to: items)
            let again = try LoadedData.read(DataSource(format: .recbole, ratings: ratings, items: items))
            #expect(again.interactions == read, "seed \(seed)")
            #expect(folder.files() == ["r.inter", "r.item"])
        }
    }

    @Test func commaSeparatedFilesQuoteWhatHoldsACommaOrAQuote() throws {
        let read = Interactions(
            persons: ["p,1", "p2"], items: ["a \"b\"", "c"],
            rows: SparseRows(starts: [0, 2, 3], columns: [0, 1, 1], columnCount: 2), ratings: [5, 3.5, -1],
            times: [7, 8, -9])
        let folder = try TemporaryFolder()
        try read.write(to: folder.path + "/r.csv", layout: .csv)
        #expect(
            try String(contentsOfFile: folder.path + "/r.csv", encoding: .utf8)
                == "user_id,item_id,rating,timestamp\n\"p,1\",\"a \"\"b\"\"\",5,7\n\"p,1\",c,3.5,8\np2,c,-1,-9\n")
        try RatingsLayout.csv.writeItems(
            read.items,
            descriptions: [ItemDescription(title: "x, y\nz", keywords: ["k", "l m"]), ItemDescription(title: "t")],
            to: folder.path + "/i.csv")
        #expect(
            try String(contentsOfFile: folder.path + "/i.csv", encoding: .utf8)
                == "item_id,title,categories\n\"a \"\"b\"\"\",\"x, y z\",k|l m\nc,t,\n")
    }

    @Test(arguments: ["", "a\tb", "a\nb", "a\r"])
    func anIdThatTheLayoutCannotHoldIsRefusedAndNothingIsLeft(_ id: String) throws {
        let folder = try TemporaryFolder()
        let rows = SparseRows(starts: [0, 1], columns: [0], columnCount: 1)
        for read in [
            Interactions(persons: [id], items: ["i"], rows: rows, ratings: [1]),
            Interactions(persons: ["p"], items: [id], rows: rows, ratings: [1]),
        ] {
            do throws(WritingError) {
                try read.write(to: folder.path + "/r.inter", layout: .recbole)
                Issue.record("\(id.debugDescription) was written")
            } catch {
                guard case .notRepresentable = error else {
                    Issue.record("\(error)")
                    continue
                }
                #expect(!error.description.contains("a\tb"))
            }
            #expect(folder.files().isEmpty)
        }
    }

    @Test func anExistingFileIsKeptUnlessItMayBeReplaced() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("mine", to: "r.inter")
        var stream = RandomStream(root: 1, path: ["exists"])
        let read = generated(&stream, hasTimes: false)
        #expect(throws: WritingError.exists(path: path)) { try read.write(to: path, layout: .recbole) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
        try read.write(to: path, layout: .recbole, overwrites: true)
        #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("user_id:token\t"))
        #expect(folder.files() == ["r.inter"])
        #expect(throws: WritingError.notWritable(path: folder.path, reason: "it is a folder")) {
            try read.write(to: folder.path, layout: .recbole, overwrites: true)
        }
        #expect(throws: WritingError.self) { try read.write(to: folder.path + "/no/r", layout: .recbole) }
    }

    @Test func aFileMadeMeanwhileIsNotReplaced() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/r.inter"
        var writer = try RatingsWriter(path: path, layout: .recbole, items: ["i"], timeColumn: nil)
        try writer.begin(person: "p")
        try writer.write(item: 0, rating: 1)
        _ = try folder.write("theirs", to: "r.inter")
        do throws(WritingError) {
            try writer.finish()
            Issue.record("the file was replaced")
        } catch { #expect(error == .exists(path: path)) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "theirs")
        #expect(folder.files() == ["r.inter"])
    }

    @Test func anInterruptedWriterLeavesNothing() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/r.inter"
        let asked = Atomic(0)
        func attempt() throws(WritingError) {
            var writer = try RatingsWriter(
                path: path, layout: .recbole, items: ["an item with a long name"], timeColumn: .timestamp,
                isInterrupted: { asked.add(1, ordering: .relaxed).newValue > 3 })
            try writer.begin(person: "a person with a long name")
            for _ in 0..<1_000_000 { try writer.write(item: 0, rating: 1, time: 1) }
            try writer.finish()
        }
        do throws(WritingError) {
            try attempt()
            Issue.record("nothing was thrown")
        } catch { #expect(error == .interrupted(path: path)) }
        #expect(asked.load(ordering: .relaxed) == 4)
        #expect(folder.files() == [])
    }
}
