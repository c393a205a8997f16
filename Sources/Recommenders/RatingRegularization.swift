/// The penalty on the parameters of a rating model: λ for offsets and λ for factors.
public struct RatingRegularization: Sendable, Equatable {
    /// How λ weighs on the parameters of one person or item.
    public enum Scaling: String, Sendable, Equatable, CaseIterable {
        /// Once, whatever the number of ratings: a prior.
        case perRow
        /// Once for each rating, as in ALS-WR and in plain gradient descent.
        case perRating
    }

    /// λ of b_u and b_i; with `perRow` the damping of a mean, in ratings.
    public let offsets: Double
    /// λ of p_u and q_i.
    public let factors: Double
    /// How both weigh.
    public let scaling: Scaling

    /// A penalty; not negative.
    public init(offsets: Double, factors: Double, scaling: Scaling = .perRow) {
        precondition(offsets >= 0 && factors >= 0, "a negative regularisation")
        self.offsets = offsets
        self.factors = factors
        self.scaling = scaling
    }

    /// The weights of the squares of a row's offset and factors.
    func weights(ratingCount: Int) -> (offset: Double, factors: Double) {
        let scale = scaling == .perRow ? 1 : Double(ratingCount)
        return (scale * offsets, scale * factors)
    }
}
