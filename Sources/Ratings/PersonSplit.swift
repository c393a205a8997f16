import Cryptography
import Numerics

/// Who trains, who validates and who is predicted: decided by keyed hash, alike in every process.
public struct PersonSplit: Sendable {
    /// What a person is used for in the target domain.
    public enum Part: Sendable, Equatable {
        /// Target interactions train the models.
        case training
        /// Target interactions leave training until the choices are made.
        case validation
        /// Target interactions leave training and are predicted.
        case cold
    }

    private let hash: KeyedHash
    private let seed: Int
    private let coldShare: Double
    private let validationShare: Double
    private let warmShare: Double
    private let bridgeShare: Double
    private let validatesAlone: Bool

    /// A split.
    ///
    /// - Parameters:
    ///   - seed: the run's seed, which the key is derived from.
    ///   - coldShare: the share of persons who are cold.
    ///   - validationShare: the share of the others who validate.
    ///   - warmShare: the share of training persons who are scored as warm.
    ///   - bridgeShare: the share of training persons who serve the bridge alone; 0 where everybody serves everything.
    ///   - validatesAlone: whether validation persons serve the choices alone, with what they have in any domain.
    public init(
        seed: Int, coldShare: Double, validationShare: Double, warmShare: Double = 0, bridgeShare: Double = 0,
        validatesAlone: Bool = false
    ) {
        var hasher = FieldHasher(purpose: "ferry.person-split/1")
        hasher.update(seed)
        hash = KeyedHash(key: hasher.finalize().bytes)
        self.seed = seed
        self.coldShare = coldShare
        self.validationShare = validationShare
        self.warmShare = warmShare
        self.bridgeShare = bridgeShare
        self.validatesAlone = validatesAlone
    }

    /// The part of a person.
    public func part(of person: String) -> Part {
        if hash.fraction(of: "cold/" + person) < coldShare { return .cold }
        return hash.fraction(of: "validation/" + person) < validationShare ? .validation : .training
    }

    /// Whether a training person serves the bridge and trains nothing else.
    public func servesBridgeAlone(_ person: String) -> Bool {
        bridgeShare > 0 && part(of: person) == .training && hash.fraction(of: "bridge/" + person) < bridgeShare
    }

    /// Whether a person trains nothing that encoders release, in no domain.
    public func staysOutOfEncoders(_ person: String) -> Bool {
        servesBridgeAlone(person) || (validatesAlone && part(of: person) == .validation)
    }

    /// Whether persons are divided between encoders and bridge.
    public var hasBridgeCohort: Bool { bridgeShare > 0 }

    /// Which of `count` clients a person is dealt to.
    public func client(of person: String, count: Int) -> Int {
        Int(hash.integer(of: "client/" + person) % UInt64(count))
    }

    /// Whether a training person is scored as warm.
    public func isWarmScored(_ person: String) -> Bool { hash.fraction(of: "warm/" + person) < warmShare }

    /// Whether an item is kept out of training by hash.
    func isCold(item: String, share: Double) -> Bool { hash.fraction(of: "item/" + item) < share }

    /// A random order of a person's interactions, for one purpose.
    func order(of purpose: String, person: String, count: Int) -> [Int] {
        var stream = RandomStream(root: UInt64(seed), path: [.name(purpose), .name(person)])
        return stream.permutation(count: count)
    }
}
