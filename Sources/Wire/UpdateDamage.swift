import Parameters

/// What a client can do to an update on purpose, so that a test or an experiment sees what becomes of it.
public enum UpdateDamage: Sendable, Equatable, CaseIterable {
    /// Some bytes of the first piece are flipped on the way.
    case bytes
    /// The first value is NaN.
    case notFinite
    /// The tensors are declared in another shape.
    case shape
    /// The first piece is not sent.
    case withoutFirstPiece
    /// The last piece is not sent.
    case withoutLastPiece
}

extension TensorSpec {
    /// The same elements in another shape: the dimensions in reverse, or one more where that changes nothing.
    var reshaped: TensorSpec {
        let reversed = Array(shape.reversed())
        return TensorSpec(
            name: name, shape: reversed == shape ? shape + [1] : reversed, scope: scope, bound: bound, release: release,
            format: format)
    }
}
