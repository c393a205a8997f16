import Glibc

/// Random Fourier features of the Gaussian kernel exp(−‖x − y‖² / 2σ²), equal wherever the seed is: domains compare
/// their means and show no row.
///
/// φ(x) = (cos ω₁ᵀx, sin ω₁ᵀx, …)/√D with ω ~ N(0, I/σ²). φ(x)ᵀφ(y) has the kernel as its expectation, and ‖φ(x)‖² = 1
/// exactly, which makes a mean and a count sufficient for a bias-free MMD².
/// Source: Rahimi & Recht, *Random features for large-scale kernel machines* (NeurIPS 2007), theorem 1, with pairs of
/// sine and cosine. *Determinism*: frequencies come from the stream `random-features` of the root seed.
public struct RandomFeatures: Sendable, Equatable {
    /// The number of coordinates of a row.
    public let dimension: Int
    /// D, the number of frequencies.
    public let frequencyCount: Int
    /// The number of features, 2D.
    public var featureCount: Int { 2 * frequencyCount }

    /// D × dimension, row-major.
    private let frequencies: [Double]

    /// The features of one run.
    ///
    /// - Parameters:
    ///   - squaredBandwidth: σ², such as `Moments.squaredBandwidth`.
    ///   - root: the seed that all domains share.
    public init(dimension: Int, frequencyCount: Int, squaredBandwidth: Double, root: UInt64) {
        precondition(dimension > 0 && frequencyCount > 0, "\(frequencyCount) frequencies of \(dimension) coordinates")
        precondition(squaredBandwidth > 0 && squaredBandwidth.isFinite, "a squared bandwidth of \(squaredBandwidth)")
        self.dimension = dimension
        self.frequencyCount = frequencyCount
        var stream = RandomStream(root: root, path: ["random-features"])
        let scale = 1 / squaredBandwidth.squareRoot()
        frequencies = (0..<frequencyCount * dimension).map { _ in scale * stream.gaussian() }
    }

    /// The features of one row, 2D values with a squared sum of 1.
    public func features(of row: some Collection<Float>) -> [Double] {
        var sum = [Double](repeating: 0, count: featureCount)
        add(row.map { Double($0) }, to: &sum)
        return sum
    }

    /// The mean of the features of all rows, 2D values; zeros for no rows. *Complexity*: O(rows · D · dimension).
    public func mean(of rows: Matrix) -> [Double] {
        var sum = [Double](repeating: 0, count: featureCount)
        guard rows.rowCount > 0 else { return sum }
        for row in 0..<rows.rowCount { add(rows.row(row).map { Double($0) }, to: &sum) }
        return sum.map { $0 / Double(rows.rowCount) }
    }

    private func add(_ row: [Double], to sum: inout [Double]) {
        precondition(row.count == dimension, "features of \(row.count) coordinates instead of \(dimension)")
        let scale = 1 / Double(frequencyCount).squareRoot()
        for frequency in 0..<frequencyCount {
            var angle = 0.0
            for index in 0..<dimension { angle += frequencies[frequency * dimension + index] * row[index] }
            sum[2 * frequency] += scale * cos(angle)
            sum[2 * frequency + 1] += scale * sin(angle)
        }
    }

    /// The MMD² of two samples from the means of their features, without bias; below 0 about half the time for samples
    /// of one distribution.
    ///
    /// ‖μ_A‖² has the expectation of the kernel between two rows only after the n pairs of a row with itself are taken
    /// out: (n‖μ‖² − 1)/(n − 1). The result is the U statistic of φ(x)ᵀφ(y).
    /// Source: Gretton et al., *A kernel two-sample test* (JMLR 2012), lemma 6.
    /// - Precondition: both counts are at least 2; the means have one length and are of features with ‖φ(x)‖² = 1.
    public static func squaredMMD(meanA: [Double], meanB: [Double], countA: Int, countB: Int) -> Double {
        precondition(meanA.count == meanB.count, "means of \(meanA.count) and \(meanB.count) features")
        precondition(countA > 1 && countB > 1, "samples of \(countA) and \(countB) rows")
        func withinPairs(_ mean: [Double], _ count: Int) -> Double {
            (Double(count) * product(mean, mean) - 1) / Double(count - 1)
        }
        return withinPairs(meanA, countA) + withinPairs(meanB, countB) - 2 * product(meanA, meanB)
    }

    /// What the MMD² of `squaredMMD` exceeds for two large samples of one distribution with at most the probability
    /// `level`: (1/n_A + 1/n_B) (z² − 1) with z the normal quantile of 1 − level/2.
    ///
    /// The difference of the means is nearly Gaussian, with a covariance of trace at most 1/n_A + 1/n_B as ‖φ‖² = 1; of
    /// all quadratic forms with that trace, one of rank one has the heaviest tail. Real data has many ranks and a
    /// smaller trace, so that false alarms are rarer than the level.
    /// Source: Székely & Bakirov, *Extremal probabilities for Gaussian quadratic forms* (Probability Theory and Related
    /// Fields 2003), theorem 1.
    /// - Precondition: the level is in (0, 0.215], where the theorem holds.
    public static func squaredMMDThreshold(countA: Int, countB: Int, level: Double) -> Double {
        precondition(countA > 1 && countB > 1, "samples of \(countA) and \(countB) rows")
        precondition(level > 0 && level <= 0.215, "a level of \(level)")
        // P(|Z| > z) = erfc(z/√2) falls from 1.
        var low = 0.0
        var high = 40.0
        for _ in 0..<100 {
            let middle = (low + high) / 2
            if erfc(middle / 2.0.squareRoot()) > level { low = middle } else { high = middle }
        }
        return (1 / Double(countA) + 1 / Double(countB)) * (low * low - 1)
    }
}

private func product(_ first: [Double], _ second: [Double]) -> Double {
    var sum = 0.0
    for index in first.indices { sum += first[index] * second[index] }
    return sum
}
