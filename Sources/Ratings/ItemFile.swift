/// Takes the descriptions of items, by the numbers of a table of ids.
struct ItemSink {
    private(set) var table: IdentifierTable
    private let grows: Bool
    private var all: [ItemDescription]
    private var isListed: [Bool]

    /// A sink for the items of a table, or for any, which the table then holds.
    init(table: IdentifierTable, grows: Bool) {
        self.table = table
        self.grows = grows
        all = [ItemDescription](repeating: ItemDescription(), count: table.count)
        isListed = [Bool](repeating: false, count: table.count)
    }

    /// Whether an item's description would be taken.
    func isWanted(_ id: Span<UInt8>) -> Bool {
        guard let number = table.index(of: id) else { return grows }
        return !isListed[Int(number)]
    }

    /// The number of an id that is wanted and was not listed before.
    mutating func number(of id: Span<UInt8>) throws(LineProblem) -> Int? {
        if grows {
            let number = Int(try table.index(adding: id))
            guard number == all.count else { return nil }
            all.append(ItemDescription())
            isListed.append(true)
            return number
        }
        guard let number = table.index(of: id).map(Int.init), !isListed[number] else { return nil }
        isListed[number] = true
        return number
    }

    /// Sets a description.
    mutating func set(_ number: Int, _ description: ItemDescription) { all[number] = description }

    /// The descriptions by rank.
    func descriptions(ranks: [UInt32], count: Int) -> [ItemDescription] {
        var out = [ItemDescription](repeating: ItemDescription(), count: count)
        for (number, description) in all.enumerated() where description != ItemDescription() {
            out[Int(ranks[number])] = description
        }
        return out
    }
}

/// Where the fields of an item are in delimited text with a header.
private struct ItemColumns {
    /// How a field becomes keywords.
    enum Split {
        case whole
        case spaces
        case commas
        case bars
        /// At `|`, else at `;`, else at commas.
        case any
    }

    let id: Int
    let title: Int?
    let keywords: [(column: Int, split: Split)]
    let width: Int

    private static let titleNames = [
        "title", "movietitle", "booktitle", "itemtitle", "producttitle", "name", "itemname", "moviename", "bookname",
        "productname", "originaltitle",
    ]
    private static let keywordNames: Set<String> = [
        "class", "classes", "genre", "genres", "category", "categories", "author", "authors", "bookauthor", "keywords",
        "tag", "tags", "brand", "artist", "artists", "director", "directors",
    ]
    private static let idNames = [
        "itemid", "movieid", "bookid", "musicid", "productid", "parentasin", "asin", "isbn", "businessid", "songid",
        "trackid", "albumid", "artistid", "gameid", "animeid", "id", "uid", "item",
    ]

    init(_ format: RatingsFormat, header: [String], idColumn: String?) throws(LineProblem) {
        width = header.count
        if format == .recbole {
            let header = try RecBoleHeader(header)
            id = try header.require("item_id")
            let plain = header.names.map(RatingColumns.plainName)
            title = ItemColumns.titleNames.lazy.compactMap { plain.firstIndex(of: $0) }.first
            var keywords: [(column: Int, split: Split)] = []
            for (column, name) in plain.enumerated() where ItemColumns.keywordNames.contains(name) {
                // Data sets also give lists of genres as plain tokens; names of authors have spaces of their own.
                let isList = header.types[column] == "token_seq" || name.hasPrefix("genre")
                keywords.append((column, isList ? .spaces : .whole))
            }
            self.keywords = keywords
            return
        }
        let plain = header.map(RatingColumns.plainName)
        func first(_ names: [String]) -> Int? { names.lazy.compactMap { plain.firstIndex(of: $0) }.first }
        var id = idColumn.flatMap { header.firstIndex(of: $0) } ?? first(ItemColumns.idNames)
        // The ratings of the first edition of goodbooks mean `id`; there `book_id` is Goodreads' own.
        if format == .goodbooks, !header.contains("goodreads_book_id"), let own = header.firstIndex(of: "id") {
            id = own
        }
        // Douban's own id stands beside the number that the ratings mean.
        if format == .douban, let own = plain.firstIndex(of: "uid") { id = own }
        guard let id else { throw .expected("a header with a column such as item_id") }
        self.id = id
        let title = first(ItemColumns.titleNames)
        self.title = title == id ? nil : title
        let split: Split =
            switch format {
            case .movieLensLatest: .bars
            case .goodbooks: .commas
            case .bookCrossing: .whole
            default: .any
            }
        keywords = plain.indices.filter { $0 != id && $0 != title && ItemColumns.keywordNames.contains(plain[$0]) }
            .map { ($0, split) }
    }

    /// The keywords of a field.
    static func keywords(_ text: String, _ split: Split) -> [String] {
        let separator: Character
        switch split {
        case .whole: return text.isEmpty ? [] : [text]
        case .spaces: separator = " "
        case .commas: separator = ","
        case .bars: separator = "|"
        case .any: separator = text.contains("|") ? "|" : text.contains(";") ? ";" : ","
        }
        return text.split(separator: separator).map { part in
            var part = part
            while part.first == " " { part.removeFirst() }
            while part.last == " " { part.removeLast() }
            return String(part)
        }.filter { !$0.isEmpty && $0 != "(no genres listed)" }
    }
}

/// Reads one file of items.
struct ItemFileReader: ~Copyable {
    /// The genres of MovieLens 100k, in the order of its flags.
    static let genres = [
        "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
        "Fantasy",
        "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
    ]

    private let path: String
    private let format: RatingsFormat
    private let idColumn: String?
    private let isLatin1: Bool
    private var file: LineFile
    private var rowCount = 0

    init(path: String, format: RatingsFormat, idColumn: String?) throws(DataError) {
        let mayBeLatin1 = format == .movieLens100K || format == .movieLens1M || format == .bookCrossing
        let isLatin1 = mayBeLatin1 ? try !ItemFileReader.isUTF8(path) : false
        file = try LineFile(path: path)
        self.path = path
        self.format = format
        self.idColumn = idColumn
        self.isLatin1 = isLatin1
    }

    /// Whether a whole file is UTF-8.
    private static func isUTF8(_ path: String) throws(DataError) -> Bool {
        var file = try LineFile(path: path)
        while let range = try file.next() {
            let line = file.buffer.span.extracting(range)
            var bits: UInt8 = 0
            for index in 0..<line.count { bits |= line[index] }
            if bits >= 0x80, line.text == nil { return false }
        }
        return true
    }

    /// Reads the file.
    mutating func read(into sink: inout ItemSink, tolerance: inout Tolerance) throws(DataError) {
        switch format {
        case .movieLens100K: try readGenreFlags(into: &sink, tolerance: &tolerance)
        case .movieLens1M: try readTwoColons(into: &sink, tolerance: &tolerance)
        case .amazonRatings, .amazonReviews, .yelp: try readJSON(into: &sink, tolerance: &tolerance)
        case .recbole, .movieLensLatest, .bookCrossing, .goodbooks, .douban, .csv:
            try readDelimited(into: &sink, tolerance: &tolerance)
        }
        guard rowCount > 0 else { throw .empty(path: path) }
    }

    private func text(_ bytes: Span<UInt8>) throws(LineProblem) -> String {
        if isLatin1 { return bytes.latin1Text }
        guard let text = bytes.text else { throw .expected("text in UTF-8") }
        return text
    }

    private func number(of id: Span<UInt8>, in sink: inout ItemSink) throws(LineProblem) -> Int? {
        guard isLatin1 else { return try sink.number(of: id) }
        return try sink.number(of: Array(id.latin1Text.utf8).span)
    }

    private func isWanted(_ id: Span<UInt8>, by sink: ItemSink) -> Bool {
        guard isLatin1 else { return sink.isWanted(id) }
        return sink.isWanted(Array(id.latin1Text.utf8).span)
    }

    /// Calls `body` with each line; what it throws is taken by the tolerance.
    private mutating func forEachLine(
        _ tolerance: inout Tolerance, _ body: (borrowing ItemFileReader, Span<UInt8>) throws(LineProblem) -> Void
    ) throws(DataError) {
        while let range = try file.next() {
            if range.isEmpty { continue }
            do throws(LineProblem) {
                let line = file.buffer.span.extracting(range)
                if file.hasZeroBytes, line.contains(0) { throw .expected("text without NUL bytes") }
                try body(self, line)
            } catch {
                try tolerance.take(error, path: path, line: file.lineNumber)
                continue
            }
            rowCount += 1
        }
    }

    private mutating func readGenreFlags(into sink: inout ItemSink, tolerance: inout Tolerance) throws(DataError) {
        var splitter = FieldSplitter(separator: .byte(UInt8(ascii: "|")))
        let width = 5 + ItemFileReader.genres.count
        try forEachLine(&tolerance) { (reader, line) throws(LineProblem) in
            try splitter.split(line)
            guard splitter.count == width, !splitter.range(0).isEmpty else {
                throw .expected("\(width) fields separated by |, found \(splitter.count)")
            }
            var keywords: [String] = []
            for (place, genre) in ItemFileReader.genres.enumerated() {
                let flag = line.extracting(splitter.range(5 + place))
                guard flag.count == 1, flag[0] == UInt8(ascii: "0") || flag[0] == UInt8(ascii: "1") else {
                    throw .expected("0 or 1 for each genre")
                }
                if flag[0] == UInt8(ascii: "1") { keywords.append(genre) }
            }
            let title = try reader.text(line.extracting(splitter.range(1)))
            if let number = try reader.number(of: line.extracting(splitter.range(0)), in: &sink) {
                sink.set(number, ItemDescription(title: title, keywords: keywords))
            }
        }
    }

    private mutating func readTwoColons(into sink: inout ItemSink, tolerance: inout Tolerance) throws(DataError) {
        try forEachLine(&tolerance) { (reader, line) throws(LineProblem) in
            func isMark(_ index: Int) -> Bool {
                line[index] == UInt8(ascii: ":") && line[index + 1] == UInt8(ascii: ":")
            }
            // Titles hold colons: the id ends at the first mark and the genres begin after the last.
            var first = 0
            while first + 1 < line.count, !isMark(first) { first += 1 }
            var last = line.count - 2
            while last > first, !isMark(last) { last -= 1 }
            guard first > 0, last >= first + 2 else { throw .expected("an id, a title and genres separated by ::") }
            let title = try reader.text(line.extracting(first + 2..<last))
            let genres = try reader.text(line.extracting(last + 2..<line.count))
            if let number = try reader.number(of: line.extracting(0..<first), in: &sink) {
                sink.set(number, ItemDescription(title: title, keywords: ItemColumns.keywords(genres, .bars)))
            }
        }
    }

    private mutating func readDelimited(into sink: inout ItemSink, tolerance: inout Tolerance) throws(DataError) {
        guard let range = try file.next() else { throw .empty(path: path) }
        var splitter: FieldSplitter
        let columns: ItemColumns
        do throws(LineProblem) {
            let line = file.buffer.span.extracting(range)
            let separator: UInt8
            let quoting: FieldSplitter.Quoting
            switch format {
            case .recbole: (separator, quoting) = (UInt8(ascii: "\t"), .none)
            case .douban: (separator, quoting) = (UInt8(ascii: "\t"), .doubled)
            default:
                separator = FormatDetection.separator(of: line.array) ?? UInt8(ascii: ",")
                quoting = format == .bookCrossing && separator == UInt8(ascii: ";") ? .backslash : .doubled
            }
            splitter = FieldSplitter(separator: .byte(separator), quoting: quoting)
            try splitter.split(line)
            columns = try ItemColumns(format, header: splitter.texts(line), idColumn: idColumn)
        } catch {
            guard case .expected(let expected) = error else { throw .tooLarge(path: path) }
            throw .malformedLine(path: path, line: file.lineNumber, expected: expected)
        }
        let adjective = splitter.separator.adjective
        try forEachLine(&tolerance) { (reader, line) throws(LineProblem) in
            try splitter.split(line)
            guard splitter.count == columns.width else {
                throw .expected("\(columns.width) \(adjective) fields, found \(splitter.count)")
            }
            if splitter.usesCopy {
                try reader.take(splitter.copy.span, splitter, columns, into: &sink)
            } else {
                try reader.take(line, splitter, columns, into: &sink)
            }
        }
    }

    private func take(
        _ bytes: Span<UInt8>, _ splitter: FieldSplitter, _ columns: ItemColumns, into sink: inout ItemSink
    ) throws(LineProblem) {
        let id = splitter.range(columns.id)
        guard !id.isEmpty else { throw .expected("a non-empty item id") }
        guard isWanted(bytes.extracting(id), by: sink) else { return }
        var description = ItemDescription()
        if let title = columns.title { description.title = try text(bytes.extracting(splitter.range(title))) }
        for (column, split) in columns.keywords {
            description.keywords += ItemColumns.keywords(try text(bytes.extracting(splitter.range(column))), split)
        }
        // Last: a line that is left out as malformed lists nothing.
        if let number = try number(of: bytes.extracting(id), in: &sink) { sink.set(number, description) }
    }

    private mutating func readJSON(into sink: inout ItemSink, tolerance: inout Tolerance) throws(DataError) {
        let isYelp = format == .yelp
        let ids = isYelp ? ["business_id"] : ["parent_asin", "asin"]
        let keywords = isYelp ? ["categories"] : ["categories", "category", "brand", "store", "author"]
        var json = JSONLine(keys: ids + [isYelp ? "name" : "title"] + keywords)
        try forEachLine(&tolerance) { (reader, line) throws(LineProblem) in
            try json.scan(line)
            var number: Int?
            var hasID = false
            for key in ids.indices where json.kind(key) == .string && number == nil {
                let range = json.range(key)
                guard !range.isEmpty else { continue }
                hasID = true
                number =
                    json.usesCopy
                    ? try reader.number(of: json.copy.span.extracting(range), in: &sink)
                    : try reader.number(of: line.extracting(range), in: &sink)
            }
            guard hasID else { throw .expected("a string in the field \(ids.joined(separator: " or "))") }
            guard let number else { return }
            var description = ItemDescription(title: try json.text(ids.count, in: line) ?? "")
            for key in ids.count + 1..<ids.count + 1 + keywords.count {
                // An author of 2023 is an object: a name beside a life.
                if key > ids.count + 2, json.kind(key) != .string { continue }
                let texts = try json.texts(key, in: line)
                description.keywords += isYelp ? texts.flatMap { ItemColumns.keywords($0, .commas) } : texts
            }
            description.keywords.removeAll(where: \.isEmpty)
            sink.set(number, description)
        }
    }
}
