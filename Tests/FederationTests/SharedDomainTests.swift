import Federation
import Numerics
import Parameters
import Privacy
import Scenario
import Testing
import Wire

@Suite("Domains that several clients share")
struct SharedDomainTests {
    static func scenario(_ overrides: [String]) throws -> ScenarioDefinition {
        try Scenarios.narrow(
            ["clients.movies.count=5", "model.iterations=3", "federation.minimum-clients=1"] + Scenarios.bare
                + overrides)
    }

    static let everyStrategy = StrategyNames.all.map { name in
        ["federation.strategy=\(name)"] + (name == "fedavg" ? [] : ["federation.factor-rounds=4"])
    }

    @Test("the names of a scenario are the strategies that there are, and the gradient")
    func names() {
        #expect(Set(StrategyNames.all) == Set(AggregationStrategy.allCases.map(\.rawValue) + ["gradient"]))
        #expect(Set(StrategyNames.all).count == StrategyNames.all.count)
    }

    @Test("every strategy leads to the end, in the same way for any order of arrival", arguments: everyStrategy)
    func orderFree(overrides: [String]) throws {
        func result(_ isReversed: Bool) throws -> [ParameterSet] {
            var federation = try Federation(try Self.scenario(overrides))
            federation.joinAll()
            for round in federation.rounds {
                let participants = federation.plan.participants(federation.plan.steps[round - 1])
                for id in isReversed ? participants.reversed() : participants {
                    federation.handle(.update(client: id, try Self.update(federation, id, round: round)))
                }
            }
            #expect(federation.outcomes == [.completed])
            #expect(!federation.actions.contains { if case .warn = $0 { true } else { false } })
            return federation.closed.map(\.shared)
        }
        let forwards = try result(false)
        #expect(try result(true) == forwards)
        // The factors move in every round, and only they and the control variate reach the clients.
        let name = TensorName.itemFactors("movies")
        let history = forwards.prefix(3).compactMap { $0.values(name) }
        #expect(history.count == 3 && Set(history).count == 3)
        #expect(forwards.allSatisfy { $0.specs.allSatisfy { $0.release != ReleaseName.factorUpdates("movies") } })
    }

    /// The update of the fixture, with sums that some persons could have and a weight above 0.
    static func update(_ federation: Federation, _ id: String, round: Int) throws -> ReceivedUpdate {
        let update = try federation.update(id, round: round)
        var parameters = update.parameters
        for tensor in update.parameters.tensors where tensor.spec.release == ReleaseName.factorUpdates("movies") {
            switch tensor.spec.name {
            case TensorName.factor("movies", .weight):
                parameters.set(try ParameterSet.Tensor(tensor.spec, values: [Float(10 + id.utf8.count)]))
            case TensorName.factor("movies", .gram):
                // V Vᵀ, and so is its part of one item's persons: nothing.
                let width = tensor.spec.shape[0]
                let v = Matrix(rowCount: width, columnCount: width, values: tensor.values)
                parameters.set(
                    try ParameterSet.Tensor(tensor.spec, values: v.multiplied(byTransposeOf: v).values))
            case TensorName.factor("movies", .products):
                parameters.set(
                    try ParameterSet.Tensor(
                        tensor.spec, values: [Float](repeating: 0, count: tensor.spec.elementCount)))
            default: break
            }
        }
        return ReceivedUpdate(round: round, policy: update.policy, parameters: parameters)
    }

    @Test("fedavg with local steps moves the factors by the mean change, weighted by persons")
    func meanChange() throws {
        var federation = try Federation(
            try Self.scenario(["federation.local-steps=1", "federation.factor-rounds=2"]))
        federation.joinAll()
        let name = TensorName.itemFactors("movies")
        let start = try #require(federation.plans(to: "movies-1").first?.parameters.values(name))
        var mean = [Double](repeating: 0, count: start.count)
        for id in federation.plan.participants(.factors) {
            let update = try Self.update(federation, id, round: 1)
            let change = try update.parameters.require(TensorName.factor("movies", .change))
            for (index, value) in change.enumerated() { mean[index] += Double(value) / 5 }
            federation.handle(.update(client: id, update))
        }
        let moved = try #require(federation.closed.first?.shared.values(name))
        for index in start.indices { #expect(abs(Double(moved[index]) - Double(start[index]) - mean[index]) < 1e-5) }
        // What everybody is sent next is what the round made.
        #expect(federation.plans(to: "movies-3").last?.parameters.values(name) == moved)
    }

    @Test("a gradient is that of all persons, however they are divided between the clients")
    func gradientOfAll() throws {
        func factors(isTogether: Bool) throws -> [Float] {
            var federation = try Federation(try Self.scenario(["federation.strategy=gradient"]))
            federation.joinAll()
            let ids = federation.plan.participants(.factors)
            let parts = try ids.map { try Self.update(federation, $0, round: 1).parameters }
            for (index, id) in ids.enumerated() {
                let tensors = try parts[index].tensors.map { tensor in
                    let all = (0..<tensor.values.count).map { element in
                        parts.reduce(Float(0)) { $0 + ($1.values(tensor.spec.name)?[element] ?? 0) }
                    }
                    let nothing = [Float](repeating: 0, count: all.count)
                    return try ParameterSet.Tensor(
                        tensor.spec, values: !isTogether ? tensor.values : index == 0 ? all : nothing)
                }
                federation.handle(
                    .update(
                        client: id,
                        ReceivedUpdate(round: 1, policy: .unprotected, parameters: try ParameterSet(tensors))))
            }
            return try #require(federation.closed.first?.shared.values(TensorName.itemFactors("movies")))
        }
        let (together, apart) = (try factors(isTogether: true), try factors(isTogether: false))
        for (first, second) in zip(together, apart) { #expect(abs(first - second) < 1e-4) }
    }

    @Test("an update beyond the bound is not taken for the run's end: fedavg goes on with the others")
    func falseSums() throws {
        var federation = try Federation(try Self.scenario([]))
        federation.joinAll()
        let name = TensorName.itemFactors("movies")
        let start = try #require(federation.plans(to: "movies-1").first?.parameters.values(name))
        // Sums that no persons can have: the Gram matrix of the fixture is not positive definite.
        try federation.answerAll(round: 1)
        #expect(federation.closed.first?.shared.values(name) == start)
        #expect(federation.closed.first?.summary.changed == [])
        let warnings = federation.actions.filter { if case .warn = $0 { true } else { false } }
        #expect(warnings.count == 1)
        #expect(federation.outcomes.isEmpty)
    }

    @Test("clients of a shared domain see its factors, those of others do not; persons' devices see no control variate")
    func visibility() throws {
        let plan = try Federation(try Self.scenario(["federation.strategy=scaffold"])).plan
        let factors = try plan.schema.spec(TensorName.itemFactors("movies"))
        let control = try plan.schema.spec(TensorName.controlVariate("movies"))
        #expect(plan.isVisible(factors, to: "movies-2") && plan.isVisible(control, to: "movies-2"))
        #expect(!plan.isVisible(factors, to: "books") && !plan.isVisible(control, to: "books"))
        #expect(plan.isVisible(factors, to: "persons") && !plan.isVisible(control, to: "persons"))
        // The coordinator makes the factors, no client releases them.
        #expect(!plan.uploads(.encoders, client: "movies-1").contains(factors))
        #expect(plan.uploads(.factors, client: "books").isEmpty)
    }

    @Test("a catalogue whose half-sweeps fit into no memory ends the run before it begins; a gradient takes it")
    func tooLarge() throws {
        // The clients' files are larger than the world of the scenario.
        let catalogue = Federation.catalogue("movies", itemCount: 300_000)
        func outcomes(_ overrides: [String]) throws -> [Coordinator.Outcome] {
            var federation = try Federation(try Self.scenario(["model.factors=64"] + overrides))
            for id in federation.clients {
                let all = federation.catalogues(of: id).map { $0.domain == "movies" ? catalogue : $0 }
                federation.handle(.joined(client: id, catalogues: all))
            }
            return federation.outcomes
        }
        guard case .tooLarge(let reason) = try outcomes([]).first else {
            Issue.record("the run began")
            return
        }
        #expect(reason.contains("movies") && reason.contains("300000 items and 64 factors"), "\(reason)")
        #expect(try outcomes(["federation.strategy=gradient"]).isEmpty)
    }
}
