import Foundation
import TestSupport
import Testing

/// Whole runs with real processes and sockets.
@Suite(.serialized)
struct RunTests {
    @Test("the same seed gives byte-identical records over ipc, again, and over tcp")
    func sameSeedSameBytes() throws {
        var records: [Data] = []
        for arguments in [[], [], ["--set", "transport.kind=tcp"]] as [[String]] {
            let folder = try TemporaryFolder()
            let scenario = try folder.write(Fixture.scenario(), to: "small.yaml")
            let output = try FerryProcess.run(["run", "-q", scenario, "--output", "\(folder.path)/out"] + arguments)
            #expect(output.exitCode == 0, "\(output.standardError)")
            let runs = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/out/small")
            let path = "\(folder.path)/out/small/\(runs[0])/seed-1/run.json"
            records.append(try Data(contentsOf: URL(fileURLWithPath: path)))
        }
        #expect(records[0] == records[1])
        #expect(records[0] == records[2])
        #expect(records[0].count > 1_000)
    }

    @Test("of very many rounds progress tells one a second, and of every step the first and the last")
    func progressOfManyRounds() throws {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(), to: "small.yaml")
        let output = try FerryProcess.run(
            ["run", scenario, "--output", folder.path, "--set", "evaluation.baselines=[]"]
                + ["--set", "clients.movies.count=2", "--set", "model.factors=4", "--set", "federation.local-steps=1"]
                + ["--set", "federation.factor-rounds=500"])
        try #require(output.exitCode == 0, "\(output.standardError)")
        let lines = output.standardError.split(separator: "\n").filter { $0.contains("· round ") }
        #expect(lines.count < 200)
        let count = 1_008
        let told = Set(
            lines.compactMap { line in
                line.firstMatch(of: /round ([0-9]+)\/([0-9]+) ([a-z-]+)/).map { "\($0.1)/\($0.2) \($0.3)" }
            })
        for round in [
            "1/\(count) calendar", "2/\(count) factors", "501/\(count) factors", "504/\(count) selection",
            "506/\(count) refit-factors", "1005/\(count) refit-factors", "\(count)/\(count) evaluation",
        ] { #expect(told.contains(round), "\(round)") }
        let record = try RecordOfRun("\(try folder.seedFolder("small", seed: 1))/run.json")
        #expect(record.object["rounds"] as? Int == count)
    }

    @Test("a run writes every file of the record, and its table goes to standard output alone")
    func recordIsComplete() throws {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(extra: "seeds: [3, 4]"), to: "small.yaml")
        let output = try FerryProcess.run(["run", scenario, "--output", folder.path, "--record-wire"])
        #expect(output.exitCode == 0, "\(output.standardError)")
        for method in ["feature-map", "local", "popularity", "shuffled-source"] {
            #expect(output.standardOutput.contains(method))
        }
        #expect(output.standardError.contains("round 18/18 evaluation"))
        let seed = try folder.seedFolder("small", seed: 4)
        for name in [
            "scenario.yaml", "run.json", "environment.json", "rounds.csv", "metrics.csv", "privacy.json", "wire.json",
            "frames.bin", "checkpoints/round-001.safetensors", "checkpoints/round-017.safetensors",
            "clients/persons/evaluation.json",
            "clients/movies/ledger.jsonl", "../summary.json", "../summary.csv",
        ] {
            #expect(FileManager.default.fileExists(atPath: "\(seed)/\(name)"), "\(name) is missing")
        }
        #expect(!folder.files().contains { $0.contains("partial") })

        // The evaluation releases nothing.
        #expect(!FileManager.default.fileExists(atPath: "\(seed)/checkpoints/round-018.safetensors"))

        let record = try RecordOfRun("\(seed)/run.json")
        #expect(record.object["schema"] as? String == "ferry.run/1")
        #expect(record.object["status"] as? String == "completed")
        #expect(record.object["rounds"] as? Int == Fixture.roundCount)
        let privacy = record.object["privacy"] as? [String: Any]
        let epsilon = privacy?["epsilon"] as? [String: Any]
        #expect(Set(epsilon.map { Array($0.keys) } ?? []) == ["coordinator", "peer", "colluders", "model"])
        #expect(epsilon?["coordinator"] is NSNull)
        let unprotected = privacy?["unprotected"] as? [String] ?? []
        for release in ["bridge", "calendar", "tower", "books.ease", "books.rating-means"] {
            #expect(unprotected.contains(release), "\(release)")
        }
        for figure in record.figures {
            let isShare = !["novelty", "rmse", "mae"].contains { figure.metric.hasPrefix($0) }
            // A gain may be a loss.
            if figure.metric.hasSuffix("-relative-gain") { continue }
            #expect(figure.value >= 0 && (!isShare || figure.value <= 1), "\(figure)")
            guard !figure.metric.hasPrefix("coverage") else {
                #expect(figure.interval.isEmpty)
                continue
            }
            #expect(figure.interval.count == 2 && figure.interval[0] <= figure.value, "\(figure)")
            #expect(figure.interval.last.map { figure.value <= $0 } == true, "\(figure)")
        }
    }

    @Test("a resolved scenario runs again to the same record")
    func resolvedScenarioRunsAgain() throws {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(), to: "small.yaml")
        #expect(try FerryProcess.run(["run", "-q", scenario, "--output", "\(folder.path)/a"]).exitCode == 0)
        let run = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/a/small")[0]
        let first = "\(folder.path)/a/small/\(run)/seed-1"
        #expect(
            try FerryProcess.run(["run", "-q", "\(first)/scenario.yaml", "--output", "\(folder.path)/b"]).exitCode == 0)
        let second = "\(folder.path)/b/small/\(run)/seed-1"
        #expect(FileManager.default.contentsEqual(atPath: "\(first)/run.json", andPath: "\(second)/run.json"))
    }

    @Test("ten clients reach the first round soon, and the figures of several persons clients are pooled")
    func tenClients() throws {
        let folder = try TemporaryFolder()
        let text = Fixture.scenario(name: "ten", persons: 600)
            .replacingOccurrences(of: "{id: persons,", with: "{id: persons, count: 8,")
        let scenario = try folder.write(text, to: "ten.yaml")
        let output = try FerryProcess.run(["run", "-q", scenario, "--output", folder.path])
        #expect(output.exitCode == 0, "\(output.standardError)")
        let seed = try folder.seedFolder("ten", seed: 1)
        let environment =
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(fileURLWithPath: "\(seed)/environment.json"))) as? [String: Any]
        // One second on an idle machine; the bound leaves room for a busy one.
        #expect((environment?["secondsToFirstRound"] as? Double ?? 99) < 3)
        let metrics = try String(contentsOfFile: "\(seed)/metrics.csv", encoding: .utf8)
        #expect(metrics.contains("persons,feature-map,cold-users,0,ndcg@10"))
        #expect(metrics.contains("persons-8,feature-map,cold-users,0,ndcg@10"))
    }

    @Test(
        "a checkpoint opens in the reference safetensors library",
        .enabled(
            if: ProcessInfo.processInfo.environment["FERRY_PYTHON"] != nil,
            "skipped: FERRY_PYTHON names no Python with the safetensors package"))
    func checkpointOpensInPython() throws {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(), to: "small.yaml")
        #expect(try FerryProcess.run(["run", "-q", scenario, "--output", folder.path]).exitCode == 0)
        let seed = try folder.seedFolder("small", seed: 1)
        let script = """
            import sys
            from safetensors.numpy import load_file
            tensors = load_file(sys.argv[1])
            print(tensors["books.item-factors"].shape, tensors["movies.moment-sum"].dtype, len(tensors))
            """
        let process = Process()
        process.executableURL = URL(
            fileURLWithPath: try #require(ProcessInfo.processInfo.environment["FERRY_PYTHON"]))
        process.arguments = ["-c", script, "\(seed)/checkpoints/round-0\(Fixture.roundCount - 2).safetensors"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text == "(120, 8) float32 25\n")
    }
}
