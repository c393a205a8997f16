import Foundation
import TestSupport
import Testing

/// What happens when something is wrong, or somebody dies.
@Suite(.serialized)
struct FailureTests {
    /// A run long enough to be met in the middle: the second seed is under way when the first is done.
    private func start(_ folder: TemporaryFolder, _ arguments: [String] = [], seeds: Int = 4) throws -> FerryProcess {
        let list = (1...seeds).map(String.init).joined(separator: ", ")
        let text = Fixture.scenario(extra: "seeds: [\(list)]", persons: 1_500)
            .replacingOccurrences(of: "iterations: 3", with: "iterations: 60")
        let scenario = try folder.write(text, to: "small.yaml")
        return try FerryProcess(["run", scenario, "--output", "\(folder.path)/out"] + arguments)
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start) / .seconds(1)
    }

    @Test("no process outlives a launcher that is killed")
    func killedLauncher() throws {
        let folder = try TemporaryFolder()
        let ferry = try start(folder)
        _ = try ferry.waitForLine(containing: "round 1/\(Fixture.roundCount)")
        #expect(ferry.children().count == 4)
        var output: FerryProcess.Output?
        let elapsed = try seconds {
            kill(ferry.processID, SIGKILL)
            output = try ferry.finish()
        }
        #expect(output?.exitCode == 128 + SIGKILL)
        #expect(elapsed < 1, "processes were left for \(elapsed) s")
    }

    @Test("a killed client is noticed at once and named, and too few clients end the run with 69")
    func killedClientEndsTheRun() throws {
        let folder = try TemporaryFolder()
        let ferry = try start(folder, ["--set", "federation.minimum-clients=3"])
        _ = try ferry.waitForLine(containing: "round 1/\(Fixture.roundCount)")
        var output: FerryProcess.Output?
        let elapsed = try seconds {
            try ferry.killChild("client books")
            output = try ferry.finish()
        }
        #expect(elapsed < 1, "it took \(elapsed) s")
        #expect(output?.exitCode == 69)
        #expect(output?.standardError.contains("client books was killed by signal 9") == true)
        #expect(output?.standardError.contains("federation.minimum-clients is 3") == true)
    }

    @Test("a run goes on without a killed client when minimum-clients allows, and the record names it")
    func killedClientIsMissing() throws {
        let folder = try TemporaryFolder()
        let ferry = try start(folder, seeds: 1)
        _ = try ferry.waitForLine(containing: "round 16/\(Fixture.roundCount) refit-encoders")
        try ferry.killChild("client movies")
        let output = try ferry.finish()
        #expect(output.exitCode == 0, "\(output.standardError)")
        #expect(output.standardError.contains("warning: client movies was killed by signal 9"))
        let run = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out/small")[0]
        let record = try String(contentsOfFile: "\(folder.path)/out/small/\(run)/seed-1/run.json", encoding: .utf8)
        #expect(record.contains("\"missing\" : [\n    \"movies\"\n  ]"))
    }

    @Test("a run that has lost its only persons client ends with 69 even when minimum-clients allows")
    func neededClientIsMissing() throws {
        let folder = try TemporaryFolder()
        let ferry = try start(folder, ["--set", "federation.minimum-clients=1"])
        _ = try ferry.waitForLine(containing: "round 1/\(Fixture.roundCount)")
        try ferry.killChild("client persons")
        let output = try ferry.finish()
        #expect(output.exitCode == 69)
        // Its connection may break before the launcher has noticed its end.
        #expect(
            output.standardError.contains("client persons was killed by signal 9")
                || output.standardError.contains("client persons does not receive"))
        #expect(
            output.standardError.contains("persons client is left")
                || output.standardError.contains("no client answered"))
    }

    @Test("a killed coordinator ends the run with 69")
    func killedCoordinator() throws {
        let folder = try TemporaryFolder()
        let ferry = try start(folder)
        _ = try ferry.waitForLine(containing: "round 1/\(Fixture.roundCount)")
        try ferry.killChild("ferry coordinator")
        let output = try ferry.finish()
        #expect(output.exitCode == 69)
        #expect(output.standardError.contains("the coordinator was killed by signal 9"))
    }

    @Test("Ctrl-C ends every process, keeps finished seeds and the rounds of the next, and leaves nothing half-written")
    func interrupt() throws {
        let folder = try TemporaryFolder()
        let ferry = try start(folder)
        _ = try ferry.waitForLine(containing: "seed 2 (2/4) · round 3/\(Fixture.roundCount)")
        kill(ferry.processID, SIGINT)
        let output = try ferry.finish()
        #expect(output.exitCode == 130)
        #expect(output.standardError.contains("finished seeds are kept: 1 of 4"))
        let run = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out/small")
        #expect(run.count == 1 && !run[0].contains("partial"))
        let place = "\(folder.path)/out/small/\(run[0])"
        let names = try FileManager.default.contentsOfDirectory(atPath: place).sorted()
        #expect(names == ["report.html", "seed-1", "seed-2", "summary.csv", "summary.json", "tables"])
        #expect(!folder.files().contains { $0.contains("partial") })
        #expect(output.standardError.contains("small/\(run[0]); the same command with --resume goes on from there"))
        // What is not finished is in no figure.
        func status(_ seed: Int) throws -> String? {
            try RecordOfRun("\(place)/seed-\(seed)/run.json").object["status"] as? String
        }
        #expect(try status(1) == "completed" && status(2) == "interrupted")
        #expect(try RecordOfRun("\(place)/summary.json").object["seeds"] as? [Int] == [1])
    }

    @Test("a resumed run keeps the finished seeds of one that was stopped or killed, and ends like one that was not")
    func resume() throws {
        let folder = try TemporaryFolder()
        let stopped = try start(folder)
        _ = try stopped.waitForLine(containing: "seed 2 (2/4) · round 3/\(Fixture.roundCount)")
        kill(stopped.processID, SIGINT)
        #expect(try stopped.finish().exitCode == 130)
        let killed = try start(folder, ["--resume"])
        _ = try killed.waitForLine(containing: "seed 2 (2/4) goes on after round")
        _ = try killed.waitForLine(containing: "seed 3 (3/4) · round 1/\(Fixture.roundCount)")
        kill(killed.processID, SIGKILL)
        #expect(try killed.finish(minutes: 1).exitCode == 128 + SIGKILL)
        let resumed = try start(folder, ["--resume"]).finish(minutes: 2)
        #expect(resumed.exitCode == 0, "\(resumed.standardError)")
        for seed in 1...2 {
            #expect(resumed.standardError.contains("seed \(seed) (\(seed)/4) is finished already"))
            #expect(!resumed.standardError.contains("seed \(seed) (\(seed)/4) · round"))
        }
        #expect(resumed.standardError.contains("seed 3 (3/4) goes on after round"))
        let run = try TemporaryFolder.only("\(folder.path)/out/small")
        #expect(!folder.files().contains { $0.contains("partial") || $0.contains("incomplete") })
        let whole = try TemporaryFolder()
        #expect(try start(whole).finish(minutes: 2).exitCode == 0)
        let other = try TemporaryFolder.only("\(whole.path)/out/small")
        for name in ["summary.json", "report.html"] + (1...4).map({ "seed-\($0)/run.json" }) {
            #expect(
                try Data(contentsOf: URL(fileURLWithPath: "\(run)/\(name)"))
                    == Data(contentsOf: URL(fileURLWithPath: "\(other)/\(name)")), "\(name)")
        }
        // A seed that is damaged, and one whose scenario was another, are run again.
        try Data("{".utf8).write(to: URL(fileURLWithPath: "\(run)/seed-2/run.json"))
        try Data("name: other".utf8).write(to: URL(fileURLWithPath: "\(run)/seed-4/scenario.yaml"))
        let repaired = try start(folder, ["--resume"]).finish(minutes: 2)
        #expect(repaired.exitCode == 0, "\(repaired.standardError)")
        for (seed, isKept) in [(1, true), (2, false), (3, true), (4, false)] {
            #expect(repaired.standardError.contains("seed \(seed) (\(seed)/4) is finished already") == isKept)
            #expect(repaired.standardError.contains("seed \(seed) (\(seed)/4) · round 1/") != isKept)
        }
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: "\(run)/summary.json"))
                == Data(contentsOf: URL(fileURLWithPath: "\(other)/summary.json")))
    }

    @Test("Ctrl-C where nothing can be gone on with leaves nothing behind")
    func interruptEarly() throws {
        let folder = try TemporaryFolder()
        // What crosses is recorded whole or not at all.
        let ferry = try start(folder, ["--record-wire"])
        _ = try ferry.waitForLine(containing: "round 1/\(Fixture.roundCount)")
        kill(ferry.processID, SIGTERM)
        let output = try ferry.finish()
        #expect(output.exitCode == 130)
        #expect(output.standardError.contains("nothing was finished"))
        #expect(folder.files() == ["small.yaml"])
    }

    @Test(
        "an error in the input is one clear sentence with the right exit code, and nothing is left behind",
        arguments: [
            ("key", Int32(65), "files.yaml:7: model.factor: unknown key; did you mean factors?"),
            ("missing", 66, "there is no file"),
            ("broken", 66, "books.inter:1000: expected 3 tab-separated fields, found 2"),
            ("folder", 66, "holds none of u.data, ratings.dat"), ("items", 66, "is not a readable file"),
            ("output", 74, "cannot write"),
        ])
    func inputErrors(_ name: String, _ code: Int32, _ sentence: String) throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(Fixture.interactions("movies", personCount: 150, salt: 1), to: "movies.inter")
        var books = Fixture.interactions("books", personCount: 150, salt: 1).split(separator: "\n").map(String.init)
        var text = Fixture.fileScenario
        var output = "\(folder.path)/out"
        switch name {
        case "key": text = text.replacingOccurrences(of: "{factors: 8", with: "{factor: 8")
        case "missing": text = text.replacingOccurrences(of: "movies.inter", with: "none.inter")
        case "broken": books[999] = "marked-person-0001\tmarked-books-item-1"
        case "folder":
            try FileManager.default.createDirectory(atPath: "\(folder.path)/sub", withIntermediateDirectories: false)
            text = text.replacingOccurrences(of: "movies.inter", with: "sub")
        case "items":
            try FileManager.default.createDirectory(atPath: "\(folder.path)/sub", withIntermediateDirectories: false)
            text = text.replacingOccurrences(of: "movies.inter", with: "movies.inter, items: sub")
        default: output = "/proc/no-such-folder"
        }
        _ = try folder.write(books.joined(separator: "\n") + "\n", to: "books.inter")
        let scenario = try folder.write(text, to: "files.yaml")
        let before = folder.files()
        let result = try FerryProcess.run(["run", scenario, "--output", output])
        #expect(result.exitCode == code)
        #expect(result.standardError.contains(sentence), "\(result.standardError)")
        #expect(result.standardError.split(separator: "\n").count == 1, "\(result.standardError)")
        #expect(result.standardOutput.isEmpty)
        #expect(folder.files() == before)
    }

    @Test("an endpoint in use is refused with 74")
    func endpointInUse() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) + listen(listener, 1) + getsockname(listener, address, &length)
            }
        }
        try #require(status == 0)
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(), to: "small.yaml")
        let endpoint = "tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        let output = try FerryProcess.run([
            "run", "-q", scenario, "--output", "\(folder.path)/out", "--set", "transport.kind=tcp", "--set",
            "transport.endpoint=\(endpoint)",
        ])
        #expect(output.exitCode == 74)
        #expect(
            output.standardError
                == "ferry: \(endpoint) is in use by another process; choose another transport.endpoint\n")
        #expect(folder.files() == ["small.yaml"])
    }

    @Test("a seed that fails keeps the seeds before it, with the failure's exit code")
    func laterSeedFails() throws {
        let folder = try TemporaryFolder()
        // So few persons that some seed has nobody to score.
        let text = Fixture.scenario(
            name: "tiny", extra: "seeds: [1, 2, 3, 4, 5, 6]\nevaluation: {warm-users: 0}", persons: 12
        )
        .replacingOccurrences(of: "items: 120, interactions: 15", with: "items: 40, interactions: 12")
        let scenario = try folder.write(text, to: "tiny.yaml")
        let output = try FerryProcess.run(["run", "-q", scenario, "--output", folder.path])
        #expect(output.exitCode == 66)
        #expect(output.standardError.contains("nothing can be scored"))
        let record = try TemporaryFolder.only("\(folder.path)/tiny")
        let names = try FileManager.default.contentsOfDirectory(atPath: record)
        #expect(names.contains("seed-1") && !names.contains("seed-6"))
        let summary = try String(contentsOfFile: "\(record)/summary.json", encoding: .utf8)
        #expect(summary.contains("\"status\" : \"failed\""))
    }

    @Test("a run that fails does not replace a complete record")
    func failedRunKeepsTheRecord() throws {
        let folder = try TemporaryFolder()
        #expect(try start(folder, seeds: 1).finish().exitCode == 0)
        let record = try TemporaryFolder.only("\(folder.path)/out/small")
        let ferry = try start(folder, seeds: 1)
        _ = try ferry.waitForLine(containing: "round 1/\(Fixture.roundCount)")
        try ferry.killChild("ferry coordinator")
        #expect(try ferry.finish().exitCode == 69)
        let text = try String(contentsOfFile: "\(record)/seed-1/run.json", encoding: .utf8)
        #expect(text.contains("\"status\" : \"completed\""))
        #expect(FileManager.default.fileExists(atPath: "\(record).incomplete/seed-1/run.json"))
    }

    @Test("a client that hangs is dropped at the deadline, and the run completes without it")
    func hangingClient() throws {
        let folder = try TemporaryFolder()
        let text = Fixture.scenario(extra: "federation: {deadline: 2s}")
            .replacingOccurrences(
                of: "target:", with: "  - {id: music, domain: music, data: {format: synthetic}}\ntarget:")
        let scenario = try folder.write(text, to: "small.yaml")
        let ferry = try FerryProcess(["run", scenario, "--output", folder.path])
        _ = try ferry.waitForLine(containing: "round 7/\(Fixture.roundCount) encoders")
        try ferry.killChild("client music", signal: SIGSTOP)
        let output = try ferry.finish()
        #expect(output.exitCode == 0, "\(output.standardError)")
        #expect(output.standardError.contains("client music did not answer round 11 within federation.deadline"))
        #expect(output.standardOutput.contains("feature-map"))
        let record = try String(contentsOfFile: "\(folder.seedFolder("small", seed: 1))/run.json", encoding: .utf8)
        #expect(record.contains("\"missing\" : [\n    \"music\"\n  ]"))
    }

    @Test("two runs at once never meet")
    func twoRunsAtOnce() throws {
        let folders = [try TemporaryFolder(), try TemporaryFolder()]
        let runs = try folders.map { try start($0, ["--set", "transport.kind=tcp"], seeds: 1) }
        for run in runs { #expect(try run.finish().exitCode == 0) }
        let records = try folders.map { folder in
            let run = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out/small")[0]
            return try Data(
                contentsOf: URL(fileURLWithPath: "\(folder.path)/out/small/\(run)/seed-1/run.json"))
        }
        #expect(records[0] == records[1])
    }
}
