import Foundation
import Ratings
import TestSupport

/// The interactions of a RecBole text.
func interactions(
    _ text: String, items: String? = nil, duplicates rule: DuplicateRule = .byDefault
) throws -> Interactions {
    let folder = try TemporaryFolder()
    let itemPath = try items.map { try folder.write($0, to: "r.item") }
    return try LoadedData.read(
        DataSource(
            format: .recbole, ratings: folder.write(text, to: "r.inter"), items: itemPath, duplicates: rule)
    ).interactions
}

/// The error of a RecBole text, with the folder left out of its paths; `nil` when the text is read.
func problem(
    _ bytes: [UInt8], items: String? = nil, duplicates rule: DuplicateRule = .byDefault
) throws -> DataError? {
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, to: "r.inter")
    let itemPath = try items.map { try folder.write($0, to: "r.item") }
    func short(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? "" }
    do throws(DataError) {
        _ = try LoadedData.read(DataSource(format: .recbole, ratings: path, items: itemPath, duplicates: rule))
        return nil
    } catch {
        switch error {
        case .notReadable(let path, let reason): return .notReadable(path: short(path), reason: reason)
        case .malformedLine(let path, let line, let expected):
            return .malformedLine(path: short(path), line: line, expected: expected)
        case .empty(let path): return .empty(path: short(path))
        case .duplicate(let path, let line): return .duplicate(path: short(path), line: line)
        case .unknownItem(let path, let line, let items):
            return .unknownItem(path: short(path), line: line, items: short(items))
        case .undetected, .noDataSet, .tooLarge, .onlyZeros: return error
        }
    }
}

/// The error of a RecBole text; `nil` when the text is read.
func problem(_ text: String, items: String? = nil, duplicates rule: DuplicateRule = .byDefault) throws -> DataError? {
    try problem(Array(text.utf8), items: items, duplicates: rule)
}

extension DataError {
    /// The file and line of an error, such as `r.inter:3`.
    var place: String {
        switch self {
        case .malformedLine(let path, let line, _), .duplicate(let path, let line), .unknownItem(let path, let line, _):
            "\(path):\(line)"
        case .notReadable(let path, _), .empty(let path), .undetected(let path, _), .noDataSet(let path, _, _),
            .tooLarge(let path), .onlyZeros(let path):
            path
        }
    }
}

let header = "user_id:token\titem_id:token\trating:float\n"
let timedHeader = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
