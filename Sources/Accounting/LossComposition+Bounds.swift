import Glibc

extension LossComposition.Window {
    /// What rounding may add to δ at ε: mass r after tilting is at most r·e^{scale − θε}·max over y of (1 − e^−y)e^−θy.
    private func rounding(_ epsilon: Double) -> Double {
        roundingMass * exp(logScale - tilt * epsilon) / (1 + tilt)
    }

    private func probability(_ index: Int, interval: Double) -> Double {
        let mass = masses[index]
        return mass == 0 ? 0 : mass * exp(logScale - tilt * Double(first + index) * interval)
    }

    /// δ(ε), an upper bound; `nil` where ε lies below the window.
    ///
    /// Complexity: O(losses above ε).
    func delta(epsilon: Double, interval: Double) -> Double? {
        let place = epsilon / interval - Double(first)
        guard place >= 0 || tilt == 0 else { return nil }
        var sum = 0.0
        for index in stride(from: masses.count - 1, through: 0, by: -1) {
            let excess = Double(first + index) * interval - epsilon
            guard excess > 0 else { break }
            sum -= probability(index, interval: interval) * expm1(-excess)
        }
        return min(1, infiniteMass + sum + rounding(epsilon))
    }

    /// The smallest ε ≥ 0 with δ(ε) ≤ `delta`, an upper bound; infinite when there is none; `nil` where the window does
    /// not reach down to it, or rounding under this tilt would be more than a thousandth of δ.
    ///
    /// Complexity: O(losses above ε).
    func epsilon(delta: Double, interval: Double) -> Double? {
        guard infiniteMass < delta else { return .infinity }
        guard let first = crossing(delta - infiniteMass, interval: interval) else { return nil }
        let error = rounding(first)
        if error > 1e-3 * delta, tilt > 0 { return nil }
        guard infiniteMass + error < delta else { return .infinity }
        return crossing(delta - infiniteMass - error, interval: interval)
    }

    /// Where Σ (1 − e^{ε − loss})·probability falls to `delta`.
    private func crossing(_ delta: Double, interval: Double) -> Double? {
        let decay = exp(-interval)
        let rise = -expm1(-interval)
        // Σ over the losses above the current one: of the probabilities, and of what they add to δ at the current one.
        var mass = 0.0
        var divergence = 0.0
        for index in stride(from: masses.count - 1, through: 0, by: -1) {
            let loss = Double(first + index) * interval
            let next = decay * divergence + rise * mass
            if next > delta {
                // Between this loss and the one above, δ(ε) = A − e^{ε − loss}·E with A − E = next.
                let epsilon = loss + log1p((next - delta) / (mass - next))
                return max(0, min(epsilon, loss + interval))
            }
            divergence = next
            if loss <= 0 { return 0 }
            mass += probability(index, interval: interval)
        }
        // Below the window nothing is known but with θ = 0, where the window holds all but a trace of the mass.
        return tilt == 0 ? max(0, Double(first) * interval) : nil
    }
}
