import ArgumentParser
import Foundation
import Record
import Reporting
import Scenario
import Simulation
import Supervision

/// `ferry run`.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a scenario: launch its processes, evaluate, write the record.",
        discussion: """
            The table of results goes to standard output, progress and warnings to standard error. The record is written
            to DIR/<scenario>/<hash of the resolved scenario>/seed-N, with summary.json over the seeds beside it.
            """)

    @Argument(help: ArgumentHelp("The scenario file.", valueName: "scenario"))
    var path: String

    @Option(help: ArgumentHelp("Where relative data paths start; default: the scenario's folder.", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("Where records are written.", valueName: "dir"))
    var output: String = "Results/runs"

    @Option(help: ArgumentHelp("Run this seed alone.", valueName: "n"))
    var seed: Int?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Replace one key, as in --set model.factors=32; may be repeated.", valueName: "path=value"))
    var overrides: [String] = []

    @Flag(help: "Write every frame that crosses the sockets to the record, for ferry audit wire.")
    var recordWire = false

    @Flag(help: "Noise from the operating system's entropy: what depends on it then differs from run to run.")
    var secureRandomness = false

    @Flag(name: .shortAndLong, help: "No progress on standard error.")
    var quiet = false

    @Option(
        help: ArgumentHelp("Least severe log message shown: trace, debug, info, warning, error.", valueName: "level"))
    var logLevel: LogLevel = .error

    func run() throws {
        var overrides = overrides
        if let seed { overrides.append("seeds=[\(seed)]") }
        let scenario: ScenarioDefinition
        do { scenario = try loadScenario(path, overrides: overrides) } catch { throw fail(error) }
        let folder = absolute((path as NSString).deletingLastPathComponent)
        let runner = ScenarioRunner(
            scenario: scenario, dataDirectory: data.map(absolute) ?? folder, outputDirectory: absolute(output),
            recordsWire: recordWire, hasSecureRandomness: secureRandomness, isQuiet: quiet, logLevel: logLevel.rawValue)
        let result: ScenarioRunner.Result
        do { result = try runner.run() } catch let failure as RunFailure {
            throw fail(failure)
        } catch let error as RecordError {
            throw fail(RunFailure(.inputOutput, error.description))
        } catch { throw fail(RunFailure(.internalError, "\(error)")) }
        if !result.summary.figures.isEmpty {
            let metrics = scenario.words("evaluation.metrics")
            let ofRatings = metrics.filter { ["rmse", "mae"].contains($0) }
            let ofLists = metrics.filter { !ofRatings.contains($0) }
            let word = ofLists.contains("ndcg") ? "ndcg" : ofLists.first ?? "ndcg"
            let metric = "\(word)@\(scenario.integer("evaluation.top-n"))"
            // Clients of one entry are shown together; metrics.csv has each of them.
            let clients = scenario.clientGroups.map(\.id)
            for (metric, cohort) in [
                (metric, "cold-users"), (ofRatings.first ?? "rmse", "cold-users"), (metric, "warm-users"),
                (metric, "cold-items"), ("\(metric)-among-cold", "cold-items"),
            ] {
                standardOutput(ResultTable.text(result.summary, metric: metric, cohort: cohort, clients: clients))
            }
            standardOutput(ResultTable.legend(result.summary))
            standardOutput(ResultTable.missing(result.summary))
            standardOutput(ResultTable.gains(result.summary, metric: metric, clients: clients))
            standardOutput(DriftTable.text(result.summary.drift ?? []))
            standardOutput(PrivacyTable.text(result.summary.privacy))
        }
        if let folder = result.folder {
            standardOutput("record: \(relative(folder))\n")
            do { standardOutput("report: \(relative(try RunFolder(folder).writeReport()))\n") } catch {
                throw fail(RunFailure(.inputOutput, "\(error)"))
            }
        }
        if let message = result.message {
            standardError("ferry: \(message)\n")
            let kept = result.folder.map { "what is finished is in \(relative($0))" } ?? "nothing was finished"
            standardError("\(kept); run the same command to start over\n")
        }
        guard result.exitCode == .success else { throw ArgumentParser.ExitCode(result.exitCode.rawValue) }
    }

    private func absolute(_ path: String) -> String {
        resolvedPath(path, in: FileManager.default.currentDirectoryPath)
    }

    private func relative(_ path: String) -> String {
        let here = FileManager.default.currentDirectoryPath + "/"
        return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
    }
}

/// The levels of swift-log that the command line offers.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, warning, error
}
