public import Cryptography

/// How the participants of a round are chosen, as an accountant must know it.
public enum SamplingScheme: Sendable, Equatable, Codable {
    /// Every person takes part in every round: no amplification.
    case everyone
    /// Each person takes part independently with this probability.
    case poisson(rate: Double)
    /// Exactly `count` of `population` persons take part. The population's size is public, so that the account holds for
    /// replacing a person, not for adding or removing one.
    case fixedSize(count: Int, population: Int)

    /// q: the probability that a given person takes part in a given round.
    public var samplingRate: Double {
        switch self {
        case .everyone: 1
        case .poisson(let rate): rate
        case .fixedSize(let count, let population): Double(count) / Double(population)
        }
    }
}

/// Chooses the participants of a round by a keyed hash of round and person, so that every process that holds the key
/// chooses alike with nothing exchanged.
///
/// Amplification by sampling holds only against those who do not hold the key.
///
/// *Determinism*: a pure function of key, round and person.
public struct ParticipantSampler: Sendable {
    /// The scheme, with the rate that the accountant must use.
    public let scheme: SamplingScheme
    private let hash: KeyedHash
    /// ⌈q·2²⁵⁶⌉, big-endian; `nil` when everyone takes part. A code is below q·2²⁵⁶ exactly if it is below this.
    private let threshold: [UInt8]?

    /// - Throws: `invalidParameter` unless a Poisson rate is from 2⁻²⁰⁰ to 1 and a fixed size from 1 to the population.
    public init(scheme: SamplingScheme, key: KeyedHash) throws(PrivacyError) {
        switch scheme {
        case .everyone: threshold = nil
        case .poisson(let rate):
            guard rate >= 0x1p-200, rate <= 1 else {
                throw .invalidParameter(name: "sampling rate", requirement: "above 0 (at least 2⁻²⁰⁰) and at most 1")
            }
            threshold = rate == 1 ? nil : ParticipantSampler.threshold(rate)
        case .fixedSize(let count, let population):
            guard count >= 1, count <= population else {
                throw .invalidParameter(name: "number of participants", requirement: "from 1 to the number of persons")
            }
            threshold = nil
        }
        self.scheme = scheme
        hash = key
    }

    /// q·2²⁵⁶ for q in [2⁻²⁰⁰, 1): a Double is m·2^e with m < 2⁵³, so that this is an integer, and exact.
    private static func threshold(_ rate: Double) -> [UInt8] {
        let significand = rate.significandBitPattern | 1 << 52
        let shift = Int(rate.exponent) - 52 + 256
        var bytes = [UInt8](repeating: 0, count: 32)
        for bit in 0..<53 where significand >> UInt64(bit) & 1 == 1 {
            let position = shift + bit
            bytes[31 - position / 8] |= 1 << UInt8(position % 8)
        }
        return bytes
    }

    /// HMAC-SHA256 of the round, eight big-endian bytes, and the person's name in UTF-8.
    private func code(round: Int, person: String) -> [UInt8] {
        var message = withUnsafeBytes(of: Int64(round).bigEndian) { Array($0) }
        message.append(contentsOf: person.utf8)
        return hash.code(of: message)
    }

    /// Whether a 256-bit number, big-endian, is below q·2²⁵⁶: the decision of Poisson sampling.
    package func isBelowRate(_ code: [UInt8]) -> Bool {
        threshold.map { code.lexicographicallyPrecedes($0) } ?? true
    }

    /// The positions, ascending, of those persons that take part in a round.
    ///
    /// - Throws: `invalidParameter` when a person is named twice, or when the number of persons is not the population of
    ///   a fixed-size scheme.
    public func participants(of persons: [String], round: Int) throws(PrivacyError) -> [Int] {
        guard Set(persons).count == persons.count else {
            throw .invalidParameter(name: "list of persons", requirement: "free of repetitions")
        }
        switch scheme {
        case .everyone: return Array(persons.indices)
        case .poisson: return persons.indices.filter { isBelowRate(code(round: round, person: persons[$0])) }
        case .fixedSize(let count, let population):
            guard persons.count == population else {
                throw .invalidParameter(name: "number of persons", requirement: "\(population), as the scheme states")
            }
            let codes = persons.map { code(round: round, person: $0) }
            let order = persons.indices.sorted { codes[$0].lexicographicallyPrecedes(codes[$1]) }
            return order.prefix(count).sorted()
        }
    }
}
