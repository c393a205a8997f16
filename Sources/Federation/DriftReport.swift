import Numerics

/// How well drift was noticed, and how much of its harm was undone.
public struct DriftReport: Sendable, Equatable {
    /// The number of rounds from the change to the first alarm, 0 in the round of the change; `nil` when it was missed
    /// or there was no change.
    public let delay: Int?
    /// The number of alarms before the change; all alarms when there was none.
    public let falseAlarms: Int
    /// The share of the increase of the loss that was regained: (loss at the alarm − loss after r rounds) / (loss at the
    /// alarm − loss before). 1 is all; below 0 the loss went on rising. `nil` without a delay, where the record ends
    /// earlier, or where the loss at the alarm was not above that before.
    public let recovery: Double?

    /// The report of one run.
    ///
    /// - Parameters:
    ///   - losses: the loss of each round.
    ///   - alarms: the rounds with an alarm, ascending.
    ///   - change: the first round of the new distribution; `nil` without drift.
    ///   - recoveryRoundCount: r; the loss before is the mean of up to r rounds before the change.
    public init(losses: [Double], alarms: [Int], change: Int?, recoveryRoundCount: Int = 3) {
        precondition(recoveryRoundCount > 0, "recovery after \(recoveryRoundCount) rounds")
        precondition(alarms.allSatisfy { losses.indices.contains($0) }, "an alarm in a round without a loss")
        precondition(zip(alarms, alarms.dropFirst()).allSatisfy { $0 < $1 }, "alarms are not ascending")
        precondition(change.map { losses.indices.contains($0) } ?? true, "a change in a round without a loss")
        falseAlarms = change.map { change in alarms.count { $0 < change } } ?? alarms.count
        guard let change, let alarm = alarms.first(where: { $0 >= change }) else {
            delay = nil
            recovery = nil
            return
        }
        delay = alarm - change
        let before = mean(Array(losses[..<change].suffix(recoveryRoundCount)))
        let after = alarm + recoveryRoundCount
        guard let before, after < losses.count, losses[alarm] > before else {
            recovery = nil
            return
        }
        recovery = (losses[alarm] - losses[after]) / (losses[alarm] - before)
    }
}
