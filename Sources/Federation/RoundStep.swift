/// The steps of the feature-map method and its baselines, one round each.
///
/// Source: design of the method in `Transfer`'s catalog. Every choice is made after `selection`, on models that have not
/// seen the validation persons' target data; the steps after it then repeat the training with those persons included.
public enum RoundStep: UInt32, Sendable, CaseIterable, CustomStringConvertible {
    /// The target's client says at which times training and validation end.
    case calendar = 1
    /// Domain clients improve the common text tower of naive-fedavg by a local step; its average is broadcast.
    case tower = 2
    /// Domain clients train without validation persons and release item factors, moments and baseline models.
    case encoders = 3
    /// Persons' devices add up the cross-moments between source features and target factors.
    case bridge = 4
    /// Validation persons' devices score every candidate choice.
    case selection = 5
    /// As `tower`, validation persons included.
    case refitTower = 6
    /// As `encoders`, validation persons included.
    case refitEncoders = 7
    /// As `bridge`, validation persons included.
    case refitBridge = 8
    /// Cold and warm persons' devices rank; nothing is released.
    case evaluation = 9

    /// The name in records.
    public var description: String {
        switch self {
        case .calendar: "calendar"
        case .tower: "tower"
        case .encoders: "encoders"
        case .bridge: "bridge"
        case .selection: "selection"
        case .refitTower: "refit-tower"
        case .refitEncoders: "refit-encoders"
        case .refitBridge: "refit-bridge"
        case .evaluation: "evaluation"
        }
    }

    /// Whether domain clients answer it; else persons clients do.
    var isForDomains: Bool {
        switch self {
        case .calendar, .tower, .encoders, .refitTower, .refitEncoders: true
        case .bridge, .selection, .refitBridge, .evaluation: false
        }
    }

    /// Whether it comes after the choices, with validation persons in training.
    public var isFinal: Bool { rawValue > RoundStep.selection.rawValue }
}
