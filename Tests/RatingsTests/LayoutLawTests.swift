import Foundation
import Numerics
import Ratings
import TestSupport
import Testing

/// Random interactions, written in every layout and read back.
@Suite struct LayoutLawTests {
    /// A layout that can be written.
    enum Layout: String, CaseIterable, Sendable {
        case recBole, movieLens100K, movieLens1M, movieLensLatest, amazonUserFirst, amazonItemFirst, amazon2023,
            reviews2014, reviews2023, bookCrossing, goodbooks, yelp, douban, comma, semicolon, tab, bar

        var format: RatingsFormat {
            switch self {
            case .recBole: .recbole
            case .movieLens100K: .movieLens100K
            case .movieLens1M: .movieLens1M
            case .movieLensLatest: .movieLensLatest
            case .amazonUserFirst, .amazonItemFirst, .amazon2023: .amazonRatings
            case .reviews2014, .reviews2023: .amazonReviews
            case .bookCrossing: .bookCrossing
            case .goodbooks: .goodbooks
            case .yelp: .yelp
            case .douban: .douban
            case .comma, .semicolon, .tab, .bar: .csv
            }
        }

        var hasTimes: Bool { self != .bookCrossing && self != .goodbooks }

        var separator: String {
            switch self {
            case .semicolon, .bookCrossing: ";"
            case .tab, .douban, .recBole, .movieLens100K: "\t"
            case .bar: "|"
            default: ","
            }
        }
    }

    private static func id(_ layout: Layout, isItem: Bool, _ stream: inout RandomStream) -> String {
        func letters(_ count: Int, _ alphabet: String) -> String {
            let all = Array(alphabet)
            return String((0..<count).map { _ in all[stream.integer(below: all.count)] })
        }
        let number = stream.integer(below: 40)
        switch layout {
        case .movieLens100K, .movieLens1M, .movieLensLatest, .goodbooks: return "\(number)"
        case .amazonUserFirst, .amazonItemFirst: return isItem ? "B0000000\(10 + number)" : "A00000000000\(10 + number)"
        case .recBole: return "\(number)" + letters(stream.integer(below: 3), "x \"',:;é日")
        default:
            // Short and long ids, seven and eight bytes among them, and all that needs quotes or escapes.
            return "\(number)" + letters(stream.integer(below: 12), "xé日 \"'\\,;:|{}😀")
        }
    }

    private static func text(_ layout: Layout, _ rows: [NaiveRow]) -> String {
        func quoted(_ field: String) -> String {
            if layout == .bookCrossing {
                return "\"" + field.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
            }
            let needs = field.contains { "\"\(layout.separator)".contains($0) }
            return needs ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
        }
        func json(_ field: String) -> String {
            var out = "\""
            for scalar in field.unicodeScalars {
                switch scalar {
                case "\"", "\\": out += "\\\(scalar)"
                case "é": out += "\\u00E9"
                default: out.unicodeScalars.append(scalar)
                }
            }
            return out + "\""
        }
        func line(_ row: NaiveRow) -> String {
            let (user, item) = (quoted(row.person), quoted(row.item))
            let (rating, time) = ("\(row.rating)", "\(row.time)")
            switch layout {
            case .recBole: return [row.person, row.item, rating, time].joined(separator: "\t")
            case .movieLens1M: return [user, item, rating, time].joined(separator: "::")
            case .amazonItemFirst: return [item, user, rating, time].joined(separator: ",")
            case .movieLens100K, .movieLensLatest, .amazonUserFirst, .amazon2023:
                return [user, item, rating, time].joined(separator: layout.separator)
            case .bookCrossing: return [user, item, "\"\(rating)\""].joined(separator: ";")
            case .goodbooks: return [user, item, rating].joined(separator: ",")
            case .douban: return [user, item, rating, "\"a \"\"word\"\"\"", time].joined(separator: "\t")
            case .comma, .semicolon, .tab, .bar: return [time, item, rating, user].joined(separator: layout.separator)
            case .reviews2014:
                return "{\"reviewerID\": \(json(row.person)), \"asin\": \(json(row.item)), \"helpful\": [1, 2], "
                    + "\"overall\": \(rating), \"unixReviewTime\": \(time)}"
            case .reviews2023:
                return
                    "{\"timestamp\": \(time), \"rating\": \(rating), \"asin\": \"V\", \"parent_asin\": \(json(row.item)), "
                    + "\"user_id\": \(json(row.person)), \"images\": [{\"a\": \"]\"}]}"
            case .yelp:
                let date = Date(timeIntervalSince1970: Double(row.time)).formatted(
                    .verbatim(
                        "\(year: .padded(4))-\(month: .twoDigits)-\(day: .twoDigits) \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits)",
                        timeZone: .gmt, calendar: Calendar(identifier: .gregorian)))
                return
                    "{\"business_id\":\(json(row.item)),\"user_id\":\(json(row.person)),\"stars\":\(rating),\"date\":\"\(date)\"}"
            }
        }
        let header: String? =
            switch layout {
            case .recBole: "user_id:token\titem_id:token\trating:float\ttimestamp:float"
            case .movieLensLatest: "userId,movieId,rating,timestamp"
            case .amazon2023: "user_id,parent_asin,rating,timestamp"
            case .bookCrossing: "\"User-ID\";\"ISBN\";\"Book-Rating\""
            case .goodbooks: "user_id,book_id,rating"
            case .douban: "user_id\tbook_id\trating\tcomment\ttime"
            case .comma, .semicolon, .tab, .bar:
                ["time", "item", "rating", "user"].joined(separator: layout.separator)
            case .movieLens100K, .movieLens1M, .amazonUserFirst, .amazonItemFirst, .reviews2014, .reviews2023, .yelp:
                nil
            }
        return ((header.map { [$0] } ?? []) + rows.map(line)).joined(separator: "\n")
    }

    private static func rows(_ layout: Layout, seed: Int) -> [NaiveRow] {
        var stream = RandomStream(root: UInt64(seed), path: ["ratings", "law", .name(layout.rawValue)])
        let persons = (0..<12).map { _ in id(layout, isItem: false, &stream) }
        let items = (0..<15).map { _ in id(layout, isItem: true, &stream) }
        return (0..<1 + stream.integer(below: 120)).map { _ in
            let range = layout == .yelp ? 4_000_000_000 : 50
            return NaiveRow(
                person: persons[stream.integer(below: persons.count)], item: items[stream.integer(below: items.count)],
                rating: Float(1 + stream.integer(below: 10)) / 2,
                time: layout.hasTimes ? Int64(stream.integer(below: range)) : 0)
        }
    }

    @Test(arguments: Layout.allCases) func whatIsWrittenIsRead(_ layout: Layout) throws {
        for seed in 0..<40 {
            let rows = LayoutLawTests.rows(layout, seed: seed)
            let text = Array(LayoutLawTests.text(layout, rows).utf8)
            let rule = DuplicateRule.allCases[seed % DuplicateRule.allCases.count]
            let expected = naiveInteractions(rows, rule: rule, hasTimes: layout.hasTimes)
            for format in [layout.format, nil] {
                let bytes = seed % 3 == 0 ? Gzip.member(text) : text
                let read: Interactions?
                do {
                    read = try load(bytes, name: "data", format: format, duplicates: rule).interactions
                } catch DataError.duplicate {
                    read = nil
                }
                #expect(read == expected, "seed \(seed), \(rule)")
            }
        }
    }

    @Test func theErrorRuleNamesTheLineOfTheFirstRepeatAmongSkippedLines() throws {
        for seed in 0..<300 {
            var stream = RandomStream(root: UInt64(seed), path: ["ratings", "repeats"])
            var lines = ["user,item,rating"]
            var seen: Set<[Int]> = []
            var firstRepeat: Int?
            for _ in 0..<1 + stream.integer(below: 30) {
                switch stream.integer(below: 5) {
                case 0: lines.append("")
                case 1: lines.append("not a row")
                case 2: lines.append("1,1,0")
                default:
                    let pair = [stream.integer(below: 6), stream.integer(below: 6)]
                    lines.append("\(pair[0]),\(pair[1]),3")
                    if !seen.insert(pair).inserted, firstRepeat == nil { firstRepeat = lines.count }
                }
            }
            guard !seen.isEmpty else { continue }
            let found = try failureOfRepeats(lines)
            #expect(found == firstRepeat, "seed \(seed)")
        }
    }

    private func failureOfRepeats(_ lines: [String]) throws -> Int? {
        do {
            _ = try load(lines.joined(separator: "\n"), name: "r.csv", duplicates: .error, zeros: .drop, limit: 1_000)
            return nil
        } catch DataError.duplicate(_, let line) {
            return line
        }
    }

    @Test func manyIdsKeepTheirRows() throws {
        // Enough rows for several runs, and ids enough for the table to grow many times.
        var stream = RandomStream(root: 3, path: ["ratings", "many"])
        let rows = (0..<600_000).map { index in
            NaiveRow(
                person: "p\(stream.integer(below: 30_000))", item: "item-\(stream.integer(below: 50_000))",
                rating: Float(index % 11))
        }
        var text = "user,item,rating\n"
        for row in rows { text += "\(row.person),\(row.item),\(row.rating)\n" }
        let read = try load(text, name: "r.csv", duplicates: .last).interactions
        var last: [String: Float] = [:]
        for row in rows { last[row.person + "/" + row.item] = row.rating }
        #expect(read.ratings.count == last.count && read.duplicateCount == rows.count - last.count)
        var wrongCount = 0
        for person in 0..<read.persons.count {
            for place in read.rows.starts[person]..<read.rows.starts[person + 1] {
                let key = "\(read.persons[person])/\(read.items[Int(read.rows.columns[place])])"
                if last[key] != read.ratings[place] { wrongCount += 1 }
            }
        }
        #expect(wrongCount == 0)
    }
}
