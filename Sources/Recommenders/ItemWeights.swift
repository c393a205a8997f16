public import Numerics
import Ratings

/// A ranking model with one weight for each pair of items: known items vote for all others.
///
/// Scores are Σ W[j, :] over the known items j. There is no state of persons, so that a device scores the catalogue from
/// its own items and the broadcast weights.
public struct ItemWeights: Sendable, Equatable {
    /// The largest catalogue: 144 MB of weights, and 288 MB more while EASE trains.
    public static let itemLimit = 6_000

    /// `W`, items × items, row-major; row j is what knowing item j adds to the score of every item.
    public let weights: Matrix

    /// A model from its weights, such as those that a domain has shipped.
    ///
    /// - Precondition: the matrix is square.
    public init(weights: Matrix) {
        precondition(weights.rowCount == weights.columnCount, "weights of pairs of items are a square matrix")
        self.weights = weights
    }

    /// The number of items of the catalogue.
    public var itemCount: Int { weights.rowCount }

    /// The scores of all items, known ones included; zeros for nothing known.
    ///
    /// - Precondition: the items are of the catalogue. *Complexity*: O(known items · items).
    public func scores(known: some Sequence<UInt32>) -> [Float] {
        var scores = [Float](repeating: 0, count: itemCount)
        for item in known { weights.addRow(Int(item), to: &scores) }
        return scores
    }

    /// What each known item adds to the score of one item, in the order of the known items: an explanation.
    ///
    /// - Precondition: the items are of the catalogue. *Complexity*: O(known items).
    public func contributions(known: some Sequence<UInt32>, to item: UInt32) -> [Float] {
        known.map { weights[Int($0), Int(item)] }
    }

    /// Refuses a catalogue above `itemLimit`. - Throws: `catalogueTooLarge`.
    static func checkItemCount(_ count: Int) throws(RecommenderError) {
        guard count <= itemLimit else { throw .catalogueTooLarge(itemCount: count, limit: itemLimit) }
    }
}
