import Record
import Scenario
import Simulation
import Testing

/// What a run with the rarer kinds of protection will cost, before anything starts.
@Suite struct ProtectionForecastTests {
    private func scenario(_ overrides: [String]) throws -> ScenarioDefinition {
        try ScenarioDefinition(
            yaml: """
                name: forecast
                clients:
                  - {id: movies, domain: movies, data: {format: synthetic}}
                  - {id: books, domain: books, data: {format: synthetic}}
                  - {id: persons, domain: persons, links: [movies, books]}
                target: books
                model: {factors: 8}
                transfer: {method: meta, meta: {rounds: 100}}
                federation: {rounds: 1000}
                privacy: {mode: silo, noise-multiplier: 2, linked-persons: 1000}
                """, file: "forecast.yaml", overrides: overrides)
    }

    private func privacy(_ overrides: String...) throws -> PrivacyRecord {
        try RunForecast(
            scenario(overrides), itemCounts: ["movies": 50, "books": 40], hasSecureRandomness: false
        ).privacy
    }

    private func release(_ privacy: PrivacyRecord, _ name: String) throws -> ReleaseRecord {
        try #require(privacy.releases.first { $0.name == name })
    }

    @Test("a sample of fixed size costs what dp_accounting says: 100 of 1,000 places, σ = 2, 100 rounds")
    func fixedSize() throws {
        let privacy = try privacy(
            "privacy.sampling=fixed-size", "privacy.neighbouring=replace-one", "transfer.meta.participation=0.1")
        let release = try release(privacy, "meta.gradient")
        #expect(release.sampleSize == 100 && release.population == 1000 && release.samplingRate == 0.1)
        for epsilon in [release.epsilon.coordinator, release.epsilon.model, release.renyiEpsilon?.model] {
            // Row W-312 of dp_accounting.json; that the noise is one of integers costs 10⁻⁶.
            let value = try #require(epsilon)
            #expect(abs(value - 5.379_009_696) < 1e-5, "\(value)")
        }
        // A peer holds the key of the sample: σ = 2 a hundred times, as if everybody took part.
        let peer = try #require(release.epsilon.peer)
        #expect(abs(peer - 33.1037) < 0.01, "\(peer)")
    }

    @Test("the noise of a fixed-size sample is made for the ε that is asked for", arguments: [0.5, 2])
    func fixedSizeCalibration(epsilon: Double) throws {
        let privacy = try privacy(
            "privacy.noise-multiplier=none", "privacy.epsilon=\(epsilon)", "privacy.sampling=fixed-size",
            "privacy.neighbouring=replace-one", "transfer.meta.participation=0.1")
        let value = try #require(try release(privacy, "meta.gradient").epsilon.model)
        #expect(value <= epsilon && value > epsilon * 0.999, "\(value)")
    }

    @Test("a large sample of fixed size costs no more than everybody, whose noise has an exact cost")
    func largeSample() throws {
        let wanted = ["privacy.sampling=fixed-size", "privacy.neighbouring=replace-one"]
        for participation in [0.5, 1] {
            let release = try release(
                privacy(wanted[0], wanted[1], "transfer.meta.participation=\(participation)"), "meta.gradient")
            #expect(release.epsilon.model == release.epsilon.peer)
            if participation < 1 {
                #expect(try #require(release.renyiEpsilon?.model) > #require(release.epsilon.model))
            }
        }
    }

    @Test("each device's own noise shows who takes part: under local, sampling is charged to nobody's favour")
    func localSampling() throws {
        let sampled = try release(
            privacy("privacy.mode=local", "privacy.neighbouring=replace-one"), "meta.gradient")
        let everyone = try release(
            privacy("privacy.mode=local", "privacy.neighbouring=replace-one", "transfer.meta.participation=1"),
            "meta.gradient")
        let epsilon = try #require(sampled.epsilon.coordinator)
        #expect(epsilon == everyone.epsilon.coordinator && epsilon == sampled.epsilon.model)
    }

    @Test("Poisson samples under replace-one have their ε by privacy-loss distributions, and no Rényi check")
    func poissonReplaceOne() throws {
        let release = try release(privacy("privacy.neighbouring=replace-one"), "meta.gradient")
        #expect(release.epsilon.model != nil && release.renyiEpsilon == nil)
    }

    @Test("adaptive clipping: gradient and bits together cost what one release of the whole noise does")
    func adaptiveClipping() throws {
        let fixed = try privacy("transfer.meta.participation=1")
        let adaptive = try privacy(
            "transfer.meta.participation=1", "privacy.clipping=adaptive", "privacy.clipping-noise=5")
        let gradient = try release(adaptive, "meta.gradient")
        let bits = try release(adaptive, "meta.clipping")
        let (z, b) = (try #require(gradient.noiseMultiplier), try #require(bits.noiseMultiplier))
        // 2σ_b = 10 on the bits, and what is left of 1/2² on the gradient.
        #expect(abs(b - 10) < 1e-4 && abs(1 / (z * z) + 1 / (b * b) - 0.25) < 1e-6)
        #expect(try #require(gradient.epsilon.model) < #require(try release(fixed, "meta.gradient").epsilon.model))
        #expect(bits.epsilon.model.map { $0 > 0 } == true && bits.mechanism == "discrete-gaussian")
        let together = try #require(adaptive.protectedEpsilon?.model)
        let whole = try #require(fixed.protectedEpsilon?.model)
        #expect(abs(together / whole - 1) < 1e-4, "\(together) \(whole)")
        #expect(gradient.clippingBounds == [] && fixed.releases.allSatisfy { $0.clippingBounds == nil })
    }

    @Test("bits that would cost more than everything may are refused with the key to change")
    func clippingNoise() throws {
        #expect(throws: (any Error).self) { try privacy("privacy.clipping=adaptive", "privacy.clipping-noise=0.9") }
        do {
            _ = try privacy(
                "privacy.noise-multiplier=none", "privacy.epsilon=0.001", "privacy.clipping=adaptive",
                "privacy.clipping-noise=1")
            Issue.record("too little noise was taken")
        } catch { #expect("\(error)".contains("privacy.clipping-noise")) }
    }

    @Test("the cap on ratings is in the record, and in none without protection")
    func cap() throws {
        #expect(try privacy("privacy.ratings-per-person=20").ratingsPerPerson == 20)
        #expect(try privacy().ratingsPerPerson == nil)
        let none = try privacy(
            "privacy.noise-multiplier=none", "privacy.epsilon=none", "privacy.ratings-per-person=20")
        #expect(none.ratingsPerPerson == nil && none.mode == "none")
    }

    @Test(
        "a rating is charged 2C/G and what rounding adds, and the record says what that covers", arguments: [1, 2, 8])
    func ratings(blocks: Int) throws {
        let small = ["transfer={method: feature-map, dimension: 4, source-dimension: 4}", "privacy.noise-multiplier=1"]
        func bridge(_ overrides: [String]) throws -> (record: PrivacyRecord, bridge: ReleaseRecord) {
            let record = try RunForecast(
                scenario(small + overrides), itemCounts: ["movies": 50, "books": 40], hasSecureRandomness: false
            ).privacy
            return (record, try release(record, "bridge"))
        }
        let person = try bridge([])
        let rating = try bridge(["privacy.unit=rating", "privacy.rating-blocks=\(blocks)"])
        #expect(rating.record.unit == "rating" && rating.record.covers == PrivacyRecord.coverageOfRatings)
        #expect(person.record.unit == "person" && person.record.covers == nil)
        let movement = 2.0 / Double(blocks)
        let sensitivity = try #require(rating.bridge.sensitivity)
        // The bound of the default clips is 1.
        #expect(sensitivity > movement && sensitivity < movement * 1.03, "\(sensitivity)")
        #expect(rating.bridge.clippingBound.map { $0 >= 1 && $0 < 1.00001 } == true)
        // One noise multiplier is one ε, whatever the unit.
        let (first, second) = (try #require(rating.bridge.epsilon.model), try #require(person.bridge.epsilon.model))
        #expect(abs(first / second - 1) < 1e-3)
    }
}
