import Record

extension SweepReport {
    /// What was swept, gained, paid and left open.
    func lead() -> [HTML] {
        var out: [HTML] = []
        if let failures { out.append(Page.warning(failures)) }
        out.append(Page.paragraph(.strong("What was run. "), whatWasRun))
        if let place {
            let points = gained(place)
            if points.isEmpty {
                out.append(
                    Page.paragraph(
                        .strong("What was gained. "),
                        "No gain is stated: no point has the best local model and the control with a shuffled source."))
            } else {
                out.append(
                    Page.paragraph(
                        .strong("What was gained. "), "By ", .name(place.metric), " of ", .name(place.cohort),
                        " at client ",
                        .name(place.client), "; k is how many interactions with the target are known."))
                out.append(Page.points(points))
            }
            let failed = failedTransfers(place)
            if !failed.isEmpty { out.append(Page.warning(failed)) }
        }
        out.append(contentsOf: whatItCost)
        return out
    }

    private var failures: [HTML]? {
        let failed = sweep.points.filter { !SweepReport.isUsable($0) }
        guard !failed.isEmpty else { return nil }
        return [
            .strong(
                "\(failed.count) of \(ReportNumber.count(sweep.points.count, "point")) did not complete")
                + " and " + HTML(failed.count == 1 ? "is" : "are") + " in no mean and no picture:"
        ]
            + failed.map { point in
                SweepReport.settings(point) + ": "
                    + HTML(point.failure ?? (point.status == .completed ? "no figures" : point.status.rawValue)) + "."
            }
    }

    /// The settings of a point in a sentence.
    static func settings(_ point: SweepPoint) -> HTML {
        .sentence(point.settings.map { .name($0.key) + " " + .name($0.value) })
    }

    private var whatWasRun: HTML {
        var text: HTML =
            "Scenario " + .name(sweep.scenario) + HTML(", \(ReportNumber.count(sweep.points.count, "point")) of ")
            + .sentence(
                sweep.keys.map { key in
                    let values = unique(sweep.points.compactMap { $0.settings.first { $0.key == key }?.value })
                    let shown = values.prefix(12).joined(separator: ", ") + (values.count > 12 ? ", …" : "")
                    return .name(key) + HTML(" (\(shown))")
                }) + "."
        let methods = unique(views.compactMap(\.method))
        if !methods.isEmpty {
            text =
                text + HTML(methods.count == 1 ? " The transfer is " : " The transfers are ")
                + .sentence(methods.map(HTML.name)) + "."
        }
        let counts = unique(views.map { $0.point.seeds.count }).sorted()
        if let low = counts.first, let high = counts.last {
            text =
                text
                + HTML(
                    " Each point is the mean over \(low == high ? "\(low)" : "\(low) to \(high)") "
                        + "\(high == 1 ? "seed" : "seeds"), paired between points; brackets are 95\u{A0}% intervals.")
        }
        return text
    }

    /// The gain of a point at a number of shots; `nil` without baseline or control.
    private func gain(_ view: View, _ place: FigureSet.Place, _ shots: Int?) -> (local: Estimate, control: Estimate)? {
        guard let method = view.method,
            let local = view.figures.ratio(place, method, over: GainWords.baseline, shots),
            let control = view.figures.ratio(place, GainWords.control, over: GainWords.baseline, shots)
        else { return nil }
        return (local, control)
    }

    /// The gains of one point at every number of shots, each with its control.
    private func gains(_ view: View, _ place: FigureSet.Place) -> HTML? {
        let parts = shots.compactMap { count in
            gain(view, place, count).map { gain in
                HTML("\(GainWords.shots(count)): ") + .strong("\(gain.local.text(2)) × best-local")
                    + HTML(" (control \(gain.control.text(2)))")
            }
        }
        return parts.isEmpty ? nil : .list(parts.enumerated().flatMap { $0 == 0 ? [$1] : ["; ", $1] })
    }

    /// What is gained without protection and at the smallest ε with a clear gain; without any ε, at the best and the
    /// worst point.
    private func gained(_ place: FigureSet.Place) -> [HTML] {
        var out: [HTML] = []
        guard !families.isEmpty else {
            let ranked = views.compactMap { view in gain(view, place, shots.first ?? nil).map { (view, $0.local.mean) }
            }
            let ends = [ranked.max { $0.1 < $1.1 }, ranked.count > 1 ? ranked.min { $0.1 < $1.1 } : nil]
            for (end, word) in zip(ends, ["Most", "Least"]) {
                guard let view = end?.0, let gains = gains(view, place) else { continue }
                out.append(HTML("\(word) with ") + SweepReport.settings(view.point) + ": " + gains + ".")
            }
            return out
        }
        for view in views.filter({ !$0.isProtected }) {
            guard let gains = gains(view, place) else { continue }
            out.append(
                .element("strong", ["class": "alarm"], ["Unprotected"])
                    + (view.group.isEmpty ? .empty : HTML(", \(view.group)")) + ": " + gains + ".")
        }
        for family in families {
            for (index, group) in family.groups.enumerated() {
                out += smallest(place, family, group, isBrief: index > 0)
            }
        }
        return out
    }

    /// The smallest ε from which on every gain is clear, for each number of shots; those with the same ε in one sentence.
    /// One lucky point below others without a clear gain does not count.
    private func smallest(_ place: FigureSet.Place, _ family: Family, _ group: String, isBrief: Bool) -> [HTML] {
        let members = views.filter { $0.group == group && $0.isProtected }.sorted {
            ($0.privacy?.value(family.subject) ?? .infinity) < ($1.privacy?.value(family.subject) ?? .infinity)
        }
        let found = shots.map { count -> Int? in
            let clear = members.map { view in
                gain(view, place, count).map { ($0.local.lower ?? $0.local.mean) > 1 } ?? false
            }
            let start = (clear.lastIndex(of: false) ?? -1) + 1
            return start < clear.count ? start : nil
        }
        let with = group.isEmpty ? HTML.empty : HTML(", with \(group)")
        var out: [HTML] = []
        for index in unique(found.compactMap { $0 }).sorted() {
            let at = zip(shots, found).filter { $0.1 == index }.map { HTML(GainWords.shots($0.0)) }
            guard let phrase = members[index].privacy?.phrase(family.subject, isBrief: isBrief || !out.isEmpty)?.html,
                let gains = gains(members[index], place)
            else { continue }
            out.append(
                "The smallest ε from which on every gain is clear at " + .sentence(at) + with + " is " + phrase + ": "
                    + gains
                    + ".")
        }
        let none = zip(shots, found).filter { $0.1 == nil }.map { HTML(GainWords.shots($0.0)) }
        if !none.isEmpty {
            out.append(
                HTML("At the largest \(family.subject.label)") + with + " there is no clear gain at " + .sentence(none)
                    + ".")
        }
        return out
    }

    /// The points at which the protected transfer is below the best local model.
    private func failedTransfers(_ place: FigureSet.Place) -> [HTML] {
        var out: [HTML] = []
        for view in views {
            guard let method = view.method else { continue }
            let lost = shots.filter { count in
                (view.figures.ratio(place, method, over: GainWords.baseline, count)?.mean ?? 1) < 1
            }
            guard !lost.isEmpty else { continue }
            let places = HTML.sentence(lost.map { HTML(GainWords.shots($0)) })
            if view.isProtected, let privacy = view.privacy {
                let phrase =
                    PrivacyWords.subject([privacy.record]).flatMap { privacy.phrase($0, isBrief: true)?.html }
                    ?? SweepReport.settings(view.point)
                out.append(
                    .strong("The transfer failed") + " at " + phrase + ": " + .name(method)
                        + " ranks worse than the best local model at " + places
                        + (view.group.isEmpty ? "." : HTML(", with \(view.group).")))
            } else {
                out.append(
                    .strong("Negative transfer") + " with " + SweepReport.settings(view.point) + ": " + .name(method)
                        + " ranks worse than the best local model at " + places + ".")
            }
        }
        return out
    }

    private var whatItCost: [HTML] {
        let protected = views.filter(\.isProtected)
        guard let first = protected.first?.privacy else {
            let open = views.compactMap(\.privacy).first(where: \.isUnprotected)?.headline
            return [
                Page.paragraph(
                    .strong("What it cost. "),
                    (open ?? "No point has an ε: there is " + .strong("no bound") + " against anybody.").html)
            ]
        }
        let modes = unique(protected.compactMap { $0.privacy?.headline })
        var points: [Phrase] = families.map { family in
            let words = protected.first { family.groups.contains($0.group) }?.privacy
            let condition = words?.condition(family.subject.scope) ?? .empty
            return Phrase("Pictures and tables give the \(family.subject.label)")
                + (condition == .empty ? "." : "; " + condition + ".")
        }
        points.append(PrivacyWords.total(protected.compactMap(\.privacy)))
        let open = views.filter { !$0.isProtected }
        if !open.isEmpty {
            points.append(
                Phrase("\(ReportNumber.count(open.count, "point")) \(open.count == 1 ? "is" : "are") ")
                    + .alarm("unprotected") + ": no bound against anybody.")
        }
        var out = [
            Page.paragraph(.strong("What it cost. "), HTML(modes.map(\.plain).joined(separator: " "))),
            Page.points(points.map(\.html)), Page.paragraph(HTML(first.limits.map(\.plain).joined(separator: " "))),
        ]
        if let open = first.open() {
            out.append(Page.paragraph(.strong("What is not protected. "), "Under protection too: ", open.html))
        }
        let tuned =
            sweep.notes.isEmpty
            ? "The record names nothing that was tuned by looking at these results."
            : "\(ReportNumber.count(sweep.notes.count, "note")) on what was tuned and charged to no ε: see the notes below."
        out.append(Page.paragraph(.strong("What was tuned. "), HTML(tuned)))
        return out
    }
}
