/// What can go wrong with child processes and their pipes.
public enum SupervisionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A system call failed.
    case system(call: String, reason: String)
    /// A role was started without the launcher.
    case notStartedByLauncher
    /// The launcher ended before the role had begun.
    case launcherGone
    /// The system lets this process open fewer files than it needs.
    case tooFewDescriptors(needed: Int, limit: Int)

    /// One sentence.
    public var description: String {
        switch self {
        case .system(let call, let reason): "\(call) failed: \(reason)"
        case .notStartedByLauncher:
            "this command is started by `ferry run`, which tells it what to do over its standard input"
        case .launcherGone: "the launcher has ended"
        case .tooFewDescriptors(let needed, let limit):
            "\(needed) open files are needed, and the hard limit is \(limit); raise it (ulimit -n), or take fewer clients or processes"
        }
    }
}
