/// What can go wrong in a numerical routine on well-formed input.
public enum NumericsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A matrix that must be positive definite is not; `pivot` is the first failing row.
    case notPositiveDefinite(order: Int, pivot: Int)
    /// An eigenvalue iteration did not converge.
    case eigenvaluesDidNotConverge(order: Int)
    /// A value is NaN or infinite.
    case notFinite(what: String)

    /// One sentence that says what to change.
    public var description: String {
        switch self {
        case .notPositiveDefinite(let order, let pivot):
            "a \(order) × \(order) normal matrix is not positive definite (row \(pivot)); raise model.regularization"
        case .eigenvaluesDidNotConverge(let order):
            "the eigenvalues of a \(order) × \(order) matrix did not converge; are the model's parameters finite?"
        case .notFinite(let what): "\(what) is not finite; lower model.confidence or raise model.regularization"
        }
    }
}
