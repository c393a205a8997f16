import Numerics
import Ratings
import Recommenders
import Testing

@Suite("Explicit ALS")
struct ExplicitALSTests {
    init() { NumericsBackEnd.useOneThread() }

    static func configuration(
        factors: Int = 3, offsets: Double = 0.4, regularization: Double = 0.7,
        scaling: RatingRegularization.Scaling = .perRow, iterations: Int = 10
    ) -> ExplicitALS.Configuration {
        ExplicitALS.Configuration(
            factors: factors,
            regularization: RatingRegularization(offsets: offsets, factors: regularization, scaling: scaling),
            iterations: iterations)
    }

    static func stream(_ seed: UInt64) -> RandomStream { RandomStream(root: seed, path: ["model"]) }

    static func objective(_ model: ExplicitALS, _ data: TrainingData, users: [Double]? = nil, items: [Double]? = nil)
        -> Double
    {
        Naive.ratingObjective(
            data, mean: model.parameters.mean, users: users ?? model.parameters.users.values,
            items: items ?? model.parameters.items.values, width: model.configuration.factors + 1,
            regularization: model.configuration.regularization)
    }

    @Test("The objective is its definition", arguments: RatingRegularization.Scaling.allCases, [0, 3])
    func objectiveIsDefinition(scaling: RatingRegularization.Scaling, factors: Int) throws {
        let data = Naive.ratings(1, persons: 20, items: 15, density: 0.4)
        let model = try ExplicitALS(
            data, configuration: Self.configuration(factors: factors, scaling: scaling, iterations: 2),
            stream: Self.stream(1))
        let naive = Self.objective(model, data)
        #expect(abs(model.objective(data) - naive) <= 1e-10 * naive)
        let squares = Naive.ratingObjective(
            data, mean: model.parameters.mean, users: model.parameters.users.values,
            items: model.parameters.items.values, width: factors + 1,
            regularization: RatingRegularization(offsets: 0, factors: 0, scaling: scaling))
        #expect(abs(model.error(data) - (squares / Double(data.ratings.count)).squareRoot()) <= 1e-10)
    }

    @Test(
        "The objective falls with every half sweep, and its gradient is zero on the side just solved",
        arguments: RatingRegularization.Scaling.allCases, 0..<3)
    func halfSweeps(scaling: RatingRegularization.Scaling, seed: UInt64) throws {
        let data = Naive.ratings(seed, persons: 12, items: 10, density: 0.5, noise: 0.3)
        let columns = data.transposed
        var model = try ExplicitALS(
            start: data, configuration: Self.configuration(scaling: scaling), stream: Self.stream(seed))
        var last = Self.objective(model, data)
        for sweep in 0..<6 {
            try model.solvePersons(data)
            let afterPersons = Self.objective(model, data)
            #expect(afterPersons < last, "seed \(seed), sweep \(sweep)")
            let users = Naive.gradient(at: model.parameters.users.values) { Self.objective(model, data, users: $0) }
            #expect(Naive.largest(users) <= 1e-9 * last)
            let unsolved = Naive.gradient(at: model.parameters.items.values) { Self.objective(model, data, items: $0) }
            #expect(Naive.largest(unsolved) > 1e-6 * last)
            try model.solveItems(columns)
            last = Self.objective(model, data)
            #expect(last < afterPersons, "seed \(seed), sweep \(sweep)")
            let items = Naive.gradient(at: model.parameters.items.values) { Self.objective(model, data, items: $0) }
            #expect(Naive.largest(items) <= 1e-9 * last)
        }
    }

    @Test("Offsets alone are the damped means when there is one side")
    func offsetsAlone() throws {
        // One item and three persons: a person's offset after the first half sweep is (r − μ) / (1 + λ).
        let data = TrainingData(rows: Naive.rows([[0], [0], [0]], items: 1), ratings: [5, 2, 2])
        var model = try ExplicitALS(
            start: data, configuration: Self.configuration(factors: 0, offsets: 3), stream: Self.stream(1))
        try model.solvePersons(data)
        #expect(model.parameters.users.values == [0.5, -0.25, -0.25])
        #expect(model.person(0) == BiasedFactors.Person(offset: 0.5, factors: []))
        #expect(model.factors.predictions(for: model.person(0)) == [3.5])
    }

    @Test("Planted factors are recovered where item means are lost", arguments: 0..<3)
    func planted(seed: UInt64) throws {
        let all = Naive.ratings(seed, persons: 150, items: 60, density: 0.5)
        let train = all.filtered { $1 % 10 != 0 }
        let test = all.filtered { $1 % 10 == 0 }
        let model = try ExplicitALS(
            train, configuration: Self.configuration(factors: 2, offsets: 0.05, regularization: 0.05, iterations: 40),
            stream: Self.stream(seed))
        let factors = model.factors
        let means = try RatingMeans(train, damping: 0)
        let baseline = Naive.error(test) { _ in means.predictions() }
        let error = Naive.error(test) { factors.predictions(for: model.person($0)) }
        #expect(error < 0.1 * baseline, "seed \(seed): \(error) against \(baseline)")
    }

    @Test("A fold-in gives a trained person their parameters back", arguments: RatingRegularization.Scaling.allCases)
    func foldIn(scaling: RatingRegularization.Scaling) throws {
        let data = Naive.ratings(3, persons: 30, items: 20, density: 0.4, noise: 0.3)
        var model = try ExplicitALS(
            data, configuration: Self.configuration(scaling: scaling, iterations: 5), stream: Self.stream(3))
        try model.solvePersons(data)
        let factors = model.factors
        for person in 0..<data.rows.rowCount {
            let folded = try factors.foldIn(
                items: data.rows.row(person), ratings: data.ratings(of: person),
                regularization: RatingRegularization(offsets: 0.4, factors: 0.7, scaling: scaling))
            let trained = model.person(person)
            // Item parameters are shipped in Float.
            #expect(abs(folded.offset - trained.offset) <= 1e-5)
            for (value, answer) in zip(folded.factors, trained.factors) { #expect(abs(value - answer) <= 1e-5) }
        }
    }

    @Test("A person without ratings has the prior, and a strong λ keeps it")
    func prior() throws {
        let data = Naive.ratings(4, persons: 20, items: 12, density: 0.5)
        let factors = try ExplicitALS(data, configuration: Self.configuration(), stream: Self.stream(4)).factors
        let prior = BiasedFactors.Person(offset: 0.5, factors: [0.25, -1, 2])
        let nothing = BiasedFactors.Person(offset: 0, factors: [0, 0, 0])
        #expect(
            try factors.foldIn(
                items: [UInt32](), ratings: [Float](), regularization: RatingRegularization(offsets: 0, factors: 0))
                == nothing)
        #expect(
            try factors.foldIn(
                items: [UInt32](), ratings: [Float](), regularization: RatingRegularization(offsets: 2, factors: 2),
                prior: prior) == prior)
        let kept = try factors.foldIn(
            items: [1, 5], ratings: [1, 5], regularization: RatingRegularization(offsets: 1e9, factors: 1e9),
            prior: prior)
        #expect(abs(kept.offset - 0.5) < 1e-6 && zip(kept.factors, prior.factors).allSatisfy { abs($0 - $1) < 1e-6 })
        // The solution of (FᵀF + λI)x = Fᵀt + λ · prior by elimination.
        let known: [UInt32] = [2, 7, 9]
        let ratings: [Float] = [5, 1, 4]
        let solved = try factors.foldIn(
            items: known, ratings: ratings, regularization: RatingRegularization(offsets: 3, factors: 2),
            prior: prior)
        let features = known.map { [1] + factors.itemFactors.row(Int($0)).map(Double.init) }
        let matrix = (0..<4).map { row in
            (0..<4).map { column in
                features.reduce(row == column ? (row == 0 ? 3 : 2) : 0) { $0 + $1[row] * $1[column] }
            }
        }
        let right = (0..<4).map { row in
            zip(features, zip(known, ratings)).reduce(([1.5, 0.5, -2, 4] as [Double])[row]) { sum, entry in
                let offset = Double(factors.globalMean) + Double(factors.itemOffsets[Int(entry.1.0)])
                return sum + entry.0[row] * (Double(entry.1.1) - offset)
            }
        }
        let answer = Naive.solve(matrix, right)
        #expect(abs(Double(solved.offset) - answer[0]) <= 1e-6)
        for factor in 0..<3 { #expect(abs(Double(solved.factors[factor]) - answer[factor + 1]) <= 1e-6) }
        let all = factors.predictions(for: solved)
        for item in 0..<12 { #expect(abs(all[item] - factors.prediction(for: solved, item: UInt32(item))) <= 1e-5) }
    }

    @Test("Without regularisation a person with fewer ratings than parameters is refused")
    func singular() throws {
        let data = TrainingData(
            rows: Naive.rows([[0, 1], [0, 1, 2], [1, 2]], items: 3), ratings: [1, 2, 3, 4, 5, 4, 2])
        do {
            _ = try ExplicitALS(
                data, configuration: Self.configuration(factors: 5, offsets: 0, regularization: 0),
                stream: Self.stream(1))
            Issue.record("a singular system was solved")
        } catch { #expect(Naive.isRefusal(error, order: 6)) }
    }

    @Test("The same stream gives the same bits; unrated persons and items stay zero")
    func determinism() throws {
        let data = Naive.ratings(5, persons: 20, items: 15, density: 0.3)
        let first = try ExplicitALS(data, configuration: Self.configuration(), stream: Self.stream(5))
        let second = try ExplicitALS(data, configuration: Self.configuration(), stream: Self.stream(5))
        #expect(first.parameters == second.parameters)
        let other = try ExplicitALS(data, configuration: Self.configuration(), stream: Self.stream(6))
        #expect(first.parameters != other.parameters)
        // The generated patterns leave the first row and the first column empty.
        #expect(first.person(0) == BiasedFactors.Person(offset: 0, factors: [0, 0, 0]))
        #expect(first.factors.itemOffsets[0] == 0 && first.factors.itemFactors.row(0).allSatisfy { $0 == 0 })
    }
}

@Suite("Biased matrix factorisation")
struct BiasedMFTests {
    init() { NumericsBackEnd.useOneThread() }

    static func penalty(_ value: Double) -> RatingRegularization {
        RatingRegularization(offsets: value, factors: value, scaling: .perRating)
    }

    @Test(
        "A step moves against the gradient of one rating's loss", arguments: RatingRegularization.Scaling.allCases,
        0..<4)
    func gradient(scaling: RatingRegularization.Scaling, seed: UInt64) throws {
        let data = Naive.ratings(seed, persons: 6, items: 5, density: 0.6)
        let model = try BiasedMF(
            data,
            configuration: .init(
                factors: 3, regularization: RatingRegularization(offsets: 0.1, factors: 0.1, scaling: scaling),
                epochs: 3),
            stream: ExplicitALSTests.stream(seed))
        let width = 4
        let person = 2
        let item = 3
        let rating = 4.5
        let userPenalty = (offset: 0.3, factors: 0.2)
        let itemPenalty = (offset: 0.05, factors: 0.4)
        let users = model.parameters.users.values
        let items = model.parameters.items.values
        func loss(_ users: [Double], _ items: [Double]) -> Double {
            var error = rating - model.parameters.mean - users[person * width] - items[item * width]
            var norms = userPenalty.offset * users[person * width] * users[person * width]
            norms += itemPenalty.offset * items[item * width] * items[item * width]
            for factor in 1..<width {
                let p = users[person * width + factor]
                let q = items[item * width + factor]
                error -= p * q
                norms += userPenalty.factors * p * p + itemPenalty.factors * q * q
            }
            return 0.5 * (error * error + norms)
        }
        var moved = model
        let rate = 0.01
        moved.step(
            person: person, item: item, rating: rating, rate: rate, userPenalty: userPenalty, itemPenalty: itemPenalty)
        let userGradient = Naive.gradient(at: users) { loss($0, items) }
        let itemGradient = Naive.gradient(at: items) { loss(users, $0) }
        for index in users.indices {
            let step = (moved.parameters.users.values[index] - users[index]) / rate
            #expect(abs(step + userGradient[index]) <= 1e-6, "seed \(seed), element \(index)")
        }
        for index in items.indices {
            let step = (moved.parameters.items.values[index] - items[index]) / rate
            #expect(abs(step + itemGradient[index]) <= 1e-6, "seed \(seed), element \(index)")
        }
        #expect(Naive.largest(userGradient) > 0.01 && Naive.largest(itemGradient) > 0.01)
    }

    @Test("The training error falls with the epochs", arguments: 0..<3)
    func falls(seed: UInt64) throws {
        let data = Naive.ratings(seed, persons: 60, items: 40, density: 0.4, noise: 0.3)
        var last = Double.infinity
        for epochs in [0, 1, 2, 4, 8, 16, 32] {
            let model = try BiasedMF(
                data,
                configuration: .init(factors: 3, regularization: BiasedMFTests.penalty(0.02), epochs: epochs, decay: 1),
                stream: ExplicitALSTests.stream(seed))
            let error = model.error(data)
            #expect(error < last, "seed \(seed), \(epochs) epochs")
            last = error
        }
    }

    @Test("Planted factors are recovered where item means are lost", arguments: 0..<3)
    func planted(seed: UInt64) throws {
        let all = Naive.ratings(seed, persons: 150, items: 60, density: 0.5)
        let train = all.filtered { $1 % 10 != 0 }
        let test = all.filtered { $1 % 10 == 0 }
        let model = try BiasedMF(
            train,
            configuration: .init(
                factors: 2, regularization: BiasedMFTests.penalty(0.001), epochs: 200, learningRate: 0.03, decay: 0.98),
            stream: ExplicitALSTests.stream(seed))
        let factors = model.factors
        let means = try RatingMeans(train, damping: 0)
        let baseline = Naive.error(test) { _ in means.predictions() }
        let error = Naive.error(test) { factors.predictions(for: model.person($0)) }
        #expect(error < 0.2 * baseline, "seed \(seed): \(error) against \(baseline)")
    }

    @Test(
        "Both penalties lead to the minimum of the objective of ALS, and a fold-in to the trained person",
        arguments: RatingRegularization.Scaling.allCases)
    func sameObjective(scaling: RatingRegularization.Scaling) throws {
        let data = Naive.ratings(2, persons: 30, items: 20, density: 0.6, rank: 1, noise: 0.2)
        let regularization = RatingRegularization(
            offsets: scaling == .perRow ? 0.5 : 0.05, factors: scaling == .perRow ? 0.8 : 0.08, scaling: scaling)
        let squares = try ExplicitALS(
            data,
            configuration: .init(factors: 1, regularization: regularization, iterations: 300),
            stream: ExplicitALSTests.stream(2))
        let model = try BiasedMF(
            data,
            configuration: .init(
                factors: 1, regularization: regularization, epochs: 1500, learningRate: 0.03,
                decay: 0.995),
            stream: ExplicitALSTests.stream(2))
        let best = squares.objective(data)
        #expect(model.objective(data) >= best * (1 - 1e-9))
        #expect(model.objective(data) <= best * 1.001)
        let factors = model.factors
        for person in 0..<data.rows.rowCount {
            let folded = try factors.foldIn(
                items: data.rows.row(person), ratings: data.ratings(of: person), regularization: regularization)
            let trained = model.person(person)
            #expect(abs(folded.offset - trained.offset) <= 0.02, "person \(person)")
            #expect(abs(folded.factors[0] - trained.factors[0]) <= 0.02, "person \(person)")
        }
    }

    @Test("The same stream gives the same bits, unrated rows are zero, and too large a step is refused")
    func determinism() throws {
        let data = Naive.ratings(6, persons: 20, items: 15, density: 0.4)
        let configuration = BiasedMF.Configuration(factors: 3, regularization: BiasedMFTests.penalty(0.1), epochs: 3)
        let first = try BiasedMF(data, configuration: configuration, stream: ExplicitALSTests.stream(1))
        #expect(
            try BiasedMF(data, configuration: configuration, stream: ExplicitALSTests.stream(1)).parameters
                == first.parameters)
        #expect(
            try BiasedMF(data, configuration: configuration, stream: ExplicitALSTests.stream(2)).parameters
                != first.parameters)
        // The generated patterns leave the first row and the first column empty.
        #expect(first.person(0) == BiasedFactors.Person(offset: 0, factors: [0, 0, 0]))
        #expect(first.factors.itemOffsets[0] == 0 && first.factors.itemFactors.row(0).allSatisfy { $0 == 0 })
        #expect(throws: RecommenderError.diverges) {
            try BiasedMF(
                data,
                configuration: .init(
                    factors: 3, regularization: BiasedMFTests.penalty(0.1), epochs: 200, learningRate: 10),
                stream: ExplicitALSTests.stream(1))
        }
    }
}
