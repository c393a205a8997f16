import Federation
import Foundation
import Numerics
import Privacy
import Record
import Scenario

/// Merges what the roles of one seed wrote into its record.
struct SeedRecordWriter {
    let scenario: ScenarioDefinition
    let seed: Int
    let folder: String
    let hasSecureRandomness: Bool

    /// Writes `scenario.yaml`, `run.json`, the tables and `privacy.json`.
    func write(status: RunStatus) throws -> RunRecord {
        try RecordFile.write(scenario.resolvedYAML, to: "\(folder)/scenario.yaml")
        let wirePath = "\(folder)/wire.json"
        let wire =
            FileManager.default.fileExists(atPath: wirePath)
            ? try RecordFile.readJSON(WireRecord.self, from: wirePath)
            : WireRecord(
                transport: scenario.text("transport.kind"), rounds: [], traffic: [], refused: 0, tensors: [],
                missing: [], schemaDigest: "")
        var clients: [ClientRecord] = []
        var evaluation: [EvaluationRecord] = []
        var choices: [ChoiceRecord] = []
        var discrepancy: [DiscrepancyRecord] = []
        var ledger: [LedgerEntry] = []
        for client in scenario.clients.map(\.id).sorted() {
            let path = "\(folder)/clients/\(client)"
            if FileManager.default.fileExists(atPath: "\(path)/evaluation.json") {
                let record = try RecordFile.readJSON(ClientFolderRecord.self, from: "\(path)/evaluation.json")
                clients.append(record.client)
                evaluation += record.evaluation
                // Several persons clients make the same choices, from the same broadcast scores.
                choices += record.choices.filter { !choices.contains($0) }
                discrepancy += record.discrepancy.filter { !discrepancy.contains($0) }
            }
            if FileManager.default.fileExists(atPath: "\(path)/ledger.jsonl") {
                ledger += try readLedger("\(path)/ledger.jsonl")
            }
        }
        if FileManager.default.fileExists(atPath: ownLedger) { ledger += try readLedger(ownLedger) }
        evaluation += pooled(evaluation)
        evaluation.sort(by: EvaluationRecord.isOrdered)
        let drift = try readDrift(clients)
        let privacy = try PrivacyAccount(
            scenario: scenario, ledger: ledger, absent: wire.absent, hasSecureRandomness: hasSecureRandomness
        ).record()
        let absences = RoundAbsence.of(wire.rounds)
        let errors = clients.compactMap(\.formatError)
        let updates = scenario.updateFormat.map { format in
            UpdateFormatRecord(
                format: format, share: format == "top-k" ? scenario.topShare : nil, bytesUp: wire.totals.bytesUp,
                bytesUpInFloat32: wire.totals.bytesUp + (wire.savedBytes ?? 0), error: mean(errors))
        }
        let times = SimulatedTimeRecord.of(wire.rounds)
        let record = RunRecord(
            version: FerryVersion.current, scenario: scenario.name, seed: seed, rounds: wire.rounds.count,
            status: status, clients: clients, evaluation: evaluation, choices: choices, discrepancy: discrepancy,
            missing: wire.missing,
            schemaDigest: wire.schemaDigest,
            privacy: privacy,
            wire: wire.totals, drift: drift, absences: absences.isEmpty ? nil : absences,
            updates: updates, simulatedTime: times.isEmpty ? nil : times)
        try RecordFile.writeJSON(record, to: "\(folder)/run.json")
        try RecordFile.writeJSON(LedgerRecord(mode: record.privacy.mode, entries: ledger), to: "\(folder)/privacy.json")
        try RecordFile.write(roundsTable(wire.rounds), to: "\(folder)/rounds.csv")
        if !times.isEmpty { try RecordFile.write(versionsTable(wire.rounds), to: "\(folder)/versions.csv") }
        try RecordFile.write(metricsTable(record), to: "\(folder)/metrics.csv")
        return record
    }

    /// Removes the record of an attempt that is gone on with, `environment.json` first, which says that it is whole; what
    /// clients wrote at its end counts no more than the rest.
    ///
    /// - Throws: `notWritable` when something stays.
    func removeRecord() throws(RecordError) {
        let ends = ["evaluation.json", PersonFigures.fileName, "models.safetensors"]
        let names =
            ["environment.json", "run.json", "wire.json", "drift.json", "privacy.json", "metrics.csv", "rounds.csv"]
            + ["versions.csv"] + scenario.clients.flatMap { client in ends.map { "clients/\(client.id)/\($0)" } }
        for path in names.map({ "\(folder)/\($0)" }) where unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR {
            throw .notWritable(path: path, reason: String(cString: strerror(errno)))
        }
    }

    /// Removes what only a seed needs that is gone on with later; the record has all of it.
    func removeWorkingFiles() {
        for path in [RunCheckpoint.folder(folder), ownLedger] { try? FileManager.default.removeItem(atPath: path) }
    }

    /// The coordinator's ledger.
    private var ownLedger: String { "\(folder)/\(Coordinator.name).ledger.jsonl" }

    /// The figures of a group of several clients together, under the group's id: means weighted by persons. Persons of
    /// different clients are independent strata, so the squared half-widths of the intervals add with squared weights.
    /// Metrics of a cohort that are no mean over its persons (coverage, gini, rating errors, relative gains) cannot be pooled from parts.
    private func pooled(_ figures: [EvaluationRecord]) -> [EvaluationRecord] {
        var out: [EvaluationRecord] = []
        for group in scenario.clientGroups where group.count > 1 {
            let ids = Set(scenario.clients.filter { $0.group.id == group.id }.map(\.id))
            let members = figures.filter { figure in
                ids.contains(figure.client)
                    && !["coverage", "gini", "rmse", "mae", "attack"].contains { figure.metric.hasPrefix($0) }
                    && !figure.metric.hasSuffix("-relative-gain")
            }
            let groups = Dictionary(grouping: members) { "\($0.method)/\($0.cohort)/\($0.metric)/\($0.shots ?? -1)" }
            for (_, strata) in groups.sorted(by: { $0.key < $1.key }) {
                let users = strata.reduce(0) { $0 + $1.users }
                guard let first = strata.first, users > 0 else { continue }
                var value = 0.0
                var squares = [0.0, 0.0]
                for stratum in strata {
                    let weight = Double(stratum.users) / Double(users)
                    value += weight * stratum.value
                    for (side, end) in stratum.interval.enumerated() {
                        squares[side] += weight * weight * (end - stratum.value) * (end - stratum.value)
                    }
                }
                let isDefined = strata.allSatisfy { $0.interval.count == 2 }
                let interval = isDefined ? [value - squares[0].squareRoot(), value + squares[1].squareRoot()] : []
                out.append(
                    EvaluationRecord(
                        client: group.id, method: first.method, cohort: first.cohort, shots: first.shots,
                        metric: first.metric, value: value, interval: interval, users: users))
            }
        }
        return out
    }

    /// What the coordinator saw of the windows, with the changes that clients know of.
    private func readDrift(_ clients: [ClientRecord]) throws -> DriftRecord? {
        let path = "\(folder)/drift.json"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let changes = clients.compactMap { client in client.change.map { (client.domain, $0) } }
        let seen = try RecordFile.readJSON(DriftRecord.self, from: path)
        // Its place is in run.json, with the rest.
        try? FileManager.default.removeItem(atPath: path)
        return seen.judged(changes: Dictionary(changes, uniquingKeysWith: { first, _ in first }))
    }

    private func readLedger(_ path: String) throws -> [LedgerEntry] {
        let entries = try RecordFile.readLines(LedgerEntry.self, from: path)
        guard Ledger.isIntact(entries) else {
            throw RecordError.malformed(path: path, reason: "the hash chain of the privacy ledger is broken")
        }
        return entries
    }

    private func roundsTable(_ rounds: [RoundRecord]) -> String {
        rounds.reduce(csvLine(RoundRecord.columns)) {
            $0
                + csvLine([
                    "\($1.round)", $1.step, $1.participants.joined(separator: " "), "\($1.answered)",
                    $1.missing.joined(separator: " "), "\($1.bytesUp)", "\($1.bytesDown)",
                    ($1.absences ?? []).map { "\($0.client) \($0.how)" }.joined(separator: "; "),
                    ($1.returned ?? []).joined(separator: " "),
                ])
        }
    }

    private func versionsTable(_ rounds: [RoundRecord]) -> String {
        let head = [
            "round", "step", "domain", "simulated-time", "updates", "staleness-mean", "staleness-max", "dropped",
            "held",
        ]
        return rounds.flatMap { round in (round.versions ?? []).map { (round, $0) } }.reduce(csvLine(head)) {
            let (round, version) = $1
            return $0
                + csvLine([
                    "\(round.round)", round.step, version.domain, "\(version.time)", "\(version.updates)",
                    "\(version.meanStaleness)", "\(version.largestStaleness)",
                    version.dropped.joined(separator: " "), "\(version.held)",
                ])
        }
    }

    private func metricsTable(_ record: RunRecord) -> String {
        let head = [
            "client", "method", "cohort", "shots", "metric", "seed", "value", "ci95-lower", "ci95-upper", "users",
        ]
        return record.evaluation.reduce(csvLine(head)) {
            $0
                + csvLine([
                    $1.client, $1.method, $1.cohort, $1.shots.map { "\($0)" } ?? "", $1.metric, "\(record.seed)",
                    "\($1.value)",
                    $1.interval.first.map { "\($0)" } ?? "", $1.interval.last.map { "\($0)" } ?? "", "\($1.users)",
                ])
        }
    }
}

extension RoundRecord {
    /// The columns of `rounds.csv`.
    fileprivate static let columns = [
        "round", "step", "participants", "answered", "missing", "bytes-up", "bytes-down", "why", "returned",
    ]
}

/// The ledgers of all clients, `privacy.json`.
struct LedgerRecord: Codable, Sendable {
    let schema: String
    let mode: String
    let note: String
    let entries: [LedgerEntry]

    init(mode: String, entries: [LedgerEntry]) {
        schema = "ferry.privacy/1"
        self.mode = mode
        note =
            "Every release of every client and of the coordinator, in the order of each one's hash chain. Mechanism none: no noise, so no "
            + "adversary is bounded. Counts, metrics and choices in this record belong to the experimenter and are outside every ε."
        self.entries = entries
    }
}
