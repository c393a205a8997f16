public import Wire

/// Which way a message went.
public enum WireDirection: UInt8, Sendable, Equatable, CaseIterable, CustomStringConvertible {
    /// From a client to the coordinator.
    case up = 1
    /// From the coordinator to a client.
    case down = 2

    /// `up` or `down`.
    public var description: String { self == .up ? "up" : "down" }
}

/// How much crossed the coordinator's socket, by kind and direction.
public struct WireTraffic: Sendable, Equatable {
    /// The counts of one kind in one direction.
    public struct Count: Sendable, Equatable {
        /// Messages, whatever the number of their pieces.
        public var messages = 0
        /// ZeroMQ frames: an envelope and a piece each.
        public var frames = 0
        /// Bytes of envelopes and pieces.
        public var bytes = 0

        /// Nothing.
        public init() {}
    }

    private var counts: [UInt32: Count] = [:]
    /// Frames that were refused.
    public internal(set) var refused = 0

    /// Nothing yet.
    ///
    /// - Parameter refused: frames that were refused in an earlier part of the run.
    public init(refused: Int = 0) { self.refused = refused }

    /// The counts of a kind in a direction.
    public func count(_ kind: MessageKind, _ direction: WireDirection) -> Count {
        counts[WireTraffic.index(kind, direction)] ?? Count()
    }

    private static func index(_ kind: MessageKind, _ direction: WireDirection) -> UInt32 {
        UInt32(kind.rawValue) << 8 | UInt32(direction.rawValue)
    }

    /// Adds a count to that of a kind in a direction.
    public mutating func add(_ kind: MessageKind, _ direction: WireDirection, _ count: Count) {
        counts[WireTraffic.index(kind, direction), default: Count()].messages += count.messages
        counts[WireTraffic.index(kind, direction), default: Count()].frames += count.frames
        counts[WireTraffic.index(kind, direction), default: Count()].bytes += count.bytes
    }

    mutating func addPiece(_ kind: MessageKind, _ direction: WireDirection, bytes: Int) {
        counts[WireTraffic.index(kind, direction), default: Count()].frames += 2
        counts[WireTraffic.index(kind, direction), default: Count()].bytes += bytes
    }

    mutating func addMessage(_ kind: MessageKind, _ direction: WireDirection) {
        counts[WireTraffic.index(kind, direction), default: Count()].messages += 1
    }
}
