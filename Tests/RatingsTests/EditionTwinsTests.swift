import Numerics
import Ratings
import Testing

/// Interactions of rows (person, item, rating, time); every pair once.
func made(_ rows: [(Int, Int, Float, Int64)], items itemCount: Int, hasTimes: Bool = false) -> Interactions {
    func id(_ prefix: String, _ index: Int) -> String { prefix + String(String(10_000 + index).dropFirst()) }
    let persons = Set(rows.map(\.0)).sorted()
    var starts = [0]
    var sorted: [(Int, Int, Float, Int64)] = []
    for person in persons {
        sorted += rows.filter { $0.0 == person }.sorted { $0.1 < $1.1 }
        starts.append(sorted.count)
    }
    return Interactions(
        persons: persons.map { id("p", $0) }, items: (0..<itemCount).map { id("i", $0) },
        rows: SparseRows(starts: starts, columns: sorted.map { UInt32($0.1) }, columnCount: itemCount),
        ratings: sorted.map(\.2), times: hasTimes ? sorted.map(\.3) : [])
}

/// Random interactions in which some items are copies of earlier ones but for a few persons.
private func planted(_ stream: inout RandomStream, persons: Int, items: Int) -> (Interactions, [(Int, Int)]) {
    var sets: [Set<Int>] = []
    var pairs: [(Int, Int)] = []
    for item in 0..<items {
        if item > 0 && stream.integer(below: 4) == 0 {
            let original = stream.integer(below: item)
            var copy = sets[original]
            for person in sets[original].sorted() where stream.uniform() < 0.12 { copy.remove(person) }
            for _ in 0..<stream.integer(below: 4) { copy.insert(stream.integer(below: persons)) }
            sets.append(copy)
            pairs.append((original, item))
        } else {
            let share = 0.03 + 0.3 * stream.uniform() * stream.uniform()
            sets.append(Set((0..<persons).filter { _ in stream.uniform() < share }))
        }
    }
    let rows = sets.enumerated().flatMap { item, set in
        set.sorted().map { ($0, item, Float(1 + stream.integer(below: 5)), Int64(stream.integer(below: 1_000))) }
    }
    return (made(rows, items: items, hasTimes: true), pairs)
}

private func sets(_ read: Interactions) -> [Set<String>] {
    let columns = read.rows.transposed
    return (0..<read.items.count).map { Set(columns.row($0).map { read.persons[Int($0)] }) }
}

private func areTwins(_ first: Set<String>, _ second: Set<String>, _ threshold: Double, _ minimum: Int) -> Bool {
    let common = first.intersection(second).count
    let union = first.union(second).count
    return common >= minimum && union > 0 && Double(common) >= threshold * Double(union) - 1e-9
}

@Suite struct EditionTwinsTests {
    @Test(arguments: [0.3, 0.5, 0.7, 0.9, 1.0])
    func theGroupsAreThoseOfAllPairsCompared(_ threshold: Double) {
        for seed in 0..<12 {
            var stream = RandomStream(root: UInt64(seed), path: ["twins"])
            let (read, pairs) = planted(&stream, persons: 20 + 15 * seed, items: 60)
            let sets = sets(read)
            var leaders = Array(0..<60)
            // Plain closure: repeat until nothing changes.
            var hasChanged = true
            while hasChanged {
                hasChanged = false
                for first in 0..<60 {
                    for second in 0..<first where areTwins(sets[first], sets[second], threshold, 3) {
                        let least = min(leaders[first], leaders[second])
                        if leaders[first] != least || leaders[second] != least { hasChanged = true }
                        leaders[first] = least
                        leaders[second] = least
                    }
                }
            }
            let expected = (0..<60).map { leader in (0..<60).filter { leaders[$0] == leader } }.filter { $0.count > 1 }
            let found = EditionTwins.find(in: read, threshold: threshold, minimumCommon: 3)
            #expect(found == expected, "seed \(seed)")
            if threshold <= 0.5 { #expect(!pairs.isEmpty && !found.isEmpty, "seed \(seed)") }
        }
    }

    @Test(arguments: [0.3, 0.5, 0.8])
    func thePairsAcrossDomainsAreThoseOfAllPairsCompared(_ threshold: Double) {
        for seed in 0..<12 {
            var stream = RandomStream(root: UInt64(seed), path: ["across"])
            // Halves of one set of items, with persons of their own left out of each.
            let (read, _) = planted(&stream, persons: 60, items: 60)
            func half(_ parity: Int) -> Interactions {
                let gone = Set((0..<60).filter { $0 % 2 == parity })
                return read.droppingItems(gone)
            }
            let (first, second) = (half(0), half(1))
            let (left, right) = (sets(first), sets(second))
            var expected: [[Int]] = []
            for one in left.indices {
                for other in right.indices where areTwins(left[one], right[other], threshold, 2) {
                    expected.append([one, other])
                }
            }
            let found = EditionTwins.findAcross(first, second, threshold: threshold, minimumCommon: 2)
            #expect(found.map { [$0.first, $0.second] } == expected, "seed \(seed)")
        }
    }

    @Test func plantedTwinsAreFoundAndNothingElse() {
        var rows: [(Int, Int, Float, Int64)] = []
        var stream = RandomStream(root: 5, path: ["planted"])
        for item in 0..<200 {
            for person in 0..<400 where stream.uniform() < 0.05 { rows.append((person, item, 4, 0)) }
        }
        let random = made(rows, items: 200)
        #expect(EditionTwins.find(in: random).isEmpty)
        #expect(EditionTwins.findAcross(random, random).map { [$0.first, $0.second] } == (0..<200).map { [$0, $0] })
        // Items 200 and 201 are copies of 7; 202 is one of 11.
        for (copy, original) in [(200, 7), (201, 7), (202, 11)] {
            rows += rows.filter { $0.1 == original }.map { ($0.0, copy, $0.2, $0.3) }
        }
        #expect(EditionTwins.find(in: made(rows, items: 203)) == [[7, 200, 201], [11, 202]])
    }

    @Test func fewCommonPersonsMakeNoTwins() {
        let rows: [(Int, Int, Float, Int64)] = (0..<4).flatMap { [($0, 0, 5, 0), ($0, 1, 5, 0)] }
        #expect(EditionTwins.find(in: made(rows, items: 3)).isEmpty)
        #expect(EditionTwins.find(in: made(rows, items: 3), minimumCommon: 4) == [[0, 1]])
    }

    @Test func mergingKeepsPersonsCombinesRatingsByTheRuleAndLeavesNoTwin() {
        for seed in 0..<20 {
            var stream = RandomStream(root: UInt64(seed), path: ["merging"])
            let (read, _) = planted(&stream, persons: 80, items: 50)
            let groups = EditionTwins.find(in: read, threshold: 0.5, minimumCommon: 2)
            for rule in [DuplicateRule.byDefault, .last, .first, .mean, .error] {
                let merged = read.merging(groups, rule: rule)
                #expect(merged.persons == read.persons)
                let gone = Set(groups.flatMap { $0.dropFirst() })
                #expect(merged.items == (0..<50).filter { !gone.contains($0) }.map { read.items[$0] })
                // Each (person, group) has what the rule says of its ratings.
                let byItem = Dictionary(uniqueKeysWithValues: merged.items.enumerated().map { ($1, $0) })
                for person in read.persons.indices {
                    var all: [Int: [(Int64, Int, Float)]] = [:]
                    for position in read.rows.starts[person]..<read.rows.starts[person + 1] {
                        let item = Int(read.rows.columns[position])
                        let leader = groups.first { $0.contains(item) }?.first ?? item
                        let entry = (read.times[position], position, read.ratings[position])
                        all[byItem[read.items[leader]] ?? -1, default: []].append(entry)
                    }
                    let row = merged.rows.starts[person]..<merged.rows.starts[person + 1]
                    #expect(row.map { Int(merged.rows.columns[$0]) } == all.keys.sorted(), "seed \(seed)")
                    for position in row {
                        let given = (all[Int(merged.rows.columns[position])] ?? []).sorted {
                            ($0.0, $0.1) < ($1.0, $1.1)
                        }
                        let ratings = given.map(\.2)
                        let expected: Float? =
                            switch rule {
                            case .first: ratings.first
                            case .mean: ratings.reduce(0, +) / Float(ratings.count)
                            default: ratings.last
                            }
                        #expect(abs(merged.ratings[position] - (expected ?? -1)) < 1e-5, "seed \(seed), \(rule)")
                        #expect(merged.times[position] == (rule == .first ? given.first?.0 : given.last?.0))
                    }
                }
            }
        }
    }

    @Test func withoutTimesTwinsGetTheMean() {
        let rows: [(Int, Int, Float, Int64)] = [(0, 0, 5, 0), (0, 2, 2, 0), (1, 1, 3, 0), (1, 2, 4, 0)]
        let merged = made(rows, items: 3).merging([[0, 2]])
        #expect(merged.items == ["i0000", "i0001"])
        #expect(merged.rows.columns == [0, 0, 1] && merged.ratings == [3.5, 4, 3] && merged.times.isEmpty)
    }

    @Test func mergedDescriptionsKeepATitleAndAllKeywords() {
        let rows: [(Int, Int, Float, Int64)] = [(0, 0, 5, 0), (0, 1, 2, 0), (0, 2, 4, 0)]
        let data = LoadedData(
            interactions: made(rows, items: 3),
            descriptions: [
                ItemDescription(title: "", keywords: ["a"]), ItemDescription(title: "other"),
                ItemDescription(title: "war and peace", keywords: ["a", "b"]),
            ], report: LoadReport(format: .recbole, rowCount: 3))
        let merged = data.merging([[0, 2]])
        #expect(
            merged.descriptions == [
                ItemDescription(title: "war and peace", keywords: ["a", "b"]), ItemDescription(title: "other"),
            ])
        let dropped = data.droppingItems([1])
        #expect(dropped.descriptions.map(\.title) == ["", "war and peace"])
        #expect(dropped.interactions.items == ["i0000", "i0002"] && dropped.interactions.rows.columns == [0, 1])
    }

    @Test func droppingItemsDropsThePersonsWhoRatedNoOther() {
        let rows: [(Int, Int, Float, Int64)] = [(0, 0, 5, 9), (1, 1, 3, 8), (2, 0, 4, 7), (2, 1, 2, 6)]
        let left = made(rows, items: 2, hasTimes: true).droppingItems([1])
        #expect(left.persons == ["p0000", "p0002"] && left.items == ["i0000"])
        #expect(left.rows.columns == [0, 0] && left.ratings == [5, 4] && left.times == [9, 7])
    }

    @Test(.enabled(if: RealData.isPresent, "skipped: no real data; set FERRY_DATA to its folder"))
    func theDenseAmazonRatingsBecomeTheMergedOnes() throws {
        func read(_ name: String) throws -> Interactions {
            let path = "\(RealData.folder)/\(name)"
            return try LoadedData.read(DataSource(ratings: path + ".inter", items: path + ".item")).interactions
        }
        let books = try read("amazon-dense/books")
        let bookGroups = EditionTwins.find(in: books)
        #expect(bookGroups.count == 55)
        let mergedBooks = books.merging(bookGroups)
        let movies = try read("amazon-dense/movies")
        let movieGroups = EditionTwins.find(in: movies)
        #expect(movieGroups.count == 74)
        let across = EditionTwins.findAcross(movies.merging(movieGroups), mergedBooks)
        let mergedMovies = movies.merging(movieGroups).droppingItems(Set(across.map(\.first)))
        for (ours, name) in [(mergedBooks, "books"), (mergedMovies, "movies")] {
            let theirs = try read("amazon-merged/\(name)")
            #expect(ours.persons == theirs.persons && ours.items == theirs.items && ours.rows == theirs.rows)
            // Theirs are written with two decimals.
            #expect(zip(ours.ratings, theirs.ratings).allSatisfy { abs($0 - $1) < 0.0051 })
        }
    }

    @Test func manyItemsOfOnePersonAreNoTwinsAndCostNothing() {
        let one = made((0..<60_000).map { (0, $0, 4, 0) }, items: 60_000)
        let start = ContinuousClock.now
        #expect(EditionTwins.find(in: one).isEmpty)
        #expect(EditionTwins.findAcross(one, one).isEmpty)
        // Pair by pair they would take a minute.
        #expect(ContinuousClock.now - start < .seconds(10))
    }
}
