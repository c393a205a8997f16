import Record
import Reporting
import Testing

private func figure(
    _ method: String, _ shots: Int?, _ mean: Double, _ interval: [Double] = [], client: String = "persons",
    cohort: String = "cold-users", metric: String = "ndcg@10", kind: String = "student-t over seeds"
) -> SummaryFigure {
    SummaryFigure(
        client: client, method: method, cohort: cohort, shots: shots, metric: metric, mean: mean, interval: interval,
        kind: kind, seeds: 3)
}

private func summary(_ figures: [SummaryFigure], seeds: [Int] = [1, 2, 3]) -> SummaryRecord {
    SummaryRecord(scenario: "s", status: .completed, seeds: seeds, figures: figures)
}

/// The only cell of a table of one figure.
private func cell(_ mean: Double, _ interval: [Double] = []) -> String {
    let lines = ResultTable.text(summary([figure("m", 0, mean, interval)]), metric: "ndcg@10").split(separator: "\n")
    return lines.count == 3 ? String(lines[2].dropFirst("method  ".count)) : "\(lines)"
}

@Suite struct ResultTableTests {
    @Test func aSmallTableIsKnown() {
        let record = summary([
            figure("popularity", 0, 0.0312, [0.03, 0.0325]), figure("local", 1, 0.05),
            figure("local", 3, 0.0625, [0.06, 0.065]),
            figure("feature-map", 0, 0.1, [-0.01, 0.21]), figure("feature-map", 1, 0.11, [0.1, 0.12]),
            figure("feature-map", 3, 0.12, [0.11, 0.13]), figure("feature-map", 3, 0.9, metric: "recall@10"),
            figure("feature-map", nil, 0.9, cohort: "warm-users"),
        ])
        #expect(
            ResultTable.text(record, metric: "ndcg@10") + ResultTable.legend(record) == """
                ndcg@10 of cold-users, client persons; k = known target interactions
                method       k=0                       k=1                      k=3
                popularity   0.0312 [0.0300, 0.0325]   –                        –
                local        –                         0.0500                   0.0625 [0.0600, 0.0650]
                feature-map  0.1000 [-0.0100, 0.2100]  0.1100 [0.1000, 0.1200]  0.1200 [0.1100, 0.1300]
                3 seeds; brackets: 95 % interval, student-t over seeds

                """)
    }

    @Test func oneSeedIsNamedAndItsIntervalLabelled() {
        let record = summary([figure("m", 0, 0.5, [0.4, 0.6], kind: "bootstrap over persons")], seeds: [42])
        #expect(
            ResultTable.text(record, metric: "ndcg@10") + ResultTable.legend(record) == """
                ndcg@10 of cold-users, client persons; k = known target interactions
                method  k=0
                m       0.5000 [0.4000, 0.6000]
                seed 42; brackets: 95 % interval, bootstrap over persons

                """)
    }

    @Test func lostClientsAreNamedOnceForAllSeedsThatLostThem() {
        #expect(ResultTable.missing(summary([])) == "")
        let record = SummaryRecord(
            scenario: "s", status: .completed, seeds: [1, 2, 3], figures: [],
            missing: [
                MissingRecord(seed: 1, clients: ["movies-1"]), MissingRecord(seed: 2, clients: ["books", "movies-1"]),
                MissingRecord(seed: 3, clients: ["movies-1"]),
            ])
        #expect(
            ResultTable.missing(record) == """
                missing: movies-1 was lost in seeds 1, 3, whose figures are of the other clients
                missing: books, movies-1 were lost in seed 2, whose figures are of the other clients

                """)
    }

    @Test func everyClientHasATable() {
        let text = ResultTable.text(
            summary([figure("m", 0, 0.5, client: "p-1"), figure("m", 0, 0.25, client: "p-2")]), metric: "ndcg@10")
        #expect(text.contains("client p-1; k") && text.contains("client p-2; k"))
        #expect(text.components("m       0.5000") == 1 && text.components("m       0.2500") == 1)
    }

    @Test func aMetricThatNobodyMeasuredHasNoTable() {
        #expect(ResultTable.text(summary([figure("m", 0, 0.5)]), metric: "recall@10") == "")
        #expect(ResultTable.text(summary([]), metric: "ndcg@10") == "")
        #expect(ResultTable.gains(summary([]), metric: "ndcg@10") == "")
    }

    @Test(arguments: [
        (0.0, "0.0000"), (-0.0, "0.0000"), (1.0, "1.0000"), (0.5, "0.5000"), (0.00004, "0.0000"), (0.00006, "0.0001"),
        (0.99994, "0.9999"), (0.99996, "1.0000"), (9.99996, "10.0000"), (1.00004, "1.0000"), (12.3456, "12.3456"),
        (1_234_567.00009, "1234567.0001"), (-0.5, "-0.5000"), (-0.00004, "0.0000"), (-0.00006, "-0.0001"),
        (-0.99996, "-1.0000"), (-1.5, "-1.5000"), (-12.34567, "-12.3457"), (0.0001, "0.0001"), (0.001, "0.0010"),
    ])
    func decimalsAreRoundedWithCarriesAndSigns(_ value: Double, _ text: String) {
        #expect(cell(value) == text)
        #expect(cell(0.25, [value, value]) == "0.2500 [\(text), \(text)]")
    }

    @Test(arguments: [1e16, -1e16, 1e300, .infinity, .nan])
    func aFigureBeyondAnyMetricIsPrintedAndNoTrap(_ value: Double) async {
        await #expect(processExitsWith: .success) { [bits = value.bitPattern as UInt64] in
            #expect(!cell(Double(bitPattern: bits)).isEmpty)
        }
    }

    @Test func aCohortHasATableOfItsOwnAndPersonsWithAllOfTheirHistoryOneColumn() {
        let record = summary([
            figure("feature-map", 0, 0.1), figure("feature-map", nil, 0.25, [0.2, 0.3], cohort: "warm-users"),
            figure("ease", nil, 0.5, cohort: "warm-users"), figure("ease", nil, 0.75, cohort: "cold-items"),
        ])
        #expect(
            ResultTable.text(record, metric: "ndcg@10", cohort: "warm-users") == """
                ndcg@10 of warm-users, client persons
                method       all known
                feature-map  0.2500 [0.2000, 0.3000]
                ease         0.5000

                """)
        #expect(
            ResultTable.text(record, metric: "ndcg@10", cohort: "cold-items") == """
                ndcg@10 of cold-items, client persons
                method  all known
                ease    0.7500

                """)
        #expect(ResultTable.text(record, metric: "ndcg@10", cohort: "warm-items") == "")
        #expect(
            ResultTable.text(record, metric: "ndcg@10")
                == ResultTable.text(record, metric: "ndcg@10", cohort: "cold-users"))
    }

    @Test func aColumnOfAllThatIsKnownStandsBehindTheNumbersOfShots() {
        let record = summary([figure("m", nil, 0.5), figure("m", 10, 0.25), figure("m", 2, 0.125)])
        #expect(
            ResultTable.text(record, metric: "ndcg@10") == """
                ndcg@10 of cold-users, client persons
                method  k=2     k=10    all known
                m       0.1250  0.2500  0.5000

                """)
    }

    @Test func onlyTheClientsThatAreAskedForHaveATable() {
        let record = summary([figure("m", 0, 0.5, client: "p"), figure("m", 0, 0.25, client: "p-1")])
        let text = ResultTable.text(record, metric: "ndcg@10", clients: ["p"])
        #expect(text.contains("client p;") && !text.contains("client p-1"))
    }

    @Test func theLegendOfNoFiguresIsEmpty() { #expect(ResultTable.legend(summary([])) == "") }

    @Test func gainsAreRatiosToTheBestLocalModelAndToPopularityWithoutShots() {
        let text = ResultTable.gains(
            summary([
                figure("popularity", 0, 0.02), figure("feature-map", 0, 0.03), figure("shuffled-source", 0, 0.0199),
                figure("best-local", 0, 0.01),
                // What is better than the model that validation picked does not count.
                figure("popularity", 1, 0.08), figure("local", 1, 0.09), figure("ease", 1, 0.1),
                figure("best-local", 1, 0.04), figure("feature-map", 1, 0.05), figure("shuffled-source", 1, 0.04),
                figure("best-local", 3, 0), figure("feature-map", 3, 0.1),
                figure("popularity", 4, 0.05), figure("feature-map", 4, 0.1),
                figure("best-local", 5, 0.05), figure("feature-map", 5, 0.1),
                figure("best-local", nil, 0.05, cohort: "warm-users"),
                figure("feature-map", nil, 0.1, cohort: "warm-users"),
            ]), metric: "ndcg@10")
        #expect(
            text == """
                k=0: feature-map 1.50, shuffled-source 1.00 × popularity
                k=1: feature-map 1.25, shuffled-source 1.00 × best-local
                k=5: feature-map 2.00 × best-local

                """)
    }

    @Test func gainsOfSeveralClientsNameTheClient() {
        let text = ResultTable.gains(
            summary([
                figure("best-local", 1, 0.5, client: "p"), figure("feature-map", 1, 1, client: "p"),
                figure("best-local", 1, 0.5, client: "q"), figure("feature-map", 1, 0.5, client: "q"),
            ]), metric: "ndcg@10")
        #expect(
            text == """
                p, k=1: feature-map 2.00 × best-local
                q, k=1: feature-map 1.00 × best-local

                """)
    }

    @Test func noLineEndsInASpace() {
        let text = ResultTable.text(
            summary([
                figure("a-long-method", 0, 0.5, [0.25, 0.75]), figure("b", 0, 0.5), figure("b", 1, 0.5, [0.25, 0.75]),
            ]),
            metric: "ndcg@10")
        #expect(!text.contains(" \n"))
    }
}

extension String {
    /// How often a text occurs.
    fileprivate func components(_ text: String) -> Int { ranges(of: text).count }
}

@Suite struct WireTableTests {
    @Test func theTrafficByKindIsKnown() {
        let text = WireTable.kinds([
            WireKindRecord(kind: "plan", direction: "down", messages: 18, frames: 36, bytes: 123_456),
            WireKindRecord(kind: "update", direction: "up", messages: 9, frames: 27, bytes: 7),
        ])
        #expect(
            text == """
                kind    direction  messages  frames  bytes
                plan    down       18        36      123456
                update  up         9         27      7

                """)
    }

    @Test func theTrafficByTensorIsKnown() {
        let text = WireTable.tensors([
            (name: "books.item-factors", direction: "up", shape: [654, 64], scope: "shared", count: 1, bytes: 167_424),
            (name: "count", direction: "down", shape: [], scope: "shared", count: 20, bytes: 8),
        ])
        #expect(
            text == """
                tensor              direction  shape   scope   times  bytes
                books.item-factors  up         654×64  shared  1      167424
                count               down               shared  20     8

                """)
    }
}
