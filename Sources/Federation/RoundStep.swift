/// The steps of the feature-map method, one round each.
///
/// Source: design of the method in `Transfer`'s catalog. Every choice is made between steps 3 and 4, on models that
/// have not seen the validation persons' target data; steps 4 and 5 then repeat 1 and 2 with those persons included.
public enum RoundStep: UInt32, Sendable, CaseIterable, CustomStringConvertible {
    /// Domain clients train without validation persons and release item factors and moments.
    case encoders = 1
    /// Persons' devices add up the cross-moments between source features and target factors.
    case bridge = 2
    /// Validation persons' devices score every candidate choice.
    case selection = 3
    /// As `encoders`, validation persons included.
    case refitEncoders = 4
    /// As `bridge`, validation persons included.
    case refitBridge = 5
    /// Cold persons' devices rank; nothing is released.
    case evaluation = 6

    /// The name in records.
    public var description: String {
        switch self {
        case .encoders: "encoders"
        case .bridge: "bridge"
        case .selection: "selection"
        case .refitEncoders: "refit-encoders"
        case .refitBridge: "refit-bridge"
        case .evaluation: "evaluation"
        }
    }

    /// Whether domain clients answer it; else persons clients do.
    var isForDomains: Bool { self == .encoders || self == .refitEncoders }
}
