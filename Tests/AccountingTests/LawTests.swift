import Accounting
import Foundation
import Numerics
import Testing

/// What must hold whatever the numbers; failures print the drawn values.
@Suite("Laws of accounting")
struct LawTests {
    /// One drawn question.
    struct Question: CustomStringConvertible {
        var rate: Double
        var noise: Double
        var count: Int
        var delta: Double

        init(_ stream: inout RandomStream) {
            func logUniform(_ low: Double, _ high: Double) -> Double {
                low * exp(Double.random(in: 0..<1, using: &stream) * log(high / low))
            }
            rate = min(1, logUniform(1e-3, 1.5))
            noise = logUniform(0.5, 20)
            count = Int(logUniform(1, 3000))
            delta = logUniform(1e-9, 1e-2)
        }

        var event: PrivacyEvent {
            .repeated(event: ReferenceRow.sampled(rate, .gaussian(noiseMultiplier: noise)), count: count)
        }

        var description: String { "q = \(rate), σ = \(noise), T = \(count), δ = \(delta)" }
    }

    static func questions(_ count: Int, _ name: StreamComponent) -> [Question] {
        var stream = RandomStream(root: 11, path: ["accounting", name])
        return (0..<count).map { _ in Question(&stream) }
    }

    static func epsilon(
        _ question: Question, _ accountant: some PrivacyAccountant, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Double {
        try accountant.epsilon(of: question.event, delta: question.delta).epsilon
    }

    @Test("ε does not fall with more rounds, a higher rate, less noise or a smaller δ", arguments: ["pld", "rdp"])
    func monotone(name: String) throws {
        let accountant: any PrivacyAccountant = name == "pld" ? PLDAccountant() : RDPAccountant()
        for question in LawTests.questions(25, "monotone") {
            let epsilon = try LawTests.epsilon(question, accountant)
            var worse = question
            worse.count = question.count + max(1, question.count / 20)
            // The grid's own error is far below the difference that a twentieth makes, but not below nothing.
            let slack = 1e-4 * epsilon + 1e-7
            #expect(try LawTests.epsilon(worse, accountant) >= epsilon - slack, "rounds: \(question)")
            worse = question
            worse.rate = min(1, question.rate * 1.05)
            #expect(try LawTests.epsilon(worse, accountant) >= epsilon - slack, "rate: \(question)")
            worse = question
            worse.noise = question.noise / 1.05
            #expect(try LawTests.epsilon(worse, accountant) >= epsilon - slack, "noise: \(question)")
            worse = question
            worse.delta = question.delta / 1.5
            #expect(try LawTests.epsilon(worse, accountant) >= epsilon - slack, "δ: \(question)")
        }
    }

    @Test("The privacy-loss distribution lies between the exact ε and Rényi's")
    func order() throws {
        for question in LawTests.questions(25, "order") {
            let epsilon = try LawTests.epsilon(question, PLDAccountant())
            let rdp = try LawTests.epsilon(question, RDPAccountant())
            #expect(epsilon <= rdp + 1e-3, "\(question)")
            var unsampled = question
            unsampled.rate = 1
            let exact = try LawTests.epsilon(unsampled, AnalyticGaussianAccountant())
            let whole = try LawTests.epsilon(unsampled, PLDAccountant())
            #expect(whole >= exact - 1e-12 * max(1, exact), "\(question)")
            #expect(whole <= exact + 1e-4 + 1e-4 * exact, "\(question)")
            #expect(epsilon <= whole + 1e-4 + 1e-4 * exact, "\(question)")
        }
    }

    @Test("δ at the ε of a δ is that δ")
    func roundTrip() throws {
        for question in LawTests.questions(15, "round trip") {
            let epsilon = try LawTests.epsilon(question, PLDAccountant())
            guard epsilon > 1e-3 else { continue }
            let delta = try PLDAccountant().delta(of: question.event, epsilon: epsilon).delta
            #expect(abs(delta - question.delta) <= 2e-3 * question.delta, "\(question): \(delta)")
        }
        for question in LawTests.questions(15, "round trip") {
            let epsilon = try LawTests.epsilon(question, RDPAccountant())
            guard epsilon > 1e-3 else { continue }
            let delta = try RDPAccountant().delta(of: question.event, epsilon: epsilon).delta
            #expect(delta <= question.delta * (1 + 1e-9), "\(question): \(delta)")
        }
    }

    @Test("The order of a composition, and how repetitions are written, change nothing")
    func composition() throws {
        let first = PrivacyEvent.poissonSampled(rate: 0.05, event: .gaussian(noiseMultiplier: 1.5))
        let second = PrivacyEvent.laplace(scale: 8)
        let third = PrivacyEvent.gaussian(noiseMultiplier: 6)
        let written = PrivacyEvent.composed([
            .repeated(event: first, count: 6), .repeated(event: second, count: 2), third, .noOp,
        ])
        let others: [PrivacyEvent] = [
            .composed([third, .repeated(event: second, count: 2), .repeated(event: first, count: 6)]),
            .composed([first, second, third, first, .repeated(event: first, count: 4), second]),
            .composed([.repeated(event: .composed([first, first, first, second]), count: 2), third]),
            .composed([.repeated(event: .composed([.repeated(event: first, count: 3), second]), count: 2), third]),
        ]
        for accountant: any PrivacyAccountant in [PLDAccountant(), RDPAccountant()] {
            let expected = try accountant.epsilon(of: written, delta: 1e-6).epsilon
            for event in others {
                let found = try accountant.epsilon(of: event, delta: 1e-6).epsilon
                #expect(abs(found - expected) <= 1e-9 * expected, "\(accountant.name)")
            }
        }
    }

    @Test("Unsampled Gaussians compose to one Gaussian, whatever their noise")
    func gaussians() throws {
        let parts: [PrivacyEvent] = [
            .repeated(event: .gaussian(noiseMultiplier: 3), count: 5),
            .repeated(event: .gaussian(noiseMultiplier: 10), count: 100),
        ]
        let single = PrivacyEvent.gaussian(noiseMultiplier: 1 / (5.0 / 9 + 1).squareRoot())
        for accountant: any PrivacyAccountant in [PLDAccountant(), RDPAccountant(), AnalyticGaussianAccountant()] {
            let composed = try accountant.epsilon(of: .composed(parts), delta: 1e-5).epsilon
            let expected = try accountant.epsilon(of: single, delta: 1e-5).epsilon
            #expect(abs(composed - expected) <= 1e-9 * expected, "\(accountant.name)")
        }
    }

    @Test("A composition that is done by Fourier transform equals the closed form of Gaussians")
    func transformAgainstClosedForm() throws {
        // A rate so close to 1 that the closed form is not taken and yet exact to 1e-6.
        for (noise, count) in [(5.0, 10), (20.0, 1000), (3.0, 3)] {
            let event = PrivacyEvent.poissonSampled(rate: 1 - 1e-12, event: .gaussian(noiseMultiplier: noise))
            let found = try PLDAccountant().epsilon(of: .repeated(event: event, count: count), delta: 1e-8).epsilon
            let exact = try AnalyticGaussianAccountant()
                .epsilon(of: .repeated(event: .gaussian(noiseMultiplier: noise), count: count), delta: 1e-8).epsilon
            #expect(found >= exact - 1e-8)
            #expect(found <= exact + 1e-5 * exact, "\(noise), \(count): \(found), not \(exact)")
        }
    }

    @Test("A finer grid is never worse, and no grid is below the finest")
    func grids() throws {
        let event = PrivacyEvent.repeated(
            event: .poissonSampled(rate: 0.05, event: .gaussian(noiseMultiplier: 1.2)), count: 200)
        let epsilons = try [1e-2, 1e-3, 1e-4, 5e-5].map {
            try PLDAccountant(interval: $0).epsilon(of: event, delta: 1e-6).epsilon
        }
        for (coarse, fine) in zip(epsilons, epsilons.dropFirst()) { #expect(coarse >= fine - 1e-9) }
        #expect(epsilons[0] - epsilons[3] < 0.01 * epsilons[3])
    }

    @Test("A person in K clients costs the same as the composition or the sensitivity that it stands for")
    func clients() throws {
        let independent = PrivacyEvent.personInClients(
            count: 3, noiseMultiplier: 2, rate: 0.05, sampling: .independent)
        let step = PrivacyEvent.poissonSampled(rate: 0.05, event: .gaussian(noiseMultiplier: 2))
        #expect(independent == .repeated(event: step, count: 3))
        let one = try PLDAccountant().epsilon(
            of: .personInSummedClients(count: 1, noiseMultiplier: 2, rate: 0.05, sampling: .independent), delta: 1e-5)
        let plain = try PLDAccountant().epsilon(of: step, delta: 1e-5)
        #expect(abs(one.epsilon - plain.epsilon) < 1e-9)
        let summed = try PLDAccountant().epsilon(
            of: .personInSummedClients(count: 2, noiseMultiplier: 2, rate: 0.05, sampling: .independent), delta: 1e-5)
        let aligned = try PLDAccountant().epsilon(
            of: .personInSummedClients(count: 2, noiseMultiplier: 2, rate: 0.05, sampling: .coordinated), delta: 1e-5)
        #expect(summed.epsilon < aligned.epsilon)
        for sampling in ClientSampling.allCases {
            #expect(throws: AccountingError.self) {
                try PLDAccountant().epsilon(
                    of: .personInClients(count: 0, noiseMultiplier: 1, sampling: sampling), delta: 1e-5)
            }
            #expect(throws: AccountingError.self) {
                try PLDAccountant().epsilon(
                    of: .personInSummedClients(count: 0, noiseMultiplier: 1, rate: 0.5, sampling: sampling),
                    delta: 1e-5)
            }
        }
    }
}
