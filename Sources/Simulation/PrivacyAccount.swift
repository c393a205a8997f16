import Accounting
import Federation
import Privacy
import Record
import Scenario

/// What the ledgers of a run cost, against each adversary.
///
/// - `coordinator` sees every update. It does not hold the key of sampling.
/// - `peer`, another client, sees every broadcast and holds that key, so that sampling hides nothing from it.
/// - `model` is whoever gets what was broadcast.
struct PrivacyAccount {
    let scenario: ScenarioDefinition
    /// The entries of all clients and of the coordinator.
    let ledger: [LedgerEntry]
    let hasSecureRandomness: Bool

    private enum Adversary: CaseIterable { case coordinator, peer, model }

    /// The discrete Gaussian of variance σ² (grid units) is, up to a factor of 1 ± 10⁻⁷⁶ in every probability, a
    /// continuous one of variance σ² − η² whose result is rounded at random by a discrete Gaussian of variance η² = 9, so
    /// that it costs no more than that: Peikert, *An efficient and parallel Gaussian sampler for lattices* (CRYPTO 2010),
    /// Theorem 3.1, with the smoothing parameter of the integers. A sum of shares likewise (their variances add).
    private static let smoothing = 9.0

    /// The privacy section of the record.
    ///
    /// - Throws: `AccountingError`.
    func record() throws -> PrivacyRecord {
        let unprotectedEntries = ledger.filter { $0.policy == ReleasePolicy.unprotected.description }
        let unprotected = Set(unprotectedEntries.map(\.release)).sorted()
        let protected = Set(ledger.map(\.release)).subtracting(unprotected).sorted()
        let delta = scenario.number("privacy.delta")
        var releases: [ReleaseRecord] = []
        var events: [[PrivacyEvent?]] = Adversary.allCases.map { _ in [] }
        for name in Set(ledger.map(\.release)).sorted() {
            guard protected.contains(name) else {
                releases.append(ReleaseRecord(name: name, epsilon: .noBound, conditionalOn: []))
                continue
            }
            let entries = ledger.filter { $0.release == name }
            let own = Adversary.allCases.map { event(of: entries, against: $0) }
            for (index, event) in own.enumerated() { events[index].append(event) }
            let first = entries.map(\.round).min() ?? 0
            let noised = entries.first { $0.noise != nil }
            releases.append(
                ReleaseRecord(
                    name: name, epsilon: try bounds(own, delta: delta, isHeadline: true),
                    conditionalOn: Set(unprotectedEntries.filter { $0.round < first }.map(\.release)).sorted(),
                    mechanism: noised?.mechanism, noiseMultiplier: noised.flatMap { multiplier($0, shares: 1) },
                    clippingBound: noised?.clippingBound, sensitivity: noised?.sensitivity,
                    samplingRate: noised?.samplingRate, rounds: Set(entries.map(\.round)).count,
                    renyiEpsilon: try bounds(own, delta: delta, isHeadline: false)))
        }
        let total = try bounds(events.map(composed), delta: delta, isHeadline: true)
        let isProtected = scenario.isProtected
        var cohorts: [PrivacyCohortRecord]?
        if scenario.hasDisjointEncoders {
            let share = scenario.number("privacy.bridge-share")
            cohorts = [
                PrivacyCohortRecord(name: "bridge", share: share, epsilon: total),
                PrivacyCohortRecord(name: "encoders", share: 1 - share, epsilon: .noBound),
            ]
        }
        return PrivacyRecord(
            mode: isProtected ? scenario.text("privacy.mode") : "none", unit: "person",
            neighbouring: scenario.text("privacy.neighbouring"), delta: isProtected ? delta : nil,
            epsilon: unprotected.isEmpty && !protected.isEmpty ? total : .noBound, releases: releases,
            unprotected: unprotected, hasReproducibleNoise: !hasSecureRandomness, cohorts: cohorts,
            protectedEpsilon: protected.isEmpty ? nil : total)
    }

    /// All rounds of one release as an adversary sees them; `nil` where nothing bounds it.
    private func event(of entries: [LedgerEntry], against adversary: Adversary) -> PrivacyEvent? {
        let policy = entries.first?.policy
        // The trusted coordinator of the central mode sees sums before any noise.
        if adversary == .coordinator, policy == ReleasePolicy.central.description { return nil }
        var parts: [PrivacyEvent] = []
        for (_, members) in Dictionary(grouping: entries, by: \.round).sorted(by: { $0.key < $1.key }) {
            let noised = members.filter { $0.noise != nil }
            guard let entry = noised.first else { return nil }
            let shares: Int
            if policy == ReleasePolicy.distributed.description {
                switch adversary {
                // Sums are not masked: each client is seen under its own share.
                case .coordinator: shares = 1
                // A participant knows its own share.
                case .peer: shares = noised.count - 1
                case .model: shares = noised.count
                }
            } else {
                // A person is in one persons client, whose noise it is.
                shares = 1
            }
            guard shares > 0, let multiplier = multiplier(entry, shares: shares) else { return nil }
            let noise = PrivacyEvent.gaussian(noiseMultiplier: multiplier)
            let rate = adversary == .peer ? 1 : entry.samplingRate ?? 1
            parts.append(rate < 1 ? .poissonSampled(rate: rate, event: noise) : noise)
        }
        return .composed(parts)
    }

    /// The noise multiplier of a number of shares, under the scenario's relation.
    private func multiplier(_ entry: LedgerEntry, shares: Int) -> Double? {
        guard let noise = entry.noise, let step = entry.step, let sensitivity = entry.sensitivity else { return nil }
        let variance = Double(shares) * (noise / step) * (noise / step) - PrivacyAccount.smoothing
        guard variance > 0 else { return nil }
        return variance.squareRoot() * step / (sensitivity * NeighbouringRelation(scenario).sensitivityFactor)
    }

    private func composed(_ events: [PrivacyEvent?]) -> PrivacyEvent? {
        let known = events.compactMap { $0 }
        return known.count == events.count && !known.isEmpty ? .composed(known) : nil
    }

    private func bounds(_ events: [PrivacyEvent?], delta: Double, isHeadline: Bool) throws -> EpsilonRecord {
        let relation = NeighbouringRelation(scenario)
        let values = try events.map { event -> Double? in
            guard let event else { return nil }
            let accountant: any PrivacyAccountant =
                isHeadline
                ? PrivacyPlan.accountant(relation, isSampled: PrivacyAccount.isSampled(event))
                : RDPAccountant(relation: relation)
            let value = try accountant.epsilon(of: event, delta: delta).epsilon
            return value.isFinite ? value : nil
        }
        return EpsilonRecord(coordinator: values[0], peer: values[1], model: values[2])
    }

    private static func isSampled(_ event: PrivacyEvent) -> Bool {
        switch event {
        case .poissonSampled, .fixedSizeSampled: true
        case .composed(let events): events.contains { isSampled($0) }
        case .repeated(let event, _): isSampled(event)
        default: false
        }
    }
}
