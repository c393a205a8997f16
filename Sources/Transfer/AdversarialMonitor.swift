public import Numerics

/// How many rows of a domain a discriminator was right about.
public struct AdversarialCount: Sendable, Equatable {
    /// The domain.
    public let domain: AdversarialDomain
    /// The rows.
    public let rowCount: Int
    /// Those it was right about.
    public let correctCount: Int

    /// A count.
    public init(domain: AdversarialDomain, rowCount: Int, correctCount: Int) {
        precondition((0...max(rowCount, 0)).contains(correctCount), "\(correctCount) of \(rowCount) rows")
        self.domain = domain
        self.rowCount = rowCount
        self.correctCount = correctCount
    }
}

/// How well the domains can be told apart from rows that no discriminator has trained on.
public struct AdversarialMonitor: Sendable, Equatable {
    /// The share of rows whose domain is told, averaged over the two domains; ½ for domains that look alike.
    public let accuracy: Double

    /// The accuracy from the counts of any number of clients; `nil` where a domain has no rows.
    public init?(_ counts: [AdversarialCount]) {
        var sum = 0.0
        for domain in AdversarialDomain.allCases {
            let own = counts.filter { $0.domain == domain }
            let rowCount = own.reduce(0) { $0 + $1.rowCount }
            guard rowCount > 0 else { return nil }
            sum += Double(own.reduce(0) { $0 + $1.correctCount }) / Double(rowCount)
        }
        accuracy = sum / 2
    }

    /// 2(1 − 2ε) with ε = 1 − accuracy: 0 for domains that look alike, 2 for those that never do, below 0 where the
    /// discriminator is worse than a coin.
    ///
    /// Source: Ben-David et al., *Analysis of representations for domain adaptation* (NIPS 2006), section 5.
    public var proxyADistance: Double { 2 * (1 - 2 * (1 - accuracy)) }

    /// Which ids are held out: a fifth, by hash, alike in every process that knows the seed.
    public static func heldOut(_ ids: [String], seed: UInt64, share: Double = 0.2) -> [Bool] {
        ids.map { id in
            var stream = RandomStream(root: seed, path: ["adversarial", "held-out", .name(id)])
            return stream.uniform() < share
        }
    }
}

/// A discriminator of its own that is trained to convergence on frozen features: logistic regression by Newton's method
/// on standardised features, with their squares and products where it is quadratic.
///
/// The D of the game may be weak or one step behind; this one has no part in it. The domains have equal weights.
public struct AdversarialProbe: Sendable {
    /// The terms of the logit.
    public enum Degree: Sendable, Equatable, CaseIterable {
        /// The features: sees a shift of the mean.
        case linear
        /// The features, their squares and their products: sees different spreads and correlations too.
        case quadratic
    }

    private let degree: Degree
    private let means: [Double]
    private let scales: [Double]
    private let weights: [Double]

    /// Trains a probe.
    ///
    /// - Parameters:
    ///   - source: features of source rows, at least one.
    ///   - target: features of target rows, at least one, of as many columns.
    ///   - ridge: the factor of ½‖weights‖² beside the mean loss.
    /// - Throws: `notPositiveDefinite`, `notFinite`. *Complexity*: O(rows · terms²) a step, at most 50 steps.
    public init(
        source: Matrix, target: Matrix, degree: Degree, ridge: Double = 1e-3
    ) throws(NumericsError) {
        precondition(source.rowCount > 0 && target.rowCount > 0, "a probe without rows of a domain")
        precondition(source.columnCount == target.columnCount, "features of two dimensions")
        precondition(ridge > 0, "a probe without a ridge")
        self.degree = degree
        let parts = [source, target].map { matrix in
            (0..<matrix.rowCount).map { AdversarialProbe.terms(matrix.row($0), degree) }
        }
        let rows = parts[0] + parts[1]
        let count = rows[0].count
        var means = [Double](repeating: 0, count: count)
        for row in rows { for index in 0..<count { means[index] += row[index] / Double(rows.count) } }
        var squares = [Double](repeating: 0, count: count)
        for row in rows {
            for index in 0..<count {
                squares[index] += (row[index] - means[index]) * (row[index] - means[index]) / Double(rows.count)
            }
        }
        let scales = squares.map { $0 > 0 ? 1 / $0.squareRoot() : 0 }
        self.means = means
        self.scales = scales
        var weights = [Double](repeating: 0, count: count + 1)
        let inputs = rows.map { AdversarialProbe.input($0, means, scales) }
        func objective(_ weights: [Double]) -> Double {
            var sum = 0.0
            for (index, input) in inputs.enumerated() {
                let isSource = index < parts[0].count
                let logit = AdversarialProbe.product(input, weights)
                sum +=
                    (isSource ? AdversarialDomain.source : .target).loss(logit)
                    * 0.5 / Double(isSource ? parts[0].count : parts[1].count)
            }
            return sum + 0.5 * ridge * weights.reduce(0) { $0 + $1 * $1 }
        }
        var value = objective(weights)
        for _ in 0..<50 {
            let order = count + 1
            var gradient = weights.map { ridge * $0 }
            var hessian = [Double](repeating: 0, count: order * order)
            for index in 0..<order { hessian[index * order + index] = ridge }
            for (index, input) in inputs.enumerated() {
                let isSource = index < parts[0].count
                let weight = 0.5 / Double(isSource ? parts[0].count : parts[1].count)
                let logit = AdversarialProbe.product(input, weights)
                let slope = weight * (isSource ? AdversarialDomain.source : .target).slope(logit)
                let curve = weight * logistic(logit) * logistic(-logit)
                for row in 0..<order {
                    gradient[row] += slope * input[row]
                    let scale = curve * input[row]
                    for column in 0..<order { hessian[row * order + column] += scale * input[column] }
                }
            }
            let step = try solvePositiveDefinite(hessian, order: order, rightHandSides: gradient, count: 1)
            // A full step may overshoot where the domains are nearly separable.
            var length = 1.0
            var next = weights
            var nextValue = value
            while length > 1e-6 {
                next = zip(weights, step).map { $0 - length * $1 }
                nextValue = objective(next)
                if nextValue <= value { break }
                length /= 2
            }
            guard nextValue <= value else { break }
            let gain = value - nextValue
            (weights, value) = (next, nextValue)
            if gain < 1e-12 { break }
        }
        self.weights = weights
    }

    /// How many of a domain's rows the probe is right about.
    public func count(_ features: Matrix, domain: AdversarialDomain) -> AdversarialCount {
        let correct = (0..<features.rowCount).count { row in
            let terms = AdversarialProbe.terms(features.row(row), degree)
            return domain.isCorrect(
                AdversarialProbe.product(AdversarialProbe.input(terms, means, scales), weights))
        }
        return AdversarialCount(domain: domain, rowCount: features.rowCount, correctCount: correct)
    }

    private static func terms(_ row: ArraySlice<Float>, _ degree: Degree) -> [Double] {
        var out = row.map(Double.init)
        let count = out.count
        guard degree == .quadratic else { return out }
        for first in 0..<count { for second in first..<count { out.append(out[first] * out[second]) } }
        return out
    }

    private static func input(_ terms: [Double], _ means: [Double], _ scales: [Double]) -> [Double] {
        terms.indices.map { (terms[$0] - means[$0]) * scales[$0] } + [1]
    }

    private static func product(_ first: [Double], _ second: [Double]) -> Double {
        var sum = 0.0
        for index in first.indices { sum += first[index] * second[index] }
        return sum
    }
}
