import Cryptography
import Federation
import Foundation
public import Record
public import Scenario
public import Supervision

/// Runs every point of a sweep as a process of its own, some at once, and puts their figures together.
public struct SweepRunner {
    /// What a sweep came to.
    public struct Result: Sendable {
        /// The exit code of `ferry`: that of the first point that did not complete.
        public let exitCode: ExitCode
        /// The figures of all points; `nil` when the user stopped it.
        public let record: SweepRecord?
        /// The folder of the sweep's own files.
        public let folder: String
        /// How many points are finished.
        public let finishedCount: Int
    }

    private struct Active {
        let index: Int
        let process: ChildProcess
        var reader: LineReader
        var deadline: ContinuousClock.Instant
        var failure: String?
    }

    private struct Failure {
        let exitCode: ExitCode
        let message: String
    }

    /// How long a point may take to end once it is asked to.
    private static let farewell = Duration.seconds(15)

    private let sweep: ScenarioSweep
    private let dataDirectory: String
    private let outputDirectory: String
    private let jobs: Int
    private let resumes: Bool
    private let logLevel: String
    private var display: SweepDisplay
    private var active: [Active] = []
    private var failures: [Int: Failure] = [:]
    private var finished: [Int: SweepPoint] = [:]

    /// Prepares a sweep.
    ///
    /// - Parameters:
    ///   - dataDirectory: where relative data paths start.
    ///   - outputDirectory: the folder that records are written below.
    ///   - jobs: how many points run at once.
    ///   - resumes: whether points and seeds that are finished are kept as they are.
    ///   - isQuiet: whether the progress display is off.
    public init(
        sweep: ScenarioSweep, dataDirectory: String, outputDirectory: String, jobs: Int, resumes: Bool, isQuiet: Bool,
        logLevel: String
    ) {
        precondition(jobs > 0, "\(jobs) jobs")
        self.sweep = sweep
        self.dataDirectory = dataDirectory
        self.outputDirectory = outputDirectory
        self.jobs = jobs
        self.resumes = resumes
        self.logLevel = logLevel
        display = SweepDisplay(count: sweep.points.count, isQuiet: isQuiet)
    }

    /// The folder of the sweep's own files, beside those of its runs.
    private var folder: String {
        var hasher = FieldHasher(purpose: SweepRecord.schema)
        for point in sweep.points {
            for setting in point.settings { hasher.update("\(setting.key)=\(setting.value)") }
            hasher.update(point.scenario.resolvedYAML)
        }
        return "\(outputDirectory)/\(sweep.name)/sweep-\(hasher.finalize().description.prefix(8))"
    }

    private func runFolder(_ index: Int) -> String {
        "\(outputDirectory)/\(sweep.name)/\(sweep.points[index].scenario.runName)"
    }

    private func label(_ index: Int) -> String {
        sweep.points[index].settings.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    /// Runs every point. When this returns no process is left.
    ///
    /// - Throws: `RunFailure` when the points cannot run at once, or the sweep's files cannot be written.
    public mutating func run() throws(RunFailure) -> Result {
        if jobs > 1, sweep.points.contains(where: { $0.scenario.optionalText("transport.endpoint") != nil }) {
            throw RunFailure(
                .usage, "points that run at once cannot share transport.endpoint; leave it out, or use --jobs 1")
        }
        let place = try makePlace()
        defer { _ = place.path }
        var waiting: [Int] = []
        for index in sweep.points.indices {
            if resumes, let point = try? completed(index) {
                finished[index] = point
                display.kept(index, label(index))
            } else {
                waiting.append(index)
            }
        }
        let isInterrupted: Bool
        do { isInterrupted = try work(waiting) } catch {
            throw error as? RunFailure ?? RunFailure(.internalError, "\(error)")
        }
        guard !isInterrupted else {
            return Result(exitCode: .interrupted, record: nil, folder: folder, finishedCount: finished.count)
        }
        let record = SweepRecord(
            scenario: sweep.name, keys: sweep.keys, notes: notes, points: sweep.points.indices.map(point))
        do {
            try RecordFile.makeDirectory(folder)
            try RecordFile.writeJSON(record, to: "\(folder)/sweep.json")
        } catch { throw RunFailure(.inputOutput, "\(error)") }
        let exitCode = failures.min { $0.key < $1.key }?.value.exitCode ?? .success
        return Result(exitCode: exitCode, record: record, folder: folder, finishedCount: finished.count)
    }

    /// A folder beside those of the points for as long as the sweep runs: says at once where nothing can be written, and
    /// takes with it what it made where nothing was.
    private func makePlace() throws(RunFailure) -> LockedFolder {
        do throws(RecordError) {
            return try LockedFolder(in: "\(outputDirectory)/\(sweep.name)", prefix: ".sweep.partial-")
        } catch { throw RunFailure(.inputOutput, error.description) }
    }

    /// Works points off; returns whether the user asked to stop.
    private mutating func work(_ points: [Int]) throws -> Bool {
        guard !points.isEmpty else { return false }
        let signals = try LauncherSignals()
        defer { killAll() }
        var waiting = points[...]
        var stops = 0
        while true {
            while stops == 0, active.count < jobs, let index = waiting.popFirst() { try spawn(index) }
            if active.isEmpty { return stops > 0 }
            var descriptors = [pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0)]
            var readers: [Int] = []
            for position in active.indices where !active[position].reader.isAtEnd {
                descriptors.append(pollfd(fd: active[position].process.output, events: Int16(POLLIN), revents: 0))
                readers.append(position)
            }
            let deadline = active.map(\.deadline).min() ?? ContinuousClock.now
            let left = max(.zero, deadline - ContinuousClock.now) / .milliseconds(1)
            let count = poll(&descriptors, nfds_t(descriptors.count), Int32(min(left.rounded(.up), 1e9)))
            if count < 0 && errno != EINTR { throw RunFailure(.internalError, "poll: \(errno)") }
            if descriptors[0].revents != 0, signals.drain() {
                stops += 1
                // Each process ends its own run and keeps what is finished; asked twice, nothing is waited for.
                for position in active.indices {
                    active[position].process.signal(stops == 1 ? SIGTERM : SIGKILL)
                    active[position].deadline = ContinuousClock.now + SweepRunner.farewell
                }
            }
            for (place, position) in readers.enumerated() where descriptors[place + 1].revents != 0 { read(position) }
            for position in active.indices where active[position].deadline <= ContinuousClock.now {
                active[position].failure = "the run did not end within its deadlines"
                active[position].process.signal(SIGKILL)
                active[position].deadline = ContinuousClock.now + SweepRunner.farewell
            }
            reap()
        }
    }

    private mutating func spawn(_ index: Int) throws {
        let scenario = sweep.points[index].scenario
        let line = try ControlLine.encode(
            PointBrief(
                scenario: scenario.resolvedYAML, dataDirectory: dataDirectory, outputDirectory: outputDirectory,
                resumes: resumes, launcherProcessID: getpid(), logLevel: logLevel))
        guard line.count <= ChildProcess.inputByteCount / 2 else {
            throw RunFailure(.scenario, "the resolved scenario is too large: \(line.count) bytes")
        }
        let process = try ChildProcess.spawn(arguments: ["point"])
        process.write(line)
        let longest = (RunPlan.longestDuration(scenario) + .seconds(60)) * scenario.seeds.count
        active.append(
            Active(
                index: index, process: process, reader: LineReader(descriptor: process.output),
                deadline: ContinuousClock.now + longest))
        display.began(index, label(index))
    }

    private mutating func read(_ position: Int) {
        let index = active[position].index
        for line in active[position].reader.readAvailable() {
            switch try? ControlLine.decode(PointReport.self, from: line) {
            case .round(let progress, let seed, let place, let count):
                display.round(index, label(index), progress, seed: seed, place, of: count)
            case .kept(let seed, let place, let count):
                display.kept(index, label(index), seed: seed, place, of: count)
            case .warning(let text): display.warn(index, text)
            case .failed(let message): active[position].failure = message
            case nil: continue
            }
        }
    }

    private mutating func reap() {
        for position in active.indices.reversed() {
            guard let (end, _) = active[position].process.endIfEnded() else { continue }
            // What it said last may still be in the pipe.
            if !active[position].reader.isAtEnd { read(position) }
            let point = active.remove(at: position)
            point.process.closePipes()
            settle(point, end)
        }
    }

    /// Notes how a point has ended.
    private mutating func settle(_ point: Active, _ end: ProcessEnd) {
        let index = point.index
        var failure: Failure
        switch end {
        case .exited(0):
            do {
                finished[index] = try completed(index)
                return display.ended(index, label(index), "done")
            } catch {
                failure = Failure(exitCode: error.exitCode, message: error.description)
            }
        case .exited(let code):
            failure = Failure(
                exitCode: ExitCode(rawValue: code) ?? .internalError, message: point.failure ?? "its process \(end)")
        case .signalled:
            failure = Failure(exitCode: .internalError, message: point.failure ?? "its process \(end)")
        }
        let line = failure.message.split(separator: "\n").joined(separator: "; ")
        failure = Failure(exitCode: failure.exitCode, message: line)
        failures[index] = failure
        if failure.exitCode == .interrupted { return display.stopped(index, label(index)) }
        display.ended(index, label(index), "failed: \(failure.message)")
    }

    private mutating func killAll() {
        for point in active { point.process.signal(SIGKILL) }
        for point in active {
            point.process.waitForEnd()
            point.process.closePipes()
        }
        active = []
    }

    /// The point in the folder of its run.
    ///
    /// - Throws: `RunFailure` when there is no finished run of it.
    private func completed(_ index: Int) throws(RunFailure) -> SweepPoint {
        let run = try FinishedRun(runFolder(index), of: sweep.points[index].scenario, dataDirectory: dataDirectory)
        return SweepPoint(
            settings: settings(index), run: "../\(sweep.points[index].scenario.runName)", runs: run.runs)
    }

    private func settings(_ index: Int) -> [SweepSetting] {
        sweep.points[index].settings.map { SweepSetting(key: $0.key, value: $0.value) }
    }

    private func point(_ index: Int) -> SweepPoint {
        if let point = finished[index] { return point }
        let status: RunStatus =
            switch failures[index]?.exitCode {
            case .peerLost: .peerLost
            case .interrupted: .interrupted
            default: .failed
            }
        return SweepPoint(
            settings: settings(index), run: "../\(sweep.points[index].scenario.runName)", status: status,
            failure: failures[index]?.message, seeds: [], figures: [], seedFigures: [], privacy: nil)
    }

    /// Choosing a point by its results is a use of the data like any other.
    private var notes: [String] {
        guard sweep.points.contains(where: { $0.scenario.isProtected }) else { return [] }
        return [
            "Each ε is that of one point alone. Whoever publishes one of these \(sweep.points.count) points because of "
                + "its results has used all of them, which is charged to no ε."
        ]
    }
}
