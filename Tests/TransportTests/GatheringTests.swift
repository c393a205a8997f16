import Numerics
import Parameters
import TestSupport
import Testing
import Transport
import Wire

/// Who may send which piece when, without sockets: clients that are slow, late and leave.
@Suite struct GatheringTests {
    /// A client as the law sees it: the pieces that it was asked for and has not sent, in order.
    private struct Sender {
        let parts: [UpdatePart]
        var isReady = false
        var asked: [Int] = []
    }

    private static func parts(_ update: ParameterSet, pieceByteCount: Int) throws -> [UpdatePart] {
        let bytes = Safetensors.encode(update)
        var reader = SafetensorsReader(specs: update.specs, isStreamed: true)
        var spare = SpareArrays(elementLimit: 0)
        return try stride(from: 0, to: bytes.count, by: pieceByteCount).map { start in
            let piece = bytes[start..<min(start + pieceByteCount, bytes.count)]
            try piece.withUnsafeBytes { try reader.append($0, spare: &spare) }
            return UpdatePart(offset: start, byteCount: piece.count, elements: reader.takeElements())
        }
    }

    @Test(arguments: 0..<300) func `Whoever is slow, late or leaves, those who stay are summed to the bit`(seed: UInt64)
        throws
    {
        var stream = RandomStream(root: seed, path: ["gathering"])
        let specs = try Generated.schema(longestDimension: 20, &stream).specs
        let count = 1 + stream.integer(below: 30)
        let pieceByteCount = 4 * (10 + stream.integer(below: 500))
        let windowByteCount = pieceByteCount * (2 + stream.integer(below: 40))
        let updates = try (0..<count).map { _ in
            try ParameterSet(
                Generated.parameters(specs, &stream).tensors.map { tensor in
                    try ParameterSet.Tensor(tensor.spec, values: tensor.values.map { $0 / Float(count) })
                })
        }
        var senders: [Int: Sender] = [:]
        for (index, update) in updates.enumerated() {
            senders[index] = Sender(parts: try GatheringTests.parts(update, pieceByteCount: pieceByteCount))
        }
        var spare = SpareArrays(elementLimit: 0)
        var gathering = Gathering(
            Array(senders.keys), round: 1, specs: specs, clientCount: count, isMean: false,
            pieceByteCount: pieceByteCount, windowByteCount: windowByteCount)
        let departures = stream.integer(below: 4) == 0 ? stream.integer(below: count) : 0
        var departed = 0
        var idle = 0
        while !gathering.isComplete {
            // Without an event that helps, the gathering would never end.
            try #require(idle < 2_000, "seed \(seed): it stands still")
            idle += 1
            for grant in gathering.grants() { senders[grant.member]?.asked.append(grant.piece) }
            let waiting = senders.values.reduce(0) { $0 + $1.asked.count }
            // Pieces that were asked for before a restart are still on their way.
            if departed == 0 {
                let pieceByteCount = senders[0]?.parts[0].byteCount ?? 0
                #expect(waiting * pieceByteCount <= max(windowByteCount, 2 * pieceByteCount), "seed \(seed)")
            }
            guard let member = senders.keys.sorted().randomElement(using: &stream), let sender = senders[member] else {
                break
            }
            if !sender.isReady {
                if stream.integer(below: 3) == 0 {
                    let answers = (gathering.request(member), gathering.request(member))
                    #expect(answers == (true, false))
                    senders[member]?.isReady = true
                    idle = 0
                } else {
                    #expect(!gathering.mayArrive(member))
                }
            } else if departed < departures, stream.integer(below: 20) == 0 {
                _ = gathering.remove(member, spare: &spare)
                senders[member] = nil
                departed += 1
                idle = 0
            } else if let piece = sender.asked.first {
                #expect(gathering.mayArrive(member))
                senders[member]?.asked.removeFirst()
                let isTaken = gathering.arrive(member, sender.parts[piece], spare: &spare)
                #expect(isTaken, "seed \(seed)")
                idle = 0
            } else {
                #expect(!gathering.mayArrive(member))
            }
        }
        #expect(gathering.members == Set(senders.keys))
        // Nothing is asked for that was not needed.
        let unneeded = gathering.grants()
        #expect(unneeded.isEmpty)
        var whole = ExactSum(clientCount: count)
        for member in senders.keys { whole.add(updates[member]) }
        let total = try gathering.total()
        #expect(try total.bitPatterns == whole.total().bitPatterns, "seed \(seed)")
    }

    @Test func `Those whose present piece is missing are waited for, nobody else`() throws {
        let spec = TensorSpec(name: "a", shape: [100], scope: .global, bound: 8, release: "r")
        let update = try ParameterSet([ParameterSet.Tensor(spec, values: [Float](repeating: 1, count: 100))])
        let parts = try GatheringTests.parts(update, pieceByteCount: 80)
        var spare = SpareArrays(elementLimit: 0)
        var gathering = Gathering(
            ["a", "b", "c"], round: 1, specs: [spec], clientCount: 3, isMean: true, pieceByteCount: 80)
        #expect(gathering.awaited == ["a", "b", "c"])
        func grants() -> [(member: String, piece: Int)] { gathering.grants() }
        func arrive(_ member: String, _ part: UpdatePart) -> Bool { gathering.arrive(member, part, spare: &spare) }
        for member in ["a", "b"] { _ = gathering.request(member) }
        // They may be ahead of one who has not asked, and no further.
        let first = grants()
        #expect(first.map(\.member).sorted() == ["a", "a", "a", "b", "b", "b"])
        #expect(first.filter { $0.member == "a" }.map(\.piece) == [0, 1, 2])
        for piece in 0..<3 { #expect(arrive("a", parts[piece])) }
        #expect(gathering.awaited == ["b", "c"])
        #expect(grants().isEmpty)
        // Not the piece that comes next, one that is cut short, one without credit.
        #expect(!arrive("b", parts[1]))
        #expect(!arrive("b", UpdatePart(offset: 0, byteCount: 40, elements: parts[0].elements)))
        #expect(!gathering.mayArrive("c") && !gathering.mayArrive("a"))
        func remove(_ member: String) -> Bool { gathering.remove(member, spare: &spare) }
        #expect(!remove("c"), "nothing of it was in the sums")
        #expect(arrive("b", parts[0]))
        #expect(gathering.awaited == ["b"])
        #expect(grants().map(\.piece) == [3, 3])
        // What was added of the one who leaves now is taken back: the other sends everything again.
        #expect(remove("b"))
        #expect(gathering.awaited.isEmpty, "it has not been asked again")
        #expect(grants().map(\.piece) == [0, 1, 2])
        #expect(gathering.awaited == ["a"])
        #expect(arrive("a", parts[3]), "a piece from before is passed over")
        var next = 0
        while !gathering.isComplete {
            #expect(arrive("a", parts[next]))
            next += 1
            _ = grants()
        }
        let total = try gathering.total()
        #expect(total == update)
    }

    @Test func `Who waits for room that others hold is not waited for`() throws {
        let spec = TensorSpec(name: "a", shape: [100], scope: .global, bound: 8, release: "r")
        let update = try ParameterSet([ParameterSet.Tensor(spec, values: [Float](repeating: 1, count: 100))])
        let parts = try GatheringTests.parts(update, pieceByteCount: 80)
        var spare = SpareArrays(elementLimit: 0)
        var gathering = Gathering(
            ["a", "b", "c"], round: 1, specs: [spec], clientCount: 3, isMean: false, pieceByteCount: 80,
            windowByteCount: 160)
        for member in ["a", "b", "c"] { _ = gathering.request(member) }
        let first = gathering.grants()
        #expect(first.map(\.member) == ["a", "a"])
        #expect(gathering.awaited == ["a"])
        let isTaken = gathering.arrive("a", parts[0], spare: &spare)
        #expect(isTaken && gathering.awaited.isEmpty)
        let second = gathering.grants()
        #expect(second.map(\.member).first == "b")
        #expect(gathering.awaited == ["b"])
        // Not without credit, whatever comes.
        let isTakenWithout = gathering.arrive("c", parts[0], spare: &spare)
        #expect(!isTakenWithout)
    }
}
