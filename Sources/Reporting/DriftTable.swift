public import Record

/// What drift detection saw, in plain words.
public enum DriftTable {
    /// One line a domain over the seeds; empty without drift detection.
    public static func text(_ records: [DriftRecord]) -> String {
        var out = ""
        let domains = records.flatMap { $0.domains.map(\.domain) }.reduce(into: [String]()) {
            if !$0.contains($1) { $0.append($1) }
        }
        for domain in domains {
            let members = records.flatMap(\.domains).filter { $0.domain == domain }
            out += "drift of \(domain): " + sentence(members) + "\n"
        }
        return out
    }

    private static func sentence(_ members: [DriftDomainRecord]) -> String {
        let falseAlarms = members.reduce(0) { $0 + $1.falseAlarms }
        let windows = members.reduce(0) { $0 + $1.windows.count }
        let changed = members.filter { $0.change != nil }
        let runs = members.count == 1 ? "1 run" : "\(members.count) runs"
        guard !changed.isEmpty else {
            return "no change is known; \(alarms(falseAlarms)) in \(windows) windows of \(runs)"
        }
        let delays = changed.compactMap(\.delay)
        let positions = Set(changed.compactMap(\.change)).sorted().map(String.init).joined(separator: ", ")
        var parts = ["changed in window \(positions) of \(members.first?.windows.count ?? 0)"]
        parts.append(
            delays.isEmpty
                ? "not noticed in \(runs)"
                : "noticed in \(delays.count) of \(runs), "
                    + (delays.max() == 0
                        ? "in that window" : "\(range(delays)) \(delays.max() == 1 ? "window" : "windows") later"))
        if !delays.isEmpty, changed.allSatisfy({ $0.delay == nil || isOfRatings($0) }) {
            parts.append("of ratings alone, to which no model of choices adapts")
        }
        parts.append("\(falseAlarms == 0 ? "no" : "\(falseAlarms)") false alarm\(falseAlarms == 1 ? "" : "s")")
        let recoveries = changed.compactMap(\.recovery)
        if !recoveries.isEmpty {
            let frozen = changed.compactMap(\.frozenRecovery)
            parts.append(
                "\(percent(mean(recoveries))) of the loss regained within 3 windows of the alarm"
                    + (frozen.isEmpty ? "" : " (a model that is never trained again: \(percent(mean(frozen))))"))
        }
        return parts.joined(separator: "; ")
    }

    /// Whether all alarms of a domain are of ratings.
    private static func isOfRatings(_ member: DriftDomainRecord) -> Bool {
        let alarms = member.windows.map(\.alarms).filter { !$0.isEmpty }
        return !alarms.isEmpty && alarms.allSatisfy { $0 == ["ratings"] }
    }

    private static func alarms(_ count: Int) -> String {
        count == 0 ? "no alarm" : count == 1 ? "1 alarm" : "\(count) alarms"
    }

    private static func range(_ values: [Int]) -> String {
        let (low, high) = (values.min() ?? 0, values.max() ?? 0)
        return low == high ? "\(low)" : "\(low) to \(high)"
    }

    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    private static func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }
}
