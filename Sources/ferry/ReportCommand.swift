import ArgumentParser
import Foundation
import Record
import Reporting
import Scenario
import Simulation
import Supervision

/// `ferry report`.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Render the page of a run or of a sweep again.",
        discussion: """
            Writes report.html and its tables as CSV into the folder, from the records that are there. The page needs no
            network and no script.
            """)

    @Argument(
        help: ArgumentHelp(
            "The folder of a run, which holds summary.json, or of a sweep (sweep.json).", valueName: "run"))
    var path: String

    func run() throws {
        let folder = resolvedPath(path, in: FileManager.default.currentDirectoryPath)
        do { standardOutput("report: \(try RunFolder(folder).writeReport())\n") } catch let error as RecordError {
            throw fail(RunFailure(.inputOutput, error.description))
        } catch let failure as RunFailure { throw fail(failure) }
    }
}

/// The folder of a run or of a sweep, with what its report is made of.
struct RunFolder {
    private let path: String

    init(_ path: String) { self.path = path }

    /// Writes the page and its tables; returns the page's path.
    ///
    /// - Throws: `RecordError`; a `RunFailure` for a folder without a record.
    func writeReport() throws -> String {
        let page: String
        let tables: [(name: String, contents: String)]
        if exists("sweep.json") {
            let report = SweepReport(try RecordFile.readJSON(SweepRecord.self, from: "\(path)/sweep.json"))
            (page, tables) = (report.html(), report.tables())
        } else if exists("summary.json") {
            let summary = try RecordFile.readJSON(SummaryRecord.self, from: "\(path)/summary.json")
            let seeds = summary.seeds.map { "\(path)/seed-\($0)" }.filter {
                FileManager.default.fileExists(atPath: "\($0)/run.json")
            }
            let runs = try seeds.map { try RecordFile.readJSON(RunRecord.self, from: "\($0)/run.json") }
            let first = seeds.first
            let text = try first.map { String(decoding: try RecordFile.read("\($0)/scenario.yaml"), as: UTF8.self) }
            // A record of another version may hold keys that this one does not know.
            let scenario = text.flatMap { try? ScenarioDefinition(yaml: $0, file: "scenario.yaml") }
            let spending = try first.flatMap { seed in try scenario.map { try SpendingHistory.read(seed, of: $0) } }
            let report = RunReport(
                summary: summary, runs: runs,
                wire: try first.flatMap {
                    FileManager.default.fileExists(atPath: "\($0)/wire.json")
                        ? try RecordFile.readJSON(WireRecord.self, from: "\($0)/wire.json") : nil
                },
                scenario: text, target: scenario?.target,
                isEncrypted: scenario?.boolean("transport.curve") == true, spending: spending ?? [])
            (page, tables) = (report.html(), report.tables())
        } else {
            throw RunFailure(.data, "\(path) holds no record of a run: neither summary.json nor sweep.json")
        }
        for table in tables {
            let file = "\(path)/\(table.name)"
            try RecordFile.makeDirectory((file as NSString).deletingLastPathComponent)
            try RecordFile.write(table.contents, to: file)
        }
        try RecordFile.write(page, to: "\(path)/report.html")
        return "\(path)/report.html"
    }

    private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }
}
