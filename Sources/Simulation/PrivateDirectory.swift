import Foundation

/// The launcher's private folder for Unix sockets, mode 0700; removed at the end.
///
/// A launcher that was killed leaves its folder; the next one removes those whose lock nobody holds.
struct PrivateDirectory: ~Copyable {
    private static let prefix = "ferry-"
    private let lock: Int32
    /// The path of the folder.
    let path: String

    init() throws {
        let base = NSTemporaryDirectory()
        PrivateDirectory.removeAbandoned(in: base)
        // Unix socket paths hold at most 107 bytes.
        let parent = base.utf8.count > 60 ? "/tmp/" : base
        var template = Array((parent + PrivateDirectory.prefix + "XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw PrivateDirectory.failure(parent) }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let lock = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else { throw PrivateDirectory.failure(path) }
        self.path = path
        self.lock = lock
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        close(lock)
    }

    private static func failure(_ path: String) -> RecordFailure { RecordFailure(path: path, code: errno) }

    private static func removeAbandoned(in base: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
        for name in names where name.hasPrefix(prefix) && name.utf8.count == prefix.utf8.count + 6 {
            let path = (base as NSString).appendingPathComponent(name)
            var status = stat()
            guard lstat(path, &status) == 0, status.st_uid == geteuid(), status.st_mode & S_IFMT == S_IFDIR else {
                continue
            }
            let descriptor = open("\(path)/lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { try? FileManager.default.removeItem(atPath: path) }
            close(descriptor)
        }
    }

    /// Why the folder could not be made.
    struct RecordFailure: Error, CustomStringConvertible {
        let path: String
        let code: Int32
        var description: String { "cannot make a private folder in \(path): \(String(cString: strerror(code)))" }
    }
}
