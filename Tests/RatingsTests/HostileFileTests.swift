import Foundation
import Numerics
import Ratings
import TestSupport
import Testing

@Suite struct HostileFileTests {
    private static let caseCount = 10_000

    private func mutated(_ bytes: [UInt8], _ stream: inout RandomStream) -> [UInt8] {
        var out = bytes
        for _ in 0..<1 + stream.integer(below: 4) {
            let place = stream.integer(below: out.count + 1)
            switch stream.integer(below: 8) {
            case 0 where place < out.count: out[place] ^= 1 << UInt8(stream.integer(below: 8))
            case 1: out = Array(out[..<place])
            case 2: out.insert(UInt8(stream.integer(below: 256)), at: place)
            case 3 where place < out.count: out.remove(at: place)
            case 4:
                let end = min(out.count, place + stream.integer(below: 80))
                out.insert(contentsOf: out[place..<end], at: stream.integer(below: out.count + 1))
            case 5:
                out.insert(
                    contentsOf: (0..<stream.integer(below: 40)).map { _ in UInt8(stream.integer(below: 256)) },
                    at: place)
            case 6:
                let words = [
                    "\"", "::", "\n", "\r", "\\", "\\u", "{", "[", "]", "}", ",", ";", "\t", "1e999", "-", "\"\"",
                    "\u{FEFF}", "null",
                ]
                out.insert(contentsOf: Array(words[stream.integer(below: words.count)].utf8), at: place)
            default:
                // Another file's middle.
                let other = FormatFixture.all[stream.integer(below: FormatFixture.all.count)].ratings
                let start = stream.integer(below: other.count)
                out.replaceSubrange(place..., with: other[start...])
            }
        }
        return out
    }

    /// What holds of everything that is read.
    private func isSound(_ data: LoadedData) -> Bool {
        let read = data.interactions
        guard read.persons == read.persons.sorted(), read.items == read.items.sorted(),
            Set(read.persons).count == read.persons.count, Set(read.items).count == read.items.count,
            read.ratings.allSatisfy(\.isFinite),
            data.descriptions.isEmpty || data.descriptions.count == read.items.count,
            data.report.rowCount == read.ratings.count + read.duplicateCount, data.report.rowCount > 0
        else { return false }
        return (0..<read.rows.rowCount).allSatisfy { person in
            let row = read.rows.row(person)
            return !row.isEmpty && zip(row, row.dropFirst()).allSatisfy { $0 < $1 }
                && row.allSatisfy { Int($0) < read.items.count }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func mutatedFilesGiveAnErrorOrASoundResult() throws {
        let folder = try TemporaryFolder()
        var readCount = 0
        for number in 0..<HostileFileTests.caseCount {
            var stream = RandomStream(root: 11, path: ["ratings", "hostile", .number(number)])
            let fixture = FormatFixture.all[number % FormatFixture.all.count]
            var ratings = fixture.ratings
            var items = fixture.items
            switch stream.integer(below: 4) {
            case 0: items = mutated(items, &stream)
            case 1: (ratings, items) = (mutated(ratings, &stream), mutated(items, &stream))
            default: ratings = mutated(ratings, &stream)
            }
            switch stream.integer(below: 10) {
            case 0: ratings = Gzip.member(ratings)
            case 1: ratings = mutated(Gzip.member(ratings), &stream)
            default: break
            }
            let source = DataSource(
                format: stream.integer(below: 2) == 0 ? fixture.format : nil,
                ratings: try folder.write(ratings, to: fixture.name),
                items: stream.integer(below: 3) == 0 ? nil : try folder.write(items, to: fixture.itemsName),
                duplicates: DuplicateRule.allCases[stream.integer(below: DuplicateRule.allCases.count)],
                zeros: ZeroRule.allCases[stream.integer(below: ZeroRule.allCases.count)],
                malformedLineLimit: stream.integer(below: 2) * stream.integer(below: 6))
            do throws(DataError) {
                let data = try LoadedData.read(source)
                readCount += 1
                #expect(isSound(data), "case \(number)")
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        // Both ends are reached.
        #expect(readCount > 500 && readCount < HostileFileTests.caseCount - 500, "\(readCount) were read")
    }
}
