import Cryptography
import Federation
import Foundation
import Numerics
import Parameters
import Privacy
import Ratings
import Recommenders
import Record
import Scenario
public import Supervision
import Transport
import Wire

/// A client process: the only place where ratings and wire meet.
public enum ClientProcess {
    /// Loads the client's data, joins, works round by round, writes the client's folder.
    ///
    /// - Throws: `RunFailure` with a sentence for the user.
    public static func run(_ id: String, brief: RoleBrief) throws(RunFailure) {
        do { try start(id, brief: brief) } catch let failure as RunFailure {
            throw failure
        } catch { throw RunFailure(exitCode(of: error), "client \(id): \(error)") }
    }

    private static func exitCode(of error: any Error) -> ExitCode {
        switch error {
        case is DataError: .data
        case is RecordError: .inputOutput
        case is TransportError: .peerLost
        case is ScenarioError: .scenario
        default: .internalError
        }
    }

    private static func start(_ id: String, brief: RoleBrief) throws {
        NumericsBackEnd.useOneThread()
        let scenario = try ScenarioDefinition(yaml: brief.scenario, file: "scenario.yaml")
        guard let client = scenario.clients.first(where: { $0.id == id }), let runNumber = brief.runNumber,
            let token = bytes(hexadecimal: brief.token).flatMap({ RunToken(bytes: $0) })
        else { throw RunFailure(.internalError, "the launcher's brief for client \(id) is damaged") }
        let key = brief.noiseKey
        let loader = DomainDataLoader(scenario: scenario, dataDirectory: brief.dataDirectory)
        var worker: any RoundWorker
        if client.group.isPersons {
            worker = try PersonsWorker(
                client, scenario: scenario, seed: brief.seed, loader: loader, key: key)
        } else {
            let domainWorker = try DomainWorker(client, scenario: scenario, seed: brief.seed, loader: loader)
            for warning in domainWorker.warnings { RoleProcess.report(.warning(warning)) }
            worker = domainWorker
        }
        let folder = "\(brief.outputDirectory)/clients/\(id)"
        try RecordFile.makeDirectory(folder)
        let curve = try brief.curve.map { try CurveClient(keys: $0.keys, serverKey: $0.coordinatorKey) }
        var socket = try ClientSocket(endpoint: brief.endpoint, runID: runNumber, curve: curve)
        try socket.send(.join(Join(clientID: id, token: token, catalogues: worker.catalogues)))
        let formatError = try serve(id, &worker, &socket, scenario: scenario, brief: brief, key: key, folder: folder)
        let persons = worker.personFigures
        if !persons.isEmpty { try RecordFile.writeLines(persons, to: "\(folder)/\(PersonFigures.fileName)") }
        if let models = worker.keptModels { try KeptModels.write(models, folder: folder) }
        try RecordFile.writeJSON(worker.folderRecord.with(formatError: formatError), to: "\(folder)/evaluation.json")
    }

    /// How the client's releases are protected. Those of domain clients seldom are, and to find the noise takes a while.
    private static func protections(
        _ id: String, _ scenario: ScenarioDefinition, _ plan: RunPlan
    ) throws -> [String: ReleaseProtection] {
        guard let group = scenario.clients.first(where: { $0.id == id })?.group,
            group.isPersons || scenario.protectsMeans || (group.isShared && scenario.protectsItemFactors)
        else { return [:] }
        do { return try PrivacyPlan(scenario, schema: plan.schema).protections } catch {
            throw RunFailure(.scenario, "the noise that privacy asks for cannot be made: \(error)")
        }
    }

    /// Does what the coordinator asks until the run is over.
    ///
    /// - Returns: how much of its changes is left over, where the client's updates cross in a format with few values.
    private static func serve(
        _ id: String, _ worker: inout any RoundWorker, _ socket: inout ClientSocket, scenario: ScenarioDefinition,
        brief: RoleBrief, key: StreamKey, folder: String
    ) throws -> Double? {
        // Between two plans for this client the coordinator may wait for every other step.
        let patience = RunPlan.longestDuration(scenario)
        // Without a launcher, a coordinator that has not even probed for so long has gone.
        let silence = brief.isByHand ? scenario.duration("federation.deadline") : nil
        guard case .welcome(let welcome) = try socket.receive(timeout: patience, silence: silence) else {
            throw RunFailure(.peerLost, "client \(id): the coordinator refused the client")
        }
        let plan = try RunPlan(scenario, catalogues: welcome.catalogues)
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
        var faults = try FaultInjector(
            scenario, client: id, folder: folder, againAfter: brief.faultsAgainAfter)
        var gate = ReleaseGate(
            client: id, ledger: ledger, protections: try protections(id, scenario, plan), root: UInt64(brief.seed),
            key: key)
        var known = ParameterSet()
        while true {
            switch try socket.receive(timeout: patience, silence: silence) {
            case .plan(let round):
                let received = ContinuousClock.now
                let fault = round.isPast ? nil : faults.event(in: round.round)
                try faults.crash(fault, in: .beforePlan)
                guard let step = RoundStep(rawValue: round.step) else {
                    throw RunFailure(.internalError, "client \(id): unknown step \(round.step)")
                }
                for tensor in round.parameters.tensors { known.set(tensor) }
                gate.open(round: round.round, specs: plan.uploads(step, client: id, isSpeaker: round.isSpeaker))
                worker.prepare(for: round)
                if round.isPast {
                    if worker.leavesState(step) { try worker.work(step, plan: plan, known: known, gate: &gate) }
                    try gate.discard()
                    try socket.send(.request(round: round.round))
                    continue
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
                try faults.crash(fault, in: .sending)
                try faults.crash(fault, in: .afterUpdate)
            case .goodbye(.completed):
                try socket.send(.goodbye(.completed))
                return gate.meanFormatError
            case .goodbye(let reason):
                try socket.send(.goodbye(.completed))
                throw RunFailure(.peerLost, "client \(id): the coordinator ended the run (\(reason))")
            case .welcome, .credit: continue
            }
        }
    }
}
