/// Where the fields of a rating are in delimited text.
struct RatingColumns: Equatable {
    /// The person's column.
    var user: Int
    /// The item's column.
    var item: Int
    /// The rating's column; without one every rating is 1.
    var rating: Int?
    /// The time's column.
    var time: Int?
    /// Whether the time is a place in the person's own sequence.
    var timeIsPosition = false
    /// The number of fields of each line.
    var width: Int
}

extension RatingColumns {
    /// The usual names of columns, in lower case without `_`, `-` and spaces; the earlier win.
    private static let userNames = [
        "userid", "user", "reviewerid", "uid", "personid", "person", "customerid", "memberid", "profileid",
    ]
    private static let itemNames = [
        "itemid", "item", "movieid", "bookid", "musicid", "productid", "parentasin", "asin", "isbn", "businessid",
        "songid", "trackid", "albumid", "artistid", "gameid", "animeid", "movie", "book", "product", "iid",
    ]
    private static let ratingNames = ["rating", "score", "stars", "overall", "bookrating", "userrating", "preference"]
    private static let timeNames = [
        "timestamp", "time", "unixreviewtime", "date", "datetime", "reviewtime", "createdat", "ratedat", positionName,
    ]
    /// A place in a person's own sequence, as sequential recommenders write it: an order, not a time.
    private static let positionName = "position"

    /// The name without what writers vary.
    static func plainName(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.lowercased().unicodeScalars.filter {
                    $0.properties.isAlphabetic || $0.properties.numericType != nil
                }))
    }

    /// The columns of a header by the given names, else the usual ones; throws what the header lacks.
    static func named(_ names: ColumnNames, in header: [String]) throws(LineProblem) -> RatingColumns {
        let plain = header.map(plainName)
        func find(_ wanted: String?, _ usual: [String]) throws(LineProblem) -> Int? {
            if let wanted {
                guard let index = header.firstIndex(of: wanted) else {
                    throw .expected("a header with the column \(wanted)")
                }
                guard header.lastIndex(of: wanted) == index else {
                    throw .expected("a header with one column \(wanted)")
                }
                return index
            }
            for name in usual { if let index = plain.firstIndex(of: name) { return index } }
            return nil
        }
        guard let user = try find(names.user, userNames) else {
            throw .expected("a header with a column such as user or user_id")
        }
        guard let item = try find(names.item, itemNames) else {
            throw .expected("a header with a column such as item or item_id")
        }
        guard user != item else { throw .expected("different columns for persons and items") }
        let time = try find(names.time, timeNames)
        return RatingColumns(
            user: user, item: item, rating: try find(names.rating, ratingNames), time: time,
            timeIsPosition: time.map { plain[$0] == positionName } ?? false, width: header.count)
    }

    /// Whether a header has a usual name for persons and one for items.
    static func isHeader(_ fields: [String]) -> Bool {
        let plain = fields.map(plainName)
        return plain.contains(where: userNames.contains) && plain.contains(where: itemNames.contains)
    }

    /// The columns of a RecBole header such as `user_id:token<tab>item_id:token`.
    static func recBole(_ header: RecBoleHeader) throws(LineProblem) -> RatingColumns {
        let timestamp = header.index("timestamp")
        let position = timestamp == nil ? header.index(positionName) : nil
        return RatingColumns(
            user: try header.require("user_id"), item: try header.require("item_id"), rating: header.index("rating"),
            time: timestamp ?? position, timeIsPosition: position != nil, width: header.names.count)
    }
}

/// The header of a RecBole atomic file: tab-separated fields `name:type`.
///
/// Source: https://recbole.io/docs/user_guide/data/atomic_files.html
struct RecBoleHeader {
    /// The names of the fields.
    let names: [String]
    /// Their types.
    let types: [String]

    init(_ fields: [String]) throws(LineProblem) {
        var names: [String] = []
        var types: [String] = []
        for field in fields {
            let parts = field.split(separator: ":")
            guard parts.count == 2, ["token", "token_seq", "float", "float_seq"].contains(parts[1]) else {
                throw .expected("a RecBole header such as user_id:token<tab>item_id:token")
            }
            names.append(String(parts[0]))
            types.append(String(parts[1]))
        }
        self.names = names
        self.types = types
    }

    /// The column of a name.
    func index(_ name: String) -> Int? { names.firstIndex(of: name) }

    /// The column of a name that has to be there.
    func require(_ name: String) throws(LineProblem) -> Int {
        guard let index = index(name) else { throw .expected("a column \(name):token in the header") }
        return index
    }
}
