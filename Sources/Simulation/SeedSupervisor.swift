import Federation
import Foundation
import Logging
import Scenario
import Supervision

/// Starts the processes of one seed, watches every one, and ends them all whatever happens.
struct SeedSupervisor {
    /// How a seed ended.
    enum Ending: Sendable {
        /// Every round is done and every process ended well.
        case completed
        /// A needed process was lost; what is there can be recorded.
        case peerLost(String)
        /// The user asked to stop.
        case interrupted
        /// Nothing to record: an error in the input or of Ferry.
        case failed(RunFailure)
    }

    /// What was measured while it ran.
    struct Measurements: Sendable {
        var secondsToFirstRound: Double?
        var seconds = 0.0
        var peakBytes: [String: Int] = [:]
        var warnings: [String] = []
    }

    private struct Role {
        /// The coordinator, or a process with these clients.
        let clients: [String]
        var process: ChildProcess
        var reader: LineReader
        var end: ProcessEnd?
        var failure: RunFailure?
        /// How often the scenario may yet have the client started anew.
        var restarts = 0
        /// Those of its clients that could no longer take part while the process went on.
        var left: [String] = []

        init(_ clients: [String], _ process: ChildProcess, restarts: Int = 0) {
            self.clients = clients
            self.process = process
            self.restarts = restarts
            reader = LineReader(descriptor: process.output)
        }

        /// What the record calls the process: the coordinator, a client, or the first and the last of several.
        var name: String {
            clients.isEmpty ? Coordinator.name : ScenarioDefinition.processName(clients)
        }

        /// The same within a sentence.
        var phrase: String { clients.count == 1 ? "client \(name)" : "the process of \(name)" }
    }

    /// How long processes may take to end by themselves after the coordinator has: each writes its clients' folders.
    private var farewell: Duration { .seconds(10) + .milliseconds(50) * (roles.map(\.clients.count).max() ?? 0) }
    /// The most warnings that are shown and recorded.
    private static let warningLimit = 100

    let scenario: ScenarioDefinition
    /// What the process of some roles is told.
    let brief: (_ roles: [String], _ endpoint: String) -> RoleBrief
    let endpoint: String
    let display: ProgressDisplay
    let seed: Int
    let seedIndex: Int
    let seedCount: Int
    /// The clients that were lost in an earlier part of the run and stay away.
    let absent: Set<String>
    /// Where the coordinator listens, once it does.
    private var boundEndpoint: String?
    private var roles: [Role] = []
    private var lost: Set<String> = []
    private(set) var measurements = Measurements()

    init(
        scenario: ScenarioDefinition, endpoint: String, display: ProgressDisplay, seed: Int, seedIndex: Int,
        seedCount: Int, absent: Set<String> = [], brief: @escaping (_ roles: [String], _ endpoint: String) -> RoleBrief
    ) {
        self.scenario = scenario
        self.endpoint = endpoint
        self.display = display
        self.seed = seed
        self.seedIndex = seedIndex
        self.seedCount = seedCount
        self.brief = brief
        self.absent = absent
        lost = absent
    }

    /// Runs the seed. When this returns no process of it is left.
    mutating func run(_ signals: borrowing LauncherSignals) -> Ending {
        let start = ContinuousClock.now
        defer {
            killAll()
            measurements.seconds = (ContinuousClock.now - start) / .seconds(1)
        }
        do {
            // All are spawned at once and wait for their brief, so that their start-up overlaps.
            let processes = scenario.clientProcesses.map { $0.filter { !absent.contains($0) } }.filter { !$0.isEmpty }
            // Two pipes each.
            try DescriptorLimit.require(2 * (processes.count + 2))
            roles.append(Role([], try ChildProcess.spawn(arguments: ["coordinator"])))
            for clients in processes {
                let restarts = scenario.faults.count { [$0.client] == clients && $0.returns != nil }
                roles.append(Role(clients, try SeedSupervisor.spawn(clients), restarts: restarts))
            }
            let line = try ControlLine.encode(brief([Coordinator.name], endpoint))
            // Room for the endpoint that the coordinator picks, and for the launcher's notices.
            guard line.count <= ChildProcess.inputByteCount / 2 else {
                return .failed(RunFailure(.scenario, "the resolved scenario is too large: \(line.count) bytes"))
            }
            roles[0].process.write(line)
        } catch SupervisionError.tooFewDescriptors(let needed, let limit) {
            let problem = SupervisionError.tooFewDescriptors(needed: needed, limit: limit)
            return .failed(RunFailure(.inputOutput, "for the pipes to every process \(problem)"))
        } catch { return .failed(RunFailure(.internalError, "\(error)")) }
        return supervise(signals, start: start)
    }

    private static func spawn(_ clients: [String]) throws -> ChildProcess {
        let others = clients.dropFirst()
        return try ChildProcess.spawn(
            arguments: ["client"] + clients.prefix(1) + (others.isEmpty ? [] : ["--with"] + others))
    }

    /// Whether some client of a process was not lost, so that the process must end well.
    private func isNeeded(_ role: Role) -> Bool { role.clients.contains { !lost.contains($0) } }

    private mutating func supervise(_ signals: borrowing LauncherSignals, start: ContinuousClock.Instant) -> Ending {
        var deadline = start + RunPlan.longestDuration(scenario) + .seconds(30)
        while true {
            var descriptors = [pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0)]
            var readers: [Int] = []
            for index in roles.indices where !roles[index].reader.isAtEnd {
                descriptors.append(pollfd(fd: roles[index].process.output, events: Int16(POLLIN), revents: 0))
                readers.append(index)
            }
            let left = max(.zero, deadline - ContinuousClock.now) / .milliseconds(1)
            let count = poll(&descriptors, nfds_t(descriptors.count), Int32(min(left.rounded(.up), 1e9)))
            if count < 0 && errno != EINTR { return .failed(RunFailure(.internalError, "poll: \(errno)")) }
            if count == 0 {
                if roles[0].end == .exited(0) {
                    let late = roles.filter { $0.end == nil && isNeeded($0) }.map(\.name)
                    return .peerLost("\(late.joined(separator: ", ")) did not end after the last round")
                }
                return .peerLost("the run did not end within its deadlines")
            }
            if descriptors[0].revents != 0, signals.drain() { return .interrupted }
            for (position, index) in readers.enumerated() where descriptors[position + 1].revents != 0 {
                read(index, start: start)
            }
            if let ending = reap() { return ending }
            if roles[0].end != nil { deadline = min(deadline, ContinuousClock.now + farewell) }
        }
    }

    /// Takes the reports of one role.
    private mutating func read(_ index: Int, start: ContinuousClock.Instant) {
        for line in roles[index].reader.readAvailable() {
            guard let report = try? ControlLine.decode(RoleReport.self, from: line) else { continue }
            switch report {
            case .ready(let endpoint):
                guard index == 0 else { continue }
                boundEndpoint = endpoint
                for role in roles.dropFirst() {
                    guard let line = try? ControlLine.encode(brief(role.clients, endpoint)) else { continue }
                    role.process.write(line)
                }
            case .round(let progress):
                display.round(progress, seed: seed, seedIndex: seedIndex, seedCount: seedCount)
            case .started:
                measurements.secondsToFirstRound = (ContinuousClock.now - start) / .seconds(1)
            case .finished(let clients): lost = Set(clients)
            case .clientLeft(let id, let why):
                roles[index].left.append(id)
                tell(.clientEnded(id: id, how: "has left: \(why)"))
            case .warning(let text):
                guard measurements.warnings.count < SeedSupervisor.warningLimit else { continue }
                measurements.warnings.append(text)
                display.warn(text)
            case .failed(let code, let message):
                roles[index].failure = RunFailure(ExitCode(rawValue: code) ?? .internalError, message)
            }
        }
    }

    /// Notices ended processes; returns how the seed ended once that is known.
    private mutating func reap() -> Ending? {
        var ended: [Int] = []
        for index in roles.indices where roles[index].end == nil {
            guard let (end, peakBytes) = roles[index].process.endIfEnded() else { continue }
            roles[index].end = end
            measurements.peakBytes[roles[index].name] = max(peakBytes, measurements.peakBytes[roles[index].name] ?? 0)
            // What it said last may still be in the pipe.
            if !roles[index].reader.isAtEnd { read(index, start: ContinuousClock.now) }
            ended.append(index)
        }
        // Clients first: an error of theirs explains the coordinator's.
        for index in ended where index > 0 {
            if let end = roles[index].end, let ending = clientEnded(roles[index], end) { return ending }
            if let ending = restartIfWanted(index) { return ending }
        }
        if ended.contains(0), let end = roles[0].end, let ending = coordinatorEnded(end) { return ending }
        guard roles[0].end == .exited(0) else { return nil }
        // A client that was lost on the way is not waited for; every other one must have ended well.
        let needed = roles.filter { isNeeded($0) }
        if let broken = needed.first(where: { $0.end != nil && $0.end != .exited(0) }), let end = broken.end {
            return .peerLost("\(broken.phrase) \(end) after the last round, before its results were written")
        }
        if let client = needed.flatMap(\.left).first(where: { !lost.contains($0) }) {
            return .peerLost("client \(client) left after the last round, before its results were written")
        }
        return needed.allSatisfy { $0.end != nil } ? .completed : nil
    }

    private func coordinatorEnded(_ end: ProcessEnd) -> Ending? {
        if end == .exited(0) { return nil }
        guard let failure = roles[0].failure else { return .peerLost("the coordinator \(end)") }
        guard failure.exitCode == .peerLost else { return .failed(failure) }
        // The coordinator may know of a client's end from its socket alone; the launcher knows how it ended.
        let causes = roles.dropFirst().compactMap { role in
            role.end.flatMap { $0 == .exited(0) ? nil : "\(role.phrase) \($0)" }
        }.filter { !failure.description.contains($0) }
        return .peerLost(([failure.description] + causes).joined(separator: "; "))
    }

    private func clientEnded(_ role: Role, _ end: ProcessEnd) -> Ending? {
        if end == .exited(0) { return nil }
        // An error in the input concerns the whole run; a lost process is for the coordinator to judge.
        if let failure = role.failure, failure.exitCode != .peerLost { return .failed(failure) }
        for client in role.clients { tell(.clientEnded(id: client, how: end.description)) }
        return nil
    }

    /// Tells the coordinator.
    private func tell(_ notice: CoordinatorNotice) {
        if let line = try? ControlLine.encode(notice) { roles[0].process.write(line) }
    }

    /// Starts a client anew that the scenario wants back after it was lost. It joins under its id with the run's token,
    /// and under CURVE with its own key.
    private mutating func restartIfWanted(_ index: Int) -> Ending? {
        guard roles[index].restarts > 0, let end = roles[index].end, end != .exited(0), roles[0].end == nil,
            let boundEndpoint
        else { return nil }
        let (clients, restarts) = (roles[index].clients, roles[index].restarts - 1)
        roles[index].process.closePipes()
        do {
            let process = try SeedSupervisor.spawn(clients)
            process.write(try ControlLine.encode(brief(clients, boundEndpoint)))
            roles[index] = Role(clients, process, restarts: restarts)
        } catch { return .failed(RunFailure(.internalError, "\(error)")) }
        return nil
    }

    private mutating func killAll() {
        for index in roles.indices where roles[index].end == nil { roles[index].process.signal(SIGKILL) }
        for index in roles.indices {
            if roles[index].end == nil { roles[index].process.waitForEnd() }
            roles[index].process.closePipes()
        }
    }
}
