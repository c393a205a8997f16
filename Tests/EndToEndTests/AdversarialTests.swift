import Foundation
import TestSupport
import Testing

/// `transfer.method: adversarial` with real processes.
@Suite(.serialized)
struct AdversarialTests {
    private static let scenario = """
        name: game
        world:
          persons: 300
          overlap: 1
          items: 300
          interactions: 25
          domain-gap: 0.2
          item-vectors: dense
          shortcut: {domain: movies, length: 0.7}
        clients:
          - {id: movies, domain: movies, data: {format: synthetic}}
          - {id: books, domain: books, data: {format: synthetic}}
          - {id: persons, domain: persons, links: [movies, books]}
        target: books
        text: {dimension: 9}
        model: {factors: 8, regularization: 10, confidence: 10, iterations: 3}
        transfer: {method: adversarial, adversarial: {rounds: 120}}
        evaluation: {split: seeded, baselines: [], cold-users: 0.5, shots: [0, 2]}

        """

    private func run(
        _ folder: TemporaryFolder, _ overrides: [String] = []
    ) throws -> (record: RecordOfRun, run: String) {
        let scenario = try folder.write(AdversarialTests.scenario, to: "game.yaml")
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path] + overrides.flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        let seed = try folder.seedFolder("game", seed: 1)
        return (try RecordOfRun("\(seed)/run.json"), seed)
    }

    @Test("the adversary hides the domain from discriminators that had no part in the game, and the ranking gains")
    func transfers() throws {
        let folder = try TemporaryFolder()
        let first = try run(folder)
        let second = try run(try TemporaryFolder())
        #expect(first.record.bytes == second.record.bytes && first.record.bytes.count > 1_000)
        #expect(first.record.object["rounds"] as? Int == 5 + 120 * 10)
        func measure(_ name: String) throws -> (before: Double, after: Double) {
            let all = first.record.object["discrepancy"] as? [[String: Any]] ?? []
            let found = try #require(all.first { $0["measure"] as? String == name })
            return (found["before"] as? Double ?? .nan, found["after"] as? Double ?? .nan)
        }
        for name in ["linear-probe-accuracy", "quadratic-probe-accuracy", "discriminator-accuracy"] {
            let accuracy = try measure(name)
            #expect(accuracy.before > 0.65 && accuracy.after < accuracy.before - 0.05, "\(name): \(accuracy)")
        }
        let with = try #require(first.record.value("adversarial-ungated", 0))
        #expect(with > (try #require(first.record.value("source-only", 0))))
        #expect(with > (try #require(first.record.value("shuffled-source-ungated", 0))))
        // Exchanges have no checkpoints of their own.
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(first.run)/checkpoints")
        #expect(names.count < 10)
        let output = try FerryProcess.run(["recommend", first.run, "--client", "persons", "--user-id", "person-1"])
        #expect(output.exitCode == 0 || output.standardError.contains("person-1"), "\(output.standardError)")
    }

    @Test(
        "networks with hidden layers, a conditional discriminator, target preferences and shared domains run to their end",
        arguments: [
            ["transfer.adversarial.extractor=tanh", "transfer.adversarial.discriminator=linear"],
            ["transfer.adversarial.extractor=relu", "transfer.adversarial.bins=3"],
            ["transfer.adversarial.target-preferences=true", "clients.movies.count=2", "clients.books.count=2"],
        ])
    func variants(_ overrides: [String]) throws {
        let record = try run(try TemporaryFolder(), overrides + ["transfer.adversarial.rounds=10"]).record
        for method in ["adversarial", "adversarial-ungated", "source-only", "shuffled-source"] {
            for shots in [0, 2] { #expect(try #require(record.value(method, shots)) > 0, "\(method), \(shots)") }
        }
    }
}
