package import Parameters
import Scenario

/// An update of shared item factors that the coordinator has and that arrives later in simulated time.
///
/// The client's process has done the work in the round that asked for it: real time decides nothing, so that a run is
/// the same on any machine under any load.
package struct HeldUpdate: Sendable, Equatable {
    /// The round that asked for it.
    package let round: Int
    /// The shared domain.
    package let domain: String
    /// What was sent.
    package let parameters: ParameterSet

    /// An update.
    package init(round: Int, domain: String, parameters: ParameterSet) {
        self.round = round
        self.domain = domain
        self.parameters = parameters
    }
}

/// Rounds of shared item factors in simulated time: a round is a version of the item factors of each domain.
extension Coordinator {
    /// Begins simulated time with the first round of a step; returns why it is over before anything is learnt, which the
    /// loss of all faster clients can bring about.
    mutating func startSchedules(at index: Int) -> String? {
        let step = steps[index]
        guard step.isForFactors, index == 0 || steps[index - 1] != step else { return nil }
        held = [:]
        schedules = [:]
        for group in scenario.clientGroups where group.isShared {
            var schedule = FactorSchedule(scenario, domain: group.domain, seed: seed, step: step)
            schedule?.endIfLate(present)
            schedules[group.domain] = schedule
            if schedule?.progress.isOver == true {
                return tooShort(group.domain) + " by the clients that are left"
            }
        }
        return nil
    }

    private func tooShort(_ domain: String) -> String {
        "federation.simulated-time is over before the first version of \(domain)"
    }

    /// Plays simulated time ahead, as if every client stayed, where it may end before all rounds; returns why nothing
    /// could be learnt.
    mutating func expectVersions() -> String? {
        guard scenario.factorMode?.simulatedTime != nil else { return nil }
        for step in [RoundStep.factors, .refitFactors] {
            let count = steps.count { $0 == step }
            guard count > 0 else { continue }
            for group in scenario.clientGroups where group.isShared {
                let schedule = FactorSchedule(scenario, domain: group.domain, seed: seed, step: step)
                let versions = schedule?.versionCount(limit: count) ?? count
                if versions == 0 { return tooShort(group.domain) }
                expectedVersions[step] = max(versions, expectedVersions[step] ?? 0)
            }
        }
        return nil
    }

    /// The rounds that simulated time is expected to have no room for.
    var roundsAfterTheTime: Int {
        expectedVersions.reduce(0) { sum, expected in
            sum + max(0, steps.count { $0 == expected.key } - expected.value)
        }
    }

    /// Hands the updates to the servers that make the next version.
    mutating func takeArrivals(round: Int, _ actions: inout [Action]) -> [VersionSummary] {
        var summaries: [VersionSummary] = []
        for domain in schedules.keys.sorted() {
            guard var schedule = schedules[domain], !schedule.progress.isOver else { continue }
            for client in schedule.clients where held[client] == nil { schedule.abandon(client) }
            let arrivals = schedule.advance()
            schedules[domain] = schedule
            if schedule.progress.isOver, schedule.progress.version == 0 {
                actions.append(
                    .warn("round \(round): \(tooShort(domain)) by the clients that are left; nothing is learnt"))
            }
            guard !arrivals.isEmpty else { continue }
            for arrival in arrivals {
                guard let update = held.removeValue(forKey: arrival.client), !arrival.isDropped else { continue }
                do {
                    try factorServers[domain]?.add(
                        client: arrival.client, update.parameters, staleness: arrival.staleness)
                } catch {
                    actions.append(
                        .warn("round \(round): the update of client \(arrival.client) is left out: \(error)"))
                }
            }
            summaries.append(
                VersionSummary(
                    domain: domain, time: schedule.progress.time,
                    updates: arrivals.filter { !$0.isDropped }.map {
                        ArrivedUpdate(client: $0.client, staleness: $0.staleness)
                    },
                    dropped: arrivals.filter(\.isDropped).map(\.client),
                    held: schedule.clients.filter { schedule.progress.work[$0] != nil }))
        }
        return summaries
    }

    /// Ends learning where the next versions come too late, and forgets with the last round what is still on its way.
    ///
    /// - Returns: whether simulated time is over.
    mutating func endSchedules(at index: Int) -> Bool {
        guard !schedules.isEmpty else { return false }
        let present = present
        for domain in schedules.keys { schedules[domain]?.endIfLate(present) }
        let step = steps[index]
        let isOver = schedules.values.allSatisfy(\.progress.isOver)
        if isOver {
            let end = steps[index...].firstIndex { $0 != step } ?? steps.endIndex
            steps.removeSubrange(index + 1..<end)
        }
        if index + 1 == steps.count || steps[index + 1] != step {
            schedules = [:]
            held = [:]
            expectedVersions[step] = nil
        }
        return isOver
    }
}
