import Ratings

/// One row of a file, as a naive reader sees it.
struct NaiveRow: Equatable {
    var person: String
    var item: String
    var rating: Float
    var time: Int64 = 0
    var line = 0
}

/// The plainest way from rows to interactions: a dictionary of pairs. `nil` when the rule is `error` and a pair repeats.
func naiveInteractions(
    _ rows: [NaiveRow], rule: DuplicateRule = .byDefault, hasTimes: Bool, catalogue: [String]? = nil
) -> Interactions? {
    var pairs: [[String]: [NaiveRow]] = [:]
    for row in rows { pairs[[row.person, row.item], default: []].append(row) }
    if rule == .error, pairs.values.contains(where: { $0.count > 1 }) { return nil }
    let persons = Set(rows.map(\.person)).sorted()
    let items = Set(catalogue ?? rows.map(\.item)).sorted()
    var starts = [0]
    var columns: [UInt32] = []
    var ratings: [Float] = []
    var times: [Int64] = []
    for person in persons {
        for (column, item) in items.enumerated() {
            guard let found = pairs[[person, item]] else { continue }
            // Insertion sort by time keeps the order of the file.
            var sorted: [NaiveRow] = []
            for row in found {
                let place = hasTimes ? sorted.firstIndex { $0.time > row.time } ?? sorted.count : sorted.count
                sorted.insert(row, at: place)
            }
            let chosen = rule == .first ? sorted[0] : sorted[sorted.count - 1]
            columns.append(UInt32(column))
            times.append(chosen.time)
            switch rule {
            case .last, .first: ratings.append(chosen.rating)
            case .byDefault where hasTimes: ratings.append(chosen.rating)
            case .byDefault, .mean, .error:
                ratings.append(Float(sorted.reduce(0.0) { $0 + Double($1.rating) } / Double(sorted.count)))
            }
        }
        starts.append(columns.count)
    }
    return Interactions(
        persons: persons, items: items,
        rows: SparseRows(starts: starts, columns: columns, columnCount: items.count), ratings: ratings,
        times: hasTimes ? times : [], duplicateCount: rows.count - columns.count)
}
