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
                let sweep = try loadSweep(path, overrides: overrides)
                guard let scenario = sweep.points.first?.scenario else { continue }
                let seeds = scenario.seeds.count == 1 ? "1 seed" : "\(scenario.seeds.count) seeds"
                let points = sweep.keys.isEmpty ? "" : ", a sweep of \(sweep.points.count) points"
                standardOutput("\(path): valid; \(scenario.clients.count) clients, \(seeds)\(points)\n")
                standardOutput(ForecastText.strategyMemory(sweep.points.map(\.scenario)))
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
            commandName: "reference", abstract: "Print every key of a scenario file with type, default and meaning.",
            discussion: """
                For an editor that checks and completes: ferry scenario reference --schema > scenario.schema.json, and
                # yaml-language-server: $schema=scenario.schema.json on top of a scenario.
                """)

        @Flag(help: "Print a JSON Schema (draft 2020-12) instead.")
        var schema = false

        func run() { standardOutput(schema ? ScenarioReference.jsonSchema : ScenarioReference.text) }
    }
}
