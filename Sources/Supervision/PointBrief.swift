/// What a process is told by the one that started it.
public protocol LauncherBrief: Codable, Sendable {
    /// The process that started it, compared with the parent's id after the death signal is set.
    var launcherProcessID: Int32 { get }
}

extension RoleBrief: LauncherBrief {}

/// What a sweep tells the process that runs one of its points, one JSON line.
public struct PointBrief: LauncherBrief {
    /// The resolved scenario as YAML.
    public let scenario: String
    /// The folder that relative data paths start from.
    public let dataDirectory: String
    /// The folder that records are written below.
    public let outputDirectory: String
    /// Whether finished seeds of an earlier attempt are kept.
    public let resumes: Bool
    /// The sweep's process id.
    public let launcherProcessID: Int32
    /// The level of the log on standard error.
    public let logLevel: String

    /// Makes a brief.
    public init(
        scenario: String, dataDirectory: String, outputDirectory: String, resumes: Bool, launcherProcessID: Int32,
        logLevel: String
    ) {
        self.scenario = scenario
        self.dataDirectory = dataDirectory
        self.outputDirectory = outputDirectory
        self.resumes = resumes
        self.launcherProcessID = launcherProcessID
        self.logLevel = logLevel
    }
}

/// What the process of a point tells the sweep, one JSON line each.
public enum PointReport: Codable, Sendable, Equatable {
    /// A round has ended.
    case round(RoundProgress, seed: Int, seedIndex: Int, seedCount: Int)
    /// A seed was finished before.
    case kept(seed: Int, seedIndex: Int, seedCount: Int)
    /// Something the user should know that does not end the run.
    case warning(String)
    /// The run did not complete, and why.
    case failed(String)
}
