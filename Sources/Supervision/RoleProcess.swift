import CLinux
import Glibc
import Synchronization

/// The role's side of the pipes to the launcher.
public enum RoleProcess {
    /// Ties this process to the launcher and reads its brief.
    ///
    /// The death signal is set first and the parent compared afterwards: a launcher that ended in between is noticed.
    /// - Throws: `notStartedByLauncher`, `launcherGone`, `system`.
    public static func begin() throws -> RoleBrief { try begin(RoleBrief.self) }

    /// As `begin()`, for another kind of brief.
    public static func begin<Brief: LauncherBrief>(_ type: Brief.Type) throws -> Brief {
        guard isatty(0) == 0 else { throw SupervisionError.notStartedByLauncher }
        guard ferry_set_parent_death_signal(SIGKILL) == 0 else {
            throw SupervisionError.system(call: "prctl(PR_SET_PDEATHSIG)", reason: String(cString: strerror(errno)))
        }
        Glibc.signal(SIGPIPE, SIG_IGN)
        var reader = LineReader(descriptor: 0)
        guard let line = reader.nextLineBlocking() else { throw SupervisionError.notStartedByLauncher }
        guard let brief = try? ControlLine.decode(Brief.self, from: line) else {
            throw SupervisionError.notStartedByLauncher
        }
        guard getppid() == brief.launcherProcessID else { throw SupervisionError.launcherGone }
        return brief
    }

    private static let isByHand = Atomic(false)

    /// Prepares a process that no launcher has started: its reports are lines for people, on standard error.
    public static func beginByHand() {
        Glibc.signal(SIGPIPE, SIG_IGN)
        isByHand.store(true, ordering: .relaxed)
    }

    /// Sends a report to the launcher; when the launcher has gone there is nobody to tell.
    public static func report(_ report: RoleReport) {
        guard !isByHand.load(ordering: .relaxed) else {
            writeAll(Array("\(report)\n".utf8), to: 2)
            return
        }
        guard let line = try? ControlLine.encode(report) else { return }
        writeAll(line, to: 1)
    }

    /// Sends a report to the sweep.
    public static func tell(_ report: PointReport) {
        guard let line = try? ControlLine.encode(report) else { return }
        writeAll(line, to: 1)
    }
}

/// Cuts what arrives on a descriptor into lines.
public struct LineReader: Sendable {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    /// Whether the other end has closed.
    public private(set) var isAtEnd = false

    /// Reads from a descriptor.
    public init(descriptor: Int32) { self.descriptor = descriptor }

    /// Blocks until one line has arrived; reads a byte at a time so that later lines stay in the pipe.
    mutating func nextLineBlocking() -> [UInt8]? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while line.count < ControlLine.byteLimit {
            let count = read(descriptor, &byte, 1)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return nil }
            if byte == UInt8(ascii: "\n") { return line }
            line.append(byte)
        }
        return nil
    }

    /// Takes what is there; call when the descriptor is readable. Returns the complete lines.
    public mutating func readAvailable() -> [[UInt8]] {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = read(descriptor, &chunk, chunk.count)
        if count == 0 { isAtEnd = true }
        if count > 0 { buffer.append(contentsOf: chunk[..<count]) }
        if buffer.count > ControlLine.byteLimit {
            buffer = []
            isAtEnd = true
        }
        var lines: [[UInt8]] = []
        while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(Array(buffer[..<end]))
            buffer.removeSubrange(...end)
        }
        return lines
    }
}
