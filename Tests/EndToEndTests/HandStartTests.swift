import Foundation
import TestSupport
import Testing

/// Roles that are started one by one, as on several machines.
@Suite(.serialized)
struct HandStartTests {
    static let clients = ["movies", "books", "persons"]

    /// A folder with a scenario of the network and the keys of its roles.
    ///
    /// - Parameter extra: further keys of the scenario.
    static func prepare(_ folder: TemporaryFolder, iterations: Int = 3, extra: String = "") throws -> String {
        let text =
            Fixture.scenario(persons: 800).replacingOccurrences(of: "iterations: 3", with: "iterations: \(iterations)")
            + "\ntransport: {kind: tcp, curve: true}\n" + extra
        let scenario = try folder.write(text, to: "small.yaml")
        let keys = try FerryProcess.run(["keys", "new", "\(folder.path)/keys", "coordinator"] + clients)
        #expect(keys.exitCode == 0)
        return scenario
    }

    /// Starts the coordinator and, once it listens, the clients.
    ///
    /// - Parameters:
    ///   - address: where the coordinator listens, and where a client finds it.
    ///   - prefix: what runs a role in another setting.
    static func start(
        _ folder: TemporaryFolder, _ scenario: String,
        address: (_ role: String) -> String = { _ in "127.0.0.1" },
        under prefix: (_ role: String) -> [String] = { _ in [] }
    ) throws -> (coordinator: FerryProcess, clients: [String: FerryProcess]) {
        func process(_ arguments: [String], _ role: String, port: String) throws -> FerryProcess {
            try FerryProcess(
                arguments + [
                    scenario, "--keys", "\(folder.path)/keys", "--endpoint", "tcp://\(address(role)):\(port)",
                    "--output",
                    "\(folder.path)/\(role)", "--seed", "1",
                ], under: prefix(role))
        }
        let coordinator = try process(["coordinator"], "coordinator", port: "*")
        let line = try coordinator.waitForLine(containing: "listening on ")
        let port = try #require(line.split(separator: ":").last.map(String.init)?.trimmingCharacters(in: .newlines))
        var clients: [String: FerryProcess] = [:]
        for id in HandStartTests.clients { clients[id] = try process(["client", id], id, port: port) }
        return (coordinator, clients)
    }

    /// Merges what the roles wrote, and runs the scenario with `ferry run`; the two must have written the same.
    static func expectMergedIsDirect(
        _ folder: TemporaryFolder, _ scenario: String, files: [String]
    ) throws {
        let folders = (["coordinator"] + clients).map { "\(folder.path)/\($0)" }
        let merged = try FerryProcess.run(["merge"] + folders + ["--output", "\(folder.path)/merged"])
        #expect(merged.exitCode == 0, "\(merged.standardError)")
        let direct = try FerryProcess.run(
            ["run", scenario, "--seed", "1", "--quiet", "--output", "\(folder.path)/direct"])
        #expect(direct.exitCode == 0)
        for file in files {
            let records = try ["merged", "direct"].map { output in
                let run = try #require(
                    try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/\(output)/small").first {
                        !$0.hasPrefix(".")
                    })
                return try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(output)/small/\(run)/\(file)"))
            }
            #expect(records[0] == records[1], "\(file)")
        }
    }

    @Test("roles started by hand and merged make the record of ferry run, byte for byte")
    func merge() throws {
        let folder = try TemporaryFolder()
        let scenario = try HandStartTests.prepare(folder)
        let (coordinator, clients) = try HandStartTests.start(folder, scenario)
        #expect(try coordinator.finish().exitCode == 0)
        for id in HandStartTests.clients { #expect(try clients[id]?.finish().exitCode == 0) }
        try HandStartTests.expectMergedIsDirect(
            folder, scenario,
            files: ["seed-1/run.json", "seed-1/privacy.json", "seed-1/metrics.csv", "summary.json"])
        let folders = (["coordinator"] + HandStartTests.clients).map { "\(folder.path)/\($0)" }
        // A client's folder is missing, or there twice.
        let missing = try FerryProcess.run(["merge"] + folders.dropLast() + ["--output", "\(folder.path)/other"])
        #expect(missing.exitCode == 64 && missing.standardError.contains("client persons with seed 1 is missing"))
        let twice = try FerryProcess.run(["merge"] + folders + [folders[1], "--output", "\(folder.path)/other"])
        #expect(twice.exitCode == 64 && twice.standardError.contains("two folders are of movies"))
        let none = try FerryProcess.run(["merge", folder.path, "--output", "\(folder.path)/other"])
        #expect(none.exitCode == 74)
    }

    @Test("a client that dies is noticed without a launcher, and everybody is told why the run ends")
    func killedClient() throws {
        let folder = try TemporaryFolder()
        let (coordinator, clients) = try HandStartTests.start(
            folder, try HandStartTests.prepare(folder, iterations: 60))
        _ = try coordinator.waitForLine(containing: "round 1/")
        kill(try #require(clients["persons"]).processID, SIGKILL)
        let output = try coordinator.finish()
        #expect(output.exitCode == 69)
        #expect(output.standardError.contains("client persons has gone"))
        for id in ["movies", "books"] {
            let client = try #require(try clients[id]?.finish())
            #expect(client.exitCode == 69 && client.standardError.contains("the coordinator ended the run"), "\(id)")
        }
    }

    @Test("a client that is started again comes back under its key, and nobody gets in beside it")
    func returningClient() throws {
        let folder = try TemporaryFolder()
        let clients = ["movies-1", "movies-2", "books", "persons"]
        let text =
            Fixture.scenario(
                extra: "evaluation: {baselines: []}\ntransport: {kind: tcp, curve: true}\n"
                    + "federation: {local-steps: 1, factor-rounds: 1500, minimum-clients: 3}", persons: 600
            ).replacingOccurrences(of: "{id: movies,", with: "{id: movies, count: 2,")
        let scenario = try folder.write(text, to: "small.yaml")
        let keys = "\(folder.path)/keys"
        #expect(try FerryProcess.run(["keys", "new", keys, "coordinator"] + clients).exitCode == 0)
        func options(_ endpoint: String, _ role: String) -> [String] {
            [scenario, "--keys", keys, "--endpoint", endpoint, "--output", "\(folder.path)/\(role)"]
        }
        let coordinator = try FerryProcess(["coordinator"] + options("tcp://127.0.0.1:*", "coordinator"))
        let line = try coordinator.waitForLine(containing: "listening on ")
        let endpoint = try #require(line.split(separator: " ").last.map(String.init)?.trimmingCharacters(in: .newlines))
        func start(_ id: String, in role: String, _ more: [String] = []) throws -> FerryProcess {
            try FerryProcess(["client", id] + options(endpoint, role) + more)
        }
        var processes = try clients.map { try start($0, in: $0) }
        // Of so many rounds few are told of one by one.
        _ = try coordinator.waitForLine(containing: "(factors)")
        kill(processes[1].processID, SIGKILL)
        #expect(try processes[1].finish().exitCode == 128 + SIGKILL)
        _ = try coordinator.waitForLine(containing: "warning: client movies-2")
        // Not in its own folder, unless it says so.
        let refused = try start("movies-2", in: "movies-2").finish()
        #expect(refused.exitCode == 74 && refused.standardError.contains("--resume"))
        processes[1] = try start("movies-2", in: "movies-2", ["--resume"])
        _ = try coordinator.waitForLine(containing: "client movies-2 is back and takes part in round")
        let second = try start("movies-1", in: "thief").finish()
        #expect(second.exitCode == 69 && second.standardError.contains("the coordinator refused the client"))
        #expect(try coordinator.finish().exitCode == 0)
        for process in processes { #expect(try process.finish().exitCode == 0) }
        let folders = (["coordinator"] + clients).map { "\(folder.path)/\($0)" }
        let merged = try FerryProcess.run(["merge"] + folders + ["--output", "\(folder.path)/merged"])
        #expect(merged.exitCode == 0, "\(merged.standardError)")
        let record = try RecordOfRun("\(try folder.seedFolder("merged/small", seed: 1))/run.json")
        #expect((record.object["missing"] as? [String])?.isEmpty == true)
        let absences = record.object["absences"] as? [[String: Any]] ?? []
        #expect(absences.count == 1 && absences[0]["client"] as? String == "movies-2")
        #expect(absences[0]["returned"] as? Int ?? 0 > absences[0]["round"] as? Int ?? .max)
    }

    @Test("a role needs keys that others cannot read, a scenario of the network and a folder of its own")
    func refusals() throws {
        let folder = try TemporaryFolder()
        let scenario = try HandStartTests.prepare(folder)
        let keys = "\(folder.path)/keys"
        func coordinator(_ arguments: [String]) throws -> FerryProcess.Output {
            try FerryProcess.run(["coordinator", scenario, "--endpoint", "tcp://127.0.0.1:*"] + arguments)
        }
        #expect(try coordinator(["--output", "\(folder.path)/a"]).exitCode == 64)
        #expect(try coordinator(["--keys", keys]).exitCode == 64)
        let plain = try coordinator(["--keys", keys, "--output", "\(folder.path)/a", "--set", "transport.curve=false"])
        #expect(plain.exitCode == 65 && plain.standardError.contains("transport.curve: true"))
        let full = try coordinator(["--keys", keys, "--output", folder.path])
        #expect(full.exitCode == 74 && full.standardError.contains("is not empty"))
        let unknown = try FerryProcess.run(
            [
                "client", "films", scenario, "--keys", keys, "--endpoint", "tcp://127.0.0.1:1", "--output",
                "\(folder.path)/a",
            ])
        #expect(unknown.exitCode == 64 && unknown.standardError.contains("its clients are movies, books, persons"))
        chmod("\(keys)/coordinator.secret", 0o644)
        let exposed = try coordinator(["--keys", keys, "--output", "\(folder.path)/a"])
        #expect(exposed.exitCode == 74 && exposed.standardError.contains("can be read by others"))
        let secret = try String(contentsOfFile: "\(keys)/coordinator.secret", encoding: .utf8).prefix(40)
        #expect(!exposed.standardError.contains(secret))
    }
}
