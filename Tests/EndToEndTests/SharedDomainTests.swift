import Foundation
import TestSupport
import Testing

/// Domains that several clients share, with real processes.
@Suite(.serialized)
struct SharedDomainTests {
    private func run(_ folder: TemporaryFolder, _ overrides: [String]) throws -> RecordOfRun {
        let scenario = try folder.write(Fixture.scenario(), to: "small.yaml")
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path, "--set", "evaluation.baselines=[]"]
                + overrides.flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        return try RecordOfRun("\(try folder.seedFolder("small", seed: 1))/run.json")
    }

    @Test("exact half-sweeps of several clients give the figures of one client that holds all data")
    func equalsOneClient() throws {
        let one = try run(try TemporaryFolder(), [])
        let many = try run(try TemporaryFolder(), ["clients.movies.count=3", "clients.books.count=2"])
        let clients = many.object["clients"] as? [[String: Any]] ?? []
        #expect(
            clients.compactMap { $0["id"] as? String } == [
                "books-1", "books-2", "movies-1", "movies-2", "movies-3", "persons",
            ])
        #expect(one.figures.count == many.figures.count && one.figures.count > 50)
        for (first, second) in zip(one.figures, many.figures) {
            #expect(first.method == second.method && first.metric == second.metric)
            // A tie that rounding breaks moves one person of some fifty by one place.
            #expect(abs(first.value - second.value) <= 0.01 * max(1, abs(first.value)), "\(first) \(second)")
        }
        // Every person is with one client.
        func sum(_ record: RecordOfRun, _ key: String) -> Int {
            (record.object["clients"] as? [[String: Any]] ?? []).filter { $0["domain"] as? String == "movies" }
                .reduce(0) { $0 + ($1[key] as? Int ?? 0) }
        }
        for key in ["users", "interactions"] { #expect(sum(one, key) == sum(many, key) && sum(one, key) > 0) }
    }

    @Test("models that need all ratings of a shared domain are left out with a warning")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(), to: "small.yaml")
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path, "--set", "clients.books.count=2"]
                + ["--set", "evaluation.fedavg-rounds=1"])
        try #require(output.exitCode == 0, "\(output.standardError)")
        for method in ["ease", "item-knn", "item-mean", "bias-carry"] {
            #expect(output.standardError.contains("\(method) is left out: several clients share books"))
        }
        let record = try RecordOfRun("\(try folder.seedFolder("small", seed: 1))/run.json")
        #expect(try #require(record.value("naive-fedavg", 0)) > 0)
        #expect(try #require(record.value("pooled-reference", 1)) > 0)
        #expect(record.value("ease", 1) == nil)
    }

    @Test("against two of ten false clients robust strategies stay within 5 % of the clean run, fedavg does not")
    func byzantine() throws {
        let shared = [
            "clients.movies.count=10", "world.persons=1000", "evaluation.shots=[0, 3]", "transfer.gate=false",
            "federation.local-steps=1", "federation.factor-rounds=25",
        ]
        let attack = ["faults.byzantine-clients=2"]
        func value(_ overrides: [String]) throws -> Double {
            try #require(try run(try TemporaryFolder(), shared + overrides).value("feature-map", 0))
        }
        let clean = try value([])
        #expect(try value(attack) < 0.9 * clean)
        for strategy in ["median", "trimmed-mean", "krum"] {
            let figure = try value(
                attack + ["federation.strategy=\(strategy)", "federation.byzantine-clients=2"])
            #expect(figure > 0.95 * clean, "\(strategy): \(figure) of \(clean)")
        }
    }
}
