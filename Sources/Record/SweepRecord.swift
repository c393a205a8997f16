/// One combination of a sweep's settings, over the seeds of its scenario.
public struct SweepPoint: Codable, Sendable, Equatable {
    /// The swept keys in the order of the scenario, each with the value of this point as it is written in YAML.
    public let settings: [SweepSetting]
    /// The folder of the run, relative to the sweep's.
    public let run: String
    /// How the run ended.
    public let status: RunStatus
    /// Why it failed, in one line; absent for a completed run.
    public let failure: String?
    /// The seeds that completed.
    public let seeds: [Int]
    /// The figures over those seeds, as in `summary.json`; empty for a run that failed.
    public let figures: [SummaryFigure]
    /// Each seed's mean of the same figures, in the order of `seeds`, for paired comparisons.
    public let seedFigures: [SweepSeedFigures]
    /// What is promised at this point; absent for a run that failed.
    public let privacy: PrivacyRecord?
    /// How updates of shared item factors crossed, means over the seeds; absent where the scenario does not say.
    public let updates: UpdateFormatRecord?

    enum CodingKeys: String, CodingKey {
        case settings, run, status, failure, seeds, figures, privacy
        case updates = "update-format"
        case seedFigures = "seed-figures"
    }

    /// Makes a point.
    public init(
        settings: [SweepSetting], run: String, status: RunStatus, failure: String? = nil, seeds: [Int],
        figures: [SummaryFigure], seedFigures: [SweepSeedFigures], privacy: PrivacyRecord?,
        updates: UpdateFormatRecord? = nil
    ) {
        self.updates = updates
        self.settings = settings
        self.run = run
        self.status = status
        self.failure = failure
        self.seeds = seeds
        self.figures = figures
        self.seedFigures = seedFigures
        self.privacy = privacy
    }
}

/// A key of the scenario and its value at one point.
public struct SweepSetting: Codable, Sendable, Equatable {
    /// The key path, such as `privacy.epsilon`.
    public let key: String
    /// The value as YAML writes it, such as `0.5` or `none`.
    public let value: String

    /// Makes a setting.
    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// The figure of one client, method, cohort, shots and metric for each seed.
public struct SweepSeedFigures: Codable, Sendable, Equatable {
    /// The client that measured.
    public let client: String
    /// The method.
    public let method: String
    /// The cohort.
    public let cohort: String
    /// Known target interactions; `nil` for persons with all of their history.
    public let shots: Int?
    /// The metric.
    public let metric: String
    /// The seed means.
    public let values: [Double]

    /// Makes the figures.
    public init(client: String, method: String, cohort: String, shots: Int?, metric: String, values: [Double]) {
        self.client = client
        self.method = method
        self.cohort = cohort
        self.shots = shots
        self.metric = metric
        self.values = values
    }
}

/// All points of a sweep, `sweep.json`.
public struct SweepRecord: Codable, Sendable, Equatable {
    /// The version of this format.
    public static let schema = "ferry.sweep/1"

    /// `ferry.sweep/1`.
    public let schema: String
    /// The scenario's name.
    public let scenario: String
    /// The swept keys.
    public let keys: [String]
    /// What was tuned by looking at these results and is charged to no ε; empty when nothing was.
    public let notes: [String]
    /// The points in the order of the grid.
    public let points: [SweepPoint]

    /// Makes a record.
    public init(scenario: String, keys: [String], notes: [String], points: [SweepPoint]) {
        self.schema = SweepRecord.schema
        self.scenario = scenario
        self.keys = keys
        self.notes = notes
        self.points = points
    }
}
