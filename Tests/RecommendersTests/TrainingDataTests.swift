import Numerics
import Ratings
import Recommenders
import Testing

@Suite("Training data and rating means")
struct TrainingDataTests {
    /// Person 0 rates items 0, 2 with 5, 3; person 1 rates nothing; person 2 rates items 0, 1, 2 with 4, 1, 2.
    static let data = TrainingData(
        rows: Naive.rows([[0, 2], [], [0, 1, 2]], items: 4), ratings: [5, 3, 4, 1, 2], times: [10, 11, 12, 13, 14])

    @Test("A filter keeps entries with their ratings and times, and all persons and items")
    func filtered() {
        var asked: [[Int]] = []
        let kept = Self.data.filtered { person, entry in
            asked.append([person, entry])
            return entry % 2 == 0
        }
        #expect(asked == [[0, 0], [0, 1], [2, 2], [2, 3], [2, 4]])
        #expect(
            kept
                == TrainingData(
                    rows: Naive.rows([[0], [], [0, 2]], items: 4), ratings: [5, 4, 2], times: [10, 12, 14]))
        #expect(Self.data.filtered { _, _ in true } == Self.data)
        #expect(Self.data.filtered { person, _ in person == 1 }.ratings.isEmpty)
        let timeless = TrainingData(rows: Self.data.rows, ratings: Self.data.ratings)
        #expect(timeless.filtered { _, entry in entry > 2 }.times.isEmpty)
    }

    @Test("The transpose carries ratings and times along, and is its own inverse", arguments: 0..<4)
    func transposed(seed: UInt64) {
        let columns = Self.data.transposed
        #expect(columns.rows == Naive.rows([[0, 2], [2], [0, 2], []], items: 3))
        #expect(columns.ratings == [5, 4, 1, 3, 2] && columns.times == [10, 12, 13, 11, 14])
        let generated = Naive.ratings(seed, persons: 14, items: 9, density: 0.4)
        #expect(generated.transposed.transposed == generated)
    }

    @Test("Item offsets are damped means of what the global mean leaves")
    func itemOffsets() throws {
        // μ = 3. Item 0: (2 + 1) / (2 + 2); item 1: −2 / (1 + 2); item 2: (0 − 1) / (2 + 2); nobody rated item 3.
        let means = try RatingMeans(Self.data, damping: 2)
        #expect(means.globalMean == 3)
        #expect(means.itemOffsets == [0.75, Float(-2.0 / 3), -0.25, 0])
        #expect(means.predictions() == [3.75, 3 + Float(-2.0 / 3), 2.75, 3])
        #expect(means.prediction(item: 0) == 3.75 && means.prediction(item: 0, userOffset: -0.5) == 3.25)
        #expect(means.predictions(userOffset: 0.25)[2] == 3)
        // Without damping an item's prediction is its mean, and an item without ratings has the global mean.
        #expect(try RatingMeans(Self.data, damping: 0).predictions() == [4.5, 1, 2.5, 3])
    }

    @Test("A user offset is the damped mean of what the items leave, drawn to the prior")
    func userOffset() throws {
        let means = RatingMeans(globalMean: 3, itemOffsets: [1, -0.5, 0])
        // Residuals: 5 − 4 = 1 and 3 − 2.5 = 0.5.
        let items: [UInt32] = [0, 1]
        let ratings: [Float] = [5, 3]
        #expect(means.userOffset(items: items, ratings: ratings, damping: 0) == 0.75)
        #expect(means.userOffset(items: items, ratings: ratings, damping: 4) == 0.25)
        #expect(means.userOffset(items: items, ratings: ratings, prior: -0.75, damping: 4) == -0.25)
        #expect(means.userOffset(items: items[1...], ratings: ratings[1...], damping: 0) == 0.5)
        // Nothing known: the prior, with any damping.
        for damping in [0.0, 3] {
            #expect(means.userOffset(items: [UInt32](), ratings: [Float](), prior: 0.5, damping: damping) == 0.5)
            #expect(means.userOffset(items: [UInt32](), ratings: [Float](), damping: damping) == 0)
        }
    }

    @Test("No ratings are refused by every rating model")
    func noRatings() {
        let nothing = Self.data.filtered { _, _ in false }
        let stream = RandomStream(root: 1, path: ["nothing"])
        #expect(throws: RecommenderError.noRatings) { try RatingMeans(nothing, damping: 1) }
        #expect(throws: RecommenderError.noRatings) {
            try ExplicitALS(
                nothing, configuration: .init(factors: 2, regularization: BiasedMFTests.penalty(1), iterations: 1),
                stream: stream)
        }
        #expect(throws: RecommenderError.noRatings) {
            try BiasedMF(
                nothing, configuration: .init(factors: 2, regularization: BiasedMFTests.penalty(1), epochs: 1),
                stream: stream)
        }
    }

    @Test("What may train a released model has enough ratings of each item, and so has what is new of an item")
    func enoughRatings() {
        for seed in 0..<40 {
            var stream = RandomStream(root: UInt64(seed), path: ["enough"])
            var starts = [0]
            var columns: [UInt32] = []
            for _ in 0..<30 {
                columns += (0..<12).filter { _ in stream.uniform() < 0.2 }.map { UInt32($0) }
                starts.append(columns.count)
            }
            let all = TrainingData(
                rows: SparseRows(starts: starts, columns: columns, columnCount: 12),
                ratings: columns.indices.map { Float($0) })
            // The last six persons come later.
            let earlier = all.filtered { person, _ in person < 24 }.keepingItems(ratedAtLeast: 3)
            let later = all.keepingItems(ratedAtLeast: 3, since: earlier)
            var counts = [[Int]](repeating: [0, 0], count: 12)
            for (index, data) in [earlier, later].enumerated() {
                for item in data.rows.columns { counts[Int(item)][index] += 1 }
            }
            for item in 0..<12 {
                let (first, added) = (counts[item][0], counts[item][1] - counts[item][0])
                #expect(first == 0 || first >= 3, "seed \(seed)")
                #expect(added == 0 || added >= 3, "seed \(seed)")
                let total = columns.count { $0 == UInt32(item) }
                if total - first >= 3 { #expect(counts[item][1] == total, "seed \(seed)") }
            }
            // What was there stays there, with its ratings.
            #expect(Set(earlier.ratings).isSubset(of: later.ratings), "seed \(seed)")
        }
    }
}
