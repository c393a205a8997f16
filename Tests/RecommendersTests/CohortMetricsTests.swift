import Numerics
import Ratings
import Recommenders
import Testing

@Suite("Cohort metrics")
struct CohortMetricsTests {
    /// Lists, relevant items, training counts and vectors of a random cohort.
    struct Cohort {
        let topN: Int
        let catalogue: CatalogueStatistics
        let directions: ItemDirections
        let persons: [(scores: [Float], relevant: [UInt32])]

        init(seed: UInt64) throws {
            var stream = RandomStream(root: seed, path: ["cohort"])
            let items = 2 + stream.integer(below: 40)
            topN = 1 + stream.integer(below: 12)
            catalogue = CatalogueStatistics(
                interactionCounts: (0..<items).map { _ in stream.integer(below: 30) }, personCount: 29)
            directions = try ItemDirections(
                Matrix(
                    rowCount: items, columnCount: 3, values: (0..<items * 3).map { _ in Float(stream.gaussian()) }))
            persons = (0..<1 + stream.integer(below: 12)).map { _ in
                let scores = (0..<items).map { _ in Float(stream.integer(below: 9) - 4) }
                let relevant = stream.permutation(count: items).prefix(stream.integer(below: 5)).map { UInt32($0) }
                return (scores, relevant)
            }
        }

        func metrics(order: [Int], transform: (Float) -> Float = { $0 }) throws -> CohortMetrics {
            var cohort = CohortMetrics(topN: topN, catalogue: catalogue)
            for index in order {
                let ranking = try RankingMetrics.top(
                    topN, scores: persons[index].scores.map(transform), excluded: [])
                cohort.add(ranking: ranking, relevant: persons[index].relevant, directions: directions)
            }
            return cohort
        }
    }

    @Test("The order of persons changes no metric of the cohort", arguments: 0..<60)
    func permutation(seed: UInt64) throws {
        let cohort = try Cohort(seed: seed)
        var stream = RandomStream(root: seed, path: ["order"])
        let first = try cohort.metrics(order: Array(cohort.persons.indices))
        let second = try cohort.metrics(order: stream.permutation(count: cohort.persons.count))
        #expect(first.excludedPersonCount == second.excludedPersonCount)
        for metric in Metric.allCases {
            switch (first.value(of: metric), second.value(of: metric)) {
            case (nil, nil): break
            case (let left?, let right?): #expect(abs(left - right) <= 1e-13, "seed \(seed), \(metric)")
            default: Issue.record("seed \(seed): \(metric) exists in one order only")
            }
        }
        // What is counted, and summed by item, is equal in every bit.
        for metric in [Metric.coverage, .gini, .novelty] {
            #expect(first.value(of: metric) == second.value(of: metric))
        }
    }

    @Test("A monotone transformation of scores changes no metric", arguments: 0..<60)
    func monotone(seed: UInt64) throws {
        let cohort = try Cohort(seed: seed)
        let order = Array(cohort.persons.indices)
        let plain = try cohort.metrics(order: order)
        #expect(try cohort.metrics(order: order) { $0 * $0 * $0 - 7 } == plain, "seed \(seed)")
        #expect(try cohort.metrics(order: order) { $0 / 1024 } == plain, "seed \(seed)")
    }

    @Test("Coverage and inequality of a hand-counted cohort")
    func handCounted() throws {
        let catalogue = CatalogueStatistics(interactionCounts: [4, 2, 2, 0], personCount: 4)
        #expect(catalogue.novelty == [0, 1, 1, 2])
        #expect(catalogue.popularity == [1, 0.75, 0.75, 0])
        var cohort = CohortMetrics(topN: 2, catalogue: catalogue)
        cohort.add(ranking: [0, 3], relevant: [3])
        cohort.add(ranking: [0, 1, 2], relevant: [1, 2])
        cohort.add(ranking: [2, 3], relevant: [])
        #expect(cohort.excludedPersonCount == 1)
        #expect(cohort.recommendationCounts == [2, 1, 0, 1])
        #expect(cohort.value(of: .coverage) == 0.75)
        // Ascending 0, 1, 1, 2: (−3·0 − 1·1 + 1·1 + 3·2) / (4·4).
        #expect(cohort.value(of: .gini) == 0.375)
        #expect(cohort.value(of: .novelty) == 0.75)
        #expect(cohort.persons.map(\.novelty) == [1, 0.5])
        // Rank 2 of 4 items is 0.75: item 3 is 0.75 above its popularity, item 1 not at all.
        #expect(cohort.persons.map(\.serendipity) == [0.375, 0])
        #expect(cohort.value(of: .serendipity) == 0.1875)
        #expect(cohort.value(of: .diversity) == nil)
        #expect(cohort.values(of: .recall) == [1, 0.5])
        #expect(cohort.value(of: .mrr) == 0.5)
        #expect(cohort.value(of: .rmse) == nil)
    }

    @Test("Without persons, or with empty lists alone, what has no meaning does not exist")
    func empty() {
        var cohort = CohortMetrics(
            topN: 3, catalogue: CatalogueStatistics(interactionCounts: [1, 1], personCount: 1))
        for metric in Metric.allCases { #expect(cohort.value(of: metric) == nil, "\(metric)") }
        cohort.add(ranking: [], relevant: [1])
        for metric in [Metric.ndcg, .recall, .precision, .map, .mrr, .hit, .coverage, .serendipity] {
            #expect(cohort.value(of: metric) == 0, "\(metric)")
        }
        for metric in [Metric.novelty, .diversity, .gini] { #expect(cohort.value(of: metric) == nil, "\(metric)") }
    }

    @Test("The statistics of a catalogue count persons with interactions alone")
    func training() {
        let rows = SparseRows(starts: [0, 2, 2, 3, 5], columns: [0, 1, 0, 0, 2], columnCount: 4)
        let expected = CatalogueStatistics(interactionCounts: [3, 1, 1, 0], personCount: 3)
        #expect(CatalogueStatistics(rows) == expected)
        #expect(expected.novelty[3] == expected.novelty[1])
        #expect(expected.popularity == [1, 0.75, 0.75, 0])
        let nothing = CatalogueStatistics(SparseRows(starts: [0, 0], columns: [], columnCount: 2))
        #expect(nothing.novelty == [0, 0] && nothing.popularity == [0, 0])
    }

    @Test("Equal, opposite and missing directions")
    func directions() throws {
        let vectors = Matrix(
            rowCount: 5, columnCount: 2, values: [1, 2, 3e20, 6e20, -1e-20, -2e-20, 0, 0, 2, -1])
        let directions = try ItemDirections(vectors)
        #expect(abs(try #require(directions.diversity(of: [0, 1]))) < 1e-12)
        #expect(abs(try #require(directions.diversity(of: [0, 2])) - 2) < 1e-12)
        #expect(abs(try #require(directions.diversity(of: [4, 1])) - 1) < 1e-12)
        // Pairs (0, 2), (0, 4), (2, 4): item 3 has no direction.
        #expect(abs(try #require(directions.diversity(of: [0, 3, 2, 4])) - 4.0 / 3) < 1e-12)
        #expect(directions.diversity(of: [0, 3]) == nil)
        #expect(directions.diversity(of: [3]) == nil)
        #expect(directions.diversity(of: []) == nil)
        for value in [Float.nan, .infinity] {
            var broken = vectors
            broken[2, 1] = value
            #expect(throws: MetricError.itemVectorIsNotFinite(item: 2)) { try ItemDirections(broken) }
        }
    }

    @Test("Labels follow the record's spelling")
    func labels() {
        #expect(
            Metric.allCases.map { $0.label(topN: 10) } == [
                "ndcg@10", "recall@10", "precision@10", "map@10", "mrr@10", "hit@10", "coverage@10", "novelty@10",
                "diversity@10", "gini@10", "serendipity@10", "rmse", "mae",
            ])
    }

    @Test("A mean of exactly 1 warns of a leak, a mean below or of another kind does not")
    func leaks() {
        var cohort = CohortMetrics(
            topN: 2, catalogue: CatalogueStatistics(interactionCounts: [1, 1], personCount: 1))
        cohort.add(ranking: [1, 0], relevant: [1])
        #expect(cohort.value(of: .coverage) == 1)
        #expect(
            cohort.leakWarnings.map { String($0.prefix { $0 != ":" }) }
                == ["ndcg@2", "recall@2", "map@2", "mrr@2", "hit@2"].map { "\($0) is exactly 1" })
        cohort.add(ranking: [0, 1], relevant: [1])
        #expect(cohort.leakWarnings.count == 2)
        #expect(MetricInvariants.leakWarning(.ndcg, topN: 5, mean: 1.0.nextDown) == nil)
        #expect(MetricInvariants.leakWarning(.gini, topN: 5, mean: 1) == nil)
    }
}

@Suite("Invariants of metrics")
struct MetricInvariantsTests {
    @Test("A ranking without repeated items holds every invariant", arguments: 0..<50)
    func sound(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["invariants"])
        let items = 1 + stream.integer(below: 300)
        let ranking = stream.permutation(count: items).map { UInt32($0) }
        let relevant = stream.permutation(count: items).prefix(1 + stream.integer(below: items)).map { UInt32($0) }
        try MetricInvariants.check(ranking: ranking, relevant: relevant, count: 1 + stream.integer(below: 300))
    }

    @Test("An item that stands twice in a ranking is found")
    func repeated() {
        #expect(throws: MetricError.outOfRange(metric: .ndcg, topN: 2)) {
            try MetricInvariants.check(ranking: [4, 4, 1], relevant: [4], count: 3)
        }
    }

    @Test("A recall or hit that falls is found, and named")
    func falling() {
        let better = RankingMetrics(ranking: [1, 2], relevant: [1, 2], count: 2)
        let worse = RankingMetrics(ranking: [1, 3], relevant: [1, 2], count: 2)
        let none = RankingMetrics(ranking: [3], relevant: [1, 2], count: 2)
        #expect(throws: MetricError.falls(metric: .recall, from: 5, to: 10)) {
            try MetricInvariants.check([(topN: 5, metrics: better), (topN: 10, metrics: worse)])
        }
        #expect(throws: MetricError.self) {
            try MetricInvariants.check([(topN: 5, metrics: worse), (topN: 10, metrics: none)])
        }
        #expect(throws: Never.self) {
            try MetricInvariants.check([(topN: 5, metrics: worse), (topN: 10, metrics: better)])
        }
        #expect(
            MetricError.falls(metric: .hit, from: 5, to: 10).description
                == "internal error: hit@10 of one person is below hit@5")
    }
}

@Suite("Rating errors")
struct RatingErrorsTests {
    @Test("Predictions are clamped to the scale, infinities too")
    func clamped() throws {
        let errors = try RatingErrors(
            predictions: [0, 9, .infinity, -.infinity, 3.5], ratings: [1, 4, 5, 3, 3], scale: 1...5)
        #expect(errors.squaredErrorSum == 0 + 1 + 0 + 4 + 0.25)
        #expect(errors.absoluteErrorSum == 0 + 1 + 0 + 2 + 0.5)
        #expect(errors.count == 5)
        #expect(abs(try #require(errors.rmse) - 1.0246950765959599) < 1e-15)
        #expect(errors.mae == 0.7)
        #expect(RatingErrors().rmse == nil && RatingErrors().mae == nil)
    }

    @Test("The sums of persons make the error over all ratings", arguments: 0..<20)
    func sums(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["errors"])
        var total = RatingErrors()
        var predictions: [Float] = []
        var ratings: [Float] = []
        for _ in 0..<8 {
            let own = (0..<stream.integer(below: 6)).map { _ in Float(stream.integer(below: 112)) / 16 }
            let given = own.map { _ in Float(1 + stream.integer(below: 5)) }
            total += try RatingErrors(predictions: own, ratings: given, scale: 1...5)
            predictions += own
            ratings += given
        }
        // Sixteenths are exact.
        #expect(try RatingErrors(predictions: predictions, ratings: ratings, scale: 1...5) == total, "seed \(seed)")
    }

    @Test("A NaN is an error")
    func notANumber() {
        #expect(throws: MetricError.predictionIsNaN) {
            try RatingErrors(predictions: [1, .nan], ratings: [1, 1], scale: 1...5)
        }
        #expect(throws: MetricError.ratingIsNaN) {
            try RatingErrors(predictions: [1, 2], ratings: [.nan, 1], scale: 1...5)
        }
    }
}
