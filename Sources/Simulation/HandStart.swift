import Cryptography
import Federation
import Foundation
import Record
public import Scenario
public import Supervision

/// A role of a run that is started by hand, one of several on several machines.
///
/// All roles name the same scenario, the same seed and the same coordinator's key; from these follow the run id and the run
/// token, which is therefore no secret: the keys say who is who.
public struct HandStart: Sendable {
    private let scenario: ScenarioDefinition
    private let seed: Int
    private let keys: KeyFolder
    private let dataDirectory: String
    private let outputDirectory: String
    private let hasSecureRandomness: Bool
    private let logLevel: String
    private let resumes: Bool

    /// Prepares a role.
    ///
    /// - Parameters:
    ///   - keys: the folder of key files: the coordinator's own and every client's public one, or the client's own and the
    ///     coordinator's public one.
    ///   - outputDirectory: an empty or new folder for what the role writes.
    ///   - resumes: whether the folder is that of an earlier attempt, which is gone on with.
    /// - Throws: `RunFailure` when the scenario is not one for several machines.
    public init(
        scenario: ScenarioDefinition, seed: Int, keys: KeyFolder, dataDirectory: String, outputDirectory: String,
        hasSecureRandomness: Bool, logLevel: String, resumes: Bool = false
    ) throws(RunFailure) {
        self.resumes = resumes
        guard scenario.text("transport.kind") == "tcp", scenario.boolean("transport.curve") else {
            throw RunFailure(
                .scenario,
                "roles that are started by hand find each other by their keys: set transport.kind: tcp and transport.curve: true"
            )
        }
        self.scenario = scenario
        self.seed = seed
        self.keys = keys
        self.dataDirectory = dataDirectory
        self.outputDirectory = outputDirectory
        self.hasSecureRandomness = hasSecureRandomness
        self.logLevel = logLevel
    }

    /// Runs the coordinator until the run has ended.
    ///
    /// - Parameter endpoint: where it listens; else the scenario says so.
    public func runCoordinator(endpoint: String?) throws(RunFailure) {
        guard let endpoint = endpoint ?? scenario.optionalText("transport.endpoint") else {
            throw RunFailure(.usage, "say where the coordinator listens: --endpoint tcp://ADDRESS:PORT")
        }
        var clients: [String: CurvePublicKey] = [:]
        let own: CurveKeyPair
        do throws(KeyFolder.Problem) {
            own = try keys.pair(Coordinator.name)
            for client in scenario.clients { clients[client.id] = try keys.publicKey(client.id) }
        } catch { throw RunFailure(.inputOutput, error.description) }
        try perform(Coordinator.name, endpoint, CurveBrief(own, serverKey: own.publicKey, clients: clients)) {
            (brief) throws(RunFailure) in try CoordinatorProcess.run(brief: brief)
        }
    }

    /// Runs a client until the run has ended.
    ///
    /// - Parameter work: the client's process; `Simulation` does not know data.
    public func runClient(
        _ id: String, endpoint: String?, _ work: (RoleBrief) throws(RunFailure) -> Void
    ) throws(RunFailure) {
        guard scenario.clients.contains(where: { $0.id == id }) else {
            let ids = scenario.clients.map(\.id).joined(separator: ", ")
            throw RunFailure(.usage, "the scenario has no client \(id); its clients are \(ids)")
        }
        guard let endpoint = endpoint ?? scenario.optionalText("transport.endpoint") else {
            throw RunFailure(.usage, "say where the coordinator is: --endpoint tcp://ADDRESS:PORT")
        }
        let own: CurveKeyPair
        let serverKey: CurvePublicKey
        do throws(KeyFolder.Problem) {
            own = try keys.pair(id)
            serverKey = try keys.publicKey(Coordinator.name)
        } catch { throw RunFailure(.inputOutput, error.description) }
        try perform(id, endpoint, CurveBrief(own, serverKey: serverKey), work)
    }

    private func perform(
        _ role: String, _ endpoint: String, _ curve: CurveBrief, _ work: (RoleBrief) throws(RunFailure) -> Void
    ) throws(RunFailure) {
        guard let serverKey = curve.coordinatorKey else { throw RunFailure(.internalError, "a key is damaged") }
        do {
            let there = (try? FileManager.default.contentsOfDirectory(atPath: outputDirectory)) ?? []
            guard there.isEmpty || resumes else {
                throw RunFailure(
                    .inputOutput,
                    "\(outputDirectory) is not empty; each role needs a folder of its own, or --resume to go on in it")
            }
            if !there.isEmpty {
                guard try RecordFile.read("\(outputDirectory)/scenario.yaml") == Array(scenario.resolvedYAML.utf8)
                else {
                    throw RunFailure(.inputOutput, "\(outputDirectory) is of another scenario")
                }
            }
            try RecordFile.makeDirectory("\(outputDirectory)/clients")
            try RecordFile.write(scenario.resolvedYAML, to: "\(outputDirectory)/scenario.yaml")
        } catch let failure as RunFailure {
            throw failure
        } catch { throw RunFailure(.inputOutput, "\(error)") }
        func code(_ purpose: String) -> Digest {
            var hasher = FieldHasher(purpose: purpose)
            hasher.update(scenario.resolvedYAML)
            hasher.update(seed)
            hasher.update(serverKey.bytes)
            return hasher.finalize()
        }
        let brief = RoleBrief(
            scenario: scenario.resolvedYAML, seed: seed, dataDirectory: dataDirectory,
            outputDirectory: outputDirectory, endpoint: endpoint,
            runID: hexadecimal(Array(code("ferry.run-id/1").bytes.prefix(8))),
            token: hexadecimal(code("ferry.run-token/1").bytes), recordsWire: false,
            hasSecureRandomness: hasSecureRandomness, launcherProcessID: RoleBrief.byHand, logLevel: logLevel,
            curves: [role: curve],
            resumes: resumes && role == Coordinator.name
                && FileManager.default.fileExists(atPath: RunCheckpoint.folder(outputDirectory)))
        RoleProcess.beginByHand()
        var status = RunStatus.completed
        var failure: RunFailure?
        do throws(RunFailure) { try work(brief) } catch {
            status = error.exitCode == .peerLost ? .peerLost : .failed
            failure = error
        }
        do {
            try RecordFile.writeJSON(
                RoleRecord(role: role, seed: seed, status: status, hasSecureRandomness: hasSecureRandomness),
                to: "\(outputDirectory)/role.json")
        } catch { throw failure ?? RunFailure(.inputOutput, "\(error)") }
        if let failure { throw failure }
    }
}
