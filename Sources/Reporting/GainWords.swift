import Record

/// How a transfer stands against the best local model, popularity and the control, for one measuring client.
struct GainWords: Sendable {
    let figures: FigureSet
    let place: FigureSet.Place
    let privacy: PrivacyWords?

    /// One comparison.
    struct Gain: Sendable {
        let method: String
        let shots: Int?
        let local: Estimate
        let popularity: Estimate?
        let control: Estimate
        let better: Estimate?
        let worse: Estimate?

        /// Whether the whole interval, or with none the ratio, lies above 1.
        var isClear: Bool { (local.lower ?? local.mean) > 1 }
        /// Whether the mean lies below the local model's.
        var isLoss: Bool { local.mean < 1 }
    }

    static let control = "shuffled-source"
    static let baseline = "best-local"
    static let warm = "warm-users"

    /// The comparisons that may be stated: where the baseline and the control are there too.
    func gains(_ method: String) -> [Gain] {
        func share(_ kind: String, _ shots: Int?) -> Estimate? {
            let shares = FigureSet.Place(
                client: place.client, cohort: place.cohort, metric: "\(place.metric)-share-\(kind)")
            return figures.estimate(shares, method, shots)?.asShare
        }
        return figures.shots(place).compactMap { shots in
            guard let local = figures.ratio(place, method, over: GainWords.baseline, shots),
                let control = figures.ratio(place, GainWords.control, over: GainWords.baseline, shots)
            else { return nil }
            return Gain(
                method: method, shots: shots, local: local,
                popularity: figures.ratio(place, method, over: "popularity", shots), control: control,
                better: share("better", shots), worse: share("worse", shots))
        }
    }

    /// Paragraphs on every transfer.
    func paragraphs(_ namesClient: Bool) -> [HTML] {
        guard !FigureSet.isError(place.metric) else { return [] }
        return figures.transfers.flatMap { method -> [HTML] in
            let gains = gains(method)
            let client = namesClient ? " At client " + HTML.name(place.client) + ":" : HTML.empty
            guard !gains.isEmpty else {
                guard figures.methods(place).contains(method) else { return [] }
                return [
                    Page.paragraph(
                        .strong("What was gained."), client, " No gain of ", .name(method),
                        " is stated: the record lacks the best local model or the control with a shuffled source.")
                ]
            }
            var out = [
                Page.paragraph(.strong("What was gained."), client, " ", verdict(method, gains)),
                Page.points(gains.map(GainWords.point)),
            ]
            if let draws = draws(method) { out.append(Page.paragraph(draws)) }
            let warm = warmGains(method)
            if !warm.isEmpty {
                out.append(Page.paragraph("Persons with a history in the target, cohort ", .name(GainWords.warm), ":"))
                out.append(Page.points(warm.map(GainWords.point)))
            }
            let warnings = warnings(method, gains) + warmWarnings(method, warm)
            if !warnings.isEmpty { out.append(Page.warning(warnings)) }
            return out
        }
    }

    /// What other draws of the noise give, of the transfer itself or of the one without a gate.
    private func draws(_ method: String) -> HTML? {
        for name in [method, "\(method)-ungated"] {
            let parts = figures.shots(place).compactMap { draws(name, $0) }
            guard !parts.isEmpty else { continue }
            return "With other draws of the noise " + .name(name) + " has, mean, worst and best " + .name(place.metric)
                + " (each averaged over seeds): " + .sentence(parts) + "."
        }
        return nil
    }

    private func draws(_ method: String, _ shots: Int?) -> HTML? {
        let values = ["mean", "min", "max"].compactMap { kind in
            figures.estimate(
                FigureSet.Place(client: place.client, cohort: place.cohort, metric: "\(place.metric)-draws-\(kind)"),
                method, shots)?.mean
        }
        guard values.count == 3 else { return nil }
        let texts = values.map { ReportNumber.decimals($0, 4) }
        let isBelow = figures.estimate(place, GainWords.baseline, shots).map { values[1] < $0.mean } ?? false
        return HTML(
            "\(GainWords.shots(shots)): \(texts[0]), from \(texts[1])\(isBelow ? " (below the best local model)" : "")"
                + " to \(texts[2])")
    }

    /// The same comparisons for persons whom the target knows: whether transfer harms them.
    private func warmGains(_ method: String) -> [Gain] {
        guard place.cohort != GainWords.warm else { return [] }
        let place = FigureSet.Place(client: place.client, cohort: GainWords.warm, metric: place.metric)
        return GainWords(figures: figures, place: place, privacy: privacy).gains(method)
    }

    private func warmWarnings(_ method: String, _ gains: [Gain]) -> [HTML] {
        gains.contains(where: \.isLoss)
            ? [
                .strong("Negative transfer: ") + "persons with a history in the target get a worse mean ranking by "
                    + .name(method) + " than by the best local model."
            ] : []
    }

    private func verdict(_ method: String, _ gains: [Gain]) -> HTML {
        let clear = gains.filter(\.isClear)
        let isSingle = gains.allSatisfy { $0.local.lower == nil }
        let start = HTML("For persons of cohort ") + .name(place.cohort) + ", " + .name(method)
        let suffix: HTML =
            " k is how many of their interactions with the target are known; without any, the best local model is popularity."
        let amount = isSingle ? "by the mean, without an interval" : "with the whole interval above 1"
        if clear.isEmpty {
            return start + " is not clearly better than the best local model at any k." + suffix
        }
        if clear.count == gains.count {
            return start + HTML(" is better than the best local model at every k, \(amount).") + suffix
        }
        return start + HTML(" is better than the best local model at ")
            + .sentence(clear.map { HTML(GainWords.shots($0.shots)) })
            + HTML(" and not clearly so otherwise, \(amount) where it is.") + suffix
    }

    private static func point(_ gain: Gain) -> HTML {
        var text =
            HTML("\(shots(gain.shots)): ") + .strong("\(gain.local.text(2)) × best-local")
        if let popularity = gain.popularity { text = text + HTML(", \(popularity.text(2)) × popularity") }
        text = text + HTML("; control with a shuffled source \(gain.control.text(2)) × best-local")
        if let worse = gain.worse {
            let better = gain.better.map { "; \($0.percentText) of persons got a better ranking and" } ?? ";"
            text =
                text + HTML(better + " \(worse.percentText)\(gain.better == nil ? " of persons got" : "") a worse")
                + HTML(gain.better == nil ? " ranking" : " one")
        }
        return text + "."
    }

    /// Failures, harm and controls that are none.
    private func warnings(_ method: String, _ gains: [Gain]) -> [HTML] {
        var out: [HTML] = []
        let losses = gains.filter(\.isLoss)
        let subject = privacy.flatMap { PrivacyWords.subject([$0.record]) }
        if !losses.isEmpty {
            let places = HTML.sentence(losses.map { HTML(GainWords.shots($0.shots)) })
            let isCertain = losses.contains { ($0.local.upper ?? $0.local.mean) < 1 }
            let doubt: HTML = isCertain ? ", by the mean." : ", by the mean; every interval there includes 1."
            if let privacy, !privacy.isUnprotected {
                let epsilon =
                    subject.flatMap { privacy.phrase($0)?.html }.map { "At " + $0 + ", " }
                    ?? HTML("Under mode \(privacy.record.mode), ")
                out.append(
                    .strong("The transfer failed. ") + epsilon + .name(method)
                        + " ranks worse than the best local model at "
                        + places + doubt)
            } else {
                out.append(
                    .strong("Negative transfer: ") + .name(method) + " ranks worse than the best local model at "
                        + places
                        + doubt)
            }
        }
        let broken = gains.filter { $0.control.lower.map { $0 > 1 } ?? false }
        if !broken.isEmpty {
            out.append(
                .strong("The control gains too: ")
                    + "with a shuffled source the ranking is better than the best local model at "
                    + .sentence(broken.map { HTML(GainWords.shots($0.shots)) })
                    + ", so the gain there is not, or not only, knowledge of the source.")
        }
        let harmed = gains.filter { ($0.worse?.mean ?? 0) > 0.5 }
        if !harmed.isEmpty {
            out.append(
                .strong("Most persons got worse: ")
                    + "more than half have a worse ranking than by the best local model at "
                    + .sentence(harmed.map { HTML(GainWords.shots($0.shots)) }) + ".")
        }
        return out
    }

    /// `k = 3`, or with all that is known.
    static func shots(_ shots: Int?) -> String { shots.map { "k\u{A0}=\u{A0}\($0)" } ?? "all known" }
}
