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

    static let anna = Device(
        person: "anna", histories: ["films": .init([1, 4, 9]), "music": .init([2]), "books": .init([0, 3, 5, 7])])
    static let bert = Device(person: "bert", histories: ["films": .init([2, 17]), "books": .init([10, 11])])

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
        let feature = try mixed.feature(&models, sources: sources, dimension: Self.factors)
        let own = try Self.anna.feature(&models, sources: sources, dimension: Self.factors)
        let other = try Self.bert.feature(&models, sources: sources, dimension: Self.factors)
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
        let mixed = Device(person: "cleo", histories: ["films": .init([3])]).withLinks(of: Self.bert, target: "books")
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
        let feature = try Self.bert.feature(&models, sources: ["music", "games", "films"], dimension: Self.factors)
        #expect(feature.count == 3 * Self.factors)
        #expect(feature[..<6].allSatisfy { $0 == 0 })
        let alone = try Self.bert.feature(&models, sources: ["films"], dimension: Self.factors)
        #expect(Array(feature[6...]) == alone)
        #expect(alone.contains { $0 != 0 })
    }

    @Test("A source feature is the whitened fold-in of the source history")
    func featureOfFoldIn() throws {
        var models = ["films": try Self.source(seed: 1)]
        let feature = try Self.anna.feature(&models, sources: ["films"], dimension: Self.factors)
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

extension PersonHistory {
    /// A history of items, each rated 3.
    init(_ items: [UInt32]) { self.init(items: items, ratings: items.map { _ in 3 }) }
}
