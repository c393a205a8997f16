import Numerics
import Ratings
import Testing

@Suite struct SyntheticWorldTests {
    private func options(
        seed: Int = 1, persons: Int = 600, overlap: Double = 0.8, items: Int = 300, mean: Double = 20,
        strength: Double = 2,
        gap: Double = 0.3, domains: [String] = ["books", "movies"]
    ) -> SyntheticWorld.Options {
        SyntheticWorld.Options(
            seed: seed, personCount: persons, overlap: overlap, itemCount: items, meanInteractions: mean,
            tasteDimensions: 8, tasteStrength: strength, domainGap: gap, domains: domains)
    }

    private func correlation(_ pairs: [(Double, Double)]) -> Double { pearson(pairs) }

    @Test func aWorldIsAFunctionOfItsOptions() {
        let world = SyntheticWorld(options())
        let movies = world.interactions(in: "movies")
        // Asking for another domain in between changes nothing.
        #expect(world.interactions(in: "books") != movies)
        #expect(world.interactions(in: "movies") == movies)
        #expect(SyntheticWorld(options()).interactions(in: "movies") == movies)
        #expect(SyntheticWorld(options(seed: 2)).interactions(in: "movies") != movies)
    }

    @Test func anotherDomainMovesNothingInThoseThatWereThere() {
        let two = SyntheticWorld(options(overlap: 1)).interactions(in: "movies")
        let three = SyntheticWorld(options(overlap: 1, domains: ["books", "games", "movies"])).interactions(
            in: "movies")
        #expect(two == three)
    }

    @Test func everyItemIsInTheCatalogueAndEveryRowIsSortedWithoutRepeats() {
        for domain in ["books", "movies"] {
            let read = SyntheticWorld(options()).interactions(in: domain)
            #expect(read.items.count == 300)
            #expect(read.items == read.items.sorted() && read.persons == read.persons.sorted())
            #expect(read.rows.rowCount == read.persons.count && read.rows.columnCount == 300)
            #expect(read.duplicateCount == 0)
            for row in 0..<read.rows.rowCount {
                let columns = Array(read.rows.row(row))
                #expect(!columns.isEmpty && zip(columns, columns.dropFirst()).allSatisfy { $0 < $1 })
                #expect(columns.count <= 150)
            }
        }
    }

    @Test func everyRatingIsAWholeNumberFromOneToFive() {
        for domain in ["books", "movies"] {
            let ratings = SyntheticWorld(options()).interactions(in: domain).ratings
            #expect(ratings.allSatisfy { [1, 2, 3, 4, 5].contains($0) })
            #expect(Set(ratings).count == 5)
            let center = ratings.reduce(0.0) { $0 + Double($1) } / Double(ratings.count)
            #expect((3.6...4.5).contains(center))
        }
    }

    @Test(arguments: [0.0, 0.25, 0.5, 0.9, 1.0])
    func theShareOfPersonsInEveryDomainIsTheOverlap(_ overlap: Double) {
        let world = SyntheticWorld(options(persons: 2_000, overlap: overlap, items: 20, mean: 3))
        let movies = Set(world.interactions(in: "movies").persons)
        let books = Set(world.interactions(in: "books").persons)
        #expect(movies.union(books).count == 2_000)
        let share = Double(movies.intersection(books).count) / 2_000
        // Four standard errors of a share of 2,000.
        #expect(abs(share - overlap) <= 4 * (overlap * (1 - overlap) / 2_000).squareRoot())
        // The others are dealt out evenly.
        #expect(abs(movies.subtracting(books).count - books.subtracting(movies).count) < 150)
    }

    @Test(arguments: [5.0, 20.0, 40.0])
    func theMeanNumberOfInteractionsIsNearTheConfiguredOne(_ mean: Double) {
        let read = SyntheticWorld(options(persons: 1_500, overlap: 1, items: 400, mean: mean)).interactions(in: "books")
        let counts = (0..<read.rows.rowCount).map { Double(read.rows.row($0).count) }
        let center = counts.reduce(0, +) / 1_500
        // A log-normal with σ = 0.6 has a coefficient of variation of 0.66: five standard errors of the mean of 1,500.
        #expect(abs(center - mean) < 5 * 0.66 * mean / 1_500.squareRoot(), "mean \(center)")
        #expect((counts.max() ?? 0) > 2 * mean && (counts.min() ?? 0) < mean / 2)
    }

    @Test func aFewItemsArePopularAndManyAreRare() {
        let read = SyntheticWorld(options(strength: 1)).interactions(in: "movies")
        let columns = read.rows.transposed
        let counts = (0..<columns.rowCount).map { columns.row($0).count }.sorted(by: >)
        let total = counts.reduce(0, +)
        let top = counts.prefix(30).reduce(0, +)
        let bottom = counts.suffix(150).reduce(0, +)
        // A tenth of the items draws several times its share, and half of them well below half.
        #expect(Double(top) > 0.25 * Double(total), "\(top) of \(total)")
        #expect(Double(bottom) < 0.3 * Double(total), "\(bottom) of \(total)")
    }

    @Test func thePopularItemsOfOneDomainAreNotThoseOfAnother() {
        let world = SyntheticWorld(options(strength: 0))
        func counts(_ domain: String) -> [Double] {
            let columns = world.interactions(in: domain).rows.transposed
            return (0..<columns.rowCount).map { Double(columns.row($0).count) }
        }
        #expect(abs(correlation(Array(zip(counts("movies"), counts("books"))))) < 0.25)
    }

    @Test func theRatingBiasOfAPersonShowsInEveryDomain() {
        let world = SyntheticWorld(options(persons: 1_200, overlap: 1))
        func means(_ domain: String) -> [String: Double] {
            let read = world.interactions(in: domain)
            var out: [String: Double] = [:]
            for (index, person) in read.persons.enumerated() {
                let ratings = read.ratings[read.rows.starts[index]..<read.rows.starts[index + 1]]
                if ratings.count >= 10 { out[person] = ratings.reduce(0.0) { $0 + Double($1) } / Double(ratings.count) }
            }
            return out
        }
        let (movies, books) = (means("movies"), means("books"))
        let pairs = movies.keys.sorted().compactMap { person in books[person].map { (movies[person] ?? 0, $0) } }
        #expect(pairs.count > 500)
        // 0.67 in the data that the world is calibrated to.
        let value = correlation(pairs)
        #expect((0.5...0.95).contains(value), "correlation \(value)")
    }

    @Test func personsWhoseTasteIsAlikeInOneDomainAreAlikeInAnotherUnlessTheGapIsFull() {
        func agreement(gap: Double) -> Double {
            let world = SyntheticWorld(options(persons: 200, overlap: 1, mean: 40, strength: 3, gap: gap))
            let domains = ["movies", "books"].map { domain -> [Set<UInt32>] in
                let rows = world.interactions(in: domain).rows
                return (0..<rows.rowCount).map { Set(rows.row($0)) }
            }
            func cosine(_ first: Set<UInt32>, _ second: Set<UInt32>) -> Double {
                Double(first.intersection(second).count) / Double(first.count * second.count).squareRoot()
            }
            var pairs: [(Double, Double)] = []
            for first in 0..<200 {
                for second in 0..<first {
                    pairs.append(
                        (cosine(domains[0][first], domains[0][second]), cosine(domains[1][first], domains[1][second])))
                }
            }
            return correlation(pairs)
        }
        let (near, middle, far) = (agreement(gap: 0), agreement(gap: 0.5), agreement(gap: 1))
        #expect(near > 0.3 && near > middle + 0.1 && middle > far + 0.05, "\(near), \(middle), \(far)")
        #expect(abs(far) < 0.1, "\(far)")
    }
}
