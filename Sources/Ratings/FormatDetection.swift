/// The beginning of a file: what its layout is told from.
struct FileSample {
    /// How many bytes are looked at, and how many lines of them.
    static let byteCount = 1 << 16
    static let lineLimit = 1_000

    /// The first lines that are whole and not empty.
    let lines: [[UInt8]]

    init(_ bytes: Span<UInt8>, isWhole: Bool) {
        var lines: [[UInt8]] = []
        var start = 0
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { start = 3 }
        while start < bytes.count, lines.count < FileSample.lineLimit {
            var end = start
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            // A line that goes on beyond the sample is whole only for want of another.
            if end == bytes.count, !isWhole, !lines.isEmpty { break }
            var line = bytes.extracting(start..<end).array
            if line.last == 0x0D { line.removeLast() }
            if !line.isEmpty { lines.append(line) }
            start = end + 1
        }
        self.lines = lines
    }

    /// The fields of a line, split at a separator with double quotes understood; `nil` when the quotes do not match.
    static func fields(_ line: [UInt8], _ separator: FieldSplitter.Separator) -> [String]? {
        var splitter = FieldSplitter(separator: separator, quoting: separator == .twoColons ? .none : .doubled)
        do throws(LineProblem) { try splitter.split(line.span) } catch { return nil }
        return splitter.texts(line.span)
    }
}

/// Tells the layout of a file of ratings.
struct FormatDetection {
    private static let tab = UInt8(ascii: "\t")
    private static let comma = UInt8(ascii: ",")

    let path: String
    let sample: FileSample
    let columns: ColumnNames

    /// The layout, from the first lines or, when those do not tell, the file's name.
    func format() throws(DataError) -> RatingsFormat {
        guard let first = sample.lines.first else { throw .empty(path: path) }
        if let format = formatOfContent(first) ?? formatOfName() { return format }
        throw .undetected(path: path, reason: "neither its first lines nor its name are of a known layout")
    }

    private func formatOfContent(_ first: [UInt8]) -> RatingsFormat? {
        if first.first(where: { $0 != 0x20 && $0 != 0x09 }) == UInt8(ascii: "{") { return formatOfJSON(first) }
        if columns != ColumnNames(), let separator = FormatDetection.separator(of: first),
            let header = FileSample.fields(first, .byte(separator)),
            [columns.user, columns.item, columns.rating, columns.time].allSatisfy({ $0.map(header.contains) ?? true })
        {
            return .csv
        }
        if let fields = FileSample.fields(first, .byte(FormatDetection.tab)) {
            if (try? RecBoleHeader(fields)) != nil { return .recbole }
            if fields.count == 4, isNumeric(fields[0]), isNumeric(fields[1]), isNumeric(fields[2]), isNumeric(fields[3])
            {
                return .movieLens100K
            }
            let names = Set(fields)
            if names.contains("user_id"), names.contains("rating"), names.contains("time"),
                !names.isDisjoint(with: ["movie_id", "book_id", "music_id"])
            {
                return .douban
            }
        }
        if let fields = FileSample.fields(first, .twoColons), fields.count == 4, isNumeric(fields[2]) {
            return .movieLens1M
        }
        for separator in [UInt8(ascii: ";"), FormatDetection.comma] {
            if let fields = FileSample.fields(first, .byte(separator)),
                ["User-ID", "ISBN", "Book-Rating"].allSatisfy(fields.contains)
            {
                return .bookCrossing
            }
        }
        if let fields = FileSample.fields(first, .byte(FormatDetection.comma)) {
            if fields == ["userId", "movieId", "rating", "timestamp"] { return .movieLensLatest }
            if Set(fields) == ["user_id", "book_id", "rating"] { return .goodbooks }
            if fields.starts(with: ["user_id", "parent_asin", "rating", "timestamp"]) { return .amazonRatings }
            if fields.count == 4, isNumeric(fields[2]), isNumeric(fields[3]),
                AmazonOrientation(fields[0], fields[1]) != .unknown
            {
                return .amazonRatings
            }
        }
        if let separator = FormatDetection.separator(of: first),
            let fields = FileSample.fields(first, .byte(separator)), RatingColumns.isHeader(fields)
        {
            return .csv
        }
        return nil
    }

    private func formatOfJSON(_ first: [UInt8]) -> RatingsFormat? {
        // Keys are looked for as text: a Python dictionary is to be recognised, so that its error can say what it is.
        let text = String(decoding: first, as: UTF8.self)
        func holds(_ key: String) -> Bool { text.contains("\"\(key)\"") || text.contains("'\(key)'") }
        if holds("business_id"), holds("stars") { return .yelp }
        if holds("reviewerID") && holds("asin") { return .amazonReviews }
        if holds("user_id") && (holds("parent_asin") || holds("asin")) { return .amazonReviews }
        return nil
    }

    private func formatOfName() -> RatingsFormat? {
        var name = String(path.split(separator: "/").last ?? "").lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        if name.hasSuffix(".inter") { return .recbole }
        switch name {
        case "u.data": return .movieLens100K
        case "ratings.dat" where FileSample.fields(sample.lines[0], .twoColons).map { $0.count > 1 } == true:
            return .movieLens1M
        case "bx-book-ratings.csv": return .bookCrossing
        default: break
        }
        if name.hasPrefix("yelp_"), name.hasSuffix("_review.json") { return .yelp }
        if name.hasPrefix("reviews_"), name.hasSuffix(".json") { return .amazonReviews }
        if name.hasPrefix("ratings_"), name.hasSuffix(".csv") { return .amazonRatings }
        return nil
    }

    private func isNumeric(_ field: String) -> Bool { NumberText.double(Array(field.utf8).span) != nil }

    /// The separator of a header: of those that occur, the one that makes most fields.
    static func separator(of header: [UInt8]) -> UInt8? {
        var best: UInt8?
        var bestCount = 1
        for separator in [tab, comma, UInt8(ascii: ";"), UInt8(ascii: "|")] {
            guard let fields = FileSample.fields(header, .byte(separator)), fields.count > bestCount else { continue }
            (best, bestCount) = (separator, fields.count)
        }
        return best
    }
}

/// Which of the first two columns of an Amazon file of ratings holds the items.
enum AmazonOrientation {
    case userFirst
    case itemFirst
    case unknown

    /// What one row says: an ASIN has ten of A–Z and 0–9 and begins with B or a digit, a reviewer's id is longer and
    /// begins with A.
    init(_ first: String, _ second: String) {
        func isItem(_ id: String) -> Bool {
            id.utf8.count == 10
                && id.utf8.allSatisfy {
                    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                        || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                }
                && (id.hasPrefix("B") || id.utf8.first.map { $0 <= UInt8(ascii: "9") } ?? false)
        }
        func isUser(_ id: String) -> Bool { id.utf8.count >= 12 && id.hasPrefix("A") }
        if isUser(first), isItem(second) {
            self = .userFirst
        } else if isItem(first), isUser(second) {
            self = .itemFirst
        } else {
            self = .unknown
        }
    }

    /// What the first rows say: at least half of them are of one kind, and at most a twentieth as many of the other.
    init(_ sample: FileSample) {
        var counts: [AmazonOrientation: Int] = [:]
        var total = 0
        for line in sample.lines {
            guard let fields = FileSample.fields(line, .byte(UInt8(ascii: ","))), fields.count >= 2 else { continue }
            counts[AmazonOrientation(fields[0], fields[1]), default: 0] += 1
            total += 1
        }
        let (users, items) = (counts[.userFirst] ?? 0, counts[.itemFirst] ?? 0)
        if users > 0, 2 * users >= total, 20 * items <= users {
            self = .userFirst
        } else if items > 0, 2 * items >= total, 20 * users <= items {
            self = .itemFirst
        } else {
            self = .unknown
        }
    }
}
