import Accounting
import Foundation
import Testing

/// The cost computed by hand, from densities and probabilities written down here.
@Suite("Closed forms")
struct ClosedFormTests {
    static func tail(_ x: Double) -> Double { 0.5 * erfc(x / 2.0.squareRoot()) }

    /// The hockey-stick divergence, at any real ε, between N(1, σ²) with probability q else N(0, σ²), and N(0, σ²).
    static func sampledGaussian(_ epsilon: Double, rate: Double, noise: Double, isRemoval: Bool) -> Double {
        let ratio = (isRemoval ? exp(epsilon) : exp(-epsilon)) - (1 - rate)
        guard ratio > 0 else { return isRemoval ? 1 - exp(epsilon) : 0 }
        let threshold = noise * noise * log(ratio / rate) + 0.5
        func mixed(_ sign: Double) -> Double {
            (1 - rate) * tail(sign * threshold / noise) + rate * tail(sign * (threshold - 1) / noise)
        }
        return isRemoval
            ? mixed(1) - exp(epsilon) * tail(threshold / noise) : tail(-threshold / noise) - exp(epsilon) * mixed(-1)
    }

    @Test(
        "One Poisson-sampled Gaussian step: δ at every ε is the larger hockey-stick divergence",
        arguments: [(0.01, 1.0), (0.2, 0.7), (0.5, 3.0), (0.9, 1.0), (1e-4, 0.5)])
    func sampledStep(rate: Double, noise: Double) throws {
        let event = PrivacyEvent.poissonSampled(rate: rate, event: .gaussian(noiseMultiplier: noise))
        for epsilon in [0.0, 1e-3, 0.05, 0.31234567, 1, 2.5] {
            let exact = max(
                ClosedFormTests.sampledGaussian(epsilon, rate: rate, noise: noise, isRemoval: true),
                ClosedFormTests.sampledGaussian(epsilon, rate: rate, noise: noise, isRemoval: false))
            let found = try PLDAccountant().delta(of: event, epsilon: epsilon).delta
            #expect(found >= exact - 1e-15, "ε = \(epsilon): \(found) is below \(exact)")
            #expect(found <= exact * (1 + 1e-3) + 1e-12, "ε = \(epsilon): \(found), not \(exact)")
        }
    }

    @Test(
        "Two Poisson-sampled Gaussian steps: δ is the integral of one step's δ over the other's loss",
        arguments: [(0.01, 1.0, 0.3), (0.1, 0.8, 1.5), (0.5, 2.0, 0.9)])
    func twoSteps(rate: Double, noise: Double, epsilon: Double) throws {
        func density(_ x: Double, _ mean: Double) -> Double {
            let z = (x - mean) / noise
            return exp(-z * z / 2) / (noise * (2 * Double.pi).squareRoot())
        }
        func divergence(isRemoval: Bool) -> Double {
            let count = 40_000
            let low = -14 * noise
            let step = (1 + 28 * noise) / Double(count)
            var sum = 0.0
            for k in 0...count {
                let x = low + Double(k) * step
                let still = density(x, 0)
                let mixed = (1 - rate) * still + rate * density(x, 1)
                let loss = (isRemoval ? 1 : -1) * log1p(rate * expm1((2 * x - 1) / (2 * noise * noise)))
                // Simpson's rule.
                let weight = k == 0 || k == count ? 1.0 : (k % 2 == 1 ? 4 : 2)
                sum +=
                    weight * (isRemoval ? mixed : still)
                    * ClosedFormTests.sampledGaussian(epsilon - loss, rate: rate, noise: noise, isRemoval: isRemoval)
            }
            return sum * step / 3
        }
        let exact = max(divergence(isRemoval: true), divergence(isRemoval: false))
        let event = PrivacyEvent.repeated(
            event: .poissonSampled(rate: rate, event: .gaussian(noiseMultiplier: noise)), count: 2)
        let found = try PLDAccountant().delta(of: event, epsilon: epsilon).delta
        #expect(found >= exact * (1 - 1e-7), "\(found) is below \(exact)")
        #expect(found <= exact * (1 + 1e-4), "\(found), not \(exact)")
    }

    @Test("One Laplace release: δ(ε) = 1 − e^((ε − 1/b)/2)", arguments: [0.3, 1, 4, 0.123456])
    func laplace(scale: Double) throws {
        for fraction in [0, 0.1, 0.37, 0.9, 0.999] {
            let epsilon = fraction / scale
            let exact = -expm1((epsilon - 1 / scale) / 2)
            let found = try PLDAccountant().delta(of: .laplace(scale: scale), epsilon: epsilon).delta
            #expect(found >= exact - 1e-14)
            #expect(found <= exact + 1e-8, "ε = \(epsilon): \(found), not \(exact)")
        }
        let epsilon = try PLDAccountant().epsilon(of: .laplace(scale: scale), delta: 1e-3).epsilon
        #expect(abs(epsilon - (1 / scale + 2 * log(1 - 1e-3))) < 1e-6)
    }

    @Test("Randomised response has pure ε = log(p/r), and n answers cost what the binomial sum says")
    func randomizedResponse() throws {
        let event = PrivacyEvent.randomizedResponse(categories: 5, keepProbability: 0.6)
        let loss = log(6.0)
        let accountant = PLDAccountant(relation: .replaceOne)
        #expect(abs(try accountant.epsilon(of: event, delta: 1e-12).epsilon - loss) < 2e-4)
        // One answer: δ(ε) = p − e^ε·r.
        let single = try accountant.delta(of: event, epsilon: 1).delta
        #expect(abs(single - (0.6 - exp(1) * 0.1)) < 1e-8)
        // Twelve answers: losses ±log 6 with 0.6 and 0.1, else 0.
        var law = [Int: Double]()
        law[0] = 1
        for _ in 0..<12 {
            var next = [Int: Double]()
            for (value, mass) in law {
                next[value + 1, default: 0] += 0.6 * mass
                next[value - 1, default: 0] += 0.1 * mass
                next[value, default: 0] += 0.3 * mass
            }
            law = next
        }
        for epsilon in [1.0, 5, 12, 20] {
            let exact = law.reduce(0) { sum, pair in
                let excess = Double(pair.key) * loss - epsilon
                return excess > 0 ? sum - pair.value * expm1(-excess) : sum
            }
            let found = try accountant.delta(of: .repeated(event: event, count: 12), epsilon: epsilon).delta
            #expect(found >= exact * (1 - 1e-9))
            #expect(found <= exact * (1 + 1e-3), "ε = \(epsilon): \(found), not \(exact)")
        }
        let rdp = try RDPAccountant(relation: .replaceOne, orders: [2]).divergences(of: event)[0]
        #expect(abs(rdp - log(0.36 / 0.1 + 0.01 / 0.6 + 0.3)) < 1e-12)
    }

    @Test("An outcome that only one of two data sets can give stays in δ, whatever ε and however composed")
    func infiniteLoss() throws {
        let accountant = PLDAccountant(relation: .replaceOne)
        let certain = PrivacyEvent.randomizedResponse(categories: 3, keepProbability: 1)
        for event in [certain, .repeated(event: certain, count: 3), .composed([certain, .laplace(scale: 5)])] {
            #expect(try accountant.delta(of: event, epsilon: 50).delta == 1)
            #expect(try accountant.epsilon(of: event, delta: 0.5).epsilon == .infinity)
        }
    }

    /// The probabilities of a discrete Gaussian, by definition.
    static func discreteGaussian(_ deviation: Double, reach: Int) -> [Double] {
        let values = (-reach...reach).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
        let sum = values.reduce(0, +)
        return values.map { $0 / sum }
    }

    /// The hockey-stick divergence between a law on the integers and the same moved by `shift`.
    static func divergence(_ law: [Double], shift: Int, epsilon: Double) -> Double {
        var sum = 0.0
        for k in 0..<law.count + shift {
            let moved = k >= shift ? law[k - shift] : 0
            let still = k < law.count ? law[k] : 0
            sum += max(0, moved - exp(epsilon) * still)
        }
        return sum
    }

    @Test(
        "Discrete Gaussian noise: exact for one integer, and a small bound above it for several",
        arguments: [(4.0, 1), (4.0, 5), (16.0, 20)])
    func discreteGaussian(deviation: Double, shift: Int) throws {
        let law = ClosedFormTests.discreteGaussian(deviation, reach: Int(14 * deviation) + shift)
        for epsilon in [0.05, 0.3, 1.0] {
            let exact = ClosedFormTests.divergence(law, shift: shift, epsilon: epsilon)
            let one = PrivacyEvent.discreteGaussian(
                standardDeviation: deviation, sensitivity: Double(shift), dimension: 1)
            let found = try PLDAccountant().delta(of: one, epsilon: epsilon).delta
            #expect(found >= exact * (1 - 1e-9) - 1e-18)
            #expect(found <= exact * (1 + 1e-3) + 1e-9, "\(found), not \(exact)")
        }
        // Moved along one coordinate, a thousand integers are as hard to tell apart as one.
        let many = PrivacyEvent.discreteGaussian(
            standardDeviation: deviation, sensitivity: Double(shift), dimension: 1000)
        let bound = try PLDAccountant().epsilon(of: many, delta: 1e-6).epsilon
        #expect(ClosedFormTests.divergence(law, shift: shift, epsilon: bound) <= 1e-6)
        let smooth = try AnalyticGaussianAccountant()
            .epsilon(of: .gaussian(noiseMultiplier: deviation / Double(shift)), delta: 1e-6).epsilon
        #expect(bound <= smooth * 1.08, "\(bound), continuous \(smooth)")
    }

    @Test("A sum of discrete Gaussians costs no more than its bound", arguments: [(1.0, 3), (4.0, 4), (0.7, 2)])
    func discreteGaussianSum(deviation: Double, shares: Int) throws {
        let single = ClosedFormTests.discreteGaussian(deviation, reach: Int(16 * deviation) + 4)
        var law = [1.0]
        for _ in 0..<shares {
            var next = [Double](repeating: 0, count: law.count + single.count - 1)
            for (i, x) in law.enumerated() { for (j, y) in single.enumerated() { next[i + j] += x * y } }
            law = next
        }
        let event = PrivacyEvent.discreteGaussianSum(
            shares: shares, standardDeviation: deviation, l1Sensitivity: 2, l2Sensitivity: 2, dimension: 1)
        for accountant: any PrivacyAccountant in [PLDAccountant(), RDPAccountant()] {
            let epsilon = try accountant.epsilon(of: event, delta: 1e-5).epsilon
            #expect(epsilon.isFinite)
            #expect(ClosedFormTests.divergence(law, shift: 2, epsilon: epsilon) <= 1e-5, "\(accountant.name)")
        }
    }

    @Test("Sampled discrete noise in many dimensions is bounded by the privacy-loss distribution, below Rényi's bound")
    func sampledDiscreteGaussian() throws {
        let step = PrivacyEvent.discreteGaussianSum(
            shares: 8, standardDeviation: 96, l1Sensitivity: 8482, l2Sensitivity: 132.544332206, dimension: 4096)
        let event = PrivacyEvent.repeated(event: .poissonSampled(rate: 0.01, event: step), count: 500)
        let pld = try PLDAccountant().epsilon(of: event, delta: 1e-6).epsilon
        let rdp = try RDPAccountant().epsilon(of: event, delta: 1e-6).epsilon
        let continuous = try PLDAccountant().epsilon(
            of: .repeated(
                event: .poissonSampled(
                    rate: 0.01, event: .gaussian(noiseMultiplier: 8.0.squareRoot() * 96 / 132.544332206)), count: 500),
            delta: 1e-6
        ).epsilon
        #expect(pld > continuous)
        #expect(pld < continuous * 1.001)
        #expect(pld < rdp)
    }

    @Test("One integer with Skellam noise under Poisson sampling: the hockey-stick divergence of the mixture")
    func sampledSkellam() throws {
        // e^−4 I_k(4) by its series.
        let reach = 60
        func bessel(_ k: Int) -> Double {
            var term = exp(-4.0 + Double(k) * log(2.0) - lgamma(Double(k) + 1))
            var sum = 0.0
            for m in 1...80 {
                sum += term
                term *= 4 / (Double(m) * Double(m + k))
            }
            return sum
        }
        let law = (-reach...reach).map { bessel(abs($0)) }
        #expect(abs(law.reduce(0, +) - 1) < 1e-12)
        let rate = 0.2
        for epsilon in [0.02, 0.2, 0.6] {
            var removal = 0.0
            var addition = 0.0
            for k in 0...law.count {
                let still = k < law.count ? law[k] : 0
                let mixed = (1 - rate) * still + rate * (k > 0 ? law[k - 1] : 0)
                removal += max(0, mixed - exp(epsilon) * still)
                addition += max(0, still - exp(epsilon) * mixed)
            }
            let exact = max(removal, addition)
            let noise = PrivacyEvent.skellam(variance: 4, l1Sensitivity: 1, l2Sensitivity: 1, dimension: 1)
            let found = try PLDAccountant().delta(
                of: .poissonSampled(rate: rate, event: noise), epsilon: epsilon
            ).delta
            #expect(found >= exact * (1 - 1e-9) - 1e-17)
            #expect(found <= exact * (1 + 1e-3) + 1e-9, "\(found), not \(exact)")
        }
    }

    @Test("Rényi divergences of the sampled Gaussian equal the integral of their definition, at integers and between")
    func sampledMoments() throws {
        for (rate, noise) in [(0.01, 1.0), (0.3, 2.0), (0.05, 0.7)] {
            let event = PrivacyEvent.poissonSampled(rate: rate, event: .gaussian(noiseMultiplier: noise))
            let orders = [2.0, 3.5, 7.0, 9.3]
            let found = try RDPAccountant(orders: orders).divergences(of: event)
            for (order, value) in zip(orders, found) {
                // E over N(0, σ²) of (density ratio)^order, by the trapezoidal rule, which is exact to rounding here.
                let count = 60_000
                let low = -12 * noise
                let high = order + 12 * noise
                var sum = 0.0
                for k in 0...count {
                    let x = low + (high - low) * Double(k) / Double(count)
                    let loss = log1p(rate * expm1((2 * x - 1) / (2 * noise * noise)))
                    sum += exp(order * loss - x * x / (2 * noise * noise))
                }
                let moment = sum * (high - low) / Double(count) / (noise * (2 * Double.pi).squareRoot())
                let exact = log(moment) / (order - 1)
                #expect(value >= exact * (1 - 1e-7) - 1e-13)
                #expect(value <= exact * (1 + 2e-2), "order \(order): \(value), not \(exact)")
                if order == order.rounded() { #expect(abs(value - exact) <= 1e-7 * exact) }
            }
        }
    }
}
