extension RatingMeans {
    /// Means of noised sums, each drawn to the mean the more the less the noise leaves of it.
    ///
    /// Of an item with n ratings, as the noised count says, x = Σ(r − μ) is n·b + e: of n ratings' own variance s² each,
    /// and of V of the noise. With offsets of variance s²/λ, which is what a damping of λ stands for, the mean of b given
    /// x is x / (n + λ + λV/(n·s²)); s² is taken as that of a quarter of the scale's width, and n as one standard deviation
    /// below its noised count, so that items whose ratings the noise made up have none.
    ///
    /// - Parameters:
    ///   - counts: ratings of each item, with noise.
    ///   - sums: sums of the items' ratings, −1 to 1 over the scale, with noise.
    ///   - noise: the standard deviation of the noise on either.
    ///   - scale: the lowest and the highest rating.
    ///   - damping: λ, not negative.
    public init(
        noisedCounts counts: [Float], sums: [Float], noise: Double, scale: ClosedRange<Float>, damping: Double
    ) {
        let half = Double(scale.upperBound - scale.lowerBound) / 2
        let middle = Double(scale.lowerBound) + half
        let total = counts.reduce(0.0) { $0 + Double($1) }
        let shift = total >= 1 ? sums.reduce(0.0) { $0 + Double($1) } / total : 0
        let mean = min(max(shift, -1), 1)
        // In units of half the scale, of which a quarter of the width is one half.
        let spread = 0.25
        // Counts err as the sums do: n·μ is taken off with the noise of n.
        let variance = noise * noise * (1 + mean * mean)
        self.init(
            globalMean: Float(middle + half * mean),
            itemOffsets: zip(counts, sums).map { count, sum in
                let n = Double(count) - noise
                guard n >= 1 else { return 0 }
                let offset =
                    (Double(sum) - Double(count) * mean) / (n + damping + max(1, damping) * variance / (n * spread))
                return Float(half * min(max(offset, -2), 2))
            })
    }
}
