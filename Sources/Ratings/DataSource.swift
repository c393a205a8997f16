/// The layouts of rating files that Ferry reads, by the names of scenario files. Each may be compressed with gzip.
public enum RatingsFormat: String, Sendable, Equatable, CaseIterable {
    /// RecBole atomic files: a header of `name:type` fields, then tab-separated rows.
    case recbole
    /// MovieLens 100k: `u.data`, tab-separated without a header; `u.item` in latin-1.
    case movieLens100K = "movielens-100k"
    /// MovieLens 1M and 10M: `ratings.dat` and `movies.dat`, separated by `::`, in latin-1.
    case movieLens1M = "movielens-1m"
    /// MovieLens latest, 20M, 25M and 32M: `ratings.csv` and `movies.csv`.
    case movieLensLatest = "movielens-latest"
    /// Amazon's ratings without reviews: CSV without a header (2014, 2018) or with one (2023).
    case amazonRatings = "amazon-ratings"
    /// Amazon's reviews: JSON lines with the field names of 2014 and 2018, or of 2023.
    case amazonReviews = "amazon-reviews"
    /// Book-Crossing: `;`, double quotes with backslashes, latin-1; a rating of 0 says that none was given.
    case bookCrossing = "book-crossing"
    /// goodbooks-10k: `ratings.csv` and `books.csv`.
    case goodbooks
    /// Yelp: JSON lines.
    case yelp
    /// Douban: tab-separated with a header.
    case douban
    /// Any delimited text with a header of column names.
    case csv
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
    /// The files that were read.
    public var files: [String] = []
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
}
