import Foundation
import TestSupport
import Testing

/// Whole sweeps with real processes, which are killed and resumed.
@Suite(.serialized)
struct SweepTests {
    /// Four points of two seeds each.
    private func scenario(_ folder: TemporaryFolder, extra: String = "") throws -> String {
        try folder.write(
            Fixture.scenario(
                extra: "seeds: [1, 2]\nsweep: {model.factors: [4, 8], transfer.ridge: [[0.1], [1]]}\n\(extra)"),
            to: "small.yaml")
    }

    private func arguments(_ folder: TemporaryFolder, _ scenario: String, _ output: String, _ more: String...)
        -> [String]
    {
        ["sweep", scenario, "--output", "\(folder.path)/\(output)"] + more
    }

    /// The only folder of a sweep's own files.
    private func sweepFolder(_ folder: TemporaryFolder, _ output: String) throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(output)/small")
            .filter { $0.hasPrefix("sweep-") }
        guard names.count == 1 else { throw FerryProcess.Failure("one sweep is expected, found \(names)") }
        return "\(folder.path)/\(output)/small/\(names[0])"
    }

    private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    private func points(_ path: String) throws -> [[String: Any]] {
        let object = try JSONSerialization.jsonObject(with: bytes("\(path)/sweep.json")) as? [String: Any]
        #expect(object?["schema"] as? String == "ferry.sweep/1")
        return object?["points"] as? [[String: Any]] ?? []
    }

    @Test("a sweep that is killed in the middle and resumed ends like one that is not, byte for byte")
    func killedAndResumed() throws {
        let folder = try TemporaryFolder()
        let scenario = try scenario(folder)
        let whole = try FerryProcess.run(arguments(folder, scenario, "whole", "--jobs", "2"))
        #expect(whole.exitCode == 0, "\(whole.standardError)")
        #expect(whole.standardOutput.contains("ndcg@10 of cold-users, client persons, 0 known target interactions"))
        #expect(whole.standardOutput.contains("minus that of model.factors=4 transfer.ridge=[0.1]"))
        #expect(whole.standardOutput.contains("record: \(folder.path)/whole/small/sweep-"))

        let killed = try FerryProcess(arguments(folder, scenario, "killed"))
        _ = try killed.waitForLine(
            containing: "point 3/4 model.factors=8 transfer.ridge=[0.1] · seed 2 (2/2) · round 1/")
        kill(killed.processID, SIGKILL)
        // Standard error is shared by all processes: its end means that none is left.
        #expect(try killed.finish(minutes: 1).exitCode == 128 + SIGKILL)
        let before = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/killed/small")
        #expect(before.filter { !$0.contains("partial") }.count == 2, "\(before)")
        #expect(!before.contains { $0.hasPrefix("sweep-") })

        let resumed = try FerryProcess.run(arguments(folder, scenario, "killed", "--resume"))
        #expect(resumed.exitCode == 0, "\(resumed.standardError)")
        #expect(resumed.standardError.contains("point 2/4 model.factors=4 transfer.ridge=[1] is finished already"))
        #expect(!resumed.standardError.contains("point 2/4 model.factors=4 transfer.ridge=[1] · seed 1"))
        let third = "point 3/4 model.factors=8 transfer.ridge=[0.1]"
        #expect(resumed.standardError.contains("\(third) · seed 1 (1/2) is finished already"))
        #expect(!resumed.standardError.contains("\(third) · seed 1 (1/2) · round"))
        #expect(resumed.standardError.contains("\(third) · seed 2 (2/2) · round"))
        let (first, second) = (try sweepFolder(folder, "whole"), try sweepFolder(folder, "killed"))
        let names = try FileManager.default.subpathsOfDirectory(atPath: first).filter { $0.contains(".") }.sorted()
        #expect(
            names == (try FileManager.default.subpathsOfDirectory(atPath: second).filter { $0.contains(".") }.sorted()))
        #expect(["report.html", "sweep.json", "tables/figures.csv", "tables/points.csv"].allSatisfy(names.contains))
        for name in names { #expect(try bytes("\(first)/\(name)") == bytes("\(second)/\(name)"), "\(name)") }
        func table(_ text: String) -> Substring {
            text[..<(text.range(of: "record:")?.lowerBound ?? text.endIndex)]
        }
        #expect(table(whole.standardOutput) == table(resumed.standardOutput))
        // What the killed processes left is gone.
        #expect(!folder.files().contains { $0.contains("partial") })

        // The points are ordinary runs: the same folder, the same bytes.
        let point = try points(first)[3]
        let run = "\(first)/\(point["run"] as? String ?? "")"
        #expect(FileManager.default.fileExists(atPath: "\(run)/report.html"))
        let alone = try FerryProcess.run([
            "run", "-q", scenario, "--output", "\(folder.path)/alone", "--set", "sweep={}", "--set", "model.factors=8",
            "--set", "transfer.ridge=[1]",
        ])
        #expect(alone.exitCode == 0, "\(alone.standardError)")
        let same = try TemporaryFolder.only("\(folder.path)/alone/small")
        #expect(URL(fileURLWithPath: same).lastPathComponent == URL(fileURLWithPath: run).lastPathComponent)
        #expect(try bytes("\(run)/seed-2/run.json") == bytes("\(same)/seed-2/run.json"))
        #expect(point["status"] as? String == "completed" && point["seeds"] as? [Int] == [1, 2])

        // A damaged point is not taken for a finished one.
        try Data("{".utf8).write(to: URL(fileURLWithPath: "\(run)/seed-1/run.json"))
        let repaired = try FerryProcess.run(arguments(folder, scenario, "whole", "--resume"))
        #expect(repaired.exitCode == 0)
        #expect(repaired.standardError.contains("point 4/4 model.factors=8 transfer.ridge=[1] · seed 1"))
        #expect(repaired.standardError.contains("point 3/4 model.factors=8 transfer.ridge=[0.1] is finished already"))
        #expect(try bytes("\(first)/sweep.json") == bytes("\(second)/sweep.json"))
        try compare(folder, first, run)
    }

    private struct Comparison: Decodable {
        struct Run: Decodable { let label: String }
        struct Member: Decodable { let mean: Double }
        struct Test: Decodable {
            enum CodingKeys: String, CodingKey {
                case difference
                case degreesOfFreedom = "degrees-of-freedom"
            }
            let difference: Double
            let degreesOfFreedom: Int
        }
        struct Figure: Decodable {
            let members: [Member?]
            let tests: [Test]
        }
        enum CodingKeys: String, CodingKey {
            case runs, figures
            case pairs = "paired-over"
        }
        let runs: [Run]
        let pairs: String
        let figures: [Figure]
    }

    /// The tests of two seeds against the differences of their means.
    private func ofPersons(_ first: String, _ second: String) throws -> (
        pairs: String, runs: [String], differences: [(mean: Double, paired: Double, degreesOfFreedom: Int)]
    ) {
        let output = try FerryProcess.run(["compare", first, second, "--json"])
        let found = try JSONDecoder().decode(Comparison.self, from: Data(output.standardOutput.utf8))
        let differences = found.figures.compactMap { figure -> (mean: Double, paired: Double, degreesOfFreedom: Int)? in
            guard let test = figure.tests.first, let one = figure.members[0], let other = figure.members[1] else {
                return nil
            }
            return (other.mean - one.mean, test.difference, test.degreesOfFreedom)
        }
        return (found.pairs, found.runs.map(\.label), differences)
    }

    /// Compares points of the sweep, whose runs are there.
    private func compare(_ folder: TemporaryFolder, _ sweep: String, _ run: String) throws {
        let all = try FerryProcess.run(["compare", sweep])
        #expect(all.exitCode == 0, "\(all.standardError)")
        #expect(all.standardOutput.contains("D  \(URL(fileURLWithPath: run).standardizedFileURL.path)"))
        #expect(all.standardOutput.contains("model.factors=8"))
        #expect(all.standardOutput.contains("p (Holm): corrected for"))
        let first = "\(sweep)/\(try points(sweep)[0]["run"] as? String ?? "")"
        let json = try FerryProcess.run(["compare", first, run, "--json", "--metric", "recall@10"])
        let object = try JSONSerialization.jsonObject(with: Data(json.standardOutput.utf8)) as? [String: Any]
        #expect(object?["schema"] as? String == "ferry.comparison/1")
        #expect(object?["metric"] as? String == "recall@10" && object?["seeds"] as? [Int] == [1, 2])
        let single = try FerryProcess.run(["compare", "\(first)/seed-1", "\(run)/seed-1"])
        #expect(single.exitCode == 0)
        #expect(single.standardOutput.contains("differences are paired over persons"))
        #expect(single.standardOutput.contains("the tests are over its persons"))
        let persons = try ofPersons("\(first)/seed-1", "\(run)/seed-1")
        #expect(persons.pairs == "persons" && persons.runs == ["A", "B"])
        // The mean of the persons' differences is the difference of the means.
        #expect(!persons.differences.isEmpty && persons.differences.allSatisfy { abs($0.mean - $0.paired) < 1e-12 })
        #expect(persons.differences.contains { $0.degreesOfFreedom > 20 })
        // Another metric is not kept person by person.
        let unkept = try FerryProcess.run(["compare", "\(first)/seed-1", "\(run)/seed-1", "--metric", "recall@10"])
        #expect(unkept.exitCode == 0 && unkept.standardOutput.contains("cannot be tested. Run several seeds."))
        let apart = try FerryProcess.run(["compare", "\(first)/seed-1", "\(run)/seed-2"])
        #expect(apart.exitCode == 64 && apart.standardError.contains("no seed in common"))
        let nothing = try FerryProcess.run(["compare", run, folder.path])
        #expect(nothing.exitCode == 74 && nothing.standardError.contains("is no run"))
        let unknown = try FerryProcess.run(["compare", first, run, "--metric", "f1@10"])
        #expect(unknown.exitCode == 64 && unknown.standardError.contains("run A has"))

        let other = try FerryProcess.run([
            "run", "-q", "\(folder.path)/small.yaml", "--output", "\(folder.path)/other", "--set", "sweep={}", "--set",
            "evaluation.cold-users=0.3",
        ])
        #expect(other.exitCode == 0)
        let refused = try FerryProcess.run(["compare", first, try TemporaryFolder.only("\(folder.path)/other/small")])
        #expect(refused.exitCode == 64)
        #expect(
            refused.standardError.contains(
                "runs A and B do not measure the same persons: evaluation.cold-users is 0.2 in A and 0.3 in B"))
    }

    @Test("Ctrl-C ends every process of a sweep, keeps finished points and says how to go on")
    func interrupt() throws {
        let folder = try TemporaryFolder()
        let scenario = try scenario(folder)
        let ferry = try FerryProcess(arguments(folder, scenario, "out"))
        _ = try ferry.waitForLine(containing: "point 2/4 model.factors=4 transfer.ridge=[1] · seed 2 (2/2) · round 1/")
        kill(ferry.processID, SIGINT)
        let output = try ferry.finish(minutes: 1)
        #expect(output.exitCode == 130)
        #expect(
            output.standardError.contains("interrupted; 1 of 4 points are finished; the same command with --resume"))
        #expect(output.standardOutput == "")
        #expect(!folder.files().contains { $0.contains("partial") || $0.contains("sweep-") })
        let resumed = try FerryProcess.run(arguments(folder, scenario, "out", "--resume", "--jobs", "2"))
        #expect(resumed.exitCode == 0, "\(resumed.standardError)")
        #expect(resumed.standardError.contains("point 1/4 model.factors=4 transfer.ridge=[0.1] is finished already"))
        #expect(try points(sweepFolder(folder, "out")).count == 4)
    }

    @Test("a point that fails is named and not averaged away, and the others are run")
    func failure() throws {
        let folder = try TemporaryFolder()
        // Nobody has so many interactions.
        let text = Fixture.scenario(extra: "sweep: {evaluation.minimum-interactions: [8, 5000, 9]}")
        let scenario = try folder.write(text, to: "small.yaml")
        let output = try FerryProcess.run(arguments(folder, scenario, "out", "-q"))
        #expect(output.exitCode == 66, "\(output.standardError)")
        #expect(output.standardOutput.contains("not completed: evaluation.minimum-interactions=5000: "))
        #expect(output.standardError.contains("2 of 3 points are finished"))
        let points = try points(sweepFolder(folder, "out"))
        #expect(points.map { $0["status"] as? String } == ["completed", "failed", "completed"])
        #expect((points[1]["failure"] as? String)?.isEmpty == false)
        #expect((points[1]["figures"] as? [Any])?.isEmpty == true)
        let tables = "\(try sweepFolder(folder, "out"))/tables"
        let figures = try String(contentsOfFile: "\(tables)/figures.csv", encoding: .utf8).split(separator: "\n")
        #expect(figures[0].hasPrefix("evaluation.minimum-interactions,run,client,method,cohort,shots,metric,mean"))
        #expect(figures.contains { $0.hasPrefix("8,") } && !figures.contains { $0.hasPrefix("5000,") })
        let every = try String(contentsOfFile: "\(tables)/points.csv", encoding: .utf8).split(separator: "\n")
        #expect(every.filter { $0.hasPrefix("5000,") && $0.contains("failed: ") }.count == 1, "\(every)")
        let page = try String(contentsOfFile: "\(sweepFolder(folder, "out"))/report.html", encoding: .utf8)
        #expect(page.contains("1 of 3 points did not complete"))
        // A point that failed has no page of its own.
        #expect(page.components(separatedBy: "/report.html\"").count - 1 == 2)
        for link in page.components(separatedBy: "href=\"").dropFirst().map({ $0.prefix { $0 != "\"" } })
        where !link.hasPrefix("#") {
            let target = "\(try sweepFolder(folder, "out"))/\(link)"
            #expect(FileManager.default.fileExists(atPath: target), "\(link) leads nowhere")
        }
    }

    @Test("a point whose process is killed is a failed point")
    func killedPoint() throws {
        let folder = try TemporaryFolder()
        let scenario = try scenario(folder)
        let ferry = try FerryProcess(arguments(folder, scenario, "out", "--set", "seeds=[1]"))
        _ = try ferry.waitForLine(
            containing: "point 1/4 model.factors=4 transfer.ridge=[0.1] · seed 1 (1/1) · round 1/")
        try ferry.killChild("ferry point")
        let output = try ferry.finish()
        #expect(output.exitCode == 70)
        #expect(output.standardOutput.contains("ridge=[0.1]: its process was killed by signal 9"))
        #expect(output.standardError.contains("3 of 4 points are finished"))
    }

    @Test("run runs the base of a sweep into the folder of the scenario without it, and says so")
    func base() throws {
        let folder = try TemporaryFolder()
        let scenario = try scenario(folder)
        let run = try FerryProcess.run(["run", scenario, "--output", folder.path, "--seed", "1"])
        #expect(run.exitCode == 0, "\(run.standardError)")
        #expect(run.standardError.contains("is left out; ferry sweep \(scenario) runs its 4 points"))
        let plain = try FerryProcess.run([
            "run", scenario, "--output", "\(folder.path)/plain", "--seed", "1", "--set", "sweep={}",
        ])
        #expect(plain.exitCode == 0 && !plain.standardError.contains("is left out"))
        let name = URL(fileURLWithPath: try TemporaryFolder.only("\(folder.path)/plain/small")).lastPathComponent
        #expect(
            try bytes("\(folder.path)/small/\(name)/seed-1/run.json")
                == bytes("\(folder.path)/plain/small/\(name)/seed-1/run.json"))
    }

    @Test("sweep refuses a scenario without one, and nothing is written")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let scenario = try scenario(folder)
        let plain = try folder.write(Fixture.scenario(), to: "plain.yaml")
        let none = try FerryProcess.run(["sweep", plain, "--output", folder.path])
        #expect(none.exitCode == 65 && none.standardError.contains("has no sweep: section"))
        let wrong = try FerryProcess.run(arguments(folder, scenario, "out", "--set", "sweep={model.factor: [1]}"))
        #expect(wrong.exitCode == 65)
        #expect(
            wrong.standardError.contains("--set: sweep.model.factor: unknown key path; did you mean model.factors?"))
        #expect(try FerryProcess.run(arguments(folder, scenario, "out", "--jobs", "0")).exitCode == 64)
        let occupied = try FerryProcess.run(arguments(folder, scenario, "small.yaml"))
        #expect(occupied.exitCode == 74 && !occupied.standardError.contains("point"))
        #expect(occupied.standardError.contains("cannot write \(folder.path)/small.yaml"))
        #expect(occupied.standardError.contains("Not a directory"))
        let endpoint = ["--jobs", "2", "--set", "transport={kind: tcp, endpoint: \"tcp://127.0.0.1:5555\"}"]
        #expect(try FerryProcess.run(arguments(folder, scenario, "out") + endpoint).exitCode == 64)
        #expect(try FerryProcess.run(["point"]).exitCode == 64)
        let valid = try FerryProcess.run(["validate", scenario])
        #expect(valid.standardOutput == "\(scenario): valid; 3 clients, 2 seeds, a sweep of 4 points\n")
        #expect(folder.files() == ["plain.yaml", "small.yaml"])
    }
}
