import ArgumentParser
import DomainClient
import Foundation
import Record
import Scenario
import Simulation
import Supervision

/// What the roles of a run on several machines have in common.
struct RoleOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The folder of key files, as ferry keys new makes them.", valueName: "dir"))
    var keys: String?

    @Option(
        help: ArgumentHelp(
            "Where the coordinator listens, or is to be found; default: transport.endpoint.",
            valueName: "tcp://address:port"))
    var endpoint: String?

    @Option(help: ArgumentHelp("Where relative data paths start; default: the scenario's folder.", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("A new folder for what this role writes, for ferry merge.", valueName: "dir"))
    var output: String?

    @Option(help: ArgumentHelp("The seed; default: the scenario's first.", valueName: "n"))
    var seed: Int?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Replace one key, alike in every role; may be repeated.", valueName: "path=value"))
    var overrides: [String] = []

    @Flag(
        help: "Go on in the folder of an earlier attempt: a coordinator from its checkpoint, a client with its ledger.")
    var resume = false

    @Flag(help: "Noise from the operating system's entropy.")
    var secureRandomness = false

    @Option(
        help: ArgumentHelp("Least severe log message shown: trace, debug, info, warning, error.", valueName: "level"))
    var logLevel: LogLevel = .error

    /// The role of a scenario, started by hand.
    func start(_ path: String) throws(RunFailure) -> HandStart {
        guard let keys else { throw RunFailure(.usage, "--keys DIR is needed where a role is started by hand") }
        guard let output else { throw RunFailure(.usage, "--output DIR is needed where a role is started by hand") }
        var overrides = overrides
        if let seed { overrides.append("seeds=[\(seed)]") }
        let scenario = try loadScenario(path, overrides: overrides).scenario
        let here = FileManager.default.currentDirectoryPath
        let folder = resolvedPath((path as NSString).deletingLastPathComponent, in: here)
        return try HandStart(
            scenario: scenario, seed: scenario.seeds.first ?? 1, keys: KeyFolder(resolvedPath(keys, in: here)),
            dataDirectory: data.map { resolvedPath($0, in: here) } ?? folder,
            outputDirectory: resolvedPath(output, in: here), hasSecureRandomness: secureRandomness,
            logLevel: logLevel.rawValue, resumes: resume)
    }
}

/// `ferry coordinator`, started by `ferry run` or by hand.
struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator", abstract: "The coordinator of a run whose roles are on several machines.",
        discussion: """
            Needs coordinator.secret and the public key of every client in the folder of keys, and a scenario with
            transport: {kind: tcp, curve: true}. Without a scenario it is the process that ferry run starts.
            """)

    @Argument(help: ArgumentHelp("The scenario file, the same on every machine.", valueName: "scenario"))
    var path: String?

    @OptionGroup var options: RoleOptions

    func run() throws {
        guard let path else {
            return try runRole { brief throws(RunFailure) in try CoordinatorProcess.run(brief: brief) }
        }
        do throws(RunFailure) { try options.start(path).runCoordinator(endpoint: options.endpoint) } catch {
            throw fail(error)
        }
    }
}

/// `ferry client`, started by `ferry run` or by hand.
struct ClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "One client of a run whose roles are on several machines.",
        discussion: """
            Needs ID.secret and coordinator.public in the folder of keys, and the client's own data alone. Without a
            scenario it is the process that ferry run starts.
            """)

    @Argument(help: "The client's id in the scenario.")
    var id: String

    @Argument(help: ArgumentHelp("The scenario file, the same on every machine.", valueName: "scenario"))
    var path: String?

    @Option(name: .customLong("with"), parsing: .upToNextOption, help: .hidden)
    var others: [String] = []

    @OptionGroup var options: RoleOptions

    func run() throws {
        guard let path else {
            let ids = [id] + others
            return try runRole { brief throws(RunFailure) in try ClientProcess.run(ids, brief: brief) }
        }
        do throws(RunFailure) {
            guard others.isEmpty else {
                throw RunFailure(.usage, "start one client at a time; --with is for ferry run")
            }
            try options.start(path).runClient(id, endpoint: options.endpoint) { [id] brief throws(RunFailure) in
                try ClientProcess.run([id], brief: brief)
            }
        } catch { throw fail(error) }
    }
}

/// `ferry merge`.
struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Join the folders of roles that were started by hand into one run.",
        discussion:
            "The record is written to DIR/<scenario>/<hash>, as ferry run writes it, and replaces what is there.")

    @Argument(help: ArgumentHelp("The folders of the coordinator and of every client.", valueName: "dir"))
    var folders: [String]

    @Option(help: ArgumentHelp("Where the record is written.", valueName: "dir"))
    var output: String = "Results/runs"

    func run() throws {
        let here = FileManager.default.currentDirectoryPath
        do {
            let merged = try RoleMerger(folders.map { resolvedPath($0, in: here) }).merge(
                into: resolvedPath(output, in: here))
            standardOutput("record: \(merged.folder)\n")
            standardOutput("report: \(try RunFolder(merged.folder).writeReport())\n")
        } catch let failure as RunFailure {
            throw fail(failure)
        } catch { throw fail(RunFailure(.inputOutput, "\(error)")) }
    }
}

/// `ferry point`, started by `ferry sweep`.
struct PointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "point", abstract: "One point of a sweep; started by ferry sweep.", shouldDisplay: false)

    func run() throws {
        let brief: PointBrief
        do { brief = try RoleProcess.begin(PointBrief.self) } catch { throw fail(RunFailure(.usage, "\(error)")) }
        do throws(RunFailure) { try PointProcess.run(brief: brief) } catch {
            RoleProcess.tell(.failed(error.description))
            throw ArgumentParser.ExitCode(error.exitCode.rawValue)
        }
    }
}

/// Reads the brief, does the work, and tells the launcher when it failed.
private func runRole(_ body: (RoleBrief) throws(RunFailure) -> Void) throws {
    let brief: RoleBrief
    do { brief = try RoleProcess.begin() } catch { throw fail(RunFailure(.usage, "\(error)")) }
    do throws(RunFailure) { try body(brief) } catch {
        RoleProcess.report(.failed(exitCode: error.exitCode.rawValue, message: error.description))
        throw ArgumentParser.ExitCode(error.exitCode.rawValue)
    }
}
