/// One person's ratings in one domain.
public struct PersonHistory: Sendable, Equatable {
    /// The items.
    public let items: [UInt32]
    /// The ratings, parallel to `items`.
    public let ratings: [Float]
    /// When each rating was given, parallel to `items`; empty when the source has no times.
    public let times: [Int64]

    /// No ratings.
    public static let empty = PersonHistory(items: [], ratings: [])

    /// A history.
    ///
    /// - Precondition: `ratings`, and `times` unless empty, are parallel to `items`.
    public init(items: [UInt32], ratings: [Float], times: [Int64] = []) {
        precondition(
            ratings.count == items.count && (times.isEmpty || times.count == items.count),
            "the parts of a history do not match")
        self.items = items
        self.ratings = ratings
        self.times = times
    }

    /// The number of ratings.
    public var count: Int { items.count }

    /// Whether there are none.
    public var isEmpty: Bool { items.isEmpty }

    /// The ratings at some positions, in their order.
    public func subset(_ positions: some Sequence<Int>) -> PersonHistory {
        let positions = Array(positions)
        return PersonHistory(
            items: positions.map { items[$0] }, ratings: positions.map { ratings[$0] },
            times: times.isEmpty ? [] : positions.map { times[$0] })
    }

    /// The first ratings.
    public func prefix(_ count: Int) -> PersonHistory { subset(0..<min(count, self.count)) }
}

extension Interactions {
    /// The history of the person in a row.
    public func history(_ row: Int) -> PersonHistory {
        let range = rows.starts[row]..<rows.starts[row + 1]
        return PersonHistory(
            items: Array(rows.columns[range]), ratings: Array(ratings[range]),
            times: times.isEmpty ? [] : Array(times[range]))
    }
}

/// What is known of a person, and what is to be predicted.
public struct PredictionTask: Sendable, Equatable {
    /// What is known, in the order in which shots become known.
    public let known: PersonHistory
    /// The relevant interactions, the same for every number of shots.
    public let query: PersonHistory
    /// The items that are left out of the ranking at every number of shots: all that could become known, and what the
    /// person had before.
    public let excluded: [UInt32]

    /// A task.
    ///
    /// - Parameter others: items that the person had before, which are neither known nor predicted.
    public init(known: PersonHistory, query: PersonHistory, others: [UInt32] = []) {
        self.known = known
        self.query = query
        excluded = known.items + others
    }
}
