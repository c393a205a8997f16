import Numerics
import Parameters
import Privacy
import TestSupport
import Testing

@Suite struct ReleaseGateTests {
    private let count = TensorSpec(name: "count", shape: [1], scope: .global, bound: 1_000, release: "moments")
    private let sum = TensorSpec(name: "sum", shape: [3], scope: .global, bound: 1_000, release: "moments")
    private let factors = TensorSpec(
        name: "factors", shape: [2, 2], scope: .domain("books"), bound: 10, release: "factors")

    private func gate(_ recorder: LedgerRecorder = LedgerRecorder()) -> ReleaseGate {
        ReleaseGate(client: "movies", ledger: recorder.ledger())
    }

    @Test(arguments: 0..<40) func `The sum of contributions is the sum of their parts`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["gate", "sum"])
        let persons = (0..<stream.integer(below: 50)).map { _ in
            (0..<3).map { _ in Float(stream.integer(below: 1 << 20) - 1 << 19) * 0x1p-16 }
        }
        var gate = gate()
        gate.open(round: 1, specs: [count, sum])
        try gate.begin(release: "moments")
        for person in persons {
            try gate.contribute(to: "moments") { contribution in
                contribution.write("count") { $0[0] = 1 }
                contribution.write("sum") { target in for index in 0..<3 { target[index] = person[index] } }
            }
        }
        let sealed = try gate.seal()
        let expected = (0..<3).map { index in Float(persons.reduce(0) { $0 + Double($1[index]) }) }
        #expect(sealed.parameters.values("count") == [Float(persons.count)], "seed \(seed)")
        #expect(sealed.parameters.values("sum") == expected, "seed \(seed)")
    }

    @Test func `What one person does not write is zero, not what the person before wrote`() throws {
        var gate = gate()
        gate.open(round: 1, specs: [count, sum])
        try gate.begin(release: "moments")
        try gate.contribute(to: "moments") { contribution in
            contribution.write("sum") { $0[0] = 5 }
            contribution.write("count") { $0[0] = 1 }
        }
        try gate.contribute(to: "moments") { contribution in contribution.write("sum") { $0[1] = 7 } }
        try gate.contribute(to: "moments") { _ in }
        let sealed = try gate.seal()
        #expect(sealed.parameters.values("sum") == [5, 7, 0])
        #expect(sealed.parameters.values("count") == [1])
    }

    @Test func `The sealed update states round and policy and holds exactly the declared tensors`() throws {
        var gate = gate()
        gate.open(round: 7, specs: [sum, count, factors])
        try gate.publish("factors", values: [1, 2, 3, 4])
        try gate.begin(release: "moments")
        let sealed = try gate.seal()
        #expect(sealed.round == 7)
        #expect(sealed.policy == .unprotected)
        #expect(sealed.parameters.specs == [count, factors, sum])
        #expect(sealed.parameters.values("factors") == [1, 2, 3, 4])
        #expect(sealed.parameters.values("sum") == [0, 0, 0])
    }

    @Test func `A release cannot be made twice in a round`() throws {
        var gate = gate()
        gate.open(round: 1, specs: [count, sum, factors])
        try gate.publish("factors", values: [1, 2, 3, 4])
        #expect(throws: PrivacyError.releasedTwice(tensor: "factors")) {
            try gate.publish("factors", values: [0, 0, 0, 0])
        }
        #expect(throws: PrivacyError.releasedTwice(tensor: "factors")) { try gate.begin(release: "factors") }
        try gate.begin(release: "moments")
        #expect(throws: PrivacyError.releasedTwice(tensor: "count")) { try gate.begin(release: "moments") }
        #expect(throws: PrivacyError.releasedTwice(tensor: "sum")) { try gate.publish("sum", values: [0, 0, 0]) }
        let sealed = try gate.seal()
        #expect(sealed.parameters.values("factors") == [1, 2, 3, 4])
    }

    @Test func `A sealed gate is closed: nothing can be added, and it does not seal again`()
        throws
    {
        let recorder = LedgerRecorder()
        var gate = gate(recorder)
        gate.open(round: 1, specs: [factors])
        try gate.publish("factors", values: [1, 2, 3, 4])
        _ = try gate.seal()
        #expect(throws: PrivacyError.undeclared(tensor: "factors")) {
            try gate.publish("factors", values: [1, 2, 3, 4])
        }
        #expect(throws: PrivacyError.undeclared(tensor: "factors")) { try gate.begin(release: "factors") }
        #expect(throws: PrivacyError.notOpen) { _ = try gate.seal() }
        #expect(recorder.entries.count == 1)
    }

    @Test func `What the round does not declare cannot be released`() throws {
        var gate = gate()
        #expect(throws: PrivacyError.undeclared(tensor: "factors")) {
            try gate.publish("factors", values: [1, 2, 3, 4])
        }
        gate.open(round: 1, specs: [count, sum])
        #expect(throws: PrivacyError.undeclared(tensor: "factors")) {
            try gate.publish("factors", values: [1, 2, 3, 4])
        }
        #expect(throws: PrivacyError.undeclared(tensor: "factors")) { try gate.begin(release: "factors") }
        #expect(throws: PrivacyError.undeclared(tensor: "moments")) { try gate.contribute(to: "moments") { _ in } }
    }

    @Test func `A round whose tensors were not all released does not seal, and is not in the ledger`() throws {
        let recorder = LedgerRecorder()
        var gate = gate(recorder)
        gate.open(round: 1, specs: [count, sum, factors])
        #expect(throws: PrivacyError.notReleased(tensor: "count")) { _ = try gate.seal() }
        try gate.begin(release: "moments")
        #expect(throws: PrivacyError.notReleased(tensor: "factors")) { _ = try gate.seal() }
        #expect(recorder.entries.isEmpty)
        try gate.publish("factors", values: [0, 0, 0, 0])
        _ = try gate.seal()
        #expect(recorder.entries.map(\.release) == ["factors", "moments"])
    }

    @Test func `A release refused because one of its tensors is published leaves the others unreleased`() throws {
        var gate = gate()
        gate.open(round: 1, specs: [count, sum])
        try gate.publish("sum", values: [1, 2, 3])
        #expect(throws: PrivacyError.releasedTwice(tensor: "sum")) { try gate.begin(release: "moments") }
        #expect(throws: PrivacyError.notReleased(tensor: "count")) { _ = try gate.seal() }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity, 10.5, -10.5])
    func `Values that are not finite or exceed the bound do not seal, and are not in the ledger`(value: Float) throws {
        let recorder = LedgerRecorder()
        var gate = gate(recorder)
        gate.open(round: 1, specs: [factors])
        try gate.publish("factors", values: [1, value, 3, 4])
        let published = #expect(throws: PrivacyError.self) { _ = try gate.seal() }
        gate.open(round: 2, specs: [factors])
        try gate.begin(release: "factors")
        try gate.contribute(to: "factors") { contribution in contribution.write("factors") { $0[3] = value } }
        let contributed = #expect(throws: PrivacyError.self) { _ = try gate.seal() }
        for error in [published, contributed] {
            guard case .invalidValues = error else {
                Issue.record("\(value) gave \(String(describing: error))")
                continue
            }
        }
        #expect(recorder.entries.isEmpty)
    }

    @Test func `A published tensor of another size is refused`() throws {
        var gate = gate()
        gate.open(round: 1, specs: [factors])
        for count in [0, 3, 5] {
            let error = #expect(throws: PrivacyError.self) {
                try gate.publish("factors", values: [Float](repeating: 0, count: count))
            }
            guard case .invalidValues = error else {
                Issue.record("\(count) values gave \(String(describing: error))")
                continue
            }
        }
        try gate.publish("factors", values: [0, 0, 0, 0])
    }

    @Test(arguments: 0...1) func `An unwritable ledger leaves no sealed update`(capacity: Int) throws {
        let recorder = LedgerRecorder(capacity: capacity)
        var gate = gate(recorder)
        gate.open(round: 1, specs: [factors, count, sum])
        try gate.publish("factors", values: [1, 2, 3, 4])
        try gate.begin(release: "moments")
        let error = #expect(throws: PrivacyError.self) { _ = try gate.seal() }
        guard case .ledgerNotWritten = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(recorder.entries.count == capacity)
    }

    @Test func `An unfinished round leaves nothing for the next`() throws {
        let recorder = LedgerRecorder()
        var gate = gate(recorder)
        gate.open(round: 1, specs: [count, sum, factors])
        try gate.publish("factors", values: [9, 9, 9, 9])
        try gate.begin(release: "moments")
        try gate.contribute(to: "moments") { contribution in contribution.write("count") { $0[0] = 1 } }
        gate.open(round: 2, specs: [count, sum])
        #expect(throws: PrivacyError.undeclared(tensor: "moments")) { try gate.contribute(to: "moments") { _ in } }
        #expect(throws: PrivacyError.undeclared(tensor: "factors")) {
            try gate.publish("factors", values: [9, 9, 9, 9])
        }
        try gate.begin(release: "moments")
        let sealed = try gate.seal()
        #expect(sealed.parameters.specs == [count, sum])
        #expect(sealed.parameters.values("count") == [0])
        #expect(recorder.entries.map(\.round) == [2])
    }

    @Test(arguments: 0..<20) func `A gate seals what was published bit for bit`(seed: UInt64) throws {
        var stream = RandomStream(root: seed, path: ["gate", "publish"])
        let schema = try Generated.schema(&stream)
        let parameters = try Generated.parameters(schema.specs, &stream)
        var gate = gate()
        gate.open(round: 1, specs: schema.specs)
        for tensor in parameters.tensors.shuffled(using: &stream) {
            try gate.publish(tensor.spec.name, values: tensor.values)
        }
        let sealed = try gate.seal()
        #expect(sealed.parameters.bitPatterns == parameters.bitPatterns, "seed \(seed)")
    }
}
