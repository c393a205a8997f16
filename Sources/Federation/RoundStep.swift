/// The steps of a transfer method and its baselines, one round each.
///
/// Source: design of the method in `Transfer`'s catalog. Every choice is made after `selection` and `gate`, on models
/// that have not seen the validation persons' target data; the steps after them then repeat the training with those persons included.
public enum RoundStep: UInt32, Sendable, CaseIterable, CustomStringConvertible {
    /// The target's client says at which times training and validation end.
    case calendar = 1
    /// Domain clients improve the common text tower of naive-fedavg by a local step; its average is broadcast.
    case tower = 2
    /// Clients that share a domain send what their persons add to its item factors; the coordinator improves them.
    case factors = 3
    /// Domain clients send what their items add to the gradients of the adversarial game, for one exchange; in a game of
    /// persons, persons' devices add up theirs, after the encoders.
    case adversarial = 15
    /// As `adversarial`, with what the last models may see.
    case refitAdversarial = 16
    /// Domain clients train without validation persons and release item factors, moments and baseline models.
    case encoders = 4
    /// Where texts link the domains, the target's client trains its baselines and then a few models of text, for itself.
    case textModels = 17
    /// As `textModels`, validation persons included.
    case refitTextModels = 18
    /// Persons' devices add up the cross-moments between source features and target factors.
    case bridge = 5
    /// Persons' devices add up their gradients of the map's networks, of one step that the coordinator takes.
    case map = 19
    /// As `map`, validation persons included.
    case refitMap = 20
    /// Persons' devices add up their gradients of the meta-parameters, of one outer step.
    case meta = 6
    /// Validation persons' devices score every candidate choice.
    case selection = 7
    /// Validation persons' devices measure what each blend of the chosen transfer and the chosen local model gains.
    case gate = 8
    /// As `tower`, validation persons included.
    case refitTower = 9
    /// As `factors`, validation persons included.
    case refitFactors = 10
    /// As `encoders`, validation persons included.
    case refitEncoders = 11
    /// As `bridge`, validation persons included.
    case refitBridge = 12
    /// As `meta`, validation persons included.
    case refitMeta = 13
    /// Cold and warm persons' devices rank; nothing is released.
    case evaluation = 14
    /// Domain clients measure the present model on the interactions of a window of time, before anything trains on them.
    case monitor = 40
    /// Domain clients that raised an alarm train with old interactions decayed and release item factors and moments.
    case adapt = 41
    /// As `bridge`, with the adapted models.
    case adaptBridge = 42
    /// As `gate`, with adapted models on what validation persons chose in a window, before anything trains on it.
    case adaptGate = 43

    /// The name in records.
    public var description: String {
        switch self {
        case .calendar: "calendar"
        case .tower: "tower"
        case .factors: "factors"
        case .adversarial: "adversarial"
        case .refitAdversarial: "refit-adversarial"
        case .encoders: "encoders"
        case .textModels: "text-models"
        case .refitTextModels: "refit-text-models"
        case .bridge: "bridge"
        case .map: "map"
        case .refitMap: "refit-map"
        case .meta: "meta"
        case .selection: "selection"
        case .gate: "gate"
        case .refitTower: "refit-tower"
        case .refitFactors: "refit-factors"
        case .refitEncoders: "refit-encoders"
        case .refitBridge: "refit-bridge"
        case .refitMeta: "refit-meta"
        case .evaluation: "evaluation"
        case .monitor: "monitor"
        case .adapt: "adapt"
        case .adaptBridge: "adapt-bridge"
        case .adaptGate: "adapt-gate"
        }
    }

    /// Whether domain clients answer it, save in a game of persons; else persons clients do.
    var isForDomains: Bool {
        switch self {
        case .calendar, .tower, .factors, .adversarial, .encoders, .refitTower, .refitFactors, .refitAdversarial,
            .refitEncoders, .textModels, .refitTextModels, .monitor, .adapt:
            true
        case .bridge, .map, .meta, .selection, .gate, .refitBridge, .refitMap, .refitMeta, .evaluation, .adaptBridge,
            .adaptGate:
            false
        }
    }

    /// Whether clients of shared domains improve their item factors in it.
    var isForFactors: Bool { self == .factors || self == .refitFactors }

    /// Whether the coordinator improves the map's networks in it.
    public var isForMap: Bool { self == .map || self == .refitMap }

    /// Whether it is one of many short rounds, which progress tells only now and then.
    public var isShort: Bool { isExchange || isForMap }

    /// Whether it comes after the choices, with validation persons in training.
    public var isFinal: Bool {
        switch self {
        case .refitTower, .refitFactors, .refitAdversarial, .refitEncoders, .refitBridge, .refitMap, .refitMeta,
            .refitTextModels,
            .evaluation, .monitor, .adapt, .adaptBridge,
            .adaptGate:
            true
        case .calendar, .tower, .factors, .adversarial, .encoders, .textModels, .bridge, .map, .meta, .selection, .gate:
            false
        }
    }

    /// Whether it is one exchange of the adversarial game: many, short, and of nothing but gradients, so that they have
    /// no checkpoints of their own.
    public var isExchange: Bool { self == .adversarial || self == .refitAdversarial }
}
