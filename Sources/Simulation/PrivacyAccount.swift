import Accounting
import Federation
package import Privacy
package import Record
package import Scenario

/// What the ledgers of a run cost, against each adversary.
///
/// - `coordinator` sees every update. It does not hold the key of sampling.
/// - `peer`, another client, sees every broadcast and holds that key, so that sampling hides nothing from it.
/// - `model` is whoever gets what was broadcast.
package struct PrivacyAccount {
    private let scenario: ScenarioDefinition
    private let ledger: [LedgerEntry]
    private let absent: [Int: Set<String>]
    private let hasSecureRandomness: Bool

    private enum Adversary: CaseIterable { case coordinator, peer, model }

    /// What one round of a release shows: Gaussian noise, on a sample of the persons.
    private struct Step {
        let noiseMultiplier: Double
        let sampling: SamplingScheme
        let slack: Double
    }

    /// - Parameters:
    ///   - ledger: the entries of all clients and of the coordinator.
    ///   - absent: by round, the clients whose update did not arrive: what they wrote down was not released.
    package init(
        scenario: ScenarioDefinition, ledger: [LedgerEntry], absent: [Int: Set<String>], hasSecureRandomness: Bool
    ) {
        self.scenario = scenario
        self.ledger = ledger
        self.absent = absent
        self.hasSecureRandomness = hasSecureRandomness
    }

    /// The privacy section of the record.
    ///
    /// - Throws: `AccountingError`.
    package func record() throws -> PrivacyRecord {
        let unprotectedEntries = ledger.filter { $0.policy == ReleasePolicy.unprotected.description }
        let unprotected = Set(unprotectedEntries.map(\.release)).sorted()
        let protected = Set(ledger.map(\.release)).subtracting(unprotected).sorted()
        let delta = scenario.number("privacy.delta")
        var releases: [ReleaseRecord] = []
        var views: [[[Int: [Step]]?]] = Adversary.allCases.map { _ in [] }
        // Those of what validation persons alone give, and of the rest.
        var choiceViews = views
        var trainingViews = views
        for name in Set(ledger.map(\.release)).sorted() {
            guard protected.contains(name) else {
                releases.append(ReleaseRecord(name: name, epsilon: .noBound, conditionalOn: []))
                continue
            }
            let entries = ledger.filter { $0.release == name }
            let own = Adversary.allCases.map { steps(of: entries, against: $0) }
            let isOfEncoders = scenario.domains.contains {
                name == ReleaseName.model($0, method: MethodName.ratingMeans)
            }
            let isOfChoices = [ReleaseName.selection, ReleaseName.gate].contains(name)
            for (index, view) in own.enumerated() {
                views[index].append(view)
                if isOfChoices {
                    choiceViews[index].append(view)
                } else if !isOfEncoders {
                    trainingViews[index].append(view)
                }
            }
            let first = entries.map(\.round).min() ?? 0
            let noised = entries.first { $0.noise != nil }
            releases.append(
                ReleaseRecord(
                    name: name, epsilon: try bounds(own, delta: delta, isHeadline: true),
                    conditionalOn: Set(unprotectedEntries.filter { $0.round < first }.map(\.release)).sorted(),
                    mechanism: noised?.mechanism,
                    noiseMultiplier: noised.flatMap { smoothed($0, shares: 1)?.noiseMultiplier },
                    clippingBound: noised.flatMap { inUnits($0.clippingBound, $0, of: name) },
                    sensitivity: noised.flatMap { inUnits($0.sensitivity, $0, of: name) },
                    samplingRate: noised?.samplingRate, rounds: Set(entries.map(\.round)).count,
                    renyiEpsilon: try renyiBounds(own, delta: delta),
                    personSlots: name == ReleaseName.personVectors ? scenario.optionalInteger("privacy.slots") : nil,
                    sampleSize: noised?.sampleSize, population: noised?.population,
                    clippingBounds: hasMovingBound(name) ? bounds(of: entries) : nil))
        }
        let total = try bounds(views.map(together), delta: delta, isHeadline: true)
        let isProtected = scenario.isProtected
        var cohorts: [PrivacyCohortRecord]?
        if scenario.hasDisjointEncoders {
            let share = scenario.number("privacy.bridge-share")
            // Who does what follows from ids: a person who serves the bridge has no part in the choices.
            let validating = scenario.protectsChoices ? scenario.number("evaluation.validation-users") : 0
            let bridge = try bounds(trainingViews.map(together), delta: delta, isHeadline: true)
            cohorts = [
                PrivacyCohortRecord(name: "bridge", share: share * (1 - validating), epsilon: bridge),
                PrivacyCohortRecord(name: "encoders", share: (1 - share) * (1 - validating), epsilon: .noBound),
            ]
            if scenario.validatesAlone {
                cohorts?.append(
                    PrivacyCohortRecord(
                        name: "validation", share: validating,
                        epsilon: try bounds(choiceViews.map(together), delta: delta, isHeadline: true)))
            }
        }
        return PrivacyRecord(
            mode: isProtected ? scenario.text("privacy.mode") : "none",
            unit: scenario.hidesRatings ? "rating" : "person",
            neighbouring: scenario.text("privacy.neighbouring"), delta: isProtected ? delta : nil,
            epsilon: unprotected.isEmpty && !protected.isEmpty ? total : .noBound, releases: releases,
            unprotected: unprotected, hasReproducibleNoise: !hasSecureRandomness, cohorts: cohorts,
            protectedEpsilon: protected.isEmpty ? nil : total, ratingsPerPerson: scenario.ratingsPerPerson,
            covers: scenario.hidesRatings ? PrivacyRecord.coverageOfRatings : nil)
    }

    /// Whether a release is in units of a clipping bound that follows the norms.
    private func hasMovingBound(_ release: String) -> Bool {
        scenario.clipsAdaptively && MethodName.metaMethods.map(ReleaseName.meta).contains(release)
    }

    /// A number of an entry in the units of the data: where the bound moves, those of the first round.
    private func inUnits(_ value: Double?, _ entry: LedgerEntry, of release: String) -> Double? {
        let unit = entry.valueUnit ?? (hasMovingBound(release) ? scenario.number("privacy.clipping-bound") : 1)
        return value.map { $0 * unit }
    }

    /// The moving bound of each round, as far as rounds were made.
    private func bounds(of entries: [LedgerEntry]) -> [Double] {
        Dictionary(grouping: entries, by: \.round).sorted { $0.key < $1.key }.compactMap {
            $0.value.compactMap(\.valueUnit).first
        }
    }

    /// The rounds of one release as an adversary sees them; `nil` where nothing bounds it.
    private func steps(of entries: [LedgerEntry], against adversary: Adversary) -> [Int: [Step]]? {
        let policy = entries.first?.policy
        // The trusted coordinator of the central mode sees sums before any noise.
        if adversary == .coordinator, policy == ReleasePolicy.central.description { return nil }
        var out: [Int: [Step]] = [:]
        for (round, members) in Dictionary(grouping: entries, by: \.round) {
            let noised = members.filter { $0.noise != nil }
            guard let entry = noised.first else { return nil }
            // A person is in one persons client, whose noise it is.
            var shares = 1
            if policy == ReleasePolicy.distributed.description {
                // A client has one share, however often its entry is read.
                let arrived = Set(noised.map(\.client)).subtracting(absent[round] ?? []).count
                switch adversary {
                // Sums are not masked: each client is seen under its own share.
                case .coordinator: break
                // A participant knows its own share.
                case .peer: shares = arrived - 1
                case .model: shares = arrived
                }
            }
            guard shares > 0, let noise = smoothed(entry, shares: shares) else { return nil }
            let sampling = adversary == .peer ? .everyone : sampling(entry)
            // What a run that was resumed released again with other noise is another release.
            let draws = Dictionary(grouping: noised, by: \.client).values.map(\.count).max() ?? 1
            out[round] = Array(
                repeating: Step(noiseMultiplier: noise.noiseMultiplier, sampling: sampling, slack: noise.slack),
                count: hasSecureRandomness ? draws : 1)
        }
        return out
    }

    /// The sampling that an entry states, as far as it hides anybody.
    private func sampling(_ entry: LedgerEntry) -> SamplingScheme {
        let stated: SamplingScheme
        if let count = entry.sampleSize, let population = entry.population {
            stated = .fixedSize(count: count, population: population)
        } else {
            stated = entry.samplingRate.map { $0 < 1 ? .poisson(rate: $0) : .everyone } ?? .everyone
        }
        return ReleasePolicy(mode: entry.policy).map { stated.charged(under: $0) } ?? .everyone
    }

    /// The continuous noise, under the scenario's relation, that a number of an entry's shares costs no more than.
    private func smoothed(_ entry: LedgerEntry, shares: Int) -> SmoothedNoise? {
        guard let noise = entry.noise, let step = entry.step, let bound = entry.sensitivity,
            let dimension = entry.dimension
        else { return nil }
        let sensitivity = bound / step * NeighbouringRelation(scenario).sensitivityFactor
        let isOfFactors = scenario.protectsItemFactors && entry.release.hasSuffix(".factor-updates")
        let rounds = Double(isOfFactors ? scenario.factorRounds : scenario.transferRounds)
        guard shares > 1 else {
            return SmoothedNoise(
                .discreteGaussian(standardDeviation: noise / step, sensitivity: sensitivity, dimension: dimension),
                repetitions: rounds)
        }
        return SmoothedNoise(
            .discreteGaussianSum(
                shares: shares, standardDeviation: noise / step,
                l1Sensitivity: sensitivity * Double(dimension).squareRoot(), l2Sensitivity: sensitivity,
                dimension: dimension), repetitions: rounds)
    }

    /// Several releases as one, round by round; `nil` where nothing bounds one of them.
    private func together(_ views: [[Int: [Step]]?]) -> [Int: [Step]]? {
        guard !views.isEmpty else { return nil }
        var out: [Int: [Step]] = [:]
        for view in views {
            guard let view else { return nil }
            out.merge(view) { $0 + $1 }
        }
        return out
    }

    /// All rounds as one event. What is released in a round is of the same sample of persons: one Gaussian whose squared
    /// inverse multiplier is the sum of theirs, sampled once.
    ///
    /// - Parameter isSampled: whether sampling counts; an event without it costs at least as much.
    private func event(_ rounds: [Int: [Step]], isSampled: Bool = true) -> (event: PrivacyEvent, slack: Double) {
        var parts: [PrivacyEvent] = []
        var slack = 0.0
        for (_, steps) in rounds.sorted(by: { $0.key < $1.key }) {
            let multiplier = 1 / steps.reduce(0) { $0 + 1 / ($1.noiseMultiplier * $1.noiseMultiplier) }.squareRoot()
            let noise = PrivacyEvent.gaussian(noiseMultiplier: multiplier)
            let schemes = steps.map(\.sampling)
            let isOneSample = isSampled && schemes.allSatisfy { $0 == schemes[0] }
            parts.append(isOneSample ? schemes[0].event(noise) : noise)
            slack += steps.reduce(0) { $0 + $1.slack }
        }
        return (.composed(parts), slack)
    }

    /// The same by Rényi divergences; `nil` where they have no bound, as for Poisson samples under replacing a person.
    private func renyiBounds(_ views: [[Int: [Step]]?], delta: Double) throws -> EpsilonRecord? {
        do { return try bounds(views, delta: delta, isHeadline: false) } catch AccountingError.unsupportedRelation {
            return nil
        }
    }

    private func bounds(_ views: [[Int: [Step]]?], delta: Double, isHeadline: Bool) throws -> EpsilonRecord {
        let relation = NeighbouringRelation(scenario)
        let values = try views.map { view -> Double? in
            guard let view else { return nil }
            let (event, slack) = event(view)
            let schemes = view.values.flatMap { $0.map(\.sampling) }
            let accountant: any PrivacyAccountant =
                isHeadline ? PrivacyPlan.accountant(relation, sampling: schemes) : RDPAccountant(relation: relation)
            var value = try accountant.epsilon(of: event, delta: delta * (1 - slack)).epsilon
            if isHeadline, schemes.contains(where: \.isFixedSize) {
                let whole = self.event(view, isSampled: false).event
                value = min(
                    value,
                    try AnalyticGaussianAccountant(relation: relation).epsilon(of: whole, delta: delta * (1 - slack))
                        .epsilon)
            }
            value += 2 * slack
            return value.isFinite ? value : nil
        }
        return EpsilonRecord(coordinator: values[0], peer: values[1], model: values[2])
    }
}
