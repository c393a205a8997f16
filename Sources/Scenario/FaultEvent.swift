/// Something that happens to one client in one round on purpose, an entry of `faults.events`.
public struct FaultEvent: Sendable, Equatable {
    /// What happens.
    public enum Kind: String, Sendable, CaseIterable {
        /// The process is killed, as by `kill -9`.
        case crash
        /// The update is sent after the round's deadline.
        case delay
        /// The update is damaged.
        case corrupt
        /// The update, or a piece of it, is not sent.
        case drop
    }

    /// When a process is killed.
    public enum Phase: String, Sendable, CaseIterable {
        /// Before the plan is read.
        case beforePlan = "before-plan"
        /// With the work done, and nothing of it released.
        case training
        /// Before the last piece of the update.
        case sending
        /// Once the update has left.
        case afterUpdate = "after-update"
    }

    /// How an update is damaged.
    public enum Damage: String, Sendable, CaseIterable {
        /// Some bytes of its first piece are flipped.
        case bytes
        /// Its first value is NaN.
        case notFinite = "not-finite"
        /// Its tensors are of another shape.
        case shape
    }

    /// What of an update is not sent.
    public enum Loss: String, Sendable, CaseIterable {
        /// All of it.
        case update
        /// Its first piece.
        case piece
    }

    /// The client's id.
    public let client: String
    /// What happens.
    public let kind: Kind
    /// The round, from 1.
    public let round: Int
    /// When a crash happens.
    public let phase: Phase
    /// How long after the deadline a delayed update is sent.
    public let lateBy: Duration
    /// How a corrupt update is damaged.
    public let damage: Damage
    /// What a drop loses.
    public let loss: Loss
    /// The round from which on the client takes part again; `nil` where it stays away, or never was.
    public let returns: Int?

    /// Whether the client is lost by it: its process ends, or the round's deadline passes without its update.
    public var losesClient: Bool {
        switch kind {
        case .crash, .delay: true
        case .corrupt: false
        case .drop: loss == .update
        }
    }
}

extension ScenarioDecoder {
    /// The entries of `faults.events` that have a client, a kind and a round.
    var faults: [FaultEvent] {
        (0..<sectionCount("faults.events")).compactMap { index in
            let path = "faults.events[\(index)]"
            guard let client = text("\(path).client"), let round = integer("\(path).round"),
                let kind = text("\(path).kind").flatMap({ FaultEvent.Kind(rawValue: $0) })
            else { return nil }
            return FaultEvent(
                client: client, kind: kind, round: round,
                phase: text("\(path).phase").flatMap { FaultEvent.Phase(rawValue: $0) } ?? .training,
                lateBy: duration("\(path).late-by") ?? .seconds(1),
                damage: text("\(path).damage").flatMap { FaultEvent.Damage(rawValue: $0) } ?? .bytes,
                loss: text("\(path).loses").flatMap { FaultEvent.Loss(rawValue: $0) } ?? .update,
                returns: integer("\(path).returns"))
        }
    }

    /// Reports events that cannot happen. How many rounds there are is known later.
    mutating func checkFaults() {
        let count = sectionCount("faults.events")
        for index in 0..<count {
            for key in ["client", "kind", "round"] where !isGiven("faults.events[\(index)].\(key)") {
                report("faults.events[\(index)].\(key)", "this key is required")
            }
        }
        let events = faults
        guard events.count == count else { return }
        let clients = clientGroups.flatMap { group in
            (0..<group.count).map { group.count == 1 ? group.id : "\(group.id)-\($0 + 1)" }
        }
        var seen: Set<String> = []
        for (index, event) in events.enumerated() {
            let path = "faults.events[\(index)]"
            if !clients.contains(event.client) {
                let hint = clients.count > 50 ? nil : nearest(event.client, clients).map { "; did you mean \($0)?" }
                report("\(path).client", "there is no client \(event.client)\(hint ?? "")")
            }
            if !seen.insert("\(event.client) \(event.round)").inserted {
                report("\(path).round", "client \(event.client) has another event in round \(event.round)")
            }
            for (key, kind) in [
                ("phase", FaultEvent.Kind.crash), ("late-by", .delay), ("damage", .corrupt), ("loses", .drop),
            ] where isGiven("\(path).\(key)") && event.kind != kind {
                report("\(path).\(key)", "only kind: \(kind.rawValue) has it, this is \(event.kind.rawValue)")
            }
            guard let returns = event.returns else { continue }
            if !event.losesClient {
                report(
                    "\(path).returns",
                    "the client is not lost by it: it stays in the run and is asked in the next round")
            } else if returns <= event.round {
                report("\(path).returns", "round \(returns) is not after round \(event.round), in which it is lost")
            }
        }
    }
}
