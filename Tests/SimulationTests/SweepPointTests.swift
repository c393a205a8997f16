import Record
import Simulation
import Testing

@Suite struct SweepPointTests {
    private func run(_ seed: Int, _ values: [(method: String, value: Double)]) -> RunRecord {
        let privacy = PrivacyRecord(
            mode: "none", unit: "person", neighbouring: "add-remove", delta: nil, epsilon: .noBound, releases: [],
            unprotected: [], hasReproducibleNoise: true)
        return RunRecord(
            version: "0", scenario: "s", seed: seed, rounds: 1, status: .completed, clients: [],
            evaluation: values.map {
                EvaluationRecord(
                    client: "persons", method: $0.method, cohort: "cold-users", shots: 1, metric: "ndcg@10",
                    value: $0.value, interval: [], users: 5)
            }, choices: [], missing: [], schemaDigest: "", privacy: privacy,
            wire: WireTotals(bytesUp: 0, bytesDown: 0, messages: 0))
    }

    @Test func aPointHoldsTheSeedMeansInTheOrderOfItsSeeds() {
        let point = SweepPoint(
            settings: [SweepSetting(key: "model.factors", value: "8")], run: "../a",
            runs: [run(7, [("local", 0.25), ("ease", 1)]), run(3, [("local", 0.75)])])
        #expect(point.status == .completed && point.seeds == [7, 3] && point.failure == nil)
        #expect(point.figures.map(\.method) == ["local", "ease"] && point.figures[0].mean == 0.5)
        // What one seed did not measure has no pairs.
        #expect(point.seedFigures.map(\.method) == ["local"])
        #expect(point.seedFigures[0].values == [0.25, 0.75])
        #expect(point.privacy?.mode == "none")
    }
}
