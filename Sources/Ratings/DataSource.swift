/// The layouts of rating files that Ferry reads, by the names of scenario files.
public enum RatingsFormat: String, Sendable, Equatable, CaseIterable {
    /// RecBole atomic files.
    case recbole
}

/// The columns of a file with named columns; `nil` stands for the usual names.
public struct ColumnNames: Sendable, Equatable {
    /// The person's column.
    public var user: String?
    /// The item's column.
    public var item: String?
    /// The rating's column.
    public var rating: String?
    /// The time's column.
    public var time: String?

    /// The usual names.
    public init(user: String? = nil, item: String? = nil, rating: String? = nil, time: String? = nil) {
        self.user = user
        self.item = item
        self.rating = rating
        self.time = time
    }
}

/// What a rating of 0 means.
public enum ZeroRule: String, Sendable, Equatable, CaseIterable {
    /// As the format says: in Book-Crossing "no rating given", elsewhere a rating.
    case byDefault = "default"
    /// A rating like any other.
    case keep
    /// No rating: the row is left out and counted.
    case drop
}

/// Where the data of one domain is, and how it is read.
public struct DataSource: Sendable, Equatable {
    /// The layout; `nil` is detected from the first lines and the file's name.
    public var format: RatingsFormat?
    /// The file of ratings, or the folder of a data set with well-known file names.
    public var ratings: String
    /// The file of items, for titles and categories.
    public var items: String?
    /// What becomes of repeated (person, item) rows.
    public var duplicates: DuplicateRule
    /// What a rating of 0 means.
    public var zeros: ZeroRule
    /// The columns of a `csv` file.
    public var columns: ColumnNames
    /// How many malformed lines are left out before reading stops with an error.
    public var malformedLineLimit: Int

    /// A source.
    public init(
        format: RatingsFormat? = nil, ratings: String, items: String? = nil, duplicates: DuplicateRule = .byDefault,
        zeros: ZeroRule = .byDefault, columns: ColumnNames = ColumnNames(), malformedLineLimit: Int = 0
    ) {
        self.format = format
        self.ratings = ratings
        self.items = items
        self.duplicates = duplicates
        self.zeros = zeros
        self.columns = columns
        self.malformedLineLimit = malformedLineLimit
    }
}

/// What is known of an item beside its ratings.
public struct ItemDescription: Sendable, Equatable {
    /// The title; empty when there is none.
    public var title: String
    /// Categories, genres, authors.
    public var keywords: [String]

    /// A description.
    public init(title: String = "", keywords: [String] = []) {
        self.title = title
        self.keywords = keywords
    }
}

/// What reading a source came to.
public struct LoadReport: Sendable, Equatable {
    /// The layout that was read.
    public var format: RatingsFormat
    /// Rows with a rating.
    public var rowCount: Int
    /// Rows that were left out as malformed.
    public var malformedCount: Int
    /// Rows that were left out because their rating was 0.
    public var zeroCount: Int
    /// Sentences for the user, such as that the item column came first.
    public var notes: [String]

    /// A report.
    public init(
        format: RatingsFormat, rowCount: Int, malformedCount: Int = 0, zeroCount: Int = 0, notes: [String] = []
    ) {
        self.format = format
        self.rowCount = rowCount
        self.malformedCount = malformedCount
        self.zeroCount = zeroCount
        self.notes = notes
    }
}

/// The data of one domain as it was read.
public struct LoadedData: Sendable, Equatable {
    /// Who rated what.
    public var interactions: Interactions
    /// The descriptions, parallel to `interactions.items`; empty without a file of items.
    public var descriptions: [ItemDescription]
    /// What reading came to.
    public var report: LoadReport

    /// Loaded data.
    public init(interactions: Interactions, descriptions: [ItemDescription], report: LoadReport) {
        self.interactions = interactions
        self.descriptions = descriptions
        self.report = report
    }

    /// Reads a source.
    ///
    /// - Throws: any `DataError`, with file and line.
    public static func read(_ source: DataSource) throws(DataError) -> LoadedData {
        let interactions = try RecBoleFile.read(
            ratings: source.ratings, items: source.items, duplicates: source.duplicates)
        return LoadedData(
            interactions: interactions, descriptions: [],
            report: LoadReport(format: .recbole, rowCount: interactions.ratings.count + interactions.duplicateCount))
    }
}
