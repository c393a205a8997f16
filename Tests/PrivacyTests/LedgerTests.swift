import Foundation
import Parameters
import Privacy
import Testing

@Suite struct LedgerTests {
    /// The entries of two rounds of two releases each.
    private func entries() throws -> [LedgerEntry] {
        let recorder = LedgerRecorder()
        var gate = ReleaseGate(client: "movies", ledger: recorder.ledger())
        for round in 1...2 {
            let specs = ["a", "b", "c"].map {
                TensorSpec(name: $0, shape: [1], scope: .global, bound: 1, release: $0 == "a" ? "first" : "second")
            }
            gate.open(round: round, specs: specs)
            for spec in specs { try gate.publish(spec.name, values: [0]) }
            _ = try gate.seal()
        }
        return recorder.entries
    }

    /// An entry with one field replaced in its JSON, as someone with the file could.
    private func tampered(_ entry: LedgerEntry, _ field: String, _ value: Any) throws -> LedgerEntry {
        let json = try JSONSerialization.jsonObject(with: try JSONEncoder().encode(entry))
        var object = try #require(json as? [String: Any])
        object[field] = value
        return try JSONDecoder().decode(LedgerEntry.self, from: try JSONSerialization.data(withJSONObject: object))
    }

    @Test func `Each release of a round is one entry that names its tensors and continues the chain`() throws {
        let entries = try entries()
        #expect(entries.map(\.sequence) == [0, 1, 2, 3])
        #expect(entries.map(\.round) == [1, 1, 2, 2])
        #expect(entries.map(\.release) == ["first", "second", "first", "second"])
        #expect(entries.map(\.tensors) == [["a"], ["b", "c"], ["a"], ["b", "c"]])
        #expect(entries.allSatisfy { $0.client == "books" && $0.policy == "unprotected" && $0.mechanism == "none" })
        #expect(entries[0].previous == String(repeating: "0", count: 64))
        #expect(zip(entries, entries.dropFirst()).allSatisfy { $1.previous == $0.hash })
        #expect(Ledger.isIntact(entries))
        #expect(Ledger.isIntact([]))
    }

    @Test func `A chain read back from its JSON lines is intact`() throws {
        let entries = try entries()
        let lines = try entries.map { try JSONEncoder().encode($0) }
        let decoded = try lines.map { try JSONDecoder().decode(LedgerEntry.self, from: $0) }
        #expect(decoded == entries)
        #expect(Ledger.isIntact(decoded))
    }

    @Test func `A change of any field of any entry breaks the chain`() throws {
        let entries = try entries()
        let changes: [(String, Any)] = [
            ("sequence", 9), ("client", "movies"), ("round", 9), ("release", "other"), ("tensors", ["a", "d"]),
            ("tensors", [String]()), ("policy", "central"), ("mechanism", "gaussian"), ("sensitivity", 1.0),
            ("noise", 0.5), ("previous", String(repeating: "1", count: 64)),
            ("hash", String(repeating: "1", count: 64)),
        ]
        for index in entries.indices {
            for (field, value) in changes {
                var forged = entries
                forged[index] = try tampered(entries[index], field, value)
                #expect(forged[index] != entries[index])
                #expect(!Ledger.isIntact(forged), "entry \(index), field \(field)")
            }
        }
    }

    @Test func `A field moved into its neighbour breaks the chain`() throws {
        let entries = try entries()
        var forged = entries
        forged[1] = try tampered(try tampered(entries[1], "tensors", ["bc"]), "release", "second")
        #expect(!Ledger.isIntact(forged))
        forged[1] = try tampered(try tampered(entries[1], "tensors", ["c", "b"]), "release", "second")
        #expect(!Ledger.isIntact(forged))
    }

    @Test func `Reordered, repeated and removed entries break the chain`() throws {
        let entries = try entries()
        for first in entries.indices {
            for second in entries.indices where second > first {
                var forged = entries
                forged.swapAt(first, second)
                #expect(!Ledger.isIntact(forged), "\(first) and \(second) swapped")
            }
            var repeated = entries
            repeated.insert(entries[first], at: first)
            #expect(!Ledger.isIntact(repeated), "\(first) repeated")
        }
        // The last entry can be cut off unseen: a chain does not know its own length.
        for index in entries.indices.dropLast() {
            var forged = entries
            forged.remove(at: index)
            #expect(!Ledger.isIntact(forged), "\(index) removed")
        }
    }

    @Test func `Entries of two clients do not form one chain`() throws {
        let own = try entries()
        let recorder = LedgerRecorder()
        var gate = ReleaseGate(client: "movies", ledger: recorder.ledger(client: "movies"))
        gate.open(round: 1, specs: [TensorSpec(name: "a", shape: [1], scope: .global, bound: 1, release: "first")])
        try gate.publish("a", values: [0])
        _ = try gate.seal()
        let other = try #require(recorder.entries.first)
        #expect(Ledger.isIntact([other]))
        #expect(!Ledger.isIntact([other] + own.dropFirst()))
    }

    @Test(arguments: [true, false])
    func `What is released again costs nothing where it is the same to the bit, and is an entry of its own else`(
        repeatsAlike: Bool
    ) throws {
        let earlier = try entries()
        let recorder = LedgerRecorder()
        var gate = ReleaseGate(
            client: "books", ledger: recorder.ledger(earlier: earlier, repeatsAlike: repeatsAlike))
        for round in 2...3 {
            let spec = TensorSpec(name: "a", shape: [1], scope: .global, bound: 1, release: "first")
            gate.open(round: round, specs: [spec])
            try gate.publish("a", values: [0])
            _ = try gate.seal()
        }
        #expect(recorder.entries.map(\.round) == (repeatsAlike ? [3] : [2, 3]))
        #expect(Ledger.isIntact(earlier + recorder.entries), "the chain goes on")
    }

    @Test func `What is discarded leaves nothing, neither an entry nor a part of the next round`() throws {
        let recorder = LedgerRecorder()
        var gate = ReleaseGate(client: "books", ledger: recorder.ledger())
        let spec = TensorSpec(name: "a", shape: [1], scope: .global, bound: 1, release: "first")
        gate.open(round: 1, specs: [spec])
        try gate.publish("a", values: [1])
        try gate.discard()
        #expect(throws: PrivacyError.notOpen) { try gate.seal() }
        gate.open(round: 2, specs: [spec])
        #expect(throws: PrivacyError.notReleased(tensor: "a")) { try gate.seal() }
        #expect(recorder.entries.isEmpty)
    }
}
