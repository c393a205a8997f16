import Cryptography
import Privacy
import Testing

@Suite("Participant sampler")
struct ParticipantSamplerTests {
    private static let key = KeyedHash(key: StreamKey(root: 11))
    private static let persons = (0..<2000).map { "person-\($0)" }

    private static func sampler(_ scheme: SamplingScheme) throws -> ParticipantSampler {
        try ParticipantSampler(scheme: scheme, key: key)
    }

    @Test("Over persons and rounds the rate is q within five standard deviations", arguments: [0.001, 0.01, 0.3, 0.77])
    func rate(q: Double) throws {
        let sampler = try Self.sampler(.poisson(rate: q))
        let rounds = 50
        var counts: [Int] = []
        for round in 0..<rounds { counts.append(try sampler.participants(of: Self.persons, round: round).count) }
        let trials = Double(rounds * Self.persons.count)
        let total = Double(counts.reduce(0, +))
        #expect(abs(total - trials * q) < 5 * (trials * q * (1 - q)).squareRoot())
        // Independent persons: the count of a round varies as a binomial variable does.
        let mean = total / Double(rounds)
        let variance = counts.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(rounds - 1)
        let expected = Double(Self.persons.count) * q * (1 - q)
        #expect(variance / expected > 0.3 && variance / expected < 2.2)
        #expect(sampler.scheme.samplingRate == q)
    }

    @Test("Taking part in one round says nothing of the next")
    func independentRounds() throws {
        let sampler = try Self.sampler(.poisson(rate: 0.5))
        var both = 0
        var previous = Set(try sampler.participants(of: Self.persons, round: 0))
        for round in 1...50 {
            let current = Set(try sampler.participants(of: Self.persons, round: round))
            both += previous.intersection(current).count
            previous = current
        }
        let trials = Double(50 * Self.persons.count)
        #expect(abs(Double(both) - trials / 4) < 5 * (trials * 3 / 16).squareRoot())
    }

    @Test("The choice is the same in every process, and does not depend on the other persons")
    func consistency() throws {
        let all = try Self.sampler(.poisson(rate: 0.2)).participants(of: Self.persons, round: 4)
        let names = Set(all.map { Self.persons[$0] })
        let odd = stride(from: 1, to: 2000, by: 2).map { Self.persons[$0] }
        let some = try Self.sampler(.poisson(rate: 0.2)).participants(of: odd.reversed(), round: 4)
        #expect(Set(some.map { odd.reversed()[$0] }) == names.intersection(odd))
        let other = try ParticipantSampler(scheme: .poisson(rate: 0.2), key: KeyedHash(key: StreamKey(root: 12)))
        #expect(try other.participants(of: Self.persons, round: 4) != all)
    }

    @Test("A larger rate keeps the participants of a smaller one")
    func monotone() throws {
        var previous: Set<Int> = []
        for q in [0.01, 0.1, 0.1.nextUp, 0.9, 1] {
            let current = Set(try Self.sampler(.poisson(rate: q)).participants(of: Self.persons, round: 1))
            #expect(current.isSuperset(of: previous))
            previous = current
        }
    }

    @Test("Rate 1 takes everyone, also whose code is the largest; a tiny rate takes nobody of 2000")
    func extremeRates() throws {
        let all = try Self.sampler(.poisson(rate: 1))
        #expect(try all.participants(of: Self.persons, round: 9).count == 2000)
        #expect(all.isBelowRate([UInt8](repeating: 255, count: 32)))
        #expect(try Self.sampler(.everyone).participants(of: Self.persons, round: 9).count == 2000)
        #expect(try Self.sampler(.poisson(rate: 1e-50)).participants(of: Self.persons, round: 9).isEmpty)
    }

    @Test("The threshold is q·2²⁵⁶ exactly, as a 256-bit number")
    func exactThreshold() throws {
        func bytes(_ text: String) throws -> [UInt8] {
            try #require(bytes(hexadecimal: text + String(repeating: "0", count: 64 - text.count)))
        }
        func bytes(hexadecimal text: String) -> [UInt8]? { Cryptography.bytes(hexadecimal: text) }
        let ones = String(repeating: "f", count: 64)
        // Below: the largest code that takes part; not below: the smallest that does not. Computed with Python's
        // fractions: int(Fraction(q) * 2**256).
        for (q, threshold) in [
            (0.5, "80"), (0.75, "c0"), (0.1, "1999999999999a"), (1 - 0x1p-53, "fffffffffffff8"),
            (0x1p-64, "0000000000000001"),
        ] {
            let sampler = try Self.sampler(.poisson(rate: q))
            let limit = try bytes(threshold)
            #expect(!sampler.isBelowRate(limit), "\(q)")
            var below = limit
            var position = 31
            while below[position] == 0 {
                below[position] = 255
                position -= 1
            }
            below[position] -= 1
            #expect(sampler.isBelowRate(below), "\(q)")
            #expect(!sampler.isBelowRate(try bytes(ones)), "\(q)")
        }
        let least = try Self.sampler(.poisson(rate: 0x1p-200))
        #expect(!least.isBelowRate([UInt8](repeating: 0, count: 24) + [1] + [UInt8](repeating: 0, count: 7)))
        #expect(least.isBelowRate([UInt8](repeating: 0, count: 25) + [UInt8](repeating: 255, count: 7)))
    }

    @Test("A fixed size is exact every round, whoever they are, and everyone's turn comes equally often")
    func fixedSize() throws {
        let persons = Array(Self.persons.prefix(40))
        let sampler = try Self.sampler(.fixedSize(count: 10, population: 40))
        #expect(sampler.scheme.samplingRate == 0.25)
        var turns = [Int](repeating: 0, count: 40)
        let rounds = 2000
        for round in 0..<rounds {
            let chosen = try sampler.participants(of: persons, round: round)
            #expect(chosen.count == 10 && chosen == chosen.sorted() && Set(chosen).count == 10)
            for person in chosen { turns[person] += 1 }
        }
        for count in turns { #expect(abs(Double(count) - 500) < 5 * (2000 * 0.25 * 0.75).squareRoot()) }
        let whole = try Self.sampler(.fixedSize(count: 40, population: 40))
        #expect(try whole.participants(of: persons, round: 0) == Array(0..<40))
    }

    @Test("A fixed size holds for its population only, and no person is counted twice")
    func refusedLists() throws {
        let sampler = try Self.sampler(.fixedSize(count: 2, population: 3))
        #expect(throws: PrivacyError.self) { try sampler.participants(of: ["a", "b"], round: 0) }
        #expect(throws: PrivacyError.self) { try sampler.participants(of: ["a", "b", "a"], round: 0) }
        let poisson = try Self.sampler(.poisson(rate: 0.5))
        #expect(throws: PrivacyError.self) { try poisson.participants(of: ["a", "a"], round: 0) }
        #expect(try poisson.participants(of: [], round: 0).isEmpty)
    }

    @Test("Rates and sizes that are none are refused")
    func hostileParameters() {
        for rate in [Double.nan, .infinity, -0.1, 0, 1.0.nextUp, 2, .leastNonzeroMagnitude] {
            #expect(throws: PrivacyError.self) { try Self.sampler(.poisson(rate: rate)) }
        }
        for (count, population) in [(0, 5), (-1, 5), (6, 5), (0, 0), (1, -1)] {
            #expect(throws: PrivacyError.self) { try Self.sampler(.fixedSize(count: count, population: population)) }
        }
    }
}

@Suite("Contribution cap")
struct ContributionCapTests {
    private static let key = KeyedHash(key: StreamKey(root: 13))

    @Test("At most the cap enters, ascending and without repetition, and all when there are no more")
    func limits() throws {
        for limit in [1, 3, 50] {
            let cap = try ContributionCap(limit: limit, key: Self.key)
            for count in [0, 1, 3, 4, 200] {
                let positions = cap.positions(of: count, person: "p") { "item-\($0)" }
                #expect(positions.count == min(limit, count))
                #expect(positions == Set(positions).sorted())
                #expect(positions.allSatisfy { $0 >= 0 && $0 < count })
            }
        }
        #expect(throws: PrivacyError.self) { try ContributionCap(limit: 0, key: Self.key) }
    }

    @Test("The choice does not depend on the order of the ratings, and differs between persons and keys")
    func choice() throws {
        let cap = try ContributionCap(limit: 5, key: Self.key)
        let items = (0..<30).map { "item-\($0)" }
        func chosen(_ items: [String], person: String, cap: ContributionCap) -> Set<String> {
            Set(cap.positions(of: items.count, person: person) { items[$0] }.map { items[$0] })
        }
        let first = chosen(items, person: "p", cap: cap)
        #expect(first == chosen(items.reversed(), person: "p", cap: cap))
        #expect(first != chosen(items, person: "q", cap: cap))
        let other = try ContributionCap(limit: 5, key: KeyedHash(key: StreamKey(root: 14)))
        #expect(first != chosen(items, person: "p", cap: other))
    }

    @Test("Every rating is chosen equally often")
    func fairness() throws {
        let cap = try ContributionCap(limit: 2, key: Self.key)
        var counts = [Int](repeating: 0, count: 8)
        for person in 0..<8000 {
            for position in cap.positions(of: 8, person: "p\(person)", name: { "\($0)" }) { counts[position] += 1 }
        }
        for count in counts { #expect(abs(Double(count) - 2000) < 5 * (8000 * 0.25 * 0.75).squareRoot()) }
    }

    @Test("Ratings of one name are kept in their order")
    func repeatedNames() throws {
        let cap = try ContributionCap(limit: 2, key: Self.key)
        #expect(cap.positions(of: 5, person: "p") { _ in "same" } == [0, 1])
    }
}
