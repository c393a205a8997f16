import ArgumentParser
import DomainClient
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
            to DIR/<scenario>/<hash of the resolved scenario>/seed-N, with summary.json over the seeds beside it. Of a
            scenario with sweep: this runs the base, as if the section were not there.
            With --dry-run the data is read, and what would happen is printed: processes, rounds, tensors, messages,
            memory, and ε of each release against each adversary. Nothing is started or written.
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

    @Flag(
        help:
            "Go on where an earlier attempt was stopped: finished seeds are kept, the one under way from its last round."
    )
    var resume = false

    @Flag(help: "Write every frame that crosses the sockets to the record, for ferry audit wire.")
    var recordWire = false

    @Flag(help: "Print what the run would do, and start nothing.")
    var dryRun = false

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
        let (scenario, pointCount): (ScenarioDefinition, Int)
        do { (scenario, pointCount) = try loadScenario(path, overrides: overrides) } catch { throw fail(error) }
        if pointCount > 0, !quiet {
            standardError("the sweep: of \(path) is left out; ferry sweep \(path) runs its \(pointCount) points\n")
        }
        let folder = absolutePath((path as NSString).deletingLastPathComponent)
        let dataDirectory = data.map(absolutePath) ?? folder
        if dryRun {
            do throws(RunFailure) {
                let sizes = try CatalogueSizes.read(scenario, dataDirectory: dataDirectory)
                let forecast = try RunForecast(
                    scenario, itemCounts: sizes, hasSecureRandomness: secureRandomness)
                return standardOutput(ForecastText.text(forecast, scenario, itemCounts: sizes))
            } catch { throw fail(error) }
        }
        let runner = ScenarioRunner(
            scenario: scenario, dataDirectory: dataDirectory, outputDirectory: absolutePath(output),
            recordsWire: recordWire, hasSecureRandomness: secureRandomness, resumes: resume, isQuiet: quiet,
            logLevel: logLevel.rawValue)
        let result: ScenarioRunner.Result
        do { result = try runner.run() } catch let failure as RunFailure {
            throw fail(failure)
        } catch let error as RecordError {
            throw fail(RunFailure(.inputOutput, error.description))
        } catch { throw fail(RunFailure(.internalError, "\(error)")) }
        if !result.summary.figures.isEmpty {
            let ofRatings = scenario.words("evaluation.metrics").filter { ["rmse", "mae"].contains($0) }
            let metric = scenario.headlineMetric
            // Clients of one entry are shown together; metrics.csv has each of them.
            let clients = scenario.clientGroups.map(\.id)
            for (metric, cohort) in [
                (metric, "cold-users"), (ofRatings.first ?? "rmse", "cold-users"), (metric, "warm-users"),
                (metric, "cold-items"), ("\(metric)-among-cold", "cold-items"),
            ] {
                standardOutput(ResultTable.text(result.summary, metric: metric, cohort: cohort, clients: clients))
            }
            standardOutput(ResultTable.legend(result.summary))
            standardOutput(ResultTable.absences(result.summary))
            standardOutput(ResultTable.missing(result.summary))
            standardOutput(ResultTable.gains(result.summary, metric: metric, clients: clients))
            standardOutput(DriftTable.text(result.summary.drift ?? []))
            standardOutput(UpdateFormatWords.text(result.summary.updates))
            standardOutput(PrivacyTable.text(result.summary.privacy))
        }
        if let folder = result.folder {
            standardOutput("record: \(relativePath(folder))\n")
            do { standardOutput("report: \(relativePath(try RunFolder(folder).writeReport()))\n") } catch {
                guard result.message != nil else { throw fail(RunFailure(.inputOutput, "\(error)")) }
                standardError("ferry: there is no report: \(error)\n")
            }
        }
        if let message = result.message {
            standardError("ferry: \(message)\n")
            standardError(
                (result.folder ?? result.leftovers).map {
                    "what is finished is in \(relativePath($0)); the same command with --resume goes on from there\n"
                } ?? "nothing was finished; run the same command to start over\n")
        }
        guard result.exitCode == .success else { throw ArgumentParser.ExitCode(result.exitCode.rawValue) }
    }
}

/// The levels of swift-log that the command line offers.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, warning, error
}
