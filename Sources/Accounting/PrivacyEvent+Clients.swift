/// How the clients that hold one person decide who takes part in a round.
public enum ClientSampling: String, Codable, Sendable, CaseIterable {
    /// One draw for all clients: the person takes part in all of them or in none.
    case coordinated
    /// Each client draws for itself.
    case independent
}

extension PrivacyEvent {
    /// One round that a person's data in several clients takes part in, each client releasing its own noised sum.
    ///
    /// The clients' outputs are disjoint. Under coordinated sampling they are one output in which the person moves
    /// √`count` sensitivities; under independent sampling they compose as `count` sampled releases.
    ///
    /// - Parameters:
    ///   - count: the number of clients that hold the person, at least 1.
    ///   - noiseMultiplier: standard deviation ÷ the sensitivity of **one** client's sum under the relation asked about.
    ///   - rate: the sampling rate, 1 without sampling.
    public static func personInClients(
        count: Int, noiseMultiplier: Double, rate: Double = 1, sampling: ClientSampling
    ) -> PrivacyEvent {
        func sampled(_ noise: Double) -> PrivacyEvent {
            let event = PrivacyEvent.gaussian(noiseMultiplier: noise)
            return rate == 1 ? event : .poissonSampled(rate: rate, event: event)
        }
        return switch sampling {
        // A count that makes no sense stays one: the multiplier becomes NaN, and `validate` refuses it.
        case .coordinated: sampled(noiseMultiplier / Double(count).squareRoot())
        case .independent: .repeated(event: sampled(noiseMultiplier), count: count > 0 ? count : -1)
        }
    }

    /// One round whose clients' sums are added up before noise: the person moves the total by one sensitivity for each
    /// client in which it takes part.
    ///
    /// - Parameters:
    ///   - count: the number of clients that hold the person, at least 1.
    ///   - noiseMultiplier: standard deviation of the total's noise ÷ the sensitivity of one client's sum, add-remove.
    ///   - rate: the sampling rate, below 1.
    public static func personInSummedClients(
        count: Int, noiseMultiplier: Double, rate: Double, sampling: ClientSampling
    ) -> PrivacyEvent {
        guard count > 0 else { return .repeated(event: .gaussian(noiseMultiplier: noiseMultiplier), count: -1) }
        switch sampling {
        case .coordinated:
            return .poissonSampled(rate: rate, event: .gaussian(noiseMultiplier: noiseMultiplier / Double(count)))
        case .independent:
            // The binomial distribution by its recurrence from no client on.
            var probabilities = [1.0]
            for _ in 0..<count {
                var next = probabilities.map { $0 * (1 - rate) } + [0]
                for (index, value) in probabilities.enumerated() { next[index + 1] += value * rate }
                probabilities = next
            }
            return .gaussianMixture(
                noiseMultiplier: noiseMultiplier, sensitivities: (0...count).map(Double.init),
                probabilities: probabilities)
        }
    }
}
