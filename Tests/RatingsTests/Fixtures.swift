import Foundation
import Ratings

/// A folder of files that is removed with the value.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("ferry-ratings-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    func file(_ bytes: [UInt8], named name: String = "r.inter") throws -> String {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try Data(bytes).write(to: url)
        return url.path
    }

    /// Writes a file and returns its path.
    func file(_ text: String, named name: String = "r.inter") throws -> String {
        try file(Array(text.utf8), named: name)
    }
}

/// The interactions of a RecBole text.
func interactions(
    _ text: String, items: String? = nil, duplicates rule: DuplicateRule = .byDefault
) throws -> Interactions {
    let folder = try TemporaryFolder()
    let itemPath = try items.map { try folder.file($0, named: "r.item") }
    return try RecBoleFile.read(ratings: folder.file(text), items: itemPath, duplicates: rule)
}

/// The error of a RecBole text, with the folder left out of its paths; `nil` when the text is read.
func problem(
    _ bytes: [UInt8], items: String? = nil, duplicates rule: DuplicateRule = .byDefault
) throws -> DataError? {
    let folder = try TemporaryFolder()
    let path = try folder.file(bytes)
    let itemPath = try items.map { try folder.file($0, named: "r.item") }
    func short(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? "" }
    do throws(DataError) {
        _ = try RecBoleFile.read(ratings: path, items: itemPath, duplicates: rule)
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
        case .notReadable(let path, _), .empty(let path): path
        }
    }
}

let header = "user_id:token\titem_id:token\trating:float\n"
let timedHeader = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
