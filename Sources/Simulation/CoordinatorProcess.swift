import Cryptography
import Federation
import Foundation
import Logging
import Parameters
import Privacy
import Record
import Scenario
public import Supervision
import Transport
import Wire

/// The coordinator process: drives the state machine with what the socket, the launcher and the clock say.
public struct CoordinatorProcess: ~Copyable {
    /// How often clients are probed that no launcher watches.
    private static let probeInterval = Duration.milliseconds(250)
    /// How long clients may take to answer the last message.
    private static let farewell = Duration.seconds(5)
    /// The most rounds of which progress tells one by one.
    private static let manyRounds = 1_000
    /// How often very many rounds are told of, and short ones kept.
    static let interval = Duration.seconds(1)

    let scenario: ScenarioDefinition
    let brief: RoleBrief
    private let token: RunToken
    private let logger: Logger
    private let start = ContinuousClock.now
    var machine: Coordinator
    var socket: CoordinatorSocket
    var schema: ParameterSchema?
    /// What has been broadcast; `nil` before the run has begun.
    var journal: RunJournal?
    /// Clients that are back, and how far they are.
    var cursors: [String: PastCursor] = [:]
    var lastCheckpoint = Duration.zero
    /// The files of updates that the last checkpoint refers to.
    var writtenUpdates: Set<String> = []
    private var hasStarted = false
    /// Whether the round that closed last is one of many short ones.
    var isDense = false
    /// The round that progress told of last, by its step and time.
    private var told: (step: RoundStep, time: Duration)?
    private var meter = LearningMeter()
    private var control = LineReader(descriptor: 0)
    private var outcome: Coordinator.Outcome?
    private var warnedOf: Set<String> = []
    private var lastProbe = Duration.zero
    /// Where the launcher's notices arrive; none where there is no launcher.
    private var notices: Int32 { brief.isByHand ? -1 : 0 }
    private var bytesAtRoundStart: (up: Int, down: Int) = (0, 0)

    /// Runs a coordinator to its end.
    ///
    /// - Throws: `RunFailure` with a sentence for the user; `peerLost` when the run could not go on.
    public static func run(brief: RoleBrief) throws(RunFailure) {
        do {
            var process = try CoordinatorProcess(brief: brief)
            if brief.resumes { try process.resume() }
            RoleProcess.report(.ready(endpoint: process.socket.endpoint))
            let outcome = try process.serve()
            // Nobody else tells clients that no launcher watches why the run ends.
            if outcome != .completed, brief.isByHand { try process.sayGoodbye() }
            switch outcome {
            case .completed:
                RoleProcess.report(.finished(lost: process.machine.lostClients))
                try process.sayGoodbye()
            case .peerLost(let reason): throw RunFailure(.peerLost, reason)
            case .impossible(let reason): throw RunFailure(.scenario, reason)
            case .catalogueMismatch(let reason): throw RunFailure(.data, reason)
            case .tooLarge(let reason): throw RunFailure(.scenario, reason)
            }
        } catch let failure as RunFailure {
            throw failure
        } catch let error as TransportError {
            switch error {
            case .endpointInUse, .recording, .zeroMQ(call: "zmq_bind", _, _, _):
                throw RunFailure(.inputOutput, error.description)
            default: throw RunFailure(.peerLost, "coordinator: \(error)")
            }
        } catch let error as RecordError {
            throw RunFailure(.inputOutput, error.description)
        } catch let error as SupervisionError {
            throw RunFailure(.inputOutput, "coordinator: \(error)")
        } catch { throw RunFailure(.internalError, "coordinator: \(error)") }
    }

    private init(brief: RoleBrief) throws {
        let scenario = try ScenarioDefinition(yaml: brief.scenario, file: "scenario.yaml")
        guard let runNumber = brief.runNumber,
            let token = bytes(hexadecimal: brief.token).flatMap({ RunToken(bytes: $0) })
        else { throw RunFailure(.internalError, "the launcher's brief for the coordinator is damaged") }
        // A connection each, and as many again while they come and go.
        try DescriptorLimit.require(2 * scenario.clients.count)
        var logger = Logger(label: "ferry.coordinator")
        logger.logLevel = Logger.Level(rawValue: brief.logLevel) ?? .warning
        let socket = try CoordinatorSocket(
            endpoint: brief.endpoint, runID: runNumber, clientCount: scenario.clients.count,
            recording: brief.recordsWire ? "\(brief.outputDirectory)/frames.bin" : nil, token: token,
            curve: try brief.curves[Coordinator.name].map { try CurveServer(keys: $0.keys, clients: $0.clientKeys) })
        let output = brief.outputDirectory
        try RecordFile.makeDirectory("\(output)/checkpoints")
        try RecordFile.makeDirectory(RunCheckpoint.folder(output))
        let ledger = try CoordinatorProcess.ledger(brief)
        self.scenario = scenario
        self.brief = brief
        self.token = token
        self.logger = logger
        self.socket = socket
        machine = Coordinator(scenario, seed: brief.seed, now: .zero, noiseKey: brief.noiseKey, ledger: ledger)
    }

    /// The coordinator's ledger, with what an earlier part of the run wrote into it.
    private static func ledger(_ brief: RoleBrief) throws -> Ledger {
        let path = "\(brief.outputDirectory)/\(Coordinator.name).ledger.jsonl"
        return Ledger(
            client: Coordinator.name, earlier: try RecordFile.takeUpLines(LedgerEntry.self, of: path),
            repeatsAlike: !brief.hasSecureRandomness
        ) { try RecordFile.append($0, to: path) }
    }

    /// Goes on from the checkpoint of an earlier attempt. One that is damaged is removed: no later attempt could either.
    private mutating func resume() throws {
        do { try takeUp() } catch let error where !(error is RunFailure) {
            if case .notWritable? = error as? RecordError { throw error }
            let folder = RunCheckpoint.folder(brief.outputDirectory)
            try? FileManager.default.removeItem(atPath: folder)
            throw RunFailure(.inputOutput, "the checkpoint in \(folder) is damaged: \(error)")
        }
    }

    private mutating func takeUp() throws {
        let output = brief.outputDirectory
        guard
            let checkpoint = RunCheckpoint.read(
                output, of: scenario, seed: brief.seed, hasSecureRandomness: brief.hasSecureRandomness,
                dataDirectory: brief.dataDirectory)
        else {
            throw RunFailure(
                .inputOutput, "\(RunCheckpoint.folder(output)) holds no checkpoint of this run; run without --resume")
        }
        let schema = try Coordinator.schema(of: checkpoint.machine, scenario)
        let state = try checkpoint.machine(output, schema: schema)
        let journal = try RunJournal(
            RunCheckpoint.journal(output), schema: schema, keeping: checkpoint.journalByteCount)
        let past = try journal.replay(earlier: state.refitStart)
        machine = try Coordinator(
            resuming: state, scenario, seed: brief.seed, now: now, shared: past.shared, beforeRefit: past.earlier,
            noiseKey: brief.noiseKey, ledger: CoordinatorProcess.ledger(brief))
        self.journal = consume journal
        self.schema = schema
        socket.resume(WireTraffic(checkpoint.traffic, refused: checkpoint.refused))
        bytesAtRoundStart = (socket.traffic.count(.update, .up).bytes, socket.traffic.count(.plan, .down).bytes)
    }

    var now: Duration { ContinuousClock.now - start }

    /// Serves until the machine has finished.
    private mutating func serve() throws -> Coordinator.Outcome {
        while true {
            if let outcome { return outcome }
            // Also when messages never stop: a deadline must not starve.
            if now >= machine.deadline { try perform(machine.handle(.tick(awaiting: socket.awaitedClients), now: now)) }
            if let outcome { return outcome }
            if brief.isByHand, now - lastProbe >= CoordinatorProcess.probeInterval {
                lastProbe = now
                for client in try socket.probe() {
                    try perform(machine.handle(.lost(client: client, how: "has gone"), now: now))
                }
                if let outcome { return outcome }
            }
            let wait = max(.zero, machine.deadline - now)
            let event = try socket.next(
                timeout: brief.isByHand ? min(wait, CoordinatorProcess.probeInterval) : wait, control: notices)
            switch event {
            case .timedOut: continue
            case .control:
                for (id, how) in readNotices() { try perform(machine.handle(.lost(client: id, how: how), now: now)) }
                if control.isAtEnd { throw RunFailure(.peerLost, "the launcher has ended") }
            case .refused(let client, let error):
                logger.warning("frame refused", metadata: ["client": "\(client ?? "unknown")", "reason": "\(error)"])
                if let client, let round = socket.brokenRound(of: client) {
                    try perform(
                        machine.handle(.refused(client: client, round: round, why: "\(error)"), now: now))
                    continue
                }
                // The first of each sender is said, all are counted: a flood must not fill logs and memory.
                if warnedOf.insert(client ?? "an unknown sender").inserted {
                    RoleProcess.report(
                        .warning(
                            "a frame of \(client ?? "an unknown sender") was refused, further ones are counted: \(error)"
                        ))
                }
            case .refusedKey(let key):
                logger.warning("connection refused", metadata: ["key": "\(key)"])
                if warnedOf.insert("key").inserted {
                    RoleProcess.report(
                        .warning("a connection with the unknown key \(key) was refused, further ones are counted"))
                }
            case .message(let peer, let message):
                try receive(message, from: peer)
            case .gathered(let peers, let round, let total):
                let clients = peers.compactMap { socket.client(of: $0) }
                try perform(machine.handle(.gathered(clients: clients, round: round, total), now: now))
            }
        }
    }

    /// The clients that the launcher says have ended, and how.
    private mutating func readNotices() -> [(id: String, how: String)] {
        control.readAvailable().compactMap { line in
            guard case .clientEnded(let id, let how)? = try? ControlLine.decode(CoordinatorNotice.self, from: line)
            else {
                return nil
            }
            return (id, how)
        }
    }

    private mutating func receive(_ message: ReceivedClientMessage, from peer: PeerID) throws {
        switch message {
        case .join(let join):
            // One who is here may be the same whose connection has just ended.
            if machine.isExpected(join.clientID), !machine.mayJoin(join.clientID), join.token == token {
                for client in try socket.probe() {
                    try perform(machine.handle(.lost(client: client, how: "has gone"), now: now))
                }
            }
            guard join.token == token, machine.mayJoin(join.clientID), socket.client(of: peer) == nil
            else {
                if warnedOf.insert("a refused join").inserted {
                    RoleProcess.report(.warning("a join was refused: wrong token, or an id that is unknown or taken"))
                }
                _ = try socket.send(.goodbye(.refused), to: [peer], schema: try ParameterSchema([]))
                socket.drop(peer)
                return
            }
            // Of a client that is back the earlier connection counts no more.
            if let earlier = socket.peer(of: join.clientID) { socket.drop(earlier) }
            cursors[join.clientID] = nil
            socket.bind(peer, client: join.clientID)
            logger.info("client joined", metadata: ["client": "\(join.clientID)"])
            try perform(
                machine.handle(.joined(client: join.clientID, catalogues: join.catalogues), now: now))
        // The socket answers requests for credit itself; this one says that a past round is done.
        case .request(let round):
            guard let client = socket.client(of: peer) else { return }
            try finishPast(client, round)
        case .update(let update):
            guard let client = socket.client(of: peer) else { return }
            try perform(machine.handle(.update(client: client, update), now: now))
            socket.spare.put(update.parameters)
        case .goodbye(let reason):
            guard let client = socket.client(of: peer) else { return }
            try perform(machine.handle(.lost(client: client, how: "left the run (\(reason))"), now: now))
        }
    }

    /// Does what the machine wants.
    mutating func perform(_ actions: [Coordinator.Action]) throws {
        for action in actions {
            switch action {
            case .begin(let schema):
                self.schema = schema
                journal = try RunJournal(
                    RunCheckpoint.journal(brief.outputDirectory), schema: schema, keeping: 0)
            case .opened(let opening, let changed):
                if !hasStarted { RoleProcess.report(.started) }
                hasStarted = true
                try open(opening, changed)
            case .checkpoint(let state): try keep(state)
            case .catchUp(let client):
                cursors[client] = PastCursor()
                try sendPast(client)
            case .expect(let client, let round, let specs, let isSummed):
                if let peer = socket.peer(of: client),
                    socket.expect(peer, round: round, specs: specs, isSummed: isSummed)
                {
                    try perform(machine.handle(.begunAgain, now: now))
                }
            case .send(let message, let clients):
                let peers = clients.compactMap { socket.peer(of: $0) }
                let gone = try socket.send(message, to: peers, schema: try schema ?? ParameterSchema([]))
                for client in gone.compactMap({ socket.client(of: $0) }) {
                    try perform(machine.handle(.lost(client: client, how: "does not receive"), now: now))
                }
            case .closed(let summary, let shared): try close(summary, shared)
            case .warn(let text): RoleProcess.report(.warning(text))
            case .finish(let outcome):
                try writeRecord()
                self.outcome = outcome
            }
        }
    }

    /// Waits until every client has answered the goodbye. A client whose connection closes first would lose it: with
    /// ZMQ_IMMEDIATE libzmq drops what a disconnected socket has received and not yet handed out.
    private mutating func sayGoodbye() throws {
        var remaining = Set(scenario.clients.map(\.id).filter { machine.hasJoined($0) && machine.isExpected($0) })
        let end = now + min(scenario.duration("federation.deadline"), CoordinatorProcess.farewell)
        while !remaining.isEmpty, now < end {
            switch try socket.next(timeout: max(.zero, end - now), control: notices) {
            case .message(let peer, .goodbye): if let client = socket.client(of: peer) { remaining.remove(client) }
            case .control:
                for (id, _) in readNotices() { remaining.remove(id) }
                if control.isAtEnd { return }
            case .message, .gathered, .refused, .refusedKey, .timedOut: continue
            }
        }
    }

    private mutating func close(_ summary: Coordinator.RoundSummary, _ shared: ParameterSet) throws {
        let up = socket.traffic.count(.update, .up).bytes
        let down = socket.traffic.count(.plan, .down).bytes
        let absences = summary.absences.map {
            AbsenceRecord(client: $0.client, cause: $0.cause.rawValue, how: $0.how)
        }
        let versions = summary.arrivals.map {
            VersionRecord(
                domain: $0.domain, time: $0.time, staleness: $0.updates.map(\.staleness), dropped: $0.dropped,
                held: $0.held.count)
        }
        let learning = meter.measure(
            summary.step, changed: summary.changed, isLast: summary.isLast, shared: shared,
            roundCount: machine.roundCount)
        let record = RoundRecord(
            round: summary.round, step: summary.step.description, participants: summary.participants,
            answered: summary.answered.count, missing: summary.missing, bytesUp: up - bytesAtRoundStart.up,
            bytesDown: down - bytesAtRoundStart.down, absences: absences.isEmpty ? nil : absences,
            returned: summary.returned.isEmpty ? nil : summary.returned, learning: learning.isEmpty ? nil : learning,
            versions: versions.isEmpty ? nil : versions)
        bytesAtRoundStart = (up, down)
        // What a round leaves as it was is in an earlier checkpoint: whole catalogues of weights would be written anew.
        let changed = shared.filter { summary.changed.contains($0.name) }
        try journal?.append(RunJournal.Entry(round: summary.round, record: record), changed)
        isDense = summary.step.isShort && !summary.isLast
        if !changed.tensors.isEmpty, !summary.step.isExchange, !summary.step.isForMap || summary.isLast {
            let number = String(summary.round)
            let padded = String(repeating: "0", count: max(0, 3 - number.count)) + number
            try RecordFile.write(
                Safetensors.encode(changed), to: "\(brief.outputDirectory)/checkpoints/round-\(padded).safetensors")
        }
        guard isWorthTelling(summary) else { return }
        told = (summary.step, now)
        RoleProcess.report(
            .round(
                RoundProgress(
                    round: summary.round, roundCount: machine.roundCount, step: summary.step.description,
                    participants: summary.participants.count, answered: summary.answered.count, bytes: up + down)))
    }

    /// Whether progress tells of a round: of a step's first and last; of the others each, of short ones each fiftieth, and
    /// where there are very many, one a second.
    private func isWorthTelling(_ summary: Coordinator.RoundSummary) -> Bool {
        guard let told, told.step == summary.step, !summary.isLast else { return true }
        if machine.roundCount > CoordinatorProcess.manyRounds { return now - told.time >= CoordinatorProcess.interval }
        return !summary.step.isShort || summary.round.isMultiple(of: 50)
    }

    /// What the formats of updates have saved in rounds.
    private func savedBytes(_ rounds: [RoundRecord]) -> Int? {
        guard scenario.hasCoarseUpdates, let plan = machine.runPlan else { return nil }
        return rounds.reduce(0) { sum, round in
            let answered = round.participants.filter { !round.missing.contains($0) }
            return sum + answered.reduce(0) { $0 + plan.bytesSaved(in: round.step, by: $1) }
        }
    }

    private func writeRecord() throws {
        let rounds = try journal?.records() ?? []
        let record = WireRecord(
            transport: scenario.text("transport.kind"), rounds: rounds, traffic: socket.traffic.records,
            refused: socket.traffic.refused, tensors: (schema?.specs ?? []).map { TensorRecord($0) },
            missing: machine.lostClients, schemaDigest: schema?.digest.description ?? "",
            savedBytes: savedBytes(rounds))
        try RecordFile.writeJSON(record, to: "\(brief.outputDirectory)/wire.json")
        if let drift = machine.drift?.record(seed: brief.seed) {
            try RecordFile.writeJSON(drift, to: "\(brief.outputDirectory)/drift.json")
        }
    }
}
