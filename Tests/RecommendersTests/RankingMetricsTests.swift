import Glibc
import Numerics
import Ratings
import Recommenders
import Testing

/// An evaluator written from the definitions of the metrics alone: full sort, then sums over ranks.
struct NaiveEvaluation {
    let ranking: [UInt32]
    let ndcg: Double
    let recall: Double
    let precision: Double
    let map: Double
    let mrr: Double
    let hit: Double

    init(scores: [Float], excluded: Set<UInt32>, relevant: Set<UInt32>, count: Int) {
        let candidates = scores.indices.map { UInt32($0) }.filter { !excluded.contains($0) }
        let sorted = candidates.sorted { left, right in
            let (leftScore, rightScore) = (scores[Int(left)], scores[Int(right)])
            return leftScore == rightScore ? left < right : leftScore > rightScore
        }
        ranking = sorted.count > count ? Array(sorted[..<count]) : sorted
        var gain = 0.0
        var hits = 0.0
        for rank in stride(from: 1, through: ranking.count, by: 1) where relevant.contains(ranking[rank - 1]) {
            gain += log(2) / log(Double(rank) + 1)
            hits += 1
        }
        var ideal = 0.0
        for rank in stride(from: 1, through: relevant.count < count ? relevant.count : count, by: 1) {
            ideal += log(2) / log(Double(rank) + 1)
        }
        ndcg = gain / ideal
        recall = hits / Double(relevant.count)
        precision = hits / Double(count)
        let list = ranking
        let hitRanks = list.indices.filter { relevant.contains(list[$0]) }.map { $0 + 1 }
        let precisions = hitRanks.map { rank in Double(hitRanks.count { $0 <= rank }) / Double(rank) }
        map = precisions.reduce(0, +) / Double(min(relevant.count, count))
        mrr = hitRanks.min().map { 1 / Double($0) } ?? 0
        hit = hitRanks.isEmpty ? 0 : 1
    }
}

@Suite("Ranking metrics")
struct RankingMetricsTests {
    @Test("Rankings and metrics equal a naive evaluator, with ties, short lists and exclusions", arguments: 0..<200)
    func againstNaive(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["ranking"])
        let items = 1 + stream.integer(below: 40)
        let levels = 1 + stream.integer(below: 12)
        let count = 1 + stream.integer(below: 15)
        let scores = (0..<items).map { _ in Float(stream.integer(below: levels) - levels / 2) * 0.25 }
        let order = stream.permutation(count: items).map { UInt32($0) }
        let relevant = Array(order.prefix(1 + stream.integer(below: items)))
        // Excluded items are never relevant, as support and query are disjoint; sometimes everything else is excluded.
        let excluded = Array(order.dropFirst(relevant.count).prefix(stream.integer(below: items + 1)))
        let naive = NaiveEvaluation(
            scores: scores, excluded: Set(excluded), relevant: Set(relevant), count: count)
        let ranking = try RankingMetrics.top(count, scores: scores, excluded: excluded)
        #expect(ranking == naive.ranking)
        let metrics = RankingMetrics(ranking: ranking, relevant: relevant, count: count)
        #expect(abs(metrics.ndcg - naive.ndcg) <= 1e-12)
        #expect(abs(metrics.recall - naive.recall) <= 1e-12)
        #expect(abs(metrics.precision - naive.precision) <= 1e-12)
        #expect(abs(metrics.map - naive.map) <= 1e-12)
        #expect(abs(metrics.mrr - naive.mrr) <= 1e-12)
        #expect(metrics.hit == naive.hit)
        for metric in Metric.ofRelevance { #expect((0...1).contains(try #require(metrics.value(of: metric)))) }
    }

    @Test("Recall does not fall as the list grows", arguments: 0..<20)
    func recallGrows(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["growth"])
        let scores = (0..<30).map { _ in Float(stream.gaussian()) }
        let relevant = stream.permutation(count: 30).prefix(7).map { UInt32($0) }
        var last = 0.0
        for count in 1...30 {
            let ranking = try RankingMetrics.top(count, scores: scores, excluded: [])
            let recall = RankingMetrics(ranking: ranking, relevant: relevant, count: count).recall
            #expect(recall >= last)
            last = recall
        }
        #expect(last == 1)
    }

    @Test("Hand-computed answers")
    func handComputed() {
        // Hits at ranks 1 and 3 of three, two relevant: (1 + 1/2) / (1 + 1/log2 3).
        let first = RankingMetrics(ranking: [5, 1, 7], relevant: [5, 7], count: 3)
        #expect(abs(first.ndcg - 0.9197207891481876) < 1e-15)
        #expect(first.recall == 1)
        // One hit at rank 2 of two, three relevant: (1/log2 3) / (1 + 1/log2 3).
        let second = RankingMetrics(ranking: [0, 1], relevant: [1, 2, 3], count: 2)
        #expect(abs(second.ndcg - 0.38685280723454163) < 1e-15)
        #expect(abs(second.recall - 1.0 / 3) < 1e-15)
        // Items beyond the count do not matter.
        let third = RankingMetrics(ranking: [0, 9, 1], relevant: [1], count: 2)
        #expect(third.ndcg == 0 && third.recall == 0)
        // A short list keeps the ideal of the whole count: 1 / (1 + 1/log2 3).
        let fourth = RankingMetrics(ranking: [2], relevant: [2, 3], count: 10)
        #expect(abs(fourth.ndcg - 0.6131471927654584) < 1e-15)
        #expect(fourth.recall == 0.5)
        // A perfect list.
        let fifth = RankingMetrics(ranking: [3, 2], relevant: [2, 3], count: 2)
        #expect(fifth.ndcg == 1 && fifth.recall == 1)
        // An empty list scores zero.
        let sixth = RankingMetrics(ranking: [], relevant: [2], count: 5)
        #expect(sixth.ndcg == 0 && sixth.recall == 0)
    }

    @Test("Equal scores rank by ascending item, zero and negative zero alike")
    func ties() throws {
        #expect(try RankingMetrics.top(3, scores: [1, 2, 2, 1, 2], excluded: []) == [1, 2, 4])
        #expect(try RankingMetrics.top(4, scores: [1, 2, 2, 1, 2], excluded: [2]) == [1, 4, 0, 3])
        #expect(try RankingMetrics.top(2, scores: [-0.0, 0.0, -0.0], excluded: []) == [0, 1])
        #expect(
            try RankingMetrics.top(3, scores: [-.infinity, .infinity, 0, -.infinity], excluded: []) == [1, 2, 0])
    }

    @Test("A list is never padded with excluded items")
    func shortLists() throws {
        #expect(try RankingMetrics.top(5, scores: [1, 2, 3], excluded: [1]) == [2, 0])
        #expect(try RankingMetrics.top(5, scores: [1, 2], excluded: [0, 1]).isEmpty)
        #expect(try RankingMetrics.top(5, scores: [Float](), excluded: []).isEmpty)
        #expect(try RankingMetrics.top(0, scores: [1, 2], excluded: []).isEmpty)
    }

    @Test("The best of many items equal a full sort, with ties, both zeros and infinities", arguments: 0..<150)
    func againstSort(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["top"])
        let items = 1 + stream.integer(below: 3_000)
        let levels = 1 + stream.integer(below: stream.integer(below: 2) == 0 ? 12 : 5_000)
        var scores = (0..<items).map { _ -> Float in
            switch stream.integer(below: 40) {
            case 0: return .infinity
            case 1: return -.infinity
            case 2: return 0
            case 3: return -0.0
            case 4: return Float.leastNonzeroMagnitude * (stream.integer(below: 2) == 0 ? 1 : -1)
            default: return Float(stream.integer(below: levels) - levels / 2) * 0.125
            }
        }
        switch stream.integer(below: 4) {
        case 0: scores.sort()
        case 1: scores.sort(by: >)
        default: break
        }
        // Excluded items in any order, some of them twice and some beyond the catalogue.
        var excluded = (0..<stream.integer(below: 2 * items)).map { _ in UInt32(stream.integer(below: items + 3)) }
        if stream.integer(below: 2) == 0 { excluded.sort() }
        for count in [0, 1, 10, 100, items, items + 5] {
            let naive = NaiveEvaluation(scores: scores, excluded: Set(excluded), relevant: [0], count: count)
            let ranking = try RankingMetrics.top(count, scores: scores, excluded: excluded)
            #expect(ranking == naive.ranking, "seed \(seed), the best \(count) of \(items)")
            let elsewhere = try RankingMetrics.top(count, scores: scores.reversed(), excluded: [])
            #expect(
                elsewhere
                    == NaiveEvaluation(scores: scores.reversed(), excluded: [], relevant: [0], count: count).ranking,
                "seed \(seed), a collection without storage of its own")
        }
    }

    @Test("A NaN anywhere in a long catalogue is an error, for any length of list")
    func notANumberAnywhere() {
        for position in stride(from: 0, to: 131, by: 1) {
            var scores = (0..<131).map { Float(131 - $0) }
            scores[position] = position % 2 == 0 ? .nan : -.nan
            for count in [0, 1, 10, 200] {
                #expect(throws: RankingMetrics.Failure.scoreIsNaN, "position \(position), \(count) items") {
                    try RankingMetrics.top(count, scores: scores, excluded: [UInt32(position)])
                }
            }
        }
    }

    @Test("Relevant items count once, in any order")
    func repeatedRelevant() {
        let plain = RankingMetrics(ranking: [3, 1, 8], relevant: [1, 3, 9], count: 3)
        #expect(RankingMetrics(ranking: [3, 1, 8], relevant: [9, 3, 1, 3, 9], count: 3) == plain)
        #expect(plain.recall == 2.0 / 3)
        #expect(plain.map == 2.0 / 3)
    }

    @Test("Lists longer than the table of discounts keep their sums")
    func longLists() {
        let ranking = (0..<400).map { UInt32($0) }
        #expect(RankingMetrics(ranking: ranking, relevant: ranking, count: 400).ndcg == 1)
        let last = RankingMetrics(ranking: ranking, relevant: [399], count: 400)
        #expect(abs(last.ndcg - log(2) / log(401)) < 1e-15)
        #expect(last.map == 1.0 / 400 && last.mrr == 1.0 / 400 && last.hit == 1)
        #expect(RankingMetrics(ranking: ranking, relevant: [399], count: 399).hit == 0)
    }

    @Test("Items are counted from the start of a slice")
    func slices() throws {
        let scores: [Float] = [9, 9, 1, 3, 2]
        #expect(try RankingMetrics.top(2, scores: scores[2...], excluded: []) == [1, 2])
    }

    @Test("A score that is NaN is an error wherever it stands", arguments: 0..<6)
    func notANumber(position: Int) {
        var scores: [Float] = [6, 5, 4, 3, 2, 1]
        scores[position] = .nan
        #expect(throws: RankingMetrics.Failure.scoreIsNaN) { try RankingMetrics.top(2, scores: scores, excluded: []) }
        #expect(throws: RankingMetrics.Failure.scoreIsNaN) {
            try RankingMetrics.top(2, scores: scores, excluded: [UInt32(position)])
        }
    }
}
