import Cryptography
import DomainClient
import Federation
import Numerics
import Privacy
import Ratings
import Scenario
import Testing
import Transfer
import Wire

/// What one rating moves where a rating is what is hidden.
@Suite struct RatingBlocksTests {
    private static let key = StreamKey(root: 11)
    private static let dimension = 3

    private static func scenario(_ blocks: Int, mode: String = "silo") throws -> ScenarioDefinition {
        try ScenarioDefinition(
            yaml: """
                name: ratings
                clients:
                  - {id: movies, domain: movies, data: {format: synthetic}}
                  - {id: books, domain: books, data: {format: synthetic}}
                  - {id: persons, domain: persons, links: [movies, books]}
                target: books
                model: {factors: 8}
                transfer: {dimension: \(dimension), source-dimension: \(dimension)}
                privacy: {mode: \(mode), epsilon: 2, unit: rating, rating-blocks: \(blocks), feature-bound: 3, target-bound: 0.25}
                """, file: "ratings.yaml")
    }

    /// The protection of the bridge as every process of a run makes it.
    private static func protection(_ scenario: ScenarioDefinition) throws -> ReleaseProtection {
        let catalogues = ["movies", "books"].map { Catalogue(domain: $0, itemCount: 40, digest: sha256([])) }
        let plan = try RunPlan(scenario, catalogues: catalogues)
        return try #require(try PrivacyPlan(scenario, schema: plan.schema).protections["bridge"])
    }

    private static func history(_ random: inout RandomStream, _ count: Int) -> PersonHistory {
        let items = random.permutation(count: 40).prefix(count).sorted().map { UInt32($0) }
        return PersonHistory(items: items, ratings: items.map { _ in Float(1 + random.integer(below: 5)) })
    }

    /// A vector that depends on every rating of a history and all of them together, far outside the clipping bounds or
    /// within; nothing is smooth in it.
    private static func vector(_ history: PersonHistory, salt: UInt64) -> [Float] {
        var seed = salt
        for (item, rating) in zip(history.items, history.ratings) {
            seed = (seed ^ UInt64(item) ^ UInt64(rating.bitPattern)) &* 0x9E37_79B9_7F4A_7C15
        }
        var random = RandomStream(root: seed, path: ["vector"])
        let size = [0.01, 0.2, 2, 1_000][random.integer(below: 4)]
        return (0..<dimension).map { _ in Float(size * random.gaussian()) }
    }

    /// Both ends of a bound, from one rating to the next.
    private static func alternating(_ history: PersonHistory, axis: Int, size: Float) -> [Float] {
        (0..<dimension).map { $0 == axis ? (history.count % 2 == 0 ? size : -size) : 0 }
    }

    /// A person's update; zero for a device without target ratings.
    private static func update(
        _ device: Device, _ blocks: RatingBlocks, feature: (PersonHistory) -> [Float],
        target: (PersonHistory) -> [Float]
    ) throws -> [Float] {
        let pair = try blocks.pair(
            of: device, domains: ["movies", "books"], item: { "\($0)-\($1)" },
            feature: { feature($0.history(in: "movies")) },
            coordinates: { device in
                let history = device.history(in: "books")
                return history.isEmpty ? nil : target(history)
            })
        guard let coordinates = pair.coordinates else { return [Float](repeating: 0, count: dimension * dimension) }
        return pair.feature.flatMap { value in coordinates.map { value * $0 } }
    }

    private static func integers(_ updates: [[Float]], _ grid: FixedPointGrid) throws -> [Int64] {
        var sum = try ClippedSum(grid: grid)
        for update in updates { #expect(try sum.add([update]) == .within) }
        var dither = KeyStream(key: key)
        return sum.integers(dither: &dither)
    }

    private static func distance(_ left: [Int64], _ right: [Int64]) -> Double {
        zip(left, right).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
    }

    @Test(
        "removing any one rating moves the integers before noise by at most the sensitivity in the ledger",
        arguments: [1, 2, 4, 9])
    func sensitivityLaw(count: Int) throws {
        let scenario = try Self.scenario(count)
        let blocks = try #require(try RatingBlocks(scenario, key: Self.key))
        let grid = try Self.protection(scenario).grid
        var random = RandomStream(root: UInt64(count), path: ["persons"])
        let devices = (0..<25).map { person in
            Device(
                person: "person-\(person)",
                histories: [
                    "movies": Self.history(&random, 1 + random.integer(below: 20)),
                    "books": Self.history(&random, 1 + random.integer(below: 12)),
                ])
        }
        func update(_ device: Device) throws -> [Float] {
            try Self.update(
                device, blocks, feature: { Self.vector($0, salt: 1) }, target: { Self.vector($0, salt: 2) })
        }
        var updates = try devices.map(update)
        let whole = try Self.integers(updates, grid)
        var largest = 0.0
        for (index, device) in devices.enumerated() {
            let own = updates[index]
            for domain in ["movies", "books"] {
                for position in 0..<device.interactionCount(in: domain) {
                    updates[index] = try update(device.without(position, in: domain))
                    largest = max(largest, Self.distance(whole, try Self.integers(updates, grid)))
                }
            }
            // Another value of a rating is within the same bound.
            let history = device.history(in: "movies")
            var ratings = history.ratings
            ratings[0] = ratings[0] == 5 ? 1 : 5
            let other = Device(
                person: device.person,
                histories: [
                    "movies": PersonHistory(items: history.items, ratings: ratings),
                    "books": device.history(in: "books"),
                ])
            updates[index] = try update(other)
            largest = max(largest, Self.distance(whole, try Self.integers(updates, grid)))
            updates[index] = own
        }
        #expect(largest <= grid.sensitivity, "\(largest) of \(grid.sensitivity)")
        // The test sees movements that half the charge would not cover.
        #expect(largest > grid.sensitivity / 2, "\(largest) of \(grid.sensitivity)")
    }

    @Test("a rating that turns its block round moves all that is charged: 2C/G", arguments: [1, 3, 8])
    func worstCase(count: Int) throws {
        let scenario = try Self.scenario(count)
        let blocks = try #require(try RatingBlocks(scenario, key: Self.key))
        let grid = try Self.protection(scenario).grid
        // So many target ratings that no block is without one; all blocks give one end of the bound.
        let device = Device(
            person: "anna",
            histories: [
                "movies": PersonHistory(items: [4, 7], ratings: [3, 3]),
                "books": PersonHistory(items: (0..<40).map { $0 }, ratings: [Float](repeating: 3, count: 40)),
            ])
        func update(_ device: Device) throws -> [Float] {
            try Self.update(
                device, blocks, feature: { Self.alternating($0, axis: 0, size: 50) }, target: { _ in [0, 9, 0] })
        }
        let moved = Self.distance(
            try Self.integers([update(device)], grid),
            try Self.integers([update(device.without(0, in: "movies"))], grid)
        )
        #expect(moved <= grid.sensitivity && moved > 0.95 * grid.sensitivity, "\(moved) of \(grid.sensitivity)")
        // 2C/G with C = 3 · 0.25, whatever the person would move: C.
        #expect(abs(moved / grid.scale / (2 * 0.75 / Double(count)) - 1) < 0.02)
    }

    @Test("the block of a rating does not depend on the other ratings, and blocks are of about equal size")
    func dealing() throws {
        let scenario = try Self.scenario(4)
        let blocks = try #require(try RatingBlocks(scenario, key: Self.key))
        var sizes: [Int] = []
        var random = RandomStream(root: 5, path: ["dealing"])
        for person in 0..<50 {
            let device = Device(person: "p\(person)", histories: ["movies": Self.history(&random, 40)])
            _ = try blocks.pair(
                of: device, domains: ["movies", "books"], item: { "\($0)-\($1)" },
                feature: { part in
                    sizes.append(part.interactionCount(in: "movies"))
                    return [0, 0, 0]
                }, coordinates: { _ in nil })
        }
        #expect(sizes.count == 200 && sizes.reduce(0, +) == 2_000)
        // Binomial(40, ¼) with standard deviation 2.7; the mean of each block is within 5 deviations over 50 persons.
        for block in 0..<4 {
            let mean = Double((0..<50).reduce(0) { $0 + sizes[$1 * 4 + block] }) / 50
            #expect(abs(mean - 10) < 2, "\(mean)")
        }
    }

    @Test("without a unit of ratings there are no blocks")
    func persons() throws {
        let person = try ScenarioDefinition(
            yaml: try Self.scenario(1).resolvedYAML, file: "a",
            overrides: ["privacy.unit=person"])
        #expect(try RatingBlocks(person, key: Self.key) == nil)
    }
}
