public import Scenario

/// What a robust strategy makes the coordinator hold: every update of a round until its end.
public struct StrategyMemory: Sendable, Equatable {
    /// The strategy.
    public let strategy: AggregationStrategy
    /// The shared domain.
    public let domain: String
    /// The clients that share it.
    public let clientCount: Int
    /// Bytes for each item of the domain: clients × factors × 4.
    public let bytesPerItem: Int

    /// One value a shared domain; empty for strategies that hold a sum.
    public static func of(_ scenario: ScenarioDefinition) -> [StrategyMemory] {
        guard case .changes(let strategy) = FactorTraining(scenario), strategy.keepsAllUpdates else { return [] }
        return scenario.clientGroups.filter(\.isShared).map { group in
            StrategyMemory(
                strategy: strategy, domain: group.domain, clientCount: group.count,
                bytesPerItem: group.count * scenario.integer("model.factors") * 4)
        }
    }

    /// Bytes for a catalogue of so many items.
    public func bytes(itemCount: Int) -> Int { bytesPerItem * itemCount }
}
