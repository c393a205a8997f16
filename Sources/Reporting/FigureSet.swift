import Numerics
import Record

/// The figures of a summary, and what single seeds measured, for questions that a page asks.
struct FigureSet: Sendable {
    /// What a figure is of.
    struct Place: Hashable, Sendable {
        let client: String
        let cohort: String
        let metric: String
    }

    private struct Key: Hashable {
        let place: Place
        let method: String
        let shots: Int?
    }

    let figures: [SummaryFigure]
    private let byKey: [Key: SummaryFigure]
    /// The values of the seeds, paired between methods.
    private let seedValues: [Key: [Double]]

    /// From a summary and the records of its seeds, which may be absent.
    init(_ summary: SummaryRecord, runs: [RunRecord]) {
        var seeds: [Key: [Double]] = [:]
        let counted = runs.filter { summary.seeds.contains($0.seed) }
        for run in counted {
            for figure in run.evaluation {
                let place = Place(client: figure.client, cohort: figure.cohort, metric: figure.metric)
                seeds[Key(place: place, method: figure.method, shots: figure.shots), default: []].append(figure.value)
            }
        }
        // A figure that some seeds lack cannot be paired by position.
        self.init(summary.figures, seedValues: seeds.filter { $0.value.count == counted.count })
    }

    /// From a point of a sweep.
    init(_ point: SweepPoint) {
        var seeds: [Key: [Double]] = [:]
        for figure in point.seedFigures {
            let place = Place(client: figure.client, cohort: figure.cohort, metric: figure.metric)
            let key = Key(place: place, method: figure.method, shots: figure.shots)
            seeds[key] = figure.values.count == point.seeds.count ? figure.values : nil
        }
        self.init(point.figures, seedValues: seeds)
    }

    private init(_ figures: [SummaryFigure], seedValues: [Key: [Double]]) {
        self.figures = figures
        self.seedValues = seedValues
        byKey = Dictionary(
            figures.map {
                (
                    Key(
                        place: Place(client: $0.client, cohort: $0.cohort, metric: $0.metric), method: $0.method,
                        shots: $0.shots), $0
                )
            }, uniquingKeysWith: { first, _ in first })
    }

    /// A figure; `nil` where nobody measured it, and for a value that is not a number.
    func estimate(_ place: Place, _ method: String, _ shots: Int?) -> Estimate? {
        byKey[Key(place: place, method: method, shots: shots)].flatMap { Estimate($0.mean, $0.interval) }
    }

    /// How many times one method is as good as another: the mean over seeds of the seeds' ratios with Student's t, or
    /// with one seed the ratio alone; the recorded relative gain over `best-local`, which is the same number, gives the
    /// interval where seeds do not. `nil` where one is not measured or the reference is not above 0.
    func ratio(_ place: Place, _ method: String, over reference: String, _ shots: Int?) -> Estimate? {
        guard let first = estimate(place, method, shots), let second = estimate(place, reference, shots),
            second.mean > 0
        else { return nil }
        let pair = [method, reference].compactMap { seedValues[Key(place: place, method: $0, shots: shots)] }
        if pair.count == 2, pair[0].count == pair[1].count, pair[0].count > 1, pair[1].allSatisfy({ $0 > 0 }) {
            let ratios = zip(pair[0], pair[1]).map { $0 / $1 }
            if let center = mean(ratios), let interval = studentInterval(ofMean: ratios) {
                return Estimate(center, [interval.lower, interval.upper])
            }
        }
        if reference == "best-local" {
            let gains = Place(client: place.client, cohort: place.cohort, metric: place.metric + "-relative-gain")
            if let gain = estimate(gains, method, shots)?.shifted(by: 1) { return gain }
        }
        return Estimate(first.mean / second.mean)
    }

    /// The methods that were measured at a place, in the order of the record.
    func methods(_ place: Place) -> [String] { unique(members(place).map(\.method)) }

    /// The numbers of known interactions at a place, `nil` last.
    func shots(_ place: Place) -> [Int?] {
        unique(members(place).map(\.shots)).sorted { ($0 ?? .max) < ($1 ?? .max) }
    }

    /// Every client, cohort and metric, in the order of the record.
    var places: [Place] { unique(figures.map { Place(client: $0.client, cohort: $0.cohort, metric: $0.metric) }) }

    private func members(_ place: Place) -> [SummaryFigure] {
        figures.filter { $0.client == place.client && $0.cohort == place.cohort && $0.metric == place.metric }
    }

    /// The metric that a page judges by: NDCG of the scenario's list length, else the first.
    var headlineMetric: String? {
        let metrics = unique(figures.map(\.metric))
        return metrics.first { $0.hasPrefix("ndcg@") && !$0.dropFirst(5).contains("-") }
            ?? metrics.first { !FigureSet.isDerived($0) } ?? metrics.first
    }

    /// The places that a page is about: cold persons of each measuring client, else the first cohort.
    var headlines: [Place] {
        guard let metric = headlineMetric else { return [] }
        let all = places.filter { $0.metric == metric }
        let cohort = all.contains { $0.cohort == "cold-users" } ? "cold-users" : all.first?.cohort
        return all.filter { $0.cohort == cohort }
    }

    /// The transfers: what was compared person by person with the local model and is no control; without such figures,
    /// the known names.
    var transfers: [String] {
        let compared = unique(
            figures.filter { $0.metric.hasSuffix("-relative-gain") || $0.metric.hasSuffix("-share-worse") }
                .map(\.method)
        ).filter { !FigureSet.isControl($0) && !$0.hasSuffix("-ungated") }
        if !compared.isEmpty { return compared }
        let known = ["feature-map", "meta", "adversarial", "article"]
        return unique(figures.map(\.method)).filter(known.contains)
    }

    /// Whether a method is the control with a shuffled source.
    static func isControl(_ method: String) -> Bool { method.hasPrefix("shuffled-source") }

    /// Whether a metric is a comparison and not a measure of one method.
    static func isDerived(_ metric: String) -> Bool {
        metric.hasSuffix("-relative-gain") || metric.contains("-share-") || metric.contains("-draws-")
    }

    /// Whether less is better.
    static func isError(_ metric: String) -> Bool { ["rmse", "mae", "gini"].contains { metric.hasPrefix($0) } }
}

/// The different values, in their order.
func unique<Value: Hashable>(_ values: [Value]) -> [Value] {
    var seen: Set<Value> = []
    return values.filter { seen.insert($0).inserted }
}
