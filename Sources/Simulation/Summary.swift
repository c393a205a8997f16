import Numerics
public import Record

extension SummaryRecord {
    /// The figures over the seeds: the mean of the seeds' means, with Student's t over seeds, or with the bootstrap
    /// over persons when there is one seed.
    public init(scenario: String, status: RunStatus, runs: [RunRecord]) {
        struct Key: Hashable {
            let client: String
            let method: String
            let cohort: String
            let shots: Int?
            let metric: String
        }
        var order: [Key] = []
        var groups: [Key: [EvaluationRecord]] = [:]
        for run in runs {
            for figure in run.evaluation {
                let key = Key(
                    client: figure.client, method: figure.method, cohort: figure.cohort, shots: figure.shots,
                    metric: figure.metric)
                if groups[key] == nil { order.append(key) }
                groups[key, default: []].append(figure)
            }
        }
        let figures = order.compactMap { key -> SummaryFigure? in
            guard let members = groups[key], let center = mean(members.map(\.value)) else { return nil }
            let interval =
                members.count == 1
                ? members[0].interval
                : studentInterval(ofMean: members.map(\.value)).map { [$0.lower, $0.upper] } ?? []
            return SummaryFigure(
                client: key.client, method: key.method, cohort: key.cohort, shots: key.shots, metric: key.metric,
                mean: center, interval: interval,
                kind: members.count == 1 ? "bootstrap over persons" : "student-t over seeds", seeds: members.count)
        }
        let drift = runs.compactMap(\.drift)
        let missing = runs.filter { !$0.missing.isEmpty }.map { MissingRecord(seed: $0.seed, clients: $0.missing) }
        let absences = runs.compactMap { run in run.absences.map { SeedAbsences(seed: run.seed, rounds: $0) } }
        self.init(
            scenario: scenario, status: status, seeds: runs.map(\.seed), figures: figures,
            drift: drift.isEmpty ? nil : drift, privacy: .worst(runs.map(\.privacy)),
            missing: missing.isEmpty ? nil : missing, absences: absences.isEmpty ? nil : absences,
            updates: .mean(runs.compactMap(\.updates)))
    }

    /// The figures as comma-separated values.
    public var csv: String {
        let head = [
            "client", "method", "cohort", "shots", "metric", "mean", "ci95-lower", "ci95-upper", "interval", "seeds",
        ]
        return figures.reduce(csvLine(head)) {
            $0
                + csvLine([
                    $1.client, $1.method, $1.cohort, $1.shots.map { "\($0)" } ?? "", $1.metric, "\($1.mean)",
                    $1.interval.first.map { "\($0)" } ?? "", $1.interval.last.map { "\($0)" } ?? "", $1.kind,
                    "\($1.seeds)",
                ])
        }
    }
}

extension UpdateFormatRecord {
    /// The means over the seeds; `nil` without any.
    static func mean(_ records: [UpdateFormatRecord]) -> UpdateFormatRecord? {
        guard let first = records.first else { return nil }
        func mean(_ path: KeyPath<UpdateFormatRecord, Int>) -> Int {
            records.reduce(0) { $0 + $1[keyPath: path] } / records.count
        }
        return UpdateFormatRecord(
            format: first.format, share: first.share, bytesUp: mean(\.bytesUp),
            bytesUpInFloat32: mean(\.bytesUpInFloat32), error: Numerics.mean(records.compactMap(\.error)))
    }
}
