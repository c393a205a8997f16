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

    /// A split.
    ///
    /// - Parameters:
    ///   - seed: the run's seed, which the key is derived from.
    ///   - coldShare: the share of persons who are cold.
    ///   - validationShare: the share of the others who validate.
    public init(seed: Int, coldShare: Double, validationShare: Double) {
        var hasher = FieldHasher(purpose: "ferry.person-split/1")
        hasher.update(seed)
        hash = KeyedHash(key: hasher.finalize().bytes)
        self.seed = seed
        self.coldShare = coldShare
        self.validationShare = validationShare
    }

    /// The part of a person.
    public func part(of person: String) -> Part {
        if hash.fraction(of: "cold/" + person) < coldShare { return .cold }
        return hash.fraction(of: "validation/" + person) < validationShare ? .validation : .training
    }

    /// Which of `count` clients a person is dealt to.
    public func client(of person: String, count: Int) -> Int {
        Int(hash.integer(of: "client/" + person) % UInt64(count))
    }

    /// The support candidates and the query of a person: `candidateCount` interactions drawn at random, in the order
    /// in which shots become known, and all the others. Both are the same for every number of shots.
    public func supportAndQuery(
        of person: String, items: ArraySlice<UInt32>, candidateCount: Int
    ) -> (support: [UInt32], query: [UInt32]) {
        var stream = RandomStream(root: UInt64(seed), path: ["support", .name(person)])
        let order = stream.permutation(count: items.count).map { items[items.startIndex + $0] }
        return (Array(order.prefix(candidateCount)), order.dropFirst(candidateCount).sorted())
    }
}
