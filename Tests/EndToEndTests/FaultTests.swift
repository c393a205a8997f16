import Foundation
import TestSupport
import Testing

/// What the scenario makes go wrong on purpose.
@Suite(.serialized)
struct FaultTests {
    /// Rounds 2 to 7 are of the factors of both domains, 8 of the encoders.
    private static func scenario(_ events: String, _ extra: String = "") -> String {
        Fixture.scenario(
            extra: "evaluation: {baselines: []}\nfederation: {deadline: 3s, factor-rounds: 6, minimum-clients: 3}\n"
                + "faults: {events: [\(events)]}\n\(extra)"
        ).replacingOccurrences(of: "{id: movies,", with: "{id: movies, count: 3,")
            .replacingOccurrences(of: "{id: books,", with: "{id: books, count: 3,")
    }

    private struct Absence: Equatable {
        let round: Int
        let client: String
        let cause: String
        let returned: Int?
    }

    /// Runs a scenario of events; the absences that its record tells.
    private func run(
        _ events: String, _ arguments: [String] = [], extra: String = ""
    ) throws -> (output: FerryProcess.Output, record: RecordOfRun, absences: [Absence], folder: TemporaryFolder) {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.scenario(events, extra), to: "small.yaml")
        let output = try FerryProcess.run(["run", path, "--output", "\(folder.path)/out"] + arguments)
        let seed = "\(try TemporaryFolder.only("\(folder.path)/out/small"))/seed-1"
        let record = try RecordOfRun("\(seed)/run.json")
        let absences = (record.object["absences"] as? [[String: Any]] ?? []).map {
            Absence(
                round: $0["round"] as? Int ?? 0, client: $0["client"] as? String ?? "",
                cause: $0["cause"] as? String ?? "", returned: $0["returned"] as? Int)
        }
        return (output, record, absences, folder)
    }

    @Test(
        "a client that crashes in any phase is missing in its round, comes back when it should, and the record is the same each time",
        arguments: ["before-plan", "training", "sending"])
    func crash(phase: String) throws {
        let event = "{client: movies-2, kind: crash, round: 3, phase: \(phase), returns: 5}"
        let first = try run(event)
        #expect(first.output.exitCode == 0, "\(first.output.standardError)")
        #expect(first.absences == [Absence(round: 3, client: "movies-2", cause: "lost", returned: 5)])
        #expect((first.record.object["missing"] as? [String])?.isEmpty == true)
        #expect(first.output.standardError.contains("warning: client movies-2 was killed by signal 9"))
        #expect(
            first.output.standardOutput.contains(
                "seed 1, round 3 (factors): movies-2 was lost, took part again from round 5 on"))
        let second = try run(event, ["--set", "transport.kind=tcp", "--set", "transport.curve=true"])
        #expect(second.record.object["evaluation"] as? NSArray == first.record.object["evaluation"] as? NSArray)
        #expect(try run(event).record.bytes == first.record.bytes)
    }

    @Test("an update that had left before the crash counts, and the client is not asked any more")
    func crashAfterUpdate() throws {
        let found = try run("{client: movies-2, kind: crash, round: 3, phase: after-update}")
        #expect(found.output.exitCode == 0, "\(found.output.standardError)")
        #expect(found.absences.isEmpty)
        #expect(found.record.object["missing"] as? [String] == ["movies-2"])
        #expect(found.output.standardOutput.contains("missing: movies-2 was lost in seed 1"))
    }

    @Test("a damaged update is refused at once, its client named and asked again in the next round")
    func corrupt() throws {
        let found = try run(
            "{client: movies-1, kind: corrupt, round: 3, damage: bytes}, {client: books-2, kind: corrupt, round: 4, "
                + "damage: not-finite}, {client: movies-3, kind: corrupt, round: 5, damage: shape}, {client: books-3, "
                + "kind: drop, round: 6, loses: piece}")
        #expect(found.output.exitCode == 0, "\(found.output.standardError)")
        #expect(
            found.absences
                == [(3, "movies-1"), (4, "books-2"), (5, "movies-3"), (6, "books-3")].map {
                    Absence(round: $0.0, client: $0.1, cause: "refused", returned: nil)
                })
        #expect((found.record.object["missing"] as? [String])?.isEmpty == true)
        for sentence in [
            "round 3: the update of client movies-1 is refused", "round 4: the update of client books-2 is refused",
            "round 5: the update of client movies-3 is refused", "round 6: the update of client books-3 is refused",
        ] {
            #expect(found.output.standardError.contains(sentence), "\(found.output.standardError)")
        }
        #expect(
            found.output.standardOutput.contains(
                "seed 1, round 4 (factors): the update of books-2 was damaged and refused, the client stayed"))
        let seed = try found.folder.seedFolder("out/small", seed: 1)
        let rounds = try String(contentsOfFile: "\(seed)/rounds.csv", encoding: .utf8).split(separator: "\n")
        #expect(rounds[0].hasSuffix(",why,returned"))
        #expect(rounds[4].contains(",books-2,") && rounds[4].contains("books-2 "), "\(rounds[4])")
    }

    @Test("one who answers late and one who does not are left out at the deadline, and may come back")
    func late() throws {
        let found = try run(
            "{client: movies-2, kind: delay, round: 3, late-by: 500ms, returns: 5}, {client: books-2, kind: drop, round: 4}"
        )
        #expect(found.output.exitCode == 0, "\(found.output.standardError)")
        #expect(
            found.absences
                == [
                    Absence(round: 3, client: "movies-2", cause: "late", returned: 5),
                    Absence(round: 4, client: "books-2", cause: "late", returned: nil),
                ])
        #expect(found.record.object["missing"] as? [String] == ["books-2"])
    }

    @Test(
        "too few answers end the run with 69, with all that is finished and a line that says how to go on, which works")
    func tooFew() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            Self.scenario("{client: movies-2, kind: crash, round: 5}").replacingOccurrences(
                of: "minimum-clients: 3", with: "minimum-clients: 7"), to: "small.yaml")
        let arguments = ["run", path, "--output", "\(folder.path)/out"]
        let stopped = try FerryProcess.run(arguments)
        #expect(stopped.exitCode == 69)
        #expect(stopped.standardError.contains("6 of 7 clients are left, federation.minimum-clients is 7"))
        #expect(stopped.standardError.contains("the same command with --resume goes on from there"))
        let seed = try folder.seedFolder("out/small", seed: 1)
        #expect(try String(contentsOfFile: "\(seed)/run.json", encoding: .utf8).contains("\"status\" : \"peer-lost\""))
        #expect(FileManager.default.fileExists(atPath: "\(seed)/clients/movies-1/ledger.jsonl"))
        // What ended the run is over, also for an attempt after one that was stopped at once.
        for signal in [SIGINT, SIGKILL] {
            let again = try FerryProcess(arguments + ["--resume"])
            _ = try again.waitForLine(containing: "seed 1 (1/1) goes on after round 4")
            kill(again.processID, signal)
            #expect(try again.finish().exitCode == (signal == SIGINT ? 130 : 128 + SIGKILL))
        }
        let resumed = try FerryProcess.run(arguments + ["--resume"])
        #expect(resumed.exitCode == 0, "\(resumed.standardError)")
        #expect(resumed.standardError.contains("seed 1 (1/1) goes on after round"))
        #expect(!resumed.standardError.contains("round 4/"))
        #expect(!FileManager.default.fileExists(atPath: "\(seed)/resume"))
    }

    @Test(
        "a client that is killed in any phase is noticed within a second and named",
        arguments: ["before-plan", "training", "sending", "after-update"])
    func noticed(phase: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            Self.scenario("{client: books-2, kind: crash, round: 3, phase: \(phase)}").replacingOccurrences(
                of: "minimum-clients: 3", with: "minimum-clients: 7"), to: "small.yaml")
        let ferry = try FerryProcess(["run", path, "--output", "\(folder.path)/out"])
        _ = try ferry.waitForLine(containing: "client books-2 was killed by signal 9")
        let noticed = Date()
        let output = try ferry.finish()
        #expect(output.exitCode == 69)
        let seed = try folder.seedFolder("out/small", seed: 1)
        let marks = try FileManager.default.attributesOfItem(atPath: "\(seed)/clients/books-2/faults.jsonl")
        let killed = try #require(marks[.modificationDate] as? Date)
        let elapsed = noticed.timeIntervalSince(killed)
        #expect(elapsed < 1, "it took \(elapsed) s")
    }
}
