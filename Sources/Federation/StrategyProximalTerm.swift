/// The pull of a client's parameters w towards those that the round started with, μ/2 ‖w − w₀‖².
///
/// Source: Li et al., *Federated optimization in heterogeneous networks* (MLSys 2020), equation 2.
public struct ProximalTerm: Sendable, Equatable {
    /// μ; 0 is no pull.
    public let factor: Double
    /// w₀.
    public let anchor: [Float]

    /// The term of one round.
    ///
    /// - Precondition: the factor is finite and not negative.
    public init(factor: Double, anchor: [Float]) {
        precondition(factor >= 0 && factor.isFinite, "a proximal factor of \(factor)")
        self.factor = factor
        self.anchor = anchor
    }

    /// μ/2 ‖w − w₀‖².
    public func value(at parameters: [Float]) -> Double {
        precondition(parameters.count == anchor.count, "\(parameters.count) parameters, \(anchor.count) anchored")
        var sum = 0.0
        for (value, start) in zip(parameters, anchor) {
            let difference = Double(value) - Double(start)
            sum += difference * difference
        }
        return factor / 2 * sum
    }

    /// Adds the gradient μ(w − w₀). *Complexity*: O(parameters).
    public func addGradient(at parameters: [Float], to gradient: inout [Float]) {
        precondition(
            parameters.count == anchor.count && gradient.count == anchor.count,
            "\(parameters.count) parameters, \(anchor.count) anchored, a gradient of \(gradient.count)")
        let factor = Float(factor)
        for index in gradient.indices { gradient[index] += factor * (parameters[index] - anchor[index]) }
    }
}
