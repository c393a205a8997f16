import Foundation
import Parameters
public import Record
public import Supervision
import Transport
import Wire

/// What crossed the sockets of a run, read back from its record.
public struct WireAudit: Sendable {
    /// The traffic of one tensor in one direction.
    public struct TensorTraffic: Sendable, Equatable {
        /// The name.
        public let name: String
        /// `up` or `down`.
        public let direction: String
        /// The shape.
        public let shape: [Int]
        /// The scope that the schema gives it.
        public let scope: String
        /// How often it crossed.
        public let count: Int
        /// The bytes of its data in all.
        public let bytes: Int
    }

    /// The seed's folder.
    public let folder: String
    /// By kind and direction, from `wire.json`.
    public let record: WireRecord
    /// By tensor; `nil` when the frames were not recorded.
    public let tensors: [TensorTraffic]?
    /// What in the recording is not a legal message of the protocol.
    public let anomalies: [String]

    /// The audits of a run folder, or of one seed's folder, in order of seed.
    ///
    /// - Throws: `RunFailure` when there is no record, or it is damaged.
    public static func read(_ path: String) throws(RunFailure) -> [WireAudit] {
        let folders = SeedFolders.holding("wire.json", in: path)
        guard !folders.isEmpty else {
            throw RunFailure(
                .inputOutput, "\(path) is not a run folder: it holds no wire.json, nor do its seed-N folders")
        }
        do { return try folders.map { try WireAudit(folder: $0) } } catch {
            throw RunFailure(.inputOutput, "\(error)")
        }
    }

    private init(folder: String) throws {
        self.folder = folder
        record = try RecordFile.readJSON(WireRecord.self, from: "\(folder)/wire.json")
        let path = "\(folder)/frames.bin"
        guard FileManager.default.fileExists(atPath: path) else {
            tensors = nil
            anomalies = []
            return
        }
        guard let frames = RecordedFrame.read(try RecordFile.read(path)) else {
            throw RecordError.malformed(path: path, reason: "it does not begin as a recording of frames")
        }
        (tensors, anomalies) = WireAudit.tally(frames, record)
    }

    private static func tally(
        _ frames: [RecordedFrame], _ record: WireRecord
    ) -> (tensors: [TensorTraffic], anomalies: [String]) {
        struct Key: Hashable {
            let name: String
            let direction: String
        }
        // By the name in the file: a tensor in another format than float32 crosses in parts.
        let declared = Dictionary(
            record.tensors.flatMap { tensor in tensor.parts.map { ($0.name, (part: $0, scope: tensor.scope)) } },
            uniquingKeysWith: { first, _ in first })
        var counts: [Key: (count: Int, bytes: Int)] = [:]
        var anomalies: [String] = []
        for message in messages(frames) {
            guard let kind = message.kind else {
                anomalies.append("a frame that is no envelope, \(message.direction) of \(message.peer)")
                continue
            }
            guard kind == .plan || kind == .update else { continue }
            var payload = message.payload[...]
            if kind == .plan {
                // A plan begins with the numbers of its tensors in the schema.
                let count = payload.prefix(4).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
                payload = payload.dropFirst(4 + 4 * min(count, payload.count))
            }
            guard let entries = Safetensors.describe(payload) else {
                anomalies.append("a \(kind) without a safetensors header, \(message.direction) of \(message.peer)")
                continue
            }
            for entry in entries {
                let part = declared[entry.name]?.part
                if part?.shape != entry.shape {
                    anomalies.append("tensor \(entry.name) is not in the schema with shape \(entry.shape)")
                } else if part?.dtype != entry.dtype {
                    anomalies.append("tensor \(entry.name) is not in the schema with elements \(entry.dtype)")
                }
                let key = Key(name: entry.name, direction: message.direction)
                let old = counts[key] ?? (0, 0)
                counts[key] = (old.count + 1, old.bytes + entry.byteCount)
            }
        }
        let tensors = counts.map { key, value in
            TensorTraffic(
                name: key.name, direction: key.direction, shape: declared[key.name]?.part.shape ?? [],
                scope: declared[key.name]?.scope ?? "undeclared", count: value.count, bytes: value.bytes)
        }
        return (tensors.sorted { ($0.name, $0.direction) < ($1.name, $1.direction) }, anomalies)
    }

    /// Pieces of one direction and peer put together; each piece with offset 0 begins a message.
    private static func messages(
        _ frames: [RecordedFrame]
    ) -> [(kind: MessageKind?, direction: String, peer: String, payload: [UInt8])] {
        var out: [(kind: MessageKind?, direction: String, peer: String, payload: [UInt8])] = []
        var open: [String: Int] = [:]
        for frame in frames {
            let key = "\(frame.direction)/\(frame.peer)"
            if let offset = frame.pieceOffset, offset > 0, let index = open[key] {
                out[index].payload += frame.piece
            } else {
                open[key] = out.count
                out.append((frame.kind, frame.direction.description, frame.peer, frame.piece))
            }
        }
        return out
    }
}
