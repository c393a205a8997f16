import CLinux
import Glibc

/// How a process ended.
public enum ProcessEnd: Sendable, Equatable, CustomStringConvertible {
    /// By itself, with a code.
    case exited(Int32)
    /// By a signal.
    case signalled(Int32)

    /// A phrase such as `was killed by signal 9`.
    public var description: String {
        switch self {
        case .exited(let code): "ended with code \(code)"
        case .signalled(let signal): "was killed by signal \(signal)"
        }
    }
}

/// A role process with pipes to its standard input and output; standard error is shared with the launcher.
///
/// The process is spawned in its own process group, so that Ctrl-C on the terminal reaches the launcher alone, and
/// with no other descriptor of the launcher.
public struct ChildProcess: Sendable {
    /// The process id.
    public let processID: Int32
    /// The descriptor to write to the child's standard input.
    public let input: Int32
    /// The descriptor to read the child's standard output; non-blocking.
    public let output: Int32

    /// What the pipe to a child's standard input holds, so that writing never waits for a child that does not read.
    public static let inputByteCount = 1 << 20

    /// Starts this executable again with other arguments. Call from a thread that lives as long as the process: the
    /// child's parent-death signal follows the spawning thread.
    ///
    /// - Throws: `system`.
    public static func spawn(arguments: [String]) throws(SupervisionError) -> ChildProcess {
        let executable = try currentExecutable()
        var toChild: [Int32] = [0, 0]
        var fromChild: [Int32] = [0, 0]
        guard pipe2(&toChild, O_CLOEXEC) == 0 else { throw failure("pipe2") }
        guard pipe2(&fromChild, O_CLOEXEC) == 0 else {
            let problem = failure("pipe2")
            toChild.forEach { close($0) }
            throw problem
        }
        _ = fcntl(toChild[1], F_SETPIPE_SZ, Int32(inputByteCount))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var defaults = sigset_t()
        sigemptyset(&none)
        sigfillset(&defaults)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var processID: pid_t = 0
        var argv: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { argv.forEach { free($0) } }
        // Roles compute on one thread; without this OpenBLAS starts a pool of threads while it is loaded.
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
        let status = posix_spawn(&processID, executable, &actions, &attributes, &argv, ferry_environment())
        close(toChild[0])
        close(fromChild[1])
        guard status == 0 else {
            close(toChild[1])
            close(fromChild[0])
            throw .system(call: "posix_spawn(\(executable))", reason: String(cString: strerror(status)))
        }
        _ = fcntl(fromChild[0], F_SETFL, O_NONBLOCK)
        return ChildProcess(processID: processID, input: toChild[1], output: fromChild[0])
    }

    /// Writes a line to the child; a child that has ended is no error, its end is noticed elsewhere.
    public func write(_ line: [UInt8]) { writeAll(line, to: input) }

    /// Sends a signal.
    public func signal(_ number: Int32) { kill(processID, number) }

    /// How the process ended and the most memory it held, once it has ended; reaps it.
    public func endIfEnded() -> (end: ProcessEnd, peakBytes: Int)? { reap(WNOHANG) }

    /// Waits for the end of a process that is about to end; reaps it, as `endIfEnded`.
    @discardableResult
    public func waitForEnd() -> (end: ProcessEnd, peakBytes: Int)? { reap(0) }

    private func reap(_ options: Int32) -> (end: ProcessEnd, peakBytes: Int)? {
        var status: Int32 = 0
        var usage = rusage()
        var result: Int32
        repeat { result = wait4(processID, &status, options, &usage) } while result < 0 && errno == EINTR
        guard result == processID else { return nil }
        // The macros WIFEXITED and WEXITSTATUS are not imported: the low seven bits hold the signal, 0 for an exit.
        let signal = status & 0x7F
        return (signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal), usage.ru_maxrss * 1_024)
    }

    /// Closes the pipes.
    public func closePipes() {
        close(input)
        close(output)
    }

    private static func currentExecutable() throws(SupervisionError) -> String {
        var path = [CChar](repeating: 0, count: 4_096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        guard count > 0 else { throw failure("readlink(/proc/self/exe)") }
        return String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func failure(_ call: String) -> SupervisionError {
        .system(call: call, reason: String(cString: strerror(errno)))
    }
}
