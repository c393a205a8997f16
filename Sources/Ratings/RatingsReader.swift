extension LoadedData {
    /// Reads a source.
    ///
    /// A folder stands for the well-known files in it. In RecBole and MovieLens data the file of items is the
    /// catalogue, and a rated item that it does not list is an error; elsewhere it describes the rated items.
    /// - Throws: any `DataError`, with file and line. *Complexity*: O(rows · log(rows of a person)); memory is about
    ///   twice the matrix.
    public static func read(_ source: DataSource) throws(DataError) -> LoadedData {
        let files = try DataFiles(source)
        var reader = try RatingsReader(source, path: files.ratings)
        let itemPath = source.items ?? files.items(reader.format)
        var loaded = try reader.read(itemPath: itemPath)
        loaded.report.files = [files.ratings] + [itemPath].compactMap { $0 }
        return loaded
    }
}

/// Counts malformed lines, and stops when there are too many.
struct Tolerance {
    let limit: Int
    private(set) var count = 0

    init(limit: Int) { self.limit = limit }

    /// Leaves a line out, or throws what is wrong with it.
    mutating func take(_ problem: LineProblem, path: String, line: Int) throws(DataError) {
        guard case .expected(let expected) = problem else { throw .tooLarge(path: path) }
        guard count < limit else { throw .malformedLine(path: path, line: line, expected: expected) }
        count += 1
    }
}

/// Checks the fields of rows and hands them to the builder.
struct RatingsCollector {
    var builder: InteractionBuilder
    /// The fields' names in error messages.
    var idsName = "person and item"
    var ratingName = "rating"
    var timeName = "time"
    let dropsZeros: Bool
    let acceptsDates: Bool
    private(set) var zeroCount = 0

    init(builder: InteractionBuilder, dropsZeros: Bool, acceptsDates: Bool) {
        self.builder = builder
        self.dropsZeros = dropsZeros
        self.acceptsDates = acceptsDates
    }

    /// Adds a row whose fields are parts of `bytes`; returns false when the item is not in a fixed catalogue.
    mutating func add(
        _ bytes: Span<UInt8>, user: Range<Int>, item: Range<Int>, rating: Range<Int>?, time: Range<Int>?, line: Int
    ) throws(LineProblem) -> Bool {
        guard !user.isEmpty, !item.isEmpty else { throw .expected("a non-empty \(idsName)") }
        var value: Float = 1
        if let rating {
            guard let number = NumberText.double(bytes.extracting(rating)) else {
                throw .expected("a number in the field \(ratingName)")
            }
            value = Float(number)
            guard value.isFinite else { throw .expected("a rating that a 32-bit float can hold") }
        }
        var seconds: Int64 = 0
        if let time { seconds = try self.time(bytes.extracting(time)) }
        if dropsZeros, value == 0 {
            zeroCount += 1
            return true
        }
        return try builder.add(
            person: bytes.extracting(user), item: bytes.extracting(item), rating: value, time: seconds, line: line)
    }

    private func time(_ bytes: Span<UInt8>) throws(LineProblem) -> Int64 {
        // Integers first: a Double reorders times beyond 2⁵³.
        if let value = NumberText.integer(bytes) { return value }
        if let value = NumberText.whole(bytes) { return value }
        guard NumberText.double(bytes) == nil else { throw .expected("a whole 64-bit number as time") }
        if acceptsDates, let value = NumberText.date(bytes) { return value }
        throw .expected("a number\(acceptsDates ? " or date" : "") in the field \(timeName)")
    }
}

/// Reads one file of ratings.
struct RatingsReader: ~Copyable {
    /// The layout, named or detected.
    let format: RatingsFormat
    private let source: DataSource
    private let path: String
    private let sample: FileSample
    private var file: LineFile
    private var tolerance: Tolerance
    private var notes: [String] = []

    /// Opens a file and finds its layout.
    init(_ source: DataSource, path: String) throws(DataError) {
        self.source = source
        self.path = path
        var file = try LineFile(path: path)
        let (range, isWhole) = try file.sample(byteCount: FileSample.byteCount)
        let sample = FileSample(file.buffer.span.extracting(range), isWhole: isWhole)
        let format: RatingsFormat
        if let named = source.format {
            format = named
        } else {
            format = try FormatDetection(path: path, sample: sample, columns: source.columns).format()
        }
        guard source.columns == ColumnNames() || format == .csv else {
            throw .undetected(
                path: path,
                reason: "the columns that are named are not in its header, and without them it is \(format.rawValue)")
        }
        self.format = format
        self.sample = sample
        self.file = file
        tolerance = Tolerance(limit: source.malformedLineLimit)
    }

    /// Whether the file of items fixes the catalogue.
    private var isCatalogueFixed: Bool {
        switch format {
        case .recbole, .movieLens100K, .movieLens1M, .movieLensLatest: true
        case .amazonRatings, .amazonReviews, .bookCrossing, .goodbooks, .yelp, .douban, .csv: false
        }
    }

    /// Reads ratings and items.
    mutating func read(itemPath: String?) throws(DataError) -> LoadedData {
        var listed: ItemSink?
        if let itemPath, isCatalogueFixed {
            var sink = ItemSink(table: IdentifierTable(), grows: true)
            try readItems(itemPath, into: &sink)
            listed = sink
        }
        var collector: RatingsCollector
        let hasTimes: Bool
        var timesArePositions = false
        switch format {
        case .amazonReviews, .yelp:
            let fields = JSONRatingFields(format, sample: sample)
            hasTimes = fields.hasTimes
            collector = makeCollector(catalogue: nil, hasTimes: hasTimes)
            try readJSON(fields, into: &collector)
        case .recbole, .movieLens100K, .movieLens1M, .movieLensLatest, .amazonRatings, .bookCrossing, .goodbooks,
            .douban,
            .csv:
            var layout = try delimitedLayout()
            hasTimes = layout.columns.time != nil
            timesArePositions = layout.columns.timeIsPosition
            collector = makeCollector(catalogue: listed?.table, hasTimes: hasTimes)
            if format == .recbole { collector.idsName = "user_id and item_id" }
            collector.timeName = layout.timeName
            try readDelimited(&layout, itemPath: itemPath, into: &collector)
        }
        let rowCount = collector.builder.rowCount
        guard rowCount > 0 else {
            throw collector.zeroCount > 0 ? .onlyZeros(path: path) : .empty(path: path)
        }
        if let itemPath, listed == nil {
            // The ids of a latin-1 file are looked up as the text they stand for; their numbers stay.
            var sink = ItemSink(table: collector.builder.items.inUTF8(), grows: false)
            try readItems(itemPath, into: &sink)
            listed = sink
        }
        let built = collector.builder.build(
            rule: source.duplicates, hasTimes: hasTimes, timesArePositions: timesArePositions)
        if let line = built.firstDuplicateLine { throw .duplicate(path: path, line: line) }
        if collector.zeroCount > 0 {
            notes.append("\(collector.zeroCount) rows with a rating of 0 are left out")
        }
        return LoadedData(
            interactions: built.interactions,
            descriptions: listed?.descriptions(ranks: built.itemRanks, count: built.interactions.items.count) ?? [],
            report: LoadReport(
                format: format, rowCount: rowCount, malformedCount: tolerance.count, zeroCount: collector.zeroCount,
                notes: notes))
    }

    private mutating func readItems(_ itemPath: String, into sink: inout ItemSink) throws(DataError) {
        var reader = try ItemFileReader(path: itemPath, format: format, idColumn: source.columns.item)
        try reader.read(into: &sink, tolerance: &tolerance)
    }

    private func makeCollector(catalogue: IdentifierTable?, hasTimes: Bool) -> RatingsCollector {
        let isLatin1 = format == .bookCrossing || format == .movieLens100K || format == .movieLens1M
        let dropsZeros =
            switch source.zeros {
            case .byDefault: format == .bookCrossing
            case .keep: false
            case .drop: true
            }
        return RatingsCollector(
            builder: InteractionBuilder(
                catalogue: catalogue, keepsTimes: hasTimes, keepsLines: source.duplicates == .error,
                allowsLatin1: isLatin1),
            dropsZeros: dropsZeros, acceptsDates: format == .yelp || format == .douban || format == .csv)
    }
}

// MARK: - Delimited text

/// How the rows of a delimited file are read.
struct DelimitedLayout {
    var splitter: FieldSplitter
    var columns: RatingColumns
    /// The time's field in error messages.
    var timeName = "time"
}

extension RatingsReader {
    private static let fourColumns = RatingColumns(user: 0, item: 1, rating: 2, time: 3, width: 4)

    /// The layout of the file; its header, if there is one, is read.
    private mutating func delimitedLayout() throws(DataError) -> DelimitedLayout {
        let tab = FieldSplitter.Separator.byte(UInt8(ascii: "\t"))
        let comma = FieldSplitter.Separator.byte(UInt8(ascii: ","))
        switch format {
        case .movieLens100K: return try headerless(FieldSplitter(separator: tab))
        case .movieLens1M: return try headerless(FieldSplitter(separator: .twoColons))
        case .amazonRatings:
            let splitter = FieldSplitter(separator: comma, quoting: .doubled)
            if let first = sample.lines.first, let fields = FileSample.fields(first, comma),
                RatingColumns.isHeader(fields)
            {
                return try headed(splitter) { header throws(LineProblem) in try .named(ColumnNames(), in: header) }
            }
            return try oriented(splitter)
        case .recbole:
            var timeName = "timestamp"
            var layout = try headed(FieldSplitter(separator: tab)) { header throws(LineProblem) in
                let header = try RecBoleHeader(header)
                let columns = try RatingColumns.recBole(header)
                if let time = columns.time { timeName = header.names[time] }
                return columns
            }
            layout.timeName = timeName
            return layout
        case .movieLensLatest:
            return try headed(FieldSplitter(separator: comma, quoting: .doubled)) { header throws(LineProblem) in
                let names = ColumnNames(user: "userId", item: "movieId", rating: "rating", time: "timestamp")
                return try .named(names, in: header)
            }
        case .goodbooks:
            return try headed(FieldSplitter(separator: comma, quoting: .doubled)) { header throws(LineProblem) in
                try .named(ColumnNames(user: "user_id", item: "book_id", rating: "rating"), in: header)
            }
        case .bookCrossing:
            let separator = headerSeparator(UInt8(ascii: ";"))
            // The edition with commas is plain CSV.
            let isOriginal = separator == .byte(UInt8(ascii: ";"))
            let splitter = FieldSplitter(separator: separator, quoting: isOriginal ? .backslash : .doubled)
            return try headed(splitter) { header throws(LineProblem) in
                try .named(ColumnNames(user: "User-ID", item: "ISBN", rating: "Book-Rating"), in: header)
            }
        case .douban:
            return try headed(FieldSplitter(separator: tab, quoting: .doubled)) { header throws(LineProblem) in
                let item = ["movie_id", "book_id", "music_id"].first(where: header.contains)
                guard let item else { throw .expected("a header with a column movie_id, book_id or music_id") }
                return try .named(ColumnNames(user: "user_id", item: item, rating: "rating"), in: header)
            }
        case .csv, .amazonReviews, .yelp:
            let names = source.columns
            let splitter = FieldSplitter(separator: headerSeparator(UInt8(ascii: ",")), quoting: .doubled)
            let layout = try headed(splitter) { header throws(LineProblem) in try .named(names, in: header) }
            if layout.columns.rating == nil { notes.append("there is no column of ratings: every rating is 1") }
            return layout
        }
    }

    private func headerSeparator(_ usual: UInt8) -> FieldSplitter.Separator {
        .byte(sample.lines.first.flatMap(FormatDetection.separator) ?? usual)
    }

    /// A layout whose columns the header tells.
    private mutating func headed(
        _ splitter: FieldSplitter, _ columns: ([String]) throws(LineProblem) -> RatingColumns
    ) throws(DataError) -> DelimitedLayout {
        var splitter = splitter
        var found = try file.next()
        while let range = found, range.isEmpty { found = try file.next() }
        guard let range = found else { throw .empty(path: path) }
        do throws(LineProblem) {
            let line = file.buffer.span.extracting(range)
            try splitter.split(line)
            return DelimitedLayout(splitter: splitter, columns: try columns(splitter.texts(line)))
        } catch {
            guard case .expected(let expected) = error else { throw .tooLarge(path: path) }
            throw .malformedLine(path: path, line: file.lineNumber, expected: expected)
        }
    }

    /// The four columns of MovieLens, or what a header that somebody added says.
    private mutating func headerless(_ splitter: FieldSplitter) throws(DataError) -> DelimitedLayout {
        if let first = sample.lines.first, let fields = FileSample.fields(first, splitter.separator),
            RatingColumns.isHeader(fields)
        {
            return try headed(splitter) { header throws(LineProblem) in try .named(ColumnNames(), in: header) }
        }
        return DelimitedLayout(splitter: splitter, columns: RatingsReader.fourColumns)
    }

    /// The four columns of Amazon's files, in the order that the first rows tell.
    private mutating func oriented(_ splitter: FieldSplitter) throws(DataError) -> DelimitedLayout {
        var columns = RatingsReader.fourColumns
        switch AmazonOrientation(sample) {
        case .userFirst: notes.append("the user column comes first, as in Amazon's 2014 files")
        case .itemFirst:
            swap(&columns.user, &columns.item)
            notes.append("the item column comes first, as in Amazon's 2018 files")
        case .unknown:
            guard !sample.lines.isEmpty else { throw .empty(path: path) }
            throw .undetected(
                path: path,
                reason: "its first rows do not tell whether the user or the item comes first; add a header line and "
                    + "name its columns with the format csv")
        }
        return DelimitedLayout(splitter: splitter, columns: columns)
    }

    private mutating func readDelimited(
        _ layout: inout DelimitedLayout, itemPath: String?, into collector: inout RatingsCollector
    ) throws(DataError) {
        let columns = layout.columns
        let adjective = layout.splitter.separator.adjective
        while let range = try file.next() {
            if range.isEmpty { continue }
            do throws(LineProblem) {
                let line = file.buffer.span.extracting(range)
                if file.hasZeroBytes, line.contains(0) { throw .expected("text without NUL bytes") }
                try layout.splitter.split(line)
                guard layout.splitter.count == columns.width else {
                    throw .expected("\(columns.width) \(adjective) fields, found \(layout.splitter.count)")
                }
                let (user, item) = (layout.splitter.range(columns.user), layout.splitter.range(columns.item))
                let rating = columns.rating.map(layout.splitter.range)
                let time = columns.time.map(layout.splitter.range)
                let isKnown =
                    layout.splitter.usesCopy
                    ? try collector.add(
                        layout.splitter.copy.span, user: user, item: item, rating: rating, time: time,
                        line: file.lineNumber)
                    : try collector.add(line, user: user, item: item, rating: rating, time: time, line: file.lineNumber)
                if isKnown { continue }
            } catch {
                try tolerance.take(error, path: path, line: file.lineNumber)
                continue
            }
            throw .unknownItem(path: path, line: file.lineNumber, items: itemPath ?? "")
        }
    }
}

// MARK: - JSON lines

/// The fields of ratings in JSON lines; of several keys the first that is there counts.
struct JSONRatingFields {
    let keys: [String]
    let users: Range<Int>
    let items: Range<Int>
    let ratings: Range<Int>
    let times: Range<Int>
    /// Whether one of the first lines has a time, so that every line has to.
    private(set) var hasTimes = true

    init(_ format: RatingsFormat, sample: FileSample) {
        let groups =
            format == .yelp
            ? [["user_id"], ["business_id"], ["stars"], ["date"]]
            : [
                ["reviewerID", "user_id"], ["parent_asin", "asin"], ["overall", "rating"],
                ["unixReviewTime", "timestamp"],
            ]
        keys = groups.flatMap { $0 }
        var ranges: [Range<Int>] = []
        for group in groups {
            let start = ranges.last?.upperBound ?? 0
            ranges.append(start..<start + group.count)
        }
        (users, items, ratings, times) = (ranges[0], ranges[1], ranges[2], ranges[3])
        var line = JSONLine(keys: keys)
        var hasLines = false
        hasTimes = false
        for text in sample.lines where !hasTimes {
            do throws(LineProblem) {
                try line.scan(text.span)
                hasLines = true
                hasTimes = times.contains { line.kind($0) != .missing }
            } catch {}
        }
        if !hasLines { hasTimes = true }
    }
}

extension RatingsReader {
    private mutating func readJSON(
        _ fields: JSONRatingFields, into collector: inout RatingsCollector
    ) throws(DataError) {
        var json = JSONLine(keys: fields.keys)
        let timeKind = format == .yelp ? JSONLine.Kind.string : .number
        while let range = try file.next() {
            if range.isEmpty { continue }
            do throws(LineProblem) {
                let line = file.buffer.span.extracting(range)
                if file.hasZeroBytes, line.contains(0) { throw .expected("text without NUL bytes") }
                try json.scan(line)
                let user = try field(fields.users, .string, of: json, keys: fields.keys)
                let item = try field(fields.items, .string, of: json, keys: fields.keys)
                let rating = try field(fields.ratings, .number, of: json, keys: fields.keys)
                let time = fields.hasTimes ? try field(fields.times, timeKind, of: json, keys: fields.keys) : nil
                if json.usesCopy {
                    _ = try collector.add(
                        json.copy.span, user: user, item: item, rating: rating, time: time, line: file.lineNumber)
                } else {
                    _ = try collector.add(
                        line, user: user, item: item, rating: rating, time: time, line: file.lineNumber)
                }
            } catch {
                try tolerance.take(error, path: path, line: file.lineNumber)
            }
        }
    }

    /// Where the first present field of a group is.
    private func field(
        _ group: Range<Int>, _ kind: JSONLine.Kind, of json: borrowing JSONLine, keys: [String]
    ) throws(LineProblem) -> Range<Int> {
        for key in group where json.kind(key) != .missing {
            guard json.kind(key) == kind else { break }
            return json.range(key)
        }
        throw .expected(
            "a \(kind == .string ? "string" : "number") in the field \(keys[group].joined(separator: " or "))")
    }
}
