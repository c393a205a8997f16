import Record
import Reporting

/// Small records for pages.
enum ReportSamples {
    static let open = EpsilonRecord.noBound

    /// A privacy section; without an ε nothing is protected.
    static func privacy(_ epsilon: Double?, total: Bool = false, unit: String = "person") -> PrivacyRecord {
        guard let epsilon else {
            return PrivacyRecord(
                mode: "none", unit: "person", neighbouring: "add-remove", delta: nil, epsilon: open,
                releases: [ReleaseRecord(name: "bridge", epsilon: open, conditionalOn: [])],
                unprotected: ["books.item-factors", "bridge"], hasReproducibleNoise: true)
        }
        let bounds = EpsilonRecord(coordinator: nil, peer: epsilon, colluders: nil, model: epsilon)
        return PrivacyRecord(
            mode: "central", unit: unit, neighbouring: "add-remove", delta: 1e-5, epsilon: total ? bounds : open,
            releases: [
                ReleaseRecord(
                    name: "bridge", epsilon: bounds,
                    conditionalOn: total ? [] : ["books.item-factors", "movies.whitening"],
                    mechanism: "discrete-gaussian", noiseMultiplier: 2.35, clippingBound: 1, sensitivity: 1.004,
                    samplingRate: 1, rounds: 1,
                    renyiEpsilon: EpsilonRecord(
                        coordinator: nil, peer: epsilon * 1.1, colluders: nil, model: epsilon * 1.1))
            ], unprotected: total ? [] : ["books.item-factors", "movies.whitening"], hasReproducibleNoise: true)
    }

    /// The values of a method at k = 0 and 3 for three seeds.
    static func values(_ method: String, factor: Double) -> [(shots: Int, values: [Double])] {
        let local = [[0.28, 0.30, 0.29], [0.38, 0.37, 0.39]]
        let scale: Double
        switch method {
        case "feature-map": scale = factor
        case "popularity": scale = 0.98
        case "shuffled-source": scale = 1
        default: scale = 1
        }
        return zip([0, 3], local).map { shots, seeds in
            (shots, seeds.enumerated().map { $1 * scale + (method == "feature-map" ? 0.002 * Double($0) : 0) })
        }
    }

    static let methods = ["best-local", "feature-map", "popularity", "shuffled-source"]

    /// The records of three seeds in which the transfer is `factor` times as good as the best local model.
    static func runs(
        factor: Double = 1.3, epsilon: Double? = nil, methods: [String] = methods, client: String = "persons",
        status: RunStatus = .completed, missing: [String] = [], knowsBetter: Bool = true,
        simulatedTime: [SimulatedTimeRecord]? = nil
    ) -> [RunRecord] {
        (0..<3).map { seed in
            var evaluation = methods.flatMap { method in
                values(method, factor: factor).map { shots, values in
                    EvaluationRecord(
                        client: client, method: method, cohort: "cold-users", shots: shots, metric: "ndcg@10",
                        value: values[seed], interval: [], users: 50)
                }
            }
            evaluation += [0, 3].map {
                EvaluationRecord(
                    client: client, method: "feature-map", cohort: "cold-users", shots: $0,
                    metric: "ndcg@10-share-worse", value: 0.25, interval: [], users: 50)
            }
            if knowsBetter {
                evaluation += [0, 3].map {
                    EvaluationRecord(
                        client: client, method: "feature-map", cohort: "cold-users", shots: $0,
                        metric: "ndcg@10-share-better", value: 0.5, interval: [], users: 50)
                }
            }
            return RunRecord(
                version: FerryVersion.current, scenario: "sample", seed: seed + 1, rounds: 4, status: status,
                clients: [
                    ClientRecord(id: "books", domain: "books", users: 100, items: 40, interactions: 900, duplicates: 0),
                    ClientRecord(
                        id: client, domain: "persons", users: 80, items: 40, interactions: 1_700, duplicates: 0),
                ], evaluation: evaluation,
                choices: [ChoiceRecord(method: "feature-map", shots: 0, ridge: 0.3, gate: 0.75)],
                discrepancy: [
                    DiscrepancyRecord(source: "movies", target: "books", measure: "mmd", before: 0.2, after: 0.05)
                ], missing: missing, schemaDigest: "ab", privacy: privacy(epsilon),
                wire: WireTotals(bytesUp: 4_000_000, bytesDown: 1_234, messages: 12), simulatedTime: simulatedTime)
        }
    }

    /// The figures over seeds.
    static func figures(_ runs: [RunRecord]) -> [SummaryFigure] {
        (runs.first?.evaluation ?? []).enumerated().map { index, figure in
            let values = runs.map { $0.evaluation[index].value }
            let mean = values.reduce(0, +) / Double(values.count)
            return SummaryFigure(
                client: figure.client, method: figure.method, cohort: figure.cohort, shots: figure.shots,
                metric: figure.metric, mean: mean, interval: [mean - 0.02, mean + 0.02], kind: "student-t over seeds",
                seeds: values.count)
        }
    }

    /// The summary of records.
    static func summary(_ runs: [RunRecord], status: RunStatus = .completed, scenario: String = "sample")
        -> SummaryRecord
    {
        SummaryRecord(
            scenario: scenario, status: status, seeds: runs.map(\.seed), figures: figures(runs),
            privacy: runs.first?.privacy)
    }

    static let wire = WireRecord(
        transport: "ipc",
        rounds: [
            RoundRecord(
                round: 1, step: "bridge", participants: ["persons"], answered: 1, missing: [], bytesUp: 4_000_000,
                bytesDown: 1_234)
        ] + learning("tower", 2...41) + learning("refit-tower", 42...44),
        traffic: [
            WireKindRecord(kind: "plan", direction: "down", messages: 6, frames: 12, bytes: 1_234),
            WireKindRecord(kind: "update", direction: "up", messages: 6, frames: 12, bytes: 4_000_000),
        ], refused: 0, tensors: [TensorRecord(name: "bridge.sum", shape: [8, 8], scope: "shared", release: "bridge")],
        missing: [], schemaDigest: "ab")

    /// Rounds of a step in which something is learnt.
    static func learning(_ step: String, _ rounds: ClosedRange<Int>) -> [RoundRecord] {
        rounds.map { round in
            RoundRecord(
                round: round, step: step, participants: ["books"], answered: 1, missing: [], bytesUp: 0, bytesDown: 0,
                learning: [LearningRecord(subject: "tower", measure: "relative-change", value: 1 / Double(round))])
        }
    }

    /// The report of a run.
    static func report(factor: Double = 1.3, epsilon: Double? = nil, methods: [String] = methods) -> RunReport {
        let runs = runs(factor: factor, epsilon: epsilon, methods: methods)
        return RunReport(
            summary: summary(runs), runs: runs, wire: wire, scenario: "name: sample\nprivacy: {mode: none}\n",
            target: "books",
            spending: epsilon == nil
                ? []
                : [1, 2].flatMap { round in
                    [("coordinator", nil), ("peer", Double(round)), ("model", Double(round))].flatMap {
                        adversary, value in
                        [
                            SpendingRecord(
                                round: round, adversary: adversary, scope: .release("bridge"), epsilon: value),
                            SpendingRecord(round: round, adversary: adversary, scope: .everything, epsilon: nil),
                        ]
                    }
                })
    }

    /// A point of a sweep.
    static func point(
        _ settings: [SweepSetting], factor: Double, epsilon: Double?, run: String = "0123abcd", total: Bool = false
    ) -> SweepPoint {
        let runs = runs(factor: factor, epsilon: epsilon)
        let seedFigures = runs[0].evaluation.enumerated().map { index, figure in
            SweepSeedFigures(
                client: figure.client, method: figure.method, cohort: figure.cohort, shots: figure.shots,
                metric: figure.metric, values: runs.map { $0.evaluation[index].value })
        }
        return SweepPoint(
            settings: settings, run: run, status: .completed, seeds: [1, 2, 3], figures: figures(runs),
            seedFigures: seedFigures, privacy: privacy(epsilon, total: total))
    }

    /// A sweep over ε in which the transfer fails at 0.25 and one point did not complete.
    static let sweep: SweepRecord = {
        let key = "privacy.epsilon"
        let points = [("0.25", 0.9), ("1", 1.15), ("4", 1.28)].map { value, factor in
            point([SweepSetting(key: key, value: value)], factor: factor, epsilon: Double(value))
        }
        let failed = SweepPoint(
            settings: [SweepSetting(key: key, value: "2")], run: "dead", status: .failed,
            failure: "client movies was lost", seeds: [], figures: [], seedFigures: [], privacy: nil)
        let unprotected = point([SweepSetting(key: key, value: "none")], factor: 1.3, epsilon: nil)
        return SweepRecord(
            scenario: "sample", keys: [key], notes: ["transfer.dimension was tuned on these results"],
            points: points + [failed, unprotected])
    }()

    /// A sweep over one other key.
    static func sweep(_ key: String, _ values: [String]) -> SweepRecord {
        SweepRecord(
            scenario: "sample", keys: [key], notes: [],
            points: values.enumerated().map { index, value in
                point([SweepSetting(key: key, value: value)], factor: 1.1 + 0.05 * Double(index), epsilon: nil)
            })
    }

    /// A summary of single figures.
    static func summary(of values: [(method: String, shots: Int?, mean: Double, interval: [Double])]) -> SummaryRecord {
        SummaryRecord(
            scenario: "degenerate", status: .completed, seeds: [1],
            figures: values.map {
                SummaryFigure(
                    client: "persons", method: $0.method, cohort: "cold-users", shots: $0.shots, metric: "ndcg@10",
                    mean: $0.mean, interval: $0.interval, kind: "bootstrap over persons", seeds: 1)
            })
    }
}
