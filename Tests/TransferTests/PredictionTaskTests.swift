import Numerics
import Ratings
import Recommenders
import Testing
import Transfer

/// What a cold person's device knows, and how its rankings leave out what could become known.
@Suite("Cold-start task on a device")
struct PredictionTaskTests {
    static let itemCount = 60
    static let split = DomainSplit(
        persons: PersonSplit(seed: 11, coldShare: 1, validationShare: 0), isTarget: true, times: nil)

    static func device(seed: UInt64) -> Device {
        var stream = RandomStream(root: seed, path: ["history"])
        let count = 8 + stream.integer(below: 20)
        let items = stream.permutation(count: itemCount).prefix(count).map { UInt32($0) }.sorted()
        return Device(
            person: "person-\(seed)", histories: ["books": PersonHistory(items), "films": PersonHistory([1])])
    }

    static func task(_ device: Device) -> PredictionTask? {
        split.coldTask(of: device.person, device.history(in: "books"))
    }

    @Test("All support candidates are left out of the ranking, also those not known yet", arguments: 0..<25)
    func candidatesAreExcluded(seed: UInt64) throws {
        let task = try #require(Self.task(Self.device(seed: seed)))
        // The candidates first, then the query: with the candidates left out the list is perfect.
        var scores = [Float](repeating: 0, count: Self.itemCount)
        for item in task.query.items { scores[Int(item)] = 1 }
        for item in task.known.items { scores[Int(item)] = 2 }
        let list = try RankingMetrics.top(task.query.count, scores: scores, excluded: task.excluded)
        let metrics = RankingMetrics(ranking: list, relevant: task.query.items, count: task.query.count)
        #expect(metrics.ndcg == 1 && metrics.recall == 1)
        for shots in 0...5 { #expect(Set(task.known.prefix(shots).items).isDisjoint(with: list)) }
        // Left in, they would take the first places.
        let all = try RankingMetrics.top(5, scores: scores, excluded: [])
        #expect(all.sorted() == task.known.items.sorted())
    }

    @Test("A device restricted to a stage holds what the splits let train, in every domain")
    func restricted() throws {
        let cuts = SplitTimes(validation: 10, test: 20)
        func split(isTarget: Bool, cold: Double, validation: Double) -> DomainSplit {
            DomainSplit(
                persons: PersonSplit(seed: 1, coldShare: cold, validationShare: validation), isTarget: isTarget,
                times: cuts)
        }
        let history = PersonHistory(items: [1, 2, 3], ratings: [4, 5, 3], times: [9, 10, 20])
        let device = Device(person: "anna", histories: ["books": history, "films": history, "music": history])
        for (cold, validation, books) in [(1.0, 0.0, [0, 0]), (0, 1, [0, 2]), (0, 0, [1, 2])] {
            let splits = [
                "books": split(isTarget: true, cold: cold, validation: validation),
                "films": split(isTarget: false, cold: cold, validation: validation),
            ]
            for (stage, count, target) in [(SplitStage.selection, 1, books[0]), (.final, 2, books[1])] {
                let visible = device.restricted(to: stage, splits)
                #expect(visible.person == "anna")
                #expect(visible.history(in: "films") == history.prefix(count))
                #expect(visible.history(in: "books") == history.prefix(target))
                // A domain without a split is not visible at all.
                #expect(visible.history(in: "music").isEmpty)
            }
        }
        #expect(device.history(in: "books") == history)
    }

    @Test("A person's source offset is the mean residual of all sources, damped, and 0 without any")
    func sourceOffset() throws {
        func model(_ seed: UInt64, _ means: RatingMeans?) throws -> SourceModel {
            SourceModel(
                foldIn: FoldIn(itemFactors: Fixture.itemFactors(count: 4, dimension: 3, seed: seed), confidence: 5),
                features: try SourceFeatures(
                    try #require(Fixture.moments(Fixture.vectors(count: 60, dimension: 3, seed: seed)))),
                regularization: 0.5, means: means)
        }
        let films = RatingMeans(globalMean: 3, itemOffsets: [1, 0, -1, 0])
        let music = RatingMeans(globalMean: 4, itemOffsets: [0, 0.5, 0, 0])
        let models = ["films": try model(1, films), "music": try model(2, music), "games": try model(3, nil)]
        let device = Device(
            person: "anna",
            histories: [
                "films": PersonHistory(items: [0, 2], ratings: [5, 3]),
                "music": PersonHistory(items: [1], ratings: [3]),
                "games": PersonHistory(items: [1], ratings: [1]), "books": PersonHistory(items: [0], ratings: [1]),
            ])
        // Residuals 1, 1 and −1.5.
        #expect(abs(device.sourceOffset(models, damping: 0) - 0.5 / 3) < 1e-6)
        #expect(abs(device.sourceOffset(models, damping: 2) - 0.1) < 1e-6)
        #expect(device.sourceOffset([:], damping: 2) == 0)
        #expect(device.sourceOffset(["games": try model(3, nil)], damping: 0) == 0)
    }
}
