import Numerics
import Ratings
import Recommenders
import Testing
import Transfer

@Suite("Rating model")
struct RatingModelTests {
    init() { NumericsBackEnd.useOneThread() }

    private static func model(seed: UInt64, factors: Int = 3) throws -> (model: RatingModel, features: SourceFeatures) {
        let moments = try #require(
            Fixture.moments(
                Fixture.vectors(count: 60, dimension: factors, seed: seed).compactMap { SourceFeatures.raw($0) }))
        let items = Fixture.itemFactors(count: 20, dimension: factors, seed: seed)
        return (
            RatingModel(
                factors: BiasedFactors(
                    globalMean: 4, itemOffsets: (0..<20).map { Float($0 % 3) / 10 }, itemFactors: items),
                regularization: RatingRegularization(offsets: 3, factors: 2)), try SourceFeatures(moments)
        )
    }

    private static func history(_ items: [UInt32], _ rating: Float) -> PersonHistory {
        PersonHistory(items: items, ratings: items.map { _ in rating }, times: [])
    }

    @Test("What is known of a person from sources is each one's vector, and an offset by the number of ratings")
    func linked() throws {
        let models = ["films": try Self.model(seed: 1), "music": try Self.model(seed: 2)]
        let films = Self.history([1, 4, 9], 5)
        let music = Self.history([2], 2)
        let device = Device(person: "anna", histories: ["films": films, "music": music])
        let linked = try device.linkedRatings(models, sources: ["films", "music"], dimension: 3)
        let first = try #require(models["films"]).model.person(films)
        let second = try #require(models["music"]).model.person(music)
        #expect(first.offset > 0 && second.offset < 0)
        #expect(abs(linked.offset - (3 * first.offset + second.offset) / 4) < 1e-6)
        let features = try [("films", first), ("music", second)].map { name, person in
            try #require(models[name]).features.feature(person.factors)
        }
        #expect(linked.feature == features[0] + features[1])
    }

    @Test("A source without a model or without a history says nothing")
    func absent() throws {
        let models = ["films": try Self.model(seed: 1)]
        let device = Device(person: "anna", histories: ["films": .empty, "music": Self.history([2], 2)])
        let linked = try device.linkedRatings(models, sources: ["films", "music"], dimension: 3)
        #expect(linked.offset == 0 && linked.feature == [Float](repeating: 0, count: 6))
    }

    @Test("A prior is all there is of a person without ratings, and many ratings leave nothing of it")
    func prior() throws {
        let model = try Self.model(seed: 3).model
        let prior = BiasedFactors.Person(offset: 0.4, factors: [1, -2, 0.5])
        let unknown = try model.person(.empty, prior: prior)
        #expect(zip([unknown.offset] + unknown.factors, [0.4, 1, -2, 0.5]).allSatisfy { abs($0 - $1) < 1e-5 })
        // An offset that weighs as much as a million ratings is hardly moved by one.
        let one = Self.history([3], 1)
        let firm = try model.person(one, prior: prior, damping: 1e6)
        let loose = try model.person(one, prior: prior, damping: 0.5)
        #expect(abs(firm.offset - 0.4) < 1e-3 && loose.offset < 0)
        // The right ratings of another person, each item a hundred times.
        let truth = BiasedFactors.Person(offset: -0.3, factors: [0.2, 0.1, -0.7])
        let items = (0..<2_000).map { UInt32($0 % 20) }
        let ratings = items.map { model.factors.prediction(for: truth, item: $0) }
        let found = try model.person(PersonHistory(items: items, ratings: ratings, times: []), prior: prior)
        #expect(zip([found.offset] + found.factors, [-0.3, 0.2, 0.1, -0.7]).allSatisfy { abs($0 - $1) < 0.05 })
    }
}
