import Scenario
import Testing

/// The keys of simulated time.
@Suite struct FactorModeTests {
    private static let shared = """
        name: many
        world: {items: 90}
        clients:
          - {id: movies, domain: movies, count: 7, data: {format: synthetic}}
          - {id: books, domain: books, count: 5, data: {format: synthetic}}
          - {id: persons, domain: persons, links: [movies, books]}
        target: books
        federation: {local-steps: 1}

        """

    private func scenario(_ overrides: [String]) throws -> ScenarioDefinition {
        try ScenarioDefinition(yaml: Self.shared, file: "s.yaml", overrides: overrides)
    }

    @Test func `Without the mode nothing is simulated, and the resolved scenario says nothing of it`() throws {
        let scenario = try scenario([])
        #expect(scenario.factorMode == nil && !scenario.isAsynchronous)
        for word in ["mode: sync", "mode: async", "buffer", "staleness", "-spread", "simulated-time"] {
            #expect(!scenario.resolvedYAML.contains(word), "\(word)")
        }
    }

    @Test func `Asynchronous rounds wait for half of the smallest shared domain, unless told otherwise`() throws {
        let plain = try #require(try scenario(["federation.mode=async"]).factorMode)
        #expect(plain.bufferCount == 3 && plain.largestStaleness == 10 && plain.simulatedTime == nil)
        #expect(plain.speedSpread == 0.5 && plain.jobSpread == 0.25)
        let told = try #require(
            try scenario([
                "federation.mode=async", "federation.buffer=5", "federation.staleness=0", "federation.speed-spread=0",
                "federation.job-spread=1.5", "federation.simulated-time=2.5",
            ]).factorMode)
        #expect(told.bufferCount == 5 && told.largestStaleness == 0 && told.simulatedTime == 2.5)
        #expect(told.speedSpread == 0 && told.jobSpread == 1.5)
    }

    @Test func `Synchronous rounds leave buffer and staleness out of account, so that a sweep can compare`() throws {
        let mode = try #require(
            try scenario(["federation.mode=sync", "federation.buffer=2", "federation.staleness=1"]).factorMode)
        #expect(mode.bufferCount == nil && mode.largestStaleness == nil && mode.speedSpread == 0.5)
        // Exact sums too can be waited for.
        #expect(printed(Self.shared, overrides: ["federation.mode=sync", "federation.local-steps=0"]) == "")
    }

    @Test(arguments: [
        ("federation.buffer", ["federation.buffer=2"], "federation.mode alone"),
        ("federation.staleness", ["federation.staleness=2"], "federation.mode alone"),
        ("federation.simulated-time", ["federation.simulated-time=2"], "federation.mode alone"),
        ("federation.buffer", ["federation.mode=async", "federation.buffer=6"], "from the 5 clients"),
        (
            "federation.mode", ["federation.mode=async", "federation.local-steps=0"],
            "federation.local-steps of at least 1"
        ),
        (
            "federation.mode",
            ["federation.mode=async", "federation.local-steps=0", "federation.strategy=gradient"],
            "privacy.item-factors: protected"
        ),
        (
            "federation.buffer", ["federation.mode=async", "federation.strategy=krum", "federation.buffer=4"],
            "krum against 1 byzantine clients needs 5 updates, not 4"
        ),
        (
            "federation.mode",
            ["federation.mode=async", "federation.local-steps=0", "clients.movies.count=1", "clients.books.count=1"],
            "share a domain"
        ),
        ("federation.mode", ["federation.mode=later"], "is not one of sync, async"),
    ])
    func `What cannot be is refused with the key and a way out`(
        key: String, overrides: [String], words: String
    ) throws {
        let found = problems(Self.shared, overrides: overrides)
        #expect(found.map(\.keyPath) == [key], "\(found)")
        #expect(found.first?.message.contains(words) == true, "\(found)")
    }
}
