import Foundation
import TestSupport
import Testing

/// Several clients in one process.
@Suite(.serialized)
struct PerProcessTests {
    /// Rounds 2 to 7 are of the factors of both domains, 8 of the encoders.
    private static let scenario = Fixture.scenario(
        extra: "evaluation: {baselines: []}\nfederation: {deadline: 20s, factor-rounds: 6, minimum-clients: 3}"
    ).replacingOccurrences(of: "{id: movies,", with: "{id: movies, count: 5,")
        .replacingOccurrences(of: "{id: books,", with: "{id: books, count: 3,")
        .replacingOccurrences(of: "{id: persons,", with: "{id: persons, count: 2,")

    /// Eight domain clients and two of persons in two processes, one and one.
    private static let together = [
        "--set", "clients.movies.per-process=3", "--set", "clients.books.per-process=50",
        "--set", "clients.persons.per-process=2",
    ]

    private struct Run {
        let output: FerryProcess.Output
        let folder: TemporaryFolder
        let seed: String

        func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(seed)/\(name)")) }

        /// The processes whose peak memory is recorded.
        func processes() throws -> Set<String> {
            let object =
                try JSONSerialization.jsonObject(with: bytes("environment.json")) as? [String: Any]
            return Set((object?["peakMegabytes"] as? [String: Double] ?? [:]).filter { $0.value > 1 }.keys)
        }
    }

    private func run(_ arguments: [String], _ extra: String = "") throws -> Run {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.scenario + extra, to: "small.yaml")
        let output = try FerryProcess.run(["run", path, "--output", "\(folder.path)/out"] + arguments)
        try #require(output.exitCode == 0, "\(output.standardError)")
        return Run(
            output: output, folder: folder, seed: "\(try TemporaryFolder.only("\(folder.path)/out/small"))/seed-1")
    }

    @Test(
        "clients that share a process give the record of clients that do not, byte for byte",
        arguments: [
            [], ["--set", "federation.strategy=scaffold", "--set", "federation.local-steps=2"],
            ["--set", "transport.kind=tcp", "--set", "transport.curve=true"],
            [
                "--set", "privacy.mode=silo", "--set", "privacy.epsilon=4", "--set", "transfer.dimension=4", "--set",
                "transfer.source-dimension=4",
            ],
        ])
    func sameRecord(_ arguments: [String]) throws {
        let apart = try run(arguments)
        let together = try run(arguments + Self.together)
        for name in ["run.json", "privacy.json", "rounds.csv", "metrics.csv"] {
            #expect(try apart.bytes(name) == together.bytes(name), "\(name)")
        }
        for client in ["movies-1", "movies-5", "books-3", "persons-2"] {
            for name in ["ledger.jsonl", "evaluation.json"] {
                let path = "clients/\(client)/\(name)"
                #expect(try apart.bytes(path) == together.bytes(path), "\(path)")
            }
        }
        #expect(try apart.processes().count == 11)
        #expect(
            try together.processes() == [
                "coordinator", "movies-1 to movies-3", "movies-4 to movies-5", "books-1 to books-3",
                "persons-1 to persons-2",
            ])
    }

    @Test("a client that the scenario kills or delays has a process of its own, and the others do not notice")
    func faults() throws {
        let events =
            "faults: {events: [{client: movies-2, kind: crash, round: 3, returns: 5}, {client: books-2, kind: delay, "
            + "round: 4, late-by: 100ms}]}\n"
        let deadline = ["--set", "federation.deadline=3s"]
        let apart = try run(deadline, events)
        let together = try run(deadline + Self.together, events)
        #expect(try apart.bytes("run.json") == together.bytes("run.json"))
        #expect(together.output.standardError.contains("warning: client movies-2 was killed by signal 9"))
        #expect(
            try together.processes() == [
                "coordinator", "movies-1 to movies-4", "movies-2", "movies-5", "books-1 to books-3", "books-2",
                "persons-1 to persons-2",
            ])
    }

    @Test("a client that is dropped leaves its process, the others of which go on")
    func dropped() throws {
        // A client that answers too late is dropped; here by a coordinator that waits a second.
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.scenario, to: "small.yaml")
        let ferry = try FerryProcess(
            ["run", path, "--output", "\(folder.path)/out", "--set", "federation.deadline=1s"] + Self.together)
        _ = try ferry.waitForLine(containing: "round 2/")
        // The process of the movies clients is held until its round is over.
        try ferry.killChild("client movies-1 --with", signal: SIGSTOP)
        _ = try ferry.waitForLine(containing: "client movies-1 did not answer")
        try ferry.killChild("client movies-1 --with", signal: SIGCONT)
        let output = try ferry.finish()
        #expect(output.exitCode == 0, "\(output.standardError)")
        let seed = "\(try TemporaryFolder.only("\(folder.path)/out/small"))/seed-1"
        let record = try RecordOfRun("\(seed)/run.json")
        #expect(record.object["missing"] as? [String] == ["movies-1", "movies-2", "movies-3"])
    }

    @Test("when a process dies all its clients are lost at once, and the run goes on without them")
    func lostProcess() throws {
        let folder = try TemporaryFolder()
        let text = Self.scenario.replacingOccurrences(of: "persons: 300", with: "persons: 1500")
            .replacingOccurrences(of: "iterations: 3", with: "iterations: 20")
        let path = try folder.write(text, to: "small.yaml")
        let ferry = try FerryProcess(["run", path, "--output", "\(folder.path)/out"] + Self.together)
        _ = try ferry.waitForLine(containing: "round 2/")
        try ferry.killChild("client movies-1 --with movies-2 movies-3")
        let output = try ferry.finish()
        #expect(output.exitCode == 0, "\(output.standardError)")
        let seed = "\(try TemporaryFolder.only("\(folder.path)/out/small"))/seed-1"
        let record = try RecordOfRun("\(seed)/run.json")
        #expect(record.object["missing"] as? [String] == ["movies-1", "movies-2", "movies-3"])
        for client in 1...3 {
            // Whoever notices first, the launcher or the coordinator whose plan has nobody to go to.
            let sentences = ["was killed by signal 9", "does not receive"].map { "client movies-\(client) \($0)" }
            #expect(sentences.contains { output.standardError.contains($0) }, "\(output.standardError)")
        }
        #expect(try #require(record.value("feature-map", 1, client: "persons")) > 0)
    }

    @Test("when a process dies whose clients are needed, the run stops with 69 and says which")
    func neededProcess() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.scenario, to: "small.yaml")
        let ferry = try FerryProcess(
            ["run", path, "--output", "\(folder.path)/out", "--set", "federation.minimum-clients=9"] + Self.together)
        _ = try ferry.waitForLine(containing: "round 1/")
        try ferry.killChild("client movies-1 --with")
        let output = try ferry.finish()
        #expect(output.exitCode == 69)
        #expect(output.standardError.contains("the process of movies-1 to movies-3 was killed by signal 9"))
    }

    @Test(
        "a run of shared processes whose coordinator is killed goes on and ends as one that was not, and its wire is the same"
    )
    func resumed() throws {
        let whole = try run(Self.together + ["--record-wire"])
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.scenario, to: "small.yaml")
        let arguments = ["run", path, "--output", "\(folder.path)/out"] + Self.together
        let ferry = try FerryProcess(arguments)
        _ = try ferry.waitForLine(containing: "round 4/")
        try ferry.killChild("ferry coordinator")
        #expect(try ferry.finish().exitCode == 69)
        let resumed = try FerryProcess.run(arguments + ["--resume"])
        #expect(resumed.exitCode == 0, "\(resumed.standardError)")
        let seed = "\(try TemporaryFolder.only("\(folder.path)/out/small"))/seed-1"
        #expect(try Data(contentsOf: URL(fileURLWithPath: "\(seed)/run.json")) == whole.bytes("run.json"))
        let apart = try run(["--record-wire"])
        let audits = try [whole, apart].map { run in
            let output = try FerryProcess.run(["audit", "wire", (run.seed as NSString).deletingLastPathComponent])
            #expect(output.exitCode == 0, "\(output.standardError)")
            // The first line names the folder.
            return output.standardOutput.split(separator: "\n").dropFirst().map(String.init)
        }
        #expect(audits[0].contains { $0.split(separator: " ").prefix(3) == ["join", "up", "10"] }, "\(audits[0])")
        #expect(audits[0] == audits[1])
    }

    @Test(
        "where too few files may be open, the run ends with 74 and says how many it needs; a soft limit is raised",
        arguments: [
            (["movies.count=200", "movies.per-process=200"], "-n 200", "74"),
            (["movies.count=200"], "-n 200", "74"),
            (["movies.count=200", "movies.per-process=200"], "-Sn 40", "0"),
        ])
    func limits(_ overrides: [String], _ limit: String, _ exitCode: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.scenario, to: "small.yaml")
        let settings = overrides.map { "--set clients.\($0)" }.joined(separator: " ")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c",
            "ulimit \(limit); '\(FerryProcess.executable)' run -q '\(path)' --output '\(folder.path)/out' \(settings); "
                + "echo $? > /dev/stderr",
        ]
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text.hasSuffix("\(exitCode)\n"), "\(text)")
        #expect(text.contains("open files are needed, and the hard limit is 200") == (exitCode == "74"), "\(text)")
    }

    @Test("arguments and environment of a process of several clients hold no key and no token")
    func noSecretsInArguments() throws {
        let folder = try TemporaryFolder()
        let text = Self.scenario.replacingOccurrences(of: "persons: 300", with: "persons: 1500")
        let path = try folder.write(text, to: "small.yaml")
        let ferry = try FerryProcess(
            ["run", path, "--output", "\(folder.path)/out", "--set", "transport.kind=tcp", "--set"]
                + ["transport.curve=true"] + Self.together)
        _ = try ferry.waitForLine(containing: "round 1/")
        let children = ferry.children()
        #expect(children.count == 5)
        let own = Set(ProcessInfo.processInfo.environment.keys).union(["OPENBLAS_NUM_THREADS", "PWD", "OLDPWD", "_"])
        for child in children {
            let words = child.command.split(separator: " ").dropFirst().map(String.init)
            // Names alone: a key has 40 characters, a token 64.
            #expect(words.allSatisfy { $0.count < 20 && !$0.contains("/") }, "\(child.command)")
            let environment = try String(contentsOfFile: "/proc/\(child.id)/environ", encoding: .utf8)
            let names = environment.split(separator: "\0").map { String($0.prefix { $0 != "=" }) }
            #expect(Set(names).isSubset(of: own), "\(Set(names).subtracting(own))")
        }
        kill(ferry.processID, SIGINT)
        #expect(try ferry.finish().exitCode == 130)
    }
}
