import Foundation
import Privacy
import Record
import Scenario
import Simulation
import Testing

/// What the ledgers of a run are said to cost.
@Suite struct PrivacyAccountTests {
    private func scenario(_ privacy: String, persons: Int = 1) throws -> ScenarioDefinition {
        try ScenarioDefinition(
            yaml: """
                name: account
                clients:
                  - {id: movies, domain: movies, data: {format: synthetic}}
                  - {id: books, domain: books, data: {format: synthetic}}
                  - {id: persons, domain: persons, links: [movies, books], count: \(persons)}
                target: books
                model: {factors: 8}
                transfer: {dimension: 8}
                evaluation: {rating-scale: [1, 5]}
                privacy: {\(privacy)}
                """, file: "account.yaml")
    }

    /// An entry as it is read from a ledger: unit sensitivity, noise of a standard deviation of so many.
    private func entry(
        _ release: String, client: String = "persons", round: Int = 1, policy: String, noise: Double?, rate: Double = 1
    ) throws -> LedgerEntry {
        var object: [String: Any] = [
            "sequence": 0, "client": client, "round": round, "release": release, "tensors": [release],
            "policy": policy, "mechanism": noise == nil ? "none" : "discrete-gaussian", "previous": "", "hash": "",
        ]
        if policy != "unprotected" {
            object["sensitivity"] = 1.0
            object["clippingBound"] = 1.0
            object["dimension"] = 64
            object["samplingRate"] = rate
        }
        if let noise {
            object["noise"] = noise
            object["step"] = 1.0 / 1_024
        }
        return try JSONDecoder().decode(LedgerEntry.self, from: JSONSerialization.data(withJSONObject: object))
    }

    private func record(
        _ scenario: ScenarioDefinition, _ ledger: [LedgerEntry], absent: [Int: Set<String>] = [:]
    ) throws -> PrivacyRecord {
        try PrivacyAccount(scenario: scenario, ledger: ledger, absent: absent, hasSecureRandomness: false).record()
    }

    @Test("noise of one sensitivity costs what the exact Gaussian does")
    func known() throws {
        let privacy = try record(
            scenario("mode: silo, noise-multiplier: 1"), [entry("bridge", policy: "silo", noise: 1)])
        let epsilon = try #require(privacy.releases.first?.epsilon.model)
        // G-… of the reference: σ = 1, δ = 10⁻⁵; the smoothing of 1,024 steps a unit adds less than 10⁻⁴.
        #expect(abs(epsilon - 4.3771) < 1e-3)
        #expect(privacy.epsilon.model == epsilon)
    }

    @Test("replacing a person costs as much as half the noise")
    func relation() throws {
        let ledger = [try entry("bridge", policy: "silo", noise: 2)]
        let added = try record(scenario("mode: silo, noise-multiplier: 2"), [entry("bridge", policy: "silo", noise: 1)])
        let replaced = try record(scenario("mode: silo, noise-multiplier: 1, neighbouring: replace-one"), ledger)
        let (first, second) = (added.releases[0].epsilon.peer, replaced.releases[0].epsilon.peer)
        #expect(abs(try #require(first) - #require(second)) < 1e-3)
    }

    @Test("an unprotected release takes the bound off everything, and not off the protected one")
    func unprotected() throws {
        let privacy = try record(
            scenario("mode: silo, noise-multiplier: 1"),
            [
                entry("books.item-factors", client: "books", policy: "unprotected", noise: nil),
                entry("bridge", round: 2, policy: "silo", noise: 1),
            ])
        #expect(privacy.epsilon.coordinator == nil && privacy.epsilon.peer == nil && privacy.epsilon.model == nil)
        let bridge = try #require(privacy.releases.first { $0.name == "bridge" })
        #expect(bridge.epsilon.peer != nil && bridge.conditionalOn == ["books.item-factors"])
    }

    @Test("of a client whose update did not arrive the share of the noise is not counted")
    func absentShares() throws {
        let three = try scenario("mode: distributed, noise-multiplier: 1", persons: 3)
        let ledger = try (1...3).map {
            try entry("bridge", client: "persons-\($0)", policy: "distributed", noise: 1 / 3.0.squareRoot())
        }
        func epsilon(_ absent: [Int: Set<String>]) throws -> EpsilonRecord {
            try #require(try record(three, ledger, absent: absent).releases.first).epsilon
        }
        let all = try epsilon([:])
        let two = try epsilon([1: ["persons-2"]])
        #expect(try #require(all.model) < #require(all.peer))
        #expect(try #require(all.peer) < #require(all.coordinator))
        #expect(try #require(two.model) > #require(all.model) + 0.5)
        #expect(abs(try #require(two.model) - #require(all.peer)) < 1e-6)
        // With two lost a peer knows all the noise there is.
        #expect(try epsilon([1: ["persons-1", "persons-2"]]).peer == nil)
    }

    @Test("releases of one round are of one sample: they cost more together than apart samples would")
    func oneSample() throws {
        let sampled = try scenario("mode: silo, noise-multiplier: 1")
        let ledger = try ["meta.gradient", "meta-local.gradient"].map {
            try entry($0, policy: "silo", noise: 1, rate: 0.1)
        }
        let privacy = try record(sampled, ledger)
        let apart = try record(
            sampled, [ledger[0], entry("meta-local.gradient", round: 2, policy: "silo", noise: 1, rate: 0.1)])
        let (one, two) = (privacy.protectedEpsilon?.model, apart.protectedEpsilon?.model)
        #expect(try #require(one) > #require(two) * 1.05)
    }

    @Test("reading a ledger changes no ε, and entries that are read twice are charged once, their shares counted once")
    func readTwice() throws {
        let silo = try scenario("mode: silo, noise-multiplier: 1")
        let rounds = try (1...3).map { try entry("bridge", round: $0, policy: "silo", noise: 1) }
        let account = PrivacyAccount(scenario: silo, ledger: rounds, absent: [:], hasSecureRandomness: false)
        let first = try account.record()
        #expect(try account.record() == first)
        #expect(try record(silo, rounds + rounds) == first)
        // Each round is charged: an empty one is in the ledger like any other.
        let two = try record(silo, Array(rounds.prefix(2)))
        #expect(try #require(first.releases[0].epsilon.model) > #require(two.releases[0].epsilon.model) + 0.5)

        let three = try scenario("mode: distributed, noise-multiplier: 1", persons: 3)
        let shares = try (1...3).map {
            try entry("bridge", client: "persons-\($0)", policy: "distributed", noise: 1 / 3.0.squareRoot())
        }
        #expect(try record(three, shares + shares) == record(three, shares))
    }

    @Test("noise divided by the number of clients in the ledger raises the ε of each of them")
    func noiseDivided() throws {
        let three = try scenario("mode: silo, noise-multiplier: 1", persons: 3)
        func epsilon(_ noise: Double) throws -> Double {
            let ledger = try (1...3).map { try entry("bridge", client: "persons-\($0)", policy: "silo", noise: noise) }
            return try #require(try record(three, ledger).releases.first?.epsilon.coordinator)
        }
        #expect(abs(try epsilon(1) - 4.3771) < 1e-3)
        #expect(try epsilon(1 / 3.0) > 10)
    }

    @Test("vectors of persons are charged as replacing one, and the record says how many slots they have")
    func personVectors() throws {
        let vectors = try scenario(
            "mode: local, neighbouring: replace-one, noise-multiplier: 1, release: vectors, slots: 77")
        let privacy = try record(vectors, [entry("person-vectors", policy: "local", noise: 2)])
        let release = try #require(privacy.releases.first)
        #expect(release.personSlots == 77)
        #expect(abs(try #require(release.epsilon.coordinator) - 4.3771) < 1e-3)
        let bridge = try record(
            scenario("mode: local, neighbouring: replace-one, noise-multiplier: 1"),
            [entry("bridge", policy: "local", noise: 2)])
        #expect(bridge.releases.first.map { $0.personSlots == nil } == true)
    }

    @Test("the trusted coordinator of the central mode has no bound")
    func central() throws {
        let privacy = try record(
            scenario("mode: central, noise-multiplier: 1"),
            [
                entry("bridge", policy: "central", noise: nil),
                entry("bridge", client: "coordinator", policy: "central", noise: 1),
            ])
        let bridge = try #require(privacy.releases.first)
        #expect(bridge.epsilon.coordinator == nil && bridge.epsilon.peer != nil && bridge.epsilon.model != nil)
    }

    @Test("with choices under noise, and nothing else without, everything together has a bound")
    func finiteTotal() throws {
        let wanted = try scenario("mode: silo, noise-multiplier: 2, gate: protected")
        let entries = try [("bridge", 1), ("selection", 2), ("gate", 3)].map {
            try entry($0.0, round: $0.1, policy: "silo", noise: 2)
        }
        let privacy = try record(wanted, entries)
        let single = try #require(privacy.releases.first?.epsilon.coordinator)
        let total = try #require(privacy.epsilon.coordinator)
        // Three releases of one multiplier are one of √3 less: σ = 2/√3 at δ = 10⁻⁵.
        #expect(total > single && total == privacy.protectedEpsilon?.coordinator)
        #expect(abs(total - 3.7086) < 1e-3, "\(total)")
        let open = try record(wanted, entries + [entry("books.item-factors", policy: "unprotected", noise: nil)])
        #expect(open.epsilon.coordinator == nil && open.protectedEpsilon?.coordinator == total)
    }

    @Test("of disjoint cohorts the bridge's pay for the bridge and the validation persons for the choices")
    func cohorts() throws {
        let wanted = try scenario("mode: silo, noise-multiplier: 2, gate: protected, encoders: disjoint")
        let bridge = try entry("bridge", policy: "silo", noise: 2)
        let choices = try [("selection", 2), ("gate", 3)].map {
            try entry($0.0, round: $0.1, policy: "silo", noise: 4)
        }
        let cohorts = try #require(try record(wanted, [bridge] + choices).cohorts)
        #expect(cohorts.map(\.name) == ["bridge", "encoders", "validation"])
        #expect(abs(cohorts.reduce(0) { $0 + $1.share } - 1) < 1e-12)
        let alone = try record(wanted, [bridge])
        #expect(cohorts[0].epsilon == alone.protectedEpsilon && cohorts[1].epsilon.peer == nil)
        let both = try record(wanted, choices)
        #expect(cohorts[2].epsilon == both.protectedEpsilon)
        #expect(try #require(cohorts[2].epsilon.model) < #require(cohorts[0].epsilon.model))
    }

    @Test("what was released again with other noise is charged again, with the same noise it is not")
    func releasedAgain() throws {
        let silo = try scenario("mode: silo, noise-multiplier: 1")
        let once = try [entry("bridge", policy: "silo", noise: 1)]
        func epsilon(_ ledger: [LedgerEntry], isSecure: Bool) throws -> Double {
            let account = PrivacyAccount(scenario: silo, ledger: ledger, absent: [:], hasSecureRandomness: isSecure)
            return try #require(try account.record().releases.first?.epsilon.model)
        }
        #expect(try epsilon(once, isSecure: true) == epsilon(once, isSecure: false))
        #expect(try epsilon(once + once, isSecure: false) == epsilon(once, isSecure: false))
        // Two rounds of the same noise are what two releases in one round are.
        let apart = try once + [entry("bridge", round: 2, policy: "silo", noise: 1)]
        #expect(try abs(epsilon(once + once, isSecure: true) - epsilon(apart, isSecure: true)) < 1e-6)
    }

    @Test("those who collude see every update and hold the key of sampling, so that they cost no less than anybody")
    func colluders() throws {
        // Unsampled they see no more than the coordinator, with sampling as much as it without.
        let silo = try scenario("mode: silo, noise-multiplier: 1")
        let full = try record(silo, [entry("bridge", policy: "silo", noise: 1)]).releases[0].epsilon
        #expect(full.colluders == full.coordinator && full.colluders != nil)
        let sampled = try record(silo, [entry("bridge", policy: "silo", noise: 1, rate: 0.1)]).releases[0].epsilon
        #expect(abs(try #require(sampled.colluders) - #require(full.coordinator)) < 1e-2)
        #expect(try #require(sampled.colluders) > #require(sampled.coordinator) * 2)
        // What they know of their own shares is subtracted, and what is left is the share of the person's client.
        let three = try scenario("mode: distributed, noise-multiplier: 1", persons: 3)
        let shares = try (1...3).map {
            try entry("bridge", client: "persons-\($0)", policy: "distributed", noise: 1 / 3.0.squareRoot())
        }
        let shared = try record(three, shares).releases[0].epsilon
        #expect(shared.colluders == shared.coordinator)
        #expect(try #require(shared.colluders) > #require(shared.peer) + 0.5)
        // Nobody is bounded who sees sums before any noise.
        let central = try record(
            scenario("mode: central, noise-multiplier: 1"),
            [
                entry("bridge", policy: "central", noise: nil),
                entry("bridge", client: "coordinator", policy: "central", noise: 1),
            ]
        ).releases[0].epsilon
        #expect(central.colluders == nil && central.peer != nil)
    }

    @Test("ε by round rises to what the record says, from what one round costs, and an open release takes it away")
    func spending() throws {
        let silo = try scenario("mode: silo, noise-multiplier: 1")
        let rounds = try (1...30).map { try entry("meta.gradient", round: $0, policy: "silo", noise: 8) }
        func account(_ ledger: [LedgerEntry]) -> PrivacyAccount {
            PrivacyAccount(scenario: silo, ledger: ledger, absent: [:], hasSecureRandomness: false)
        }
        let record = try account(rounds).record()
        let spent = try account(rounds).spending(limit: 5)
        let peer = spent.filter { $0.adversary == "peer" && $0.scope == .release("meta.gradient") }
        #expect(peer.map(\.round) == [1, 8, 15, 22, 30])
        let values = try peer.map { try #require($0.epsilon) }
        #expect(values == values.sorted() && Set(values).count == 5)
        #expect(values.last == record.releases[0].epsilon.peer)
        #expect(values.first == (try account([rounds[0]]).record().releases[0].epsilon.peer))
        #expect(spent.filter { $0.adversary == "peer" && $0.scope == .everything }.map(\.epsilon) == values)
        #expect(!spent.contains { $0.scope == .protectedReleases })
        #expect(Set(spent.map(\.adversary)) == ["coordinator", "peer", "colluders", "model"])

        // A second release adds to the first, and from the round of an unprotected one on there is no bound on everything.
        let second = try entry("bridge", round: 20, policy: "silo", noise: 2)
        let open = try entry("books.ease", client: "books", round: 10, policy: "unprotected", noise: nil)
        let mixed = try account(rounds + [second, open]).spending(limit: 30).filter { $0.adversary == "model" }
        #expect(mixed.filter { $0.scope == .release("bridge") }.map(\.round).min() == 20)
        let (alone, together) = (SpendingRecord.Scope.release("meta.gradient"), SpendingRecord.Scope.protectedReleases)
        func value(_ scope: SpendingRecord.Scope, _ round: Int) -> Double? {
            mixed.first { $0.scope == scope && $0.round == round }?.epsilon
        }
        #expect(value(together, 19) == value(alone, 19))
        #expect(try #require(value(together, 20)) > #require(value(alone, 20)))
        #expect(value(.everything, 9) == value(together, 9) && value(.everything, 10) == nil)
        #expect(try account([open]).spending().isEmpty)
    }
}
