import Scenario
import Testing

/// What `transfer.text.similarity-temperature` needs.
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
