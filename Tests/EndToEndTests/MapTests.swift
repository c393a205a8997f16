import Foundation
import TestSupport
import Testing

/// `transfer.map: mlp` with real processes.
@Suite(.serialized)
struct MapTests {
    private func run(_ folder: TemporaryFolder, _ more: [String] = []) throws -> (record: RecordOfRun, run: String) {
        let scenario = try folder.write(Fixture.scenario(persons: 600), to: "small.yaml")
        let overrides = [
            "transfer.map=mlp", "transfer.mlp.units=12", "transfer.mlp.rounds=40", "evaluation.baselines=[]",
            "evaluation.split=seeded",
        ]
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path] + (overrides + more).flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        let seed = try folder.seedFolder("small", seed: 1)
        return (try RecordOfRun("\(seed)/run.json"), seed)
    }

    @Test("a network maps persons better than one with shuffled links, gated and not, the same every time")
    func figures() throws {
        let first = try run(try TemporaryFolder()).record
        #expect(first.bytes == (try run(try TemporaryFolder()).record.bytes))
        #expect(first.object["rounds"] as? Int == 4 + 1 + 2 * 40)
        for shots in [0, 1, 3, 5] {
            for method in ["feature-map", "feature-map-ungated", "shuffled-source", "shuffled-source-ungated"] {
                #expect(try #require(first.value(method, shots)) > 0, "\(method), \(shots)")
            }
        }
        let mapped = try #require(first.value("feature-map-ungated", 0))
        #expect(mapped > 1.1 * (try #require(first.value("shuffled-source-ungated", 0))))
        #expect(mapped > 1.1 * (try #require(first.value("popularity", 0))))
    }

    @Test("several persons clients train the same networks as one, and a person is recommended to by them")
    func severalClients() throws {
        let folder = try TemporaryFolder()
        let (one, seed) = try run(folder)
        let two = try run(try TemporaryFolder(), ["clients.persons.count=2"]).record
        for shots in [0, 3] {
            let method = "feature-map-ungated"
            let parts = try ["persons-1", "persons-2"].map { client in
                let figure = try #require(
                    two.figures.first {
                        $0.client == client && $0.method == method && $0.shots == shots && $0.metric == "ndcg@10"
                            && $0.cohort == "cold-users"
                    })
                return (figure.value, Double(figure.users))
            }
            let count = parts.reduce(0) { $0 + $1.1 }
            let mean = parts.reduce(0) { $0 + $1.0 * $1.1 } / count
            let expected = try #require(one.value(method, shots))
            #expect(abs(mean - expected) <= 0.02 * expected, "\(shots): \(mean), \(expected)")
        }
        let output = try FerryProcess.run([
            "recommend", seed, "--client", "persons", "--user", "person-000", "-n", "5", "--json",
        ])
        #expect(output.exitCode == 0 && output.standardOutput.contains("\"method\":\"feature-map\""))
        // Of the many rounds of gradients the last one of each training has a checkpoint.
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(seed)/checkpoints")
        #expect(files.count < 10)
    }
}
