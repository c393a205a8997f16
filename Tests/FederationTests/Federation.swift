import Cryptography
import Federation
import Numerics
import Parameters
import Privacy
import Scenario
import TestSupport
import Wire

/// Scenarios for the tests.
enum Scenarios {
    /// Two source domains, three persons clients one of which links one source only.
    static func wide(_ overrides: [String] = []) throws -> ScenarioDefinition {
        try ScenarioDefinition(
            yaml: """
                name: wide
                world: {persons: 7919, items: 101, interactions: 13}
                clients:
                  - {id: movies, domain: movies, data: {format: synthetic}}
                  - {id: music, domain: music, data: {format: synthetic}}
                  - {id: books, domain: books, data: {format: synthetic}}
                  - {id: all, domain: persons, count: 2, links: [movies, music, books]}
                  - {id: some, domain: persons, links: [movies, books]}
                target: books
                model: {factors: 3}
                transfer: {dimension: 2}
                evaluation: {fedavg-rounds: 2}
                federation: {deadline: 60s, join-deadline: 30s, minimum-clients: 2}
                """, file: "wide.yaml", overrides: overrides)
    }

    /// Overrides for the shortest run: a seeded split and no baselines.
    static let bare = ["evaluation.split=seeded", "evaluation.baselines=[]", "transfer.gate=false"]

    /// One source, one target, one persons client.
    static func narrow(_ overrides: [String] = []) throws -> ScenarioDefinition {
        try ScenarioDefinition(
            yaml: """
                name: narrow
                world: {persons: 7919, items: 101, interactions: 13}
                clients:
                  - {id: movies, domain: movies, data: {format: synthetic}}
                  - {id: books, domain: books, data: {format: synthetic}}
                  - {id: persons, domain: persons, links: [movies, books]}
                target: books
                model: {factors: 3}
                federation: {minimum-clients: 1}
                """, file: "narrow.yaml", overrides: overrides)
    }
}

/// A coordinator with the plan, a clock and answers at hand.
struct Federation {
    let scenario: ScenarioDefinition
    let plan: RunPlan
    let seed: UInt64
    var coordinator: Coordinator
    var now = Duration.seconds(1_000)
    /// Everything that the coordinator has wanted so far.
    private(set) var actions: [Coordinator.Action] = []

    init(_ scenario: ScenarioDefinition, seed: UInt64 = 1) throws {
        self.scenario = scenario
        self.seed = seed
        plan = try RunPlan(scenario, catalogues: scenario.domains.map { Federation.catalogue($0) })
        coordinator = Coordinator(scenario, seed: Int(seed), now: now)
    }

    /// The catalogue of a domain: between 41 and 43 items.
    static func catalogue(_ domain: String, itemCount: Int? = nil) -> Catalogue {
        let itemCount = itemCount ?? ["books": 41, "movies": 42, "music": 43][domain] ?? 44
        return Catalogue(domain: domain, itemCount: itemCount, digest: sha256(Array(domain.utf8)))
    }

    var clients: [String] { scenario.clients.map(\.id) }

    /// Every round, from 1.
    var rounds: ClosedRange<Int> { 1...scenario.roundCount }

    /// The rounds of a step.
    func rounds(of step: RoundStep) -> [Int] { plan.steps.indices.filter { plan.steps[$0] == step }.map { $0 + 1 } }

    /// The round of a step that has one.
    func round(of step: RoundStep) -> Int { rounds(of: step)[0] }

    /// The catalogues of the domains whose data a client holds.
    func catalogues(of id: String) -> [Catalogue] {
        guard let client = scenario.clients.first(where: { $0.id == id }) else { return [] }
        return (client.group.isPersons ? client.group.links.sorted() : [client.group.domain]).map {
            Federation.catalogue($0)
        }
    }

    @discardableResult mutating func handle(_ event: Coordinator.Event) -> [Coordinator.Action] {
        let wanted = coordinator.handle(event, now: now)
        actions += wanted
        return wanted
    }

    @discardableResult mutating func join(_ id: String) -> [Coordinator.Action] {
        handle(.joined(client: id, catalogues: catalogues(of: id)))
    }

    mutating func joinAll(except absent: Set<String> = []) {
        for id in clients where !absent.contains(id) { join(id) }
    }

    /// The update of a client for a round: a function of seed, client and round alone.
    func update(_ id: String, round: Int) throws -> ReceivedUpdate {
        var stream = RandomStream(root: seed, path: ["federation", .name(id), .number(round)])
        let tensors = try plan.uploads(plan.steps[round - 1], client: id).map { spec in
            try ParameterSet.Tensor(spec, values: (0..<spec.elementCount).map { _ in Float(stream.gaussian()) })
        }
        return ReceivedUpdate(round: round, policy: .unprotected, parameters: try ParameterSet(tensors))
    }

    @discardableResult mutating func answer(_ id: String, round: Int) throws -> [Coordinator.Action] {
        handle(.update(client: id, try update(id, round: round)))
    }

    /// Answers of all participants that are not lost, in the order of the scenario.
    @discardableResult mutating func answerAll(round: Int) throws -> [Coordinator.Action] {
        let lost = coordinator.lostClients
        var last: [Coordinator.Action] = []
        for id in plan.participants(plan.steps[round - 1]) where !lost.contains(id) {
            last = try answer(id, round: round)
        }
        return last
    }

    /// Answers of all participants in every round that is left.
    mutating func answerToTheEnd(from first: Int = 1) throws {
        for round in first...scenario.roundCount { try answerAll(round: round) }
    }

    /// What the first client that is asked in a round is sent of a tensor.
    func sent(_ name: String, round: Int) -> [Float]? {
        for case .send(.plan(let message), _) in actions where message.round == round {
            if let values = message.parameters.values(name) { return values }
        }
        return nil
    }

    /// The rounds that have closed.
    var closed: [(summary: Coordinator.RoundSummary, shared: ParameterSet)] {
        actions.compactMap { if case .closed(let summary, let shared) = $0 { (summary, shared) } else { nil } }
    }

    /// How the run ended.
    var outcomes: [Coordinator.Outcome] {
        actions.compactMap { if case .finish(let outcome) = $0 { outcome } else { nil } }
    }

    /// The plans that a client was sent, in order.
    func plans(to id: String) -> [RoundPlan] {
        actions.compactMap {
            if case .send(.plan(let plan), let receivers) = $0, receivers.contains(id) { plan } else { nil }
        }
    }

    /// The goodbyes that a client was sent.
    func goodbyes(to id: String) -> [EndReason] {
        actions.compactMap {
            if case .send(.goodbye(let reason), let receivers) = $0, receivers.contains(id) { reason } else { nil }
        }
    }
}

extension Coordinator.Outcome {
    /// Whether the run ended for want of clients.
    var isPeerLost: Bool { if case .peerLost = self { true } else { false } }
}
