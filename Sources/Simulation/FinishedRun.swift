import Foundation
import Record
import Scenario
import Supervision

/// A run that is on the disk, complete and intact.
struct FinishedRun: Sendable {
    /// The scenario of its seeds.
    let scenario: ScenarioDefinition
    /// The records of its seeds, in the order of the scenario's.
    let runs: [RunRecord]

    /// The run of a scenario in a folder.
    ///
    /// A folder counts when this version of Ferry has completed all seeds of exactly this scenario in it, every record
    /// can be read, and the figures of the summary follow from those of the seeds.
    /// - Parameter dataDirectory: where relative data paths start; a run on files from elsewhere does not count.
    /// - Throws: `RunFailure` with what is missing or wrong.
    init(_ folder: String, of scenario: ScenarioDefinition, dataDirectory: String) throws(RunFailure) {
        func refused(_ reason: String) -> RunFailure { RunFailure(.inputOutput, "\(folder) \(reason)") }
        var runs: [RunRecord] = []
        do throws(RecordError) {
            let summary = try RecordFile.readJSON(SummaryRecord.self, from: "\(folder)/summary.json")
            guard summary.schema == SummaryRecord.schema, summary.status == .completed,
                summary.seeds == scenario.seeds
            else { throw RecordError.malformed(path: folder, reason: "not all seeds are completed") }
            for seed in scenario.seeds {
                runs.append(
                    try FinishedRun.record(
                        of: seed, in: "\(folder)/seed-\(seed)", scenario: scenario, dataDirectory: dataDirectory))
            }
            let figures = SummaryRecord(scenario: scenario.name, status: .completed, runs: runs).figures
            guard figures == summary.figures else {
                throw RecordError.malformed(path: folder, reason: "the summary is not that of its seeds")
            }
        } catch { throw refused("holds no finished run: \(error)") }
        self.scenario = scenario
        self.runs = runs
    }

    /// The record of one seed that this version of Ferry has completed, of exactly this scenario and these files.
    ///
    /// - Throws: `RecordError` with what is missing or wrong.
    static func record(
        of seed: Int, in folder: String, scenario: ScenarioDefinition, dataDirectory: String
    ) throws(RecordError) -> RunRecord {
        let record = try RecordFile.readJSON(RunRecord.self, from: "\(folder)/run.json")
        guard record.schema == RunRecord.schema, record.status == .completed, record.seed == seed,
            record.version == FerryVersion.current
        else { throw RecordError.malformed(path: folder, reason: "it is of another version or not completed") }
        guard try RecordFile.read("\(folder)/scenario.yaml") == Array(scenario.resolvedYAML.utf8) else {
            throw RecordError.malformed(path: folder, reason: "it is a run of another scenario")
        }
        if scenario.readsFiles {
            let environment = try RecordFile.readJSON(EnvironmentRecord.self, from: "\(folder)/environment.json")
            guard environment.dataDirectory == dataDirectory else {
                throw RecordError.malformed(path: folder, reason: "its data came from another folder")
            }
        }
        return record
    }
}

extension ScenarioDefinition {
    /// Whether a run reads files of the user's.
    fileprivate var readsFiles: Bool {
        clientGroups.contains { $0.data?.ratings != nil || $0.data?.items != nil || $0.data?.itemVectors != nil }
            || !["embedded", "none"].contains(text("text.word-vectors"))
    }
}
