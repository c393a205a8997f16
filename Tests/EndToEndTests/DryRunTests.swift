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
            "federation: {strategy: scaffold, local-steps: 1, factor-rounds: 2}",
            "federation: {local-steps: 1, factor-rounds: 2, update-format: int8}",
            "federation: {strategy: scaffold, local-steps: 1, factor-rounds: 2, update-format: top-k}",
            "federation: {factor-rounds: 2}",
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
        #expect(dry.standardOutput.contains("UNPROTECTED. Privacy mode none: nothing is clipped and no noise"))
        #expect(dry.standardOutput.contains("releases cross as they are: "))
        #expect(dry.standardOutput.contains("every update of a round of median") == extra.contains("median"))
        let run = try FerryProcess.run(["run", "-q", scenario, "--output", "\(folder.path)/out"])
        #expect(run.exitCode == 0, "\(run.standardError)")
        let seed = "\(try TemporaryFolder.only("\(folder.path)/out/small"))/seed-1"
        #expect(try forecast(dry.standardOutput) == recorded("\(seed)/wire.json"))
    }

    /// What is said of privacy.
    private func privacy(_ text: String) -> String {
        let lines = text.split(separator: "\n").drop { !$0.contains("Privacy mode ") }
        return (lines.prefix(1) + lines.dropFirst().prefix { $0.hasPrefix("  ") }).joined(separator: "\n")
    }

    @Test(
        "ε of each release against each adversary is known before a run, in the words of the run",
        arguments: [
            ([], "UNPROTECTED. Privacy mode none"),
            (["privacy.mode=silo", "privacy.epsilon=2"], "The release bridge has ε = 2"),
            (
                ["privacy.mode=central", "privacy.epsilon=2"],
                "no bound against the coordinator and the coordinator with other clients (colluders)"
            ),
            (
                ["privacy.mode=distributed", "privacy.epsilon=2", "clients.persons.count=3"],
                "whoever gets the released model (model)"
            ),
            (["privacy.mode=local", "privacy.epsilon=4", "privacy.neighbouring=replace-one"], "replace-one"),
            (
                ["privacy.mode=silo", "privacy.epsilon=1", "privacy.encoders=disjoint"],
                "Persons of the cohort encoders (50 % of those who train)"
            ),
            (
                ["privacy.mode=silo", "privacy.epsilon=4", "transfer.method=meta", "transfer.meta.rounds=3"],
                "The release meta.gradient, in 3 rounds together, has"
            ),
            (["privacy.mode=silo", "privacy.epsilon=none"], "UNPROTECTED. Privacy mode none"),
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
        #expect(privacy(dry.standardOutput).contains("Privacy mode "))
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
        let path = try folder.write(
            text.replacingOccurrences(of: "strategy: krum", with: "local-steps: 1, mode: async"), to: "small.yaml")
        let held = try FerryProcess.run(["validate", path])
        #expect(
            held.standardOutput.contains(
                "federation.mode: async holds every update until it arrives: 7 clients of movies, 224 bytes an item"),
            "\(held.standardOutput) \(held.standardError)")
        let dry = try FerryProcess.run(["run", "--dry-run", path])
        #expect(dry.standardOutput.contains("as if every round asked all clients; simulated time leaves some out"))
        #expect(
            !dry.standardOutput.contains("more with alarms") && dry.standardOutput.contains("every update until it"))
    }
}
