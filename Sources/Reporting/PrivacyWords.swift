import Record

/// What a privacy section promises, in words that name against whom, per what unit and given what else was seen.
struct PrivacyWords: Sendable {
    /// One of those who look.
    enum Adversary: String, CaseIterable, Sendable {
        case coordinator, peer, model

        /// In a sentence, after "against".
        var words: String {
            switch self {
            case .coordinator: "the coordinator"
            case .peer: "another client (peer)"
            case .model: "whoever gets the released model (model)"
            }
        }

        /// The bound in a record; `nil`, no bound, also for a value that is not a finite ε.
        func bound(_ record: EpsilonRecord?) -> Double? {
            let value =
                switch self {
                case .coordinator: record?.coordinator
                case .peer: record?.peer
                case .model: record?.model
                }
            return value.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
        }
    }

    /// What an ε is of.
    enum Scope: Hashable, Sendable {
        /// Everything that an adversary sees.
        case everything
        /// All protected releases together, given the unprotected ones.
        case protectedReleases
        /// One release, given the unprotected ones before it.
        case release(String)

        /// `of the bridge (conditional)`.
        var words: String {
            switch self {
            case .everything: "of everything seen"
            case .protectedReleases: "of all protected releases together (conditional)"
            case .release(let name): "of the \(name) (conditional)"
            }
        }
    }

    /// The ε that a picture is about.
    struct Subject: Sendable, Equatable {
        let scope: Scope
        let adversaries: [Adversary]

        /// `ε of the bridge (conditional) against another client (peer)`.
        var label: String { "ε \(scope.words) against \(PrivacyWords.list(adversaries.map(\.words)))" }

        /// The same as short as an axis needs it: `ε of the bridge (conditional), against peer and model`.
        var axisLabel: String {
            let words = scope == .protectedReleases ? "of protected releases (conditional)" : scope.words
            return "ε \(words), against \(PrivacyWords.list(adversaries.map(\.rawValue)))"
        }
    }

    let record: PrivacyRecord

    /// `a, b and c`.
    private static func list(_ names: [String]) -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " and " + last
    }

    var isUnprotected: Bool { record.mode == "none" }

    /// The releases with a bound against somebody.
    var boundReleases: [ReleaseRecord] {
        record.releases.filter { release in Adversary.allCases.contains { $0.bound(release.epsilon) != nil } }
    }

    /// `per person, neighbouring relation add-remove, δ = 10⁻⁵`.
    var terms: String {
        let delta = record.delta.map { ", δ\u{A0}=\u{A0}\(ReportNumber.significant($0))" } ?? ", no δ"
        return "per \(record.unit), neighbouring relation \(record.neighbouring)\(delta)"
    }

    /// What a picture of these records puts on its axis: what has a bound in every one of them, a total before the
    /// protected releases together, and those, where there are several, before a release; and of the adversaries those
    /// with the largest ε.
    static func subject(_ records: [PrivacyRecord]) -> Subject? {
        guard let first = records.first else { return nil }
        let names = unique(records.flatMap { PrivacyWords(record: $0).boundReleases.map(\.name) })
        // A control that is released too is no part of what the transfer costs.
        let own = names.filter { !$0.hasPrefix("shuffled") }
        let releases = (own + names.filter { $0.hasPrefix("shuffled") }).map(Scope.release)
        let scopes: [Scope] = [.everything] + (own.count > 1 ? [.protectedReleases] : []) + releases
        for scope in scopes {
            let bounded = Adversary.allCases.filter { adversary in
                records.allSatisfy { adversary.bound(bounds($0, scope)) != nil }
            }
            let values = bounded.map { $0.bound(bounds(first, scope)) ?? 0 }
            guard let largest = values.max() else { continue }
            let chosen = zip(bounded, values).filter { $0.1 == largest }.map(\.0)
            // Adversaries share a label only where they share every value.
            let equal = chosen.filter { adversary in
                records.allSatisfy { adversary.bound(bounds($0, scope)) == chosen[0].bound(bounds($0, scope)) }
            }
            return Subject(scope: scope, adversaries: equal)
        }
        return nil
    }

    private static func bounds(_ record: PrivacyRecord, _ scope: Scope) -> EpsilonRecord? {
        switch scope {
        case .everything: record.epsilon
        case .protectedReleases: record.protectedEpsilon
        case .release(let name): record.releases.first { $0.name == name }?.epsilon
        }
    }

    /// The ε of a subject in this record.
    func value(_ subject: Subject) -> Double? {
        subject.adversaries.first?.bound(PrivacyWords.bounds(record, subject.scope))
    }

    /// `ε = 2 of the release bridge against …, per person, …, conditional on …`: an ε in a sentence about something else.
    func phrase(_ subject: Subject, isBrief: Bool = false) -> HTML? {
        guard let value = value(subject) else { return nil }
        let against = HTML.sentence(subject.adversaries.map { HTML($0.words) })
        let epsilon = HTML("ε\u{A0}=\u{A0}\(ReportNumber.significant(value))")
        let start: HTML
        switch subject.scope {
        case .everything:
            return epsilon + " of everything seen, against " + against + (isBrief ? .empty : HTML(", \(terms)"))
        case .protectedReleases: start = epsilon + " of all protected releases together, against " + against
        case .release(let name): start = epsilon + " of the release " + .name(name) + " against " + against
        }
        return isBrief ? start + " (conditional)" : start + HTML(", \(terms), ") + condition(subject.scope)
    }

    /// What the ε of a scope takes as fixed.
    func condition(_ scope: Scope) -> HTML {
        switch scope {
        case .everything: .empty
        case .protectedReleases: PrivacyWords.condition(unique(boundReleases.flatMap(\.conditionalOn)))
        case .release(let name):
            PrivacyWords.condition(record.releases.first { $0.name == name }?.conditionalOn ?? [])
        }
    }

    /// What an ε takes as fixed: some names, and how many more the table of releases has.
    static func condition(_ names: [String]) -> HTML {
        if names.isEmpty { return "conditional on no other value" }
        let rest = names.count - 8
        return "conditional on "
            + .sentence(names.prefix(8).map(HTML.name) + (rest > 0 ? [HTML("\(rest) more")] : []))
            + (names.count == 1
                ? ", which is not protected and taken as fixed" : ", which are not protected and taken as fixed")
    }

    /// The promise of one release: one clause for each value, with those against whom it holds.
    func sentence(_ release: ReleaseRecord) -> HTML {
        var clauses: [HTML] = []
        let bounds = Adversary.allCases.compactMap { adversary in
            adversary.bound(release.epsilon).map { (adversary, $0, adversary.bound(release.renyiEpsilon)) }
        }
        for value in unique(bounds.map(\.1)) {
            let members = bounds.filter { $0.1 == value }
            let check =
                members.compactMap(\.2).max().map { ", by Rényi accounting \(ReportNumber.significant($0))," } ?? ""
            clauses.append(
                .strong("ε\u{A0}=\u{A0}\(ReportNumber.significant(value))") + HTML(check + " against ")
                    + .sentence(members.map { HTML($0.0.words) }))
        }
        let open = Adversary.allCases.filter { $0.bound(release.epsilon) == nil }
        if !open.isEmpty {
            clauses.append(.strong("no bound") + " against " + .sentence(open.map { HTML($0.words) }))
        }
        return "The release " + .name(release.name) + " has " + .sentence(clauses) + HTML("; \(terms); ")
            + PrivacyWords.condition(release.conditionalOn) + "."
    }

    /// How persons are sampled and clipped for a release, where that is not the usual way.
    func manner(_ release: ReleaseRecord) -> HTML? {
        var parts: [HTML] = []
        if let size = release.sampleSize, let population = release.population {
            parts.append(
                "in each round " + .strong("\(DataTable.grouped(size)) of \(DataTable.grouped(population)) places")
                    + ", drawn without replacement, take part; a person has one place, and empty ones add nothing")
        }
        if let bounds = release.clippingBounds {
            parts.append(
                "the clipping bound "
                    + .strong("follows the persons’ norms")
                    + HTML(
                        bounds.first.map { first in
                            " (\(ReportNumber.significant(first)) in the first round, "
                                + "\(ReportNumber.significant(bounds.last ?? first)) in the last)"
                        } ?? "")
                    + ", by bits that are charged as a release of their own")
        }
        guard !parts.isEmpty else { return nil }
        return "Of the release " + .name(release.name) + ": " + .sentence(parts) + "."
    }

    /// What everything that each adversary sees adds up to.
    var total: HTML {
        let hasBound = Adversary.allCases.contains { $0.bound(record.epsilon) != nil }
        return "Everything that each of them sees, taken together: " + PrivacyWords.everybody(record.epsilon)
            + HTML(hasBound ? "; \(terms)." : ".")
    }

    /// Several protected releases together; `nil` where there is only one.
    var together: HTML? {
        guard boundReleases.count > 1, let bounds = record.protectedEpsilon else { return nil }
        return "All protected releases together: " + PrivacyWords.everybody(bounds) + HTML("; \(terms); ")
            + condition(.protectedReleases) + "."
    }

    /// What cohorts of persons are promised, where not all are promised the same.
    var cohorts: [HTML] {
        (record.cohorts ?? []).map { cohort in
            let hasBound = Adversary.allCases.contains { $0.bound(cohort.epsilon) != nil }
            return "Persons of the cohort " + .name(cohort.name)
                + HTML(
                    " (\(ReportNumber.percent(cohort.share)) of those who \(PrivacyWords.deeds(record))), everything that depends on their data: "
                )
                + PrivacyWords.everybody(cohort.epsilon)
                + HTML(hasBound ? "; \(terms); conditional on the data of the other cohort." : ".")
        }
    }

    /// What the persons of all cohorts do.
    static func deeds(_ record: PrivacyRecord) -> String {
        record.cohorts?.contains { $0.name == "validation" } == true ? "train or validate" : "train"
    }

    /// A bound against each adversary.
    private static func everybody(_ bounds: EpsilonRecord) -> HTML {
        .sentence(
            Adversary.allCases.map { adversary in
                HTML("against \(adversary.words) ")
                    + .strong(
                        adversary.bound(bounds).map { "ε\u{A0}=\u{A0}\(ReportNumber.significant($0))" } ?? "no bound")
            })
    }

    /// What an adversary has before its eyes.
    func sight(_ adversary: Adversary) -> String {
        switch (adversary, record.mode) {
        case (.coordinator, "none"): "every frame, unprotected"
        case (.coordinator, "central"): "raw sums of clients before the noise: it is trusted in this mode"
        case (.coordinator, "silo"):
            "every frame: each client's sum with that client's noise, and what is not protected"
        case (.coordinator, "local"): "every frame: each person's contribution with noise, and what is not protected"
        case (.coordinator, "distributed"):
            "every frame: each client under its own share of the noise, until masks exist"
        case (.coordinator, _): "every frame"
        case (.peer, _): "every broadcast, its own data and the sampling key"
        case (.model, _): "the final parameters; charged as if all broadcasts were seen"
        }
    }

    /// What is said of someone on the network, for whom no ε is computed.
    static func observer(transport: String?, isEncrypted: Bool) -> String {
        if isEncrypted { return "sizes and timing, not bounded" }
        switch transport {
        case "ipc": return "nothing left this machine; whoever can open its sockets is as the coordinator"
        case "inproc": return "nothing left this process"
        default: return "without encryption the same as the coordinator"
        }
    }

    /// Of the records of several seeds the largest ε of each adversary; one without a bound has none in the whole.
    static func worst(_ records: [PrivacyRecord]) -> PrivacyRecord? {
        guard let first = records.first else { return nil }
        func largest(_ members: [EpsilonRecord?]) -> EpsilonRecord {
            func value(_ adversary: Adversary) -> Double? {
                let bounds = members.map { adversary.bound($0) }
                return bounds.contains { $0 == nil } ? nil : bounds.compactMap { $0 }.max()
            }
            return EpsilonRecord(coordinator: value(.coordinator), peer: value(.peer), model: value(.model))
        }
        let all = unique(records.flatMap { $0.releases.map(\.name) })
        let releases = all.compactMap { name -> ReleaseRecord? in
            let members = records.compactMap { record in record.releases.first { $0.name == name } }
            guard let release = members.first else { return nil }
            return ReleaseRecord(
                name: name, epsilon: largest(members.map(\.epsilon)),
                conditionalOn: unique(members.flatMap(\.conditionalOn)), mechanism: release.mechanism,
                noiseMultiplier: release.noiseMultiplier, clippingBound: release.clippingBound,
                sensitivity: release.sensitivity, samplingRate: release.samplingRate, rounds: release.rounds,
                renyiEpsilon: release.renyiEpsilon.map { _ in largest(members.map(\.renyiEpsilon)) },
                personSlots: release.personSlots, sampleSize: release.sampleSize, population: release.population,
                // Each seed has bounds of its own; the first seed's stand for them.
                clippingBounds: release.clippingBounds)
        }
        return PrivacyRecord(
            mode: first.mode, unit: first.unit, neighbouring: first.neighbouring,
            delta: records.compactMap(\.delta).max(), epsilon: largest(records.map(\.epsilon)), releases: releases,
            unprotected: unique(records.flatMap(\.unprotected)).sorted(),
            hasReproducibleNoise: records.contains { $0.hasReproducibleNoise },
            cohorts: first.cohorts?.map { cohort in
                let members = records.map { $0.cohorts?.first { $0.name == cohort.name }?.epsilon }
                return PrivacyCohortRecord(name: cohort.name, share: cohort.share, epsilon: largest(members))
            }, protectedEpsilon: first.protectedEpsilon.map { _ in largest(records.map(\.protectedEpsilon)) },
            ratingsPerPerson: first.ratingsPerPerson, covers: first.covers)
    }
}
