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

    /// Figures of the transfer alone, and how much of a source's words its map and the target's agree on.
    private func turned(_ overrides: [String]) throws -> (ndcg: Double, before: Double, after: Double) {
        let record = try run(try TemporaryFolder(), overrides).record
        let all = record.object["discrepancy"] as? [[String: Any]] ?? []
        let found = try #require(all.first { $0["measure"] as? String == "linear-cka" })
        return (
            try #require(record.value("feature-map-ungated", 3, client: "books")),
            found["before"] as? Double ?? .nan, found["after"] as? Double ?? .nan
        )
    }

    @Test("what a rotation of one service's word vectors takes away, the words that both know bring back")
    func spaces() throws {
        let plain = try turned([])
        #expect(plain.before == 1 && plain.after == 1)
        let rotation = "world.word-rotation=1.5"
        let lost = try turned([rotation])
        // No rotation changes how alike two representations are, but B_S makes something else of turned words.
        #expect(abs(lost.before - 1) < 1e-5 && lost.after < 0.7)
        for space in ["procrustes", "anchors", "network"] {
            let found = try turned([rotation, "transfer.text.space=\(space)"])
            #expect(found.after > 0.99 && abs(found.ndcg - plain.ndcg) < 0.03 * plain.ndcg, "\(space): \(found)")
            // Without it the transfer is another one.
            #expect(abs(found.ndcg - plain.ndcg) < abs(lost.ndcg - plain.ndcg), "\(space): \(found), \(lost)")
        }
        let moments = try turned([rotation, "transfer.text.space=optimal-transport"])
        #expect(moments.ndcg > 0 && moments.after.isFinite)
    }

    @Test("too few shared words are an error that says what to do")
    func fewWords() throws {
        let folder = try TemporaryFolder()
        let words = ["the", "of", "war", "army", "love", "crime", "space", "comedy", "king", "magic", "band", "family"]
        let lines = words.enumerated().map { index, word in
            "\(word) " + (0..<50).map { String(($0 * (index + 3)) % 7 - 3) }.joined(separator: " ")
        }
        let file = try folder.write(lines.joined(separator: "\n") + "\n", to: "own.txt")
        let scenario = try folder.write(TextTransferTests.scenario, to: "apart.yaml")
        let output = try FerryProcess.run([
            "run", "-q", scenario, "--output", folder.path, "--set", "clients.movies.data.word-vectors=\(file)",
            "--set",
            "transfer.text.space=procrustes",
        ])
        #expect(output.exitCode == 66)
        #expect(
            output.standardError.contains("procrustes needs at least 50 words with vectors in both movies and books"))
        #expect(output.standardError.contains("raise transfer.text.public-words, or choose optimal-transport"))
    }

    /// The bytes of a tensor of the first checkpoint that has it.
    private func tensor(_ name: String, of seed: String) throws -> Data {
        for file in try FileManager.default.contentsOfDirectory(atPath: "\(seed)/checkpoints").sorted() {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(seed)/checkpoints/\(file)"))
            let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            let header = try JSONSerialization.jsonObject(with: bytes[8..<8 + length]) as? [String: Any]
            guard let entry = header?[name] as? [String: Any], let range = entry["data_offsets"] as? [Int] else {
                continue
            }
            return bytes[(8 + length + range[0])..<(8 + length + range[1])]
        }
        throw CocoaError(.fileNoSuchFile)
    }

    @Test("the words that a source sends depend on none of its ratings and items")
    func words() throws {
        let found = try ["1", "2"].map { seed in
            let folder = try TemporaryFolder()
            let run = try run(folder, ["world.seed=\(seed)"]).run
            return try withExtendedLifetime(folder) {
                (words: try tensor("movies.text-words", of: run), map: try tensor("movies.text-weights", of: run))
            }
        }
        #expect(found[0].words == found[1].words && found[0].words.count == 4 * 1_000 * 50)
        #expect(found[0].map != found[1].map)
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

    @Test("meta-learning needs no person in common: gradients of all domains' persons, and nothing else of the target")
    func meta() throws {
        let folder = try TemporaryFolder()
        let longer = metaOverrides + ["transfer.meta.rounds=40", "federation.rounds=120"]
        let first = try run(folder, longer)
        let second = try run(try TemporaryFolder(), longer)
        #expect(first.record.bytes == second.record.bytes)
        for method in ["meta", "meta-ungated", "meta-local", "shuffled-source-ungated", "best-local"] {
            for shots in [0, 1, 3, 5] {
                #expect(try #require(first.record.value(method, shots, client: "books")) > 0, "\(method), \(shots)")
            }
        }
        // Texts in a wrong order teach less.
        let total = { (method: String) throws -> Double in
            try [1, 3, 5].reduce(0) { $0 + (try #require(first.record.value(method, $1, client: "books"))) }
        }
        #expect(try total("meta-ungated") > 1.05 * total("shuffled-source-ungated"))
        let wire =
            try JSONSerialization.jsonObject(
                with: try Data(contentsOf: URL(fileURLWithPath: "\(first.run)/wire.json"))) as? [String: Any]
        let names = Set((wire?["tensors"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String })
        let parts = ["count", "start", "log-rate", "tower"]
        #expect(
            names
                == Set(
                    ["movies.text-mean", "movies.text-covariance"]
                        + ["meta", "shuffled-source"].flatMap { name in parts.map { "\(name).gradient-\($0)" } }))
        let measures = (first.record.object["discrepancy"] as? [[String: Any]] ?? []).compactMap {
            $0["measure"] as? String
        }
        #expect(measures.contains("coral") && measures.contains("mmd"))
    }

    @Test("every variant of meta-learning goes by text, and several clients may share the source")
    func metaVariants() throws {
        for variant in ["fomaml", "reptile", "ridge"] {
            let record = try run(
                try TemporaryFolder(),
                metaOverrides + [
                    "transfer.meta.variant=\(variant)", "transfer.meta.regularization=1", "clients.movies.count=2",
                ]
            ).record
            #expect(try #require(record.value("meta-ungated", 3, client: "books")) > 0, "\(variant)")
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

    @Test("when the first client of a shared source is killed, the next one tells what it has learnt of texts")
    func lostSpeaker() throws {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(TextTransferTests.scenario, to: "apart.yaml")
        let ferry = try FerryProcess(
            ["run", scenario, "--output", folder.path]
                + ["clients.movies.count=2", "federation.minimum-clients=2", "model.iterations=40"].flatMap {
                    ["--set", $0]
                })
        _ = try ferry.waitForLine(containing: "round 5/")
        try ferry.killChild("client movies-1")
        let output = try ferry.finish()
        #expect(output.exitCode == 0, "\(output.standardError)")
        #expect(output.standardError.contains("client movies-1"))
        let seed = try folder.seedFolder("apart", seed: 1)
        #expect(try RecordOfRun("\(seed)/run.json").value("feature-map-ungated", 3, client: "books") ?? 0 > 0)
        #expect(try tensor("movies.text-weights", of: seed).count == 4 * 50 * 8)
    }

    private func recommend(_ run: String, _ arguments: String...) throws -> FerryProcess.Output {
        try FerryProcess.run(["recommend", run] + arguments)
    }

    @Test(
        "the target's client recommends with the models that it kept: titles, without what the person has",
        arguments: [
            [], ["transfer.gate=false"], ["transfer.method=article", "model.regularization=0.01"],
            metaOverrides,
        ])
    func recommendations(_ overrides: [String]) throws {
        let folder = try TemporaryFolder()
        let seed = try run(folder, overrides).run
        // Every person is in one of the two domains.
        let somebody = (100..<400).lazy.map { "person-\($0)" }.first { person in
            (try? recommend(seed, "--client", "books", "--user", person).exitCode) == 0
        }
        let person = try #require(somebody)
        let output = try recommend(seed, "--client", "books", "--user", person, "-n", "1000", "--json", "--explain")
        try #require(output.exitCode == 0, "\(output.standardError)")
        let object = try JSONSerialization.jsonObject(with: Data(output.standardOutput.utf8)) as? [String: Any]
        let items = try #require(object?["items"] as? [[String: Any]])
        let seen = try #require(object?["seen"] as? Int)
        #expect(
            object?["method"] as? String
                == (overrides.first { $0.hasPrefix("transfer.method=") }?.dropFirst(16).description ?? "feature-map"))
        #expect(seen > 0 && items.count == 150 - seen)
        #expect(items.allSatisfy { ($0["title"] as? String)?.isEmpty == false })
        let scores = items.compactMap { $0["score"] as? Double }
        #expect(zip(scores, scores.dropFirst()).allSatisfy { $0 >= $1 } && Set(scores).count > 100)
        #expect(items.contains { ($0["reasons"] as? [Any])?.isEmpty == false })
        let source = try recommend(seed, "--client", "movies", "--user", person)
        #expect(source.exitCode == 64 && source.standardError.contains("only the client of books recommends"))
        try FileManager.default.removeItem(atPath: "\(seed)/clients/books/models.safetensors")
        let without = try recommend(seed, "--client", "books", "--user", person)
        #expect(without.exitCode == 74 && without.standardError.contains("holds no models of client books"))
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

/// What makes meta-learning of the scenario, in few rounds.
private let metaOverrides = [
    "transfer.method=meta", "transfer.meta.rounds=8", "transfer.meta.participation=0.3",
    "evaluation.baselines=[text-knn]",
]
