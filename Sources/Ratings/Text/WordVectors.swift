public import Numerics

/// Words and their vectors, in the order of frequency.
public struct WordVectors: Sendable {
    /// The greatest number of numbers a word.
    public static let dimensionLimit = 4_096
    /// The greatest number of bytes of a word.
    public static let wordByteLimit = 1_000

    /// The greatest magnitude of a number in a file, so that squares of vectors stay finite in `Float`.
    public static let magnitudeLimit: Float = 1e15

    /// The words, the most frequent first.
    public let words: [String]
    /// Numbers a word.
    public let dimension: Int
    /// The vectors, word after word: `words.count × dimension` numbers.
    public private(set) var values: [Float]
    /// The place of each word in the source, from 1, which counts words that were not kept.
    public let ranks: [Int]
    /// The number of words of the source, kept or not.
    public let rankCount: Int
    /// Words that were left out because they, or the same word in another form, had come before.
    public let duplicateCount: Int
    private let index: [String: Int32]
    /// Σ 1 / r over the ranks r of the source.
    private let harmonicNumber: Double

    /// Words from their parts, the most frequent first; of a repeated word the first counts.
    ///
    /// - Precondition: `values` holds `words.count × dimension` finite numbers.
    public init(words: [String], dimension: Int, values: [Float]) {
        precondition(values.count == words.count * dimension, "\(words.count) words from \(values.count) values")
        var builder = WordVectorBuilder(dimension: dimension)
        builder.reserve(words.count)
        for (place, word) in words.enumerated() where builder.start(word: word) {
            builder.values.append(contentsOf: values[place * dimension..<(place + 1) * dimension])
        }
        self.init(builder)
    }

    init(_ builder: consuming WordVectorBuilder) {
        var index = builder.index
        // Files with capitals often hold names in this form alone.
        for (place, word) in builder.words.enumerated() {
            guard let lower = WordVectorBuilder.lowercased(word), index[lower] == nil else { continue }
            index[lower] = Int32(place)
        }
        self.index = index
        words = builder.words
        dimension = builder.dimension
        values = builder.values
        ranks = builder.ranks
        rankCount = builder.rankCount
        duplicateCount = builder.duplicateCount
        harmonicNumber = (0..<rankCount).reduce(0.0) { $0 + 1 / Double($1 + 1) }
    }

    /// The place of a word in exactly this form, else of the first one that differs in capitals alone.
    public func index(of word: String) -> Int? { index[word].map(Int.init) }

    /// The places of the words that a lower-cased word stands for; empty when it is unknown.
    ///
    /// In this order: the word as it is; without diacritics; cut at its apostrophe ("do n't", "child 's"), where an
    /// ending that is unknown is passed over.
    public func indices(of word: String) -> [Int] {
        if let index = index(of: word) { return [index] }
        if let folded = Tokenizer.folded(word), let index = index(of: folded) { return [index] }
        return Tokenizer.parts(of: word).flatMap { indices(of: $0) }
    }

    /// The vector of the word at a place.
    public func vector(at index: Int) -> ArraySlice<Float> { values[index * dimension..<(index + 1) * dimension] }

    /// The vectors of given words, one row each; zeros for a word that is unknown.
    public func vectors(of words: [String]) -> Matrix {
        var out = Matrix(rowCount: words.count, columnCount: dimension)
        for (row, word) in words.enumerated() {
            guard let index = index(of: word) else { continue }
            for (column, value) in vector(at: index).enumerated() { out[row, column] = value }
        }
        return out
    }

    /// The same words with all vectors turned by an angle in radians, in the planes of pairs of coordinates that
    /// `stream` draws: the vectors of a service that has embedded the same words apart, up to rounding.
    public func turned(by angle: Double, stream: RandomStream) -> WordVectors {
        var stream = stream
        let order = stream.permutation(count: dimension)
        var out = self
        for start in stride(from: 0, to: values.count, by: dimension) {
            let turned = rotated(order.map { Double(values[start + $0]) }, angle)
            for (position, column) in order.enumerated() { out.values[start + column] = Float(turned[position]) }
        }
        return out
    }

    /// The most frequent words of the built-in list: words that every service can name without any of them telling
    /// another which words its own items have.
    public static func publicWords(_ count: Int) -> [String] { Array(embedded.words.prefix(count)) }

    /// The probability of the word at a place by Zipf's law: 1 / rank, normalised over the words of the source.
    public func probability(at index: Int) -> Double { 1 / (Double(ranks[index]) * harmonicNumber) }
}

/// Collects the words of a source.
struct WordVectorBuilder {
    let dimension: Int
    /// The words to keep; `nil` for all.
    let vocabulary: Set<String>?
    var values: [Float] = []
    private(set) var words: [String] = []
    private(set) var ranks: [Int] = []
    private(set) var rankCount = 0
    private(set) var duplicateCount = 0
    private(set) var index: [String: Int32] = [:]

    init(dimension: Int, vocabulary: Set<String>? = nil) {
        self.dimension = dimension
        self.vocabulary = vocabulary
    }

    mutating func reserve(_ count: Int) {
        let count = min(count, vocabulary?.count ?? count)
        words.reserveCapacity(count)
        ranks.reserveCapacity(count)
        index.reserveCapacity(count)
        values.reserveCapacity(count * dimension)
    }

    /// Counts the next word; whether it is kept, so that its numbers have to follow in `values`.
    mutating func start(word: String) -> Bool {
        rankCount += 1
        if let vocabulary, !vocabulary.contains(word) {
            guard let lower = WordVectorBuilder.lowercased(word), vocabulary.contains(lower) else { return false }
        }
        let place = Int32(words.count)
        guard place == entry(word, place) else {
            duplicateCount += 1
            return false
        }
        words.append(word)
        ranks.append(rankCount)
        return true
    }

    /// Counts the next word, which is not kept.
    mutating func passOver() { rankCount += 1 }

    /// The place of a word, which is `place` when it is new.
    private mutating func entry(_ word: String, _ place: Int32) -> Int32 {
        func keep(_ value: inout Int32) -> Int32 { value }
        return keep(&index[word, default: place])
    }

    /// The word in lower case, without a locale; `nil` when it is so already.
    static func lowercased(_ word: String) -> String? {
        if word.utf8.allSatisfy({ $0 < 0x80 && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) { return nil }
        let lower = word.unicodeScalars.reduce(into: "") { $0 += $1.properties.lowercaseMapping }
        return lower == word ? nil : lower
    }
}
