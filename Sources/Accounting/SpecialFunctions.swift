import Glibc

/// log(eˣ + eʸ).
func logAdd(_ x: Double, _ y: Double) -> Double {
    let high = max(x, y)
    if high == -.infinity { return high }
    return high + log1p(exp(min(x, y) - high))
}

/// log(eˣ − eʸ) for x ≥ y.
func logSubtract(_ x: Double, _ y: Double) -> Double {
    if y == -.infinity { return x }
    return x > y ? x + log(-expm1(y - x)) : -.infinity
}

/// The logarithm of the absolute value of the generalised binomial coefficient n over k.
func logBinomial(_ n: Double, _ k: Double) -> Double {
    var sign: Int32 = 1
    return lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) - lgamma_r(n - k + 1, &sign)
}

/// The probability that a standard normal variable exceeds x, to a few units in the last place.
func normalTail(_ x: Double) -> Double { 0.5 * erfc(x * 0.5.squareRoot()) }

/// exp(x²)·erfc(x) for x ≥ 0, relative error about 1e-13.
func scaledErfc(_ x: Double) -> Double {
    if x < 5 { return exp(x * x) * erfc(x) }
    // Continued fraction, Abramowitz & Stegun 7.1.14, evaluated backwards; 60 terms are enough from 5 on.
    var tail = 0.0
    for k in stride(from: 60, through: 1, by: -1) { tail = 0.5 * Double(k) / (x + tail) }
    return 1 / ((x + tail) * Double.pi.squareRoot())
}

/// log(erfc(x)), also where erfc underflows.
func logErfc(_ x: Double) -> Double { x < 5 ? log(erfc(x)) : log(scaledErfc(x)) - x * x }

/// The ratio of the tail probability of the standard normal distribution to its density, for x ≥ 0.
func millsRatio(_ x: Double) -> Double { (Double.pi / 2).squareRoot() * scaledErfc(x * 0.5.squareRoot()) }
