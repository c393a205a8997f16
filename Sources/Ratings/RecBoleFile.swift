/// RecBole atomic files: a header of `name:type` fields, then tab-separated rows.
///
/// Source: https://recbole.io/docs/user_guide/data/atomic_files.html
public enum RecBoleFile {
    /// Reads a `.inter` file, and a `.item` file for the catalogue when there is one.
    ///
    /// `user_id` and `item_id` are needed; `rating` is 1 where the file has none; `timestamp` or `position` orders rows.
    /// - Throws: any `DataError`, with file and line. *Complexity*: O(rows · log rows).
    public static func read(
        ratings path: String, items itemPath: String?, duplicates rule: DuplicateRule
    ) throws(DataError) -> Interactions {
        let catalogue: [String]?
        if let itemPath { catalogue = try readItems(itemPath) } else { catalogue = nil }
        var builder = InteractionBuilder(catalogue: catalogue)
        var header: Header?
        var rowCount = 0
        var file = try LineFile(path: path)
        try file.forEachLine(mapping: { $0 }) { (line, bytes) throws(DataError) in
            guard let columns = header else {
                let parsed = try Header(bytes, path: path)
                _ = try parsed.require("user_id", path: path)
                _ = try parsed.require("item_id", path: path)
                header = parsed
                return
            }
            if bytes.isEmpty { return }
            let fields = bytes.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            guard fields.count == columns.names.count else {
                throw .malformedLine(
                    path: path, line: line,
                    expected: "\(columns.names.count) tab-separated fields, found \(fields.count)")
            }
            func number(_ column: Int?, _ name: String) throws(DataError) -> Double? {
                guard let column else { return nil }
                guard let value = Double(String(decoding: fields[column], as: UTF8.self)), value.isFinite else {
                    throw .malformedLine(path: path, line: line, expected: "a number in the field \(name)")
                }
                return value
            }
            let person = fields[columns.user]
            let item = fields[columns.item]
            guard !person.isEmpty, !item.isEmpty else {
                throw .malformedLine(path: path, line: line, expected: "a non-empty user_id and item_id")
            }
            let rating = try number(columns.rating, "rating") ?? 1
            guard Float(rating).isFinite else {
                throw .malformedLine(path: path, line: line, expected: "a rating that a 32-bit float can hold")
            }
            guard let person = String(validating: person, as: UTF8.self),
                let item = String(validating: item, as: UTF8.self)
            else { throw .malformedLine(path: path, line: line, expected: "user_id and item_id in UTF-8") }
            var time: Int64 = 0
            if let column = columns.time {
                // Integers first: a Double reorders times beyond 2⁵³.
                let text = String(decoding: fields[column], as: UTF8.self)
                if let value = Int64(text) {
                    time = value
                } else {
                    let value = try number(column, columns.names[column]) ?? 0
                    guard let whole = Int64(exactly: value.rounded()) else {
                        throw .malformedLine(path: path, line: line, expected: "a 64-bit time")
                    }
                    time = whole
                }
            }
            let isKnown = builder.add(
                person: person, item: item, rating: Float(rating), time: time, line: line)
            guard isKnown else { throw .unknownItem(path: path, line: line, items: itemPath ?? "") }
            rowCount += 1
        }
        guard let header, rowCount > 0 else { throw .empty(path: path) }
        let (interactions, duplicateLine) = builder.build(rule: rule, hasTimes: header.time != nil)
        if let duplicateLine { throw .duplicate(path: path, line: duplicateLine) }
        return interactions
    }

    /// The item ids of a `.item` file.
    static func readItems(_ path: String) throws(DataError) -> [String] {
        var column: Int?
        var width = 0
        var items: [String] = []
        var file = try LineFile(path: path)
        try file.forEachLine(mapping: { $0 }) { (line, bytes) throws(DataError) in
            guard let column else {
                let header = try Header(bytes, path: path)
                column = try header.require("item_id", path: path)
                width = header.names.count
                return
            }
            if bytes.isEmpty { return }
            let fields = bytes.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            guard fields.count == width, !fields[column].isEmpty else {
                throw .malformedLine(
                    path: path, line: line, expected: "\(width) tab-separated fields with a non-empty item_id")
            }
            guard let item = String(validating: fields[column], as: UTF8.self) else {
                throw .malformedLine(path: path, line: line, expected: "an item_id in UTF-8")
            }
            items.append(item)
        }
        guard !items.isEmpty else { throw .empty(path: path) }
        return items
    }

    private struct Header {
        let names: [String]

        init(_ bytes: ArraySlice<UInt8>, path: String) throws(DataError) {
            let fields = bytes.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
            var names: [String] = []
            for field in fields {
                let parts = String(decoding: field, as: UTF8.self).split(separator: ":")
                let types: Set<Substring> = ["token", "token_seq", "float", "float_seq"]
                guard parts.count == 2, types.contains(parts[1]) else {
                    throw .malformedLine(
                        path: path, line: 1, expected: "a RecBole header such as user_id:token<tab>item_id:token")
                }
                names.append(String(parts[0]))
            }
            self.names = names
        }

        func require(_ name: String, path: String) throws(DataError) -> Int {
            guard let index = names.firstIndex(of: name) else {
                throw .malformedLine(path: path, line: 1, expected: "a column \(name):token in the header")
            }
            return index
        }

        var user: Int { names.firstIndex(of: "user_id") ?? 0 }
        var item: Int { names.firstIndex(of: "item_id") ?? 0 }
        var rating: Int? { names.firstIndex(of: "rating") }
        var time: Int? { names.firstIndex(of: "timestamp") ?? names.firstIndex(of: "position") }
    }
}
