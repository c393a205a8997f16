import Foundation
import Synchronization
import TestSupport

/// A `ferry` started by a test, with its output.
final class FerryProcess: Sendable {
    /// The package's folder.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// The executable beside the test bundle.
    static var executable: String {
        // The test runner's own path ends in …/release/FerryPackageTests.xctest or is that of a helper beside it.
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("ferry").path
    }

    struct Output {
        let exitCode: Int32
        let standardOutput: String
        let standardError: String
    }

    let processID: pid_t
    private let output: Int32
    private let error: Int32

    /// Starts `ferry` with arguments, from a test's worker thread, whose blocked signals `ferry` inherits; both outputs are pipes that its children inherit or do not outlive.
    ///
    /// - Parameter prefix: a command that runs it in another setting.
    init(_ arguments: [String], directory: String = FerryProcess.root, under prefix: [String] = []) throws {
        var out: [Int32] = [0, 0]
        var err: [Int32] = [0, 0]
        guard pipe(&out) == 0, pipe(&err) == 0 else { throw Failure("pipe") }
        for descriptor in out + err { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, out[1], 1)
        posix_spawn_file_actions_adddup2(&actions, err[1], 2)
        let command =
            ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", directory] + prefix + [FerryProcess.executable] + arguments
        var argv: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { argv.forEach { free($0) } }
        var environment: [UnsafeMutablePointer<CChar>?] =
            ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { environment.forEach { free($0) } }
        var id: pid_t = 0
        let status = posix_spawn(&id, "/bin/sh", &actions, nil, &argv, &environment)
        close(out[1])
        close(err[1])
        guard status == 0 else { throw Failure("posix_spawn: \(status)") }
        processID = id
        output = out[0]
        error = err[0]
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// Runs `ferry` to its end.
    ///
    /// - Parameter minutes: how long it may take.
    static func run(
        _ arguments: [String], directory: String = FerryProcess.root, minutes: Int = 2
    ) throws -> Output {
        try FerryProcess(arguments, directory: directory).finish(minutes: minutes)
    }

    /// Reads standard error until a line contains a text; returns the lines so far.
    func waitForLine(containing text: String) throws -> String {
        var collected = ""
        var byte: UInt8 = 0
        var line: [UInt8] = []
        while read(error, &byte, 1) == 1 {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            let words = String(decoding: line, as: UTF8.self)
            collected += words + "\n"
            if words.contains(text) { return collected }
            line = []
        }
        throw Failure("standard error ended before \"\(text)\":\n\(collected)")
    }

    /// The process ids of the launcher's children, with their command lines.
    func children() -> [(id: pid_t, command: String)] {
        let list = (try? String(contentsOfFile: "/proc/\(processID)/task/\(processID)/children", encoding: .utf8)) ?? ""
        return list.split(separator: " ").compactMap { pid_t($0) }.map { id in
            let command = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(id)/cmdline"))) ?? Data()
            return (id, String(decoding: command.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self))
        }
    }

    /// Kills the child whose command line contains a text.
    func killChild(_ text: String, signal number: Int32 = SIGKILL) throws {
        guard let child = children().first(where: { $0.command.contains(text) }) else {
            throw Failure("no child \(text) among \(children())")
        }
        kill(child.id, number)
    }

    /// Waits for the end. Standard error is shared with every process of the run, so its end-of-file means that not one
    /// of them is left.
    func finish(minutes: Int = 2) throws -> Output {
        let readers = [Thread.readAll(output), Thread.readAll(error)]
        let deadline = DispatchTime.now() + .seconds(60 * minutes)
        guard let out = readers[0](deadline), let err = readers[1](deadline) else {
            for child in children() { kill(child.id, SIGKILL) }
            kill(processID, SIGKILL)
            throw Failure("ferry did not end within \(minutes) minutes")
        }
        var status: Int32 = 0
        guard waitpid(processID, &status, 0) == processID else { throw Failure("waitpid") }
        close(output)
        close(error)
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return Output(
            exitCode: code, standardOutput: String(decoding: out, as: UTF8.self),
            standardError: String(decoding: err, as: UTF8.self))
    }
}

extension Thread {
    /// Reads a descriptor to its end on a thread of its own; the result waits for it.
    fileprivate static func readAll(_ descriptor: Int32) -> (DispatchTime) -> [UInt8]? {
        let done = DispatchSemaphore(value: 0)
        let box = Box()
        let thread = Thread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            var bytes: [UInt8] = []
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { break }
                bytes.append(contentsOf: buffer[..<count])
            }
            box.set(bytes)
            done.signal()
        }
        thread.start()
        return { done.wait(timeout: $0) == .success ? box.get() : nil }
    }
}

/// Bytes that one thread hands to another.
private final class Box: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    func set(_ value: [UInt8]) { bytes.withLock { $0 = value } }
    func get() -> [UInt8] { bytes.withLock { $0 } }
}

extension TemporaryFolder {
    /// The only seed folder of the only run below a folder.
    func seedFolder(_ scenario: String, seed: Int) throws -> String {
        "\(try TemporaryFolder.only("\(path)/\(scenario)"))/seed-\(seed)"
    }

    /// The path of the only entry of a folder.
    static func only(_ folder: String) throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        guard names.count == 1 else { throw FerryProcess.Failure("one entry is expected, found \(names)") }
        return "\(folder)/\(names[0])"
    }
}
