import Ratings
import Testing

@Suite struct PersonSplitTests {
    private let persons = (0..<20_000).map { "person-\($0)" }

    /// Whether a count of binomial draws is within five standard deviations of its mean.
    private func isNear(_ count: Int, share: Double, of total: Int) -> Bool {
        abs(Double(count) - share * Double(total)) <= 5 * (share * (1 - share) * Double(total)).squareRoot()
    }

    @Test(arguments: [(0.2, 0.15), (0.5, 0.5), (0.01, 0.9), (0.9, 0.01)])
    func theSharesAreNearTheConfiguredOnes(_ cold: Double, _ validation: Double) {
        for seed in [0, 1, 2, Int(Int32.max)] {
            let split = PersonSplit(seed: seed, coldShare: cold, validationShare: validation)
            let parts = persons.map(split.part)
            let coldCount = parts.count { $0 == .cold }
            #expect(isNear(coldCount, share: cold, of: persons.count))
            let rest = persons.count - coldCount
            #expect(isNear(parts.count { $0 == .validation }, share: validation, of: rest))
        }
    }

    @Test func aPartIsAFunctionOfSeedAndPerson() {
        let first = PersonSplit(seed: 3, coldShare: 0.2, validationShare: 0.15)
        let second = PersonSplit(seed: 3, coldShare: 0.2, validationShare: 0.15)
        #expect(persons.reversed().map(first.part) == persons.reversed().map(second.part))
        #expect(persons.map { first.client(of: $0, count: 7) } == persons.map { second.client(of: $0, count: 7) })
    }

    @Test func aLargerShareKeepsEveryColdPersonCold() {
        let small = PersonSplit(seed: 3, coldShare: 0.1, validationShare: 0.15)
        let large = PersonSplit(seed: 3, coldShare: 0.3, validationShare: 0.15)
        let cold = persons.filter { small.part(of: $0) == .cold }
        #expect(cold.count > 1_000 && cold.allSatisfy { large.part(of: $0) == .cold })
    }

    @Test func aShareOfZeroIsNobodyAndOfOneIsEverybody() {
        let nobody = PersonSplit(seed: 1, coldShare: 0, validationShare: 0)
        #expect(persons.allSatisfy { nobody.part(of: $0) == .training })
        let cold = PersonSplit(seed: 1, coldShare: 1, validationShare: 1)
        #expect(persons.allSatisfy { cold.part(of: $0) == .cold })
        let validation = PersonSplit(seed: 1, coldShare: 0, validationShare: 1)
        #expect(persons.allSatisfy { validation.part(of: $0) == .validation })
    }

    @Test func theSplitsOfDifferentSeedsAreIndependent() {
        let first = PersonSplit(seed: 1, coldShare: 0.2, validationShare: 0.2)
        let second = PersonSplit(seed: 2, coldShare: 0.2, validationShare: 0.2)
        let both = persons.count { first.part(of: $0) == .cold && second.part(of: $0) == .cold }
        #expect(isNear(both, share: 0.04, of: persons.count))
    }

    @Test(arguments: [2, 3, 7])
    func personsAreDealtEvenlyAndWithoutRegardToTheirPart(_ count: Int) {
        let split = PersonSplit(seed: 9, coldShare: 0.2, validationShare: 0.15)
        for client in 0..<count {
            let dealt = persons.filter { split.client(of: $0, count: count) == client }
            #expect(isNear(dealt.count, share: 1 / Double(count), of: persons.count))
            #expect(isNear(dealt.count { split.part(of: $0) == .cold }, share: 0.2, of: dealt.count))
            #expect(isNear(dealt.count { split.part(of: $0) == .validation }, share: 0.12, of: dealt.count))
        }
        #expect(persons.allSatisfy { split.client(of: $0, count: 1) == 0 })
    }

    @Test func supportAndQueryPartTheItemsOfAPerson() {
        let split = PersonSplit(seed: 4, coldShare: 0.2, validationShare: 0.15)
        let items: [UInt32] = (0..<40).map { 3 * $0 + 1 }
        for person in persons.prefix(300) {
            // A slice that does not begin at zero.
            let slice = items[5..<30]
            let (support, query) = split.supportAndQuery(of: person, items: slice, candidateCount: 5)
            #expect(support.count == 5 && query.count == 20)
            #expect((support + query).sorted() == Array(slice))
            #expect(query == query.sorted())
            let again = split.supportAndQuery(of: person, items: slice, candidateCount: 5)
            #expect(again.support == support && again.query == query)
        }
    }

    @Test func fewerShotsAreAPrefixOfMoreShots() {
        let split = PersonSplit(seed: 4, coldShare: 0.2, validationShare: 0.15)
        let items: [UInt32] = (0..<40).map { $0 }
        let five = split.supportAndQuery(of: "p", items: items[...], candidateCount: 5)
        let three = split.supportAndQuery(of: "p", items: items[...], candidateCount: 3)
        #expect(three.support == Array(five.support.prefix(3)))
        #expect(Set(five.query).isSubset(of: three.query))
    }

    @Test func aPersonWithFewItemsHasNoQuery() {
        let split = PersonSplit(seed: 4, coldShare: 0.2, validationShare: 0.15)
        let few = split.supportAndQuery(of: "p", items: [7, 9][...], candidateCount: 5)
        #expect(few.support.sorted() == [7, 9] && few.query.isEmpty)
        let none = split.supportAndQuery(of: "p", items: [], candidateCount: 5)
        #expect(none.support.isEmpty && none.query.isEmpty)
    }

    @Test func everyItemIsDrawnForSupportEquallyOften() {
        let items: [UInt32] = (0..<20).map { $0 }
        var counts = [Int](repeating: 0, count: 20)
        var firsts = [Int](repeating: 0, count: 20)
        let split = PersonSplit(seed: 8, coldShare: 0.2, validationShare: 0.15)
        for person in persons.prefix(4_000) {
            let support = split.supportAndQuery(of: person, items: items[...], candidateCount: 5).support
            for item in support { counts[Int(item)] += 1 }
            if let first = support.first { firsts[Int(first)] += 1 }
        }
        #expect(counts.allSatisfy { isNear($0, share: 0.25, of: 4_000) }, "\(counts)")
        #expect(firsts.allSatisfy { isNear($0, share: 0.05, of: 4_000) }, "\(firsts)")
    }

    @Test func personsAndSeedsDrawTheirOwnSupport() {
        let items: [UInt32] = (0..<200).map { $0 }
        func support(_ seed: Int, _ person: String) -> [UInt32] {
            PersonSplit(seed: seed, coldShare: 0.2, validationShare: 0.15)
                .supportAndQuery(of: person, items: items[...], candidateCount: 5).support
        }
        #expect(support(1, "a") != support(1, "b"))
        #expect(support(1, "a") != support(2, "a"))
    }
}
