import Glibc

/// A mixture of normal distributions of variance 1 against another, such that log(P/Q) rises with the outcome.
struct NormalMixturePair {
    /// A normal distribution of variance 1 and its share.
    struct Component {
        var mean: Double
        var weight: Double
    }

    private let upper: [Component]
    private let lower: [Component]
    /// Whether both directions are the same.
    let isSymmetric: Bool
    private let inverse: Inverse

    private enum Inverse {
        /// P is one normal distribution or a mixture with the centred one: closed form.
        case single(mean: Double, rate: Double)
        /// Both distributions are a mixture with the centred one, at ±mean: closed form.
        case opposite(mean: Double, rate: Double)
        /// Newton's method.
        case general
    }

    /// A sum that the person moves by one sensitivity with probability `rate`; P has the person, Q has not.
    init(noiseMultiplier: Double, rate: Double) {
        let mean = 1 / noiseMultiplier
        upper =
            rate == 1
            ? [Component(mean: mean, weight: 1)]
            : [Component(mean: 0, weight: 1 - rate), Component(mean: mean, weight: rate)]
        lower = [Component(mean: 0, weight: 1)]
        isSymmetric = rate == 1
        inverse = .single(mean: mean, rate: rate)
    }

    /// A person who takes part with probability `rate`, replaced by another whose contribution is opposite: half a
    /// sensitivity in either direction.
    init(replacedWithNoiseMultiplier noise: Double, rate: Double) {
        let mean = 0.5 / noise
        upper = [Component(mean: 0, weight: 1 - rate), Component(mean: mean, weight: rate)]
        lower = [Component(mean: 0, weight: 1 - rate), Component(mean: -mean, weight: rate)]
        isSymmetric = true
        inverse = .opposite(mean: mean, rate: rate)
    }

    /// A sum that the person moves by a random number of sensitivities.
    init(noiseMultiplier: Double, sensitivities: [Double], probabilities: [Double]) {
        upper = zip(sensitivities, probabilities).compactMap { sensitivity, probability in
            probability > 0 ? Component(mean: sensitivity / noiseMultiplier, weight: probability) : nil
        }
        lower = [Component(mean: 0, weight: 1)]
        isSymmetric = false
        inverse = .general
    }

    private static func logDensity(_ x: Double, _ components: [Component]) -> Double {
        // Relative to the density of the centred normal distribution.
        components.reduce(-.infinity) { logAdd($0, log($1.weight) + $1.mean * (x - $1.mean / 2)) }
    }

    /// log(P/Q) at an outcome.
    func loss(_ x: Double) -> Double {
        if case .single(let mean, let rate) = inverse {
            return LossPair.mixedLoss(mean * (x - mean / 2), rate: rate)
        }
        return NormalMixturePair.logDensity(x, upper) - NormalMixturePair.logDensity(x, lower)
    }

    /// The losses between the outcomes beyond which either distribution has at most probability `tail`.
    func lossRange(tail: Double) -> ClosedRange<Double> {
        let reach = (-2 * log(tail)).squareRoot()
        let means = (upper + lower).map(\.mean)
        let low = loss((means.min() ?? 0) - reach)
        let high = loss((means.max() ?? 0) + reach)
        return min(low, high)...max(low, high)
    }

    /// The outcome with this loss; infinite outside the range of losses. `guess` is a point near it.
    private func outcome(_ loss: Double, near guess: Double) -> Double {
        switch inverse {
        case .single(let mean, let rate):
            return LossPair.unmixedLoss(loss, rate: rate) / mean + mean / 2
        case .opposite(let mean, let rate):
            // c·u² − (1 − q)(e^ε − 1)·u − c·e^ε = 0 for u = e^{mean·x}, divided by e^{|ε|/2} and odd in ε.
            let size = abs(loss)
            let logC = log(rate) - mean * mean / 2
            let half = log1p(-rate) + (size > 0 ? size / 2 + log(-expm1(-size)) : -.infinity) - log(2.0) - logC
            // u = e^{ε/2}(s + √(s² + 1)) with s = (1 − q)·2·sinh(ε/2)/(2c) = e^half.
            let root = half > 20 ? half + log(2.0) : asinh(exp(half))
            let x = (size / 2 + root) / mean
            return loss < 0 ? -x : x
        case .general:
            return newton(loss, near: guess)
        }
    }

    private func newton(_ loss: Double, near guess: Double) -> Double {
        let largest = upper.reduce(0) { max($0, $1.mean) }
        guard largest > 0 else { return loss >= 0 ? .infinity : -.infinity }
        let floor = upper.reduce(0) { $1.mean == 0 ? $0 + $1.weight : $0 }
        if floor > 0, loss <= log(floor) { return -.infinity }
        var low = -1e300
        var high = 1e300
        var x = guess.isFinite ? guess : 0
        for _ in 0..<400 {
            var value = -Double.infinity
            for part in upper { value = logAdd(value, log(part.weight) + part.mean * (x - part.mean / 2)) }
            var slope = 0.0
            for part in upper { slope += part.mean * exp(log(part.weight) + part.mean * (x - part.mean / 2) - value) }
            if value < loss { low = x } else { high = x }
            var next = x + (loss - value) / slope
            if !(next > low && next < high) {
                next =
                    low == -1e300
                    ? x - 1 - abs(x) : (high == 1e300 ? x + 1 + abs(x) : low + (high - low) / 2)
            }
            if abs(next - x) <= 1e-15 * (1 + abs(x)) || next == low || next == high { return next }
            x = next
        }
        return x
    }

    /// The probability of both tails of a mixture at x, each to full relative precision.
    private static func tails(_ x: Double, _ components: [Component]) -> (below: Double, above: Double) {
        var below = 0.0
        var above = 0.0
        for part in components {
            let tail = normalTail(abs(x - part.mean))
            if x > part.mean {
                above += part.weight * tail
                below += part.weight * (1 - tail)
            } else {
                below += part.weight * tail
                above += part.weight * (1 - tail)
            }
        }
        return (below, above)
    }

    /// The probability of an interval under one component, from whichever tail is smaller.
    private struct Edge {
        var tail: Double
        var isAbove: Bool

        init(_ x: Double) {
            tail = normalTail(abs(x))
            isAbove = x > 0
        }

        func mass(to end: Edge) -> Double {
            if isAbove { return max(0, tail - end.tail) }
            return end.isAbove ? 1 - tail - end.tail : max(0, end.tail - tail)
        }
    }

    /// The probabilities of all intervals.
    ///
    /// Complexity: O(intervals × components).
    func fill(_ intervals: inout LossIntervals) {
        var x = outcome(Double(intervals.first) * intervals.interval, near: -.infinity)
        intervals.below = (
            NormalMixturePair.tails(x, upper).below, NormalMixturePair.tails(x, lower).below
        )
        let components = upper.map { ($0, true) } + lower.map { ($0, false) }
        var edges = components.map { Edge(x - $0.0.mean) }
        for index in intervals.upper.indices {
            let end = outcome(Double(intervals.first + index + 1) * intervals.interval, near: x)
            // The outcomes rise with the loss but for rounding.
            x = max(x, end)
            for (place, (part, isUpper)) in components.enumerated() {
                let edge = Edge(x - part.mean)
                let mass = part.weight * edges[place].mass(to: edge)
                if isUpper { intervals.upper[index] += mass } else { intervals.lower[index] += mass }
                edges[place] = edge
            }
        }
        intervals.above = (
            NormalMixturePair.tails(x, upper).above, NormalMixturePair.tails(x, lower).above
        )
    }
}
