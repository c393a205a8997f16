import Cryptography
import Federation
import Foundation
import Parameters
import Record
import Scenario
import Transport
import Wire

/// Where a seed can be taken up again, `resume/checkpoint.json`, written beside and renamed; with the journal and, where a
/// strategy has some, the moments beside it, and a file for each update that arrives later in simulated time.
struct RunCheckpoint: Codable {
    /// The version of this format.
    static let schema = "ferry.checkpoint/2"

    let schema: String
    let version: String
    let seed: Int
    /// The resolved scenario's hash.
    let scenario: String
    let hasSecureRandomness: Bool
    let dataDirectory: String
    /// The bytes of the journal that are good.
    let journalByteCount: Int
    let traffic: [WireKindRecord]
    let refused: Int
    let machine: Coordinator.Checkpoint
    /// The number of moments by name.
    let moments: [String: Int]

    /// The folder in that of a seed.
    static func folder(_ output: String) -> String { "\(output)/resume" }

    /// The journal in that of a seed.
    static func journal(_ output: String) -> String { "\(folder(output))/journal" }

    private static func moments(_ output: String, _ round: Int) -> String {
        "\(folder(output))/moments-\(round).safetensors"
    }

    private static func update(_ output: String, _ client: String, _ round: Int) -> String {
        "\(folder(output))/update-\(client)-\(round).safetensors"
    }

    /// Writes a checkpoint; the journal must be on the disk. The one before is good until this one is.
    ///
    /// - Parameter written: the files of updates that this process has written; each is written once.
    /// - Throws: `notWritable`, or what encoding throws.
    static func write(
        _ machine: Coordinator.Checkpoint, _ scenario: ScenarioDefinition, seed: Int, hasSecureRandomness: Bool,
        dataDirectory: String, journalByteCount: Int, traffic: WireTraffic, to output: String,
        written: inout Set<String>
    ) throws {
        let round = machine.closedRounds
        if !machine.moments.isEmpty {
            try RecordFile.write(Safetensors.bytes(ofDoubles: machine.moments), to: moments(output, round))
        }
        let held = Dictionary(
            uniqueKeysWithValues: machine.updates.map { client, parameters in
                (update(output, client, machine.heldRounds[client] ?? 0), parameters)
            })
        for (path, parameters) in held where !written.contains(path) {
            try RecordFile.write(Safetensors.encode(parameters), to: path)
        }
        let checkpoint = RunCheckpoint(
            schema: schema, version: FerryVersion.current, seed: seed, scenario: scenario.runHash,
            hasSecureRandomness: hasSecureRandomness, dataDirectory: dataDirectory,
            journalByteCount: journalByteCount, traffic: traffic.records, refused: traffic.refused, machine: machine,
            moments: machine.moments.mapValues(\.count))
        try RecordFile.write(Array(try JSONEncoder().encode(checkpoint)), to: "\(folder(output))/checkpoint.json")
        let kept = Set(([moments(output, round)] + held.keys).map { ($0 as NSString).lastPathComponent })
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder(output))) ?? []
        where ["moments-", "update-"].contains(where: name.hasPrefix) && !kept.contains(name) {
            unlink("\(folder(output))/\(name)")
        }
        written = Set(held.keys)
    }

    /// The checkpoint of a seed's folder; `nil` where there is none of this very run, so that it starts anew.
    static func read(
        _ output: String, of scenario: ScenarioDefinition, seed: Int, hasSecureRandomness: Bool, dataDirectory: String
    ) -> RunCheckpoint? {
        guard let bytes = try? RecordFile.read("\(folder(output))/checkpoint.json"),
            let found = try? JSONDecoder().decode(RunCheckpoint.self, from: Data(bytes)),
            found.schema == schema, found.version == FerryVersion.current, found.seed == seed,
            found.scenario == scenario.runHash, found.hasSecureRandomness == hasSecureRandomness,
            found.dataDirectory == dataDirectory
        else { return nil }
        return found
    }

    /// Notes how an earlier attempt ended, before its record is removed; returns the last round whose faults count.
    ///
    /// Where the coordinator itself ended the run, the faults that made it do so are over, for this attempt and for later
    /// ones. Everywhere else those after the checkpoint happen again, since their rounds do.
    /// - Throws: `notWritable`.
    func settleFaults(of output: String) throws -> Int {
        let path = "\(RunCheckpoint.folder(output))/settled.json"
        let record = try? RecordFile.readJSON(RunRecord.self, from: "\(output)/run.json")
        if record?.status == .peerLost,
            let wire = try? RecordFile.readJSON(WireRecord.self, from: "\(output)/wire.json")
        {
            try RecordFile.writeJSON((wire.rounds.last?.round ?? 0) + 1, to: path)
        }
        let settled = try? RecordFile.readJSON(Int.self, from: path)
        return max(machine.closedRounds, settled ?? 0)
    }

    /// The coordinator's state with what is written apart.
    ///
    /// - Throws: `notReadable`, `malformed`, or what is wrong with an update.
    func machine(_ output: String, schema: ParameterSchema) throws -> Coordinator.Checkpoint {
        var counted: [String: [Double]] = [:]
        if !moments.isEmpty {
            let bytes = try RecordFile.read(RunCheckpoint.moments(output, machine.closedRounds))
            counted = try Safetensors.doubles(in: bytes, counts: moments)
        }
        var updates: [String: ParameterSet] = [:]
        for (client, specs) in Coordinator.heldSpecs(of: machine, schema) {
            let bytes = try RecordFile.read(
                RunCheckpoint.update(output, client, machine.heldRounds[client] ?? 0))
            updates[client] = try bytes.withUnsafeBytes { try Safetensors.decode($0, specs: specs) }
        }
        return machine.with(moments: counted, updates: updates)
    }

    /// The clients that stay away: lost, and not to come back in a later round.
    func absent(_ scenario: ScenarioDefinition) -> Set<String> {
        Set(machine.lost.keys).filter { client in
            !scenario.faults.contains {
                $0.client == client && $0.losesClient && $0.round <= machine.closedRounds
                    && $0.returns.map { $0 > machine.closedRounds } == true
            }
        }
    }
}

extension WireTraffic {
    /// The counts by kind and direction, without those that are zero.
    var records: [WireKindRecord] {
        MessageKind.allCases.flatMap { kind in
            WireDirection.allCases.compactMap { direction in
                let count = count(kind, direction)
                guard count.frames > 0 else { return nil }
                return WireKindRecord(
                    kind: kind.description, direction: direction.description, messages: count.messages,
                    frames: count.frames, bytes: count.bytes)
            }
        }
    }

    /// The traffic of records.
    init(_ records: [WireKindRecord], refused: Int) {
        self.init(refused: refused)
        for record in records {
            guard let kind = MessageKind.allCases.first(where: { $0.description == record.kind }),
                let direction = WireDirection.allCases.first(where: { $0.description == record.direction })
            else { continue }
            var count = Count()
            count.messages = record.messages
            count.frames = record.frames
            count.bytes = record.bytes
            add(kind, direction, count)
        }
    }
}

extension ScenarioDefinition {
    /// The hash of the resolved scenario, hexadecimal.
    var runHash: String { sha256(Array(resolvedYAML.utf8)).description }
}
