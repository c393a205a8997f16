public import Record

/// What is promised to persons as text: each ε with its adversary, unit and relation, and what it is conditional on.
public enum PrivacyTable {
    /// The lines of a privacy section.
    ///
    /// - Parameter isForecast: whether the run is still to come.
    public static func text(_ privacy: PrivacyRecord?, isForecast: Bool = false) -> String {
        guard let privacy, privacy.mode != "none", let delta = privacy.delta else {
            return
                "privacy: none – item factors and moments \(isForecast ? "cross" : "crossed") unprotected, so no ε bounds anybody\n"
        }
        var out = "privacy: \(privacy.mode), one \(privacy.unit), \(privacy.neighbouring), δ = \(delta)\n"
        for release in privacy.releases where release.mechanism != nil {
            out += "  ε of \(release.name) \(bounds(release.epsilon))"
            out += release.rounds.map { $0 > 1 ? " over \($0) rounds" : "" } ?? ""
            out +=
                release.conditionalOn.isEmpty
                ? "\n" : ", conditional on what \(isForecast ? "crosses" : "crossed") unprotected\n"
            if let size = release.sampleSize, let population = release.population {
                out +=
                    "  \(release.name): \(size) of \(population) places take part in each round, drawn without replacement\n"
            }
            if let bounds = release.clippingBounds {
                let range = bounds.last.map {
                    " (\(ResultTable.decimals(bounds[0], 4)) to \(ResultTable.decimals($0, 4)))"
                }
                out += "  \(release.name): the clipping bound follows the norms\(range ?? "")\n"
            }
            if let slots = release.personSlots {
                out += "  INDEXED BY PERSONS: \(release.name) has \(slots) slots, each of one person or of nobody\n"
            }
        }
        if let covers = privacy.covers { out += "  each ε covers \(covers)\n" }
        if let most = privacy.ratingsPerPerson {
            out += "  at most \(most) ratings of one person enter what is protected\n"
        }
        for cohort in privacy.cohorts ?? [] {
            out +=
                "  persons of the \(cohort.name) (\(share(cohort.share)) of those who \(PrivacyWords.deeds(privacy))): \(bounds(cohort.epsilon))\n"
        }
        if privacy.unprotected.isEmpty {
            out += "  ε of everything \(bounds(privacy.epsilon))\n"
        } else {
            out +=
                "  unprotected, so that everything together has no bound: \(privacy.unprotected.joined(separator: ", "))\n"
        }
        if privacy.hasReproducibleNoise {
            out += "  the noise comes from the seed: a simulation, no promise to real persons (--secure-randomness)\n"
        }
        return out
    }

    /// ε against each adversary in words.
    private static func bounds(_ epsilon: EpsilonRecord) -> String {
        let parts = [("coordinator", epsilon.coordinator), ("peer", epsilon.peer), ("model", epsilon.model)].map {
            name, value in
            "\(name) " + (value.map { ResultTable.decimals($0, 3) } ?? "no bound")
        }
        return "against " + parts.joined(separator: ", ")
    }

    private static func share(_ value: Double) -> String { "\(Int((value * 100).rounded())) %" }
}
