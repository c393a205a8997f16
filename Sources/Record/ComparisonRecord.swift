/// One of several runs that are compared.
public struct ComparedRun: Codable, Sendable, Equatable {
    /// A, B, C, … in the order of the command line.
    public let label: String
    /// Its folder.
    public let folder: String
    /// The scenario's name.
    public let scenario: String
    /// The transfer method.
    public let transfer: String
    /// Its seeds.
    public let seeds: [Int]
    /// How its scenario differs from that of the first run: key and value.
    public let settings: [SweepSetting]

    /// Makes a run.
    public init(
        label: String, folder: String, scenario: String, transfer: String, seeds: [Int], settings: [SweepSetting]
    ) {
        self.label = label
        self.folder = folder
        self.scenario = scenario
        self.transfer = transfer
        self.seeds = seeds
        self.settings = settings
    }
}

/// One figure of all compared runs.
public struct ComparedFigure: Codable, Sendable, Equatable {
    /// The client that measured.
    public let client: String
    /// The method; `transfer` for the transfer method of each run.
    public let method: String
    /// Known target interactions; `nil` for persons with all of their history.
    public let shots: Int?
    /// One member a run, with the mean over common seeds and its 95 % interval; `nil` where a run has no such figure.
    public let members: [Member?]
    /// Every later run against the first.
    public let tests: [Test]

    /// The figure of one run.
    public struct Member: Codable, Sendable, Equatable {
        enum CodingKeys: String, CodingKey {
            case mean
            case interval = "ci95"
        }

        /// The mean over the common seeds.
        public let mean: Double
        /// The 95 % interval; empty when it is undefined.
        public let interval: [Double]

        /// Makes a member.
        public init(mean: Double, interval: [Double]) {
            self.mean = mean
            self.interval = interval
        }
    }

    /// A paired t-test of one run against the first, over common seeds or over the persons of a single one.
    public struct Test: Codable, Sendable, Equatable {
        enum CodingKeys: String, CodingKey {
            case run, difference, t, p
            case interval = "ci95"
            case degreesOfFreedom = "degrees-of-freedom"
            case adjusted = "p-holm"
        }

        /// The run's label.
        public let run: String
        /// Its mean minus that of the first run.
        public let difference: Double
        /// The 95 % interval; empty for one pair.
        public let interval: [Double]
        /// t; absent for one pair, and where all differences are the same.
        public let t: Double?
        /// One less than the number of pairs.
        public let degreesOfFreedom: Int
        /// The two-sided p-value; absent where t is.
        public let p: Double?
        /// p after Holm's correction over all tests of the comparison.
        public let adjusted: Double?

        /// Makes a test.
        public init(
            run: String, difference: Double, interval: [Double], t: Double?, degreesOfFreedom: Int, p: Double?,
            adjusted: Double?
        ) {
            self.run = run
            self.difference = difference
            self.interval = interval
            self.t = t
            self.degreesOfFreedom = degreesOfFreedom
            self.p = p
            self.adjusted = adjusted
        }
    }

    /// Makes a figure.
    public init(client: String, method: String, shots: Int?, members: [Member?], tests: [Test]) {
        self.client = client
        self.method = method
        self.shots = shots
        self.members = members
        self.tests = tests
    }
}

/// Several runs side by side, as `ferry compare --json` prints them.
public struct ComparisonRecord: Codable, Sendable, Equatable {
    /// The version of this format.
    public static let schema = "ferry.comparison/1"

    /// `ferry.comparison/1`.
    public let schema: String
    /// The metric.
    public let metric: String
    /// The cohort.
    public let cohort: String
    /// The runs; the first is what the others are compared with.
    public let runs: [ComparedRun]
    /// The seeds that all runs have.
    public let seeds: [Int]
    /// What the tests pair.
    public let pairs: Pairs
    /// The figures.
    public let figures: [ComparedFigure]
    /// How many tests Holm's correction counts.
    public let testCount: Int
    /// What cannot be said, and why.
    public let notes: [String]

    /// What has a value in either run.
    public enum Pairs: String, Codable, Sendable, Equatable {
        /// The means of the seeds.
        case seeds
        /// The persons of a single seed.
        case persons
    }

    enum CodingKeys: String, CodingKey {
        case schema, metric, cohort, runs, seeds, figures, notes
        case pairs = "paired-over"
        case testCount = "tests"
    }

    /// Makes a comparison.
    public init(
        metric: String, cohort: String, runs: [ComparedRun], seeds: [Int], pairs: Pairs, figures: [ComparedFigure],
        testCount: Int, notes: [String]
    ) {
        self.schema = ComparisonRecord.schema
        self.metric = metric
        self.cohort = cohort
        self.runs = runs
        self.seeds = seeds
        self.pairs = pairs
        self.figures = figures
        self.testCount = testCount
        self.notes = notes
    }
}
