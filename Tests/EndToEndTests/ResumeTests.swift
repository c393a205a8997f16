import Foundation
import TestSupport
import Testing

/// A file system of a given size, in memory.
final class SmallDisk {
    /// Whether this machine lets the test mount one; it says why not.
    static let isPossible: Bool = {
        guard let folder = try? TemporaryFolder(), (try? SmallDisk("\(folder.path)/disk", kilobytes: 16)) != nil else {
            print("skipped: a full disk needs the right to mount one")
            return false
        }
        return true
    }()

    let path: String

    init(_ path: String, kilobytes: Int) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try SmallDisk.run(["mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path])
    }

    deinit { try? SmallDisk.run(["umount", path]) }

    /// Makes room.
    func grow(kilobytes: Int) throws { try SmallDisk.run(["mount", "-o", "remount,size=\(kilobytes)k", path]) }

    private static func run(_ command: [String]) throws {
        guard runs(command) else { throw FerryProcess.Failure(command.joined(separator: " ")) }
    }
}

/// Runs that are stopped, killed or out of room, and that are gone on with.
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

    /// Breaks a run of one seed off with a signal at each moment, goes on with it to its end, and holds its record against
    /// that of one that was not; returns its folder and the last attempt.
    private func breakOff(
        _ breaks: [(moment: String, signal: Int32)], then check: (TemporaryFolder, FerryProcess.Output) -> Void
    ) throws -> (folder: TemporaryFolder, resumed: FerryProcess.Output) {
        let whole = try TemporaryFolder()
        let path = try whole.write(Self.scenario(""), to: "small.yaml")
        #expect(try FerryProcess.run(["run", "-q", path, "--output", "\(whole.path)/out"]).exitCode == 0)
        let folder = try TemporaryFolder()
        let again = try folder.write(Self.scenario(""), to: "small.yaml")
        for (moment, signal) in breaks {
            let ferry = try FerryProcess(["run", again, "--output", "\(folder.path)/out", "--resume"])
            _ = try ferry.waitForLine(containing: moment)
            kill(ferry.processID, signal)
            check(folder, try ferry.finish())
        }
        let resumed = try FerryProcess.run(["run", again, "--output", "\(folder.path)/out", "--resume"])
        #expect(resumed.exitCode == 0, "\(resumed.standardError)")
        #expect(resumed.standardError.contains("seed 1 (1/1) goes on after round"))
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: "\(try seed(folder))/run.json"))
                == Data(contentsOf: URL(fileURLWithPath: "\(try seed(whole))/run.json")))
        return (folder, resumed)
    }

    @Test("a launcher that is killed and killed again in the middle of a seed is gone on with as well")
    func killedLauncher() throws {
        _ = try breakOff([("round 5/", SIGKILL), ("round 9/", SIGKILL)]) { #expect($1.exitCode == 128 + SIGKILL) }
    }

    @Test("a run of one seed that is stopped by Ctrl-C and stopped again is gone on with")
    func stopped() throws {
        let (folder, resumed) = try breakOff([("round 5/", SIGINT), ("round 9/", SIGTERM)]) { folder, output in
            #expect(output.exitCode == 130)
            #expect(output.standardError.contains("the same command with --resume goes on from there"))
            #expect(!folder.files().contains { $0.contains("partial") })
        }
        let goesOn = resumed.standardError.firstMatch(of: /seed 1 \(1\/1\) goes on after round ([0-9]+)/)
        #expect(try #require(goesOn.flatMap { Int($0.1) }) >= 8)
        #expect(!folder.files().contains { $0.contains("partial") || $0.contains("incomplete") })
    }

    @Test("what a stopped attempt wrote at its end is gone as soon as it is gone on with")
    func earlierRecord() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.scenario(""), to: "small.yaml")
        let arguments = ["run", path, "--output", "\(folder.path)/out", "--resume"]
        let stopped = try FerryProcess(arguments)
        _ = try stopped.waitForLine(containing: "round 5/")
        kill(stopped.processID, SIGINT)
        #expect(try stopped.finish().exitCode == 130)
        let ends = ["environment.json", "run.json", "privacy.json", "metrics.csv", "clients/persons/evaluation.json"]
        let seed = try seed(folder)
        for name in ends.dropLast() { #expect(FileManager.default.fileExists(atPath: "\(seed)/\(name)"), "\(name)") }
        // As if the attempt had got as far as that.
        try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(seed)/\(ends[4])"))
        let killed = try FerryProcess(arguments)
        _ = try killed.waitForLine(containing: "round 9/")
        kill(killed.processID, SIGKILL)
        #expect(try killed.finish().exitCode == 128 + SIGKILL)
        let staging = try #require(
            try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out/small").first {
                $0.contains("partial")
            })
        for name in ends {
            #expect(
                !FileManager.default.fileExists(atPath: "\(folder.path)/out/small/\(staging)/seed-1/\(name)"), "\(name)"
            )
        }
        #expect(FileManager.default.fileExists(atPath: "\(folder.path)/out/small/\(staging)/seed-1/resume/journal"))
    }

    @Test(
        "a seed whose checkpoint or journal is damaged begins anew, with a warning",
        arguments: ["journal", "checkpoint"])
    func damaged(what: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.scenario(""), to: "small.yaml")
        let arguments = ["run", path, "--output", "\(folder.path)/out", "--resume"]
        let stopped = try FerryProcess(arguments)
        _ = try stopped.waitForLine(containing: "round 9/")
        kill(stopped.processID, SIGINT)
        #expect(try stopped.finish().exitCode == 130)
        let file = "\(try seed(folder))/resume/\(what == "journal" ? "journal" : "checkpoint.json")"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        if what == "journal" {
            bytes[bytes.count / 2] ^= 1
        } else {
            let text = String(decoding: bytes, as: UTF8.self)
            bytes = Data(text.replacing(/"journalByteCount":[0-9]+/, with: "\"journalByteCount\":4398046511104").utf8)
        }
        try bytes.write(to: URL(fileURLWithPath: file))
        let resumed = try FerryProcess.run(arguments)
        #expect(resumed.exitCode == 0, "\(resumed.standardError)")
        #expect(resumed.standardError.contains("warning: seed 1 begins anew: the checkpoint in "))
        #expect(resumed.standardError.contains("round 1/"))
        let place = try TemporaryFolder.only("\(folder.path)/out/small")
        #expect(!FileManager.default.fileExists(atPath: "\(place)/seed-1/resume"))
    }

    @Test("an attempt that begins anew and is stopped does not take the place of one that got further")
    func forgottenResume() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            Self.scenario("").replacingOccurrences(of: "target:", with: "seeds: [1, 2]\ntarget:"), to: "small.yaml")
        func stop(_ moment: String, _ more: [String] = []) throws {
            let ferry = try FerryProcess(["run", path, "--output", "\(folder.path)/out"] + more)
            _ = try ferry.waitForLine(containing: moment)
            kill(ferry.processID, SIGINT)
            #expect(try ferry.finish().exitCode == 130)
        }
        try stop("round 5/")
        try stop("seed 2 (2/2) · round 4/", ["--resume"])
        // Of the two others the one that got further stays.
        try stop("round 9/")
        try stop("round 3/")
        let resumed = try FerryProcess.run(["run", path, "--output", "\(folder.path)/out", "--resume"])
        #expect(resumed.exitCode == 0, "\(resumed.standardError)")
        #expect(resumed.standardError.contains("seed 1 (1/2) is finished already"))
        #expect(resumed.standardError.contains("seed 2 (2/2) goes on after round"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out/small").count == 1)
    }

    @Test(
        "a run that fills the disk keeps its rounds, and goes on once there is room",
        .enabled(if: SmallDisk.isPossible),
        // In the common tower, in later rounds, in the evaluation, in the record, and in the second seed.
        arguments: [40, 200, 1_000, 1_200, 1_400, 1_600, 1_800, 2_000, 2_400])
    func fullDisk(kilobytes: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Fixture.scenario(extra: "seeds: [1, 2]", persons: 600), to: "small.yaml")
        #expect(try FerryProcess.run(["run", "-q", path, "--output", "\(folder.path)/whole"]).exitCode == 0)
        let disk = try SmallDisk("\(folder.path)/disk", kilobytes: kilobytes)
        let full = try FerryProcess.run(["run", path, "--output", "\(disk.path)/out"])
        #expect(full.exitCode == 74)
        #expect(full.standardError.contains("No space left on device"), "\(full.standardError)")
        #expect(
            full.standardError.contains("the same command with --resume goes on from there"), "\(full.standardError)")
        try disk.grow(kilobytes: 100_000)
        let resumed = try FerryProcess.run(["run", path, "--output", "\(disk.path)/out", "--resume"])
        #expect(resumed.exitCode == 0, "\(resumed.standardError)")
        #expect(
            resumed.standardError.contains("goes on after round")
                || resumed.standardError.contains("is finished already"), "\(resumed.standardError)")
        let place = try TemporaryFolder.only("\(disk.path)/out/small")
        let whole = try TemporaryFolder.only("\(folder.path)/whole/small")
        for name in [
            "summary.json", "seed-1/run.json", "seed-1/privacy.json", "seed-2/run.json", "seed-2/privacy.json",
        ] {
            let isEqual =
                try Data(contentsOf: URL(fileURLWithPath: "\(place)/\(name)"))
                == Data(contentsOf: URL(fileURLWithPath: "\(whole)/\(name)"))
            #expect(isEqual, "\(name)")
        }
        for seed in 1...2 { #expect(!FileManager.default.fileExists(atPath: "\(place)/seed-\(seed)/resume")) }
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
