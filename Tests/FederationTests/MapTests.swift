import Federation
import Parameters
import Privacy
import Scenario
import Testing

@Suite("Networks of the map in the coordinator")
struct MapTests {
    private static func scenario(_ overrides: [String] = []) throws -> ScenarioDefinition {
        try Scenarios.narrow(
            Scenarios.bare + [
                "transfer.map=mlp", "transfer.mlp.units=4", "transfer.mlp.rounds=3", "transfer.mlp.decay=[0, 0.5]",
                "transfer.mlp.rate=0.05", "clients.persons.count=2",
            ] + overrides)
    }

    /// The update of the fixture, with a number of persons.
    private static func update(_ federation: Federation, _ id: String, round: Int, count: Float) throws
        -> ReceivedUpdate
    {
        let update = try federation.update(id, round: round)
        var parameters = update.parameters
        for isShuffled in [false, true] {
            let name = TensorName.mapCount(isShuffled: isShuffled)
            guard let tensor = parameters.tensors.first(where: { $0.spec.name == name }) else { continue }
            // A client whose single person has no links to swap takes no part in the control.
            parameters.set(try ParameterSet.Tensor(tensor.spec, values: [isShuffled ? 0 : count]))
        }
        return ReceivedUpdate(round: update.round, policy: update.policy, parameters: parameters)
    }

    @Test("a round of several clients is one step of Adam on the mean gradient of all persons and the weight decay")
    func steps() throws {
        var federation = try Federation(try Self.scenario())
        federation.joinAll()
        let name = TensorName.mapParameters(isShuffled: false)
        let shape = try #require(MapShape(federation.scenario))
        #expect(shape.parameterCount == 4 * 4 + 5 * shape.dimension && shape.dimension == 3)
        var parameters: [Double] = []
        var (first, second): ([Double], [Double]) = ([], [])
        let rounds = federation.rounds(of: .map)
        #expect(rounds.count == 3 && federation.rounds(of: .refitMap).count == 3)
        for round in federation.rounds {
            let step = federation.plan.steps[round - 1]
            if step == .map, parameters.isEmpty {
                parameters = try #require(federation.sent(name, round: round)).map(Double.init)
                first = parameters.map { _ in 0 }
                second = parameters.map { _ in 1e-12 }
                // W₁ alone begins away from zero, alike for every weight decay.
                let (half, one) = (parameters.count / 2, 3 * 4)
                #expect(parameters[..<one].allSatisfy { $0 != 0 } && parameters[one..<half].allSatisfy { $0 == 0 })
                #expect(parameters[..<half] == parameters[half...])
            }
            var gradient = parameters.map { _ in 0.0 }
            for (position, id) in federation.plan.participants(step).enumerated() {
                let update = try Self.update(federation, id, round: round, count: Float(3 + 4 * position))
                for (index, value) in (update.parameters.values(TensorName.mapGradient(isShuffled: false)) ?? [])
                    .enumerated()
                {
                    gradient[index] += Double(value) / 10
                }
                federation.handle(.update(client: id, update))
            }
            guard step == .map else { continue }
            let size = shape.parameterCount
            for index in parameters.indices {
                let (network, place) = (index / size, index % size)
                let isWeight = place < 12 || (16..<16 + 12).contains(place)
                let slope = gradient[index] + (isWeight && network == 1 ? 0.5 * parameters[index] : 0)
                first[index] = 0.9 * first[index] + 0.1 * slope
                second[index] = 0.99 * second[index] + 0.01 * slope * slope
                parameters[index] -= 0.05 * first[index] / (second[index].squareRoot() + 1e-6)
            }
            let shared = try #require(federation.closed.last?.shared.values(name))
            for (value, expected) in zip(shared, parameters) { #expect(abs(Double(value) - expected) < 1e-5) }
        }
        #expect(federation.outcomes == [.completed])
        let shared = try #require(federation.closed.last?.shared)
        // The control had nobody, and stays at its start; nobody ever gets a sum.
        let control = try #require(shared.values(TensorName.mapParameters(isShuffled: true)))
        #expect(control[12..<shape.parameterCount].allSatisfy { $0 == 0 })
        #expect(!shared.specs.contains { $0.name.hasSuffix("map.gradient") || $0.name.hasSuffix("map.count") })
        let summaries = federation.closed.map(\.summary).filter { $0.step == .map || $0.step == .refitMap }
        #expect(summaries.map(\.isLast) == [false, false, true, false, false, true])
    }

    @Test("only persons clients see the networks")
    func visibility() throws {
        let plan = try Federation(try Self.scenario()).plan
        for spec in plan.schema.specs where spec.name.contains("map.") {
            #expect(plan.isVisible(spec, to: "persons-1") == spec.name.hasSuffix("map.parameters"), "\(spec.name)")
            #expect(!plan.isVisible(spec, to: "books") && !plan.isVisible(spec, to: "movies"))
        }
        #expect(
            plan.uploads(.map, client: "persons-1").map(\.name).sorted() == [
                "map.count", "map.gradient", "shuffled-map.count", "shuffled-map.gradient",
            ])
        #expect(!plan.schema.specs.contains { $0.name.contains("cross-moment") })
    }

    @Test("without a persons client a run ends in the first step of the map")
    func lost() throws {
        var federation = try Federation(try Self.scenario())
        federation.joinAll()
        let round = federation.round(of: .map)
        for round in 1..<round { try federation.answerAll(round: round) }
        for id in ["persons-1", "persons-2"] { federation.handle(.lost(client: id, how: "is gone")) }
        guard case .peerLost(let reason)? = federation.outcomes.first else {
            Issue.record("the run goes on")
            return
        }
        #expect(reason.contains("(map)"))
    }
}
