import CZeroMQ
import Cryptography
import Foundation
import Numerics
import Parameters
import Privacy
import Synchronization
import TestSupport
import Testing
import Transport
import Wire

/// Mutated frames against a live coordinator that serves an honest client at the same time.
///
/// `FERRY_FUZZ_FRAMES` says how many, 4,000 without it; `swift test --sanitize=address --filter LiveFuzzTests` looks for
/// wrong accesses too.
@Suite(.serialized) struct LiveFuzzTests {
    /// A DEALER that sends whatever it is given.
    private final class HostileSocket {
        private let context: UnsafeMutableRawPointer
        private let socket: UnsafeMutableRawPointer

        private var isAbandoned = false
        private let isPatient: Bool

        /// - Parameter patience: how long one send may take, in milliseconds.
        init(_ endpoint: String, routingID: String?, patience: Int32 = 10_000) throws {
            context = try #require(zmq_ctx_new())
            socket = try #require(zmq_socket(context, ZMQ_DEALER))
            isPatient = patience > 1_000
            var patience = patience
            zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, MemoryLayout<Int32>.size)
            if let routingID { zmq_setsockopt(socket, ZMQ_ROUTING_ID, routingID, routingID.utf8.count) }
            try #require(zmq_connect(socket, endpoint) == 0)
        }

        deinit { abandon() }

        /// Closes the connection, with what has not been sent.
        func abandon() {
            guard !isAbandoned else { return }
            isAbandoned = true
            var linger: Int32 = isPatient ? 2_000 : 0
            zmq_setsockopt(socket, ZMQ_LINGER, &linger, MemoryLayout<Int32>.size)
            zmq_close(socket)
            zmq_ctx_term(context)
        }

        /// Sends the parts of one message; the last one says that more follows when the message is to stay unfinished.
        @discardableResult func send(_ parts: [[UInt8]], isFinished: Bool = true) -> Bool {
            var isSent = true
            for (index, part) in parts.enumerated() {
                let isLast = index == parts.count - 1 && isFinished
                isSent = zmq_send(socket, part, part.count, isLast ? 0 : ZMQ_SNDMORE) >= 0 && isSent
            }
            return isSent
        }
    }

    private static let specs = [
        TensorSpec(name: "a", shape: [3], scope: .global, bound: 8, release: "r"),
        // Large enough to stay in the frame that it arrives in.
        TensorSpec(name: "b", shape: [17_000], scope: .global, bound: 8, release: "r"),
        TensorSpec(name: "c", shape: [5], scope: .global, bound: 8, release: "r", format: .float16),
        TensorSpec(name: "d", shape: [5], scope: .global, bound: 8, release: "r", format: .int8(blockLength: 2)),
        TensorSpec(name: "e", shape: [9], scope: .global, bound: 8, release: "r", format: .topK(count: 3)),
    ]

    /// What the honest client sends in a round: in every other one, what is gathered piece by piece.
    private static func specs(_ round: Int) -> [TensorSpec] { round % 2 == 0 ? Array(specs[..<2]) : specs }

    private static func parameters(_ round: Int) throws -> ParameterSet {
        try ParameterSet(
            specs(round).map { spec in
                let values = (0..<spec.elementCount).map { Float((round + $0) % 8) - 3.5 }
                return try ParameterSet.Tensor(spec, values: spec.arriving(values))
            })
    }

    /// Resident memory in bytes.
    private static func residentBytes() -> Int {
        let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4_096 : 0
    }

    /// One frame in ten or so is no envelope with a piece at all; the others are mutations of good messages.
    private static func attack(
        _ endpoint: String, frames: Int, seed: UInt64, sent: borrowing Atomic<Int>
    ) throws {
        var stream = RandomStream(root: seed, path: ["wire", "live"])
        let samples = try Sample.all().filter { if case .coordinator = $0.receiver { true } else { false } }
        var socket: HostileSocket?
        for index in 0..<frames {
            // Connections come and go; some claim a routing id that they hope is another's.
            if index % 40 == 0 {
                socket = try HostileSocket(endpoint, routingID: stream.integer(below: 4) == 0 ? "books" : nil)
            }
            let sample = samples[stream.integer(below: samples.count)]
            let sequence = UInt32(index % 40 + 1)
            switch stream.integer(below: 12) {
            case 0:
                let count = stream.integer(below: 6)
                socket?.send((0...count).map { _ in Fixture.bytes(stream.integer(below: 300), &stream) })
            case 1:
                let frame = try FrameMutation.mutated(sample.frame, sequence: sequence, &stream)
                socket?.send([frame.envelope, frame.piece], isFinished: false)
                socket = try HostileSocket(endpoint, routingID: nil)
            default:
                let frame = try FrameMutation.mutated(sample.frame, sequence: sequence, &stream)
                socket?.send([frame.envelope, frame.piece])
            }
            sent.add(1, ordering: .relaxed)
        }
    }

    private static func honest(_ endpoint: String, token: RunToken, schema: ParameterSchema) throws -> Int {
        var socket = try ClientSocket(endpoint: endpoint, runID: Fixture.runID)
        try socket.send(.join(Join(clientID: "books", token: token, catalogues: [])))
        socket.adopt(schema)
        var rounds = 0
        while true {
            switch try socket.receive(timeout: .seconds(60)) {
            case .welcome, .credit: continue
            case .plan(let plan):
                try socket.send(.update(try Fixture.seal(try parameters(plan.round), round: plan.round)))
                rounds += 1
            case .goodbye: return rounds
            }
        }
    }

    @Test func `A peer that floods a coordinator and goes away does not take it along`() throws {
        let folder = try TemporaryFolder()
        let control = try ControlPipe()
        let token = try #require(RunToken(bytes: (0..<32).map { UInt8(200 - $0) }))
        var coordinator = try CoordinatorSocket(
            endpoint: "ipc://\(folder.path)/socket", runID: Fixture.runID, clientCount: 1, recording: nil,
            token: token)
        // More than the queues of both sides and the kernel hold while nobody reads.
        let flood = try HostileSocket(coordinator.endpoint, routingID: nil, patience: 200)
        var sent = 0
        while sent < 100_000, flood.send([[UInt8](repeating: 1, count: 20_000)]) { sent += 1 }
        #expect((16..<100_000).contains(sent))
        flood.abandon()
        // With heartbeats of libzmq 4.3.4 the first one on the dead connection, within five seconds and while nobody read,
        // aborted the process: the time itself is what is tested.
        var nothing = pollfd(fd: control.readEnd, events: Int16(POLLIN), revents: 0)
        #expect(poll(&nothing, 1, 6_000) == 0)
        let join = Background {
            var client = try ClientSocket(endpoint: "ipc://\(folder.path)/socket", runID: Fixture.runID)
            try client.send(.join(Join(clientID: "books", token: token, catalogues: [])))
            return true
        }
        while true {
            if case .message(_, .join) = try coordinator.next(timeout: .seconds(20), control: control.readEnd) { break }
        }
        #expect(try join.value())
    }

    @Test func `Mutated frames from all sides harm no honest client, and memory stays flat`() throws {
        let frames = ProcessInfo.processInfo.environment["FERRY_FUZZ_FRAMES"].flatMap(Int.init) ?? 4_000
        let folder = try TemporaryFolder()
        let control = try ControlPipe()
        let schema = try ParameterSchema(Self.specs)
        let token = try #require(RunToken(bytes: (0..<32).map { UInt8(200 - $0) }))
        var coordinator = try CoordinatorSocket(
            endpoint: "ipc://\(folder.path)/socket", runID: Fixture.runID, clientCount: 1, recording: nil,
            token: token, answerByteLimit: 0)
        let endpoint = coordinator.endpoint
        let honest = Background { try Self.honest(endpoint, token: token, schema: schema) }
        let counter = Counter()
        let attackers = (0..<2).map { index in
            Background { try Self.attack(endpoint, frames: frames / 2, seed: UInt64(index), sent: counter.sent) }
        }
        var client: PeerID?
        var round = 0
        var good = 0
        var refusals: [String: Int] = [:]
        var early = 0
        var quiet = 0
        func begin(_ socket: inout CoordinatorSocket, _ peer: PeerID) throws {
            round += 1
            socket.expect(peer, round: round, specs: Self.specs(round), isSummed: true)
            let plan = RoundPlan(
                round: round, step: 1, deadline: .seconds(60), parameters: try Self.parameters(round))
            #expect(try socket.send(.plan(plan), to: [peer], schema: schema).isEmpty)
        }
        while true {
            let event = try coordinator.next(timeout: .milliseconds(500), control: control.readEnd)
            let sent = counter.sent.load(ordering: .relaxed)
            if early == 0, sent > frames / 3 { early = Self.residentBytes() }
            switch event {
            case .message(let peer, .join(let join)) where join.token == token && client == nil:
                client = peer
                coordinator.bind(peer, client: join.clientID)
                let welcome = CoordinatorMessage.welcome(Welcome(schemaDigest: schema.digest, catalogues: []))
                #expect(try coordinator.send(welcome, to: [peer], schema: schema).isEmpty)
                try begin(&coordinator, peer)
            case .message(let peer, .update(let update)) where peer == client:
                let expected = try Self.parameters(round)
                #expect(update.round == round && update.parameters == expected)
                good += 1
                try begin(&coordinator, peer)
            case .gathered(let peers, let sums, .success(let total)):
                #expect(peers == [client] && sums == round && round % 2 == 0)
                #expect(try total == Self.parameters(round))
                good += 1
                if let client { try begin(&coordinator, client) }
            case .gathered: Issue.record("\(event)")
            case .message(let peer, let message):
                // Of strangers only a join gets so far, and its token is another run's.
                guard case .join(let join) = message else {
                    Issue.record("\(message)")
                    continue
                }
                #expect(join.token != token)
                coordinator.drop(peer)
            case .refused(let name, let error):
                #expect(name == nil, "the honest client was refused: \(error)")
                refusals["\(error)".prefix { $0.isLetter }.description, default: 0] += 1
            case .refusedKey, .control: Issue.record("\(event)")
            case .timedOut: break
            }
            if sent >= frames / 2 * 2, case .timedOut = event { break }
            let isHonest =
                switch event {
                case .message(let peer, _): peer == client
                case .gathered: true
                default: false
                }
            if sent >= frames / 2 * 2, good > 20, isHonest {
                // The honest client keeps the coordinator busy for ever: what the attackers have sent is in the queue
                // no longer when a time of nothing but its messages has passed.
                quiet += 1
                if quiet > 2_000 { break }
            } else if case .refused = event {
                quiet = 0
            }
        }
        let late = Self.residentBytes()
        let peer = try #require(client)
        #expect(try coordinator.send(.goodbye(.completed), to: [peer], schema: schema).isEmpty)
        for attacker in attackers { try attacker.value() }
        #expect(try honest.value() == round && good >= 20 && good >= round - 1)
        #expect(refusals.values.reduce(0, +) > frames / 4, "\(refusals)")
        #expect(refusals.count >= 5, "\(refusals)")
        // The address sanitizer keeps freed memory: ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16.
        #expect(late - early < 64 << 20, "\(early) to \(late) bytes")
        print("live fuzz: \(frames) frames, \(refusals), \(good) honest rounds, \(early >> 20) to \(late >> 20) MB")
    }

    /// What the attackers have sent.
    private final class Counter: Sendable {
        let sent = Atomic<Int>(0)
    }
}
