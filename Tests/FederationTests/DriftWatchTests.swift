import Federation
import Numerics
import Parameters
import Privacy
import Scenario
import Testing
import Wire

/// A run through windows of time, whose clients release losses that a test chooses.
private struct DriftRun {
    static let overrides =
        Scenarios.bare.filter { $0 != "evaluation.split=seeded" } + [
            "evaluation.split=time", "evaluation.validation-time=0.2", "evaluation.test-time=0.3", "drift.windows=9",
            "drift.warm-up=5", "drift.rounds=2",
        ]
    var federation: Federation

    init(_ overrides: [String] = []) throws {
        federation = try Federation(try Scenarios.narrow(DriftRun.overrides + overrides))
        federation.joinAll()
    }

    /// Plays the run to its end; `loss` is that of a domain in a window, from 1, of a hundred persons.
    mutating func play(_ loss: (_ domain: String, _ window: Int) -> Float?) throws {
        var position = 0
        var window = 0
        while position < federation.actions.count {
            defer { position += 1 }
            guard case .send(.plan(let plan), let clients) = federation.actions[position],
                let step = RoundStep(rawValue: plan.step)
            else { continue }
            if step == .monitor { window = federation.closed.filter { $0.summary.step == .monitor }.count + 1 }
            for client in clients {
                let tensors = try federation.plan.uploads(step, client: client).map { spec in
                    try ParameterSet.Tensor(spec, values: values(spec, client, window, loss))
                }
                federation.handle(
                    .update(
                        client: client,
                        ReceivedUpdate(
                            round: plan.round, policy: .unprotected, parameters: try ParameterSet(tensors))))
            }
        }
    }

    /// The mean rating shift of a domain in a window, of a hundred persons with a spread of 1.
    var shift: (_ domain: String, _ window: Int) -> Float = { _, _ in 0 }
    /// The validation persons behind a gate.
    var gatePersons: Float = 20

    private func values(
        _ spec: TensorSpec, _ domain: String, _ window: Int, _ loss: (String, Int) -> Float?
    ) -> [Float] {
        let ones = [Float](repeating: 1, count: spec.elementCount)
        if spec.name == TensorName.gateCounts { return ones.map { _ in gatePersons } }
        if spec.name == TensorName.gateGains { return ones.map { _ in gatePersons * (window == 0 ? 0 : 0.1) } }
        if spec.release == ReleaseName.windowRatings(domain) {
            let mean = shift(domain, window)
            return [100, 100 * mean, 100 * (1 + mean * mean)]
        }
        guard spec.release == ReleaseName.windowLoss(domain) else {
            return spec.release == ReleaseName.windowFeatures(domain) ? ones.map { _ in 0 } : ones
        }
        guard let loss = loss(domain, window) else { return ones.map { _ in 0 } }
        return ones.map { _ in spec.name == TensorName.window(domain, .count) ? 100 : 100 * loss }
    }

    var steps: [RoundStep] { federation.closed.map(\.summary.step) }

    /// Whom the rounds of a step asked.
    func asked(_ step: RoundStep) -> [[String]] {
        federation.closed.filter { $0.summary.step == step }.map(\.summary.participants)
    }
}

/// Losses that move a little about 0.2.
private func usual(_ window: Int) -> Float { 0.2 + 0.002 * [0, 1, -1, 0.5, -0.5][window % 5] }

@Suite struct DriftWatchTests {
    @Test func `Without windows there is no step of drift and no tensor, and with them nothing adapts without alarm`()
        throws
    {
        let plain = try Federation(try Scenarios.narrow())
        #expect(!plain.plan.steps.contains(.monitor) && plain.coordinator.drift == nil)
        #expect(!plain.plan.schema.specs.contains { $0.name.contains("window") || $0.name.contains("drift") })
        var run = try DriftRun()
        try run.play { _, window in usual(window) }
        #expect(run.steps.count { $0 == .monitor } == 9 && !run.steps.contains(.adapt))
        #expect(run.steps.last == .evaluation && run.federation.outcomes == [.completed])
        let windows = try #require(run.federation.coordinator.drift?.windows["books"])
        #expect(windows.count == 9 && windows.allSatisfy { $0.alarms.isEmpty && !$0.isAdapted })
        #expect(windows.allSatisfy { $0.personCount == 100 })
    }

    @Test func `An alarm adds adaptations after it and the next window, for the domain that has changed alone`() throws
    {
        var run = try DriftRun()
        try run.play { domain, window in domain == "books" && window >= 6 ? 0.4 : usual(window) }
        let monitored = run.steps.drop { $0 != .monitor }
        let alarm = try #require(
            run.federation.coordinator.drift?.windows["books"]?.firstIndex { !$0.alarms.isEmpty })
        #expect((5...6).contains(alarm))
        var expected: [RoundStep] = []
        for window in 0..<9 {
            expected.append(.monitor)
            if window == alarm || window == alarm + 1 { expected += [.adapt, .adaptBridge] }
        }
        #expect(Array(monitored) == expected + [.evaluation])
        #expect(run.asked(.adapt) == [["books"], ["books"]])
        #expect(run.asked(.adaptBridge) == [["persons"], ["persons"]])
        #expect(run.asked(.monitor).allSatisfy { $0 == ["movies", "books"] })
        let windows = try #require(run.federation.coordinator.drift?.windows["books"])
        #expect(windows.indices.filter { windows[$0].isAdapted } == [alarm, alarm + 1])
        #expect(run.federation.coordinator.drift?.windows["movies"]?.allSatisfy { $0.alarms.isEmpty } == true)
        #expect(run.federation.coordinator.roundCount == run.steps.count)
        #expect(run.steps.count <= run.federation.scenario.roundCount)
        // The first changed window is the estimate of the detector, not that of the alarm.
        let state = try #require(
            run.federation.closed.last?.shared.values(TensorName.driftState).flatMap {
                DriftState($0, domains: ["books", "movies"])
            })
        #expect(state == DriftState(window: 9, since: ["books": 6]))
    }

    @Test func `Both domains can adapt, and a window in which nobody is scored raises no alarm`() throws {
        var run = try DriftRun()
        try run.play { _, window in window >= 6 ? 0.4 : usual(window) }
        #expect(run.asked(.adapt).allSatisfy { $0 == ["movies", "books"] } && run.asked(.adapt).count == 2)
        var empty = try DriftRun()
        try empty.play { domain, window in domain == "movies" ? nil : usual(window) }
        #expect(!empty.steps.contains(.adapt))
        #expect(empty.federation.coordinator.drift?.windows["movies"]?.allSatisfy { $0.loss == nil } == true)
    }

    @Test func `Devices see no window sums, domain clients see the state and the times`() throws {
        let plan = try DriftRun().federation.plan
        for spec in plan.schema.specs {
            let isSum = spec.name.contains(".window-")
            let isCommon = [TensorName.windowTimes, TensorName.driftState].contains(spec.name)
            if isSum || isCommon {
                #expect(plan.isVisible(spec, to: "persons") == isCommon, "\(spec.name)")
                #expect(plan.isVisible(spec, to: "movies") == isCommon, "\(spec.name)")
            }
        }
        #expect(!plan.uploads(.encoders, client: "books").contains { $0.name.contains("window") })
        #expect(
            Set(plan.uploads(.adapt, client: "books").map(\.release))
                == ["books.item-factors", "books.moments", "books.item-counts", "books.recent-item-counts"])
        #expect(!plan.uploads(.encoders, client: "books").contains { $0.name.contains("recent") })
        #expect(
            Set(plan.uploads(.adapt, client: "movies").map(\.release)) == ["movies.item-factors", "movies.moments"])
    }

    @Test func `States and times survive their encoding, and what nobody encodes is refused`() {
        let domains = ["books", "movies", "music"]
        let state = DriftState(window: 7, since: ["movies": 3])
        #expect(state.encoded(domains) == [7, 0, 3, 0])
        #expect(DriftState(state.encoded(domains), domains: domains) == state)
        for elements: [Float] in [[], [7, 0, 3], [7, 0, 0.5, 0], [-1, 0, 0, 0], [7, 0, .nan, 0]] {
            #expect(DriftState(elements, domains: domains) == nil)
        }
        let times: [Int64] = [.min, -1, 0, 1_262_304_000, .max]
        #expect(WindowTimesCode.encode(times).count == WindowTimesCode.elementCount(windows: 4))
        #expect(WindowTimesCode.decode(WindowTimesCode.encode(times)) == times)
        #expect(WindowTimesCode.decode([1, 2, 3]) == nil)
        #expect(WindowTimesCode.decode(WindowTimesCode.encode([5, 5])) == nil)
    }

    private static let gated = ["transfer.gate=true"]

    @Test func `After an adaptation the gate is measured again in the next window, before anything trains on it`()
        throws
    {
        var run = try DriftRun(Self.gated)
        try run.play { domain, window in domain == "books" && window >= 6 ? 0.4 : usual(window) }
        let alarm = try #require(
            run.federation.coordinator.drift?.windows["books"]?.firstIndex { !$0.alarms.isEmpty })
        var expected: [RoundStep] = []
        for window in 0..<9 {
            expected.append(.monitor)
            if window == alarm + 1 || window == alarm + 2 { expected.append(.adaptGate) }
            if window == alarm || window == alarm + 1 { expected += [.adapt, .adaptBridge] }
        }
        #expect(Array(run.steps.drop { $0 != .monitor }) == expected + [.evaluation])
        #expect(run.asked(.adaptGate) == [["persons"], ["persons"]])
        let gates = try #require(run.federation.coordinator.drift?.gates)
        #expect(gates.map(\.window) == [0, alarm + 2, alarm + 3])
        #expect(gates[0].weights.allSatisfy { $0.weight == 0 } && gates[2].weights.allSatisfy { $0.weight == 0.25 })
        #expect(gates.allSatisfy { $0.personCount == 20 && !$0.weights.isEmpty })
        // The new one is what devices are sent.
        let last = try #require(run.federation.closed.last?.shared)
        #expect(try last.require(TensorName.gateGains).allSatisfy { abs($0 - 2) < 1e-5 })
        #expect(run.steps.count <= run.federation.scenario.roundCount)
        #expect(run.federation.outcomes == [.completed])
    }

    @Test func `A gate of too few persons changes nothing and is tried again in the next window`() throws {
        var run = try DriftRun(Self.gated)
        run.gatePersons = 9
        try run.play { domain, window in domain == "books" && window >= 6 ? 0.4 : usual(window) }
        #expect(run.federation.coordinator.drift?.gates.map(\.window) == [0])
        #expect(run.asked(.adaptGate).count >= 2)
        let last = try #require(run.federation.closed.last?.shared)
        #expect(try last.require(TensorName.gateGains).allSatisfy { $0 == 0 })
    }

    @Test func `A window in which nobody is scored does not end an adaptation, after which the watch begins anew`()
        throws
    {
        var run = try DriftRun(["drift.windows=16"])
        try run.play { domain, window in
            guard domain == "books", window >= 6 else { return usual(window) }
            return window == 8 ? nil : 0.4 + usual(window)
        }
        let windows = try #require(run.federation.coordinator.drift?.windows["books"])
        let alarms = windows.indices.filter { !windows[$0].alarms.isEmpty }
        let first = try #require(alarms.first)
        #expect(windows.indices.filter { windows[$0].isAdapted } == [first, first + 1])
        #expect(windows[7].loss == nil && (first...first + 1).contains(7))
        // The new level is the usual one after the adaptation.
        #expect(alarms == [first])
    }

    @Test(arguments: [Float(0.8), -0.8])
    func `A shift of ratings raises one alarm, and nothing adapts to it`(points: Float) throws {
        var run = try DriftRun()
        run.shift = { domain, window in
            (domain == "books" && window >= 7 ? points : 0) + 0.01 * Float(window % 3)
        }
        try run.play { _, window in usual(window) }
        let windows = try #require(run.federation.coordinator.drift?.windows["books"])
        #expect(windows.indices.filter { windows[$0].alarms == .ratings } == [6])
        #expect(windows.allSatisfy { $0.alarms.isEmpty || $0.alarms == .ratings })
        #expect(run.federation.coordinator.drift?.windows["movies"]?.allSatisfy { $0.alarms.isEmpty } == true)
        #expect(!run.steps.contains(.adapt))
    }

    @Test func `A shift within the noise of the windows, and sums that say nothing, raise no alarm of ratings`() {
        var alarm = RatingShiftAlarm(warmUpCount: 2)
        func alarms(_ count: Double, _ sum: Double, _ squares: Double) -> Bool {
            alarm.observe(RatingShifts(count: count, sum: sum, squares: squares))
        }
        for _ in 0..<2 { #expect(!alarms(100, 0, 100)) }
        // Standard error: √(1/100 + 1/200) = 0.122; five of them are 0.61.
        #expect(!alarms(100, 60, 100 + 36))
        #expect(!alarms(1, 99, 9_801) && !alarms(50, .nan, 1) && !alarms(50, 1, .infinity))
        #expect(alarms(100, -63, 100 + 0.63 * 63))
        // What it is now is usual.
        #expect(!alarms(100, -63, 100 + 0.63 * 63))
        // Ratings that are all alike.
        alarm = RatingShiftAlarm(warmUpCount: 1)
        for _ in 0..<4 { #expect(!alarms(9, 0, 0)) }
    }
}
