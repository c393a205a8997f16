import Accounting
import Foundation
import Testing

/// No accountant guesses, and no input traps.
@Suite("Refusals and hostile inputs")
struct RefusalTests {
    static let gaussian = PrivacyEvent.gaussian(noiseMultiplier: 1)
    static let skellam = PrivacyEvent.skellam(variance: 100, l1Sensitivity: 4, l2Sensitivity: 2, dimension: 10)

    static func accountants(_ relation: NeighbouringRelation) -> [any PrivacyAccountant] {
        [
            PLDAccountant(relation: relation), RDPAccountant(relation: relation),
            AnalyticGaussianAccountant(relation: relation),
        ]
    }

    @Test("An event that an accountant has no bound for is refused by name")
    func unsupported() {
        func refuses(_ accountant: some PrivacyAccountant, _ event: PrivacyEvent, _ error: AccountingError) {
            #expect(throws: error) { try accountant.epsilon(of: event, delta: 1e-5) }
            #expect(throws: error) { try accountant.delta(of: event, epsilon: 1) }
            // Also deep inside a composition.
            let hidden = PrivacyEvent.composed([RefusalTests.gaussian, .repeated(event: .composed([event]), count: 2)])
            #expect(throws: error) { try accountant.epsilon(of: hidden, delta: 1e-5) }
        }
        let sampled = PrivacyEvent.poissonSampled(rate: 0.1, event: RefusalTests.gaussian)
        let exact = AnalyticGaussianAccountant()
        refuses(exact, sampled, .unsupportedEvent(event: "Poisson-sampled Gaussian noise", accountant: "exact"))
        refuses(exact, .laplace(scale: 1), .unsupportedEvent(event: "Laplace noise", accountant: "exact"))
        let fixed = PrivacyEvent.fixedSizeSampled(population: 100, sample: 10, event: RefusalTests.gaussian)
        refuses(
            RDPAccountant(), fixed,
            .unsupportedRelation(
                event: "fixed-size-sampled Gaussian noise", relation: .addRemove, accountant: "rdp"))
        for relation in NeighbouringRelation.allCases {
            refuses(
                PLDAccountant(relation: relation), fixed,
                .unsupportedEvent(event: "fixed-size-sampled Gaussian noise", accountant: "pld"))
            refuses(
                PLDAccountant(relation: relation), RefusalTests.skellam,
                .unsupportedEvent(event: "Skellam noise on 10 integers", accountant: "pld"))
            refuses(
                PLDAccountant(relation: relation),
                .repeatAndSelect(runs: .poisson(mean: 3), event: RefusalTests.gaussian),
                .unsupportedEvent(
                    event: "selection among repeated runs of Gaussian noise", accountant: "pld"))
        }
        refuses(
            RDPAccountant(relation: .replaceOne), sampled,
            .unsupportedRelation(event: "Poisson-sampled Gaussian noise", relation: .replaceOne, accountant: "rdp"))
        let response = PrivacyEvent.randomizedResponse(categories: 3, keepProbability: 0.5)
        for accountant: any PrivacyAccountant in [PLDAccountant(), RDPAccountant()] {
            refuses(
                accountant, response,
                .unsupportedRelation(
                    event: "randomised response", relation: .addRemove, accountant: accountant.name))
        }
        let mixture = PrivacyEvent.gaussianMixture(
            noiseMultiplier: 1, sensitivities: [0, 1], probabilities: [0.5, 0.5])
        refuses(
            RDPAccountant(), mixture,
            .unsupportedEvent(event: "Gaussian noise on a random number of contributions", accountant: "rdp"))
        let nested = PrivacyEvent.poissonSampled(rate: 0.5, event: .composed([RefusalTests.gaussian]))
        refuses(
            PLDAccountant(), nested, .unsupportedEvent(event: "Poisson-sampled a composition", accountant: "pld"))
    }

    @Test("One unprotected release leaves no ε, also among protected and sampled ones; nothing released costs nothing")
    func unprotected() throws {
        for relation in NeighbouringRelation.allCases {
            for accountant in RefusalTests.accountants(relation) {
                for event in [
                    PrivacyEvent.unprotected, .composed([RefusalTests.gaussian, .unprotected]),
                    .poissonSampled(rate: 1e-6, event: .unprotected),
                ] {
                    #expect(try accountant.epsilon(of: event, delta: 0.9).epsilon == .infinity)
                    #expect(try accountant.delta(of: event, epsilon: 100).delta == 1)
                }
                for event in [
                    PrivacyEvent.noOp, .composed([]), .repeated(event: RefusalTests.gaussian, count: 0),
                    .repeated(event: .unprotected, count: 0),
                ] {
                    #expect(try accountant.epsilon(of: event, delta: 1e-12).epsilon == 0)
                    #expect(try accountant.delta(of: event, epsilon: 0).delta == 0)
                }
            }
        }
    }

    static let senseless: [PrivacyEvent] =
        [0, -1, .nan, .infinity, -.infinity].flatMap { (value: Double) -> [PrivacyEvent] in
            [
                .gaussian(noiseMultiplier: value), .laplace(scale: value),
                .discreteGaussian(standardDeviation: value, sensitivity: 1, dimension: 1),
                .skellam(variance: value, l1Sensitivity: 1, l2Sensitivity: 1, dimension: 1),
                .poissonSampled(rate: value, event: gaussian),
                .discreteGaussianSum(
                    shares: 2, standardDeviation: value, l1Sensitivity: 1, l2Sensitivity: 1, dimension: 1),
                .gaussianMixture(noiseMultiplier: value, sensitivities: [1], probabilities: [1]),
                .gaussianMixture(noiseMultiplier: 1, sensitivities: [1], probabilities: [value]),
                .repeatAndSelect(runs: .poisson(mean: value), event: gaussian),
                .repeatAndSelect(runs: .negativeBinomial(mean: value, shape: 1), event: gaussian),
            ]
        } + [
            .poissonSampled(rate: 1.0000001, event: gaussian),
            .discreteGaussian(standardDeviation: 1, sensitivity: -1, dimension: 1),
            .discreteGaussian(standardDeviation: 1, sensitivity: 1, dimension: 0),
            .discreteGaussianSum(shares: 0, standardDeviation: 1, l1Sensitivity: 1, l2Sensitivity: 1, dimension: 1),
            .skellam(variance: 1, l1Sensitivity: 1, l2Sensitivity: 2, dimension: 4),
            .skellam(variance: 1, l1Sensitivity: 5, l2Sensitivity: 2, dimension: 4),
            .randomizedResponse(categories: 1, keepProbability: 1),
            .randomizedResponse(categories: 4, keepProbability: 0.2),
            .randomizedResponse(categories: 4, keepProbability: 1.1),
            .gaussianMixture(noiseMultiplier: 1, sensitivities: [], probabilities: []),
            .gaussianMixture(noiseMultiplier: 1, sensitivities: [1, 2], probabilities: [1]),
            .gaussianMixture(noiseMultiplier: 1, sensitivities: [1, 2], probabilities: [0.5, 0.6]),
            .gaussianMixture(noiseMultiplier: 1, sensitivities: [-1, 2], probabilities: [0.5, 0.5]),
            .fixedSizeSampled(population: 0, sample: 0, event: gaussian),
            .fixedSizeSampled(population: 10, sample: 11, event: gaussian),
            .fixedSizeSampled(population: 10, sample: 0, event: gaussian),
            .repeatAndSelect(runs: .negativeBinomial(mean: 2, shape: -1), event: gaussian),
            .repeated(event: gaussian, count: -1),
            .repeated(event: .repeated(event: gaussian, count: .max), count: 2),
            .composed([.repeated(event: gaussian, count: .max), gaussian]),
        ]

    @Test("Parameters that make no sense are refused", arguments: senseless)
    func invalid(event: PrivacyEvent) {
        for accountant: any PrivacyAccountant in [PLDAccountant(), RDPAccountant()] {
            do {
                _ = try accountant.epsilon(of: .composed([RefusalTests.gaussian, event]), delta: 1e-5)
                Issue.record("\(event) was accepted")
            } catch {
                guard case .invalidParameter = error else {
                    Issue.record("\(event): \(error)")
                    continue
                }
                #expect(error.description.contains(" must be "))
            }
        }
    }

    @Test("δ outside (0, 1) and ε below 0 are refused")
    func invalidTargets() {
        for accountant in RefusalTests.accountants(.addRemove) {
            for delta in [0, 1, -1e-9, 2, .nan, .infinity] {
                #expect(throws: AccountingError.self) {
                    try accountant.epsilon(of: RefusalTests.gaussian, delta: delta)
                }
            }
            for epsilon in [-1e-9, .nan, .infinity] {
                #expect(throws: AccountingError.self) {
                    try accountant.delta(of: RefusalTests.gaussian, epsilon: epsilon)
                }
            }
            #expect(throws: AccountingError.self) {
                try NoiseCalibration(epsilon: 0, delta: 1e-5, accountant: accountant) { .gaussian(noiseMultiplier: $0) }
            }
        }
        #expect(throws: AccountingError.self) { try RDPAccountant(orders: []) }
        #expect(throws: AccountingError.self) { try RDPAccountant(orders: [1]) }
        #expect(throws: AccountingError.self) { try PLDAccountant(interval: 0) }
        #expect(throws: AccountingError.unreachableTarget(epsilon: 1e-5, delta: 1e-9)) {
            try NoiseCalibration(
                epsilon: 1e-5, delta: 1e-9, accountant: AnalyticGaussianAccountant(), range: 1e-3...10
            ) { .gaussian(noiseMultiplier: $0) }
        }
    }

    @Test("Extreme parameters give a bound between the exact one and Rényi's, in bounded memory and time")
    func extremes() throws {
        for noise in [1e-3, 0.02, 1e3, 1e8] {
            let event = PrivacyEvent.gaussian(noiseMultiplier: noise)
            let exact = try AnalyticGaussianAccountant().epsilon(of: event, delta: 1e-6).epsilon
            let found = try PLDAccountant().epsilon(of: event, delta: 1e-6).epsilon
            #expect(found >= exact, "\(noise)")
            #expect(found <= exact * 1.001 + 1e-6, "\(noise): \(found), not \(exact)")
        }
        let start = ContinuousClock.now
        for (noise, rate, count, delta) in [
            (1e-3, 0.5, 100, 1e-5), (0.1, 0.01, 1_000_000, 1e-5), (1, 0.01, 1_000_000_000, 1e-5),
            (1, 1e-9, 1_000_000_000, 1e-5), (1e6, 1e-3, 1000, 1e-9), (1, 0.999999, 10, 1e-5), (1, 0.01, 100, 1e-100),
            (1, 0.01, 100, 0.999),
        ] {
            let event = PrivacyEvent.repeated(
                event: .poissonSampled(rate: rate, event: .gaussian(noiseMultiplier: noise)), count: count)
            let found = try PLDAccountant().epsilon(of: event, delta: delta).epsilon
            let rdp = try RDPAccountant().epsilon(of: event, delta: delta).epsilon
            #expect(found.isFinite && found >= 0)
            #expect(found <= rdp + 1e-3, "σ = \(noise), q = \(rate), T = \(count): \(found), Rényi \(rdp)")
        }
        #expect(start.duration(to: .now) < .seconds(60))
        // No number means anything here; what is said must not be too small.
        for (noise, count) in [(1e-9, 1), (1e-200, 1), (1e-160, .max), (1, Int.max)] {
            let event = PrivacyEvent.repeated(
                event: .poissonSampled(rate: 0.5, event: .gaussian(noiseMultiplier: noise)), count: count)
            #expect(try PLDAccountant().epsilon(of: event, delta: 1e-5).epsilon > 1e8)
            #expect(try PLDAccountant().delta(of: event, epsilon: 10).delta == 1)
        }
    }

    @Test("Events survive JSON, and JSON that is no event is refused")
    func coding() throws {
        let event = PrivacyEvent.composed([
            .noOp, .unprotected, RefusalTests.gaussian, RefusalTests.skellam,
            .repeated(event: .poissonSampled(rate: 0.1, event: .laplace(scale: 2)), count: 7),
            .fixedSizeSampled(population: 10, sample: 3, event: RefusalTests.gaussian),
            .repeatAndSelect(runs: .negativeBinomial(mean: 3, shape: 0), event: RefusalTests.gaussian),
        ])
        let data = try JSONEncoder().encode(event)
        #expect(try JSONDecoder().decode(PrivacyEvent.self, from: data) == event)
        for text in [
            "{}", "{\"gaussian\":{}}", "{\"unknown\":{\"rate\":1}}", "[]", "{\"gaussian\":{\"noiseMultiplier\":\"1\"}}",
        ] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(PrivacyEvent.self, from: Data(text.utf8))
            }
        }
    }

    @Test("The noise multiplier means the stated relation for every accountant: they agree under replace-one")
    func relation() throws {
        // Standard deviation 4 for clip 1: sensitivity 2 under replace-one, multiplier 2.
        let event = PrivacyEvent.gaussian(noiseMultiplier: 2)
        for accountant in RefusalTests.accountants(.replaceOne) {
            let guarantee = try accountant.epsilon(of: event, delta: 1e-5)
            #expect(guarantee.relation == .replaceOne)
            #expect(guarantee.epsilon >= 1.993091404 && guarantee.epsilon < 2.2, "\(accountant.name)")
        }
    }
}
