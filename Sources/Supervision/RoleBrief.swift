public import Cryptography
import Foundation

/// What the launcher tells a role process over its standard input, one JSON line; secrets travel nowhere else.
public struct RoleBrief: Codable, Sendable {
    /// The resolved scenario as YAML.
    public let scenario: String
    /// The seed of this run.
    public let seed: Int
    /// The folder that relative data paths start from.
    public let dataDirectory: String
    /// The folder of this seed's record.
    public let outputDirectory: String
    /// Where the coordinator listens or is to be reached.
    public let endpoint: String
    /// The run id in every envelope, hexadecimal.
    public let runID: String
    /// The run token, hexadecimal.
    public let token: String
    /// Whether every frame is written to the record.
    public let recordsWire: Bool
    /// Whether noise comes from the operating system's entropy; else from the seed.
    public let hasSecureRandomness: Bool
    /// The launcher's process id, compared with the parent's after the death signal is set.
    public let launcherProcessID: Int32
    /// The level of the log on standard error.
    public let logLevel: String
    /// The keys of each role of the process by its name, where messages are encrypted; else empty.
    public let curves: [String: CurveBrief]
    /// Whether the coordinator goes on from the checkpoint in its folder.
    public let resumes: Bool
    /// Of a run that was killed: the last round that counts. What the scenario made happen after it happens again.
    public let faultsAgainAfter: Int?

    /// Makes a brief.
    public init(
        scenario: String, seed: Int, dataDirectory: String, outputDirectory: String, endpoint: String, runID: String,
        token: String, recordsWire: Bool, hasSecureRandomness: Bool, launcherProcessID: Int32, logLevel: String,
        curves: [String: CurveBrief] = [:], resumes: Bool = false, faultsAgainAfter: Int? = nil
    ) {
        self.faultsAgainAfter = faultsAgainAfter
        self.resumes = resumes
        self.scenario = scenario
        self.seed = seed
        self.dataDirectory = dataDirectory
        self.outputDirectory = outputDirectory
        self.endpoint = endpoint
        self.runID = runID
        self.token = token
        self.recordsWire = recordsWire
        self.hasSecureRandomness = hasSecureRandomness
        self.launcherProcessID = launcherProcessID
        self.logLevel = logLevel
        self.curves = curves
    }

    /// In place of a launcher's process id: the role was started by hand.
    public static let byHand: Int32 = 0

    /// Whether no launcher watches this role.
    public var isByHand: Bool { launcherProcessID == RoleBrief.byHand }

    /// The secret of this role's noise: fresh entropy, or what the seed gives.
    public var noiseKey: StreamKey { hasSecureRandomness ? StreamKey() : StreamKey(root: UInt64(seed)) }

    /// The run id as an integer, or `nil` when it is not hexadecimal.
    public var runNumber: UInt64? { UInt64(runID, radix: 16) }
}

/// What a role process tells the launcher over its standard output, one JSON line each.
public enum RoleReport: Codable, Sendable, Equatable {
    /// The coordinator listens.
    case ready(endpoint: String)
    /// The first round has begun.
    case started
    /// A round has ended.
    case round(RoundProgress)
    /// The coordinator has closed the last round; these clients were lost on the way and are not waited for.
    case finished(lost: [String])
    /// One of several clients of the process can no longer take part; the others go on.
    case clientLeft(id: String, why: String)
    /// Something the user should know that does not end the run.
    case warning(String)
    /// The role cannot go on; the message is for the user, the code is the exit code of `ferry`.
    case failed(exitCode: Int32, message: String)
}

extension RoleReport: CustomStringConvertible {
    /// One line for people.
    public var description: String {
        switch self {
        case .ready(let endpoint): "listening on \(endpoint)"
        case .started: "every client has joined"
        case .round(let progress):
            "round \(progress.round)/\(progress.roundCount) (\(progress.step)): \(progress.answered) of "
                + "\(progress.participants) answered, \(progress.bytes) bytes so far"
        case .finished(let lost): lost.isEmpty ? "finished" : "finished without \(lost.joined(separator: ", "))"
        case .clientLeft(let id, let why): "client \(id) has left: \(why)"
        case .warning(let text): "warning: \(text)"
        case .failed(_, let message): message
        }
    }
}

/// The progress of one round, for the display.
public struct RoundProgress: Codable, Sendable, Equatable {
    /// The round, from 1.
    public let round: Int
    /// How many rounds there will be.
    public let roundCount: Int
    /// The name of the step.
    public let step: String
    /// Clients that were asked.
    public let participants: Int
    /// Clients that answered.
    public let answered: Int
    /// Bytes of plans and updates so far.
    public let bytes: Int

    /// Makes a progress report.
    public init(round: Int, roundCount: Int, step: String, participants: Int, answered: Int, bytes: Int) {
        self.round = round
        self.roundCount = roundCount
        self.step = step
        self.participants = participants
        self.answered = answered
        self.bytes = bytes
    }
}

/// What the launcher tells the running coordinator over its standard input, one JSON line each.
public enum CoordinatorNotice: Codable, Sendable, Equatable {
    /// A client process has ended before its work was done.
    case clientEnded(id: String, how: String)
}

/// Lines of JSON over pipes.
public enum ControlLine {
    /// The longest line that is read.
    public static let byteLimit = 8 << 20

    /// A value as one line with its newline.
    public static func encode(_ value: some Encodable & Sendable) throws -> [UInt8] {
        Array(try JSONEncoder().encode(value)) + [UInt8(ascii: "\n")]
    }

    /// The value in one line.
    public static func decode<Value: Decodable>(_ type: Value.Type, from line: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(line))
    }
}
