import Numerics

/// Weights of sources by how near they are to the target: w ∝ exp(−discrepancy/τ).
public enum SimilarityWeighting {
    /// The weights in the order of the discrepancies; they sum to 1.
    ///
    /// The smallest discrepancy has the largest weight. A weight is 0 where a discrepancy is about 745 τ larger than
    /// the smallest.
    /// *Determinism*: a permutation of the discrepancies permutes the weights and changes no bit.
    /// - Precondition: the discrepancies are finite, and the temperature τ is positive; a τ far above them weighs all
    ///   sources alike.
    public static func weights(discrepancies: [Double], temperature: Double) -> [Double] {
        precondition(temperature > 0 && temperature.isFinite, "a temperature of \(temperature)")
        precondition(discrepancies.allSatisfy { $0.isFinite }, "a discrepancy is not finite")
        guard let smallest = discrepancies.min() else { return [] }
        let terms = discrepancies.map { ((smallest - $0) / temperature).exponential }
        let sum = terms.sorted().reduce(0, +)
        return terms.map { $0 / sum }
    }
}
