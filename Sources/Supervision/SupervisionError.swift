/// What can go wrong with child processes and their pipes.
public enum SupervisionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A system call failed.
    case system(call: String, reason: String)
    /// A role was started without the launcher.
    case notStartedByLauncher
    /// The launcher ended before the role had begun.
    case launcherGone

    /// One sentence.
    public var description: String {
        switch self {
        case .system(let call, let reason): "\(call) failed: \(reason)"
        case .notStartedByLauncher:
            "this command is started by `ferry run`, which tells it what to do over its standard input"
        case .launcherGone: "the launcher has ended"
        }
    }
}
