import ArgumentParser
import DomainClient
import Numerics
import Simulation
import Supervision

/// `ferry coordinator`, started by `ferry run`.
struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator", abstract: "The coordinator's process; started by ferry run.", shouldDisplay: false)

    func run() throws {
        try runRole { brief throws(RunFailure) in try CoordinatorProcess.run(brief: brief) }
    }
}

/// `ferry client`, started by `ferry run`.
struct ClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "A client's process; started by ferry run.", shouldDisplay: false)

    @Argument(help: "The client's id in the scenario.")
    var id: String

    func run() throws {
        try runRole { [id] brief throws(RunFailure) in try ClientProcess.run(id, brief: brief) }
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
