import Record
import Simulation
import Testing

private let totals = WireTotals(bytesUp: 1, bytesDown: 2, messages: 3)
private let privacy = PrivacyRecord(
    mode: "none", unit: "person", neighbouring: "add-remove", delta: nil, epsilon: .noBound, releases: [],
    unprotected: [],
    hasReproducibleNoise: true)

private func figure(
    _ value: Double, _ interval: [Double] = [0, 1], method: String = "local", shots: Int? = 1, client: String = "books",
    cohort: String = "cold-users", metric: String = "ndcg@10"
) -> EvaluationRecord {
    EvaluationRecord(
        client: client, method: method, cohort: cohort, shots: shots, metric: metric, value: value, interval: interval,
        users: 50)
}

private func run(_ seed: Int, _ figures: EvaluationRecord...) -> RunRecord {
    RunRecord(
        version: "0.1.0", scenario: "s", seed: seed, rounds: 6, status: .completed, clients: [], evaluation: figures,
        choices: [], missing: [], schemaDigest: "", privacy: privacy, wire: totals)
}

private func summary(_ runs: RunRecord...) -> SummaryRecord {
    SummaryRecord(scenario: "s", status: .completed, runs: runs)
}

@Suite struct SummaryTests {
    /// Mean and half width from scipy.stats.t.interval(0.95, n - 1, mean, sem).
    @Test(arguments: [
        ([1.0, 2, 3], 2.0, 2.484137711), ([1, 2, 3, 4, 5], 3, 1.963243161), ([0.5, 0.5], 0.5, 0),
        ([0, 1], 0.5, 6.353102368),
    ])
    func theIntervalOverSeedsIsStudents(_ values: [Double], _ center: Double, _ half: Double) throws {
        let runs = values.enumerated().map { run($0.offset + 1, figure($0.element, [-9, 9])) }
        let record = SummaryRecord(scenario: "s", status: .completed, runs: runs)
        let result = try #require(record.figures.first)
        #expect(record.figures.count == 1 && record.seeds == Array(1...values.count))
        #expect(result.kind == "student-t over seeds" && result.seeds == values.count)
        #expect(abs(result.mean - center) < 1e-12)
        try #require(result.interval.count == 2)
        #expect(abs(result.interval[0] - (center - half)) < 1e-8)
        #expect(abs(result.interval[1] - (center + half)) < 1e-8)
    }

    @Test func oneSeedKeepsTheIntervalOverPersons() throws {
        let result = try #require(summary(run(7, figure(0.25, [0.125, 0.5]))).figures.first)
        #expect(result.mean == 0.25 && result.interval == [0.125, 0.5])
        #expect(result.kind == "bootstrap over persons" && result.seeds == 1)
        let undefined = try #require(summary(run(7, figure(0.25, []))).figures.first)
        #expect(undefined.interval == [])
    }

    @Test func lostClientsOfASeedAreInTheSummaryAndNothingWhereNoneWas() {
        #expect(summary(run(7, figure(1))).missing == nil)
        let lossy = RunRecord(
            version: "0.1.0", scenario: "s", seed: 8, rounds: 6, status: .completed, clients: [],
            evaluation: [figure(1)], choices: [], missing: ["movies"], schemaDigest: "", privacy: privacy, wire: totals)
        #expect(
            summary(run(7, figure(1)), lossy).missing == [MissingRecord(seed: 8, clients: ["movies"])])
    }

    @Test func theOrderOfTheSeedsChangesNoInterval() throws {
        let values = [0.11, 0.13, 0.12, 0.2]
        let runs = values.enumerated().map { run($0.offset, figure($0.element)) }
        let forward = try #require(SummaryRecord(scenario: "s", status: .completed, runs: runs).figures.first)
        let backward = try #require(
            SummaryRecord(scenario: "s", status: .completed, runs: runs.reversed()).figures.first)
        #expect(abs(forward.mean - backward.mean) < 1e-15)
        #expect(zip(forward.interval, backward.interval).allSatisfy { abs($0 - $1) < 1e-15 })
    }

    @Test func figuresThatDifferInAnyNameAreNotMixed() {
        let base = figure(0.5)
        let others = [
            figure(0.5, method: "feature-map"), figure(0.5, shots: 3), figure(0.5, client: "games"),
            figure(0.5, cohort: "warm-users"), figure(0.5, metric: "recall@10"), figure(0.5, shots: nil),
            figure(0.5, shots: 0),
        ]
        for other in others {
            let record = summary(run(1, base, other), run(2, base, other))
            #expect(record.figures.map(\.seeds) == [2, 2], "\(other)")
        }
    }

    @Test func figuresStandInTheOrderOfTheFirstRun() {
        let record = summary(
            run(1, figure(1, method: "b"), figure(2, method: "a")),
            run(2, figure(3, method: "a"), figure(4, method: "c"), figure(5, method: "b")))
        #expect(record.figures.map(\.method) == ["b", "a", "c"])
        #expect(record.figures.map(\.mean) == [3, 2.5, 4])
        // A figure that one seed alone has keeps that seed's own interval and says so.
        #expect(record.figures.map(\.kind).last == "bootstrap over persons")
        #expect(record.figures.map(\.seeds) == [2, 2, 1])
    }

    @Test func noRunsGiveNoFigures() {
        let record = summary()
        #expect(record.figures.isEmpty && record.seeds.isEmpty)
        #expect(record.csv == "client,method,cohort,shots,metric,mean,ci95-lower,ci95-upper,interval,seeds\n")
    }

    @Test func theCommaSeparatedFiguresAreKnown() {
        let record = summary(
            run(
                1, figure(0.25, [0.125, 0.5]), figure(0.5, [], method: "a,b", shots: 0),
                figure(0.75, [0.5, 1], shots: nil, cohort: "warm-users")))
        #expect(
            record.csv == """
                client,method,cohort,shots,metric,mean,ci95-lower,ci95-upper,interval,seeds
                books,local,cold-users,1,ndcg@10,0.25,0.125,0.5,bootstrap over persons,1
                books,"a,b",cold-users,0,ndcg@10,0.5,,,bootstrap over persons,1
                books,local,warm-users,,ndcg@10,0.75,0.5,1.0,bootstrap over persons,1

                """)
    }
}
