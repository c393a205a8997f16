import Federation
public import Scenario

/// What a strategy costs, as far as the scenario alone tells.
public enum StrategyForecast {
    /// One sentence for each domain whose coordinator must hold every update of a round.
    public static func lines(_ scenario: ScenarioDefinition) -> [String] {
        StrategyMemory.of(scenario).map { memory in
            let thousand = Double(memory.bytes(itemCount: 1_000)) / 1e6
            let holds =
                memory.isAsynchronous
                ? "federation.mode: async holds every update until it arrives"
                : "\(memory.strategy.rawValue) holds every update of a round"
            return
                "\(holds): \(memory.clientCount) clients of "
                + "\(memory.domain), \(memory.bytesPerItem) bytes an item, "
                + "\((thousand * 100).rounded() / 100) MB for 1,000 items (an average holds one sum)"
        }
    }
}
