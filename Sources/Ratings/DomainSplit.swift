/// The times that divide training, validation and test, in the unit of the data.
public struct SplitTimes: Sendable, Equatable {
    /// Validation begins.
    public let validation: Int64
    /// The test begins.
    public let test: Int64

    /// Times.
    public init(validation: Int64, test: Int64) {
        self.validation = validation
        self.test = test
    }

    /// How many times larger or smaller another domain's last time is, such as "1000 times"; `nil` for what one unit can
    /// explain: seconds beside milliseconds differ by a factor of a thousand.
    public func unitRatio(to last: Int64) -> String? {
        guard test > 0, last > 0 else { return nil }
        let ratio = Double(last) / Double(test)
        if ratio > 100 { return "\(Int(ratio.rounded())) times" }
        return ratio < 0.01 ? "1/\(Int((1 / ratio).rounded())) of" : nil
    }

    /// The times before which the given shares of the interactions lie; `nil` for a source without times, or one in
    /// which no interaction is between or after them.
    ///
    /// Source: Ji, Sun, Zhang, Li, *A critical study on data leakage in recommender system offline evaluation* (TOIS
    /// 2023): one time for all persons. *Complexity*: O(interactions · log interactions).
    public init?(_ interactions: Interactions, validationShare: Double, testShare: Double) {
        let sorted = interactions.times.sorted()
        guard let first = sorted.first else { return nil }
        func time(_ share: Double) -> Int64 { sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)] }
        validation = time(validationShare)
        test = time(testShare)
        guard first < validation, validation < test else { return nil }
    }
}

/// Which part of a run a training set is for.
public enum SplitStage: Sendable, Equatable {
    /// The models that choices are made on: validation persons are left out.
    case selection
    /// The models that are tested: validation persons are back.
    case final
}

/// What of a domain's histories trains, and what is predicted: alike in the domain's client and on persons' devices.
///
/// With split times, training ends before validation begins, and that before the test; without them everything is by
/// keyed hash. The rule for a person needs that person's history alone.
public struct DomainSplit: Sendable {
    /// Which interactions become known first.
    public enum Support: Sendable, Equatable {
        /// In random order.
        case random
        /// In order of time.
        case earliest
    }

    /// Whether an item is first seen after the test time, or kept out of training by hash; by item. Empty for none.
    public let isColdItem: [Bool]
    private let persons: PersonSplit
    private let isTarget: Bool
    private let times: SplitTimes?
    private let support: Support
    private let candidateCount: Int
    private let minimumInteractions: Int
    private let isForEncoders: Bool

    /// A split of one domain.
    ///
    /// - Parameters:
    ///   - persons: the parts of the persons.
    ///   - isTarget: whether cold and validation persons' data leaves training here; a source trains on everybody.
    ///   - times: the times, when the run is split by time.
    ///   - support: which interactions become known first.
    ///   - candidateCount: support candidates of a person.
    ///   - minimumInteractions: persons with fewer interactions are no task.
    ///   - isColdItem: items that nobody trains on, by item; empty for none.
    ///   - isForEncoders: whether persons who serve the bridge or the choices alone are left out of training.
    public init(
        persons: PersonSplit, isTarget: Bool, times: SplitTimes?, support: Support = .random, candidateCount: Int = 5,
        minimumInteractions: Int = 8, isColdItem: [Bool] = [], isForEncoders: Bool = false
    ) {
        self.persons = persons
        self.isTarget = isTarget
        self.times = times
        self.support = support
        self.candidateCount = candidateCount
        self.minimumInteractions = minimumInteractions
        self.isColdItem = isColdItem
        self.isForEncoders = isForEncoders
    }

    /// The target's cold items: by time those first seen after the test time, else a share by keyed hash; none when the
    /// share is 0.
    public static func coldItems(
        of target: Interactions, share: Double, persons: PersonSplit, times: SplitTimes?
    ) -> [Bool] {
        guard share > 0 else { return [] }
        guard let times else { return target.items.map { persons.isCold(item: $0, share: share) } }
        var firstSeen = [Int64](repeating: .max, count: target.items.count)
        for (item, time) in zip(target.rows.columns, target.times) {
            firstSeen[Int(item)] = min(firstSeen[Int(item)], time)
        }
        return firstSeen.map { $0 >= times.test && $0 != .max }
    }

    private func isCold(_ item: UInt32) -> Bool { !isColdItem.isEmpty && isColdItem[Int(item)] }

    /// Whether choices are made on a person.
    public func isValidation(_ person: String) -> Bool { isTarget && persons.part(of: person) == .validation }

    /// The positions of a person's history that a model of a stage may see.
    public func training(of person: String, _ history: PersonHistory, stage: SplitStage) -> [Int] {
        if isForEncoders, persons.staysOutOfEncoders(person) { return [] }
        let part = isTarget ? persons.part(of: person) : .training
        if part == .cold || (part == .validation && stage == .selection) { return [] }
        if let times, !history.times.isEmpty {
            let end = stage == .selection ? times.validation : times.test
            return history.times.indices.filter { history.times[$0] < end }
        }
        let heldOut = part == .training && isTarget && times == nil ? heldOut(person, history) : []
        return history.items.indices.filter { !heldOut.contains($0) && !isCold(history.items[$0]) }
    }

    /// A fifth of the interactions of a warm scored person, at least one; none of anybody else.
    private func heldOut(_ person: String, _ history: PersonHistory) -> Set<Int> {
        guard persons.isWarmScored(person), history.count >= minimumInteractions else { return [] }
        let order = persons.order(of: "held-out", person: person, count: history.count)
        return Set(order.prefix(max(1, history.count / 5)))
    }

    /// The task of a cold or validation person; `nil` for others and for those with too few interactions.
    public func coldTask(of person: String, _ history: PersonHistory) -> PredictionTask? {
        let part = persons.part(of: person)
        guard isTarget, part != .training else { return nil }
        var pool = history.items.indices.filter { !isCold(history.items[$0]) }
        if let times, !history.times.isEmpty {
            pool = pool.filter {
                part == .cold
                    ? history.times[$0] >= times.test
                    : history.times[$0] >= times.validation && history.times[$0] < times.test
            }
        }
        guard pool.count >= minimumInteractions else { return nil }
        let order = ordered(pool, person, history)
        return history.task(
            known: Array(order.prefix(candidateCount)), query: order.dropFirst(candidateCount).sorted(),
            before: part == .cold ? times?.test : times?.validation)
    }

    /// What of a validation person tells how models rank in a window of time: the query is what is new in it, and known
    /// are interactions since a change and before the window. What the person had before is left out of the ranking.
    /// `nil` for others, without times, and without anything new.
    ///
    /// - Parameter since: the time of the change.
    public func windowTask(
        ofValidation person: String, _ history: PersonHistory, since: Int64, window: Range<Int64>
    ) -> PredictionTask? {
        guard isValidation(person), !history.times.isEmpty else { return nil }
        let query = history.times.indices.filter { window.contains(history.times[$0]) }
        guard !query.isEmpty else { return nil }
        let pool = history.times.indices.filter { history.times[$0] >= since && history.times[$0] < window.lowerBound }
        return history.task(
            known: Array(ordered(pool, person, history).prefix(candidateCount)), query: query,
            before: window.lowerBound)
    }

    /// Positions of a history in the order in which they become known.
    private func ordered(_ pool: [Int], _ person: String, _ history: PersonHistory) -> [Int] {
        switch support {
        case .random: persons.order(of: "support", person: person, count: pool.count).map { pool[$0] }
        case .earliest:
            pool.sorted { (history.time($0), history.items[$0]) < (history.time($1), history.items[$1]) }
        }
    }

    /// What of a validation person tells how to rank cold items: the query is their cold items alone, and what they know
    /// is that of their `coldTask`, whose own query is left out of the ranking. `nil` for others, without cold items, and
    /// with split times, before which nobody knew them.
    public func coldItemsTask(ofValidation person: String, _ history: PersonHistory) -> PredictionTask? {
        guard times == nil, isValidation(person), let task = coldTask(of: person, history) else { return nil }
        let query = history.items.indices.filter { isCold(history.items[$0]) }
        guard !query.isEmpty else { return nil }
        return PredictionTask(known: task.known, query: history.subset(query), others: task.query.items)
    }

    /// The task of a warm scored person: what was held out, or what is later than the test time; `nil` for others.
    public func warmTask(of person: String, _ history: PersonHistory) -> PredictionTask? {
        task(person, history) { !isCold(history.items[$0]) }
    }

    /// The task of a warm scored person with the cold items alone as its query; `nil` without any.
    public func coldItemsTask(of person: String, _ history: PersonHistory) -> PredictionTask? {
        task(person, history) { isCold(history.items[$0]) }
    }

    private func task(
        _ person: String, _ history: PersonHistory, isQuery: (Int) -> Bool
    ) -> PredictionTask? {
        guard isTarget, persons.part(of: person) == .training, persons.isWarmScored(person),
            history.count >= minimumInteractions
        else { return nil }
        let known = training(of: person, history, stage: .final)
        let knownPositions = Set(known)
        let query = history.items.indices.filter { !knownPositions.contains($0) && isQuery($0) }
        guard !known.isEmpty, !query.isEmpty else { return nil }
        return history.task(known: known, query: query, before: nil)
    }
}

extension PersonHistory {
    /// A task of the ratings at some positions; what was rated before a time is left out of the ranking, known or not.
    fileprivate func task(known: [Int], query: [Int], before time: Int64?) -> PredictionTask {
        let used = Set(known).union(query)
        let earlier =
            times.isEmpty
            ? []
            : items.indices.filter { position in
                time.map { times[position] < $0 } == true && !used.contains(position)
            }
        return PredictionTask(known: subset(known), query: subset(query), others: earlier.map { items[$0] })
    }

    fileprivate func time(_ position: Int) -> Int64 { times.isEmpty ? 0 : times[position] }
}
