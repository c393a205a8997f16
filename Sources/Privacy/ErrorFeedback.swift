import Parameters

/// What formats with few values leave over of the updates of a round, to be added to those of the next one.
///
/// Of a change Δ_t a client sends C(Δ_t + e_t), the nearest that the format has, and keeps e_{t+1} = Δ_t + e_t − C(Δ_t + e_t).
/// All that was sent and what is left over are therefore all changes together, Σ C + e_{T+1} = Σ Δ, so that nothing is
/// lost for good. Nothing of it leaves the client.
///
/// Sources: Seide et al. 2014, 1-bit SGD, §2.1; Stich et al. 2018, Sparsified SGD with memory, algorithm 1; Karimireddy et
/// al. 2019, Error feedback fixes SignSGD, algorithm 2.
struct ErrorFeedback: Sendable {
    /// e by tensor.
    private var leftovers: [String: [Float]] = [:]
    /// ‖e‖² and ‖Δ‖² of the present round over all its tensors.
    private var squares = (leftover: 0.0, change: 0.0)
    private var sum = 0.0
    private var roundCount = 0

    /// ‖e_{t+1}‖ ÷ ‖Δ_t‖, the mean over the rounds that changed something; `nil` before there was one.
    var meanRelativeError: Double? { roundCount > 0 ? sum / Double(roundCount) : nil }

    /// What is sent of a change, legal values of the tensor. *Complexity*: O(elements).
    mutating func sent(_ change: [Float], as spec: TensorSpec) -> [Float] {
        var total = change
        if let leftover = leftovers[spec.name], leftover.count == total.count {
            for index in total.indices { total[index] += leftover[index] }
        }
        // What has piled up beyond the bound waits too.
        let sent = spec.arriving(total.map { min(max($0, -spec.bound), spec.bound) })
        for index in total.indices {
            total[index] -= sent[index]
            squares.leftover += Double(total[index]) * Double(total[index])
            squares.change += Double(change[index]) * Double(change[index])
        }
        leftovers[spec.name] = total
        return sent
    }

    /// Ends a round.
    mutating func endRound() {
        if squares.change > 0 {
            sum += (squares.leftover / squares.change).squareRoot()
            roundCount += 1
        }
        squares = (0, 0)
    }

    /// Begins anew, where what was left over is of another training.
    mutating func reset() { leftovers = [:] }
}
