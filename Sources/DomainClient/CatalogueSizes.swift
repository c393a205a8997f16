import Ratings
public import Scenario
public import Supervision

/// How many items the domains of a scenario have: all that the messages of a run depend on beside the scenario.
public enum CatalogueSizes {
    /// Reads the data of every domain, as its client will.
    ///
    /// - Throws: `RunFailure` with what is wrong with the data.
    public static func read(
        _ scenario: ScenarioDefinition, dataDirectory: String
    ) throws(RunFailure) -> [String: Int] {
        let loader = DomainDataLoader(scenario: scenario, dataDirectory: dataDirectory)
        var out: [String: Int] = [:]
        for domain in scenario.domains {
            do { out[domain] = try loader.load(domain).interactions.items.count } catch {
                throw error as? RunFailure ?? RunFailure(.data, "domain \(domain): \(error)")
            }
        }
        return out
    }
}
