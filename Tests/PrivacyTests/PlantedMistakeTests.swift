import Cryptography
import Parameters
import Privacy
import Testing

/// Mistakes that protection is known to be built with. Each is planted beside the product's release, and the law that the
/// release keeps must not hold for it.
@Suite struct PlantedMistakeTests {
    private static let rowCount = 20
    private static let width = 4
    private static let dimension = rowCount * width
    private static let spec = TensorSpec(
        name: "rows", shape: [rowCount, width], scope: .global, bound: 0x1p24, release: "sums")
    private static let other = TensorSpec(name: "more", shape: [width], scope: .global, bound: 0x1p24, release: "sums")

    private static func protection(
        _ policy: ReleasePolicy, clients: Int = 1, isJoint: Bool = false
    ) throws -> ReleaseProtection {
        let shares = policy == .distributed ? clients : 1
        return try ReleaseProtection(
            policy: policy,
            grid: FixedPointGrid(
                clippingBound: 1, noiseMultiplier: 2, dimension: dimension + (isJoint ? width : 0),
                personLimit: 1 << 20, view: shares > 1 ? .summed : .separate, noiseShareCount: shares),
            clientCount: clients)
    }

    /// One client's release of rows; `persons` fill them.
    private static func release(
        _ persons: [[Float]], _ protection: ReleaseProtection, client: String = "persons", round: Int = 1,
        recorder: LedgerRecorder = LedgerRecorder()
    ) throws -> [Float] {
        var gate = ReleaseGate(
            client: client, ledger: recorder.ledger(client: client), protections: ["sums": protection], root: 1,
            key: StreamKey(root: 1))
        gate.open(round: round, specs: [spec])
        try gate.begin(release: "sums")
        for values in persons {
            try gate.contribute(to: "sums") { contribution in
                contribution.write("rows") { _ = $0.update(fromContentsOf: values) }
            }
        }
        return try #require(try gate.seal().parameters.values("rows"))
    }

    private static func person(_ row: Int, _ value: Float = 0.5) -> [Float] {
        var values = [Float](repeating: 0, count: dimension)
        values[row * width] = value
        return values
    }

    private static func distance(_ first: [Float], _ second: [Float]) -> Double {
        zip(first, second).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
    }

    @Test(
        "noise scaled by the number of clients: what arrives of a round has the variance that the ledgers add up to",
        arguments: [ReleasePolicy.silo, .distributed], [1, 2, 5])
    func noiseByClients(_ policy: ReleasePolicy, _ clients: Int) throws {
        let protection = try Self.protection(policy, clients: clients)
        let recorder = LedgerRecorder()
        let rounds = 60
        var (right, divided, multiplied) = (0.0, 0.0, 0.0)
        for round in 1...rounds {
            var sum = ExactSum(clientCount: clients)
            for client in 0..<clients {
                let values = try Self.release([], protection, client: "p-\(client)", round: round, recorder: recorder)
                sum.add(try ParameterSet([ParameterSet.Tensor(Self.spec, values: values)]))
            }
            let square = try #require(try sum.total().values("rows")).reduce(0) { $0 + Double($1) * Double($1) }
            right += square
            divided += square / Double(clients * clients)
            multiplied += square * Double(clients * clients)
        }
        // Of the first round: one share a client.
        let charged = recorder.entries.prefix(clients).reduce(0) { $0 + ($1.noise ?? 0) * ($1.noise ?? 0) }
        // 4,800 draws: a variance is known to 2 %.
        func isCharged(_ squares: Double) -> Bool { abs(squares / Double(rounds * Self.dimension) / charged - 1) < 0.1 }
        #expect(isCharged(right))
        #expect(isCharged(divided) == (clients == 1) && isCharged(multiplied) == (clients == 1))
        // Shares of one noise add up to what one client alone would add.
        let whole = charged.squareRoot() * protection.grid.scale / protection.grid.noiseDeviation
        #expect(abs(whole - (policy == .silo ? Double(clients).squareRoot() : 1)) < 1e-6)
    }

    @Test("a clip of each tensor for itself: one person's release is longer than the bound")
    func clipPerTensor() throws {
        let protection = try Self.protection(.central, isJoint: true)
        let tensors: [[Float]] = [Self.person(0, 3), [4, 0, 0, 0]]
        func isBounded(_ released: [[Float]]) -> Bool {
            let norm = released.joined().reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            return norm <= protection.grid.sensitivity / protection.grid.scale
        }
        var gate = ReleaseGate(
            client: "persons", ledger: LedgerRecorder().ledger(), protections: ["sums": protection], root: 1)
        gate.open(round: 1, specs: [Self.spec, Self.other])
        try gate.begin(release: "sums")
        try gate.contribute(to: "sums") { contribution in
            contribution.write("rows") { _ = $0.update(fromContentsOf: tensors[0]) }
            contribution.write("more") { _ = $0.update(fromContentsOf: tensors[1]) }
        }
        #expect(isBounded(try gate.seal().parameters.tensors.map(\.values)))
        let clipping = try PersonClipping(bound: 1)
        let apart = tensors.map { tensor -> [Float] in
            var one = [tensor]
            _ = clipping.clip(&one)
            return one[0]
        }
        #expect(!isBounded(apart))
    }

    @Test("weights by count: a person of a large client moves the sum by more than the sensitivity")
    func weightsByCount() throws {
        let protection = try Self.protection(.central, clients: 2)
        let large = (0..<30).map { Self.person($0 % Self.rowCount) }
        let small = [Self.person(0)]
        let limit = protection.grid.sensitivity / protection.grid.scale
        /// The sum of two clients, each times a weight of its number of persons.
        func total(_ large: [[Float]], weight: (Int) -> Float) throws -> [Float] {
            var sum = ExactSum(clientCount: 2)
            for persons in [large, small] {
                let values = try Self.release(persons, protection).map { $0 * weight(persons.count) }
                sum.add(try ParameterSet([ParameterSet.Tensor(Self.spec, values: values)]))
            }
            return try #require(try sum.total().values("rows"))
        }
        func movesTooFar(_ weight: (Int) -> Float) throws -> Bool {
            try Self.distance(total(large, weight: weight), total(Array(large.dropLast()), weight: weight)) > limit
        }
        #expect(try !movesTooFar { _ in 1 })
        #expect(try movesTooFar { Float($0) })
    }

    @Test("an average over the observed count: one person more moves it by more than the sensitivity over the constant")
    func observedCount() throws {
        let grid = try Self.protection(.central).grid
        let constant = 20.0
        let limit = grid.sensitivity / grid.scale / constant
        /// The average of as many persons, who all have the same.
        func average(_ count: Int, divisor: Double) throws -> [Float] {
            var sum = try ClippedSum(grid: grid)
            for _ in 0..<count { try sum.add([Self.person(0, 1)]) }
            var dither = KeyStream(key: StreamKey(root: 5))
            return grid.decode(sum.integers(dither: &dither), dividedBy: divisor).map { Float($0) }
        }
        for count in [0, 1, 2, 20, 40] {
            let first = try average(count, divisor: constant)
            #expect(abs(Double(first[0]) - Double(count) / constant) < 0.01)
            #expect(try Self.distance(first, average(count + 1, divisor: constant)) <= limit)
        }
        // With few persons a person is worth 1/count: from one to none all of the average goes.
        let one = try average(1, divisor: 1)
        #expect(try Self.distance(one, average(0, divisor: 1)) > limit)
        // With one in two, who differ, half of it.
        let two = [Float](repeating: 0, count: Self.dimension)
        #expect(Self.distance(one.map { $0 / 2 }, two) > limit)
    }

    @Test("sparse rows: of what is released no row tells that nobody touched it")
    func sparseRows() throws {
        /// Whether some row is exactly zero: with noise of at least four units on four values that is one in 10⁴ a row.
        func zeroRows(_ values: [Float]) -> Int {
            (0..<Self.rowCount).count { row in
                values[row * Self.width..<(row + 1) * Self.width].allSatisfy { $0 == 0 }
            }
        }
        let persons = [Self.person(2), Self.person(7)]
        for policy in [ReleasePolicy.silo, .local] {
            let released = try Self.release(persons, try Self.protection(policy))
            #expect(zeroRows(released) == 0)
            // Noise on touched rows alone, as of an update of those rows.
            let sparse = released.indices.map { [2, 7].contains($0 / Self.width) ? released[$0] : 0 }
            #expect(zeroRows(sparse) == Self.rowCount - 2)
        }
        // The trusted coordinator's noise is on all rows too.
        let raw = try Self.release(persons, try Self.protection(.central))
        #expect(zeroRows(raw) == Self.rowCount - 2)
        var noise = KeyStream(key: StreamKey(root: 9))
        let protection = try Self.protection(.central)
        var integers = raw.map { Int64((Double($0) * protection.grid.scale).rounded()) }
        protection.grid.noise.add(to: &integers, from: &noise)
        #expect(zeroRows(protection.grid.decode(integers).map { Float($0) }) == 0)
    }

    @Test("an empty round: it is charged like any other, and a release that skips it cannot seal")
    func emptyRound() throws {
        let protection = try Self.protection(.silo)
        let recorder = LedgerRecorder()
        _ = try Self.release([Self.person(0)], protection, round: 1, recorder: recorder)
        let released = try Self.release([], protection, round: 2, recorder: recorder)
        #expect(recorder.entries.map(\.round) == [1, 2])
        #expect(recorder.entries.map(\.noise) == [recorder.entries.first?.noise, recorder.entries.first?.noise])
        #expect(recorder.entries.allSatisfy { $0.noise != nil } && released.contains { $0 != 0 })
        // Nothing released and nothing charged, as if a round without persons had not been.
        var gate = ReleaseGate(
            client: "persons", ledger: recorder.ledger(), protections: ["sums": protection], root: 1)
        gate.open(round: 3, specs: [Self.spec])
        #expect(throws: PrivacyError.notReleased(tensor: "rows")) { _ = try gate.seal() }
        #expect(recorder.entries.count == 2)
    }

    @Test("a ledger read twice: its entries do not form a chain, and reading changes none")
    func ledgerReadTwice() throws {
        let recorder = LedgerRecorder()
        let protection = try Self.protection(.silo)
        var gate = ReleaseGate(
            client: "persons", ledger: recorder.ledger(), protections: ["sums": protection], root: 1)
        for round in 1...3 {
            gate.open(round: round, specs: [Self.spec])
            try gate.begin(release: "sums")
            _ = try gate.seal()
        }
        let entries = recorder.entries
        #expect(Ledger.isIntact(entries) && Ledger.isIntact(entries) && recorder.entries == entries)
        #expect(!Ledger.isIntact(entries + entries))
        #expect(!Ledger.isIntact(entries + entries.suffix(1)))
    }
}
