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

    @Test("asynchronous rounds repeat to the byte, and their record says when there was which version, of what")
    func asynchronous() throws {
        let overrides = [
            "clients.movies.count=4", "federation.local-steps=1", "federation.mode=async", "federation.buffer=2",
            "federation.staleness=1", "federation.speed-spread=1", "federation.simulated-time=6",
            "federation.factor-rounds=60",
        ]
        let folders = [try TemporaryFolder(), try TemporaryFolder()]
        let records = try folders.map { try run($0, overrides) }
        func text(_ folder: TemporaryFolder, _ name: String) throws -> String {
            try String(contentsOfFile: "\(try folder.seedFolder("small", seed: 1))/\(name)", encoding: .utf8)
        }
        for name in ["run.json", "wire.json", "rounds.csv", "versions.csv"] {
            #expect(try text(folders[0], name) == text(folders[1], name), "\(name)")
        }
        let times = try #require(records[0].object["simulated-time"] as? [[String: Any]])
        #expect(times.map { $0["step"] as? String } == ["factors", "refit-factors"])
        #expect(times.allSatisfy { $0["domain"] as? String == "movies" })
        let versions = try text(folders[0], "versions.csv").split(separator: "\n").dropFirst().map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        for time in times {
            let members = versions.filter { $0[1] == time["step"] as? String }
            let count = try #require(time["versions"] as? Int)
            #expect(members.count == count && count > 3 && count < 60)
            let end = try #require(time["simulated-time"] as? Double)
            #expect(members.compactMap { Double($0[3]) }.max() == end && end <= 6)
            #expect(time["updates"] as? Int == 2 * count)
            let mean = try #require(time["staleness-mean"] as? Double)
            #expect(mean > 0 && mean <= 1 && time["staleness-max"] as? Int == 1)
            #expect(members.reduce(0) { $0 + $1[7].split(separator: " ").count } == time["dropped"] as? Int)
        }
        #expect(times.contains { ($0["dropped"] as? Int ?? 0) > 0 })
        // The folders go with their last use, which is not the reading of a path.
        let page = try withExtendedLifetime(folders) {
            try String(
                contentsOfFile: "\(try TemporaryFolder.only("\(folders[0].path)/small"))/report.html", encoding: .utf8)
        }
        #expect(page.contains("Versions of shared item factors in simulated time"))
        // The record of rounds that are waited for has no time.
        let plain = try run(try TemporaryFolder(), ["clients.movies.count=4", "federation.local-steps=1"])
        #expect(plain.object["simulated-time"] == nil)
    }

    @Test(
        "without the first client of a domain the run goes on: another speaks",
        arguments: [
            ("round 2/", "client movies-1"), ("encoders", "client books-1"), ("refit-factors", "client movies-1"),
        ])
    func lostSpeaker(line: String, child: String) throws {
        let folder = try TemporaryFolder()
        let text = Fixture.scenario(persons: 1_500).replacingOccurrences(of: "iterations: 3", with: "iterations: 20")
        let scenario = try folder.write(text, to: "small.yaml")
        let ferry = try FerryProcess(
            ["run", scenario, "--output", folder.path, "--set", "evaluation.baselines=[]"]
                + ["clients.movies.count=2", "clients.books.count=2"].flatMap { ["--set", $0] })
        _ = try ferry.waitForLine(containing: line)
        try ferry.killChild(child)
        let output = try ferry.finish()
        let id = String(child.split(separator: " ")[1])
        #expect(output.exitCode == 0, "\(output.standardError)")
        #expect(output.standardOutput.contains("missing: \(id) was lost in seed 1"))
        let record = try RecordOfRun("\(try folder.seedFolder("small", seed: 1))/run.json")
        #expect(record.object["missing"] as? [String] == [id])
        #expect(try #require(record.value("feature-map", 1)) > 0)
        let summary = try String(
            contentsOfFile: "\(try folder.seedFolder("small", seed: 1))/../summary.json", encoding: .utf8)
        #expect(summary.contains("\"missing\"") && summary.contains(id))
    }

    @Test("a source without a person in common goes on without its first client")
    func lostTextSpeaker() throws {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(
            """
            name: apart
            world: {persons: 900, overlap: 0, items: 150, interactions: 20, text-noise: 0, text-sharpness: 8}
            clients:
              - {id: movies, domain: movies, count: 3, data: {format: synthetic}}
              - {id: books, domain: books, data: {format: synthetic}}
            target: books
            model: {factors: 8, regularization: 10, confidence: 10, iterations: 30}
            transfer: {alignment: text, text: {regularization: [40], item-regularization: [10], feature-ratio: [1]}}
            evaluation: {split: seeded, baselines: [], cold-users: 0.4}

            """, to: "apart.yaml")
        let ferry = try FerryProcess(["run", scenario, "--output", folder.path])
        _ = try ferry.waitForLine(containing: "round 2/")
        try ferry.killChild("client movies-1")
        let output = try ferry.finish()
        #expect(output.exitCode == 0, "\(output.standardError)")
        let record = try RecordOfRun("\(try folder.seedFolder("apart", seed: 1))/run.json")
        #expect(try #require(record.value("feature-map", 1, client: "books")) > 0)
        #expect(record.object["missing"] as? [String] == ["movies-1"])
    }
}
