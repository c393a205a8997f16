/// The exit codes of `ferry`; registered here, never renumbered.
public enum ExitCode: Int32, Sendable {
    /// Done.
    case success = 0
    /// The command line is wrong.
    case usage = 64
    /// The scenario is wrong.
    case scenario = 65
    /// A data file is wrong or missing.
    case data = 66
    /// A needed process was lost, or did not answer in time.
    case peerLost = 69
    /// A fault of Ferry or of the numbers.
    case internalError = 70
    /// A file, folder or endpoint cannot be used.
    case inputOutput = 74
    /// Stopped by the user, what was finished is kept.
    case interrupted = 130
}

/// An error for the user: one sentence and the exit code that goes with it.
public struct RunFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The exit code.
    public let exitCode: ExitCode
    /// The sentence.
    public let description: String

    /// Makes a failure.
    public init(_ exitCode: ExitCode, _ description: String) {
        self.exitCode = exitCode
        self.description = description
    }
}
