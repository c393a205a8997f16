/// What a version of a shared domain's item factors was made of in simulated time.
public struct VersionRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case domain, updates, dropped, held
        case time = "simulated-time"
        case meanStaleness = "staleness-mean"
        case largestStaleness = "staleness-max"
    }

    /// The domain.
    public let domain: String
    /// When there was the version, in median times of a client's work.
    public let time: Double
    /// How many updates count.
    public let updates: Int
    /// How many versions old they were, on average; 0 without updates.
    public let meanStaleness: Double
    /// How many versions old the oldest of them was.
    public let largestStaleness: Int
    /// The clients whose updates were too old.
    public let dropped: [String]
    /// How many updates are still on their way; after the last round they come too late.
    public let held: Int

    /// Makes a record.
    ///
    /// - Parameter staleness: how many versions old each update was that counts.
    public init(domain: String, time: Double, staleness: [Int], dropped: [String], held: Int) {
        self.domain = domain
        self.time = time
        updates = staleness.count
        meanStaleness = Double(staleness.reduce(0, +)) / Double(max(1, staleness.count))
        largestStaleness = staleness.max() ?? 0
        self.dropped = dropped
        self.held = held
    }
}

/// How a domain's clients learnt its item factors in simulated time, before the choices or after them.
public struct SimulatedTimeRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case domain, step, versions, updates, dropped, unused
        case time = "simulated-time"
        case meanStaleness = "staleness-mean"
        case largestStaleness = "staleness-max"
    }

    /// The domain.
    public let domain: String
    /// The step, `factors` or `refit-factors`.
    public let step: String
    /// The simulated time of the last version, in median times of a client's work.
    public let time: Double
    /// Versions.
    public let versions: Int
    /// Updates that count.
    public let updates: Int
    /// How many versions old they were, on average.
    public let meanStaleness: Double
    /// How many versions old the oldest of them was.
    public let largestStaleness: Int
    /// How many updates were too old.
    public let dropped: Int
    /// How many updates were still on their way when learning ended.
    public let unused: Int

    /// The records of a run's rounds, in order of step and domain.
    public static func of(_ rounds: [RoundRecord]) -> [SimulatedTimeRecord] {
        var steps: [String] = []
        for round in rounds where round.versions != nil && !steps.contains(round.step) { steps.append(round.step) }
        return steps.flatMap { step in
            let versions = rounds.filter { $0.step == step }.flatMap { $0.versions ?? [] }
            return Set(versions.map(\.domain)).sorted().map { domain in
                SimulatedTimeRecord(domain, step, versions.filter { $0.domain == domain })
            }
        }
    }

    private init(_ domain: String, _ step: String, _ members: [VersionRecord]) {
        self.domain = domain
        self.step = step
        time = members.last?.time ?? 0
        versions = members.count
        updates = members.reduce(0) { $0 + $1.updates }
        meanStaleness =
            members.reduce(0.0) { $0 + $1.meanStaleness * Double($1.updates) } / Double(max(1, updates))
        largestStaleness = members.map(\.largestStaleness).max() ?? 0
        dropped = members.reduce(0) { $0 + $1.dropped.count }
        unused = members.last?.held ?? 0
    }
}
