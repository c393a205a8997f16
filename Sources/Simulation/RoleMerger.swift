import Federation
import Foundation
public import Record
import Scenario
public import Supervision

/// Joins the folders of roles that were started by hand into the record of one run.
public struct RoleMerger {
    private struct Role {
        let folder: String
        let record: RoleRecord
    }

    private let roles: [Role]
    private let scenario: ScenarioDefinition

    /// Reads the folders' own records.
    ///
    /// - Throws: `RunFailure` when one is not the folder of a role, or they are of different runs.
    public init(_ folders: [String]) throws(RunFailure) {
        var roles: [Role] = []
        var text: [UInt8]?
        do throws(RecordError) {
            for folder in folders {
                let record = try RecordFile.readJSON(RoleRecord.self, from: "\(folder)/role.json")
                guard record.schema == RoleRecord.schema, record.version == FerryVersion.current else {
                    throw .malformed(path: "\(folder)/role.json", reason: "it is of another version of Ferry")
                }
                let other = try RecordFile.read("\(folder)/scenario.yaml")
                if let text, other != text {
                    throw .malformed(path: folder, reason: "its scenario differs from that of \(folders[0])")
                }
                text = other
                roles.append(Role(folder: folder, record: record))
            }
        } catch { throw RunFailure(.inputOutput, error.description) }
        guard let text else { throw RunFailure(.usage, "no folder was named") }
        do {
            scenario = try ScenarioDefinition(
                yaml: String(decoding: text, as: UTF8.self), file: "\(folders[0])/scenario.yaml")
        } catch { throw RunFailure(.scenario, "\(error)") }
        self.roles = roles
    }

    /// Writes the record below a folder, as `ferry run` would; replaces what is there.
    ///
    /// - Throws: `RunFailure` when a role is missing or there twice, or nothing can be written.
    public func merge(into outputDirectory: String) throws -> (folder: String, summary: SummaryRecord) {
        let place = "\(outputDirectory)/\(scenario.name)/\(scenario.runName)"
        let name = (place as NSString).lastPathComponent
        let staging: LockedFolder
        do throws(RecordError) {
            staging = try LockedFolder(
                in: (place as NSString).deletingLastPathComponent, prefix: ".\(name).partial-"
            ) { _, _ in }
        } catch { throw RunFailure(.inputOutput, error.description) }
        var runs: [RunRecord] = []
        for seed in Set(roles.map(\.record.seed)).sorted() { runs.append(try mergeSeed(seed, into: staging.path)) }
        let isComplete = runs.allSatisfy { $0.status == .completed }
        let summary = SummaryRecord(
            scenario: scenario.name, status: isComplete ? .completed : .peerLost,
            runs: runs.filter { $0.status == .completed })
        try RecordFile.writeJSON(summary, to: "\(staging.path)/summary.json")
        try RecordFile.write(summary.csv, to: "\(staging.path)/summary.csv")
        try staging.publish(as: place)
        return (place, summary)
    }

    private func mergeSeed(_ seed: Int, into staging: String) throws -> RunRecord {
        let members = roles.filter { $0.record.seed == seed }
        for role in Set(members.map(\.record.role)) where members.count(where: { $0.record.role == role }) > 1 {
            throw RunFailure(.usage, "two folders are of \(role) with seed \(seed)")
        }
        guard let coordinator = members.first(where: { $0.record.role == Coordinator.name }) else {
            throw RunFailure(.usage, "the coordinator's folder of seed \(seed) is missing")
        }
        let wire = try RecordFile.readJSON(WireRecord.self, from: "\(coordinator.folder)/wire.json")
        let there = Set(members.map(\.record.role))
        if let missing = scenario.clients.map(\.id).first(where: { !there.contains($0) && !wire.missing.contains($0) })
        {
            throw RunFailure(.usage, "the folder of client \(missing) with seed \(seed) is missing")
        }
        let output = "\(staging)/seed-\(seed)"
        try RecordFile.makeDirectory("\(output)/clients")
        let files = FileManager.default
        do {
            for name in ["wire.json", "drift.json", "checkpoints", "\(Coordinator.name).ledger.jsonl"]
            where files.fileExists(atPath: "\(coordinator.folder)/\(name)") {
                try files.copyItem(atPath: "\(coordinator.folder)/\(name)", toPath: "\(output)/\(name)")
            }
            for role in members where role.record.role != Coordinator.name {
                let path = "clients/\(role.record.role)"
                guard files.fileExists(atPath: "\(role.folder)/\(path)") else { continue }
                try files.copyItem(atPath: "\(role.folder)/\(path)", toPath: "\(output)/\(path)")
            }
        } catch { throw RunFailure(.inputOutput, (error as NSError).localizedDescription) }
        // A client that was lost on the way does not make the run incomplete; the coordinator knows.
        let writer = SeedRecordWriter(
            scenario: scenario, seed: seed, folder: output,
            hasSecureRandomness: members.contains { $0.record.hasSecureRandomness })
        let record = try writer.write(status: coordinator.record.status)
        if record.status == .completed { writer.removeWorkingFiles() }
        return record
    }
}
