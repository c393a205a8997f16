import Cryptography
import Federation
import Parameters
import Privacy
import Record
import Scenario
import Supervision
import Transport
import Wire

/// One client's part in a run, from its join to its goodbye: handles one message at a time.
final class ClientSession {
    /// What the client works with once it has been welcomed.
    private struct Work: ~Copyable {
        let id: String
        let plan: RunPlan
        var gate: ReleaseGate
        var faults: FaultInjector
        var known = ParameterSet()
        /// What is to happen in the present round, once its update is sent.
        private var answered: FaultEvent?

        init(_ id: String, _ plan: RunPlan, _ gate: consuming ReleaseGate, _ faults: FaultInjector) {
            self.id = id
            self.plan = plan
            self.gate = gate
            self.faults = faults
        }

        /// Does the work of a round and answers it.
        mutating func perform(
            _ round: RoundPlan, _ worker: inout any RoundWorker, _ socket: inout ClientSocket
        ) throws {
            let received = ContinuousClock.now
            let fault = round.isPast ? nil : faults.event(in: round.round)
            try faults.crash(fault, in: .beforePlan)
            guard let step = RoundStep(rawValue: round.step) else {
                throw RunFailure(.internalError, "client \(id): unknown step \(round.step)")
            }
            for tensor in round.parameters.tensors { known.set(tensor) }
            gate.open(
                round: round.round, specs: plan.uploads(step, client: id, isSpeaker: round.isSpeaker))
            worker.prepare(for: round)
            if round.isPast {
                if worker.leavesState(step) {
                    try worker.work(step, plan: plan, known: known, gate: &gate)
                }
                try gate.discard()
                return try socket.send(.request(round: round.round))
            }
            try worker.work(step, plan: plan, known: known, gate: &gate)
            try faults.crash(fault, in: .training)
            let update = try gate.seal()
            try faults.delay(fault, beyond: received + round.deadline)
            switch try faults.sending(fault) {
            case .whole: try socket.send(.update(update))
            case .damaged(let damage): try socket.send(.update(update), damage: damage)
            case .nothing: break
            }
            answered = fault
            try crashIfSent(socket)
        }

        /// Does what is to happen to a client that has sent its update, or as much of it as it will.
        mutating func crashIfSent(_ socket: borrowing ClientSocket) throws {
            guard let fault = answered, !socket.isAnswerWaiting else { return }
            answered = nil
            try faults.crash(fault, in: .sending)
            try faults.crash(fault, in: .afterUpdate)
        }
    }

    let id: String
    /// Whether the run is over for the client, as it should be.
    private(set) var hasLeft = false
    /// How much of its changes is left over, where the client's updates cross in a format with few values.
    private var formatError: Double?
    private let client: ScenarioDefinition.Client
    private let common: ClientCommon
    private let folder: String
    private let key: StreamKey
    private var worker: any RoundWorker
    private var socket: ClientSocket
    private var work: Work?
    /// When the client last began to wait.
    private var waitsSince = ContinuousClock.now

    /// Loads the client's data and joins.
    init(_ client: ScenarioDefinition.Client, _ common: ClientCommon, _ loader: DomainDataLoader) throws {
        id = client.id
        self.client = client
        self.common = common
        let brief = common.brief
        key = brief.noiseKey
        if client.group.isPersons {
            worker = try PersonsWorker(
                client, scenario: common.scenario, seed: brief.seed, loader: loader, key: key)
        } else {
            let domainWorker = try DomainWorker(client, scenario: common.scenario, seed: brief.seed, loader: loader)
            for warning in domainWorker.warnings { RoleProcess.report(.warning(warning)) }
            worker = domainWorker
        }
        folder = "\(brief.outputDirectory)/clients/\(id)"
        try RecordFile.makeDirectory(folder)
        guard brief.curves.isEmpty || brief.curves[id] != nil else {
            throw RunFailure(.internalError, "the launcher's brief has no key for client \(id)")
        }
        let curve = try brief.curves[id].map { try CurveClient(keys: $0.keys, serverKey: $0.coordinatorKey) }
        socket = try ClientSocket(
            endpoint: brief.endpoint, runID: common.runNumber, curve: curve, context: common.context)
        try socket.send(.join(Join(clientID: id, token: common.token, catalogues: worker.catalogues)))
        waitsSince = .now
    }

    /// What the context's `wait` calls the client.
    var socketID: Int { socket.id }

    /// Until when the client waits for a message.
    var limit: ContinuousClock.Instant {
        let end = waitsSince + common.patience
        guard let silence = common.silence else { return end }
        return min(end, max(waitsSince, socket.lastHeard) + silence)
    }

    /// Ends the client's part: it has waited long enough.
    func giveUp() throws {
        let patience = common.silence.map { min($0, common.patience) } ?? common.patience
        throw TransportError.timedOut(waitingFor: "the coordinator", seconds: patience / .seconds(1))
    }

    /// Handles the messages that are there.
    func handleArrived() throws {
        while !hasLeft, let message = try socket.take() {
            try handle(message)
            waitsSince = .now
        }
        try work?.crashIfSent(socket)
    }

    private func handle(_ message: CoordinatorMessage) throws {
        switch message {
        case .welcome(let welcome) where work == nil: try begin(welcome)
        case _ where work == nil: throw RunFailure(.peerLost, "client \(id): the coordinator refused the client")
        case .plan(let round): try work?.perform(round, &worker, &socket)
        case .goodbye(.completed):
            try socket.send(.goodbye(.completed))
            formatError = work?.gate.meanFormatError
            hasLeft = true
        case .goodbye(let reason):
            try socket.send(.goodbye(.completed))
            throw RunFailure(.peerLost, "client \(id): the coordinator ended the run (\(reason))")
        case .welcome, .credit: break
        }
    }

    private func begin(_ welcome: Welcome) throws {
        let brief = common.brief
        let plan = try common.plan(welcome.catalogues)
        guard plan.schema.digest == welcome.schemaDigest else {
            try socket.send(.goodbye(.mismatch))
            throw RunFailure(.internalError, "client \(id): its parameter schema differs from the coordinator's")
        }
        socket.adopt(plan.schema)
        let ledgerPath = "\(folder)/ledger.jsonl"
        let ledger = Ledger(
            client: id, earlier: try RecordFile.takeUpLines(LedgerEntry.self, of: ledgerPath),
            repeatsAlike: !brief.hasSecureRandomness
        ) { try RecordFile.append($0, to: ledgerPath) }
        let faults = try FaultInjector(
            common.scenario, client: id, folder: folder, againAfter: brief.faultsAgainAfter)
        let gate = ReleaseGate(
            client: id, ledger: ledger, protections: try common.protections(of: client.group, plan),
            root: UInt64(brief.seed), key: key)
        work = Work(id, plan, gate, faults)
    }

    /// Writes what stays with the client.
    func writeFolder() throws {
        let persons = worker.personFigures
        if !persons.isEmpty { try RecordFile.writeLines(persons, to: "\(folder)/\(PersonFigures.fileName)") }
        if let models = worker.keptModels { try KeptModels.write(models, folder: folder) }
        try RecordFile.writeJSON(
            worker.folderRecord.with(formatError: formatError), to: "\(folder)/evaluation.json")
    }
}
