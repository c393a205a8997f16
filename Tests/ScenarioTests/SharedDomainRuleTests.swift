import Scenario
import Testing

@Suite struct SharedDomainRuleTests {
    private static let synthetic = """
        name: many
        world: {items: 300000}
        clients:
          - {id: movies, domain: movies, data: {format: synthetic}}
          - {id: books, domain: books, count: 3, data: {format: synthetic}}
          - {id: persons, domain: persons, links: [movies, books]}
        target: books
        model: {factors: 64}

        """

    @Test func `Half-sweeps that no memory holds are refused before a run, with items, factors and a way out`() throws {
        let problem = try #require(problems(Self.synthetic).first)
        #expect(problem.keyPath == "federation.strategy")
        for words in ["books", "2453 MB", "300000 items", "64 factors", "512 MB", "strategy: gradient"] {
            #expect(problem.message.contains(words), "\(words): \(problem)")
        }
        // The largest catalogue that fits, and the smallest that does not.
        let numbers = 64 * 67 / 2
        let most = HalfSweepSize.mostBytes / 4 / numbers
        for overrides in [
            ["world.items=\(most)"], ["federation.strategy=gradient"], ["federation.local-steps=1"],
            ["clients.books.count=1"], ["world.target-items=1000"],
        ] { #expect(printed(Self.synthetic, overrides: overrides) == "", "\(overrides)") }
        #expect(problems(Self.synthetic, overrides: ["world.items=\(most + 1)"]).count == 1)
        #expect(HalfSweepSize(items: .max, factors: 64).bytes == .max)
        #expect(HalfSweepSize(items: 3, factors: 2).bytes == 4 * 3 * (3 + 2))
    }

    @Test func `A solver that shared domains do not follow is refused, and kept where no domain is shared`() {
        let solver = "model.solver=conjugate-gradient"
        let found = problems(Self.synthetic, overrides: ["world.items=100", solver])
        #expect(found.map(\.keyPath) == ["model.solver"])
        #expect(found.first?.message.contains("several clients share books") == true, "\(found)")
        #expect(printed(Self.synthetic, overrides: ["clients.books.count=1", solver]) == "")
    }
}
