import Foundation
import TestSupport
import Testing

/// `transfer.ratings: mapped-prior` with real processes.
@Suite(.serialized)
struct RatingTransferTests {
    /// Tastes that move ratings far more than chance does, and hardly differ between the services.
    private static let scenario = """
        name: ratings
        world: {persons: 800, items: 300, interactions: 80, taste-strength: 0.5, domain-gap: 0.1, rating-noise: 0.3}
        clients:
          - {id: movies, domain: movies, data: {format: synthetic}}
          - {id: books, domain: books, data: {format: synthetic}}
          - {id: persons, domain: persons, links: [movies, books]}
        target: books
        model: {factors: 8, regularization: 10, confidence: 10, iterations: 3}
        transfer: {ratings: mapped-prior}
        tune: {rating-factors: 8, explicit-als-regularization: [1, 2, 4]}
        evaluation: {split: seeded, baselines: [item-mean, user-mean, bias-carry, explicit-als]}

        """

    /// The record of a run, and the names of the tensors that crossed.
    private func run(_ overrides: [String] = []) throws -> (record: RecordOfRun, tensors: Set<String>) {
        let folder = try TemporaryFolder()
        let scenario = try folder.write(RatingTransferTests.scenario, to: "ratings.yaml")
        let output = try FerryProcess.run(
            ["run", "-q", scenario, "--output", folder.path] + overrides.flatMap { ["--set", $0] })
        try #require(output.exitCode == 0, "\(output.standardError)")
        let seed = try folder.seedFolder("ratings", seed: 1)
        return try withExtendedLifetime(folder) {
            let wire =
                try JSONSerialization.jsonObject(with: try Data(contentsOf: URL(fileURLWithPath: "\(seed)/wire.json")))
                as? [String: Any]
            let names = (wire?["tensors"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
            return (try RecordOfRun("\(seed)/run.json"), Set(names))
        }
    }

    @Test("where taste moves ratings a mapped prior beats the offset alone, its control does not, the same every time")
    func figures() throws {
        let (record, tensors) = try run()
        #expect(try run().record.bytes == record.bytes)
        func rmse(_ method: String, _ shots: Int) throws -> Double {
            try #require(record.value(method, shots, "rmse"), "\(method) at \(shots)")
        }
        for shots in [0, 1, 3, 5] {
            let mapped = try rmse("mapped-prior", shots)
            #expect(mapped < 0.97 * (try rmse("bias-carry", shots)), "\(shots)")
            #expect(mapped < 0.97 * (try rmse("shuffled-prior-ungated", shots)), "\(shots)")
            #expect(mapped < 0.97 * (try rmse("best-local-ratings", shots)), "\(shots)")
            let choice = try #require(record.choices.first { $0.method == "mapped-prior" && $0.shots == shots })
            #expect(try #require(choice.gate) > 0.5)
        }
        // The local model is one of the target's own.
        let local = record.choices.filter { $0.method == "best-local-ratings" }.compactMap(\.model)
        #expect(local.count == 4 && Set(local).isSubset(of: ["item-mean", "user-mean", "explicit-als"]))
        #expect(record.value("mapped-prior", nil, "mae", cohort: "warm-users") != nil)
        // The ranking is that of a run without ratings.
        let plain = try run(["transfer.ratings=none"])
        for method in ["feature-map", "best-local", "shuffled-source"] {
            #expect(record.value(method, 3) == plain.record.value(method, 3))
        }
        #expect(plain.record.value("mapped-prior", 0, "rmse") == nil)
        #expect(tensors.isSuperset(of: ["rating-bridge.cross-moment", "movies.explicit-als.item-factors"]))
        #expect(!plain.tensors.isEmpty)
        #expect(plain.tensors.allSatisfy { !$0.contains("rating-bridge") && !$0.contains("rating-moment") })
    }

    @Test("where the tastes of two services have nothing in common the map adds nothing to the offset")
    func noCommonTaste() throws {
        let record = try run(["world.domain-gap=1"]).record
        for shots in [0, 5] {
            let mapped = try #require(record.value("mapped-prior-ungated", shots, "rmse"))
            let control = try #require(record.value("shuffled-prior-ungated", shots, "rmse"))
            #expect(abs(mapped / control - 1) < 0.01, "\(shots): \(mapped), \(control)")
        }
    }

    @Test("two sources and two persons clients make one map, and the figures are those of one client")
    func sources() throws {
        let music = RatingTransferTests.scenario.replacingOccurrences(
            of: "  - {id: books,", with: "  - {id: music, domain: music, data: {format: synthetic}}\n  - {id: books,"
        ).replacingOccurrences(of: "[movies, books]", with: "[movies, music, books]")
        func rmse(_ count: Int) throws -> Double {
            let folder = try TemporaryFolder()
            let scenario = try folder.write(music, to: "ratings.yaml")
            let output = try FerryProcess.run(
                ["run", "-q", scenario, "--output", folder.path, "--set", "clients.persons.count=\(count)"])
            try #require(output.exitCode == 0, "\(output.standardError)")
            let record = try RecordOfRun("\(try folder.seedFolder("ratings", seed: 1))/run.json")
            // Persons of several clients have about as many ratings.
            let parts = record.figures.filter {
                $0.method == "mapped-prior-ungated" && $0.shots == 0 && $0.metric == "rmse" && $0.cohort == "cold-users"
            }
            #expect(parts.count == count)
            let squares = parts.reduce(0) { $0 + $1.value * $1.value * Double($1.users) }
            return (squares / Double(parts.reduce(0) { $0 + $1.users })).squareRoot()
        }
        let (one, two) = (try rmse(1), try rmse(2))
        #expect(abs(one - two) < 0.02, "\(one) and \(two)")
    }
}
