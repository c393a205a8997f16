import Numerics

/// The statistics of one domain's ratings: counts and distributions, never a person's own values.
public struct DataDescription: Sendable, Equatable, Encodable {
    /// How often ratings of about one value occur.
    public struct Bin: Sendable, Equatable, Encodable {
        /// The value, or the middle of the bin.
        public let rating: Double
        /// Ratings in the bin.
        public let count: Int
    }

    /// The spread of a count.
    public struct Spread: Sendable, Equatable, Encodable {
        /// The smallest.
        public let minimum: Double
        /// A tenth is below.
        public let tenth: Double
        /// A quarter is below.
        public let quarter: Double
        /// Half is below.
        public let median: Double
        /// A quarter is above.
        public let threeQuarters: Double
        /// A tenth is above.
        public let nineTenths: Double
        /// A hundredth is above.
        public let ninetyNine: Double
        /// The largest.
        public let maximum: Double
        /// The mean.
        public let mean: Double

        enum CodingKeys: String, CodingKey {
            case minimum = "min"
            case tenth = "p10"
            case quarter = "p25"
            case median = "p50"
            case threeQuarters = "p75"
            case nineTenths = "p90"
            case ninetyNine = "p99"
            case maximum = "max"
            case mean
        }

        /// The spread of counts; all 0 when there are none.
        public init(of counts: [Int]) {
            let sorted = counts.isEmpty ? [0] : counts.map(Double.init).sorted()
            minimum = sorted[0]
            tenth = quantile(sorted: sorted, 0.1)
            quarter = quantile(sorted: sorted, 0.25)
            median = quantile(sorted: sorted, 0.5)
            threeQuarters = quantile(sorted: sorted, 0.75)
            nineTenths = quantile(sorted: sorted, 0.9)
            ninetyNine = quantile(sorted: sorted, 0.99)
            maximum = sorted[sorted.count - 1]
            mean = sorted.reduce(0, +) / Double(sorted.count)
        }
    }

    /// The first and last time of a source.
    public struct TimeSpan: Sendable, Equatable, Encodable {
        /// The first, in the source's unit.
        public let first: Int64
        /// The last, in the source's unit.
        public let last: Int64
        /// The day of the first, when the values look like seconds or milliseconds since 1970.
        public let firstDate: String?
        /// The day of the last.
        public let lastDate: String?

        enum CodingKeys: String, CodingKey {
            case first, last
            case firstDate = "first-date"
            case lastDate = "last-date"
        }

        /// The span between two times.
        public init(first: Int64, last: Int64) {
            self.first = first
            self.last = last
            // 1990 to 2100: positions and row numbers are below, microseconds above.
            let seconds: ClosedRange<Int64> = 631_152_000...4_102_444_800
            let unit: Int64? = [1, 1_000].first { seconds.contains(first / $0) && seconds.contains(last / $0) }
            firstDate = unit.map { TimeSpan.day(first / $0) }
            lastDate = unit.map { TimeSpan.day(last / $0) }
        }

        /// The day of a second since 1970 in UTC, such as `2000-04-25`.
        ///
        /// *Source*: Hinnant, *chrono-compatible low-level date algorithms* (2013), `civil_from_days`.
        private static func day(_ second: Int64) -> String {
            let days = second / 86_400 + 719_468
            let era = days / 146_097
            let dayOfEra = days % 146_097
            let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
            let shifted = (5 * dayOfYear + 2) / 153
            let day = dayOfYear - (153 * shifted + 2) / 5 + 1
            let month = shifted < 10 ? shifted + 3 : shifted - 9
            let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
            func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
            return "\(year)-\(two(month))-\(two(day))"
        }
    }

    /// The edition twins of a source.
    public struct Twins: Sendable, Equatable, Encodable {
        /// The Jaccard index from which two items are twins.
        public let threshold: Double
        /// Groups of two items or more.
        public let groups: Int
        /// Items in those groups.
        public let items: Int
    }

    /// The layout that was read.
    public let format: String
    /// Persons.
    public let users: Int
    /// Items with a rating.
    public let items: Int
    /// Items of the file of items that nobody rated; they count nowhere else.
    public let unratedItems: Int
    /// Distinct (person, item) pairs.
    public let interactions: Int
    /// Rows of the file with a rating.
    public let rows: Int
    /// The share of all pairs that are rated.
    public let density: Double
    /// Rows that repeated a pair.
    public let duplicates: Int
    /// Rows that were left out as malformed.
    public let malformed: Int
    /// Rows that were left out because their rating was 0.
    public let zeros: Int
    /// Rated items with a title.
    public let titles: Int
    /// The mean rating.
    public let ratingMean: Double
    /// The standard deviation of the ratings.
    public let ratingDeviation: Double
    /// How often each rating occurs, ascending.
    public let histogram: [Bin]
    /// The width of the histogram's bins; 0 when each distinct rating has its own.
    public let binWidth: Double
    /// The times; `nil` when the source has none.
    public let times: TimeSpan?
    /// Whether the times are places in each person's own sequence.
    public let timesArePositions: Bool
    /// Interactions of a person.
    public let perUser: Spread
    /// Interactions of an item.
    public let perItem: Spread
    /// The Gini coefficient of the items' counts: 0 when all are equally popular.
    public let gini: Double
    /// The edition twins; `nil` when they were not looked for.
    public let twins: Twins?

    enum CodingKeys: String, CodingKey {
        case format, users, items, interactions, rows, density, duplicates, malformed, zeros, titles, histogram, times
        case timesArePositions = "times-are-positions"
        case gini
        case unratedItems = "unrated-items"
        case ratingMean = "rating-mean"
        case ratingDeviation = "rating-deviation"
        case binWidth = "bin-width"
        case perUser = "interactions-per-user"
        case perItem = "interactions-per-item"
        case twins = "edition-twins"
    }

    /// Describes data; looks for edition twins when a threshold is given.
    ///
    /// *Complexity*: O(ratings · log ratings), and that of `EditionTwins.find`.
    public init(_ data: LoadedData, twinThreshold: Double? = EditionTwins.usualThreshold) {
        let read = data.interactions
        format = data.report.format.rawValue
        users = read.persons.count
        let itemCounts = read.itemCounts.filter { $0 > 0 }
        items = itemCounts.count
        unratedItems = read.items.count - items
        interactions = read.ratings.count
        rows = data.report.rowCount
        let pairs = Double(users) * Double(items)
        density = pairs == 0 ? 0 : Double(interactions) / pairs
        duplicates = read.duplicateCount
        malformed = data.report.malformedCount
        zeros = data.report.zeroCount
        titles = zip(data.descriptions, read.itemCounts).count { !$0.title.isEmpty && $1 > 0 }
        let count = Double(max(1, interactions))
        let center = read.ratings.reduce(0) { $0 + Double($1) } / count
        ratingMean = center
        ratingDeviation =
            (read.ratings.reduce(0) { $0 + (Double($1) - center) * (Double($1) - center) } / count).squareRoot()
        (histogram, binWidth) = DataDescription.histogram(read.ratings)
        if let first = read.times.min(), let last = read.times.max() {
            times = TimeSpan(first: first, last: last)
        } else {
            times = nil
        }
        timesArePositions = read.timesArePositions
        perUser = Spread(of: (0..<users).map { read.rows.starts[$0 + 1] - read.rows.starts[$0] })
        perItem = Spread(of: itemCounts)
        gini = DataDescription.gini(itemCounts)
        twins = twinThreshold.map { threshold in
            let groups = EditionTwins.find(in: read, threshold: threshold)
            return Twins(threshold: threshold, groups: groups.count, items: groups.reduce(0) { $0 + $1.count })
        }
    }

    /// The Gini coefficient of counts, zeros included; 0 when there is nothing to share.
    ///
    /// *Source*: Sen, *On economic inequality* (1973), section 2.3, on sorted values.
    public static func gini(_ counts: [Int]) -> Double {
        let sorted = counts.sorted()
        let sum = sorted.reduce(0) { $0 + Double($1) }
        guard sum > 0 else { return 0 }
        let count = Double(sorted.count)
        var weighted = 0.0
        for (index, value) in sorted.enumerated() { weighted += Double(index + 1) * Double(value) }
        return 2 * weighted / (count * sum) - (count + 1) / count
    }

    /// Each distinct rating when there are at most twelve, else whole numbers, else ten bins.
    private static func histogram(_ ratings: [Float]) -> (bins: [Bin], width: Double) {
        var counts: [Float: Int] = [:]
        for rating in ratings { counts[rating, default: 0] += 1 }
        let values = counts.keys.sorted()
        guard values.count > 12, let first = values.first, let last = values.last else {
            return (values.map { Bin(rating: Double($0), count: counts[$0] ?? 0) }, 0)
        }
        let (low, high) = (Double(first), Double(last))
        let isWhole = high - low <= 20
        let width = isWhole ? 1 : (high - low) / 10
        let start = isWhole ? low.rounded() - 0.5 : low
        var bins = [Int](repeating: 0, count: isWhole ? Int(high.rounded() - low.rounded()) + 1 : 10)
        for value in values {
            let position = isWhole ? Double(value).rounded() - low.rounded() : (Double(value) - low) / width
            bins[min(bins.count - 1, max(0, Int(position)))] += counts[value] ?? 0
        }
        return (
            bins.enumerated().map { Bin(rating: start + (Double($0.offset) + 0.5) * width, count: $0.element) }, width
        )
    }
}

/// What two sources share.
public struct SharedDescription: Sendable, Equatable, Encodable {
    /// Persons in both.
    public let users: Int
    /// Their share of the first source's persons.
    public let shareOfFirst: Double
    /// Their share of the second source's persons.
    public let shareOfSecond: Double
    /// The correlation of a person's rating bias in the two; `nil` with fewer than two persons to compare.
    public let biasCorrelation: Double?
    /// The persons in it: those with at least `minimumInteractions` ratings in both.
    public let biasUsers: Int
    /// Pairs of items of the two sources that the same persons rated; `nil` when they were not looked for.
    public let twins: Int?

    enum CodingKeys: String, CodingKey {
        case users
        case shareOfFirst = "share-of-first"
        case shareOfSecond = "share-of-second"
        case biasCorrelation = "bias-correlation"
        case biasUsers = "bias-users"
        case twins = "cross-domain-twins"
    }

    /// The least ratings of a person, in each source, whose bias is compared: a bias of fewer is mostly noise.
    public static let minimumInteractions = 5

    /// Compares two sources; persons are matched by id.
    public init(
        _ first: Interactions, _ second: Interactions, twinThreshold: Double? = EditionTwins.usualAcrossThreshold
    ) {
        let (firstBiases, secondBiases) = (first.personBiases(), second.personBiases())
        var common = 0
        var pairs: [(Double, Double)] = []
        var right = 0
        for (left, person) in first.persons.enumerated() {
            while right < second.persons.count, second.persons[right] < person { right += 1 }
            guard right < second.persons.count, second.persons[right] == person else { continue }
            common += 1
            let fewest = min(first.rows.row(left).count, second.rows.row(right).count)
            if fewest >= SharedDescription.minimumInteractions {
                pairs.append((firstBiases[left], secondBiases[right]))
            }
        }
        users = common
        shareOfFirst = first.persons.isEmpty ? 0 : Double(common) / Double(first.persons.count)
        shareOfSecond = second.persons.isEmpty ? 0 : Double(common) / Double(second.persons.count)
        biasUsers = pairs.count
        biasCorrelation = SharedDescription.correlation(pairs)
        twins = twinThreshold.map { EditionTwins.findAcross(first, second, threshold: $0).count }
    }

    /// Pearson's correlation; `nil` when a side does not vary.
    private static func correlation(_ pairs: [(Double, Double)]) -> Double? {
        let count = Double(max(1, pairs.count))
        let left = pairs.reduce(0) { $0 + $1.0 } / count
        let right = pairs.reduce(0) { $0 + $1.1 } / count
        let product = pairs.reduce(0) { $0 + ($1.0 - left) * ($1.1 - right) }
        let leftSquares = pairs.reduce(0) { $0 + ($1.0 - left) * ($1.0 - left) }
        let rightSquares = pairs.reduce(0) { $0 + ($1.1 - right) * ($1.1 - right) }
        guard leftSquares > 0, rightSquares > 0 else { return nil }
        return product / (leftSquares.squareRoot() * rightSquares.squareRoot())
    }
}

extension Interactions {
    /// The number of ratings of each item.
    public var itemCounts: [Int] { rows.columnLengths }

    /// By how much each person rates above the mean and the items' damped biases.
    ///
    /// An item's bias is the sum of its ratings' differences from the mean over their number plus the damping; 0 for a
    /// person without ratings.
    public func personBiases(damping: Double = 5) -> [Double] {
        let center = ratings.reduce(0) { $0 + Double($1) } / Double(max(1, ratings.count))
        var sums = [Double](repeating: 0, count: items.count)
        for (column, rating) in zip(rows.columns, ratings) { sums[Int(column)] += Double(rating) - center }
        let counts = itemCounts
        let biases = zip(sums, counts).map { $0 / (Double($1) + damping) }
        return persons.indices.map { person in
            let range = rows.starts[person]..<rows.starts[person + 1]
            guard !range.isEmpty else { return 0 }
            let sum = range.reduce(0) { $0 + Double(ratings[$1]) - center - biases[Int(rows.columns[$1])] }
            return sum / Double(range.count)
        }
    }
}
