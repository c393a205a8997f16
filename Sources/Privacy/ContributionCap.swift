public import Cryptography

/// The largest number of ratings of one person that enter a release, and the choice among more.
///
/// The choice is by keyed hash of person and rating, so that it depends neither on the order of the ratings nor on their
/// values, and is the same in every round: a person does not reveal more by being asked again.
///
/// *Determinism*: a pure function of key, person and the ratings' names.
public struct ContributionCap: Sendable {
    /// The largest number of ratings.
    public let limit: Int
    private let hash: KeyedHash

    /// - Throws: `invalidParameter` unless the limit is positive.
    public init(limit: Int, key: KeyedHash) throws(PrivacyError) {
        guard limit >= 1 else { throw .invalidParameter(name: "cap on contributions", requirement: "at least 1") }
        self.limit = limit
        hash = key
    }

    /// The positions, ascending, of those of `count` ratings that enter; `name` gives a rating's name, usually its item.
    ///
    /// Of ratings with one name the earlier come first. *Complexity*: one HMAC a rating and a sort, or nothing when the
    /// cap does not bind.
    public func positions(of count: Int, person: String, name: (Int) -> String) -> [Int] {
        guard count > limit else { return Array(0..<max(0, count)) }
        let prefix = withUnsafeBytes(of: Int64(person.utf8.count).bigEndian) { Array($0) } + Array(person.utf8)
        let codes = (0..<count).map { hash.code(of: prefix + Array(name($0).utf8)) }
        let order = (0..<count).sorted {
            codes[$0] == codes[$1] ? $0 < $1 : codes[$0].lexicographicallyPrecedes(codes[$1])
        }
        return order.prefix(limit).sorted()
    }
}
