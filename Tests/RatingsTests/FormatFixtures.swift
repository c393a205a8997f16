import Ratings
import TestSupport
import Testing

/// A small data set in the true layout of a format; ids and titles are invented.
struct FormatFixture: Sendable, CustomTestStringConvertible {
    let format: RatingsFormat
    var name: String
    let ratings: [UInt8]
    var itemsName: String
    let items: [UInt8]
    let rows: [NaiveRow]
    let hasTimes: Bool
    /// The ids of the file of items when that is the catalogue.
    var catalogue: [String]?
    let descriptions: [String: ItemDescription]
    var testDescription: String { name }

    var expected: Interactions? { naiveInteractions(rows, hasTimes: hasTimes, catalogue: catalogue) }

    func expectedDescriptions(_ items: [String]) -> [ItemDescription] {
        items.map { descriptions[$0] ?? ItemDescription() }
    }
}

/// Latin-1 bytes of a text.
func latin1(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }

private func row(_ person: String, _ item: String, _ rating: Float, _ time: Int64 = 0) -> NaiveRow {
    NaiveRow(person: person, item: item, rating: rating, time: time)
}

private func flags(_ genres: Int...) -> String {
    (0..<19).map { genres.contains($0) ? "1" : "0" }.joined(separator: "|")
}

extension FormatFixture {
    static let all = [
        recBole, movieLens100K, movieLens1M, movieLensLatest, amazon2014, amazon2018, amazon2023, reviews2014,
        reviews2023, bookCrossing, goodbooks, yelp, douban, csv,
    ]

    static let recBole = FormatFixture(
        format: .recbole, name: "tiny.inter",
        ratings: Array(
            """
            user_id:token\titem_id:token\trating:float\ttimestamp:float
            u1\tThe "Deep", Part: 2\t4.5\t1000000001
            u2\ti2\t0\t9007199254740993
            u1\ti2\t3\t1e9

            """.utf8),
        itemsName: "tiny.item",
        items: Array(
            """
            item_id:token\tmovie_title:token_seq\tclass:token_seq\tyear:float
            i2\tA Second Film\tDrama Sci-Fi\t1999
            The "Deep", Part: 2\tThe Deep\tAction\t2001
            i3\tNever Rated\t\t1980

            """.utf8),
        rows: [
            row("u1", "The \"Deep\", Part: 2", 4.5, 1_000_000_001), row("u2", "i2", 0, 9_007_199_254_740_993),
            row("u1", "i2", 3, 1_000_000_000),
        ],
        hasTimes: true, catalogue: ["i2", "The \"Deep\", Part: 2", "i3"],
        descriptions: [
            "i2": ItemDescription(title: "A Second Film", keywords: ["Drama", "Sci-Fi"]),
            "The \"Deep\", Part: 2": ItemDescription(title: "The Deep", keywords: ["Action"]),
            "i3": ItemDescription(title: "Never Rated"),
        ])

    static let movieLens100K = FormatFixture(
        format: .movieLens100K, name: "u.data",
        ratings: Array("196\t242\t3\t881250949\n186\t302\t0\t891717742\n196\t302\t1\t878887116\n".utf8),
        itemsName: "u.item",
        items: latin1(
            "242|Été à la mer (1995)|01-Jan-1995||http://example/?a,b|" + flags(5, 8) + "\n"
                + "302|L.A. Noir: The End (1997)|01-Jan-1997|||" + flags(0) + "\n"
                + "7|Nobody Saw It||||" + flags(1, 4, 18) + "\n"),
        rows: [
            row("196", "242", 3, 881_250_949), row("186", "302", 0, 891_717_742), row("196", "302", 1, 878_887_116),
        ],
        hasTimes: true, catalogue: ["242", "302", "7"],
        descriptions: [
            "242": ItemDescription(title: "Été à la mer (1995)", keywords: ["Comedy", "Drama"]),
            "302": ItemDescription(title: "L.A. Noir: The End (1997)", keywords: ["unknown"]),
            "7": ItemDescription(title: "Nobody Saw It", keywords: ["Action", "Children's", "Western"]),
        ])

    static let movieLens1M = FormatFixture(
        format: .movieLens1M, name: "ratings.dat",
        ratings: Array("1::1193::5::978300760\n1::661::3.5::978302109\n2::1193::0.5::978298413\n".utf8),
        itemsName: "movies.dat",
        items: latin1(
            "1193::Star: The Return, Part 2 (1998)::Action|Sci-Fi\n661::Misérables, Les: (1995)::Drama|Musical\n"
                + "9::Odd::Title::Comedy\n"),
        rows: [
            row("1", "1193", 5, 978_300_760), row("1", "661", 3.5, 978_302_109), row("2", "1193", 0.5, 978_298_413),
        ],
        hasTimes: true, catalogue: ["1193", "661", "9"],
        descriptions: [
            "1193": ItemDescription(title: "Star: The Return, Part 2 (1998)", keywords: ["Action", "Sci-Fi"]),
            "661": ItemDescription(title: "Misérables, Les: (1995)", keywords: ["Drama", "Musical"]),
            "9": ItemDescription(title: "Odd::Title", keywords: ["Comedy"]),
        ])

    static let movieLensLatest = FormatFixture(
        format: .movieLensLatest, name: "ratings.csv",
        ratings: Array(
            "userId,movieId,rating,timestamp\n1,296,5.0,1147880044\n1,306,3.5,1147868817\n2,296,0.5,1141415820\n".utf8),
        itemsName: "movies.csv",
        items: Array(
            """
            movieId,title,genres
            296,"Fiction, ""Pulp"" (1994)",Comedy|Crime
            306,Amélie (2001),(no genres listed)
            307,Unseen (2002),Drama

            """.utf8),
        rows: [
            row("1", "296", 5, 1_147_880_044), row("1", "306", 3.5, 1_147_868_817), row("2", "296", 0.5, 1_141_415_820),
        ],
        hasTimes: true, catalogue: ["296", "306", "307"],
        descriptions: [
            "296": ItemDescription(title: "Fiction, \"Pulp\" (1994)", keywords: ["Comedy", "Crime"]),
            "306": ItemDescription(title: "Amélie (2001)"),
            "307": ItemDescription(title: "Unseen (2002)", keywords: ["Drama"]),
        ])

    private static let amazonMeta = Array(
        """
        {"asin": "B00AAAAAA1", "title": "A \\"Quoted\\" Lamp \\u00e9\\ud83d\\ude00", "categories": [["Home", "Lamps"], ["Gifts"]], "brand": "Lumo", "related": {"also": ["B1"], "n": [[1, 2]]}}
        {"asin": "0000031852", "title": "Skirt", "category": ["Clothing"], "store": "Shop", "author": {"name": "x"}}
        {"asin": "B00NOTRATE", "title": "Not rated"}

        """.utf8)
    private static let amazonDescriptions = [
        "B00AAAAAA1": ItemDescription(title: "A \"Quoted\" Lamp é😀", keywords: ["Home", "Lamps", "Gifts", "Lumo"]),
        "0000031852": ItemDescription(title: "Skirt", keywords: ["Clothing", "Shop"]),
    ]
    private static let amazonRows = [
        row("A1KLRMWW2FWPL4", "0000031852", 5, 1_297_468_800), row("A2G5TCU2WDFZ65", "B00AAAAAA1", 1, 1_358_553_600),
        row("A2G5TCU2WDFZ65", "B00UNLISTD", 4, 1_358_553_601),
    ]

    static let amazon2014 = FormatFixture(
        format: .amazonRatings, name: "ratings_Clothing.csv",
        ratings: Array(
            "A1KLRMWW2FWPL4,0000031852,5.0,1297468800\nA2G5TCU2WDFZ65,B00AAAAAA1,1.0,1358553600\nA2G5TCU2WDFZ65,B00UNLISTD,4.0,1358553601\n"
                .utf8),
        itemsName: "meta.json", items: amazonMeta, rows: amazonRows, hasTimes: true,
        descriptions: amazonDescriptions)

    static let amazon2018 = FormatFixture(
        format: .amazonRatings, name: "Clothing.csv",
        ratings: Array(
            "0000031852,A1KLRMWW2FWPL4,5.0,1297468800\nB00AAAAAA1,A2G5TCU2WDFZ65,1.0,1358553600\nB00UNLISTD,A2G5TCU2WDFZ65,4.0,1358553601\n"
                .utf8),
        itemsName: "meta.json", items: amazonMeta, rows: amazonRows, hasTimes: true,
        descriptions: amazonDescriptions)

    static let amazon2023 = FormatFixture(
        format: .amazonRatings, name: "Beauty.csv",
        ratings: Array(
            "user_id,parent_asin,rating,timestamp\nAFKZENTNBQ7A7V7UXW5JJI6UGRYQ,B00AAAAAA1,5.0,1588687728923\nAFKZENTNBQ7A7V7UXW5JJI6UGRYQ,0000031852,2.0,1588615855070\n"
                .utf8),
        itemsName: "meta.jsonl",
        items: Array(
            """
            {"main_category": "All Beauty", "title": "Soap", "store": null, "categories": [], "parent_asin": "B00AAAAAA1"}
            {"title": "Brush", "store": "Brushes", "categories": ["Beauty", "Tools"], "parent_asin": "0000031852"}

            """.utf8),
        rows: [
            row("AFKZENTNBQ7A7V7UXW5JJI6UGRYQ", "B00AAAAAA1", 5, 1_588_687_728_923),
            row("AFKZENTNBQ7A7V7UXW5JJI6UGRYQ", "0000031852", 2, 1_588_615_855_070),
        ],
        hasTimes: true,
        descriptions: [
            "B00AAAAAA1": ItemDescription(title: "Soap"),
            "0000031852": ItemDescription(title: "Brush", keywords: ["Beauty", "Tools", "Brushes"]),
        ])

    static let reviews2014 = FormatFixture(
        format: .amazonReviews, name: "Clothing_5.json",
        ratings: Array(
            """
            {"reviewerID": "A1KLRMWW2FWPL4", "asin": "0000031852", "reviewerName": "Amy \\"J\\"", "helpful": [0, 0], "reviewText": "Good, {really} [so]: \\\\", "overall": 5.0, "unixReviewTime": 1297468800, "reviewTime": "02 12, 2011"}
            {"overall": 1, "asin": "B00AAAAAA1", "reviewerID": "A2G5TCU2WDFZ65", "style": {"Size:": " L", "n": {"a": []}}, "unixReviewTime": 1358553600}
            {"reviewerID": "A2G5TCU2WDFZ65", "asin": "B00UNLISTD", "overall": 4.0, "unixReviewTime": 1358553601}

            """.utf8),
        itemsName: "meta.json", items: amazonMeta, rows: amazonRows, hasTimes: true,
        descriptions: amazonDescriptions)

    static let reviews2023 = FormatFixture(
        format: .amazonReviews, name: "All_Beauty.jsonl",
        ratings: Array(
            """
            {"rating": 5.0, "title": "Such", "text": "This", "images": [], "asin": "B00VARIANT", "parent_asin": "B00AAAAAA1", "user_id": "AGKHLEW2SOWHNMFQIJGBECAF7INQ", "timestamp": 1588687728923, "verified_purchase": true}
            {"rating": 4.0, "asin": "0000031852", "user_id": "AGKHLEW2SOWHNMFQIJGBECAF7INQ", "timestamp": 1588615855070}

            """.utf8),
        itemsName: "meta.jsonl", items: amazon2023.items,
        rows: [
            row("AGKHLEW2SOWHNMFQIJGBECAF7INQ", "B00AAAAAA1", 5, 1_588_687_728_923),
            row("AGKHLEW2SOWHNMFQIJGBECAF7INQ", "0000031852", 4, 1_588_615_855_070),
        ],
        hasTimes: true, descriptions: amazon2023.descriptions)

    static let bookCrossing = FormatFixture(
        format: .bookCrossing, name: "BX-Book-Ratings.csv",
        ratings: latin1(
            "\"User-ID\";\"ISBN\";\"Book-Rating\"\n\"276725\";\"034545104X\";\"0\"\n\"276726\";\"0155061224\";\"5\"\n"
                + "\"276726\";\"ISBN\\\"\u{E9}\";\"7\"\n\"276729\";\"0155061224\";\"6\"\n"),
        itemsName: "BX-Books.csv",
        items: latin1(
            "\"ISBN\";\"Book-Title\";\"Book-Author\";\"Year-Of-Publication\"\n"
                + "\"0155061224\";\"Rites; \\\"Passage\\\"\";\"Judith R\u{E6}\";\"2001\"\n"
                + "\"ISBN\\\"\u{E9}\";\"Plain\";\"\";\"0\"\n\"1\";\"Unrated\";\"X\";\"1990\"\n"),
        rows: [row("276726", "0155061224", 5), row("276726", "ISBN\"é", 7), row("276729", "0155061224", 6)],
        hasTimes: false,
        descriptions: [
            "0155061224": ItemDescription(title: "Rites; \"Passage\"", keywords: ["Judith Ræ"]),
            "ISBN\"é": ItemDescription(title: "Plain"),
        ])

    static let goodbooks = FormatFixture(
        format: .goodbooks, name: "ratings.csv",
        ratings: Array("user_id,book_id,rating\n1,258,5\n2,4081,4\n2,258,1\n".utf8), itemsName: "books.csv",
        items: Array(
            """
            book_id,goodreads_book_id,authors,original_title,title
            258,2767052,"Ann Writer, Bob Other","Wind, The","The Wind (Shadow, #1)"
            999,3,Nobody,,Unrated

            """.utf8),
        rows: [row("1", "258", 5), row("2", "4081", 4), row("2", "258", 1)], hasTimes: false,
        descriptions: [
            "258": ItemDescription(title: "The Wind (Shadow, #1)", keywords: ["Ann Writer", "Bob Other"])
        ])

    static let yelp = FormatFixture(
        format: .yelp, name: "yelp_academic_dataset_review.json",
        ratings: Array(
            """
            {"review_id":"r1","user_id":"mh_-eMZ6","business_id":"XQfwVwDr","stars":3.0,"useful":0,"text":"It\\n\\"was\\"","date":"2018-07-07 22:09:11"}
            {"review_id":"r2","user_id":"OyoGAe7O","business_id":"7ATYjTIg","stars":5.0,"useful":1,"date":"2016-05-28 00:00:00"}

            """.utf8),
        itemsName: "yelp_academic_dataset_business.json",
        items: Array(
            """
            {"business_id":"XQfwVwDr","name":"Caf\\u00e9 One","attributes":{"WiFi":"u'free'"},"categories":"Coffee & Tea, Food"}
            {"business_id":"other","name":"Unrated","categories":null}

            """.utf8),
        rows: [row("mh_-eMZ6", "XQfwVwDr", 3, 1_531_001_351), row("OyoGAe7O", "7ATYjTIg", 5, 1_464_393_600)],
        hasTimes: true,
        descriptions: ["XQfwVwDr": ItemDescription(title: "Café One", keywords: ["Coffee & Tea", "Food"])])

    static let douban = FormatFixture(
        format: .douban, name: "moviereviews_cleaned.txt",
        ratings: Array(
            "user_id\tmovie_id\trating\tcomment\ttime\tlabels\n\"1386\"\t\"12\"\t\"4\"\t\"a 5\" screen,\"\t\"2012-05-06\"\t\"x\"\n"
                .replacing("a 5\" screen,", with: "a 5\"\" screen,").utf8)
            + Array("1387\t13\t5\tsaid \"no\"\t2012-05-06 01:02:03\t\n".utf8),
        itemsName: "movies_cleaned.txt",
        items: Array(
            "movie_id\tname\tdirector\tsummary\ttag\tUID\n\"13\"\t\"电影\"\t\"Li\"\t\"s\"\t\"drama;war\"\t\"12\"\n".utf8),
        rows: [row("1386", "12", 4, 1_336_262_400), row("1387", "13", 5, 1_336_266_123)], hasTimes: true,
        descriptions: ["12": ItemDescription(title: "电影", keywords: ["Li", "drama", "war"])])

    static let csv = FormatFixture(
        format: .csv, name: "mine.csv",
        ratings: Array("when;Reviewer-ID;productId;score\n17;\"a;b\";\"x\"\"y\";2.5\n18;c;z;-1\n".utf8),
        itemsName: "things.csv",
        items: Array("item_id,name,tags\n\"x\"\"y\",Thing,\"red|blue\"\nq,Unrated,\n".utf8),
        rows: [
            NaiveRow(person: "a;b", item: "x\"y", rating: 2.5), NaiveRow(person: "c", item: "z", rating: -1),
        ],
        hasTimes: false,
        descriptions: ["x\"y": ItemDescription(title: "Thing", keywords: ["red", "blue"])])
}

/// Reads files that are written into a fresh folder.
func load(
    _ ratings: [UInt8], name: String, format: RatingsFormat? = nil, items: [UInt8]? = nil, itemsName: String = "items",
    duplicates: DuplicateRule = .byDefault, zeros: ZeroRule = .byDefault, columns: ColumnNames = ColumnNames(),
    limit: Int = 0
) throws -> LoadedData {
    let folder = try TemporaryFolder()
    let path = try folder.write(ratings, to: name)
    let itemPath = try items.map { try folder.write($0, to: itemsName) }
    return try LoadedData.read(
        DataSource(
            format: format, ratings: path, items: itemPath, duplicates: duplicates, zeros: zeros, columns: columns,
            malformedLineLimit: limit))
}

/// The same with text.
func load(
    _ ratings: String, name: String, format: RatingsFormat? = nil, items: String? = nil, itemsName: String = "items",
    duplicates: DuplicateRule = .byDefault, zeros: ZeroRule = .byDefault, columns: ColumnNames = ColumnNames(),
    limit: Int = 0
) throws -> LoadedData {
    try load(
        Array(ratings.utf8), name: name, format: format, items: items.map { Array($0.utf8) }, itemsName: itemsName,
        duplicates: duplicates, zeros: zeros, columns: columns, limit: limit)
}

/// The error of files that are not read, its folder left out; `nil` when they are.
func failure(
    _ ratings: [UInt8], name: String, format: RatingsFormat? = nil, items: [UInt8]? = nil,
    duplicates: DuplicateRule = .byDefault, columns: ColumnNames = ColumnNames(), limit: Int = 0
) throws -> String? {
    do {
        _ = try load(
            ratings, name: name, format: format, items: items, duplicates: duplicates, columns: columns, limit: limit)
        return nil
    } catch let error as DataError {
        return error.description.replacing(try Regex("/tmp/ferry-tests-[0-9A-Fa-f-]+/"), with: "")
    }
}
