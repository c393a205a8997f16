public import Record

extension SweepPoint {
    /// A point whose runs are completed.
    public init(settings: [SweepSetting], run: String, runs: [RunRecord]) {
        let summary = SummaryRecord(scenario: "", status: .completed, runs: runs)
        let evaluations = runs.map { run in
            Dictionary(run.evaluation.map { (FigureKey($0), $0.value) }, uniquingKeysWith: { first, _ in first })
        }
        let figures = summary.figures.compactMap { figure -> SweepSeedFigures? in
            let values = evaluations.compactMap { $0[FigureKey(figure)] }
            // What some seed could not measure has no pairs.
            guard values.count == runs.count else { return nil }
            return SweepSeedFigures(
                client: figure.client, method: figure.method, cohort: figure.cohort, shots: figure.shots,
                metric: figure.metric, values: values)
        }
        self.init(
            settings: settings, run: run, status: .completed, seeds: runs.map(\.seed), figures: summary.figures,
            seedFigures: figures, privacy: .worst(runs.map(\.privacy)), updates: summary.updates)
    }
}

/// What a figure measures.
struct FigureKey: Hashable {
    let client: String
    let method: String
    let cohort: String
    let shots: Int?
    let metric: String

    init(_ record: EvaluationRecord) {
        client = record.client
        method = record.method
        cohort = record.cohort
        shots = record.shots
        metric = record.metric
    }

    /// - Parameter client: the client or the entry of clients that measured.
    init(_ figure: PersonFigures, client: String) {
        self.client = client
        method = figure.method
        cohort = figure.cohort
        shots = figure.shots
        metric = figure.metric
    }

    init(_ figure: SummaryFigure) {
        client = figure.client
        method = figure.method
        cohort = figure.cohort
        shots = figure.shots
        metric = figure.metric
    }
}
