import Cryptography
import Foundation
import Numerics
public import Record
public import Scenario
public import Supervision

/// Runs a scenario: seed after seed, each with its own processes, then the summary over the seeds.
public struct ScenarioRunner {
    /// What a run came to.
    public struct Result: Sendable {
        /// The exit code of `ferry`.
        public let exitCode: ExitCode
        /// The figures over the finished seeds.
        public let summary: SummaryRecord
        /// The folder of the record; `nil` when nothing was finished.
        public let folder: String?
        /// Why it did not complete.
        public let message: String?
    }

    private let scenario: ScenarioDefinition
    private let dataDirectory: String
    private let outputDirectory: String
    private let recordsWire: Bool
    private let logLevel: String
    private let display: ProgressDisplay

    /// Prepares a run.
    ///
    /// - Parameters:
    ///   - dataDirectory: where relative data paths start.
    ///   - outputDirectory: the folder that records are written below.
    ///   - recordsWire: whether every frame is written to the record.
    ///   - isQuiet: whether the progress display is off.
    public init(
        scenario: ScenarioDefinition, dataDirectory: String, outputDirectory: String, recordsWire: Bool, isQuiet: Bool,
        logLevel: String
    ) {
        self.scenario = scenario
        self.dataDirectory = dataDirectory
        self.outputDirectory = outputDirectory
        self.recordsWire = recordsWire
        self.logLevel = logLevel
        display = ProgressDisplay(isQuiet: isQuiet)
    }

    /// The folder of the scenario's record: its name, then the first 8 digits of the resolved scenario's hash.
    private var folder: String {
        let digest = sha256(Array(scenario.resolvedYAML.utf8)).description.prefix(8)
        return "\(outputDirectory)/\(scenario.name)/\(digest)"
    }

    /// Runs every seed. When this returns no process is left.
    ///
    /// - Throws: `RunFailure` when nothing could be started or nothing is worth keeping.
    public func run() throws -> Result {
        try checkData()
        let signals = try LauncherSignals()
        let sockets = try PrivateDirectory()
        let staging = try makeStagingFolder()
        var isKept = false
        defer { if !isKept { removeStaging(staging) } }
        var runs: [RunRecord] = []
        var status = RunStatus.completed
        var exitCode = ExitCode.success
        var message: String?
        for (index, seed) in scenario.seeds.enumerated() {
            let ending = try runSeed(seed, index: index, staging: staging, sockets: sockets.path, signals, &runs)
            switch ending {
            case .completed: continue
            case .peerLost(let reason):
                status = .peerLost
                exitCode = .peerLost
                message = reason
            case .interrupted:
                status = .interrupted
                exitCode = .interrupted
                message =
                    "interrupted in seed \(seed); finished seeds are kept: \(runs.count) of \(scenario.seeds.count)"
            case .failed(let failure): throw failure
            }
            break
        }
        let finished = runs.filter { $0.status == .completed }
        let summary = SummaryRecord(scenario: scenario.name, status: status, runs: finished)
        if !runs.isEmpty {
            try RecordFile.writeJSON(summary, to: "\(staging)/summary.json")
            try RecordFile.write(summary.csv, to: "\(staging)/summary.csv")
            try replace(folder, with: staging)
            isKept = true
        }
        return Result(
            exitCode: exitCode, summary: summary, folder: isKept ? folder : nil, message: message)
    }

    private func runSeed(
        _ seed: Int, index: Int, staging: String, sockets: String, _ signals: borrowing LauncherSignals,
        _ runs: inout [RunRecord]
    ) throws -> SeedSupervisor.Ending {
        let output = "\(staging)/seed-\(seed)"
        do { try RecordFile.makeDirectory("\(output)/clients") } catch {
            throw RunFailure(.inputOutput, error.description)
        }
        let runID = secureRandomBytes(count: 8)
        let token = secureRandomBytes(count: RunToken.byteCount)
        let kind = scenario.text("transport.kind")
        let requested =
            kind == "ipc"
            ? "ipc://\(sockets)/seed-\(seed)" : scenario.optionalText("transport.endpoint") ?? "tcp://127.0.0.1:*"
        let (scenario, recordsWire, dataDirectory, logLevel) = (scenario, recordsWire, dataDirectory, logLevel)
        var supervisor = SeedSupervisor(
            scenario: scenario, endpoint: requested, display: display, seed: seed, seedIndex: index,
            seedCount: scenario.seeds.count
        ) { endpoint in
            RoleBrief(
                scenario: scenario.resolvedYAML, seed: seed, dataDirectory: dataDirectory, outputDirectory: output,
                endpoint: endpoint, runID: hexadecimal(runID), token: hexadecimal(token), recordsWire: recordsWire,
                launcherProcessID: getpid(), logLevel: logLevel)
        }
        let ending = supervisor.run(signals)
        let status: RunStatus
        switch ending {
        case .completed: status = .completed
        case .peerLost: status = .peerLost
        case .interrupted, .failed:
            try? FileManager.default.removeItem(atPath: output)
            return ending
        }
        let record = try SeedRecordWriter(scenario: scenario, seed: seed, folder: output).write(status: status)
        try RecordFile.writeJSON(
            EnvironmentRecord(supervisor.measurements, transport: kind), to: "\(output)/environment.json")
        runs.append(record)
        return ending
    }

    /// Puts a finished folder in its place in one step; what was there is removed afterwards.
    private func replace(_ place: String, with finished: String) throws {
        do throws(SupervisionError) { try exchangeOrRename(finished, place) } catch {
            throw RunFailure(.inputOutput, "cannot write \(place): \(error)")
        }
        try? FileManager.default.removeItem(atPath: finished)
    }

    /// A folder beside the record's, which takes its place when the run is over; those of launchers that were killed
    /// are removed.
    private func makeStagingFolder() throws -> String {
        let parent = (folder as NSString).deletingLastPathComponent
        let prefix = ".\((folder as NSString).lastPathComponent).partial-"
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] where name.hasPrefix(prefix) {
            guard let owner = pid_t(name.dropFirst(prefix.count)), kill(owner, 0) != 0, errno == ESRCH else { continue }
            try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
        }
        let staging = "\(parent)/\(prefix)\(getpid())"
        do { try RecordFile.makeDirectory(staging) } catch { throw RunFailure(.inputOutput, error.description) }
        return staging
    }

    private func removeStaging(_ staging: String) {
        try? FileManager.default.removeItem(atPath: staging)
        // The scenario's folder and the output folder as far as they hold nothing: rmdir refuses others.
        var path = (staging as NSString).deletingLastPathComponent
        for _ in 0..<2 {
            guard rmdir(path) == 0 else { return }
            path = (path as NSString).deletingLastPathComponent
        }
    }

    /// Refuses data files that are not there before any process starts.
    private func checkData() throws(RunFailure) {
        for group in scenario.clientGroups {
            for path in [group.data?.ratings, group.data?.items].compactMap({ $0 }) {
                let absolute = path.hasPrefix("/") ? path : (dataDirectory as NSString).appendingPathComponent(path)
                var isFolder: ObjCBool = false
                guard FileManager.default.fileExists(atPath: absolute, isDirectory: &isFolder) else {
                    throw RunFailure(
                        .data, "client \(group.id): there is no file \(absolute); --data DIR says where the data is")
                }
                guard !isFolder.boolValue, FileManager.default.isReadableFile(atPath: absolute) else {
                    throw RunFailure(.data, "client \(group.id): \(absolute) is not a readable file")
                }
            }
        }
    }
}

/// Everything that may differ between two runs of one seed, `environment.json`.
struct EnvironmentRecord: Codable, Sendable {
    let version: String
    let host: String
    let kernel: String
    let processor: String
    let processorCount: Int
    let transport: String
    let seconds: Double
    let secondsToFirstRound: Double?
    let peakMegabytes: [String: Double]
    let warnings: [String]
    let finishedAt: String

    init(_ measurements: SeedSupervisor.Measurements, transport: String) {
        var name = utsname()
        uname(&name)
        func text<T>(_ field: T) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        version = FerryVersion.current
        host = text(name.nodename)
        kernel = text(name.release)
        processor = NumericsBackEnd.openBLASCoreName
        processorCount = ProcessInfo.processInfo.activeProcessorCount
        self.transport = transport
        seconds = measurements.seconds
        secondsToFirstRound = measurements.secondsToFirstRound
        peakMegabytes = measurements.peakBytes.mapValues { (Double($0) / 1e5).rounded() / 10 }
        warnings = measurements.warnings
        finishedAt = ISO8601DateFormatter().string(from: Date())
    }
}
