public import Scenario

/// What a robust strategy makes the coordinator hold, every update of a round until its end, and what asynchronous rounds
/// do, every update until it arrives.
public struct StrategyMemory: Sendable, Equatable {
    /// The strategy.
    public let strategy: AggregationStrategy
    /// The shared domain.
    public let domain: String
    /// The clients that share it.
    public let clientCount: Int
    /// Bytes for each item of the domain: clients × factors × 4, twice for scaffold and for robust strategies in
    /// asynchronous rounds.
    public let bytesPerItem: Int
    /// Whether updates are held until they arrive; a robust strategy then shares most of them, and copies old ones.
    public let isAsynchronous: Bool

    /// One value a shared domain; empty for strategies that hold a sum.
    public static func of(_ scenario: ScenarioDefinition) -> [StrategyMemory] {
        let isAsynchronous = scenario.isAsynchronous
        guard case .changes(let strategy) = FactorTraining(scenario), strategy.keepsAllUpdates || isAsynchronous else {
            return []
        }
        let copies = (strategy == .scaffold ? 2 : 1) + (strategy.keepsAllUpdates && isAsynchronous ? 1 : 0)
        return scenario.clientGroups.filter(\.isShared).map { group in
            StrategyMemory(
                strategy: strategy, domain: group.domain, clientCount: group.count,
                bytesPerItem: copies * group.count * scenario.integer("model.factors") * 4,
                isAsynchronous: isAsynchronous)
        }
    }

    /// Bytes for a catalogue of so many items.
    public func bytes(itemCount: Int) -> Int { bytesPerItem * itemCount }
}
