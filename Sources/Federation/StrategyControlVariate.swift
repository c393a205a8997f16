/// A client's estimate cᵢ of its own gradient, which scaffold keeps between rounds to undo the drift of local steps.
///
/// Source: Karimireddy et al., *SCAFFOLD* (ICML 2020), algorithm 1 with option II of line 12.
public struct ControlVariate: Sendable, Equatable {
    /// cᵢ; zeros at first.
    public private(set) var values: [Float]

    /// The control variate before the first round.
    public init(parameterCount: Int) { values = [Float](repeating: 0, count: parameterCount) }

    /// c − cᵢ, which a client adds to the gradient of each local step.
    public func correction(server: [Float]) -> [Float] {
        precondition(server.count == values.count, "control variates of \(server.count) and \(values.count) values")
        return zip(server, values).map { $0 - $1 }
    }

    /// cᵢ⁺ = cᵢ − c + (x − yᵢ)/(K ηₗ) after the local steps of a round.
    ///
    /// - Parameters:
    ///   - server: c of the round.
    ///   - start: x, the parameters that the round started with.
    ///   - end: yᵢ, those after the local steps.
    ///   - stepCount: K.
    ///   - rate: ηₗ, the learning rate of a local step.
    /// - Returns: cᵢ⁺ − cᵢ, for the coordinator.
    public mutating func update(
        server: [Float], start: [Float], end: [Float], stepCount: Int, rate: Double
    ) -> [Float] {
        precondition(stepCount > 0 && rate > 0 && rate.isFinite, "\(stepCount) steps at a rate of \(rate)")
        precondition(
            server.count == values.count && start.count == values.count && end.count == values.count,
            "a control variate of \(values.count) values")
        let factor = 1 / (Double(stepCount) * rate)
        var delta = [Float](repeating: 0, count: values.count)
        for index in values.indices {
            let moved = (Double(start[index]) - Double(end[index])) * factor
            let old = values[index]
            values[index] = Float(Double(old) - Double(server[index]) + moved)
            delta[index] = values[index] - old
        }
        return delta
    }
}
