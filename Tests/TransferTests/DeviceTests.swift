import Numerics
import Ratings
import Recommenders
import Testing
import Transfer

@Suite("Device")
struct DeviceTests {
    static let factors = 3

    init() { NumericsBackEnd.useOneThread() }

    static func source(seed: UInt64) throws -> SourceModel {
        let moments = try #require(
            Fixture.moments(
                Fixture.vectors(count: 60, dimension: factors, seed: seed).compactMap { SourceFeatures.raw($0) }))
        return SourceModel(
            foldIn: FoldIn(itemFactors: Fixture.itemFactors(count: 20, dimension: factors, seed: seed), confidence: 5),
            features: try SourceFeatures(moments), regularization: 0.5)
    }

    static func target() throws -> TargetModel {
        let moments = try #require(Fixture.moments(Fixture.vectors(count: 60, dimension: factors, seed: 30)))
        return TargetModel(
            foldIn: FoldIn(itemFactors: Fixture.itemFactors(count: 20, dimension: factors, seed: 30), confidence: 5),
            basis: try TargetBasis(moments, dimension: 2), regularization: 0.5,
            popularity: [Float](repeating: 1, count: 20))
    }

    static let anna = Device(person: "anna", histories: ["films": [1, 4, 9], "music": [2], "books": [0, 3, 5, 7]])
    static let bert = Device(person: "bert", histories: ["films": [2, 17], "books": [10, 11]])

    @Test("A device knows how many domains and interactions it has")
    func counts() {
        #expect(Self.anna.interactionCount(in: "books") == 4)
        #expect(Self.bert.interactionCount(in: "music") == 0)
    }

    @Test("A control's device keeps its own target history and takes the other's sources")
    func links() throws {
        let mixed = Self.anna.withLinks(of: Self.bert, target: "books")
        #expect(mixed.person == "anna")
        var models = ["films": try Self.source(seed: 1), "music": try Self.source(seed: 2)]
        let sources = ["films", "music"]
        let feature = try mixed.feature(&models, sources: sources, factors: Self.factors)
        let own = try Self.anna.feature(&models, sources: sources, factors: Self.factors)
        let other = try Self.bert.feature(&models, sources: sources, factors: Self.factors)
        #expect(feature == other)
        #expect(feature != own)
        var target = try Self.target()
        let coordinates = try mixed.targetCoordinates(&target, target: "books")
        let ownCoordinates = try Self.anna.targetCoordinates(&target, target: "books")
        let otherCoordinates = try Self.bert.targetCoordinates(&target, target: "books")
        #expect(coordinates == ownCoordinates)
        #expect(coordinates != otherCoordinates)
    }

    @Test("A control's device without a target history does not take the other's")
    func linksWithoutTarget() throws {
        let mixed = Device(person: "cleo", histories: ["films": [3]]).withLinks(of: Self.bert, target: "books")
        #expect(mixed.interactionCount(in: "books") == 0)
        #expect(mixed.interactionCount(in: "films") == 2)
        var target = try Self.target()
        let coordinates = try mixed.targetCoordinates(&target, target: "books")
        #expect(coordinates == nil)
    }

    @Test("The feature is one block a source, zeros without a history or a model")
    func featureBlocks() throws {
        let films = try Self.source(seed: 1)
        var models = ["films": films, "music": try Self.source(seed: 2)]
        let feature = try Self.bert.feature(&models, sources: ["music", "games", "films"], factors: Self.factors)
        #expect(feature.count == 3 * Self.factors)
        #expect(feature[..<6].allSatisfy { $0 == 0 })
        let alone = try Self.bert.feature(&models, sources: ["films"], factors: Self.factors)
        #expect(Array(feature[6...]) == alone)
        #expect(alone.contains { $0 != 0 })
    }

    @Test("A source feature is the whitened fold-in of the source history")
    func featureOfFoldIn() throws {
        var models = ["films": try Self.source(seed: 1)]
        let feature = try Self.anna.feature(&models, sources: ["films"], factors: Self.factors)
        let moments = try #require(
            Fixture.moments(
                Fixture.vectors(count: 60, dimension: Self.factors, seed: 1).compactMap { SourceFeatures.raw($0) }))
        var foldIn = FoldIn(
            itemFactors: Fixture.itemFactors(count: 20, dimension: Self.factors, seed: 1), confidence: 5)
        try foldIn.begin(items: [1, 4, 9], regularization: 0.5)
        let expected = try SourceFeatures(moments).feature(foldIn.vector())
        #expect(feature == expected)
    }

    @Test("Target coordinates are those of the fold-in of the whole target history")
    func coordinates() throws {
        var target = try Self.target()
        let coordinates = try Self.anna.targetCoordinates(&target, target: "books")
        var foldIn = target.foldIn
        try foldIn.begin(items: [0, 3, 5, 7], regularization: 0.5)
        #expect(coordinates == target.basis.coordinates(foldIn.vector()))
    }
}

@Suite("Cold-start task")
struct ColdStartTaskTests {
    static let split = PersonSplit(seed: 11, coldShare: 0.2, validationShare: 0.15)
    static let itemCount = 60

    /// The items that a task ranks as relevant: an item at the top of the scores is a hit when it is in the query. One
    /// item more than any history holds comes second, so that no other item is a hit in the place of an excluded one.
    static func query(of task: ColdStartTask) throws -> [UInt32] {
        try (0..<UInt32(itemCount)).filter { item in
            var scores = [Float](repeating: 0, count: itemCount) + [1]
            scores[Int(item)] = 2
            return try task.metrics(scores: scores, topN: 1).recall > 0
        }
    }

    static func history(seed: UInt64) -> [UInt32] {
        var stream = RandomStream(root: seed, path: ["history"])
        let count = 8 + stream.integer(below: 20)
        return stream.permutation(count: itemCount).prefix(count).map { UInt32($0) }.sorted()
    }

    @Test("Support and query are disjoint, and together they are the history", arguments: 0..<25)
    func partition(seed: UInt64) throws {
        let history = Self.history(seed: seed)
        let device = Device(person: "person-\(seed)", histories: ["books": history])
        let task = try #require(
            device.task(Self.split, target: "books", candidateCount: 5, minimumInteractions: 8))
        let support = Array(task.known(shots: 5))
        let query = try Self.query(of: task)
        #expect(support.count == 5)
        #expect(Set(support).isDisjoint(with: query))
        #expect((support + query).sorted() == history)
        // Recall counts the whole query: were one of its items excluded from the ranking, no list would reach 1.
        var scores = [Float](repeating: 0, count: Self.itemCount)
        for item in query { scores[Int(item)] = 1 }
        #expect(try task.metrics(scores: scores, topN: query.count).recall == 1)
    }

    @Test("More shots add known items and leave the query as it is")
    func shots() throws {
        let device = Device(person: "anna", histories: ["books": Self.history(seed: 3)])
        let task = try #require(
            device.task(Self.split, target: "books", candidateCount: 5, minimumInteractions: 8))
        let query = try Self.query(of: task)
        #expect(task.known(shots: 0).isEmpty)
        for shots in [1, 3, 5] {
            #expect(task.known(shots: shots).count == shots)
            #expect(task.known(shots: 5).starts(with: task.known(shots: shots)))
            let again = try #require(
                device.task(Self.split, target: "books", candidateCount: 5, minimumInteractions: 8))
            #expect(try Self.query(of: again) == query)
            #expect(again.known(shots: shots) == task.known(shots: shots))
        }
    }

    @Test("All support candidates are left out of the ranking, also those not known yet")
    func candidatesAreExcluded() throws {
        let device = Device(person: "anna", histories: ["books": Self.history(seed: 4)])
        let task = try #require(
            device.task(Self.split, target: "books", candidateCount: 5, minimumInteractions: 8))
        let query = try Self.query(of: task)
        // The candidates first, then the query: with the candidates left out the list is perfect.
        var scores = [Float](repeating: 0, count: Self.itemCount)
        for item in query { scores[Int(item)] = 1 }
        for item in task.known(shots: 5) { scores[Int(item)] = 2 }
        let metrics = try task.metrics(scores: scores, topN: query.count)
        #expect(metrics.ndcg == 1 && metrics.recall == 1)
    }

    @Test("The order of the support differs from person to person and from seed to seed")
    func randomSupport() throws {
        let history = Self.history(seed: 5)
        func support(_ person: String, _ seed: Int) -> [UInt32]? {
            Device(person: person, histories: ["books": history])
                .task(
                    PersonSplit(seed: seed, coldShare: 0.2, validationShare: 0.15), target: "books", candidateCount: 5,
                    minimumInteractions: 8
                ).map { Array($0.known(shots: 5)) }
        }
        #expect(support("anna", 1) != nil)
        #expect(support("anna", 1) == support("anna", 1))
        #expect(support("anna", 1) != support("bert", 1))
        #expect(support("anna", 1) != support("anna", 2))
    }

    @Test("A person with too few target interactions, or none, has no task")
    func tooFew() {
        let device = Device(person: "anna", histories: ["books": [1, 2, 3, 4, 5, 6, 7], "films": [1]])
        #expect(device.task(Self.split, target: "books", candidateCount: 5, minimumInteractions: 8) == nil)
        #expect(device.task(Self.split, target: "books", candidateCount: 5, minimumInteractions: 7) != nil)
        #expect(device.task(Self.split, target: "music", candidateCount: 5, minimumInteractions: 0) == nil)
    }

    @Test("User vectors are ranked by their products with the item factors")
    func vectors() throws {
        let device = Device(person: "anna", histories: ["books": Self.history(seed: 6)])
        let task = try #require(
            device.task(Self.split, target: "books", candidateCount: 5, minimumInteractions: 8))
        let items = Fixture.itemFactors(count: Self.itemCount, dimension: 4, seed: 6)
        let users = Fixture.itemFactors(count: 3, dimension: 4, seed: 7)
        let metrics = try task.metrics(vectors: users, itemFactors: items, topN: 10)
        #expect(metrics.count == 3)
        for index in 0..<3 {
            let scores = items.multiplied(by: Array(users.row(index)))
            #expect(try task.metrics(scores: scores, topN: 10) == metrics[index])
        }
        #expect(Set(metrics.map { $0.recall }).count > 1)
    }

    @Test("A score that is NaN is an error")
    func notANumber() throws {
        let device = Device(person: "anna", histories: ["books": Self.history(seed: 8)])
        let task = try #require(
            device.task(Self.split, target: "books", candidateCount: 5, minimumInteractions: 8))
        var users = Fixture.itemFactors(count: 2, dimension: 4, seed: 7)
        users[1, 2] = .nan
        let items = Fixture.itemFactors(count: Self.itemCount, dimension: 4, seed: 6)
        #expect(throws: RankingMetrics.Failure.scoreIsNaN) {
            try task.metrics(vectors: users, itemFactors: items, topN: 10)
        }
    }
}
