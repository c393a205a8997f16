public import Numerics

/// One vector for each item of a catalogue, from its text or from a file; it depends on no rating.
public struct ItemVectors: Sendable, Equatable {
    /// items × dimension. An item about which nothing is known has the mean of the others.
    public let vectors: Matrix
    /// Which items something is known about.
    public let isDescribed: [Bool]
    /// The share of the texts' words that have a vector; of the items of the catalogue that the file has, with
    /// `init(file:ids:items:)`; 0 when there are none.
    public let knownTokenShare: Double
    /// The unit vector whose direction was taken out of all vectors; empty when none was.
    public let commonComponent: [Double]
    /// Ids of the file that are not in the catalogue.
    public let unknownIdCount: Int
    /// Ids of the file that had come before; the first row counts.
    public let duplicateIdCount: Int

    /// a of the smooth inverse frequency a / (a + p(w)).
    static let smoothing = 1e-3

    /// The vectors of texts by smooth inverse frequency: v = (1 / |s|) Σ a / (a + p(w)) v_w over the known words of title
    /// and keywords, a = 0.001, then the first principal component (not centred) of the catalogue's vectors removed.
    ///
    /// p(w) follows Zipf's law over the ranks of the word vectors, not the counts of the catalogue. Measured with titles
    /// alone: the ten nearest of a MovieLens 1M title share 0.234 of its genres (Jaccard) with ranks, 0.227 with counts
    /// and with any mixture of both; cosines correlate with common raters of Amazon movies by 0.15 and 0.03, of books by
    /// 0.08 and 0.05. Counts take the weight from just the words that tell a catalogue's items apart.
    ///
    /// Where the common component is all that there is (one described item, or the same text for all), the vectors are 0.
    /// *Determinism*: sums in a fixed order in Double. *Complexity*: O(words · d + items · d² + d³).
    /// Source: Arora, Liang, Ma, *A simple but tough-to-beat baseline for sentence embeddings* (ICLR 2017), algorithm 1.
    public init(descriptions: [ItemDescription], words: WordVectors) {
        let dimension = words.dimension
        var sums = [Double](repeating: 0, count: descriptions.count * dimension)
        var isDescribed = [Bool](repeating: false, count: descriptions.count)
        var tokenCount = 0
        var knownCount = 0
        var cache: [String: [Int]] = [:]
        for (item, description) in descriptions.enumerated() {
            var count = 0
            for word in Tokenizer.words(of: description) {
                tokenCount += 1
                let indices = cache[word] ?? words.indices(of: word)
                cache[word] = indices
                if !indices.isEmpty { knownCount += 1 }
                for index in indices {
                    let weight = ItemVectors.smoothing / (ItemVectors.smoothing + words.probability(at: index))
                    for column in 0..<dimension {
                        sums[item * dimension + column] += weight * Double(words.values[index * dimension + column])
                    }
                }
                count += indices.count
            }
            guard count > 0 else { continue }
            isDescribed[item] = true
            for place in item * dimension..<(item + 1) * dimension { sums[place] /= Double(count) }
        }
        commonComponent = ItemVectors.removeCommonComponent(&sums, rowCount: descriptions.count, dimension: dimension)
        vectors = ItemVectors.filled(sums, isDescribed: isDescribed, dimension: dimension)
        self.isDescribed = isDescribed
        knownTokenShare = tokenCount == 0 ? 0 : Double(knownCount) / Double(tokenCount)
        unknownIdCount = 0
        duplicateIdCount = 0
    }

    /// Vectors that are known for every item, items × dimension.
    public init(vectors: Matrix) {
        self.vectors = vectors
        isDescribed = [Bool](repeating: true, count: vectors.rowCount)
        knownTokenShare = 1
        commonComponent = []
        unknownIdCount = 0
        duplicateIdCount = 0
    }

    init(_ rows: VectorRows) {
        let dimension = rows.dimension
        var values = [Double](repeating: 0, count: rows.rowOfItem.count * dimension)
        for (item, row) in rows.rowOfItem.enumerated() {
            guard let row else { continue }
            for column in 0..<dimension {
                values[item * dimension + column] = Double(rows.values[row * dimension + column])
            }
        }
        isDescribed = rows.rowOfItem.map { $0 != nil }
        vectors = ItemVectors.filled(values, isDescribed: isDescribed, dimension: dimension)
        knownTokenShare = isDescribed.isEmpty ? 0 : Double(rows.rowCount) / Double(isDescribed.count)
        commonComponent = []
        unknownIdCount = rows.unknownIdCount
        duplicateIdCount = rows.duplicateIdCount
    }

    /// Takes the first right singular vector of the rows out of them and returns it; rows of zeros change nothing.
    private static func removeCommonComponent(
        _ rows: inout [Double], rowCount: Int, dimension: Int
    ) -> [Double] {
        guard rows.contains(where: { $0 != 0 }) else { return [] }
        var gram = [Double](repeating: 0, count: dimension * dimension)
        for row in 0..<rowCount {
            let start = row * dimension
            for first in 0..<dimension {
                let value = rows[start + first]
                if value == 0 { continue }
                for second in 0...first { gram[first * dimension + second] += value * rows[start + second] }
            }
        }
        for first in 0..<dimension {
            for second in 0..<first { gram[second * dimension + first] = gram[first * dimension + second] }
        }
        // Word vectors are finite, so only an overflow of their products or a failure of LAPACK ends here.
        guard let component = try? SymmetricEigen(gram, order: dimension).eigenvectors.last else { return [] }
        for row in 0..<rowCount {
            let range = row * dimension..<(row + 1) * dimension
            var product = 0.0
            var square = 0.0
            for (place, weight) in zip(range, component) {
                product += rows[place] * weight
                square += rows[place] * rows[place]
            }
            var rest = 0.0
            for (place, weight) in zip(range, component) {
                rows[place] -= product * weight
                rest += rows[place] * rows[place]
            }
            // What rounding leaves of a vector along the component has no direction.
            if rest < 1e-20 * square { for place in range { rows[place] = 0 } }
        }
        return component
    }

    /// The rows as a matrix, with the mean of the described ones in place of the others.
    private static func filled(_ rows: [Double], isDescribed: [Bool], dimension: Int) -> Matrix {
        var mean = [Double](repeating: 0, count: dimension)
        let count = isDescribed.reduce(0) { $0 + ($1 ? 1 : 0) }
        for item in isDescribed.indices where isDescribed[item] {
            for column in 0..<dimension { mean[column] += rows[item * dimension + column] }
        }
        for column in 0..<dimension where count > 0 { mean[column] /= Double(count) }
        var values = rows.map { Float($0) }
        for item in isDescribed.indices where !isDescribed[item] {
            for column in 0..<dimension { values[item * dimension + column] = Float(mean[column]) }
        }
        return Matrix(rowCount: isDescribed.count, columnCount: dimension, values: values)
    }
}
