extension WordVectors {
    /// The built-in word vectors: the 20,000 most frequent English words of GloVe 6B in 50 dimensions, rounded to 29
    /// levels a number (cosines of the vectors of item titles correlate by 0.998 with those of the full numbers).
    ///
    /// Unpacked when it is used first. Source: Pennington, Socher, Manning (EMNLP 2014),
    /// https://nlp.stanford.edu/projects/glove/; public domain (PDDL 1.0).
    public static let embedded: WordVectors = {
        let dimension = EmbeddedGloVe.dimension
        let levels = EmbeddedGloVe.levels
        let means = EmbeddedGloVe.means
        let scales = EmbeddedGloVe.scales
        var builder = WordVectorBuilder(dimension: dimension)
        EmbeddedGloVe.words.withUTF8Buffer { bytes in
            builder.reserve(bytes.count / 8)
            for word in bytes.split(separator: UInt8(ascii: " ")) {
                _ = builder.start(word: String(decoding: word, as: UTF8.self))
            }
        }
        let count = builder.rankCount * dimension
        precondition(
            builder.duplicateCount == 0 && EmbeddedGloVe.codes.utf8CodeUnitCount == (count + 3) / 4 * 3,
            "the built-in word vectors are not whole")
        var values = [Float](repeating: 0, count: (count + 3) / 4 * 4)
        EmbeddedGloVe.codes.withUTF8Buffer { bytes in
            for group in 0..<(count + 3) / 4 {
                let start = 3 * group
                var packed = (digit(bytes[start]) * 91 + digit(bytes[start + 1])) * 91 + digit(bytes[start + 2])
                for place in 0..<4 {
                    let column = UInt32(4 * group + 3 - place) % UInt32(EmbeddedGloVe.dimension)
                    let level = levels[Int(packed % UInt32(EmbeddedGloVe.levelCount))]
                    values[4 * group + 3 - place] = level * scales[Int(column)] + means[Int(column)]
                    packed /= UInt32(EmbeddedGloVe.levelCount)
                }
            }
        }
        values.removeLast(values.count - count)
        builder.values = values
        return WordVectors(builder)
    }()

    /// The digits are the characters from "#" to "~" without the backslash.
    private static func digit(_ byte: UInt8) -> UInt32 {
        UInt32(byte) - UInt32(UInt8(ascii: "#")) - (byte > UInt8(ascii: "\\") ? 1 : 0)
    }
}
