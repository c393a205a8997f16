import Foundation
import TestSupport
import Testing

/// The commands as a user types them; `UPDATE_GOLDENS=1` renews the golden texts.
@Suite(.serialized)
struct CommandTests {
    private static let goldens = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Goldens").path

    @Test(
        "the help of every command is the golden text",
        arguments: [
            "", "run", "sweep", "compare", "validate", "scenario", "scenario reference", "audit", "audit wire", "keys",
            "keys new",
            "coordinator", "client", "merge",
            "recommend",
        ])
    func help(_ command: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let output = try FerryProcess.run(words + ["--help"])
        #expect(output.exitCode == 0)
        try compare(output.standardOutput, "help-\(words.joined(separator: "-")).txt")
    }

    @Test("the reference of scenario keys is the golden text")
    func reference() throws {
        let output = try FerryProcess.run(["scenario", "reference"])
        #expect(output.exitCode == 0)
        try compare(output.standardOutput, "scenario-reference.txt")
    }

    @Test("the JSON Schema of scenarios goes to standard output")
    func schema() throws {
        let output = try FerryProcess.run(["scenario", "reference", "--schema"])
        #expect(output.exitCode == 0)
        let object = try JSONSerialization.jsonObject(with: Data(output.standardOutput.utf8)) as? [String: Any]
        #expect(object?["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
    }

    @Test("validate accepts every bundled scenario and lists every problem of a wrong one")
    func validate() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(FerryProcess.root)/Scenarios").sorted()
        let valid = try FerryProcess.run(["validate"] + names.map { "Scenarios/\($0)" })
        #expect(valid.exitCode == 0, "\(valid.standardError)")
        // A robust strategy has further lines, indented.
        #expect(valid.standardOutput.split(separator: "\n").count { !$0.hasPrefix(" ") } == names.count)

        let folder = try TemporaryFolder()
        let wrong = try folder.write(Fixture.scenario(extra: "federation: {deadlin: 1, rounds: -3}"), to: "wrong.yaml")
        let output = try FerryProcess.run(["validate", wrong, "Scenarios/quickstart.yaml"])
        #expect(output.exitCode == 65)
        #expect(output.standardError.contains("\(wrong):9: federation.deadlin: unknown key; did you mean deadline?"))
        #expect(output.standardError.contains("\(wrong):9: federation.rounds: expected an integer from 1 to 1000000"))
        #expect(output.standardOutput.contains("Scenarios/quickstart.yaml: valid"))
    }

    @Test("a wrong command line is refused with 64, and roles cannot be started by hand")
    func usage() throws {
        #expect(try FerryProcess.run(["run", "--nope"]).exitCode == 64)
        #expect(try FerryProcess.run(["validate"]).exitCode == 64)
        let role = try FerryProcess.run(["client", "movies"])
        #expect(role.exitCode == 64)
        #expect(role.standardError.contains("started by `ferry run`"))
    }

    @Test("a reader that has gone or closed outputs do not end a run", arguments: ["| true", ">&- 2>&- <&-"])
    func closedOutputs(_ redirection: String) throws {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(), to: "small.yaml")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let command = "\(FerryProcess.executable) run '\(scenario)' --output '\(folder.path)/out'"
        process.arguments = ["-c", "{ \(command); echo $? > '\(folder.path)/code'; } \(redirection)"]
        try process.run()
        process.waitUntilExit()
        #expect(try String(contentsOfFile: "\(folder.path)/code", encoding: .utf8) == "0\n")
        #expect(
            FileManager.default.fileExists(
                atPath: "\(try TemporaryFolder.only(folder.path + "/out/small"))/summary.json"))
    }

    private func compare(_ text: String, _ name: String) throws {
        let path = "\(CommandTests.goldens)/\(name)"
        if ProcessInfo.processInfo.environment["UPDATE_GOLDENS"] == "1" {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let golden = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == golden, "\(name) differs; UPDATE_GOLDENS=1 renews it")
    }
}
