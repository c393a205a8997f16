import Record
import Reporting
import Testing

@Suite struct SweepTableTests {
    private func point(_ factors: String, _ values: [String: [Double]], shots: Int = 0) -> SweepPoint {
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        let methods = values.keys.sorted()
        return SweepPoint(
            settings: [SweepSetting(key: "model.factors", value: factors)], run: "../\(factors)", status: .completed,
            seeds: [1, 2, 3],
            figures: methods.map {
                SummaryFigure(
                    client: "persons", method: $0, cohort: "cold-users", shots: shots, metric: "ndcg@10",
                    mean: mean(values[$0] ?? []), interval: [0.1, 0.9], kind: "student-t over seeds", seeds: 3)
            },
            seedFigures: methods.map {
                SweepSeedFigures(
                    client: "persons", method: $0, cohort: "cold-users", shots: shots, metric: "ndcg@10",
                    values: values[$0] ?? [])
            }, privacy: nil)
    }

    private func sweep(_ points: SweepPoint...) -> SweepRecord {
        SweepRecord(scenario: "s", keys: ["model.factors"], notes: ["what was tuned"], points: points)
    }

    @Test func pointsAreRowsAndMethodsColumnsAndDifferencesArePaired() {
        let failed = SweepPoint(
            settings: [SweepSetting(key: "model.factors", value: "64")], run: "../64", status: .peerLost,
            failure: "client books is gone", seeds: [], figures: [], seedFigures: [], privacy: nil)
        let text = SweepTable.text(
            sweep(
                point("16", ["feature-map": [0.3, 0.5, 0.4], "popularity": [0.2, 0.2, 0.2], "ease": [0, 0, 0]]), failed,
                point("32", ["feature-map": [0.4, 0.6, 0.5], "popularity": [0.2, 0.2, 0.2], "ease": [0, 0, 0]])),
            metric: "ndcg@10")
        // Every seed gains 0.1: paired, the interval is a point, although the means overlap.
        #expect(
            text == """
                ndcg@10 of cold-users, client persons, 0 known target interactions
                model.factors  feature-map              popularity
                16             0.4000 [0.1000, 0.9000]  0.2000 [0.1000, 0.9000]
                32             0.5000 [0.1000, 0.9000]  0.2000 [0.1000, 0.9000]
                the transfer's ndcg@10 minus that of model.factors=16, client persons, paired over 3 seeds
                model.factors  k=0
                32             +0.1000 [+0.1000, +0.1000]
                3 seeds a point; brackets: 95 % interval, student-t over seeds
                not completed: model.factors=64: client books is gone
                note: what was tuned

                """)
    }

    @Test func aTransferIsComparedWithAnotherOne() {
        let text = SweepTable.text(
            sweep(point("16", ["feature-map": [0.3, 0.3, 0.3]]), point("32", ["meta": [0.2, 0.2, 0.2]])),
            metric: "ndcg@10")
        #expect(text.contains("16             0.3000 [0.1000, 0.9000]  –\n"))
        #expect(text.contains("32             -0.1000 [-0.1000, -0.1000]"))
    }

    @Test func protectedPointsAreComparedWithTheUnprotectedOneAndSayWhatEachReleasePromises() {
        func privacy(_ epsilon: Double?) -> PrivacyRecord {
            let bound = EpsilonRecord(coordinator: nil, peer: epsilon, colluders: nil, model: epsilon)
            return PrivacyRecord(
                mode: epsilon == nil ? "none" : "central", unit: "person", neighbouring: "add-remove",
                delta: epsilon.map { _ in 1e-5 }, epsilon: .noBound,
                releases: [ReleaseRecord(name: "bridge", epsilon: bound, conditionalOn: ["books.moments"])],
                unprotected: ["books.moments"], hasReproducibleNoise: true)
        }
        func point(_ value: String, _ ndcg: [Double], _ epsilon: Double?) -> SweepPoint {
            let same = self.point(value, ["feature-map": ndcg])
            return SweepPoint(
                settings: [SweepSetting(key: "privacy.epsilon", value: value)], run: "../\(value)",
                status: .completed, seeds: same.seeds, figures: same.figures, seedFigures: same.seedFigures,
                privacy: privacy(epsilon))
        }
        let text = SweepTable.text(
            SweepRecord(
                scenario: "s", keys: ["privacy.epsilon"], notes: [],
                points: [point("0.5", [0.3, 0.5, 0.4], 0.5), point("none", [0.4, 0.6, 0.5], nil)]), metric: "ndcg@10")
        #expect(
            text.hasSuffix(
                """
                the transfer's ndcg@10 minus that of privacy.epsilon=none, client persons, paired over 3 seeds
                privacy.epsilon  k=0
                0.5              -0.1000 [-0.1000, -0.1000]
                3 seeds a point; brackets: 95 % interval, student-t over seeds
                ε of protected releases, per person, neighbouring relation add-remove, δ\u{A0}=\u{A0}10⁻⁵; conditional on what crossed unprotected
                privacy.epsilon  release      against coordinator  against peer  against colluders  against model
                0.5              bridge       no bound             0.5           no bound           0.5
                none             unprotected  no bound             no bound      no bound           no bound

                """), "\(text)")
    }

    @Test func aMetricWithoutTheseMethodsShowsAllOfThem() {
        let text = SweepTable.text(
            sweep(point("16", ["item-mean": [1, 1, 1], "user-mean": [2, 2, 2]])), metric: "ndcg@10")
        #expect(text.contains("model.factors  item-mean                user-mean"))
    }

    @Test func comparedRunsStandSideBySideWithTheirTests() {
        func member(_ mean: Double) -> ComparedFigure.Member { ComparedFigure.Member(mean: mean, interval: []) }
        let runs = ["A", "B"].map {
            ComparedRun(
                label: $0, folder: "runs/\($0)", scenario: "s", transfer: "feature-map", seeds: [1, 2],
                settings: $0 == "A" ? [] : [SweepSetting(key: "model.factors", value: "32")])
        }
        let test = ComparedFigure.Test(
            run: "B", difference: -0.125, interval: [-0.25, 0], t: -2.5, degreesOfFreedom: 1, p: 0.25, adjusted: 0.5)
        let equal = ComparedFigure.Test(
            run: "B", difference: 0, interval: [0, 0], t: nil, degreesOfFreedom: 1, p: nil, adjusted: nil)
        let text = ComparisonTable.text(
            ComparisonRecord(
                metric: "ndcg@10", cohort: "cold-users", runs: runs, seeds: [1, 2], pairs: .seeds,
                figures: [
                    ComparedFigure(
                        client: "persons", method: "transfer", shots: 0, members: [member(0.5), member(0.375)],
                        tests: [test]),
                    ComparedFigure(
                        client: "persons", method: "best-local", shots: nil, members: [member(0.25), member(0.25)],
                        tests: [equal]),
                ], testCount: 2, notes: []))
        #expect(
            text == """
                A  runs/A (s, feature-map)
                B  runs/B (s, feature-map): model.factors=32

                ndcg@10 of cold-users, client persons
                method      k          A       B
                transfer    0          0.5000  0.3750
                best-local  all known  0.2500  0.2500

                differences from A, client persons
                method    k  run  difference                  t      p       p (Holm)
                transfer  0  B    -0.1250 [-0.2500, +0.0000]  -2.50  0.2500  0.5000
                the same in all runs: best-local k=all known

                2 common seeds; brackets: 95 % interval, student-t over seeds; differences are paired over seeds
                p: paired t-test, two-sided; p (Holm): corrected for 2 tests; equal: the same in all seeds, nothing to test

                """)
    }
}
