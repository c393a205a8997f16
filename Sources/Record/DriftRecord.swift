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

/// What the gate was from a window on.
public struct DriftGateRecord: Codable, Sendable, Equatable {
    /// g of one method at one number of shots.
    public struct Weight: Codable, Sendable, Equatable {
        /// The method.
        public let method: String
        /// Known target interactions.
        public let shots: Int
        /// g, the weight of the transferred ranking beside the best local one.
        public let gate: Double

        /// Makes a weight.
        public init(method: String, shots: Int, gate: Double) {
            self.method = method
            self.shots = shots
            self.gate = gate
        }
    }

    /// The window in which it was measured, from 1; 0 for the gate before all windows.
    public let window: Int
    /// The validation persons behind it.
    public let users: Int
    /// g of every gated method and number of shots.
    public let weights: [Weight]

    /// Makes a gate.
    public init(window: Int, users: Int, weights: [Weight]) {
        self.window = window
        self.users = users
        self.weights = weights
    }
}

/// What the windows of time of one seed showed, by domain: section `drift` of `run.json`.
public struct DriftRecord: Codable, Sendable, Equatable {
    /// The seed.
    public let seed: Int
    /// The domains, sorted.
    public let domains: [DriftDomainRecord]
    /// The gate before all windows and each that was measured after an adaptation; absent where none was.
    public let gates: [DriftGateRecord]?

    /// Makes a record.
    public init(seed: Int, domains: [DriftDomainRecord], gates: [DriftGateRecord]? = nil) {
        self.seed = seed
        self.domains = domains
        self.gates = gates
    }
}
