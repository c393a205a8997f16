import CLinux
import Glibc
import Synchronization

/// The write end of the pipe that the signal handler tells of a signal; −1 without a handler.
private let signalPipe = Atomic<Int32>(-1)

/// The launcher's signals as a descriptor: child ended, interrupt, terminate, hang-up.
///
/// Handlers with a pipe, not a signalfd: OpenBLAS has threads of its own from the moment it is loaded, and a signal that
/// only the main thread blocks would be taken, and lost, by one of those.
public struct LauncherSignals: ~Copyable {
    /// The descriptor to poll.
    public let descriptor: Int32
    private let writeEnd: Int32
    private let handled: [Int32]

    /// Installs the handlers.
    ///
    /// - Throws: `system`.
    public init() throws(SupervisionError) {
        var ends: [Int32] = [0, 0]
        guard pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else {
            throw .system(call: "pipe2", reason: String(cString: strerror(errno)))
        }
        descriptor = ends[0]
        writeEnd = ends[1]
        signalPipe.store(ends[1], ordering: .sequentiallyConsistent)
        var handled: [Int32] = []
        for number in [SIGCHLD, SIGINT, SIGTERM, SIGHUP] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                let saved = errno
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(signalPipe.load(ordering: .relaxed), &byte, 1)
                errno = saved
            }
            action.sa_flags = SA_RESTART
            var inherited = sigaction()
            sigaction(number, nil, &inherited)
            // Who started this under nohup, or in the background of a shell, wants such a signal ignored.
            let isIgnored = unsafeBitCast(inherited.__sigaction_handler.sa_handler, to: Int.self) == 1
            guard number == SIGCHLD || !isIgnored else { continue }
            sigaction(number, &action, nil)
            handled.append(number)
        }
        signal(SIGPIPE, SIG_IGN)
        // A parent may hand down a mask that blocks them, as dispatch worker threads do.
        var mask = sigset_t()
        sigemptyset(&mask)
        for number in handled { sigaddset(&mask, number) }
        pthread_sigmask(SIG_UNBLOCK, &mask, nil)
        self.handled = handled
    }

    deinit {
        for number in handled { signal(number, SIG_DFL) }
        signalPipe.store(-1, ordering: .sequentiallyConsistent)
        close(descriptor)
        close(writeEnd)
    }

    /// Takes all pending signals; returns whether one of them asks to stop.
    public func drain() -> Bool {
        var asksToStop = false
        var bytes = [UInt8](repeating: 0, count: 64)
        while true {
            let count = read(descriptor, &bytes, bytes.count)
            guard count > 0 else { return asksToStop }
            if bytes[..<count].contains(where: { Int32($0) != SIGCHLD }) { asksToStop = true }
        }
    }
}
