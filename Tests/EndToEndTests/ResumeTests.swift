import Foundation
import TestSupport
import Testing

/// Runs whose coordinator or launcher is killed, and that are gone on with.
@Suite(.serialized)
struct ResumeTests {
    /// A run whose rounds take long enough to be met.
    private static func scenario(_ extra: String) -> String {
        var text = Fixture.scenario(extra: extra, persons: 600)
        if extra.contains("factor-rounds") {
            let count = extra.contains("mode: async") ? 4 : 2
            text = text.replacingOccurrences(of: "{id: movies,", with: "{id: movies, count: \(count),")
        }
        return text
    }

    struct Kind: Sendable, CustomTestStringConvertible {
        let extra: String
        /// What progress says when the coordinator is killed, in one run each.
        let moments: [String]
        var testDescription: String { extra }
    }

    static let kinds = [
        // In the rounds of the common tower, in the encoders, in selection, in the second encoders, in the evaluation.
        Kind(extra: "", moments: ["round 1/", "round 6/", "round 8/", "round 15/", "round 17/"]),
        Kind(
            extra: "evaluation: {baselines: []}\nfederation: {strategy: scaffold, local-steps: 1, factor-rounds: 12}",
            moments: ["round 5/", "round 20/"]),
        Kind(
            extra: "evaluation: {baselines: []}\nfederation: {strategy: fedadam, local-steps: 1, factor-rounds: 12}",
            moments: ["round 6/"]),
        // What a format leaves over of earlier updates is in the clients, which make it anew.
        Kind(
            extra:
                "evaluation: {baselines: []}\nfederation: {strategy: scaffold, local-steps: 1, factor-rounds: 12, update-format: top-k}",
            moments: ["round 6/", "round 20/"]),
        Kind(
            extra:
                "evaluation: {baselines: []}\nfederation: {strategy: gradient, factor-rounds: 12, update-format: int8}",
            moments: ["round 8/"]),
        // With updates that are on their way in simulated time.
        Kind(
            extra: "evaluation: {baselines: []}\nfederation: {strategy: scaffold, local-steps: 1, factor-rounds: 12, "
                + "mode: async, buffer: 1, staleness: 3, speed-spread: 1}",
            moments: ["round 4/", "round 9/", "round 20/"]),
        Kind(extra: "evaluation: {baselines: []}\ntransfer: {method: meta, meta: {rounds: 8}}", moments: ["round 5/"]),
        Kind(
            extra: "evaluation: {baselines: []}\ntransfer: {method: adversarial, adversarial: {rounds: 12}}",
            moments: ["round 50/"]),
        Kind(
            extra: "evaluation: {baselines: []}\ntransfer: {map: mlp, mlp: {rounds: 80}}", moments: ["round 50/"]),
        Kind(
            extra: "transfer: {dimension: 4, source-dimension: 4}\nprivacy: {mode: silo, epsilon: 2}",
            moments: ["round 7/", "round 8/"]),
        Kind(
            extra: "transfer: {dimension: 4, source-dimension: 4}\nprivacy: {mode: central, epsilon: 2}",
            moments: ["round 7/"]),
    ]

    private func seed(_ folder: TemporaryFolder) throws -> String { try folder.seedFolder("out/small", seed: 1) }

    @Test(
        "a run whose coordinator is killed goes on from its last round and ends, byte for byte, as one that was not",
        arguments: kinds)
    func killedCoordinator(kind: Kind) throws {
        let whole = try TemporaryFolder()
        let path = try whole.write(Self.scenario(kind.extra), to: "small.yaml")
        #expect(try FerryProcess.run(["run", "-q", path, "--output", "\(whole.path)/out"]).exitCode == 0)
        for moment in kind.moments {
            let folder = try TemporaryFolder()
            let path = try folder.write(Self.scenario(kind.extra), to: "small.yaml")
            let ferry = try FerryProcess(["run", path, "--output", "\(folder.path)/out"])
            _ = try ferry.waitForLine(containing: moment)
            try ferry.killChild("ferry coordinator")
            let killed = try ferry.finish()
            #expect(killed.exitCode == 69, "\(killed.standardError)")
            let resumed = try FerryProcess.run(["run", path, "--output", "\(folder.path)/out", "--resume"])
            #expect(resumed.exitCode == 0, "\(moment): \(resumed.standardError)")
            #expect(resumed.standardError.contains("goes on after round"), "\(moment)")
            for name in ["run.json", "privacy.json", "metrics.csv", "rounds.csv"] {
                let isEqual =
                    try Data(contentsOf: URL(fileURLWithPath: "\(try seed(folder))/\(name)"))
                    == Data(contentsOf: URL(fileURLWithPath: "\(try seed(whole))/\(name)"))
                #expect(isEqual, "\(name) after \(moment)")
            }
            #expect(!FileManager.default.fileExists(atPath: "\(try seed(folder))/resume"))
        }
    }

    @Test("a launcher that is killed and killed again in the middle of a seed is gone on with as well")
    func killedLauncher() throws {
        let whole = try TemporaryFolder()
        let path = try whole.write(Self.scenario(""), to: "small.yaml")
        #expect(try FerryProcess.run(["run", "-q", path, "--output", "\(whole.path)/out"]).exitCode == 0)
        let folder = try TemporaryFolder()
        let again = try folder.write(Self.scenario(""), to: "small.yaml")
        for moment in ["round 5/", "round 9/"] {
            let ferry = try FerryProcess(["run", again, "--output", "\(folder.path)/out", "--resume"])
            _ = try ferry.waitForLine(containing: moment)
            kill(ferry.processID, SIGKILL)
            #expect(try ferry.finish().exitCode == 128 + SIGKILL)
        }
        let resumed = try FerryProcess.run(["run", again, "--output", "\(folder.path)/out", "--resume"])
        #expect(resumed.exitCode == 0, "\(resumed.standardError)")
        #expect(resumed.standardError.contains("seed 1 (1/1) goes on after round"))
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: "\(try seed(folder))/run.json"))
                == Data(contentsOf: URL(fileURLWithPath: "\(try seed(whole))/run.json")))
    }

    @Test(
        "with noise from the system what was released and is released again is charged twice, and the chain is intact")
    func secureNoise() throws {
        let extra =
            "transfer: {dimension: 4, source-dimension: 4}\nprivacy: {mode: silo, epsilon: 2}\n"
            + "faults: {events: [{client: persons, kind: crash, round: 8, phase: sending}]}\n"
            + "federation: {minimum-clients: 3}\n"
        func bridge(_ folder: TemporaryFolder) throws -> (entries: Int, epsilon: Double) {
            let record = try RecordOfRun("\(try seed(folder))/run.json")
            let privacy = record.object["privacy"] as? [String: Any]
            let releases = privacy?["releases"] as? [[String: Any]] ?? []
            let own = releases.first { $0["name"] as? String == "bridge" }?["epsilon"] as? [String: Any]
            let ledger =
                try JSONSerialization.jsonObject(
                    with: Data(contentsOf: URL(fileURLWithPath: "\(try seed(folder))/privacy.json"))) as? [String: Any]
            let entries = (ledger?["entries"] as? [[String: Any]] ?? []).filter { $0["release"] as? String == "bridge" }
            return (entries.count, own?["coordinator"] as? Double ?? .nan)
        }
        for isSecure in [true, false] {
            let folder = try TemporaryFolder()
            let path = try folder.write(Self.scenario(extra), to: "small.yaml")
            let arguments =
                ["run", path, "--output", "\(folder.path)/out"] + (isSecure ? ["--secure-randomness"] : [])
            #expect(try FerryProcess.run(arguments).exitCode == 69)
            let resumed = try FerryProcess.run(arguments + ["--resume"])
            #expect(resumed.exitCode == 0, "\(resumed.standardError)")
            let found = try bridge(folder)
            #expect(found.entries == (isSecure ? 2 : 1))
            #expect(isSecure ? found.epsilon > 2.5 : found.epsilon <= 2.0001, "\(found)")
        }
    }
}
