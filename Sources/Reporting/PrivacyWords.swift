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

    /// The ε that a picture is about: that of everything an adversary sees where it is finite, else a release's own.
    struct Subject: Sendable, Equatable {
        /// The release; `nil` for everything that is seen.
        let release: String?
        let adversaries: [Adversary]

        /// `ε of the bridge (conditional) against another client (peer)`.
        var label: String {
            let against = "against \(adversaries.map(\.words).joined(separator: " and "))"
            return release.map { "ε of the \($0) (conditional) \(against)" } ?? "ε of everything seen, \(against)"
        }

        /// The same as short as an axis needs it: `ε of the bridge (conditional), against peer and model`.
        var axisLabel: String {
            let against = "against \(adversaries.map(\.rawValue).joined(separator: " and "))"
            return release.map { "ε of the \($0) (conditional), \(against)" } ?? "ε of everything seen, \(against)"
        }
    }

    let record: PrivacyRecord

    var isUnprotected: Bool { record.mode == "none" }

    /// The releases with a bound against somebody.
    var boundReleases: [ReleaseRecord] {
        record.releases.filter { release in Adversary.allCases.contains { $0.bound(release.epsilon) != nil } }
    }

    /// `per person, neighbouring relation add-remove, δ = 10⁻⁵`.
    var terms: String {
        let delta = record.delta.map { ", δ = \(ReportNumber.significant($0))" } ?? ", no δ"
        return "per \(record.unit), neighbouring relation \(record.neighbouring)\(delta)"
    }

    /// What a picture of this record, and of others of the same sweep, puts on its axis: the subject that has a bound
    /// in every record, a total before a release, a transfer before its control, the largest ε among adversaries.
    static func subject(_ records: [PrivacyRecord]) -> Subject? {
        guard let first = records.first else { return nil }
        func subject(_ release: String?, _ bounds: (PrivacyRecord) -> EpsilonRecord?) -> Subject? {
            let bounded = Adversary.allCases.filter { adversary in
                records.allSatisfy { adversary.bound(bounds($0)) != nil }
            }
            guard let largest = bounded.compactMap({ $0.bound(bounds(first)) }).max() else { return nil }
            let chosen = bounded.filter { adversary in
                adversary.bound(bounds(first)) == largest
            }
            // Adversaries share a label only where they share every value.
            let equal = chosen.filter { adversary in
                records.allSatisfy { adversary.bound(bounds($0)) == chosen[0].bound(bounds($0)) }
            }
            return Subject(release: release, adversaries: equal)
        }
        if let total = subject(nil, { $0.epsilon }) { return total }
        let names = unique(records.flatMap { $0.releases.map(\.name) })
        let order = names.filter { !$0.hasPrefix("shuffled") } + names.filter { $0.hasPrefix("shuffled") }
        for name in order {
            if let found = subject(name, { record in record.releases.first { $0.name == name }?.epsilon }) {
                return found
            }
        }
        return nil
    }

    /// The ε of a subject in this record.
    func value(_ subject: Subject) -> Double? {
        let bounds =
            subject.release.map { name in record.releases.first { $0.name == name }?.epsilon } ?? record.epsilon
        return subject.adversaries.first?.bound(bounds)
    }

    /// `ε = 2 of the bridge against …, per person, …, conditional on …`: an ε in a sentence about something else.
    func phrase(_ subject: Subject, isBrief: Bool = false) -> HTML? {
        guard let value = value(subject) else { return nil }
        let against = HTML.sentence(subject.adversaries.map { HTML($0.words) })
        let epsilon = HTML("ε = \(ReportNumber.significant(value))")
        guard let name = subject.release else {
            return epsilon + " of everything seen, against " + against + (isBrief ? .empty : HTML(", \(terms)"))
        }
        let start = epsilon + " of the release " + .name(name) + " against " + against
        if isBrief { return start + " (conditional)" }
        let condition = record.releases.first { $0.name == name }.map(PrivacyWords.condition) ?? .empty
        return start + HTML(", \(terms), ") + condition
    }

    /// What an ε takes as fixed.
    static func condition(_ release: ReleaseRecord) -> HTML {
        if release.conditionalOn.isEmpty { return "conditional on no other value" }
        return "conditional on " + .sentence(release.conditionalOn.map(HTML.name))
            + (release.conditionalOn.count == 1
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
                members.compactMap(\.2).max().map { ", by Rényi accounting \(ReportNumber.significant($0))" } ?? ""
            clauses.append(
                .strong("ε = \(ReportNumber.significant(value))") + HTML(check + " against ")
                    + .sentence(members.map { HTML($0.0.words) }))
        }
        let open = Adversary.allCases.filter { $0.bound(release.epsilon) == nil }
        if !open.isEmpty {
            clauses.append(.strong("no bound") + " against " + .sentence(open.map { HTML($0.words) }))
        }
        return "The release " + .name(release.name) + " has " + .sentence(clauses) + HTML("; \(terms); ")
            + PrivacyWords.condition(release) + "."
    }

    /// What everything that each adversary sees adds up to.
    var total: HTML {
        let parts = Adversary.allCases.map { adversary -> HTML in
            let bound = adversary.bound(record.epsilon)
            return HTML("against \(adversary.words) ")
                + .strong(bound.map { "ε = \(ReportNumber.significant($0))" } ?? "no bound")
        }
        let hasBound = Adversary.allCases.contains { $0.bound(record.epsilon) != nil }
        return "Everything that each of them sees, taken together: " + .sentence(parts)
            + HTML(hasBound ? "; \(terms)." : ".")
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
                renyiEpsilon: release.renyiEpsilon.map { _ in largest(members.map(\.renyiEpsilon)) })
        }
        return PrivacyRecord(
            mode: first.mode, unit: first.unit, neighbouring: first.neighbouring,
            delta: records.compactMap(\.delta).max(), epsilon: largest(records.map(\.epsilon)), releases: releases,
            unprotected: unique(records.flatMap(\.unprotected)).sorted(),
            hasReproducibleNoise: records.contains { $0.hasReproducibleNoise })
    }
}
