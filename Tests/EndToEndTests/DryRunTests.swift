import Foundation
import TestSupport
import Testing

/// What `--dry-run` says against what then happens.
@Suite(.serialized)
struct DryRunTests {
    /// Kind and direction with messages, frames and bytes.
    private func forecast(_ text: String) -> [String: [Int]] {
        var out: [String: [Int]] = [:]
        for line in text.split(separator: "\n") {
            let cells = line.split(separator: " ").map(String.init)
            guard cells.count == 5, ["up", "down"].contains(cells[1]) else { continue }
            out["\(cells[0]) \(cells[1])"] = cells[2...].compactMap { Int($0) }
        }
        return out
    }

    private func recorded(_ path: String) throws -> [String: [Int]] {
        let object =
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any]
        var out: [String: [Int]] = [:]
        for row in object?["traffic"] as? [[String: Any]] ?? [] {
            let numbers = ["messages", "frames", "bytes"].compactMap { row[$0] as? Int }
            out["\(row["kind"] as? String ?? "") \(row["direction"] as? String ?? "")"] = numbers
        }
        return out
    }

    @Test(
        "the messages that a dry run promises are those that cross, to the byte, and it leaves nothing",
        arguments: [
            "", "transfer: {method: meta, meta: {rounds: 3}}",
            "federation: {strategy: median, local-steps: 1, factor-rounds: 3}",
            "federation: {strategy: scaffold, local-steps: 1, factor-rounds: 2}", "federation: {factor-rounds: 2}",
            "transfer: {alignment: text}", "transfer: {method: adversarial, adversarial: {rounds: 2}}",
            "evaluation: {split: seeded, baselines: []}",
        ])
    func exact(_ extra: String) throws {
        let folder = try TemporaryFolder()
        var text = Fixture.scenario(extra: extra)
        if extra.contains("federation") {
            text = text.replacingOccurrences(of: "{id: movies,", with: "{id: movies, count: 3,")
        }
        if extra.contains("alignment: text") {
            text = text.replacingOccurrences(
                of: "  - {id: persons, domain: persons, links: [movies, books]}\n", with: "")
        }
        let scenario = try folder.write(text, to: "small.yaml")
        let dry = try FerryProcess.run(["run", "--dry-run", scenario, "--output", "\(folder.path)/out"])
        #expect(dry.exitCode == 0, "\(dry.standardError)")
        #expect(folder.files() == ["small.yaml"])
        #expect(dry.standardOutput.contains("books 120, movies 120"))
        #expect(dry.standardOutput.contains("exact while every client stays"))
        #expect(dry.standardOutput.contains("privacy: none – item factors and moments cross unprotected"))
        #expect(dry.standardOutput.contains("every update of a round of median") == extra.contains("median"))
        let run = try FerryProcess.run(["run", "-q", scenario, "--output", "\(folder.path)/out"])
        #expect(run.exitCode == 0, "\(run.standardError)")
        let seed = "\(try TemporaryFolder.only("\(folder.path)/out/small"))/seed-1"
        #expect(try forecast(dry.standardOutput) == recorded("\(seed)/wire.json"))
    }

    /// What is said of privacy, without the tense.
    private func privacy(_ text: String) -> String {
        let lines = text.split(separator: "\n").drop { !$0.hasPrefix("privacy:") }
        let section = lines.dropFirst().prefix { $0.hasPrefix("  ") && !$0.contains("unprotected releases:") }
        return (lines.prefix(1) + section).joined(separator: "\n")
            .replacing("crossed", with: "cross").replacing("crosses", with: "cross")
    }

    @Test(
        "ε of each release against each adversary is known before a run, in the words of the run",
        arguments: [
            ([], "privacy: none"),
            (["privacy.mode=silo", "privacy.epsilon=2"], "coordinator 2.000, peer 2.000, model 2.000, conditional on"),
            (["privacy.mode=central", "privacy.epsilon=2"], "against coordinator no bound, peer 2.000, model 2.000"),
            (["privacy.mode=distributed", "privacy.epsilon=2", "clients.persons.count=3"], "model 2.000"),
            (["privacy.mode=local", "privacy.epsilon=4", "privacy.neighbouring=replace-one"], "replace-one"),
            (["privacy.mode=silo", "privacy.epsilon=1", "privacy.encoders=disjoint"], "persons of the encoders"),
            (
                ["privacy.mode=silo", "privacy.epsilon=4", "transfer.method=meta", "transfer.meta.rounds=3"],
                "ε of meta.gradient"
            ),
            (["privacy.mode=silo", "privacy.epsilon=none"], "privacy: none"),
        ])
    func epsilon(_ overrides: [String], _ words: String) throws {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(), to: "small.yaml")
        let small = ["transfer.dimension=4", "transfer.source-dimension=4", "evaluation.baselines=[]"]
        let settings = (small + overrides).flatMap { ["--set", $0] }
        let dry = try FerryProcess.run(["run", "--dry-run", scenario] + settings)
        #expect(dry.exitCode == 0, "\(dry.standardError)")
        #expect(dry.standardOutput.contains(words), "\(dry.standardOutput)")
        let run = try FerryProcess.run(["run", "-q", scenario, "--output", "\(folder.path)/out"] + settings)
        #expect(run.exitCode == 0, "\(run.standardError)")
        #expect(privacy(dry.standardOutput) == privacy(run.standardOutput))
        #expect(privacy(dry.standardOutput).hasPrefix("privacy:"))
    }

    @Test("a dry run reads the data and says what is wrong with it; validate says what a robust strategy holds")
    func data() throws {
        let folder = try TemporaryFolder()
        let files = try folder.write(Fixture.fileScenario, to: "files.yaml")
        let missing = try FerryProcess.run(["run", "--dry-run", files])
        #expect(missing.exitCode == 66, "\(missing.standardError)")
        let text = Fixture.scenario(extra: "federation: {strategy: krum}")
            .replacingOccurrences(of: "{id: movies,", with: "{id: movies, count: 7,")
        let robust = try FerryProcess.run(["validate", try folder.write(text, to: "small.yaml")])
        #expect(robust.exitCode == 0, "\(robust.standardError)")
        #expect(
            robust.standardOutput.contains(
                "krum holds every update of a round: 7 clients of movies, 224 bytes an item, 0.22 MB for 1,000 items"))
    }
}
