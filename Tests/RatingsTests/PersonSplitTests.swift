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
}
