import Federation
import Numerics
import Parameters
import Privacy
import Ratings
import Recommenders
import Record
import Scenario
import Supervision

/// The windows of time of a run as a client knows them.
struct DriftWindows {
    private let settings: DriftSettings
    /// When each window begins, and when the last one ends.
    let times: [Int64]
    /// Where the run is.
    let state: DriftState

    /// The windows that the target's client and the coordinator have told; `nil` before the first one, or without drift
    /// detection.
    init?(_ known: ParameterSet, scenario: ScenarioDefinition) {
        guard let settings = DriftSettings(scenario),
            let times = known.values(TensorName.windowTimes).flatMap({ WindowTimesCode.decode($0) }),
            let state = known.values(TensorName.driftState).flatMap({ DriftState($0, domains: scenario.domains) }),
            times.indices.dropFirst().contains(state.window)
        else { return nil }
        self.settings = settings
        self.times = times
        self.state = state
    }

    /// When the present window begins.
    var start: Int64 { times[state.window - 1] }

    /// When the present window begins and ends.
    var range: Range<Int64> { times[state.window - 1]..<times[state.window] }

    /// When the window begins from which on a domain is taken to have changed; `nil` where nothing has.
    func change(of domain: String) -> Int64? {
        state.since[domain].flatMap { times.indices.contains($0 - 1) ? times[$0 - 1] : nil }
    }

    /// How a person's old interactions fade in that person's vector; `nil` where nothing has changed.
    func personDecay(_ domain: String) -> SampleDecay? { decay(domain, settings.personHalfLife) }

    /// How old interactions fade in the training of item factors; `nil` where nothing has changed.
    func itemDecay(_ domain: String) -> SampleDecay? { decay(domain, settings.itemHalfLife) }

    private func decay(_ domain: String, _ halfLife: Double) -> SampleDecay? {
        state.since[domain].map { SampleDecay(times: times, change: $0, halfLife: halfLife) }
    }
}

/// What a domain client measures windows with.
struct WindowModel {
    /// The present item factors.
    var itemFactors: Matrix
    /// Those of the first window, which never adapt.
    let frozen: Matrix
    /// Whether the present ones have adapted.
    private(set) var isAdapted = false
    /// The window in which a synthetic world changed; `nil` for none, or for real data.
    var change: Int?

    init(_ itemFactors: Matrix) {
        self.itemFactors = itemFactors
        frozen = itemFactors
    }

    mutating func adapt(_ itemFactors: Matrix) {
        self.itemFactors = itemFactors
        isAdapted = true
    }
}

extension DomainWorker {
    /// Persons with fewer earlier interactions are not scored in a window.
    private static let leastKnown = 5

    /// Releases when the windows begin and end: windows with equal numbers of the domain's interactions.
    func releaseWindowTimes(_ times: SplitTimes?, gate: inout ReleaseGate) throws {
        guard let settings = DriftSettings(scenario) else { return }
        let sorted = interactions.times.sorted()
        let (first, last) = (scenario.number("evaluation.test-time"), scenario.number("drift.end"))
        let starts = (0...settings.windowCount).map { index in
            let share = first + (last - first) * Double(index) / Double(settings.windowCount)
            return sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)]
        }
        guard times != nil, zip(starts, starts.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw RunFailure(
                .data, "the times of \(domain) do not make \(settings.windowCount) windows; lower drift.windows")
        }
        try gate.publish(TensorName.windowTimes, values: WindowTimesCode.encode(starts))
    }

    /// Measures the present model on what is new in the window, and describes what persons chose in it.
    ///
    /// The loss of a person is 1 − AUC: the mean share of items that the person has not had and that score above a new
    /// one. The vector of a person is the fold-in of what was earlier.
    mutating func releaseWindow(known: ParameterSet, gate: inout ReleaseGate) throws {
        let losses = ReleaseName.windowLoss(domain)
        let described = ReleaseName.windowFeatures(domain)
        try gate.begin(release: losses)
        try gate.begin(release: described)
        let rated = ReleaseName.windowRatings(domain)
        try gate.begin(release: rated)
        guard let windows = DriftWindows(known, scenario: scenario), let model = windowModel,
            interactions.hasCommonTimes
        else { return }
        let change = change(windows.times)
        windowModel?.change = change
        let data = try training(.final, known: known)
        var present = WindowScores(model.itemFactors, scenario, decay: windows.personDecay(domain))
        var frozen = WindowScores(model.frozen, scenario, decay: nil)
        let features = RandomFeatures(
            dimension: model.itemFactors.columnCount, frequencyCount: DriftFeatures.frequencyCount,
            squaredBandwidth: DriftFeatures.squaredBandwidth, root: UInt64(seed))
        for person in 0..<data.rows.rowCount {
            let history = data.history(person)
            let earlier = history.subset(history.times.indices.filter { history.times[$0] < windows.start })
            let new = history.subset(history.times.indices.filter { history.times[$0] >= windows.start })
            guard !new.isEmpty else { continue }
            if let vector = try present.direction(of: new) {
                let values = features.features(of: vector)
                try gate.contribute(to: described) { contribution in
                    contribution.write(TensorName.window(domain, .featureCount)) { $0[0] = 1 }
                    contribution.write(TensorName.window(domain, .features), values: values.map { Float($0) })
                }
            }
            guard earlier.count >= DomainWorker.leastKnown else { continue }
            let shift = new.meanRating - earlier.meanRating
            try gate.contribute(to: rated) { contribution in
                contribution.write(TensorName.window(domain, .ratings)) { target in
                    target[0] = 1
                    target[1] = shift
                    target[2] = shift * shift
                }
            }
            let loss = try present.loss(new: new, earlier: earlier)
            let frozenLoss = model.isAdapted ? try frozen.loss(new: new, earlier: earlier) : loss
            try gate.contribute(to: losses) { contribution in
                contribution.write(TensorName.window(domain, .count)) { $0[0] = 1 }
                contribution.write(TensorName.window(domain, .losses)) { target in
                    target[0] = loss
                    target[1] = frozenLoss
                }
            }
        }
    }

    /// Trains item factors on everything up to now, old interactions faded, and releases them with moments and counts.
    ///
    /// What a person did before the change and what since are the rows of two persons: tastes may have turned, and one
    /// vector cannot be both. *Determinism*: factors start from the stream of the domain and the window.
    mutating func adapt(known: ParameterSet, gate: inout ReleaseGate) throws {
        guard let windows = DriftWindows(known, scenario: scenario), let decay = windows.itemDecay(domain) else {
            throw RunFailure(.internalError, "client \(client.id) was asked to adapt to nothing")
        }
        var data = try training(.final, known: known)
        if scenario.hasGate {
            // The next gate is measured on validation persons, to whom models must be as new as to cold ones.
            data = data.filtered { person, _ in !split.isValidation(interactions.persons[person]) }
        }
        let lives = FadedLives(data, decay: decay)
        let configuration = ImplicitALS.Configuration(scenario)
        let stream = RandomStream(
            root: UInt64(seed), path: ["implicit-als", .name(domain), "adapt", .number(windows.state.window)])
        let itemFactors = try ImplicitALS(
            lives.rows, confidences: lives.weights.map { 1 + configuration.confidence * $0 },
            configuration: configuration, stream: stream
        ).itemFactors
        windowModel?.adapt(itemFactors)
        try gate.publish(TensorName.itemFactors(domain), values: itemFactors.values)
        try gate.begin(release: ReleaseName.moments(domain))
        var foldIn = FoldIn(itemFactors: itemFactors, confidence: configuration.confidence)
        for person in 0..<data.rows.rowCount where !data.rows.row(person).isEmpty {
            try foldIn.begin(
                data.history(person), decay: windows.personDecay(domain),
                regularization: configuration.regularization)
            try contributeMoments(foldIn.vector(), gate: &gate)
        }
        guard isTarget else { return }
        try releaseCounts(data.rows, gate: &gate)
        let counts = ReleaseName.recentCounts(domain)
        try gate.begin(release: counts)
        for person in 0..<data.rows.rowCount where !data.rows.row(person).isEmpty {
            let history = data.history(person)
            try gate.contribute(to: counts) { contribution in
                contribution.write(TensorName.recentCounts(domain)) { target in
                    for (item, time) in zip(history.items, history.times) {
                        target[Int(item)] = decay.weight(at: time)
                    }
                }
            }
        }
    }

    /// The window in which the synthetic world changes in this domain; `nil` for another data source, for no change, and
    /// for one outside the windows.
    private func change(_ times: [Int64]) -> Int? {
        guard scenario.data(of: domain)?.ratings == nil,
            let drift = SyntheticWorld.Options(scenario).drifts.first(where: { $0.domain == nil || $0.domain == domain }
            )
        else { return nil }
        let window = SampleDecay(times: times, change: 1, halfLife: 1).window(of: drift.time)
        return (1..<times.count).contains(window) ? window : nil
    }
}

/// A model that scores a person's new interactions from earlier ones.
private struct WindowScores {
    private var foldIn: FoldIn
    private let regularization: Float
    private let decay: SampleDecay?

    init(_ itemFactors: Matrix, _ scenario: ScenarioDefinition, decay: SampleDecay?) {
        let configuration = ImplicitALS.Configuration(scenario)
        foldIn = FoldIn(itemFactors: itemFactors, confidence: configuration.confidence)
        regularization = configuration.regularization
        self.decay = decay
    }

    /// 1 − AUC of the new items among those that the person never had; ties count half. *Complexity*: O(items · (d + log
    /// items)).
    mutating func loss(new: PersonHistory, earlier: PersonHistory) throws -> Float {
        try foldIn.begin(earlier, decay: decay, regularization: regularization)
        let scores = foldIn.itemFactors.multiplied(by: foldIn.vector())
        var isHad = [Bool](repeating: false, count: scores.count)
        for item in earlier.items + new.items { isHad[Int(item)] = true }
        let others = scores.indices.filter { !isHad[$0] }.map { scores[$0] }.sorted()
        guard !others.isEmpty else { return 0 }
        var sum = 0.0
        for item in new.items {
            let score = scores[Int(item)]
            let below = position(in: others) { $0 < score }
            let notAbove = position(in: others) { $0 <= score }
            sum += Double(2 * others.count - below - notAbove) / Double(2 * others.count)
        }
        return Float(sum / Double(new.count))
    }

    /// How many of ascending values a condition that holds for the first ones holds for.
    private func position(in values: [Float], _ holds: (Float) -> Bool) -> Int {
        var (low, high) = (0, values.count)
        while low < high {
            let middle = (low + high) / 2
            if holds(values[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The direction of the vector of a person's first new interactions; `nil` with fewer of them.
    mutating func direction(of new: PersonHistory) throws -> [Float]? {
        guard new.count >= DriftFeatures.interactionCount else { return nil }
        let order = new.items.indices.sorted { (new.times[$0], new.items[$0]) < (new.times[$1], new.items[$1]) }
        let first = new.subset(order.prefix(DriftFeatures.interactionCount))
        try foldIn.begin(items: first.items[...], regularization: regularization)
        let vector = foldIn.vector()
        let length = vector.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? vector.map { $0 / length } : nil
    }
}

/// Training data in which each person has two rows, before and since a change, without what has faded.
private struct FadedLives {
    let rows: SparseRows
    /// Parallel to the rows' columns.
    let weights: [Float]

    init(_ data: TrainingData, decay: SampleDecay) {
        var starts = [0]
        var columns: [UInt32] = []
        var weights: [Float] = []
        for person in 0..<data.rows.rowCount {
            let history = data.history(person)
            for isOld in [true, false] {
                for (item, time) in zip(history.items, history.times) where decay.isOld(time) == isOld {
                    let weight = decay.weight(at: time)
                    guard weight > 0 else { continue }
                    columns.append(item)
                    weights.append(weight)
                }
                starts.append(columns.count)
            }
        }
        rows = SparseRows(starts: starts, columns: columns, columnCount: data.rows.columnCount)
        self.weights = weights
    }
}

extension PersonHistory {
    /// The mean of the ratings; 0 without any.
    fileprivate var meanRating: Float {
        isEmpty ? 0 : Float(ratings.reduce(0.0) { $0 + Double($1) } / Double(count))
    }
}

extension TrainingData {
    /// What trains of one person.
    fileprivate func history(_ person: Int) -> PersonHistory {
        let range = rows.starts[person]..<rows.starts[person + 1]
        return PersonHistory(
            items: Array(rows.columns[range]), ratings: Array(ratings[range]),
            times: times.isEmpty ? [] : Array(times[range]))
    }
}
