import Federation
import Numerics
import Parameters
import Ratings
import Scenario
import Supervision
import Transfer

/// How the target's texts are brought into the spaces of its sources, from what those have shipped.
struct TextSpaces: Sendable {
    /// The map into each source's space; a source without one has the target's own space.
    private var alignments: [String: TextAlignment] = [:]
    /// The vectors of the public words that both sides know, the target's first, by source.
    private(set) var pairs: [String: TextPairs] = [:]

    /// Finds the maps of the sources that are there.
    ///
    /// - Parameter words: the target's own vectors of the public words, zeros for those that it does not know.
    /// - Throws: `RunFailure` where fewer words are shared than vectors have numbers.
    init(
        _ scenario: ScenarioDefinition, seed: Int, sources: [String], known: ParameterSet, vectors: ItemVectors,
        words: Matrix?
    ) throws {
        let space = scenario.text("transfer.text.space")
        let dimension = vectors.vectors.columnCount
        for source in sources where known.values(TensorName.textMap(source, .weights)) != nil {
            if let words, let values = known.values(TensorName.textMap(source, .words)) {
                pairs[source] = TextSpaces.pairs(
                    words, Matrix(rowCount: words.rowCount, columnCount: dimension, values: values))
            }
            switch space {
            case TextSpaceName.shared: continue
            case TextSpaceName.optimalTransport:
                alignments[source] = try TextAlignment.optimalTransport(
                    from: TextMoments(TextSource.described(vectors)), to: TextMoments(known, source: source))
            default:
                guard let pairs = pairs[source], pairs.count >= dimension else {
                    throw RunFailure(
                        .data,
                        "transfer.text.space \(space) needs at least \(dimension) words with vectors in both \(source) "
                            + "and \(scenario.target), as many as vectors have numbers; of the "
                            + "\(words?.rowCount ?? 0) public words \(pairs[source]?.count ?? 0) have; raise "
                            + "transfer.text.public-words, or choose optimal-transport, which needs none")
                }
                alignments[source] = try TextSpaces.alignment(
                    space, pairs, scenario,
                    stream: RandomStream(root: UInt64(seed), path: ["text-network", .name(source)]))
            }
        }
    }

    /// Vectors of the target in a source's space; `shared` leaves them as they are, bit for bit.
    func aligned(_ vectors: Matrix, to source: String) -> Matrix {
        alignments[source]?.aligned(vectors) ?? vectors
    }

    /// The rows that are there on both sides.
    static func pairs(_ from: Matrix, _ to: Matrix) -> TextPairs {
        let shared = (0..<from.rowCount).filter { row in
            from.row(row).contains { $0 != 0 } && to.row(row).contains { $0 != 0 }
        }
        func rows(_ matrix: Matrix) -> Matrix {
            Matrix(
                rowCount: shared.count, columnCount: matrix.columnCount, values: shared.flatMap { matrix.row($0) })
        }
        return TextPairs(from: rows(from), to: rows(to))
    }

    /// The map that pairs of words give. A text is a weighted sum of its words' vectors, and its weights do not sum to
    /// one: what holds for words holds for texts without the offset.
    private static func alignment(
        _ space: String, _ pairs: TextPairs, _ scenario: ScenarioDefinition, stream: RandomStream
    ) throws -> TextAlignment {
        let matrix: Matrix
        switch space {
        case TextSpaceName.procrustes: matrix = try TextAlignment.procrustes(pairs).matrix
        case TextSpaceName.anchors:
            let scale = Double(TextSource.scale(pairs.from))
            matrix = try TextAlignment.anchors(
                pairs, ridge: scenario.anchorRidge / (scale * scale)
            ).matrix
        default:
            matrix = try TextAlignment.network(
                pairs,
                training: TextAlignment.NetworkTraining(epochs: scenario.networkEpochs),
                stream: stream
            ).matrix
        }
        return TextAlignment(
            matrix: matrix, origin: [Float](repeating: 0, count: matrix.rowCount),
            target: [Float](repeating: 0, count: matrix.columnCount))
    }
}
