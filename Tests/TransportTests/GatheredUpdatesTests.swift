import Parameters
import Privacy
import TestSupport
import Testing
import Transport
import Wire

/// Updates whose sum is enough, and that would not all fit into memory: they are added up piece by piece.
@Suite struct GatheredUpdatesTests {
    private static let byteCount = 5_300_000

    /// What a client does with the plans that it gets.
    private enum Conduct: Sendable {
        case honest
        case damaging(UpdateDamage)
        /// Asks for credit and sends nothing.
        case silent
        /// Sends its update before it has been asked for.
        case hasty
    }

    private func client(
        _ endpoint: String, _ agreement: Agreement, id: String, _ conduct: Conduct = .honest
    ) -> Background<EndReason?> {
        Background {
            var socket = try ClientSocket(endpoint: endpoint, runID: agreement.runID)
            try socket.send(.join(Join(clientID: id, token: agreement.token, catalogues: agreement.catalogues)))
            guard case .welcome = try socket.receive(timeout: .seconds(20)) else { return nil }
            if case .hasty = conduct { try socket.send(.update(try agreement.sealed(round: 1))) }
            socket.adopt(agreement.schema)
            while true {
                switch try socket.receive(timeout: .seconds(20)) {
                case .plan(let plan):
                    switch conduct {
                    case .honest, .hasty: try socket.send(.update(try agreement.sealed(round: plan.round)))
                    case .damaging(let damage):
                        try socket.send(.update(try agreement.sealed(round: plan.round)), damage: damage)
                    case .silent: try socket.send(.request(round: plan.round))
                    }
                case .goodbye(let reason): return reason
                case .welcome, .credit: continue
                }
            }
        }
    }

    private struct Round: ~Copyable {
        let folder: TemporaryFolder
        let control: ControlPipe
        let agreement: Agreement
        var socket: CoordinatorSocket
        var clients: [Background<EndReason?>] = []
        var peers: [PeerID] = []

        mutating func open(_ round: Int) throws {
            for peer in peers { socket.expect(peer, round: round, specs: agreement.schema.specs, isSummed: true) }
            _ = try socket.send(
                .plan(RoundPlan(round: round, step: 2, deadline: .seconds(60), parameters: agreement.parameters)),
                to: peers, schema: agreement.schema)
        }

        func peer(_ client: String) throws -> PeerID {
            let peer = socket.peer(of: client)
            return try #require(peer)
        }

        /// The sum of as many updates as there are senders.
        func expected(_ count: Int) throws -> ParameterSet {
            var sum = ExactSum(clientCount: peers.count)
            for _ in 0..<count { sum.add(agreement.parameters) }
            return try sum.total()
        }

        /// What is gathered, and of whom. Of the client that is asked no more, what was under way is refused.
        mutating func sumWithout(_ client: String) throws -> ([PeerID], ParameterSet) {
            while true {
                switch try socket.event(control) {
                case .refused(client: client, _): continue
                case .gathered(let peers, 1, let total): return (peers, try total.get())
                case let other: throw UnexpectedEvent(event: "\(other)")
                }
            }
        }

        mutating func end() throws {
            _ = try socket.send(.goodbye(.completed), to: peers, schema: agreement.schema)
            for client in clients { #expect(try client.value() == .completed) }
        }
    }

    /// Lets clients join and sends them the first plan.
    private func begin(
        _ conducts: [String: Conduct], _ kind: EndpointKind = .ipc, answerByteLimit: Int = 1_000_000
    ) throws -> Round {
        let folder = try TemporaryFolder()
        var agreement = try Agreement(byteCount: GatheredUpdatesTests.byteCount)
        // The sums of a few stay within the bounds.
        agreement.parameters = try ParameterSet(
            agreement.parameters.tensors.map {
                try ParameterSet.Tensor($0.spec, values: $0.values.map { $0 / 8 })
            })
        let socket = try CoordinatorSocket(
            endpoint: kind.endpoint(in: folder), runID: agreement.runID, clientCount: conducts.count, recording: nil,
            token: agreement.token, answerByteLimit: answerByteLimit)
        var round = Round(folder: folder, control: try ControlPipe(), agreement: agreement, socket: socket)
        for (id, conduct) in conducts {
            round.clients.append(client(round.socket.endpoint, agreement, id: id, conduct))
        }
        while round.peers.count < conducts.count {
            let (peer, message) = try round.socket.message(round.control)
            guard case .join(let join) = message else { continue }
            round.socket.bind(peer, client: join.clientID)
            round.peers.append(peer)
        }
        return round
    }

    @Test("the sum of all arrives, round after round, and no update of its own", arguments: EndpointKind.allCases)
    func sums(_ kind: EndpointKind) throws {
        var round = try begin(["a": .honest, "b": .honest, "c": .honest], kind)
        _ = try round.socket.send(round.agreement.welcome, to: round.peers, schema: round.agreement.schema)
        for number in 1...3 {
            if number == 3 { round.socket.gathersMeans = true }
            try round.open(number)
            let event = try round.socket.event(round.control)
            guard case .gathered(let peers, number, let total) = event else {
                throw UnexpectedEvent(event: "\(event)")
            }
            let expected = number < 3 ? try round.expected(3) : round.agreement.parameters
            let members = round.peers
            #expect(Set(peers) == Set(members))
            #expect(try total.get() == expected)
            let awaited = round.socket.awaitedClients
            #expect(awaited == nil)
        }
        let traffic = round.socket.traffic
        #expect(traffic.count(.request, .up).messages == 9)
        #expect(traffic.count(.update, .up).messages == 9)
        // Six pieces each.
        #expect(traffic.count(.credit, .down).messages == 54)
        #expect(traffic.refused == 0)
        try round.end()
    }

    @Test func `Who only looks what is there gets the sums with their last piece`() throws {
        var round = try begin(["a": .honest, "b": .honest])
        _ = try round.socket.send(round.agreement.welcome, to: round.peers, schema: round.agreement.schema)
        try round.open(1)
        let end = ContinuousClock.now + .seconds(20)
        var sum: ParameterSet?
        while sum == nil, ContinuousClock.now < end {
            switch try round.socket.next(timeout: .zero, control: round.control.readEnd) {
            case .gathered(_, 1, let total): sum = try total.get()
            case .timedOut:
                // Somebody is waited for as long as there are none.
                let awaited = round.socket.awaitedClients
                #expect(awaited?.isEmpty == false)
            case let other: throw UnexpectedEvent(event: "\(other)")
            }
        }
        let expected = try round.expected(2)
        #expect(sum == expected)
        try round.end()
    }

    @Test("one that stops is named, and without it the others are summed", arguments: [true, false])
    func stops(_ hasBegun: Bool) throws {
        var round = try begin(["a": .honest, "b": .honest, "x": hasBegun ? .damaging(.withoutLastPiece) : .silent])
        _ = try round.socket.send(round.agreement.welcome, to: round.peers, schema: round.agreement.schema)
        try round.open(1)
        let end = ContinuousClock.now + .seconds(20)
        while round.socket.awaitedClients != ["x"], ContinuousClock.now < end {
            guard case .timedOut = try round.socket.next(timeout: .milliseconds(5), control: round.control.readEnd)
            else { throw UnexpectedEvent(event: "an end without x") }
        }
        let x = try round.peer("x")
        round.socket.expect(x, round: 1, specs: nil)
        let (peers, total) = try round.sumWithout("x")
        let (others, expected) = (round.peers.filter { $0 != x }, try round.expected(2))
        #expect(Set(peers) == Set(others))
        #expect(total == expected)
        try round.end()
    }

    @Test(
        "one whose update is damaged is refused by name, and without it the others are summed",
        arguments: [UpdateDamage.bytes, .notFinite, .withoutFirstPiece, .shape])
    func damaged(_ damage: UpdateDamage) throws {
        var round = try begin(["a": .honest, "b": .honest, "x": .damaging(damage)])
        _ = try round.socket.send(round.agreement.welcome, to: round.peers, schema: round.agreement.schema)
        try round.open(1)
        let event = try round.socket.event(round.control)
        guard case .refused(client: "x", _) = event else { throw UnexpectedEvent(event: "\(event)") }
        let broken = round.socket.brokenRound(of: "x")
        #expect(broken == 1)
        let x = try round.peer("x")
        round.socket.expect(x, round: 1, specs: nil)
        let (_, sum) = try round.sumWithout("x")
        let expected = try round.expected(2)
        #expect(sum == expected)
        try round.end()
    }

    @Test func `An update that nobody asked for is refused piece by piece, and its sender can still send it`() throws {
        var round = try begin(["a": .honest, "b": .honest, "x": .hasty])
        _ = try round.socket.send(round.agreement.welcome, to: round.peers, schema: round.agreement.schema)
        try round.open(1)
        var refused = 0
        var sum: ParameterSet?
        while sum == nil {
            switch try round.socket.event(round.control) {
            case .refused(client: "x", .outOfRound(round: 1)): refused += 1
            case .gathered(let peers, 1, let total):
                let members = round.peers
                #expect(Set(peers) == Set(members))
                sum = try total.get()
            case let other: throw UnexpectedEvent(event: "\(other)")
            }
        }
        #expect(refused == 6)
        let expected = try round.expected(3)
        #expect(sum == expected)
        try round.end()
    }

    @Test func `How answers come is decided once for all plans of a round, whoever leaves between two`() throws {
        var round = try begin(["a": .honest, "b": .honest, "x": .honest], answerByteLimit: 12_000_000)
        _ = try round.socket.send(round.agreement.welcome, to: round.peers, schema: round.agreement.schema)
        let (a, b, x) = (try round.peer("a"), try round.peer("b"), try round.peer("x"))
        for peer in [a, b, x] {
            round.socket.expect(peer, round: 1, specs: round.agreement.schema.specs, isSummed: true)
        }
        for (peer, isSpeaker) in [(a, true), (b, false)] {
            let plan = RoundPlan(
                round: 1, step: 2, deadline: .seconds(60), parameters: round.agreement.parameters,
                isSpeaker: isSpeaker)
            _ = try round.socket.send(.plan(plan), to: [peer], schema: round.agreement.schema)
            // What is left would need no credit.
            round.socket.expect(x, round: 1, specs: nil)
        }
        let (peers, sum) = try round.sumWithout("x")
        let expected = try round.expected(2)
        #expect(Set(peers) == [a, b])
        #expect(sum == expected)
        try round.end()
    }
}
