import Foundation

/// A fresh folder that is removed with its owner; its path is short enough for Unix sockets.
package final class TemporaryFolder: Sendable {
    /// The path of the folder.
    package let path: String

    /// Makes a folder of mode 0700.
    package init() throws {
        path = "/tmp/ferry-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    package func write(_ bytes: [UInt8], to name: String) throws -> String {
        let file = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
        return "\(path)/\(name)"
    }

    /// Writes a file and returns its path.
    package func write(_ text: String, to name: String) throws -> String { try write(Array(text.utf8), to: name) }

    /// The files below the folder, by relative path, sorted.
    package func files() -> [String] {
        (FileManager.default.enumerator(atPath: path)?.allObjects as? [String] ?? []).sorted()
    }
}
