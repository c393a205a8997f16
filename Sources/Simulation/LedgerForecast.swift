import Federation
import Parameters
import Privacy
import Scenario
import Synchronization

/// The entries that the ledgers of a run will hold, while every client stays: releases follow from the plan alone.
enum LedgerForecast {
    /// The entries of all clients and of the coordinator, client by client.
    ///
    /// - Throws: `PrivacyError`, `AccountingError` when the protection that the scenario asks for cannot be made.
    static func entries(_ scenario: ScenarioDefinition, _ plan: RunPlan) throws -> [LedgerEntry] {
        let protections = try PrivacyPlan(scenario, schema: plan.schema).protections
        let pages = (scenario.clients.map(\.id) + [Coordinator.name]).map { ($0, Page()) }
        var ledgers = pages.map { client, page in Ledger(client: client) { page.write($0) } }
        var own = ledgers.removeLast()
        for (index, step) in plan.steps.enumerated() {
            var central: [String: [String]] = [:]
            for (position, client) in scenario.clients.enumerated() {
                let tensors = Dictionary(grouping: plan.uploads(step, client: client.id), by: \.release)
                    .mapValues { $0.map(\.name).sorted() }
                for (release, names) in tensors.sorted(by: { $0.key < $1.key }) {
                    let protection = protections[release]
                    try ledgers[position].append(
                        round: index + 1, release: release, tensors: names,
                        policy: protection?.policy ?? .unprotected, protection: protection,
                        isNoised: protection.map { $0.policy != .central } ?? false)
                    if protection?.policy == .central { central[release] = names }
                }
            }
            // The coordinator adds the noise of these once, to the sum of all clients.
            for (release, names) in central.sorted(by: { $0.key < $1.key }) {
                try own.append(
                    round: index + 1, release: release, tensors: names, policy: .central,
                    protection: protections[release], isNoised: true)
            }
        }
        return pages.flatMap { $1.read() }
    }

    /// What one ledger writes.
    private final class Page: Sendable {
        private let entries = Mutex<[LedgerEntry]>([])

        func write(_ entry: LedgerEntry) { entries.withLock { $0.append(entry) } }

        func read() -> [LedgerEntry] { entries.withLock { $0 } }
    }
}
