import Cryptography
import Federation
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
        /// The folder of the record; `nil` when there is none.
        public let folder: String?
        /// The folder of what a later attempt can go on with, where that could not be made a record.
        public let leftovers: String?
        /// Why it did not complete.
        public let message: String?
    }

    private let scenario: ScenarioDefinition
    private let dataDirectory: String
    private let outputDirectory: String
    private let recordsWire: Bool
    private let hasSecureRandomness: Bool
    private let resumes: Bool
    private let logLevel: String
    private let display: ProgressDisplay

    /// Prepares a run.
    ///
    /// - Parameters:
    ///   - dataDirectory: where relative data paths start.
    ///   - outputDirectory: the folder that records are written below.
    ///   - recordsWire: whether every frame is written to the record.
    ///   - hasSecureRandomness: whether noise comes from the operating system's entropy rather than from the seed.
    ///   - resumes: whether finished seeds of an earlier attempt are kept as they are.
    ///   - isQuiet: whether the progress display is off.
    ///   - isPoint: whether a sweep started this process, which is then told of the progress.
    public init(
        scenario: ScenarioDefinition, dataDirectory: String, outputDirectory: String, recordsWire: Bool,
        hasSecureRandomness: Bool = false, resumes: Bool = false, isQuiet: Bool, logLevel: String,
        isPoint: Bool = false
    ) {
        self.scenario = scenario
        self.dataDirectory = dataDirectory
        self.outputDirectory = outputDirectory
        self.recordsWire = recordsWire
        self.hasSecureRandomness = hasSecureRandomness
        self.resumes = resumes
        self.logLevel = logLevel
        display = ProgressDisplay(isQuiet: isQuiet, isPoint: isPoint)
    }

    /// The folder of the scenario's record: its name, then the first 8 digits of the resolved scenario's hash.
    private var folder: String { "\(outputDirectory)/\(scenario.name)/\(scenario.runName)" }

    /// The folder of an attempt that did not complete, where `folder` holds what it has not.
    private var incomplete: String { "\(folder).incomplete" }

    /// Runs every seed. When this returns no process is left.
    ///
    /// - Throws: `RunFailure` when nothing could be started or nothing is worth keeping.
    public func run() throws -> Result {
        try checkData()
        let signals = try LauncherSignals()
        let sockets = try LockedFolder.makeForSockets()
        var staging = try makeStaging()
        if resumes {
            // The later attempt first: one that got no further may have released more.
            for place in [incomplete, folder] { keepSeeds(of: place, in: staging.path, isCopied: true) }
        }
        let kept = scenario.seeds.reduce(into: [Int: RunRecord]()) { $0[$1] = finished($1, in: staging.path) }
        var runs: [RunRecord] = []
        var status = RunStatus.completed
        var exitCode = ExitCode.success
        var message: String?
        for (index, seed) in scenario.seeds.enumerated() {
            if let record = kept[seed] {
                display.kept(seed: seed, seedIndex: index, seedCount: scenario.seeds.count)
                runs.append(record)
                continue
            }
            // Of the seeds after one that did not complete, those that were finished before are kept.
            guard status == .completed else { continue }
            let goesOn = canGoOn(seed, in: staging.path)
            var ending = attempt(
                seed, index: index, staging: staging.path, sockets: sockets.path, signals, &runs)
            if goesOn, case .failed(let failure) = ending, failure.exitCode == .inputOutput,
                checkpoint(seed, in: staging.path) == nil
            {
                // The coordinator has found it damaged.
                display.warn("seed \(seed) begins anew: \(failure.description)")
                ending = attempt(
                    seed, index: index, staging: staging.path, sockets: sockets.path, signals, &runs)
            }
            switch ending {
            case .completed: break
            case .peerLost(let reason):
                status = .peerLost
                exitCode = .peerLost
                message = reason
            case .interrupted:
                status = .interrupted
                exitCode = .interrupted
                message = "interrupted in seed \(seed)"
            case .failed(let failure):
                guard !runs.isEmpty || !kept.isEmpty || canGoOn(seed, in: staging.path) else { throw failure }
                status = .failed
                exitCode = failure.exitCode
                message = "seed \(seed): \(failure.description)"
            }
        }
        let completed = runs.filter { $0.status == .completed }
        if status == .interrupted {
            message? += "; finished seeds are kept: \(completed.count) of \(scenario.seeds.count)"
        }
        let summary = SummaryRecord(scenario: scenario.name, status: status, runs: completed)
        guard !runs.isEmpty || scenario.seeds.contains(where: { canGoOn($0, in: staging.path) }) else {
            return Result(exitCode: exitCode, summary: summary, folder: nil, leftovers: nil, message: message)
        }
        do {
            let place = try publish(staging, summary)
            return Result(exitCode: exitCode, summary: summary, folder: place, leftovers: nil, message: message)
        } catch {
            // The disk may be full. What there is would be lost with the folder.
            staging.keep()
            return Result(
                exitCode: exitCode == .success ? .inputOutput : exitCode, summary: summary, folder: nil,
                leftovers: staging.path, message: message ?? "\(error)")
        }
    }

    /// Writes the summary and moves all to its place; returns that, or that of an earlier attempt that got further.
    private func publish(_ staging: borrowing LockedFolder, _ summary: SummaryRecord) throws -> String {
        try RecordFile.writeJSON(summary, to: "\(staging.path)/summary.json")
        try RecordFile.write(summary.csv, to: "\(staging.path)/summary.csv")
        let exists = FileManager.default.fileExists(atPath:)
        let earlier = try? RecordFile.readJSON(SummaryRecord.self, from: "\(folder)/summary.json")
        // What goes on with a stopped attempt holds all that it had.
        let replacesAll = summary.status == .completed || resumes && earlier?.status != .completed
        let place = replacesAll || !exists(folder) ? folder : incomplete
        if place == incomplete, exists(place), progress(in: place) > progress(in: staging.path) { return place }
        try staging.publish(as: place)
        if replacesAll { try? FileManager.default.removeItem(atPath: incomplete) }
        return place
    }

    /// How many seeds are finished in a folder, and how many rounds of others are closed.
    private func progress(in folder: String) -> (seeds: Int, rounds: Int) {
        let finished = scenario.seeds.filter { self.finished($0, in: folder) != nil }
        let others = Set(scenario.seeds).subtracting(finished)
        return (finished.count, others.reduce(0) { $0 + (checkpoint($1, in: folder)?.machine.closedRounds ?? 0) })
    }

    /// The folder that becomes the record; with `resumes` it begins with what an attempt that was killed has finished.
    private func makeStaging() throws(RunFailure) -> LockedFolder {
        let name = (folder as NSString).lastPathComponent
        do throws(RecordError) {
            return try LockedFolder(
                in: (folder as NSString).deletingLastPathComponent, prefix: ".\(name).partial-"
            ) { abandoned, staging in
                if resumes { keepSeeds(of: abandoned, in: staging, isCopied: false) }
            }
        } catch { throw RunFailure(.inputOutput, error.description) }
    }

    /// Takes over the finished seeds of an earlier attempt; what cannot be taken is run again.
    private func keepSeeds(of earlier: String, in staging: String, isCopied: Bool) {
        for seed in scenario.seeds where canKeep(seed, of: earlier, in: staging) {
            let (source, place) = ("\(earlier)/seed-\(seed)", "\(staging)/seed-\(seed)")
            try? FileManager.default.removeItem(atPath: place)
            guard isCopied else {
                try? FileManager.default.moveItem(atPath: source, toPath: place)
                continue
            }
            // A copy that is broken off must not look like a seed.
            let copy = "\(staging)/.seed-\(seed)"
            if (try? FileManager.default.copyItem(atPath: source, toPath: copy)) == nil
                || (try? FileManager.default.moveItem(atPath: copy, toPath: place)) == nil
            {
                try? FileManager.default.removeItem(atPath: copy)
            }
        }
    }

    /// Whether a seed of an earlier attempt is finished, or can be gone on with, and is better than what is there.
    private func canKeep(_ seed: Int, of earlier: String, in staging: String) -> Bool {
        if finished(seed, in: staging) != nil { return false }
        if finished(seed, in: earlier) != nil { return true }
        guard let found = checkpoint(seed, in: earlier) else { return false }
        return found.machine.closedRounds > checkpoint(seed, in: staging)?.machine.closedRounds ?? -1
    }

    /// Whether rounds of a seed that did not complete are worth going on with.
    private func canGoOn(_ seed: Int, in folder: String) -> Bool {
        checkpoint(seed, in: folder).map { $0.machine.closedRounds > 0 } ?? false
    }

    /// Removes what there is of a seed that did not complete, unless it can be gone on with.
    private func discard(_ seed: Int, in folder: String) {
        guard !canGoOn(seed, in: folder) else { return }
        try? FileManager.default.removeItem(atPath: "\(folder)/seed-\(seed)")
    }

    /// Where a seed in a folder can be gone on with. What crosses is recorded whole or not at all.
    private func checkpoint(_ seed: Int, in folder: String) -> RunCheckpoint? {
        recordsWire
            ? nil
            : RunCheckpoint.read(
                "\(folder)/seed-\(seed)", of: scenario, seed: seed, hasSecureRandomness: hasSecureRandomness,
                dataDirectory: dataDirectory)
    }

    /// The record of a seed that is finished in a folder; its last file is `environment.json`.
    private func finished(_ seed: Int, in folder: String) -> RunRecord? {
        let place = "\(folder)/seed-\(seed)"
        guard FileManager.default.fileExists(atPath: "\(place)/environment.json"),
            !recordsWire || FileManager.default.fileExists(atPath: "\(place)/frames.bin"),
            let record = try? FinishedRun.record(
                of: seed, in: place, scenario: scenario, dataDirectory: dataDirectory),
            record.privacy.hasReproducibleNoise != hasSecureRandomness, record.hasScores
        else { return nil }
        return record
    }

    /// Runs one seed; what goes wrong with its files ends the run as a failure of this seed.
    private func attempt(
        _ seed: Int, index: Int, staging: String, sockets: String, _ signals: borrowing LauncherSignals,
        _ runs: inout [RunRecord]
    ) -> SeedSupervisor.Ending {
        do { return try runSeed(seed, index: index, staging: staging, sockets: sockets, signals, &runs) } catch {
            discard(seed, in: staging)
            if let failure = error as? RunFailure { return .failed(failure) }
            return .failed(RunFailure(error is RecordError ? .inputOutput : .internalError, "\(error)"))
        }
    }

    private func runSeed(
        _ seed: Int, index: Int, staging: String, sockets: String, _ signals: borrowing LauncherSignals,
        _ runs: inout [RunRecord]
    ) throws -> SeedSupervisor.Ending {
        let output = "\(staging)/seed-\(seed)"
        let checkpoint = resumes ? checkpoint(seed, in: staging) : nil
        let faultsAgainAfter = try checkpoint?.settleFaults(of: output)
        let writer = SeedRecordWriter(
            scenario: scenario, seed: seed, folder: output, hasSecureRandomness: hasSecureRandomness)
        if let checkpoint {
            try writer.removeRecord()
            display.resumed(
                seed: seed, seedIndex: index, seedCount: scenario.seeds.count, round: checkpoint.machine.closedRounds)
        }
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
        let hasSecureRandomness = hasSecureRandomness
        let keys = scenario.boolean("transport.curve") ? RunKeys(clients: scenario.clients.map(\.id)) : nil
        var supervisor = SeedSupervisor(
            scenario: scenario, endpoint: requested, display: display, seed: seed, seedIndex: index,
            seedCount: scenario.seeds.count, absent: checkpoint?.absent(scenario) ?? []
        ) { roles, endpoint in
            RoleBrief(
                scenario: scenario.resolvedYAML, seed: seed, dataDirectory: dataDirectory, outputDirectory: output,
                endpoint: endpoint, runID: hexadecimal(runID), token: hexadecimal(token), recordsWire: recordsWire,
                hasSecureRandomness: hasSecureRandomness, launcherProcessID: getpid(), logLevel: logLevel,
                curves: keys?.briefs(for: roles) ?? [:], resumes: checkpoint != nil,
                faultsAgainAfter: faultsAgainAfter)
        }
        let ending = supervisor.run(signals)
        // Processes are killed wherever they are.
        RecordFile.removeHalfWritten(below: output)
        let environment = EnvironmentRecord(supervisor.measurements, transport: kind, dataDirectory: dataDirectory)
        switch ending {
        case .completed:
            let record = try write(.completed, environment, writer)
            guard record.hasScores else {
                throw RunFailure(
                    .data,
                    "no cold person has evaluation.minimum-interactions target interactions; nothing can be scored")
            }
            runs.append(record)
        case .peerLost: runs.append(try write(.peerLost, environment, writer))
        case .interrupted, .failed:
            discard(seed, in: staging)
            // It can be gone on with also where there is no room for a record.
            guard canGoOn(seed, in: staging) else { break }
            let status = if case .failed = ending { RunStatus.failed } else { RunStatus.interrupted }
            if let record = try? write(status, environment, writer) { runs.append(record) }
        }
        return ending
    }

    /// Writes the record of a seed; `environment.json` is its last file.
    private func write(
        _ status: RunStatus, _ environment: EnvironmentRecord, _ writer: SeedRecordWriter
    ) throws -> RunRecord {
        let record = try writer.write(status: status)
        try RecordFile.writeJSON(environment, to: "\(writer.folder)/environment.json")
        if status == .completed { writer.removeWorkingFiles() }
        return record
    }

    /// Refuses data files that are not there before any process starts.
    private func checkData() throws(RunFailure) {
        for group in scenario.clientGroups {
            guard let data = group.data else { continue }
            // Ratings may be the folder of a data set.
            if let ratings = data.ratings { try checkFile(ratings, of: "client \(group.id)", mayBeFolder: true) }
            for path in [data.items, data.itemVectors].compactMap({ $0 }) {
                try checkFile(path, of: "client \(group.id)", mayBeFolder: false)
            }
        }
        let vectors = scenario.text("text.word-vectors")
        if !["embedded", "none"].contains(vectors) {
            try checkFile(vectors, of: "text.word-vectors", mayBeFolder: false)
        }
    }

    private func checkFile(_ path: String, of owner: String, mayBeFolder: Bool) throws(RunFailure) {
        let absolute = resolvedPath(path, in: dataDirectory)
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: absolute, isDirectory: &isFolder) else {
            throw RunFailure(
                .data, "\(owner): there is no file \(absolute); --data DIR says where the data is")
        }
        guard mayBeFolder || !isFolder.boolValue, FileManager.default.isReadableFile(atPath: absolute) else {
            throw RunFailure(.data, "\(owner): \(absolute) is not a readable file")
        }
    }
}

extension RunRecord {
    /// Whether anybody was scored: an attack alone is no result.
    fileprivate var hasScores: Bool { evaluation.contains { $0.cohort != EvaluationRecord.membershipCohort } }
}

extension ScenarioDefinition {
    /// The name of the folder of its runs: the first 8 digits of the resolved scenario's hash.
    var runName: String { String(runHash.prefix(8)) }
}

/// Everything that may differ between two runs of one seed, `environment.json`.
struct EnvironmentRecord: Codable, Sendable {
    let version: String
    let host: String
    let kernel: String
    let processor: String
    let processorCount: Int
    let transport: String
    /// Where relative data paths started: `ferry recommend` reads the data again.
    let dataDirectory: String
    let seconds: Double
    let secondsToFirstRound: Double?
    let peakMegabytes: [String: Double]
    let warnings: [String]
    let finishedAt: String

    init(_ measurements: SeedSupervisor.Measurements, transport: String, dataDirectory: String) {
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
        self.dataDirectory = dataDirectory
        seconds = measurements.seconds
        secondsToFirstRound = measurements.secondsToFirstRound
        peakMegabytes = measurements.peakBytes.mapValues { (Double($0) / 1e5).rounded() / 10 }
        warnings = measurements.warnings
        finishedAt = ISO8601DateFormatter().string(from: Date())
    }
}
