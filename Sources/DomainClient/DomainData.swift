import Ratings
import Scenario
import Supervision

/// Opens the data of one domain as the scenario describes it.
struct DomainDataLoader {
    let scenario: ScenarioDefinition
    let dataDirectory: String

    /// The interactions of a domain.
    ///
    /// - Throws: `DataError`.
    func load(_ domain: String) throws -> Interactions {
        guard let source = scenario.data(of: domain) else {
            throw RunFailure(.scenario, "no client serves domain \(domain)")
        }
        guard let ratings = source.ratings else {
            return SyntheticWorld(
                SyntheticWorld.Options(
                    seed: scenario.integer("world.seed"), personCount: scenario.integer("world.persons"),
                    overlap: scenario.number("world.overlap"), itemCount: scenario.integer("world.items"),
                    meanInteractions: scenario.number("world.interactions"),
                    tasteDimensions: scenario.integer("world.taste-dimensions"),
                    tasteStrength: scenario.number("world.taste-strength"),
                    domainGap: scenario.number("world.domain-gap"), domains: scenario.domains)
            ).interactions(in: domain)
        }
        return try RecBoleFile.read(
            ratings: resolvedPath(ratings, in: dataDirectory),
            items: source.items.map { resolvedPath($0, in: dataDirectory) },
            duplicates: DuplicateRule(rawValue: source.duplicates) ?? .byDefault)
    }
}
