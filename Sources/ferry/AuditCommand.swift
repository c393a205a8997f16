import ArgumentParser
import Record
import Reporting
import Simulation
import Supervision

/// `ferry audit`.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Look at what a run did.", subcommands: [Wire.self])

    /// `ferry audit wire`.
    struct Wire: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "wire", abstract: "Print what crossed the sockets: by message kind, tensor and byte.",
            discussion: "Tensors are listed for runs made with --record-wire, whose frames are decoded again.")

        @Argument(help: ArgumentHelp("A run folder, or a seed's folder in it.", valueName: "run"))
        var folder: String

        func run() throws {
            let audits: [WireAudit]
            do { audits = try WireAudit.read(folder) } catch { throw fail(error) }
            for audit in audits {
                standardOutput(
                    "\(audit.folder), transport \(audit.record.transport), refused frames \(audit.record.refused)\n")
                standardOutput(WireTable.kinds(audit.record.traffic))
                if let tensors = audit.tensors {
                    standardOutput(
                        WireTable.tensors(
                            tensors.map { ($0.name, $0.direction, $0.shape, $0.scope, $0.count, $0.bytes) }))
                } else {
                    standardOutput("frames were not recorded; run with --record-wire to see the tensors\n")
                }
                for anomaly in audit.anomalies { standardOutput("anomaly: \(anomaly)\n") }
            }
            if audits.contains(where: { !$0.anomalies.isEmpty }) { throw ArgumentParser.ExitCode(70) }
        }
    }
}
