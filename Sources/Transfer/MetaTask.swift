public import Numerics
public import Ratings

/// One person's task: adapt to the support, then predict the query.
public struct MetaTask: Sendable, Equatable {
    /// What is adapted to; may be empty.
    public let support: PersonHistory
    /// What is predicted after that; empty where only the adapted vector is wanted.
    public let query: PersonHistory
    /// The person's source features f; empty for a person without a source.
    public let feature: [Float]

    /// A task; the ratings of the histories are the targets of the squared loss.
    public init(support: PersonHistory, query: PersonHistory = .empty, feature: [Float] = []) {
        self.support = support
        self.query = query
        self.feature = feature
    }

    /// A task drawn from a person's history: a random support of at most `supportCount` interactions and the rest as
    /// the query, which keeps at least one.
    ///
    /// *Determinism*: draws one permutation from `stream`.
    public init(drawnFrom history: PersonHistory, feature: [Float], supportCount: Int, stream: inout RandomStream) {
        precondition(supportCount >= 0, "a support of \(supportCount)")
        let order = stream.permutation(count: history.count)
        let count = min(supportCount, max(history.count - 1, 0))
        self.init(
            support: history.subset(order.prefix(count)), query: history.subset(order.dropFirst(count)),
            feature: feature)
    }

    /// The task with the query in the support: what `reptile` adapts to.
    public var merged: MetaTask {
        MetaTask(
            support: PersonHistory(items: support.items + query.items, ratings: support.ratings + query.ratings),
            feature: feature)
    }
}

/// The catalogue of meta-learning in Double: fixed item factors, or item text that the tower maps to factors.
public struct MetaItems: Sendable {
    /// The number of items.
    public let count: Int
    /// The dimensions of a row: d for factors, m for text.
    public let dimension: Int
    /// Whether the rows are text vectors.
    public let isText: Bool
    /// Doubles of a row in memory, zeros behind the row.
    let stride: Int
    /// The rows, and rows of zeros up to a block.
    let values: [Double]
    /// What each item's logit has beside the product with a person's vector; zeros behind them up to a block.
    let offsets: [Double]

    /// Fixed item factors Q, one row an item.
    ///
    /// - Parameter offsets: here and below, what the softmax loss adds to each item's product, such as the logarithm of
    ///   its popularity; empty for zeros.
    public static func factors(_ matrix: Matrix, offsets: [Double] = []) -> MetaItems {
        MetaItems(matrix, isText: false, offsets)
    }

    /// Text vectors X, one row an item.
    public static func text(_ matrix: Matrix, offsets: [Double] = []) -> MetaItems {
        MetaItems(matrix, isText: true, offsets)
    }

    private init(_ matrix: Matrix, isText: Bool, _ offsets: [Double]) {
        precondition(offsets.isEmpty || offsets.count == matrix.rowCount, "\(offsets.count) offsets of items")
        self.offsets =
            offsets + [Double](repeating: 0, count: MetaKernels.padded(matrix.rowCount) - offsets.count)
        count = matrix.rowCount
        dimension = matrix.columnCount
        self.isText = isText
        stride = MetaKernels.padded(dimension)
        var values = [Double](repeating: 0, count: MetaKernels.padded(count) * stride)
        for row in 0..<count {
            for column in 0..<dimension { values[row * stride + column] = Double(matrix[row, column]) }
        }
        self.values = values
    }
}
