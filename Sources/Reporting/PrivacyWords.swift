import Record

/// What a privacy section promises, in words that name against whom, per what unit and given what else was seen.
struct PrivacyWords: Sendable {
    /// One of those who look.
    enum Adversary: String, CaseIterable, Sendable {
        case coordinator, peer, colluders, model

        /// In a sentence, after "against".
        var words: String {
            switch self {
            case .coordinator: "the coordinator"
            case .peer: "another client (peer)"
            case .colluders: "the coordinator with other clients (colluders)"
            case .model: "whoever gets the released model (model)"
            }
        }

        /// The bound in a record; `nil`, no bound, also for a value that is not a finite ε.
        func bound(_ record: EpsilonRecord?) -> Double? {
            let value =
                switch self {
                case .coordinator: record?.coordinator
                case .peer: record?.peer
                case .colluders: record?.colluders
                case .model: record?.model
                }
            return value.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
        }
    }

    /// The ε that a picture is about.
    struct Subject: Sendable, Equatable {
        let scope: SpendingRecord.Scope
        let adversaries: [Adversary]

        /// `ε of the bridge (conditional) against another client (peer)`.
        var label: String { "ε of \(PrivacyWords.words(scope)) against \(PrivacyWords.list(adversaries.map(\.words)))" }

        /// The same as short as an axis needs it: `ε of the bridge (conditional), against peer and model`.
        var axisLabel: String {
            let words = scope == .protectedReleases ? "protected releases (conditional)" : PrivacyWords.words(scope)
            let isOfAll = adversaries.count == Adversary.allCases.count
            return "ε of \(words), against "
                + (isOfAll ? "every adversary" : PrivacyWords.list(adversaries.map(\.rawValue)))
        }
    }

    let record: PrivacyRecord

    /// `bridge (conditional)`: what an ε is of.
    static func words(_ scope: SpendingRecord.Scope) -> String {
        switch scope {
        case .everything: "everything seen"
        case .protectedReleases: "all protected releases together (conditional)"
        case .release(let name): "the \(name) (conditional)"
        }
    }

    /// `a, b and c`.
    static func list(_ names: [String], word: String = "and") -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " \(word) " + last
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
        let releases = (own + names.filter { $0.hasPrefix("shuffled") }).map(SpendingRecord.Scope.release)
        let scopes: [SpendingRecord.Scope] = [.everything] + (own.count > 1 ? [.protectedReleases] : []) + releases
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

    private static func bounds(_ record: PrivacyRecord, _ scope: SpendingRecord.Scope) -> EpsilonRecord? {
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
    func phrase(_ subject: Subject, isBrief: Bool = false) -> Phrase? {
        guard let value = value(subject) else { return nil }
        let isOfAll = subject.adversaries.count == Adversary.allCases.count
        let against = Phrase(
            isBrief && isOfAll ? "every adversary" : PrivacyWords.list(subject.adversaries.map(\.words)))
        let epsilon = Phrase("ε\u{A0}=\u{A0}\(ReportNumber.epsilon(value))")
        let start: Phrase
        switch subject.scope {
        case .everything:
            return epsilon + " of everything seen, against " + against + (isBrief ? .empty : Phrase(", \(terms)"))
        case .protectedReleases: start = epsilon + " of all protected releases together, against " + against
        case .release(let name): start = epsilon + " of the release " + .name(name) + " against " + against
        }
        return isBrief ? start + " (conditional)" : start + Phrase(", \(terms), ") + condition(subject.scope)
    }

    /// What the ε of a scope takes as fixed.
    func condition(_ scope: SpendingRecord.Scope) -> Phrase {
        switch scope {
        case .everything: .empty
        case .protectedReleases: PrivacyWords.condition(unique(boundReleases.flatMap(\.conditionalOn)))
        case .release(let name):
            PrivacyWords.condition(record.releases.first { $0.name == name }?.conditionalOn ?? [])
        }
    }

    /// What an ε takes as fixed: some names, and how many more the table of releases has.
    private static func condition(_ names: [String]) -> Phrase {
        names.isEmpty
            ? "conditional on no other value"
            : "conditional on " + few(names)
                + (names.count == 1
                    ? ", which is not protected and taken as fixed" : ", which are not protected and taken as fixed")
    }

    /// Some names, and how many more there are.
    static func few(_ names: [String], limit: Int = 8) -> Phrase {
        // One more name is as short as the words for it.
        let shown = names.count - 1 == limit ? names.count : limit
        let rest = names.count - shown
        return .sentence(names.prefix(shown).map(Phrase.name) + (rest > 0 ? [Phrase("\(rest) more")] : []))
    }

    /// A bound against each adversary: one clause for each value, with those against whom it holds.
    ///
    /// - Parameters:
    ///   - check: the same by another accountant, for comparison.
    ///   - isBrief: whether one clause for all does not name them again.
    private static func everybody(
        _ bounds: EpsilonRecord, check: EpsilonRecord? = nil, isBrief: Bool = false
    ) -> Phrase {
        let values = Adversary.allCases.compactMap { adversary in
            adversary.bound(bounds).map { (adversary, $0, adversary.bound(check)) }
        }
        func against(_ members: [Adversary], all: String) -> String {
            isBrief && members.count == Adversary.allCases.count ? all : list(members.map(\.words))
        }
        var clauses = unique(values.map(\.1)).map { value -> Phrase in
            let members = values.filter { $0.1 == value }
            let other = members.compactMap(\.2).max().map { ", by Rényi accounting \(ReportNumber.epsilon($0))," }
            return .strong("ε\u{A0}=\u{A0}\(ReportNumber.epsilon(value))")
                + Phrase("\(other ?? "") against \(against(members.map(\.0), all: "every adversary"))")
        }
        let open = Adversary.allCases.filter { $0.bound(bounds) == nil }
        if !open.isEmpty {
            clauses.append(.strong("no bound") + Phrase(" against \(against(open, all: "any adversary"))"))
        }
        return clauses.dropFirst().reduce(clauses.first ?? .empty) { $0 + "; " + $1 }
    }

    /// What is promised by and large: the mode, and for whom, or that nothing is.
    var headline: Phrase {
        isUnprotected
            ? .alarm("Unprotected.") + " Privacy mode none: nothing is clipped and no noise is added, so there is "
                + .strong("no bound")
                + Phrase(
                    " on what \(PrivacyWords.list(Adversary.allCases.map(\.words), word: "or")) can learn about a person."
                )
            : Phrase("Privacy mode \(record.mode); \(terms).")
    }

    /// Every promise, one a sentence: of each release, of them together, of cohorts, and of everything that is seen.
    var promises: [Phrase] {
        guard !isUnprotected else { return [] }
        var out = boundReleases.map(sentence)
        if out.isEmpty { out.append("No release has an ε: " + .strong("no bound") + " against anybody.") }
        return out + circumstances + cohorts + [together].compactMap { $0 } + [total]
    }

    /// What is unusual about how persons enter what is protected.
    var circumstances: [Phrase] {
        let covers = record.covers.map { .strong("Each ε covers a rating, not a person:") + Phrase(" \($0).") }
        let cap = record.ratingsPerPerson.map {
            Phrase(
                "At most \(ReportNumber.count($0, "rating")) of one person, over all domains, enter what is protected; of "
                    + "more a choice by keyed hash, the same in every round.")
        }
        return [covers].compactMap { $0 } + record.releases.compactMap(manner) + [cap].compactMap { $0 }
            + record.releases.compactMap(slots)
    }

    /// What limits every promise.
    var limits: [Phrase] {
        guard !isUnprotected else { return [] }
        var out: [Phrase] = ["Each ε is of one seed; whoever sees several seeds sees more."]
        if record.hasReproducibleNoise {
            out.append("The noise can be computed again from the seed: a simulation, and no promise to real persons.")
        }
        return out
    }

    /// What crosses as it is; `nil` where everything does or nothing.
    ///
    /// - Parameter limit: how many names at most.
    func open(limit: Int = 8) -> Phrase? {
        let names = record.unprotected
        guard !names.isEmpty else { return nil }
        return Phrase(
            names.count == 1 ? "One release crosses as it is: " : "\(names.count) releases cross as they are: ")
            + PrivacyWords.few(names, limit: limit) + "."
    }

    /// The promise of one release.
    private func sentence(_ release: ReleaseRecord) -> Phrase {
        let rounds = release.rounds.flatMap { $0 > 1 ? ", in \($0) rounds together," : nil } ?? ""
        return "The release " + .name(release.name) + Phrase("\(rounds) has ")
            + PrivacyWords.everybody(release.epsilon, check: release.renyiEpsilon) + Phrase("; \(terms); ")
            + PrivacyWords.condition(release.conditionalOn) + "."
    }

    /// How persons are sampled and clipped for a release, where that is not the usual way.
    private func manner(_ release: ReleaseRecord) -> Phrase? {
        var parts: [Phrase] = []
        if let size = release.sampleSize, let population = release.population {
            parts.append(
                "in each round " + .strong("\(DataTable.grouped(size)) of \(DataTable.grouped(population)) places")
                    + ", drawn without replacement, take part; a person has one place, and empty ones add nothing")
        }
        if let bounds = release.clippingBounds {
            parts.append(
                "the clipping bound " + .strong("follows the persons’ norms")
                    + Phrase(
                        bounds.first.map { first in
                            " (\(ReportNumber.significant(first)) in the first round, "
                                + "\(ReportNumber.significant(bounds.last ?? first)) in the last)"
                        } ?? "")
                    + ", by bits that are charged as a release of their own")
        }
        guard !parts.isEmpty else { return nil }
        return "Of the release " + .name(release.name) + ": " + .sentence(parts) + "."
    }

    /// That a release has a row a person; `nil` for sums over persons.
    private func slots(_ release: ReleaseRecord) -> Phrase? {
        release.personSlots.map { slots in
            .alarm("One tensor is indexed by persons.") + " The release " + .name(release.name)
                + Phrase(
                    " has \(ReportNumber.count(slots, "slot")), each of one person or of nobody, in a secret order, with "
                        + "noise of its own; everything else that crosses is summed over persons. Who is linked is outside "
                        + "the ε, which hides what a linked person’s data are.")
        }
    }

    /// What everything that each adversary sees adds up to.
    private var total: Phrase {
        let hasBound = Adversary.allCases.contains { $0.bound(record.epsilon) != nil }
        return "Everything that each of them sees, taken together: "
            + PrivacyWords.everybody(record.epsilon, isBrief: true)
            + Phrase(hasBound ? "; \(terms)." : ".")
    }

    /// The same over the points of a sweep: from the smallest to the largest.
    static func total(_ points: [PrivacyWords]) -> Phrase {
        let words = Adversary.allCases.map { adversary -> String in
            let values = points.compactMap { adversary.bound($0.record.epsilon) }.sorted()
            guard let low = values.first, let high = values.last else { return "no bound" }
            guard values.count == points.count else { return "no bound at some points" }
            let range = low == high ? "" : " to \(ReportNumber.epsilon(high))"
            return "ε\u{A0}=\u{A0}\(ReportNumber.epsilon(low))\(range)"
        }
        let clauses = unique(words).map { word in
            let members = zip(Adversary.allCases, words).filter { $0.1 == word }.map(\.0.words)
            let all = word == "no bound" ? "any adversary" : "every adversary"
            return Phrase.strong(word)
                + Phrase(" against \(members.count == Adversary.allCases.count ? all : list(members))")
        }
        return "Everything that each of them sees, taken together: "
            + clauses.dropFirst().reduce(clauses.first ?? .empty) { $0 + "; " + $1 } + "."
    }

    /// Several protected releases together; `nil` where there is only one.
    private var together: Phrase? {
        guard boundReleases.count > 1, let bounds = record.protectedEpsilon else { return nil }
        return "All protected releases together: " + PrivacyWords.everybody(bounds, isBrief: true)
            + Phrase("; \(terms); ")
            + condition(.protectedReleases) + "."
    }

    /// What cohorts of persons are promised, where not all are promised the same.
    private var cohorts: [Phrase] {
        (record.cohorts ?? []).map { cohort in
            let hasBound = Adversary.allCases.contains { $0.bound(cohort.epsilon) != nil }
            return "Persons of the cohort " + .name(cohort.name)
                + Phrase(
                    " (\(ReportNumber.percent(cohort.share)) of those who \(PrivacyWords.deeds(record))), everything that depends on their data: "
                )
                + PrivacyWords.everybody(cohort.epsilon, isBrief: true)
                + Phrase(hasBound ? "; \(terms); conditional on the data of the other cohort." : ".")
        }
    }

    /// What the persons of all cohorts do.
    static func deeds(_ record: PrivacyRecord) -> String {
        record.cohorts?.contains { $0.name == "validation" } == true ? "train or validate" : "train"
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
        case (.colluders, "none"): "all that each of them sees, unprotected"
        case (.colluders, "central"): "all that each of them sees, raw sums of clients among it"
        case (.colluders, "distributed"):
            "all that each of them sees, with the sampling key and their own shares of the noise; the person is at a client "
                + "that is not among them"
        case (.colluders, _):
            "all that each of them sees, with the sampling key; the person is at a client that is not among them"
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
}
