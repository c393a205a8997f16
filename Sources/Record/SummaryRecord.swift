/// One figure over the seeds of a scenario.
public struct SummaryFigure: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case client, method, cohort, shots, metric, mean, seeds, kind
        case interval = "ci95"
    }

    /// The client that measured.
    public let client: String
    /// The method.
    public let method: String
    /// The cohort.
    public let cohort: String
    /// Known target interactions; `nil`, written as `null`, for persons with all of their history.
    public let shots: Int?
    /// The metric.
    public let metric: String
    /// The mean of the seeds' means.
    public let mean: Double
    /// The 95 % interval; empty when it is undefined.
    public let interval: [Double]
    /// What the interval is: `student-t over seeds`, or `bootstrap over persons` for one seed.
    public let kind: String
    /// How many seeds.
    public let seeds: Int

    /// Makes a figure.
    public init(
        client: String, method: String, cohort: String, shots: Int?, metric: String, mean: Double, interval: [Double],
        kind: String, seeds: Int
    ) {
        self.client = client
        self.method = method
        self.cohort = cohort
        self.shots = shots
        self.metric = metric
        self.mean = mean
        self.interval = interval
        self.kind = kind
        self.seeds = seeds
    }

    /// Writes `null` explicitly for an absent number of shots.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(client, forKey: .client)
        try container.encode(method, forKey: .method)
        try container.encode(cohort, forKey: .cohort)
        try container.encode(shots, forKey: .shots)
        try container.encode(metric, forKey: .metric)
        try container.encode(mean, forKey: .mean)
        try container.encode(interval, forKey: .interval)
        try container.encode(kind, forKey: .kind)
        try container.encode(seeds, forKey: .seeds)
    }
}

/// The clients that a seed was run without, wholly or from some round on.
public struct MissingRecord: Codable, Sendable, Equatable {
    /// The seed.
    public let seed: Int
    /// The clients, by id.
    public let clients: [String]

    /// Makes a record.
    public init(seed: Int, clients: [String]) {
        self.seed = seed
        self.clients = clients
    }
}

/// A round that a client did not answer.
public struct RoundAbsence: Codable, Sendable, Equatable {
    /// The round, from 1.
    public let round: Int
    /// The step.
    public let step: String
    /// The client.
    public let client: String
    /// `lost`, `late` or `refused`.
    public let cause: String
    /// The round from which on a client that was lost took part again; absent where it did not, or was not lost.
    public let returned: Int?

    /// Makes a record.
    public init(round: Int, step: String, client: String, cause: String, returned: Int? = nil) {
        self.round = round
        self.step = step
        self.client = client
        self.cause = cause
        self.returned = returned
    }

    /// The absences of rounds, in order.
    public static func of(_ rounds: [RoundRecord]) -> [RoundAbsence] {
        rounds.flatMap { round in
            (round.absences ?? []).map { absence in
                let isLost = absence.cause != "refused"
                return RoundAbsence(
                    round: round.round, step: round.step, client: absence.client, cause: absence.cause,
                    returned: isLost
                        ? rounds.first { $0.round > round.round && $0.returned?.contains(absence.client) == true }?
                            .round
                        : nil)
            }
        }
    }
}

/// The absences of one seed.
public struct SeedAbsences: Codable, Sendable, Equatable {
    /// The seed.
    public let seed: Int
    /// The rounds that clients did not answer.
    public let rounds: [RoundAbsence]

    /// Makes a record.
    public init(seed: Int, rounds: [RoundAbsence]) {
        self.seed = seed
        self.rounds = rounds
    }
}

/// The figures of a scenario over its seeds, `summary.json`.
public struct SummaryRecord: Codable, Sendable, Equatable {
    /// The version of this format.
    public static let schema = "ferry.summary/1"

    /// `ferry.summary/1`.
    public let schema: String
    /// The scenario's name.
    public let scenario: String
    /// How the run ended.
    public let status: RunStatus
    /// The seeds that are summarised.
    public let seeds: [Int]
    /// The figures, in order.
    public let figures: [SummaryFigure]
    /// What the windows of time of each seed showed; absent without drift detection.
    public let drift: [DriftRecord]?
    /// What was promised: of the seeds the largest ε of each adversary.
    public let privacy: PrivacyRecord?
    /// The seeds that lost clients, and which; absent when none did.
    public let missing: [MissingRecord]?
    /// The seeds in which clients did not answer rounds, and which; absent when all did.
    public let absences: [SeedAbsences]?
    /// How updates of shared item factors crossed, means over the seeds; absent where the scenario does not say.
    public let updates: UpdateFormatRecord?

    enum CodingKeys: String, CodingKey {
        case schema, scenario, status, seeds, figures, drift, privacy, missing, absences
        case updates = "update-format"
    }

    /// Makes a summary.
    public init(
        scenario: String, status: RunStatus, seeds: [Int], figures: [SummaryFigure],
        drift: [DriftRecord]? = nil, privacy: PrivacyRecord? = nil, missing: [MissingRecord]? = nil,
        absences: [SeedAbsences]? = nil, updates: UpdateFormatRecord? = nil
    ) {
        self.updates = updates
        self.absences = absences
        self.schema = SummaryRecord.schema
        self.scenario = scenario
        self.status = status
        self.seeds = seeds
        self.figures = figures
        self.drift = drift
        self.privacy = privacy
        self.missing = missing
    }
}
