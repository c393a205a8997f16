/// One window of a domain in a record.
public struct DriftWindowRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case window, loss, users, alarms, adapted
        case frozenLoss = "loss-without-adaptation"
    }

    /// The window, from 1.
    public let window: Int
    /// The mean of persons' 1 − AUC on what was new; absent where nobody could be scored.
    public let loss: Double?
    /// The same of the model that never adapts.
    public let frozenLoss: Double?
    /// The persons behind the losses.
    public let users: Int
    /// The detectors that raised an alarm.
    public let alarms: [String]
    /// Whether the domain adapted after the window.
    public let adapted: Bool

    /// Makes a window.
    public init(window: Int, loss: Double?, frozenLoss: Double?, users: Int, alarms: [String], adapted: Bool) {
        self.window = window
        self.loss = loss
        self.frozenLoss = frozenLoss
        self.users = users
        self.alarms = alarms
        self.adapted = adapted
    }
}

/// Drift of one domain in a record.
public struct DriftDomainRecord: Codable, Sendable, Equatable {
    enum CodingKeys: String, CodingKey {
        case domain, change, delay, recovery, windows
        case falseAlarms = "false-alarms"
        case frozenRecovery = "recovery-without-adaptation"
    }

    /// The domain.
    public let domain: String
    /// The window in which the synthetic world changed, from 1; absent without a known change.
    public let change: Int?
    /// Windows from the change to its alarm; absent when it was missed or there was none.
    public let delay: Int?
    /// Alarms before the change; without one, all.
    public let falseAlarms: Int
    /// The share of the increase of the loss at the alarm that was regained three windows later.
    public let recovery: Double?
    /// The same of the model that never adapts.
    public let frozenRecovery: Double?
    /// The windows.
    public let windows: [DriftWindowRecord]

    /// Makes a domain.
    public init(
        domain: String, change: Int?, delay: Int?, falseAlarms: Int, recovery: Double?, frozenRecovery: Double?,
        windows: [DriftWindowRecord]
    ) {
        self.domain = domain
        self.change = change
        self.delay = delay
        self.falseAlarms = falseAlarms
        self.recovery = recovery
        self.frozenRecovery = frozenRecovery
        self.windows = windows
    }
}

/// What the windows of time of one seed showed, by domain: section `drift` of `run.json`.
public struct DriftRecord: Codable, Sendable, Equatable {
    /// The seed.
    public let seed: Int
    /// The domains, sorted.
    public let domains: [DriftDomainRecord]

    /// Makes a record.
    public init(seed: Int, domains: [DriftDomainRecord]) {
        self.seed = seed
        self.domains = domains
    }
}
