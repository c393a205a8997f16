import Federation
import Numerics
import Parameters
import Privacy
import Scenario
import Testing
import Wire

/// Asynchronous rounds of shared item factors, through the coordinator.
@Suite struct AsynchronousTests {
    private static let async = [
        "federation.mode=async", "federation.buffer=2", "federation.speed-spread=1", "federation.local-steps=1",
        "federation.factor-rounds=12",
    ]
    private static let robust = ["median", "trimmed-mean", "krum", "multi-krum"]

    private static func scenario(_ overrides: [String], movies: Int = 5) throws -> ScenarioDefinition {
        try Scenarios.narrow(["clients.movies.count=\(movies)"] + Scenarios.bare + overrides)
    }

    private static func finished(
        _ scenario: ScenarioDefinition, before: (inout AnsweredRun, RoundPlan) -> Void = { _, _ in }
    ) throws -> AnsweredRun {
        var run = try AnsweredRun(scenario)
        run.joinAll()
        try run.play(before: before)
        #expect(run.outcomes == [.completed])
        return run
    }

    private func rounds(_ run: AnsweredRun, of step: RoundStep = .factors) -> [Coordinator.RoundSummary] {
        run.closed.map(\.summary).filter { $0.step == step }
    }

    @Test(arguments: [0, 1, 100])
    func `The versions are those of FedBuff: a buffer's mean change, each by the root of its age`(staleness: Int) throws
    {
        let scenario = try Self.scenario(Self.async + ["federation.staleness=\(staleness)"])
        let run = try Self.finished(scenario)
        let schedule = try #require(FactorSchedule(scenario, domain: "movies", seed: 1, step: .factors))
        let name = TensorName.itemFactors("movies")
        let first = try #require(run.closed.map(\.summary.step).firstIndex(of: .factors)) + 1
        let start = run.actions.compactMap { action -> [Float]? in
            guard case .send(.plan(let plan), _) = action, plan.round == first else { return nil }
            return plan.parameters.values(name)
        }
        // An implementation of its own: every client has a version and a time, and the earliest is looked for.
        var factors = try #require(start.first).map(Double.init)
        var version = [Int](repeating: 0, count: 5)
        var end = schedule.clients.map { schedule.duration(of: $0, version: 0) }
        var ages: [Int] = []
        for round in 0..<12 {
            var sum = [Double](repeating: 0, count: factors.count)
            var persons = 0.0
            var taken: [Int] = []
            var now = 0.0
            var fill = 0
            while fill < 2 {
                let others = (0..<5).filter { !taken.contains($0) }
                let next = try #require(others.min { end[$0] < end[$1] })
                taken.append(next)
                now = max(now, end[next])
                let age = round - version[next]
                if age > staleness { continue }
                fill += 1
                ages.append(age)
                let change = try answer(run, schedule.clients[next], round: first + version[next], .change)
                let weight = Double(try answer(run, schedule.clients[next], round: first + version[next], .weight)[0])
                persons += weight
                for (index, value) in change.enumerated() {
                    sum[index] += weight * Double(value) / Double(1 + age).squareRoot()
                }
            }
            for index in factors.indices { factors[index] += sum[index] / persons }
            for place in taken {
                version[place] = round + 1
                end[place] = now + schedule.duration(of: schedule.clients[place], version: round + 1)
            }
            let (summary, shared) = run.closed[first - 1 + round]
            let found = try shared.require(name)
            for (value, answer) in zip(found, factors) { #expect(abs(Double(value) - answer) < 1e-4) }
            #expect(summary.arrivals.map(\.time) == [now])
            #expect(summary.arrivals[0].updates.count == 2)
            let sorted = taken.map { schedule.clients[$0] }
            #expect(Set(summary.arrivals[0].updates.map(\.client) + summary.arrivals[0].dropped) == Set(sorted))
        }
        #expect(rounds(run).flatMap { $0.arrivals[0].updates.map(\.staleness) } == ages)
        #expect(staleness == 0 ? ages.allSatisfy { $0 == 0 } : ages.contains { $0 > 0 })
        #expect(rounds(run).contains { !$0.arrivals[0].dropped.isEmpty } == (staleness < 100))
    }

    /// What a client of `AnsweredRun` sends.
    private func answer(
        _ run: AnsweredRun, _ id: String, round: Int, _ part: TensorName.FactorPart
    ) throws -> [Float] {
        try run.update(id, round: round, specs: run.plan.uploads(.factors, client: id))
            .parameters.require(TensorName.factor("movies", part))
    }

    @Test(arguments: AggregationStrategy.allCases)
    func `The order in which updates really come changes no bit`(strategy: AggregationStrategy) throws {
        let buffer = Self.robust.contains(strategy.rawValue) ? 5 : 3
        let scenario = try Self.scenario(
            Self.async + ["federation.strategy=\(strategy.rawValue)", "federation.buffer=\(buffer)"], movies: 7)
        let plain = try Self.finished(scenario)
        #expect(rounds(plain).contains { $0.arrivals[0].updates.contains { $0.staleness > 0 } })
        for seed in 0..<3 {
            var run = try AnsweredRun(scenario)
            run.order = RandomStream(root: UInt64(seed), path: ["order"])
            run.joinAll()
            try run.play()
            #expect(run.closed.map(\.shared) == plain.closed.map(\.shared))
            #expect(run.closed.map(\.summary) == plain.closed.map(\.summary))
        }
    }

    @Test(arguments: AggregationStrategy.allCases, ["0", "0.8"])
    func `With a buffer for all, asynchronous rounds are synchronous ones to the bit`(
        strategy: AggregationStrategy, spread: String
    ) throws {
        let common = [
            "federation.strategy=\(strategy.rawValue)", "federation.local-steps=1", "federation.factor-rounds=5",
        ]
        let synchronous = try Self.finished(try Self.scenario(common))
        for mode in [["federation.mode=async", "federation.buffer=5"], ["federation.mode=sync"]] {
            let run = try Self.finished(
                try Self.scenario(
                    common + mode + ["federation.speed-spread=\(spread)", "federation.job-spread=\(spread)"]))
            #expect(run.closed.map(\.shared) == synchronous.closed.map(\.shared))
            #expect(run.plans() == synchronous.plans())
            #expect(rounds(run).allSatisfy { $0.arrivals[0].updates.allSatisfy { $0.staleness == 0 } })
            let times = rounds(run).map { $0.arrivals[0].time }
            #expect(spread == "0" ? times == [1, 2, 3, 4, 5] : Set(times).count == 5 && times == times.sorted())
        }
        #expect(synchronous.closed.allSatisfy { $0.summary.arrivals.isEmpty })
    }

    @Test(arguments: [["federation.strategy=gradient"], ["federation.strategy=fedavg"]])
    func `Exact sums have simulated time too where all are waited for`(strategy: [String]) throws {
        let common = strategy + ["federation.factor-rounds=3"]
        let run = try Self.finished(try Self.scenario(common + ["federation.mode=sync"]))
        #expect(try Self.finished(try Self.scenario(common)).closed.map(\.shared) == run.closed.map(\.shared))
        #expect(rounds(run).map { $0.arrivals.count } == [1, 1, 1])
    }

    @Test func `Two shared domains have a time each, and one that is over waits for the other`() throws {
        let scenario = try Self.scenario(
            Self.async + ["clients.books.count=2", "federation.speed-spread=0", "federation.job-spread=0"]
                + ["federation.simulated-time=3.5", "federation.buffer=1"], movies: 3)
        let run = try Self.finished(scenario)
        for step in [RoundStep.factors, .refitFactors] {
            let domains = rounds(run, of: step).map { $0.arrivals.map(\.domain) }
            // In three units of time three updates of each client.
            #expect(
                domains == Array(repeating: ["books", "movies"], count: 6) + Array(repeating: ["movies"], count: 3))
            #expect(rounds(run, of: step).last?.arrivals.map(\.time) == [3])
            #expect(
                rounds(run, of: step).dropFirst(6).allSatisfy { $0.participants.allSatisfy { $0.hasPrefix("movies") } })
        }
        // The end is known from the beginning, and after any part of the run.
        var other = try AnsweredRun(scenario)
        other.joinAll()
        #expect(other.coordinator.roundCount == run.closed.count)
        for checkpoint in run.checkpoints {
            #expect(try AnsweredRun(resuming: checkpoint, of: run).coordinator.roundCount == run.closed.count)
        }
        #expect(run.coordinator.roundCount == run.closed.count && run.closed.count == scenario.roundCount - 6)
        #expect(!run.actions.contains { if case .warn = $0 { true } else { false } })
    }

    @Test func `A time that is over before anything is learnt is refused`() throws {
        var run = try AnsweredRun(
            try Self.scenario(Self.async + ["federation.speed-spread=0", "federation.simulated-time=0.1"]))
        run.joinAll()
        try run.play()
        let reason = "federation.simulated-time is over before the first version of movies"
        #expect(run.outcomes == [.impossible(reason: reason)])
        #expect(run.closed.isEmpty, "known before the first round")
    }

    @Test func `Where the faster clients are lost and the others come too late, it is said, and ends the next stage`()
        throws
    {
        // Only the first is done within the time, which follows from the seed.
        let scenario = try Self.scenario(Self.async + ["federation.buffer=1", "federation.job-spread=0"])
        let schedule = try #require(FactorSchedule(scenario, domain: "movies", seed: 1, step: .factors))
        let times = schedule.clients.map { (schedule.duration(of: $0, version: 0), $0) }.sorted { $0.0 < $1.0 }
        let short = try Self.scenario(
            Self.async
                + [
                    "federation.buffer=1", "federation.job-spread=0",
                    "federation.simulated-time=\((times[0].0 + times[1].0) / 2)",
                ])
        var run = try AnsweredRun(short)
        run.joinAll()
        try run.play { run, plan in
            if plan.round == 1 { run.handle(.lost(client: times[0].1, how: "was killed")) }
        }
        let reason = "federation.simulated-time is over before the first version of movies by the clients that are left"
        #expect(run.actions.contains(.warn("round 1: \(reason); nothing is learnt")))
        #expect(run.outcomes == [.peerLost(reason: reason)])
        #expect(run.closed.last?.summary.step == .selection)
    }

    @Test func `Who is lost before its update has come adds nothing, and its work is not waited for`() throws {
        let scenario = try Self.scenario(Self.async)
        let whole = try Self.finished(scenario)
        let busy = try #require(rounds(whole).dropFirst(3).first { $0.participants.count == 2 })
        let client = try #require(busy.participants.last)
        let run = try Self.finished(scenario) { run, plan in
            if plan.round == busy.round { run.handle(.lost(client: client, how: "was killed")) }
        }
        #expect(run.closed[busy.round - 1].summary.absences.map(\.client) == [client])
        let later = rounds(run).filter { $0.round >= busy.round }
        #expect(!later.flatMap { $0.arrivals.flatMap(\.updates) }.contains { $0.client == client })
        #expect(later.allSatisfy { !$0.arrivals[0].held.contains(client) && $0.arrivals[0].updates.count == 2 })
    }

    @Test func `Who is lost after its update has come is heard when it arrives, and starts nothing again`() throws {
        let scenario = try Self.scenario(Self.async)
        let whole = try Self.finished(scenario)
        let first = try #require(rounds(whole).first)
        let held = try #require(first.arrivals[0].held.last)
        let run = try Self.finished(scenario) { run, plan in
            if plan.round == first.round + 1 { run.handle(.lost(client: held, how: "was killed")) }
        }
        let heard = rounds(run).flatMap { round in
            round.arrivals[0].updates.filter { $0.client == held }.map { (round.round, $0.staleness) }
        }
        #expect(heard.count == 1)
        #expect(heard.first.map { $0.0 - $0.1 } == first.round)
        #expect(rounds(run).flatMap(\.absences).isEmpty)
    }

    @Test func `Who comes back while its update is on its way is asked once that has arrived`() throws {
        let scenario = try Self.scenario(Self.async)
        let whole = try Self.finished(scenario)
        let first = try #require(rounds(whole).first)
        let held = try #require(first.arrivals[0].held.last)
        let run = try Self.finished(scenario) { run, plan in
            guard plan.round == first.round + 1 else { return }
            run.handle(.lost(client: held, how: "was killed"))
            run.join(held)
            run.handle(.caughtUp(client: held, round: first.round))
        }
        // Nothing was missed: all is as if it had stayed.
        #expect(run.closed.map(\.shared) == whole.closed.map(\.shared))
        #expect(run.closed.map(\.summary.arrivals) == whole.closed.map(\.summary.arrivals))
        #expect(run.closed.contains { $0.summary.returned == [held] })
    }

    @Test func `A checkpoint without an update that is on its way is refused`() throws {
        let whole = try Self.finished(try Self.scenario(Self.async))
        let checkpoint = try #require(whole.checkpoints.first { !$0.heldRounds.isEmpty })
        #expect(checkpoint.heldRounds.count == 3 && Set(checkpoint.updates.keys) == Set(checkpoint.heldRounds.keys))
        #expect(throws: Coordinator.ResumeError.self) {
            try AnsweredRun(resuming: checkpoint.with(moments: checkpoint.moments), of: whole)
        }
    }
}
