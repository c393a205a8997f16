public import Parameters
public import Scenario

/// The settings of a scenario's drift detection; there are none without windows.
public struct DriftSettings: Sendable {
    /// Windows of time after the ordinary training.
    public let windowCount: Int
    /// Windows after an alarm whose interactions are adapted to.
    public let adaptationCount: Int
    /// The half-life, in windows, of old interactions in the training of item factors.
    public let itemHalfLife: Double
    /// The half-life, in windows, of a person's old interactions in that person's vector.
    public let personHalfLife: Double
    /// A monitor before its first window.
    let monitor: DriftMonitor

    /// The settings of a scenario; `nil` for `drift.windows: 0`.
    public init?(_ scenario: ScenarioDefinition) {
        windowCount = scenario.integer("drift.windows")
        guard windowCount > 0 else { return nil }
        adaptationCount = scenario.integer("drift.rounds")
        itemHalfLife = scenario.number("drift.half-life")
        personHalfLife = scenario.number("drift.person-half-life")
        monitor = DriftMonitor(
            warmUpCount: scenario.integer("drift.warm-up"), tolerance: scenario.number("drift.tolerance"),
            threshold: scenario.number("drift.threshold"), featureLevel: scenario.number("drift.feature-level"))
    }
}

/// Where a run is in its windows, as the coordinator broadcasts it.
public struct DriftState: Sendable, Equatable {
    /// The present window, from 1; 0 before the first.
    public let window: Int
    /// The window from which on a domain is taken to have changed, by domain; absent before an alarm.
    public let since: [String: Int]

    /// A state.
    public init(window: Int, since: [String: Int]) {
        self.window = window
        self.since = since
    }

    /// The elements of the tensor: the window, then each domain's first changed window, 0 without an alarm.
    ///
    /// - Parameter domains: all domains, sorted.
    public func encoded(_ domains: [String]) -> [Float] { [Float(window)] + domains.map { Float(since[$0] ?? 0) } }

    /// The state that elements encode; `nil` for elements that no coordinator encodes.
    public init?(_ elements: [Float], domains: [String]) {
        guard elements.count == domains.count + 1 else { return nil }
        let numbers = elements.compactMap { Int(exactly: $0) }
        guard numbers.count == elements.count, numbers.allSatisfy({ $0 >= 0 }) else { return nil }
        window = numbers[0]
        since = Dictionary(
            uniqueKeysWithValues: zip(domains, numbers.dropFirst()).filter { $0.1 > 0 }.map { ($0.0, $0.1) })
    }
}

/// The coordinator's watch over the windows of a run: detects drift of each domain from released sums alone, and says
/// which domains adapt.
///
/// An alarm starts `drift.rounds` adaptations, one after each window from that of the alarm on. While a domain adapts its
/// windows are recorded and not judged, as the model changes between them; after the last adaptation its monitor begins
/// anew. An alarm of ratings alone starts nothing, as no model of choices sees ratings. After an adaptation the gate is
/// measured again in the next window. *Determinism*: a function of the released sums.
public struct DriftWatch: Sendable {
    /// What a window of a domain showed.
    public struct Window: Codable, Sendable, Equatable {
        /// The mean loss of the present model; `nil` where nobody could be scored.
        public let loss: Double?
        /// The mean loss of the model of the first window, which never adapts.
        public let frozenLoss: Double?
        /// The persons behind the losses.
        public let personCount: Int
        /// The alarms of the window.
        public let alarms: DriftAlarms
        /// Whether the domain adapts after the window.
        public var isAdapted: Bool
    }

    /// What the gate was from a window on.
    public struct GateChange: Sendable, Equatable {
        /// The window in which it was measured; 0 for the gate before all windows.
        public let window: Int
        /// The validation persons behind it.
        public let personCount: Int
        /// g, by method and number of shots, in the gate's order.
        public let weights: [(method: String, shots: Int, weight: Double)]

        /// Equality of all parts.
        public static func == (first: GateChange, second: GateChange) -> Bool {
            (first.window, first.personCount) == (second.window, second.personCount)
                && first.weights.elementsEqual(second.weights) { $0 == $1 }
        }
    }

    private let settings: DriftSettings
    private let domains: [String]
    private var ratings: [String: RatingShiftAlarm]
    /// Whether models have adapted since the gate was measured.
    public private(set) var isGateStale = false
    /// The gate before all windows, and each that an adaptation made of it.
    public private(set) var gates: [GateChange] = []
    private var monitors: [String: DriftMonitor]
    private var remaining: [String: Int] = [:]
    private var since: [String: Int] = [:]
    /// The windows so far, by domain.
    public private(set) var windows: [String: [Window]]
    /// The present window, from 1; 0 before the first.
    public private(set) var window = 0

    /// A watch before the first window; `nil` for a scenario without drift detection.
    public init?(_ scenario: ScenarioDefinition) {
        guard let settings = DriftSettings(scenario) else { return nil }
        self.settings = settings
        domains = scenario.domains
        monitors = Dictionary(uniqueKeysWithValues: domains.map { ($0, settings.monitor) })
        let ratings = RatingShiftAlarm(warmUpCount: scenario.integer("drift.warm-up"))
        self.ratings = Dictionary(uniqueKeysWithValues: domains.map { ($0, ratings) })
        windows = Dictionary(uniqueKeysWithValues: domains.map { ($0, []) })
    }

    /// What clients are told.
    public var state: DriftState { DriftState(window: window, since: since) }

    /// The domains that adapt after the present window, sorted.
    public var adapting: [String] { domains.filter { remaining[$0, default: 0] > 0 } }

    /// Begins the next window.
    public mutating func advance() { window += 1 }

    /// Takes what clients released in the present window; says what cannot be judged.
    ///
    /// - Parameters:
    ///   - sums: the tensors of this round alone.
    ///   - present: the domains whose clients are still there: no other one can adapt.
    public mutating func observe(_ sums: ParameterSet, present: Set<String>) -> [DriftError] {
        var errors: [DriftError] = []
        for domain in domains {
            let counts = sums.values(TensorName.window(domain, .count)) ?? []
            let losses = sums.values(TensorName.window(domain, .losses)) ?? []
            if !present.contains(domain) { remaining[domain] = nil }
            guard let count = counts.first, count > 0, losses.count == 2 else {
                // An adaptation that has begun goes on to its end, where the monitor begins anew.
                windows[domain]?.append(
                    Window(
                        loss: nil, frozenLoss: nil, personCount: 0, alarms: [],
                        isAdapted: remaining[domain, default: 0] > 0))
                continue
            }
            let loss = Double(losses[0]) / Double(count)
            var alarms: DriftAlarms = []
            if present.contains(domain), remaining[domain, default: 0] == 0 {
                let features = features(domain, sums)
                do {
                    alarms = try monitors[domain]?.observe(loss: loss, features: features) ?? []
                } catch {
                    errors.append(error)
                }
                if !alarms.isEmpty {
                    let suspected = alarms.contains(.loss) ? monitors[domain]?.suspectedCount ?? 1 : 1
                    since[domain] = max(1, window + 1 - max(1, suspected))
                    remaining[domain] = settings.adaptationCount
                }
            }
            if let shifts = shifts(domain, sums), ratings[domain]?.observe(shifts) == true { alarms.insert(.ratings) }
            windows[domain]?.append(
                Window(
                    loss: loss, frozenLoss: Double(losses[1]) / Double(count), personCount: Int(count), alarms: alarms,
                    isAdapted: remaining[domain, default: 0] > 0))
        }
        return errors
    }

    private func shifts(_ domain: String, _ sums: ParameterSet) -> RatingShifts? {
        guard let values = sums.values(TensorName.window(domain, .ratings)), values.count == 3 else { return nil }
        return RatingShifts(count: Double(values[0]), sum: Double(values[1]), squares: Double(values[2]))
    }

    private func features(_ domain: String, _ sums: ParameterSet) -> FeatureMean? {
        guard let count = sums.values(TensorName.window(domain, .featureCount))?.first, count >= 2,
            let sum = sums.values(TensorName.window(domain, .features))
        else { return nil }
        return FeatureMean(mean: sum.map { Double($0) / Double(count) }, count: Int(count))
    }

    /// Ends an adaptation of the domains that adapt.
    public mutating func finishAdaptation() {
        for domain in adapting {
            isGateStale = true
            remaining[domain, default: 0] -= 1
            if remaining[domain] == 0 { monitors[domain]?.restart() }
        }
    }
}

extension DriftWatch {
    /// Takes the sums of a gate, measured in the present window; whether they tell enough to be used.
    public mutating func take(_ sums: ParameterSet, of gate: Gate) -> Bool {
        guard let gains = sums.values(TensorName.gateGains), let counts = sums.values(TensorName.gateCounts),
            let persons = counts.first, window == 0 || persons >= Float(DriftWatch.leastGatePersons)
        else { return false }
        isGateStale = false
        let weights = gate.methods.flatMap { method in
            gate.shots.map { shots in
                let decision = gate.decision(method: method, shots: shots, gains: gains, counts: counts)
                return (method: method, shots: shots, weight: decision.weight)
            }
        }
        gates.append(GateChange(window: window, personCount: Int(persons), weights: weights))
        return true
    }

    /// With fewer validation persons in a window the gate stays as it was.
    static let leastGatePersons = 10
}

extension DriftWatch {
    /// What a watch has seen, as a checkpoint keeps it.
    struct Progress: Codable, Sendable, Equatable {
        struct Gate: Codable, Sendable, Equatable {
            struct Weight: Codable, Sendable, Equatable {
                let method: String
                let shots: Int
                let weight: Double
            }
            let window: Int
            let personCount: Int
            let weights: [Weight]
        }
        let ratings: [String: RatingShiftAlarm]
        let monitors: [String: DriftMonitor]
        let remaining: [String: Int]
        let since: [String: Int]
        let windows: [String: [Window]]
        let window: Int
        let isGateStale: Bool
        let gates: [Gate]
    }

    /// What it has seen so far.
    var progress: Progress {
        Progress(
            ratings: ratings, monitors: monitors, remaining: remaining, since: since, windows: windows, window: window,
            isGateStale: isGateStale,
            gates: gates.map { gate in
                Progress.Gate(
                    window: gate.window, personCount: gate.personCount,
                    weights: gate.weights.map { .init(method: $0.method, shots: $0.shots, weight: $0.weight) })
            })
    }

    /// Goes on from what a watch of the same scenario has seen.
    mutating func resume(_ progress: Progress) {
        ratings = progress.ratings
        monitors = progress.monitors
        remaining = progress.remaining
        since = progress.since
        windows = progress.windows
        window = progress.window
        isGateStale = progress.isGateStale
        gates = progress.gates.map { gate in
            GateChange(
                window: gate.window, personCount: gate.personCount,
                weights: gate.weights.map { ($0.method, $0.shots, $0.weight) })
        }
    }
}

/// Times as parameters: each 64-bit time in four limbs, which a Float holds exactly.
public enum WindowTimesCode {
    /// Elements of the times at which so many windows begin and the last one ends.
    public static func elementCount(windows: Int) -> Int { 4 * (windows + 1) }

    /// The elements of times.
    public static func encode(_ times: [Int64]) -> [Float] { times.flatMap { CalendarCode.limbs($0) } }

    /// The times; `nil` for elements that no target client encodes.
    public static func decode(_ elements: [Float]) -> [Int64]? {
        guard elements.count % 4 == 0 else { return nil }
        var times: [Int64] = []
        for start in stride(from: 0, to: elements.count, by: 4) {
            guard let time = CalendarCode.time(elements[start..<start + 4]) else { return nil }
            times.append(time)
        }
        return zip(times, times.dropFirst()).allSatisfy { $0 < $1 } ? times : nil
    }
}

extension SchemaDeclaration {
    /// The tensors of the windows of time.
    mutating func declareDrift(_ scenario: ScenarioDefinition) {
        guard let settings = DriftSettings(scenario) else { return }
        declare(
            TensorName.windowTimes, [WindowTimesCode.elementCount(windows: settings.windowCount)], .global,
            ReleaseName.calendar)
        declare(TensorName.driftState, [1 + scenario.domains.count], .global, ReleaseName.driftState)
        for domain in scenario.domains {
            let losses = ReleaseName.windowLoss(domain)
            let features = ReleaseName.windowFeatures(domain)
            declare(TensorName.window(domain, .count), [1], .domain(domain), losses)
            declare(TensorName.window(domain, .losses), [2], .domain(domain), losses)
            declare(TensorName.window(domain, .featureCount), [1], .domain(domain), features)
            declare(
                TensorName.window(domain, .features), [2 * DriftFeatures.frequencyCount], .domain(domain), features)
            declare(TensorName.window(domain, .ratings), [3], .domain(domain), ReleaseName.windowRatings(domain))
        }
    }
}

/// The random features of persons' vectors in a window.
public enum DriftFeatures {
    /// D: there are 2D features.
    public static let frequencyCount = 32
    /// σ²; vectors have length 1.
    public static let squaredBandwidth = 1.0
    /// How many of a person's new interactions make the vector, so that vectors of all windows are alike.
    public static let interactionCount = 3
}

extension TensorName {
    /// Parts of what a domain client releases of a window.
    public enum WindowPart: String, Sendable {
        /// The persons behind the losses, one element.
        case count
        /// Σ of persons' losses: of the present model, and of that of the first window; two elements.
        case losses
        /// The persons behind the features, one element.
        case featureCount = "feature-count"
        /// Σ of the random features of persons' vectors, 2D elements.
        case features
        /// Persons, Σ of how far their new ratings are from their earlier ones, and Σ of the squares; three elements.
        case ratings
    }

    /// A part of what a domain client releases of a window.
    public static func window(_ domain: String, _ part: WindowPart) -> String { "\(domain).window-\(part.rawValue)" }
    /// As `itemCounts`, old interactions faded: the popularity ranking after an adaptation; items.
    public static func recentCounts(_ domain: String) -> String { "\(domain).recent-item-counts" }
    /// When the windows begin and the last one ends, as `WindowTimesCode` writes them.
    public static let windowTimes = "calendar.windows"
    /// The present window and what has changed since when, as `DriftState` writes it; the coordinator's own.
    public static let driftState = "drift.state"
}

extension ReleaseName {
    /// The losses of a domain's persons in a window.
    public static func windowLoss(_ domain: String) -> String { "\(domain).window-loss" }
    /// The mean of the random features of a domain's persons in a window.
    public static func windowFeatures(_ domain: String) -> String { "\(domain).window-features" }
    /// How far persons' ratings in a window are from their earlier ones.
    public static func windowRatings(_ domain: String) -> String { "\(domain).window-ratings" }
    /// The faded item counts of a domain that has adapted.
    public static func recentCounts(_ domain: String) -> String { "\(domain).recent-item-counts" }
    /// What the coordinator says of windows and alarms; it is nobody's release.
    public static let driftState = "drift-state"
}
