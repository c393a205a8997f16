import Glibc

/// The two output distributions of one event that are hardest to tell apart, "P" and "Q".
enum LossPair {
    /// Mixtures of unit normal distributions.
    case normal(NormalMixturePair)
    /// Laplace noise of this scale on a value moved by 1, seen with probability `rate`.
    case laplace(scale: Double, rate: Double)
    /// Finitely many outcomes; `isSymmetric` when both directions are the same.
    case atoms([LossAtom], isSymmetric: Bool)

    /// The losses that are kept: each tail outside has at most probability `tail`.
    func lossRange(tail: Double) -> ClosedRange<Double> {
        switch self {
        case .normal(let pair): return pair.lossRange(tail: tail)
        case .laplace(let scale, let rate):
            return LossPair.mixedLoss(-1 / scale, rate: rate)...LossPair.mixedLoss(1 / scale, rate: rate)
        case .atoms(let atoms, _):
            let sorted = atoms.filter(\.loss.isFinite).sorted { $0.loss < $1.loss }
            guard let low = LossPair.firstKept(sorted, tail: tail),
                let high = LossPair.firstKept(sorted.reversed(), tail: tail)
            else { return 0...0 }
            return low...max(low, high)
        }
    }

    /// The first loss at which more than `tail` has passed under either distribution.
    private static func firstKept(_ atoms: [LossAtom], tail: Double) -> Double? {
        var upper = 0.0
        var lower = 0.0
        for atom in atoms {
            upper += atom.upper
            lower += atom.lower
            if max(upper, lower) > tail { return atom.loss }
        }
        return nil
    }

    /// The grids of both directions; one when they are the same.
    func grids(interval: Double, tail: Double) -> [LossGrid] {
        let range = lossRange(tail: tail)
        let first = Int((range.lowerBound / interval).rounded(.down))
        let last = max(first + 1, Int((range.upperBound / interval).rounded(.up)))
        var intervals = LossIntervals(interval: interval, first: first, count: last - first)
        switch self {
        case .normal(let pair):
            pair.fill(&intervals)
            return pair.isSymmetric
                ? [intervals.forwardGrid()] : [intervals.forwardGrid(), intervals.backwardGrid()]
        case .laplace(let scale, let rate):
            LossPair.fillLaplace(&intervals, scale: scale, rate: rate)
            return rate == 1 ? [intervals.forwardGrid()] : [intervals.forwardGrid(), intervals.backwardGrid()]
        case .atoms(let atoms, let isSymmetric):
            intervals.atoms = atoms
            return isSymmetric ? [intervals.forwardGrid()] : [intervals.forwardGrid(), intervals.backwardGrid()]
        }
    }

    /// log(1 − rate + rate·e^loss).
    static func mixedLoss(_ loss: Double, rate: Double) -> Double {
        if rate == 1 { return loss }
        return loss > 1 ? logAdd(log1p(-rate), log(rate) + loss) : log1p(rate * expm1(loss))
    }

    /// The inverse of `mixedLoss`; −∞ below its range.
    static func unmixedLoss(_ mixed: Double, rate: Double) -> Double {
        if rate == 1 { return mixed }
        if mixed > 1 { return logSubtract(mixed, log1p(-rate)) - log(rate) }
        let ratio = expm1(mixed) / rate
        return ratio > -1 ? log1p(ratio) : -.infinity
    }

    private static func fillLaplace(_ intervals: inout LossIntervals, scale: Double, rate: Double) {
        let edge = 0.5 * exp(-1 / scale)
        for (moved, still, loss) in [(edge, 0.5, -1 / scale), (0.5, edge, 1 / scale)] {
            intervals.atoms.append(
                LossAtom(upper: rate * moved + (1 - rate) * still, lower: still, loss: mixedLoss(loss, rate: rate)))
        }
        // Between the two centres the loss of the unsampled noise rises from −1/scale to 1/scale.
        func position(_ index: Int) -> Double {
            let loss = unmixedLoss(Double(intervals.first + index) * intervals.interval, rate: rate)
            return max(0, min(1, 0.5 * (1 + scale * loss)))
        }
        var start = position(0)
        for index in intervals.upper.indices {
            let end = position(index + 1)
            guard end > start else { continue }
            let width = -0.5 * expm1((start - end) / scale)
            let still = exp(-start / scale) * width
            let moved = exp((end - 1) / scale) * width
            intervals.lower[index] += still
            intervals.upper[index] += rate * moved + (1 - rate) * still
            start = end
        }
    }
}

extension LossPair {
    /// Integer noise on a value moved by `shift`, seen with probability `rate`.
    static func integerNoise(_ noise: IntegerNoise, shift: Int, rate: Double) -> LossPair {
        let last = noise.logProbabilities.count - 1
        // Outcomes of both tails beyond what underflows have no probability in Double.
        let atoms = (-last...last + shift).map { value in
            let moved = noise.logProbability(value - shift)
            let still = noise.logProbability(value)
            let loss = still == -.infinity ? .infinity : (moved == -.infinity ? -.infinity : moved - still)
            let upper = rate * exp(moved) + (1 - rate) * exp(still)
            return LossAtom(upper: upper, lower: exp(still), loss: mixed(loss, rate))
        }
        return .atoms(atoms, isSymmetric: rate == 1)
    }

    private static func mixed(_ loss: Double, _ rate: Double) -> Double {
        if loss == .infinity || rate == 1 { return loss }
        return mixedLoss(loss, rate: rate)
    }

    /// Two rows of the response matrix of k-ary randomised response.
    static func randomizedResponse(categories: Int, keep: Double) -> LossPair {
        let other = (1 - keep) / Double(categories - 1)
        let loss = other > 0 ? log(keep / other) : Double.infinity
        let atoms = [
            LossAtom(upper: keep, lower: other, loss: loss), LossAtom(upper: other, lower: keep, loss: -loss),
            LossAtom(upper: Double(categories - 2) * other, lower: Double(categories - 2) * other, loss: 0),
        ]
        return .atoms(atoms, isSymmetric: true)
    }
}
