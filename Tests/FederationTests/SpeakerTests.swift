import Federation
import Numerics
import Parameters
import Privacy
import Scenario
import Testing
import Wire

/// A run of shared domains that loses clients when a test says so.
private struct SharedRun {
    var federation: Federation
    /// The round, step, clients and flags of every plan, in order.
    private(set) var plans: [(plan: RoundPlan, clients: [String])] = []

    static let counts = [
        "clients.movies.count=3", "clients.books.count=2", "federation.local-steps=1", "federation.factor-rounds=2",
        "evaluation.baselines=[]", "transfer.gate=false",
    ]

    init(_ overrides: [String] = []) throws {
        federation = try Federation(try Scenarios.narrow(SharedRun.counts + overrides))
        federation.joinAll()
    }

    /// Answers every plan; `loses` says which clients are lost as a plan reaches them, before they answer.
    mutating func play(
        loses: (RoundStep, _ times: Int) -> [String] = { _, _ in [] },
        tensor: (TensorSpec, RoundStep) -> [Float]? = { _, _ in nil }
    ) throws {
        var position = 0
        var times: [RoundStep: Int] = [:]
        var lastRound = 0
        while position < federation.actions.count {
            defer { position += 1 }
            guard case .send(.plan(let plan), let clients) = federation.actions[position],
                let step = RoundStep(rawValue: plan.step)
            else { continue }
            plans.append((plan, clients))
            if plan.round != lastRound {
                lastRound = plan.round
                times[step, default: 0] += 1
                for id in loses(step, times[step] ?? 0) { federation.handle(.lost(client: id, how: "was killed")) }
            }
            for id in clients where federation.coordinator.isExpected(id) {
                let specs = federation.plan.uploads(step, client: id, isSpeaker: plan.isSpeaker)
                var stream = RandomStream(root: 1, path: [.name(id), .number(plan.round)])
                let tensors = try specs.map { spec in
                    let values =
                        tensor(spec, step) ?? (0..<spec.elementCount).map { _ in Float(abs(stream.gaussian()) + 1) }
                    return try ParameterSet.Tensor(spec, values: values)
                }
                federation.handle(
                    .update(
                        client: id,
                        ReceivedUpdate(
                            round: plan.round, policy: .unprotected, parameters: try ParameterSet(tensors))))
            }
        }
    }

    var warnings: [String] {
        federation.actions.compactMap { if case .warn(let text) = $0 { text } else { nil } }
    }

    /// Who spoke in each round of a step.
    func speakers(_ step: RoundStep) -> [[String]] {
        Dictionary(grouping: plans.filter { $0.plan.step == step.rawValue }, by: \.plan.round).sorted {
            $0.key < $1.key
        }
        .map { $0.value.filter(\.plan.isSpeaker).flatMap(\.clients) }
    }

    func shared(after step: RoundStep) throws -> ParameterSet {
        try #require(federation.closed.last { $0.summary.step == step }).shared
    }
}

@Suite struct SpeakerTests {
    /// A scenario whose domains several clients share, and a step in which one of them speaks.
    static let games = [
        "transfer.method=adversarial", "transfer.adversarial.rounds=3", "transfer.adversarial.bins=1",
        "evaluation.split=seeded",
    ]

    @Test func `Of every domain the first client speaks, and the first of those that are left`() throws {
        let plan = try SharedRun().federation.plan
        #expect(plan.speakers(among: ["movies-1", "movies-2", "books-2", "persons"]) == ["movies-1", "books-2"])
        #expect(plan.participants(.calendar, speakers: ["books-2"]) == ["books-2"])
        #expect(plan.uploads(.calendar, client: "books-2").isEmpty)
        #expect(!plan.uploads(.calendar, client: "books-2", isSpeaker: true).isEmpty)
        var run = try SharedRun()
        try run.play()
        #expect(run.federation.outcomes == [.completed] && run.warnings.isEmpty)
        #expect(run.speakers(.encoders) == [["movies-1", "books-1"]])
        #expect(run.plans.allSatisfy { !$0.plan.isRepeated })
    }

    @Test(arguments: [RoundStep.calendar, .factors, .encoders, .bridge, .refitFactors, .refitEncoders])
    func `A run goes on without the first client of a domain, whenever it is lost`(step: RoundStep) throws {
        for id in ["books-1", "movies-1"] {
            var run = try SharedRun()
            try run.play { $0 == step && $1 == 1 ? [id] : [] }
            #expect(run.federation.outcomes == [.completed], "\(id) in \(step)")
            // Nothing that one client says for all was due in the last training, so that it is not done again.
            let last = try #require(run.speakers(step == .refitEncoders ? .encoders : .refitEncoders).last)
            #expect(
                step == .refitEncoders || last.contains(id.hasPrefix("books") ? "books-2" : "movies-2"),
                "\(id) in \(step)")
            // Every tensor of the last training is there.
            let changed = try #require(run.federation.closed.last { $0.summary.step == .refitEncoders }).summary.changed
            for domain in ["books", "movies"] { #expect(changed.contains(TensorName.momentCount(domain))) }
        }
    }

    @Test func `A round whose speaker was lost in it is done again by another, and the given-up sums leave no trace`()
        throws
    {
        var run = try SharedRun()
        try run.play { step, times in step == .calendar && times == 1 ? ["books-1"] : [] }
        #expect(run.speakers(.calendar) == [["books-1"], ["books-2"]])
        #expect(run.plans.map(\.plan.isRepeated).prefix(3) == [false, true, false])
        #expect(run.warnings.contains { $0.contains("round 1 (calendar) is done again: books-2 now speaks") })
        let rounds = run.federation.closed.map(\.summary.round)
        #expect(rounds == Array(1...run.federation.scenario.roundCount + 1))
        // Of nothing that all clients would have said alike is there more than one in a shared sum.
        var game = try SharedRun(Self.games)
        try game.play { step, times in step == .adversarial && times == 2 ? ["movies-1"] : [] }
        #expect(game.federation.outcomes == [.completed], "\(game.warnings)")
        let exchanges = game.plans.filter { $0.plan.step == RoundStep.adversarial.rawValue }
        let repeated = Set(exchanges.filter(\.plan.isRepeated).map(\.plan.round))
        #expect(repeated.count == 1)
        let number = try #require(repeated.first)
        let shared = game.federation.closed.map(\.shared)
        // The given-up round has the parameters of the one before it.
        #expect(shared[number - 2] == shared[number - 3])
        #expect(shared[number - 1] != shared[number - 2])
        #expect(game.speakers(.adversarial).last == ["movies-2", "books-1"])
        #expect(
            try #require(game.federation.closed.last { $0.summary.step == .refitEncoders }).summary.changed.contains(
                TensorName.features("movies", method: MethodName.adversarialMethods[0])))
    }

    @Test func `Every client of a domain may be lost one after the other in one step; the last ends the run`() throws {
        var run = try SharedRun()
        try run.play { step, times in step == .calendar ? ["books-\(times)"] : [] }
        guard case .peerLost(let reason) = run.federation.outcomes.first else {
            Issue.record("\(run.federation.outcomes)")
            return
        }
        #expect(reason.contains("(calendar): no client of the target domain books is left"))
        #expect(reason.contains("lost: books-1, books-2"))
        #expect(run.federation.closed.count == 2)
    }

    @Test(arguments: [RoundStep.refitFactors, .refitEncoders])
    func `A domain that nobody can train again keeps models that fit each other, and the run says so`(
        step: RoundStep
    ) throws {
        var run = try SharedRun()
        let all = ["movies-1", "movies-2", "movies-3"]
        try run.play { $0 == step && $1 == 1 ? all : [] }
        #expect(run.federation.outcomes == [.completed])
        let (first, last) = (try run.shared(after: .encoders), try run.shared(after: .evaluation))
        for name in [TensorName.itemFactors("movies"), TensorName.momentProduct("movies")] {
            #expect(try last.require(name) == first.require(name), "\(name)")
        }
        #expect(try last.require(TensorName.itemFactors("books")) != first.require(TensorName.itemFactors("books")))
        #expect(run.warnings.contains { $0.contains("nobody has trained movies again") }, "\(run.warnings)")
        // The devices are sent what the domain went back to.
        let bridge = try #require(run.plans.last { $0.plan.step == RoundStep.refitBridge.rawValue })
        let sent = bridge.plan.parameters.values(TensorName.itemFactors("movies"))
        #expect(try sent == first.require(TensorName.itemFactors("movies")))
    }

    @Test func `A second training of the game that lacks a domain ends the run`() throws {
        var run = try SharedRun(Self.games + ["transfer.adversarial.target-preferences=true"])
        try run.play { step, _ in step == .refitEncoders ? ["movies-1", "movies-2", "movies-3"] : [] }
        guard case .peerLost(let reason) = run.federation.outcomes.first else {
            Issue.record("\(run.federation.outcomes)")
            return
        }
        #expect(reason.contains("no client of domain movies is left to train it again"))
        #expect(reason.contains("movies-1, movies-2, movies-3"))
    }

    @Test(arguments: [RoundStep.refitBridge, .bridge])
    func `Bridges of another training do not stand for those that could not be summed`(step: RoundStep) throws {
        var run = try SharedRun(["clients.persons.count=2"])
        try run.play(tensor: { spec, at in
            at == step && spec.name == TensorName.crossMoment(isShuffled: false)
                ? [Float](repeating: spec.bound, count: spec.elementCount) : nil
        })
        guard case .peerLost(let reason) = run.federation.outcomes.first else {
            Issue.record("\(run.federation.outcomes)")
            return
        }
        #expect(reason.contains("(\(step)): there are no cross-moments of persons with the present models"))
    }
}
