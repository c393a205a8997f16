import Foundation
import TestSupport
import Testing

/// `transfer.method: meta` with real processes.
@Suite(.serialized)
struct MetaTests {
    private static let overrides = [
        "transfer.method=meta", "transfer.meta.rounds=8", "evaluation.baselines=[ease]", "evaluation.split=seeded",
    ]

    private func run(
        _ folder: TemporaryFolder, persons: Int = 300, _ more: [String] = []
    ) throws -> (record: RecordOfRun, run: String) {
        let scenario = try folder.write(Fixture.scenario(persons: persons), to: "small.yaml")
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path]
                + (MetaTests.overrides + more).flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        let seed = try folder.seedFolder("small", seed: 1)
        return (try RecordOfRun("\(seed)/run.json"), seed)
    }

    @Test("meta, its local twin and its control are measured for all shots, gated and not, the same every time")
    func figures() throws {
        let first = try run(try TemporaryFolder()).record
        let second = try run(try TemporaryFolder()).record
        #expect(first.bytes == second.bytes && first.bytes.count > 1_000)
        // Encoders and choices, the gate, and the rounds of gradients twice.
        #expect(first.object["rounds"] as? Int == 4 + 1 + 2 * 8)
        for method in ["meta", "meta-ungated", "meta-local", "shuffled-source", "shuffled-source-ungated"] {
            for shots in [0, 1, 3, 5] {
                #expect(try #require(first.value(method, shots)) > 0, "\(method), \(shots)")
            }
        }
        #expect(!first.figures.contains { $0.method.hasPrefix("feature-map") })
        let privacy = first.object["privacy"] as? [String: Any]
        let unprotected = privacy?["unprotected"] as? [String] ?? []
        for release in ["meta.gradient", "meta-local.gradient", "shuffled-source.gradient", "gate"] {
            #expect(unprotected.contains(release), "\(release)")
        }
    }

    @Test("what persons watch helps to rank their books: the start from source features beats that without")
    func transfers() throws {
        let record = try run(try TemporaryFolder(), persons: 800, ["transfer.meta.rounds=30"]).record
        let meta = try #require(record.value("meta-ungated", 0))
        #expect(meta > 1.1 * (try #require(record.value("meta-local", 0))))
        #expect(meta > 1.1 * (try #require(record.value("shuffled-source-ungated", 0))))
        for shots in [0, 1, 3, 5] {
            #expect(
                try #require(record.value("meta", shots)) >= 0.95 * (try #require(record.value("best-local", shots))))
        }
    }

    @Test("every variant runs to its end", arguments: ["fomaml", "reptile", "ridge"])
    func variants(_ variant: String) throws {
        let record = try run(
            try TemporaryFolder(),
            ["transfer.meta.variant=\(variant)", "transfer.meta.regularization=1", "evaluation.shots=[0, 3]"]
        ).record
        #expect(try #require(record.value("meta-ungated", 3)) > 0)
    }

    @Test("several persons clients train the same learners as one")
    func severalClients() throws {
        let one = try run(try TemporaryFolder(), ["transfer.meta.participation=1"]).record
        let two = try run(
            try TemporaryFolder(), ["transfer.meta.participation=1", "clients.persons.count=2"]
        ).record
        // The control swaps links within a client.
        for method in ["meta-ungated", "meta-local"] {
            for shots in [0, 3] {
                let (first, second) = (try #require(one.value(method, shots)), try #require(two.value(method, shots)))
                #expect(abs(first - second) <= 0.02 * first, "\(method), \(shots): \(first), \(second)")
            }
        }
    }

    @Test("a person is recommended to with the trained start, as the run did")
    func recommends() throws {
        let folder = try TemporaryFolder()
        let (record, seed) = try run(folder)
        _ = record
        func list(_ arguments: String...) throws -> String {
            let output = try FerryProcess.run(
                ["recommend", seed, "--client", "persons", "--user", "person-000", "-n", "5", "--json"] + arguments)
            try #require(output.exitCode == 0, "\(output.standardError)")
            return output.standardOutput
        }
        let first = try list()
        #expect(first == (try list()))
        #expect(first.contains("\"method\":\"meta\""))
        #expect(try list("--explain").contains("reasons"))
    }
}
