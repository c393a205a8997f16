/// Why a model cannot be trained on a domain's data.
public enum RecommenderError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The catalogue is too large for a model with one weight for each pair of items.
    case catalogueTooLarge(itemCount: Int, limit: Int)
    /// There are no ratings to train on.
    case noRatings
    /// Stochastic gradients leave the floating-point range.
    case diverges

    /// One sentence that says what to change.
    public var description: String {
        switch self {
        case .catalogueTooLarge(let itemCount, let limit):
            "\(itemCount) items are too many for a weight for each pair of items (at most \(limit)); choose another model"
        case .diverges: "the factors diverge; raise the model's regularization or lower its factors"
        case .noRatings: "there are no ratings to train on; lower the shares of cold and validation persons"
        }
    }
}
