import ArgumentParser
import Foundation
import Logging
import Record
import Scenario
import Supervision

/// The command line.
struct Ferry: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ferry",
        abstract:
            "Federated transfer learning between recommenders: what does knowledge from one domain bring another?",
        discussion: """
            Runs a coordinator, one process per domain and the devices of shared persons; only model parameters cross
            the sockets. Start with: ferry run Scenarios/quickstart.yaml

            Exit codes: 0 done, 64 usage, 65 scenario, 66 data, 69 peer lost, 70 internal, 74 input/output,
            130 interrupted after saving.
            """,
        version: FerryVersion.current,
        subcommands: [
            RunCommand.self, SweepCommand.self, CompareCommand.self, ReportCommand.self, PrivacyCommand.self,
            RecommendCommand.self, ValidateCommand.self, ScenarioCommand.self, AuditCommand.self, KeysCommand.self,
            DataCommand.self, CoordinatorCommand.self, ClientCommand.self, MergeCommand.self, PointCommand.self,
        ])
}

/// Ends the process with a sentence on standard error and a registered exit code.
func fail(_ failure: RunFailure) -> ExitCodeError {
    standardError("ferry: \(failure.description)\n")
    return ArgumentParser.ExitCode(failure.exitCode.rawValue)
}

typealias ExitCodeError = ArgumentParser.ExitCode

/// Writes text to standard error.
func standardError(_ text: String) { writeAll(Array(text.utf8), to: 2) }

/// Writes results to standard output; a full disk there ends with exit code 74, a reader that has gone does not.
func standardOutput(_ text: String) {
    if !writeAll(Array(text.utf8), to: 1), errno == ENOSPC {
        standardError("ferry: standard output cannot be written: no space left on device\n")
        exit(74)
    }
}

/// Reads and decodes a scenario file, and counts the points of the sweep beside it; 0 without one.
func loadScenario(
    _ path: String, overrides: [String]
) throws(RunFailure) -> (scenario: ScenarioDefinition, pointCount: Int) {
    let text = try scenarioText(path)
    do {
        let scenario = try ScenarioDefinition(yaml: text, file: path, overrides: overrides)
        return (scenario, ScenarioSweep.pointCount(yaml: text, file: path, overrides: overrides))
    } catch {
        throw RunFailure(.scenario, error.description)
    }
}

/// Reads and decodes a scenario file with or without a sweep.
func loadSweep(_ path: String, overrides: [String]) throws(RunFailure) -> ScenarioSweep {
    let text = try scenarioText(path)
    do { return try ScenarioSweep(yaml: text, file: path, overrides: overrides) } catch {
        throw RunFailure(.scenario, error.description)
    }
}

/// A path of the command line below the working folder.
func absolutePath(_ path: String) -> String { resolvedPath(path, in: FileManager.default.currentDirectoryPath) }

/// A path as it is best shown: without the working folder.
func relativePath(_ path: String) -> String {
    let here = FileManager.default.currentDirectoryPath + "/"
    return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
}

private func scenarioText(_ path: String) throws(RunFailure) -> String {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    guard let attributes else { throw RunFailure(.scenario, "there is no scenario file \(path)") }
    guard (attributes[.type] as? FileAttributeType) != .typeDirectory else {
        throw RunFailure(.scenario, "\(path) is a folder, not a scenario file")
    }
    guard let size = attributes[.size] as? Int, size <= 1 << 20 else {
        throw RunFailure(.scenario, "\(path) is larger than 1 MiB, no scenario")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
        throw RunFailure(.scenario, "\(path) cannot be read")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
        throw RunFailure(.scenario, "\(path) is not UTF-8 text")
    }
    return text
}
