import Glibc

/// The privacy loss of one event in one direction, moved to multiples of an interval so that no δ(ε) becomes smaller.
///
/// Mass between two neighbouring multiples goes to both such that its probability under *both* distributions is kept:
/// the "connect the dots" of Doroshenko, Ghazi, Kamath, Kumar & Manurangsi (PETS 2022), Algorithm 1, by which δ(ε) is
/// exact at every multiple of the interval and lies on the chord in e^ε between them.
struct LossGrid: Sendable {
    /// The distance between neighbouring losses.
    let interval: Double
    /// The loss of the first mass, in intervals.
    let first: Int
    /// The probabilities of the losses first, first + 1 …
    let masses: [Double]
    /// The probability of an infinite loss.
    let infiniteMass: Double

    /// The largest finite loss, in intervals.
    var last: Int { first + masses.count - 1 }
}

/// An outcome, or a set of outcomes whose likelihood ratio is the same: its probabilities under both data sets, and the
/// logarithm of their ratio.
struct LossAtom {
    var upper: Double
    var lower: Double
    var loss: Double
}

/// The probabilities, under two distributions "P" and "Q", of log(P/Q) lying between neighbouring multiples of an
/// interval; grids in both directions are made from it.
struct LossIntervals {
    let interval: Double
    let first: Int
    var upper: [Double]
    var lower: [Double]
    /// The probabilities of losses below `first`, under P and Q.
    var below = (upper: 0.0, lower: 0.0)
    /// The probabilities of losses above the last interval, under P and Q.
    var above = (upper: 0.0, lower: 0.0)
    var atoms: [LossAtom] = []

    init(interval: Double, first: Int, count: Int) {
        self.interval = interval
        self.first = first
        upper = [Double](repeating: 0, count: count)
        lower = [Double](repeating: 0, count: count)
    }

    /// The losses log(P/Q) under P.
    func forwardGrid() -> LossGrid {
        grid(first: first, upper: upper, lower: lower, below: below.upper, above: above.upper, sign: 1)
    }

    /// The losses log(Q/P) under Q.
    func backwardGrid() -> LossGrid {
        grid(
            first: -(first + upper.count), upper: lower.reversed(), lower: upper.reversed(), below: above.lower,
            above: below.lower, sign: -1)
    }

    private func grid(
        first: Int, upper: [Double], lower: [Double], below: Double, above: Double, sign: Double
    ) -> LossGrid {
        var masses = [Double](repeating: 0, count: upper.count + 1)
        masses[0] = below
        let width = -expm1(-interval)
        for index in upper.indices where upper[index] > 0 {
            let mass = upper[index]
            let ratio = exp(Double(first + index) * interval) * lower[index] / mass
            // Beyond the range of Double the whole mass goes up.
            let share = ratio.isFinite ? max(0, min(1, (1 - ratio) / width)) : 1
            masses[index + 1] += mass * share
            masses[index] += mass * (1 - share)
        }
        var infinite = above
        for atom in atoms {
            let mass = sign > 0 ? atom.upper : atom.lower
            guard mass > 0 else { continue }
            let loss = sign * atom.loss
            if loss == .infinity {
                infinite += mass
                continue
            }
            let place = max(Double(first), (loss / interval).rounded(.down))
            let share = max(0, min(1, expm1(place * interval - loss) / -width))
            let index = Int(place) - first
            if index >= upper.count {
                // At the last multiple but for rounding, or beyond it.
                if loss <= Double(first + upper.count) * interval + 1e-12 * abs(loss) {
                    masses[upper.count] += mass
                } else {
                    infinite += mass
                }
            } else {
                masses[index + 1] += mass * share
                masses[index] += mass * (1 - share)
            }
        }
        return LossGrid(interval: interval, first: first, masses: masses, infiniteMass: min(1, infinite))
    }
}
