import ArgumentParser
import Foundation
import Record
import Reporting
import Scenario
import Simulation
import Supervision

/// `ferry sweep`.
struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Run every combination of a scenario's sweep: section.",
        discussion: """
            Every combination (point) is a run of its own, with the same seeds, and its record is where ferry run would
            write it: DIR/<scenario>/<hash of the resolved scenario>. DIR/<scenario>/sweep-<hash> holds sweep.json, the
            page report.html and its tables as CSV, over all points. With --resume, points and seeds that are finished are not run again; the files of a sweep
            that was stopped and resumed are those of one that was not. Points that fail are named, and the exit code is
            that of the first of them.
            """)

    @Argument(help: ArgumentHelp("The scenario file.", valueName: "scenario"))
    var path: String

    @Option(help: ArgumentHelp("Where relative data paths start; default: the scenario's folder.", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("Where records are written.", valueName: "dir"))
    var output: String = "Results/runs"

    @Option(help: ArgumentHelp("How many points run at once; each has a process a client.", valueName: "n"))
    var jobs: Int = 1

    @Flag(help: "Keep the points, and the seeds of others, that are finished.")
    var resume = false

    @Option(help: ArgumentHelp("Run this seed alone.", valueName: "n"))
    var seed: Int?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Replace one key in all points, as in --set model.iterations=4; may be repeated.", valueName: "path=value"))
    var overrides: [String] = []

    @Flag(name: .shortAndLong, help: "No progress on standard error.")
    var quiet = false

    @Option(
        help: ArgumentHelp("Least severe log message shown: trace, debug, info, warning, error.", valueName: "level"))
    var logLevel: LogLevel = .error

    func validate() throws {
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs is a number from 1 to 256") }
    }

    func run() throws {
        do throws(RunFailure) { try sweep() } catch { throw fail(error) }
    }

    private func sweep() throws(RunFailure) {
        let sweep = try loadSweep(path, overrides: overrides + (seed.map { ["seeds=[\($0)]"] } ?? []))
        guard let scenario = sweep.points.first?.scenario, !sweep.keys.isEmpty else {
            throw RunFailure(
                .scenario, "\(path) has no sweep: section, such as sweep: {model.factors: [16, 32]}; ferry run runs it")
        }
        var runner = SweepRunner(
            sweep: sweep,
            dataDirectory: absolutePath(data ?? (path as NSString).deletingLastPathComponent),
            outputDirectory: absolutePath(output), jobs: jobs, resumes: resume, isQuiet: quiet,
            logLevel: logLevel.rawValue)
        let result = try runner.run()
        if let record = result.record {
            let clients = sweep.points.flatMap(\.scenario.clientGroups).map(\.id)
            standardOutput(SweepTable.text(record, metric: scenario.headlineMetric, clients: clients))
            standardOutput("record: \(relativePath(result.folder))\n")
            do {
                // The sweep's page has links to those of its points.
                for point in record.points where point.status == .completed {
                    _ = try RunFolder("\(result.folder)/\(point.run)").writeReport()
                }
                standardOutput("report: \(relativePath(try RunFolder(result.folder).writeReport()))\n")
            } catch { throw error as? RunFailure ?? RunFailure(.inputOutput, "\(error)") }
        }
        guard result.exitCode != .success else { return }
        let count = "\(result.finishedCount) of \(sweep.points.count) points are finished"
        throw RunFailure(
            result.exitCode,
            result.exitCode == .interrupted
                ? "interrupted; \(count); the same command with --resume goes on from there"
                : "\(count); the same command with --resume tries the others again")
    }
}
