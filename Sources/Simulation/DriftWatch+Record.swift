import Federation
import Record

extension DriftWatch {
    /// The windows of every domain as a record, before anything is known of the world.
    func record(seed: Int) -> DriftRecord {
        let gates = gates.map { change in
            DriftGateRecord(
                window: change.window, users: change.personCount,
                weights: change.weights.map {
                    DriftGateRecord.Weight(method: $0.method, shots: $0.shots, gate: $0.weight)
                })
        }
        return DriftRecord(
            seed: seed,
            domains: windows.sorted { $0.key < $1.key }.map { domain, windows in
                DriftDomainRecord(
                    domain: domain, change: nil,
                    windows: windows.enumerated().map { index, window in
                        DriftWindowRecord(
                            window: index + 1, loss: window.loss, frozenLoss: window.frozenLoss,
                            users: window.personCount,
                            alarms: window.alarms.isEmpty ? [] : window.alarms.names, adapted: window.isAdapted)
                    })
            }, gates: gates.count > 1 ? gates : nil)
    }
}

extension DriftDomainRecord {
    /// A domain's windows, judged against a change that is known; windows in which nobody was scored leave it unjudged.
    init(domain: String, change: Int?, windows: [DriftWindowRecord]) {
        let losses = windows.compactMap(\.loss)
        let frozen = windows.compactMap(\.frozenLoss)
        let alarms = windows.indices.filter { !windows[$0].alarms.isEmpty }
        let isComplete = losses.count == windows.count && frozen.count == windows.count
        let known = change.flatMap { windows.indices.contains($0 - 1) ? $0 : nil }
        // Nothing is done about an alarm of ratings alone, so that nothing is regained after it.
        let acted = alarms.filter { windows[$0].alarms != DriftAlarms.ratings.names }
        func judged(_ losses: [Double]) -> DriftReport? {
            isComplete ? DriftReport(losses: losses, alarms: acted, change: known.map { $0 - 1 }) : nil
        }
        let report = judged(losses)
        // Alarms are known even where a window's loss is not.
        let first = known.flatMap { change in alarms.first { $0 >= change - 1 } }
        self.init(
            domain: domain, change: known, delay: first.flatMap { alarm in known.map { alarm - ($0 - 1) } },
            falseAlarms: known.map { change in alarms.count { $0 < change - 1 } } ?? alarms.count,
            recovery: report?.recovery, frozenRecovery: DriftDomainRecord.frozenRecovery(report, judged(frozen)),
            windows: windows)
    }

    private static func frozenRecovery(_ report: DriftReport?, _ frozen: DriftReport?) -> Double? {
        report?.recovery == nil ? nil : frozen?.recovery
    }
}

extension DriftRecord {
    /// The record with the changes that the clients of synthetic domains know.
    func judged(changes: [String: Int]) -> DriftRecord {
        DriftRecord(
            seed: seed,
            domains: domains.map {
                DriftDomainRecord(domain: $0.domain, change: changes[$0.domain], windows: $0.windows)
            }, gates: gates)
    }
}
