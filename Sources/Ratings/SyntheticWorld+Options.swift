extension SyntheticWorld {
    /// How the popularity of items falls.
    public enum Popularity: Sendable, Equatable {
        /// As a power of the rank.
        case zipf(exponent: Double)
        /// As a constant and an exponential part of the given size beside it: what is left where rare items were
        /// filtered out.
        case shiftedExponential(tail: Double)
    }

    /// What is of one domain alone; `nil` stands for the option of the whole world.
    public struct DomainOptions: Sendable, Equatable {
        /// Items of the domain.
        public var itemCount: Int?
        /// Mean interactions of a person in the domain.
        public var meanInteractions: Double?
        /// Standard deviation of the logarithm of a person's number of interactions.
        public var activitySpread: Double?
        /// The fall of popularity.
        public var popularity: Popularity?
        /// The shares of the ratings 1, 2, 3, 4 and 5, met exactly; without them ratings are rounded and clamped.
        public var ratingShares: [Double]?

        /// Options of one domain.
        public init(
            itemCount: Int? = nil, meanInteractions: Double? = nil, activitySpread: Double? = nil,
            popularity: Popularity? = nil, ratingShares: [Double]? = nil
        ) {
            self.itemCount = itemCount
            self.meanInteractions = meanInteractions
            self.activitySpread = activitySpread
            self.popularity = popularity
            self.ratingShares = ratingShares
        }
    }

    /// A change of the world at a time.
    public struct Drift: Sendable, Equatable {
        /// What changes.
        public enum Change: Sendable, Equatable {
            /// Every taste turns by an angle in radians, in the planes of dimensions 0 and 1, 2 and 3 and so on.
            case tasteRotation(Double)
            /// The popularity of an item moves towards that of its mirror rank: all the way at 1.
            case popularityFlip(Double)
            /// Ratings rise by so many points before they are rounded.
            case scaleShift(Double)
        }

        /// The first moment of the changed world.
        public var time: Int64
        /// What changes.
        public var change: Change
        /// The domain that changes; `nil` for all.
        public var domain: String?

        /// A drift.
        public init(time: Int64, change: Change, domain: String? = nil) {
            self.time = time
            self.change = change
            self.domain = domain
        }
    }

    /// The knobs of the world.
    public struct Options: Sendable, Equatable {
        /// The seed.
        public var seed: Int
        /// Persons in the world.
        public var personCount: Int
        /// The share of persons in every domain.
        public var overlap: Double
        /// Items in each domain.
        public var itemCount: Int
        /// Mean interactions of a person in a domain.
        public var meanInteractions: Double
        /// Dimensions of a taste.
        public var tasteDimensions: Int
        /// Standard deviation of the affinity, in logits.
        public var tasteStrength: Double
        /// The share of the taste's variance that is of one domain alone.
        public var domainGap: Double
        /// The domains, sorted.
        public var domains: [String]
        /// What differs between domains, by domain.
        public var overrides: [String: DomainOptions] = [:]
        /// Whether the share of persons and the mean interactions are met exactly rather than in expectation.
        public var isExact = false
        /// Whether all item vectors have length 1, so that taste leaves popularity alone.
        public var hasUnitItems = false
        /// Standard deviation of the logarithm of a person's number of interactions.
        public var activitySpread = 0.6
        /// The largest share of the items that one person has interactions with.
        public var activityCeiling = 0.5
        /// Correlation of the logarithms of a person's numbers of interactions in two domains.
        public var activityCorrelation = 0.0
        /// The fall of popularity.
        public var popularity = Popularity.zipf(exponent: 0.8)
        /// Standard deviation of a person's rating bias.
        public var biasSpread = 0.6
        /// Correlation of a person's rating biases in two domains.
        public var biasCorrelation = 1.0
        /// Standard deviation of an item's rating bias.
        public var itemBiasSpread = 0.0
        /// Rating points per unit of affinity.
        public var tasteEffect = 0.4
        /// Standard deviation of what else moves a rating.
        public var ratingNoise = 0.7
        /// The share of title words that say nothing of the item.
        public var textNoise = 0.1
        /// How closely the other title words follow the item's vector; at 0 they do not.
        public var textSharpness = 3.0
        /// Length of the offset that all texts of a domain share and that says nothing of the items.
        public var nuisanceOffset = 0.0
        /// Angle in radians by which a domain's texts are turned against the items' vectors.
        public var nuisanceRotation = 0.0
        /// The words that each title has besides its two to five, of the same kind; at most 7.
        public var furtherWords = 0
        /// The words that each title has besides, of one topic of the item's own that says nothing of taste; at most 12.
        public var nuisanceWords = 0
        /// Standard deviation, in the shortcut domain, of a further coordinate of the items' dense text vectors that says
        /// nothing of their taste; at 0 there is none.
        public var shortcutLength = 0.0
        /// The domain in which that coordinate tells how popular an item is.
        public var shortcutDomain = ""
        /// Correlation there of the coordinate and the items' popularity in logits.
        public var shortcutStrength = 0.0
        /// Mean of the coordinate in the other domains, where it tells nothing, in lengths.
        public var shortcutShift = 0.0
        /// Standard deviation of the coordinate in the other domains, in lengths.
        public var shortcutSpread = 1.0
        /// Whether interactions have times; a drift brings them too.
        public var hasTimes = false
        /// The first second of the world, since 1970.
        public var startTime: Int64 = 1_262_304_000
        /// The seconds that the world lasts.
        public var duration: Int64 = 315_360_000
        /// What changes, and when.
        public var drifts: [Drift] = []

        /// Makes options.
        public init(
            seed: Int, personCount: Int, overlap: Double, itemCount: Int, meanInteractions: Double,
            tasteDimensions: Int, tasteStrength: Double, domainGap: Double, domains: [String]
        ) {
            self.seed = seed
            self.personCount = personCount
            self.overlap = overlap
            self.itemCount = itemCount
            self.meanInteractions = meanInteractions
            self.tasteDimensions = tasteDimensions
            self.tasteStrength = tasteStrength
            self.domainGap = domainGap
            self.domains = domains
        }

        /// The plain world, which the quickstart uses.
        public static func plain(seed: Int = 1) -> Options {
            Options(
                seed: seed, personCount: 800, overlap: 0.9, itemCount: 400, meanInteractions: 25, tasteDimensions: 8,
                tasteStrength: 2, domainGap: 0.3, domains: ["books", "movies"])
        }

        /// A world like a real set of movie and book ratings: 1,328 persons in both domains, 1,253 movies and 654
        /// books, 3 % of all pairs rated, mean ratings of 4.0 and 4.3, and the same spread of activity, popularity and
        /// ratings.
        ///
        /// Further domains get the properties of the movies. *Source*: Amazon reviews with editions merged.
        public static func calibrated(seed: Int = 1, domains: [String] = ["books", "movies"]) -> Options {
            var options = Options(
                seed: seed, personCount: 1_478, overlap: 1_328.0 / 1_478, itemCount: 1_253, meanInteractions: 40,
                tasteDimensions: 8, tasteStrength: 1.5, domainGap: 0.3, domains: domains)
            options.isExact = true
            options.hasUnitItems = true
            options.activitySpread = 1.5
            options.activityCeiling = 0.3
            options.activityCorrelation = 0.18
            options.popularity = .shiftedExponential(tail: 1.05)
            options.biasSpread = 0.55
            options.biasCorrelation = 0.87
            options.itemBiasSpread = 0.52
            options.tasteEffect = 0.3
            options.ratingNoise = 0.82
            for domain in domains {
                options.overrides[domain] = DomainOptions(ratingShares: [0.0343, 0.0715, 0.1667, 0.3138, 0.4137])
            }
            if domains.contains("books") {
                options.overrides["books"] = DomainOptions(
                    itemCount: 654, meanInteractions: 19.4, activitySpread: 1.06,
                    popularity: .shiftedExponential(tail: 0.9),
                    ratingShares: [0.020, 0.038, 0.110, 0.286, 0.546])
            }
            return options
        }
    }
}
