import Foundation
import TestSupport
import Testing

/// `drift:` with real processes.
@Suite(.serialized)
struct DriftTests {
    private static let scenario = """
        name: small
        world: {persons: 700, items: 400, interactions: 50, times: true}
        clients:
          - {id: movies, domain: movies, data: {format: synthetic}}
          - {id: books, domain: books, data: {format: synthetic}}
          - {id: persons, domain: persons, links: [movies, books]}
        target: books
        model: {factors: 12, regularization: 20, confidence: 10, iterations: 6}
        evaluation: {split: time, validation-time: 0.2, test-time: 0.3, baselines: [], minimum-interactions: 6}
        drift: {windows: 10}

        """
    /// The world of the bundled scenario.
    private static let turned = [
        "world.persons=1500", "world.items=1200", "world.interactions=60", "model.factors=16", "drift.windows=12",
        "world.drift.time=0.7", "world.drift.taste-rotation=1.2", "world.drift.domain=books",
    ]

    private func run(_ folder: TemporaryFolder, _ overrides: [String]) throws -> (record: RecordOfRun, output: String) {
        let scenario = try folder.write(DriftTests.scenario, to: "small.yaml")
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path] + overrides.flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        return (try RecordOfRun("\(try folder.seedFolder("small", seed: 1))/run.json"), output.standardOutput)
    }

    private func domain(_ name: String, _ record: RecordOfRun) throws -> [String: Any] {
        let drift = try #require(record.object["drift"] as? [String: Any])
        let domains = try #require(drift["domains"] as? [[String: Any]])
        return try #require(domains.first { $0["domain"] as? String == name })
    }

    @Test("a turn of tastes is noticed within two windows, adapted to and recorded, the same every time")
    func turn() throws {
        let (record, output) = try run(try TemporaryFolder(), DriftTests.turned)
        let again = try run(try TemporaryFolder(), DriftTests.turned).record
        #expect(record.bytes == again.bytes && record.bytes.count > 1_000)
        let books = try domain("books", record)
        let windows = try #require(books["windows"] as? [[String: Any]])
        #expect(windows.count == 12)
        #expect(try #require(books["delay"] as? Int) <= 2)
        #expect(books["false-alarms"] as? Int == 0)
        #expect(try #require(books["recovery"] as? Double) >= 0.8)
        #expect(try #require(books["recovery-without-adaptation"] as? Double) < 0.5)
        #expect(windows.count { $0["adapted"] as? Bool == true } == 3)
        // The last window, with the adapted model and with the one of before.
        let last = try #require(windows.last)
        let loss = try #require(last["loss"] as? Double)
        #expect(loss < 0.9 * (try #require(last["loss-without-adaptation"] as? Double)))
        #expect(try domain("movies", record)["false-alarms"] as? Int == 0)
        #expect(try domain("movies", record)["change"] == nil)
        let privacy = record.object["privacy"] as? [String: Any]
        let unprotected = privacy?["unprotected"] as? [String] ?? []
        for release in ["books.window-loss", "books.window-features", "movies.window-loss", "movies.window-features"] {
            #expect(unprotected.contains(release), "\(release)")
        }
        // The gate is measured in each of the three windows after an adaptation.
        let drift = try #require(record.object["drift"] as? [String: Any])
        let gates = try #require(drift["gates"] as? [[String: Any]])
        let alarm = try #require(windows.firstIndex { ($0["alarms"] as? [String])?.isEmpty == false }) + 1
        #expect(gates.compactMap { $0["window"] as? Int } == [0, alarm + 1, alarm + 2, alarm + 3])
        #expect(gates.allSatisfy { $0["users"] as? Int ?? 0 > 50 })
        // The last one is that of the choices.
        let weights = try #require(gates.last?["weights"] as? [[String: Any]])
        let choices = try #require(record.object["choices"] as? [[String: Any]])
        for weight in weights where weight["method"] as? String == "feature-map" {
            let choice = choices.first {
                $0["method"] as? String == "feature-map" && $0["shots"] as? Int == weight["shots"] as? Int
            }
            #expect(choice?["gate"] as? Double == weight["gate"] as? Double, "\(weight)")
        }
        #expect(output.contains("drift of books: changed in window"))
        #expect(output.contains("drift of movies: no change is known; no alarm"))
    }

    @Test("in worlds that do not change there is no alarm and nothing adapts", arguments: 1...3)
    func stationary(world: Int) throws {
        let record = try run(try TemporaryFolder(), ["world.seed=\(world)"]).record
        for name in ["books", "movies"] {
            let domain = try domain(name, record)
            #expect(domain["false-alarms"] as? Int == 0, "\(name)")
            #expect(domain["change"] == nil && domain["delay"] == nil)
            let windows = try #require(domain["windows"] as? [[String: Any]])
            #expect(windows.allSatisfy { $0["adapted"] as? Bool == false && $0["users"] as? Int ?? 0 > 100 })
        }
    }

    @Test("a shift of ratings is noticed though it moves no choice, and nothing adapts to it")
    func ratings() throws {
        let (record, output) = try run(
            try TemporaryFolder(),
            ["world.drift.time=0.75", "world.drift.scale-shift=-0.5", "world.drift.domain=books"])
        let books = try domain("books", record)
        let windows = try #require(books["windows"] as? [[String: Any]])
        let alarms = windows.compactMap { $0["alarms"] as? [String] }.filter { !$0.isEmpty }
        #expect(alarms == [["ratings"]])
        #expect(try #require(books["delay"] as? Int) <= 1)
        #expect(books["false-alarms"] as? Int == 0 && books["recovery"] == nil)
        #expect(windows.allSatisfy { $0["adapted"] as? Bool == false })
        #expect(try domain("movies", record)["false-alarms"] as? Int == 0)
        #expect(output.contains("of ratings"), "\(output)")
    }

    @Test("a source's recommendations fade what its persons did before a change, as the run does")
    func recommendations() throws {
        func list(_ halfLife: String) throws -> [String] {
            let folder = try TemporaryFolder()
            let turned = DriftTests.turned.map { $0.replacingOccurrences(of: "domain=books", with: "domain=movies") }
            _ = try run(folder, turned + ["drift.person-half-life=\(halfLife)"])
            let seed = try folder.seedFolder("small", seed: 1)
            // Not every person of the world watches movies.
            return try (1...9).map { number in
                let output = try FerryProcess.run(
                    ["recommend", seed, "--client", "movies", "--user", "person-000\(number)", "-n", "20", "--json"])
                return output.exitCode == 0 ? output.standardOutput : ""
            }
        }
        // The half-life of persons changes no item factors. Who was there in one of the two times alone has the same list.
        let (short, long) = (try list("0.1"), try list("1000"))
        #expect(short.count { !$0.isEmpty } >= 5)
        #expect(zip(short, long).contains { !$0.isEmpty && $0 != $1 })
        #expect(zip(short, long).allSatisfy { $0.isEmpty == $1.isEmpty })
    }
}
