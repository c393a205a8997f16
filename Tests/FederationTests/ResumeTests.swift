import Federation
import Foundation
import Numerics
import Parameters
import Privacy
import Scenario
import Testing
import Wire

/// A coordinator whose every plan is answered with values that are a function of client and round.
struct AnsweredRun {
    let scenario: ScenarioDefinition
    let plan: RunPlan
    var coordinator: Coordinator
    var now = Duration.seconds(1_000)
    private(set) var actions: [Coordinator.Action] = []
    private var position = 0
    /// Clients whose plans are not answered.
    var silent: Set<String> = []
    /// What shuffles the answers to a plan; `nil` for the order of the scenario.
    var order: RandomStream?

    init(_ scenario: ScenarioDefinition) throws {
        self.scenario = scenario
        plan = try RunPlan(scenario, catalogues: scenario.domains.map { Federation.catalogue($0) })
        coordinator = Coordinator(scenario, seed: 1, now: now)
    }

    /// The run that goes on from a checkpoint of another.
    init(resuming checkpoint: Coordinator.Checkpoint, of run: AnsweredRun) throws {
        scenario = run.scenario
        plan = run.plan
        let text = try JSONEncoder().encode(checkpoint)
        let read = try JSONDecoder().decode(Coordinator.Checkpoint.self, from: text)
        coordinator = try Coordinator(
            resuming: read.with(moments: checkpoint.moments, updates: checkpoint.updates), scenario, seed: 1, now: now,
            shared: run.shared(after: checkpoint.closedRounds),
            beforeRefit: run.shared(after: checkpoint.refitStart ?? 0),
            ledger: Ledger(client: Coordinator.name) { _ in })
    }

    @discardableResult mutating func handle(_ event: Coordinator.Event) -> [Coordinator.Action] {
        let wanted = coordinator.handle(event, now: now)
        actions += wanted
        return wanted
    }

    /// The catalogues of a client.
    func catalogues(of id: String) -> [Catalogue] {
        let client = scenario.clients.first { $0.id == id }
        let links = client?.group.links.sorted() ?? []
        return (links.isEmpty ? [client?.group.domain ?? ""] : links).map { Federation.catalogue($0) }
    }

    @discardableResult mutating func join(_ id: String) -> [Coordinator.Action] {
        handle(.joined(client: id, catalogues: catalogues(of: id)))
    }

    mutating func joinAll() { for client in scenario.clients { join(client.id) } }

    /// Answers every plan until there is none that would be answered.
    ///
    /// - Parameter before: is asked at each round's first plan and may make something happen.
    mutating func play(before: (inout AnsweredRun, RoundPlan) -> Void = { _, _ in }) throws {
        var last = 0
        while position < actions.count {
            defer { position += 1 }
            guard case .send(.plan(let plan), let clients) = actions[position],
                let step = RoundStep(rawValue: plan.step)
            else { continue }
            if plan.round != last { before(&self, plan) }
            last = plan.round
            for id in shuffled(clients) where coordinator.isExpected(id) && !silent.contains(id) {
                let specs = self.plan.uploads(step, client: id, isSpeaker: plan.isSpeaker)
                handle(.update(client: id, try update(id, round: plan.round, specs: specs)))
            }
        }
    }

    /// What a client answers: a function of itself and the round.
    func update(_ id: String, round: Int, specs: [TensorSpec]) throws -> ReceivedUpdate {
        var stream = RandomStream(root: 1, path: [.name(id), .number(round)])
        let tensors = try specs.map { spec in
            try ParameterSet.Tensor(
                spec, values: (0..<spec.elementCount).map { _ in Float(abs(stream.gaussian()) + 1) })
        }
        return ReceivedUpdate(round: round, policy: .unprotected, parameters: try ParameterSet(tensors))
    }

    private mutating func shuffled(_ clients: [String]) -> [String] {
        guard var stream = order else { return clients }
        defer { order = stream }
        return stream.permutation(count: clients.count).map { clients[$0] }
    }

    var closed: [(summary: Coordinator.RoundSummary, shared: ParameterSet)] {
        actions.compactMap { if case .closed(let summary, let shared) = $0 { (summary, shared) } else { nil } }
    }

    var checkpoints: [Coordinator.Checkpoint] {
        actions.compactMap { if case .checkpoint(let checkpoint) = $0 { checkpoint } else { nil } }
    }

    var outcomes: [Coordinator.Outcome] {
        actions.compactMap { if case .finish(let outcome) = $0 { outcome } else { nil } }
    }

    /// The plans from a round on, and who was sent them.
    func plans(from round: Int = 0) -> [String] {
        actions.compactMap {
            if case .send(.plan(let plan), let clients) = $0, plan.round >= round { "\(clients) \(plan)" } else { nil }
        }
    }

    /// What had been broadcast after so many rounds.
    func shared(after round: Int) -> ParameterSet {
        closed.first { $0.summary.round == round }?.shared ?? ParameterSet()
    }
}

/// Runs that are taken up again.
@Suite struct ResumeTests {
    private static let shared =
        ["clients.movies.count=3", "clients.books.count=3", "federation.factor-rounds=3"] + Scenarios.bare
    private static let strategies = ["fedavg", "fedavgm", "fedadam", "fedyogi", "scaffold", "median"].map {
        shared + ["federation.strategy=\($0)", "federation.local-steps=1"]
    }
    private static let asynchronous: [[String]] = [
        ["federation.buffer=1"], ["federation.strategy=fedadam", "federation.buffer=1"],
        ["federation.strategy=scaffold", "federation.buffer=1"],
        ["federation.strategy=median", "federation.buffer=3", "clients.movies.count=5"],
        ["federation.buffer=1", "federation.simulated-time=2.5"],
    ].map {
        shared + [
            "federation.local-steps=1", "federation.factor-rounds=7", "federation.mode=async",
            "federation.speed-spread=1", "federation.staleness=1",
        ] + $0
    }
    private static let others: [[String]] = [
        Scenarios.bare + ["transfer.map=mlp", "transfer.mlp.rounds=4", "transfer.mlp.units=3"],
        [
            "world.times=true", "drift.windows=6", "drift.warm-up=3", "drift.end=0.95", "evaluation.split=time",
            "evaluation.baselines=[]",
        ],
        ["transfer.method=adversarial", "transfer.adversarial.rounds=2", "transfer.gate=false"],
        ["privacy.mode=central", "privacy.epsilon=2", "transfer.dimension=2", "transfer.source-dimension=2"],
    ]
    static let variants: [[String]] =
        [[], Scenarios.bare, ["transfer.method=meta", "transfer.meta.rounds=3"]] + strategies
        + [shared + ["federation.strategy=gradient"]] + asynchronous + others

    @Test(arguments: variants)
    func `A run that is taken up after any round sends and shares to the bit what one does that was not stopped`(
        overrides: [String]
    ) throws {
        var whole = try AnsweredRun(try Scenarios.narrow(overrides))
        whole.joinAll()
        try whole.play()
        #expect(whole.outcomes == [.completed])
        let checkpoints = whole.checkpoints
        #expect(checkpoints.map(\.closedRounds) == Array(0..<whole.closed.count))
        for checkpoint in checkpoints {
            let round = checkpoint.closedRounds
            var resumed = try AnsweredRun(resuming: checkpoint, of: whole)
            for client in whole.scenario.clients.map(\.id) {
                #expect(resumed.coordinator.mayJoin(client))
                let wanted = resumed.join(client)
                #expect(wanted.last == .catchUp(client))
                #expect(resumed.plans().isEmpty, "nobody is asked before all are back")
            }
            for client in whole.scenario.clients.map(\.id) {
                resumed.handle(.acknowledged(client: client))
                resumed.handle(.caughtUp(client: client, round: max(0, round - 1)))
            }
            try resumed.play()
            #expect(resumed.outcomes == [.completed], "after round \(round)")
            #expect(resumed.plans() == whole.plans(from: round + 1), "after round \(round)")
            #expect(resumed.closed.map(\.summary) == whole.closed.dropFirst(round).map(\.summary))
            #expect(resumed.closed.map(\.shared) == whole.closed.dropFirst(round).map(\.shared), "after round \(round)")
            #expect(resumed.coordinator.drift?.windows == whole.coordinator.drift?.windows)
            #expect(resumed.coordinator.drift?.gates == whole.coordinator.drift?.gates)
        }
    }

    @Test func `Who was lost before the checkpoint stays lost, and is not waited for`() throws {
        var whole = try AnsweredRun(try Scenarios.narrow(ResumeTests.shared + ["federation.local-steps=1"]))
        whole.joinAll()
        try whole.play { run, plan in
            if plan.round == 2 { run.handle(.lost(client: "movies-2", how: "was killed")) }
        }
        let checkpoint = try #require(whole.checkpoints.first { $0.closedRounds == 3 })
        #expect(checkpoint.lost == ["movies-2": "was killed"])
        var resumed = try AnsweredRun(resuming: checkpoint, of: whole)
        for client in whole.scenario.clients.map(\.id) where client != "movies-2" {
            resumed.join(client)
            resumed.handle(.caughtUp(client: client, round: 3))
        }
        try resumed.play()
        #expect(resumed.plans() == whole.plans(from: 4))
        #expect(resumed.coordinator.lostClients == ["movies-2"] && resumed.outcomes == [.completed])
    }

    @Test func `A checkpoint without the moments of its strategy is refused`() throws {
        var whole = try AnsweredRun(
            try Scenarios.narrow(ResumeTests.shared + ["federation.strategy=fedadam", "federation.local-steps=1"]))
        whole.joinAll()
        try whole.play()
        let checkpoint = try #require(whole.checkpoints.first { $0.closedRounds == 1 })
        #expect(checkpoint.moments["movies"]?.isEmpty == false)
        #expect(throws: Coordinator.ResumeError.notOfThisRun("the moments of books are missing")) {
            try AnsweredRun(
                resuming: checkpoint.with(moments: ["movies": checkpoint.moments["movies"] ?? []]), of: whole)
        }
    }

    @Test func `What a checkpoint takes does not grow with the rounds of a run`() throws {
        func byteCount(_ rounds: Int) throws -> Int {
            var run = try AnsweredRun(
                try Scenarios.narrow(
                    ResumeTests.shared
                        + [
                            "federation.factor-rounds=\(rounds)", "federation.local-steps=1",
                            "federation.rounds=200008",
                        ]))
            run.joinAll()
            #expect(run.coordinator.roundCount > 2 * rounds)
            return try JSONEncoder().encode(try #require(run.checkpoints.first)).count
        }
        #expect(try byteCount(100_000) <= byteCount(10) + 2 * 5)
    }

    @Test(arguments: [
        ("[]", 0), ("[{\"step\":99,\"count\":3}]", 0), ("[{\"step\":3,\"count\":0}]", 0),
        ("[{\"step\":3,\"count\":-4}]", 0),
        ("[{\"step\":3,\"count\":3}]", 3), ("[{\"step\":3,\"count\":3}]", -1),
        ("[{\"step\":3,\"count\":4611686018427387904}]", 0),
        ("[{\"step\":3,\"count\":16777216},{\"step\":3,\"count\":9223372036854775807}]", 0),
    ]) func `A checkpoint with steps that no run has is refused before memory is taken for them`(
        steps: String, closed: Int
    ) throws {
        var run = try AnsweredRun(try Scenarios.narrow(ResumeTests.shared + ["federation.local-steps=1"]))
        run.joinAll()
        let text = try JSONEncoder().encode(try #require(run.checkpoints.first))
        var object = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
        object["steps"] = try JSONSerialization.jsonObject(with: Data(steps.utf8))
        object["closedRounds"] = closed
        let damaged = try JSONDecoder().decode(
            Coordinator.Checkpoint.self, from: JSONSerialization.data(withJSONObject: object))
        #expect(throws: Coordinator.ResumeError.notOfThisRun("it has steps that are unknown")) {
            try AnsweredRun(resuming: damaged, of: run)
        }
    }
}
