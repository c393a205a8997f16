import Foundation
import TestSupport
import Testing

/// Accuracy on real data, where it is at hand.
@Suite(.serialized)
struct RealDataTests {
    private static let data = URL(fileURLWithPath: FerryProcess.root).deletingLastPathComponent()
        .appendingPathComponent("shared/data/amazon-merged").path
    private static let isPresent: Bool = {
        let isPresent = FileManager.default.fileExists(atPath: "\(data)/movies.inter")
        if !isPresent { print("skipped: no real data in \(data)") }
        return isPresent
    }()

    @Test(
        "movies help cold book readers: feature map against popularity, the local model and the shuffled source",
        .enabled(if: isPresent, "skipped: the real data is not here"))
    func moviesToBooks() throws {
        let folder = try TemporaryFolder()
        let start = ContinuousClock.now
        let output = try FerryProcess.run(
            [
                "run", "-q", "Scenarios/amazon-movies-to-books.yaml", "--data", RealDataTests.data, "--output",
                folder.path,
            ], minutes: 6)
        #expect(output.exitCode == 0, "\(output.standardError)")
        // Alone on two cores it takes 50 s; here the other tests run beside it.
        #expect((ContinuousClock.now - start) / .seconds(1) < 300)
        var featureMap: [Double] = []
        var shuffled: [Double] = []
        var gated: [[Double]] = [[], [], []]
        var control = gated
        var ungated: [Double] = []
        for seed in 1...5 {
            let path = try folder.seedFolder("amazon-movies-to-books", seed: seed)
            let record =
                try JSONSerialization.jsonObject(
                    with: Data(contentsOf: URL(fileURLWithPath: "\(path)/run.json"))) as? [String: Any]
            let rows = record?["evaluation"] as? [[String: Any]] ?? []
            func value(_ method: String, _ shots: Int) throws -> Double {
                try #require(
                    rows.first {
                        $0["method"] as? String == method && $0["shots"] as? Int == shots
                            && $0["metric"] as? String == "ndcg@10"
                    }?["value"] as? Double)
            }
            let popularity = try value("popularity", 0)
            featureMap.append(try value("feature-map", 0) / popularity)
            shuffled.append(try value("shuffled-source", 0) / popularity)
            for (index, shots) in [1, 3, 5].enumerated() {
                gated[index].append(try value("feature-map", shots) / value("best-local", shots))
                control[index].append(try value("shuffled-source", shots) / value("best-local", shots))
            }
            ungated.append(try value("shuffled-source-ungated", 0) / popularity)
        }
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        #expect(mean(featureMap) >= 1.40, "\(featureMap)")
        #expect(featureMap.allSatisfy { $0 >= 1.25 }, "\(featureMap)")
        #expect(mean(shuffled) <= 1.05, "\(shuffled)")
        for (ratios, least) in zip(gated, [1.10, 1, 1]) {
            #expect(mean(ratios) >= least && ratios.allSatisfy { $0 >= 0.95 }, "\(ratios)")
        }
        for ratios in control { #expect(abs(mean(ratios) - 1) <= 0.02, "\(ratios)") }
        #expect((0.90...1.02).contains(mean(ungated)), "\(ungated)")
    }
}
