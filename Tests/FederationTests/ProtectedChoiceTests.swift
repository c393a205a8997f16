import Federation
import Numerics
import Parameters
import Privacy
import Scenario
import Testing

/// What validation persons choose by, released with noise.
@Suite struct ProtectedChoiceTests {
    private func federation(_ privacy: String...) throws -> Federation {
        try Federation(
            Scenarios.narrow(
                ["privacy.mode=silo", "privacy.epsilon=2", "privacy.gate=protected", "evaluation.rating-scale=[1, 5]"]
                    + privacy))
    }

    @Test("no count of validation persons and no bootstrap crosses: sums of scores, gains and their squares alone")
    func schema() throws {
        let federation = try federation()
        let plan = federation.plan
        let gate = try #require(plan.gate)
        let selection = plan.uploads(.selection, client: "persons")
        #expect(selection.map(\.name) == [TensorName.selectionScores])
        #expect(selection[0].shape == [plan.grid.candidates.count])
        let gains = plan.uploads(.gate, client: "persons")
        #expect(Set(gains.map(\.name)) == [TensorName.gateGains, TensorName.gateSquares])
        #expect(gains.allSatisfy { $0.shape == [gate.columnCount] })
    }

    @Test("each release is clipped at its own bound, and its noise is made for ε once", arguments: ["silo", "central"])
    func protections(mode: String) throws {
        let federation = try federation(
            "privacy.mode=\(mode)", "privacy.selection-bound=0.7", "privacy.gate-bound=none")
        let protections = try PrivacyPlan(federation.scenario, schema: federation.plan.schema).protections
        let selection = try #require(protections[ReleaseName.selection])
        let gate = try #require(protections[ReleaseName.gate])
        let bridge = try #require(protections[ReleaseName.bridge(isShuffled: false)])
        #expect(selection.grid.clippingBound == 0.7 && gate.grid.clippingBound == 0.5)
        #expect(selection.grid.dimension == federation.plan.grid.candidates.count)
        for protection in [selection, gate] {
            #expect(protection.sampling == .everyone && protection.policy == bridge.policy)
            #expect(abs(protection.grid.noiseMultiplier / bridge.grid.noiseMultiplier - 1) < 1e-6)
        }
        // What the gate takes the noise of the sum to be.
        let noise = PrivacyPlan.noiseOfSum(gate)
        #expect(abs(noise / (gate.grid.noiseMultiplier * 0.5) - 1) < 0.02, "\(noise)")
    }

    @Test("of several silos the noises add up in the sum, of distributed shares they are the noise")
    func noiseOfSums() throws {
        func noise(_ mode: String, clients: Int) throws -> Double {
            let scenario = try ScenarioDefinition(
                yaml: """
                    name: several
                    clients:
                      - {id: movies, domain: movies, data: {format: synthetic}}
                      - {id: books, domain: books, data: {format: synthetic}}
                      - {id: persons, domain: persons, links: [movies, books], count: \(clients)}
                    target: books
                    model: {factors: 3}
                    privacy: {mode: \(mode), noise-multiplier: 3, gate: protected}
                    evaluation: {rating-scale: [1, 5]}
                    """, file: "several.yaml")
            let plan = try Federation(scenario).plan
            let protections = try PrivacyPlan(scenario, schema: plan.schema).protections
            return PrivacyPlan.noiseOfSum(try #require(protections[ReleaseName.gate]))
        }
        let one = try noise("silo", clients: 1)
        #expect(abs(try noise("silo", clients: 4) / one - 2) < 0.01)
        #expect(abs(try noise("distributed", clients: 4) / one - 1) < 0.01)
        #expect(abs(try noise("central", clients: 4) / one - 1) < 0.01)
    }

    @Test("one rating can move a validation person's scores by twice the bound, and is charged so")
    func ratings() throws {
        let federation = try federation("privacy.unit=rating", "privacy.rating-blocks=4")
        let protections = try PrivacyPlan(federation.scenario, schema: federation.plan.schema).protections
        for release in [ReleaseName.selection, ReleaseName.gate] {
            let grid = try #require(protections[release]).grid
            #expect(grid.sensitivity / grid.scale >= 2 * grid.clippingBound)
            #expect(grid.sensitivity / grid.scale < 2.1 * grid.clippingBound)
        }
    }

    @Test("scores less the mean of those they are compared with make the same choices and add up to nothing")
    func centring() throws {
        let grid = try Federation(Scenarios.narrow()).plan.grid
        var random = RandomStream(root: 4, path: ["scores"])
        for _ in 0..<20 {
            let scores = grid.candidates.map { _ in Float(random.uniform()) }
            let centred = grid.centred(scores)
            for shots in Set(grid.candidates.map(\.shots)) {
                #expect(grid.bestLocal(shots: shots, scores: scores) == grid.bestLocal(shots: shots, scores: centred))
                #expect(
                    grid.bestLocalRatings(shots: shots, scores: scores)
                        == grid.bestLocalRatings(shots: shots, scores: centred))
                for method in Set(grid.candidates.map(\.method)) {
                    #expect(
                        grid.best(method: method, shots: shots, scores: scores)
                            == grid.best(method: method, shots: shots, scores: centred))
                }
            }
            func norm(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) * Double($1) } }
            #expect(norm(centred) < norm(scores) / 2)
            // One equal score more or less of everything is no difference.
            let shifted = grid.centred(scores.map { $0 + 1 })
            #expect(zip(centred, shifted).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }

    @Test("what leaves of the gains is their sum and noise of the deviation that the gate reckons with")
    func released() throws {
        let federation = try federation()
        let plan = federation.plan
        let gate = try #require(plan.gate)
        let protections = try PrivacyPlan(federation.scenario, schema: plan.schema).protections
        let deviation = PrivacyPlan.noiseOfSum(try #require(protections[ReleaseName.gate]))
        var random = RandomStream(root: 2, path: ["gains"])
        // Thirty persons within the bound, and one far outside, who is brought down to it.
        let size = 0.3 / Double(2 * gate.columnCount).squareRoot()
        var persons = (0..<30).map { _ in (0..<gate.columnCount).map { _ in Float(size * (random.uniform() - 0.3)) } }
        persons.append([Float](repeating: 1, count: gate.columnCount))
        var truth = [Double](repeating: 0, count: 2 * gate.columnCount)
        for (index, gains) in persons.enumerated() {
            let all = gains.map(Double.init) + gains.map { Double($0) * Double($0) }
            let norm = all.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect((norm > 0.5) == (index == 30))
            for column in all.indices { truth[column] += all[column] * min(1, 0.5 / norm) }
        }
        var residuals: [Double] = []
        for seed in 0..<60 {
            var sealing = ReleaseGate(
                client: "persons", ledger: Ledger(client: "persons") { _ in }, protections: protections,
                root: UInt64(seed))
            sealing.open(round: 1, specs: plan.uploads(.gate, client: "persons"))
            try sealing.begin(release: ReleaseName.gate)
            for gains in persons {
                try sealing.contribute(to: ReleaseName.gate) { contribution in
                    contribution.write(TensorName.gateGains) { _ = $0.update(fromContentsOf: gains) }
                    contribution.write(TensorName.gateSquares) {
                        _ = $0.update(fromContentsOf: gains.map { $0 * $0 })
                    }
                }
            }
            let sums = try sealing.seal().parameters
            let values = (sums.values(TensorName.gateGains) ?? []) + (sums.values(TensorName.gateSquares) ?? [])
            residuals += zip(values, truth).map { Double($0) - $1 }
        }
        let count = Double(residuals.count)
        #expect(residuals.count == 60 * truth.count)
        let mean = residuals.reduce(0, +) / count
        let spread = (residuals.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
        // Five standard errors of a mean and of a standard deviation.
        #expect(abs(mean) < 5 * deviation / count.squareRoot(), "\(mean)")
        #expect(abs(spread / deviation - 1) < 5 / (2 * count).squareRoot(), "\(spread) for \(deviation)")
        // ε = 2 at a bound of ½: the exact noise multiplier is 1.99.
        #expect(deviation > 0.99 && deviation < 1.03)
    }
}
