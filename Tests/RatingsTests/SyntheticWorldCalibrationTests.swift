import Numerics
import Ratings
import Testing

/// Pearson's correlation.
func pearson(_ pairs: [(Double, Double)]) -> Double {
    let count = Double(pairs.count)
    let left = pairs.reduce(0) { $0 + $1.0 } / count
    let right = pairs.reduce(0) { $0 + $1.1 } / count
    let product = pairs.reduce(0) { $0 + ($1.0 - left) * ($1.1 - right) }
    let leftSquares = pairs.reduce(0) { $0 + ($1.0 - left) * ($1.0 - left) }
    let rightSquares = pairs.reduce(0) { $0 + ($1.1 - right) * ($1.1 - right) }
    return product / (leftSquares * rightSquares).squareRoot()
}

/// The world written down plainly: "person item" → rating.
private func plainWorld(_ options: SyntheticWorld.Options, _ domain: String) -> [String: Float] {
    func stream(_ path: [StreamComponent]) -> RandomStream {
        RandomStream(root: UInt64(options.seed), path: ["world"] + path)
    }
    let dimensions = options.tasteDimensions
    var items = stream([.name(domain), "items"])
    let vectors = (0..<options.itemCount).map { _ in
        (0..<dimensions).map { _ in items.gaussian() / Double(dimensions).squareRoot() }
    }
    let popularity = items.permutation(count: options.itemCount).map { -0.8 * Double($0 + 1).logarithm }
    let center = 4 + 0.3 * items.uniform()
    let width = String(max(options.personCount, options.itemCount)).count
    func id(_ prefix: String, _ index: Int) -> String {
        prefix + String(repeating: "0", count: width - String(index).count) + String(index)
    }
    var out: [String: Float] = [:]
    for person in 0..<options.personCount {
        var shared = stream(["person", .number(person)])
        let isEverywhere = shared.uniform() < options.overlap
        guard isEverywhere || options.domains[person % options.domains.count] == domain else { continue }
        let taste = (0..<dimensions).map { _ in shared.gaussian() }
        let bias = 0.6 * shared.gaussian()
        var own = stream(["person", .number(person), .name(domain)])
        let seen = taste.map {
            (1 - options.domainGap).squareRoot() * $0 + options.domainGap.squareRoot() * own.gaussian()
        }
        let activity = options.meanInteractions * (0.6 * own.gaussian() - 0.18).exponential
        let affinities = vectors.map { vector in zip(seen, vector).reduce(0) { $0 + $1.0 * $1.1 } }
        let scores = affinities.indices.map {
            options.tasteStrength * affinities[$0] + popularity[$0] + own.gumbel()
        }
        let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
        for item in order.prefix(min(max(1, Int(activity.rounded())), options.itemCount / 2)) {
            let rating = (center + bias + 0.4 * affinities[item] + 0.7 * own.gaussian()).rounded()
            out["\(id("person-", person)) \(id("\(domain)-item-", item))"] = Float(min(max(rating, 1), 5))
        }
    }
    return out
}

@Suite struct SyntheticWorldCalibrationTests {
    private func described(_ read: Interactions) -> DataDescription {
        DataDescription(
            LoadedData(
                interactions: read, descriptions: [],
                report: LoadReport(format: .recbole, rowCount: read.ratings.count)))
    }

    @Test(arguments: ["books", "movies"])
    func theQuickstartsWorldIsTheOneWrittenDownPlainly(_ domain: String) {
        let read = SyntheticWorld(.plain(seed: 3)).interactions(in: domain)
        var table: [String: Float] = [:]
        for (row, person) in read.persons.enumerated() {
            for position in read.rows.starts[row]..<read.rows.starts[row + 1] {
                table["\(person) \(read.items[Int(read.rows.columns[position])])"] = read.ratings[position]
            }
        }
        #expect(table == plainWorld(.plain(seed: 3), domain))
    }

    @Test(arguments: [1, 2, 3])
    func theCalibratedWorldIsLikeTheRealRatings(_ seed: Int) throws {
        let world = SyntheticWorld(.calibrated(seed: seed))
        let (movies, books) = (world.interactions(in: "movies"), world.interactions(in: "books"))
        let shared = SharedDescription(movies, books)
        #expect(shared.users == 1_328)
        let correlation = try #require(shared.biasCorrelation)
        #expect(abs(correlation - 0.67) < 0.05, "\(correlation)")
        #expect(shared.twins == 0)
        // Persons, items, mean, Gini of items and quantiles of ratings a person, from the merged Amazon ratings.
        let real: [(Interactions, Int, Int, Double, [Double], [Double])] = [
            (movies, 1_380, 1_253, 4.0, [4, 14, 53, 115], [0.0343, 0.0715, 0.1667, 0.3138, 0.4137]),
            (books, 1_426, 654, 4.3, [5, 12, 26, 47], [0.020, 0.038, 0.110, 0.286, 0.546]),
        ]
        for (read, persons, items, mean, quantiles, shares) in real {
            let data = described(read)
            #expect(abs(data.users - persons) < 40 && data.items == items, "\(data.users) persons")
            #expect(abs(data.density - 0.03) < 0.003, "density \(data.density)")
            #expect(abs(data.ratingMean - mean) < 0.01, "mean \(data.ratingMean)")
            #expect(abs(data.gini - 0.22) < 0.02, "Gini \(data.gini)")
            let spread = [
                data.perUser.quarter, data.perUser.median, data.perUser.threeQuarters, data.perUser.nineTenths,
            ]
            for (ours, theirs) in zip(spread, quantiles) {
                #expect(abs(ours - theirs) <= max(2, 0.35 * theirs), "\(spread) against \(quantiles)")
            }
            for (bin, share) in zip(data.histogram, shares) {
                #expect(abs(Double(bin.count) / Double(data.interactions) - share) < 1e-3)
            }
        }
    }

    @Test func aDomainHasItsOwnNumbersWhereTheyAreGiven() {
        var options = SyntheticWorld.Options.plain()
        let plain = SyntheticWorld(options).interactions(in: "movies")
        options.overrides["books"] = SyntheticWorld.DomainOptions(
            itemCount: 77, meanInteractions: 5, ratingShares: [0.1, 0.2, 0.4, 0.2, 0.1])
        let world = SyntheticWorld(options)
        #expect(world.interactions(in: "movies") == plain)
        let books = described(world.interactions(in: "books"))
        #expect(books.items == 77 && abs(books.perUser.mean - 5) < 0.5)
        let shares = books.histogram.map { Double($0.count) / Double(books.interactions) }
        #expect(zip(shares, [0.1, 0.2, 0.4, 0.2, 0.1]).allSatisfy { abs($0 - $1) < 0.001 }, "\(shares)")
    }

    @Test func personsChooseByTheTruthAndRateByIt() throws {
        var options = SyntheticWorld.Options.calibrated(seed: 4)
        options.personCount = 300
        let world = SyntheticWorld(options)
        let read = world.interactions(in: "books")
        let truth = world.truth(in: "books")
        #expect(truth.persons == read.persons && truth.itemVectors.count == read.items.count * truth.dimensions)
        var chosen: [Double] = []
        var all: [Double] = []
        var levels: [(Double, Double)] = []
        for row in read.persons.indices {
            for position in read.rows.starts[row]..<read.rows.starts[row + 1] {
                let item = Int(read.rows.columns[position])
                chosen.append(truth.affinity(person: row, item: item))
                levels.append((truth.ratingLevel(person: row, item: item), Double(read.ratings[position])))
            }
            for item in read.items.indices { all.append(truth.affinity(person: row, item: item)) }
        }
        #expect(abs(try #require(mean(all))) < 0.05)
        // The mean of a standard normal affinity tilted by e^1.5x is 1.5, less what a finite catalogue takes.
        #expect((0.7...1.5).contains(try #require(mean(chosen))))
        #expect(pearson(levels) > 0.5)
    }

    @Test func timesLieInTheWorldsDurationAndMoveNothingElse() {
        var options = SyntheticWorld.Options.plain()
        let plain = SyntheticWorld(options).interactions(in: "books")
        options.hasTimes = true
        let timed = SyntheticWorld(options).interactions(in: "books")
        #expect(timed.rows == plain.rows && timed.ratings == plain.ratings && plain.times.isEmpty)
        #expect(timed.times.count == timed.ratings.count)
        let range = options.startTime...options.startTime + options.duration
        #expect(timed.times.allSatisfy(range.contains))
        #expect(Set(timed.times).count > timed.times.count * 9 / 10)
    }

    /// A world with one drift in the middle, its books, and which of the interactions come after it.
    private func drifting(_ change: SyntheticWorld.Drift.Change, domain: String? = nil) -> (SyntheticWorld, Int64) {
        var options = SyntheticWorld.Options.plain(seed: 2)
        options.hasUnitItems = true
        options.meanInteractions = 40
        let time = options.startTime + options.duration / 2
        options.drifts = [SyntheticWorld.Drift(time: time, change: change, domain: domain)]
        return (SyntheticWorld(options), time)
    }

    /// The mean of a value over the interactions before and after a time.
    private func means(
        _ read: Interactions, _ time: Int64, _ value: (_ person: Int, _ position: Int) -> Double
    ) -> (before: Double, after: Double) {
        var sums = [(0.0, 0.0), (0.0, 0.0)]
        for row in read.persons.indices {
            for position in read.rows.starts[row]..<read.rows.starts[row + 1] {
                let side = read.times[position] < time ? 0 : 1
                sums[side] = (sums[side].0 + value(row, position), sums[side].1 + 1)
            }
        }
        return (sums[0].0 / sums[0].1, sums[1].0 / sums[1].1)
    }

    @Test func tastesTurnAtTheirTimeAndOnlyInTheirDomain() {
        let (world, time) = drifting(.tasteRotation(.pi / 2), domain: "books")
        let read = world.interactions(in: "books")
        let (old, new) = (world.truth(in: "books"), world.truth(in: "books", at: time))
        #expect(world.truth(in: "books", at: time - 1) == old && new != old)
        let byOld = means(read, time) { old.affinity(person: $0, item: Int(read.rows.columns[$1])) }
        let byNew = means(read, time) { new.affinity(person: $0, item: Int(read.rows.columns[$1])) }
        #expect(byOld.before > byOld.after + 0.4 && byNew.after > byNew.before + 0.4, "\(byOld), \(byNew)")
        // Turning keeps lengths.
        func squares(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }
        #expect(abs(squares(old.tastes) - squares(new.tastes)) < 1e-6)
        #expect(world.truth(in: "movies", at: time) == world.truth(in: "movies"))
        for row in 0..<read.rows.rowCount {
            let items = Array(read.rows.row(row))
            #expect(Set(items).count == items.count)
        }
    }

    @Test func popularityTurnsRoundAtItsTime() {
        let (world, time) = drifting(.popularityFlip(1))
        let read = world.interactions(in: "books")
        let old = world.truth(in: "books").popularity
        let new = world.truth(in: "books", at: time).popularity
        #expect(old.sorted() == new.sorted() && pearson(Array(zip(old, new))) < -0.3)
        let popular = means(read, time) { old[Int(read.rows.columns[$1])] }
        #expect(popular.before > popular.after + 1, "\(popular)")
    }

    @Test func ratingsRiseAtTheirTime() {
        let (world, time) = drifting(.scaleShift(-1.5))
        let read = world.interactions(in: "movies")
        let rating = means(read, time) { Double(read.ratings[$1]) }
        #expect((1.0...1.6).contains(rating.before - rating.after), "\(rating)")
    }

    @Test func titlesTellWhereAnItemLiesUnlessTheyAreNoise() throws {
        func agreement(_ change: (inout SyntheticWorld.Options) -> Void) -> Double {
            var options = SyntheticWorld.Options.calibrated(seed: 6)
            change(&options)
            let world = SyntheticWorld(options)
            let truth = world.truth(in: "movies")
            let descriptions = world.descriptions(in: "movies")
            // Each word votes for its end of its dimension.
            var pairs: [(Double, Double)] = []
            for (item, description) in descriptions.enumerated() {
                var votes = [Double](repeating: 0, count: 8)
                for word in description.title.split(separator: " ").map(String.init) {
                    guard let topic = SyntheticWorld.topicWords.firstIndex(where: { $0.contains(word) }) else {
                        Issue.record("\(word) is of no topic")
                        continue
                    }
                    votes[topic / 2] += topic % 2 == 0 ? 1 : -1
                }
                for dimension in 0..<8 { pairs.append((votes[dimension], truth.itemVectors[item * 8 + dimension])) }
            }
            return pearson(pairs)
        }
        let plain = agreement { _ in }
        #expect(plain > 0.4, "\(plain)")
        #expect(abs(agreement { $0.textSharpness = 0 }) < 0.05)
        #expect(abs(agreement { $0.textNoise = 1 }) < 0.05)
        #expect(agreement { $0.nuisanceRotation = 1.5 } < plain - 0.2)
        #expect(agreement { $0.nuisanceOffset = 2 } < plain - 0.05)
    }

    @Test func aNuisanceMovesTextsAndNothingElse() {
        var options = SyntheticWorld.Options.calibrated(seed: 6)
        options.personCount = 100
        let plain = SyntheticWorld(options)
        options.nuisanceOffset = 0.7
        options.nuisanceRotation = 0.5
        let moved = SyntheticWorld(options)
        #expect(moved.interactions(in: "books") == plain.interactions(in: "books"))
        let (truth, before) = (moved.truth(in: "books"), plain.truth(in: "books"))
        #expect(truth.itemVectors == before.itemVectors && before.textVectors == before.itemVectors)
        // The same offset for all, of the given length, and distances as before.
        let count = 654
        func row(_ values: [Double], _ item: Int) -> [Double] { Array(values[item * 8..<item * 8 + 8]) }
        func distance(_ values: [Double], _ one: Int, _ other: Int) -> Double {
            zip(row(values, one), row(values, other)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
        for item in 1..<count {
            #expect(abs(distance(truth.textVectors, 0, item) - distance(truth.itemVectors, 0, item)) < 1e-9)
        }
        let center = (0..<8).map { dimension in
            (0..<count).reduce(0) { $0 + truth.textVectors[$1 * 8 + dimension] } / Double(count)
        }
        #expect(abs(center.reduce(0) { $0 + $1 * $1 }.squareRoot() - 0.7) < 0.15)
        #expect(moved.truth(in: "movies").textVectors != plain.truth(in: "movies").textVectors)
    }

    @Test(arguments: [4, 8, 12])
    func titlesAreTwoToFiveDifferentWordsForAnyNumberOfDimensions(_ dimensions: Int) {
        var options = SyntheticWorld.Options.plain()
        options.tasteDimensions = dimensions
        let world = SyntheticWorld(options)
        let descriptions = world.descriptions(in: "books")
        #expect(descriptions == world.descriptions(in: "books"))
        #expect(descriptions != world.descriptions(in: "movies"))
        #expect(descriptions.count == 400)
        for description in descriptions {
            let words = description.title.split(separator: " ")
            #expect((2...5).contains(words.count) && Set(words).count == words.count)
            #expect((1...words.count).contains(description.keywords.count))
        }
        #expect(SyntheticWorld.topicWords.count == 16 && SyntheticWorld.topicWords.allSatisfy { $0.count == 12 })
        #expect(Set(SyntheticWorld.topicWords.joined()).count == 192)
    }

    @Test func aSamplerWritesTheAskedRowsWithoutRepeatsAndNearTheTruth() {
        var options = SyntheticWorld.Options.calibrated(seed: 8)
        options.hasTimes = true
        let world = SyntheticWorld(options)
        func drawn() -> [(person: String, rows: [SyntheticWorld.Row])] {
            var sampler = SyntheticWorld.RowSampler(world, domain: "movies", rowCount: 60_000)
            var out: [(person: String, rows: [SyntheticWorld.Row])] = []
            while let next = sampler.next() { out.append(next) }
            return out
        }
        let all = drawn()
        let again = drawn()
        #expect(all.map(\.person) == again.map(\.person) && all.map(\.rows) == again.map(\.rows))
        #expect(all.reduce(0) { $0 + $1.rows.count } == 60_000)
        let truth = world.truth(in: "movies")
        #expect(all.map(\.person) == truth.persons)
        var counts = [Double](repeating: 0, count: 1_253)
        var shares = [Double](repeating: 0, count: 5)
        var affinity = 0.0
        for (person, entry) in all.enumerated() {
            #expect(Set(entry.rows.map(\.item)).count == entry.rows.count && !entry.rows.isEmpty)
            for row in entry.rows {
                counts[row.item] += 1
                shares[Int(row.rating) - 1] += 1 / 60_000
                affinity += truth.affinity(person: person, item: row.item) / 60_000
            }
        }
        #expect(pearson(Array(zip(counts, truth.popularity))) > 0.6)
        #expect(affinity > 0.5, "\(affinity)")
        for (ours, theirs) in zip(shares, [0.0343, 0.0715, 0.1667, 0.3138, 0.4137]) {
            #expect(abs(ours - theirs) < 0.02, "\(shares)")
        }
    }

    @Test func aSamplerOfMoreRowsThanThereArePairsGivesWhatThereIs() {
        var options = SyntheticWorld.Options.plain()
        options.personCount = 10
        options.itemCount = 20
        var sampler = SyntheticWorld.RowSampler(SyntheticWorld(options), domain: "books", rowCount: 1_000)
        while let next = sampler.next() { #expect(Set(next.rows.map(\.item)).count == 10) }
    }
}
