import Foundation
import TestSupport
import Testing

/// Updates of shared item factors in formats with few values, with real processes.
@Suite(.serialized)
struct UpdateFormatTests {
    private struct Outcome {
        let record: RecordOfRun
        let wire: [String: Any]
        let folder: TemporaryFolder

        /// The section of `run.json` on the format.
        var format: [String: Any] { record.object["update-format"] as? [String: Any] ?? [:] }
        var values: [Double] { record.figures.map(\.value) }
        var bytesUp: Int { (record.object["wire"] as? [String: Any])?["bytes-up"] as? Int ?? 0 }
    }

    private func run(_ overrides: [String], recordsWire: Bool = false) throws -> Outcome {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(Fixture.scenario(), to: "small.yaml")
        let shared = [
            "evaluation.baselines=[]", "clients.movies.count=4", "federation.local-steps=1",
            "federation.factor-rounds=12",
        ]
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path] + (recordsWire ? ["--record-wire"] : [])
                + (shared + overrides).flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        let seed = try folder.seedFolder("small", seed: 1)
        let wire =
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: "\(seed)/wire.json")))
            as? [String: Any]
        return Outcome(record: try RecordOfRun("\(seed)/run.json"), wire: wire ?? [:], folder: folder)
    }

    @Test("the record says what a format saves and leaves over, and that float32 leaves nothing over")
    func record() throws {
        let plain = try run([])
        #expect(plain.record.object["update-format"] == nil && plain.wire["saved-bytes-up"] == nil)
        let whole = try run(["federation.update-format=float32"])
        #expect(whole.format["error"] == nil && whole.format["bytes-up"] as? Int == plain.bytesUp)
        #expect(whole.format["bytes-up-float32"] as? Int == plain.bytesUp && whole.bytesUp == plain.bytesUp)
        #expect(whole.values == plain.values)
        // Bounds on error by what the formats have: half a unit in the last place; half of a 127th; and the rest.
        for (format, errors, saving) in [
            ("float16", 1e-5...5e-4, 1.3), ("int8", 1e-3...2e-2, 1.6), ("top-k", 0.3...20, 1.6),
        ] {
            let outcome = try run(["federation.update-format=\(format)"])
            #expect(outcome.format["format"] as? String == format)
            #expect(outcome.format["bytes-up"] as? Int == outcome.bytesUp)
            #expect(outcome.format["bytes-up-float32"] as? Int == plain.bytesUp, "\(format)")
            #expect(Double(plain.bytesUp) > saving * Double(outcome.bytesUp), "\(format): \(outcome.bytesUp)")
            let clients = outcome.record.object["clients"] as? [[String: Any]] ?? []
            let own = clients.compactMap { $0["format-error"] as? Double }
            #expect(own.count == 4 && own.allSatisfy(errors.contains), "\(format): \(own)")
            let mean = try #require(outcome.format["error"] as? Double)
            #expect(abs(mean - own.reduce(0, +) / 4) < 1e-12)
            #expect((outcome.format["top-share"] as? Double) == (format == "top-k" ? 0.1 : nil))
            // Every figure is there, and the transfer is about as good.
            #expect(outcome.record.figures.count == plain.record.figures.count)
            let (own0, plain0) = (outcome.record.value("feature-map", 0), plain.record.value("feature-map", 0))
            #expect(try abs(#require(own0) - #require(plain0)) < (format == "top-k" ? 0.1 : 0.03), "\(format)")
        }
    }

    @Test("with all values among the largest the figures are those of float32")
    func wholeShare() throws {
        let plain = try run([])
        let all = try run(["federation.update-format=top-k", "federation.top-share=1"])
        #expect(all.values == plain.values && plain.values.count > 20)
        #expect(all.format["error"] as? Double == 0)
    }

    @Test("recorded frames hold the parts that the formats have, and nothing else", arguments: ["int8", "top-k"])
    func audit(_ format: String) throws {
        let outcome = try run(["federation.update-format=\(format)", "federation.top-share=0.05"], recordsWire: true)
        let seed = try outcome.folder.seedFolder("small", seed: 1)
        let audit = try FerryProcess.run(["audit", "wire", seed])
        #expect(audit.exitCode == 0, "\(audit.standardError)")
        let names = format == "int8" ? ["change", "change.scales"] : ["change.indices", "change.values"]
        for name in names {
            let line = audit.standardOutput.split(separator: "\n").first {
                $0.hasPrefix("movies.") && $0.contains("\(name) ")
            }
            // 4 clients, 12 rounds, twice.
            #expect(line?.split(separator: " ").contains("96") == true, "\(audit.standardOutput)")
        }
        #expect(
            !audit.standardOutput.contains("not in the schema") && !audit.standardError.contains("not in the schema"))
    }

    @Test("an update that is damaged on purpose is refused in every format", arguments: ["float16", "int8", "top-k"])
    func damaged(_ format: String) throws {
        for damage in ["not-finite", "shape", "bytes"] {
            let folder = try TemporaryFolder()
            let extra =
                "evaluation: {baselines: []}\nfederation: {local-steps: 1, factor-rounds: 3, update-format: \(format)}\n"
                + "faults: {events: [{client: movies-2, kind: corrupt, round: 3, damage: \(damage)}]}\n"
            let text = Fixture.scenario(extra: extra)
                .replacingOccurrences(of: "{id: movies,", with: "{id: movies, count: 3,")
            let scenario = try folder.write(text, to: "small.yaml")
            let output = try FerryProcess.run(["run", "-q", scenario, "--output", folder.path])
            #expect(output.exitCode == 0, "\(damage): \(output.standardError)")
            #expect(
                output.standardError.contains("round 3: the update of client movies-2 is refused"),
                "\(damage): \(output.standardError)")
        }
    }
}
