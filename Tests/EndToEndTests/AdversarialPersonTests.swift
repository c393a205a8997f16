import Foundation
import TestSupport
import Testing

/// `transfer.adversarial.input: persons` with real processes.
@Suite("The adversarial game of persons", .serialized)
struct AdversarialPersonTests {
    private func run(_ folder: TemporaryFolder, _ more: [String] = []) throws -> (record: RecordOfRun, run: String) {
        let scenario = try folder.write(Fixture.scenario(persons: 600), to: "small.yaml")
        let overrides = [
            "transfer.method=adversarial", "transfer.adversarial.input=persons", "transfer.adversarial.rounds=80",
            "transfer.adversarial.discriminator-steps=2", "transfer.adversarial.reversal=1", "evaluation.baselines=[]",
            "evaluation.split=seeded",
        ]
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path] + (overrides + more).flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        let seed = try folder.seedFolder("small", seed: 1)
        return (try RecordOfRun("\(seed)/run.json"), seed)
    }

    private func measures(_ record: RecordOfRun) -> [String: (before: Double, after: Double)] {
        let all = record.object["discrepancy"] as? [[String: Any]] ?? []
        return Dictionary(
            all.compactMap { entry in
                (entry["measure"] as? String).map {
                    ($0, (entry["before"] as? Double ?? .nan, entry["after"] as? Double ?? .nan))
                }
            }, uniquingKeysWith: { first, _ in first })
    }

    @Test(
        "decoded persons rank better than with shuffled links, and D tells the domains less well, the same every time")
    func figures() throws {
        let folder = try TemporaryFolder()
        let (first, seed) = try run(folder)
        #expect(first.bytes == (try run(try TemporaryFolder()).record.bytes))
        #expect(first.object["rounds"] as? Int == 4 + 1 + 2 * 80 * 2)
        for method in ["adversarial", "adversarial-ungated", "source-only", "shuffled-source"] {
            for shots in [0, 1, 3, 5] { #expect(try #require(first.value(method, shots)) > 0, "\(method), \(shots)") }
        }
        for method in ["adversarial-ungated", "source-only"] {
            let decoded = try #require(first.value(method, 0))
            #expect(decoded > 1.1 * (try #require(first.value("shuffled-source-ungated", 0))), "\(method)")
        }
        // What D takes from the adversarial game, the twin keeps.
        let twin = try #require(first.value("source-only", 0))
        #expect(twin > 1.1 * (try #require(first.value("popularity", 0))))
        let found = measures(first)
        let accuracy = try #require(found["discriminator-accuracy"])
        #expect(accuracy.after < accuracy.before, "\(accuracy)")
        let moments = try #require(found["bures-wasserstein"])
        #expect(moments.after < moments.before, "\(moments)")
        // What crosses is declared, and is sums of gradients; nobody releases networks or features of items.
        let wire =
            try JSONSerialization.jsonObject(
                with: try Data(contentsOf: URL(fileURLWithPath: "\(seed)/wire.json"))) as? [String: Any]
        let tensors = (wire?["tensors"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
        let game = tensors.filter { name in
            ["adversarial.", "source-only.", "shuffled-source."].contains { name.hasPrefix($0) }
        }
        #expect(game.count == 15 && game.allSatisfy { $0.contains(".persons-") })
        #expect(!tensors.contains { $0.hasSuffix(".features") })
        // The networks stay with the persons client, who recommends with them.
        let arguments = ["recommend", seed, "--client", "persons", "--user", "person-000", "-n", "5", "--json"]
        let output = try FerryProcess.run(arguments)
        #expect(output.exitCode == 0 && output.standardOutput.contains("\"method\":\"adversarial\""))
        try FileManager.default.removeItem(atPath: "\(seed)/clients/persons/models.safetensors")
        let without = try FerryProcess.run(arguments)
        #expect(without.exitCode == 74 && without.standardError.contains("holds no models of client persons"))
    }

    @Test("several persons clients train the same networks as one")
    func severalClients() throws {
        let more = ["transfer.adversarial.rounds=20"]
        let one = try run(try TemporaryFolder(), more).record
        let two = try run(try TemporaryFolder(), more + ["clients.persons.count=2"]).record
        let parts = try ["persons-1", "persons-2"].map { client in
            let figure = try #require(
                two.figures.first {
                    $0.client == client && $0.method == "source-only" && $0.shots == 0 && $0.metric == "ndcg@10"
                        && $0.cohort == "cold-users"
                })
            return (figure.value, Double(figure.users))
        }
        let mean = parts.reduce(0) { $0 + $1.0 * $1.1 } / parts.reduce(0) { $0 + $1.1 }
        let expected = try #require(one.value("source-only", 0))
        #expect(abs(mean - expected) <= 0.02 * expected, "\(mean), \(expected)")
        // Held-out persons are the same, and so is what D can tell of them.
        let (first, second) = (measures(one), measures(two))
        for name in ["discriminator-accuracy", "coral"] {
            let (here, there) = (try #require(first[name]), try #require(second[name]))
            #expect(abs(here.after - there.after) < 0.02 && abs(here.before - there.before) < 0.02, "\(name)")
        }
    }

    @Test(
        "hidden layers, fewer source features and a decoder without links run to their end",
        arguments: [
            ["transfer.adversarial.extractor=tanh", "transfer.adversarial.discriminator=linear"],
            ["transfer.adversarial.extractor=relu", "transfer.source-dimension=4"],
            ["transfer.adversarial.decoder=own"],
        ])
    func variants(_ overrides: [String]) throws {
        let record = try run(try TemporaryFolder(), overrides + ["transfer.adversarial.rounds=20"]).record
        for method in ["adversarial", "adversarial-ungated", "source-only", "shuffled-source"] {
            for shots in [0, 3] { #expect(try #require(record.value(method, shots)) > 0, "\(method), \(shots)") }
        }
        // A hidden layer has no moments, but D is measured all the same.
        let isLinear = !overrides[0].contains("extractor")
        let found = measures(record)
        #expect((found["coral"] != nil) == isLinear && found["discriminator-accuracy"] != nil)
    }
}
