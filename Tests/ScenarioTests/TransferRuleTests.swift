import Scenario
import Testing

/// What `transfer.ratings` and `transfer.text.similarity-temperature` need.
@Suite struct TransferRuleTests {
    private static let linked = """
        name: linked
        clients:
          - {id: movies, domain: movies, data: {format: synthetic}}
          - {id: music, domain: music, data: {format: synthetic}}
          - {id: books, domain: books, data: {format: synthetic}}
          - {id: persons, domain: persons, links: [movies, music, books]}
        target: books
        model: {factors: 8}

        """
    private static let apart = """
        name: apart
        clients:
          - {id: movies, domain: movies, data: {format: synthetic}}
          - {id: music, domain: music, data: {format: synthetic}}
          - {id: books, domain: books, data: {format: synthetic}}
        target: books
        transfer: {alignment: text}

        """

    @Test func `Ratings are transferred by a linear map between one client a domain, beside explicit factors`() throws {
        let wanted = "transfer.ratings=mapped-prior"
        #expect(printed(Self.linked, overrides: [wanted]).isEmpty)
        #expect(try ScenarioDefinition(yaml: Self.linked, file: "a", overrides: [wanted]).transfersRatings)
        #expect(try !ScenarioDefinition(yaml: Self.linked, file: "a").transfersRatings)
        #expect(
            try !ScenarioDefinition(yaml: Self.linked, file: "a", overrides: ["transfer.ratings=none"]).transfersRatings
        )
        let refused: [(overrides: [String], place: String, words: String)] = [
            (["transfer.method=meta"], "transfer.ratings", "feature-map"),
            (["transfer.map=mlp"], "transfer.ratings", "a linear map"),
            (["evaluation.baselines=[bias-carry]"], "transfer.ratings", "explicit-als"),
            (["clients.movies.count=2"], "clients[0].count", "one client a domain"),
            (["privacy.mode=silo", "privacy.epsilon=1"], "transfer.ratings", "privacy.mode none"),
        ]
        for (overrides, place, words) in refused {
            let found = problems(Self.linked, overrides: [wanted] + overrides)
            #expect(found.map(\.keyPath) == [place], "\(overrides): \(found)")
            #expect(found.first?.message.contains(words) == true, "\(overrides)")
        }
        #expect(problems(Self.apart, overrides: [wanted]).map(\.keyPath) == ["transfer.ratings"])
    }

    @Test func `Only several sources that texts link have weights by similarity`() {
        let wanted = "transfer.text.similarity-temperature=0.1"
        #expect(printed(Self.apart, overrides: [wanted]).isEmpty)
        let place = "transfer.text.similarity-temperature"
        #expect(problems(Self.linked, overrides: [wanted]).map(\.keyPath) == [place])
        let recipe = ["transfer.method=article", "model.regularization=0.01"]
        #expect(problems(Self.apart, overrides: [wanted] + recipe).map(\.keyPath) == [place])
        let single = Self.apart.replacing(
            "  - {id: music, domain: music, data: {format: synthetic}}\n", with: "")
        #expect(problems(single, overrides: [wanted]).map(\.keyPath) == [place])
        #expect(printed(single, overrides: ["transfer.text.similarity-temperature=none"]).isEmpty)
    }
}
