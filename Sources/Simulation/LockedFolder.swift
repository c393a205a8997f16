import Foundation
import Record
import Supervision

/// A folder of mode 0700 that is this launcher's while it lives, and is removed with it.
///
/// A launcher that was killed leaves its folder, and so does one that keeps it; the next one removes those whose lock
/// nobody holds, whatever process ids and namespaces they came from.
struct LockedFolder: ~Copyable {
    private let lock: Int32
    private let createdParents: [String]
    private var isKept = false
    /// The path of the folder.
    let path: String

    /// Makes a folder whose name is the prefix and six random characters.
    ///
    /// - Parameter salvage: takes what it wants from an abandoned folder of the same prefix, before that is removed,
    ///   into the new one.
    /// - Throws: `notWritable`.
    init(
        in parent: String, prefix: String,
        salvage: (_ abandoned: String, _ folder: String) -> Void = { _, _ in }
    ) throws(RecordError) {
        var missing: [String] = []
        var ancestor = parent
        while ancestor.count > 1, !FileManager.default.fileExists(atPath: ancestor) {
            missing.append(ancestor)
            ancestor = (ancestor as NSString).deletingLastPathComponent
        }
        let made: (path: String, lock: Int32)
        do throws(RecordError) {
            try RecordFile.makeDirectory(parent)
            made = try LockedFolder.make(in: parent, prefix: prefix)
        } catch {
            for folder in missing { rmdir(folder) }
            throw error
        }
        LockedFolder.removeAbandoned(in: parent, prefix: prefix) { salvage($0, made.path) }
        (path, lock) = made
        createdParents = missing
    }

    /// The folder for Unix sockets, whose paths hold at most 107 bytes.
    static func makeForSockets() throws(RecordError) -> LockedFolder {
        let base = NSTemporaryDirectory()
        return try LockedFolder(in: base.utf8.count > 60 ? "/tmp" : base, prefix: "ferry-")
    }

    deinit {
        // Once published, the path holds what was in the place before, if anything.
        if !isKept { try? FileManager.default.removeItem(atPath: path) }
        for folder in createdParents where rmdir(folder) != 0 { break }
        close(lock)
    }

    /// Moves the folder to its place in one step; what was there is removed afterwards.
    ///
    /// - Throws: `RunFailure`.
    func publish(as place: String) throws(RunFailure) {
        do throws(SupervisionError) { try exchangeOrRename(path, place) } catch {
            throw RunFailure(.inputOutput, "cannot write \(place): \(error)")
        }
        // Not before: without its lock the folder would be nobody's to take over.
        unlink("\(place)/lock")
        chmod(place, 0o755)
    }

    /// Leaves the folder where it is, as if the launcher had been killed: the next one takes from it what it wants.
    mutating func keep() { isKept = true }

    private static func make(in parent: String, prefix: String) throws(RecordError) -> (path: String, lock: Int32) {
        // Another launcher that cleans up may take the lock between its creation and ours.
        for _ in 0..<8 {
            var template = Array((parent + "/" + prefix + "XXXXXX").utf8CString)
            guard mkdtemp(&template) != nil else { throw failure(parent) }
            let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let lock = open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            if lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0, access("\(path)/lock", F_OK) == 0 { return (path, lock) }
            let problem = failure(path)
            if lock >= 0 { close(lock) } else { throw problem }
        }
        throw .notWritable(path: parent, reason: "other launchers keep removing the folder")
    }

    private static func failure(_ path: String) -> RecordError {
        .notWritable(path: path, reason: String(cString: strerror(errno)))
    }

    private static func removeAbandoned(in parent: String, prefix: String, salvage: (String) -> Void) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
        for name in names where name.hasPrefix(prefix) && name.utf8.count == prefix.utf8.count + 6 {
            let path = "\(parent)/\(name)"
            var status = stat()
            guard lstat(path, &status) == 0, status.st_uid == geteuid(), status.st_mode & S_IFMT == S_IFDIR else {
                continue
            }
            let descriptor = open("\(path)/lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
                salvage(path)
                try? FileManager.default.removeItem(atPath: path)
            }
            close(descriptor)
        }
    }
}
