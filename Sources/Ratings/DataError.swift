/// What is wrong with a data file. Payloads name files, lines and counts, never a value of the data.
public enum DataError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file cannot be opened or read.
    case notReadable(path: String, reason: String)
    /// A line is not what the format says.
    case malformedLine(path: String, line: Int, expected: String)
    /// The file holds no rows.
    case empty(path: String)
    /// One person rated one item twice and the scenario's rule is `error`.
    case duplicate(path: String, line: Int)
    /// A rated item is not in the file of items.
    case unknownItem(path: String, line: Int, items: String)

    /// One sentence.
    public var description: String {
        switch self {
        case .notReadable(let path, let reason): "cannot read \(path): \(reason)"
        case .malformedLine(let path, let line, let expected): "\(path):\(line): expected \(expected)"
        case .empty(let path): "\(path) holds no rows"
        case .duplicate(let path, let line):
            "\(path):\(line): a second rating of one item by one person, and data.duplicates is error"
        case .unknownItem(let path, let line, let items): "\(path):\(line): the item is not listed in \(items)"
        }
    }
}
