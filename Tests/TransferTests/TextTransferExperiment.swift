import Numerics
import Ratings
import Recommenders
import Testing
import Transfer

/// Books for new persons with the help of movies: text vectors in common, no person in common.
///
/// Every model is chosen on the same validation persons from a grid of the same size and then trained again with them.
/// What a new person is known by is one book; all other books of the catalogue are ranked.
struct TextTransferExperiment {
    /// A chosen model's setting, and its mean NDCG@10 for validation and for new persons.
    struct Choice {
        let setting: Setting
        let validation: Double
        let cold: Double
    }

    /// A point of a grid.
    struct Setting {
        /// λ_p, and of the fold-in.
        let regularization: Float
        /// λ_q.
        let itemRegularization: Float
        /// γ / λ_q.
        let ratio: Double
        /// For the transfer, how long items are compared with the source's; for the twin, whether texts are given the
        /// same length (0 or 1).
        let variant: Float
    }

    /// A model as a device uses it.
    private struct Model {
        let itemFactors: Matrix
        let prior: [Float]?
        let regularization: Float
    }

    /// A world in which texts carry taste and something louder beside it: 800 persons and 1,500 items in movies with 40
    /// interactions a person, 800 other persons and 1,000 items in books with 8, of which about 50 persons are not new.
    static func world(seed: Int) -> SyntheticWorld.Options {
        var options = SyntheticWorld.Options(
            seed: seed, personCount: 1_600, overlap: 0, itemCount: 1_500, meanInteractions: 40, tasteDimensions: 4,
            tasteStrength: 8, domainGap: 0, domains: ["books", "movies"])
        options.hasUnitItems = true
        options.popularity = .zipf(exponent: 0.3)
        options.textSharpness = 4
        options.textNoise = 0
        options.furtherWords = 7
        options.nuisanceWords = 12
        options.overrides["books"] = .init(itemCount: 1_000, meanInteractions: 8)
        return options
    }

    private static let factors = 8
    private static let confidence: Float = 60
    private static let sweeps = 8

    private let seed: UInt64
    private let movies: Interactions
    private let movieText: Matrix
    private let books: Interactions
    private let bookText: Matrix
    private let split: DomainSplit
    private let validation: [PredictionTask]
    let cold: [PredictionTask]

    init(_ options: SyntheticWorld.Options) {
        seed = UInt64(options.seed)
        let world = SyntheticWorld(options)
        movies = world.interactions(in: "movies")
        books = world.interactions(in: "books")
        let text = ItemVectors(descriptions: world.descriptions(in: "movies"), words: .embedded).vectors
        let target = ItemVectors(descriptions: world.descriptions(in: "books"), words: .embedded).vectors
        // One scale for both, with which the movies' numbers have a mean square of 1.
        let square = text.values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(text.values.count)
        let scale = Float(1 / square.squareRoot())
        func scaled(_ matrix: Matrix) -> Matrix {
            Matrix(
                rowCount: matrix.rowCount, columnCount: matrix.columnCount, values: matrix.values.map { scale * $0 })
        }
        (movieText, bookText) = (scaled(text), scaled(target))
        split = DomainSplit(
            persons: PersonSplit(seed: options.seed, coldShare: 0.93, validationShare: 0.4), isTarget: true, times: nil,
            candidateCount: 1)
        var (validation, cold): ([PredictionTask], [PredictionTask]) = ([], [])
        for (row, person) in books.persons.enumerated() {
            let history = books.history(row)
            guard let task = split.coldTask(of: person, history) else { continue }
            guard split.isValidation(person) else {
                cold.append(task)
                continue
            }
            // Each of a validation person's books is the known one in turn.
            for position in history.items.indices {
                let others = history.items.indices.filter { $0 != position }
                validation.append(PredictionTask(known: history.subset([position]), query: history.subset(others)))
            }
        }
        (self.validation, self.cold) = (validation, cold)
    }

    /// The books' interactions that a stage trains on.
    func training(_ stage: SplitStage) -> SparseRows {
        var starts = [0]
        var columns: [UInt32] = []
        for (row, person) in books.persons.enumerated() {
            let history = books.history(row)
            columns += split.training(of: person, history, stage: stage).map { history.items[$0] }
            starts.append(columns.count)
        }
        return SparseRows(starts: starts, columns: columns, columnCount: books.items.count)
    }

    /// The movies' map, with their texts in a wrong order when `isShuffled`.
    private func sourceMap(isShuffled: Bool) throws -> TextFactorMap {
        let model = try ImplicitALS(
            movies.rows,
            configuration: .init(
                factors: Self.factors, regularization: 10, confidence: Self.confidence, iterations: Self.sweeps,
                solver: .cholesky), stream: RandomStream(root: seed, path: ["source"]))
        var text = movieText
        if isShuffled {
            var stream = RandomStream(root: seed, path: ["shuffle"])
            text.values = stream.permutation(count: text.rowCount).flatMap { movieText.row($0) }
        }
        let isDescribed = [Bool](repeating: true, count: text.rowCount)
        return try TextFactorMap(
            itemFactors: model.itemFactors, text: text,
            itemWeights: TextFactorMap.itemWeights(movies.rows, isDescribed: isDescribed, shrinkage: 5), ridge: 10)
    }

    private func ndcg(_ tasks: [PredictionTask], _ scores: (PersonHistory) throws -> [Float]) throws -> Double {
        var sum = 0.0
        for task in tasks { sum += try RankingMetrics(scores: scores(task.known), task: task, count: 10).ndcg }
        return sum / Double(max(tasks.count, 1))
    }

    private func ndcg(_ tasks: [PredictionTask], _ model: Model) throws -> Double {
        var foldIn = FoldIn(itemFactors: model.itemFactors, confidence: Self.confidence)
        return try ndcg(tasks) { known in
            try foldIn.begin(items: known.items[...], regularization: model.regularization)
            return model.itemFactors.multiplied(by: foldIn.vector(prior: model.prior))
        }
    }

    /// Chooses on validation persons, trains again with them, and tells the figure of the new persons.
    private func choice(
        _ grid: [Setting], _ train: (Setting, SparseRows) throws -> Model
    ) throws -> Choice? {
        let rows = training(.selection)
        var best: (setting: Setting, value: Double)?
        for setting in grid {
            let value = try ndcg(validation, train(setting, rows))
            if best.map({ value > $0.value }) ?? true { best = (setting, value) }
        }
        guard let best else { return nil }
        return Choice(
            setting: best.setting, validation: best.value,
            cold: try ndcg(cold, train(best.setting, training(.final))))
    }

    /// 36 points.
    private static func grid(variants: [Float]) -> [Setting] {
        var out: [Setting] = []
        for regularization: Float in [40, 160] {
            for itemRegularization: Float in [10, 40, 160] {
                for ratio in [1.0, 10, 100] {
                    for variant in variants {
                        out.append(
                            Setting(
                                regularization: regularization, itemRegularization: itemRegularization, ratio: ratio,
                                variant: variant))
                    }
                }
            }
        }
        return out
    }

    private func model(_ setting: Setting, _ rows: SparseRows, features: Matrix, prior: Matrix?) throws -> Model {
        let model = try FeatureALS(
            configuration: .init(
                factors: Self.factors, regularization: setting.regularization,
                itemRegularization: setting.itemRegularization,
                featureRegularization: setting.ratio * Double(setting.itemRegularization),
                confidence: Self.confidence, iterations: Self.sweeps),
            rows: rows, features: features, prior: prior, stream: RandomStream(root: seed, path: ["target"]))
        return Model(itemFactors: model.itemFactors, prior: model.userPrior, regularization: setting.regularization)
    }

    /// The transfer: what the movies' map predicts, beside the texts.
    func transfer(isShuffled: Bool) throws -> Choice? {
        let map = try sourceMap(isShuffled: isShuffled)
        let features = map.features(bookText, length: .equal, concatenating: true)
        return try choice(Self.grid(variants: [1, 3])) { setting, rows in
            try model(setting, rows, features: features, prior: map.priorWeights(scale: setting.variant))
        }
    }

    /// The same model without a source.
    func twin() throws -> Choice? {
        let features = [bookText, TextFactorMap.equalLengths(bookText)].map { TextFactorMap.withConstant($0) }
        return try choice(Self.grid(variants: [0, 1])) { setting, rows in
            try model(setting, rows, features: features[Int(setting.variant)], prior: nil)
        }
    }

    /// Implicit ALS alone.
    func plain() throws -> Choice? {
        let grid: [Float] = [1, 3, 10, 40, 100]
        return try choice(
            grid.map { Setting(regularization: $0, itemRegularization: $0, ratio: 0, variant: 0) }
        ) { setting, rows in
            let model = try ImplicitALS(
                rows,
                configuration: .init(
                    factors: Self.factors, regularization: setting.regularization, confidence: Self.confidence,
                    iterations: Self.sweeps, solver: .cholesky), stream: RandomStream(root: seed, path: ["target"]))
            return Model(itemFactors: model.itemFactors, prior: nil, regularization: setting.regularization)
        }
    }

    private func neighbours(_ vectors: Matrix) throws -> Double {
        let isDescribed = [Bool](repeating: true, count: vectors.rowCount)
        let weights = try ItemWeights.textKNN(vectors: vectors, isDescribed: isDescribed, neighbours: 50)
        return try ndcg(cold) { weights.scores(known: $0.items) }
    }

    /// Neighbours by text alone.
    func textNeighbours() throws -> Double { try neighbours(bookText) }

    /// Neighbours by what the movies' map predicts from texts: the target's interactions are not used at all.
    func mappedNeighbours(isShuffled: Bool) throws -> Double {
        try neighbours(sourceMap(isShuffled: isShuffled).features(bookText, length: .equal, concatenating: false))
    }

    /// The books that most persons of the training have.
    func popularity() throws -> Double {
        let popularity = Popularity(rows: training(.final))
        return try ndcg(cold) { popularity.scores(known: $0.items) }
    }
}
