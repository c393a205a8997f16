import Numerics
import Ratings
import Testing

@Suite struct DataDescriptionTests {
    private func described(_ read: Interactions, titles: [String] = []) -> DataDescription {
        DataDescription(
            LoadedData(
                interactions: read, descriptions: titles.map { ItemDescription(title: $0) },
                report: LoadReport(format: .recbole, rowCount: read.ratings.count + 2, malformedCount: 1, zeroCount: 3))
        )
    }

    @Test func theCountsOfASmallSetAreThoseCountedByHand() {
        let rows: [(Int, Int, Float, Int64)] = [
            (0, 0, 5, 1_000_000_000), (0, 1, 3, 1_000_086_400), (0, 3, 5, 0 + 999_999_999), (1, 0, 1, 1_000_000_001),
        ]
        let data = described(made(rows, items: 5, hasTimes: true), titles: ["a", "", "unrated", "d", ""])
        #expect([data.users, data.items, data.unratedItems, data.interactions, data.rows] == [2, 3, 2, 4, 6])
        #expect([data.malformed, data.zeros, data.titles] == [1, 3, 2])
        #expect(data.density == 4.0 / 6 && data.ratingMean == 3.5)
        // Differences 1.5, 0.5, 1.5, 2.5: squares sum to 11.
        #expect(abs(data.ratingDeviation - (11.0 / 4).squareRoot()) < 1e-12)
        #expect(data.histogram.map(\.rating) == [1, 3, 5] && data.histogram.map(\.count) == [1, 1, 2])
        #expect(data.binWidth == 0)
        #expect(data.times?.first == 999_999_999 && data.times?.last == 1_000_086_400)
        #expect(data.times?.firstDate == "2001-09-09" && data.times?.lastDate == "2001-09-10")
        #expect(data.perUser.minimum == 1 && data.perUser.median == 2 && data.perUser.maximum == 3)
        #expect(data.perItem.maximum == 2 && abs(data.perItem.mean - 4.0 / 3) < 1e-12)
        // Sorted counts 1, 1, 2: 2·(1 + 2 + 6) / (3·4) − 4/3 = 1/6.
        #expect(abs(data.gini - 1.0 / 6) < 1e-12)
        #expect(data.twins?.groups == 0)
    }

    @Test(
        arguments: [
            (951_782_400, "2000-02-29"), (951_868_800, "2000-03-01"), (978_307_199, "2000-12-31"),
            (978_307_200, "2001-01-01"), (1_709_164_800, "2024-02-29"), (4_102_444_799, "2099-12-31"),
            (631_152_000, "1990-01-01"),
        ] as [(Int64, String)])
    func secondsAndMillisecondsSince1970BecomeDays(_ second: Int64, _ day: String) {
        #expect(DataDescription.TimeSpan(first: second, last: second).firstDate == day)
        #expect(DataDescription.TimeSpan(first: second * 1_000, last: second * 1_000 + 999).lastDate == day)
    }

    @Test(
        arguments: [
            (0, 14), (-5, 1_000_000_000), (1, 1_000_000_000), (.min, .max), (1_000_000_000, 1_000_000_000_000),
        ] as [(Int64, Int64)])
    func otherTimesHaveNoDay(_ first: Int64, _ last: Int64) {
        let span = DataDescription.TimeSpan(first: first, last: last)
        #expect(span.firstDate == nil && span.lastDate == nil && span.first == first && span.last == last)
    }

    @Test func theGiniCoefficientIsZeroForEqualCountsAndNearOneForOneOwner() {
        #expect(DataDescription.gini([7, 7, 7, 7]) == 0)
        #expect(abs(DataDescription.gini([0, 0, 0, 12]) - 0.75) < 1e-12)
        #expect(DataDescription.gini([]) == 0 && DataDescription.gini([0, 0]) == 0)
        // The mean difference of all pairs over twice the mean.
        for seed in 0..<10 {
            var stream = RandomStream(root: UInt64(seed), path: ["gini"])
            let counts = (0..<40).map { _ in stream.integer(below: 30) }
            let sum = counts.reduce(0) { total, one in total + counts.reduce(0) { $0 + abs($1 - one) } }
            let expected = Double(sum) / (2 * 40 * Double(counts.reduce(0, +)))
            #expect(abs(DataDescription.gini(counts) - expected) < 1e-12, "seed \(seed)")
        }
    }

    @Test func manyDistinctRatingsAreBinned() {
        let stars = (0..<40).map { (0, $0, Float(1 + Double($0) / 9.75), Int64(0)) }
        let whole = described(made(stars, items: 40))
        #expect(whole.binWidth == 1 && whole.histogram.map(\.rating) == [1, 2, 3, 4, 5])
        #expect(whole.histogram.reduce(0) { $0 + $1.count } == 40)
        #expect(whole.histogram[0].count == stars.count { $0.2 < 1.5 })
        let wide = described(made((0..<100).map { (0, $0, Float($0), Int64(0)) }, items: 100))
        #expect(wide.histogram.count == 10 && wide.histogram.allSatisfy { $0.count == 10 })
        #expect(abs(wide.binWidth - 9.9) < 1e-9)
    }

    @Test func onePersonsBiasIsTheDifferenceFromTheMeanAndTheDampedItems() {
        let rows: [(Int, Int, Float, Int64)] = [(0, 0, 5, 0), (0, 1, 4, 0), (1, 0, 2, 0), (1, 1, 1, 0)]
        // Mean 3; item 0 deviates by 2 − 1 = 1 in sum, damped by 2: 1/4; item 1 by −1/4.
        let biases = made(rows, items: 2).personBiases(damping: 2)
        #expect(abs(biases[0] - 1.5) < 1e-12 && abs(biases[1] + 1.5) < 1e-12)
    }

    @Test func sharedPersonsAndTheirBiasesAreCompared() throws {
        func domain(_ bias: (Int) -> Float, _ persons: Range<Int>, _ count: Int) -> Interactions {
            made(
                persons.flatMap { person in
                    (0..<count).map { item in (person, (person + item) % 20, 3 + bias(person), Int64(0)) }
                }, items: 20)
        }
        let first = domain({ Float($0 % 3) }, 0..<30, 10)
        let second = domain({ Float($0 % 3) / 2 }, 10..<50, 6)
        let shared = SharedDescription(first, second)
        #expect(shared.users == 20 && shared.biasUsers == 20)
        #expect(abs(shared.shareOfFirst - 2.0 / 3) < 1e-12 && shared.shareOfSecond == 0.5)
        #expect(try #require(shared.biasCorrelation) > 0.95)
        let opposed = SharedDescription(first, domain({ -Float($0 % 3) / 2 }, 10..<50, 6))
        #expect(try #require(opposed.biasCorrelation) < -0.95)
        let few = SharedDescription(first, domain({ Float($0 % 3) }, 10..<50, 4))
        #expect(few.users == 20 && few.biasUsers == 0 && few.biasCorrelation == nil)
        let apart = SharedDescription(first, domain({ _ in 0 }, 40..<50, 6))
        #expect(apart.users == 0 && apart.biasCorrelation == nil && apart.twins == 0)
    }
}
