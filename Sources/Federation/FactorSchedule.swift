import Numerics
package import Scenario

/// When the clients of a shared domain are done in simulated time, and which of their updates a version is made of.
///
/// A client starts from a version of the item factors and is done after a simulated time. The server waits for K updates
/// and makes the next version of them; an update that is s versions old by then counts 1/√(1 + s), and one that is too
/// old is dropped. A client starts again from the version that its update went into: training is deterministic, so that
/// a second run from the same version would be the same update. With K equal to the number of clients all wait for all.
///
/// Source: Nguyen et al., *Federated learning with buffered asynchronous aggregation* (AISTATS 2022), algorithm 1
/// (FedBuff), where instead any free client may start from the present version.
///
/// *Determinism*: a piece of work of client i takes exp(σ zᵢ) · exp(τ zᵢᵥ), of median 1, where zᵢ is a standard normal
/// number of the stream `simulated-speed`/domain/client and zᵢᵥ one of `simulated-work`/domain/step/client/version. No
/// clock is read, and equal times are taken in the order of the scenario.
package struct FactorSchedule: Sendable {
    /// A piece of work that is on its way.
    package struct Work: Codable, Sendable, Equatable {
        /// The version that it starts from: how many there were before it.
        package let version: Int
        /// The simulated time at which its update arrives.
        package let end: Double
    }

    /// What changes from version to version.
    package struct Progress: Codable, Sendable, Equatable {
        /// How many versions have been made.
        package var version = 0
        /// The simulated time at which the last one was.
        package var time = 0.0
        /// By client.
        package var work: [String: Work] = [:]
        /// Whether the time that the scenario gives is over.
        package var isOver = false
    }

    /// An update that arrives.
    package struct Arrival: Sendable, Equatable {
        /// The client.
        package let client: String
        /// s, how many versions were made since the one that it started from.
        package let staleness: Int
        /// Whether it is too old to count.
        package let isDropped: Bool
    }

    /// Where it stands.
    package var progress = Progress()
    /// The clients in the order of the scenario.
    package let clients: [String]
    private let bufferCount: Int
    private let largestStaleness: Int
    private let timeLimit: Double
    private let jobSpread: Double
    private let speeds: [String: Double]
    private let seed: Int
    private let path: [StreamComponent]
    private let positions: [String: Int]

    /// The schedule of a domain from its first version on; `nil` where time is not simulated.
    ///
    /// - Parameter step: the step, `factors` or `refitFactors`, each of which begins at time 0.
    package init?(_ scenario: ScenarioDefinition, domain: String, seed: Int, step: RoundStep) {
        guard let mode = scenario.factorMode else { return nil }
        clients = scenario.clients.filter { !$0.group.isPersons && $0.group.domain == domain }.map(\.id)
        bufferCount = mode.bufferCount ?? clients.count
        largestStaleness = mode.largestStaleness ?? .max
        timeLimit = mode.simulatedTime ?? .infinity
        jobSpread = mode.jobSpread
        self.seed = seed
        path = ["simulated-work", .name(domain), .name(step.description)]
        var speeds: [String: Double] = [:]
        for client in clients {
            var stream = RandomStream(
                root: UInt64(seed), path: ["simulated-speed", .name(domain), .name(client)])
            speeds[client] = (mode.speedSpread * stream.gaussian()).exponential
        }
        self.speeds = speeds
        positions = Dictionary(uniqueKeysWithValues: clients.enumerated().map { ($0.element, $0.offset) })
    }

    /// How long a piece of work takes that starts from a version.
    package func duration(of client: String, version: Int) -> Double {
        var stream = RandomStream(root: UInt64(seed), path: path + [.name(client), .number(version)])
        return (speeds[client] ?? 1) * (jobSpread * stream.gaussian()).exponential
    }

    /// Whether a client would start from the present version.
    package func isIdle(_ client: String) -> Bool {
        !progress.isOver && progress.work[client] == nil && positions[client] != nil
    }

    /// Lets clients without work start from the present version.
    package mutating func start(_ clients: some Sequence<String>) {
        for client in clients where isIdle(client) {
            progress.work[client] = Work(
                version: progress.version,
                end: progress.time + duration(of: client, version: progress.version))
        }
    }

    /// Forgets work whose update never arrives.
    package mutating func abandon(_ client: String) { progress.work[client] = nil }

    /// Waits for K updates that count, or for all that are on their way, and goes on to the next version.
    ///
    /// - Returns: the updates in the order of their arrival; none when the time is over before.
    package mutating func advance() -> [Arrival] {
        let order = progress.work.sorted {
            ($0.value.end, positions[$0.key] ?? 0) < ($1.value.end, positions[$1.key] ?? 0)
        }
        var arrivals: [Arrival] = []
        var time = progress.time
        var count = 0
        for (client, work) in order where count < bufferCount {
            let staleness = progress.version - work.version
            let isDropped = staleness > largestStaleness
            arrivals.append(Arrival(client: client, staleness: staleness, isDropped: isDropped))
            if !isDropped { count += 1 }
            time = max(time, work.end)
        }
        guard time <= timeLimit else {
            progress.isOver = true
            return []
        }
        progress.time = time
        progress.version += 1
        for arrival in arrivals { abandon(arrival.client) }
        return arrivals
    }

    /// Takes note that the time is over where the next version, for which clients would start, comes too late.
    package mutating func endIfLate(_ clients: [String]) {
        guard !progress.isOver else { return }
        var next = self
        next.start(clients)
        _ = next.advance()
        progress.isOver = next.progress.isOver
    }

    /// How many versions there will be if every client stays, at most `limit`. *Complexity*: O(versions · n log n).
    package func versionCount(limit: Int) -> Int {
        var ahead = self
        while ahead.progress.version < limit {
            ahead.start(clients)
            if ahead.advance().isEmpty { break }
        }
        return ahead.progress.version
    }

    /// What an update counts that is s versions old. Source: Nguyen et al. 2022, section 5.
    package static func weight(staleness: Int) -> Double { 1 / Double(1 + staleness).squareRoot() }
}
