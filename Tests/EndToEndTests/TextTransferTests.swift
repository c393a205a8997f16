import Foundation
import TestSupport
import Testing

/// Transfer between two services without a person in common, with real processes.
@Suite(.serialized)
struct TextTransferTests {
    private static let scenario = """
        name: apart
        world: {persons: 400, overlap: 0, items: 150, interactions: 20, text-noise: 0, text-sharpness: 8}
        clients:
          - {id: movies, domain: movies, data: {format: synthetic}}
          - {id: books, domain: books, data: {format: synthetic}}
        target: books
        model: {factors: 8, regularization: 10, confidence: 10, iterations: 3}
        transfer: {alignment: text, text: {regularization: [40], item-regularization: [10], feature-ratio: [1, 10]}}
        evaluation: {split: seeded, baselines: [item-knn, text-knn, pooled-reference, bias-carry], cold-users: 0.4}

        """

    private func run(
        _ folder: TemporaryFolder, _ overrides: [String] = []
    ) throws -> (record: RecordOfRun, run: String, errors: String) {
        let scenario = try folder.write(TextTransferTests.scenario, to: "apart.yaml")
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path] + overrides.flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        let seed = try folder.seedFolder("apart", seed: 1)
        return (try RecordOfRun("\(seed)/run.json"), seed, output.standardError)
    }

    @Test("two clients without a persons process compare the transfer, its twin and its control, the same every time")
    func figures() throws {
        let first = try run(try TemporaryFolder())
        let second = try run(try TemporaryFolder())
        #expect(first.record.bytes == second.record.bytes && first.record.bytes.count > 1_000)
        for method in ["feature-map", "feature-map-local", "shuffled-source", "best-local", "text-knn"] {
            for shots in [0, 1, 3, 5] {
                #expect(try #require(first.record.value(method, shots, client: "books")) > 0, "\(method), \(shots)")
            }
        }
        // The gate never leaves far from the best local model.
        for shots in [1, 3, 5] {
            let gated = try #require(first.record.value("feature-map", shots, client: "books"))
            #expect(gated > 0.9 * (try #require(first.record.value("best-local", shots, client: "books"))))
        }
        for method in ["pooled-reference", "bias-carry"] {
            #expect(first.errors.contains("\(method) is left out: with alignment text no person links the domains"))
        }
        let measures = Set(
            (first.record.object["discrepancy"] as? [[String: Any]] ?? []).compactMap { $0["measure"] as? String })
        #expect(
            measures.isSuperset(of: ["coral", "bures-wasserstein", "mmd", "sliced-wasserstein", "principal-angle"]))
    }

    @Test("nothing of the target crosses: all that is sent is what the source learnt of texts")
    func wall() throws {
        let folder = try TemporaryFolder()
        let seed = try run(folder).run
        let wire =
            try JSONSerialization.jsonObject(
                with: try Data(contentsOf: URL(fileURLWithPath: "\(seed)/wire.json"))) as? [String: Any]
        let names = (wire?["tensors"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
        #expect(!names.isEmpty && names.allSatisfy { $0.hasPrefix("movies.") && $0.contains("text-") }, "\(names)")
        let ledger = try String(contentsOfFile: "\(seed)/privacy.json", encoding: .utf8)
        #expect(ledger.contains("movies.text-map") && !ledger.contains("\"release\" : \"books"))
    }

    @Test("texts in spaces of their own are brought together by their moments")
    func optimalTransport() throws {
        let record = try run(try TemporaryFolder(), ["transfer.text.space=optimal-transport"]).record
        #expect(try #require(record.value("feature-map-ungated", 1, client: "books")) > 0)
    }

    @Test("the article's recipe runs, and several clients may share the source")
    func article() throws {
        let record = try run(
            try TemporaryFolder(),
            ["transfer.method=article", "model.regularization=0.01", "clients.movies.count=2"]
        ).record
        for method in ["article", "article-ungated", "article-local", "shuffled-source"] {
            #expect(try #require(record.value(method, 3, client: "books")) > 0, "\(method)")
        }
    }

    @Test("items that nobody trained on have a gate of their own, and the transfer ranks them better than popularity")
    func coldItems() throws {
        let record = try run(
            try TemporaryFolder(), ["evaluation.cold-items=0.15", "evaluation.warm-users=0.5", "world.persons=800"]
        ).record
        #expect(String(decoding: record.bytes, as: UTF8.self).contains("\"cold-items-gate\""))
        let label = "ndcg@10-among-cold"
        let transfer = try #require(
            record.value("feature-map-ungated", nil, label, cohort: "cold-items", client: "books"))
        #expect(
            transfer > (try #require(record.value("popularity", nil, label, cohort: "cold-items", client: "books"))))
    }

    @Test("a run whose models stay with their client says so to recommend")
    func recommend() throws {
        let folder = try TemporaryFolder()
        let seed = try run(folder).run
        let output = try FerryProcess.run(["recommend", seed, "--client", "books", "--user-id", "person-1"])
        #expect(output.exitCode == 74)
        #expect(output.standardError.contains("with alignment text the models stay in the target's client"))
    }

    /// Two sources; in one of them a coordinate of the items' vectors tells popularity, elsewhere it tells nothing and has
    /// another mean.
    private static let sources = """
        name: apart
        world: {persons: 600, overlap: 0, items: 300, interactions: 30, target-items: 200, target-interactions: 8, taste-dimensions: 4, taste-strength: 4, domain-gap: 0, unit-items: true, item-vectors: dense, shortcut: {domain: music, length: 1, strength: 0.9, shift: 2, spread: 2}}
        clients:
          - {id: movies, domain: movies, data: {format: synthetic}}
          - {id: music, domain: music, data: {format: synthetic}}
          - {id: books, domain: books, data: {format: synthetic}}
        target: books
        text: {dimension: 5, word-vectors: none}
        model: {factors: 8, regularization: 10, confidence: 20, iterations: 4}
        transfer: {alignment: text, text: {regularization: [40], item-regularization: [10, 40], feature-ratio: [10, 100]}}
        evaluation: {split: seeded, baselines: [text-knn], cold-users: 0.5, validation-users: 0.4, minimum-interactions: 6}

        """

    @Test("of two sources the one with the target's kind of texts counts more, and the other misleads less")
    func similarity() throws {
        func run(_ temperature: String) throws -> (record: RecordOfRun, weights: [String: Double]) {
            let folder = try TemporaryFolder()
            let scenario = try folder.write(TextTransferTests.sources, to: "apart.yaml")
            let output = try FerryProcess.run([
                "run", "-q", scenario, "--output", folder.path, "--set",
                "transfer.text.similarity-temperature=\(temperature)",
            ])
            try #require(output.exitCode == 0, "\(output.standardError)")
            let record = try RecordOfRun("\(try folder.seedFolder("apart", seed: 1))/run.json")
            let pairs = (record.object["choices"] as? [[String: Any]] ?? []).compactMap { choice in
                (choice["model"] as? String).flatMap { name in
                    (choice["weight"] as? Double).map { (name, $0) }
                }
            }.filter { ["movies", "music"].contains($0.0) }
            return (record, Dictionary(uniqueKeysWithValues: pairs))
        }
        func total(_ record: RecordOfRun) throws -> Double {
            try [1, 3, 5].reduce(0) {
                $0 + (try #require(record.value("feature-map-ungated", $1, client: "books")))
            }
        }
        let alike = try run("none")
        let weighted = try run("0.1")
        #expect(alike.weights.isEmpty)
        #expect(try #require(weighted.weights["movies"]) > 0.8)
        #expect(abs(weighted.weights.values.reduce(0, +) - 1) < 1e-9)
        // The weights are those of the discrepancies that the record has.
        let distances = (weighted.record.object["discrepancy"] as? [[String: Any]] ?? [])
            .filter { $0["measure"] as? String == "mmd" }
        let parts = Dictionary(
            uniqueKeysWithValues: distances.compactMap { entry in
                (entry["source"] as? String).flatMap { name in
                    (entry["before"] as? Double).map { (name, exp(-$0 / 0.1)) }
                }
            })
        let sum = parts.values.reduce(0, +)
        for (source, part) in parts { #expect(abs((weighted.weights[source] ?? 0) - part / sum) < 1e-6, "\(source)") }
        #expect(parts.count == 2)
        #expect(try total(weighted.record) > 1.03 * total(alike.record))
        // A temperature far above all discrepancies weighs alike.
        let hot = try run("1e6")
        #expect(abs((hot.weights["music"] ?? 0) - 0.5) < 1e-5)
        #expect(abs(try total(hot.record) - total(alike.record)) < 0.03)
    }
}
