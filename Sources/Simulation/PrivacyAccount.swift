import Accounting
import Federation
package import Privacy
package import Record
package import Scenario

/// What the ledgers of a run cost, against each adversary.
///
/// - `coordinator` sees every update. It does not hold the key of sampling.
/// - `peer`, another client, sees every broadcast and holds that key, so that sampling hides nothing from it.
/// - `colluders`, the coordinator and clients that do not hold the person, see what each of them sees: every update, and
///   with the key of sampling. Of noise in shares they see each client under its own, whatever they know of theirs.
/// - `model` is whoever gets what was broadcast.
package struct PrivacyAccount {
    private let scenario: ScenarioDefinition
    private let ledger: [LedgerEntry]
    private let absent: [Int: Set<String>]
    private let hasSecureRandomness: Bool

    private enum Adversary: String, CaseIterable { case coordinator, peer, colluders, model }

    /// What one round of a release shows: Gaussian noise, on a sample of the persons.
    private struct Step: Equatable {
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

    /// What was spent up to and with some rounds of those in which something protected was released: by everything that
    /// an adversary sees, by all protected releases together where there are several, and by each alone.
    ///
    /// - Parameter limit: how many rounds at most; the first and the last are among them.
    /// - Throws: `AccountingError`.
    package func spending(limit: Int = 9) throws -> [SpendingRecord] {
        let open = ledger.filter { $0.policy == ReleasePolicy.unprotected.description }
        let names = Set(ledger.map(\.release)).subtracting(open.map(\.release)).sorted()
        let rounds = Set(ledger.filter { names.contains($0.release) }.map(\.round)).sorted()
        let count = min(max(2, limit), rounds.count)
        let chosen = (0..<count).map { rounds[count == 1 ? 0 : $0 * (rounds.count - 1) / (count - 1)] }
        let delta = scenario.number("privacy.delta")
        let views = names.map { name in
            Adversary.allCases.map { steps(of: ledger.filter { $0.release == name }, against: $0) }
        }
        var out: [SpendingRecord] = []
        for round in chosen {
            let parts = views.map { $0.map { $0?.filter { $0.key <= round } } }
            func add(_ scope: SpendingRecord.Scope, _ bounds: EpsilonRecord) {
                let values = [bounds.coordinator, bounds.peer, bounds.colluders, bounds.model]
                for (adversary, value) in zip(Adversary.allCases, values) {
                    out.append(
                        SpendingRecord(round: round, adversary: adversary.rawValue, scope: scope, epsilon: value))
                }
            }
            let all = Adversary.allCases.indices.map { index in together(parts.map { $0[index] }) }
            let sum = try bounds(all, delta: delta, isHeadline: true)
            add(.everything, open.contains { $0.round <= round } ? .noBound : sum)
            if names.count > 1 { add(.protectedReleases, sum) }
            for (name, part) in zip(names, parts) where part.contains(where: { $0?.isEmpty == false }) {
                add(.release(name), try bounds(part, delta: delta, isHeadline: true))
            }
        }
        return out
    }

    /// The rounds of one release as an adversary sees them; `nil` where nothing bounds it.
    private func steps(of entries: [LedgerEntry], against adversary: Adversary) -> [Int: [Step]]? {
        let policy = entries.first?.policy
        // The trusted coordinator of the central mode sees sums before any noise, and so do those who collude with it.
        if adversary == .coordinator || adversary == .colluders, policy == ReleasePolicy.central.description {
            return nil
        }
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
                case .coordinator, .colluders: break
                // A participant knows its own share.
                case .peer: shares = arrived - 1
                case .model: shares = arrived
                }
            }
            guard shares > 0, let noise = smoothed(entry, shares: shares) else { return nil }
            let holdsKey = adversary == .peer || adversary == .colluders
            let sampling = holdsKey ? .everyone : sampling(entry)
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
        let isOfFactors = scenario.domains.map(ReleaseName.factorUpdates).contains(entry.release)
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
        // Adversaries that see the same are charged once.
        var known: [(view: [Int: [Step]], value: Double?)] = []
        let values = try views.map { view -> Double? in
            guard let view else { return nil }
            if let same = known.first(where: { $0.view == view }) { return same.value }
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
            known.append((view, value.isFinite ? value : nil))
            return value.isFinite ? value : nil
        }
        return EpsilonRecord(coordinator: values[0], peer: values[1], colluders: values[2], model: values[3])
    }
}
