extension EpsilonRecord {
    /// The largest ε of each adversary over several records; one without a finite bound has none in the whole.
    static func worst(_ records: [EpsilonRecord?]) -> EpsilonRecord {
        func largest(_ bound: (EpsilonRecord) -> Double?) -> Double? {
            let values = records.compactMap { $0.flatMap(bound) }.filter(\.isFinite)
            return values.count == records.count ? values.max() : nil
        }
        return EpsilonRecord(
            coordinator: largest(\.coordinator), peer: largest(\.peer), colluders: largest(\.colluders),
            model: largest(\.model))
    }
}

extension PrivacyRecord {
    /// Of the records of several seeds the largest ε of each adversary; what one seed leaves unprotected is so in the
    /// whole. `nil` without a record.
    public static func worst(_ records: [PrivacyRecord]) -> PrivacyRecord? {
        guard let first = records.first else { return nil }
        func unique(_ names: [String]) -> [String] {
            names.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
        let names = unique(records.flatMap { $0.releases.map(\.name) })
        let releases = names.compactMap { name -> ReleaseRecord? in
            let members = records.compactMap { record in record.releases.first { $0.name == name } }
            guard let release = members.first else { return nil }
            return ReleaseRecord(
                name: name, epsilon: .worst(members.map(\.epsilon)),
                conditionalOn: unique(members.flatMap(\.conditionalOn)), mechanism: release.mechanism,
                noiseMultiplier: release.noiseMultiplier, clippingBound: release.clippingBound,
                sensitivity: release.sensitivity, samplingRate: release.samplingRate, rounds: release.rounds,
                renyiEpsilon: release.renyiEpsilon.map { _ in .worst(members.map(\.renyiEpsilon)) },
                personSlots: release.personSlots, sampleSize: release.sampleSize, population: release.population,
                // Each seed has bounds of its own; the first seed's stand for them.
                clippingBounds: release.clippingBounds)
        }
        return PrivacyRecord(
            mode: first.mode, unit: first.unit, neighbouring: first.neighbouring,
            delta: records.compactMap(\.delta).max(), epsilon: .worst(records.map(\.epsilon)), releases: releases,
            unprotected: unique(records.flatMap(\.unprotected)).sorted(),
            hasReproducibleNoise: records.contains { $0.hasReproducibleNoise },
            cohorts: first.cohorts?.map { cohort in
                let members = records.map { $0.cohorts?.first { $0.name == cohort.name }?.epsilon }
                return PrivacyCohortRecord(name: cohort.name, share: cohort.share, epsilon: .worst(members))
            }, protectedEpsilon: first.protectedEpsilon.map { _ in .worst(records.map(\.protectedEpsilon)) },
            ratingsPerPerson: first.ratingsPerPerson, covers: first.covers)
    }
}
