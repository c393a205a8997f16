import Cryptography
import Glibc
import Numerics
import Privacy
import Testing

@Suite("Fixed-point grid")
struct FixedPointGridTests {
    private static func stream(_ path: [StreamComponent]) -> KeyStream {
        KeyStream(key: StreamKey(root: 5).derived(path))
    }

    /// Updates of every kind: tiny, huge, sparse, at the bound, zero, not finite.
    private static func updates(count: Int, sizes: [Int], seed: Int) -> [[[Double]]] {
        var random = RandomStream(root: 6, path: ["updates", .number(seed)])
        return (0..<count).map { person in
            let magnitude = exp2(-40 + 60 * random.uniform())
            let isSparse = random.uniform() < 0.3
            return sizes.map { size in
                (0..<size).map { _ in
                    if person % 17 == 3 { return 0 }
                    if person % 17 == 5 { return Double.greatestFiniteMagnitude }
                    if person % 17 == 7 { return random.uniform() < 0.1 ? .nan : 1 }
                    return isSparse && random.uniform() < 0.9 ? 0 : magnitude * random.gaussian()
                }
            }
        }
    }

    private static func integers(_ grid: FixedPointGrid, _ updates: [[[Double]]], seed: Int) throws -> [Int64] {
        var sum = try ClippedSum(grid: grid)
        for update in updates { try sum.add(update) }
        var dither = stream(["dither", .number(seed)])
        return sum.integers(dither: &dither)
    }

    private static func distance(_ left: [Int64], _ right: [Int64]) -> Double {
        zip(left, right).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
    }

    @Test("Removing any one person moves the integers before noise by at most C·scale + √dimension", arguments: 0..<12)
    func sensitivityLaw(seed: Int) throws {
        let bound = [0.01, 1, 37.5, 1e6][seed % 4]
        let sizes = [[3], [40, 2, 60], [1, 1]][seed % 3]
        let dimension = sizes.reduce(0, +)
        let grid = try FixedPointGrid(
            clippingBound: bound, noiseMultiplier: seed % 2 == 0 ? 0.7 : 30, dimension: dimension, personLimit: 100)
        let updates = Self.updates(count: 40, sizes: sizes, seed: seed)
        let all = try Self.integers(grid, updates, seed: seed)
        var largest = 0.0
        for person in updates.indices {
            var others = updates
            others.remove(at: person)
            let moved = Self.distance(all, try Self.integers(grid, others, seed: seed))
            #expect(moved <= bound * grid.scale + Double(dimension).squareRoot(), "seed \(seed), person \(person)")
            #expect(moved <= grid.clientSensitivity)
            largest = max(largest, moved)
        }
        // The law is close: some person is clipped and moves the sum by nearly C.
        #expect(largest > 0.9 * bound * grid.scale)
    }

    @Test(
        "A person in K clients moves the sum by at most the sum's sensitivity, and the outputs side by side by theirs")
    func severalClients() throws {
        for clients in [2, 5] {
            let sizes = [20]
            func grid(_ view: FixedPointGrid.View) throws -> FixedPointGrid {
                try FixedPointGrid(
                    clippingBound: 1 / Double(clients), noiseMultiplier: 1, dimension: 20, personLimit: 100,
                    clientsPerPerson: clients, view: view)
            }
            let summed = try grid(.summed)
            var difference = [Int64](repeating: 0, count: 20)
            var squared = 0.0
            for client in 0..<clients {
                // The last person is the one that leaves, with the same large update at every client.
                let updates =
                    Self.updates(count: 12, sizes: sizes, seed: client) + [[[Double](repeating: 9, count: 20)]]
                let with = try Self.integers(summed, updates, seed: 1)
                let without = try Self.integers(summed, updates.dropLast(), seed: 1)
                for index in difference.indices { difference[index] += with[index] - without[index] }
                squared += Self.distance(with, without) * Self.distance(with, without)
            }
            let zero = [Int64](repeating: 0, count: 20)
            #expect(Self.distance(difference, zero) <= summed.sensitivity)
            #expect(Self.distance(difference, zero) > 0.9 * summed.scale)
            let separate = try grid(.separate)
            #expect(squared.squareRoot() / summed.scale <= separate.sensitivity / separate.scale * 1.001)
            #expect(
                abs(separate.sensitivity - Double(clients).squareRoot() * separate.clientSensitivity) < 1e-6
                    * separate.sensitivity)
            #expect(abs(summed.sensitivity - Double(clients) * summed.clientSensitivity) < 1e-6 * summed.sensitivity)
        }
    }

    @Test("An update that moves by D moves the integers by at most D·scale + 2√dimension", arguments: 0..<12)
    func unitLaw(seed: Int) throws {
        let bound = [0.01, 1, 37.5, 1e6][seed % 4]
        let movement = bound * [0.01, 0.25, 1, 2][seed % 4]
        let dimension = [3, 102, 1][seed % 3]
        let grid = try FixedPointGrid(
            clippingBound: bound, noiseMultiplier: seed % 2 == 0 ? 0.7 : 30, dimension: dimension, personLimit: 100,
            unitMovement: movement)
        #expect(grid.unitMovement == movement)
        #expect(grid.sensitivity >= movement * grid.scale + 2 * Double(dimension).squareRoot())
        #expect(grid.sensitivity < movement * grid.scale * 1.03)
        var random = RandomStream(root: 8, path: ["unit", .number(seed)])
        func direction(_ norm: Double) -> [Double] {
            let values = (0..<dimension).map { _ in random.gaussian() }
            let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return values.map { $0 / length * norm * (1 - 1e-12) }
        }
        var largest = 0.0
        for _ in 0..<40 {
            // Two updates within C, D apart: about a middle that leaves room for both.
            let middle = direction(max(0, bound - movement / 2) * random.uniform())
            let half = direction(movement / 2)
            let others = (0..<5).map { _ in [direction(bound)] }
            let first = try Self.integers(grid, others + [[zip(middle, half).map { $0 + $1 }]], seed: seed)
            let second = try Self.integers(grid, others + [[zip(middle, half).map { $0 - $1 }]], seed: seed)
            largest = max(largest, Self.distance(first, second))
        }
        #expect(largest <= grid.sensitivity && largest > 0.9 * movement * grid.scale)
    }

    @Test("A movement that two clipped updates cannot make is refused")
    func unitRefusals() {
        for movement in [0, -1, 2.001, .nan, .infinity] {
            #expect(throws: PrivacyError.self) {
                try FixedPointGrid(
                    clippingBound: 1, noiseMultiplier: 1, dimension: 4, personLimit: 10, unitMovement: movement)
            }
        }
    }

    @Test("Sums do not depend on the order of persons")
    func orderIndependence() throws {
        let grid = try FixedPointGrid(clippingBound: 1, noiseMultiplier: 1, dimension: 30, personLimit: 1000)
        let updates = Self.updates(count: 300, sizes: [10, 20], seed: 3)
        let forward = try Self.integers(grid, updates, seed: 1)
        #expect(forward == (try Self.integers(grid, updates.reversed(), seed: 1)))
    }

    @Test("Sums are exact even where the grid is so fine that their last bits matter")
    func orderIndependenceOfFineGrids() throws {
        let grid = try FixedPointGrid(clippingBound: 1, noiseMultiplier: 1e-12, dimension: 20, personLimit: 300)
        #expect(grid.sumScale / grid.scale <= 2)
        var random = RandomStream(root: 7, path: ["fine"])
        let updates = (0..<300).map { _ in [(0..<20).map { _ in 1 + random.uniform() }] }
        let forward = try Self.integers(grid, updates, seed: 1)
        #expect(forward == (try Self.integers(grid, updates.reversed(), seed: 1)))
        #expect(forward == (try Self.integers(grid, Array(updates[150...] + updates[..<150]), seed: 1)))
    }

    @Test("Rounding by the dither is the ceiling of the exact difference, monotone, and moves by less than one more")
    func exactCeiling() {
        #expect(FixedPointGrid.ceiling(0, minus: 0) == 0)
        #expect(FixedPointGrid.ceiling(0, minus: 1 - 0x1p-53) == 0)
        #expect(FixedPointGrid.ceiling(0.25, minus: 0.25) == 0)
        #expect(FixedPointGrid.ceiling(0.25.nextUp, minus: 0.25) == 1)
        #expect(FixedPointGrid.ceiling(-0.25, minus: 0.75) == -1)
        #expect(FixedPointGrid.ceiling(-0.25, minus: 0.75 - 0x1p-53) == 0)
        #expect(FixedPointGrid.ceiling(-1e-300, minus: 1 - 0x1p-53) == 0)
        // A floating-point subtraction gives 2⁵² here.
        #expect(FixedPointGrid.ceiling(0x1p52 + 1, minus: 0.5) == 4_503_599_627_370_497)
        #expect(FixedPointGrid.ceiling(1e-300, minus: 0) == 1)
        var random = RandomStream(root: 9, path: ["ceiling"])
        for _ in 0..<20_000 {
            let first = (random.uniform() - 0.5) * exp2(40 * random.uniform())
            let second = (random.uniform() - 0.5) * exp2(40 * random.uniform())
            let dither = random.uniform()
            let moved = FixedPointGrid.ceiling(first, minus: dither) - FixedPointGrid.ceiling(second, minus: dither)
            #expect(Double(moved.magnitude) < abs(first - second) + 1)
            #expect(moved == 0 || (moved > 0) == (first > second))
        }
    }

    @Test("Rounding is right on average, and exact for zero")
    func unbiased() throws {
        var dither = Self.stream(["mean"])
        for value in [0.125, -0.3, 7.5, -1e-3] {
            var sum: Int64 = 0
            for _ in 0..<200_000 {
                sum += FixedPointGrid.ceiling(value, minus: Double(dither.next() >> 11) * 0x1p-53)
            }
            #expect(abs(Double(sum) / 200_000 - value) < 5 * 0.5 / 200_000.0.squareRoot())
        }
        let grid = try FixedPointGrid(clippingBound: 1, noiseMultiplier: 1, dimension: 1000, personLimit: 10)
        #expect(try Self.integers(grid, [], seed: 1).allSatisfy { $0 == 0 })
    }

    @Test("A round trip gives the clipped sum back to a grid unit, and a constant divides it")
    func roundTrip() throws {
        let grid = try FixedPointGrid(clippingBound: 10, noiseMultiplier: 1, dimension: 4, personLimit: 100)
        let integers = try Self.integers(grid, [[[1, -2, 0, 0.3]], [[2, 2, 0, 0.1]]], seed: 2)
        for (value, expected) in zip(grid.decode(integers), [3, 0, 0, 0.4]) {
            #expect(abs(value - expected) < 1 / grid.scale)
        }
        #expect(grid.decode(integers, dividedBy: 4) == grid.decode(integers).map { $0 / 4 })
    }

    /// The fraction of values that are no multiples of a power of two.
    private static func residue(_ values: [Double], unit: Double) -> Double {
        Double(values.filter { ($0 / unit).rounded() != $0 / unit }.count) / Double(values.count)
    }

    @Test("What is released is a multiple of 1/scale whatever the data; naive floating-point noise fails the same test")
    func lattice() throws {
        let count = 200_000
        let grid = try FixedPointGrid(clippingBound: 4, noiseMultiplier: 1, dimension: count, personLimit: 2)
        for value in [0.0, 1, 1e-9] {
            var integers = try Self.integers(
                grid, [[[Double](repeating: value / Double(count).squareRoot(), count: count)]], seed: 4)
            var stream = Self.stream(["lattice"])
            grid.noise.add(to: &integers, from: &stream)
            #expect(Self.residue(grid.decode(integers), unit: 1 / grid.scale) == 0)
        }
        // The leak: at x = 0 the low bits are finer than at x = 1, so that some outputs are possible at one alone.
        func naive(_ value: Double) -> Double {
            var random = RandomStream(root: 1, path: ["naive"])
            return Self.residue((0..<count).map { _ in value + 4 * random.gaussian() }, unit: 0x1p-53)
        }
        #expect(naive(0) > 0.05)
        #expect(naive(1) == 0)
    }

    @Test("The grid is the coarsest on which σ is at least 4 units and rounding costs under 1 % of the sensitivity")
    func scaleChoice() throws {
        for dimension in [1, 64, 10_000, 5_000_000] {
            for bound in [1e-3, 1, 500] {
                for multiplier in [0.3, 1, 20] {
                    let grid = try FixedPointGrid(
                        clippingBound: bound, noiseMultiplier: multiplier, dimension: dimension, personLimit: 100_000)
                    #expect(grid.slack < 0.01)
                    #expect(grid.noise.standardDeviation >= 4)
                    #expect(grid.slack > 0.0049 || grid.noise.standardDeviation < 8.1)
                    #expect(grid.noiseMultiplier >= multiplier && grid.noiseMultiplier < multiplier * (1 + 1e-9))
                    #expect(grid.scale.significand == 1 && grid.sumScale.significand == 1)
                    #expect(grid.sumScale >= grid.scale && 1e5 * bound * grid.sumScale <= 0x1p53)
                }
            }
        }
    }

    @Test("Noise shares add up to the noise of the account, each at least 4 units")
    func shares() throws {
        let whole = try FixedPointGrid(
            clippingBound: 1, noiseMultiplier: 0.5, dimension: 100, personLimit: 1000, view: .summed)
        for count in [2, 10, 1000] {
            let grid = try FixedPointGrid(
                clippingBound: 1, noiseMultiplier: 0.5, dimension: 100, personLimit: 1000, view: .summed,
                noiseShareCount: count)
            #expect(grid.noise.standardDeviation >= 4)
            #expect(grid.noiseMultiplier >= 0.5 && grid.noiseMultiplier < 0.5 * (1 + 1e-9))
            #expect(abs(grid.noise.variance * Double(count) - grid.noiseDeviation * grid.noiseDeviation) < 1e-3)
            #expect(grid.scale >= whole.scale)
        }
        #expect(throws: PrivacyError.self) {
            try FixedPointGrid(
                clippingBound: 1, noiseMultiplier: 1, dimension: 1, personLimit: 1, view: .separate, noiseShareCount: 2)
        }
    }

    @Test("A range that does not hold the sum is refused, and so is noise that no grid makes 4 units")
    func rangeRefusals() {
        let error = #expect(throws: PrivacyError.self) {
            try FixedPointGrid(clippingBound: 1, noiseMultiplier: 1e20, dimension: 1, personLimit: 1)
        }
        guard case .rangeExceeded(let magnitude, let limit) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(magnitude > limit && limit == 0x1p53)
        #expect(throws: PrivacyError.self) {
            try FixedPointGrid(
                clippingBound: 1, noiseMultiplier: 1, dimension: 1, personLimit: 1 << 40, clientsPerPerson: 1 << 20)
        }
        let fine = #expect(throws: PrivacyError.self) {
            try FixedPointGrid(clippingBound: 1, noiseMultiplier: 1e-15, dimension: 1, personLimit: 1000)
        }
        guard case .noiseTooFine = fine else {
            Issue.record("\(String(describing: fine))")
            return
        }
    }

    @Test("Hostile parameters are refused")
    func hostileParameters() {
        for value in [Double.nan, .infinity, -1, 0, .leastNonzeroMagnitude, .greatestFiniteMagnitude] {
            #expect(throws: PrivacyError.self) {
                try FixedPointGrid(clippingBound: value, noiseMultiplier: 1, dimension: 1, personLimit: 1)
            }
            #expect(throws: PrivacyError.self) {
                try FixedPointGrid(clippingBound: 1, noiseMultiplier: value, dimension: 1, personLimit: 1)
            }
        }
        for value in [0, -1, Int.min, Int.max] {
            #expect(throws: PrivacyError.self) {
                try FixedPointGrid(clippingBound: 1, noiseMultiplier: 1, dimension: value, personLimit: 1)
            }
            #expect(throws: PrivacyError.self) {
                try FixedPointGrid(clippingBound: 1, noiseMultiplier: 1, dimension: 1, personLimit: value)
            }
        }
    }

    @Test("Sums refuse more persons than the range was proven for, and updates of another size")
    func sumRefusals() throws {
        let grid = try FixedPointGrid(clippingBound: 1, noiseMultiplier: 1, dimension: 3, personLimit: 2)
        var sum = try ClippedSum(grid: grid)
        #expect(throws: PrivacyError.invalidValues(reason: "an update has 2 values, not 3")) {
            try sum.add([[1, 2] as [Float]])
        }
        #expect(try sum.add([[9, 9], [9]] as [[Float]]) == .clipped)
        #expect(try sum.add([[.nan, 0], [0]] as [[Float]]) == .refused)
        #expect(throws: PrivacyError.tooManyPersons(limit: 2)) { try sum.add([[0, 0, 0] as [Float]]) }
        #expect(sum.personCount == 2 && sum.clippedCount == 1 && sum.refusedCount == 1)
    }
}
