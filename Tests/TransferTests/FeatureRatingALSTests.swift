import Numerics
import Ratings
import Recommenders
import Testing
import Transfer

@Suite("Rating ALS with item features")
struct FeatureRatingALSTests {
    init() { NumericsBackEnd.useOneThread() }

    static let configuration = FeatureRatingALS.Configuration(
        factors: 3, regularization: 0.5, offsetRegularization: 1, itemRegularization: 2, featureRegularization: 0.7,
        iterations: 6)

    /// Ratings by a planted model of features, of all pairs but those of the last items.
    static func planted(seed: UInt64, noise: Double) -> (data: TrainingData, features: Matrix, truth: Matrix) {
        let features = TextAlignmentTests.texts(40, 4, seed: seed)
        let items = features.multiplied(by: TextAlignmentTests.texts(4, 3, seed: seed + 1))
        let persons = TextAlignmentTests.texts(30, 3, seed: seed + 2)
        let truth = persons.multiplied(byTransposeOf: items)
        var stream = RandomStream(root: seed, path: ["ratings"])
        var (starts, columns, ratings): ([Int], [UInt32], [Float]) = ([0], [], [])
        for person in 0..<30 {
            for item in 0..<34 where stream.uniform() < 0.5 {
                columns.append(UInt32(item))
                ratings.append(3 + 0.3 * truth[person, item] + Float(noise * stream.gaussian()))
            }
            starts.append(columns.count)
        }
        return (
            TrainingData(rows: SparseRows(starts: starts, columns: columns, columnCount: 40), ratings: ratings),
            features, truth
        )
    }

    @Test("The objective falls at every step of every sweep")
    func objective() throws {
        for seed: UInt64 in 1...4 {
            let (data, features, _) = Self.planted(seed: seed, noise: 0.5)
            let columns = data.transposed
            var model = try FeatureRatingALS(
                start: data, configuration: Self.configuration, features: features,
                prior: seed % 2 == 0 ? TextAlignmentTests.texts(4, 4, seed: 70) : nil,
                stream: RandomStream(root: seed, path: ["start"]))
            var last = model.objective(data)
            func check(_ step: String) {
                let next = model.objective(data)
                #expect(next <= last * (1 + 1e-12), "\(step) with seed \(seed)")
                last = next
            }
            for _ in 0..<4 {
                try model.solvePersons(data)
                check("persons")
                model.updatePrior(data)
                check("prior")
                try model.solveItems(columns)
                check("items")
                model.solveFeatureWeights()
                check("weights")
            }
        }
    }

    @Test("Items that nobody rated are predicted from their features")
    func coldItems() throws {
        let (data, features, truth) = Self.planted(seed: 5, noise: 0.1)
        let model = try FeatureRatingALS(
            data,
            configuration: .init(
                factors: 3, regularization: 0.01, offsetRegularization: 0.01, itemRegularization: 0.1,
                featureRegularization: 0.01, iterations: 30),
            features: TextFactorMap.withConstant(features), stream: RandomStream(root: 5, path: ["start"]))
        var (error, variance) = (0.0, 0.0)
        for person in 0..<30 {
            let predictions = model.factors.predictions(for: model.person(person))
            for item in 34..<40 {
                let level = 3 + 0.3 * Double(truth[person, item])
                error += (Double(predictions[item]) - level) * (Double(predictions[item]) - level)
                variance += (level - 3) * (level - 3)
            }
        }
        #expect(error < 0.1 * variance, "\(error) of \(variance)")
    }

    @Test("A person folded in with the prior is what training makes of that person")
    func foldIn() throws {
        let (data, features, _) = Self.planted(seed: 6, noise: 0.5)
        var model = try FeatureRatingALS(
            data, configuration: Self.configuration, features: features, stream: RandomStream(root: 6, path: ["start"]))
        let prior = model.userPrior
        try model.solvePersons(data)
        let folded = try model.factors.foldIn(
            items: data.rows.row(2), ratings: data.ratings(of: 2),
            regularization: RatingRegularization(offsets: 1, factors: 0.5), prior: prior)
        #expect(abs(folded.offset - model.person(2).offset) < 1e-4)
        #expect(zip(folded.factors, model.person(2).factors).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test("A domain without ratings is refused")
    func noRatings() {
        let rows = SparseRows(starts: [0, 0], columns: [], columnCount: 2)
        #expect(throws: RecommenderError.noRatings) {
            try FeatureRatingALS(
                TrainingData(rows: rows, ratings: []), configuration: Self.configuration,
                features: Matrix(rowCount: 2, columnCount: 1), stream: RandomStream(root: 1, path: []))
        }
    }
}
