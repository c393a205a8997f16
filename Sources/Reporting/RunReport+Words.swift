import Record

extension RunReport {
    /// What was run, gained, paid and left open, made from the records alone.
    func lead() -> [HTML] {
        var out: [HTML] = []
        let problems = self.problems
        if !problems.isEmpty { out.append(Page.warning(problems)) }
        out.append(Page.paragraph(.strong("What was run. "), whatWasRun))
        let places = figures.headlines
        for place in places.prefix(3) {
            out.append(
                contentsOf: GainWords(figures: figures, place: place, privacy: privacy).paragraphs(places.count > 1))
        }
        if places.count > 3 {
            out.append(Page.paragraph(HTML("\(places.count - 3) more measuring clients are in the tables.")))
        }
        out.append(contentsOf: whatItCost)
        out.append(contentsOf: attacks)
        if let open = whatIsOpen { out.append(Page.paragraph(.strong("What is not protected. "), open)) }
        return out
    }

    private var problems: [HTML] {
        var out: [HTML] = []
        switch summary.status {
        case .completed: break
        case .peerLost: out.append(.strong("This run did not complete:") + " a client that it needed was lost.")
        case .interrupted: out.append(.strong("This run did not complete:") + " it was interrupted.")
        case .failed: out.append(.strong("This run did not complete:") + " a seed failed.")
        }
        for run in runs where run.status != .completed {
            out.append(
                HTML(
                    "Seed \(run.seed) ended as “\(run.status.rawValue)” after "
                        + ReportNumber.count(run.rounds, "round") + "."))
        }
        let missing =
            summary.missing ?? runs.filter { !$0.missing.isEmpty }.map { .init(seed: $0.seed, clients: $0.missing) }
        for clients in unique(missing.map(\.clients)) where !clients.isEmpty {
            let seeds = missing.filter { $0.clients == clients }.map { "\($0.seed)" }
            out.append(
                HTML("In \(seeds.count == 1 ? "seed" : "seeds") \(seeds.joined(separator: ", ")) ")
                    + .sentence(clients.map(HTML.name))
                    + HTML(
                        clients.count == 1
                            ? " was lost on the way; figures are of what the other clients know."
                            : " were lost on the way; figures are of what the other clients know."))
        }
        return out
    }

    private var whatWasRun: HTML {
        var text: HTML = "Scenario " + .name(summary.scenario)
        if let clients = runs.first?.clients, !clients.isEmpty {
            let domains = unique(clients.map(\.domain)).map { domain -> HTML in
                let members = clients.filter { $0.domain == domain }
                let interactions = members.reduce(0) { $0 + $1.interactions }
                let holds =
                    members.count == 1
                    ? "\(ReportNumber.count(members[0].users, "person")), \(ReportNumber.count(interactions, "interaction"))"
                    : "\(members.count) clients, \(ReportNumber.count(interactions, "interaction"))"
                return .name(domain) + HTML(" (\(holds))")
            }
            text =
                text + HTML(": \(ReportNumber.count(clients.count, "client")) for ") + .sentence(domains)
            if let target { text = text + "; the target is " + .name(target) }
        }
        let transfers = figures.transfers
        text =
            text
            + (transfers.isEmpty
                ? ". No transfer was measured"
                : HTML(transfers.count == 1 ? ". The transfer is " : ". The transfers are ")
                    + .sentence(transfers.map(HTML.name)))
        let rounds = unique(runs.map(\.rounds))
        if let low = rounds.min(), let high = rounds.max() {
            text =
                text + HTML(low == high ? ", in \(ReportNumber.count(low, "round"))" : ", in \(low) to \(high) rounds")
        }
        text = text + HTML(". ") + HTML(seedWords)
        if let metric = figures.headlineMetric { text = text + " " + MetricWords.headline(metric) }
        return text
    }

    private var seedWords: String {
        let kinds = unique(summary.figures.map(\.kind))
        let list =
            summary.seeds.prefix(12).map(String.init).joined(separator: ", ") + (summary.seeds.count > 12 ? ", …" : "")
        let kind = kinds.count == 1 ? ", \(kinds[0])" : ""
        switch summary.seeds.count {
        case 0: return "No seed completed."
        case 1: return "One seed (\(list)); brackets are 95 % intervals\(kind), and say nothing about other seeds."
        default: return "Means over \(summary.seeds.count) seeds (\(list)); brackets are 95 % intervals\(kind)."
        }
    }

    private var whatItCost: [HTML] {
        guard let privacy else {
            return [
                Page.paragraph(
                    .strong("What it cost. "), "The record has no privacy section, so ", .strong("no bound"),
                    " is stated against anybody.")
            ]
        }
        var out = [Page.paragraph(.strong("What it cost. "), privacy.headline.html)]
        if !privacy.promises.isEmpty { out.append(Page.points(privacy.promises.map(\.html))) }
        if !privacy.limits.isEmpty {
            out.append(Page.paragraph(HTML(privacy.limits.map(\.plain).joined(separator: " "))))
        }
        return out
    }

    /// What an attack on membership reached, if one was made.
    private var attacks: [HTML] {
        let members = figures.figures.filter {
            $0.cohort == EvaluationRecord.membershipCohort && $0.metric.hasSuffix("auc")
        }
        let parts = members.prefix(4).compactMap { figure -> HTML? in
            Estimate(figure.mean, figure.interval).map { HTML.name(figure.method) + " " + .strong($0.text(2)) }
        }
        guard !parts.isEmpty else { return [] }
        return [
            Page.paragraph(
                .strong("What an attack finds. "),
                "Whether a person was in the training data, guessed from one released model: area under the curve of ",
                .sentence(parts), "; 0.5 is guessing and 1 is knowing. That one attack fails is no promise.")
        ]
    }

    private var whatIsOpen: HTML? {
        guard let privacy else { return nil }
        let observer = PrivacyWords.observer(transport: wire?.transport, isEncrypted: isEncrypted)
        let network = HTML(" Someone on the network: \(observer).")
        return
            (privacy.open()?.html
            ?? (privacy.isUnprotected ? "Everything that crossed." : "No release without noise is on record."))
            + network
    }
}

/// What a metric is, in a sentence.
enum MetricWords {
    /// Of the metric that the page judges by.
    static func headline(_ metric: String) -> HTML {
        let name = HTML.name(metric)
        if metric.hasPrefix("ndcg@") {
            return "Judged by " + name
                + HTML(
                    ": how well the first \(metric.dropFirst(5)) of a ranking of the whole catalogue hold what a person "
                        + "chose later, from 0 to 1.")
        }
        return "Judged by " + name + HTML(FigureSet.isError(metric) ? ", where less is better." : ".")
    }
}
