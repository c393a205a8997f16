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
    /// The layout cannot be told from the file.
    case undetected(path: String, reason: String)
    /// A folder holds none of the files that were looked for, or more than one.
    case noDataSet(path: String, lookedFor: [String], found: [String])
    /// The file holds more than the indices of a sparse matrix can count.
    case tooLarge(path: String)
    /// Every rating is 0, and such rows are left out.
    case onlyZeros(path: String)

    /// One sentence.
    public var description: String {
        switch self {
        case .notReadable(let path, let reason): "cannot read \(path): \(reason)"
        case .malformedLine(let path, let line, let expected): "\(path):\(line): expected \(expected)"
        case .empty(let path): "\(path) holds no rows"
        case .duplicate(let path, let line):
            "\(path):\(line): a second rating of one item by one person, and data.duplicates is error"
        case .unknownItem(let path, let line, let items): "\(path):\(line): the item is not listed in \(items)"
        case .undetected(let path, let reason):
            "cannot tell the format of \(path): \(reason); the formats are "
                + RatingsFormat.allCases.map(\.rawValue).joined(separator: ", ")
        case .noDataSet(let path, let lookedFor, let found):
            found.isEmpty
                ? "the folder \(path) holds none of \(lookedFor.joined(separator: ", "))"
                : "the folder \(path) holds more than one data set: \(found.joined(separator: ", "))"
        case .onlyZeros(let path):
            "\(path) holds no row with a rating other than 0, which stands for no rating there"
        case .tooLarge(let path): "\(path) holds 2³² or more rows, persons or items"
        }
    }
}

/// What is wrong with one line, before the file and the line's number are known.
enum LineProblem: Error {
    /// The line is not what the format says; the text ends the sentence "expected …".
    case expected(String)
    /// More rows or ids than 32 bits count.
    case tooMany
}
