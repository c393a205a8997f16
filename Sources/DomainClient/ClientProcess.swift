import Federation
import Foundation
import Numerics
import Ratings
import Record
import Scenario
public import Supervision
import Transport

/// A client process: the only place where ratings and wire meet. It holds one client or several, one after the other on
/// one thread; each has its own connection, key, ledger and folder.
public enum ClientProcess {
    /// Loads the clients' data, joins, works message by message, writes the clients' folders.
    ///
    /// - Throws: `RunFailure` with a sentence for the user; `peerLost` when no client could take part to the end.
    public static func run(_ ids: [String], brief: RoleBrief) throws(RunFailure) {
        NumericsBackEnd.useOneThread()
        // A connection and a waking descriptor each.
        do { try DescriptorLimit.require(2 * ids.count) } catch { throw RunFailure(.inputOutput, "\(error)") }
        let common = try guarded(ids) { try ClientCommon(brief, clientCount: ids.count) }
        try serve(try start(ids, common), ids, common)
    }

    /// Joins with each client as soon as its data is there. What the clients share is loaded once, and let go of then.
    /// Gives them by the ids of their sockets.
    private static func start(_ ids: [String], _ common: ClientCommon) throws(RunFailure) -> [Int: ClientSession] {
        let loader = DomainDataLoader(scenario: common.scenario, dataDirectory: common.brief.dataDirectory)
        let clients = Dictionary(common.scenario.clients.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var sessions: [Int: ClientSession] = [:]
        for id in ids {
            guard let client = clients[id] else {
                throw RunFailure(.internalError, "the launcher's brief for client \(id) is damaged")
            }
            let session = try guarded([id]) { try ClientSession(client, common, loader) }
            sessions[session.socketID] = session
        }
        return sessions
    }

    /// Gives each client its messages as they arrive, until all have left; then writes their folders.
    private static func serve(
        _ sessions: consuming [Int: ClientSession], _ ids: [String], _ common: ClientCommon
    ) throws(RunFailure) {
        var present = sessions
        var failures: [RunFailure] = []
        var left: [ClientSession] = []
        while let limit = present.values.map(\.limit).min() {
            let ready = try guarded(ids) {
                try common.context.wait(timeout: max(.zero, limit - ContinuousClock.now))
            }
            // What has arrived counts before the time that is up.
            let late = ready.isEmpty ? present.filter { $0.value.limit <= .now }.map(\.key).sorted() : []
            for socket in ready + late {
                guard let session = present[socket] else { continue }
                do throws(RunFailure) {
                    try guarded([session.id]) { ready.isEmpty ? try session.giveUp() : try session.handleArrived() }
                    guard session.hasLeft else { continue }
                    left.append(session)
                } catch {
                    guard error.exitCode == .peerLost else { throw error }
                    failures.append(error)
                    if ids.count > 1 { RoleProcess.report(.clientLeft(id: session.id, why: error.description)) }
                }
                present[socket] = nil
            }
        }
        // Not before all have answered: the coordinator does not wait for long.
        for session in left { try guarded([session.id]) { try session.writeFolder() } }
        if let failure = failures.first, failures.count == ids.count { throw failure }
    }

    /// Makes a sentence for the user of an error of one of some clients.
    private static func guarded<Value>(_ ids: [String], _ body: () throws -> Value) throws(RunFailure) -> Value {
        do { return try body() } catch let failure as RunFailure {
            throw failure
        } catch {
            let code: ExitCode =
                switch error {
                case is DataError: .data
                case is RecordError: .inputOutput
                case is TransportError: .peerLost
                case is ScenarioError: .scenario
                default: .internalError
                }
            let name = ids.count == 1 ? "client \(ids[0])" : "clients \(ids.first ?? "") to \(ids.last ?? "")"
            throw RunFailure(code, "\(name): \(error)")
        }
    }
}
