import Foundation
import Privacy
public import Record
public import Scenario

/// ε by round of a seed on the disk.
public enum SpendingHistory {
    /// What was spent up to and with some rounds, from `privacy.json` and `wire.json` of a seed's folder; empty for a run
    /// without protection or without these files.
    ///
    /// - Throws: `RecordError`, `AccountingError`.
    public static func read(_ folder: String, of scenario: ScenarioDefinition) throws -> [SpendingRecord] {
        let paths = ["\(folder)/privacy.json", "\(folder)/wire.json"]
        guard scenario.isProtected, paths.allSatisfy(FileManager.default.fileExists) else { return [] }
        let ledger = try RecordFile.readJSON(LedgerRecord.self, from: paths[0])
        let wire = try RecordFile.readJSON(WireRecord.self, from: paths[1])
        return try PrivacyAccount(
            scenario: scenario, ledger: ledger.entries, absent: wire.absent, hasSecureRandomness: false
        ).spending()
    }
}

extension WireRecord {
    /// By round, the clients whose update did not arrive.
    var absent: [Int: Set<String>] {
        Dictionary(rounds.map { ($0.round, Set($0.missing)) }, uniquingKeysWith: { $0.union($1) })
    }
}
