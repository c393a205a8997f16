public import Cryptography
import Glibc

/// A folder of CURVE key files: `NAME.public` and `NAME.secret`, one line of Z85 each.
///
/// The folder is 0700 and the files are 0600; a secret that its group or others can read is refused.
public struct KeyFolder: Sendable {
    /// What can be wrong with keys in files.
    public enum Problem: Error, Sendable, Equatable, CustomStringConvertible {
        /// A file or folder cannot be made, read or written.
        case file(path: String, reason: String)
        /// A key is there already.
        case exists(path: String)
        /// Group or others can read a secret.
        case exposed(path: String)
        /// A file does not hold one key in Z85.
        case notAKey(path: String)
        /// A key that the manual of libzmq prints.
        case published(path: String)

        /// One sentence; never what a file holds.
        public var description: String {
            switch self {
            case .file(let path, let reason): "\(path): \(reason)"
            case .exists(let path): "\(path) exists; a key is never overwritten"
            case .exposed(let path): "\(path) can be read by others; chmod 600 the keys and 700 their folder"
            case .notAKey(let path): "\(path) does not hold a key: 40 characters of Z85"
            case .published(let path): "\(path) holds a key that the manual of libzmq prints; it is no secret"
            }
        }
    }

    private let path: String

    /// Keys in a folder.
    public init(_ path: String) { self.path = path }

    /// Makes a fresh pair of each name; makes the folder when it is not there.
    ///
    /// - Throws: `file`, `exists`, `exposed` when the folder that is there is open to others.
    public func make(_ names: [String]) throws(Problem) {
        if mkdir(path, 0o700) != 0 {
            guard errno == EEXIST else { throw failure(path) }
            try checkPrivate(path)
        }
        for name in names {
            for file in [secretPath(name), publicPath(name)] where access(file, F_OK) == 0 {
                throw .exists(path: file)
            }
        }
        for name in names {
            let pair = CurveKeyPair()
            try write(pair.secretKey.z85, to: secretPath(name))
            try write(pair.publicKey.description, to: publicPath(name))
        }
    }

    /// The pair of a name, read from its secret key.
    ///
    /// - Throws: `file`, `exposed`, `notAKey`, `published`.
    public func pair(_ name: String) throws(Problem) -> CurveKeyPair {
        try checkPrivate(path)
        let file = secretPath(name)
        try checkPrivate(file)
        guard let pair = CurveSecretKey(z85: try read(file)).flatMap({ CurveKeyPair($0) }) else {
            throw .notAKey(path: file)
        }
        guard !CurveKeyPair.publishedKeys.contains(pair.publicKey) else { throw .published(path: file) }
        return pair
    }

    /// The public key of a name.
    ///
    /// - Throws: `file`, `notAKey`, `published`.
    public func publicKey(_ name: String) throws(Problem) -> CurvePublicKey {
        let file = publicPath(name)
        guard let key = CurvePublicKey(z85: try read(file)) else { throw .notAKey(path: file) }
        guard !CurveKeyPair.publishedKeys.contains(key) else { throw .published(path: file) }
        return key
    }

    /// The file of a secret key.
    public func secretPath(_ name: String) -> String { "\(path)/\(name).secret" }

    /// The file of a public key.
    public func publicPath(_ name: String) -> String { "\(path)/\(name).public" }

    private func failure(_ path: String) -> Problem { .file(path: path, reason: String(cString: strerror(errno))) }

    private func checkPrivate(_ path: String) throws(Problem) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure(path) }
        guard status.st_mode & 0o077 == 0 else { throw .exposed(path: path) }
    }

    private func write(_ line: String, to path: String) throws(Problem) {
        // Never over a file, and private from the moment it exists.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw errno == EEXIST ? .exists(path: path) : failure(path) }
        let isWritten = writeAll(Array("\(line)\n".utf8), to: descriptor) && fsync(descriptor) == 0
        let problem = failure(path)
        close(descriptor)
        if !isWritten {
            unlink(path)
            throw problem
        }
    }

    private func read(_ path: String) throws(Problem) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw failure(path) }
        let line = bytes[..<count]
        return String(decoding: line.last == UInt8(ascii: "\n") ? line.dropLast() : line, as: UTF8.self)
    }
}
