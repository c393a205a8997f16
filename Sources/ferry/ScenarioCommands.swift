import ArgumentParser
import Scenario
import Supervision

/// `ferry validate`.
struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check scenario files without running them.",
        discussion: "Every problem is printed with file, line, key path and a suggestion; exit code 65 if there is one."
    )

    @Argument(help: ArgumentHelp("The scenario files.", valueName: "scenario"))
    var paths: [String]

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Replace one key first, as in --set model.factors=32.", valueName: "path=value"))
    var overrides: [String] = []

    func run() throws {
        var last: RunFailure?
        for path in paths {
            do throws(RunFailure) {
                let scenario = try loadScenario(path, overrides: overrides)
                let seeds = scenario.seeds.count == 1 ? "1 seed" : "\(scenario.seeds.count) seeds"
                standardOutput("\(path): valid; \(scenario.clients.count) clients, \(seeds)\n")
            } catch {
                standardError(error.description + "\n")
                last = error
            }
        }
        if let last { throw ArgumentParser.ExitCode(last.exitCode.rawValue) }
    }
}

/// `ferry scenario`.
struct ScenarioCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenario", abstract: "About scenario files.", subcommands: [Reference.self])

    /// `ferry scenario reference`.
    struct Reference: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reference", abstract: "Print every key of a scenario file with type, default and meaning.")

        func run() { standardOutput(ScenarioReference.text) }
    }
}
