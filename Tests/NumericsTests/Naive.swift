import Numerics

/// Slow twins in Double of what the library computes in Float through BLAS.
enum Naive {
    /// A matrix of standard normal numbers.
    static func gaussianMatrix(_ rows: Int, _ columns: Int, _ stream: inout RandomStream) -> Matrix {
        Matrix(
            rowCount: rows, columnCount: columns, values: (0..<rows * columns).map { _ in Float(stream.gaussian()) })
    }

    /// The sum Σₖ left(k) · right(k) with the bound of its error in Float: twice (terms + 2) · 2⁻²⁴ · Σ |left · right|,
    /// valid for any order of summation (Higham 2002, equation 3.5).
    static func dot(
        _ terms: Int, _ left: (Int) -> Float, _ right: (Int) -> Float
    ) -> (value: Double, tolerance: Double) {
        var sum = 0.0
        var magnitude = 0.0
        for term in 0..<terms {
            let product = Double(left(term)) * Double(right(term))
            sum += product
            magnitude += abs(product)
        }
        return (sum, 2 * Double(terms + 2) * 0x1p-24 * magnitude)
    }

    /// The Euclidean norm.
    static func norm(_ values: some Sequence<Double>) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
