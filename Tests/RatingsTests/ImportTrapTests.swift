import Foundation
import Numerics
import Ratings
import TestSupport
import Testing

/// The traps that each layout is known for.
@Suite struct ImportTrapTests {
    private let user = "A1KLRMWW2FWPL4"

    // MARK: Encodings

    @Test func latin1TitlesAreReadAsLatin1AndUTF8TitlesAsUTF8() throws {
        for (items, title) in [
            (latin1("1::Caf\u{E9} (1990)::Drama\n"), "Café (1990)"),
            (Array("1::Café (1990)::Drama\n".utf8), "Café (1990)"),
        ] {
            let data = try load(
                Array("7::1::5::1\n".utf8), name: "ratings.dat", items: items, itemsName: "movies.dat")
            #expect(data.descriptions == [ItemDescription(title: title, keywords: ["Drama"])])
        }
    }

    @Test func oneLatin1ByteMakesTheWholeFileLatin1() throws {
        // The first title is UTF-8 by chance: in a latin-1 file it is three letters.
        let items = Array("1::Aé::X\n".utf8) + latin1("2::B\u{E9}::X\n")
        let data = try load(Array("7::1::5::1\n".utf8), name: "ratings.dat", items: items)
        #expect(data.descriptions.map(\.title) == ["AÃ©", "Bé"])
    }

    @Test func latin1IdsOfBookCrossingMeetTheirItemsInUTF8() throws {
        let ratings = latin1(
            "\"User-ID\";\"ISBN\";\"Book-Rating\"\n\"1\";\"\u{E9}1\";\"5\"\n\"1\";\"\u{C3}\u{A9}\";\"6\"\n")
        let data = try load(
            ratings, name: "BX-Book-Ratings.csv", items: Array("\"ISBN\";\"Book-Title\"\n\"é1\";\"One\"\n".utf8))
        #expect(data.interactions.items == ["Ã©", "é1"].sorted())
        #expect(data.descriptions.map(\.title).sorted() == ["", "One"])
    }

    @Test(arguments: [FormatFixture.csv, .movieLensLatest, .goodbooks, .amazon2023, .yelp, .douban])
    func idsThatAreNotUTF8AreRefused(_ fixture: FormatFixture) throws {
        let bytes = fixture.ratings.map { $0 == UInt8(ascii: "1") || $0 == UInt8(ascii: "7") ? 0xE9 : $0 }
        let found = try failure(bytes, name: fixture.name, format: fixture.format)
        #expect(found != nil)
        let header = "user,item,rating\n"
        let bad = Array(header.utf8) + [0xE9] + Array(",i,5\n".utf8)
        #expect(try failure(bad, name: "r.csv") == "r.csv:2: expected ids in UTF-8")
    }

    @Test func twoSpellingsOfAnAccentAreOnePerson() throws {
        let data = try load("user,item,rating\ne\u{301},i,1\n\u{E9},i,5\nf,i,2\n", name: "r.csv")
        #expect(data.interactions.persons.count == 2)
        #expect(data.interactions.duplicateCount == 1)
    }

    // MARK: Headers, columns and numbers

    @Test func aHeaderOfMovieLensFilesSaysWhichColumnIsWhich() throws {
        for text in [
            "MovieID::UserID::Rating::Timestamp\n1::u1::5::7\n1::u2::4::8\n",
            "UserID::MovieID::Rating::Timestamp\nu1::1::5::7\nu2::1::4::8\n",
        ] {
            let data = try load(text, name: "ratings.dat")
            #expect(data.interactions.persons == ["u1", "u2"] && data.interactions.items == ["1"])
        }
    }

    @Test func emptyLinesBeforeTheHeaderAreStepped() throws {
        #expect(try load("\n\nuser,item,rating\nu,i,5\n", name: "r.csv").interactions.ratings == [5])
    }

    @Test func columnsAreNamedForFilesWithNamedColumnsAlone() throws {
        let inter = "user_id:token\titem_id:token\trating:float\tlabel:float\nu\ti\t5\t1\n"
        for names in [ColumnNames(rating: "label"), ColumnNames(rating: "nonsense")] {
            let found = try failure(Array(inter.utf8), name: "r.inter", columns: names)
            #expect(found?.contains("without them it is recbole") == true, "\(String(describing: found))")
        }
    }

    @Test(arguments: ["-9223372036854775808", "9223372036854775807", "-1000000", "99999999999999999999"])
    func anExponentOfAnySizeIsNoTrap(_ exponent: String) throws {
        let text = "user,item,rating,timestamp\nu,i,4,1e\(exponent)\n"
        #expect(try failure(Array(text.utf8), name: "r.csv")?.contains("r.csv:2") == true)
        let rating = "user,item,rating\nu,i,1e\(exponent)\n"
        _ = try? load(rating, name: "r.csv")
    }

    @Test func aFirstJSONLineWithoutATimeIsTheMalformedOne() throws {
        let text =
            "{\"user_id\":\"U\",\"asin\":\"A\",\"rating\":5.0,\"timestamp\":null}\n"
            + "{\"user_id\":\"U\",\"asin\":\"B\",\"rating\":1.0,\"timestamp\":7}\n"
        #expect(try failure(Array(text.utf8), name: "r.jsonl")?.contains("r.jsonl:1") == true)
        let without = text.replacing(",\"timestamp\":7", with: "").replacing(",\"timestamp\":null", with: "")
        #expect(try load(without, name: "r.jsonl").interactions.times.isEmpty)
    }

    @Test func bookCrossingWithCommasIsPlainCSVWithBackslashes() throws {
        let data = try load(
            "User-ID,ISBN,Book-Rating\n1,\"a\\b,c\",5\n1,d,6\n", name: "Ratings.csv",
            items: "ISBN,Book-Title\nd,\"Readers \\\"\";Teitelbaum\"\"\"\n")
        #expect(data.interactions.items == ["a\\b,c", "d"])
        #expect(data.descriptions.map(\.title) == ["", "Readers \\\";Teitelbaum\""])
    }

    @Test func aFileOfZerosAloneSaysSo() throws {
        let text = "\"User-ID\";\"ISBN\";\"Book-Rating\"\n\"1\";\"2\";\"0\"\n"
        #expect(try failure(Array(text.utf8), name: "BX-Book-Ratings.csv")?.contains("other than 0") == true)
    }

    // MARK: Separators and quotes

    @Test func titlesWithColonsAndCommasStayWhole() throws {
        let items = "1::A: B, C (1990)::Drama\n2::D::E: F::Comedy|War\n3:: ::\n"
        let data = try load("7::1::5::1\n", name: "ratings.dat", items: items)
        #expect(data.descriptions.map(\.title) == ["A: B, C (1990)", "D::E: F", " "])
        #expect(data.descriptions.map(\.keywords) == [["Drama"], ["Comedy", "War"], []])
    }

    @Test(arguments: ["1::5::1\n", "1::2::5::1::9\n", "1:2:5:1\n", "1::::5::1\n", "::2::5::1\n"])
    func rowsWithAnotherNumberOfColonsAreRefused(_ row: String) throws {
        let found = try failure(Array("7::1::5::1\n\(row)".utf8), name: "ratings.dat", format: .movieLens1M)
        #expect(found?.hasPrefix("ratings.dat:2: expected ") == true)
    }

    @Test func quotedFieldsHoldSeparatorsAndQuotes() throws {
        let text = "user,item,rating\n\"a,b\",\"say \"\"x\"\"\",5\n\"\"\"\",\"i\",\"4\"\n"
        let data = try load(text, name: "r.csv")
        #expect(data.interactions.persons == ["\"", "a,b"])
        #expect(data.interactions.items == ["i", "say \"x\""])
        #expect(data.interactions.ratings == [4, 5])
    }

    @Test func aFieldThatGoesOnInTheNextLineIsRefused() throws {
        let text = Array("user,item,rating\n\"a\nb\",i,5\n".utf8)
        #expect(
            try failure(text, name: "r.csv") == "r.csv:2: expected a quoted field to end on the line it begins")
        // The rest of such a field is not taken for a row either.
        #expect(try failure(text, name: "r.csv", limit: 1)?.hasPrefix("r.csv:3: expected no quote inside") == true)
    }

    @Test(arguments: ["\"a\"b,i,5", "a\"b\",i,5", "\"a,i,5", "a,\"i,5"])
    func quotesInTheWrongPlaceAreRefused(_ row: String) throws {
        #expect(try failure(Array("user,item,rating\n\(row)\n".utf8), name: "r.csv")?.hasPrefix("r.csv:2: ") == true)
    }

    @Test func bookCrossingEscapesWithBackslashes() throws {
        let header = "\"User-ID\";\"ISBN\";\"Book-Rating\"\n"
        let items = "\"ISBN\";\"Book-Title\";\"Book-Author\"\n\"1\";\"A \\\"B\\\"; C \\\\ D\";\"E & F; G\"\n"
        let data = try load(header + "\"7\";\"1\";\"5\"\n", name: "BX-Book-Ratings.csv", items: items)
        #expect(data.descriptions == [ItemDescription(title: "A \"B\"; C \\ D", keywords: ["E & F; G"])])
        #expect(
            try failure(Array((header + "\"7\\\";\"1\";\"5\"\n").utf8), name: "BX-Book-Ratings.csv")?.contains(":2: ")
                == true)
    }

    @Test func recBoleFieldsHaveNoQuotes() throws {
        let data = try load(header + "\"u\t\"i\"\t5\n", name: "r.inter")
        #expect(data.interactions.persons == ["\"u"] && data.interactions.items == ["\"i\""])
    }

    @Test(arguments: [",", ";", "\t", "|"])
    func theSeparatorOfACSVFileIsToldByItsHeader(_ separator: String) throws {
        let rows = [["time", "user", "item", "rating"], ["5", "u1", "i1", "4.5"], ["6", "u2", "i2", "1"]]
        let data = try load(rows.map { $0.joined(separator: separator) }.joined(separator: "\n"), name: "r.txt")
        #expect(data.report.format == .csv)
        #expect(data.interactions.ratings == [4.5, 1] && data.interactions.times == [5, 6])
    }

    // MARK: Columns

    @Test func theColumnsOfACSVFileCanBeNamed() throws {
        let text = "item,who,user,what,stars\n1,a,b,c,9\n"
        let names = ColumnNames(user: "who", item: "what", rating: "item", time: "stars")
        for format in [RatingsFormat.csv, nil] {
            let data = try load(text, name: "r.csv", format: format, columns: names)
            #expect(data.interactions.persons == ["a"] && data.interactions.items == ["c"])
            #expect(data.interactions.ratings == [1] && data.interactions.times == [9])
        }
        #expect(
            try failure(Array(text.utf8), name: "r.csv", format: .csv, columns: ColumnNames(user: "nobody"))
                == "r.csv:1: expected a header with the column nobody")
        #expect(
            try failure(Array("user,user,item\n".utf8), name: "r.csv", format: .csv, columns: ColumnNames(user: "user"))
                == "r.csv:1: expected a header with one column user")
    }

    @Test func withoutAColumnOfRatingsEveryRatingIsOneAndTheReportSaysSo() throws {
        let data = try load("user,item\na,b\n", name: "r.csv")
        #expect(data.interactions.ratings == [1])
        #expect(data.report.notes == ["there is no column of ratings: every rating is 1"])
    }

    @Test func amazonsColumnsAreToldFromTheIds() throws {
        let users = try load(FormatFixture.amazon2014.ratings, name: "a.csv")
        #expect(users.report.notes == ["the user column comes first, as in Amazon's 2014 files"])
        let items = try load(FormatFixture.amazon2018.ratings, name: "a.csv")
        #expect(items.report.notes == ["the item column comes first, as in Amazon's 2018 files"])
        #expect(users.interactions == items.interactions)
    }

    @Test func amazonsColumnsThatCannotBeToldAreAnError() throws {
        for rows in ["u1,i1,5.0,1\nu2,i2,4.0,2\n", "\(user),0000031852,5,1\n0000031852,\(user),5,1\n"] {
            let found = try #require(try failure(Array(rows.utf8), name: "a.csv", format: .amazonRatings))
            #expect(found.contains("do not tell whether the user or the item comes first"))
            #expect(found.contains("name its columns with the format csv"))
        }
    }

    @Test func aFewOddIdsDoNotHideTheOrderOfAmazonsColumns() throws {
        let rows = (0..<3_000).map { $0 % 100 == 7 ? "odd,odd\($0),1,2" : "B0000\(10_000 + $0),\(user),5.0,\($0)" }
        let data = try load(rows.joined(separator: "\n"), name: "a.csv")
        #expect(data.interactions.persons == [user, "odd1007"].sorted() || data.interactions.persons.contains(user))
        #expect(data.interactions.items.contains("B000010000"))
    }

    @Test func aHeaderInAmazonsRatingsIsRecognised() throws {
        let text = "UserId,ProductId,Rating,Timestamp\nx,y,5,7\n"
        let data = try load(text, name: "a.csv", format: .amazonRatings)
        #expect(data.interactions.persons == ["x"] && data.interactions.items == ["y"])
    }

    @Test func aHeaderThatSomebodyAddedToMovieLensIsSteppedOver() throws {
        let plain = "user_id\titem_id\trating\ttimestamp\n1\t2\t3\t4\n"
        #expect(try load(plain, name: "u.data", format: .movieLens100K).interactions.ratings == [3])
        let colons = "UserID::MovieID::Rating::Timestamp\n1::2::3::4\n"
        #expect(try load(colons, name: "ratings.dat", format: .movieLens1M).interactions.ratings == [3])
    }

    @Test func goodbooksFirstEditionMeansItsOwnIds() throws {
        // There `id` is what the ratings call book_id, and `book_id` is Goodreads' number.
        let items = "id,book_id,authors,title\n1,2,A,One\n2,1,B,Two\n"
        let data = try load("book_id,user_id,rating\n1,9,5\n2,9,4\n", name: "ratings.csv", items: items)
        #expect(data.report.format == .goodbooks)
        #expect(data.descriptions.map(\.title) == ["One", "Two"])
    }

    // MARK: Values

    @Test func hugeIdsAreKeptDigitByDigit() throws {
        let ids = [
            "18446744073709551616", "18446744073709551617", "9007199254740993", "9007199254740992", "007", "7", "1e3",
        ]
        let rows = ids.map { "\($0),\($0),5" }
        let data = try load("user,item,rating\n" + rows.joined(separator: "\n"), name: "r.csv")
        #expect(data.interactions.persons == ids.sorted() && data.interactions.items == ids.sorted())
    }

    @Test func timesBeyondADoubleAreExactInEveryLayout() throws {
        let (early, late) = (9_007_199_254_740_992, 9_007_199_254_740_993)
        let texts = [
            ("u.data", "1\t2\t1\t\(late)\n1\t2\t5\t\(early)\n"),
            ("ratings.dat", "1::2::1::\(late)\n1::2::5::\(early)\n"),
            ("r.csv", "user,item,rating,time\n1,2,1,\(late)\n1,2,5,\(early)\n"),
            (
                "r.json",
                [(1, late), (5, early)].map {
                    "{\"reviewerID\":\"1\",\"asin\":\"2\",\"overall\":\($0.0),\"unixReviewTime\":\($0.1)}\n"
                }.joined()
            ),
        ]
        for (name, text) in texts {
            let read = try load(text, name: name).interactions
            #expect(read.ratings == [1] && read.times == [Int64(late)], "\(name)")
        }
    }

    @Test(arguments: [
        ("1e9", 1_000_000_000), ("1.0", 1), ("-1.5e1", -15), ("9223372036854775807", Int.max),
        ("-9223372036854775808", Int.min), ("1234567890.000", 1_234_567_890), ("+5", 5),
        ("9007199254740993.0", 9_007_199_254_740_993), ("12345678901234567.00", 12_345_678_901_234_567),
        ("9223372036854775807.0", Int.max), ("-9223372036854775808e0", Int.min), ("0.0012e4", 12), ("1200e-2", 12),
        ("10.5e1", 105), ("0e999999", 0), ("-0.0", 0), ("1.50e+10", 15_000_000_000),
    ])
    func wholeFloatsAreTimes(_ text: String, _ time: Int) throws {
        #expect(try interactions(timedHeader + "p\ti\t1\t\(text)\n").times == [Int64(time)])
    }

    @Test(arguments: [
        "1.5", "9223372036854775808", "9223372036854775808.0", "1e19", "1e-1", "12e-2", "1e999999999999999999999",
        "nan", "inf", "", "0x10", "1e", "--1", "2016-05-28",
    ])
    func timesThatAreNotWholeNumbersOf64BitsAreRefused(_ text: String) throws {
        #expect(try problem(timedHeader + "p\ti\t1\t\(text)\n")?.place == "r.inter:2")
    }

    @Test(arguments: [
        ("1970-01-01", 0), ("1969-12-31 23:59:59", -1), ("2000-02-29T12:00:00Z", 951_825_600),
        ("2016-05-28 00:00:00", 1_464_393_600),
        ("2038-01-19 03:14:08", 2_147_483_648), ("1900-03-01", -2_203_891_200), ("2012-05-06 01:02", 1_336_266_120),
        ("2012-05-06 01:02:03.250", 1_336_266_123), ("0001-01-01", -62_135_596_800),
    ])
    func datesBecomeSecondsSince1970(_ text: String, _ seconds: Int) throws {
        let read = try load("user,item,rating,date\na,b,1,\(text)\n", name: "r.csv").interactions
        #expect(read.times == [Int64(seconds)])
    }

    @Test(arguments: [
        "2015-02-29", "1900-02-29", "2016-13-01", "2016-00-10", "2016-01-32", "2016-1-1", "2016-05-28 24:00:00",
        "2016-05-28 00:60",
        "2016-05-28x", "2016-05-28 00:00:00 +01:00", "28-05-2016", "2016-05-28 00:00:00.", "yesterday",
    ])
    func datesThatAreNoneAreRefused(_ text: String) throws {
        let found = try failure(Array("user,item,rating,date\na,b,1,\(text)\n".utf8), name: "r.csv")
        #expect(found == "r.csv:2: expected a number or date in the field time")
    }

    @Test func everyDayFrom1600To2400HasItsOwnSeconds() throws {
        var text = "user,item,rating,date\n"
        var expected: [Int64] = []
        var day = Int64(-135_140)
        for year in 1600...2399 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for (month, length) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                for date in 1...length {
                    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
                    text += "u,i\(1_000_000 + expected.count),1,\(year)-\(two(month + 1))-\(two(date))\n"
                    expected.append(day * 86_400)
                    day += 1
                }
            }
        }
        #expect(try load(text, name: "r.csv").interactions.times == expected)
    }

    @Test func aRatingOfZeroIsARatingButInBookCrossingUnlessTheRuleSaysOtherwise() throws {
        let book = "\"User-ID\";\"ISBN\";\"Book-Rating\"\n\"1\";\"a\";\"0\"\n\"1\";\"b\";\"5\"\n"
        let plain = "user,item,rating\n1,a,0\n1,b,5\n"
        for (text, name, zeros, ratings) in [
            (book, "BX-Book-Ratings.csv", ZeroRule.byDefault, [5] as [Float]),
            (book, "BX-Book-Ratings.csv", .drop, [5]),
            (book, "BX-Book-Ratings.csv", .keep, [0, 5]), (plain, "r.csv", .byDefault, [0, 5]),
            (plain, "r.csv", .keep, [0, 5]),
            (plain, "r.csv", .drop, [5]),
        ] {
            let data = try load(text, name: name, zeros: zeros)
            #expect(data.interactions.ratings == ratings, "\(name) \(zeros)")
            #expect(data.report.zeroCount == 2 - ratings.count && data.report.rowCount == ratings.count)
            #expect(data.report.notes.isEmpty == (ratings.count == 2))
        }
        #expect(throws: DataError.self) {
            try load("user,item,rating\n1,a,0\n1,b,-0.0\n", name: "r.csv", zeros: .drop)
        }
    }

    @Test(arguments: [
        "4.35", "0.1", "1e-5", "3.4028235e38", "123456789012345678", "0.30000000000000004", "1e22", "1e23", "5.", ".5",
        "00004",
        "2.2250738585072014e-308", "9007199254740993", "1e-30", "0.000000000000000000000000000000000001e36",
    ])
    func ratingsAreRoundedAsTheStandardLibraryDoes(_ text: String) throws {
        let expected = try #require(Double(text))
        #expect(try interactions(header + "p\ti\t\(text)\n").ratings == [Float(expected)])
    }

    @Test func ratingsNextToTheMiddleOfTwoFloatsAreRoundedToTheRightOne() throws {
        // Seventeen digits whose Double is the middle itself or its neighbour: one ulp off is another Float.
        var stream = RandomStream(root: 4, path: ["ratings", "rounding"])
        var texts: [String] = []
        for _ in 0..<3_000 {
            let low = Float(1 + 4 * stream.uniform())
            var digits = (Double(low) + Double(low.ulp) / 2).description
            let last = digits.removeLast()
            digits.append(stream.integer(below: 2) == 0 ? "1" : "9")
            texts += [digits, digits.dropLast() + String(last)]
        }
        let rows = texts.enumerated().map { "u\ti\(100_000 + $0.offset)\t\($0.element)" }
        let read = try interactions(header + rows.joined(separator: "\n")).ratings
        #expect(read == texts.map { Float(Double($0) ?? .nan) })
    }

    @Test(arguments: ["NaN", "Infinity", "1e39", "0x5", "1_000", "5%", "e5", ".", "-", "1e+", "1.2.3", "1e400"])
    func ratingsThatAreNoNumbersAreRefusedInEveryLayout(_ text: String) throws {
        for (name, row) in [
            ("u.data", "1\t2\t\(text)\t4\n"), ("ratings.dat", "1::2::\(text)::4\n"),
            ("r.csv", "user,item,rating\n1,2,\(text)\n"), ("r.inter", header + "1\t2\t\(text)\n"),
            ("r.json", "{\"reviewerID\":\"1\",\"asin\":\"2\",\"overall\":\(text)}\n"),
        ] {
            let format: RatingsFormat? = name == "u.data" ? .movieLens100K : name == "ratings.dat" ? .movieLens1M : nil
            #expect(try failure(Array(row.utf8), name: name, format: format) != nil, "\(name)")
        }
    }

    // MARK: Catalogues

    @Test(arguments: [FormatFixture.recBole, .movieLens100K, .movieLens1M, .movieLensLatest])
    func anUnlistedItemIsAnErrorWhereTheItemsAreTheCatalogue(_ fixture: FormatFixture) throws {
        let lines = fixture.items.split(separator: 0x0A, omittingEmptySubsequences: true)
        let kept = lines.count - 2
        let items = Array(lines[..<kept].joined(separator: [0x0A])) + [0x0A]
        let found = try failure(fixture.ratings, name: fixture.name, format: fixture.format, items: items)
        #expect(found?.hasSuffix("the item is not listed in items") == true, "\(found ?? "read")")
    }

    @Test func aMalformedLineOfTheItemsListsNothing() throws {
        let items = Array("item_id:token\ttitle:token_seq\ni\tOne\nj\t".utf8) + [0xE9] + Array("\ni\tOne again\n".utf8)
        #expect(
            try failure(Array((header + "u\ti\t1\n").utf8), name: "r.inter", items: items)
                == "items:3: expected text in UTF-8")
        let data = try load(Array((header + "u\ti\t1\n").utf8), name: "r.inter", items: items, limit: 1)
        #expect(data.interactions.items == ["i"] && data.report.malformedCount == 1)
        #expect(data.descriptions == [ItemDescription(title: "One")])
    }

    @Test func listedItemsWithoutRatingsStayOutWhereTheItemsAreNoCatalogue() throws {
        let fixture = FormatFixture.goodbooks
        let data = try load(fixture.ratings, name: fixture.name, items: fixture.items)
        #expect(data.interactions.items == ["258", "4081"])
        #expect(data.descriptions.map(\.title) == ["The Wind (Shadow, #1)", ""])
    }
}
