import Foundation

/// What can go wrong with the files of a record.
public enum RecordError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A file or folder cannot be written.
    case notWritable(path: String, reason: String)
    /// A file cannot be read.
    case notReadable(path: String, reason: String)
    /// A file does not hold what its name says.
    case malformed(path: String, reason: String)

    /// One sentence.
    public var description: String {
        switch self {
        case .notWritable(let path, let reason): "cannot write \(path): \(reason)"
        case .notReadable(let path, let reason): "cannot read \(path): \(reason)"
        case .malformed(let path, let reason): "\(path) is damaged: \(reason)"
        }
    }
}

/// Reads and writes the files of a run folder; a file is written beside and then renamed, never half.
public enum RecordFile {
    /// The deterministic JSON text of a value: sorted keys, two-space indentation, a final newline.
    public static func json(_ value: some Encodable & Sendable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }

    /// What the name of a file ends with until it is whole.
    private static let halfWritten = ".partial"

    /// Removes what a killed process had not finished writing in a folder or below it.
    public static func removeHalfWritten(below folder: String) {
        for case let name as String in FileManager.default.enumerator(atPath: folder) ?? .init()
        where name.hasSuffix(halfWritten) { unlink("\(folder)/\(name)") }
    }

    /// Writes bytes to a file: beside it first, synchronised, then renamed.
    ///
    /// - Throws: `notWritable`.
    public static func write(_ bytes: [UInt8], to path: String) throws(RecordError) {
        let partial = path + halfWritten
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .notWritable(path: path, reason: systemReason()) }
        var failure: String?
        var offset = 0
        while offset < bytes.count, failure == nil {
            let count = bytes[offset...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno != EINTR { failure = systemReason() }
            offset += max(0, count)
        }
        if failure == nil && fsync(descriptor) != 0 && errno != EINVAL { failure = systemReason() }
        if close(descriptor) != 0 && failure == nil { failure = systemReason() }
        if failure == nil && rename(partial, path) != 0 { failure = systemReason() }
        if let failure {
            unlink(partial)
            throw .notWritable(path: path, reason: failure)
        }
    }

    /// Writes text to a file.
    public static func write(_ text: String, to path: String) throws(RecordError) {
        try write(Array(text.utf8), to: path)
    }

    /// Writes a value as deterministic JSON.
    public static func writeJSON(_ value: some Encodable & Sendable, to path: String) throws {
        try write(try json(value), to: path)
    }

    /// Appends a value as one line of JSON with sorted keys, and hands it to the disk before returning.
    ///
    /// - Throws: `notWritable`, or what encoding throws.
    public static func append(_ value: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try appendLine(Array(try encoder.encode(value)), to: path)
    }

    /// Appends one line to a file and hands it to the disk before returning.
    public static func appendLine(_ line: [UInt8], to path: String) throws(RecordError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .notWritable(path: path, reason: systemReason()) }
        defer { close(descriptor) }
        let bytes = line + [UInt8(ascii: "\n")]
        guard bytes.withUnsafeBytes({ Foundation.write(descriptor, $0.baseAddress, $0.count) }) == bytes.count,
            fdatasync(descriptor) == 0 || errno == EINVAL
        else { throw .notWritable(path: path, reason: systemReason()) }
    }

    /// The bytes of a file.
    ///
    /// - Throws: `notReadable`.
    public static func read(_ path: String) throws(RecordError) -> [UInt8] {
        do { return Array(try Data(contentsOf: URL(fileURLWithPath: path))) } catch {
            throw .notReadable(path: path, reason: (error as NSError).localizedDescription)
        }
    }

    /// The value in a JSON file.
    ///
    /// - Throws: `notReadable`, `malformed`.
    public static func readJSON<Value: Decodable>(_ type: Value.Type, from path: String) throws(RecordError) -> Value {
        let bytes = try read(path)
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
            throw .malformed(path: path, reason: "\(error)")
        }
    }

    /// Writes values as lines of JSON with sorted keys.
    ///
    /// - Throws: `notWritable`, or what encoding throws.
    public static func writeLines(_ values: [some Encodable & Sendable], to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try write(try values.flatMap { Array(try encoder.encode($0)) + [UInt8(ascii: "\n")] }, to: path)
    }

    /// The values in a file of JSON lines.
    ///
    /// - Throws: `notReadable`, `malformed`.
    public static func readLines<Value: Decodable>(
        _ type: Value.Type, from path: String
    ) throws(RecordError) -> [Value] {
        let decoder = JSONDecoder()
        var values: [Value] = []
        for line in try read(path).split(separator: UInt8(ascii: "\n")) {
            do { values.append(try decoder.decode(type, from: Data(line))) } catch {
                throw .malformed(path: path, reason: "\(error)")
            }
        }
        return values
    }

    /// The values in a file of JSON lines that a process appended to until it was killed; none where there is no file. A
    /// line that was begun and not ended is cut off.
    ///
    /// - Throws: `notReadable`, `notWritable`, `malformed`.
    public static func takeUpLines<Value: Decodable>(
        _ type: Value.Type, of path: String
    ) throws(RecordError) -> [Value] {
        guard access(path, F_OK) == 0 else { return [] }
        let bytes = try read(path)
        let count = (bytes.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        guard count == bytes.count || truncate(path, off_t(count)) == 0 else {
            throw .notWritable(path: path, reason: systemReason())
        }
        return try readLines(type, from: path)
    }

    /// Makes a folder and those above it.
    ///
    /// - Throws: `notWritable`.
    public static func makeDirectory(_ path: String) throws(RecordError) {
        if mkdir(path, 0o777) == 0 { return }
        var reason = errno
        let parent = (path as NSString).deletingLastPathComponent
        if reason == ENOENT, !parent.isEmpty, parent != path {
            try makeDirectory(parent)
            if mkdir(path, 0o777) == 0 { return }
            reason = errno
        }
        var isFolder: ObjCBool = false
        // Another process may have made it.
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue { return }
        throw .notWritable(path: path, reason: String(cString: strerror(reason)))
    }

    private static func systemReason() -> String { String(cString: strerror(errno)) }
}

/// One line of comma-separated values (RFC 4180): fields with commas, quotes or line ends are quoted.
public func csvLine(_ fields: [String]) -> String {
    fields.map { field in
        // Bytes, not characters: a carriage return and a line feed are one character, as are a comma and an accent.
        guard field.utf8.contains(where: { ",\"\n\r".utf8.contains($0) }) else { return field }
        let doubled = field.utf8.flatMap { $0 == UInt8(ascii: "\"") ? [$0, $0] : [$0] }
        return "\"" + String(decoding: doubled, as: UTF8.self) + "\""
    }.joined(separator: ",") + "\n"
}
